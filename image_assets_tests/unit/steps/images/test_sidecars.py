import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_assets.steps.images.sidecar import MAX_SIDECAR_BYTES, MAX_TEXT_LENGTH, Sidecar, parse_sidecar


def parsed(**fields: object) -> Sidecar:
    return parse_sidecar(json.dumps(fields).encode())


def test_everything_that_is_said_is_taken() -> None:
    sidecar = parsed(user_id="anna", uploaded_at="2026-10-01T12:00:00Z", label="dress", raw_name="my dress.jpg")
    assert sidecar == Sidecar("anna", datetime(2026, 10, 1, 12, tzinfo=UTC), "dress", "my dress.jpg", None)


def test_nothing_needs_to_be_said() -> None:
    assert parse_sidecar(b"{}") == Sidecar()


def test_what_is_not_known_is_passed_over() -> None:
    assert parsed(device="a phone", label="dress") == Sidecar(label="dress")


def test_null_is_nothing_said() -> None:
    assert parsed(user_id=None, uploaded_at=None) == Sidecar()


def test_a_number_may_name_a_user() -> None:
    assert parsed(user_id=4711).user_id == "4711"


@pytest.mark.parametrize(
    ("text", "hour"),
    [("2026-10-01T12:00:00Z", 12), ("2026-10-01T12:00:00+02:00", 10), ("2026-10-01T12:00:00", 12), ("2026-10-01", 0)],
)
def test_an_instant_is_brought_to_utc_and_taken_as_utc_without_an_offset(text: str, hour: int) -> None:
    assert parsed(uploaded_at=text).uploaded_at == datetime(2026, 10, 1, hour, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "0001-01-01T00:00:00+10:00", "9" * 5000, "1759320000"])
def test_an_instant_that_is_none_costs_that_field_only(text: str) -> None:
    sidecar = parsed(uploaded_at=text, label="dress")
    assert (sidecar.uploaded_at, sidecar.label) == (None, "dress")
    assert "uploaded_at" in (sidecar.problem or "")


@pytest.mark.parametrize("value", [["a"], {"a": 1}, 1.5, True, False, "", "   "])
def test_a_field_that_is_no_text_costs_that_field_only(value: object) -> None:
    sidecar = parsed(label=value, user_id="anna")
    assert sidecar == Sidecar(user_id="anna", problem="label is not a text")


def test_every_problem_is_told() -> None:
    assert parsed(label=[], user_id=[]).problem == "user_id is not a text; label is not a text"


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe\x00", b"[" * 60_000, b'{"user_id": ' + b"1" * 5000 + b"}"])
def test_what_is_not_json_is_told(data: bytes) -> None:
    assert (parse_sidecar(data).problem or "").startswith("not JSON")


@pytest.mark.parametrize("data", [b"[]", b"1", b'"text"', b"null", b"NaN"])
def test_json_that_is_no_object_is_told(data: bytes) -> None:
    assert "object is expected" in (parse_sidecar(data).problem or "")


def test_a_sidecar_has_a_largest_size() -> None:
    data = json.dumps({"label": "x" * MAX_SIDECAR_BYTES}).encode()
    assert str(MAX_SIDECAR_BYTES) in (parse_sidecar(data).problem or "")


def test_a_label_is_taken_in_its_normal_form() -> None:
    assert parsed(label=" Dark\n RED\x1b").label == "dark red"


def test_a_label_that_nobody_can_see_costs_that_field_only() -> None:
    assert parsed(label="\N{ZERO WIDTH SPACE}", user_id="anna") == Sidecar(
        user_id="anna", problem="label has nothing that can be seen"
    )


def test_a_long_text_is_cut() -> None:
    assert parsed(label="x" * 5000).label == "x" * MAX_TEXT_LENGTH


def test_half_a_character_is_replaced() -> None:
    assert parse_sidecar(b'{"label": "a\\ud800b"}').label == "a?b"


@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    parse_sidecar(data)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(["user_id", "uploaded_at", "label", "raw_name", "x"]), values))
def test_no_fields_raise_and_what_is_taken_is_text_that_can_be_stored(fields: dict[str, object]) -> None:
    sidecar = parsed(**fields)
    for value in (sidecar.user_id, sidecar.label, sidecar.raw_name, sidecar.problem):
        assert value is None or value.encode()
