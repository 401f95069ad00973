"""Whether the service is there."""

from fastapi import APIRouter
from pydantic import BaseModel

from image_assets.serving.callers import PUBLIC

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """The process answers."""

    status: str = "alive"


@router.get("/health", dependencies=[PUBLIC])
async def get_health() -> Health:
    """Alive: nothing is read for this answer; /ready says whether the service can do its work."""
    return Health()
