"""Makes the examples of the service's description: `make examples` asks a served lake for everything, once."""

import io
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from image_assets.access.keys import add_key
from image_assets.access.roles import Role
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.serving.examples import ANSWER, REQUEST
from image_assets_tests.serving.conftest import DAYS, UPLOADS, Lake, Served, drawn_photo, fill_lake, starting

_MOST_ITEMS, _MOST_NUMBERS, _MOST_LINES = 2, 4, 8
_MOST_SETTINGS, _SETTINGS = 20, ("review_threshold", "rate_limit", "api_key")


class Asking:
    """Asks, and keeps what was sent and answered."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.kept: dict[str, dict[str, Any]] = {}

    def ask(self, operation: str, key: str, method: str, path: str, *, told: Any = None, **options: Any) -> Any:
        """The answer to a request, which has succeeded; `told` stands for a body that is not JSON."""
        answer = self.served.ask(path, key, method, **options)
        assert answer.is_success, (operation, answer.status_code, answer.text)
        is_json = answer.headers["content-type"] == "application/json"
        found = answer.json() if is_json else answer.text
        sent = told if told is not None else options.get("json")
        self.kept[operation] = {} if sent is None else {REQUEST: sent}
        self.kept[operation][ANSWER] = shortened(found) if is_json else "\n".join(found.splitlines()[:_MOST_LINES])
        return found


def shortened(value: Any) -> Any:
    """With so few members of each list that a person reads them."""
    if isinstance(value, dict):
        kept = (
            value if len(value) <= _MOST_SETTINGS or "image_id" in value else {name: value[name] for name in _SETTINGS}
        )
        return {name: shortened(each) for name, each in kept.items()}
    if isinstance(value, list):
        most = _MOST_NUMBERS if value and isinstance(value[0], float) else _MOST_ITEMS
        return [shortened(each) for each in value[:most]]
    return value


def small_photo() -> bytes:
    """One that only a limit stands against."""
    file = io.BytesIO()
    Image.new("RGB", (12, 9), "green").save(file, "PNG")
    return file.getvalue()


def make_examples(folder: Path) -> dict[str, dict[str, Any]]:
    """Fill a lake, serve it, ask for everything."""
    more = [
        (DAYS[1], "bo", "red again.jpg", drawn_photo("red", 1), "hat"),
        (DAYS[1], "bo", "tiny.png", small_photo(), None),
    ]
    lake = fill_lake(folder, [*UPLOADS, *more])
    _, key = add_key(LocalObjectStore(lake.root), "second", [Role.REVIEW], datetime.now(UTC))
    keys = {**lake.keys, "second": key}
    with starting() as start:
        served = start(Lake(folder, keys))
        asking = Asking(Served(served.url, Lake(folder, keys), served.process))
        _look(asking)
        _ask_models(asking)
        _decide_together(asking)
        _decide(asking)
        _change(asking)
    return dict(sorted(asking.kept.items()))


def _look(asking: Asking) -> None:
    asking.ask("get_health", "read", "GET", "/health")
    asking.ask("get_ready", "read", "GET", "/ready")
    asking.ask("get_metrics", "admin", "GET", "/metrics")
    listed = asking.ask("list_images", "review", "GET", "/v1/images?page_size=2&facets=label&label=dress&label=hat")
    known = listed["items"][0]["image_id"]
    asking.ask("get_image", "review", "GET", f"/v1/images/{known}")
    asking.ask("list_similar", "review", "GET", f"/v1/images/{known}/similar?page_size=2")
    asking.ask("search_images", "review", "GET", "/v1/search?text=red+dress&page_size=2")
    asking.ask("search_images_by", "review", "POST", "/v1/search", json={"text": "red dress", "page_size": 2})


def _ask_models(asking: Asking) -> None:
    known = [each["image_id"] for each in asking.served.ask("/v1/images", "read").json()["items"]][:2]
    asking.ask("encode", "read", "POST", "/v1/encode", json={"texts": ["a red dress"]})
    asking.ask("predict", "read", "POST", "/v1/predict", json={"image_id": known[0]})
    asking.ask("predict_batch", "read", "POST", "/v1/predict_batch", json={"image_ids": known})
    asking.ask("list_classes", "read", "GET", "/v1/classes")


def _decide(asking: Asking) -> None:
    items = asking.ask("get_reviews", "review", "GET", "/v1/reviews?count=2")["items"]
    first = {"image_id": items[0]["image_id"], "label": "dress", "id": "k3-0001"}
    asking.ask("post_reviews", "review", "POST", "/v1/reviews", json={"decisions": [first]})
    other = {"decisions": [{**first, "label": "skirt", "id": "k4-0001"}]}
    assert asking.served.ask("/v1/reviews", "second", "POST", json=other).is_success
    asking.ask("get_progress", "review", "GET", "/v1/reviews/progress")
    assert asking.ask("get_conflicts", "review", "GET", "/v1/reviews/conflicts")["items"]
    (group,) = asking.ask("get_duplicates", "review", "GET", "/v1/duplicates")["items"]
    one, two = (each["image_id"] for each in group["images"])
    pair = {"one": one, "other": two, "verdict": "same"}
    asking.ask("post_duplicates", "review", "POST", "/v1/duplicates", json={"pairs": [pair]})
    asking.ask("undo_duplicates", "review", "POST", "/v1/duplicates/undo", json={"id": "k5-0001"})


def _decide_together(asking: Asking) -> None:
    asking.ask("get_issues", "review", "GET", "/v1/reviews/issues")
    found = asking.ask("get_matching", "review", "GET", "/v1/reviews/matching?predicted_label=hat")
    accepted = {"predicted_label": "hat", "count": found["count"], "id": "many-0001"}
    asking.ask("accept_matching", "review", "POST", "/v1/reviews/matching", json=accepted)
    asking.ask("undo_matching", "review", "POST", "/v1/reviews/matching/undo", json={"id": "many-0001"})


def _change(asking: Asking) -> None:
    rejected = asking.ask("get_rejected", "review", "GET", "/v1/rejected")["items"]
    named = {each["reason"]: each for each in rejected}
    accepted = {"ids": [named["too_small"]["id"]], "note": "an icon, and meant to be"}
    asking.ask("post_accept", "review", "POST", "/v1/rejected/accept", json=accepted)
    withdrawn = {"image_ids": [named["too_small"]["image_id"]], "note": "it was a mistake"}
    asking.ask("post_withdraw", "review", "POST", "/v1/rejected/withdraw", json=withdrawn)
    retried = {"ids": [named["not_an_image"]["id"]]}
    asking.ask("post_retry", "review", "POST", "/v1/rejected/retry", json=retried)
    asking.ask("get_configuration", "admin", "GET", "/v1/config")
    changed = {"changes": {"review_threshold": 0.7}, "note": "fewer reviews before the holidays"}
    asking.ask("change_configuration", "admin", "PATCH", "/v1/config", json=changed)
    asking.ask("get_configuration_history", "admin", "GET", "/v1/config/history")
    form = {"file": ["(the bytes of a photo)"], "label": ["dress"]}
    files = [("file", ("my dress.jpg", drawn_photo("pink", 6), "image/jpeg"))]
    upload = {"told": form, "files": files, "data": {"label": "dress"}}
    (made,) = asking.ask("upload_images", "anna", "POST", "/v1/images", **upload)
    asking.ask("upload_file", "anna", "PUT", "/v1/uploads/hat.jpg", content=drawn_photo("teal", 7))
    asking.ask("list_uploads", "anna", "GET", "/v1/uploads?page_size=2")
    asking.ask("erase_image", "admin", "DELETE", f"/v1/images/{made['image_id']}?reason=ticket+4711")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(json.dumps(make_examples(Path(folder)), indent=1, ensure_ascii=False) + "\n")
