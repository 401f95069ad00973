"""What the grid is asked with: all of its state, as it stands in the address."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final, Self
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from image_assets.ids import ImageId
from image_assets.serving.gallery.map_outline import Outline, images_inside
from image_assets.serving.gallery.vector_in_address import MAX_LENGTH, as_vector
from image_assets.serving.listed import FACET_NAMES, SHOWN, View
from image_assets.serving.page_tokens import MAX_LENGTH as LONGEST_TOKEN
from image_assets.serving.service import Service
from image_assets.steps.search.conditions import Condition, parse_condition
from image_assets.steps.search.gallery import Wanted
from image_assets.steps.search.gallery_facets import FACETS
from image_assets.steps.search.image_lists import Sort
from image_assets.steps.search.requests import SearchRequest

PAGE: Final = 60
LONGEST_LISTED: Final = 10_000
"""Signs of an address's part that names a list."""
_TEXT, _MANY = 500, 50
_LOWEST: Final = -1.0
COLUMN_OF: Final = {FACET_NAMES.get(column, column): column for column in FACETS}
"""Columns of gold by the names under which they are chosen from."""
_PERIOD: Final = {"since": ">=", "until": "<="}
_LIKE: Final = ("text", "image_id", "picture")
_ONE_EACH: Final = (
    "text",
    "image_id",
    "picture",
    "sort",
    "min_score",
    "around",
    "all_duplicates",
    *_PERIOD,
    "page_token",
)
Text = Annotated[str, Field(max_length=_TEXT)]
Texts = Annotated[list[Text], Field(max_length=_MANY)]


class GridQuery(BaseModel):
    """Which images, in which order, from where on; several values of one name are "or", names together are "and"."""

    model_config = ConfigDict(extra="forbid")

    text: Text = Field(default="", description="What the images should show.")
    image_id: UUID | None = Field(default=None, description="An image that they should look like.")
    picture: Annotated[str, Field(max_length=MAX_LENGTH)] = Field(default="", description="See `vector_in_address`.")
    sort: Sort = Sort.BEST
    min_score: float = Field(default=_LOWEST, ge=-1, le=1, description="Lowest cosine similarity.")
    label: Texts = []
    predicted_label: Texts = []
    tag: Texts = []
    colour: Texts = []
    user: Texts = []
    day: Texts = []
    state: Texts = []
    policy: Texts = []
    needs_review: Texts = []
    is_duplicate: Texts = []
    since: date | None = None
    until: date | None = None
    around: Outline = Field(default="", description="A line on the map: see `map_outline`.")
    where: Texts = Field(default=[], description="As in the service's own lists: column=value, or !=, >= or <=.")
    all_duplicates: bool = Field(default=False, description="Every copy of a photo, not one.")
    page_token: Annotated[str, Field(max_length=LONGEST_TOKEN)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, given: Any) -> Any:
        """A form sends every field, filled in or not; of a facet an empty value stands for a missing one.

        Of several things to be like the first counts: who types a text asks for something else than before.
        """
        if not isinstance(given, dict):
            return given
        filled = {name: value for name, value in given.items() if name not in _ONE_EACH or value not in ("", [""])}
        return {name: value for name, value in filled.items() if name not in _LIKE or not _comes_before(name, filled)}

    @classmethod
    def read(cls, listed: str) -> Self:
        """The list that an address names behind its question mark; `ValidationError` where it names none."""
        fields: dict[str, Any] = {}
        for name, value in parse_qsl(listed, keep_blank_values=True):
            is_several = name in cls.model_fields and cls.model_fields[name].default == []
            fields[name] = [*fields.get(name, []), value] if is_several else value
        return cls.model_validate(fields)

    @property
    def is_asking(self) -> bool:
        """Whether images are looked for that are like something, so that each has a score."""
        return bool(self.text.strip() or self.image_id or self.picture)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What an image must meet."""
        chosen = [Condition(column, "=", tuple(getattr(self, name))) for name, column in COLUMN_OF.items()]
        period = [
            Condition("day", comparison, (day.isoformat(),))
            for name, comparison in _PERIOD.items()
            if (day := getattr(self, name))
        ]
        return (*(each for each in chosen if each.values), *period, *map(parse_condition, self.where))

    @property
    def question(self) -> object:
        """What a page's token is bound to."""
        return self.pairs()

    def wanted(self, view: View, service: Service) -> Wanted:
        """Which images are wanted, if the caller may ask for them."""
        conditions = self.conditions
        view.check(conditions)
        within = images_inside(service, self.around) if self.around else None
        return Wanted(conditions, self.all_duplicates, view.owner, within)

    def request(self, view: View, service: Service, after: str | None = None) -> SearchRequest:
        """As the search has it."""
        wanted = self.wanted(view, service)
        return SearchRequest(
            text=self.text.strip() or None,
            image_id=ImageId(str(self.image_id)) if self.image_id else None,
            vector=as_vector(self.picture, service.encoder_description) if self.picture else None,
            conditions=wanted.conditions,
            min_score=self.min_score,
            count=PAGE,
            after=after,
            with_duplicates=wanted.with_duplicates,
            owner=wanted.owner,
            within=wanted.within,
            columns=SHOWN,
        )

    def pairs(self, *without: str) -> list[tuple[str, str]]:
        """Names and values of an address that shows the same list from its first page on."""
        return [
            (name, _written(value))
            for name, field in type(self).model_fields.items()
            if name not in {"page_token", *without} and (given := getattr(self, name)) != field.default
            for value in (given if isinstance(given, list) else [given])
        ]

    def address(self, path: str = "/", **changes: str | None) -> str:
        """An address with other single values; None leaves one out."""
        more = [(name, value) for name, value in changes.items() if value]
        return address_of(path, [*self.pairs(*changes), *more])

    def less(self, name: str, value: str) -> str:
        """The address without one value."""
        return address_of("/", [each for each in self.pairs() if each != (name, value)])

    def chosen(self) -> Sequence[tuple[str, str]]:
        """Every value that narrows the list: what may be left out again."""
        names = {*COLUMN_OF, *_PERIOD, "where"}
        return [each for each in self.pairs() if each[0] in names]

    def without(self, name: str, value: str) -> "GridQuery":
        """The same question without one value."""
        given = getattr(self, name)
        left = [each for each in given if each != value] if isinstance(given, list) else None
        return self.model_copy(update={name: left, "page_token": None})


def address_of(path: str, pairs: Sequence[tuple[str, str]]) -> str:
    """An address in which an empty value stays one: it stands for what is missing."""
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _comes_before(name: str, filled: Mapping[str, object]) -> bool:
    """Whether something else is asked about first."""
    return any(each in filled for each in _LIKE[: _LIKE.index(name)])


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)
