"""Small charts: the latest value stands at the right, and what is more than nothing can be seen."""

from image_assets.serving.gallery.charts import HEIGHT, bars, ribbon, stacked, width_of


def test_bars_end_at_the_right_and_the_largest_fills_the_height() -> None:
    assert bars([0, None, 4]) == f"M131 {HEIGHT}v-{HEIGHT}h8v{HEIGHT}z"
    assert bars([1, 4], highest=8) == "M121 48v-6h8v6zM131 48v-24h8v24z"


def test_little_is_not_nothing() -> None:
    assert "v-1h8" in bars([1, 100_000])
    assert bars([0, 0]) == ""


def test_many_values_make_a_wider_chart() -> None:
    assert (width_of(1), width_of(60)) == (140, 600)


def test_series_stand_on_each_other() -> None:
    assert stacked([[2], [2]]) == ["M131 48v-24h8v24z", "M131 24v-24h8v24z"]


def test_a_ribbon_leaves_out_what_is_not_known() -> None:
    boxes, ticks = ribbon([(0.0, 0.5, 1.0), None])
    assert (boxes, ticks) == ("M121 46v-44h8v44z", "M121 25v-2h8v2z")
    assert ribbon([None]) == ("", "")
