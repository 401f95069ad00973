"""Who makes the derivatives of one photo, each in the closest way to the same work that it offers."""

import functools
import hashlib
import importlib.metadata
import io
import logging
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import imagehash
import numpy as np
import simplejpeg
from PIL import Image, ImageDraw, ImageFont, ImageOps

from image_assets.imaging.derivatives import DerivativeParams, make_derivatives
from image_assets.imaging.inspect import InspectParams, inspect_image

SILVER_PX, THUMBNAIL_PX, PREVIEW_PX = 512, 300, 1200
Contestant: TypeAlias = Callable[[bytes], None]


def contestants() -> Iterator[tuple[str, Contestant]]:
    """Names with versions and what to call; says which peers are missing."""
    yield "image_assets", ours
    yield f"Pillow {importlib.metadata.version('pillow')}, naive loop", naive_pillow
    peers = {
        "pyvips": pyvips_chain,
        "opencv-python-headless": opencv_chain,
        "img2dataset": img2dataset_resizer,
        "daft": daft_frame,
        "ray": ray_data,
    }
    for package, prepare in peers.items():
        try:
            yield f"{package} {importlib.metadata.version(package)}", prepare()
        except ImportError as error:
            print(f"left out: {package} ({error})")


def ours(data: bytes) -> None:
    """Everything the platform does with the pixels of a new file, measures, hash and colours among it."""
    hashlib.sha256(data).hexdigest()
    inspect_image(data, InspectParams())
    make_derivatives(data, DerivativeParams())


def naive_pillow(data: bytes) -> None:
    """The loop that everybody writes first: each output from the full picture, the mark drawn each time."""
    hashlib.sha256(data).hexdigest()
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    silver = ImageOps.contain(picture, (SILVER_PX, SILVER_PX), Image.Resampling.LANCZOS)
    saved(silver, "JPEG", quality=90)
    saved(ImageOps.contain(picture, (THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.LANCZOS), "WEBP", quality=80)
    preview = ImageOps.contain(picture, (PREVIEW_PX, PREVIEW_PX), Image.Resampling.LANCZOS).convert("RGBA")
    saved(Image.alpha_composite(preview, drawn_mark.__wrapped__(preview.size)).convert("RGB"), "JPEG", quality=85)
    imagehash.phash(silver)
    grey = np.asarray(silver.convert("L")).astype(float)
    np.var(sum(np.roll(grey, shift, axis) for shift in (1, -1) for axis in (0, 1)) - 4 * grey)
    silver.entropy()


def pyvips_chain() -> Contestant:
    """Shrink-on-load, three thumbnails, one composite, three encodes; no hash, no measures, lenient as by default."""
    import pyvips

    pyvips.concurrency_set(1)
    pyvips.cache_set_max(0)
    marks = functools.cache(lambda width, height: vips_image(pyvips, drawn_mark((width, height))))

    def run(data: bytes) -> None:
        preview = pyvips.Image.thumbnail_buffer(data, PREVIEW_PX, height=PREVIEW_PX, size="down").copy_memory()
        marked = preview.composite2(marks(preview.width, preview.height), "over").flatten()
        marked.jpegsave_buffer(Q=85, keep="none")
        preview.thumbnail_image(SILVER_PX, height=SILVER_PX, size="down").jpegsave_buffer(Q=90, keep="none")
        preview.thumbnail_image(THUMBNAIL_PX, height=THUMBNAIL_PX, size="down").webpsave_buffer(Q=80, effort=2)

    return run


def opencv_chain() -> Contestant:
    """Reduced decoding, area averaging, one blend, three encodes; no hash, no measures, no strictness to be had."""
    import cv2

    cv2.setNumThreads(1)
    marks = functools.cache(lambda size: np.asarray(drawn_mark(size)).astype(np.float32) / 255)

    def fitted(pixels: np.ndarray, side_px: int) -> np.ndarray:
        share = min(1.0, side_px / max(pixels.shape))
        size = (round(pixels.shape[1] * share), round(pixels.shape[0] * share))
        return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)

    def run(data: bytes) -> None:
        raw = np.frombuffer(data, np.uint8)
        is_large = max(Image.open(io.BytesIO(data)).size) >= 2 * PREVIEW_PX
        decoded = cv2.imdecode(raw, cv2.IMREAD_REDUCED_COLOR_2 if is_large else cv2.IMREAD_COLOR)
        preview = fitted(decoded, PREVIEW_PX)
        mark = marks(preview.shape[1::-1])
        alpha = mark[..., 3:]
        marked = (preview * (1 - alpha) + 255 * mark[..., 2::-1] * alpha).astype(np.uint8)
        cv2.imencode(".jpg", marked, [cv2.IMWRITE_JPEG_QUALITY, 85])
        cv2.imencode(".jpg", fitted(preview, SILVER_PX), [cv2.IMWRITE_JPEG_QUALITY, 90])
        cv2.imencode(".webp", fitted(preview, THUMBNAIL_PX), [cv2.IMWRITE_WEBP_QUALITY, 80])

    return run


