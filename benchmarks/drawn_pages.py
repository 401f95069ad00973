"""Pages and other flat pictures of few layouts, no two of which say the same: what a likeness takes for copies."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from workshop.drawing.products import draw_product, sample_products

_INK, _PAPER, _LINE = (20, 20, 20), "white", (220, 220, 220)
_PHOTO_PX = (450, 600)
_QR_MODULES, _BARS = 29, 95
_HUES: Final = ((200, 30, 30), (30, 160, 60), (30, 60, 200), (230, 200, 40), (20, 20, 20), (150, 60, 170))


def size_chart(number: int) -> Image.Image:
    """Eighteen rows of sizes, of which one digit differs."""
    figures = np.random.default_rng(1).integers(600, 1000, 36)
    figures[number % 36] += number // 36 + 1
    rows = [f"Size {36 + row}   chest {figures[row] / 10} cm   waist {figures[-row - 1] / 10} cm" for row in range(18)]
    return _page("Size chart", rows)


def price_tag(number: int) -> Image.Image:
    """A frame with a large price."""
    image, draw = _paper((600, 400))
    draw.rectangle((10, 10, 590, 390), outline=(200, 30, 30), width=6)
    _write(draw, (40, 40), "SALE", 60, (200, 30, 30))
    _write(draw, (60, 150), f"{10 + number}.99", 150)
    _write(draw, (40, 340), "EUR incl. VAT", 24)
    return image


def offer(number: int) -> Image.Image:
    """A page of few words and a price in small letters."""
    return _page("Summer sale", ["", f"Price   {10 + number}.99 EUR", "Sizes S M L", "Ships in 2 days"])


def receipt(number: int) -> Image.Image:
    """The same things at other prices."""
    rng = np.random.default_rng(number)
    things = ("Shirt", "Socks", "Belt", "Jeans", "Hat", "Scarf", "Coat", "Dress")
    return _page("Store 12", [f"{things[row % 8]:<30}{rng.integers(100, 9999) / 100:>8.2f}" for row in range(20)])


def data_sheet(number: int) -> Image.Image:
    """Fine print: letters of nine pixels once it is cleansed."""
    rng = np.random.default_rng(number)
    image, draw = _paper((1240, 1754))
    _write(draw, (80, 60), "Technical data", 64)
    for row in range(40):
        _write(draw, (80, 200 + 36 * row), f"Property {row:02}", 30)
        _write(draw, (640, 200 + 36 * row), f"{rng.integers(100, 999)} mm / {rng.integers(10, 99)} g", 30)
    return image


def logo(number: int) -> Image.Image:
    """Two letters in a circle."""
    image, draw = _paper((500, 500))
    draw.ellipse((60, 60, 440, 440), fill=(20, 60, 140))
    letters = chr(65 + number % 26) + chr(65 + number // 26)
    draw.text((250, 250), letters, fill=_PAPER, font=ImageFont.load_default(160), anchor="mm")
    return image


def two_halves(number: int) -> Image.Image:
    """Two of six colours, side by side or one above the other."""
    pairs = [(one, other) for one in _HUES for other in _HUES if one < other]
    one, other = pairs[number % len(pairs)]
    image = Image.new("RGB", (500, 500), one)
    box = (0, 0, 249, 500) if number % 2 else (0, 0, 500, 249)
    ImageDraw.Draw(image).rectangle(box, fill=other)
    return image


def swatch(number: int) -> Image.Image:
    """A card in one colour, with a caption that does not tell which."""
    image, draw = _paper((400, 500))
    draw.rectangle((40, 40, 360, 360), fill=tuple(np.random.default_rng(number).integers(0, 255, 3).tolist()))
    _write(draw, (50, 400), "Colour swatch", 40)
    return image


def printed_shirt(number: int) -> Image.Image:
    """One drawn photo under another word."""
    words = ("LOVE", "HOPE", "KIND", "WILD", "FREE", "CALM", "ROCK", "STAR", "MOON", "SURF", "GOLD", "COOL")
    image = draw_product(sample_products(np.random.default_rng(3)), np.random.default_rng(4), _PHOTO_PX)
    font = ImageFont.load_default(60)
    ImageDraw.Draw(image).text(
        (225, 300), words[number % 12] + str(number), fill=(230, 230, 230), font=font, anchor="mm"
    )
    return image


def barcode(number: int) -> Image.Image:
    """The same first half, another second one."""
    bars = np.random.default_rng(1).integers(0, 2, _BARS)
    bars[60:88] = np.random.default_rng(number).integers(0, 2, 28)
    image, draw = _paper((600, 300))
    for place in np.flatnonzero(bars).tolist():
        draw.rectangle((65 + place * 5, 30, 69 + place * 5, 230), fill=_INK)
    _write(draw, (120, 240), f"4 006381 33{number:04}", 40)
    return image


def qr_code(number: int) -> Image.Image:
    """Noise between three finder marks."""
    modules = np.random.default_rng(number).integers(0, 2, (_QR_MODULES, _QR_MODULES))
    for row, column in ((0, 0), (0, _QR_MODULES - 7), (_QR_MODULES - 7, 0)):
        modules[row : row + 7, column : column + 7] = 1
        modules[row + 1 : row + 6, column + 1 : column + 6] = 0
        modules[row + 2 : row + 5, column + 2 : column + 5] = 1
    image = Image.new("RGB", (480, 480), _PAPER)
    image.paste(Image.fromarray(np.kron(1 - modules, np.full((14, 14), 255)).astype(np.uint8)), (37, 37))
    return image


def _page(title: str, rows: list[str]) -> Image.Image:
    image, draw = _paper((540, 960))
    draw.rectangle((0, 0, 540, 80), fill=(30, 90, 160))
    _write(draw, (20, 30), title, 28, (255, 255, 255))
    for number, row in enumerate(rows):
        _write(draw, (30, 120 + number * 38), row, 22)
        draw.line((20, 150 + number * 38, 520, 150 + number * 38), fill=_LINE)
    return image


def _paper(size: tuple[int, int]) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", size, _PAPER)
    return image, ImageDraw.Draw(image)


def _write(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size_px: int, ink: tuple[int, int, int] = _INK
) -> None:
    draw.text(at, text, fill=ink, font=ImageFont.load_default(size_px))


_LAYOUTS: Final[tuple[Callable[[int], Image.Image], ...]] = (
    size_chart,
    price_tag,
    offer,
    receipt,
    data_sheet,
    logo,
    two_halves,
    swatch,
    printed_shirt,
    barcode,
    qr_code,
)
_TWO_HALVES_AT_MOST = 15


def draw_pages(count: int) -> Iterator[tuple[str, bool, Image.Image]]:
    """Name, whether it gets copies, picture: about so many, in turns of all layouts."""
    for number in range(count // len(_LAYOUTS)):
        for layout in _LAYOUTS:
            if layout is not two_halves or number < _TWO_HALVES_AT_MOST:
                yield f"{layout.__name__}-{number:03}.jpg", number % 5 == 0, layout(number)
