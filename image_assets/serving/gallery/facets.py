"""Facets as a page shows them: what can be chosen, with how many images a click shows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from image_assets.serving.gallery.grid_query import COLUMN_OF, GridQuery
from image_assets.serving.listed import View
from image_assets.serving.service import Service
from image_assets.steps.search.gallery_facets import BUDGET_S, Facet, Listed

TITLES: Final[Mapping[str, str]] = {
    "label": "Label",
    "predicted_label": "Predicted label",
    "tag": "Tag",
    "colour": "Colour",
    "user": "User",
    "day": "Day",
    "state": "State",
    "policy": "Policy",
    "needs_review": "Needs review",
    "is_duplicate": "Copy of another image",
}
_OPEN: Final = frozenset({"label", "predicted_label", "colour"})
_WORDS: Final[Mapping[str, str]] = {"": "none", "true": "yes", "false": "no"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a facet; `value` is as in the address, and empty for a missing one."""

    value: str
    images: int
    is_chosen: bool

    @property
    def words(self) -> str:
        """As people read it."""
        return _WORDS.get(self.value, self.value)


@dataclass(frozen=True, slots=True)
class ShownFacet:
    """A facet; `choices` is None while there was no time to count them, `more` says how many others there are."""

    name: str
    choices: Sequence[Choice] | None
    more: int
    is_open: bool

    @property
    def title(self) -> str:
        """Of its part of the page."""
        return TITLES[self.name]


def facets_of(
    service: Service,
    asked: GridQuery,
    view: View,
    names: Sequence[str],
    budget_s: float = BUDGET_S,
    listed: Listed = Listed(),  # noqa: B008 - frozen
) -> list[ShownFacet]:
    """Facets in their order; of one that could not be counted in time only what is chosen is known."""
    found = service.search.count_facets(
        asked.wanted(view, service), [COLUMN_OF[name] for name in names], budget_s, listed
    )
    shown = [_shown(name, found[COLUMN_OF[name]], getattr(asked, name)) for name in names]
    return [replace(each, is_open=True) for each in shown] if len(shown) == 1 else shown


def names_for(view: View) -> list[str]:
    """The facets that a caller may count."""
    return [name for name in TITLES if view.columns is None or COLUMN_OF[name] in view.columns]


def _shown(name: str, facet: Facet | None, chosen: Sequence[str]) -> ShownFacet:
    choices = None if facet is None else list(_choices(facet, chosen))
    return ShownFacet(name, choices, facet.more if facet else 0, is_open=name in _OPEN or bool(chosen))


def _choices(facet: Facet, chosen: Sequence[str]) -> Iterator[Choice]:
    """What is chosen stays, though nothing meets it: it can be left out again."""
    wanted = {each.lower() for each in chosen}
    known = set()
    for value, images in facet.counts:
        text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        known.add(text.lower())
        yield Choice(text, images, text.lower() in wanted)
    yield from (Choice(each, 0, is_chosen=True) for each in chosen if each.lower() not in known)
