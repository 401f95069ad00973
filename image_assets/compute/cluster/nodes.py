"""The connection to Ray, and the machines behind it."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import ray

from image_assets.errors import ConfigurationError

_LOCAL_STORE_BYTES: Final = 80 * 2**20
"""Of a Ray that is started here: its smallest, since rows are small and nothing is kept there."""

_KNOCK_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster.

    Attributes:
        node_id: Ray's name of it.
        address: where it is.
        processors: how many Ray was told that it may give away there.
        gpus: likewise.
        is_here: whether this process runs there.
    """

    node_id: str
    address: str
    processors: int
    gpus: int
    is_here: bool


def look_around(*, is_lake_shared: bool) -> Sequence[Node]:
    """The machines that are alive, in a fixed order; joins the cluster that RAY_ADDRESS names if that is to be done.

    Raises:
        ConfigurationError: no cluster is named, it does not answer, or it has machines that do not see the lake.
    """
    if not ray.is_initialized():
        _join(_wanted_address())
    here = ray.get_runtime_context().get_node_id()
    alive = [node for node in ray.nodes() if node["Alive"]]
    found = [_node(told["NodeID"], told["NodeManagerAddress"], told["Resources"], here) for told in alive]
    nodes = sorted(found, key=lambda node: (node.address, node.node_id))
    if not is_lake_shared:
        _refuse_strangers(nodes)
    return nodes


def _refuse_strangers(nodes: Sequence[Node]) -> None:
    strangers = [node.address for node in nodes if not node.is_here and (node.processors or node.gpus)]
    if strangers:
        raise ConfigurationError(
            f"the lake, or its archive, is a folder of this machine, and {len(strangers)} other nodes of the Ray "
            f"cluster do not see it, such as {strangers[0]}: keep it in a cloud (az://, s3://, gs://), or set "
            "IMAGE_ASSETS_ROOT_IS_SHARED=true if all nodes have that folder under the same path"
        )


def _node(node_id: str, address: str, resources: dict[str, float], here: str) -> Node:
    return Node(node_id, address, int(resources.get("CPU", 0)), int(resources.get("GPU", 0)), node_id == here)


def _wanted_address() -> str:
    address = os.environ.get("RAY_ADDRESS", "")
    if not address or "://" in address:
        raise ConfigurationError(
            f"RAY_ADDRESS is {address or 'not set'}: it names the head of the cluster, such as 10.0.0.4:6379, of which "
            "this machine is a node too (ray start --address=… --num-cpus=0 if it is to do no work); or local to try it"
        )
    return address


def _join(address: str) -> None:
    own: dict[str, Any] = {}
    if address == "local":
        own = {"include_dashboard": False, "object_store_memory": _LOCAL_STORE_BYTES}
        # Whoever starts a cluster decides what it tells its makers.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    else:
        _knock(address)
    kept = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **own)
    except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
        raise _cannot_join(address, error) from error
    finally:
        # Ray has its own way to be terminated, and this process has one already.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, kept)


def _knock(address: str) -> None:
    """Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _KNOCK_S).close()
    except (OSError, ValueError) as error:
        raise _cannot_join(address, error) from error


def _cannot_join(address: str, why: Exception) -> ConfigurationError:
    return ConfigurationError(f"cannot join the Ray cluster at RAY_ADDRESS={address}: {why}")
