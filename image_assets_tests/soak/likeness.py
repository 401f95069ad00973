"""Whether two homes have come to the same: lake, index, gallery, warehouse and what was published."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
from polars.testing import assert_frame_equal

from image_assets.lake import object_keys
from image_assets.lake.opening import LakeParams, open_tables
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.publishing.delta_table import DailyDeltaTable
from image_assets.steps.publishing.delta_gold import DELTA_TABLES
from image_assets.steps.search.gallery import Wanted, open_gallery
from image_assets.steps.vectors.index_store import all_members, read_manifest
from image_assets.tables.upkeep import ERASURES
from image_assets_tests.servers.equality import differences
from image_assets_tests.servers.postgres import PostgresServer
from image_assets_tests.soak.homes import Home
from image_assets_tests.soak.script import ARCHIVE, LAKE, PUBLISHED

ENCODER = "builtin"
_OF_ITS_TIME = ["created_at", "updated_at", "vector_key", "version", "vector_version", "uploaded_at", "input_version"]
_NOISE = 1e-2
"""Of vectors that were published as halves."""

Copies = dict[str, pl.DataFrame]


def unlike(one: Home, other: Home, databases: tuple[str, str] | None, server: PostgresServer | None) -> list[str]:
    """What differs between two homes, in words."""
    first, second = _tables(one), _tables(other)
    found = differences(first, second)
    urls = databases if server and databases else (None, None)
    copies = [
        _copies(home, tables, url, server) for home, tables, url in ((one, first, urls[0]), (other, second, urls[1]))
    ]
    found += [told for name in copies[0] if (told := _difference(name, copies[0][name], copies[1][name]))]
    return found + [f"an erased image is there still: {place}" for place in _remains(one, first)]


def _tables(home: Home) -> ParquetTables:
    return open_tables(LakeParams(home.folder / LAKE, home.folder / ARCHIVE))


def _copies(home: Home, tables: ParquetTables, database: str | None, server: PostgresServer | None) -> Copies:
    manifest = read_manifest(tables.store, ENCODER)
    found = {
        "the index": all_members(tables, manifest) if manifest else pl.DataFrame({"image_id": []}),
        "the gallery": open_gallery(tables).find(Wanted(with_duplicates=True)),
        "the gallery without duplicates": open_gallery(tables).find(Wanted()),
        "the warehouse": _warehouse(home.folder / LAKE / object_keys.WAREHOUSE),
    }
    found |= {
        f"Delta {name}": pl.read_delta(DailyDeltaTable(str(home.folder / PUBLISHED), name).uri) for name in DELTA_TABLES
    }
    if server and database:
        found |= {f"PostgreSQL {name}": _asked(server, database, name) for name in ("images", "image_tags")}
    return found


def _warehouse(file: Path) -> pl.DataFrame:
    """How many rows of which image each table has."""
    with duckdb.connect(str(file), read_only=True) as connection:
        names = [
            name
            for (name,) in connection.execute(
                "SELECT view_name FROM duckdb_views() WHERE NOT internal UNION SELECT table_name FROM duckdb_tables()"
            ).fetchall()
        ]
        counts = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone() for name in sorted(names)}
    return pl.DataFrame({"table": list(counts), "rows": [count[0] for count in counts.values() if count]})


def _asked(server: PostgresServer, database: str, table: str) -> pl.DataFrame:
    columns = [
        name
        for (name,) in server.execute(
            f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' ORDER BY 1", database
        )
    ]
    wanted = [name for name in columns if name not in _OF_ITS_TIME and name != "embedding"]
    chosen = ", ".join(f"{name}::text" for name in wanted)
    rows = server.execute(f"SELECT {chosen} FROM {table}", database)
    return pl.DataFrame(rows, schema=dict.fromkeys(wanted, pl.String), orient="row")


def _difference(name: str, first: pl.DataFrame, second: pl.DataFrame) -> str | None:
    own = [*_OF_ITS_TIME, "key", "processed_at", "ingested_at", "predicted_at"]
    try:
        frames = [rows.drop(own, strict=False).sort(pl.col(pl.String, pl.Date)) for rows in (first, second)]
        assert_frame_equal(*frames, abs_tol=_NOISE)
    except AssertionError as error:
        return f"{name} differs: {error}"
    return None


def _remains(home: Home, tables: ParquetTables) -> Iterator[str]:
    """Names and small files that tell an erased image's id, but certificates."""
    erased = tables.scan(ERASURES, ["image_id"]).get_column("image_id").to_list()
    for file in (each for each in (home.folder / LAKE).rglob("*") if each.is_file()):
        if any(image_id in file.name for image_id in erased):
            yield str(file)
