"""Deciding what images show: a person's words become objects that no run, no model and no second opinion removes."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import polars as pl

from image_assets.errors import (
    AmbiguousImageError,
    DecisionError,
    ImageAssetsError,
    StoreUnavailableError,
    UnknownImageError,
)
from image_assets.ids import ImageId, ObjectKey
from image_assets.labels import normalise_label, normalise_name
from image_assets.lake import object_keys
from image_assets.lake.last_word import later_than
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.records import write_durable_record, write_record
from image_assets.steps.classification.leases import Lease, read_lease, release_lease
from image_assets.steps.classification.opinions import (
    Kind,
    Opinion,
    OpinionLog,
    by_image,
    read_opinions,
    standing_words,
)
from image_assets.steps.classification.outcomes import Outcome, outcomes_of
from image_assets.steps.images.certificates import erased_ids
from image_assets.steps.images.named_images import NamedImages, find_images
from image_assets.tables.gold import GOLD_IMAGES

_SCHEMA: Final = pl.Schema(
    {
        "image_id": pl.String(),
        "label": pl.String(),
        "decided_at": pl.Datetime("us", "UTC"),
        "decided_by": pl.String(),
        "is_conflict": pl.Boolean(),
    }
)
_WORDLESS: Final = (Kind.SKIP, Kind.UNDO)
_NAMED: Final = 5
# A sync of all disks costs as much as that many files that wait for theirs.
_FEW: Final = 20
_TRIES, _PAUSE_S = 100, 0.05
_ANSWER: Final = ["predicted_label", "confidence_ratio", "model_version"]


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word on an image.

    Attributes:
        image: its image_id, or the name that the user gave the file; empty to take back the own last word on any.
        label: what it shows; of an acceptance what the person was told that the model says, if anything.
        line: where it stands, of a decision that comes from a file.
        kind: what the person does.
        decision_id: the sender's own name for it; sent again it is the same decision.
    """

    image: str
    label: str = ""
    line: int | None = None
    kind: Kind = Kind.LABEL
    decision_id: str | None = None

    @property
    def place(self) -> str:
        """The image as a message names it."""
        return self.image if self.line is None else f"line {self.line}: {self.image or 'no image'}"


@dataclass(frozen=True, slots=True)
class KeptDecisions:
    """What became of decisions that were made together.

    Attributes:
        days: of their images.
        last_at: the instant of the last one; later than the clock's where that is behind earlier words.
        opinions: the kept words, in the order of the decisions.
        outcomes: what people together say of each image.
    """

    days: tuple[date, ...]
    last_at: datetime
    opinions: tuple[Opinion, ...]
    outcomes: Mapping[str, Outcome]

    @property
    def conflicts(self) -> list[Outcome]:
        """Images on which people differ."""
        return [outcome for outcome in self.outcomes.values() if outcome.is_conflict]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A decision with the image that it means."""

    decision: Decision
    image_id: ImageId
    day: date


def record_decisions(
    tables: ParquetTables,
    decisions: Sequence[Decision],
    decided_by: str,
    now: datetime,
    log: OpinionLog | None = None,
) -> KeptDecisions:
    """Keep all decisions, or none, for the gold of their days; each counts as later than all before it on its image.

    Args:
        tables: the lake's tables.
        decisions: at most one for an image.
        decided_by: who decides.
        now: when.
        log: what has been read already; whoever decides often has one.

    Raises:
        UnknownImageError: no image has this id or name, or it was erased meanwhile.
        AmbiguousImageError: a name fits several.
        DecisionError: a label is empty, an image is decided twice, there is nothing to accept or to take back, or
            another decision has the same id.
    """
    with _one_at_a_time(tables.store, decisions, decided_by):
        return _record(tables, decisions, decided_by, now, log or OpinionLog(tables.store))


def _record(
    tables: ParquetTables, decisions: Sequence[Decision], decided_by: str, now: datetime, log: OpinionLog
) -> KeptDecisions:
    said = _said_under(log, decisions, decided_by)
    decisions = [_with_image(log, each, decided_by, said) for each in decisions]
    found = find_images(tables, [decision.image for decision in decisions if decision.image])
    _refuse(list(_problems(decisions, found)))
    chosen = [_Chosen(each, *found[normalise_name(each.image)][0]) for each in decisions]
    days = sorted({each.day for each in chosen})
    before = {day: log.of_day(day) for day in days}
    said_of_days = [each for day in days for each in before[day]]
    _refuse(list(_reused_ids(chosen, decided_by, log, said_of_days)))
    kept = _opinions(tables, chosen, decided_by, now, said_of_days)
    new = {_key(each.day, word): word for each, (word, is_new) in zip(chosen, kept, strict=True) if is_new}
    _keep(tables.store, new)
    _take_back_of_erased(tables, new, days)
    log.note(new)
    for each in chosen:
        release_lease(tables.store, each.image_id, decided_by)
    after = outcomes_of([*(word for day in days for word in before[day]), *new.values()])
    last_at = max([now, *(word.decided_at for word, is_new in kept if is_new)])
    outcomes = {str(each.image_id): after[each.image_id] for each in chosen if each.image_id in after}
    return KeptDecisions(tuple(days), last_at, tuple(word for word, _ in kept), outcomes)


def read_decisions(store: ObjectStore, day: date | None = None) -> pl.DataFrame:
    """What people say of the images of one day or of all: image_id, label, decided_at, decided_by, is_conflict."""
    rows = [
        (image_id, each.label, each.word.decided_at, each.word.decided_by, each.is_conflict)
        for image_id, each in outcomes_of(read_opinions(store, day)).items()
    ]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


@contextmanager
def _one_at_a_time(store: ObjectStore, decisions: Sequence[Decision], decided_by: str) -> Iterator[None]:
    """Have the ids of a person's decisions for oneself: what is sent twice at once is the same decision, too."""
    with ExitStack() as held:
        for decision_id in sorted({each.decision_id for each in decisions if each.decision_id}):
            _claim(store, f"decision/{decided_by}/{decision_id}", held)
        yield


