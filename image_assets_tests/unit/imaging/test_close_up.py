import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

from image_assets.imaging.close_up import is_same_close_up
from image_assets.imaging.likeness import lay_over, outline
from image_assets.imaging.watermark import WatermarkParams, add_watermark

ONE_PHOTO = 0.75

Alter = Callable[[Image.Image], Image.Image]


def is_same(one: Image.Image, other: Image.Image) -> bool:
    """What is no copy for its close-up alone: at 96 pixels they are alike."""
    first, second = np.asarray(one.convert("RGB")), np.asarray(other.convert("RGB"))
    overlay = lay_over(outline(first), outline(second))
    assert overlay.likeness >= ONE_PHOTO
    return is_same_close_up(first, second, overlay.warp)


def page(*lines: str, size_px: int = 12) -> Image.Image:
    """288 x 512, as a cleansed page of a phone's shape is."""
    image = Image.new("RGB", (288, 512), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 288, 42), fill=(30, 90, 160))
    for number, line in enumerate(lines):
        draw.text((16, 64 + number * 20), line, fill=(20, 20, 20), font=ImageFont.load_default(size_px))
    return image


def chart(waist_cm: int = 61, size_px: int = 12) -> Image.Image:
    rows = [f"Size {36 + row}   chest {80 + 3 * row} cm  waist {60 + 2 * row} cm" for row in range(20)]
    rows[7] = f"Size 43   chest 101 cm  waist {waist_cm} cm"
    return page(*rows, size_px=size_px)


