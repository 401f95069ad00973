"""Which way of training is used; what a way needs is imported when it is chosen."""

from dataclasses import dataclass
from typing import Literal

from image_assets.models.classifiers.classifier import Trainer
from image_assets.models.encoders.encoder import ImageEncoder

TrainerName = Literal["head", "mobilenet"]


@dataclass(frozen=True, slots=True)
class TrainerParams:
    """What can be said of a training.

    Attributes:
        trainer: head (on embeddings, seconds) or mobilenet (fine-tuning, minutes on a GPU).
        mobilenet: where fine-tuning starts from: a hub name, or a folder in the hub's format.
        mobilenet_epochs: passes of fine-tuning.
        device: auto, cuda, mps or cpu.
    """

    trainer: TrainerName = "head"
    mobilenet: str = "google/mobilenet_v2_1.0_224"
    mobilenet_epochs: int = 8
    device: str = "auto"


def make_trainer(params: TrainerParams, encoder: ImageEncoder) -> Trainer:
    """The trainer of this name; the encoder is whose vectors a head reads."""
    if params.trainer == "mobilenet":
        from image_assets.models.classifiers.mobilenet_trainer import MobileNetTrainer

        return MobileNetTrainer(params.mobilenet, params.mobilenet_epochs, device=params.device)
    from image_assets.models.classifiers.head_trainer import HeadTrainer

    return HeadTrainer(encoder)
