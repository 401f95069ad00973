"""Whether all nodes of a cluster can work, asked without giving them any."""

from collections.abc import Sequence
from typing import Final

import ray

from image_assets.compute.cluster.nodes import Node, look_around
from image_assets.compute.cluster.posts import visitor_post
from image_assets.compute.cluster.versions import refuse_others
from image_assets.errors import ConfigurationError

_PATIENCE_S: Final = 120.0


def call_the_roll(*, is_lake_shared: bool) -> Sequence[Node]:
    """Every node, when each has answered; ConfigurationError when one has not, or has other versions than this one."""
    nodes = look_around(is_lake_shared=is_lake_shared)
    visitors = [(node.address, visitor_post(node).fill([])) for node in nodes]
    try:
        for address, visitor in visitors:
            refuse_others(ray.get(visitor.report_in.remote(), timeout=_PATIENCE_S), address)
    except ray.exceptions.RayError as error:
        raise ConfigurationError(f"the node {address} does not answer: {error}") from error
    finally:
        for _, visitor in visitors:
            ray.kill(visitor)
    return nodes
