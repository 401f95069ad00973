"""Where Dagster keeps its memory; found without importing Dagster, so that a wrong folder is told at once."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from image_assets.errors import ConfigurationError

CONFIG_FILE = "dagster.yaml"


@dataclass(frozen=True, slots=True)
class DagsterHome:
    """A `dagster.yaml` and what it says.

    Attributes:
        config: its path; in DAGSTER_HOME it need not be there.
        settings: its content.
        is_named: whether DAGSTER_HOME names it.
    """

    config: Path
    settings: Mapping[str, object]
    is_named: bool

    @property
    def sqlite_folder(self) -> Path | None:
        """Where Dagster's SQLite files are, or will be; None when it keeps its memory elsewhere."""
        if not self.settings.get("storage"):
            return self.config.parent if self.is_named else None
        match self.settings["storage"]:
            case {"sqlite": {"base_dir": str(folder)}}:
                return Path(folder).absolute()
            case {"sqlite": {"base_dir": {"env": str(name)}}} if os.environ.get(name):
                return Path(os.environ[name]).absolute()
        return None

    @property
    def has_memory(self) -> bool:
        """Whether there may be anything to remember: where Dagster's files were never made there is not."""
        folder = self.sqlite_folder
        return folder is None or any(file.is_file() for file in sqlite_files(folder))


def sqlite_files(folder: Path) -> list[Path]:
    """Dagster's files that each opening reads, whether they are there or not."""
    return [folder / each for each in ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")]


def has_dagster_home() -> bool:
    """Whether there is one to be opened; that may still fail."""
    return bool(os.environ.get("DAGSTER_HOME")) or Path(CONFIG_FILE).exists()


def find_dagster_home() -> DagsterHome:
    """That of DAGSTER_HOME, else of the current folder.

    Raises:
        ConfigurationError: there is neither, or its file cannot be read.
    """
    named = os.environ.get("DAGSTER_HOME")
    if not named:
        config = Path.cwd() / CONFIG_FILE
        if not config.is_file():
            raise ConfigurationError(f"no {CONFIG_FILE} in {Path.cwd()}: run from the repository or set DAGSTER_HOME")
        return DagsterHome(config, _read(config), is_named=False)
    folder = Path(named)
    with suppress(RuntimeError):  # nobody of that name: it stays relative
        folder = folder.expanduser()
    if not folder.is_absolute() or not folder.is_dir():
        raise ConfigurationError(f"DAGSTER_HOME={named} cannot be used: it is to be the absolute path of a folder")
    config = folder / CONFIG_FILE
    return DagsterHome(config, _read(config) if config.exists() else {}, is_named=True)


def _read(config: Path) -> Mapping[str, object]:
    try:
        settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"{config} cannot be read: {reason}; take the repository's again") from error
    if not isinstance(settings, dict | None):
        raise ConfigurationError(f"{config} holds no settings: take the repository's again")
    return settings or {}
