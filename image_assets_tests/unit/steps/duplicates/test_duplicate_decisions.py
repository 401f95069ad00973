"""What people say of pairs outlives whatever is computed."""

import io
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from image_assets.errors import DecisionError, TableError, UnknownImageError
from image_assets.ids import ImageId
from image_assets.lake.object_keys import pair_review_key
from image_assets.steps.duplicates.pair_decisions import (
    PairVerdict,
    as_photos,
    read_pair_decisions,
    record_pair_decision,
)
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.images import BRONZE_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)


def picture(seed: int, quality: int = 92) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, (14, 18, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).resize((360, 280), Image.Resampling.BICUBIC).save(file, "JPEG", quality=quality)
    return file.getvalue()


def compared(scenario: "Scenario", *files: bytes) -> list[str]:
    """Ids of the files in order of arrival, after the day was compared."""
    for number, data in enumerate(files):
        scenario.land(f"{number}.jpg", data, uploaded_at=f"{scenario.day}T10:00:{number:02}Z", raw_name=f"{number}")
    scenario.take_in()
    scenario.derive()
    scenario.embed()
    scenario.compare()
    return [str(row["image_id"]) for row in sorted(scenario.rows(BRONZE_IMAGES), key=lambda row: row["uploaded_at"])]


def decide(scenario: "Scenario", one: str, other: str, verdict: PairVerdict, minutes: int = 0) -> None:
    record_pair_decision(scenario.tables, one, other, verdict, "ann", NOON + timedelta(minutes=minutes))


def canonical(scenario: "Scenario") -> dict[str, tuple[str, str]]:
    rows = scenario.rows(DUPLICATE_IMAGES)
    return {row["image_id"]: (row["kind"], row["canonical_id"]) for row in rows}


def test_images_called_different_are_kept_apart_for_good(scenario: "Scenario") -> None:
    first, copy = compared(scenario, picture(1), picture(1, 60))
    assert canonical(scenario)[copy] == ("near", first)
    decide(scenario, copy, first, PairVerdict.DIFFERENT)
    assert scenario.compare().computed == 2
    assert canonical(scenario)[copy] == ("unique", copy)
    assert scenario.compare().is_unchanged


def test_the_beginnings_of_their_ids_name_a_pair(scenario: "Scenario") -> None:
    first, other = compared(scenario, picture(1), picture(2))
    decide(scenario, other[:8], first[:13], PairVerdict.SAME)
    scenario.compare()
    assert canonical(scenario)[other] == ("decided", first)


def test_images_called_the_same_are_joined_however_unlike_they_are(scenario: "Scenario") -> None:
    first, other = compared(scenario, picture(1), picture(2))
    decide(scenario, other, first, PairVerdict.SAME)
    scenario.compare()
    assert canonical(scenario)[other] == ("decided", first)


def test_the_same_bytes_uploaded_again_inherit_the_decision(scenario: "Scenario") -> None:
    first, other = compared(scenario, picture(1), picture(2))
    decide(scenario, first, other, PairVerdict.SAME)
    *_, again = compared(scenario, picture(1), picture(2), picture(2))
    assert canonical(scenario)[again] == ("decided", first)


def test_even_images_of_the_same_bytes_can_be_called_different(scenario: "Scenario") -> None:
    first, copy = compared(scenario, picture(1), picture(1))
    assert canonical(scenario)[copy] == ("exact", first)
    decide(scenario, first, copy, PairVerdict.DIFFERENT)
    scenario.compare()
    assert canonical(scenario)[copy] == ("unique", copy)


@pytest.mark.parametrize("minutes", [1, 0, -1, -600_000])
def test_the_later_of_two_decisions_counts_whatever_the_clock_says(scenario: "Scenario", minutes: int) -> None:
    first, copy = compared(scenario, picture(1), picture(1, 60))
    decide(scenario, first, copy, PairVerdict.DIFFERENT)
    decide(scenario, copy, first, PairVerdict.SAME, minutes)
    scenario.compare()
    assert canonical(scenario)[copy] == ("near", first)
    assert [each.verdict for each in read_pair_decisions(scenario.store, scenario.day)] == ["same"]


def test_of_decisions_on_two_images_of_one_photo_the_later_counts_whatever_the_clock_says(scenario: "Scenario") -> None:
    first, other, again = compared(scenario, picture(1), picture(2), picture(2))
    decide(scenario, first, other, PairVerdict.DIFFERENT, minutes=600_000)
    decide(scenario, first, again, PairVerdict.SAME)
    (joined,) = as_photos(read_pair_decisions(scenario.store, scenario.day)).same
    assert set(joined) == {row["sha256"] for row in scenario.rows(BRONZE_IMAGES)}


def test_two_people_at_the_same_instant_both_keep_their_verdicts() -> None:
    key_of = partial(pair_review_key, ImageId("a"), ImageId("b"), NOON)
    assert key_of() != key_of()


def test_a_decision_does_not_concern_days_before_its_later_image(scenario: "Scenario") -> None:
    first, copy = compared(scenario, picture(1), picture(1, 60))
    decide(scenario, first, copy, PairVerdict.DIFFERENT)
    assert read_pair_decisions(scenario.store, scenario.day - timedelta(days=1)) == []


def test_an_unknown_image_is_refused(scenario: "Scenario") -> None:
    (first,) = compared(scenario, picture(1))
    with pytest.raises(UnknownImageError, match="never compared"):
        decide(scenario, first, "nonsense", PairVerdict.SAME)


def test_an_image_is_not_compared_with_itself(scenario: "Scenario") -> None:
    (first,) = compared(scenario, picture(1))
    with pytest.raises(DecisionError, match="needs two"):
        decide(scenario, first, first, PairVerdict.SAME)


def test_a_damaged_decision_says_which_file_to_repair(scenario: "Scenario") -> None:
    scenario.store.write(pair_review_key(ImageId("a"), ImageId("b"), NOON), b'{"verdict": "maybe"}')
    with pytest.raises(TableError, match="repair it or delete it"):
        read_pair_decisions(scenario.store, scenario.day)
