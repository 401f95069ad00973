"""A source that is a prefix in a cloud; its names are told by the cloud in the order of their bytes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import obstore

from image_assets.errors import ObjectNotFoundError, StorageError
from image_assets.lake.remote import reading
from image_assets.lake.remote.address import RemoteRoot
from image_assets.lake.remote.client import open_client
from image_assets.lake.remote.errors import explained
from image_assets.lake.remote.params import StorageParams
from image_assets.lake.sources.place import Found

_SLASH: Final = b"/"
_COPY_IT: Final = "mount or copy it, and migrate that folder"


@dataclass(frozen=True, slots=True)
class SourcePrefix:
    """See `SourcePlace`; a version is the ETag."""

    root: RemoteRoot
    params: StorageParams = field(default_factory=StorageParams)

    @property
    def is_far(self) -> bool:
        """Yes."""
        return True

    def entries(self, after: bytes = b"") -> Iterator[Found]:
        """A page at a time; what is not listed in order is told of, as a scan that is cut off would leave files out."""
        return entries_of(self._listed(after.rstrip(_SLASH)), after, str(self.root))

    def _listed(self, after: bytes) -> Iterator[Any]:
        with explained("list", "the source", self.root):
            pages = obstore.list(self._client, offset=after.decode() or None)
        while True:
            with explained("list", "the source", self.root):
                page = next(pages, None)
            if page is None:
                return
            yield from page

    def signs(self) -> Sequence[str]:
        """Its address is enough."""
        return (str(self.root),)

    def check(self, signs: Sequence[str]) -> None:
        """A container that is not there tells so by itself."""

    def read(self, path: str) -> bytes:
        """See `SourcePlace`; by the name that it has there, which other programs have given."""
        with explained("read", path, self.root):
            return reading.whole(self._client, path)

    def read_start(self, path: str, most: int) -> bytes:
        """See `SourcePlace`."""
        with explained("read", path, self.root):
            return reading.start(self._client, path, most)

    def fetch(self, path: str, target: Path) -> None:
        """See `SourcePlace`."""
        with explained("read", path, self.root):
            reading.into(self._client, path, target)

    def version(self, path: str) -> str | None:
        """See `SourcePlace`."""
        try:
            with explained("look for", path, self.root):
                return _version_of(obstore.head(self._client, path))
        except ObjectNotFoundError:
            return None

    @property
    def _client(self) -> Any:
        return open_client(self.root, self.params)


def entries_of(listed: Iterable[Any], after: bytes, source: str) -> Iterator[Found]:
    """Entries behind a path, of what a client has listed behind it without its slash, or from the beginning.

    The mark of a folder has a name with a slash at its end, which puts it in its order, and which the client drops.

    Raises:
        StorageError: they do not come in the order of their names.
    """
    last, start = b"", after.rstrip(_SLASH)
    for meta in listed:
        path = meta["path"].encode()
        if path == start:
            continue
        if path <= last or (path < start and not meta["size"]):
            path += _SLASH
        if path <= last:
            raise StorageError(f"{source} is not listed in the order of its names: {_COPY_IT}")
        last = path
        if path > after:
            yield Found(path, "file", None, meta["size"], meta["last_modified"], _version_of(meta))


def _version_of(meta: Any) -> str:
    return str(meta["e_tag"]).strip('"')
