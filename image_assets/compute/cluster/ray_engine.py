"""Engines over a cluster of Ray: worker processes on every node, and a device for a stream of its own."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, Self

from image_assets.compute.cluster.device_actor import StreamWork
from image_assets.compute.cluster.posts import PostsOn, device_posts, foreman_posts
from image_assets.compute.cluster.remote_stream import RemoteStream
from image_assets.compute.cluster.staff import Staff
from image_assets.compute.engine import EngineParams, pickle_work
from image_assets.compute.outcomes import Item, Outcome, Result
from image_assets.compute.single_stream import SingleStream


class RayEngine:
    """Works in worker processes on all nodes of a cluster; limits and blame are those of `ProcessEngine`.

    A node may be lost at any time and costs the time that its items had taken.
    """

    def __init__(self, params: EngineParams, *, is_lake_shared: bool) -> None:
        """A node has as many workers as Ray has processors there; `is_lake_shared`: whether all see what work reads."""
        self._actors = _Actors(partial(foreman_posts, params), is_lake_shared=is_lake_shared)

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Outcome[Item, Result]]:
        """See `Engine.map`; ConfigurationError as of `ProcessEngine.map`, or when actors are lost again and again."""
        return self._actors.stream(pickle_work(work), items)

    def close(self) -> None:
        """End all actors, and their workers with them."""
        self._actors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class RayDevices:
    """Works in one process per GPU of a cluster, or per node, without limits on an item."""

    def __init__(self, device: str, *, is_lake_shared: bool) -> None:
        self._actors = _Actors(partial(device_posts, device), is_lake_shared=is_lake_shared)

    def stream(self, work: StreamWork, items: Iterable[Any]) -> Iterator[Outcome[Any, Any]]:
        """One outcome per item, in any order, by `work` on some hundred items at a time; see `Engine.map` on errors."""
        return self._actors.stream(pickle_work(work), items)

    def close(self) -> None:
        """End all actors."""
        self._actors.close()


class _Actors:
    """One stream at a time through a staff."""

    def __init__(self, posts_on: PostsOn, *, is_lake_shared: bool) -> None:
        self._staff = Staff(posts_on, is_lake_shared=is_lake_shared)
        self._streams = SingleStream(self._staff)

    def stream(self, work: bytes, items: Iterable[Item]) -> Iterator[Outcome[Item, Any]]:
        return self._streams.read(lambda: RemoteStream[Item, Any](self._staff, work, items).outcomes())

    def close(self) -> None:
        self._streams.close()
