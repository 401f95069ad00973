"""Where a model computes, and in which number format."""

from typing import Final

import torch

from image_assets.errors import ConfigurationError
from image_assets.models.encoders.encoder import Placement
from image_assets.models.encoders.forward_pass import FORWARD_PASSES

_DTYPES: Final = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}

_BF16_ARITHMETIC: Final = ("avx512_bf16", "amx_bf16")
"""Instructions with which oneDNN multiplies bf16 twice as fast as fp32; without them it is nine times slower."""


_BATCH_SIZES: Final = {"cuda": 256, "mps": 64, "cpu": 32}
"""On one CPU core 8, 32, 64 images at a time gave 148, 147, 152 images/s of builtin, 8.1, 8.2, 7.6 of ViT-B/32."""


def choose_placement(wanted: Placement) -> Placement:
    """The same with nothing left open; `ConfigurationError` as for its parts."""
    device = choose_device(wanted.device)
    precision = choose_precision(wanted.precision, device)
    batch_size = wanted.batch_size or _BATCH_SIZES[device.partition(":")[0]]
    return Placement(device, precision, batch_size, choose_execution(wanted.execution, device))


def choose_device(wanted: str = "auto") -> str:
    """`auto` takes cuda, else mps, else cpu; anything else must be a device that this machine has.

    Raises:
        ConfigurationError: the device is unknown or absent.
    """
    if wanted == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if _is_present(device))
    if not _is_present(wanted):
        raise ConfigurationError(
            f"IMAGE_ASSETS_DEVICE: {wanted!r} is not available here; use auto, cpu, cuda, cuda:N or mps"
        )
    return wanted


def choose_precision(wanted: str, device: str) -> str:
    """`auto` is the fastest that is safe: on CUDA and the CPU bf16 where the hardware multiplies it, fp16 on mps.

    Else it is fp16 on CUDA and fp32 on the CPU, where half precision would be emulated.

    Raises:
        ConfigurationError: not one of auto, fp32, fp16, bf16.
    """
    if wanted != "auto":
        if wanted not in _DTYPES:
            raise ConfigurationError(f"IMAGE_ASSETS_PRECISION: {wanted!r} is unknown; use auto, {', '.join(_DTYPES)}")
        return wanted
    if device.startswith("cuda"):
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    if device.startswith("mps"):
        return "fp16"
    return "bf16" if any(torch.cpu.get_capabilities().get(name) for name in _BF16_ARITHMETIC) else "fp32"


def choose_execution(wanted: str, device: str) -> str:
    """The same, where the device can do it.

    Raises:
        ConfigurationError: not one of eager, compile, graphs, or graphs without CUDA.
    """
    if wanted not in FORWARD_PASSES:
        raise ConfigurationError(f"IMAGE_ASSETS_EXECUTION: {wanted!r} is unknown; use {', '.join(FORWARD_PASSES)}")
    if wanted == "graphs" and not device.startswith("cuda"):
        raise ConfigurationError(f"IMAGE_ASSETS_EXECUTION: graphs are of CUDA, and the device is {device}; use eager")
    return wanted


def dtype_of(precision: str) -> torch.dtype:
    """The torch type of fp32, fp16 or bf16."""
    return _DTYPES[precision]


def device_name(device: str) -> str:
    """The GPU's own name; the word itself for mps and cpu."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def peak_memory_bytes(device: str) -> int | None:
    """The most memory that tensors took on a CUDA device so far; None elsewhere."""
    return torch.cuda.max_memory_allocated(device) if device.startswith("cuda") else None


def release_cached_memory(device: str) -> None:
    """Hands memory that torch keeps for reuse back to the device."""
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device.startswith("mps"):
        torch.mps.empty_cache()


def _is_present(device: str) -> bool:
    kind, _, index = device.partition(":")
    if kind == "cuda":
        return (index or "0").isdigit() and int(index or 0) < torch.cuda.device_count()
    if device == "mps":
        return torch.backends.mps.is_available()
    return device == "cpu"
