"""Whether the service is there, whether it can do its work, and its numbers."""

from typing import Any, Final

from fastapi import APIRouter, Response, status
from fastapi.concurrency import run_in_threadpool
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from image_assets.serving.callers import OPERATOR, PUBLIC
from image_assets.serving.observing.parts import State
from image_assets.serving.service import ServiceHere

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """The process answers."""

    status: str = "alive"


class PartBody(BaseModel):
    """A part of the service."""

    state: State = Field(examples=[State.OK])
    ms: float = Field(description="How long the examination took.", examples=[1.2])
    detail: str = Field(description="What was found, in words.", examples=["12 days, the newest 2026-03-16"])


class Readiness(BaseModel):
    """Whether the service can do its work."""

    is_ready: bool
    parts: dict[str, PartBody]


@router.get("/health", dependencies=[PUBLIC])
async def get_health() -> Health:
    """Alive: nothing is read for this answer; /ready says whether the service can do its work."""
    return Health()


@router.get(
    "/ready",
    dependencies=[PUBLIC],
    responses={status.HTTP_503_SERVICE_UNAVAILABLE: {"model": Readiness, "description": "A part has failed."}},
)
async def get_ready(service: ServiceHere, response: Response) -> Readiness:
    """Each part with its state; 503 when one has failed. A part that does not answer within two seconds has failed.

    What is loading is no fault: requests wait for it.
    """
    found = await service.parts.examine()
    is_ready = all(part.state != State.FAILED for part in found)
    if not is_ready:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    parts = {
        part.name: PartBody(state=part.state, ms=round(part.seconds * 1_000, 1), detail=part.detail) for part in found
    }
    return Readiness(is_ready=is_ready, parts=parts)


_NUMBERS: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/plain": {}}, "description": "Numbers."}}


@router.get("/metrics", dependencies=[OPERATOR], response_class=Response, responses=_NUMBERS)
async def get_metrics(service: ServiceHere) -> Response:
    """The service's numbers in Prometheus' text format, for an admin's key or from this machine."""
    await service.parts.examine()
    content = await run_in_threadpool(generate_latest, service.metrics.registry)
    return Response(content, media_type=CONTENT_TYPE_LATEST)
