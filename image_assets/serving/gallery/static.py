"""Files that pages are made with: read once, named by what they hold, and kept by browsers for good."""

import hashlib
import mimetypes
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response

from image_assets.serving.callers import PUBLIC
from image_assets.serving.problems import Kind, Problem

router = APIRouter(include_in_schema=False)
_FOLDER: Final = Path(__file__).parent / "static"
_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_UNKNOWN: Final = Kind(HTTPStatus.NOT_FOUND, "unknown-file")


@router.get("/static/{version}/{name}", dependencies=[PUBLIC])
async def get_static(version: str, name: str) -> Response:
    """A style, script or picture of the pages; scripts find each other beside themselves, in the same version."""
    files = _files()
    if name not in files:
        raise Problem(_UNKNOWN, "Pages are not made with such a file: load the page again.")
    kept = {"Cache-Control": _FOR_GOOD} if version == _version() else {}
    return Response(files[name], headers=kept, media_type=mimetypes.guess_type(name)[0])


def static_path(name: str) -> str:
    """Where a file is found; KeyError for one that does not exist."""
    if name not in _files():
        raise KeyError(name)
    return f"/static/{_version()}/{name}"


@cache
def _files() -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(_FOLDER.iterdir()) if file.is_file()}


@cache
def _version() -> str:
    digest = hashlib.sha256()
    for name, content in _files().items():
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]
