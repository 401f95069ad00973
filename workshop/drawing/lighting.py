"""Light on a scene: noise fields, soft shading, vignette and the grain of a sensor."""

import functools
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""

NEUTRAL = 128
"""The grey that changes nothing when an image is shaded with it."""


def noise(rng: np.random.Generator, size: Size) -> Image.Image:
    """Uniform noise, mode L, each pixel on its own."""
    return Image.frombytes("L", size, rng.bytes(size[0] * size[1]))


def clouds(rng: np.random.Generator, size: Size, cells: Size) -> Image.Image:
    """Smooth noise, mode L, with about `cells` hills across and down."""
    return noise(rng, cells).resize(size, Image.Resampling.BICUBIC)


def faded(shade: Image.Image, strength: float) -> Image.Image:
    """A shade brought closer to neutral; `strength` 0 makes it neutral, 1 leaves it."""
    return shade.point([round(NEUTRAL + (value - NEUTRAL) * strength) for value in range(256)])


def blended(*shades: Image.Image) -> Image.Image:
    """One shade with the effect of several of the same size: their distances from neutral add up."""
    return functools.reduce(lambda first, second: ImageChops.add(first, second, 1, -NEUTRAL), shades)


def shaded(image: Image.Image, shade: Image.Image) -> Image.Image:
    """An RGB image lit by a grey one of its size: 128 changes nothing, darker multiplies, lighter screens."""
    return ImageChops.hard_light(image, Image.merge("RGB", (shade, shade, shade)))


def soft_mask(mask: Image.Image, radius: float) -> Image.Image:
    """A mask blurred by about `radius` pixels; computed small, since nobody sees the difference."""
    factor = max(1, round(radius / 1.5))
    small = mask.reduce(factor).filter(ImageFilter.GaussianBlur(radius / factor))
    return small.resize(mask.size, Image.Resampling.BILINEAR)


def cast_shadow(
    scene: Image.Image, mask: Image.Image, shift: tuple[int, int], radius: float, depth: float
) -> Image.Image:
    """The scene with the soft shadow of a mask upon it; `depth` 0 to 1."""
    moved = Image.new("L", mask.size)
    moved.paste(mask, shift)
    dark = soft_mask(moved, radius).point([round(255 - value * depth) for value in range(256)])
    return ImageChops.multiply(scene, Image.merge("RGB", (dark, dark, dark)))


def lit(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The scene under a lamp from one side, with a tint, corners that fall off and, rarely, a dim room."""
    across, down = np.meshgrid(np.linspace(-1, 1, 32), np.linspace(-1, 1, 32))
    angle, tilt = rng.uniform(0, 2 * np.pi), rng.uniform(0.02, 0.13)
    fall_off = rng.uniform(0.0, 0.14) * (across**2 + down**2) / 2
    level = rng.uniform(0.97, 1.1) * (0.75 if rng.random() < 0.08 else 1.0)
    light = level + tilt * (np.cos(angle) * across + np.sin(angle) * down) - fall_off
    tint = 1 + rng.normal(0, 0.025) * np.array([1.0, 0.1, -1.1])
    values: npt.NDArray[np.uint8] = np.clip(light[:, :, None] * tint * 250, 0, 255).astype(np.uint8)
    lamp = Image.fromarray(values).resize(image.size, Image.Resampling.BILINEAR)
    return ImageChops.multiply(image, lamp)


def grainy(image: Image.Image, rng: np.random.Generator, strength: float) -> Image.Image:
    """The image with the grain of a sensor; `strength` 0 to 1, believable up to 0.1."""
    grain = faded(noise(rng, image.size), strength)
    return ImageChops.add(image, Image.merge("RGB", (grain, grain, grain)), 1, -NEUTRAL)
