import pytest
import torch

from image_assets.errors import ConfigurationError
from image_assets.models.encoders.devices import choose_device, choose_placement, choose_precision, dtype_of
from image_assets.models.encoders.encoder import Placement


def test_auto_takes_a_device_that_is_there() -> None:
    assert torch.zeros(1, device=choose_device("auto")).sum() == 0


def test_the_cpu_is_always_there() -> None:
    assert choose_device("cpu") == "cpu"


@pytest.mark.parametrize("device", ["toaster", "cuda:99", "cuda:first", "cpu:1"])
def test_a_device_that_is_not_there_is_a_configuration_error(device: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"'{device}' is not available here"):
        choose_device(device)


def test_auto_precision_on_the_cpu_is_half_only_where_the_processor_multiplies_it() -> None:
    can = torch.cpu.get_capabilities()
    halves = bool(can.get("avx512_bf16") or can.get("amx_bf16"))
    assert choose_precision("auto", "cpu") == ("bf16" if halves else "fp32")


def test_what_is_left_open_is_chosen_and_what_is_wanted_is_kept() -> None:
    assert choose_placement(Placement("cpu", "fp32")) == Placement("cpu", "fp32", 32)
    assert choose_placement(Placement("cpu", "bf16", 7)) == Placement("cpu", "bf16", 7)


def test_a_wanted_precision_is_kept() -> None:
    assert dtype_of(choose_precision("bf16", "cpu")) == torch.bfloat16


def test_an_unknown_precision_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="fp8"):
        choose_precision("fp8", "cpu")


def test_an_unknown_execution_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match=r"IMAGE_ASSETS_EXECUTION: 'fast' is unknown; use eager, compile"):
        choose_placement(Placement("cpu", execution="fast"))


def test_graphs_without_cuda_are_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="IMAGE_ASSETS_EXECUTION: graphs are of CUDA"):
        choose_placement(Placement("cpu", execution="graphs"))
