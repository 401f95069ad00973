"""What the gallery's projection holds: narrow rows of gold, the newest first, and where every other image is.

Texts and lists are codes, and a table of each column says what they stand for: a condition on them is decided once for
each value, by the same expression as over gold itself, and counting is counting of numbers. Code 0 is no value.
"""

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl

from image_assets.imaging.colour_names import COLOURS, nearest_colours
from image_assets.lake import object_keys
from image_assets.lake.lots import lot_named
from image_assets.lake.object_store import ObjectInfo
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.projection import insert
from image_assets.steps.search.conditions import COLOUR_COLUMN
from image_assets.steps.search.gold_rows import GoldRows
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES
from image_assets.tables.upkeep import ERASURES

PLAIN: Final[Mapping[str, str]] = {
    "day": "DATE",
    "uploaded_at": "TIMESTAMP",
    "confidence_ratio": "FLOAT",
    "needs_review": "BOOLEAN",
    "is_duplicate": "BOOLEAN",
    "width_px": "UINTEGER",
    "height_px": "UINTEGER",
}
"""Columns of gold that are kept as they are and can be compared, with their types in DuckDB."""

LISTS: Final = ("tags", COLOUR_COLUMN)
CODED: Final = (
    *("user_id", "label", "label_source", "format", "predicted_label", "model_version", "policy", "state"),
    *("caption", "text", *LISTS),
)
"""Columns of gold that are kept as codes; of colours only their everyday names."""

UPLOADED_US: Final = "uploaded_us"
"""The instant of the upload as a number, by which the newest come first; an image without one comes last."""

_MAIN_COLOUR, _HAS_THUMBNAIL = "main_colour", "has_thumbnail"

COPYABLE: Final = {"image_id", "canonical_id", "raw_name", *PLAIN, *CODED} - {COLOUR_COLUMN} | {
    _MAIN_COLOUR,
    _HAS_THUMBNAIL,
}
"""Columns that can be answered with: of gold, and the main colour and whether there is a thumbnail."""

_KEPT: Final = ("image_id", "canonical_id", "raw_name", "thumbnail_path", *PLAIN, *CODED)
_ELSEWHERE: Final = dict.fromkeys(("image_id", "user_id", "state", "reason", "stage"), pl.String) | {"day": pl.Date}


