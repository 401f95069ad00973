"""Requests over HTTP while the model is busy: who shares a batch, who is refused, who has left."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import psutil
import pytest

from image_assets.serving.inference.inference import MOST_ITEMS, SHARE_ITEMS

if TYPE_CHECKING:
    from image_assets_tests.serving.inference.conftest import HeldService

Until = Callable[[Callable[[], object]], None]
Paint = Callable[..., bytes]


@pytest.fixture
def threads() -> Any:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def predict(held: "HeldService", data: bytes) -> httpx.Response:
    headers = {"Content-Type": "image/png"}
    return httpx.post(f"{held.url}/v1/predict", content=data, headers=headers, timeout=60)


def predict_many(held: "HeldService", *pictures: bytes) -> httpx.Response:
    files = [("file", (f"{number}.png", data)) for number, data in enumerate(pictures)]
    return httpx.post(f"{held.url}/v1/predict_batch", files=files, timeout=60)


def hold(held: "HeldService", threads: ThreadPoolExecutor, until: Until, data: bytes) -> "Future[httpx.Response]":
    """Have the model work on a picture until the gate is opened."""
    assert predict(held, data).status_code == 200
    held.batches.clear()
    held.gate.clear()
    answer = threads.submit(predict, held, data)
    until(lambda: held.inference.state.on_their_way == 1 and held.inference.state.queue.oldest_s > 0)
    return answer


def test_requests_that_wait_share_a_batch(
    held: "HeldService", threads: ThreadPoolExecutor, until: Until, paint: Paint
) -> None:
    first = hold(held, threads, until, paint("red", kind="PNG"))
    colours = ["green", "blue", "red"]
    answers = [threads.submit(predict, held, paint(colour, kind="PNG")) for colour in colours]
    until(lambda: held.inference.state.queue.waiting == 3)
    held.gate.set()
    assert [answer.result().json()["label"] for answer in (first, *answers)] == ["red", *colours]
    assert held.batches == [1, 3]


def test_a_poisoned_picture_fails_alone(
    held: "HeldService", threads: ThreadPoolExecutor, until: Until, paint: Paint
) -> None:
    first = hold(held, threads, until, paint("red", kind="PNG"))
    answers = [threads.submit(predict, held, paint(colour, kind="PNG")) for colour in ("green", "white", "blue")]
    until(lambda: held.inference.state.queue.waiting == 3)
    held.gate.set()
    assert [answer.result().status_code for answer in (first, *answers)] == [200, 200, 422, 200]
    assert answers[1].result().json()["type"].endswith(":unusable-item")


def test_a_bad_file_of_a_batch_is_a_problem_among_results(held: "HeldService", paint: Paint) -> None:
    answer = predict_many(held, paint("red", kind="PNG"), b"no picture", paint("white", kind="PNG"), paint("blue"))
    results = answer.json()["results"]
    assert answer.status_code == 200
    assert [each.get("prediction", {}).get("label") for each in results] == ["red", None, None, "blue"]
    assert [each.get("problem", {}).get("reason") for each in results] == [None, "not_an_image", None, None]
    assert [each["file"] for each in results] == ["0.png", "1.png", "2.png", "3.png"]


def test_beyond_his_share_a_caller_is_told_at_once_until_when_and_others_find_room(
    held: "HeldService", threads: ThreadPoolExecutor, until: Until, paint: Paint
) -> None:
    picture = paint("red", kind="PNG")
    first = hold(held, threads, until, picture)
    admitted = [threads.submit(predict_many, held, *[picture] * count) for count in (32, SHARE_ITEMS - 33)]
    until(lambda: held.inference.state.on_their_way == SHARE_ITEMS)
    refused = predict(held, picture)
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:image-assets:problem:busy")
    assert int(refused.headers["retry-after"]) >= 1
    held.inference.refuse_when_full("somebody else")
    assert not any(answer.done() for answer in (first, *admitted))
    held.gate.set()
    assert [answer.result().status_code for answer in (first, *admitted)] == [200, 200, 200]
    assert predict(held, picture).status_code == 200


def test_a_client_that_has_left_costs_the_model_nothing(
    held: "HeldService", threads: ThreadPoolExecutor, until: Until, paint: Paint
) -> None:
    first = hold(held, threads, until, paint("red", kind="PNG"))
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{held.url}/v1/predict", content=paint("blue"), headers={"Content-Type": "image/jpeg"}, timeout=1)
    until(lambda: held.inference.state.on_their_way == 1)
    held.gate.set()
    assert first.result().status_code == 200
    assert predict(held, paint("green")).status_code == 200
    assert held.batches == [1, 1]


def test_a_service_whose_model_works_answers_others(
    held: "HeldService", threads: ThreadPoolExecutor, until: Until, paint: Paint
) -> None:
    first = hold(held, threads, until, paint("red", kind="PNG"))
    assert httpx.get(f"{held.url}/health", timeout=30).status_code == 200
    assert not first.done()
    held.gate.set()
    assert first.result().status_code == 200


def test_what_waits_when_the_service_ends_is_told_to_come_again(
    held: "HeldService", threads: ThreadPoolExecutor, until: Until, paint: Paint
) -> None:
    before = {child.pid for child in psutil.Process().children()}
    first = hold(held, threads, until, paint("red", kind="PNG"))
    waiting = threads.submit(predict, held, paint("blue", kind="PNG"))
    until(lambda: held.inference.state.queue.waiting == 1)
    closing = threads.submit(held.inference.close)
    assert waiting.result().status_code == 503
    held.gate.set()
    assert first.result().status_code == 200
    closing.result()
    assert {child.pid for child in psutil.Process().children()} <= before


def test_a_search_in_a_thread_computes_in_the_models_thread(held: "HeldService", paint: Paint) -> None:
    encoder = held.inference.encoder
    red, blue = encoder.encode_texts(["red", "blue"])
    assert np.argmax(encoder.encode_texts(["red"])[0][:3]) == 0
    assert encoder.knows("red")
    assert not encoder.knows("wool")
    picture = np.full((4, 4, 3), (0, 0, 255), np.uint8)
    for row in (encoder.encode_images([picture])[0], next(encoder.encode_prepared([encoder.prepare_image(picture)]))):
        assert row @ blue > 0.9 > row @ red
    assert held.batches


def test_a_thread_may_bring_more_than_there_is_room_for(held: "HeldService") -> None:
    texts = ["red", "green", "blue"] * MOST_ITEMS
    assert held.inference.encoder.encode_texts(texts).shape == (len(texts), 4)
