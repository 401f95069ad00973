import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import BertConfig, BertModel

from image_assets.errors import ModelError
from image_assets.models.encoders.checkpoint_description import describe_checkpoint
from image_assets.models.encoders.checkpoints import locate_checkpoint
from image_assets.models.encoders.encoder import EncoderDescription, Placement
from image_assets.models.encoders.lazy_encoder import open_encoder

WITHOUT_TORCH = """
import sys
from image_assets.models.encoders.encoder import Placement
from image_assets.models.encoders.lazy_encoder import open_encoder
assert open_encoder("builtin", None, Placement()).description.dimension == 256
assert not {"torch", "transformers"} & set(sys.modules)
"""


def describe(folder: Path) -> EncoderDescription:
    return describe_checkpoint(locate_checkpoint(str(folder), None))


def test_a_description_needs_neither_torch_nor_transformers() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH], check=True)


def test_the_files_say_what_the_model_does(any_folder: Path) -> None:
    encoder = open_encoder(str(any_folder), None, Placement("cpu", "fp32"))
    described = encoder.description
    assert encoder.encode_texts(["red shoes"]).shape == (1, described.dimension)
    assert (described.input_size_px, described.licence) == (32, "unknown")


def test_nothing_is_loaded_before_something_has_to_be_computed(clip_folder: Path) -> None:
    encoder = open_encoder(str(clip_folder), None, Placement("cpu", "fp32", 4))
    assert encoder.load is None
    encoder.encode_texts(["red shoes"])
    assert encoder.load is not None


def test_a_process_loads_a_model_once(clip_folder: Path) -> None:
    first, second = (open_encoder(str(clip_folder), None, Placement("cpu", "fp32", 3)) for _ in range(2))
    assert first._loaded() is second._loaded()


def test_weights_in_another_format_leave_it_to_the_configuration(make_checkpoint: Callable[[str], Path]) -> None:
    folder = make_checkpoint("clip")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert describe(folder).dimension == 16


@pytest.mark.parametrize(
    ("rules", "size_px"),
    [
        ({"size": 224, "crop_size": 224, "do_center_crop": True}, 224),
        ({"size": {"shortest_edge": 256}, "crop_size": {"height": 240, "width": 240}, "do_center_crop": True}, 240),
        ({"size": {"height": 384, "width": 384}}, 384),
    ],
    ids=["as OpenAI wrote it", "a crop", "stretched"],
)
def test_the_input_size_is_read_from_the_files_of_any_age(
    make_checkpoint: Callable[[str], Path], rules: dict[str, object], size_px: int
) -> None:
    folder = make_checkpoint("clip")
    (folder / "preprocessor_config.json").write_text(json.dumps(rules))
    (folder / "processor_config.json").unlink(missing_ok=True)
    assert describe(folder).input_size_px == size_px


def test_an_input_size_that_is_not_stated_is_a_model_error(make_checkpoint: Callable[[str], Path]) -> None:
    folder = make_checkpoint("siglip")
    (folder / "preprocessor_config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"does not say what size.*'builtin'"):
        describe(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "preprocessor_config.json"])
def test_a_torn_file_is_a_model_error_before_anything_is_loaded(
    make_checkpoint: Callable[[str], Path], name: str
) -> None:
    file = make_checkpoint("clip") / name
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(ModelError, match=rf"{name} cannot be read.*IMAGE_ASSETS_ENCODER"):
        describe(file.parent)


def test_a_model_of_texts_only_has_nothing_to_describe(make_checkpoint: Callable[[str], Path]) -> None:
    folder = make_checkpoint("dual")
    BertModel(BertConfig(vocab_size=11, hidden_size=16, num_hidden_layers=1, num_attention_heads=1)).save_pretrained(
        folder
    )
    with pytest.raises(ModelError, match="not an encoder of images and texts"):
        describe(folder)
