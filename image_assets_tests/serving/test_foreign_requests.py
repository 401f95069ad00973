"""Requests of strangers: forms, headers, marks of pages and conditions of any bytes are answered, and never by a 500.

Beside what Schemathesis makes up from the description: it writes forms and marks that are nearly right, or whole.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_assets.serving.forms import MAX_FIELD_BYTES, MAX_FIELDS, Form
from image_assets.serving.problems import Problem
from image_assets.serving.sent_pictures import SentPicture
from image_assets_tests.serving.conftest import drawn_photo

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

pytestmark = pytest.mark.fuzz

PICTURE = drawn_photo("red", 1)
PARTS = [
    *(
        b"--x",
        b"--x--",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"--",
        b"--x\r\n",
        b"\r\n--x--\r\n",
        b'"',
        b";",
        b"\x00",
        b"\xff\xfe",
    ),
    *(
        b"Content-Disposition: form-data; ",
        b'name="files"',
        b'; filename="a.jpg"',
        b"; filename*=UTF-8''%ff",
        b"name=label",
    ),
    *(b"Content-Type: image/jpeg\r\n", b"Content-Transfer-Encoding: base64\r\n", b"dress", PICTURE[:50], b"a" * 9000),
]
WHOLE = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n' + PICTURE + b"\r\n--x--\r\n"
forms = st.one_of(
    st.lists(st.sampled_from(PARTS) | st.binary(max_size=20), max_size=12).map(b"".join),
    st.tuples(st.integers(0, len(WHOLE)), st.sampled_from(PARTS)).map(
        lambda cut: WHOLE[: cut[0]] + cut[1] + WHOLE[cut[0] :]
    ),
)
TYPES = [
    *("multipart/form-data; boundary=x", 'multipart/form-data; boundary="x"', "multipart/form-data", ""),
    *("multipart/mixed; boundary=x", "application/json", "image/jpeg", "text/plain; charset=utf-16", ";"),
]
HEADERS = [
    *("Idempotency-Key", "If-None-Match", "If-Match", "Range", "If-Range", "Authorization", "Cookie", "Origin"),
    *("Accept", "Accept-Encoding", "X-Forwarded-For", "X-Request-ID", "Traceparent", "Content-Encoding", "Expect"),
]
VALUES = ["bytes=0-", "bytes=5-2", "bytes=-9999999999999999999", "*", '"', "W/", "Bearer", "Bearer x.y"]
types = st.sampled_from(TYPES)
headers = st.dictionaries(
    st.sampled_from(HEADERS),
    st.sampled_from(VALUES) | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60).map(str.strip),
    max_size=4,
)
PIECES = [
    *("day", "label", "tags", "width_px", "confidence_ratio", "dominant_colours", "uploaded_at", "is_duplicate"),
    *("image_id", "user_id", "=", "!=", ">=", "<=", "2026-03-14", "#ff0000", "red", "1e999", "nan", "", "'", "\x00"),
    *("9" * 30, "true", "x'; DROP TABLE images; --", "\ud800", "0001-01-01T00:00:00+14:00"),
]
conditions = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=4).map("".join)
PATHS = [
    "/v1/images",
    "/v1/search",
    "/",
    "/filters",
    "/rejected",
    "/days",
    "/v1/duplicates",
    "/v1/rejected",
    "/v1/uploads",
]
PARAMETERS = [
    "where",
    "page_token",
    "page_size",
    "q",
    "text",
    "order",
    "day",
    "image_id",
    "state",
    "user",
    "with_duplicates",
]


@pytest.fixture(scope="module")
def client(serve_for_module: Callable[..., "Served"], copy_lake: Callable[[], "Lake"]) -> Iterator[httpx.Client]:
    """Of a service over a lake of its own, with the key of an admin."""
    served = serve_for_module(copy_lake(), rate_limit="1000000/minute", rate_limit_all="1000000/minute")
    key = {"Authorization": f"Bearer {served.lake.keys['admin']}"}
    with httpx.Client(base_url=served.url, headers=key, timeout=120) as asking:
        yield asking


@given(body=forms, pieces=st.integers(1, 40), content_type=st.sampled_from(["x", '"x"', "x; y=z"]))
def test_any_form_is_read_or_refused_however_it_is_cut_into_pieces(body, pieces, content_type):
    try:
        form = Form(f"multipart/form-data; boundary={content_type}", SentPicture)
        for at in range(0, len(body), pieces):
            form.feed(body[at : at + pieces])
        form.finish()
    except Problem:
        return
    assert len(form.fields) <= MAX_FIELDS
    assert all(len(value.encode()) <= 3 * MAX_FIELD_BYTES for _, value in form.fields)


@pytest.mark.parametrize("path", ["/v1/uploads", "/v1/search", "/v1/encode", "/v1/predict", "/v1/predict_batch"])
@given(body=forms, content_type=types, more=headers)
def test_any_body_is_answered(client, path, body, content_type, more):
    answer = client.post(path, content=body, headers={**more, "Content-Type": content_type})
    assert answer.status_code < 500, answer.text


@given(
    path=st.sampled_from(PATHS),
    asked=st.lists(st.tuples(st.sampled_from(PARAMETERS), conditions), max_size=4),
    more=headers,
)
def test_any_question_is_answered(client, path, asked, more):
    answer = client.get(
        path, params=[(name, value.encode("utf-8", "surrogatepass")) for name, value in asked], headers=more
    )
    assert answer.status_code < 500, answer.text


@given(mark=st.text(max_size=60) | st.binary(max_size=60).map(lambda data: urlsafe_b64encode(data).decode()))
def test_any_mark_of_a_page_is_answered(client, mark):
    for path in ("/v1/images", "/v1/uploads", "/v1/duplicates", "/v1/rejected"):
        answer = client.get(path, params={"page_token": mark.encode("utf-8", "surrogatepass")})
        assert answer.status_code < 500, answer.text
