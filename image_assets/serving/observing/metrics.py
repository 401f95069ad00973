"""The numbers of a service for Prometheus, in a registry of its own: two applications in one process do not meet.

A route is its template, never a path; no label holds a user, an id or whatever else a stranger chooses.
"""

import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import groupby
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from image_assets.errors import RejectionReason
from image_assets.serving.observing.parts import STATES, PartState

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# They double the series, for what Prometheus finds out by itself.
disable_created_metrics()  # type: ignore[no-untyped-call] # has no annotations

NO_ROUTE: Final = "none"
"""In place of the template, for addresses at which there is nothing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that was answered.

    Attributes:
        route: template of its address.
        method: as it was sent.
        status: of the answer.
        seconds: from its headers to the end of the answer.
        received_bytes: of its body.
        sent_bytes: of the answer's body.
        refused: why files in it cannot become an image.
    """

    route: str
    method: str
    status: int
    seconds: float
    received_bytes: int
    sent_bytes: int
    refused: Sequence[RejectionReason] = ()


class Metrics:
    """What is counted as it happens, and what is asked for when somebody looks."""

    def __init__(self, parts: Callable[[], Sequence[PartState]], loop_lag: Callable[[], float]) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "image_assets_http_requests",
            "Requests that were answered.",
            ["route", "method", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "image_assets_http_request_seconds",
            "Seconds from the headers of a request to the end of its answer.",
            ["route", "method"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.in_progress = Gauge(
            "image_assets_http_requests_in_progress", "Requests that are being answered.", registry=registry
        )
        self._received = Counter(
            "image_assets_http_received_bytes", "Bytes of bodies of requests: uploads.", ["route"], registry=registry
        )
        self._sent = Counter(
            "image_assets_http_sent_bytes", "Bytes of bodies of answers.", ["route"], registry=registry
        )
        self._refused = Counter(
            "image_assets_refused_images",
            "Files in requests that cannot become an image, by reason.",
            ["reason"],
            registry=registry,
        )
        lag = Gauge(
            "image_assets_event_loop_lag_seconds",
            "The latest that the event loop came back in the last minute.",
            registry=registry,
        )
        lag.set_function(loop_lag)
        about = Info("image_assets_build", "What runs here.", registry=registry)
        about.info({"version": version("image-assets"), "python": platform.python_version()})
        ProcessCollector(registry=registry)
        registry.register(_Parts(parts))

    def count(self, seen: Seen) -> None:
        """Take an answered request into account."""
        # Whoever asks may make methods up; each would be a series.
        method = seen.method if seen.method in _METHODS else "other"
        self._requests.labels(seen.route, method, str(seen.status)).inc()
        self._seconds.labels(seen.route, method).observe(seen.seconds)
        self._received.labels(seen.route).inc(seen.received_bytes)
        self._sent.labels(seen.route).inc(seen.sent_bytes)
        for reason in seen.refused:
            self._refused.labels(reason.value).inc()


class _Parts(Collector):
    """Parts of the service as they were examined last."""

    def __init__(self, parts: Callable[[], Sequence[PartState]]) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        states = GaugeMetricFamily("image_assets_part_state", "1 for the state of each part.", labels=["part", "state"])
        seconds = GaugeMetricFamily("image_assets_part_seconds", "How long its examination took.", labels=["part"])
        for part in self._parts():
            for state in STATES:
                states.add_metric([part.name, state], float(part.state == state))
            seconds.add_metric([part.name], part.seconds)
            yield from _families(part)
        yield states
        yield seconds

    def describe(self) -> Iterator[Metric]:
        """Nothing is examined when the collector is registered."""
        return iter(())


def _families(part: PartState) -> Iterator[Metric]:
    for name, found in groupby(part.readings, key=lambda reading: reading.name):
        readings = list(found)
        family = CounterMetricFamily if readings[0].is_counter else GaugeMetricFamily
        labels = [each.label for each in readings if each.label]
        metric = family(f"image_assets_{part.name}_{name}", readings[0].meaning, labels=[key for key, _ in labels[:1]])
        for reading in readings:
            metric.add_metric([reading.label[1]] if reading.label else [], reading.value)
        yield metric
