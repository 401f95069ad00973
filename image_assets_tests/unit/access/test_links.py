"""Signatures: of this lake, for one purpose, valid through one change of the secret."""

from pathlib import Path

from image_assets.access.links import (
    LinkSigner,
    Signature,
    _add,
    _LinkSecrets,
    _read,
    open_signer,
    rotate_link_secret,
)
from image_assets.lake.local_object_store import LocalObjectStore


def signer_of(folder: Path) -> LinkSigner:
    return open_signer(LocalObjectStore(folder))


def test_a_signature_holds_after_a_restart_and_nowhere_else(tmp_path: Path) -> None:
    signature = signer_of(tmp_path / "one").sign("picture", "x")
    assert signer_of(tmp_path / "one").verifies("picture", "x", signature)
    assert not signer_of(tmp_path / "other").verifies("picture", "x", signature)


def test_a_signature_is_of_one_text_for_one_purpose(tmp_path: Path) -> None:
    signer = signer_of(tmp_path)
    signature = signer.sign("picture", "x")
    assert not signer.verifies("picture", "y", signature)
    assert not signer.verifies("page", "x", signature)
    assert not signer.verifies("picture", "x", Signature("", signature.digits))
    assert not signer.verifies("picture", "x", Signature(signature.secret_id, "é"))


def test_a_signature_outlives_one_rotation_and_not_two(tmp_path: Path) -> None:
    signature = signer_of(tmp_path).sign("picture", "x")
    rotate_link_secret(LocalObjectStore(tmp_path))
    assert signer_of(tmp_path).verifies("picture", "x", signature)
    assert signer_of(tmp_path).sign("picture", "x") != signature
    rotate_link_secret(LocalObjectStore(tmp_path))
    assert not signer_of(tmp_path).verifies("picture", "x", signature)


def test_what_another_process_has_signed_since_a_rotation_is_known_within_a_second(tmp_path: Path) -> None:
    store, now, reads = LocalObjectStore(tmp_path), [0.0], []

    def read() -> _LinkSecrets:
        reads.append(now[0])
        return _read(store) or _add(store, only_first=True)

    signer = LinkSigner(read, lambda: now[0])
    rotate_link_secret(store)
    assert signer.verifies("picture", "x", signer_of(tmp_path).sign("picture", "x"))
    rotate_link_secret(store)
    signature = signer_of(tmp_path).sign("picture", "x")
    assert not any(signer.verifies("picture", "x", each) for each in (signature, Signature("none", "x")))
    assert len(reads) == 2
    now[0] = 1.0
    assert signer.verifies("picture", "x", signature)
