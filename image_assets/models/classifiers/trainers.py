"""Which way of training is used; what a way needs is imported when it is chosen."""

from dataclasses import dataclass
from typing import Literal

from image_assets.models.classifiers.classifier import EpochKeeper, Trainer
from image_assets.models.encoders.encoder import ImageEncoder

TrainerName = Literal["head", "fine-tune"]


@dataclass(frozen=True, slots=True)
class TrainerParams:
    """What can be said of a training.

    Attributes:
        trainer: head (on embeddings, seconds) or fine-tune (on pixels, minutes).
        fine_tune_from: where fine-tuning starts from: `builtin`, a hub name, or a folder in the hub's format.
        fine_tune_epochs: passes of fine-tuning.
        device: auto, cuda, mps or cpu.
    """

    trainer: TrainerName = "head"
    fine_tune_from: str = "builtin"
    fine_tune_epochs: int = 4
    device: str = "auto"


def make_trainer(params: TrainerParams, encoder: ImageEncoder, keeper: EpochKeeper | None = None) -> Trainer:
    """The trainer of this name; a head reads the encoder's vectors, a killed fine-tuning goes on from the keeper's."""
    if params.trainer == "fine-tune":
        from image_assets.models.classifiers.fine_tuning import FineTuner, FineTuningParams

        tuning = FineTuningParams(params.fine_tune_from, params.fine_tune_epochs, device=params.device)
        return FineTuner(tuning, keeper)
    from image_assets.models.classifiers.head_trainer import HeadTrainer

    return HeadTrainer(encoder)
