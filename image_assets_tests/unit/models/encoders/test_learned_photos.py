"""What an encoder says of the photos that it has learned from."""

from pathlib import Path

import pytest

from image_assets.errors import ModelError
from image_assets.models.encoders.encoder import Placement
from image_assets.models.encoders.lazy_encoder import open_encoder
from image_assets.models.encoders.learned_photos import LEARNED_FROM_FILE, read_learned_from, write_learned_from

DIGESTS = ("0" * 64, "a" * 64)


def test_what_was_written_is_read_each_photo_once(tmp_path: Path) -> None:
    write_learned_from(tmp_path, [*DIGESTS, DIGESTS[0]])
    assert read_learned_from(tmp_path) == frozenset(DIGESTS)
    assert (tmp_path / LEARNED_FROM_FILE).read_text().splitlines() == list(DIGESTS)


def test_of_a_checkpoint_that_does_not_tell_nothing_is_known(tmp_path: Path) -> None:
    assert read_learned_from(tmp_path) == frozenset()


def test_a_damaged_list_is_an_error_and_not_a_shorter_list(tmp_path: Path) -> None:
    (tmp_path / LEARNED_FROM_FILE).write_text(f"{DIGESTS[0]}\nabc\n")
    with pytest.raises(ModelError, match="holds 'abc', which is no SHA-256; copy the checkpoint again"):
        read_learned_from(tmp_path)


def test_the_shipped_encoder_tells_what_it_has_learned_from() -> None:
    assert len(open_encoder("builtin", None, Placement("cpu")).description.learned_from) == 3_008


def test_a_folder_tells_what_its_weights_have_learned_from_and_stays_the_same_revision(clip_folder: Path) -> None:
    before = open_encoder(str(clip_folder), None, Placement("cpu")).description
    write_learned_from(clip_folder, DIGESTS)
    after = open_encoder(str(clip_folder), None, Placement("cpu")).description
    (clip_folder / LEARNED_FROM_FILE).unlink()
    assert (after.learned_from, after.revision) == (frozenset(DIGESTS), before.revision)
