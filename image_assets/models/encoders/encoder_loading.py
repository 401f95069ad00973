"""From files to a `TransformersEncoder` on its device."""

from collections.abc import Callable
from typing import Any, Final

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from image_assets.errors import ModelError
from image_assets.models.encoders import efficientnet_lite
from image_assets.models.encoders.checkpoint_description import describe_checkpoint
from image_assets.models.encoders.checkpoints import ADVICE, Checkpoint
from image_assets.models.encoders.devices import choose_placement
from image_assets.models.encoders.encoder import Placement
from image_assets.models.encoders.image_preparation import read_image_rules
from image_assets.models.encoders.transformers_encoder import DualEncoder, TransformersEncoder

_LOADING_ERRORS: Final = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
    ImportError,
    SafetensorError,
    StrictDataclassError,
)
"""What transformers was seen to raise on missing, torn, foreign or unsupported files."""


def load_encoder(checkpoint: Checkpoint, placement: Placement) -> TransformersEncoder:
    """Loads a checkpoint onto the device.

    Raises:
        ModelError: corrupt, not what its files say that it is, or too large for the device.
        ConfigurationError: no such device or precision.
    """
    chosen = choose_placement(placement)
    description = describe_checkpoint(checkpoint)
    # Its bar over each file drowns the bars of whoever loads the encoder.
    disable_progress_bar()
    efficientnet_lite.register()
    model = _load_model(checkpoint)
    tokenizer = load_part(AutoTokenizer.from_pretrained, checkpoint)
    preparation = read_image_rules(
        load_part(AutoImageProcessor.from_pretrained, checkpoint, backend="pil", **_size(checkpoint))
    )
    if preparation.height_px != description.input_size_px:
        raise ModelError(
            f"{checkpoint.source} takes images of {preparation.height_px} px, but its files say "
            f"{description.input_size_px}. {ADVICE}"
        )
    try:
        return TransformersEncoder(model, tokenizer, preparation, description, chosen)
    except torch.OutOfMemoryError as problem:
        raise ModelError(
            f"{checkpoint.source} does not fit on {chosen.device}; set IMAGE_ASSETS_DEVICE=cpu. {ADVICE}"
        ) from problem


def _size(checkpoint: Checkpoint) -> dict[str, dict[str, int]]:
    side = checkpoint.input_size_px
    return {"size": {"height": side, "width": side}} if side else {}


def _load_model(checkpoint: Checkpoint) -> DualEncoder:
    # In fp32, because half precision would round the logit scale.
    model, report = load_part(AutoModel.from_pretrained, checkpoint, dtype="float32", output_loading_info=True)
    if not (hasattr(model, "get_image_features") and hasattr(model, "get_text_features")):
        raise ModelError(
            f"{checkpoint.source} is a {type(model).__name__}, not an encoder of images and texts. {ADVICE}"
        )
    if report["missing_keys"]:
        raise ModelError(
            f"{checkpoint.source} lacks {len(report['missing_keys'])} of its weights, "
            f"such as {min(report['missing_keys'])}. {ADVICE}"
        )
    loaded: DualEncoder = model
    return loaded


def load_part(load: Callable[..., Any], checkpoint: Checkpoint, **options: Any) -> Any:
    """What one of transformers' `from_pretrained` makes of a checkpoint; `ModelError` when it cannot."""
    try:
        return load(checkpoint.folder, local_files_only=True, **options)
    except _LOADING_ERRORS as problem:
        raise ModelError(f"{checkpoint.source} cannot be loaded: {problem}. {ADVICE}") from problem
