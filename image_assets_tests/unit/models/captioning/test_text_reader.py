"""Reading text that Pillow has drawn."""

from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from image_assets.errors import ConfigurationError
from image_assets.imaging.pixels import RgbImage
from image_assets.models.captioning.text_reader import (
    RapidOcrReader,
    TextLine,
    TextParams,
    TextReader,
    mean_confidence,
    reader_name,
)

needs_ocr = pytest.mark.skipif(find_spec("rapidocr") is None, reason="needs the extra image-assets[ocr]")


@pytest.fixture(scope="module")
def reader() -> TextReader:
    return RapidOcrReader(TextParams())


def write(text: str, size_px: int = 48, turn: int = 0) -> RgbImage:
    page = Image.new("RGB", (640, 320), "white")
    ImageDraw.Draw(page).multiline_text((64, 80), text, font=ImageFont.load_default(size_px), fill="black", spacing=24)
    return np.asarray(page.rotate(turn, expand=True))


@needs_ocr
def test_lines_are_read_from_top_to_bottom(reader: TextReader) -> None:
    assert [line.text for line in reader.read(write("SUMMER SALE\nsize 42"))] == ["SUMMER SALE", "size 42"]


@needs_ocr
def test_text_that_stands_on_its_side_is_read(reader: TextReader) -> None:
    assert "COTTON" in [line.text for line in reader.read(write("COTTON", turn=90))]


@needs_ocr
def test_a_box_is_where_the_text_is(reader: TextReader) -> None:
    (line,) = reader.read(write("COTTON"))
    assert (line.left, line.top) == (pytest.approx(64 / 640, abs=0.02), pytest.approx(90 / 320, abs=0.05))
    assert 0.3 < line.right < 0.5
    assert line.confidence > 0.9


@needs_ocr
def test_a_picture_without_text_has_no_lines(reader: TextReader) -> None:
    assert reader.read(np.full((300, 400, 3), 200, np.uint8)) == []


@needs_ocr
def test_the_reader_is_named_with_its_versions() -> None:
    assert reader_name().split()[::2] == ["rapidocr", "onnxruntime"]


def test_a_missing_extra_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"needs no-such-reader: pip install 'image-assets\[ocr\]'"):
        reader_name(["no-such-reader"])


def test_long_lines_weigh_more_in_the_mean() -> None:
    lines = [TextLine("abc", 1.0, 0, 0, 1, 1), TextLine("d", 0.6, 0, 0, 1, 1)]
    assert mean_confidence(lines) == pytest.approx(0.9)


def test_no_text_has_no_confidence() -> None:
    assert mean_confidence([]) is None
