"""Days compared with other earlier days than there are now: after late files, erasures and people's decisions."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache

from image_assets.ids import ObjectKey
from image_assets.lake.object_store import ObjectInfo
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.steps.duplicates.duplicates import duplicate_target, duplicate_versions
from image_assets.steps.duplicates.links import DuplicateParams
from image_assets.steps.increment.stock import Target
from image_assets.steps.vectors.embeddings import embedding_target

_COLUMNS_KEPT = 1 << 15


def outdated_days(tables: ParquetTables, encoder: EncoderDescription, params: DuplicateParams) -> dict[date, str]:
    """Days whose duplicates are out of date, in order, each with the version that is wanted.

    Only what the images say counts: a day that a new setting, encoder or code concerns waits for a run of its own.

    Raises:
        TableError: a file of a day that later ones are compared with cannot be read.
    """
    compared = _days_of_recipe(tables, duplicate_target(params))
    embedded = _days_of_recipe(tables, embedding_target(encoder))
    wanted = duplicate_versions(tables, compared.keys() & embedded.keys(), encoder)
    stored = {day: _distinct(tables, compared[day], "input_version") for day in wanted}
    return {day: wanted[day] for day in sorted(wanted) if stored[day] - {wanted[day]}}


def _days_of_recipe(tables: ParquetTables, target: Target) -> Mapping[date, Sequence[ObjectInfo]]:
    """Days all of whose rows have the wanted recipe, each with its files."""
    return {
        day: files
        for day, files in tables.listed(target.table.name).items()
        if _distinct(tables, files, "recipe_version") <= {target.recipe_version}
    }


def _distinct(tables: ParquetTables, files: Sequence[ObjectInfo], column: str) -> frozenset[str]:
    return frozenset().union(*(_distinct_of(tables, info.key, info.version, column) for info in files))


@lru_cache(maxsize=_COLUMNS_KEPT)
def _distinct_of(tables: ParquetTables, key: ObjectKey, _version: str, column: str) -> frozenset[str]:
    """Different values of a column of a file, read once per process while the file stays as it is."""
    return frozenset(tables.scan_files([key], [column]).get_column(column).unique())
