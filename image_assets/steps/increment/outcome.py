"""What a step is given of each input and what became of it; light to import, because every worker does."""

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from image_assets.compute.outcomes import Done, Failed

TableValues: TypeAlias = Mapping[str, Mapping[str, object]]
"""Columns by table name, without day, versions and time."""


@dataclass(frozen=True, slots=True)
class Item:
    """One input to work on: its row of the inputs and the names of the tables that want it."""

    row: Mapping[str, object]
    wanted: frozenset[str]


Outcome: TypeAlias = Done[Item, TableValues] | Failed[Item]
"""Values for each wanted table, or why none of them gets a row."""

Process: TypeAlias = Callable[[Iterator[Item]], Generator[Outcome]]
