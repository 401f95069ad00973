"""The steps of a day as they are, with values that are made up where they would look at pictures."""

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from image_assets.compute.outcomes import Done
from image_assets.ids import Sha256, SourceUri, image_id_of
from image_assets.imaging.derivatives import DerivativeParams
from image_assets.imaging.inspect import InspectParams
from image_assets.imaging.pixels import RgbImage
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import Embedding, Embeddings, EncoderDescription, PreparedImage
from image_assets.opening import open_lake
from image_assets.settings import Settings
from image_assets.steps.audits.day_audits import audit_schema, audit_stage, audit_uploads
from image_assets.steps.classification.predictions import PredictionParams, choose_model, predict_day
from image_assets.steps.duplicates.duplicates import DayComparison, find_duplicates
from image_assets.steps.duplicates.links import DuplicateParams
from image_assets.steps.enrichment.captions import caption_day
from image_assets.steps.enrichment.image_text import leave_unread
from image_assets.steps.enrichment.vector_stages import VECTOR_STAGES
from image_assets.steps.gold.gold import curate_day
from image_assets.steps.gold.rejections import gather_rejections, stopping_stages
from image_assets.steps.gold.report import ReportParams, write_report
from image_assets.steps.gold.summary import summarise_day
from image_assets.steps.images.bronze import bronze_inputs, bronze_target
from image_assets.steps.images.landing_lots import LandingZone
from image_assets.steps.images.lots import cut_day
from image_assets.steps.images.silver import derivative_inputs, derivative_targets
from image_assets.steps.increment.outcome import Item, Outcome
from image_assets.steps.increment.stock import Target
from image_assets.steps.increment.stream import run_increments
from image_assets.steps.search.gallery import open_gallery
from image_assets.steps.vectors.embeddings import embedding_inputs, embedding_target
from image_assets.steps.vectors.vector_index import refresh_index
from image_assets.tables.chain import CHAIN
from image_assets.tables.images import BRONZE_IMAGES, PATH_COLUMNS, SILVER_IMAGES

_NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)


def steps(root: Path, day: date) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each step of the day by name, in order."""
    settings = Settings(_env_file=None, root=root)
    tables, encoder = open_lake(settings), _Encoder()
    lots, pace, params = cut_day(tables, day), {"chunk_size": settings.chunk_size}, settings.enrichment_params
    bronze = bronze_target(InspectParams())
    made = derivative_targets(DerivativeParams())
    vectors = embedding_target(encoder.description)
    model = choose_model(tables, encoder, ())

    def each(step: Callable[[ParquetTables], object]) -> Callable[[], object]:
        return lambda: [step(tables.at(lot)) for lot in lots]

    def made_up(targets: list[Target], inputs: Callable[[ParquetTables, date], Any]) -> Callable[[], object]:
        bare = [Target(target.table, target.recipe, target.key) for target in targets]
        return each(lambda at: run_increments(at, bare, day, partial(inputs, at, day), _made_up, **pace))

    landing = LandingZone(tables.store, day, len(lots))
    yield "bronze", made_up([bronze], partial(bronze_inputs, landing=landing))
    yield "derivatives", made_up(made, derivative_inputs)
    yield "vectors", made_up([vectors], embedding_inputs)
    comparison = DayComparison(tables, day, encoder.description, DuplicateParams())
    yield "duplicates", each(partial(find_duplicates, day=day, comparison=comparison, **pace))
    for stage in VECTOR_STAGES:
        judge = stage.judge(encoder, params)
        yield stage.table.name, each(partial(stage.work, day=day, **{_ASKED[stage.table.name]: judge}, **pace))
    yield "captions", each(partial(caption_day, day=day, captioner=None, **pace))
    yield "text", each(partial(leave_unread, day=day))
    yield "predictions", each(lambda at: predict_day(at, day, encoder.description, model, PredictionParams(), **pace))
    yield "rejections", lambda: gather_rejections(tables, day, stopping_stages(tables, day, encoder.description.name))
    yield "gold", each(partial(curate_day, day=day, encoder=encoder.description.name, **pace))
    yield "summary", lambda: summarise_day(tables, day)
    yield "report", lambda: write_report(tables, day, ReportParams())
    yield "vector index", lambda: refresh_index(tables, encoder.description, settings.index_params)
    yield "gallery", lambda: open_gallery(tables)
    yield "checks", lambda: _check(tables, day)


_ASKED = {"image_tags": "tagger", "image_moderation": "moderator"}


class _Encoder:
    """Knows a vector for every text: what a model holds in memory is no matter of the day."""

    description = EncoderDescription("made-up", "1", 256, 1, "none", "made up")
    logit_scale, load = 100.0, None

    def knows(self, _text: str) -> bool:
        """Every one."""
        return True

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Anything, the same for the same text."""
        return np.stack([_vector(hashlib.sha256(text.encode()).hexdigest()) for text in texts])

    def encode_images(self, images: Sequence[RgbImage]) -> Embeddings:
        """Nobody asks for it."""
        raise NotImplementedError

    def prepare_image(self, image: RgbImage) -> PreparedImage:
        """Nobody asks for it."""
        raise NotImplementedError

    def encode_prepared(self, images: Iterable[PreparedImage]) -> Iterator[Embedding]:
        """Nobody asks for it."""
        raise NotImplementedError


