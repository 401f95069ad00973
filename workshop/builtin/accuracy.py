"""How often the nearest class sentence is the right one."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, VisionTextDualEncoderModel

from image_assets.models.zero_shot.prototypes import sentences_about
from workshop.builtin.architecture import MEAN, STD
from workshop.builtin.photos import LabelledPixels

_BATCH = 64


@dataclass(frozen=True, slots=True)
class ZeroShotAccuracy:
    """Top-1 accuracy, 0..1; None or empty without pictures."""

    overall: float | None
    of_label: dict[str, float]


@torch.no_grad()
def measure_zero_shot(
    model: VisionTextDualEncoderModel, tokenizer: PreTrainedTokenizerFast, pictures: LabelledPixels
) -> ZeroShotAccuracy:
    """Compares each picture, brought to the model's input size, with one prototype per label."""
    labels = sorted({shown.label for shown in pictures.descriptions if shown.label})
    if not labels:
        return ZeroShotAccuracy(None, {})
    prototypes = torch.stack([_prototype(model, tokenizer, label) for label in labels])
    features = torch.cat([_encode(model, batch) for batch in pictures.pixels.split(_BATCH)])
    guesses = (features @ prototypes.T).argmax(dim=1)
    truth = torch.tensor([labels.index(shown.label or "") for shown in pictures.descriptions])
    hits = (guesses == truth).float()
    of_label = {label: float(hits[truth == index].mean()) for index, label in enumerate(labels)}
    return ZeroShotAccuracy(float(hits.mean()), of_label)


def _prototype(model: VisionTextDualEncoderModel, tokenizer: PreTrainedTokenizerFast, label: str) -> Tensor:
    tokens = tokenizer(sentences_about(label), padding=True, truncation=True, return_tensors="pt")
    features = model.get_text_features(
        input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
    ).pooler_output
    return functional.normalize(functional.normalize(features, dim=1).mean(dim=0), dim=0)


def _encode(model: VisionTextDualEncoderModel, pixels: Tensor) -> Tensor:
    mean, std = torch.tensor(MEAN).view(1, 3, 1, 1), torch.tensor(STD).view(1, 3, 1, 1)
    images = (pixels.float() / 255 - mean) / std
    return functional.normalize(model.get_image_features(pixel_values=images).pooler_output, dim=1)
