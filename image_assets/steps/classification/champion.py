"""Classifiers kept in the lake, and which of them is the champion.

Predicting needs the lake only: a trained classifier's plain files lie in `models/classifier/{version}/`, and one small
object, `champion.json`, names the champion and its predecessors. MLflow's alias `champion` repeats it for people and
other programs; when MLflow does not answer, predictions go on and only the alias waits.
"""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from image_assets.errors import ConfigurationError, ModelError, ObjectNotFoundError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.last_word import later_than
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.optimism import until_first
from image_assets.lake.records import read_record, write_record
from image_assets.models.classifiers.classifier import Classifier
from image_assets.models.classifiers.classifier_files import load_classifier
from image_assets.models.classifiers.review_rule import ReviewRule
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.steps.classification.forecast import Forecast

_CARD = "card.json"
_ADVICE = "image-assets classifier promote another version, or train again"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ClassifierCard:
    """What is known of a kept classifier without loading it.

    Attributes:
        model_version: its name.
        trainer: which one made it.
        encoder: name and revision of the encoder whose vectors it reads; null for one that reads pixels.
        trained_at: ISO 8601, UTC.
        registry_number: its version in MLflow's registry.
        digests: SHA-256 by file name.
        forecast: what to expect of photos that it has not seen; None: made by a release that did not say.
        review: from which confidence on an image needs no person; None: no image could tell.
        advice: what its training found too few, and what to label next, in words.
        reliability: confidence, accuracy and images of each bin of the reliability diagram.
        curve: share decided and share of errors in it, of the risk-coverage curve.
    """

    model_version: str
    trainer: str
    encoder: tuple[str, str] | None
    trained_at: str
    registry_number: str
    digests: Mapping[str, str]
    forecast: Forecast | None = None
    review: ReviewRule | None = None
    advice: tuple[str, ...] = ()
    reliability: tuple[tuple[float, float, int], ...] = ()
    curve: tuple[tuple[float, float], ...] = ()

    def fits(self, encoder: EncoderDescription) -> bool:
        """Whether it can read what the encoder makes."""
        return self.encoder is None or self.encoder == (encoder.name, encoder.revision)


@dataclass(frozen=True, slots=True)
class Champion:
    """The version in charge, and those before it, latest last."""

    model_version: str
    predecessors: tuple[str, ...]


def keep_classifier(store: ObjectStore, card: ClassifierCard, files: Mapping[str, bytes]) -> None:
    """Keep a classifier for good; its card comes last, so that a half-written one does not exist."""
    for name, data in files.items():
        store.write(_key(card.model_version, name), data)
    write_record(store, _key(card.model_version, _CARD), card)
    store.flush()


def digests_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 by file name."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def kept_classifiers(store: ObjectStore) -> list[ClassifierCard]:
    """Every kept classifier, the oldest first."""
    found = [info.key for info in store.list(object_keys.CLASSIFIERS) if info.key.endswith(f"/{_CARD}")]
    return sorted((read_card(store, key.split("/")[-2]) for key in found), key=lambda card: card.trained_at)


def training_instant(store: ObjectStore, now: datetime) -> datetime:
    """When a new classifier counts as trained: later than every kept one, whatever the clock says."""
    last = max((datetime.fromisoformat(card.trained_at) for card in kept_classifiers(store)), default=None)
    at = later_than(last, now)
    if at > now:
        _log.warning("this machine's clock says %s, but a classifier was trained at %s: set it", now, last)
    return at


def read_card(store: ObjectStore, model_version: str) -> ClassifierCard:
    """Facts about a kept classifier; `ConfigurationError` when there is none of this version."""
    key = _key(model_version, _CARD)
    try:
        return read_record(store, key, ClassifierCard, ModelError, _ADVICE)
    except ObjectNotFoundError as error:
        raise ConfigurationError(f"{model_version} is no version of this lake: image-assets classifier list") from error


def find_card(store: ObjectStore, model_version: str) -> ClassifierCard | None:
    """The card of a version; None when it is none of this lake."""
    return read_card(store, model_version) if store.exists(_key(model_version, _CARD)) else None


def load_kept(store: ObjectStore, model_version: str, device: str = "auto") -> Classifier:
    """The classifier itself; `ModelError` when a file is missing or is not what was kept."""
    card = read_card(store, model_version)
    files: dict[str, bytes] = {}
    for name, digest in card.digests.items():
        key = _key(model_version, name)
        if not store.exists(key) or hashlib.sha256(data := store.read(key)).hexdigest() != digest:
            raise ModelError(f"{store.uri(key)} is missing or damaged; {_ADVICE}")
        files[name] = data
    return load_classifier(files, device)


def read_champion(store: ObjectStore) -> Champion | None:
    """Who is in charge; None while no classifier was promoted."""
    if not store.exists(object_keys.CHAMPION):
        return None
    return read_record(store, object_keys.CHAMPION, Champion, ModelError, "delete it and promote")


def promote(store: ObjectStore, model_version: str) -> ClassifierCard:
    """Put a kept classifier in charge, unless it is already; it is loaded first, to be sure that it can be."""
    load_kept(store, model_version)

    def promoted() -> ClassifierCard:
        there, former = store.version(object_keys.CHAMPION), read_champion(store)
        if former is None or former.model_version != model_version:
            predecessors = (*former.predecessors, former.model_version) if former else ()
            _put_in_charge(store, Champion(model_version, predecessors), there)
        return read_card(store, model_version)

    return until_first(promoted)


def roll_back(store: ObjectStore) -> ClassifierCard:
    """Put the champion's predecessor in charge again; `ConfigurationError` when there is none."""
    there, champion = store.version(object_keys.CHAMPION), read_champion(store)
    if champion is None or not champion.predecessors:
        raise ConfigurationError("there is no earlier champion to go back to: image-assets classifier list")
    *earlier, former = champion.predecessors
    load_kept(store, former)
    _put_in_charge(store, Champion(former, tuple(earlier)), there)
    return read_card(store, former)


def _put_in_charge(store: ObjectStore, champion: Champion, there: str | None) -> None:
    write_record(store, object_keys.CHAMPION, champion, over=there)
    store.flush()


def _key(model_version: str, name: str) -> ObjectKey:
    return ObjectKey(f"{object_keys.CLASSIFIERS}/{model_version}/{name}")
