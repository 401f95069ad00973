"""A file of the lake as an answer, of which ranges are served."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from image_assets.ids import ObjectKey
from image_assets.lake.object_store import ObjectStore

_ANY_BYTES = "application/octet-stream"


def answer_with_file(
    store: ObjectStore, key: ObjectKey, file_name: str, headers: Mapping[str, str] | None = None
) -> FileResponse:
    """The object, to be saved under a name: read where it lies, or from a copy where that is in a cloud.

    Raises:
        ObjectNotFoundError: it is in a cloud, and gone.
    """
    place = store.uri(key)
    if "://" not in place:
        return FileResponse(place, 200, headers, _ANY_BYTES, filename=file_name)
    with tempfile.NamedTemporaryFile(prefix="image-assets-", delete=False) as file:
        copy = Path(file.name)
    try:
        store.fetch(key, copy)
    except BaseException:
        copy.unlink()
        raise
    return _Copy(copy, 200, headers, _ANY_BYTES, filename=file_name)


class _Copy(FileResponse):
    """A file that lasts as long as its answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            Path(self.path).unlink(missing_ok=True)
