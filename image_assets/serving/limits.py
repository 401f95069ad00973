"""How much anybody may ask for: requests of a key, of all callers, and wrong keys of an address."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

from image_assets.serving.problems import Kind, Problem

_parsed = lru_cache(parse)
_TOO_MANY: Final = Kind(HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests")
_WRONG_KEYS: Final = parse("30/minute")
_EVERYBODY: Final = "all"


@dataclass(frozen=True, slots=True)
class RateParams:
    """Rates such as 1200/minute: of one caller, and of all together."""

    of_one: str
    of_all: str


class RateLimits:
    """Counts in memory: each process of a service has counts of its own."""

    def __init__(self) -> None:
        storage = MemoryStorage()
        self._requests = SlidingWindowCounterRateLimiter(storage)
        self._wrong_keys = MovingWindowRateLimiter(storage)

    def take(self, caller: str, params: RateParams, cost: int = 1) -> Mapping[str, str]:
        """Count a request, or a batch of `cost`; the headers that tell the caller what is left.

        Raises:
            Problem: 429 that says when to come again.
        """
        own = _parsed(params.of_one)
        for limit, name in ((own, caller), (_parsed(params.of_all), _EVERYBODY)):
            if not self._requests.hit(limit, name, cost=cost):
                raise _too_many(f"at most {limit.amount} requests in {_seconds(limit)} s", self._wait(limit, name))
        left = self._requests.get_window_stats(own, caller)
        return {
            "RateLimit-Policy": f'"key";q={own.amount};w={_seconds(own)}',
            "RateLimit": f'"key";r={left.remaining};t={max(0, math.ceil(left.reset_time - time.time()))}',
        }

    def count_wrong_key(self, address: str) -> None:
        """Remember a wrong key; a right one is let in however many wrong ones have come from its address.

        Raises:
            Problem: 429 when the address has sent too many.
        """
        if not self._wrong_keys.hit(_WRONG_KEYS, address):
            reset = self._wrong_keys.get_window_stats(_WRONG_KEYS, address).reset_time
            raise _too_many("too many wrong keys from this address", reset - time.time())

    def _wait(self, limit: RateLimitItem, name: str) -> float:
        return self._requests.get_window_stats(limit, name).reset_time - time.time()


def _seconds(limit: RateLimitItem) -> int:
    return limit.get_expiry()


def _too_many(what: str, wait_s: float) -> Problem:
    seconds = max(1, math.ceil(wait_s))
    return Problem(_TOO_MANY, f"{what}: try again in {seconds} s", {"Retry-After": str(seconds)})
