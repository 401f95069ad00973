"""A recipe: everything besides its input that decides a step's output; and the version of an input."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class Recipe:
    """Named parameters, models and code versions; two equal recipes have one version."""

    parameters: Mapping[str, object]

    @property
    def version(self) -> str:
        """16 hexadecimal digits."""
        text = json.dumps(self.parameters, sort_keys=True, default=_plain)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    raise TypeError(f"a recipe holds plain values, not {type(value).__name__}")


def version_of(*fields: object) -> str:
    """16 hexadecimal digits for an input: its upstream fields, in order."""
    return hashlib.blake2b(repr(fields).encode(), digest_size=8).hexdigest()


def with_versions(inputs: pl.DataFrame, fields: Sequence[str]) -> pl.DataFrame:
    """Inputs with the `input_version` of each: these columns decide, in this order."""
    versions = [version_of(*row) for row in inputs.select(fields).iter_rows()]
    return inputs.with_columns(input_version=pl.Series(versions, dtype=pl.String))
