"""What of an image is told to whom."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from image_assets.access.links import open_signer
from image_assets.access.roles import Role
from image_assets.errors import SearchError
from image_assets.ids import ImageId
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.serving.callers import Caller
from image_assets.serving.listed import SHOWN, shown_image, view_of
from image_assets.serving.records import Telling, image_of
from image_assets.steps.questions.image_record import ImageRecord, ImageState
from image_assets.steps.search.conditions import parse_condition

OWN, OTHER = ImageId("5c1f8a3e-8f0b-5d6c-9a55-2f1f0f1d7a11"), "7d1f8a3e-8f0b-5d6c-9a55-2f1f0f1d7a11"


def caller(role: Role) -> Caller:
    return Caller("anna", "", "anna", (role,), "")


@pytest.mark.parametrize("canonical", [OTHER, str(OWN)])
@pytest.mark.parametrize("role", [Role.UPLOAD, Role.READ])
def test_an_uploader_is_not_told_whether_somebody_else_has_the_same_picture(
    tmp_path: Path, role: Role, canonical: str
) -> None:
    facts = {"canonical_id": canonical, "is_duplicate": canonical == OTHER, "user_id": "anna"}
    record = ImageRecord(OWN, date(2026, 3, 14), ImageState.DONE, None, None, facts, {}, (), ())
    image = image_of(record, Telling(caller(role), datetime.now(UTC), open_signer(LocalObjectStore(tmp_path))))
    told = (None, None) if role is Role.UPLOAD else (canonical, canonical == OTHER)
    assert (image.canonical_id, image.is_duplicate) == told


def test_an_uploader_cannot_ask_for_duplicates_nor_count_or_list_them(tmp_path: Path) -> None:
    view, reader = view_of(caller(Role.UPLOAD)), view_of(caller(Role.READ))
    asked = [parse_condition("is_duplicate=true")]
    reader.check(asked)
    assert reader.facets(["is_duplicate"]) == ["is_duplicate"]
    with pytest.raises(SearchError, match="no column 'is_duplicate'"):
        view.check(asked)
    with pytest.raises(SearchError, match="has no facet"):
        view.facets(["is_duplicate"])
    row = {**dict.fromkeys(SHOWN), "image_id": OWN, "is_duplicate": True, "canonical_id": OTHER}
    signer = open_signer(LocalObjectStore(tmp_path))
    shown = shown_image(row, view, signer, datetime.now(UTC))
    assert (shown["is_duplicate"], shown["canonical_id"]) == (None, None)
    assert shown_image(row, reader, signer, datetime.now(UTC))["is_duplicate"]
