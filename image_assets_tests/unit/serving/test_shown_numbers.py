"""Numbers as pages show them."""

import pytest

from image_assets.serving.gallery.pages import percent


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [(None, "\u2013"), (0, "0 %"), (0.001, "< 1 %"), (0.5, "50 %"), (0.994, "99 %"), (0.9999, "> 99 %"), (1, "100 %")],
)
def test_only_what_is_whole_is_a_hundred_percent(ratio: float | None, shown: str) -> None:
    assert percent(ratio) == shown
