"""A lake of four days that the daily job ran once, and what a test needs to run more of it.

The days: 14 March has 25 files of the sample feed, 15 and 16 March three pictures each, 17 March nothing.
"""

import io
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
from PIL import Image

from image_assets.definitions import build_definitions
from image_assets.imaging.pixels import RgbImage
from image_assets.lake.local_object_store import LOCKS, STAGING, LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import (
    Embedding,
    Embeddings,
    EncoderDescription,
    EncoderLoad,
    ImageEncoder,
    PreparedImage,
)
from image_assets.orchestration.jobs import DAILY_JOB
from image_assets.orchestration.resources import EncoderResource
from image_assets.samples.feed import SampleFile, generate_feed
from image_assets.settings import PREFIX, Settings

DAYS = tuple(date(2026, 3, number) for number in (14, 15, 16, 17))
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class ColourEncoder:
    """Maps a picture to its mean colour and a text to grey: fast, and the same everywhere."""

    description = EncoderDescription("colours", "1", 3, 1, "none", "made in code")
    logit_scale = 100.0
    load = EncoderLoad("cpu", "fp32", 8, 3 * 2**20)

    def knows(self, text: str) -> bool:
        return True

    def encode_images(self, images: Sequence[RgbImage]) -> Embeddings:
        means = np.array([image.mean(axis=(0, 1)) + 1 for image in images], dtype=np.float32)
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)

    def prepare_image(self, image: RgbImage) -> RgbImage:
        return image

    def encode_prepared(self, images: Iterable[PreparedImage]) -> Iterator[Embedding]:
        for image in images:
            yield self.encode_images([image])[0]

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        return np.full((len(texts), 3), 3**-0.5, dtype=np.float32)


class ColourGpu(EncoderResource):
    """A GPU resource that needs no torch."""

    @property
    def encoder(self) -> ImageEncoder:
        return ColourEncoder()


def _define(settings: Settings) -> dg.Definitions:
    if settings.encoder != "colours":
        return build_definitions(settings)
    gpu = ColourGpu(encoder_name="colours", encoder_revision=None, device="cpu", precision="fp32", batch_size=8)
    return build_definitions(settings, gpu=gpu)


def _execute_days(
    settings: Settings,
    first: date,
    last: date | None = None,
    instance: dg.DagsterInstance | None = None,
    assets: Sequence[str] | None = None,
) -> dg.ExecuteInProcessResult:
    last = last or first
    tags = {
        "dagster/asset_partition_range_start": first.isoformat(),
        "dagster/asset_partition_range_end": last.isoformat(),
    }
    return (
        _define(settings)
        .resolve_job_def(DAILY_JOB)
        .execute_in_process(
            instance=instance,
            run_config=QUIET,
            raise_on_error=False,
            partition_key=first.isoformat() if first == last else None,
            tags=tags if first != last else None,
            asset_selection=[dg.AssetKey(name) for name in assets] if assets else None,
        )
    )


def _draw_picture(number: int) -> bytes:
    noise = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize((320, 240), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()


def _land(root: Path, day: date, name: str, data: bytes, user: str = "ann") -> Path:
    path = root / "landing" / day.isoformat() / user / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _settings(root: Path, **values: Any) -> Settings:
    """Neither the environment nor a `.env` of the person who runs the tests has a say."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
            patch.delenv(name)
        return Settings(_env_file=None, root=root, **{"encoder": "colours", "workers": 2, **values})


@pytest.fixture(scope="session")
def settings_for() -> Callable[..., Settings]:
    """Settings of a lake below a root, and other values by name."""
    return _settings


@pytest.fixture(scope="session")
def define() -> Callable[[Settings], dg.Definitions]:
    """Definitions for these settings; the encoder called colours needs no torch."""
    return _define


@pytest.fixture(scope="session")
def execute_days() -> Callable[..., dg.ExecuteInProcessResult]:
    """Run the daily job: settings, first day, last day, instance, names of assets to select."""
    return _execute_days


@pytest.fixture(scope="session")
def land() -> Callable[..., Path]:
    """Put bytes into the landing zone below a root: root, day, name, bytes."""
    return _land


@pytest.fixture(scope="session")
def draw_picture() -> Callable[[int], bytes]:
    """A JPEG of 320 x 240 that no other number gives."""
    return _draw_picture


@pytest.fixture(scope="session")
def read_made() -> Callable[[Path], dict[str, tuple[int, bytes]]]:
    """Every file that runs make below a root: its time in nanoseconds and its bytes."""

    def read(root: Path) -> dict[str, tuple[int, bytes]]:
        made = [
            path for top in root.iterdir() if top.name not in {"landing", STAGING, LOCKS} for path in top.rglob("*")
        ]
        return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in made if path.is_file()}

    return read


@pytest.fixture(scope="session")
def feed_files() -> tuple[SampleFile, ...]:
    """What lies in the landing zone on 14 March."""
    return tuple(generate_feed(DAYS[:1], 25, seed=3))


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory, feed_files: tuple[SampleFile, ...]) -> Settings:
    """Settings of a lake whose landing zone is filled."""
    root = tmp_path_factory.mktemp("lake")
    for file in feed_files:
        _land(root, file.day, file.filename, file.data, file.user_id)
        if file.sidecar is not None:
            _land(root, file.day, f"{file.filename}.json", file.sidecar, file.user_id)
    for number in range(3):
        _land(root, DAYS[1], f"{number}.jpg", _draw_picture(number))
        _land(root, DAYS[2], f"{number}.jpg", _draw_picture(10 + number))
    return _settings(root, service_url="http://images.example/")


@pytest.fixture(scope="session")
def first_run(settings: Settings) -> Iterator[dg.ExecuteInProcessResult]:
    """The daily job over all four days in one run; from here on the lake is full."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield _execute_days(settings, DAYS[0], DAYS[-1], instance)


@pytest.fixture(scope="session")
def copy_full(
    settings: Settings, first_run: dg.ExecuteInProcessResult, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Settings]:
    """Copy the full lake, to damage it; its uploads look new to bronze, because copies have new times."""
    assert first_run.success

    def copy() -> Settings:
        root = tmp_path_factory.mktemp("copy") / "lake"
        shutil.copytree(settings.root, root)
        return settings.model_copy(update={"root": root})

    return copy


@pytest.fixture
def full_copy(copy_full: Callable[[], Settings]) -> Settings:
    """Settings of a full lake to damage."""
    return copy_full()


@pytest.fixture(scope="session")
def tables_of() -> Callable[[Settings], ParquetTables]:
    """The tables of a lake."""
    return lambda settings: ParquetTables(LocalObjectStore(settings.root))


@pytest.fixture(scope="session")
def metadata_of() -> Callable[[dg.ExecuteInProcessResult], dict[tuple[str, str], dict[str, Any]]]:
    """Metadata, as plain values, of each materialization of a run, by asset and day."""

    def metadata(run: dg.ExecuteInProcessResult) -> dict[tuple[str, str], dict[str, Any]]:
        events = [event for event in run.all_events if event.is_step_materialization]
        made = [event.step_materialization_data.materialization for event in events]
        return {
            (each.asset_key.to_user_string(), str(each.partition)): {
                name: value.value for name, value in each.metadata.items()
            }
            for each in made
        }

    return metadata


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance
