"""Trains `builtin` from scratch: every question about a picture is answered through the text tower.

A question is a set of descriptions (all categories, all colours, ...), worded anew at each step;
a picture must be nearest to the sentence that is true of it, and a sentence to the pictures it is true of. So one
loss teaches classification, colours and search by text.
"""

import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel
from transformers import VisionTextDualEncoderModel

from image_assets.models.classifiers.schedule import learning_rate_factor
from image_assets.models.encoders.devices import choose_precision
from workshop.builtin.accuracy import measure_zero_shot
from workshop.builtin.architecture import (
    INPUT_SIZE_PX,
    MEAN,
    STD,
    accept_size,
    build_model,
    build_pair,
    load_pair,
    save_checkpoint,
)
from workshop.builtin.augmentation import blend, vary
from workshop.builtin.drawn_pictures import draw_pictures
from workshop.builtin.optimisation import (
    group_parameters,
    moving_average,
    soft_cross_entropy,
)
from workshop.builtin.photos import LabelledPixels, read_photos
from workshop.builtin.questions import Question, pose_questions
from workshop.builtin.sentences import caption_words, write_caption

_LARGEST_LOGIT_SCALE = 100.0
_SEARCH_WEIGHT = 0.5
"""Of finding a sentence's pictures in the batch, beside finding a picture's sentence."""


@dataclass(frozen=True, slots=True)
class TrainingParams:
    """How long and how hard to train.

    Attributes:
        epochs: passes over the photos, at most.
        minutes: the schedule shrinks to fit; what comes out then depends on the machine's speed.
        batch_size: pictures per step.
        learning_rate: AdamW's, at the top of the one-cycle schedule.
        attention_rate: learning rate of the attention and text parts, as a share of it.
        weight_decay: AdamW's.
        label_smoothing: share of each target spread over all answers.
        averaging: decay per step of the shipped moving average of the weights.
        blend_rate: share of batches with CutMix or mixup.
        small_size_px: side of the pictures in the first part of the training; a multiple of 32.
        small_share: that part.
        cache_size_px: side at which photos wait in memory.
        drawn_pictures: how many different pictures are drawn.
        drawn_share: drawn pictures per photo in an epoch.
        precision: number format of the passes: fp32, bf16, or auto, which is the faster on this processor.
        check_every: epochs between two measurements on the validation photos.
        seed: of everything random.
    """

    epochs: int = 200
    minutes: float = math.inf
    batch_size: int = 64
    learning_rate: float = 1e-3
    attention_rate: float = 0.4
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    averaging: float = 0.998
    blend_rate: float = 0.6
    small_size_px: int = 96
    small_share: float = 0.6
    cache_size_px: int = 144
    drawn_pictures: int = 1500
    drawn_share: float = 0.15
    precision: str = "auto"
    check_every: int = 5
    seed: int = 7


FINISH: Final = TrainingParams(
    epochs=12, learning_rate=2e-4, averaging=0.995, blend_rate=0.15, small_share=0, check_every=3, seed=11
)
"""For a second training that starts from a first: most pictures as they are, unblended, at the size they are used."""


