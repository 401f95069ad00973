"""The settings: what is in force and where it comes from, and changing what may be changed while everything runs."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict, Field

from image_assets.access.roles import Role
from image_assets.configuration import Changes, Configuration, EffectiveValue, read_history
from image_assets.serving.body_route import BodyRoute
from image_assets.serving.callers import Admin, needs
from image_assets.serving.observing.audit import audit
from image_assets.serving.page_tokens import give_token, take_token
from image_assets.serving.paging import USUAL, Page, PageSize, PageToken, cut
from image_assets.serving.problems import MEDIA_TYPE, Kind, Problem, ProblemBody
from image_assets.serving.service import ServiceHere

router = APIRouter(prefix="/v1", tags=["configuration"], route_class=BodyRoute)
_LONGEST_NOTE: Final = 500
_BAD_VERSION: Final = Kind(HTTPStatus.BAD_REQUEST, "no-version")
_STALE: Final[dict[int | str, dict[str, Any]]] = {
    412: {"model": ProblemBody, "content": {MEDIA_TYPE: {}}, "description": "Another version is in force."}
}


class SettingBody(BaseModel):
    """A setting as it is in force."""

    value: str | int | float | bool | None = Field(description="`***` for a secret that is set.", examples=[0.7])
    source: str = Field(
        description="Where it comes from: lake, environment, .env or default.",
        examples=["lake, version 7 by ann at 2026-03-16 09:30:00 UTC"],
    )
    meaning: str
    is_changeable: bool = Field(description="Whether PATCH takes it.")


class ConfigurationBody(BaseModel):
    """All settings; what is set in the lake counts before environment and .env."""

    version: int = Field(description="Of what is set in the lake; 0 for nothing. Also the ETag.", examples=[7])
    settings: dict[str, SettingBody]


class VersionBody(BaseModel):
    """A change of the settings."""

    version: int = Field(examples=[7])
    by: str = Field(description="Name of the key, or of who typed the command.", examples=["ann"])
    at: datetime
    note: str = Field(examples=["fewer reviews before the holidays"])
    changes: dict[str, str | int | float | bool | None] = Field(
        description="The new values; null for what is the environment's again.", examples=[{"review_threshold": 0.7}]
    )


class History(Page[VersionBody]):
    """A page of changes, the newest first."""


class ChangeBody(BaseModel):
    """A change: all of it is one version, or nothing is changed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"changes": {"review_threshold": 0.7}, "note": "fewer reviews"}]},
    )

    changes: Changes
    note: str = Field(default="", max_length=_LONGEST_NOTE, description="Why, for those who ask later.")


@router.get("/config", dependencies=[needs(Role.ADMIN)])
def get_configuration(service: ServiceHere, response: Response) -> ConfigurationBody:
    """Every setting with its value in force and its source."""
    return _told(*service.live.effective(), response)


@router.patch("/config", responses=_STALE)
def change_configuration(
    service: ServiceHere,
    caller: Admin,
    body: ChangeBody,
    response: Response,
    if_match: Annotated[
        str | None, Header(max_length=40, description="The ETag that was looked at; else whatever is in force.")
    ] = None,
) -> ConfigurationBody:
    """Change settings for the service at once and for runs from their next step on; nothing is restarted.

    What a changed value computes anew is computed when a day is run again.
    """
    changes = body.changes.model_dump(exclude_unset=True)
    made = service.live.change(changes, caller.name, service.now(), body.note, _expected(if_match))
    audit("configuration", sorted(changes), f"version {made.version}")
    return _told(*service.live.effective(), response)


@router.get("/config/history", dependencies=[needs(Role.ADMIN)])
def get_configuration_history(
    service: ServiceHere, page_size: PageSize = USUAL, page_token: PageToken = None
) -> History:
    """Who changed what, when and why."""
    before = take_token(service.links, page_token, "history")
    older = [each for each in read_history(service.store) if before is None or each.version < int(before)]
    page = older[: -cut(page_size) - 1 : -1]
    mark = str(page[-1].version) if len(page) < len(older) else None
    return History(items=[_version(each) for each in page], next_page_token=give_token(service.links, mark, "history"))


def _told(version: int, values: Sequence[EffectiveValue], response: Response) -> ConfigurationBody:
    response.headers["ETag"] = f'"{version}"'
    return ConfigurationBody(version=version, settings={each.name: _setting(each) for each in values})


def _setting(each: EffectiveValue) -> SettingBody:
    plain = each.value if isinstance(each.value, str | int | float | bool | None) else str(each.value)
    return SettingBody(value=plain, source=each.source, meaning=each.meaning, is_changeable=each.is_changeable)


def _version(each: Configuration) -> VersionBody:
    return VersionBody(version=each.version, by=each.by, at=each.at, note=each.note, changes=dict(each.changes))


def _expected(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit():
        raise Problem(_BAD_VERSION, 'If-Match is the ETag of GET /v1/config, such as "7".')
    return int(text)