def _claim(store: ObjectStore, name: str, held: ExitStack) -> None:
    for _ in range(_TRIES):
        if held.enter_context(store.claiming(name)):
            return
        time.sleep(_PAUSE_S)
    raise StoreUnavailableError("the same decision is being kept by somebody else: send it again")


def _said_under(log: OpinionLog, decisions: Sequence[Decision], decided_by: str) -> Mapping[str, Opinion]:
    """This person's words by their own ids, of those that come again without an image."""
    wanted = {each.decision_id for each in decisions if not each.image and each.decision_id}
    if not wanted:
        return {}
    return {
        each.decision_id: each for each in log.all() if each.decision_id in wanted and each.decided_by == decided_by
    }


def _reused_ids(
    chosen: Sequence[_Chosen], decided_by: str, log: OpinionLog, said: Sequence[Opinion]
) -> Iterator[DecisionError]:
    """A person's id of a decision is for one image: in a request, on its days, and on others as of a moment ago."""
    wanted = {each.decision.decision_id for each in chosen if each.decision.decision_id}
    said = [*said, *log.recent()] if wanted else ()
    images = {
        each.decision_id: each.image_id for each in said if each.decided_by == decided_by and each.decision_id in wanted
    }
    for each in chosen:
        decision_id = each.decision.decision_id
        if decision_id and images.setdefault(decision_id, each.image_id) != each.image_id:
            yield _id_taken(each.decision)


def _id_taken(decision: Decision) -> DecisionError:
    told = f"{decision.place}: another decision has the id {decision.decision_id}: give each its own"
    return DecisionError(told)


def _with_image(log: OpinionLog, decision: Decision, decided_by: str, said: Mapping[str, Opinion]) -> Decision:
    """The image of the person's last word, of one who takes that back without naming it."""
    if decision.image or decision.kind is not Kind.UNDO:
        return decision
    own = said.get(decision.decision_id or "")
    last = own or next((each for each in reversed(standing_words(log.all())) if each.decided_by == decided_by), None)
    if last is None:
        raise DecisionError(f"{decided_by} has decided nothing that could be taken back")
    return Decision(last.image_id, kind=Kind.UNDO, decision_id=decision.decision_id)


def _opinions(
    tables: ParquetTables, chosen: Sequence[_Chosen], decided_by: str, now: datetime, before: Sequence[Opinion]
) -> list[tuple[Opinion, bool]]:
    """The words to keep, each with whether it is new; `DecisionError` when one cannot be kept."""
    answers = _answers(tables, chosen)
    said = by_image(before)
    last = {each.image_id: each.decided_at for each in sorted(before, key=lambda each: each.decided_at)}
    own = {(each.image_id, each.decision_id): each for each in before if each.decided_by == decided_by}
    words: list[tuple[Opinion, bool]] = []
    problems: list[ImageAssetsError] = []
    for each in chosen:
        decision, image_id = each.decision, each.image_id
        former = own.get((image_id, decision.decision_id)) if decision.decision_id else None
        standing = [word.opinion for word in said.get(image_id, ()) if not word.is_undone]
        has_word = any(word.decided_by == decided_by for word in standing)
        lease = read_lease(tables.store, image_id)
        lease = lease if lease and lease.held_by == decided_by else None
        try:
            label = _label(decision, answers.get(image_id, {}), lease, former, has_word=has_word)
        except DecisionError as error:
            problems.append(error)
            continue
        word = Opinion(
            image_id,
            label,
            later_than(last.get(image_id), now),
            decided_by,
            decision.kind,
            decision.decision_id,
            **answers.get(image_id, {}),
            is_audit=bool(lease and lease.is_audit),
            is_blind=bool(lease and lease.is_blind),
        )
        words.append((former, False) if former else (word, True))
    _refuse(problems)
    return words