@dataclass(frozen=True, slots=True)
class EpochReport:
    """One pass over the photos.

    Attributes:
        epoch: counted from 1.
        loss: mean over the steps.
        accuracy: zero-shot top-1 of the averaged weights, 0..1; None where it was not measured.
    """

    epoch: int
    loss: float
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What came out, measured on the photos kept aside.

    Attributes:
        accuracy: zero-shot top-1, 0..1; None without validation photos.
        accuracy_of: the same per label.
        photos: pictures learned from.
        epochs: passes over them.
    """

    accuracy: float | None
    accuracy_of: dict[str, float]
    photos: int
    epochs: int


def train_builtin(
    photos: Path,
    output: Path,
    params: TrainingParams = TrainingParams(),
    on_epoch: Callable[[EpochReport], None] | None = None,
    start: Path | None = None,
) -> TrainingReport:
    """Trains on a folder of labelled photos and writes a checkpoint that transformers loads.

    Args:
        photos: folder with `manifest.csv`; see `read_photos`.
        output: folder of the checkpoint; written at every measurement and at the end.
        params: how long and how hard.
        on_epoch: told about each epoch.
        start: an earlier output to go on from; None starts from random weights.

    Raises:
        ModelError: no readable manifest, no photo to learn from, or no checkpoint to start from.
    """
    torch.manual_seed(params.seed)
    splits = read_photos(photos, params.cache_size_px, INPUT_SIZE_PX)
    drawn = draw_pictures(params.drawn_pictures, params.cache_size_px, params.seed)
    training = _Training(splits.train, drawn, params, start)
    epoch = 0
    while training.progress < 1:
        loss, epoch = training.run_epoch(), epoch + 1
        accuracy = None
        if epoch % params.check_every == 0 or training.progress >= 1:
            training.save(output)
            accuracy = measure_zero_shot(training.averaged, training.tokenizer, splits.validation).overall
        if on_epoch is not None:
            on_epoch(EpochReport(epoch, loss, accuracy))
    result = measure_zero_shot(training.averaged, training.tokenizer, splits.validation)
    return TrainingReport(result.overall, result.of_label, len(splits.train), epoch)


def train_twice(
    photos: Path,
    output: Path,
    first: TrainingParams = TrainingParams(),
    second: TrainingParams = FINISH,
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> TrainingReport:
    """Trains from random weights into `first` below the output and from there into `finished`; see `train_builtin`."""
    train_builtin(photos, output / "first", first, on_epoch)
    return train_builtin(photos, output / "finished", second, on_epoch, output / "first")


class _Training:
    """Model, optimiser and data of one training run."""

    def __init__(
        self, photos: LabelledPixels, drawn: LabelledPixels, params: TrainingParams, start: Path | None
    ) -> None:
        self._params = params
        self._photo_count = len(photos)
        self._pixels = torch.cat([photos.pixels, drawn.pixels])
        descriptions = photos.descriptions + drawn.descriptions
        labels = tuple(sorted({shown.label for shown in descriptions if shown.label}))
        self._questions = pose_questions(descriptions, labels)
        model: Any  # transformers hides the types of `to` and `eval`
        model, self.tokenizer = build_pair(caption_words(labels)) if start is None else load_pair(start)
        self._model: VisionTextDualEncoderModel = model.to(memory_format=torch.channels_last)
        self._average = AveragedModel(self._model, avg_fn=moving_average(params.averaging), use_buffers=True)
        groups = group_parameters(
            self._model,
            params.learning_rate,
            params.learning_rate * params.attention_rate,
            params.weight_decay,
        )
        self._optimizer = torch.optim.AdamW(groups)
        self._top_rates = [group["lr"] for group in self._optimizer.param_groups]
        self._is_half = choose_precision(params.precision, "cpu") == "bf16"
        self._steps, self._started_at = 0, time.monotonic()
        self._words = random.Random(params.seed)

    @property
    def averaged(self) -> VisionTextDualEncoderModel:
        """The moving average of the weights."""
        model: Any = self._average.module
        averaged: VisionTextDualEncoderModel = model.eval()
        return averaged

    @property
    def _epoch_length(self) -> int:
        drawn = min(len(self._pixels) - self._photo_count, round(self._params.drawn_share * self._photo_count))
        return self._photo_count + drawn

    @property
    def _steps_per_epoch(self) -> int:
        return max(1, self._epoch_length // self._params.batch_size)

    @property
    def progress(self) -> float:
        """Share of the training that is done, by epochs or by the clock, whichever is further."""
        by_steps = self._steps / (self._params.epochs * self._steps_per_epoch)
        return max(by_steps, (time.monotonic() - self._started_at) / (60 * self._params.minutes))

    def run_epoch(self) -> float:
        """One pass; returns the mean loss."""
        is_small = self.progress < self._params.small_share
        size_px = self._params.small_size_px if is_small else INPUT_SIZE_PX
        accept_size(self._model, size_px)
        self._model.train()
        losses = [self._run_step(rows, size_px) for rows in self._batches()]
        return sum(losses) / len(losses)

    def _batches(self) -> Iterator[Tensor]:
        drawn = torch.randperm(len(self._pixels) - self._photo_count) + self._photo_count
        rows = torch.cat([torch.arange(self._photo_count), drawn])[: self._epoch_length]
        rows = rows[torch.randperm(len(rows))]
        return iter(rows.tensor_split(self._steps_per_epoch))

    def _run_step(self, rows: Tensor, size_px: int) -> float:
        images = vary(self._pixels[rows], size_px)
        partner, weight = torch.arange(len(rows)), 1.0
        if self._words.random() < self._params.blend_rate:
            images, partner, weight = blend(images)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._is_half):
            features = self._model.get_image_features(pixel_values=_normalise(images)).pooler_output
            questions = self._pick_questions()
            text_features = self._encode_captions(questions)
        answered = zip(questions, text_features, strict=True)
        loss = self._loss(_unit(features), answered, rows, rows[partner], weight)
        self._set_learning_rates()
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimizer.step()
        self._steps += 1
        self._average.update_parameters(self._model)
        return loss.item()

    def _loss(
        self,
        images: Tensor,
        answered: Iterable[tuple[Question, Tensor]],
        rows: Tensor,
        partners: Tensor,
        weight: float,
    ) -> Tensor:
        scale = self._model.logit_scale.exp().clamp(max=_LARGEST_LOGIT_SCALE)
        terms = []
        for question, answers in answered:
            targets = weight * question.targets[rows] + (1 - weight) * question.targets[partners]
            logits = scale * images @ answers.T
            terms.append(soft_cross_entropy(logits, targets, self._params.label_smoothing))
            pictures_of = targets.T / targets.sum(dim=0).clamp(min=1)[:, None]
            terms.append(_SEARCH_WEIGHT * soft_cross_entropy(logits.T, pictures_of, 0.0))
        return torch.stack(terms).sum()

    def _pick_questions(self) -> list[Question]:
        """The first question always, and one of the others."""
        first, *others = self._questions
        return [first, *self._words.choices(others, [question.weight for question in others])]

    def _set_learning_rates(self) -> None:
        factor = learning_rate_factor(self.progress)
        for group, top in zip(self._optimizer.param_groups, self._top_rates, strict=True):
            group["lr"] = factor * top

    def _encode_captions(self, questions: Sequence[Question]) -> tuple[Tensor, ...]:
        captions = [write_caption(answer, self._words) for question in questions for answer in question.answers]
        tokens = self.tokenizer(captions, padding=True, truncation=True, return_tensors="pt")
        features = self._model.get_text_features(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
        counts = [len(question.answers) for question in questions]
        answers: tuple[Tensor, ...] = _unit(features.pooler_output).split(counts)
        return answers

    def save(self, folder: Path) -> None:
        """Writes the averaged weights, leaving the training untouched."""
        model = build_model(self.tokenizer)
        model.load_state_dict(self.averaged.state_dict())
        save_checkpoint(model, self.tokenizer, folder)


def _normalise(images: Tensor) -> Tensor:
    mean, std = torch.tensor(MEAN).view(1, 3, 1, 1), torch.tensor(STD).view(1, 3, 1, 1)
    return ((images - mean) / std).contiguous(memory_format=torch.channels_last)


def _unit(features: Tensor) -> Tensor:
    return functional.normalize(features.float(), dim=1)
