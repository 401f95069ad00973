"""The feed: day by day, the files that the users of a clothing marketplace upload."""

import functools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone

import numpy as np
from PIL import Image, ImageOps

from image_assets.errors import RejectionReason
from image_assets.samples.cameras import Shot, photograph
from image_assets.samples.filenames import camera_filename
from image_assets.samples.mishaps import Mishap
from image_assets.samples.oddities import Oddity, near_copy
from image_assets.samples.schedule import Content, Copy, Photo, Slot, deal, plan_day
from image_assets.samples.shoppers import Shopper, shoppers_of
from image_assets.samples.stock_photos import LABELS, PRODUCTS, Product, take_photo

_SIDECAR_SHARE, _LABEL_SHARE, _WRONG_LABEL_SHARE = 0.8, 0.75, 0.03
_TASTE = 7
"""How many times as likely as others is it who sells a product of the label most."""

_LONG_SIDES_PX = (640, 720, 800)
_LARGE_SHARE, _MIDDLE_SHARE = 0.012, 0.2
_LARGE_PX, _MIDDLE_SCALES = 4000, (1.2, 1.6)


@dataclass(frozen=True, slots=True)
class SampleFile:
    """One upload.

    Attributes:
        day: UTC; the landing folder's.
        user_id: the landing folder's.
        filename: one name, no slash, at most 100 bytes; unique for the day and user.
        data: the file.
        sidecar: the bytes of the JSON file beside it, if there is one; a few are cut short.
        kind: photo, reupload, near_copy, or the name of an oddity or mishap.
        expected: why it must be rejected; None for a file to accept.
    """

    day: date
    user_id: str
    filename: str
    data: bytes
    sidecar: bytes | None
    kind: str
    expected: RejectionReason | None


@dataclass(frozen=True, slots=True)
class _Scene:
    """What a slot would show as a photo; copies look up the scene of their original."""

    shopper: Shopper
    product: Product
    taken_at: datetime
    rng: np.random.Generator


@dataclass(frozen=True, slots=True)
class _Upload:
    """A file before it has a name, and the scene behind it."""

    kind: str
    extension: str
    data: bytes
    scene: _Scene
    expected: RejectionReason | None = None


def generate_feed(days: Sequence[date], images_per_day: int, seed: int) -> Iterator[SampleFile]:
    """The files of the days in order, each made when it is asked for.

    The same seed gives the same bytes; a day does not depend on the other days that are asked for.
    Every product has its turn before one comes again, as another photo of the same.
    """
    for day in days:
        for index, slot in enumerate(plan_day(day, images_per_day, seed)):
            yield _sample_file(slot, day, index, images_per_day, seed)


@functools.lru_cache(maxsize=4)
def _products_of(day: date, count: int, seed: int) -> Sequence[Product]:
    return deal(PRODUCTS, count, day, seed)


def _scene(day: date, index: int, count: int, seed: int) -> _Scene:
    """Who photographs what in a slot; a fresh generator each time, so that a copy repeats its original."""
    shoppers, product = shoppers_of(seed), _products_of(day, count, seed)[index]
    rng = np.random.default_rng([seed, 5, day.toordinal(), index])
    chances = np.array([each.activity * (_TASTE if product.label in each.labels else 1) for each in shoppers])
    shopper = shoppers[int(rng.choice(len(shoppers), p=chances / chances.sum()))]
    hours_ago = float(rng.exponential(30))
    clock = timezone(timedelta(hours=shopper.utc_offset_hours))
    taken_at = (datetime.combine(day, time(), UTC) - timedelta(hours=hours_ago)).astimezone(clock)
    return _Scene(shopper, product, taken_at.replace(microsecond=0), rng)


def _picture(scene: _Scene) -> Image.Image:
    return take_photo(scene.product, scene.rng, int(scene.rng.choice(_LONG_SIDES_PX)))


def _enlarged(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Most photos as they are, some larger, a handful with the 12 megapixels of a phone."""
    chance = rng.random()
    if chance < _LARGE_SHARE:
        return ImageOps.contain(picture, (_LARGE_PX, _LARGE_PX), Image.Resampling.BILINEAR)
    if chance < _LARGE_SHARE + _MIDDLE_SHARE:
        return ImageOps.scale(picture, rng.uniform(*_MIDDLE_SCALES))
    return picture


def _photo(scene: _Scene) -> bytes:
    shot = Shot(scene.taken_at, scene.shopper.home, scene.shopper.user_id)
    return photograph(_enlarged(_picture(scene), scene.rng), scene.shopper.camera, shot, scene.rng)


def _sample_file(slot: Slot, day: date, index: int, count: int, seed: int) -> SampleFile:
    upload = _upload(slot.content, _scene(day, index, count, seed), count, seed)
    scene = upload.scene
    stem = camera_filename(scene.shopper.camera, scene.taken_at, index, scene.rng)
    return SampleFile(
        day=day,
        user_id=scene.shopper.user_id,
        filename=slot.odd_filename or f"{stem}.{upload.extension}",
        data=upload.data,
        sidecar=_sidecar(slot, scene, day, index, count),
        kind=upload.kind,
        expected=upload.expected,
    )


def _upload(content: Content, scene: _Scene, count: int, seed: int) -> _Upload:
    match content:
        case Photo():
            return _Upload("photo", "jpg", _photo(scene), scene)
        case Oddity():
            return _Upload(content.kind, content.extension, content.render(_picture(scene)), scene)
        case Mishap():
            return _Upload(content.kind, content.extension, content.spoil(_photo(scene)), scene, content.reason)
        case Copy():
            original = _scene(content.day, content.index, count, seed)
            photo = _photo(original)
            reshown = _reshown(scene, original)
            if content.is_exact:
                return _Upload("reupload", "jpg", photo, reshown)
            return _Upload("near_copy", "jpg", near_copy(photo, scene.rng), reshown)


def _reshown(scene: _Scene, original: _Scene) -> _Scene:
    """The original's product in the hands of whoever uploads it again: half of the time the same user."""
    shopper = original.shopper if scene.rng.random() < 0.5 else scene.shopper
    return _Scene(shopper, original.product, original.taken_at, scene.rng)


def _sidecar(slot: Slot, scene: _Scene, day: date, index: int, count: int) -> bytes | None:
    rng = scene.rng
    is_wanted = rng.random() < _SIDECAR_SHARE
    fields = {
        "user_id": scene.shopper.user_id,
        "uploaded_at": _uploaded_at(day, index, count, rng),
        "device": f"{scene.shopper.camera.maker} {scene.shopper.camera.model}",
    }
    if rng.random() < _LABEL_SHARE:
        is_wrong = rng.random() < _WRONG_LABEL_SHARE
        fields["label"] = str(rng.choice(LABELS)) if is_wrong else scene.product.label
    if slot.odd_raw_name is not None:
        fields["raw_name"] = slot.odd_raw_name
    written = json.dumps(fields, ensure_ascii=False).encode()
    if slot.has_broken_sidecar:
        return written[: len(written) // 2]
    return written if is_wanted or slot.odd_raw_name is not None else None


def _uploaded_at(day: date, index: int, count: int, rng: np.random.Generator) -> str:
    """An instant of the day, later for later uploads."""
    seconds = int((index + rng.random()) / count * 86_400)
    instant = datetime.combine(day, time(), UTC) + timedelta(seconds=seconds)
    return instant.isoformat().replace("+00:00", "Z")
