"""`image-assets events`: what waits, and what was set aside."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from azure.storage.queue import QueueClient
from click.testing import Result

from image_assets.errors import ConfigurationError
from image_assets.lake.events.storage_queue import StorageQueue
from image_assets_tests.servers.clouds import ACCOUNT, KEY

Invoke = Callable[..., Result]


@pytest.fixture
def queue(azurite_queues: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> StorageQueue:
    """Two messages, of which one was set aside."""
    address = f"{azurite_queues}/uploads-{uuid.uuid4().hex[:8]}"
    for name, value in {
        "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
        "AZURE_STORAGE_ACCOUNT_KEY": KEY,
        "IMAGE_ASSETS_ROOT": "az://lake/shop",
        "IMAGE_ASSETS_EVENTS_QUEUE": address,
    }.items():
        monkeypatch.setenv(name, value)
    client = QueueClient.from_queue_url(address, {"account_name": ACCOUNT, "account_key": KEY})
    client.create_queue()
    client.send_message("no event")
    queue = StorageQueue(address)
    queue.set_aside(queue.receive(1)[0], "it is no JSON")
    client.send_message("another")
    return queue


def test_what_was_set_aside_is_listed_with_its_reason(queue: StorageQueue, invoke: Invoke) -> None:
    told = invoke("events")
    assert (told.exit_code, "1 messages wait" in told.output, "it is no JSON" in told.output) == (0, True, True)


def test_programs_are_told_whole_messages(queue: StorageQueue, invoke: Invoke) -> None:
    (line,) = [line for line in invoke("events", "--json").stdout.splitlines() if line.startswith("{")]
    assert (json.loads(line)["reason"], json.loads(line)["message"]) == ("it is no JSON", "no event")


def test_without_a_queue_the_setting_is_named(home: Path, invoke: Invoke) -> None:
    error = invoke("events").exception
    assert isinstance(error, ConfigurationError)
    assert "set IMAGE_ASSETS_EVENTS_QUEUE" in str(error)
