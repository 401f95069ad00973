"""The service over a lake in a cloud: uploads are durable, become images by a run, and are shown and found."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from image_assets.access.keys import add_key
from image_assets.access.roles import Role
from image_assets.lake import object_keys
from image_assets.lake.remote.remote_object_store import RemoteObjectStore
from image_assets_tests.servers.clouds import Cloud, use
from image_assets_tests.serving.conftest import REPOSITORY, SCRIPT, Lake, drawn_photo, environment

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Served

JPEG = {"Content-Type": "image/jpeg"}
MAX_BYTES = 200_000
Start = Callable[..., "Served"]


@dataclass(frozen=True)
class CloudLake:
    """A lake in a cloud, the folder that commands run in, and a key for each role."""

    here: Lake
    store: RemoteObjectStore

    @property
    def settings(self) -> dict[str, str]:
        where = {"root": str(self.store.root), "storage_endpoint": str(self.store.params.endpoint)}
        return {**where, "workers": "1", "max_bytes": str(MAX_BYTES)}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `image-assets` on the lake."""
        own = environment(self.here, **self.settings)
        command = [SCRIPT, *arguments]
        return subprocess.run(command, cwd=self.here.folder, env=own, capture_output=True, text=True, check=False)

    def lines_of_trail(self) -> list[dict[str, Any]]:
        pages = [self.store.read(info.key) for info in self.store.list(object_keys.AUDIT)]
        return [json.loads(line) for page in pages for line in page.splitlines()]


@contextmanager
def cloud_lake(cloud: Cloud, folder: Path) -> Iterator[CloudLake]:
    """A lake that nothing was uploaded to; the environment says who asks."""
    with pytest.MonkeyPatch.context() as patch:
        use(cloud, patch)
        shutil.copy(REPOSITORY / "dagster.yaml", folder)
        store = RemoteObjectStore(cloud.new_root(), cloud.params)
        now = datetime.now(UTC)
        keys = {
            role.value: add_key(store, f"{role}er", [role], now)[1] for role in (Role.READ, Role.REVIEW, Role.ADMIN)
        }
        keys["anna"] = add_key(store, "anna", [Role.UPLOAD], now)[1]
        yield CloudLake(Lake(folder, keys), store)


@pytest.fixture(scope="module")
def lake(azurite: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudLake]:
    with cloud_lake(azurite, tmp_path_factory.mktemp("served-in-a-cloud")) as lake:
        yield lake


@pytest.fixture(scope="module")
def served(lake: CloudLake, serve_for_module: Start) -> "Served":
    return serve_for_module(lake.here, **lake.settings)


def upload(served: "Served", name: str, data: bytes, **headers: str) -> httpx.Response:
    return served.ask(
        "/v1/images", "anna", "POST", content=data, params={"name": name, "label": "dress"}, headers={**JPEG, **headers}
    )


PHOTO = drawn_photo("red", 1)


@pytest.fixture(scope="module")
def image_id(lake: CloudLake, served: "Served") -> str:
    """An upload that was answered with 202 and taken in by a run."""
    answer = upload(served, "red.jpg", PHOTO)
    assert answer.status_code == 202, answer.text
    told: str = answer.json()[0]["image_id"]
    assert served.ask(f"/v1/images/{told}", "anna").json()["state"] == "pending"
    assert served.ask("/v1/images", "anna", "POST", content=b"not a picture at all", headers=JPEG).status_code == 422
    done = lake.run("run", "--day", str(datetime.now(UTC).date()))
    assert done.returncode == 0, done.stdout + done.stderr
    return told


@pytest.mark.timeout(600)
def test_an_upload_becomes_an_image_whose_record_tells_all(served: "Served", image_id: str) -> None:
    record = served.ask(f"/v1/images/{image_id}", "read").json()
    assert (record["state"] in {"done", "indexed"}, record["label"]) == (True, "dress"), record


def test_pictures_are_sent_with_a_tag_by_which_they_are_not_sent_again(served: "Served", image_id: str) -> None:
    for picture in ("thumbnail", "preview", "silver"):
        whole = served.ask(f"/v1/images/{image_id}/{picture}", "read")
        again = served.ask(f"/v1/images/{image_id}/{picture}", "read", headers={"If-None-Match": whole.headers["etag"]})
        assert (whole.status_code, again.status_code, again.content) == (200, 304, b"")


