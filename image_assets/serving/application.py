"""The application: routes, and what every request passes on its way to them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

import anyio.to_thread
from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from image_assets.serving.crowd import Crowd
from image_assets.serving.examples import add_examples
from image_assets.serving.gallery import (
    accept_many,
    days,
    detail,
    grid,
    overlay,
    review,
    selection,
    sign_in,
    static,
    training,
    upload,
    vector_map,
)
from image_assets.serving.gallery import duplicates as duplicate_pages
from image_assets.serving.gallery import rejected as rejected_pages
from image_assets.serving.gallery.pages import ProblemsAsPages
from image_assets.serving.guards import AnswerHeaders, HeadAsGet, OwnPagesOnly
from image_assets.serving.observing.middleware import Observed
from image_assets.serving.problems import PlainErrorsAsProblems, ProblemBody, add_handlers, documented
from image_assets.serving.request_ids import REQUEST_ID, is_request_id
from image_assets.serving.routes import (
    configuration,
    duplicates,
    health,
    inference,
    joint_reviews,
    records,
    rejected,
    reviews,
    search,
    sent_uploads,
    uploads,
)
from image_assets.serving.service import Service
from image_assets.settings import Settings

ROUTERS: Final = (
    health.router,
    configuration.router,
    uploads.router,
    sent_uploads.router,
    records.router,
    inference.router,
    search.router,
    reviews.router,
    joint_reviews.router,
    duplicates.router,
    rejected.router,
    static.router,
    sign_in.router,
    grid.router,
    review.router,
    accept_many.router,
    duplicate_pages.router,
    training.router,
    detail.router,
    overlay.router,
    selection.router,
    upload.router,
    rejected_pages.router,
    days.router,
    vector_map.router,
)
_THREADS: Final = 8
"""Requests that read the lake at once; more would only take the two or three cores from each other."""
_BODY_BYTES: Final = 2**20
_LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]", "testserver")
_PROBLEMS: Final = (400, 401, 403, 404, 405, 413, 422, 429, 500, 503)


def create_app(settings: Settings, *, is_local: bool = True) -> FastAPI:
    """The service as an ASGI application.

    Args:
        settings: where the lake is, and limits.
        is_local: whether it listens to this machine alone; its owner then needs no key while there is none.
    """
    service = Service(settings, is_local=is_local)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
        service.open()
        try:
            yield
        finally:
            service.close()

    app = _Application(
        title="image_assets",
        # An address is one address: a redirect would be answered outside of what guards the routes.
        redirect_slashes=False,
        summary="Product photos: upload, look up, search, predict, decide.",
        version=version("image-assets"),
        lifespan=lifespan,
        middleware=_middleware(settings, service),
        generate_unique_id_function=_operation_id,
        responses=documented(_PROBLEMS),
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    app.state.routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    add_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    return app


def _middleware(settings: Settings, service: Service) -> list[Middleware]:
    """From the outside in."""
    stack = [
        Middleware(CorrelationIdMiddleware, header_name=REQUEST_ID, validator=is_request_id),
        Middleware(AnswerHeaders),
        Middleware(ProblemsAsPages),
        Middleware(PlainErrorsAsProblems),
        Middleware(Crowd, under_way=service.under_way),
        Middleware(HeadAsGet),
        Middleware(Observed, metrics=service.metrics, trail=service.trail),
        Middleware(TrustedHostMiddleware, allowed_hosts=[*_LOCAL_HOSTS, *settings.hosts], www_redirect=False),
        Middleware(OwnPagesOnly, origins=settings.origins),
        # Here, and not as an argument of FastAPI, which would answer outside of all that stands above.
        Middleware(RequestBodyLimitMiddleware, max_body_size=_BODY_BYTES),
    ]
    if settings.origins:
        stack.append(
            Middleware(
                CORSMiddleware,
                allow_origins=settings.origins,
                allow_methods=["*"],
                allow_headers=["Authorization", "Content-Type", "Content-Digest", "Idempotency-Key", REQUEST_ID],
                expose_headers=["Location", "Retry-After", REQUEST_ID],
            )
        )
    return stack


def _operation_id(route: APIRoute) -> str:
    return route.name


class _Application(FastAPI):
    """With the one shape that every error has in its description, and with examples."""

    def openapi(self) -> dict[str, Any]:
        """See `FastAPI.openapi`."""
        description = super().openapi()
        shapes = description.setdefault("components", {}).setdefault("schemas", {})
        shapes["ProblemBody"] = ProblemBody.model_json_schema()
        add_examples(description)
        return description