def _label(
    decision: Decision, answer: Mapping[str, Any], lease: Lease | None, former: Opinion | None, *, has_word: bool
) -> str:
    """What the decision says that the image shows; empty where it says nothing of that."""
    label, place = normalise_label(decision.label), decision.place
    if former:
        is_same = former.kind is decision.kind and (decision.kind is not Kind.LABEL or former.label == label)
        if not is_same:
            raise _id_taken(decision)
        return former.label
    if decision.kind is Kind.UNDO and not has_word:
        raise DecisionError(f"{place}: you have decided nothing that could be taken back")
    if decision.kind is not Kind.ACCEPT:
        return label
    told = answer.get("predicted_label")
    if lease and lease.is_blind:
        raise DecisionError(f"{place} was given without the model's answer: say what it shows")
    if told is None:
        raise DecisionError(f"{place}: no model has said anything that could be accepted; run its day, or give a label")
    if label not in {"", normalise_label(told)}:
        raise DecisionError(f"{place}: the model says {told!r} by now, not {label!r}: look again")
    return normalise_label(told)


def _answers(tables: ParquetTables, chosen: Sequence[_Chosen]) -> dict[str, dict[str, Any]]:
    """What the model says of each image, as gold shows it."""
    days = sorted({each.day for each in chosen if _has_answers(tables, each.day)})
    if not days:
        return {}
    where = pl.col("image_id").is_in([each.image_id for each in chosen]) & pl.col("predicted_label").is_not_null()
    rows = tables.scan(GOLD_IMAGES, ["image_id", *_ANSWER], days, where)
    return {row.pop("image_id"): row for row in rows.to_dicts()}


def _has_answers(tables: ParquetTables, day: date) -> bool:
    """A day of an older release may know none."""
    return tables.exists(GOLD_IMAGES, day) and {*_ANSWER} <= {*tables.schema_of(GOLD_IMAGES.name, day)}


def _key(day: date, word: Opinion) -> ObjectKey:
    return object_keys.review_key(day, ImageId(word.image_id), word.decided_at)


def _keep(store: ObjectStore, words: Mapping[ObjectKey, Opinion]) -> None:
    write = write_durable_record if len(words) <= _FEW else write_record
    for key, word in words.items():
        write(store, key, word)
    if len(words) > _FEW:
        store.flush()


def _take_back_of_erased(tables: ParquetTables, words: Mapping[ObjectKey, Opinion], days: Sequence[date]) -> None:
    """Remove all words when the image of one was erased meanwhile: who erases it may have looked for them before.

    He begins his certificate before he looks, so that one of both sees the other.
    """
    erased = {image_id for day in days for image_id in erased_ids(tables, day)}
    gone = [word.image_id for word in words.values() if word.image_id in erased]
    if gone:
        for key in words:
            tables.store.delete(key)
        raise UnknownImageError(f"nothing was kept:\n  {gone[0]} was erased meanwhile")


def _refuse(problems: Sequence[ImageAssetsError]) -> None:
    if problems:
        more = f"\n  and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        told = "\n  ".join(map(str, problems[:_NAMED]))
        raise type(problems[0])(f"nothing was kept:\n  {told}{more}")


def _problems(decisions: Sequence[Decision], found: NamedImages) -> Iterator[ImageAssetsError]:
    decided: dict[ImageId, Decision] = {}
    for decision in decisions:
        images = found.get(normalise_name(decision.image), [])
        if not images:
            yield UnknownImageError(f"{decision.place} is no image of this lake")
        elif len(images) > 1:
            several = f"{len(images)} images, such as {images[0][0]} and {images[1][0]}"
            yield AmbiguousImageError(f"{decision.place} names {several}: give the id")
        elif (first := decided.setdefault(images[0][0], decision)) is not decision:
            twice = f"{decision.place} is decided twice, {first.place} is the same image"
            yield DecisionError(f"{twice}: keep one of them")
        if decision.kind is Kind.LABEL and not normalise_label(decision.label):
            yield DecisionError(f"{decision.place} has no label")
        if decision.kind in _WORDLESS and normalise_label(decision.label):
            yield DecisionError(f"{decision.place}: {decision.kind} says nothing of what it shows: leave out its label")
