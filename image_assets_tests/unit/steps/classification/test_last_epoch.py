"""A fine-tuning that is killed goes on where its last finished epoch was, and ends as one that was left alone."""

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import ViTConfig, ViTForImageClassification
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

import image_assets
from image_assets.lake import object_keys
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.models.classifiers.classifier import Examples
from image_assets.models.classifiers.fine_tuning import FineTuner, FineTuningParams
from image_assets.steps.classification.last_epoch import LastEpoch

LABELS = ("red", "blue")
EPOCHS, STEPS, READING = 3, 6, 8

SCRIPT = """
import sys, time
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
import torch
from test_last_epoch import train

torch.set_num_threads(int(sys.argv[6]))

def hang_in_the_second_epoch(done, total):
    if done == int(sys.argv[5]):
        (Path(sys.argv[4]) / "hangs").touch()
        time.sleep(600)

train(Path(sys.argv[3]), Path(sys.argv[4]), hang_in_the_second_epoch)
"""


def pictures(seed: int, count: int) -> Examples:
    source, targets = np.random.default_rng(seed), np.arange(count) % 2
    images = source.integers(0, 90, (count, 40, 48, 3), dtype=np.uint8)
    for image, target in zip(images, targets, strict=True):
        image[..., 2 * target] += 160
    return Examples(list(images), targets)


def train(
    weights: Path, lake: Path, on_progress: object = lambda *_: None, seed: int = 0, learnt: Examples | None = None
) -> Mapping[str, bytes]:
    params = FineTuningParams(str(weights), EPOCHS, batch_size=4, new_layer_rate=0.01, seed=seed, device="cpu")
    trainer = FineTuner(params, LastEpoch(LocalObjectStore(lake)))
    return trainer.train(LABELS, learnt or pictures(1, 24), pictures(2, 8), on_progress).classifier.files()  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vit") / "tiny"
    torch.manual_seed(0)
    layers = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 32, "intermediate_size": 48}
    ViTForImageClassification(ViTConfig(image_size=32, patch_size=16, **layers)).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def undisturbed(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    return train(weights, tmp_path_factory.mktemp("lake"))


def stop_after_first_epoch(done: int, _total: int) -> None:
    if done == READING + STEPS + 1:
        raise KeyboardInterrupt


@pytest.fixture
def stopped(weights: Path, tmp_path: Path) -> Path:
    """A lake with the first epoch of a training that was ended in its second."""
    with pytest.raises(KeyboardInterrupt):
        train(weights, tmp_path, stop_after_first_epoch)
    return tmp_path


def steps_of(weights: Path, lake: Path, **options: object) -> list[int]:
    told: list[int] = []
    train(weights, lake, lambda done, _: told.append(done), **options)  # type: ignore[arg-type]
    return told


def test_a_killed_training_goes_on_and_ends_as_one_that_was_left_alone(
    weights: Path, tmp_path: Path, undisturbed: Mapping[str, bytes]
) -> None:
    paths = [str(Path(image_assets.__file__).parents[1]), str(Path(__file__).parent)]
    arguments = [*paths, str(weights), str(tmp_path), str(READING + STEPS + 3)]
    # How sums are divided among threads tells in their last digits.
    arguments.append(str(torch.get_num_threads()))
    with subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments]) as process:
        give_up_at = time.monotonic() + 240
        while not (tmp_path / "hangs").exists():
            assert process.poll() is None
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    told: list[int] = []
    ended = train(weights, tmp_path, lambda done, _: told.append(done))
    assert told == [*range(1, READING + 1), *range(READING + STEPS + 1, READING + EPOCHS * STEPS + 1)]
    assert ended == undisturbed


def test_a_finished_training_that_was_not_kept_is_not_done_again(
    weights: Path, stopped: Path, undisturbed: Mapping[str, bytes]
) -> None:
    train(weights, stopped)
    assert steps_of(weights, stopped) == list(range(1, READING + 1))
    assert train(weights, stopped) == undisturbed


@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"learnt": pictures(3, 24)}, {"learnt": replace(pictures(1, 24), targets=np.arange(24) // 12)}],
)
def test_another_training_begins_anew(weights: Path, stopped: Path, other: dict[str, object]) -> None:
    assert steps_of(weights, stopped, **other) == list(range(1, READING + EPOCHS * STEPS + 1))


@pytest.mark.parametrize("damage", [lambda data: data[:-100], lambda data: data[:-1] + b"?", lambda data: b""])
def test_a_damaged_epoch_is_told_and_the_training_begins_anew(
    weights: Path, stopped: Path, undisturbed: Mapping[str, bytes], damage: object, caplog: pytest.LogCaptureFixture
) -> None:
    store = LocalObjectStore(stopped)
    store.write(object_keys.LAST_EPOCH, damage(store.read(object_keys.LAST_EPOCH)))  # type: ignore[operator]
    with caplog.at_level(logging.INFO, "image_assets"):
        assert train(weights, stopped) == undisturbed
    assert [each.name for each in caplog.records if each.name.startswith("image_assets")]


def test_what_is_forgotten_is_gone(stopped: Path) -> None:
    store = LocalObjectStore(stopped)
    assert store.exists(object_keys.LAST_EPOCH)
    LastEpoch(store).forget()
    assert not store.exists(object_keys.LAST_EPOCH)