def _vector(digest: str) -> Embedding:
    vector = np.random.default_rng(int(digest[:8], 16)).normal(size=_Encoder.description.dimension)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _check(tables: ParquetTables, day: date) -> None:
    audits = [
        audit_uploads(tables, day, datetime.now(UTC)),
        audit_stage(tables, BRONZE_IMAGES.name, SILVER_IMAGES.name, day),
    ]
    audits += [audit_schema(tables, table, day) for table in CHAIN.tables() if tables.exists(table, day)]
    if problems := [problem for audit in audits for problem in audit.problems]:
        raise SystemExit("\n".join(problems[:5]))


def _made_up(items: Iterator[Item]) -> Generator[Outcome]:
    """What a step would say of pictures that nobody looks at."""
    for item in items:
        yield Done(item, {name: _values(name, item) for name in item.wanted})


def _values(table: str, item: Item) -> dict[str, object]:
    digest = hashlib.sha256(str(item.row["source_uri"]).encode()).hexdigest()
    if table == BRONZE_IMAGES.name:
        return _original(SourceUri(str(item.row["source_uri"])), digest)
    size = {"width_px": 200, "height_px": 200, "size_bytes": 10_000, "sha256": digest}
    if table == SILVER_IMAGES.name:
        return {**size, **_cleansed(digest)}
    if table in {"thumbnails", "watermarked_previews"}:
        return {**size, PATH_COLUMNS[table]: f"{table}/{digest}"}
    return {"embedding": _vector(digest)}


def _original(uri: SourceUri, digest: str) -> dict[str, object]:
    image_id = image_id_of(uri, Sha256(digest))
    said = {"user_id": "somebody", "uploaded_at": _NOW, "ingested_at": _NOW, "raw_name": uri, "label": None}
    facts = {"format": "JPEG", "mime": "image/jpeg", "mode": "RGB", "width_px": 900, "height_px": 900, "frames": 1}
    where = {"image_id": image_id, "raw_path": f"bronze/{image_id}.jpg", "sha256": digest, "size_bytes": 99_000}
    return {**said, **facts, **where, "exif": '{"Make": "Somebody", "Model": "Something"}', "sidecar_problem": None}


def _cleansed(digest: str) -> dict[str, object]:
    measures = {"blur": 90.0, "brightness_ratio": 0.5, "contrast_ratio": 0.2, "entropy_bits": 7.0, "aspect_ratio": 1.0}
    shown = {"phash": digest[:16], "is_near_uniform": False, "dominant_colours": ["#aa0000", "#ffffff"]}
    return {**measures, **shown, "cleansed_name": f"{digest}.jpg", "cleansed_path": f"silver/{digest}.jpg"}


def copy_day(root: Path, template: date, days: Iterable[date]) -> None:
    """Give other days the tables of one, as if each had other images."""
    files = list((root / "tables").rglob(f"{template}.parquet"))
    for day in days:
        for path in files:
            rows = pl.read_parquet(path)
            named = [name for name in ("image_id", "canonical_id", "sha256", "phash") if name in rows.columns]
            changed = {name: pl.Series([_of_day(each, day) for each in rows[name]], dtype=pl.String) for name in named}
            rows.with_columns(day=pl.lit(day), **changed).write_parquet(path.with_name(f"{day}.parquet"))


def _of_day(known: str, day: date) -> str:
    """As long, and of hexadecimal digits; what says of a UUID which kind it is stays."""
    digits = hashlib.sha256(f"{known} {day}".encode()).hexdigest()
    kept = {place for place, letter in enumerate(known) if letter == "-"} | ({14, 19} if "-" in known else set())
    return "".join(letter if place in kept else digits[place] for place, letter in enumerate(known))
