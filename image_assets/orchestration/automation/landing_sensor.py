"""What follows when uploads arrive: each change of a day asks for one run of it."""

import hashlib
import json
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date

import dagster as dg

from image_assets.orchestration.jobs import DAILY_JOB
from image_assets.orchestration.resources import LakeResource
from image_assets.orchestration.runs.at_work import end_abandoned_runs
from image_assets.orchestration.runs.landing_runs import days_at_work, days_waiting
from image_assets.steps.images.landing import LandingFile, list_landing
from image_assets.steps.questions.unseen import is_taken_in
from image_assets.tables.chain import LANDING

_SENSOR_INTERVAL_S = 60
_RECENT_DAYS, _HOUR_S = 3, 3600


@dataclass(frozen=True, slots=True)
class _Memory:
    """What the landing sensor keeps in its cursor.

    Attributes:
        seen: fingerprint of the uploads of each day that was told.
        held: days that have changed and whose run has to end first.
        hour: since the epoch, in which all days were listed last.
    """

    seen: dict[str, str] = field(default_factory=dict)
    held: Sequence[str] = ()
    hour: int = 0

    @classmethod
    def read(cls, cursor: str | None) -> "_Memory":
        told = json.loads(cursor or "{}")
        # A cursor of before there were hours is nothing but fingerprints.
        return cls(**told) if "seen" in told else cls(told)

    def days_to_list(self, days: Sequence[str], hour: int) -> Sequence[str]:
        often = {*days[-_RECENT_DAYS:], *self.held}
        return [day for day in days if day in often or hour != self.hour]


def landing_sensor(
    partitions: dg.DailyPartitionsDefinition, lookback_days: int, status: dg.DefaultSensorStatus
) -> dg.SensorDefinition:
    """Runs a day whenever its uploads differ from those of the last look, new days and late files alike.

    Today and the two days before are listed at each look, all of them once an hour: a landing zone may hold millions of
    files.

    A run of the day that waits, be it of many days, will see the files when it starts: a burst of uploads asks for one
    run. One that works, be it of a command line, may have passed them: they are looked at again when it has ended.
    """

    description = "Watches the landing zone for new and late files; each change of a day asks for one run of it."

    @dg.sensor(
        name="landing_sensor",
        job_name=DAILY_JOB,
        minimum_interval_seconds=_SENSOR_INTERVAL_S,
        default_status=status,
        description=description,
    )
    def sensor(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult:
        end_abandoned_runs(context.instance)
        memory, hour = _Memory.read(context.cursor), int(time.time() // _HOUR_S)
        days = partitions.get_partition_keys()[-lookback_days:]
        looked_at = memory.days_to_list(days, hour)
        store = lake.tables.store
        files = {day: list_landing(store, date.fromisoformat(day)).files for day in looked_at}
        now = {day: _fingerprint(found) for day, found in files.items() if found}
        changed = [
            day
            for day, fingerprint in now.items()
            if memory.seen.get(day) != fingerprint and not _is_run(memory, lake, day, files[day])
        ]
        held = days_at_work(context.instance).intersection(changed)
        news = [day for day in changed if day not in held]
        waiting = days_waiting(context.instance) if news else set()
        kept = {day: memory.seen[day] for day in (held | {*days} - {*looked_at}) & memory.seen.keys()}
        seen = kept | {day: fingerprint for day, fingerprint in now.items() if day not in held}
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(run_key=f"{day}:{now[day]}", partition_key=day) for day in news if day not in waiting
            ],
            asset_events=[_observation(day, files[day]) for day in news],
            skip_reason=None if set(news) - waiting else _why_none(len(looked_at), held, waiting),
            cursor=json.dumps(asdict(_Memory(seen, sorted(held), hour))),
        )

    return sensor


def _is_run(memory: _Memory, lake: LakeResource, day: str, files: Sequence[LandingFile]) -> bool:
    """Whether a day that this sensor sees for the first time was run by somebody else, such as the command line."""
    return day not in memory.seen and is_taken_in(lake.tables, date.fromisoformat(day), files)


def _why_none(looked_at: int, held: Collection[str], waiting: Collection[str]) -> str:
    if held:
        return f"{len(held)} days have changed, and wait for runs of theirs to end"
    if waiting:
        return "the runs that wait already will read what has come"
    return f"nothing has come for the {looked_at} days that were looked at"


def _observation(day: str, files: Sequence[LandingFile]) -> dg.AssetObservation:
    size_bytes = sum(file.size_bytes for file in files)
    return dg.AssetObservation(LANDING, partition=day, metadata={"uploads": len(files), "total_size_bytes": size_bytes})


def _fingerprint(files: Sequence[LandingFile]) -> str:
    versions = [(file.source_uri, file.version) for file in files]
    return hashlib.sha256(repr(versions).encode()).hexdigest()[:16]
