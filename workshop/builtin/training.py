"""Trains `builtin` from ImageNet weights: every question about a picture is answered through the text tower.

A question is a set of descriptions (all categories, all colours, ...), worded anew at each step;
a picture must be nearest to the sentence that is true of it, and a sentence to the pictures it is true of. So one
loss teaches classification, colours and search by text. A picture without clothing must be far from every label.
"""

import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel
from transformers import VisionTextDualEncoderModel

from image_assets.models.classifiers.schedule import learning_rate_factor
from image_assets.models.encoders.learned_photos import write_learned_from
from workshop.builtin.accuracy import measure_zero_shot
from workshop.builtin.architecture import (
    INPUT_SIZE_PX,
    MEAN,
    SMALL_SIZE_PX,
    STD,
    build_pair,
    image_tower_of,
    save_checkpoint,
)
from workshop.builtin.augmentation import blend, vary
from workshop.builtin.drawn_pictures import draw_pictures
from workshop.builtin.imagenet import load_imagenet_weights
from workshop.builtin.optimisation import distance_loss, group_parameters, moving_average, soft_cross_entropy
from workshop.builtin.other_pictures import LEARNED, cut_corners, draw_other_pictures
from workshop.builtin.photos import LabelledPixels, read_photos
from workshop.builtin.questions import Question, pose_questions
from workshop.builtin.sentences import caption_words, write_caption

_LARGEST_LOGIT_SCALE = 100.0
_SEARCH_WEIGHT = 0.5
"""Of finding a sentence's pictures in the batch, beside finding a picture's sentence."""

_OTHER_WEIGHT = 0.5
"""Of keeping pictures without clothing away from all labels."""

_PLAIN_BLENDS = 0.25
"""How much rarer blended batches are in the last part of the training."""


@dataclass(frozen=True, slots=True)
class TrainingParams:
    """How long and how hard to train.

    Attributes:
        epochs: passes over the photos, at most.
        minutes: the schedule shrinks to fit; what comes out then depends on the machine's speed.
        batch_size: pictures per step.
        trunk_rate: AdamW's learning rate of the layers that start from ImageNet, at the top of the one-cycle schedule.
        learning_rate: that of the layers that start from random weights.
        weight_decay: AdamW's.
        label_smoothing: share of each target spread over all answers.
        averaging: decay per step of the shipped moving average of the weights.
        blend_rate: share of batches with CutMix or mixup.
        plain_share: the last part of the training, in which few batches are blended, little is cropped, and pictures
            have one of their final sizes.
        small_size_px: side of the pictures before that part.
        final_sizes_px: sides to choose from in it: so small ones are understood, too.
        crop_area: share of a picture that a crop leaves at least, before that part.
        plain_crop_area: the same in it. Crops make things larger: with strong ones, whole pictures are understood best
            when they are larger than those learned from (Touvron et al. 2019).
        cache_size_px: side at which photos wait in memory.
        drawn_pictures: how many different pictures of clothes are drawn.
        drawn_share: drawn pictures per photo in an epoch.
        other_pictures: how many different pictures show no clothing.
        other_share: pictures without clothing per photo in an epoch.
        check_every: epochs between two measurements on the validation photos.
        seed: of everything random.
    """

    epochs: int = 60
    minutes: float = math.inf
    batch_size: int = 64
    trunk_rate: float = 4e-4
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    averaging: float = 0.997
    blend_rate: float = 0.5
    plain_share: float = 0.4
    small_size_px: int = 128
    final_sizes_px: tuple[int, ...] = (SMALL_SIZE_PX, INPUT_SIZE_PX, INPUT_SIZE_PX)
    crop_area: float = 0.35
    plain_crop_area: float = 0.65
    cache_size_px: int = 224
    drawn_pictures: int = 1200
    drawn_share: float = 0.12
    other_pictures: int = 1200
    other_share: float = 0.12
    check_every: int = 2
    seed: int = 7


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
    weights: Path,
    params: TrainingParams = TrainingParams(),
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> TrainingReport:
    """Trains on a folder of labelled photos and writes a checkpoint that transformers loads.

    Args:
        photos: folder with `manifest.csv`; see `read_photos`.
        output: folder of the checkpoint; written at every measurement and at the end.
        weights: what the image tower starts from; see `find_imagenet_weights`.
        params: how long and how hard.
        on_epoch: told about each epoch.

    Raises:
        ModelError: no readable manifest, no photo to learn from, or weights of another network.
    """
    torch.manual_seed(params.seed)
    splits = read_photos(photos, params.cache_size_px, INPUT_SIZE_PX)
    training = _Training(splits.train, weights, params)
    epoch = 0
    while training.progress < 1:
        loss, epoch = training.run_epoch(), epoch + 1
        accuracy = None
        if epoch % params.check_every == 0 or training.progress >= 1:
            training.save(output)
            write_learned_from(output, splits.train_digests)
            accuracy = measure_zero_shot(training.averaged, training.tokenizer, splits.validation).overall
        if on_epoch is not None:
            on_epoch(EpochReport(epoch, loss, accuracy))
    result = measure_zero_shot(training.averaged, training.tokenizer, splits.validation)
    return TrainingReport(result.overall, result.of_label, len(splits.train), epoch)


