"""When to ask again: the connection failed, or the service says that it will do later what it cannot do now."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx

from image_assets.errors import ServiceError

_LATER: Final = frozenset((408, 425, 429, 502, 503, 504))
_UNDER_WAY: Final = "urn:image-assets:problem:still-under-way"


@dataclass(frozen=True, slots=True)
class Retries:
    """How often, and how long between two tries.

    Attributes:
        attempts: in all.
        first_wait_s: at most, before the second; twice as long before each further one.
        longest_wait_s: at most, before any; what the service asks for in `Retry-After` counts up to it.
    """

    attempts: int = 7
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0

    def ask(self, send: Callable[[], httpx.Response], sleep: Callable[[float], None] = time.sleep) -> httpx.Response:
        """The answer to a request that may be sent again.

        Raises:
            ServiceError: the service was not reached, or answered with a problem.
        """
        for attempt in range(self.attempts):
            is_last = attempt + 1 == self.attempts
            try:
                answer = send()
            except httpx.TransportError as error:
                if is_last:
                    told = f"{error.request.url.copy_with(query=None)} cannot be reached: {error}"
                    raise ServiceError(told, status=None) from error
                sleep(self._wait(attempt, None))
                continue
            if is_last or not _is_worth_another_try(answer):
                return _checked(answer)
            sleep(self._wait(attempt, answer.headers.get("retry-after")))
        raise AssertionError("there is at least one attempt")

    def _wait(self, attempt: int, asked: str | None) -> float:
        """As long as the service asks for, and a random part of the usual wait: not all come back at once."""
        usual = random.uniform(0, min(self.longest_wait_s, self.first_wait_s * 2**attempt))
        least = float(asked) if asked and asked.isdecimal() else 0.0
        return min(self.longest_wait_s, least + usual)


def _is_worth_another_try(answer: httpx.Response) -> bool:
    return answer.status_code in _LATER or (answer.status_code == 409 and _problem(answer).get("type") == _UNDER_WAY)


def _checked(answer: httpx.Response) -> httpx.Response:
    if not answer.is_error:
        return answer
    problem = _problem(answer)
    told = str(problem.get("detail") or f"{answer.status_code} {answer.reason_phrase}")
    raise ServiceError(told, status=answer.status_code, problem=problem)


def _problem(answer: httpx.Response) -> dict[str, object]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
