"""What of an image is told to whom."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from image_assets.access.links import open_signer
from image_assets.access.roles import Role
from image_assets.ids import ImageId
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.serving.callers import Caller
from image_assets.serving.records import Telling, image_of
from image_assets.steps.questions.image_record import ImageRecord, ImageState

OWN, OTHER = ImageId("5c1f8a3e-8f0b-5d6c-9a55-2f1f0f1d7a11"), "7d1f8a3e-8f0b-5d6c-9a55-2f1f0f1d7a11"


@pytest.mark.parametrize(("role", "told"), [(Role.UPLOAD, None), (Role.READ, OTHER)])
def test_an_uploader_is_not_told_of_the_earlier_image_which_may_be_of_somebody_else(
    tmp_path: Path, role: Role, told: str | None
) -> None:
    facts = {"canonical_id": OTHER, "is_duplicate": True, "user_id": "anna"}
    record = ImageRecord(OWN, date(2026, 3, 14), ImageState.DONE, None, None, facts, {}, (), ())
    telling = Telling(
        Caller("anna", "", "anna", (role,), ""), datetime.now(UTC), open_signer(LocalObjectStore(tmp_path))
    )
    assert image_of(record, telling).canonical_id == told
