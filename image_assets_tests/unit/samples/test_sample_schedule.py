from datetime import date, timedelta

import pytest

from image_assets.samples.filenames import ODD_RAW_NAMES
from image_assets.samples.mishaps import MISHAPS, Mishap
from image_assets.samples.oddities import ODDITIES, Oddity
from image_assets.samples.schedule import Copy, Photo, Slot, deal, plan_day

START = date(2026, 3, 14)


def three_days(count: int, seed: int, start: date = START) -> list[tuple[Slot, ...]]:
    return [plan_day(start + timedelta(days=ahead), count, seed) for ahead in range(3)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [100, 110, 137])
def test_three_days_bring_every_mishap_and_every_oddity(count: int, seed: int) -> None:
    contents = [slot.content for plan in three_days(count, seed) for slot in plan]
    assert {c.kind for c in contents if isinstance(c, Mishap)} == {mishap.kind for mishap in MISHAPS}
    assert {c.kind for c in contents if isinstance(c, Oddity)} == {oddity.kind for oddity in ODDITIES}


@pytest.mark.parametrize("count", [0, 1, 10, 110])
def test_a_day_has_as_many_slots_as_asked_for(count: int) -> None:
    assert len(plan_day(START, count, seed=0)) == count


def test_most_slots_are_photos() -> None:
    contents = [slot.content for slot in plan_day(START, 200, seed=0)]
    assert 0.7 < sum(isinstance(content, Photo) for content in contents) / 200 < 0.8


def test_a_plan_depends_on_its_arguments_alone() -> None:
    assert plan_day(START, 50, seed=1) == plan_day(START, 50, seed=1)
    assert plan_day(START, 50, seed=1) != plan_day(START, 50, seed=2)


def test_a_copy_repeats_a_photo_from_earlier() -> None:
    before, plan = (plan_day(START + timedelta(days=ahead), 200, seed=0) for ahead in (-1, 0))
    copies = [(index, slot.content) for index, slot in enumerate(plan) if isinstance(slot.content, Copy)]
    assert {copy.is_exact for _, copy in copies} == {True, False}
    for index, copy in copies:
        origin = plan if copy.day == START else before
        assert isinstance(origin[copy.index].content, Photo)
        assert copy.day < START or copy.index < index


@pytest.mark.parametrize("seed", range(4))
def test_one_or_two_sidecars_in_three_days_are_broken(seed: int) -> None:
    slots = [slot for plan in three_days(110, seed) for slot in plan]
    assert 1 <= sum(slot.has_broken_sidecar for slot in slots) <= 2


def test_three_days_bring_every_odd_raw_name() -> None:
    slots = [slot for plan in three_days(110, seed=0) for slot in plan]
    assert {slot.odd_raw_name for slot in slots} - {None} == set(ODD_RAW_NAMES)


def test_no_odd_filename_comes_twice_on_a_day() -> None:
    names = [slot.odd_filename for slot in plan_day(START, 1000, seed=0) if slot.odd_filename]
    assert len(names) == len(set(names)) > 5


def test_days_in_a_row_deal_every_card_before_one_comes_again() -> None:
    dealt = [card for ahead in range(4) for card in deal(range(20), 5, START + timedelta(days=ahead), seed=9)]
    assert sorted(dealt) == list(range(20))
