"""What it means to caption images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from image_assets.imaging.pixels import RgbImage


@dataclass(frozen=True, slots=True)
class CaptionerDescription:
    """Name and revision of the weights."""

    name: str
    revision: str


class Captioner(Protocol):
    """Says in a sentence what an image shows."""

    @property
    def description(self) -> CaptionerDescription:
        """Facts about the weights; available without running the model."""
        ...

    def caption_images(self, images: Sequence[RgbImage]) -> list[str]:
        """One sentence per image, in order."""
        ...
