"""How a cloud is asked: where, how long and how often."""

from dataclasses import dataclass

from image_assets.lake.azure.account import AzureAccount


@dataclass(frozen=True, slots=True)
class StorageParams:
    """How a cloud is asked; who asks is told by the variables of its own tools, or by Dagster.

    Attributes:
        endpoint: address of the service where it is not the cloud's own, such as Azurite's or MinIO's; None for that.
        timeout_s: that one request may take.
        retries: of a request that found the service busy or away, at growing intervals drawn at random.
        retry_s: after which it is not tried any more.
        azure: account of a lake in Azure and who asks it; None for those of the environment.
    """

    endpoint: str | None = None
    timeout_s: float = 60.0
    retries: int = 20
    retry_s: float = 120.0
    azure: AzureAccount | None = None
