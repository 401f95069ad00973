"""What can be said of a checkpoint without loading it: read from its JSON files and the header of its weights."""

import json
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open

from image_assets.errors import ModelError
from image_assets.models.encoders.checkpoints import ADVICE, Checkpoint, weight_files
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.models.encoders.learned_photos import read_learned_from

_LAST_LAYERS: Final = ("visual_projection.weight", "text_projection.weight", "text_model.head.weight")
"""Whose rows are the numbers of an embedding: CLIP and its like, ALIGN, SigLIP."""


def describe_checkpoint(checkpoint: Checkpoint) -> EncoderDescription:
    """Facts about a checkpoint; takes milliseconds and neither torch nor transformers.

    Raises:
        ModelError: a file is damaged, or the checkpoint is no encoder of images and texts.
    """
    return EncoderDescription(
        name=checkpoint.name,
        revision=checkpoint.revision,
        dimension=_dimension_of(checkpoint),
        input_size_px=checkpoint.input_size_px or _input_size_of(checkpoint),
        licence=checkpoint.licence,
        source=checkpoint.source,
        learned_from=read_learned_from(checkpoint.folder),
    )


def _dimension_of(checkpoint: Checkpoint) -> int:
    """From the weights, because a configuration leaves out what is usual; other formats than safetensors must say."""
    for path in weight_files(checkpoint.folder):
        rows = _rows_of_last_layer(path) if path.suffix == ".safetensors" else None
        if rows is not None:
            return rows
    config = _read_json(checkpoint.folder / "config.json")
    stated = config.get("projection_dim") or config.get("text_config", {}).get("projection_size")
    if stated is None:
        raise ModelError(f"{checkpoint.source} is not an encoder of images and texts. {ADVICE}")
    return int(stated)


def _rows_of_last_layer(weights: Path) -> int | None:
    try:
        with safe_open(weights, framework="numpy") as file:
            name = next((name for name in _LAST_LAYERS if name in set(file.keys())), None)
            return int(file.get_slice(name).get_shape()[0]) if name else None
    except (SafetensorError, OSError) as problem:
        raise ModelError(f"{weights} cannot be read: {problem}. {ADVICE}") from problem


def _input_size_of(checkpoint: Checkpoint) -> int:
    """Rows of the square after resizing and cropping; a bare number, as old files have it, is the side."""
    rules = _image_rules(checkpoint.folder)
    size = rules.get("crop_size") if rules.get("do_center_crop") else rules.get("size")
    sides = size if isinstance(size, dict) else {"height": size}
    side = sides.get("height") or sides.get("shortest_edge")
    if side is None:
        raise ModelError(f"{checkpoint.source} does not say what size its images have. {ADVICE}")
    return int(side)


def _image_rules(folder: Path) -> dict[str, Any]:
    """Newer files keep the rules of all inputs together."""
    together = folder / "processor_config.json"
    if together.is_file() and "image_processor" in (rules := _read_json(together)):
        return dict(rules["image_processor"])
    return _read_json(folder / "preprocessor_config.json")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ModelError(f"{path} cannot be read: {problem}. {ADVICE}") from problem
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds no settings. {ADVICE}")
    return content
