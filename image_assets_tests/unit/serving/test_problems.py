"""What errors are told as."""

import json

import pytest

from image_assets.errors import ImageAssetsError, ObjectNotFoundError, StoreFullError, StoreReadOnlyError
from image_assets.serving.problems import problem_of


@pytest.mark.parametrize(
    ("error", "status", "name", "said"),
    [
        (ObjectNotFoundError("a table went away"), 503, "storage-unavailable", "try again later"),
        (StoreReadOnlyError("a mount"), 503, "storage-unavailable", "read-only: mount it for writing"),
        (StoreFullError("a disk"), 507, "storage-full", "free some space"),
    ],
)
def test_a_storage_that_fails_amid_a_request_is_told_with_what_to_do(
    error: ImageAssetsError, status: int, name: str, said: str
) -> None:
    told = problem_of(error)
    body = json.loads(bytes(told.body))
    assert (told.status_code, body["type"].rpartition(":")[2]) == (status, name)
    assert said in body["detail"]
    assert "Retry-After" in told.headers
