"""Search by text over the vectors of all days."""

from collections.abc import Iterator, Sequence

import polars as pl

from image_assets.errors import TableError
from image_assets.ids import ImageId
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoder import Embeddings, ImageEncoder
from image_assets.search.exact_search import find_nearest
from image_assets.steps.embeddings import table_of
from image_assets.tables.gold import GOLD_IMAGES

_SHOWN = ["image_id", "day", "user_id", "label", "raw_name", "thumbnail_path"]


def search_text(tables: ParquetTables, encoder: ImageEncoder, text: str, count: int) -> pl.DataFrame:
    """The images nearest to a text, best first: score and, where gold has the image, some of its columns."""
    name = table_of(encoder.description).name
    gold = [object_keys.table_key(GOLD_IMAGES.name, day) for day in tables.days(GOLD_IMAGES.name)]
    for table, days in ((name, tables.days(name)), (GOLD_IMAGES.name, gold)):
        if not days:
            raise TableError(f"{table} has no day yet: image-assets run")
    hits = find_nearest(_blocks(tables, name), encoder.encode_texts([text]), count)
    scores = pl.DataFrame(
        [(hit.image_id, hit.score) for hit in hits], schema={"image_id": pl.String, "score": pl.Float64}, orient="row"
    )
    where = pl.col("image_id").is_in(scores.get_column("image_id").implode())
    shown = tables.scan_files(gold, _SHOWN, where=where)
    return scores.join(shown, on="image_id", how="left", maintain_order="left").select("score", *_SHOWN)


def _blocks(tables: ParquetTables, name: str) -> Iterator[tuple[Sequence[ImageId], Embeddings]]:
    for day in tables.days(name):
        rows = tables.scan_files([object_keys.table_key(name, day)])
        if rows.height:
            yield rows.get_column("image_id").to_list(), rows.get_column("embedding").to_numpy()
