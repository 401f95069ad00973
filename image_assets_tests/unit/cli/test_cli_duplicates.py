"""Photos that came more than once, and what a person says of them, on the command line."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
from click.testing import Result

from image_assets.errors import ConfigurationError
from image_assets.lake import object_keys

Invoke = Callable[..., Result]


def ids_in(home: Path) -> list[str]:
    return pl.read_parquet(home / "lake/tables/duplicate_images/*.parquet").get_column("image_id").to_list()


def test_nothing_is_listed_while_every_photo_came_once(full_home: Path, invoke: Invoke) -> None:
    result = invoke("duplicates")
    assert result.exit_code == 0
    assert "0 photos came 0 times" in result.output


def test_a_decision_is_kept_and_says_from_when_on_it_counts(damaged_home: Path, invoke: Invoke) -> None:
    one, other, _ = ids_in(damaged_home)
    result = invoke("duplicates", "same", one, other)
    assert "image-assets run --from" in result.output
    assert len(list((damaged_home / "lake" / object_keys.PAIR_REVIEWS).iterdir())) == 1


def test_a_decision_about_an_unknown_image_is_refused(full_home: Path, invoke: Invoke) -> None:
    result = invoke("duplicates", "different", ids_in(full_home)[0], "nonsense")
    assert isinstance(result.exception, ConfigurationError)
