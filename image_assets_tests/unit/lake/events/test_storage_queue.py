"""A real queue: messages come again until they are removed, and what is set aside stays."""

import uuid

import pytest
from azure.storage.queue import QueueClient

from image_assets.errors import ConfigurationError, ImageAssetsError, StorageError, StoreUnavailableError
from image_assets.lake.events.storage_queue import POISON, StorageQueue
from image_assets_tests.servers.clouds import ACCOUNT, KEY


@pytest.fixture
def address(azurite_queues: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    monkeypatch.delenv("AZURE_STORAGE_SAS_TOKEN", raising=False)
    return f"{azurite_queues}/uploads-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def sender(address: str) -> QueueClient:
    """Whoever sends, as Event Grid does; the queue is there."""
    client = QueueClient.from_queue_url(address, {"account_name": ACCOUNT, "account_key": KEY})
    client.create_queue()
    return client


def test_more_than_one_answer_holds_are_received_in_one_call(address: str, sender: QueueClient) -> None:
    for number in range(40):
        sender.send_message(f"message {number}")
    texts = {message.text for message in StorageQueue(address).receive(100)}
    assert texts == {f"message {number}" for number in range(40)}


def test_no_more_are_received_than_are_asked_for(address: str, sender: QueueClient) -> None:
    for number in range(40):
        sender.send_message(f"message {number}")
    assert len(StorageQueue(address).receive(33)) == 33


def test_what_was_received_is_counted_until_it_is_removed(address: str, sender: QueueClient) -> None:
    queue = StorageQueue(address)
    sender.send_message("hello")
    (message,) = queue.receive(10)
    assert (queue.receive(10), queue.count()) == ([], 1)
    queue.remove([(message.message_id, message.receipt)])
    assert queue.count() == 0


def test_removing_twice_is_removing_once(address: str, sender: QueueClient) -> None:
    queue = StorageQueue(address)
    sender.send_message("hello")
    (message,) = queue.receive(10)
    for _ in range(2):
        queue.remove([(message.message_id, message.receipt)])
    assert queue.count() == 0


def test_a_message_that_has_come_again_is_not_removed_by_its_former_receipt(address: str, sender: QueueClient) -> None:
    queue = StorageQueue(address)
    sender.send_message("hello")
    (message,) = queue.receive(10)
    sender.update_message(message.message_id, message.receipt, visibility_timeout=0)
    (again,) = queue.receive(10)
    queue.remove([(message.message_id, message.receipt)])
    assert (again.times, queue.count()) == (2, 1)


def test_what_is_set_aside_is_listed_with_its_reason_and_comes_no_more(address: str, sender: QueueClient) -> None:
    queue = StorageQueue(address)
    sender.send_message("what <is> & this")
    (message,) = queue.receive(10)
    queue.set_aside(message, "nobody knows")
    number, (aside,) = queue.list_aside()
    assert (number, aside.reason, aside.text) == (1, "nobody knows", "what <is> & this")
    assert queue.count() == 0


def test_a_queue_from_which_nothing_was_set_aside_lists_nothing(address: str, sender: QueueClient) -> None:
    assert StorageQueue(address).list_aside() == (0, [])


def test_the_longest_message_can_be_set_aside(address: str, sender: QueueClient) -> None:
    queue = StorageQueue(address)
    sender.send_message("\N{DRESS}" * 16_000)
    (message,) = queue.receive(10)
    queue.set_aside(message, "long")
    assert queue.list_aside()[0] == 1


def test_a_missing_queue_is_told_by_its_address(address: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"there is no queue {address}: make it"):
        StorageQueue(address).receive(1)


def test_a_wrong_key_is_told_without_it(address: str, sender: QueueClient, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = KEY[:-6] + "abcd=="
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", wrong)
    with pytest.raises(StorageError, match="refuses who asks: set AZURE_STORAGE_ACCOUNT_KEY") as told:
        StorageQueue(address).receive(1)
    assert wrong not in str(told.value)


def test_a_key_that_is_none_is_told(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a")
    with pytest.raises(ImageAssetsError, match="AZURE_STORAGE_ACCOUNT_KEY"):
        StorageQueue(address).receive(1)


def test_a_queue_that_does_not_answer_is_worth_another_try(address: str) -> None:
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        StorageQueue(f"http://127.0.0.1:9/{ACCOUNT}/uploads").receive(1)


def test_what_is_set_aside_lies_beside_the_queue(address: str, sender: QueueClient) -> None:
    queue = StorageQueue(address)
    sender.send_message("hello")
    queue.set_aside(queue.receive(1)[0], "why not")
    beside = QueueClient.from_queue_url(address + POISON, {"account_name": ACCOUNT, "account_key": KEY})
    assert beside.get_queue_properties().approximate_message_count == 1
