"""What a caller writes for an image: its id, or the beginning of it."""

import re
from typing import Annotated, Final
from uuid import UUID

from fastapi import Path
from pydantic import StringConstraints

from image_assets.ids import ImageId

_WHOLE: Final = 36
_PATTERN: Final = r"[0-9a-fA-F]{8}(-[0-9a-fA-F-]{0,27})?"
ImageName = Annotated[str, StringConstraints(min_length=8, max_length=_WHOLE, pattern=f"^{_PATTERN}$")]
"""Of a body."""
ImageInPath = Annotated[
    ImageName, Path(description="Id of an image, or its beginning: eight digits or more, 409 where several begin so.")
]
"""Of a route."""


def as_id(name: str) -> ImageId:
    """In the form in which ids are compared."""
    return ImageId(name.lower())


def is_name(text: str) -> bool:
    """Whether a text can be an id, or the beginning of one."""
    return bool(re.fullmatch(_PATTERN, text))


def is_whole(name: str) -> bool:
    """Whether it is an id, and no beginning of one."""
    try:
        return len(name) == _WHOLE and bool(UUID(name))
    except ValueError:
        return False
