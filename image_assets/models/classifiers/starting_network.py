"""What fine-tuning starts from: the image tower of the shipped encoder, or a network of the hub's format."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from PIL import Image
from torch import nn
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoModelForImageClassification
from transformers.utils.logging import disable_progress_bar

from image_assets.errors import ModelError
from image_assets.models.classifiers import tower_classifier
from image_assets.models.encoders.checkpoints import Checkpoint, locate_checkpoint
from image_assets.models.encoders.efficientnet_lite import EfficientNetLiteConfig
from image_assets.models.encoders.encoder import ImageEncoder, Placement
from image_assets.models.encoders.encoder_loading import load_part
from image_assets.models.encoders.image_preparation import ImageRules, read_image_rules
from image_assets.models.encoders.lazy_encoder import open_encoder

_TIMM: Final = "timm_wrapper"
_MOST_DROPOUT: Final = 0.2
"""Some published configurations give the share that is kept for the share that is dropped."""


@dataclass(frozen=True, slots=True, eq=False)
class StartingNetwork:
    """A network that has learnt from other pictures, with a last layer for the labels.

    Attributes:
        network: of transformers.
        rules: how it wants its pictures.
        revision: what pins its weights.
        new: names of those weights that it does not have yet.
        encoder: whose image tower it is, so that a head on its vectors says how its last layer begins; None: of none.
    """

    network: Any
    rules: ImageRules
    revision: str
    new: frozenset[str]
    encoder: ImageEncoder | None


def find_start(name: str, labels: int, device: str) -> StartingNetwork:
    """By the word `builtin`, a hub name, or a folder in the hub's format; the weights lie on the CPU.

    Raises:
        ModelError: missing, damaged, or no network that can be fine-tuned.
    """
    disable_progress_bar()
    tower_classifier.register()
    try:
        checkpoint = locate_checkpoint(name, None)
        config = load_part(AutoConfig.from_pretrained, checkpoint)
        rules = _whole_picture(checkpoint, config)
        if _is_ours(config):
            network = tower_classifier.tower_of(
                load_part(AutoModel.from_pretrained, checkpoint, dtype="float32"), labels
            )
            encoder = open_encoder(name, None, Placement(device))
            return StartingNetwork(network, rules, checkpoint.revision, frozenset(), encoder)
        network, new = _load_network(checkpoint, labels)
    except ModelError as problem:
        raise ModelError(
            f"the weights to start from cannot be used: {problem} IMAGE_ASSETS_FINE_TUNE_FROM takes a hub name or a "
            "folder with an image classifier; IMAGE_ASSETS_FINE_TUNE_FROM=builtin needs no download"
        ) from problem
    return StartingNetwork(network, rules, checkpoint.revision, new, None)


def _is_ours(config: Any) -> bool:
    """Whether it is an encoder whose image tower is that of `builtin`."""
    vision = getattr(config, "vision_config", None)
    return getattr(vision, "model_type", None) == EfficientNetLiteConfig.model_type


def _load_network(checkpoint: Checkpoint, labels: int) -> tuple[Any, frozenset[str]]:
    options = {"num_labels": labels, "ignore_mismatched_sizes": True, "output_loading_info": True, "dtype": "float32"}
    network, report = load_part(AutoModelForImageClassification.from_pretrained, checkpoint, **options)
    lacking = sorted(each for each in report["missing_keys"] if each.startswith(f"{network.base_model_prefix}."))
    if lacking:
        raise ModelError(f"{checkpoint.source} lacks {len(lacking)} of its weights, such as {lacking[0]}.")
    for layer in network.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = min(layer.p, _MOST_DROPOUT)
    return network, _new(report)


def _new(report: Mapping[str, Any]) -> frozenset[str]:
    """Names of weights that are random: there were none, or for another number of labels."""
    mismatched = (each if isinstance(each, str) else each[0] for each in report["mismatched_keys"])
    return frozenset({*report["missing_keys"], *mismatched})


def _whole_picture(checkpoint: Checkpoint, config: Any) -> ImageRules:
    """The checkpoint's own preparation, but nothing is cropped: product photos fill their frame."""
    if config.model_type == _TIMM:
        return _rules_of_timm(config.pretrained_cfg)
    rules = read_image_rules(load_part(AutoImageProcessor.from_pretrained, checkpoint, backend="pil"))
    if not isinstance(rules, ImageRules):
        raise ModelError(f"{checkpoint.source} prepares images in a way that is not known here.")
    return replace(rules, shortest_side_px=None)


def _rules_of_timm(facts: Mapping[str, Any]) -> ImageRules:
    """timm's checkpoints have no file of rules for transformers."""
    _, height, width = facts["input_size"]
    kind = Image.Resampling[facts["interpolation"].upper()]
    return ImageRules(None, height, width, kind, 1 / 255, tuple(facts["mean"]), tuple(facts["std"]))
