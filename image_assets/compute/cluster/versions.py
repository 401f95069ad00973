"""What has to be the same on all machines, because rows would otherwise depend on where they were made."""

import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final, TypeAlias

from image_assets.errors import ConfigurationError

Versions: TypeAlias = Mapping[str, str]
"""By name of the distribution; those that are not installed are missing."""

_DECIDING: Final = (
    "image-assets",
    "imagehash",
    "numpy",
    "onnxruntime",
    "pillow",
    "pillow-heif",
    "pyvips",
    "pyvips-binary",
    "rapidocr",
    "simplejpeg",
    "torch",
    "transformers",
)
"""This package, and what decodes, measures, encodes and reads pictures."""


@cache
def installed_versions() -> Versions:
    """Of this machine."""
    found = {"python": ".".join(map(str, sys.version_info[:2]))}
    for name in _DECIDING:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def refuse_others(there: Versions, address: str) -> None:
    """`ConfigurationError` when a node has other versions than this machine."""
    here = installed_versions()
    names = sorted(name for name in {*here, *there} if here.get(name) != there.get(name))
    if names:
        told = "; ".join(f"{name} {there.get(name, 'missing')}, here {here.get(name, 'missing')}" for name in names)
        raise ConfigurationError(
            f"the node {address} has other versions: {told}. Install the same image-assets with the same "
            "constraints.txt on all nodes"
        )
