"""Which upstream columns each column of a table is made from, as its table says."""

from collections.abc import Collection, Mapping
from typing import Any

import dagster as dg

from image_assets.tables.catalogue import WHOLE_TABLES
from image_assets.tables.chain import CHAIN

_TABLES = {table.name: table for table in (*CHAIN.tables(), *WHOLE_TABLES)}
# Of the partition or of the run that made the row; the versions hash what the other columns come from.
_OWN = {"day", "input_version", "recipe_version", "processed_at"}


def upstream_of(spec: dg.AssetSpec) -> set[str]:
    """Names of the assets that an asset depends on."""
    return {dep.asset_key.to_user_string() for dep in spec.deps}


def column_sources(asset: str, upstream: Collection[str]) -> Mapping[str, list[str]]:
    """By column, the upstream columns that it is made from, such as `bronze_images.label`; none for its own.

    Args:
        asset: the asset that makes the table.
        upstream: assets that it depends on; the settings choose between some of them.
    """
    if asset not in _TABLES:
        return {}
    table = _TABLES[asset]
    told = {name: table.sources.get(name, table.sources.get("*", "")) for name in table.schema.column_names()}
    found = {
        column: [source for source in sources.split() if source.split(".")[0] in upstream]
        for column, sources in told.items()
        if column not in _OWN
    }
    return {column: sources for column, sources in found.items() if sources}


def describe_lineage(spec: dg.AssetSpec) -> Mapping[str, dg.MetadataValue[Any]]:
    """The same as metadata of a materialization; nothing for an asset that is no table."""
    sources = column_sources(spec.key.to_user_string(), upstream_of(spec))
    deps = {column: [_dep(source) for source in found] for column, found in sources.items()}
    return {"dagster/column_lineage": dg.MetadataValue.column_lineage(dg.TableColumnLineage(deps))} if deps else {}


def _dep(source: str) -> dg.TableColumnDep:
    asset, column = source.split(".")
    return dg.TableColumnDep(dg.AssetKey(asset), column)
