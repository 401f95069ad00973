"""What a worker does with one original whose text is wanted: decode it and read it."""

from dataclasses import dataclass
from functools import cache

from image_assets.ids import ImageId, ObjectKey, Sha256
from image_assets.imaging.decode import decode_within
from image_assets.lake.object_store import ReadsAndWrites
from image_assets.models.captioning.text_reader import RapidOcrReader, TextLine, TextParams, TextReader, mean_confidence
from image_assets.steps.images.original import read_verified
from image_assets.steps.increment.outcome import TableValues


@dataclass(frozen=True, slots=True)
class Readable:
    """One original to read; large letters are small on the cleansed image."""

    key: ImageId
    raw_path: ObjectKey
    sha256: Sha256


def read_text(original: Readable, store: ReadsAndWrites, params: TextParams, reader: str) -> TableValues:
    """The columns of `image_text`.

    Raises:
        ImageError: the original is gone, not what was taken in, or does not decode to its last byte.
        ConfigurationError: the extra is not installed.
    """
    data = read_verified(store, original.raw_path, original.sha256)
    pixels = decode_within(data, params.longest_side_px)
    lines = _reader(params).read(pixels)
    values = {
        "text": "\n".join(line.text for line in lines),
        "confidence_ratio": mean_confidence(lines),
        "boxes": [_box(line) for line in lines],
        "reader": reader,
    }
    return {"image_text": values}


@cache
def _reader(params: TextParams) -> TextReader:
    """One per worker: loading the models takes longer than reading a picture."""
    return RapidOcrReader(params)


def _box(line: TextLine) -> dict[str, object]:
    return {
        "text": line.text,
        "confidence_ratio": line.confidence,
        "left_ratio": line.left,
        "top_ratio": line.top,
        "right_ratio": line.right,
        "bottom_ratio": line.bottom,
    }
