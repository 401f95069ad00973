"""Answers to requests that may be sent again: whoever repeats an `Idempotency-Key` is told what he was told first.

An answer is kept in the lake, so that it outlives the service and holds for all of its processes; for a day at least.
What may end otherwise next time is not kept: a failure of the service, a refusal for too many requests.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Header, Response

from image_assets.errors import StorageError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.records import read_record
from image_assets.serving.problems import Kind, Problem

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="Chosen by the caller: the same request under the same key is done once and answered alike.",
    ),
]
"""The type of a route's parameter that is the header `Idempotency-Key`."""
_UNDER_WAY: Final = Kind(HTTPStatus.CONFLICT, "still-under-way")
_ANOTHER: Final = Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency-key-reused")
_LASTING: Final = (HTTPStatus.TOO_MANY_REQUESTS,)
_DAY: Final = timedelta(days=1)
_REMEDY: Final = "delete it: the request is then done anew"


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer: to what, and how it went."""

    fingerprint: str
    status: int
    body: str
    media_type: str
    location: str | None


class Memory:
    """What is remembered of one key of one caller; without a key, nothing."""

    def __init__(self, store: ObjectStore, place: ObjectKey | None, kept: _Kept | None) -> None:
        self._store, self._place, self._kept = store, place, kept

    def replay(self, fingerprint: str) -> Response | None:
        """The first answer to the same request; None if there was none.

        Raises:
            Problem: 422 when the key was used for another request.
        """
        kept = self._kept
        if kept is None:
            return None
        if kept.fingerprint != fingerprint:
            raise Problem(_ANOTHER, "This Idempotency-Key was used for another request: choose a new one for this.")
        headers = {"Idempotent-Replayed": "true"} | ({"Location": kept.location} if kept.location else {})
        return Response(kept.body, kept.status, headers, kept.media_type)

    def keep(self, fingerprint: str, response: Response) -> None:
        """Remember the answer, durably, unless another try may end otherwise."""
        is_final = response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR and response.status_code not in _LASTING
        if self._place is None or not is_final:
            return
        kept = _Kept(
            fingerprint,
            response.status_code,
            bytes(response.body).decode(),
            response.headers["content-type"],
            response.headers.get("location"),
        )
        with self._store.staging() as staged:
            staged.write(json.dumps(asdict(kept)).encode())
            staged.land(self._place)

    def forget(self) -> None:
        """Remember nothing of it: what it tells of is gone."""
        if self._place is not None:
            self._store.delete(self._place)


class Answers:
    """The answers that a lake remembers."""

    def __init__(self, store: ObjectStore, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store, self._clock = store, clock
        self._swept_on: date | None = None

    @contextmanager
    def remembering(self, caller: str, key: str | None) -> Iterator[Memory]:
        """What is remembered under a key of a caller, by name, who has it for himself until the block ends.

        Raises:
            Problem: 409 while a request under the same key is being answered.
        """
        if key is None:
            yield Memory(self._store, None, None)
            return
        today = self._clock().date()
        self._sweep(today)
        digest = hashlib.sha256(f"{caller}\n{key}".encode()).hexdigest()
        with self._store.claiming(f"answer/{digest}") as is_mine:
            if not is_mine:
                raise Problem(_UNDER_WAY, "A request under this Idempotency-Key is under way.", {"Retry-After": "1"})
            kept = self._read(object_keys.answer_key(day, digest) for day in (today, today - _DAY))
            yield Memory(self._store, object_keys.answer_key(today, digest), kept)

    def knows(self, caller: str, key: str | None) -> bool:
        """Whether a request under this key of a caller was answered, so that its repetition keeps nothing new."""
        digest, today = hashlib.sha256(f"{caller}\n{key}".encode()).hexdigest(), self._clock().date()
        places = (object_keys.answer_key(day, digest) for day in (today, today - _DAY))
        return key is not None and any(map(self._store.exists, places))

    def _read(self, places: Iterator[ObjectKey]) -> _Kept | None:
        place = next(filter(self._store.exists, places), None)
        return None if place is None else read_record(self._store, place, _Kept, StorageError, _REMEDY)

    def _sweep(self, today: date) -> None:
        """Once a day, forget what is older than yesterday."""
        if self._swept_on == today:
            return
        self._swept_on = today
        oldest = f"{object_keys.ANSWERS}/{today - _DAY:%Y-%m-%d}"
        for info in self._store.list(object_keys.ANSWERS):
            if info.key < oldest:
                self._store.delete(info.key)


def fingerprint_of(*parts: str | Sequence[object] | None) -> str:
    """Of a request: its method, its path, and what its body says."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()
