"""A storage that goes away while a day is worked on: nothing is lost or held against an image, and the day goes on."""

import io
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from image_assets.compute.engine import EngineParams, ProcessEngine
from image_assets.errors import StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.imaging.derivatives import DerivativeParams
from image_assets.imaging.inspect import InspectParams
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_keys import landing_prefix
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.remote.params import StorageParams
from image_assets.lake.remote.remote_object_store import RemoteObjectStore
from image_assets.steps.images.bronze import take_in_day
from image_assets.steps.images.silver import derive_day
from image_assets.steps.increment.pace import Progress, untold
from image_assets_tests.servers.clouds import Cloud, running_azurite, running_s3, use
from image_assets_tests.servers.equality import differences

DAY = date(2026, 3, 15)
PICTURES = 12
TIMEOUT_S = 3.0


class Away:
    """Ends a service when the first chunk of a day is finished, and lets it begin again a while later, if at all."""

    def __init__(self, end: Callable[[], object], begin: Callable[[], object] | None, seconds: float = 1.0) -> None:
        self._end, self._again = end, threading.Timer(seconds, begin) if begin else None
        self.has_gone = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing begins when nobody is there to end it."""
        if self.has_gone and self._again:
            self._again.join()

    def __call__(self, done: int, _total: int) -> None:
        """See `Progress`."""
        if done and not self.has_gone:
            self.has_gone = True
            self._end()
            if self._again:
                self._again.start()


class Azurite:
    """What it holds lies in a folder; it is ended so that it writes down what it has in hand."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._running, self._port = folder, ExitStack(), 0
        folder.mkdir()
        self.cloud = self.begin()

    def begin(self) -> Cloud:
        """On the port on which it was before."""
        cloud = self._running.enter_context(running_azurite(self._folder, self._port))
        self._port = urlsplit(str(cloud.params.endpoint)).port or 0
        return cloud

    def end(self) -> None:
        self._running.close()


@pytest.fixture
def azurite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azurite]:
    service = Azurite(tmp_path / "azurite")
    use(service.cloud, monkeypatch)
    yield service
    service.end()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> ParquetTables:
    """The day as a lake in a folder has it."""
    tables = ParquetTables(LocalObjectStore(tmp_path_factory.mktemp("here")))
    land(tables)
    run(tables)
    return tables


def land(tables: ParquetTables) -> None:
    for number in range(PICTURES):
        data = io.BytesIO()
        noise = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((320, 240), Image.Resampling.BICUBIC).save(data, "JPEG")
        tables.store.write(ObjectKey(f"{landing_prefix(DAY)}/ann/{number}.jpg"), data.getvalue())


def run(tables: ParquetTables, on_silver: Progress = untold) -> list[int]:
    """From landing to derivatives; how many rows of each table were computed."""
    with ProcessEngine(EngineParams(workers=2)) as engine:
        bronze = take_in_day(tables, DAY, InspectParams(), engine, chunk_size=3)
        silver = derive_day(tables, DAY, DerivativeParams(), engine, chunk_size=3, on_progress=on_silver)
    return [report.computed for report in (bronze, *silver)]


def opened(cloud: Cloud, retries: int = 20) -> ParquetTables:
    params = StorageParams(cloud.params.endpoint, TIMEOUT_S, retries)
    return ParquetTables(RemoteObjectStore(cloud.new_root(), params))


def test_a_service_that_is_started_again_is_waited_for(azurite: Azurite, here: ParquetTables) -> None:
    there = opened(azurite.cloud)
    land(there)
    with Away(azurite.end, azurite.begin) as away:
        assert run(there, on_silver=away) == 4 * [PICTURES]
    assert away.has_gone
    assert differences(here, there) == []


def test_a_service_that_hangs_is_asked_again(
    tmp_path: Path, here: ParquetTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_s3(tmp_path) as (cloud, pid):
        use(cloud, monkeypatch)
        there = opened(cloud)
        land(there)
        ends = [lambda number=number: os.kill(pid, number) for number in (signal.SIGSTOP, signal.SIGCONT)]
        with Away(*ends, seconds=TIMEOUT_S + 1) as away:
            assert run(there, on_silver=away) == 4 * [PICTURES]
        assert away.has_gone
        assert differences(here, there) == []


def test_after_one_that_stays_away_the_next_run_goes_on_where_the_last_one_was(
    azurite: Azurite, here: ParquetTables
) -> None:
    there = opened(azurite.cloud, retries=1)
    land(there)
    with pytest.raises(StoreUnavailableError, match="run it again"):
        run(there, on_silver=Away(azurite.end, None))
    azurite.begin()
    bronze, *derived = run(there)
    assert bronze == 0
    assert all(0 < computed < PICTURES for computed in derived)
    assert differences(here, there) == []
