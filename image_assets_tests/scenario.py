"""A lake with one day in it: files land under plain names, steps run by plain calls, rows come back as dictionaries.

Test modules reach it through the fixture `scenario` and import its name for annotations only, because a file
that pytest imports by its path cannot import its neighbours.
"""

import io
import json
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from image_assets.compute.engine import Engine, SerialEngine
from image_assets.errors import StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.imaging.derivatives import DerivativeParams
from image_assets.imaging.inspect import InspectParams
from image_assets.imaging.pixels import RgbImage
from image_assets.lake.local_object_store import LOCKS, STAGING, LocalObjectStore
from image_assets.lake.object_keys import landing_prefix, source_uri_of, table_key
from image_assets.lake.object_store import ANY_VERSION
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.captioning.captioner import Captioner
from image_assets.models.encoders.encoder import Embedding, Embeddings, EncoderDescription, ImageEncoder, PreparedImage
from image_assets.models.moderation.open_nsfw import PictureScorer
from image_assets.models.moderation.picture_moderator import PictureModerator
from image_assets.models.zero_shot.moderation import Moderator, Policies, Policy
from image_assets.models.zero_shot.tagging import Tagger
from image_assets.models.zero_shot.vocabulary import Calibration, Kind, Term, Vocabulary
from image_assets.steps.classification.models_in_use import model_in_use
from image_assets.steps.classification.predictions import PredictionParams, choose_model, predict_day
from image_assets.steps.duplicates.duplicates import DayComparison, find_duplicates
from image_assets.steps.duplicates.links import DuplicateParams
from image_assets.steps.enrichment.captions import caption_day
from image_assets.steps.enrichment.image_text import leave_unread
from image_assets.steps.enrichment.moderation import moderate_day, moderate_pictures
from image_assets.steps.enrichment.params import EnrichmentParams
from image_assets.steps.enrichment.tags import tag_day
from image_assets.steps.gold.gold import curate_day
from image_assets.steps.gold.rejections import gather_rejections
from image_assets.steps.gold.summary import summarise_day
from image_assets.steps.images.bronze import take_in_day
from image_assets.steps.images.silver import DERIVED_TABLES, derive_day
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.questions.stages import DayParams
from image_assets.steps.vectors.embeddings import embed_day, table_of
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.predictions import predictions_table
from image_assets.tables.rejections import rejections_of
from image_assets.tables.table import Table

DAY = date(2026, 10, 1)
CHUNK_SIZE = 16
COLOURS = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "blue": (0.0, 0.0, 1.0)}
RED_OR_BLUE = Vocabulary(
    (Kind("colour", ("{}",), ("green",), (Term("red", ("red",)), Term("blue", ("blue",)))),),
    Calibration(temperature=1.0, threshold=0.6),
    {},
    (),
)
NO_WEAPONS = Policies(
    neutral=("green",), policies=(Policy(policy="weapons", prompts=("sword",), review=0.6, blocked=0.95),)
)

Row = dict[str, Any]


class ColourMeans:
    """Encodes a picture as its mean colour, and the name of a colour as that colour."""

    def __init__(self, name: str = "colour-means", revision: str = "1") -> None:
        self.description = EncoderDescription(name, revision, 4, 1, "none", "made in code")
        self.logit_scale = 100.0
        self.load = None

    def knows(self, text: str) -> bool:
        return text in COLOURS

    def encode_images(self, images: Sequence[RgbImage]) -> Embeddings:
        return _unit([(*image.mean(axis=(0, 1)) / 255, 0.1) for image in images])

    def prepare_image(self, image: RgbImage) -> RgbImage:
        return image

    def encode_prepared(self, images: Iterable[PreparedImage]) -> Iterator[Embedding]:
        for image in images:
            yield self.encode_images([image])[0]

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        return _unit([(*COLOURS[text], 0.1) for text in texts])


def _unit(rows: Sequence[Sequence[float]]) -> Embeddings:
    vectors = np.array(rows, dtype=np.float32).reshape(-1, 4)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


class HastyStore(LocalObjectStore):
    """A local store that does not wait for the disk: no test cuts the power."""

    __slots__ = ()

    def flush(self) -> None:
        """Nothing."""

    def sync(self, key: ObjectKey) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class MortalStore(HastyStore):
    """A store that is gone for good after so many changes, which another store may share."""

    changes_left: list[int]

    def write(self, key: ObjectKey, data: bytes, *, over: str | None = ANY_VERSION) -> None:
        self._live()
        LocalObjectStore.write(self, key, data, over=over)

    def writing(self, key: ObjectKey, *, over: str | None = ANY_VERSION) -> AbstractContextManager[Path]:
        self._live()
        return LocalObjectStore.writing(self, key, over=over)

    def delete(self, key: ObjectKey, *, over: str = ANY_VERSION) -> None:
        self._live()
        LocalObjectStore.delete(self, key, over=over)

    def _live(self) -> None:
        if not self.changes_left[0]:
            raise StoreUnavailableError("the storage is gone")
        self.changes_left[0] -= 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """One day of a lake of its own."""

    root: Path
    day: date = DAY
    encoder: ImageEncoder = ColourMeans()

    @property
    def store(self) -> LocalObjectStore:
        return HastyStore(self.root)

    @property
    def tables(self) -> ParquetTables:
        return ParquetTables(self.store)

    def path(self, name: str) -> Path:
        """Where the upload of this name (`anna/dress.jpg`) lies; its folder is there."""
        path = self.root / landing_prefix(self.day) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def uri(self, name: str) -> str:
        return source_uri_of(ObjectKey(f"{landing_prefix(self.day)}/{name}"))

    def land(self, name: str, data: bytes, **sidecar: object) -> Path:
        """An upload, with a sidecar if there is something to say."""
        path = self.path(name)
        path.write_bytes(data)
        if sidecar:
            self.path(f"{name}.json").write_text(json.dumps(sidecar))
        return path

    def take_in(self, engine: Engine | None = None, limits: InspectParams | None = None) -> IncrementReport:
        limits = limits or InspectParams()
        return take_in_day(self.tables, self.day, limits, engine or SerialEngine(), chunk_size=CHUNK_SIZE)

    def derive(
        self,
        params: DerivativeParams | None = None,
        wanted: Collection[Table] = DERIVED_TABLES,
        engine: Engine | None = None,
    ) -> dict[str, IncrementReport]:
        reports = derive_day(
            self.tables,
            self.day,
            params or DerivativeParams(),
            engine or SerialEngine(),
            wanted=wanted,
            chunk_size=CHUNK_SIZE,
        )
        return {report.table: report for report in reports}

    def embed(self, encoder: ImageEncoder | None = None) -> IncrementReport:
        return embed_day(self.tables, self.day, encoder or self.encoder, chunk_size=CHUNK_SIZE)

    def predict(self, classes: Sequence[str] = tuple(COLOURS)) -> IncrementReport:
        """By the champion, else by the names of the classes."""
        model = choose_model(self.tables, self.encoder, classes)
        encoder = self.encoder.description
        return predict_day(self.tables, self.day, encoder, model, PredictionParams(0.6), chunk_size=CHUNK_SIZE)

    @property
    def predictions(self) -> Table:
        """Of the model that predicted last."""
        return predictions_table(str(model_in_use(self.store)))

    @property
    def embeddings(self) -> Table:
        return table_of(self.encoder.description)

    def tag(self, vocabulary: Vocabulary = RED_OR_BLUE) -> IncrementReport:
        return tag_day(self.tables, self.day, Tagger(self.encoder, vocabulary), chunk_size=CHUNK_SIZE)

    def moderate(self, policies: Policies = NO_WEAPONS) -> IncrementReport:
        return moderate_day(self.tables, self.day, Moderator(self.encoder, policies), chunk_size=CHUNK_SIZE)

    def moderate_pictures(self, scorer: PictureScorer, policies: Policies) -> IncrementReport:
        return moderate_pictures(self.tables, self.day, PictureModerator(scorer, policies), chunk_size=CHUNK_SIZE)

    def caption(self, captioner: Captioner | None = None) -> IncrementReport:
        return caption_day(self.tables, self.day, captioner, chunk_size=CHUNK_SIZE)

    def enrich(self) -> None:
        """What models say of the images; text is not read."""
        self.tag()
        self.moderate()
        self.caption()
        leave_unread(self.tables, self.day)

    def compare(self, params: DuplicateParams | None = None) -> IncrementReport:
        """Look for duplicates."""
        params = params or DuplicateParams()
        comparison = DayComparison(self.tables, self.day, self.encoder.description, params)
        return find_duplicates(self.tables, self.day, comparison, chunk_size=CHUNK_SIZE)

    @property
    def params(self) -> DayParams:
        """What `run` makes the day by."""
        return DayParams(
            limits=InspectParams(),
            derivatives=DerivativeParams(),
            encoder=self.encoder.description,
            enrichment=EnrichmentParams(RED_OR_BLUE, NO_WEAPONS),
            captioner=None,
            duplicates=DuplicateParams(),
            predictions=PredictionParams(0.6),
            model_version=None,
        )

    def gather(self) -> bool:
        stages = [BRONZE_IMAGES.name, *(table.name for table in DERIVED_TABLES), self.embeddings.name]
        return gather_rejections(self.tables, self.day, stages)

    def curate(self) -> IncrementReport:
        return curate_day(self.tables, self.day, self.encoder.description.name, chunk_size=CHUNK_SIZE)

    def summarise(self) -> bool:
        return summarise_day(self.tables, self.day)

    def run(self, engine: Engine | None = None) -> None:
        """Every step of the day, in order."""
        self.take_in(engine)
        self.derive(engine=engine)
        self.embed()
        self.compare()
        self.enrich()
        self.gather()
        self.curate()
        self.summarise()

    def rows(self, table: Table) -> list[Row]:
        return self.tables.read(table, self.day).to_dicts()

    def row(self, table: Table) -> Row:
        """The one row that there is."""
        (row,) = self.rows(table)
        return row

    def reasons(self, table: Table = BRONZE_IMAGES) -> dict[object, object]:
        """Why which item has no row in the table."""
        return {row["item"]: row["reason"] for row in self.rows(rejections_of(table))}

    def rewrite(self, table: Table, rows: pl.DataFrame) -> None:
        """Replace the day's file by hand, without any check."""
        with self.store.writing(table_key(table.name, self.day)) as path:
            rows.write_parquet(path)

    def files(self) -> dict[str, tuple[int, int]]:
        """Time and inode of every object, which change when one is written again."""
        own = {STAGING, LOCKS}
        found = [path for path in self.root.rglob("*") if path.is_file() and own.isdisjoint(path.parts)]
        return {os.fspath(path.relative_to(self.root)): _stamp(path) for path in found}


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_ino


def paint(colour: str = "red", size: tuple[int, int] = (64, 48), kind: str = "JPEG", **options: object) -> bytes:
    """A picture of one colour with a white stripe on top, as a file."""
    image = Image.new("RGB", size, colour)
    image.paste("white", (0, 0, size[0], max(1, size[1] // 8)))
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