def test_an_original_is_sent_whole_and_in_ranges(served: "Served", image_id: str) -> None:
    path = f"/v1/images/{image_id}/original"
    assert served.ask(path, "anna").content == PHOTO
    part = served.ask(path, "anna", headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, PHOTO[5:10])
    beyond = served.ask(path, "anna", headers={"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(PHOTO)}")


def found(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["image_id"] for each in answer.json()["items"]]


def test_an_image_is_found_by_words_and_by_looks(served: "Served", image_id: str) -> None:
    assert found(served.ask("/v1/search", "read", params={"text": "a red dress"})) == [image_id]
    assert found(served.ask("/v1/search", "read", "POST", content=PHOTO, headers=JPEG)) == [image_id]


def test_pages_are_shown(served: "Served", image_id: str) -> None:
    page = served.ask("/", "read")
    assert (page.status_code, image_id in page.text) == (200, True), page.text[:2000]


def test_a_decision_is_kept_and_the_trail_tells_of_it(lake: CloudLake, served: "Served", image_id: str) -> None:
    body = {"decisions": [{"image_id": image_id, "label": "hat"}]}
    decided = served.ask("/v1/reviews", "review", "POST", json=body)
    assert decided.status_code == 200, decided.text
    assert list(lake.store.list(object_keys.REVIEWS))
    assert image_id in {subject for line in lake.lines_of_trail() for subject in line["subjects"]}


def test_settings_are_changed_by_who_has_seen_the_last_version_alone(served: "Served") -> None:
    seen = served.ask("/v1/config", "admin").headers["ETag"]
    first, late = (
        served.ask(
            "/v1/config",
            "admin",
            "PATCH",
            json={"changes": {"review_threshold": value}},
            headers={"If-Match": seen},
        )
        for value in (0.7, 0.8)
    )
    assert (first.status_code, late.status_code) == (200, 412), late.text


def test_a_request_that_is_sent_twice_is_done_once(served: "Served") -> None:
    first, again = (upload(served, "twice.jpg", drawn_photo("green", 2), **{"Idempotency-Key": "1"}) for _ in "ab")
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"


def test_the_service_is_ready_and_says_so(served: "Served") -> None:
    ready = served.ask("/ready")
    assert ready.status_code == 200, ready.text
    assert ready.json()["parts"]["storage"]["state"] == "ok"


def test_who_has_no_key_is_told_nothing(served: "Served") -> None:
    assert served.ask("/v1/images", headers={"Authorization": "Bearer nobody"}).status_code == 401


def test_what_a_killed_service_has_answered_is_in_the_lake(
    lake: CloudLake, served: "Served", serve_lake: Start
) -> None:
    data = drawn_photo("blue", 3)
    killed = serve_lake(lake.here, **lake.settings)
    told = upload(killed, "killed.jpg", data).json()[0]["image_id"]
    killed.process.kill()
    killed.process.wait(20)
    assert served.ask(f"/v1/images/{told}", "anna").json()["state"] == "pending"
    landed = [info.key for info in lake.store.list(object_keys.LANDING) if not info.key.endswith(".json")]
    assert data in [lake.store.read(key) for key in landed]
    assert told in {subject for line in lake.lines_of_trail() for subject in line["subjects"]}
    assert upload(served, "killed.jpg", data).json()[0]["image_id"] == told


def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(lake: CloudLake, served: "Served") -> None:
    before = {info.key for info in lake.store.list(object_keys.LANDING)}
    large = upload(served, "large.jpg", PHOTO + bytes(MAX_BYTES))
    assert large.status_code in {413, 422}, large.text
    assert {info.key for info in lake.store.list(object_keys.LANDING)} == before


def test_a_lake_that_goes_away_takes_nothing_and_comes_back(lake: CloudLake, served: "Served") -> None:
    mark = lake.store.read(object_keys.LAKE_MARK)
    lake.store.delete(object_keys.LAKE_MARK)
    away = upload(served, "away.jpg", drawn_photo("white", 5))
    lake.store.write(object_keys.LAKE_MARK, mark)
    assert away.status_code == 503, away.text
    assert upload(served, "away.jpg", drawn_photo("white", 5)).status_code == 202


@pytest.mark.timeout(300)
def test_another_cloud_serves_as_well(s3_server: Cloud, tmp_path: Path, serve_lake: Start) -> None:
    with cloud_lake(s3_server, tmp_path) as lake:
        served = serve_lake(lake.here, **lake.settings)
        told = upload(served, "red.jpg", PHOTO).json()[0]["image_id"]
        assert served.ask(f"/v1/images/{told}", "anna").json()["state"] == "pending"
        assert told in {subject for line in lake.lines_of_trail() for subject in line["subjects"]}
