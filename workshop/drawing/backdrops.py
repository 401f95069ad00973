"""What products lie on or hang from: RGB pictures made of noise, planks, tiles and threads."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from workshop.drawing.fabrics import COLOURS, Rgb, darker, jittered, weave
from workshop.drawing.lighting import NEUTRAL, Size, blended, clouds, faded, noise, shaded

Backdrop: TypeAlias = Callable[[Size, np.random.Generator], Image.Image]


def _plain(size: Size, colour: Rgb, rng: np.random.Generator, spread: float = 6) -> Image.Image:
    return Image.new("RGB", size, jittered(colour, rng, spread))


def _pick(rng: np.random.Generator, colours: tuple[Rgb, ...]) -> Rgb:
    return colours[int(rng.integers(len(colours)))]


def white_sweep(size: Size, rng: np.random.Generator) -> Image.Image:
    """A studio's paper sweep: nearly white, a little darker where the wall begins."""
    paper = _plain(size, (238, 238, 237), rng, 4)
    horizon = np.clip(np.abs(np.linspace(-1, 1, 64) - rng.uniform(-0.6, 0.2)) * 60, 0, 26)
    column = Image.fromarray((NEUTRAL - 26 + horizon).astype(np.uint8)[:, None])
    return shaded(paper, column.resize(size, Image.Resampling.BICUBIC))


