"""What models are asked of an image."""

from dataclasses import dataclass
from typing import Literal

from image_assets.models.captioning.template_captioner import TEMPLATE
from image_assets.models.captioning.text_reader import TextParams
from image_assets.models.zero_shot.moderation import Policies
from image_assets.models.zero_shot.vocabulary import Vocabulary
from image_assets.tables.chain import Chain, chain_with

ModerationBy = Literal["zero-shot", "open-nsfw"]


@dataclass(frozen=True, slots=True)
class EnrichmentParams:
    """What is asked.

    Attributes:
        vocabulary: the words of the tags.
        policies: what may not be shown.
        moderation: whether vectors are held against them, or a classifier looks at the pictures.
        captioner: `TEMPLATE`, or a checkpoint by folder or hub name.
        captioner_revision: hub commit, tag or branch.
        reads_text: whether text in images is read.
        text: how carefully.
    """

    vocabulary: Vocabulary
    policies: Policies
    moderation: ModerationBy = "zero-shot"
    captioner: str = TEMPLATE
    captioner_revision: str | None = None
    reads_text: bool = False
    text: TextParams = TextParams()

    @property
    def has_captioner(self) -> bool:
        """Whether a model writes the captions."""
        return self.captioner != TEMPLATE

    @property
    def moderates_pictures(self) -> bool:
        """Whether a classifier looks at the pictures."""
        return self.moderation == "open-nsfw"

    @property
    def chain(self) -> Chain:
        """The day's chain, as what is asked makes it."""
        return chain_with(
            captioner=self.has_captioner, text=self.reads_text, moderates_pictures=self.moderates_pictures
        )
