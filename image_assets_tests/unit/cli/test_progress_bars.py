"""Bars in the terminal."""

import pytest

from image_assets.cli.console import ProgressBars, describe_speed


def test_bars_of_a_long_backfill_do_not_pile_up() -> None:
    with ProgressBars() as bars:
        whole = bars.track("all days", "days")
        whole(0, 400)
        for done in range(1, 401):
            bars.track(f"silver_images {done}")(5, 5)
            whole(done, 400)
        shown = [task.description for task in bars._bars.tasks]
    assert shown[0] == "all days"
    assert shown[-1] == "silver_images 400"
    assert len(shown) < 20


def test_a_bar_that_has_gone_comes_back_when_its_work_starts_again() -> None:
    with ProgressBars() as bars:
        again = bars.track("silver_images of the first day")
        again(5, 5)
        for number in range(20):
            bars.track(f"gold_images {number}")(5, 5)
        again(0, 5)
        assert "silver_images of the first day" in [task.description for task in bars._bars.tasks]


@pytest.mark.parametrize(("done", "seconds", "words"), [(7, 20.0, "0.35"), (2_050, 10.0, "205")])
def test_a_speed_is_neither_zero_nor_long(done: int, seconds: float, words: str) -> None:
    assert describe_speed(done, seconds) == words