def wooden_floor(size: Size, rng: np.random.Generator) -> Image.Image:
    """Planks with grain, joints and a colour each."""
    width, height = size[::-1] if (is_across := rng.random() < 0.4) else size
    tone = _pick(rng, ((176, 130, 84), (150, 104, 66), (200, 160, 112), (110, 84, 64), (186, 168, 146)))
    board = _plain((width, height), tone, rng, 8)
    grain = clouds(rng, (width, height), (max(8, width // 5), max(3, height // 160)))
    veins = clouds(rng, (width, height), (max(8, width // 16), 3))
    floor = shaded(board, blended(faded(grain, 0.22), faded(veins, 0.22), _planks((width, height), rng)))
    return floor.transpose(Image.Transpose.ROTATE_90) if is_across else floor


def _planks(size: Size, rng: np.random.Generator) -> Image.Image:
    width, height = size
    shade = Image.new("L", size, NEUTRAL)
    draw = ImageDraw.Draw(shade)
    plank = width / rng.uniform(3.5, 8)
    for x in np.arange(-plank * rng.random(), width, plank):
        y = -height * rng.uniform(0, 0.8)
        while y < height:
            length = height * rng.uniform(0.5, 1.1)
            draw.rectangle((x, y, x + plank, y + length), int(rng.integers(112, 145)), outline=52)
            y += length
    return shade


def bed_sheet(size: Size, rng: np.random.Generator) -> Image.Image:
    """A wrinkled sheet, plain or printed."""
    colours = tuple(COLOURS[name] for name in ("white", "beige", "red", "blue", "pink", "grey", "purple", "yellow"))
    ground = jittered(_pick(rng, (*colours, (226, 224, 220), (200, 208, 222))), rng)
    if rng.random() < 0.25:
        ink = jittered(COLOURS["white"], rng)
        pattern = ("floral", "dotted", "checked")[int(rng.integers(3))]
        sheet = weave(pattern, ground, ink, max(size), rng).crop((0, 0, *size))
    else:
        sheet = Image.new("RGB", size, ground)
    return shaded(sheet, _wrinkles(size, rng))


def _wrinkles(size: Size, rng: np.random.Generator) -> Image.Image:
    """Slopes of a hilly surface under light from the left."""
    small = (max(8, size[0] // 4), max(8, size[1] // 4))
    cells = int(rng.integers(3, 6)), int(rng.integers(3, 6))
    hills = blended(clouds(rng, small, cells), faded(clouds(rng, small, (9, 8)), 0.4))
    ridges = hills.point([abs(value - NEUTRAL) for value in range(256)]).filter(ImageFilter.GaussianBlur(2))
    slope = ImageChops.subtract(ImageChops.offset(ridges, 3, 2), ridges, scale=0.25, offset=NEUTRAL)
    return faded(slope.crop((3, 2, *small)), 0.6).resize(size, Image.Resampling.BICUBIC)


def tiled_floor(size: Size, rng: np.random.Generator) -> Image.Image:
    """Large tiles with grout, laid straight or on the diagonal."""
    floor = _plain(size, _pick(rng, ((222, 216, 206), (198, 196, 192), (186, 170, 150))), rng)
    draw, grout, reach = ImageDraw.Draw(floor), jittered((140, 134, 126), rng), float(max(size))
    turn = np.deg2rad(float(rng.choice([0, 2, 45]))) + np.array([0, np.pi / 2])
    for place in np.arange(-reach + reach * rng.random() / 5, reach, size[0] / rng.uniform(2.2, 4.5)):
        for cosine, sine in zip(np.cos(turn), np.sin(turn), strict=True):
            ends = np.array([(-reach, place), (reach, place)]) @ np.array([[cosine, sine], [-sine, cosine]])
            draw.line((ends + np.asarray(size) / 2).ravel().tolist(), grout, max(2, size[0] // 180))
    return shaded(floor, faded(clouds(rng, size, (9, 9)), 0.14))


def carpet(size: Size, rng: np.random.Generator) -> Image.Image:
    """Short pile, often with an ornament."""
    names = ("red", "brown", "beige", "green", "navy", "grey")
    ground, ink = (jittered(COLOURS[str(rng.choice(names))], rng, 14) for _ in range(2))
    pattern = str(rng.choice(["plain", "floral", "checked", "dotted"], p=[0.5, 0.25, 0.15, 0.1]))
    pile = weave(pattern, ground, ink, max(size), rng).crop((0, 0, *size))
    pile = pile.filter(ImageFilter.BoxBlur(1)) if pattern != "plain" else pile
    tufts = noise(rng, (size[0] // 2, size[1] // 2)).resize(size, Image.Resampling.BILINEAR)
    return shaded(pile, blended(faded(tufts, 0.35), faded(clouds(rng, size, (8, 8)), 0.12)))


def grass(size: Size, rng: np.random.Generator) -> Image.Image:
    """A lawn: blades as short bright and dark strokes."""
    lawn = _plain(size, (88, 124, 52), rng, 12)
    shade = Image.new("L", size, 104)
    draw = ImageDraw.Draw(shade)
    blade = max(size) / 45
    feet = rng.uniform((0, 0), size, (1500, 2))
    tips = feet + rng.normal((0, -blade), blade * 0.45, (1500, 2))
    tones = rng.integers(60, 180, 1500)
    for foot, tip, tone in zip(feet.tolist(), tips.tolist(), tones.tolist(), strict=True):
        draw.line((*foot, *tip), fill=tone, width=max(1, round(blade / 6)))
    return shaded(lawn, blended(shade, faded(clouds(rng, size, (5, 5)), 0.25)))


def concrete(size: Size, rng: np.random.Generator) -> Image.Image:
    """A grey floor with stains and pores."""
    slab = _plain(size, (158, 156, 152), rng, 10)
    stains, pits = faded(clouds(rng, size, (6, 6)), 0.14), faded(clouds(rng, size, (40, 50)), 0.12)
    return shaded(slab, blended(stains, pits, faded(noise(rng, size), 0.1)))


def wall(size: Size, rng: np.random.Generator) -> Image.Image:
    """A painted wall or a panelled door to hang things on."""
    paints = ((226, 220, 208), (206, 214, 216), (232, 228, 222), (196, 202, 190), (178, 150, 118))
    paint = jittered(_pick(rng, paints), rng)
    surface = Image.new("RGB", size, paint)
    if rng.random() < 0.5:
        _draw_door(surface, paint, rng)
    return shaded(surface, faded(clouds(rng, size, (4, 5)), 0.1))


def _draw_door(surface: Image.Image, paint: Rgb, rng: np.random.Generator) -> None:
    """Two panels, each a frame of a shadow, a light and a shadow, upon the picture that is being made."""
    width, height = surface.size
    draw = ImageDraw.Draw(surface)
    margin, middle = width * rng.uniform(0.08, 0.2), height * rng.uniform(0.4, 0.6)
    for top, bottom in ((-margin, middle), (middle + margin * 0.5, height + margin)):
        for step, tone in ((0.0, 0.8), (margin * 0.24, 1.06), (margin * 0.48, 0.9)):
            box = (margin + step, top + step, width - margin - step, bottom - step)
            draw.rectangle(box, outline=darker(paint, tone), width=max(2, width // 150))


BACKDROPS: Mapping[str, tuple[Backdrop, str]] = MappingProxyType(
    {
        "white sweep": (white_sweep, "on a white background"),
        "wooden floor": (wooden_floor, "on a wooden floor"),
        "bed sheet": (bed_sheet, "on a bed sheet"),
        "tiled floor": (tiled_floor, "on a tiled floor"),
        "carpet": (carpet, "on a carpet"),
        "grass": (grass, "on grass"),
        "concrete": (concrete, "on concrete"),
        "wall": (wall, "hanging on a wall"),
    }
)
"""How to make each backdrop, and how a caption says it."""
