"""What must be true of what was published: it is what the lake has of the day, no more and no less."""

from datetime import date

import polars as pl

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.publishing.postgres.images_table import count_day
from image_assets.publishing.postgres.server import Postgres
from image_assets.steps.audits.day_audits import Audit
from image_assets.steps.images.certificates import erased_ids
from image_assets.tables.enrichment import IMAGE_TAGS
from image_assets.tables.gold import GOLD_IMAGES


def audit_published(server: Postgres, tables: ParquetTables, encoder: str, day: date) -> Audit:
    """Images, vectors of the encoder and tags of a day are as many there as here, and nothing erased is there."""
    gold = tables.read(GOLD_IMAGES, day)
    ids, erased = gold.get_column("image_id").implode(), list(erased_ids(tables, day))
    tags = tables.read_or_empty(IMAGE_TAGS, day).filter(pl.col("image_id").is_in(ids)).get_column("tags")
    here = {
        "images": gold.height,
        "vectors": gold.filter(encoder=encoder).height,
        "tags": int(tags.list.eval(pl.element().struct.field("tag")).list.n_unique().sum()),
        "erased images": 0,
    }
    there = server.ask(lambda connection: count_day(connection, day, erased))
    problems = [
        f"{there[what]} {what} there, {count} in the lake" for what, count in here.items() if there[what] != count
    ]
    return Audit(gold.height, tuple(f"{each}: run postgres_gold of {day}" for each in problems))
