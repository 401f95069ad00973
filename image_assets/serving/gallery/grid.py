"""The first page: images as a grid."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from image_assets.errors import NoDayError
from image_assets.serving.callers import PageReader
from image_assets.serving.gallery.pages import ShowHere
from image_assets.serving.routes.search import ListQuery, list_images
from image_assets.serving.service import ServiceHere

router = APIRouter(include_in_schema=False)


@router.get("/")
def show_grid(
    query: Annotated[ListQuery, Query()], service: ServiceHere, caller: PageReader, show: ShowHere
) -> Response:
    """Images that meet the conditions of the address."""
    try:
        found = list_images(query, service, caller)
    except NoDayError:
        return show("grid.html.jinja", found=None)
    return show("grid.html.jinja", found=found)
