"""One image over HTTP: what is told of it and to whom, its pictures, and its end."""

import io
import time
from typing import TYPE_CHECKING, Any

import httpx
import polars as pl
import pytest
from PIL import Image

from image_assets.ids import ObjectKey
from image_assets_tests.serving.conftest import DAYS, drawn_photo

if TYPE_CHECKING:
    from collections.abc import Callable

    from image_assets_tests.serving.conftest import Lake, Served

NOBODYS = "00000000-0000-5000-8000-000000000000"


def record(served: "Served", key: str, image_id: str) -> dict[str, Any]:
    answer = served.ask(f"/v1/images/{image_id}", key)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_an_image_that_has_run_is_done_and_tells_what_made_it(served: "Served") -> None:
    image_id = served.lake.ids_of("anna")[0]
    told = record(served, "admin", image_id)
    assert told["state"] == "done"
    assert told["user_id"] == "anna"
    assert told["predictions"][0]["top_labels"]
    assert {"bronze_images", "silver_images", "image_embeddings/builtin", "gold_images"} <= {
        step["table"] for step in told["lineage"]["steps"]
    }


def test_a_rejected_file_is_an_error_with_its_reason(served: "Served") -> None:
    rows = served.lake.tables.scan_files(["tables/rejected_images/2026-03-15.parquet"], ["image_id"])
    told = record(served, "bo", rows.item())
    assert (told["state"], told["reason"]) == ("error", "not_an_image")


@pytest.mark.parametrize(
    ("key", "sees"),
    [
        ("admin", {"user_id", "raw_name", "exif"}),
        ("review", {"user_id", "raw_name"}),
        ("anna", {"user_id", "raw_name"}),
        ("read", set()),
    ],
)
def test_what_is_private_is_told_by_role(served: "Served", key: str, sees: set[str]) -> None:
    told = record(served, key, served.lake.ids_of("anna")[0])
    assert {name for name in ("user_id", "raw_name", "exif") if told[name]} == sees


@pytest.mark.parametrize("path", ["", "/thumbnail", "/preview", "/silver", "/original"])
def test_images_of_others_do_not_exist_for_who_only_uploads(served: "Served", path: str) -> None:
    ids = served.lake.ids_of("bo")[0], NOBODYS
    other, nobodys = (served.ask(f"/v1/images/{each}{path}", "anna") for each in ids)
    assert other.status_code == nobodys.status_code == 404
    assert other.json()["type"] == nobodys.json()["type"]


