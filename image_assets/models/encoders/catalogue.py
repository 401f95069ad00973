"""Encoders worth knowing, as data: any other checkpoint of their kind works as well."""

from dataclasses import dataclass
from typing import Final

from image_assets.models.encoders.checkpoints import BUILTIN, BUILTIN_SMALL, is_here


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """Facts about a published checkpoint.

    Attributes:
        name: what IMAGE_ASSETS_ENCODER takes.
        dimension: numbers per embedding.
        input_size_px: side of the square the image is brought to.
        parameters_m: millions of parameters, images and texts together.
        licence: of the weights, SPDX, as their model card states it.
        source: who made it.
    """

    name: str
    dimension: int
    input_size_px: int
    parameters_m: int
    licence: str
    source: str

    @property
    def is_here(self) -> bool:
        """Whether its weights are on this machine."""
        return is_here(self.name)


REFERENCE: Final = "openai/clip-vit-large-patch14"
"""What published numbers of this kind of system are given for."""

_OPENAI_LICENCE: Final = "none stated; code: mit"

CATALOGUE: Final = (
    CatalogueEntry(BUILTIN, 256, 176, 5, "apache-2.0", "shipped; small, clothing only"),
    CatalogueEntry(BUILTIN_SMALL, 256, 120, 5, "apache-2.0", "shipped; the same, faster and less sure"),
    CatalogueEntry("openai/clip-vit-base-patch32", 512, 224, 151, _OPENAI_LICENCE, "OpenAI, CLIP; the fastest of them"),
    CatalogueEntry(REFERENCE, 768, 224, 428, _OPENAI_LICENCE, "OpenAI, CLIP; the reference"),
    CatalogueEntry("openai/clip-vit-large-patch14-336", 768, 336, 428, _OPENAI_LICENCE, "OpenAI, CLIP"),
    CatalogueEntry("laion/CLIP-ViT-B-32-laion2B-s34B-b79K", 512, 224, 151, "mit", "LAION, OpenCLIP"),
    CatalogueEntry(
        "patrickjohncyh/fashion-clip", 512, 224, 151, "mit", "Chia et al.; LAION's, tuned on Farfetch's photos"
    ),
    CatalogueEntry("google/siglip-base-patch16-224", 768, 224, 203, "apache-2.0", "Google, SigLIP"),
    CatalogueEntry("google/siglip-so400m-patch14-384", 1152, 384, 878, "apache-2.0", "Google, SigLIP; the strongest"),
)
