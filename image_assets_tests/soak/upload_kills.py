"""Kill the service amid uploads; what it has answered with 202 is in the lake after the next run, and nothing twice.

`python -m image_assets_tests.soak.upload_kills --rounds 20`
"""

import io
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np
import polars as pl
from PIL import Image

from image_assets.client.client import Client, Uploaded
from image_assets.client.retries import Retries
from image_assets.errors import ServiceError
from image_assets.lake.local_object_store import STAGING
from image_assets.settings import PREFIX
from image_assets_tests.soak.homes import Home, end, new_home

_CLIENTS = 16
_LABELS = ("dress", "hat", "shoe")


@dataclass(frozen=True)
class Photo:
    """A file to upload."""

    name: str
    label: str
    data: bytes


@dataclass
class Sending:
    """What became of uploads so far; shared by the threads of all clients."""

    answered: dict[str, Uploaded] = field(default_factory=dict)
    count: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def send(self, url: str, photos: Sequence[Photo], retries: Retries) -> None:
        """Upload at once what was not answered yet; a service that is gone ends it."""
        with Client(url, retries=retries) as client, ThreadPoolExecutor(_CLIENTS) as pool:
            list(pool.map(lambda photo: self._send(client, photo), photos))

    def _send(self, client: Client, photo: Photo) -> None:
        with suppress(ServiceError):
            self.answered[photo.name] = client.upload(photo.data, name=photo.name, label=photo.label)
            self.count.release()


@click.command()
@click.option("--rounds", default=20, show_default=True, type=click.IntRange(1))
@click.option("--images", default=200, show_default=True, type=click.IntRange(2), help="Uploads a round.")
@click.option("--seed", default=1, show_default=True, help="Of the moments.")
def main(rounds: int, images: int, seed: int) -> None:
    """Kill the service in each round, and say what was found after the next run and the next start."""
    random.seed(seed)
    with tempfile.TemporaryDirectory() as temporary:
        home = new_home(Path(temporary), [datetime.now(UTC).date()], 0)
        problems = [problem for number in range(rounds) for problem in _round(home, number, images)]
    click.echo(f"{rounds} rounds, {len(problems)} problems")
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(bool(problems))


def _round(home: Home, number: int, images: int) -> list[str]:
    photos = [_photo(number, each) for each in range(images)]
    sending, wanted = Sending(), random.randint(1, images - 1)
    service, url = home.serve()
    clients = threading.Thread(target=sending.send, args=(url, photos, Retries(attempts=1)))
    clients.start()
    for _ in range(wanted):
        sending.count.acquire(timeout=60)
    time.sleep(random.uniform(0, 0.01))
    service.send_signal(signal.SIGKILL)
    clients.join()
    end(service, 60)
    left, told = _staged(home), dict(sending.answered)
    _age(left)
    problems = _run(home) + _wrong(home, f"killed-{number}-", photos, told)
    service, url = home.serve()
    # What the new service is at work on itself is not meant.
    problems += [f"staged: {path}" for path in set(left).intersection(_staged(home))]
    # As a client would: from the beginning, because it does not know what has arrived.
    sending.send(url, photos, Retries())
    problems += [f"another id for {name}" for name, former in told.items() if sending.answered[name] != former]
    service.send_signal(signal.SIGTERM)
    end(service, 60)
    problems += _run(home) + _wrong(home, f"killed-{number}-", photos, sending.answered, is_all=True)
    click.echo(f"round {number}: killed after {len(told)} of {images} answers; {len(left)} files were staged then")
    return [f"round {number}: {problem}" for problem in problems]


def _wrong(
    home: Home, prefix: str, photos: Sequence[Photo], told: dict[str, Uploaded], *, is_all: bool = False
) -> list[str]:
    """What is not as it was answered, in the lake after a run."""
    rows = _rows(home).filter(pl.col("raw_name").str.starts_with(prefix))
    found = {row["image_id"]: (row["raw_name"], row["label"]) for row in rows.to_dicts()}
    labels = {photo.name: photo.label for photo in photos}
    problems = [
        f"{name} was answered and is {found.get(each.image_id)}"
        for name, each in told.items()
        if found.get(each.image_id) != (name, labels[name])
    ]
    problems += [f"{name} is there without what was said of it" for name, label in found.values() if not label]
    problems += ["an image is there twice"] if rows["sha256"].n_unique() != rows.height else []
    problems += [f"{rows.height} of {len(photos)} are there"] if is_all and rows.height != len(photos) else []
    nameless = _rows(home).filter(~pl.col("raw_name").str.starts_with("killed-"))
    problems += [f"{nameless.height} images have lost their name"] if nameless.height else []
    rejected = home.folder / "data/lake/tables/_rejections/bronze_images" / f"{home.first_day}.parquet"
    refused = pl.read_parquet(rejected) if rejected.exists() else pl.DataFrame()
    return problems + ([f"{refused.height} are rejected: {refused['source_uri'][0]}"] if refused.height else [])


def _rows(home: Home) -> pl.DataFrame:
    file = home.folder / "data/lake/tables/bronze_images" / f"{home.first_day}.parquet"
    columns = ["image_id", "raw_name", "label", "sha256"]
    return pl.read_parquet(file, columns=columns) if file.exists() else pl.DataFrame(schema=dict.fromkeys(columns, str))


def _run(home: Home) -> list[str]:
    """A run of the first asset alone: what it does not find no other will."""
    command = ["asset", "materialize", "-m", "image_assets.definitions", "--select", "bronze_images", "--partition"]
    own = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
    own |= {f"{PREFIX}START_DAY": str(home.first_day), "DAGSTER_HOME": str(home.folder)}
    done = subprocess.run(
        [Path(sys.executable).with_name("dagster"), *command, str(home.first_day)],
        cwd=home.folder, env=own, capture_output=True, text=True, check=False, timeout=400,
    )  # fmt: skip
    return [] if done.returncode == 0 else [f"the run ended with {done.returncode}: {done.stderr[-3000:]}"]


def _staged(home: Home) -> list[Path]:
    return [path for path in (home.folder / "data/lake" / STAGING).rglob("*") if path.is_file()]


def _age(paths: Sequence[Path]) -> None:
    """As if an hour had passed: what nobody locks is taken for left behind once it is old."""
    then = time.time() - 3600
    for path in paths:
        os.utime(path, (then, then))


def _photo(number: int, each: int) -> Photo:
    pixels = np.random.default_rng((number, each)).integers(0, 255, (48, 48, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return Photo(f"killed-{number}-{each}.jpg", _LABELS[each % len(_LABELS)], file.getvalue())


if __name__ == "__main__":
    main()
