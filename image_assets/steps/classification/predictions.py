"""Predictions: what the champion, or zero-shot classification before there is one, takes each image for."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache, partial
from typing import Unpack

import numpy as np
import numpy.typing as npt
import polars as pl

from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.classifiers.classifier import Classifier, ClassifierInput, Reads
from image_assets.models.classifiers.linear_classifier import make_zero_shot
from image_assets.models.classifiers.review_rule import USUAL_THRESHOLD
from image_assets.models.encoders.encoder import EncoderDescription, ImageEncoder
from image_assets.steps.classification.champion import ClassifierCard, load_kept, read_card, read_champion
from image_assets.steps.classification.models_in_use import current_model, put_in_use
from image_assets.steps.images.on_pictures import work_on_pictures
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.pace import Pace
from image_assets.steps.increment.recipe import Recipe, version_of
from image_assets.steps.increment.stock import Target
from image_assets.steps.vectors.embeddings import embedding_inputs
from image_assets.steps.vectors.on_vectors import vector_inputs, work_on_vectors
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.predictions import TOP_LABELS, predictions_table
from image_assets.tables.training import TRAINING_SET

_CODE_VERSION = 1
CLOTHES = ("dress", "hat", "longsleeve", "outwear", "pants", "shirt", "shoes", "shorts", "skirt", "t-shirt")
"""What zero-shot classification tells apart while nobody said anything else."""
_ZERO_SHOT = "zero-shot-"


@dataclass(frozen=True, slots=True)
class PredictionParams:
    """What is said of a probability.

    Attributes:
        review_threshold: 0..1; a person should look at images of less confidence. None: as the model's training chose.
    """

    review_threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """What predicts: its version is known at once, and loading it waits until an image needs it.

    Attributes:
        version: names the table.
        reads: what it is given of an image.
        load: makes the classifier, the first time it is called.
        remark: what a person should know of the choice.
        own_threshold: below which confidence a person should look at an image, while nobody has set another.
    """

    version: str
    reads: Reads
    load: Callable[[], Classifier]
    remark: str
    own_threshold: float = USUAL_THRESHOLD

    def threshold(self, params: PredictionParams) -> float:
        """The one in force."""
        return _in_force(params, self.own_threshold)

    @property
    def is_zero_shot(self) -> bool:
        """Whether it goes by the names of the labels alone."""
        return self.version.startswith(_ZERO_SHOT)


def choose_model(tables: ParquetTables, encoder: ImageEncoder, classes: Sequence[str], device: str = "auto") -> Model:
    """The champion; zero-shot classification with the encoder's texts while there is none that fits the encoder.

    Args:
        tables: the lake's tables.
        encoder: whose vectors and texts are used.
        classes: labels for zero-shot; when empty those of the training set, before that ten kinds of clothing.
        device: where a champion that reads pixels computes.
    """
    card = _champion_card(tables.store)
    if card is None:
        return _zero_shot(tables, encoder, classes, "no classifier was promoted yet: zero-shot")
    if not card.fits(encoder.description):
        remark = f"{card.model_version} was trained on vectors of {card.encoder}: zero-shot until the next training"
        return _zero_shot(tables, encoder, classes, remark)
    reads = Reads.EMBEDDING if card.encoder else Reads.PIXELS
    load = cache(lambda: load_kept(tables.store, card.model_version, device))
    return Model(card.model_version, reads, load, "champion", _own_threshold(card))


def wanted_version(tables: ParquetTables, encoder: EncoderDescription, classes: Sequence[str]) -> str:
    """The version that `choose_model` would choose; neither model nor encoder is loaded."""
    card = _champion_card(tables.store)
    return card.model_version if card and card.fits(encoder) else _zero_shot_version(tables, encoder, classes)


def wanted_params(tables: ParquetTables, encoder: EncoderDescription, params: PredictionParams) -> PredictionParams:
    """With the threshold that the model of `choose_model` would go by."""
    card = _champion_card(tables.store)
    own = _own_threshold(card) if card and card.fits(encoder) else USUAL_THRESHOLD
    return PredictionParams(_in_force(params, own))


def _own_threshold(card: ClassifierCard) -> float:
    return card.review.threshold if card.review else USUAL_THRESHOLD


def _in_force(params: PredictionParams, own: float) -> float:
    return own if params.review_threshold is None else params.review_threshold


def predict_day(
    tables: ParquetTables,
    day: date,
    encoder: EncoderDescription,
    model: Model,
    params: PredictionParams,
    **pace: Unpack[Pace],
) -> IncrementReport:
    """Bring the model's predictions of a day in line with the vectors, and name the model as the one in use."""
    threshold = model.threshold(params)
    target = prediction_target(model.version, PredictionParams(threshold))

    def work(inputs: Sequence[ClassifierInput]) -> list[dict[str, object]]:
        classifier = model.load()
        rows = classifier.probabilities(inputs)
        return [{**say(classifier.labels, row, threshold), "model_version": model.version} for row in rows]

    if model.reads is Reads.EMBEDDING:
        report = work_on_vectors(tables, day, encoder, target, lambda rows: work(list(rows)), **pace)
    else:
        inputs = partial(_picture_inputs, tables, day, encoder)
        report = work_on_pictures(tables, day, inputs, target, work, **pace)
    put_in_use(tables.store, model.version)
    return report


def has_predictions_below(tables: ParquetTables, day: date, number: int) -> bool:
    """Whether gold shows predictions of a day by a model whose number in the registry is below; zero-shot always is."""
    versions = tables.read_column(GOLD_IMAGES.name, day, "model_version").drop_nulls().unique()
    return any(_registry_number(tables.store, version) < number for version in versions)


def _registry_number(store: ObjectStore, model_version: str) -> int:
    return 0 if model_version.startswith(_ZERO_SHOT) else int(read_card(store, model_version).registry_number)


def prediction_stages(tables: ParquetTables, day: date) -> list[str]:
    """Names of the tables whose rejections count: that of the day's current model, if there is one."""
    version = current_model(tables, day)
    return [predictions_table(version).name] if version else []


def prediction_target(model_version: str, params: PredictionParams) -> Target:
    """What is wanted of a model's predictions; the params state the threshold in force."""
    recipe = Recipe({"code": _CODE_VERSION, "model": model_version, **asdict(params)})
    return Target(predictions_table(model_version), recipe)


def _champion_card(store: ObjectStore) -> ClassifierCard | None:
    champion = read_champion(store)
    return read_card(store, champion.model_version) if champion else None


def _zero_shot(tables: ParquetTables, encoder: ImageEncoder, classes: Sequence[str], remark: str) -> Model:
    version, labels = _zero_shot_version(tables, encoder.description, classes), _zero_shot_labels(tables, classes)
    return Model(version, Reads.EMBEDDING, cache(lambda: make_zero_shot(encoder, labels)), remark)


def _zero_shot_version(tables: ParquetTables, encoder: EncoderDescription, classes: Sequence[str]) -> str:
    version = version_of(encoder.name, encoder.revision, _zero_shot_labels(tables, classes))[:8]
    return f"{_ZERO_SHOT}{version}"


def _zero_shot_labels(tables: ParquetTables, classes: Sequence[str]) -> tuple[str, ...]:
    return tuple(classes) or tuple(tables.read_or_empty(TRAINING_SET, None)["label"].unique().sort()) or CLOTHES


def say(labels: Sequence[str], row: npt.NDArray[np.float32], review_threshold: float) -> dict[str, object]:
    """What is kept of an image's probabilities: the best labels, and whether a person should look at it."""
    best = np.argsort(-row, kind="stable")[:TOP_LABELS]
    top = [{"label": labels[place], "confidence_ratio": float(row[place])} for place in best]
    return {**top[0], "top_labels": top, "needs_review": float(row[best[0]]) < review_threshold}


def _picture_inputs(tables: ParquetTables, day: date, encoder: EncoderDescription) -> pl.DataFrame:
    """The cleansed images that have a vector: gold waits for no others."""
    return embedding_inputs(tables, day).join(vector_inputs(tables, day, encoder), on="image_id", how="semi")
