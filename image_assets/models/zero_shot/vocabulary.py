"""The words that pictures are tagged with: kinds, terms and what else they are called, read from a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from image_assets.errors import ConfigurationError
from image_assets.labels import normalise_label
from image_assets.models.zero_shot.word_list import Entry, read_word_list

SHIPPED_VOCABULARY: Final = Path(__file__).with_name("vocabulary.yaml")
_SETTING: Final = "IMAGE_ASSETS_VOCABULARY"


@dataclass(frozen=True, slots=True)
class Term:
    """A tag and every phrase for it, as written; the first phrase is the tag itself."""

    tag: str
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a picture is asked about.

    Attributes:
        name: such as "colour".
        prompts: sentences with one `{}` each.
        anchors: phrases that are true of everything.
        terms: the possible answers, with distinct tags.
    """

    name: str
    prompts: tuple[str, ...]
    anchors: tuple[str, ...]
    terms: tuple[Term, ...]


class Calibration(Entry):
    """What makes a confidence mean what it says.

    Attributes:
        temperature: divides the logits before the softmax; below 1 the encoder is too timid.
        threshold: the least confidence of a tag, 0..1.
    """

    temperature: float = Field(gt=0)
    threshold: float = Field(ge=0, le=1)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Kinds in order.

    Attributes:
        kinds: at least one, with distinct names.
        usual: for encoders and kinds that nobody calibrated.
        calibrations: by name of encoder, then of kind.
        merged: one sentence for each entry that was said twice or is made of stop words only.
    """

    kinds: tuple[Kind, ...]
    usual: Calibration
    calibrations: Mapping[str, Mapping[str, Calibration]]
    merged: tuple[str, ...]

    def calibration(self, encoder: str, kind: str) -> Calibration:
        """The numbers for an encoder's answers to a kind."""
        return self.calibrations.get(encoder, {}).get(kind, self.usual)


class _KindEntry(Entry):
    kind: str = Field(pattern=r"\S")
    prompts: list[Annotated[str, Field(pattern=r"^[^{}]*\{\}[^{}]*$")]] = Field(min_length=1)
    anchors: list[str] = Field(min_length=1)
    terms: list[str]


class _File(Entry):
    stop_words: tuple[str, ...] = ()
    kinds: tuple[_KindEntry, ...] = ()
    usual: Calibration = Calibration(temperature=1.0, threshold=0.6)
    calibrations: Mapping[str, Mapping[str, Calibration]] = Field(default_factory=dict)


def read_vocabulary(path: Path) -> Vocabulary:
    """A vocabulary file; the shipped one explains the format.

    Raises:
        ConfigurationError: unreadable, of another shape, empty, or it contradicts itself.
    """
    file = read_word_list(path, _File, _SETTING)
    names = [entry.kind for entry in file.kinds]
    if len(set(names)) < len(names):
        raise ConfigurationError(
            f"{_SETTING}: {path} has a kind twice among {', '.join(names)}: put its terms together"
        )
    stop_words = frozenset(normalise_label(word) for word in file.stop_words)
    read = [_read_kind(entry, stop_words, path) for entry in file.kinds]
    kinds = tuple(kind for kind, _ in read)
    if not any(kind.terms for kind in kinds):
        raise ConfigurationError(
            f"{_SETTING}: {path} has no terms: list some, or unset it to use those that are shipped"
        )
    return Vocabulary(kinds, file.usual, file.calibrations, tuple(note for _, notes in read for note in notes))


def normalise_tag(phrase: str, stop_words: frozenset[str]) -> str:
    """The normal form of a label, without stop words; empty when nothing else was said."""
    return " ".join(word for word in normalise_label(phrase).split() if word not in stop_words)


def _read_kind(entry: _KindEntry, stop_words: frozenset[str], path: Path) -> tuple[Kind, list[str]]:
    """The kind, and what was merged or left out."""
    phrases_of, notes = _read_terms(entry, stop_words)
    _refuse_contradictions(entry.kind, phrases_of, stop_words, path)
    terms = tuple(Term(tag, tuple(dict.fromkeys(phrases))) for tag, phrases in phrases_of.items())
    return Kind(entry.kind, tuple(entry.prompts), tuple(entry.anchors), terms), notes


def _read_terms(entry: _KindEntry, stop_words: frozenset[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Phrases by tag, and the notes."""
    phrases_of: dict[str, list[str]] = {}
    notes: list[str] = []
    for line in entry.terms:
        spoken = (normalise_label(phrase) for phrase in line.split(","))
        phrases = [phrase for phrase in spoken if normalise_tag(phrase, stop_words)]
        if not phrases:
            notes.append(f"{entry.kind}: {line!r} says nothing: left out")
            continue
        tag = normalise_tag(phrases[0], stop_words)
        if tag in phrases_of:
            notes.append(f"{entry.kind}: {tag!r} is listed twice: merged")
        phrases_of.setdefault(tag, []).extend(phrases)
    return phrases_of, notes


def _refuse_contradictions(
    kind: str, phrases_of: Mapping[str, Sequence[str]], stop_words: frozenset[str], path: Path
) -> None:
    tag_of: dict[str, str] = {}
    for tag, phrases in phrases_of.items():
        for phrase in phrases:
            other = tag_of.setdefault(normalise_tag(phrase, stop_words), tag)
            if other != tag:
                raise ConfigurationError(
                    f"{_SETTING}: {path}: {kind}: {phrase!r} stands for {other!r} and for {tag!r}: choose one"
                )
