import os
import shutil
from pathlib import Path

import huggingface_hub.constants
import pytest

from image_assets.errors import ModelError
from image_assets.models.encoders.checkpoints import locate_checkpoint
from image_assets.models.encoders.encoder import encoder_key


def test_a_slash_never_reaches_an_object_key() -> None:
    assert encoder_key("openai/clip-vit-large-patch14") == "openai--clip-vit-large-patch14"
    assert "/" not in encoder_key("../../etc/pass wd")


def test_a_model_that_is_not_cached_fails_clearly_in_offline_mode(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"offline mode is on.*IMAGE_ASSETS_ENCODER.*'builtin'"):
        locate_checkpoint("nobody/no-such-model", None)


def test_a_hub_that_does_not_answer_fails_clearly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match=r"the hub cannot be reached.*'builtin'"):
        locate_checkpoint("nobody/no-such-model", None)


@pytest.mark.parametrize("name", ["", "no/such/folder/here", "white space"])
def test_what_is_neither_folder_nor_hub_name_is_a_model_error(name: str) -> None:
    with pytest.raises(ModelError, match="IMAGE_ASSETS_ENCODER"):
        locate_checkpoint(name, None)


def test_a_folder_without_weights_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="the weights are missing"):
        locate_checkpoint(str(tmp_path), None)


def test_the_licence_is_read_from_the_model_card(clip_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clip_folder, tmp_path / "carded")
    (folder / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# A model\n")
    assert locate_checkpoint(str(folder), None).licence == "cc0-1.0"


def test_other_weights_are_noticed_and_the_same_file_is_not_read_again(clip_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clip_folder, tmp_path / "changing")
    weights = folder / "model.safetensors"
    revision, before = locate_checkpoint(str(folder), None).revision, weights.stat()
    weights.write_bytes(b"x" * before.st_size)
    assert locate_checkpoint(str(folder), None).revision != revision
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert locate_checkpoint(str(folder), None).revision == revision


def test_a_cached_hub_model_needs_no_network_and_is_pinned_by_its_commit(
    clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    cached = tmp_path / "models--maker--tiny-clip"
    shutil.copytree(clip_folder, cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    checkpoint = locate_checkpoint("maker/tiny-clip", None)
    assert (checkpoint.name, checkpoint.revision) == ("maker--tiny-clip", commit)
    assert checkpoint.source == "https://huggingface.co/maker/tiny-clip"
