"""Pages of lists: what each is asked with, and what each is answered with."""

from typing import Annotated, Final, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from image_assets.serving.page_tokens import MAX_LENGTH

_T = TypeVar("_T")

USUAL: Final = 60
"""Of a page."""
_LARGEST: Final = 200
PageSize = Annotated[int, Query(ge=1, description="How many; more than 200 are 200.")]
PageToken = Annotated[
    str | None,
    Query(max_length=MAX_LENGTH, description="`next_page_token` of the page before, with the same parameters."),
]


class Items(BaseModel, Generic[_T]):
    """Things in their order."""

    items: list[_T]


class Page(Items[_T], Generic[_T]):
    """A part of a list."""

    next_page_token: str | None = Field(default=None, description="Asks for the next page; null on the last one.")


def cut(page_size: int) -> int:
    """How many a page has."""
    return min(page_size, _LARGEST)