def img2dataset_resizer() -> Contestant:
    """Its resizer, once for each of the three sizes; it knows neither orientation nor watermarks."""
    from img2dataset.resizer import Resizer

    sizes = ((SILVER_PX, "jpg", 90), (THUMBNAIL_PX, "webp", 80), (PREVIEW_PX, "jpg", 85))
    resizers = [
        Resizer(side_px, "keep_ratio_largest", resize_only_if_bigger=True, encode_quality=quality, encode_format=kind)
        for side_px, kind, quality in sizes
    ]

    def run(data: bytes) -> None:
        for resizer in resizers:
            error = resizer(io.BytesIO(data))[-1]
            if error:
                raise ValueError(error)

    return run


def daft_frame() -> Contestant:
    """Decode, three resizes and encodes as expressions over a frame; no WebP, so JPEG for all."""
    import daft

    def run(data: bytes) -> None:
        width_px, height_px = Image.open(io.BytesIO(data)).size
        frame = daft.from_pydict({"data": [data]}).select(daft.col("data").decode_image().alias("picture"))
        columns = []
        for side_px in (SILVER_PX, THUMBNAIL_PX, PREVIEW_PX):
            share = min(1.0, side_px / max(width_px, height_px))
            resized = daft.col("picture").resize(round(width_px * share), round(height_px * share))
            columns.append(resized.encode_image("jpeg").alias(str(side_px)))
        frame.select(*columns).collect()

    return run


def ray_data() -> Contestant:
    """Ray Data brings no resizer: the naive loop as its map function, with one processor."""
    import ray

    logging.getLogger("ray.data").setLevel(logging.WARNING)
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False

    def run(data: bytes) -> None:
        ray.data.from_items([{"data": data}] * 8).map(naive_row).materialize()

    return run


def naive_row(row: dict[str, bytes]) -> dict[str, int]:
    """One row of a Ray dataset."""
    naive_pillow(row["data"])
    return {"size": len(row["data"])}


def floor_of(data: bytes) -> Contestant:
    """Only what no one can leave out: the strict, scaled decoding, and the three encodes of what came out before."""
    made = make_derivatives(data, DerivativeParams())
    assert made.silver
    assert made.thumbnail
    assert made.preview
    files = (made.silver.encoded, made.thumbnail, made.preview)
    silver, thumbnail, preview = (Image.open(io.BytesIO(file.data)).convert("RGB") for file in files)
    width_px, height_px = Image.open(io.BytesIO(data)).size
    scale = next((scale for scale in (8, 4, 2) if -(-max(width_px, height_px) // scale) >= PREVIEW_PX), 1)

    def run(data: bytes) -> None:
        simplejpeg.decode_jpeg(data, min_height=-(-height_px // scale), min_width=-(-width_px // scale))
        saved(silver, "JPEG", quality=90)
        saved(thumbnail, "WEBP", quality=80, method=2)
        saved(preview, "JPEG", quality=85)

    return run


@functools.cache
def drawn_mark(size: tuple[int, int]) -> Image.Image:
    """A tiled text, transparent elsewhere."""
    layer = Image.new("RGBA", size)
    draw, font = ImageDraw.Draw(layer), ImageFont.load_default(max(10, round(max(size) * 0.04)))
    for y in range(0, size[1], max(60, size[1] // 6)):
        for x in range(0, size[0], max(100, size[0] // 4)):
            draw.text((x, y), "image assets", font=font, fill=(255, 255, 255, 76), stroke_width=2)
    return layer


def vips_image(pyvips: Any, picture: Image.Image) -> Any:
    """The mark as libvips wants it."""
    width_px, height_px = picture.size
    made = pyvips.Image.new_from_memory(picture.tobytes(), width_px, height_px, 4, "uchar")
    return made.copy(interpretation="srgb")


def saved(picture: Image.Image, format_name: str, **options: Any) -> bytes:
    """The picture as a file."""
    file = io.BytesIO()
    picture.save(file, format_name, **options)
    return file.getvalue()
