"""Records: small facts, each a JSON object of its own in the shape of a dataclass."""

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from operator import methodcaller
from typing import Any, TypeVar, cast

from pydantic import AfterValidator, TypeAdapter, ValidationError

from image_assets.errors import ImageAssetsError
from image_assets.ids import ObjectKey
from image_assets.lake.object_store import ANY_VERSION, ObjectStore

_T = TypeVar("_T")


def read_record(store: ObjectStore, key: ObjectKey, shape: type[_T], error: type[ImageAssetsError], remedy: str) -> _T:
    """One record; fields that its shape does not have are passed over.

    Raises:
        error: it is damaged; the message ends with the remedy.
    """
    data = store.read(key)
    try:
        record: _T = _adapter_of(cast("Any", shape)).validate_json(data)
    except ValidationError as damage:
        found = damage.errors()[0]
        problem = ": ".join([*map(str, found["loc"]), found["msg"]])
        raise error(f"{store.uri(key)} is damaged: {problem}; {remedy}") from damage
    return record


def write_record(store: ObjectStore, key: ObjectKey, record: Any, *, over: str | None = ANY_VERSION) -> None:
    """Keep a dataclass as a record; what is no valid text in it is replaced.

    One over a known version is durable: others go by it at once, and there is no former one to go back to.
    """
    if over == ANY_VERSION or store.is_far:
        store.write(key, _as_bytes(record), over=over)
    else:
        write_durable_record(store, key, record, over=over)


def write_durable_record(store: ObjectStore, key: ObjectKey, record: Any, *, over: str | None = ANY_VERSION) -> None:
    """Keep a dataclass as a record that survives a power cut; for few at a time: each waits for the disk."""
    with store.staging() as staged:
        staged.write(_as_bytes(record))
        staged.land(key, over=over)


def parsed_by(parse: Callable[[str], object]) -> AfterValidator:
    """For `Annotated`: a text that can be parsed and is kept as it is."""

    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


def _as_bytes(record: Any) -> bytes:
    return json.dumps(asdict(record), ensure_ascii=False, default=methodcaller("isoformat")).encode("utf-8", "replace")


@cache
def _adapter_of(shape: Any) -> TypeAdapter[Any]:
    """Made once for each shape, because that takes longer than to read a record."""
    return TypeAdapter(shape)
