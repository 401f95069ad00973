"""A day of many photos through Dagster, against the bare work on the same files: overhead, growth, memory.

    python benchmarks/day.py --photos DIR --sizes 1000,3000,5000,20000

Each photo is used as often as needed, made distinct by a few bytes behind its last one. *Floor*: two processes that
only read, inspect, keep, decode and encode the files, with no queue, tables or Dagster. *Ours*: bronze, silver,
thumbnails, previews, rejections, gold and summary; their checks, which read every
file back, are timed apart. Both run in processes of their own, in turns.
"""

import argparse
import json
import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import EventLogEntry

DAY = date(2026, 10, 1)
PROCESSES = 2
MARKERS = ("<!-- day -->", "<!-- /day -->")


def main() -> None:
    """Measure every size and replace this benchmark's section of docs/benchmarks.md."""
    options = _options()
    if options.child:
        print(json.dumps({"floor": run_floor, "ours": run_ours}[options.child](options.root)))
        return
    lines = [_measured(size, options) for size in map(int, options.sizes.split(","))]
    names = ["photos", "overhead over the bare work", *(f"{who}, ms per photo" for who in ("ours", "checks", "floor"))]
    head = f"| {' | '.join([*names, 'peak of the run, MB'])} |"
    write_section(Path("docs/benchmarks.md"), [head, "|---|---|---|---|---|---|", *lines])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of photos")
    parser.add_argument("--sizes", default="1000,3000", help="photos per day, separated by commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=["floor", "ours"], help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _measured(size: int, options: argparse.Namespace) -> str:
    found: dict[str, list[dict[str, float]]] = {"floor": [], "ours": []}
    for _ in range(options.rounds):
        for kind, results in found.items():
            with tempfile.TemporaryDirectory() as folder:
                fill_landing(Path(folder), options.photos, size)
                results.append(_run_child(kind, Path(folder)))
    ours, floor = (statistics.median(each["seconds"] for each in found[kind]) for kind in ("ours", "floor"))
    checks, peak = (statistics.median(each[name] for each in found["ours"]) for name in ("checks", "peak_mb"))
    times = " | ".join(f"{1000 * seconds / size:.2f}" for seconds in (ours, checks, floor))
    line = f"| {size} | {ours / floor - 1:+.1%} | {times} | {peak:.0f} |"
    print(line, flush=True)
    return line


def _run_child(kind: str, root: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", kind, "--root", str(root)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    result: dict[str, float] = json.loads(output.splitlines()[-1])
    return result


def fill_landing(root: Path, photos: Path, size: int) -> None:
    """Lay `size` distinct photos into the landing zone of a lake."""
    files = sorted(path for path in photos.rglob("*") if path.is_file())
    folder = root / "landing" / DAY.isoformat() / "benchmark"
    folder.mkdir(parents=True)
    for number in range(size):
        # Bytes behind the end of a JPEG change its hash and nothing else.
        (folder / f"{number:06}.jpg").write_bytes(files[number % len(files)].read_bytes() + number.to_bytes(4, "big"))


def run_floor(root: Path) -> dict[str, float]:
    """The work of the workers in plain loops."""
    from image_assets.imaging.derivatives import DerivativeParams
    from image_assets.imaging.inspect import InspectParams
    from image_assets.lake.local_object_store import LocalObjectStore
    from image_assets.steps.images.derivation import Original, derive
    from image_assets.steps.images.landing import list_landing
    from image_assets.steps.images.original import Upload, take_in

    store = LocalObjectStore(root)
    files = list_landing(store, DAY).files
    told = {"user_id": None, "uploaded_at": None, "raw_name": "", "label": None}

    def work(share: int) -> None:
        for file in files[share::PROCESSES]:
            upload = Upload(file.source_uri, "", DAY, file.source_uri, file.size_bytes, told, None, None)
            row = take_in(upload, store, InspectParams())["bronze_images"]
            wanted = frozenset(("silver_images", "thumbnails", "watermarked_previews"))
            derive(Original(row["image_id"], DAY, row["raw_path"], row["sha256"], wanted), store, DerivativeParams())

    started = time.monotonic()
    processes = [multiprocessing.Process(target=work, args=(share,)) for share in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise RuntimeError("a floor process failed; its error stands above")
    return {"seconds": time.monotonic() - started, "peak_mb": _peak_mb()}


def run_ours(root: Path) -> dict[str, float]:
    """The daily job without embeddings, as a Dagster run in this process."""
    import dagster as dg

    from image_assets.definitions import build_definitions
    from image_assets.orchestration.jobs import DAILY_JOB
    from image_assets.settings import Settings

    definitions = build_definitions(Settings(root=root, workers=PROCESSES))
    names = ["bronze_images", "silver_images", "thumbnails", "watermarked_previews", "rejected_images"]
    chosen = [dg.AssetKey(name) for name in [*names, "gold_images", "daily_summary"]]
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    job = definitions.resolve_job_def(DAILY_JOB)
    (root / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(root / "dagster")) as instance:
        started = time.monotonic()
        run = job.execute_in_process(
            partition_key=DAY.isoformat(), instance=instance, asset_selection=chosen, run_config=quiet
        )
        seconds = time.monotonic() - started
        checks = _seconds_of_checks(instance.all_logs(run.run_id))
        return {"seconds": seconds - checks, "checks": checks, "peak_mb": _peak_mb()}


def _seconds_of_checks(log: "Sequence[EventLogEntry]") -> float:
    """Time in steps that only look at what others made."""
    from dagster import DagsterEventType

    checks = {entry.step_key for entry in log if entry.dagster_event_type == DagsterEventType.ASSET_CHECK_EVALUATION}
    ends = {DagsterEventType.STEP_START: -1, DagsterEventType.STEP_SUCCESS: 1}
    signed = [
        ends[entry.dagster_event_type] * entry.timestamp
        for entry in log
        if entry.step_key in checks and entry.dagster_event_type in ends
    ]
    return sum(signed)


def _peak_mb() -> float:
    """Largest resident memory of this process; its workers' sizes do not depend on the day."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write_section(path: Path, lines: list[str]) -> None:
    """Replace what stands between the markers; append both when they are not there yet."""
    text = path.read_text() if path.exists() else "# Benchmarks\n"
    if MARKERS[0] not in text:
        text += f"\n## A day through Dagster\n\n{MARKERS[0]}\n{MARKERS[1]}\n"
    before, _, rest = text.partition(MARKERS[0])
    after = rest.partition(MARKERS[1])[2]
    path.write_text(f"{before}{MARKERS[0]}\n" + "\n".join(lines) + f"\n{MARKERS[1]}{after}")


if __name__ == "__main__":
    main()
