"""What operating systems leave in folders that people look at or copy; nobody ever uploaded it."""

from typing import Final

# In lower case: Windows and macOS do not tell capitals apart.
_NAMES: Final = {
    ".ds_store",
    ".localized",
    "icon\r",
    "thumbs.db",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "desktop.ini",
    ".directory",
}
_FOLDERS: Final = {
    "__macosx",
    ".appledouble",
    ".spotlight-v100",
    ".temporaryitems",
    ".trashes",
    ".fseventsd",
    ".documentrevisions-v100",
    "$recycle.bin",
    "system volume information",
    "@eadir",
}
_APPLE_DOUBLE: Final = "._"


def is_litter(key: str) -> bool:
    """Whether a file, by its slash-separated path, is such a file or lies in such a folder."""
    *folders, name = key.lower().split("/")
    return name in _NAMES or name.startswith(_APPLE_DOUBLE) or not _FOLDERS.isdisjoint(folders)
