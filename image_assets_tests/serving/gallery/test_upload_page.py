"""Uploading in a browser: one bad file stops nothing, and a service that goes away for a while loses nothing."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from image_assets.lake import object_keys
from image_assets.steps.images.landing import list_landing
from image_assets.steps.images.sidecar import Sidecar, parse_sidecar
from image_assets_tests.serving.conftest import drawn_photo

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

HOSTILE = "<img src=x onerror=alert(1)>\u202egpj.jpg"
REFUSED, UNDER_WAY = 422, 409


def test_thirty_files_arrive_once_though_one_is_bad_and_the_service_begins_anew(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], open_page: Callable[..., Page]
) -> None:
    served = serve_lake(own_lake)
    page = open_page(served.url, key=own_lake.keys["anna"], bears={REFUSED, UNDER_WAY})
    page.goto("/upload")
    page.get_by_label("Label").fill("dress")
    files = [photo(f"photo-{number:02}.jpg", number) for number in range(29)]
    page.locator("#files").set_input_files([*files[:9], picked("note.txt", b"no picture"), *files[9:]])
    expect(page.locator("li.accepted").nth(2)).to_be_visible()
    served.process.kill()
    served.process.wait(20)
    serve_lake(own_lake, "--port", str(urlsplit(served.url).port))

    expect(page.locator("#sum")).to_have_text("29 of 30 accepted, 1 refused", timeout=60_000)
    expect(page.locator("#lines > li")).to_have_count(30)
    expect(page.locator("li.refused")).to_contain_text("note.txt")
    expect(page.locator("li.accepted a").first).to_have_attribute("href", "/images/" + first_id(page))
    told = landed_today(own_lake)
    assert sorted(each.raw_name or "" for each in told) == [file["name"] for file in files]
    assert {each.label for each in told} == {"dress"}


def test_a_file_whose_answer_was_lost_is_sent_again_and_is_there_once(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], open_page: Callable[..., Page]
) -> None:
    page = open_page(serve_lake(own_lake).url, key=own_lake.keys["anna"])
    page.goto("/upload")
    page.route("**/v1/images?*", lambda route: (route.fetch(), route.abort()), times=1)
    page.locator("#files").set_input_files([photo("lost.jpg", 1)])
    expect(page.locator(".said")).to_have_text("waits 1 s: the service does not answer")
    expect(page.locator("#sum")).to_have_text("1 of 1 accepted")
    assert len(landed_today(own_lake)) == 1


def test_what_was_refused_as_it_is_is_not_offered_again(served: "Served", open_page: Callable[..., Page]) -> None:
    page = open_page(served.url, key=served.lake.keys["anna"], bears={REFUSED})
    page.goto("/upload")
    page.locator("#files").set_input_files([picked(HOSTILE, b"no picture")])
    line = page.locator("li.refused")
    expect(line.locator(".said")).to_contain_text("refused: ")
    expect(line.locator(".name")).to_have_text(HOSTILE)
    expect(line.get_by_role("button", name="Retry")).to_be_hidden()


def test_a_folder_is_dropped_with_all_that_is_in_it(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], open_page: Callable[..., Page]
) -> None:
    page = open_page(serve_lake(own_lake).url, key=own_lake.keys["anna"])
    page.goto("/upload")
    page.evaluate(
        """async (bytes) => {
            const file = new File([new Uint8Array(bytes)], "deep.jpg");
            const leaf = {isFile: true, fullPath: "/shoes/red/deep.jpg", file: (then) => then(file)};
            const folderOf = (entries) => ({createReader: () => {
                const left = [[...entries], []];
                return {readEntries: (then) => then(left.shift())};
            }});
            const event = new Event("drop", {cancelable: true, bubbles: true});
            event.dataTransfer = {items: [{webkitGetAsEntry: () => folderOf([folderOf([leaf])])}]};
            document.body.dispatchEvent(event);
        }""",
        list(drawn_photo("navy", 1)),
    )
    expect(page.locator("#sum")).to_have_text("1 of 1 accepted")
    assert [each.raw_name for each in landed_today(own_lake)] == ["shoes/red/deep.jpg"]


def test_without_script_a_form_takes_some_files_and_sent_again_makes_nothing_twice(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], open_page: Callable[..., Page], tmp_path: Path
) -> None:
    files = {"one.jpg": drawn_photo("navy", 1), HOSTILE: b"no picture", "two.jpg": drawn_photo("navy", 2)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    page = open_page(serve_lake(own_lake).url, key=own_lake.keys["anna"], java_script_enabled=False)
    page.goto("/upload")
    # From the disk, because a browser that sends a form again reads its files again.
    page.locator("#files").set_input_files([tmp_path / name for name in files])
    page.get_by_role("button", name="Upload").click()
    expect(page.locator(".sent-files li")).to_contain_text(["one.jpg", "refused: ", "two.jpg"])
    expect(page.locator(".sent-files li.accepted a").first).to_have_attribute("href", "/images/" + first_id(page))
    page.reload()
    expect(page.locator(".sent-files li")).to_contain_text(["one.jpg", "refused: ", "two.jpg"])
    assert sorted(each.raw_name or "" for each in landed_today(own_lake)) == ["one.jpg", "two.jpg"]


@pytest.mark.parametrize("mark", [{}, {"mark": "0" * 32}])
def test_a_form_without_the_mark_of_the_session_leaves_nothing(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], mark: dict[str, str]
) -> None:
    served = serve_lake(own_lake)
    with httpx.Client(base_url=served.url) as client:
        client.post("/sign-in", data={"key": own_lake.keys["anna"]})
        refused = client.post("/upload?attempt=1", data=mark, files={"file": ("a.jpg", drawn_photo("navy", 1))})
    assert refused.status_code == 403
    assert not landed_today(own_lake)


def photo(name: str, number: int) -> Any:
    return picked(name, drawn_photo(f"#{number:02x}5080", number % 9))


def picked(name: str, data: bytes) -> Any:
    return {"name": name, "mimeType": "image/jpeg", "buffer": data}


def first_id(page: Page) -> str:
    return (page.locator("li.accepted a").first.get_attribute("href") or "").rpartition("/")[2]


def landed_today(lake: "Lake") -> list[Sidecar]:
    store = lake.tables.store
    files = list_landing(store, datetime.now(UTC).date()).files
    return [parse_sidecar(store.read(object_keys.key_of(file.sidecar_uri))) for file in files if file.sidecar_uri]
