"""What a message of a queue says, in whichever form Event Grid has sent it."""

import base64
import json
from datetime import date
from typing import Any

import pytest

from image_assets.lake.events.blob_events import BlobEvent, Unusable, read_event
from image_assets.lake.remote.address import RemoteRoot

ROOT = RemoteRoot("az", "photos", "shop/lake")
DAY = date(2026, 3, 14)
UPLOAD = "shop/lake/landing/2026-03-14/ann/a dress.jpg"


def event_of(blob: str, container: str = "photos", **others: Any) -> dict[str, Any]:
    """As Microsoft documents it."""
    return {
        "topic": "/subscriptions/1/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/photos",
        "subject": f"/blobServices/default/containers/{container}/blobs/{blob}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "id": "831e1650-001e-001b-66ab-eeb76e069631",
        "data": {"api": "PutBlob", "contentLength": 524288, "blobType": "BlockBlob"},
        "dataVersion": "",
        "metadataVersion": "1",
        "eventTime": "2026-03-14T18:41:00.9584103Z",
        **others,
    }


def in_cloud_events_schema(event: dict[str, Any]) -> dict[str, Any]:
    kept = {name: event[name] for name in ("subject", "id", "data")}
    return {**kept, "specversion": "1.0", "source": event["topic"], "type": event["eventType"]}


@pytest.mark.parametrize("is_coded", [True, False], ids=["base64", "plain"])
@pytest.mark.parametrize("is_cloud_event", [True, False], ids=["CloudEvents", "Event Grid"])
def test_an_upload_is_told_by_its_day_in_every_form(is_coded: bool, is_cloud_event: bool) -> None:
    event = event_of(UPLOAD)
    text = json.dumps(in_cloud_events_schema(event) if is_cloud_event else event)
    sent = base64.b64encode(text.encode()).decode() if is_coded else text
    assert read_event(sent, ROOT) == BlobEvent(event["id"], DAY)


def test_an_upload_that_was_removed_changes_its_day() -> None:
    text = json.dumps(event_of(UPLOAD, eventType="Microsoft.Storage.BlobDeleted"))
    assert read_event(text, ROOT) == BlobEvent(event_of(UPLOAD)["id"], DAY)


def test_a_lake_that_is_a_whole_container_has_no_prefix() -> None:
    text = json.dumps(event_of("landing/2026-03-14/ann/a.jpg"))
    assert read_event(text, RemoteRoot("az", "photos")) == BlobEvent(event_of("")["id"], DAY)


@pytest.mark.parametrize(
    "blob",
    [
        "shop/lake/tables/bronze_images/2026-03-14.parquet",
        "shop/lake/landing/2026-03-14/ann/.DS_Store",
        "shop/lakes/landing/2026-03-14/ann/a.jpg",
        "landing/2026-03-14/ann/a.jpg",
    ],
)
def test_what_is_no_upload_changes_no_day(blob: str) -> None:
    assert read_event(json.dumps(event_of(blob)), ROOT) == BlobEvent(event_of(blob)["id"], None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no JSON", "it is no JSON object"),
        ("", "it is no JSON object"),
        ("[1, 2]", "it is no JSON object"),
        (base64.b64encode(b"\xff\xfe").decode(), "it is no JSON object"),
        ("{" * 100_000, "it is no JSON object"),
        ('{"a":' * 100_000, "it is no JSON object"),
        ("{}", "None is no event"),
        (json.dumps(event_of(UPLOAD, eventType="Microsoft.Storage.BlobTierChanged")), "BlobTierChanged' is no event"),
        (json.dumps(event_of(UPLOAD, subject=7)), "it names no blob"),
        (json.dumps(event_of(UPLOAD, id=None)), "it names no blob, or has no id"),
        (json.dumps(event_of(UPLOAD, container="other")), "it is of container 'other', not of photos"),
        (json.dumps(event_of("shop/lake/landing/stray.jpg")), "belongs to no day: move it to landing/YYYY-MM-DD/USER/"),
    ],
    ids=lambda value: value[:20],
)
def test_a_message_that_says_nothing_of_the_lake_is_told_why(text: str, reason: str) -> None:
    event = read_event(text, ROOT)
    assert isinstance(event, Unusable)
    assert reason in event.reason
