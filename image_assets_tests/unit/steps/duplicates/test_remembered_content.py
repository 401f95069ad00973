"""What the lake remembers of the content of its files, so that a new process need not read all days again."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.ids import ImageId, ObjectKey
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_keys import DIGESTS, day_of
from image_assets.lake.object_store import ANY_VERSION, ObjectCopy
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.duplicates.content import file_words, forget, remember, sought_files
from image_assets.steps.duplicates.duplicates import DayComparison, duplicate_inputs, find_duplicates
from image_assets.steps.duplicates.links import DuplicateParams
from image_assets.steps.upkeep.erasure import erase, find_remains
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES
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


def _words(scenario: "Scenario") -> list[str]:
    return file_words(scenario.tables, scenario.embeddings.name, scenario.day)["word"].to_list()


def _rewrite(scenario: "Scenario", rows: pl.DataFrame) -> None:
    buffer = io.BytesIO()
    rows.write_parquet(buffer)
    scenario.store.write(DIGESTS, buffer.getvalue())


def _remembered(scenario: "Scenario") -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(scenario.store.read(DIGESTS)))


def _next_day(scenario: "Scenario", name: str, data: bytes) -> "Scenario":
    after = replace(scenario, day=scenario.day + timedelta(days=1))
    after.land(name, data)
    after.take_in()
    after.derive()
    after.embed()
    return after


@dataclass(frozen=True, slots=True)
class ReadingStore(LocalObjectStore):
    """Keeps which objects were read."""

    asked: list[ObjectKey] = field(compare=False)

    def copies(self, keys: Sequence[ObjectKey]) -> Mapping[ObjectKey, ObjectCopy]:
        self.asked.extend(keys)
        return LocalObjectStore.copies(self, keys)


def test_what_is_remembered_of_a_file_as_it_is_spares_reading_it(compared: "Scenario") -> None:
    assert _remembered(compared).height == 3
    _rewrite(compared, _remembered(compared).with_columns(digest=pl.lit("told")))
    assert {word.split()[1] for word in _words(compared)} == {"told"}


def test_a_new_day_reads_no_table_of_a_day_whose_images_are_like_none_of_its_own(
    compared: "Scenario",
) -> None:
    after = _next_day(compared, "ann/other.jpg", paint("blue", kind="PNG"))
    store = ReadingStore(compared.store.root, [])
    elsewhere = ParquetTables(store)
    comparison = DayComparison(elsewhere, after.day, after.encoder.description, DuplicateParams(max_bits=0))
    find_duplicates(elsewhere, after.day, comparison, chunk_size=10)
    assert {day_of(key) for key in store.asked if key != DIGESTS} == {after.day}


def test_copies_are_found_by_what_is_remembered(compared: "Scenario") -> None:
    after = _next_day(compared, "ann/again.jpg", paint())
    after.compare()
    assert after.row(DUPLICATE_IMAGES)["canonical_id"] == compared.row(DUPLICATE_IMAGES)["image_id"]
    assert after.row(DUPLICATE_IMAGES)["kind"] == "exact"


def test_a_file_that_went_after_a_comparison_was_opened_has_it_opened_anew(compared: "Scenario") -> None:
    after = _next_day(compared, "ann/again.jpg", paint())
    comparison = DayComparison(after.tables, after.day, after.encoder.description, DuplicateParams())
    comparison.rows_of(duplicate_inputs(after.tables, after.day, comparison.version))
    for table in (BRONZE_IMAGES, SILVER_IMAGES, compared.embeddings):
        compared.store.delete(compared.tables.key(table.name, compared.day))
    find_duplicates(after.tables, after.day, comparison, chunk_size=10)
    assert after.row(DUPLICATE_IMAGES)["canonical_id"] == after.row(DUPLICATE_IMAGES)["image_id"]


def test_what_is_remembered_of_another_version_is_passed_over(compared: "Scenario") -> None:
    honest = _words(compared)
    _rewrite(compared, _remembered(compared).with_columns(version=pl.lit("older"), digest=pl.lit("told")))
    assert _words(compared) == honest


@pytest.mark.parametrize("data", [b"", b"no table", b"PAR1PAR1", None])
def test_a_memory_that_is_damaged_or_gone_is_none_and_is_made_anew(compared: "Scenario", data: bytes | None) -> None:
    honest, before = _words(compared), _remembered(compared)
    if data is None:
        compared.store.delete(DIGESTS)
    else:
        compared.store.write(DIGESTS, data)
    assert _words(compared) == honest
    remember(compared.tables, compared.embeddings.name, compared.day)
    assert _remembered(compared).equals(before)


def test_a_memory_of_another_shape_is_none(compared: "Scenario") -> None:
    honest = sought_files(compared.tables, SILVER_IMAGES.name, compared.day)
    _rewrite(compared, _remembered(compared).drop("sought"))
    assert sought_files(compared.tables, SILVER_IMAGES.name, compared.day).equals(honest)


def test_a_file_of_the_same_content_has_the_same_word_whatever_wrote_it(compared: "Scenario") -> None:
    words = _words(compared)
    compared.rewrite(SILVER_IMAGES, compared.tables.read(SILVER_IMAGES, compared.day))
    assert _words(compared) == words


def test_days_after_it_do_not_matter_to_a_day(compared: "Scenario") -> None:
    before = _words(compared)
    _next_day(compared, "ann/blue.jpg", paint("blue"))
    assert _words(compared) == before


def test_nothing_of_an_erased_image_is_remembered(compared: "Scenario") -> None:
    image_id = ImageId(compared.row(BRONZE_IMAGES)["image_id"])
    assert _remembered(compared)["sought"].list.len().sum() == 2
    erase(compared.tables, find_remains(compared.tables, image_id), "me")
    assert _remembered(compared).is_empty()
    remember(compared.tables, compared.embeddings.name, compared.day)
    assert _remembered(compared)["sought"].list.len().sum() == 0


@dataclass(frozen=True, slots=True)
class OvertakenStore(LocalObjectStore):
    """In which somebody else erases before the first write of the memory."""

    erased: list[ImageId] = field(compare=False)

    def write(self, key: ObjectKey, data: bytes, *, over: str | None = ANY_VERSION) -> None:
        if key == DIGESTS and self.erased:
            others = ParquetTables(LocalObjectStore(self.root))
            erase(others, find_remains(others, self.erased.pop()), "me")
        LocalObjectStore.write(self, key, data, over=over)


@pytest.mark.parametrize("is_there", [True, False])
def test_an_erasure_meanwhile_is_not_undone_by_who_has_read_before_it(compared: "Scenario", is_there: bool) -> None:
    forget(compared.store)
    if not is_there:
        compared.store.delete(DIGESTS)
    image_id = ImageId(compared.row(BRONZE_IMAGES)["image_id"])
    store = OvertakenStore(compared.store.root, [image_id])
    remember(ParquetTables(store), compared.embeddings.name, compared.day)
    assert not store.erased
    assert _remembered(compared)["sought"].list.len().sum() == 0


def test_who_remembers_at_the_same_time_keeps_what_the_other_found(compared: "Scenario") -> None:
    after = _next_day(compared, "ann/blue.jpg", paint("blue"))
    remember(after.tables, after.embeddings.name, after.day)
    assert _remembered(compared).height == 6
    compared.rewrite(SILVER_IMAGES, compared.tables.read(SILVER_IMAGES, compared.day))
    remember(compared.tables, compared.embeddings.name, compared.day)
    assert _remembered(compared)["key"].n_unique() == _remembered(compared).height == 6