@pytest.mark.parametrize("picture", ["silver", "thumbnail", "preview"])
def test_a_link_is_followed_without_a_key_and_shows_the_picture(served: "Served", picture: str) -> None:
    link = record(served, "read", served.lake.ids_of("anna")[0])["links"][picture]
    answer = served.ask(link)
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert Image.open(io.BytesIO(answer.content)).size[0] >= 300
    again = served.ask(link, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_picture_needs_a_link_or_a_key(served: "Served") -> None:
    assert served.ask(f"/v1/images/{served.lake.ids_of('anna')[0]}/thumbnail").status_code == 401


def test_a_link_is_for_one_picture_of_one_image(served: "Served") -> None:
    one, other = served.lake.ids_of("anna")[:2]
    link = record(served, "read", one)["links"]["thumbnail"]
    changes = (one, other), ("thumbnail", "preview"), ("exp=1", "exp=2"), ("sig=", "sig=x")
    for forged in (link.replace(*change) for change in changes):
        assert served.ask(forged).status_code == 403


def test_an_original_is_whole_attached_and_for_its_owner(served: "Served") -> None:
    image_id = served.lake.ids_of("anna")[0]
    path = f"/v1/images/{image_id}/original"
    whole = served.ask(path, "anna")
    assert whole.headers["content-type"] == "application/octet-stream"
    assert whole.headers["content-disposition"].startswith("attachment")
    part = served.ask(path, "anna", headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, whole.content[5:10])
    assert served.ask(path, "read").status_code == 403


def test_what_is_erased_is_gone_and_erased_again_with_the_same_certificate(
    own_lake: "Lake", serve_lake: "Callable[..., Served]"
) -> None:
    served, image_id = serve_lake(own_lake), own_lake.ids_of("anna")[0]
    link = record(served, "read", image_id)["links"]["thumbnail"]
    path, reason = f"/v1/images/{image_id}", {"reason": "ticket 7"}
    assert served.ask(path, "admin", "DELETE").status_code == 422, "no reason"
    first, again = (served.ask(path, "admin", "DELETE", params=reason).json() for _ in range(2))
    assert {**first, "days_to_run": []} == {**again, "days_to_run": []}
    assert first["objects_removed"] > 3
    assert served.ask(path, "admin").status_code == 410
    gone = served.ask(link)
    assert (gone.status_code, gone.headers["cache-control"]) == (410, "no-store")


def test_what_is_erased_is_in_no_list_count_or_search_once_that_is_answered(
    own_lake: "Lake", serve_lake: "Callable[..., Served]"
) -> None:
    served, (image_id, other, *_) = serve_lake(own_lake), own_lake.ids_of("anna")
    listed = served.ask("/v1/images?facets=user", "admin").json()
    addresses = ["/v1/images?facets=user", "/v1/search?text=dress", f"/v1/images/{other}/similar"]
    assert all(image_id in served.ask(each, "admin").text for each in addresses)
    served.ask(f"/v1/images/{image_id}", "admin", "DELETE", params={"reason": "ticket 7"})
    after = [served.ask(each, "admin") for each in addresses]
    assert [(each.status_code, image_id in each.text) for each in after] == [(200, False)] * 3
    assert after[0].json()["estimated_total"] == listed["estimated_total"] - 1
    assert {"value": "anna", "images": 2} in after[0].json()["facets"]["user"]["values"]


def test_a_pending_upload_can_be_erased_and_does_not_come_back(
    own_lake: "Lake", serve_lake: "Callable[..., Served]"
) -> None:
    served, picture = serve_lake(own_lake), drawn_photo("purple", 3)

    def send() -> httpx.Response:
        files = [
            ("file", (name, data)) for name, data in (("mine.jpg", picture), ("other.jpg", drawn_photo("pink", 1)))
        ]
        return served.ask("/v1/images", "anna", "POST", files=files)

    path = send().headers["location"]
    erased = served.ask(path, "admin", "DELETE", params={"reason": "ticket 7"})
    assert (erased.status_code, erased.json()["objects_removed"] >= 3) == (200, True)
    assert served.ask(path, "admin").status_code == 410
    told = send()
    assert (told.status_code, [each["status"] for each in told.json()]) == (202, ["refused", "accepted"])
    assert told.json()[0]["problem"]["reason"] == "policy"
    files = [path for path in (own_lake.root / "landing").rglob("*") if path.is_file()]
    assert files
    assert picture not in [path.read_bytes() for path in files]


def test_an_upload_is_pending_until_a_run_takes_it_in_and_only_its_owner_sees_it(
    own_lake: "Lake", serve_lake: "Callable[..., Served]"
) -> None:
    served = serve_lake(own_lake)
    picture = io.BytesIO()
    Image.new("RGB", (300, 200), "purple").save(picture, "PNG")
    headers = {"Content-Type": "image/png", "Content-Disposition": 'attachment; filename="mine.png"'}
    accepted = served.ask("/v1/images?label=Hat", "anna", "POST", content=picture.getvalue(), headers=headers)
    assert accepted.status_code == 202, accepted.text
    path = accepted.headers["location"]
    pending = served.ask(path, "anna")
    assert {name: pending.json()[name] for name in ("state", "raw_name", "label")} == {
        "state": "pending",
        "raw_name": "mine.png",
        "label": "hat",
    }
    assert int(pending.headers["retry-after"]) > 0
    assert served.ask(path, "bo").status_code == 404
    assert own_lake.command("run").returncode in {0, 2}
    assert served.ask(path, "anna").json()["state"] == "done"


def test_a_record_that_has_not_changed_is_not_sent_again(served: "Served") -> None:
    path = f"/v1/images/{served.lake.ids_of('anna')[0]}"
    for key in ("read", "anna"):
        tag = served.ask(path, key).headers["etag"]
        again = served.ask(path, key, headers={"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


def test_an_original_is_sent_whole_for_several_ranges_and_not_again_unchanged(served: "Served") -> None:
    path = f"/v1/images/{served.lake.ids_of('anna')[0]}/original"
    whole = served.ask(path, "anna")
    several = served.ask(path, "anna", headers={"Range": "bytes=0-1,5-6"})
    assert (several.status_code, several.content) == (200, whole.content)
    other = served.ask(path, "anna", headers={"Range": "lines=0-1"})
    assert (other.status_code, other.content) == (200, whole.content)
    beyond = served.ask(path, "anna", headers={"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(whole.content)}")
    for known in (whole.headers["etag"], "*"):
        unchanged = served.ask(path, "anna", headers={"If-None-Match": known})
        assert (unchanged.status_code, unchanged.content) == (304, b"")


def block(lake: "Lake", told: dict[str, Any]) -> None:
    """As a run does that finds an image to be blocked, but for its pictures, which stay."""
    gold = ObjectKey(f"tables/gold_images/{told['day']}.parquet")
    rows, is_it = lake.tables.scan_files([gold]), pl.col("image_id") == told["image_id"]
    state = pl.when(is_it).then(pl.lit("blocked")).otherwise(pl.col("state").cast(pl.String))
    with lake.tables.store.writing(gold) as path:
        rows.with_columns(state=state.cast(rows.schema["state"])).write_parquet(path)


def test_no_link_shows_what_is_blocked_since_it_was_made(own_lake: "Lake", serve_lake: "Callable[..., Served]") -> None:
    served, image_id = serve_lake(own_lake), own_lake.ids_of("anna")[0]
    told = record(served, "anna", image_id)
    block(own_lake, told)
    assert served.ask(told["links"]["original"]).status_code == 403
    pictures = [told["links"][name] for name in ("thumbnail", "preview", "silver")]
    end = time.monotonic() + 20
    while (statuses := {served.ask(each).status_code for each in pictures}) != {403} and time.monotonic() < end:
        time.sleep(0.2)
    assert statuses == {403}
    assert served.ask("/v1/images?state=blocked", "review").json()["items"][0]["image_id"] == image_id


def test_after_a_quiet_time_no_link_shows_what_is_blocked(
    own_lake: "Lake", serve_lake: "Callable[..., Served]"
) -> None:
    served = serve_lake(own_lake)
    told = record(served, "read", own_lake.ids_of("anna")[0])
    assert served.ask(told["links"]["thumbnail"]).status_code == 200
    block(own_lake, told)
    time.sleep(3.5)
    assert served.ask(told["links"]["thumbnail"]).status_code == 403


def test_of_what_is_blocked_the_owner_and_admins_have_the_original_by_their_keys(
    own_lake: "Lake", serve_lake: "Callable[..., Served]"
) -> None:
    served, image_id = serve_lake(own_lake), own_lake.ids_of("anna")[0]
    block(own_lake, record(served, "anna", image_id))
    told = [record(served, key, image_id) for key in ("anna", "admin")]
    assert [(each["state"], each["links"]["original"], each["links"]["preview"]) for each in told] == [
        ("blocked", None, None)
    ] * 2
    path = f"/v1/images/{image_id}"
    assert [served.ask(f"{path}/original", key).status_code for key in ("anna", "admin", "bo")] == [200, 200, 404]
    assert served.ask(f"{path}/preview", "admin").status_code == 403


def test_the_beginning_of_an_id_will_do_wherever_an_image_is_named(served: "Served") -> None:
    known = served.lake.ids_of("anna")[0]
    for path in ("", "/thumbnail", "/preview", "/silver", "/original", "/similar"):
        whole, short = (served.ask(f"/v1/images/{name}{path}", "anna") for name in (known, known[:8]))
        assert (short.status_code, short.headers.get("etag")) == (200, whole.headers.get("etag"))
    predicted = served.ask("/v1/predict_batch", "read", "POST", json={"image_ids": [known, known[:13].upper()]})
    assert predicted.json()["results"][0]["prediction"] == predicted.json()["results"][1]["prediction"]
    assert served.ask(f"/v1/images/{known[:8]}", "bo").status_code == 404
    assert served.ask(f"/v1/images/{known[:7]}", "anna").status_code == 422


@pytest.mark.parametrize("name", ["", "no id", "x" * 100_000, "5513e42f'; --", "\u202e\0", NOBODYS[:8] + "\n"])
def test_a_name_that_is_no_id_costs_only_itself(served: "Served", name: str) -> None:
    known = served.lake.ids_of("anna")[0]
    told = served.ask("/v1/predict_batch", "read", "POST", json={"image_ids": [name, NOBODYS, known]})
    assert told.status_code == 200
    malformed, missing, found = told.json()["results"]
    assert (malformed["image_id"], malformed["problem"]["type"]) == (name.lower(), missing["problem"]["type"])
    assert len(malformed["problem"]["detail"]) < 200
    assert (found["image_id"], "prediction" in found) == (known, True)


def test_a_beginning_that_fits_several_is_refused_to_who_may_know_of_them(
    own_lake: "Lake", serve_lake: "Callable[..., Served]"
) -> None:
    known = own_lake.ids_of("anna")[0]
    (own_lake.root / "receipts" / str(DAYS[0])).mkdir(parents=True, exist_ok=True)
    served = serve_lake(own_lake)
    (own_lake.root / "receipts" / str(DAYS[0]) / f"{known[:8]}{NOBODYS[8:]}.json").write_text("{}")
    told = [served.ask(f"/v1/images/{known[:8]}", key).status_code for key in ("admin", "anna", "bo")]
    assert told == [409, 200, 404]
    predicted = served.ask("/v1/predict", "read", "POST", json={"image_id": known[:8]})
    assert predicted.json()["type"] == "urn:image-assets:problem:ambiguous-image"
