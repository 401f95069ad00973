"""Two images of one photo, one laid over the other as it was when they were found to be the same."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from image_assets.errors import ImageError
from image_assets.ids import ImageId
from image_assets.serving.callers import PageReader
from image_assets.serving.gallery.detail import copies_of
from image_assets.serving.gallery.pages import ShowHere
from image_assets.serving.listed import ListedImage
from image_assets.serving.routes.records import get_image
from image_assets.serving.service import Service, ServiceHere
from image_assets.steps.duplicates.overlays import Placement, Verdict, place_over, read_verdict

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images of one photo.

    Attributes:
        above: the copy.
        below: the one that it is laid over.
        verdict: what was found when they were compared; None when each was compared with a third.
        placement: how the one lies; None when it cannot be made again.
    """

    above: ListedImage
    below: ListedImage
    verdict: Verdict | None
    placement: Placement | None


@router.get("/images/{image_id}/overlay")
def show_overlay(
    image_id: UUID,
    service: ServiceHere,
    caller: PageReader,
    show: ShowHere,
    other: Annotated[UUID | None, Query(alias="with")] = None,
) -> Response:
    """The image and one of its copies, to wipe and to blink."""
    image = get_image(str(image_id), service, caller, Response())
    copies = copies_of(service, caller, ImageId(str(image_id)))
    own = copies_of(service, caller, ImageId(copies[0].image_id)) if copies else []
    shown = {each.image_id: each for each in (*copies, *own)}
    chosen = str(other) if str(other) in shown else (copies[0].image_id if copies else "")
    pair = _pair(service, shown[str(image_id)], shown[chosen]) if copies and str(image_id) in shown else None
    return show("overlay.html.jinja", image=image, pair=pair, copies=copies)


def _pair(service: Service, one: ListedImage, other: ListedImage) -> Pair:
    """The copy above; of two that were compared with a third, the later one."""
    for above, below in ((one, other), (other, one)):
        verdict = read_verdict(service.tables, ImageId(above.image_id), above.day)
        if verdict and verdict.canonical_id == below.image_id and verdict.kind != "unique":
            return Pair(above, below, verdict, _placement(service, above, below, verdict))
    above, below = sorted((one, other), key=lambda each: each.uploaded_at, reverse=True)
    return Pair(above, below, None, _placement(service, above, below, None))


def _placement(service: Service, above: ListedImage, below: ListedImage, verdict: Verdict | None) -> Placement | None:
    turn = None if verdict is None else "upright" if verdict.kind == "exact" else verdict.turn
    places = [(each.day, ImageId(each.image_id)) for each in (above, below)]
    try:
        return place_over(service.store, places[0], places[1], turn)
    except ImageError:
        return None
