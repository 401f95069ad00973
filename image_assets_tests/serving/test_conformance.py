"""The service does what /openapi.json says, whatever it is sent: Schemathesis makes up the requests."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)


@pytest.mark.parametrize(
    ("key", "examples"),
    # Whoever may do everything is asked most: what others are refused is answered before it is looked at.
    [(None, 4), ("anna", 4), ("read", 4), ("review", 4), ("admin", 8)],
)
def test_no_request_that_can_be_made_up_is_answered_otherwise_than_described(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], tmp_path: Path, key: str | None, examples: int
) -> None:
    served = serve_lake(own_lake, rate_limit="1000000/minute", rate_limit_all="1000000/minute")
    known = json.dumps(own_lake.ids_of("anna")[0])
    known_as = ["--header", f"Authorization: Bearer {own_lake.keys[key]}"] if key else []
    (tmp_path / "schemathesis.toml").write_text(f'[parameters]\n"path.image_id" = {known}\n')
    asked = subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "--config-file", tmp_path / "schemathesis.toml"),
            *("run", f"{served.url}/openapi.json", *known_as),
            *("--checks", ",".join(CHECKS), "--max-examples", str(examples), "--generation-deterministic"),
            *("--no-color", "--warnings", "off", "--request-timeout", "120"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stdout[-6_000:] + asked.stderr[-2_000:]
    assert "passed" in asked.stdout
