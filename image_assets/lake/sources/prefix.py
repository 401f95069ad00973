"""A source that is a prefix in a cloud; its names are told by the cloud in the order of their bytes."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final

import obstore
from obstore.exceptions import InvalidPathError

from image_assets.errors import ConfigurationError, ObjectNotFoundError, StorageError
from image_assets.lake.remote import reading
from image_assets.lake.remote.address import RemoteRoot
from image_assets.lake.remote.client import open_client
from image_assets.lake.remote.errors import explained, told_shortly
from image_assets.lake.remote.params import StorageParams
from image_assets.lake.sources.as_named import OWN_CLIENTS, Listed, version_of
from image_assets.lake.sources.place import Found

_COPY_IT: Final = "mount or copy it, and migrate that folder"
_NOBODY_ASKS_FOR: Final = re.compile(r"(?:^|/)\.{0,2}(?:/|\Z)|[\x00-\x1f\x7f]")
_ODD_NAME: Final = (
    "its name has an empty part, a part . or .., or a control sign, so that nothing reads it: copy it under another"
)


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
        return entries_of(self._listed(after.decode()), after, str(self.root))

    def _listed(self, after: str) -> Iterator[Listed]:
        """What lies behind a name, by the cloud's own client from where that of the lake can list no more."""
        client = self._client
        # Azure begins at no name: the client would leave out marks of folders, whose slashes it drops.
        last = start = "" if self.root.scheme == "az" else after.rstrip("/")
        with explained("list", "the source", self.root):
            try:
                for each in with_slashes(chain.from_iterable(obstore.list(client, offset=start or None)), start):
                    last = each.name
                    yield each
            except (InvalidPathError, ValueError) as error:
                yield from self._listed_as_named(last, error)

    def _listed_as_named(self, after: str, error: Exception) -> Iterator[Listed]:
        own_client = OWN_CLIENTS.get(self.root.scheme)
        if own_client is None:
            raise error
        try:
            yield from own_client(self.root, self.params, after)
        except ConfigurationError as missing:
            raise ConfigurationError(f"{told_shortly(error)}: {missing}") from missing

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
        if _NOBODY_ASKS_FOR.search(path):
            return None
        try:
            with explained("look for", path, self.root):
                return version_of(obstore.head(self._client, path)["e_tag"])
        except ObjectNotFoundError:
            return None

    @property
    def _client(self) -> Any:
        return open_client(self.root, self.params)


def with_slashes(listed: Iterable[Any], start: str) -> Iterator[Listed]:
    """What the lake's client has listed behind a name, with the slashes that it drops.

    The mark of a folder has a name with a slash at its end, by which it comes later than the name without.
    """
    last = start.encode()
    for meta in listed:
        name = meta["path"]
        if name and name.encode() <= last:
            name += "/"
        last = name.encode()
        yield Listed(name, meta["size"], meta["last_modified"], version_of(meta["e_tag"]))


def entries_of(listed: Iterable[Listed], after: bytes, source: str) -> Iterator[Found]:
    """Entries behind a path, of what was listed behind it, or from the beginning.

    What has no content is never read, so that any name will do; what has some under a name by which it cannot be asked
    for is an entry that says so.

    Raises:
        StorageError: they do not come in the order of their names.
    """
    last = b""
    for name, size, modified_at, version in listed:
        path = name.encode()
        if not path:
            # The mark of the source itself, which not every client tells.
            continue
        if path <= last:
            raise StorageError(f"{source} is not listed in the order of its names: {_COPY_IT}")
        last = path
        if path > after:
            why = _ODD_NAME if size and _NOBODY_ASKS_FOR.search(name) else None
            yield Found(path, "unreadable" if why else "file", why, size, modified_at, version)
