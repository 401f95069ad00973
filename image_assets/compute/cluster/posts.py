"""Who is wanted where: a foreman on every node, or an actor for every device."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from image_assets.compute.cluster.device_actor import DeviceActor
from image_assets.compute.cluster.foreman import Foreman
from image_assets.compute.cluster.nodes import Node
from image_assets.compute.engine import EngineParams

DEVICE_BATCH: Final = 256
"""Vectors of a few kilobytes each: a message is a megabyte or less."""

_DEVICE_CALLS: Final = 2
"""A GPU computes for one while the other one reads and decodes."""


@dataclass(frozen=True, slots=True)
class Post:
    """A place for one actor.

    Attributes:
        node: where.
        number: of the post, where a node has several.
        workers: how many share a batch.
        smallest_batch: items that are sent at once.
        largest_batch: likewise; twice as many may be in the actor's hands.
        options: what Ray is asked for.
        actor: the class.
        told: what it is told when it is made.
    """

    node: Node
    number: int
    workers: int
    smallest_batch: int
    largest_batch: int
    options: Mapping[str, int] = field(compare=False)
    actor: type[Any] = field(compare=False)
    told: tuple[object, ...] = field(compare=False)

    def fill(self, path: Sequence[str]) -> Any:
        """A new actor, which Ray starts as soon as the node has what it asks for; it is not started twice."""
        there = NodeAffinitySchedulingStrategy(self.node.node_id, soft=False)
        made = ray.remote(self.actor).options(scheduling_strategy=there, max_restarts=0, **self.options)
        return made.remote(list(path), *self.told)


PostsOn: TypeAlias = Callable[[Sequence[Node]], Sequence[Post]]
"""The posts that nodes have."""


def foreman_posts(params: EngineParams, nodes: Sequence[Node]) -> Sequence[Post]:
    """One on each node that has processors, with a worker for each of them."""
    posts = []
    for node in nodes:
        if workers := node.processors:
            told = replace(params, workers=workers)
            options, largest = {"num_cpus": workers}, workers * params.batch_size
            posts.append(Post(node, 0, workers, workers, largest, options, Foreman, (told,)))
    return posts


def device_posts(device: str, nodes: Sequence[Node]) -> Sequence[Post]:
    """One for each GPU; where the cluster has none and none is wanted by name, one on each node with processors.

    None of them asks Ray for processors: foremen have them all, and have nothing to do meanwhile.
    """
    if device.startswith("cuda") or (device == "auto" and any(node.gpus for node in nodes)):
        gpu = {"num_cpus": 0, "num_gpus": 1, "max_concurrency": _DEVICE_CALLS}
        return [_device_post(node, number, gpu) for node in nodes for number in range(node.gpus)]
    return [_device_post(node, 0, {"num_cpus": 0, "num_gpus": 0}) for node in nodes if node.processors]


def visitor_post(node: Node) -> Post:
    """For who only looks how things are."""
    return Post(node, 0, 1, 1, 1, {"num_cpus": 0}, Foreman, (EngineParams(1),))


def _device_post(node: Node, number: int, options: Mapping[str, int]) -> Post:
    return Post(node, number, 1, DEVICE_BATCH, DEVICE_BATCH, options, DeviceActor, (max(1, node.processors),))
