"""`migrate` from a bucket: a real one, through its days, and once more when it has changed."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import obstore
import pytest
from click.testing import Result

import image_assets
from image_assets.errors import ConfigurationError
from image_assets.lake.remote.address import RemoteRoot
from image_assets.lake.remote.client import open_client
from image_assets_tests.servers.clouds import Cloud, put_as_it_is, use

Draw = Callable[[tuple[int, int, int]], bytes]
Invoke = Callable[..., Result]

ODD = ("ünï 日本.jpg", "a%0Ab.jpg", "100%.jpg", "q?x#y.jpg", "e\u0301.jpg")


@dataclass(frozen=True)
class Bucket:
    """A source in a cloud, and the lake that it is brought into."""

    cloud: Cloud
    root: RemoteRoot
    invoke: Invoke

    def put(self, files: Mapping[str, bytes]) -> None:
        for name, data in files.items():
            self.remove(name)
            put_as_it_is(self.cloud, f"{self.root.prefix}/{name}", data)

    def remove(self, name: str) -> None:
        try:
            obstore.delete(open_client(self.root, self.cloud.params), name)
        except FileNotFoundError:
            return

    def migrate(self, day: date) -> str:
        done = self.invoke("migrate", str(self.root), "--date", day.isoformat(), "--user", "ann")
        assert done.exit_code == 0, done.exception
        return done.output

    def run(self) -> str:
        done = self.invoke("run", "--pending")
        assert done.exit_code in {0, 2}, done.exception
        return done.output

    def asked(self, sql: str) -> list[dict[str, str]]:
        answer = self.invoke("sql", sql, "--json")
        return [json.loads(line) for line in answer.output.splitlines() if line.startswith("{")]

    def states(self) -> dict[str, tuple[str, str | None]]:
        rows = self.asked("select path, state, reason from processing_log")
        return {row["path"]: (row["state"], row["reason"]) for row in rows}

    def digests(self) -> list[str]:
        return sorted(row["sha256"] for row in self.asked("select sha256 from bronze_images"))


@pytest.fixture(params=[("azurite", "in the same container"), ("s3_server", "in a folder")])
def bucket(request: pytest.FixtureRequest, home: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    server, place = request.param
    cloud: Cloud = request.getfixturevalue(server)
    use(cloud, monkeypatch)
    monkeypatch.setenv("IMAGE_ASSETS_STORAGE_ENDPOINT", str(cloud.params.endpoint))
    if place == "in the same container":
        monkeypatch.setenv("IMAGE_ASSETS_ROOT", str(cloud.new_root()))
    shutil.copy(Path(image_assets.__file__).parents[1] / "dagster.yaml", home)
    return Bucket(cloud, cloud.new_root(), invoke)


def test_one_name_that_nothing_reads_keeps_no_other_file_out(bucket: Bucket, draw: Draw, yesterday: date) -> None:
    photos = {name: draw((200, 20, 20)) for name in ("a.jpg", "x//y.jpg", "dir/", "z.jpg")}
    for name, data in photos.items():
        put_as_it_is(bucket.cloud, f"{bucket.root.prefix}/{name}", data)
    for said in ("2 photos of 1 days", "4 entries are as an earlier scan has noted them"):
        assert said in bucket.migrate(yesterday)
        assert bucket.states() == {
            "a.jpg": ("pending", None),
            "dir/": ("failed", "unreadable"),
            "x//y.jpg": ("failed", "unreadable"),
            "z.jpg": ("pending", None),
        }


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_prefix_at_which_nothing_is_was_misspelt(bucket: Bucket, options: tuple[str, ...]) -> None:
    bucket.put({"a.jpg": b"photo"})
    done = bucket.invoke("migrate", str(bucket.root), str(bucket.cloud.new_root()), *options)
    assert isinstance(done.exception, ConfigurationError)
    assert "is it spelt right" in str(done.exception)
    assert bucket.asked("select path from source_entries") == []


@pytest.mark.timeout(600)
def test_a_bucket_is_brought_in_and_followed(bucket: Bucket, draw: Draw, yesterday: date) -> None:
    photos = {f"a/{number}.jpg": draw((20 * number, 200, 40)) for number in range(4)}
    photos |= {name: draw((200, 40 * number, 90)) for number, name in enumerate(ODD)}
    photos |= {"dir-1.jpg": draw((10, 10, 200)), "dir/2.jpg": draw((250, 250, 20))}
    whole = draw((90, 90, 90))
    half = {"half.jpg": whole[: len(whole) // 2]}
    bucket.put({**photos, **half, "gone.jpg": whole, "words.jpg": b"words", "dir/": b""})
    bucket.put({"a/0.jpg.json": b'{"label": "dress"}'})

    assert "13 photos of 1 days" in bucket.migrate(yesterday)
    bucket.remove("gone.jpg")
    bucket.run()
    found = bucket.states()
    reasons = {path: reason for path, (state, reason) in found.items() if state == "failed"}
    assert reasons.pop("half.jpg") in {"truncated", "corrupt"}
    assert reasons.pop("gone.jpg") == "unreadable"
    assert set(reasons.values()) == {"not_an_image", "empty"}
    assert len(found) == len(photos) + 4
    assert bucket.digests() == digests_of({**photos, **half})
    assert bucket.asked("select raw_name from bronze_images where label = 'dress'") == [{"raw_name": "0.jpg"}]

    assert "are as an earlier scan has noted them" in bucket.migrate(yesterday)
    assert bucket.states() == found
    assert "0 of 1 days are pending" in bucket.run()

    photos |= {"a/1.jpg": draw((123, 45, 67)), "new.jpg": draw((76, 54, 32))}
    bucket.put({name: photos[name] for name in ("a/1.jpg", "new.jpg")})
    bucket.remove("a/2.jpg")
    assert "2 photos of 1 days" in bucket.migrate(yesterday)
    bucket.run()
    assert bucket.digests() == digests_of({**photos, **half})
    assert bucket.invoke("migration", "finalize").exit_code == 0
    done = [path for path, (state, _) in bucket.states().items() if state == "indexed"]
    assert len(done) == len(photos)


def digests_of(photos: Mapping[str, bytes]) -> list[str]:
    return sorted(hashlib.sha256(data).hexdigest() for data in photos.values())
