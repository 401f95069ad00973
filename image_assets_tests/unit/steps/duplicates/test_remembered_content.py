"""What the lake remembers of the content of its files, so that a new process need not read all days again."""

import io
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.lake.object_keys import DIGESTS
from image_assets.steps.duplicates.content import FileDigest, file_digests
from image_assets.tables.images import SILVER_IMAGES
from image_assets_tests.scenario import paint

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario


@pytest.fixture
def compared(scenario: "Scenario") -> "Scenario":
    """A day whose images were compared."""
    scenario.land("ann/red.jpg", paint())
    scenario.take_in()
    scenario.derive()
    scenario.embed()
    scenario.compare()
    return scenario


def _digests(scenario: "Scenario") -> list[FileDigest]:
    return file_digests(scenario.tables, scenario.embeddings.name, scenario.day)


def _rewrite(scenario: "Scenario", rows: pl.DataFrame) -> None:
    buffer = io.BytesIO()
    rows.write_parquet(buffer)
    scenario.store.write(DIGESTS, buffer.getvalue())


def _remembered(scenario: "Scenario") -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(scenario.store.read(DIGESTS)))


def test_what_is_remembered_of_a_file_as_it_is_spares_reading_it(compared: "Scenario") -> None:
    assert _remembered(compared).height == 3
    _rewrite(compared, _remembered(compared).with_columns(digest=pl.lit("told")))
    assert {each.digest for each in _digests(compared)} == {"told"}


def test_what_is_remembered_of_another_version_is_passed_over(compared: "Scenario") -> None:
    honest = _digests(compared)
    _rewrite(compared, _remembered(compared).with_columns(version=pl.lit("older"), digest=pl.lit("told")))
    assert _digests(compared) == honest


@pytest.mark.parametrize("data", [b"", b"no table", b"PAR1PAR1"])
def test_a_memory_that_is_damaged_is_none_and_is_made_anew(compared: "Scenario", data: bytes) -> None:
    honest = _digests(compared)
    compared.store.write(DIGESTS, data)
    assert _digests(compared) == honest
    compared.rewrite(SILVER_IMAGES, compared.tables.read(SILVER_IMAGES, compared.day))
    compared.store.delete(compared.tables.key("duplicate_images", compared.day))
    compared.compare()
    assert _remembered(compared).height == 3


def test_a_file_of_the_same_content_has_the_same_word_whatever_wrote_it(compared: "Scenario") -> None:
    words = [each.word for each in _digests(compared)]
    compared.rewrite(SILVER_IMAGES, compared.tables.read(SILVER_IMAGES, compared.day))
    assert [each.word for each in _digests(compared)] == words


def test_days_after_it_do_not_matter_to_a_day(compared: "Scenario") -> None:
    before = _digests(compared)
    after = replace(compared, day=compared.day + timedelta(days=1))
    after.land("ann/blue.jpg", paint("blue"))
    after.take_in()
    after.derive()
    assert _digests(compared) == before
