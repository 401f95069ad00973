"""Where the settings say that work runs."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, TypeAlias

from image_assets.compute.engine import Engine, EngineParams, ProcessEngine
from image_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from image_assets.compute.cluster.ray_engine import RayDevices

EngineName: TypeAlias = Literal["processes", "ray"]


def open_engine(name: EngineName, params: EngineParams, *, is_lake_shared: bool) -> Engine:
    """An engine that starts with its first work; `is_lake_shared`: whether other machines see what the work reads."""
    if name == "processes":
        return ProcessEngine(params)
    refuse_without_ray()
    from image_assets.compute.cluster.ray_engine import RayEngine

    return RayEngine(params, is_lake_shared=is_lake_shared)


def open_devices(device: str, *, is_lake_shared: bool) -> "RayDevices":
    """The devices of a cluster, each with a process that starts with its first work."""
    refuse_without_ray()
    from image_assets.compute.cluster.ray_engine import RayDevices

    return RayDevices(device, is_lake_shared=is_lake_shared)


def refuse_without_ray() -> None:
    """`ConfigurationError` when the extra is not installed."""
    if find_spec("ray") is None:
        raise ConfigurationError('IMAGE_ASSETS_ENGINE=ray needs: pip install "image-assets[ray]"')
