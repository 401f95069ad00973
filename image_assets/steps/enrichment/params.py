"""What models are asked of an image, and from which images each table of the answers is made."""

from collections.abc import Mapping
from dataclasses import dataclass

from image_assets.models.moderation import Policies
from image_assets.models.tag_caption import TEMPLATE
from image_assets.models.text_reader import TextParams
from image_assets.models.vocabulary import Vocabulary
from image_assets.tables.embeddings import embeddings_name
from image_assets.tables.enrichment import IMAGE_CAPTIONS, IMAGE_MODERATION, IMAGE_TAGS, IMAGE_TEXT
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES


@dataclass(frozen=True, slots=True)
class EnrichmentParams:
    """What is asked.

    Attributes:
        vocabulary: the words of the tags.
        policies: what may not be shown.
        captioner: `TEMPLATE`, or a checkpoint by folder or hub name.
        captioner_revision: hub commit, tag or branch.
        reads_text: whether text in images is read.
        text: how carefully.
    """

    vocabulary: Vocabulary
    policies: Policies
    captioner: str = TEMPLATE
    captioner_revision: str | None = None
    reads_text: bool = False
    text: TextParams = TextParams()

    @property
    def has_captioner(self) -> bool:
        """Whether a model writes the captions."""
        return self.captioner != TEMPLATE


def enrichment_upstream(params: EnrichmentParams, encoder: str) -> Mapping[str, str]:
    """By table, the table whose every image it has; not the table of a stage that is switched off."""
    vectors = embeddings_name(encoder)
    upstream = {IMAGE_TAGS.name: vectors, IMAGE_MODERATION.name: vectors}
    upstream[IMAGE_CAPTIONS.name] = SILVER_IMAGES.name if params.has_captioner else IMAGE_TAGS.name
    return {**upstream, IMAGE_TEXT.name: BRONZE_IMAGES.name} if params.reads_text else upstream
