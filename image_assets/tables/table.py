"""A table: a name in the lake and the schema that its rows obey."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import dataframely as dy
import polars as pl

_SCHEMAS_KEPT: Final = 256


@dataclass(frozen=True, slots=True)
class Table:
    """A named schema.

    Attributes:
        name: folder below `tables/`; may hold one slash (`image_embeddings/builtin`).
        schema: columns, types, descriptions and row rules.
        sources: by column, the upstream columns that it is made from; `*` is every column that is not named.
    """

    name: str
    schema: type[dy.Schema]
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def asset(self) -> str:
        """The name without the encoder or model version in it: what makes all of these tables."""
        return self.name.partition("/")[0]

    @property
    def primary_key(self) -> list[str]:
        """Columns that name a row."""
        return self.schema.primary_key()

    @property
    def description(self) -> str:
        """What one row is: the first line of the schema's docstring."""
        return (self.schema.__doc__ or "").strip().splitlines()[0]

    @property
    def no_rows(self) -> pl.DataFrame:
        """No row, in all columns."""
        return _no_rows_of(self.schema).clone()

    @property
    def fingerprint(self) -> str:
        """Changes when columns or types change, so that rows of another shape count as stale."""
        return _fingerprint_of(self.schema)


@lru_cache(_SCHEMAS_KEPT)
def _fingerprint_of(schema: type[dy.Schema]) -> str:
    """Made once: every row of a day asks for it, in the thread that feeds the device."""
    shape = [(name, str(column.dtype)) for name, column in schema.columns().items()]
    return hashlib.sha256(repr(shape).encode()).hexdigest()[:16]


@lru_cache(_SCHEMAS_KEPT)
def _no_rows_of(schema: type[dy.Schema]) -> pl.DataFrame:
    """Made once: most days have no rejections at most stages."""
    return schema.create_empty()