def crumpled(seed: int = 1) -> Image.Image:
    """400 x 300: folds at every size, in warm colours."""
    rng = np.random.default_rng(seed)
    luma = np.full((300, 400), 128.0)
    for size in (6, 16, 40, 90):
        folds = Image.fromarray(rng.integers(0, 255, (size, size * 4 // 3), dtype=np.uint8))
        luma += (np.asarray(folds.resize((400, 300), Image.Resampling.BICUBIC), dtype=float) - 128) / 4
    return tinted(Image.fromarray(luma.clip(0, 255).astype(np.uint8)), 100, 160)


def tinted(image: Image.Image, blue: int, red: int) -> Image.Image:
    """The same luma in one colour."""
    plain = [Image.new("L", image.size, level) for level in (blue, red)]
    return Image.merge("YCbCr", (image.convert("L"), *plain)).convert("RGB")


def printed(word: str, image: Image.Image | None = None) -> Image.Image:
    image = image or crumpled()
    font = ImageFont.load_default(50)
    ImageDraw.Draw(image).text((200, 150), word, fill=(240, 240, 240), font=font, anchor="mm", stroke_width=1)
    return image


def halves(first: str, second: str, share: float = 0.5) -> Image.Image:
    image = Image.new("RGB", (400, 400), first)
    image.paste(Image.new("RGB", (round(400 * share), 400), second))
    return image


def logo(letter: str) -> Image.Image:
    image = Image.new("RGB", (300, 300), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((20, 20, 280, 280), fill=(20, 60, 140))
    for at in ((90, 100), (210, 100), (90, 200)):
        draw.text(at, "R", fill="white", font=ImageFont.load_default(90), anchor="mm")
    draw.text((210, 200), letter, fill="white", font=ImageFont.load_default(90), anchor="mm")
    return image


def recompressed(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=40)
    return Image.open(file)


def resized(image: Image.Image) -> Image.Image:
    return image.resize((image.width * 2 // 3, image.height * 2 // 3), Image.Resampling.LANCZOS)


def cropped(image: Image.Image) -> Image.Image:
    return image.crop((4, 6, image.width - 6, image.height - 4))


def watermarked(image: Image.Image) -> Image.Image:
    return Image.fromarray(add_watermark(np.asarray(image), WatermarkParams()))


COPIES: dict[str, Alter] = {
    "recompressed": recompressed,
    "resized": resized,
    "cropped": cropped,
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.75),
}
COPIES_OF_PHOTOS: dict[str, Alter] = {
    **COPIES,
    "watermarked": watermarked,
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.25),
    "tilted": lambda image: image.rotate(2, Image.Resampling.BICUBIC, fillcolor=(200, 200, 200)),
    "grey": lambda image: ImageOps.grayscale(image),
    "fewer colours": lambda image: image.quantize(64),
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES.keys())
@pytest.mark.parametrize("picture", [chart(), logo("B")], ids=["page", "logo"])
def test_a_copy_of_a_page_is_the_same(picture: Image.Image, copied: Alter) -> None:
    assert is_same(picture, copied(picture))


@pytest.mark.parametrize("copied", COPIES_OF_PHOTOS.values(), ids=COPIES_OF_PHOTOS.keys())
def test_a_copy_of_a_photo_is_the_same(copied: Alter) -> None:
    assert is_same(crumpled(), copied(crumpled()))


@pytest.mark.parametrize("size_px", [12, 8, 6])
def test_one_other_digit_is_another_page(size_px: int) -> None:
    assert not is_same(chart(61, size_px), chart(67, size_px))


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES.keys())
def test_a_copy_of_a_page_with_one_other_digit_is_another_page(copied: Alter) -> None:
    assert not is_same(chart(61), copied(chart(67)))


def test_another_price_is_another_page() -> None:
    offers = [page("Summer sale", "", f"Price   {price}.99 EUR", "Sizes S M L") for price in (19, 49)]
    assert not is_same(*offers)


def test_a_word_more_is_another_page() -> None:
    assert not is_same(chart(), page(*[f"Size {36 + row}   chest {80 + 3 * row} cm" for row in range(20)]))


def test_another_letter_is_another_logo() -> None:
    assert not is_same(logo("B"), logo("P"))


def test_another_print_is_another_photo() -> None:
    assert is_same(printed("LOVE"), recompressed(printed("LOVE")))
    assert not is_same(printed("LOVE"), printed("HOPE"))


def test_the_same_folds_in_another_colour_are_another_photo() -> None:
    assert not is_same(crumpled(), tinted(crumpled(), 160, 100))


def test_a_part_in_another_colour_is_another_photo() -> None:
    recoloured = crumpled()
    box = (80, 60, 240, 200)
    recoloured.paste(tinted(recoloured.crop(box), 160, 100), box)
    assert not is_same(crumpled(), recoloured)


@pytest.mark.parametrize("others", [("red", "green"), ("silver", "black")])
def test_two_halves_in_other_colours_are_another_picture(others: tuple[str, str]) -> None:
    assert is_same(halves("white", "navy"), resized(halves("white", "navy")))
    assert not is_same(halves("white", "navy"), halves(*others))


def test_what_shows_one_edge_alone_is_not_moved() -> None:
    one, other = (np.asarray(halves("white", "navy", share)) for share in (0.5, 0.51))
    assert is_same_close_up(one, one, np.zeros((2, 3)))
    assert not is_same_close_up(one, other, np.zeros((2, 3)))


def garment(level: int) -> Image.Image:
    """A shirt with a word on it, on white."""
    image = Image.new("RGB", (400, 400), "white")
    draw = ImageDraw.Draw(image)
    draw.polygon([(60, 120), (200, 80), (340, 120), (300, 200), (280, 350), (120, 350), (100, 200)], fill=(level,) * 3)
    draw.text((200, 220), "A1", fill="white", font=ImageFont.load_default(60), anchor="mm")
    return image


@pytest.mark.parametrize("level", [30, 60, 100])
def test_the_same_drawing_in_another_grey_on_the_same_ground_is_another_picture(level: int) -> None:
    assert is_same(garment(80), garment(80))
    assert not is_same(garment(80), garment(level))


def test_a_drawing_whose_ground_was_darkened_along_is_a_copy() -> None:
    assert is_same(garment(80), ImageEnhance.Brightness(garment(80)).enhance(0.8))


def card(colour: tuple[int, int, int], margin_px: int, band_px: int, words: str = "") -> Image.Image:
    """A swatch with a white margin and a band below it."""
    image = Image.new("RGB", (400, 400), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((margin_px, margin_px, 399 - margin_px, 399 - margin_px - band_px), fill=colour)
    draw.text((200, 399 - band_px // 2), words, fill="black", font=ImageFont.load_default(24), anchor="mm")
    return image


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (card((200, 0, 0), 12, 40, "fabric"), card((160, 0, 0), 12, 40, "fabric")),
        (card((0, 0, 110), 0, 60), card((40, 40, 150), 0, 60)),
    ],
    ids=["margin", "band"],
)
def test_the_same_card_in_another_colour_is_another_picture(one: Image.Image, other: Image.Image) -> None:
    assert is_same(one, recompressed(one))
    assert is_same(one, resized(one))
    assert not is_same(one, other)


def test_a_drawing_brightened_by_a_tenth_is_a_copy() -> None:
    assert is_same(logo("B"), ImageEnhance.Brightness(logo("B")).enhance(1.1))
