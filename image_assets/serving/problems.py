"""Errors as clients see them: `application/problem+json` (RFC 9457), whatever part of the service raised them.

A message of the service's own family is for its clients while they can mend the request. What they cannot mend is
told in the log, with the request's id; the answer says only that, because messages name folders.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from asgi_correlation_id import correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_assets import errors
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.serving.observing.request_notes import note_refused
from image_assets.shown_text import plain_lines

_log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
_TYPE: Final = "urn:image-assets:problem:"
_RETRY_S: Final = 5
_LATER: Final[Mapping[type[Exception], str]] = {
    errors.StoreFullError: "The lake's disk is full: free some space there; nothing of this was kept.",
    errors.ErasureBegunError: "The erasure has begun and the image is shown to nobody; send this again to have it end.",
    errors.DamagedIndexError: "The index cannot be read. An operator has it made anew; the log says how.",
    errors.StoreReadOnlyError: "The lake's storage is read-only: mount it for writing; nothing of this was kept.",
}
_RUN_S: Final = 60
_SEE_LOG: Final = "The service failed; the log says why, under this request's id."


class ProblemBody(BaseModel):
    """What went wrong, and what to do about it (RFC 9457)."""

    type: str = Field(description="Stable name of the kind of problem.", examples=[f"{_TYPE}unknown-image"])
    title: str = Field(description="The kind of problem in words.", examples=["Unknown image"])
    status: int = Field(description="The HTTP status.", examples=[404])
    detail: str = Field(description="What happened, and what to do.")
    instance: str = Field(description="The id of the request, as in the log.")
    reason: str | None = Field(default=None, description="Why a file cannot become an image, of the closed list.")
    errors: list[dict[str, str]] | None = Field(
        default=None, description="The faults of the request: `pointer` says where (RFC 6901), `detail` what."
    )


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its status, and its name in the type's URI."""

    status: HTTPStatus
    name: str

    @property
    def title(self) -> str:
        """The name in words."""
        return self.name.replace("-", " ").capitalize()


@dataclass(slots=True, eq=False)
class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """A refusal that a route decides on.

    Attributes:
        kind: what kind of refusal.
        detail: what happened, and what to do.
        headers: of the answer.
        more: further members of the body.
    """

    kind: Kind
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


_AWAY: Final = Kind(HTTPStatus.SERVICE_UNAVAILABLE, "storage-unavailable")
"""Also of an object that was there when the request began: whoever means one that may be missing says so."""
KINDS: Final[Mapping[type[Exception], Kind]] = {
    errors.StaleChangeError: Kind(HTTPStatus.PRECONDITION_FAILED, "changed-since"),
    errors.ChangeRefusedError: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "impossible-change"),
    errors.ImageError: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "unusable-image"),
    errors.UnknownImageError: Kind(HTTPStatus.NOT_FOUND, "unknown-image"),
    errors.AmbiguousImageError: Kind(HTTPStatus.CONFLICT, "ambiguous-image"),
    errors.DecisionError: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "impossible-decision"),
    errors.SearchError: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "impossible-search"),
    errors.DamagedIndexError: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "index-unavailable"),
    errors.ObjectChangedError: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "changed-meanwhile"),
    errors.StoreFullError: Kind(HTTPStatus.INSUFFICIENT_STORAGE, "storage-full"),
    errors.ObjectNotFoundError: _AWAY,
    errors.StoreUnavailableError: _AWAY,
    errors.NoDayError: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "nothing-yet"),
    errors.TableError: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "table-unavailable"),
    errors.PoisonedItemError: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "unusable-item"),
    errors.ModelError: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "model-unavailable"),
    errors.AlreadyTrainingError: Kind(HTTPStatus.CONFLICT, "already-training"),
    errors.ServiceBusyError: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "busy"),
    errors.ImageAssetsError: Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error"),
}
"""The family of errors; the nearest ancestor of an error decides."""

_BUG: Final = Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error")
_INVALID: Final = Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request")


def kind_of(error: Exception) -> Kind:
    """The kind of problem that an error is."""
    return next((KINDS[each] for each in type(error).__mro__ if each in KINDS), _BUG)


def answer(
    kind: Kind, detail: str, headers: Mapping[str, str] | None = None, more: Mapping[str, Any] | None = None
) -> JSONResponse:
    """The answer that tells of a problem."""
    return JSONResponse(body_of(kind, detail, more), kind.status, headers, MEDIA_TYPE)


