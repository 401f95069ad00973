"""A source that is a prefix in a cloud; its names are told by the cloud in the order of their bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import obstore

from image_assets.lake.remote.address import RemoteRoot
from image_assets.lake.remote.client import open_client
from image_assets.lake.remote.errors import explained
from image_assets.lake.remote.names import key_of
from image_assets.lake.remote.params import StorageParams
from image_assets.lake.remote.remote_object_store import RemoteObjectStore
from image_assets.lake.sources.place import Found


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
        """A page at a time."""
        with explained("list", "the source", self.root):
            pages = obstore.list(open_client(self.root, self.params), offset=after.decode() or None)
        while True:
            with explained("list", "the source", self.root):
                page = next(pages, None)
            if page is None:
                return
            for meta in page:
                path, version = meta["path"].encode(), str(meta["e_tag"]).strip('"')
                yield Found(path, "file", None, meta["size"], meta["last_modified"], version)

    def signs(self) -> Sequence[str]:
        """Its address is enough."""
        return (str(self.root),)

    def check(self, signs: Sequence[str]) -> None:
        """A container that is not there tells so by itself."""

    def read(self, path: str) -> bytes:
        """See `SourcePlace`."""
        return self._objects.read(key_of(path))

    def read_start(self, path: str, most: int) -> bytes:
        """See `SourcePlace`."""
        return self._objects.read_start(key_of(path), most)

    def fetch(self, path: str, target: Path) -> None:
        """See `SourcePlace`."""
        self._objects.fetch(key_of(path), target)

    def version(self, path: str) -> str | None:
        """See `SourcePlace`."""
        return self._objects.version(key_of(path))

    @property
    def _objects(self) -> RemoteObjectStore:
        return RemoteObjectStore(self.root, self.params)
