"""An image of which a person has taken back a word is in that person's hands again, as it was before."""

from datetime import date, datetime

from image_assets.ids import ImageId
from image_assets.lake.object_store import ObjectStore
from image_assets.steps.classification.leases import LEASE, Lease, take_lease
from image_assets.steps.classification.opinions import OpinionLog, by_image


def hold_again(store: ObjectStore, log: OpinionLog, day: date, image_id: str, person: str, now: datetime) -> bool:
    """Lease the image to whoever took back a word on it; False when somebody else looks at it by now.

    What was given without the model's answer is given without it again.
    """
    said = by_image(each for each in log.of_day(day) if each.image_id == image_id)
    words = [each.opinion for each in said.get(image_id, ()) if each.opinion.decided_by == person and each.is_undone]
    word = words[-1] if words else None
    is_blind, is_audit = bool(word and word.is_blind), bool(word and word.is_audit)
    lease = Lease(ImageId(image_id), day, image_id, person, now + LEASE, is_blind, is_audit)
    return take_lease(store, lease, now)
