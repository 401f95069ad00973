"""However the pass over images is run, the vectors are the same; memory that really runs out halves the batch."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from image_assets.errors import ModelError
from image_assets.models.encoders.checkpoints import locate_checkpoint
from image_assets.models.encoders.encoder import Placement, PreparedImage
from image_assets.models.encoders.encoder_loading import load_encoder
from image_assets.models.encoders.forward_pass import CompiledPass
from image_assets.models.encoders.transformers_encoder import TransformersEncoder

on_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
importing_inductor = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")


def load(folder: Path, execution: str = "eager", device: str = "cpu", batch_size: int = 4) -> TransformersEncoder:
    placement = Placement(device, "fp32", batch_size, execution)
    return load_encoder(locate_checkpoint(str(folder), None), placement)


def noise(count: int) -> list[PreparedImage]:
    """Pictures as `clip` takes them, each another."""
    return list(np.random.default_rng(1).integers(0, 255, (count, 32, 32, 3), dtype=np.uint8))


def vectors(encoder: TransformersEncoder, images: list[PreparedImage]) -> np.ndarray:
    return np.stack(list(encoder.encode_prepared(images)))


def run_apart(code: str, folder: Path) -> None:
    """In a process that has allocated, limited and imported nothing before."""
    command = [sys.executable, "-c", SETUP + code, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


SETUP = """
import resource, sys
from pathlib import Path
import numpy as np
from image_assets.models.encoders.checkpoints import locate_checkpoint
from image_assets.models.encoders.encoder import Placement
from image_assets.models.encoders.encoder_loading import load_encoder

def load(batch_size, execution="eager"):
    return load_encoder(locate_checkpoint(sys.argv[1], None), Placement("cpu", "fp32", batch_size, execution))

def vectors(encoder):
    return np.stack(list(encoder.encode_prepared(images)))
"""

REFUSED = """
images = list(np.random.default_rng(1).integers(0, 255, (16_384, 32, 32, 3), dtype=np.uint8))
expected, encoder = vectors(load(512)), load(len(images))
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
room, (_, most) = len(images) * 32 * 32 * 3 * 4 // 2, resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (taken + room, most))
found = vectors(encoder)
assert encoder.load.batch_size < len(images), encoder.load
np.testing.assert_allclose(found, expected, atol=1e-5)
"""

COMPILED = """
images = list(np.random.default_rng(1).integers(0, 255, (6, 32, 32, 3), dtype=np.uint8))
np.testing.assert_allclose(vectors(load(4, "compile")), vectors(load(4)), atol=1e-5)
"""


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux, which limits address space")
def test_a_batch_that_the_allocator_refuses_is_halved_and_every_vector_is_what_it_was(clip_folder: Path) -> None:
    run_apart(REFUSED, clip_folder)


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_a_compiled_pass_gives_the_same_vectors_in_batches_of_any_size(clip_folder: Path) -> None:
    run_apart(COMPILED, clip_folder)


@importing_inductor
def test_what_torch_cannot_compile_is_a_model_error_that_names_the_setting() -> None:
    def compute(batch: torch.Tensor) -> torch.Tensor:
        return batch @ batch

    with pytest.raises(ModelError, match="IMAGE_ASSETS_EXECUTION=eager"):
        CompiledPass(compute, torch.device("cpu"))(torch.rand(2, 3))


@on_cuda
@pytest.mark.parametrize("execution", ["eager", "graphs"])
def test_a_gpu_gives_the_vectors_of_the_cpu_batch_after_batch(clip_folder: Path, execution: str) -> None:
    images = noise(1000)
    found = vectors(load(clip_folder, execution, "cuda", batch_size=64), images)
    np.testing.assert_allclose(found, vectors(load(clip_folder), images), atol=1e-3)


@on_cuda
@pytest.mark.parametrize("execution", ["eager", "graphs"])
def test_a_batch_that_a_gpu_has_no_room_for_is_halved_and_every_vector_is_what_it_was(
    clip_folder: Path, execution: str
) -> None:
    images = noise(65_536)
    expected = vectors(load(clip_folder, device="cuda", batch_size=512), images)
    encoder = load(clip_folder, execution, "cuda", batch_size=len(images))
    torch.cuda.empty_cache()
    taken = torch.cuda.memory_reserved() + len(images) * 32 * 32 * 3 * 4
    torch.cuda.set_per_process_memory_fraction(taken / torch.cuda.mem_get_info()[1])
    try:
        found = vectors(encoder, images)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert encoder.load.batch_size < len(images)
    np.testing.assert_allclose(found, expected, atol=1e-3)