class _Training:
    """Model, optimiser and data of one training run."""

    def __init__(self, photos: LabelledPixels, weights: Path, params: TrainingParams) -> None:
        self._params = params
        self._sources = _sources(photos, params)
        self._pixels = torch.cat([source.pixels for source, _ in self._sources])
        labels = tuple(sorted({shown.label for shown in photos.descriptions if shown.label}))
        self._questions = pose_questions([one for each, _ in self._sources for one in each.descriptions], labels)
        self._is_other = self._questions[0].targets[:, -1]
        model: Any  # transformers hides the types of `to` and `eval`
        model, self.tokenizer = build_pair(caption_words(labels))
        load_imagenet_weights(image_tower_of(model), weights)
        self._model: VisionTextDualEncoderModel = model.to(memory_format=torch.channels_last)
        self._average = AveragedModel(self._model, avg_fn=moving_average(params.averaging), use_buffers=True)
        groups = group_parameters(self._model, params.trunk_rate, params.learning_rate, params.weight_decay)
        self._optimizer = torch.optim.AdamW(groups)
        self._top_rates = [group["lr"] for group in self._optimizer.param_groups]
        self._steps, self._started_at = 0, time.monotonic()
        self._words = random.Random(params.seed)

    @property
    def averaged(self) -> VisionTextDualEncoderModel:
        """The moving average of the weights."""
        model: Any = self._average.module
        averaged: VisionTextDualEncoderModel = model.eval()
        return averaged

    @property
    def _steps_per_epoch(self) -> int:
        return max(1, sum(count for _, count in self._sources) // self._params.batch_size)

    @property
    def progress(self) -> float:
        """Share of the training that is done, by epochs or by the clock, whichever is further."""
        by_steps = self._steps / (self._params.epochs * self._steps_per_epoch)
        return max(by_steps, (time.monotonic() - self._started_at) / (60 * self._params.minutes))

    @property
    def _is_plain(self) -> bool:
        return self.progress >= 1 - self._params.plain_share

    def run_epoch(self) -> float:
        """One pass; returns the mean loss."""
        self._model.train()
        losses = [self._run_step(rows) for rows in self._batches()]
        return sum(losses) / len(losses)

    def _batches(self) -> Iterator[Tensor]:
        starts = [0, *accumulate(len(source) for source, _ in self._sources)]
        parts = [
            torch.randperm(len(source))[:count] + start
            for (source, count), start in zip(self._sources, starts[:-1], strict=True)
        ]
        rows = torch.cat(parts)
        rows = rows[torch.randperm(len(rows))]
        return iter(rows.tensor_split(self._steps_per_epoch))

    def _run_step(self, rows: Tensor) -> float:
        images = self._vary(self._pixels[rows])
        partner, weight = torch.arange(len(rows)), 1.0
        if self._words.random() < self._params.blend_rate * (_PLAIN_BLENDS if self._is_plain else 1):
            images, partner, weight = blend(images)
        with torch.autocast("cpu", torch.bfloat16):
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

    def _vary(self, pixels: Tensor) -> Tensor:
        if not self._is_plain:
            return vary(pixels, self._params.small_size_px, self._params.crop_area)
        return vary(pixels, self._words.choice(self._params.final_sizes_px), self._params.plain_crop_area)

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
            if question is self._questions[0]:
                strangers = (weight * self._is_other[rows] + (1 - weight) * self._is_other[partners]).floor()
                terms.append(_OTHER_WEIGHT * distance_loss(images @ answers[:-1].T, scale, strangers))
        return torch.stack(terms).sum()

    def _pick_questions(self) -> list[Question]:
        """The first two always, and one of the others."""
        what, colour, *others = self._questions
        return [what, colour, *self._words.choices(others, [question.weight for question in others])]

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
        save_checkpoint(self.averaged, self.tokenizer, folder)


def _sources(photos: LabelledPixels, params: TrainingParams) -> list[tuple[LabelledPixels, int]]:
    """Pictures, and how many of them an epoch takes."""
    drawn = draw_pictures(params.drawn_pictures, params.cache_size_px, params.seed)
    others = draw_other_pictures(params.other_pictures, params.cache_size_px, params.seed, LEARNED)
    corners = cut_corners(photos, params.other_pictures, params.seed)
    shares = [(drawn, params.drawn_share), (others, params.other_share / 2), (corners, params.other_share / 2)]
    return [(photos, len(photos)), *((each, min(len(each), round(share * len(photos)))) for each, share in shares)]


def _normalise(images: Tensor) -> Tensor:
    mean, std = torch.tensor(MEAN).view(1, 3, 1, 1), torch.tensor(STD).view(1, 3, 1, 1)
    return ((images - mean) / std).contiguous(memory_format=torch.channels_last)


def _unit(features: Tensor) -> Tensor:
    return functional.normalize(features.float(), dim=1)