class GalleryContent:
    """See `Content`."""

    key = object_keys.GALLERY
    shape = f"3 {duckdb.__version__}"
    sources: Sequence[str] = (GOLD_IMAGES.name, BRONZE_IMAGES.name, REJECTED_IMAGES.name, ERASURES.name)

    def create(self, database: duckdb.DuckDBPyConnection) -> None:
        """See `Content`."""
        kept = ", ".join(f"{name} {kind}" for name, kind in PLAIN.items())
        codes = ", ".join(f"{name} UINTEGER" for name in CODED)
        shown = f"raw_name VARCHAR, {_HAS_THUMBNAIL} BOOLEAN, {_MAIN_COLOUR} VARCHAR"
        database.execute(
            f"""CREATE TABLE images
            (image_id UUID, canonical_id UUID, is_copy BOOLEAN, {UPLOADED_US} DOUBLE, {kept}, {shown}, {codes})"""
        )
        for name in CODED:
            kind = "VARCHAR[]" if name in LISTS else "VARCHAR"
            database.execute(f"CREATE TABLE {name}_values (code UINTEGER, value {kind})")
        texts = "user_id VARCHAR, state VARCHAR, reason VARCHAR, stage VARCHAR"
        database.execute(f"CREATE TABLE elsewhere (image_id UUID, day DATE, {texts})")
        database.execute("CREATE TABLE stand_ins (image_id UUID)")
        database.execute("CREATE TABLE schemas (day DATE, columns BLOB)")

    def fill(self, database: duckdb.DuckDBPyConnection, tables: ParquetTables, days: Collection[date]) -> None:
        """See `Content`."""
        files = {day: its for day, its in tables.listed(GOLD_IMAGES.name).items() if day in days}
        schemas = {day: tables.schema_of(GOLD_IMAGES.name, day) for day in files}
        # From the moment that an erasure began nobody is shown what is left, whatever gold still has.
        erased = _read(tables, ERASURES.name, days, ["image_id"]).get_column("image_id")
        is_erased = pl.col("image_id").cast(pl.String).is_in(erased.implode())
        images = [pl.DataFrame(schema={"image_id": pl.String})]
        for part, its_days in _parts(tables, files):
            rows = _narrow(GoldRows(part, schemas), its_days).filter(~is_erased)
            for name in CODED:
                _learn(database, name, rows)
            insert(database, "images", _ENCODED, rows)
            images.append(rows.select(pl.col("image_id").cast(pl.String)))
        found = _elsewhere(tables, days, pl.concat(images))
        insert(database, "elsewhere", "SELECT image_id::UUID, day, user_id, state, reason, stage FROM rows", found)
        known = pl.DataFrame(
            [(day, _as_bytes(schema)) for day, schema in schemas.items()],
            schema={"day": pl.Date, "columns": pl.Binary},
            orient="row",
        )
        insert(database, "schemas", "FROM rows", known)

    def remove(self, database: duckdb.DuckDBPyConnection, days: Collection[date]) -> None:
        """See `Content`."""
        for table in ("images", "elsewhere", "schemas"):
            sql = f"DELETE FROM {table} WHERE day IN (SELECT unnest(?::DATE[]))"  # noqa: S608 - names of ours
            database.execute(sql, [list(days)])

    def finish(self, database: duckdb.DuckDBPyConnection) -> None:
        """Choose which copies stand for a photo of which nothing else is shown."""
        database.execute("DELETE FROM stand_ins")
        shown = "state NOT IN (SELECT code FROM state_values WHERE value = 'blocked')"
        database.execute(
            f"""INSERT INTO stand_ins
            SELECT min(image_id) FROM images WHERE is_copy AND {shown}
            AND canonical_id NOT IN (SELECT image_id FROM images WHERE NOT is_copy AND {shown})
            GROUP BY canonical_id"""  # noqa: S608 - names of ours
        )


def schema_of(kept: bytes) -> pl.Schema:
    """What `GalleryContent` keeps of a day's schema."""
    return pl.read_ipc_stream(io.BytesIO(kept)).schema


def _as_bytes(schema: pl.Schema) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(schema=schema).write_ipc_stream(buffer)
    return buffer.getvalue()


def _parts(
    tables: ParquetTables, files: Mapping[date, Sequence[ObjectInfo]]
) -> Iterator[tuple[ParquetTables, Collection[date]]]:
    """The days of one file together, then each lot of the others."""
    yield tables, [day for day, its in files.items() if len(its) == 1]
    for day, its in files.items():
        lots = [lot_named(Path(info.key).stem) for info in its if len(its) > 1]
        yield from ((tables.at(lot), [day]) for lot in lots if lot)


def _narrow(gold: GoldRows, days: Collection[date]) -> pl.DataFrame:
    """The kept columns."""
    rows = gold.select(_KEPT, days=days)
    texts = [_as_texts(rows, name) if name in LISTS else pl.col(name).cast(pl.String) for name in CODED]
    narrow = rows.with_columns(
        *texts,
        pl.col("uploaded_at").cast(pl.Datetime("us", "UTC")).dt.replace_time_zone(None),
        has_thumbnail=pl.col("thumbnail_path").is_not_null(),
        main_colour=pl.col(COLOUR_COLUMN).cast(pl.List(pl.String)).list.first(),
    )
    named = narrow.with_columns(pl.col(COLOUR_COLUMN).map_batches(_colour_names, return_dtype=pl.List(pl.String)))
    return named.drop("thumbnail_path")


def _as_texts(rows: pl.DataFrame, name: str) -> pl.Expr:
    dtype = rows.schema[name]
    if isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct):
        return pl.col(name).list.eval(pl.element().struct.field(dtype.inner.fields[0].name))
    return pl.col(name).cast(pl.List(pl.String))


