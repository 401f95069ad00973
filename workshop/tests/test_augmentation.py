import pytest
import torch

from workshop.builtin.augmentation import blend, vary


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(5)


def test_a_varied_batch_has_the_wanted_size_and_range() -> None:
    pixels = torch.randint(0, 256, (6, 3, 40, 40), dtype=torch.uint8)
    varied = vary(pixels, 32, 0.5)
    assert varied.shape == (6, 3, 32, 32)
    assert varied.min() >= 0
    assert varied.max() <= 1


def test_the_stored_pixels_are_not_changed() -> None:
    pixels = torch.randint(0, 256, (4, 3, 40, 40), dtype=torch.uint8)
    before = pixels.clone()
    vary(pixels, 32, 0.5)
    assert torch.equal(pixels, before)


def test_a_colour_stays_near_itself() -> None:
    red = torch.tensor([200, 20, 30], dtype=torch.uint8).view(1, 3, 1, 1).expand(16, 3, 40, 40)
    means = vary(red, 32, 0.5).mean(dim=(2, 3))
    assert (means[:, 0] > 3 * means[:, 1]).all()


def test_a_blend_says_how_much_of_each_image_is_left() -> None:
    images = torch.eye(8)[:, :, None, None].expand(8, 8, 32, 32)  # image i is 1 in channel i
    for _ in range(20):
        blended, partner, weight = blend(images)
        shares = blended.mean(dim=(2, 3))
        expected = weight * torch.eye(8) + (1 - weight) * torch.eye(8)[partner]
        torch.testing.assert_close(shares, expected, atol=1e-5, rtol=0)
