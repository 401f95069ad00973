"""Strangers' bytes are decoded where they may hang or crash, and each costs only itself."""

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import ModuleType

import numpy as np
import psutil
import pytest

from image_assets.compute.engine import EngineParams
from image_assets.errors import ImageError, RejectionReason, ServiceBusyError
from image_assets.imaging.decode import decode_within
from image_assets.imaging.inspect import InspectParams
from image_assets.imaging.pixels import Pixels
from image_assets.serving.inference.decoder import Decoder, Picture, decode

LIMITS = InspectParams()
PARAMS = EngineParams(workers=2, item_timeout_s=1.0)
WITHIN = partial(decode, longest_side_px=512)


@contextmanager
def decoding(work: Callable[[Picture], Pixels], params: EngineParams = PARAMS) -> Iterator[Decoder]:
    decoder = Decoder(params, work)
    try:
        yield decoder
    finally:
        decoder.close()


def refusal(decoder: Decoder, data: bytes) -> ImageError:
    error = decoder.submit(data, LIMITS).exception(60)
    assert isinstance(error, ImageError)
    return error


def bomb(side_px: int) -> bytes:
    """A PNG of a few bytes that says it is this large."""
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1_000_000))), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_pixels_are_those_that_a_search_by_picture_is_made_with(paint: Callable[..., bytes]) -> None:
    data = paint("green", size=(1600, 1200))
    with decoding(WITHIN, EngineParams(workers=1)) as decoder:
        pixels = decoder.submit(data, LIMITS).result(60)
    np.testing.assert_array_equal(pixels, decode_within(data, 512))


def test_bytes_that_cannot_be_used_are_refused_for_their_reason(paint: Callable[..., bytes]) -> None:
    with decoding(WITHIN, EngineParams(workers=1)) as decoder:
        reasons = [refusal(decoder, data).reason for data in (b"", b"text", bomb(60_000), paint("red")[:400])]
    assert reasons == [
        RejectionReason.EMPTY,
        RejectionReason.NOT_AN_IMAGE,
        RejectionReason.TOO_MANY_PIXELS,
        RejectionReason.TRUNCATED,
    ]


def test_limits_are_those_of_the_question(paint: Callable[..., bytes]) -> None:
    with decoding(WITHIN, EngineParams(workers=1)) as decoder:
        error = decoder.submit(paint("red"), InspectParams(max_bytes=10)).exception(60)
    assert isinstance(error, ImageError)
    assert error.reason is RejectionReason.TOO_LARGE


def test_a_picture_that_hangs_or_crashes_costs_only_itself(hanging: ModuleType) -> None:
    with decoding(hanging.decode_by_name) as decoder:
        answers = [decoder.submit(data, LIMITS) for data in (b"hang", b"a", b"crash", b"b", b"c")]
        shown = [answer.result(60)[0, 0, 0] for answer in answers if answer in (answers[1], answers[3], answers[4])]
        reasons = [answer.exception(60).reason for answer in (answers[0], answers[2])]  # type: ignore[union-attr]
    assert (shown, reasons) == ([97, 98, 99], [RejectionReason.TIMEOUT, RejectionReason.WORKER_CRASHED])


def test_when_workers_cannot_work_whoever_asked_is_told_and_the_next_is_tried(hanging: ModuleType) -> None:
    with decoding(lambda picture: hanging.decode_by_name(picture)) as decoder:
        for _ in range(2):
            error = decoder.submit(b"a", LIMITS).exception(60)
            assert "define it at the top level" in str(error)


def test_a_cancelled_picture_is_not_decoded(hanging: ModuleType) -> None:
    params = EngineParams(workers=1, item_timeout_s=2.0)
    with decoding(hanging.decode_by_name, params) as decoder:
        slow = decoder.submit(b"hang", LIMITS)
        # Were they begun, each would cost its two seconds and a new worker.
        for answer in [decoder.submit(b"hang", LIMITS) for _ in range(40)]:
            assert answer.cancel()
        last = decoder.submit(b"a", LIMITS)
        assert last.result(60).shape == (1, 1, 3)
        assert slow.exception(0) is not None


def test_closing_leaves_no_worker_and_nobody_waiting(hanging: ModuleType) -> None:
    before = {child.pid for child in psutil.Process().children()}
    with decoding(hanging.decode_by_name, EngineParams(workers=2)) as decoder:
        decoder.submit(b"a", LIMITS).result(60)
        waiting = [decoder.submit(b"hang", LIMITS) for _ in range(3)]
    assert all(isinstance(answer.exception(0), ServiceBusyError) for answer in waiting)
    assert {child.pid for child in psutil.Process().children()} <= before
    with pytest.raises(ServiceBusyError):
        decoder.submit(b"a", LIMITS)


def test_nobody_waits_for_all_the_slow_pictures_of_another(hanging: ModuleType) -> None:
    with decoding(hanging.decode_by_name, EngineParams(workers=1, item_timeout_s=1.0)) as decoder:
        slow = [decoder.submit(b"hang", LIMITS, "ann") for _ in range(20)]
        assert decoder.submit(b"a", LIMITS, "bo").result(60).shape == (1, 1, 3)
        assert sum(each.done() for each in slow) <= 3
