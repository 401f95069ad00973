"""CSV files that people give a command."""

import csv
from collections.abc import Sequence
from pathlib import Path

from image_assets.errors import ConfigurationError


def read_csv(path: Path) -> tuple[Sequence[str], list[tuple[int, dict[str, str]]]]:
    """Names of the columns, and the rows with the line at which each ends.

    Raises:
        ConfigurationError: it is no CSV in UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            return reader.fieldnames or (), [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path} is no CSV in UTF-8: {error}") from error
