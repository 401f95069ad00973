import shutil
from pathlib import Path

import pytest

from image_assets.errors import ModelError
from image_assets.models.encoders.checkpoints import BUILTIN, locate_checkpoint
from image_assets.models.encoders.learned_photos import LEARNED_FROM_FILE, read_learned_from, write_learned_from

FIRST, SECOND = "0" * 64, "f" * 64


def test_the_digests_that_were_noted_are_read_again(tmp_path: Path) -> None:
    write_learned_from(tmp_path, [SECOND, FIRST, SECOND])
    assert (tmp_path / LEARNED_FROM_FILE).read_text() == f"{FIRST}\n{SECOND}\n"
    assert read_learned_from(tmp_path) == {FIRST, SECOND}


def test_a_checkpoint_that_does_not_tell_has_no_known_photos(tmp_path: Path) -> None:
    assert read_learned_from(tmp_path) == frozenset()


def test_a_line_that_is_no_digest_is_a_model_error(tmp_path: Path) -> None:
    (tmp_path / LEARNED_FROM_FILE).write_text(f"{FIRST}\n<html>\n")
    with pytest.raises(ModelError, match="<html>"):
        read_learned_from(tmp_path)


def test_the_shipped_encoder_tells_which_photos_it_learned_from() -> None:
    assert len(read_learned_from(locate_checkpoint(BUILTIN, None).folder)) > 3000


def test_the_list_is_no_part_of_what_decides_a_vector(clip_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clip_folder, tmp_path / "clip")
    before = locate_checkpoint(str(folder), None).revision
    write_learned_from(folder, [FIRST])
    assert locate_checkpoint(str(folder), None).revision == before
