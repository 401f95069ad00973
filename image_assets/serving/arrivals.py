"""The files of one request on their way into the landing zone: all are received, then all that can be are landed."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final, Literal

import anyio
import anyio.to_thread
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from image_assets.errors import ImageError, RejectionReason, StoreFullError
from image_assets.imaging.inspect import InspectParams
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.serving.problems import MEDIA_TYPE, Kind, Problem, ProblemBody, body_of, body_of_error
from image_assets.steps.images.receipts import Receipt
from image_assets.steps.images.receiving import IncomingFile, check_room, receiving
from image_assets.steps.images.uploads import UploadFacts

MAX_NAME_LENGTH: Final = 255
_NO_NAME: Final = "upload"
_UNUSABLE: Final = Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "unusable-image")
_LONG_NAME: Final = Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "name-too-long")
_BUSY: Final = Kind(HTTPStatus.SERVICE_UNAVAILABLE, "too-many-uploads")
_THREADS, _UNDER_WAY, _LOOK_S = 8, 64, 1.0
_SHARE: Final = _UNDER_WAY // 4
"""Of one caller: whoever sends slowly keeps nobody else waiting."""


class UploadedFile(BaseModel):
    """What became of one file."""

    file: str = Field(description="Its name, as it was sent.", examples=["my dress.jpg"])
    status: Literal["accepted", "refused"] = Field(description="accepted: it is in the lake for good.")
    image_id: str | None = Field(default=None, description="The id of the image; of an accepted file.")
    status_url: str | None = Field(default=None, description="Where its state is told; of an accepted file.")
    sha256: str | None = Field(default=None, description="Digest of what was received.")
    problem: ProblemBody | None = Field(default=None, description="Why it is refused.")


class UploadLanes:
    """How many uploads a process receives at once: each takes some memory, and a thread while it writes.

    Attributes:
        threads: for what is done to files.
    """

    def __init__(self) -> None:
        self.threads = anyio.CapacityLimiter(_THREADS)
        self._under_way = Counter[str]()
        self._looked_at = float("-inf")

    async def check_room(self, store: ObjectStore) -> None:
        """See that there is room, by a look that is a second old at most.

        Raises:
            StoreFullError: there is too little.
        """
        now = time.monotonic()
        if now - self._looked_at > _LOOK_S:
            # One looks, the others go on; found too little, nobody does.
            self._looked_at = now
            try:
                await anyio.to_thread.run_sync(check_room, store, limiter=self.threads)
            except StoreFullError:
                self._looked_at = float("-inf")
                raise

    @contextmanager
    def one(self, caller: str) -> Iterator[None]:
        """A lane for one request of a caller.

        Raises:
            Problem: 503 while all are taken, or the caller has its share of them.
        """
        if self._under_way[caller] >= _SHARE:
            raise _busy(f"{_SHARE} uploads of {caller} are under way")
        if self._under_way.total() >= _UNDER_WAY:
            raise _busy(f"{_UNDER_WAY} uploads are under way")
        self._under_way[caller] += 1
        try:
            yield
        finally:
            self._under_way -= Counter((caller,))


def _busy(told: str) -> Problem:
    return Problem(_BUSY, f"{told}: try again.", {"Retry-After": "2"})


class Arrival:
    """A file of a request; once it is refused, the rest of it is let pass."""

    def __init__(self, name: str, incoming: IncomingFile) -> None:
        # A sidecar cannot tell of a name without a letter.
        self.name = name if name.strip() else _NO_NAME
        self.incoming = incoming
        self.problem: dict[str, Any] | None = None
        if len(self.name) > MAX_NAME_LENGTH:
            told = f"The name has {len(self.name)} letters; at most {MAX_NAME_LENGTH}."
            self.name, self.problem = self.name[:MAX_NAME_LENGTH], body_of(_LONG_NAME, told)

    def take(self, data: bytes) -> None:
        """Take the next piece."""
        if self.problem is None:
            with self._refusing():
                self.incoming.take(data)

    def finish(self) -> None:
        """See what the header shows of a short file, too."""
        if self.problem is None:
            with self._refusing():
                self.incoming.check_whole()

    def land(self, facts: UploadFacts) -> Receipt | None:
        """Put it into the landing zone; None for one that is refused."""
        if self.problem is None:
            with self._refusing():
                return self.incoming.land(replace(facts, raw_name=self.name))
        return None

    @property
    def identity(self) -> tuple[str, str]:
        """What tells it from another file in a request that is sent again."""
        return self.name, f"{self.incoming.sha256} {self.problem and self.problem['type']}"

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except ImageError as error:
            self.problem = body_of_error(error)


class Arrivals:
    """All files of a request, staged."""

    def __init__(self, tables: ParquetTables, limits: InspectParams, held: ExitStack) -> None:
        self._tables, self._limits, self._held = tables, limits, held
        self.files: list[Arrival] = []

    def begin(self, name: str) -> Arrival:
        """Another file."""
        arrival = Arrival(name, self._held.enter_context(receiving(self._tables, self._limits)))
        self.files.append(arrival)
        return arrival

    def finish(self) -> None:
        """See what headers show of short files."""
        for file in self.files:
            file.finish()

    @property
    def identity(self) -> Sequence[tuple[str, str]]:
        """What tells these files from others in a request that is sent again."""
        return [file.identity for file in self.files]

    def land(self, facts: Sequence[UploadFacts]) -> Sequence[Receipt | None]:
        """Land them in order, each with what was said of it."""
        return [file.land(each) for file, each in zip(self.files, facts, strict=True)]


@contextmanager
def arriving(tables: ParquetTables, limits: InspectParams) -> Iterator[Arrivals]:
    """Files to receive; nothing is left of those that do not land."""
    with ExitStack() as held:
        yield Arrivals(tables, limits, held)


def answer_of(files: Sequence[Arrival], receipts: Sequence[Receipt | None]) -> JSONResponse:
    """202 with what became of each file if any landed, else the problem of the request."""
    told = [_told(file, receipt) for file, receipt in zip(files, receipts, strict=True)]
    first = next((receipt for receipt in receipts if receipt), None)
    if first is None:
        return _refusal(told)
    return JSONResponse(told, HTTPStatus.ACCEPTED, {"Location": _status_url(first)})


def _told(file: Arrival, receipt: Receipt | None) -> dict[str, Any]:
    if receipt is None:
        return {"file": file.name, "status": "refused", "problem": file.problem}
    return {
        "file": file.name,
        "status": "accepted",
        "image_id": receipt.image_id,
        "status_url": _status_url(receipt),
        "sha256": receipt.sha256,
    }


def _refusal(told: Sequence[dict[str, Any]]) -> JSONResponse:
    """Of one file its own problem; of several, each with its own."""
    if len(told) == 1:
        return JSONResponse(told[0]["problem"], HTTPStatus.UNPROCESSABLE_ENTITY, media_type=MEDIA_TYPE)
    detail = "None of the files can become an image." if told else "There is no file in the request."
    reason = {"reason": RejectionReason.EMPTY.value} if not told else {}
    body = body_of(_UNUSABLE, detail, {**reason, "files": told})
    return JSONResponse(body, HTTPStatus.UNPROCESSABLE_ENTITY, media_type=MEDIA_TYPE)


def _status_url(receipt: Receipt) -> str:
    return f"/v1/images/{receipt.image_id}"
