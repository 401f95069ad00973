"""What Ray costs where it can gain nothing, on one machine: photos taken in and derived by both engines.

    python benchmarks/engines.py --photos FOLDER [--images 400]

Processor time of the process that drives, of worker processes, and of Ray's own; workers have started before.
"""

import argparse
import os
import random
import shutil
import tempfile
import time
from datetime import date
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types

from image_assets.compute.engine import EngineParams
from image_assets.compute.opening import EngineName, open_engine
from image_assets.imaging.derivatives import DerivativeParams
from image_assets.imaging.inspect import InspectParams
from image_assets.lake import object_keys
from image_assets.lake.opening import LakeParams, open_tables
from image_assets.steps.images.bronze import take_in_day
from image_assets.steps.images.silver import DERIVED_TABLES, derive_day

DAY = date(2026, 3, 1)
ENGINES: tuple[EngineName, ...] = ("processes", "ray")


def spent() -> dict[str, float]:
    """Seconds so far, by whom."""
    own = os.times()
    seconds = {"driver": own.user + own.system, "workers": 0.0, "ray": 0.0}
    for child in psutil.Process().children(recursive=True):
        times = child.cpu_times()
        who = "workers" if "image_assets.compute.worker" in child.cmdline() else "ray"
        seconds[who] += times.user + times.system
    return seconds


def measure(name: EngineName, photos: list[Path], root: Path) -> str:
    """A row: milliseconds per photo by whom, and of the clock."""
    landing = root / object_keys.landing_prefix(DAY) / "ann"
    landing.mkdir(parents=True)
    for number, photo in enumerate(photos):
        shutil.copy(photo, landing / f"{number}.jpg")
    tables = open_tables(LakeParams(root))
    with open_engine(name, EngineParams(workers=2), is_lake_shared=False) as engine:
        list(engine.map(len, ["warm"] * 4))
        before, began = spent(), time.perf_counter()
        take_in_day(tables, DAY, InspectParams(), engine, chunk_size=256)
        derive_day(tables, DAY, DerivativeParams(), engine, wanted=DERIVED_TABLES, chunk_size=256)
        wall_s, after = time.perf_counter() - began, spent()
    told = " | ".join(f"{1000 * (after[who] - before[who]) / len(photos):.2f}" for who in before)
    return f"| {name} | {told} | {1000 * wall_s / len(photos):.1f} |"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--images", type=int, default=400)
    asked = parser.parse_args()
    os.environ.setdefault("RAY_ADDRESS", "local")
    photos = sorted(asked.photos.rglob("*.jpg"))
    random.Random(1).shuffle(photos)
    print("| engine | driver ms | workers ms | Ray's own ms | wall ms |\n|---|---:|---:|---:|---:|")
    for name in ENGINES:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(name, photos[: asked.images], Path(folder)), flush=True)


if __name__ == "__main__":
    main()
