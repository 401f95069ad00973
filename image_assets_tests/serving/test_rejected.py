"""Rejected files over HTTP: reasons, trying again, taking all the same."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served


def test_a_rejected_file_is_shown_retried_and_given_to_admins_alone(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    served = serve_lake(own_lake)
    listed = served.ask("/v1/rejected", "review").json()
    (file,) = listed["items"]
    assert listed["by_reason"] == {"not_an_image": 1}
    assert bytes.fromhex(file["first_bytes"]) == b"not a picture at all"
    assert (file["is_waiting"], file["can_be_accepted"], file["source_uri"]) == (False, False, None)
    assert served.ask("/v1/rejected", "admin").json()["items"][0]["source_uri"].startswith("landing/2026-03-15/bo/")
    assert served.ask("/v1/rejected", "read").status_code == 403

    path = f"/v1/rejected/{file['id']}/file"
    assert served.ask(path, "review").status_code == 403
    given = served.ask(path, "admin")
    assert given.content == b"not a picture at all"
    assert given.headers["content-type"] == "application/octet-stream"
    assert given.headers["content-disposition"].startswith("attachment")

    refused = served.ask("/v1/rejected/accept", "review", "POST", json={"ids": [file["id"]]})
    assert refused.status_code == 422
    assert "can be taken all the same" in refused.json()["detail"]
    unknown = {"ids": ["0" * 16]}
    assert served.ask("/v1/rejected/retry", "review", "POST", json=unknown).status_code == 404

    retry = {"reason": "not_an_image"}
    assert served.ask("/v1/rejected/retry", "review", "POST", json=retry).status_code == 422
    assert served.ask("/v1/rejected/retry", "review", "POST", json={**retry, "count": 7}).status_code == 409
    assert served.ask("/v1/rejected/retry", "review", "POST", json={**retry, "count": 1}).json()["files"] == 1
    assert served.ask("/v1/rejected", "review").json()["items"][0]["is_waiting"]
    for key in ("bo", "review"):
        waiting = served.ask(f"/v1/images/{file['image_id']}", key)
        assert (waiting.status_code, waiting.json()["state"]) == (200, "pending")
