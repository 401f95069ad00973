import pytest
import torch

from image_assets.errors import ConfigurationError
from image_assets.models.devices import choose_device, choose_precision, dtype_of


def test_auto_takes_a_device_that_is_there() -> None:
    assert torch.zeros(1, device=choose_device("auto")).sum() == 0


def test_the_cpu_is_always_there() -> None:
    assert choose_device("cpu") == "cpu"


def test_an_unknown_device_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="toaster"):
        choose_device("toaster")


def test_auto_precision_on_the_cpu_gives_the_same_numbers_everywhere() -> None:
    assert choose_precision("auto", "cpu") == "fp32"


def test_a_wanted_precision_is_kept() -> None:
    assert dtype_of(choose_precision("bf16", "cpu")) == torch.bfloat16


def test_an_unknown_precision_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="fp8"):
        choose_precision("fp8", "cpu")
