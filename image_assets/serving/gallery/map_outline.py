"""A line that was drawn around points of the map, as it stands in an address."""

from typing import Annotated, Final

from pydantic import Field

from image_assets.errors import NoDayError, SearchError
from image_assets.ids import ImageId
from image_assets.serving.service import Service
from image_assets.steps.search.map_points import MapPoints, no_points

_FINE: Final = 1_000
"""A number of the line is a place on the map, 0 to 1, in thousandths, moved so that none is below 0."""

_MARGIN: Final = 0.05
"""How far outside of the map a line may go: points on its edge are within."""

_MOST_NUMBERS: Final = 200
Outline = Annotated[str, Field(max_length=1_200, pattern=r"^[0-9,]*$")]


def points_of(service: Service) -> MapPoints:
    """The map; one without points before any day was run."""
    try:
        return service.search.map_points()
    except NoDayError:
        return no_points()


def images_inside(service: Service, outline: str) -> tuple[ImageId, ...]:
    """The images within a line; `SearchError` for what is no line."""
    numbers = [int(each) / _FINE - _MARGIN for each in outline.split(",") if each]
    if len(numbers) % 2 or len(numbers) > _MOST_NUMBERS:
        raise SearchError(f"a line is pairs of whole numbers, at most {_MOST_NUMBERS // 2} of them")
    return tuple(points_of(service).inside(list(zip(numbers[::2], numbers[1::2], strict=True))))
