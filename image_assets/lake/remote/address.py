"""Where a lake is: a local folder, or the address of a container in a cloud with a prefix in it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast

Scheme = Literal["az", "s3", "gs", "memory"]
"""Azure Blob Storage, S3 and Google Cloud Storage; the memory of one process, for tests."""

_ADDRESS: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):/+(?P<rest>.*)", re.DOTALL)
_CONTAINER: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
_NAME: Final = re.compile(r"[A-Za-z0-9=_-][A-Za-z0-9=_.-]*")
_SPELT: Final = {
    "az": "az", "abfs": "az", "abfss": "az", "adl": "az", "azure": "az", "wasb": "az", "wasbs": "az",
    "s3": "s3", "s3a": "s3", "s3n": "s3",
    "gs": "gs", "gcs": "gs",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RemoteRoot:
    """A prefix in a container, or bucket, of a cloud.

    Attributes:
        scheme: which cloud.
        container: name of the container or bucket.
        prefix: of every object of the lake; empty for the whole container.
    """

    scheme: Scheme
    container: str
    prefix: str = ""

    def __str__(self) -> str:
        """As it is written in a setting."""
        return self.uri_of(self.prefix) if self.prefix else f"{self.scheme}://{self.container}"

    def uri_of(self, name: str) -> str:
        """The address of a name in the container."""
        return f"{self.scheme}://{self.container}/{name}"


LakeRoot: TypeAlias = Path | RemoteRoot
"""Where a lake is."""


def parse_root(text: str) -> LakeRoot:
    """A folder, `~` being that of a user, or an address such as `az://container/prefix`.

    Raises:
        ValueError: nobody of that name has a folder; or it is an address, and of no cloud or no place in it; says what
            to write instead.
    """
    address = _ADDRESS.fullmatch(text)
    if address is None:
        return _expanded(Path(text))
    written, rest = address["scheme"].lower(), address["rest"]
    scheme = _SPELT.get(written)
    if scheme is None:
        raise ValueError(f"{written}:// is no place for it: write a folder, or {_wanted('az')}, s3://… or gs://…")
    container, *names = rest.rstrip("/").split("/")
    is_place = _CONTAINER.fullmatch(container) and all(map(_NAME.fullmatch, names))
    if not (text.startswith(f"{scheme}://{container}") and is_place):
        raise ValueError(f"an address there is written {_wanted(scheme)}: lower-case container, plain names, no key")
    return RemoteRoot(cast("Scheme", scheme), container, "/".join(names))


def _expanded(place: Path) -> Path:
    try:
        return place.expanduser()
    except RuntimeError as error:
        raise ValueError(f"nobody here is {place.parts[0]!r}: write a path that begins with / or ./") from error


def _wanted(scheme: str) -> str:
    return f"{scheme}://{'container' if scheme == 'az' else 'bucket'}/prefix"
