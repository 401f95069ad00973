"""What follows when a cloud tells of uploads: the days that events are about are run, without a listing of any."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import dagster as dg

from image_assets.lake.events.blob_events import BlobEvent, Unusable, read_event
from image_assets.lake.events.storage_queue import Received, StorageQueue
from image_assets.lake.remote.address import RemoteRoot
from image_assets.orchestration.jobs import DAILY_JOB
from image_assets.orchestration.runs.at_work import end_abandoned_runs
from image_assets.orchestration.runs.landing_runs import days_at_work, days_waiting
from image_assets.tables.chain import LANDING

_SENSOR_INTERVAL_S = 30
_AT_ONCE = 1_024
_TOO_OFTEN = 10


@dataclass(frozen=True, slots=True)
class _Memory:
    """What the sensor keeps in its cursor.

    Attributes:
        days: that have events and are not asked for, because a run of theirs has to end first; each with what its run
            will be called.
        handled: ids and receipts of messages whose days are asked for or kept here: they may be removed.
    """

    days: Mapping[str, str] = field(default_factory=dict)
    handled: Sequence[tuple[str, str]] = ()

    @classmethod
    def read(cls, cursor: str | None) -> "_Memory":
        return cls(**json.loads(cursor)) if cursor else cls()


def landing_events_sensor(
    partitions: dg.DailyPartitionsDefinition, address: str, root: RemoteRoot
) -> dg.SensorDefinition:
    """Asks for one run of each day that a burst of events is about.

    Messages are removed at the look after the one that received them: then Dagster has kept what was asked for. Those
    of a look that failed come again after some minutes, and a second run of a day changes nothing. A day whose run
    works waits for its end; one whose run waits needs no other.
    """

    description = "Receives events of new and removed uploads; each burst asks for one run of each day it is about."

    @dg.sensor(
        name="landing_events",
        job_name=DAILY_JOB,
        minimum_interval_seconds=_SENSOR_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=description,
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        end_abandoned_runs(context.instance)
        memory, queue = _Memory.read(context.cursor), StorageQueue(address)
        queue.remove(memory.handled)
        received = queue.receive(_AT_ONCE)
        events = _ids_by_day(queue, received, root, set(partitions.get_partition_keys()))
        days = {**memory.days, **{day: _run_name(memory.days.get(day, ""), ids) for day, ids in events.items()}}
        working, waiting = days_at_work(context.instance), days_waiting(context.instance)
        held = {day: name for day, name in days.items() if day in working}
        now = sorted(days.keys() - held.keys() - waiting)
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=f"{day}:{days[day]}", partition_key=day) for day in now],
            asset_events=[_observation(day, ids) for day, ids in events.items()],
            skip_reason=None if now else _why_none(len(received), len(held)),
            cursor=json.dumps(asdict(_Memory(held, [(each.message_id, each.receipt) for each in received]))),
        )

    return sensor


def _ids_by_day(
    queue: StorageQueue, received: Sequence[Received], root: RemoteRoot, known: Collection[str]
) -> Mapping[str, set[str]]:
    """Ids of events by the day that they are about; what nothing can follow from is set aside."""
    found: dict[str, set[str]] = {}
    for message in received:
        event = _read(message, root, known)
        if isinstance(event, Unusable):
            queue.set_aside(message, event.reason)
        elif event.day:
            found.setdefault(event.day.isoformat(), set()).add(event.event_id)
    return found


def _read(message: Received, root: RemoteRoot, known: Collection[str]) -> BlobEvent | Unusable:
    if message.times > _TOO_OFTEN:
        return Unusable(f"it was received {message.times} times, and no look at it ended well")
    event = read_event(message.text, root)
    if isinstance(event, BlobEvent) and event.day and event.day.isoformat() not in known:
        return Unusable(f"{event.day} is before IMAGE_ASSETS_START_DAY, or has not begun")
    return event


def _run_name(before: str, ids: Collection[str]) -> str:
    """The same for the same events, however often they come."""
    return hashlib.sha256(repr((before, sorted(ids))).encode()).hexdigest()[:16]


def _observation(day: str, ids: Collection[str]) -> dg.AssetObservation:
    return dg.AssetObservation(LANDING, partition=day, metadata={"events": len(ids)})


def _why_none(received: int, held: int) -> str:
    if held:
        return f"{held} days have changed, and wait for runs of theirs to end"
    if received:
        return f"{received} events ask for nothing: runs that wait will see their uploads, or they are of none"
    return "no event has come"
