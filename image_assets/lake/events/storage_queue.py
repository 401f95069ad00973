"""An Azure Storage Queue: messages are received, removed once what follows from them is kept, or set aside.

A message that was received is hidden for some minutes and comes again unless it is removed: it is handled once or more.
What is set aside lies in a second queue beside it, for good.
"""

import json
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from image_assets.errors import ConfigurationError, StorageError, StoreUnavailableError

try:
    from azure.core.exceptions import (
        AzureError,
        ClientAuthenticationError,
        HttpResponseError,
        ResourceNotFoundError,
        ServiceRequestError,
        ServiceResponseError,
    )
    from azure.storage.queue import (
        ExponentialRetry,
        QueueClient,
        QueueMessage,
        TextBase64DecodePolicy,
        TextBase64EncodePolicy,
    )
except ModuleNotFoundError as error:
    raise ConfigurationError(
        'IMAGE_ASSETS_EVENTS_QUEUE needs the extra: pip install "image-assets[azure]", or unset it'
    ) from error

POISON: Final = "-poison"
"""How the queue of what is set aside is called, behind the name of the other."""

LISTED: Final = 32
"""The most messages that can be looked at without receiving them."""

_HIDDEN_S: Final = 600
_FOR_GOOD: Final = -1
_AT_ONCE: Final = 16
# Each may take twelve bytes of JSON, and sixteen of what is sent; a message has 64 KiB.
_KEPT_SIGNS: Final = 3_000
_GONE: Final = {"MessageNotFound", "PopReceiptMismatch"}
_LOGIN: Final = "AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN, or log in as azure-identity knows it"
# It tells every request at INFO.
logging.getLogger("azure.core.pipeline.policies.http_logging_policy").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Received:
    """A message that is hidden from others for some minutes.

    Attributes:
        message_id: its id.
        receipt: with which it can be removed until it comes again.
        text: as it lies in the queue.
        times: how often it was received, this time included.
    """

    message_id: str
    receipt: str
    text: str
    times: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """A message that nothing follows from.

    Attributes:
        at: when that was found.
        reason: why.
        text: of the message.
    """

    at: str
    reason: str
    text: str


class StorageQueue:
    """A queue, and the one of what was set aside; nobody is asked before the first call."""

    def __init__(self, address: str) -> None:
        """Take the address of the queue, such as `https://ACCOUNT.queue.core.windows.net/uploads`."""
        self.address = address

    def receive(self, most: int) -> Sequence[Received]:
        """The next messages, as many as there are."""
        with _explained(self.address):
            found = self._queue.receive_messages(
                messages_per_page=min(LISTED, most), visibility_timeout=_HIDDEN_S, max_messages=most
            )
            return [_received(message) for message in found]

    def remove(self, receipts: Iterable[tuple[str, str]]) -> None:
        """Remove messages by id and receipt; one that comes again, or is gone, stays as it is."""
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(self._remove, receipts))

    def set_aside(self, message: Received, reason: str) -> None:
        """Move a message to the other queue, which is made when there is none."""
        kept = SetAside(datetime.now(UTC).isoformat(timespec="seconds"), reason, message.text[:_KEPT_SIGNS])
        with _explained(self._poison_address):
            try:
                self._poison.send_message(json.dumps(asdict(kept)), time_to_live=_FOR_GOOD)
            except ResourceNotFoundError:
                self._poison.create_queue()
                self._poison.send_message(json.dumps(asdict(kept)), time_to_live=_FOR_GOOD)
        self._remove((message.message_id, message.receipt))

    def count(self) -> int:
        """About how many messages are there, those that are hidden included."""
        with _explained(self.address):
            return _count(self._queue)

    def list_aside(self) -> tuple[int, Sequence[SetAside]]:
        """How many were set aside, and the first of them."""
        with _explained(self._poison_address):
            try:
                found = self._poison.peek_messages(LISTED)
                return _count(self._poison), [SetAside(**json.loads(message.content)) for message in found]
            except ResourceNotFoundError:
                return 0, []

    def _remove(self, receipt: tuple[str, str]) -> None:
        with _explained(self.address):
            try:
                self._queue.delete_message(*receipt)
            except HttpResponseError as error:
                if error.error_code not in _GONE:  # type: ignore[attr-defined] # of storage alone
                    raise

    @cached_property
    def _queue(self) -> QueueClient:
        return _client(self.address)

    @cached_property
    def _poison(self) -> QueueClient:
        coded = {"message_encode_policy": TextBase64EncodePolicy(), "message_decode_policy": TextBase64DecodePolicy()}
        return _client(self._poison_address, **coded)

    @property
    def _poison_address(self) -> str:
        return self.address + POISON


def _client(address: str, **options: Any) -> QueueClient:
    # Whoever asks looks again soon, and must not sit longer than Dagster waits for a look.
    retries = ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=1, random_jitter_range=1)
    return QueueClient.from_queue_url(
        address, _credential(address), retry_policy=retries, connection_timeout=5, read_timeout=20, **options
    )


def _credential(address: str) -> Any:
    """Whoever asks the lake's own container: the variables that name a key or a token, else the machine's identity."""
    if key := os.environ.get("AZURE_STORAGE_ACCOUNT_KEY"):
        return {"account_name": _account_of(address), "account_key": key}
    if token := os.environ.get("AZURE_STORAGE_SAS_TOKEN"):
        return token.removeprefix("?")
    try:
        from azure.identity import DefaultAzureCredential
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{address}: nothing says who asks; set {_LOGIN}") from error
    return DefaultAzureCredential()


def _account_of(address: str) -> str:
    """The account whose key it is; by its own variable where the address is not of the cloud."""
    return os.environ.get("AZURE_STORAGE_ACCOUNT_NAME") or address.partition("://")[2].partition(".")[0]


def _count(queue: QueueClient) -> int:
    return int(queue.get_queue_properties().approximate_message_count or 0)


def _received(message: QueueMessage) -> Received:
    return Received(str(message.id), str(message.pop_receipt), str(message.content), int(message.dequeue_count or 0))


@contextmanager
def _explained(address: str) -> Iterator[None]:
    """The client's errors in the words of the family; none of them tells more than its first line."""
    try:
        yield
    except ResourceNotFoundError as error:
        raise ConfigurationError(f"there is no queue {address}: make it, or set IMAGE_ASSETS_EVENTS_QUEUE") from error
    except (ServiceRequestError, ServiceResponseError) as error:
        raise StoreUnavailableError(f"{address} does not answer ({_first_line(error)}); the next look heals") from error
    except ClientAuthenticationError as error:
        raise StorageError(f"{address} refuses who asks: set {_LOGIN} ({_first_line(error)})") from error
    except HttpResponseError as error:
        if (error.status_code or 0) >= 500:
            raise StoreUnavailableError(f"{address} is busy ({_first_line(error)}); the next look heals") from error
        told = f"{address} refuses that: allow to read, process, add and create messages ({_first_line(error)})"
        raise StorageError(told) from error
    except (AzureError, ValueError) as error:
        raise ConfigurationError(f"{address}: {_first_line(error)}; set {_LOGIN}") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
