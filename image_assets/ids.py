"""Names for the strings that must not be mixed up, and the identity of an image."""

import uuid
from typing import NewType

ImageId = NewType("ImageId", str)
"""UUIDv5 in its 36-character form; see `image_id_of`."""

SourceUri = NewType("SourceUri", str)
"""Where a file was found, relative to its root, percent-encoded (RFC 3986)."""

ObjectKey = NewType("ObjectKey", str)
"""Slash-separated name of an object in the lake, relative to its root."""

Sha256 = NewType("Sha256", str)
"""64 lower-case hexadecimal digits."""

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "image_assets")


def image_id_of(source_uri: SourceUri, sha256: Sha256) -> ImageId:
    """The same file, seen again on any machine and after any crash, is the same image (RFC 9562, UUIDv5)."""
    return ImageId(str(uuid.uuid5(_NAMESPACE, f"{source_uri}\n{sha256}")))
