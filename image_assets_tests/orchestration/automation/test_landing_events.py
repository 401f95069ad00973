"""Events of uploads, through a real queue: a burst is one run of a day, and no event is forgotten or done twice."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from azure.storage.queue import QueueClient

from image_assets.errors import StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.events.storage_queue import StorageQueue
from image_assets.lake.remote.address import RemoteRoot
from image_assets.opening import open_lake
from image_assets.orchestration.automation.landing_events import landing_events_sensor
from image_assets.orchestration.jobs import DAILY_JOB
from image_assets.orchestration.partitions import daily_partitions, day_tags
from image_assets.settings import Settings
from image_assets.tables.images import BRONZE_IMAGES
from image_assets_tests.servers.clouds import ACCOUNT, KEY, Cloud, use

TODAY = datetime.now(UTC).date()
YESTERDAY, LONG_AGO = TODAY - timedelta(days=1), TODAY - timedelta(days=50)
ROOT = RemoteRoot("az", "lake", "shop")


@dataclass
class Watch:
    """The sensor over a queue; it remembers its cursor as the daemon does, once a look has ended well."""

    address: str
    instance: dg.DagsterInstance
    root: RemoteRoot = ROOT
    cursor: str | None = None

    def __post_init__(self) -> None:
        self.client = QueueClient.from_queue_url(self.address, {"account_name": ACCOUNT, "account_key": KEY})
        self.client.create_queue()
        self.queue = StorageQueue(self.address)

    def tell(self, day: date | str, name: str = "a.jpg", event_id: str | None = None) -> str:
        """As Event Grid does; the text of the message."""
        blob = f"{self.root.prefix}/landing/{day}/ann/{name}"
        event = {
            "subject": f"/blobServices/default/containers/{self.root.container}/blobs/{blob}",
            "eventType": "Microsoft.Storage.BlobCreated",
            "id": event_id or uuid.uuid4().hex,
        }
        text = json.dumps(event)
        self.client.send_message(text)
        return text

    def look(self) -> dg.SensorResult:
        sensor = landing_events_sensor(daily_partitions(TODAY - timedelta(days=60)), self.address, self.root)
        result = sensor(dg.build_sensor_context(self.instance, cursor=self.cursor))
        assert isinstance(result, dg.SensorResult)
        return result

    def tick(self) -> dg.SensorResult:
        result = self.look()
        self.cursor = result.cursor
        return result

    def asked(self) -> list[str | None]:
        return [request.partition_key for request in self.tick().run_requests or []]

    def add_run(self, day: date, status: dg.DagsterRunStatus) -> dg.DagsterRun:
        return self.instance.add_run(dg.DagsterRun(job_name=DAILY_JOB, tags=day_tags([day]), status=status))


@pytest.fixture
def watch(azurite_queues: str, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Watch:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    return Watch(f"{azurite_queues}/uploads-{uuid.uuid4().hex[:8]}", instance)


def test_a_burst_of_events_asks_for_one_run_of_each_day(watch: Watch) -> None:
    for number in range(20):
        watch.tell(TODAY, f"{number}.jpg")
        watch.tell(LONG_AGO, f"{number}.jpg")
    result = watch.tick()
    asked = [request.partition_key for request in result.run_requests or []]
    assert asked == [LONG_AGO.isoformat(), TODAY.isoformat()]
    assert {event.partition: event.metadata["events"].value for event in result.asset_events} == dict.fromkeys(
        asked, 20
    )


def test_an_empty_queue_asks_for_nothing(watch: Watch) -> None:
    assert watch.asked() == []


def test_messages_are_removed_once_dagster_has_kept_what_they_ask_for(watch: Watch) -> None:
    watch.tell(TODAY)
    watch.tick()
    assert watch.queue.count() == 1
    assert watch.asked() == []
    assert watch.queue.count() == 0


def test_a_look_that_dagster_did_not_keep_is_repeated_under_the_same_name(watch: Watch) -> None:
    told = [watch.tell(TODAY, f"{number}.jpg", event_id=f"id {number}") for number in range(3)]
    lost = watch.look()
    # As when the messages are seen again, in another order.
    for text in reversed(told):
        watch.client.send_message(text)
    again = watch.tick()
    keys = [[request.run_key for request in result.run_requests or []] for result in (lost, again)]
    assert keys[0] == keys[1] != []


def test_what_comes_while_its_day_runs_is_asked_for_afterwards(watch: Watch) -> None:
    run = watch.add_run(TODAY, dg.DagsterRunStatus.STARTED)
    watch.tell(TODAY)
    assert [watch.asked(), watch.asked()] == [[], []]
    assert watch.queue.count() == 0
    watch.instance.report_run_canceled(run)
    assert [watch.asked(), watch.asked()] == [[TODAY.isoformat()], []]


def test_a_day_whose_run_waits_is_not_asked_for_again(watch: Watch) -> None:
    run = watch.add_run(TODAY, dg.DagsterRunStatus.NOT_STARTED)
    watch.tell(TODAY)
    assert watch.asked() == []
    watch.instance.report_run_canceled(run)
    assert watch.asked() == []


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (TODAY + timedelta(days=2), "has not begun"),
        (TODAY - timedelta(days=61), "before IMAGE_ASSETS_START_DAY"),
        ("soon", "belongs to no day"),
    ],
    ids=["later", "before the first", "none"],
)
def test_a_day_that_cannot_be_run_is_set_aside_and_holds_no_other(watch: Watch, day: date | str, reason: str) -> None:
    watch.tell(day)
    watch.tell(TODAY)
    assert watch.asked() == [TODAY.isoformat()]
    number, (aside,) = watch.queue.list_aside()
    assert (number, reason in aside.reason) == (1, True), aside


def test_what_is_no_event_is_set_aside_and_comes_no_more(watch: Watch) -> None:
    watch.client.send_message("no event")
    assert [watch.asked(), watch.asked()] == [[], []]
    assert (watch.queue.count(), watch.queue.list_aside()[0]) == (0, 1)


def test_a_message_that_is_received_too_often_is_set_aside(watch: Watch) -> None:
    watch.tell(TODAY)
    for _ in range(10):
        (message,) = watch.queue.receive(1)
        watch.client.update_message(message.message_id, message.receipt, visibility_timeout=0)
    assert watch.asked() == []
    assert "received 11 times" in watch.queue.list_aside()[1][0].reason


def test_a_look_at_a_queue_that_is_away_fails_and_forgets_nothing(watch: Watch) -> None:
    watch.tell(TODAY)
    there, before = watch.address, watch.tick().cursor
    watch.address = f"http://127.0.0.1:9/{ACCOUNT}/uploads"
    with pytest.raises(StoreUnavailableError):
        watch.tick()
    watch.address = there
    assert (watch.cursor, watch.asked(), watch.queue.count()) == (before, [], 0)


@pytest.fixture
def lake(azurite: Cloud, settings_for: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    use(azurite, monkeypatch)
    return settings_for(azurite.new_root(), storage_endpoint=azurite.params.endpoint, start_day=date(2026, 3, 1))


def test_an_event_that_comes_twice_is_an_upload_that_is_taken_in_once(
    watch: Watch,
    lake: Settings,
    execute_days: Callable[..., dg.ExecuteInProcessResult],
    draw_picture: Callable[[int], bytes],
) -> None:
    assert isinstance(lake.root, RemoteRoot)
    watch.root = lake.root
    store, versions = open_lake(lake).store, []
    store.write(ObjectKey(f"{object_keys.landing_prefix(YESTERDAY)}/ann/1.jpg"), draw_picture(1))
    for _ in range(2):
        watch.tell(YESTERDAY, "1.jpg", event_id="one")
        (request,) = watch.tick().run_requests or []
        day = date.fromisoformat(str(request.partition_key))
        assert execute_days(lake, day, instance=watch.instance, assets=[BRONZE_IMAGES.name]).success
        versions.append({info.key: info.version for info in store.list(object_keys.TABLES)})
    assert open_lake(lake).read(BRONZE_IMAGES, YESTERDAY).height == 1
    assert versions[0] == versions[1]


def sensors_of(definitions: dg.Definitions) -> dict[str, dg.DefaultSensorStatus]:
    names = {sensor.name for sensor in definitions.sensors or () if "landing" in sensor.name}
    return {name: definitions.resolve_sensor_def(name).default_status for name in names}


def test_days_are_listed_unless_a_queue_tells_of_uploads(
    define: Callable[[Settings], dg.Definitions],
    settings_for: Callable[..., Settings],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "photos")
    running, stopped = dg.DefaultSensorStatus.RUNNING, dg.DefaultSensorStatus.STOPPED
    told = settings_for(ROOT, events_queue="https://photos.queue.core.windows.net/uploads")
    assert sensors_of(define(settings_for(tmp_path))) == {"landing_sensor": running}
    assert sensors_of(define(told)) == {"landing_events": running, "landing_sensor": stopped}


def test_a_folder_has_no_events(settings_for: Callable[..., Settings], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="events are told of a lake at az://"):
        settings_for(tmp_path, events_queue="https://photos.queue.core.windows.net/uploads")
