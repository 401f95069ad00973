"""Where a model computes, and in which number format."""

from typing import Final

import torch

from image_assets.errors import ConfigurationError

_DTYPES: Final = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def choose_device(wanted: str = "auto") -> str:
    """`auto` takes cuda, else mps, else cpu; anything else must be a device that this machine has.

    Raises:
        ConfigurationError: the device is unknown or absent.
    """
    if wanted == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if _is_present(device))
    if not _is_present(wanted.partition(":")[0]):
        raise ConfigurationError(f"device {wanted!r} is not available here; use auto, cpu, cuda, cuda:N or mps")
    return wanted


def choose_precision(wanted: str, device: str) -> str:
    """`auto` is fp32 on the CPU (the same numbers on every machine), fp16 on mps, bf16 or fp16 on CUDA.

    Raises:
        ConfigurationError: not one of auto, fp32, fp16, bf16.
    """
    if wanted != "auto":
        if wanted not in _DTYPES:
            raise ConfigurationError(f"precision {wanted!r} is unknown; use auto, {', '.join(_DTYPES)}")
        return wanted
    if device.startswith("cuda"):
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "fp16" if device.startswith("mps") else "fp32"


def dtype_of(precision: str) -> torch.dtype:
    """The torch type of fp32, fp16 or bf16."""
    return _DTYPES[precision]


def release_cached_memory(device: str) -> None:
    """Hands memory that torch keeps for reuse back to the device."""
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device.startswith("mps"):
        torch.mps.empty_cache()


def _is_present(kind: str) -> bool:
    if kind == "cuda":
        return torch.cuda.is_available()
    if kind == "mps":
        return torch.backends.mps.is_available()
    return kind == "cpu"
