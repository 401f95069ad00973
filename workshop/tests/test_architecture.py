import pytest
import torch
from transformers import VisionTextDualEncoderModel

from workshop.builtin.architecture import build_pair, fold


@pytest.fixture(scope="module")
def model() -> VisionTextDualEncoderModel:
    """Random weights whose normalisation has seen pictures."""
    torch.manual_seed(2)
    model, _ = build_pair(["red dress"])
    with torch.no_grad():
        for _ in range(5):
            model.train().get_image_features(pixel_values=torch.rand(8, 3, 64, 64) * 2 - 1)
    model.train(False)
    return model


@torch.no_grad()
def test_folding_the_normalisation_gives_the_same_vectors(model: VisionTextDualEncoderModel) -> None:
    pictures = torch.rand(3, 3, 64, 64) * 2 - 1
    before, after = (each.get_image_features(pixel_values=pictures).pooler_output for each in (model, fold(model)))
    assert before.std() > 0.01
    torch.testing.assert_close(before, after, rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_folding_leaves_the_words_as_they_are(model: VisionTextDualEncoderModel) -> None:
    words = torch.tensor([[2, 4, 5, 3]])
    before, after = (each.get_text_features(input_ids=words).pooler_output for each in (model, fold(model)))
    assert torch.equal(before, after)


def test_a_folded_model_has_no_normalisation_beside_its_convolutions(model: VisionTextDualEncoderModel) -> None:
    assert not [layer for layer in fold(model).modules() if isinstance(layer, torch.nn.BatchNorm2d)]
