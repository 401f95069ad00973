"""Pages as answers: templates filled in, with what all of them have, and errors for people."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, get_origin
from urllib.parse import quote, urlencode

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_assets.access.roles import Role
from image_assets.access.sessions import give_mark
from image_assets.serving.callers import MARK_FIELD, Caller, known_caller
from image_assets.serving.gallery.static import static_path
from image_assets.serving.listed import ListedImage
from image_assets.serving.posted import posted_form
from image_assets.serving.problems import MEDIA_TYPE
from image_assets.serving.service import ServiceHere
from image_assets.shown_text import plain

_TEMPLATES: Final = Path(__file__).parent / "templates"
_ERROR, _SIGN_IN = "problem.html.jinja", "/sign-in"
ROOMS: Final = (
    ("/", "Images", Role.READ),
    ("/review", "Review", Role.REVIEW),
    ("/duplicates", "Duplicates", Role.REVIEW),
    ("/rejected", "Rejected", Role.REVIEW),
    ("/days", "Days", Role.READ),
    ("/map", "Map", Role.READ),
    ("/training", "Training", Role.REVIEW),
    ("/upload", "Upload", Role.UPLOAD),
)
"""Pages that every page links to: address, name, and the role without which it is not shown."""


class Show:
    """Fills in templates for whoever asks; a route has it as a parameter."""

    def __init__(self, request: Request, service: ServiceHere) -> None:
        self._request, self._service = request, service

    def __call__(self, template: str, status: int = HTTPStatus.OK, **values: Any) -> HTMLResponse:
        """A page.

        Args:
            template: name of a file in `templates/`.
            status: of the answer.
            values: what the template is filled in with, besides `caller`, `mark`, `rooms`, `here` and `query`.
        """
        caller: Caller = self._request.state.caller
        own = {
            "mark": give_mark(self._service.links, caller.change_mark_of),
            "query": self._request.query_params,
            "dagster_url": self._service.settings.dagster_url,
        }
        return HTMLResponse(fill(template, {**frame(caller, self._request.url.path), **own, **values}), status)


def frame(caller: Caller | None = None, here: str = "") -> dict[str, Any]:
    """What stands around every page, for somebody who may be unknown."""
    rooms = [room for room in ROOMS if caller and (caller.may(room[2]) or (room[0] == "/" and caller.may(Role.UPLOAD)))]
    return {"caller": caller, "rooms": rooms, "here": here, "mark": ""}


ShowHere: TypeAlias = Annotated[Show, Depends()]
"""The type of a route's parameter that makes its answer."""


async def _posted(request: Request, service: ServiceHere) -> FormData:
    caller: Caller = request.state.caller
    return await posted_form(request, service.bodies, caller.name)


Posted: TypeAlias = Annotated[FormData, Depends(_posted)]
"""The type of a route's parameter that is the form: who asks has been looked at before, and so has its mark."""


def filled_in(model: type[BaseModel]) -> Any:
    """The dependency that makes a model of the form; FastAPI's own would wait for a body that is read already."""

    async def fill_in(form: Posted) -> BaseModel:
        try:
            return model.model_validate(
                {
                    name: form.getlist(name) if get_origin(field.annotation) is list else form[name]
                    for name, field in model.model_fields.items()
                    if name in form
                }
            )
        except ValidationError as error:
            faults = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
            raise RequestValidationError(faults) from error

    return Depends(fill_in)


def go_to(path: str) -> Response:
    """The answer to a form: the browser asks for a page, so that loading it again changes nothing twice."""
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)


def fill(template: str, values: Mapping[str, Any]) -> str:
    """A template filled in; whatever users wrote is escaped and holds no control character."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=lambda value: plain(value) if type(value) is str else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(static=static_path, mark_field=MARK_FIELD)
    environment.filters.update(
        instant=instant, percent=percent, sureness=sureness, thousands=thousands, size=size, with_query=with_query
    )
    return environment


def instant(value: datetime) -> str:
    """A time as people read it, in UTC."""
    return f"{value:%Y-%m-%d %H:%M}"


def percent(ratio: float | None) -> str:
    """A ratio in percent; only what is whole is 100 %, and only nothing is 0 %."""
    if ratio is None:
        return "\N{EN DASH}"
    rounded = round(100 * ratio)
    if rounded == 100 and ratio < 1:
        return "> 99 %"
    return "< 1 %" if rounded == 0 < ratio else f"{rounded} %"


def sureness(image: ListedImage) -> str:
    """How sure the model is, beside a label: with the model's own word where that is another one."""
    if image.predicted_label is None:
        return ""
    sure = percent(image.confidence_ratio)
    return sure if image.label in {None, image.predicted_label} else f"model: {image.predicted_label[:40]} {sure}"


def thousands(number: int) -> str:
    """A number with commas."""
    return f"{number:,}"


def size(number: int) -> str:
    """Bytes as people read them."""
    return f"{number / 1e6:.1f} MB" if number >= 1e6 else f"{number / 1e3:.0f} kB"


def with_query(path: str, query: Mapping[str, Any] | list[tuple[str, str]]) -> str:
    """An address with parameters; a parameter without a value is left out."""
    pairs = list(query.items()) if isinstance(query, Mapping) else query
    text = urlencode([(name, value) for name, value in pairs if value not in (None, "", [])], doseq=True)
    return f"{path}?{text}" if text else path


class ProblemsAsPages:
    """Middleware: who asked for a page is told of a problem by a page, and without a session is asked to sign in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or not _wants_page(scope):
            await self._app(scope, receive, send)
            return
        kept: list[Message] = []

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_problem(message):
                kept.append(message)
            elif not kept:
                await send(message)
            else:
                kept.append(message)
                if not message.get("more_body"):
                    await _page_of(scope, kept)(scope, receive, send)

        await self._app(scope, receive, sending)


def _wants_page(scope: Scope) -> bool:
    return not scope["path"].startswith("/v1/") and "text/html" in Headers(scope=scope).get("accept", "")


def _is_problem(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type") == MEDIA_TYPE


def _page_of(scope: Scope, kept: list[Message]) -> Response:
    problem = json.loads(b"".join(message.get("body", b"") for message in kept[1:]))
    if problem["status"] == HTTPStatus.UNAUTHORIZED and scope["method"] == "GET":
        query = scope["query_string"].decode("latin-1")
        asked = scope["path"] + (f"?{query}" if query else "")
        return RedirectResponse(f"{_SIGN_IN}?next={quote(asked, safe='')}", HTTPStatus.SEE_OTHER)
    headers = {
        name: value for name, value in Headers(raw=kept[0]["headers"]).items() if name in ("retry-after", "allow")
    }
    request = Request(scope)
    around = frame(known_caller(request, request.app.state.service), scope["path"])
    return HTMLResponse(fill(_ERROR, {**around, "problem": problem}), problem["status"], headers)
