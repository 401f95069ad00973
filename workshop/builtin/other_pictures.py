"""Pictures that show no clothing, made by code: what `builtin` must not take for any of its classes."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from workshop.builtin.photos import LabelledPixels, stack_squares, to_square
from workshop.builtin.sentences import OTHER, Description

_SIDE_PX: Final = 240
_CORNER_SHARE: Final = 0.22

_Random: TypeAlias = np.random.Generator
_Painter: TypeAlias = Callable[[_Random], Image.Image]


def draw_other_pictures(count: int, size_px: int, seed: int, kinds: Sequence[str]) -> LabelledPixels:
    """As many of each kind; the same pictures for the same seed."""
    random_source = np.random.default_rng(seed)
    painters = [PAINTERS[kinds[index % len(kinds)]] for index in range(count)]
    squares = [to_square(np.asarray(paint(random_source).convert("RGB")), size_px) for paint in painters]
    return LabelledPixels(stack_squares(squares, size_px), (Description(OTHER),) * count)


def cut_corners(photos: LabelledPixels, count: int, seed: int) -> LabelledPixels:
    """The upper left corners of photos, where floors, beds and walls are: textures as a camera sees them."""
    rows = torch.from_numpy(np.random.default_rng(seed).permutation(len(photos))[:count])
    size = photos.pixels.shape[-1]
    side = max(1, round(_CORNER_SHARE * size))
    corners = photos.pixels[rows, :, :side, :side]
    return LabelledPixels(_enlarged(corners, size), (Description(OTHER),) * len(rows))


def _enlarged(pixels: Tensor, size_px: int) -> Tensor:
    large = torch.nn.functional.interpolate(pixels.float(), (size_px, size_px), mode="bicubic", antialias=True)
    return large.round().clamp(0, 255).to(torch.uint8)


def _colour(random_source: _Random) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in random_source.integers(0, 256, 3))
    return red, green, blue


def _place(random_source: _Random, smallest: int = 10, largest: int = 120) -> tuple[int, int, int, int]:
    left, top = (int(value) for value in random_source.integers(-20, _SIDE_PX - 10, 2))
    width, height = (int(value) for value in random_source.integers(smallest, largest, 2))
    return left, top, left + width, top + height


def _word(random_source: _Random) -> str:
    return "".join(chr(97 + int(letter)) for letter in random_source.integers(0, 26, random_source.integers(2, 9)))


def _text(random_source: _Random) -> str:
    return " ".join(_word(random_source) for _ in range(random_source.integers(2, 7)))


def _noise(random_source: _Random) -> Image.Image:
    """Of one grain: from single pixels to soft clouds."""
    cells = int(random_source.choice([2, 4, 8, 16, 60, 240]))
    coarse = random_source.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BICUBIC)


def _waves(random_source: _Random) -> Image.Image:
    """Three gratings over each other, each in its own colour: wood, water, weave."""
    rows, columns = np.mgrid[0:_SIDE_PX, 0:_SIDE_PX] / _SIDE_PX
    picture = np.full((_SIDE_PX, _SIDE_PX, 3), random_source.uniform(40, 215, 3))
    for _ in range(3):
        across, down = random_source.normal(0, 40, 2)
        wave = np.sin(across * columns + down * rows + 3 * np.sin(random_source.uniform(0, 12) * rows))
        picture += wave[..., None] * random_source.normal(0, 30, 3)
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def _gradient(random_source: _Random) -> Image.Image:
    corners = random_source.integers(0, 256, (2, 2, 3), dtype=np.uint8)
    return Image.fromarray(corners).resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BILINEAR)


def _shapes(random_source: _Random) -> Image.Image:
    """Ellipses and boxes in no order."""
    picture = Image.new("RGB", (_SIDE_PX, _SIDE_PX), _colour(random_source))
    pen = ImageDraw.Draw(picture)
    for _ in range(random_source.integers(1, 25)):
        draw = pen.ellipse if random_source.random() < 0.5 else pen.rectangle
        draw(_place(random_source), fill=_colour(random_source))
    return picture.filter(ImageFilter.GaussianBlur(float(random_source.uniform(0, 3))))


def _screenshot(random_source: _Random) -> Image.Image:
    """A window: a bar, panels, buttons, lines of text."""
    paper, ink = ("white", "black") if random_source.random() < 0.6 else ("#1e1e22", "#dddddd")
    picture = Image.new("RGB", (_SIDE_PX, _SIDE_PX), paper)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, _SIDE_PX, int(random_source.integers(8, 24))), fill=_colour(random_source))
    for _ in range(random_source.integers(1, 6)):
        pen.rounded_rectangle(_place(random_source, 20, 140), 5, fill=_colour(random_source))
    left = int(random_source.integers(4, 80))
    for top in range(30, _SIDE_PX - 10, int(random_source.integers(11, 18))):
        pen.text((left, top), _text(random_source), fill=ink)
    return picture


def _chart(random_source: _Random) -> Image.Image:
    """Bars or lines over an axis."""
    picture = Image.new("RGB", (_SIDE_PX, _SIDE_PX), "white")
    pen = ImageDraw.Draw(picture)
    count = int(random_source.integers(4, 16))
    heights = random_source.integers(10, 190, count)
    places = np.linspace(25, _SIDE_PX - 25, count).astype(int)
    if random_source.random() < 0.5:
        colour = _colour(random_source)
        for place, height in zip(places, heights, strict=True):
            pen.rectangle((place - 5, 215 - height, place + 5, 215), fill=colour)
    else:
        pen.line([(int(x), 215 - int(y)) for x, y in zip(places, heights, strict=True)], _colour(random_source), 3)
    pen.line([(20, 15), (20, 215), (225, 215)], "black", 2)
    pen.text((60, 3), _text(random_source), fill="black")
    return picture


def _scribble(random_source: _Random) -> Image.Image:
    """A pen that wanders over paper."""
    picture = Image.new("RGB", (_SIDE_PX, _SIDE_PX), _colour(random_source))
    pen = ImageDraw.Draw(picture)
    for _ in range(random_source.integers(1, 8)):
        path = random_source.normal(0, 25, (random_source.integers(5, 60), 2)).cumsum(axis=0)
        points = path + random_source.uniform(40, 200, 2)
        pen.line([(float(x), float(y)) for x, y in points], _colour(random_source), int(random_source.integers(1, 7)))
    return picture


def _ball(random_source: _Random) -> Image.Image:
    """One round thing, lit from a side, on a ground."""
    rows, columns = np.mgrid[-1 : 1 : _SIDE_PX * 1j, -1 : 1 : _SIDE_PX * 1j]
    across, down, radius = *random_source.uniform(-0.3, 0.3, 2), random_source.uniform(0.25, 0.7)
    distance = np.hypot((columns - across) * random_source.uniform(0.6, 1.6), rows - down) / radius
    light = (1.1 - 0.8 * np.hypot(columns - across + radius / 3, rows - down + radius / 3)).clip(0.1, 1)
    ball, ground = (random_source.uniform(30, 250, 3) for _ in range(2))
    picture = np.where(distance[..., None] < 1, ball * light[..., None], ground)
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def _receipt(random_source: _Random) -> Image.Image:
    """A narrow strip of paper with sums, on a table."""
    picture = Image.new("RGB", (_SIDE_PX, _SIDE_PX), _colour(random_source))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((65, 10, 175, 230), fill="#f4f2ec")
    for top in range(20, 220, 11):
        pen.text((70, top), _word(random_source), fill="#333333")
        pen.text((140, top), f"{random_source.uniform(0, 90):.2f}", fill="#333333")
    return picture.rotate(float(random_source.uniform(-25, 25)), fillcolor=_colour(random_source))


def _barcode(random_source: _Random) -> Image.Image:
    """Bars, or the squares of a matrix code."""
    shape = (1, 60) if random_source.random() < 0.5 else (25, 25)
    code = (random_source.random(shape) < 0.5).astype(np.uint8) * 255
    picture = Image.new("L", (_SIDE_PX, _SIDE_PX), 255)
    picture.paste(Image.fromarray(code).resize((180, 180), Image.Resampling.NEAREST), (30, 30))
    return picture.convert("RGB")


def _landscape(random_source: _Random) -> Image.Image:
    """Sky, a sun, three rows of hills."""
    rows = np.linspace(0, 1, _SIDE_PX)[:, None, None]
    sky = (1 - rows) * random_source.uniform(60, 200, 3) + rows * random_source.uniform(160, 255, 3)
    picture = Image.fromarray(np.broadcast_to(sky, (_SIDE_PX, _SIDE_PX, 3)).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    left, top = (int(value) for value in random_source.integers(10, 180, 2))
    pen.ellipse((left, top // 2, left + 35, top // 2 + 35), fill="#fff3b0")
    for horizon in (110, 150, 190):
        ridge = horizon + random_source.normal(0, 5, _SIDE_PX).cumsum() / 2
        points = [(x, float(y)) for x, y in enumerate(ridge)]
        shade = tuple(int(value) for value in random_source.integers(20, 140, 3))
        pen.polygon([(0, _SIDE_PX), *points, (_SIDE_PX, _SIDE_PX)], fill=shade)
    return picture


PAINTERS: Final[dict[str, _Painter]] = {
    "noise": _noise,
    "waves": _waves,
    "gradient": _gradient,
    "shapes": _shapes,
    "screenshot": _screenshot,
    "chart": _chart,
    "scribble": _scribble,
    "ball": _ball,
    "receipt": _receipt,
    "barcode": _barcode,
    "landscape": _landscape,
}
HELD_OUT: Final = ("receipt", "barcode", "landscape")
"""Never trained on: whether a kind of picture that the encoder has not met gets low confidence."""

LEARNED: Final = tuple(kind for kind in PAINTERS if kind not in HELD_OUT)