def body_of(kind: Kind, detail: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A problem as it is told in an answer, or within one about several things."""
    if more and "reason" in more:
        note_refused(str(more["reason"]))
    return {
        "type": f"{_TYPE}{kind.name}",
        "title": kind.title,
        "status": kind.status.value,
        "detail": plain_lines(detail),
        "instance": correlation_id.get() or "",
        **(more or {}),
    }


def told_of(error: Exception) -> str:
    """What is said of an error that a client can mend."""
    return error.detail if isinstance(error, errors.ImageError) else str(error)


def reason_of(error: Exception) -> dict[str, str]:
    """The member of a problem that says why a file cannot become an image, if that is the error."""
    return {"reason": error.reason.value} if isinstance(error, errors.ImageError) else {}


def body_of_error(error: Exception) -> dict[str, Any]:
    """An error as it is told within an answer about several things."""
    return body_of(kind_of(error), told_of(error), reason_of(error))


def problem_of(error: Exception) -> JSONResponse:
    """The answer to an error of the family; what a client cannot mend goes to the log."""
    kind = kind_of(error)
    if isinstance(error, errors.ServiceBusyError):
        return answer(kind, str(error), {"Retry-After": str(error.seconds)})
    if isinstance(error, errors.NoDayError):
        return answer(kind, str(error), {"Retry-After": str(_RUN_S)})
    if kind.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return answer(kind, told_of(error), None, reason_of(error))
    _log.error("%s: %s", kind.name, error, exc_info=error)
    if kind.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return answer(kind, _SEE_LOG)
    return answer(kind, _mended_by_others(kind, error), {"Retry-After": str(_RETRY_S)})


def _mended_by_others(kind: Kind, error: Exception) -> str:
    """What is said of an error that an operator can mend: no path, but what is damaged and how it is looked at."""
    if isinstance(error, errors.TableError) and error.key:
        day, name = object_keys.day_of(ObjectKey(error.key)), error.key.removeprefix(f"{object_keys.TABLES}/")
        which = f"{name.rpartition('/')[0]} of {day}" if day else name.split("/")[0]
        return f"{which} cannot be read. An operator looks with: image-assets doctor; the log says more."
    if isinstance(error, errors.TableError) and error.table:
        return str(error)
    return _LATER.get(type(error), f"{kind.title}: try again later; the log says why, under this request's id.")


def documented(statuses: Iterable[int]) -> dict[int | str, dict[str, Any]]:
    """Statuses that a route may answer with a problem, for its description."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def add_handlers(app: FastAPI) -> None:
    """Have an application answer every error as a problem."""
    app.exception_handler(Problem)(_refuse)
    app.exception_handler(errors.ImageAssetsError)(_explain)
    app.exception_handler(HTTPException)(_name_status)
    app.exception_handler(RequestValidationError)(_list_faults)
    app.exception_handler(Exception)(_admit_bug)


async def _refuse(_: Request, problem: Problem) -> JSONResponse:
    return answer(problem.kind, problem.detail, problem.headers, problem.more)


async def _explain(_: Request, error: errors.ImageAssetsError) -> JSONResponse:
    return problem_of(error)


async def _name_status(request: Request, error: HTTPException) -> Response:
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allow = {"Allow": ", ".join(sorted(_methods_at(request)))}
        if request.method == "OPTIONS":
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=allow)
        return answer(_kind_of_status(error.status_code), _DETAILS[error.status_code], allow)
    if request.method == "OPTIONS" and request.scope["path"] == "*":
        # The service as a whole (RFC 9110, 9.3.7).
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Allow": _ANYWHERE})
    return answer(_kind_of_status(error.status_code), _DETAILS.get(error.status_code, error.detail), error.headers)


def _methods_at(request: Request) -> set[str]:
    """What the address takes: the framework names the methods of the first route of several."""
    routes: Iterable[APIRoute] = request.app.state.routes
    found = {method for route in routes if route.path_regex.match(request.url.path) for method in route.methods or ()}
    return found | {"OPTIONS"} | ({"HEAD"} if "GET" in found else set())


async def _list_faults(_: Request, error: RequestValidationError) -> JSONResponse:
    found = [{"pointer": _pointer(each["loc"]), "detail": _fault(each)} for each in error.errors()]
    said = "; ".join(f"{each['pointer']}: {each['detail']}" for each in found[:_NAMED])
    return answer(_INVALID, said, None, {"errors": found[:_LISTED]})


def _fault(found: Mapping[str, Any]) -> str:
    """In our own words where there are any."""
    if found["type"] == "value_error":
        return str(found["ctx"]["error"])
    if found["type"] == "extra_forbidden":
        return "There is no such field here; /openapi.json lists those that there are"
    return str(found["msg"])


async def _admit_bug(_: Request, error: Exception) -> JSONResponse:
    _log.error("a bug: %s", error, exc_info=error)
    return answer(_BUG, _SEE_LOG)


_NAMED, _LISTED = 3, 20
_ANYWHERE: Final = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
_DETAILS: Final[Mapping[int, str]] = {
    404: "There is nothing at this address; /openapi.json lists what there is.",
    405: "This address does not take this method; the header Allow says which.",
}


def _kind_of_status(status: int) -> Kind:
    known = HTTPStatus(status)
    return Kind(known, known.phrase.lower().replace(" ", "-"))


def _pointer(location: Sequence[int | str]) -> str:
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in location)


_PLAIN_DETAILS: Final[Mapping[int, str]] = {
    400: "The request cannot be read, or names a host that this service does not answer for.",
    413: "The body is larger than this address takes.",
    500: _SEE_LOG,
}


class PlainErrorsAsProblems:
    """Middleware: answers in plain text of the layers below the routes become problems like all others, and so do bugs.

    The framework would answer those outside of all middleware: without the request's id and without headers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        replaced: JSONResponse | None = None
        has_begun = False

        async def sending(message: Message) -> None:
            nonlocal replaced, has_begun
            has_begun = True
            if message["type"] == "http.response.start" and _is_plain_error(message):
                status = message["status"]
                replaced = answer(_kind_of_status(status), _PLAIN_DETAILS.get(status, HTTPStatus(status).description))
                there = MutableHeaders(raw=message["headers"]).get("content-range")
                replaced.headers.update({"Content-Range": there} if there else {})
                await replaced(scope, receive, send)
            elif replaced is None:
                await send(message)

        try:
            await self._app(scope, receive, sending)
        # Whatever comes up to here is a bug of ours, and told as one.
        except Exception as error:
            if has_begun:
                raise
            response = await _admit_bug(Request(scope), error)
            await response(scope, receive, send)


def _is_plain_error(message: Message) -> bool:
    kind = MutableHeaders(raw=message["headers"]).get("content-type", "")
    return bool(message["status"] >= HTTPStatus.BAD_REQUEST and kind.startswith("text/plain"))
