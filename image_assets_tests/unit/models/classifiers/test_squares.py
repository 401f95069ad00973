"""Photos in memory as squares of one size, and random variations of them."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from PIL import Image

from image_assets.models.classifiers.squares import PhotoSquares
from image_assets.models.classifiers.variation import vary
from image_assets.models.encoders.image_preparation import ImageRules

RULES = ImageRules(None, 6, 4, Image.Resampling.BILINEAR, 1 / 255, (0.0,) * 3, (1.0,) * 3)
BYTES = 6 * 4 * 3


class Photos(Sequence[np.ndarray]):
    """Five photos of one colour each, which remember when they were read."""

    def __init__(self, first: int = 0) -> None:
        self.read: list[int] = []
        self.first = first

    def __len__(self) -> int:
        return 5

    def __getitem__(self, place: int) -> np.ndarray:  # type: ignore[override]
        self.read.append(place)
        return np.full((9 + place, 7, 3), self.first + 40 * place, np.uint8)


def colours(squares: PhotoSquares, order: list[int]) -> list[int]:
    batches = list(squares.batches(order, 2))
    assert {tuple(batch.shape[1:]) for batch in batches} == {(6, 4, 3)}
    return torch.cat(batches)[:, 0, 0, 0].tolist()


@pytest.mark.parametrize(("most_bytes", "read_again"), [(2**20, []), (2 * BYTES + 1, [2, 3, 4]), (0, [0, 1, 2, 3, 4])])
def test_photos_that_do_not_fit_into_memory_are_read_again(most_bytes: int, read_again: list[int]) -> None:
    photos = Photos()
    squares = PhotoSquares(photos, RULES, most_bytes)
    squares.read(2, lambda: None)
    assert sorted(photos.read) == [0, 1, 2, 3, 4]
    photos.read.clear()
    assert colours(squares, [4, 0, 3, 1, 2]) == [160, 0, 120, 40, 80]
    assert sorted(photos.read) == read_again


def test_what_photos_show_is_told_by_their_hash_whatever_fits_into_memory() -> None:
    hashes = [
        PhotoSquares(Photos(first), RULES, most_bytes).read(size, lambda: None)
        for first, most_bytes, size in ((0, 2**20, 2), (0, BYTES, 3), (1, 2**20, 2))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_every_batch_that_is_read_is_told() -> None:
    told: list[int] = []
    PhotoSquares(Photos(), RULES).read(2, lambda: told.append(1))
    assert len(told) == 3


def test_a_variation_shows_the_same_thing_in_the_size_of_the_network() -> None:
    torch.manual_seed(0)
    squares = torch.zeros((64, 24, 24, 3), dtype=torch.uint8)
    squares[:, :12, :, 0] = 200
    squares[:, 12:, :, 2] = 200
    varied = vary(squares, 20, 16)
    assert varied.shape == (64, 20, 16, 3)
    assert (varied.min() >= 0, varied.max() <= 255) == (True, True)
    assert (varied[:, 0, :, 0] > varied[:, 0, :, 2]).all()
    assert (varied[:, -1, :, 2] > varied[:, -1, :, 0]).all()


def test_half_of_the_variations_are_mirrored() -> None:
    torch.manual_seed(0)
    squares = torch.zeros((200, 24, 24, 3), dtype=torch.uint8)
    squares[:, :, :12] = 200
    varied = vary(squares, 16, 16)
    mirrored = (varied[:, 8, 0, 0] < varied[:, 8, -1, 0]).float().mean()
    assert 0.4 < mirrored < 0.6


def test_variations_follow_from_the_seed_and_differ_from_each_other() -> None:
    squares = torch.arange(24 * 24 * 3).remainder(256).to(torch.uint8).view(1, 24, 24, 3).repeat(2, 1, 1, 1)
    first, again = ((torch.manual_seed(3), vary(squares, 16, 16))[1] for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first[0], first[1])
