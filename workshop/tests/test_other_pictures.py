import pytest
import torch

from workshop.builtin.other_pictures import HELD_OUT, LEARNED, PAINTERS, cut_corners, draw_other_pictures
from workshop.builtin.photos import LabelledPixels
from workshop.builtin.sentences import OTHER, Description


@pytest.mark.parametrize("kind", sorted(PAINTERS))
def test_a_kind_draws_the_same_pictures_for_the_same_seed_and_others_for_another(kind: str) -> None:
    first, again, other = (draw_other_pictures(2, 32, seed, (kind,)).pixels for seed in (4, 4, 5))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_they_are_described_as_no_clothing() -> None:
    assert draw_other_pictures(3, 32, 1, LEARNED).descriptions == (Description(OTHER),) * 3


def test_kinds_to_measure_with_are_not_learned() -> None:
    assert HELD_OUT
    assert not set(HELD_OUT) & set(LEARNED)


def test_corners_show_the_upper_left_of_photos() -> None:
    pixels = torch.full((1, 3, 40, 40), 200, dtype=torch.uint8)
    pixels[:, :, :9, :9] = 30
    corners = cut_corners(LabelledPixels(pixels, (Description("hat"),)), 5, seed=1)
    assert corners.pixels.shape == (1, 3, 40, 40)
    assert (corners.pixels == 30).all()
