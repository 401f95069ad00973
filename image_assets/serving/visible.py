"""Which images exist for a caller: all, or the own ones alone."""

from datetime import timedelta
from http import HTTPStatus
from typing import Final

from image_assets.access.roles import Role
from image_assets.errors import UnknownImageError
from image_assets.ids import ImageId
from image_assets.models.encoders.encoder import encoder_key
from image_assets.serving.callers import Caller
from image_assets.serving.image_names import as_id, is_whole
from image_assets.serving.problems import Kind, Problem
from image_assets.serving.service import Service
from image_assets.steps.images.receipts import find_pending, receipt_days
from image_assets.steps.images.short_ids import ids_beginning, is_beginning, the_one
from image_assets.steps.questions.image_location import Location
from image_assets.steps.questions.image_record import ImageRecord, pending_image, read_image

NOT_KEPT: Final = {"Cache-Control": "no-store"}
"""Headers of what is not to be shown again once it has changed."""
_ERASED: Final = Kind(HTTPStatus.GONE, "erased")


def is_own(record: ImageRecord, caller: Caller) -> bool:
    """Whether the caller has uploaded an image, and not only the name of who has."""
    location = Location(record.day, record.facts.get("user_id"), record.private.get("source_uri"))
    return caller.may(Role.UPLOAD) and location.is_of(caller.user_id)


def visible_image(service: Service, caller: Caller | None, name: str) -> ImageRecord:
    """What is known of an image; whoever may not see it is told what he would be told of an id that nobody has.

    Raises:
        UnknownImageError: nothing is known to the caller.
        AmbiguousImageError: several ids that the caller may know begin so.
        Problem: 410 for an image that was erased.
    """
    return _visible(service, caller, named_image(service, caller, name))


def named_image(service: Service, caller: Caller | None, name: str) -> ImageId:
    """The id that a caller means by it or by its beginning; that of nobody else's image, for who sees only the own.

    Raises:
        AmbiguousImageError: several begin so.
    """
    image_id = as_id(name)
    if is_whole(name) or not is_beginning(image_id):
        return image_id
    found = ids_beginning(service.tables, image_id)
    if caller and not caller.sees_all:
        found = {each for each in found if _is_seen(service, caller, ImageId(each))}
    return ImageId(the_one(image_id, found) or image_id)


def _is_seen(service: Service, caller: Caller, image_id: ImageId) -> bool:
    try:
        return bool(_visible(service, caller, image_id))
    except (UnknownImageError, Problem):
        return False


def _visible(service: Service, caller: Caller | None, image_id: ImageId) -> ImageRecord:
    """See `visible_image`."""
    location = service.locate(image_id)
    if location is None:
        return _pending(service, caller, image_id)
    if not (caller is None or caller.sees_all or location.is_of(caller.user_id)):
        raise UnknownImageError(f"there is no image {image_id}")
    if location.is_erased:
        raise Problem(_ERASED, f"Image {image_id} was erased; the certificate {image_id} says when.", NOT_KEPT)
    record = read_image(service.tables, image_id, location.day, encoder_key(service.settings.encoder))
    if record is None:
        raise UnknownImageError(f"there is no image {image_id}")
    return record


def _pending(service: Service, caller: Caller | None, image_id: ImageId) -> ImageRecord:
    today = service.now().date()
    recent = [today - timedelta(days=age) for age in range(service.settings.landing_lookback_days)]
    # What is tried again may be of any day.
    receipt = find_pending(service.store, image_id, recent) or find_pending(
        service.store, image_id, receipt_days(service.store)
    )
    if receipt is None or not (caller is None or caller.sees_all or receipt.user_id == caller.user_id):
        raise UnknownImageError(f"there is no image {image_id}")
    return pending_image(receipt)
