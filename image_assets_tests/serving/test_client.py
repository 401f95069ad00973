"""The client against a real service: what it says it does, it does; what fails for a while, it tries again."""

import io
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from PIL import Image

from image_assets.client import Client, Retries
from image_assets.errors import ServiceError
from image_assets.steps.classification.opinions import read_opinions
from image_assets_tests.serving.conftest import REPOSITORY

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served


def photo(colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture
def client(own_lake: "Lake", serve_lake: Callable[..., "Served"]) -> Iterator[Client]:
    with Client(serve_lake(own_lake).url, own_lake.keys["admin"]) as client:
        yield client


def test_it_does_what_the_service_does(client: Client, own_lake: "Lake", tmp_path: Path) -> None:
    (tmp_path / "new dress.jpg").write_bytes(photo())
    uploaded = client.upload(tmp_path / "new dress.jpg", label="dress", on_behalf_of="anna")
    assert (uploaded.file, client.image(uploaded.image_id)["state"]) == ("new dress.jpg", "pending")
    known = own_lake.ids_of("anna")[0]
    assert client.image(known)["image_id"] == known
    assert client.picture(known)[8:12] == b"WEBP"
    assert known in {each["image_id"] for each in client.images(user="anna")["items"]}
    assert client.search("red")["items"]
    assert client.search(photo=photo("red"), page_size=1)["items"]
    assert client.similar(known)["items"]
    assert len(client.encode_texts(["red", "blue"])["vectors"]) == 2
    assert len(client.encode_images([photo(), tmp_path / "new dress.jpg"])["vectors"]) == 2
    client.erase(known, "a ticket")
    with pytest.raises(ServiceError) as gone:
        client.image(known)
    assert gone.value.status == 410


def test_what_is_refused_says_why_and_is_not_tried_again(client: Client) -> None:
    with pytest.raises(ServiceError) as refused:
        client.upload(b"no picture", name="note.txt")
    assert (refused.value.status, refused.value.reason) == (422, "not_an_image")


def test_the_how_to_s_lines_do_what_they_say(
    own_lake: "Lake",
    serve_lake: Callable[..., "Served"],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (lines,) = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs/how-to/serve.md").read_text(), re.DOTALL)
    (tmp_path / "dress.jpg").write_bytes(photo())
    monkeypatch.chdir(tmp_path)
    exec(lines.replace("http://127.0.0.1:8000", serve_lake(own_lake).url), {"key": own_lake.keys["admin"]})
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "pending"
    assert own_lake.ids_of("anna")[0] in said[1]
    assert "'not_an_image': 1" in said[3]
    kinds = [word.kind for word in read_opinions(own_lake.tables.store)]
    assert kinds == ["label", "undo"]


class Flaky(BaseHTTPRequestHandler):
    """Answers as it was told to, once each, and then that all is well."""

    answers: list[int | None]
    seen: list[tuple[str, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        type(self).seen.append((self.headers["idempotency-key"], body.decode()))
        status = type(self).answers.pop(0) if type(self).answers else 202
        if status is None:
            self.connection.close()
            return
        told = b'[{"file": "a", "image_id": "b", "status_url": "c", "sha256": "d"}]' if status == 202 else b"{}"
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def flaky() -> Iterator[tuple[str, type[Flaky]]]:
    class Own(Flaky):
        answers, seen = [], []

    with ThreadingHTTPServer(("127.0.0.1", 0), Own) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", Own
        server.shutdown()


QUICK = Retries(attempts=4, first_wait_s=0.001)


def test_what_fails_for_a_while_is_sent_again_whole_and_under_the_same_key(
    flaky: tuple[str, type[Flaky]], tmp_path: Path
) -> None:
    url, server = flaky
    server.answers += [503, None, 429]
    (tmp_path / "a.jpg").write_bytes(b"the whole file")
    with Client(url, retries=QUICK) as client:
        assert client.upload(tmp_path / "a.jpg").image_id == "b"
    assert len(server.seen) == 4
    assert {body for _, body in server.seen} == {"the whole file"}
    assert len({key for key, _ in server.seen}) == 1


def test_what_goes_on_failing_is_told_in_the_end(flaky: tuple[str, type[Flaky]]) -> None:
    url, server = flaky
    server.answers += [503] * 9
    with Client(url, retries=QUICK) as client, pytest.raises(ServiceError) as failed:
        client.upload(b"bytes")
    assert (failed.value.status, len(server.seen)) == (503, 4)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 500, 507])
def test_what_another_try_would_not_change_is_told_at_once(flaky: tuple[str, type[Flaky]], status: int) -> None:
    url, server = flaky
    server.answers += [status] * 9
    with Client(url, retries=QUICK) as client, pytest.raises(ServiceError):
        client.upload(b"bytes")
    assert len(server.seen) == 1


def test_it_waits_as_long_as_the_service_asks_for_and_no_longer_than_it_may() -> None:
    waits: list[float] = []
    answers = [httpx.Response(503, headers={"Retry-After": asked}) for asked in ("3", "9999", "soon")]
    answers.append(httpx.Response(200))
    Retries(longest_wait_s=10).ask(lambda: answers.pop(0), waits.append)
    assert 3 <= waits[0] <= 3.5
    assert waits[1] == 10
    assert waits[2] <= 2


def test_a_service_that_is_not_there_is_named(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:1", retries=QUICK) as client, pytest.raises(ServiceError, match="cannot be reached"):
        client.upload(b"bytes")


def test_a_folder_is_uploaded_by_the_command_line_and_each_refused_file_is_named(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], tmp_path: Path
) -> None:
    import json
    import os
    import subprocess

    from image_assets_tests.serving.conftest import SCRIPT, environment

    served = serve_lake(own_lake)
    for number, colour in enumerate(("red", "green", "blue", "white", "black", "grey")):
        (tmp_path / "photos" / str(number)).mkdir(parents=True)
        (tmp_path / "photos" / str(number) / "same name.jpg").write_bytes(photo(colour))
    (tmp_path / "photos" / "note.txt").write_text("no picture")
    (tmp_path / "photos" / "0" / "same name.jpg.json").write_text(json.dumps({"label": "hat"}))
    command = [SCRIPT, "upload", "photos", "--to", served.url, "--label", "dress"]
    own = {**environment(own_lake, api_key=own_lake.keys["bo"]), "PATH": os.environ["PATH"]}
    for _ in range(2):
        done = subprocess.run(command, cwd=tmp_path, env=own, capture_output=True, text=True, check=False)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "photos/note.txt: not_an_image: no known image format" in done.stdout
        assert "6 of 7 files have arrived" in done.stdout
        assert f"{served.url}/v1/images/" in done.stdout
    asked = [SCRIPT, "upload", "photos/0", "photos/1", "--to", served.url, "--label", "dress", "--json"]
    rows = [json.loads(line) for line in subprocess.check_output(asked, cwd=tmp_path, env=own).splitlines()]
    with Client(served.url, own_lake.keys["bo"]) as client:
        assert [client.image(row["image_id"])["state"] for row in rows] == ["pending", "pending"]
    assert all(row["image_id"] in done.stdout for row in rows)
    sidecars = [json.loads(path.read_text()) for path in (own_lake.root / "landing").rglob("bo/*.json")]
    mine = [each["label"] for each in sidecars if each["raw_name"] == "same name.jpg"]
    assert sorted(mine) == ["dress"] * 5 + ["hat"]
    without = {name: value for name, value in own.items() if name != "IMAGE_ASSETS_API_KEY"}
    for environ, told in (({**own, "IMAGE_ASSETS_API_KEY": "x"}, "does not accept the key"), (without, "wants a key")):
        wrong = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        assert wrong.returncode == 1
        assert told in wrong.stderr
        assert "set IMAGE_ASSETS_API_KEY" in wrong.stderr
        assert "image-assets keys add NAME --role upload" in wrong.stderr
