import csv
import hashlib
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModel, AutoProcessor

from image_assets import samples
from image_assets.errors import ModelError
from image_assets.imaging.colour_names import COLOURS
from image_assets.models.encoders.encoder import Placement
from image_assets.models.encoders.lazy_encoder import open_encoder
from image_assets.models.encoders.learned_photos import read_learned_from
from workshop.builtin.architecture import build_pair, image_tower_of
from workshop.builtin.drawn_pictures import draw_pictures
from workshop.builtin.optimisation import distance_loss, soft_cross_entropy
from workshop.builtin.photos import read_photos
from workshop.builtin.questions import pose_questions
from workshop.builtin.sentences import Description
from workshop.builtin.training import (
    EpochReport,
    TrainingParams,
    TrainingReport,
    train_builtin,
)

CPU = Placement("cpu", "fp32")
SHORT = TrainingParams(
    epochs=2,
    batch_size=8,
    small_size_px=32,
    final_sizes_px=(32, 40),
    plain_share=0.5,
    cache_size_px=48,
    drawn_pictures=6,
    other_pictures=6,
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve plain cloths: red dresses and blue hats, every third kept aside."""
    folder = tmp_path_factory.mktemp("photos")
    rows = []
    for index in range(12):
        label, rgb = (("dress", (200, 25, 40)), ("hat", (40, 80, 175)))[index % 2]
        Image.new("RGB", (30 + index, 40), rgb).save(folder / f"{index}.jpg")
        split = "validation" if index % 3 == 0 else "train"
        rows.append({"file": f"{index}.jpg", "label": label, "split": split})
    with (folder / "manifest.csv").open("w", newline="") as lines:
        writer = csv.DictWriter(lines, fieldnames=["file", "label", "split"])
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file such as the ImageNet weights come in: the layers in order under other names, and a classifier."""
    torch.manual_seed(5)
    layers = image_tower_of(build_pair(["red dress"])[0]).state_dict()
    named = {f"_{index}": values for index, (name, values) in enumerate(layers.items()) if not name.startswith("norm.")}
    path = tmp_path_factory.mktemp("weights") / "lite2.pth"
    torch.save({**named, "_fc.weight": torch.zeros(1000, 1280)}, path)
    return path


@pytest.fixture(scope="module")
def trained(
    photos: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, TrainingReport, list[EpochReport]]:
    output = tmp_path_factory.mktemp("trained") / "small"
    epochs: list[EpochReport] = []
    report = train_builtin(photos, output, weights, SHORT, epochs.append)
    return output, report, epochs


def test_training_reports_every_epoch_and_the_result(
    trained: tuple[Path, TrainingReport, list[EpochReport]],
) -> None:
    _, report, epochs = trained
    assert [each.epoch for each in epochs] == [1, 2]
    assert all(math.isfinite(each.loss) for each in epochs)
    assert (report.photos, report.epochs) == (8, 2)
    assert report.accuracy_of.keys() == {"dress", "hat"}


def test_the_trained_folder_loads_with_plain_transformers(
    trained: tuple[Path, TrainingReport, list[EpochReport]],
) -> None:
    folder = trained[0]
    inputs = AutoProcessor.from_pretrained(folder)(
        images=[np.zeros((50, 40, 3), np.uint8)], text=["a red dress"], return_tensors="pt"
    )
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    assert torch.isfinite(model(**inputs).logits_per_image).all()


def test_the_trained_folder_loads_as_an_encoder(
    trained: tuple[Path, TrainingReport, list[EpochReport]],
) -> None:
    encoder = open_encoder(str(trained[0]), None, CPU)
    assert encoder.encode_texts(["words never seen", "blue hat"]).shape == (2, encoder.description.dimension)


def test_the_same_seed_gives_the_same_weights(
    photos: Path, weights: Path, trained: tuple[Path, TrainingReport, list[EpochReport]], tmp_path: Path
) -> None:
    train_builtin(photos, tmp_path, weights, SHORT)
    first, second = (open_encoder(str(folder), None, CPU) for folder in (trained[0], tmp_path))
    np.testing.assert_array_equal(first.encode_texts(["red dress"]), second.encode_texts(["red dress"]))


def test_the_trained_folder_tells_which_photos_it_learned_from(
    photos: Path, trained: tuple[Path, TrainingReport, list[EpochReport]]
) -> None:
    learned = [hashlib.sha256((photos / f"{index}.jpg").read_bytes()).hexdigest() for index in range(12) if index % 3]
    assert read_learned_from(trained[0]) == set(learned)


def test_weights_of_another_network_are_a_model_error(photos: Path, tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(ModelError, match="EfficientNet-Lite2"):
        train_builtin(photos, tmp_path / "out", tmp_path / "other.pth", SHORT)


def test_photos_are_described_by_manifest_and_pixels(photos: Path) -> None:
    splits = read_photos(photos, 40, 32)
    assert splits.train.pixels.shape == (8, 3, 40, 40)
    assert splits.validation.pixels.shape == (4, 3, 32, 32)
    assert splits.train.descriptions[0] == Description("hat", "blue")


def test_the_photos_of_the_sample_feed_are_not_learned_from(photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path, dirs_exist_ok=True)
    shutil.copy(Path(samples.__path__[0]) / "photos" / "hat-1.jpg", tmp_path / "1.jpg")
    splits = read_photos(tmp_path, 40, 32)
    assert len(splits.train) == len(splits.train_digests) == 7


def test_a_folder_without_a_manifest_is_a_model_error(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="manifest"):
        train_builtin(tmp_path, tmp_path / "out", weights, SHORT)


def test_a_manifest_without_labels_is_a_model_error(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("file,kind\na.jpg,hat\n")
    with pytest.raises(ModelError, match="lacks a column"):
        train_builtin(tmp_path, tmp_path / "out", weights, SHORT)


def test_drawn_pictures_are_the_same_for_the_same_seed() -> None:
    first, second = draw_pictures(2, 32, seed=4), draw_pictures(2, 32, seed=4)
    assert torch.equal(first.pixels, second.pixels)
    assert first.descriptions == second.descriptions
    assert all(each.colour in (*COLOURS, None) for each in first.descriptions)


def test_a_question_without_a_known_answer_has_no_target() -> None:
    questions = pose_questions([Description("hat", None), Description("hat", "red")], ["dress", "hat"])
    assert [question.targets.sum(dim=1).tolist() for question in questions] == [
        [1, 1],
        [0, 1],
        [0, 1],
        [0, 0],
    ]


def test_the_loss_leaves_rows_without_targets_out() -> None:
    logits = torch.tensor([[2.0, 0.0], [-9.0, 9.0]])
    targets = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    expected = math.log(1 + math.exp(-2))
    assert soft_cross_entropy(logits, targets, 0.0).item() == pytest.approx(expected, abs=1e-6)


def test_a_picture_without_clothing_loses_nothing_when_it_is_far_from_every_label() -> None:
    far, near = torch.tensor([[-0.1, -0.1]]), torch.tensor([[0.8, -0.1]])
    scale, counted = torch.tensor(10.0), torch.ones(1)
    assert distance_loss(far, scale, counted).item() == pytest.approx(0, abs=1e-6)
    assert distance_loss(near, scale, counted).item() > 1
    assert distance_loss(near, scale, torch.zeros(1)).item() == 0
