"""Readers while a run commits: none of them fails, and no answer mixes two states of the lake."""

import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.steps.images.uploads import UploadFacts, add_upload
from image_assets_tests.serving.conftest import DAYS, SCRIPT, drawn_photo, environment, until

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

NEW_DAYS = [DAYS[-1] + timedelta(days=number) for number in range(1, 3)]


def land_days(lake: "Lake") -> None:
    """Three photos on each new day, and one more on a day that has run."""
    store = LocalObjectStore(lake.root)
    for number, day in enumerate([DAYS[0], *(day for day in NEW_DAYS for _ in range(3))]):
        at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
        add_upload(store, UploadFacts(day, "carl", f"{number}.jpg", at), drawn_photo("orange", number))


def ask_all(served: "Served") -> tuple[int, list[int]]:
    """Images by the list and by the facet of days, and the statuses of every kind of question."""
    listed = served.ask("/v1/images?all_duplicates=true&facets=day&page_size=200", "admin")
    told: dict[str, Any] = listed.json()
    found = served.ask("/v1/search?text=white+shirt&all_duplicates=true", "admin")
    records = [served.ask(f"/v1/images/{image['image_id']}", "admin") for image in told["items"][:2]]
    by_day = sum(value["images"] for value in told["facets"]["day"]["values"])
    assert by_day == told["estimated_total"] == len(told["items"])
    assert {image["day"] for image in told["items"]} == {value["value"] for value in told["facets"]["day"]["values"]}
    return by_day, [each.status_code for each in (listed, found, *records)]


def test_readers_see_one_state_after_the_other_while_days_are_committed(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    served = serve_lake(own_lake, rate_limit="1000000/minute")
    counts = [ask_all(served)[0]]
    land_days(own_lake)
    command = [SCRIPT, "run", "--from", str(DAYS[0]), "--to", str(NEW_DAYS[-1])]
    with subprocess.Popen(
        command, cwd=own_lake.folder, env=environment(own_lake), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as run:
        while run.poll() is None:
            count, statuses = ask_all(served)
            assert set(statuses) == {200}
            counts.append(count)
            time.sleep(0.05)
    assert run.returncode in {0, 2}

    def shows_all() -> bool:
        counts.append(ask_all(served)[0])
        return counts[-1] == 12

    # While it looks anew, a service answers with what it knows.
    assert until(shows_all)
    assert counts[0] == 5
    assert counts == sorted(counts)
