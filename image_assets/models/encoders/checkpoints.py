"""Finding the files of a checkpoint: shipped, in a local folder, or on the Hugging Face hub."""

import hashlib
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from huggingface_hub import HfApi, ModelCard, snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
)

from image_assets.errors import ModelError
from image_assets.models.encoders.encoder import encoder_key
from image_assets.models.encoders.learned_photos import LEARNED_FROM_FILE

BUILTIN: Final = "builtin"
BUILTIN_SMALL: Final = "builtin-small"
_SMALL_SIZE_PX: Final = 120
BUILTIN_FOLDER: Final = Path(__file__).parents[1] / BUILTIN
"""The checkpoint that this project trained and ships; the small one is the same and sees less: twice as fast."""

_OURS: Final = "trained by image_assets"

ADVICE: Final = (
    "IMAGE_ASSETS_ENCODER takes a hub name, a local folder, or 'builtin', which is shipped and works offline "
    "('builtin-small': faster)."
)

_HTTP_ERROR: Final[type[BaseException]] = HfHubHTTPError.__bases__[0]
"""Root of the errors of the hub client's HTTP library, which differs between its versions."""

_HUB_TIMEOUT_S: Final = 5.0
_WEIGHT_FILES: Final = ("model*.safetensors", "pytorch_model*.bin")
"""What transformers looks for, best first; other libraries keep copies of the weights beside them."""

_SMALL_FILES: Final = ("*.json", "*.txt", "*.model", "README.md", LEARNED_FROM_FILE)
_HASHES_KEPT: Final = 256
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Files on this machine and where they come from.

    Attributes:
        folder: holds config, weights, tokenizer and processor.
        name: safe as one part of an object key.
        revision: hub commit, or the first 16 hexadecimal digits of a hash over the files.
        licence: from the model card; "unknown" without one.
        source: hub address or folder.
        input_size_px: side that images are brought to in place of what the files say; None: as they say.
    """

    folder: Path
    name: str
    revision: str
    licence: str
    source: str
    input_size_px: int | None = None


def locate_checkpoint(name: str, revision: str | None) -> Checkpoint:
    """Finds a checkpoint; a hub name that is not cached is downloaded if the hub answers within seconds.

    Raises:
        ModelError: nothing there, the hub cannot be reached, or it has no such model or revision.
    """
    if name == BUILTIN:
        return _local_checkpoint(BUILTIN_FOLDER, BUILTIN, _OURS)
    if name == BUILTIN_SMALL:
        return replace(_local_checkpoint(BUILTIN_FOLDER, BUILTIN_SMALL, _OURS), input_size_px=_SMALL_SIZE_PX)
    if Path(name).is_dir():
        folder = Path(name).resolve()
        return _local_checkpoint(folder, folder.name, str(folder))
    folder = _hub_folder(name, revision)
    commit = folder.name if _COMMIT.fullmatch(folder.name) else _hash_files(folder)
    return Checkpoint(folder, encoder_key(name), commit, _licence_of(folder), f"https://huggingface.co/{name}")


def is_here(name: str) -> bool:
    """Whether the weights of this name can be loaded without the network."""
    if name in (BUILTIN, BUILTIN_SMALL) or Path(name).is_dir():
        return True
    try:
        return bool(weight_files(Path(snapshot_download(name, local_files_only=True))))
    except LocalEntryNotFoundError:
        return False


def _local_checkpoint(folder: Path, name: str, source: str) -> Checkpoint:
    if not (folder / "config.json").is_file() or not weight_files(folder):
        raise ModelError(f"{folder} holds no checkpoint: config.json or the weights are missing. {ADVICE}")
    return Checkpoint(folder, encoder_key(name), _hash_files(folder), _licence_of(folder), source)


def _hub_folder(name: str, revision: str | None) -> Path:
    try:
        folder = Path(snapshot_download(name, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return _download(name, revision)
    except HFValidationError as problem:
        raise ModelError(f"{name!r} is neither a folder nor a hub name. {ADVICE}") from problem
    return folder if weight_files(folder) else _download(name, revision)


def _download(name: str, revision: str | None) -> Path:
    try:
        info = HfApi().model_info(name, revision=revision, timeout=_HUB_TIMEOUT_S)
        names = {file.rfilename for file in info.siblings or ()}
        weights = _WEIGHT_FILES[0] if any(Path(each).match(_WEIGHT_FILES[0]) for each in names) else _WEIGHT_FILES[1]
        return Path(
            snapshot_download(name, revision=info.sha, allow_patterns=[*_SMALL_FILES, weights], ignore_patterns=["*/*"])
        )
    except OfflineModeIsEnabled as problem:
        raise ModelError(f"model {name!r} is not in the local cache and offline mode is on. {ADVICE}") from problem
    except HfHubHTTPError as problem:
        raise ModelError(
            f"the hub has no model {name!r} at revision {revision or 'main'}: {problem}. {ADVICE}"
        ) from problem
    except (_HTTP_ERROR, OSError) as problem:
        raise ModelError(
            f"model {name!r} is not in the local cache and the hub cannot be reached: {problem}. {ADVICE}"
        ) from problem


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights, those that transformers prefers first."""
    return [path for pattern in _WEIGHT_FILES for path in sorted(folder.glob(pattern))]


def _hash_files(folder: Path) -> str:
    """Hash over names and contents of everything that decides an embedding."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.json"), *folder.glob("*.txt"), *folder.glob("*.model"), *weight_files(folder)]):
        digest.update(path.name.encode())
        now = path.stat()
        digest.update(_hash_file(path, now.st_size, now.st_mtime_ns))
    return digest.hexdigest()[:16]


@lru_cache(maxsize=_HASHES_KEPT)
def _hash_file(path: Path, _size_bytes: int, _modified_ns: int) -> bytes:
    """Read once per process while the file stays as it is: a sensor asks every minute, and weights are big."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").digest()


def _licence_of(folder: Path) -> str:
    card = folder / "README.md"
    if not card.is_file():
        return "unknown"
    facts = ModelCard(card.read_text(encoding="utf-8"), ignore_metadata_errors=True).data
    return str(getattr(facts, "license", None) or "unknown")