def _colour_names(lists: pl.Series) -> pl.Series:
    """The names of each list's colours, in the order of the alphabet."""
    rows = lists.alias("hex").to_frame().with_row_index("row")
    each = rows.explode("hex").drop_nulls()
    bits = pl.Series("bits", 1 << nearest_colours(_pixels(each.get_column("hex"))), dtype=pl.UInt16)
    found = each.select("row", bits).group_by("row").agg(pl.col("bits").bitwise_or())
    named = found.select("bits").unique().with_columns(names=pl.col("bits").map_elements(_names, pl.List(pl.String)))
    names = rows.join(found.join(named, on="bits"), on="row", how="left", maintain_order="left").get_column("names")
    none = pl.Series([[]], dtype=pl.List(pl.String))
    return pl.select(pl.when(lists.is_not_null()).then(names.fill_null(none))).to_series().alias(lists.name)


def _pixels(hexes: pl.Series) -> npt.NDArray[np.uint8]:
    numbers = hexes.str.slice(1).str.to_integer(base=16, dtype=pl.UInt32).to_numpy()
    return np.stack([numbers >> 16, numbers >> 8, numbers], axis=1).astype(np.uint8)


def _names(bits: int) -> list[str]:
    return sorted(name for place, name in enumerate(COLOURS) if bits >> place & 1)


def _learn(database: duckdb.DuckDBPyConnection, name: str, rows: pl.DataFrame) -> None:
    """Give a code to every value that has none yet."""
    values = rows.select(value=pl.col(name)).unique().drop_nulls()
    insert(
        database,
        f"{name}_values",
        f"""SELECT (SELECT coalesce(max(code), 0) FROM {name}_values) + row_number() OVER (), value FROM rows
        WHERE value NOT IN (FROM (SELECT value FROM {name}_values))""",  # noqa: S608 - names of ours
        values,
    )


_CODES = ", ".join(f"coalesce({name}_values.code, 0)" for name in CODED)
_JOINS = " ".join(f"LEFT JOIN {name}_values ON rows.{name} = {name}_values.value" for name in CODED)
_PLAIN = ", ".join(f"rows.{name}" for name in PLAIN)
_ENCODED: Final = f"""
SELECT image_id::UUID, canonical_id::UUID, coalesce(canonical_id <> image_id, false),
coalesce(epoch_us(uploaded_at)::DOUBLE, -1e18) AS {UPLOADED_US}, {_PLAIN}, raw_name, {_HAS_THUMBNAIL},
{_MAIN_COLOUR}, {_CODES} FROM rows {_JOINS} ORDER BY {UPLOADED_US} DESC, image_id"""  # noqa: S608 - names of ours


def _elsewhere(tables: ParquetTables, days: Collection[date], images: pl.DataFrame) -> pl.DataFrame:
    """Images of some days that gold does not have, and erased ones: the surest word on each."""
    erased = _read(tables, ERASURES.name, days, ["image_id"])
    refused = _read(tables, REJECTED_IMAGES.name, days, ["image_id", "source_uri", "stage", "reason"])
    accepted = _read(tables, BRONZE_IMAGES.name, days, ["image_id", "user_id"])
    users = accepted.select("image_id", accepted_of="user_id")
    rejected = refused.drop_nulls("image_id").join(users, on="image_id", how="left")
    # Whose file it was says its folder, while nobody has looked at its sidecar.
    folder = pl.col("source_uri").str.extract(r"^[^/]+/[^/]+/([^/]+)/").map_elements(unquote, pl.String)
    rejected = rejected.with_columns(user_id=pl.coalesce("accepted_of", folder))
    others = [rejected.with_columns(state=pl.lit("error")), accepted.with_columns(state=pl.lit("processing"))]
    missing = [each.join(images, on="image_id", how="anti") for each in others]
    empty = pl.DataFrame(schema=_ELSEWHERE)
    found = pl.concat([empty, erased.with_columns(state=pl.lit("erased")), *missing], how="diagonal")
    return found.select(empty.columns).unique("image_id", keep="first", maintain_order=True)


def _read(tables: ParquetTables, table: str, days: Collection[date], columns: Sequence[str]) -> pl.DataFrame:
    """Columns of text, and the day."""
    parts = [pl.DataFrame(schema=dict.fromkeys(columns, pl.String) | {"day": pl.Date})]
    found = ((day, keys) for day in days if (keys := tables.keys(table, day)))
    parts += [tables.scan_files(keys, columns).cast(pl.String).with_columns(day=pl.lit(day)) for day, keys in found]
    return pl.concat(parts)
