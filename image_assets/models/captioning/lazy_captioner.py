"""A captioner that is named at once and loaded when it first has to work."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from image_assets.errors import ModelError
from image_assets.imaging.pixels import RgbImage
from image_assets.models.captioning.captioner import CaptionerDescription
from image_assets.models.encoders.checkpoints import ADVICE, Checkpoint, locate_checkpoint
from image_assets.models.encoders.encoder import Placement

if TYPE_CHECKING:
    from image_assets.models.captioning.blip_captioner import BlipCaptioner

_ADVICE = "IMAGE_ASSETS_CAPTIONER takes a BLIP or BLIP-2 checkpoint, a hub name or a folder, or the word 'template'."


def open_captioner(name: str, revision: str | None, placement: Placement) -> "LazyCaptioner":
    """A captioner by hub name or local folder; neither torch nor the model is loaded yet.

    Raises:
        ModelError: nothing there, or the hub cannot be reached; damaged weights are found when they are loaded.
    """
    with _captioner_advice():
        return LazyCaptioner(locate_checkpoint(name, revision), placement)


class LazyCaptioner:
    """A `Captioner`; `caption_images` raises what loading raises: `ModelError`, `ConfigurationError`."""

    def __init__(self, checkpoint: Checkpoint, placement: Placement) -> None:
        self._checkpoint = checkpoint
        self._placement = placement
        self._captioner: BlipCaptioner | None = None

    @property
    def description(self) -> CaptionerDescription:
        """See `Captioner`."""
        return CaptionerDescription(self._checkpoint.name, self._checkpoint.revision)

    def caption_images(self, images: Sequence[RgbImage]) -> list[str]:
        """See `Captioner`."""
        if self._captioner is None:
            # Imported here, because importing torch and transformers takes seconds.
            from image_assets.models.captioning.blip_captioner import load_captioner

            with _captioner_advice():
                self._captioner = load_captioner(self._checkpoint, self._placement)
        return self._captioner.caption_images(images)


@contextmanager
def _captioner_advice() -> Iterator[None]:
    """Errors about checkpoints advise what to set for the encoder."""
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{str(error).removesuffix(ADVICE).rstrip(' .')}. {_ADVICE}") from error
