"""Keys: shown once, kept as digests, refused from an instant on."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from image_assets.access import keys
from image_assets.access.keys import KeyRing, add_key, list_keys, revoke_key
from image_assets.access.roles import Role, includes
from image_assets.errors import ConfigurationError
from image_assets.lake import object_keys
from image_assets.lake.local_object_store import LocalObjectStore

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> LocalObjectStore:
    return LocalObjectStore(tmp_path)


def ring_of(store: LocalObjectStore) -> KeyRing:
    ring = KeyRing(store)
    ring.refresh()
    return ring


def test_a_key_is_found_by_its_text_and_not_kept(store: LocalObjectStore, tmp_path: Path) -> None:
    key, text = add_key(store, "shop", [Role.UPLOAD], NOON)
    assert ring_of(store).find(text, LATER) == key
    assert not any(text.rpartition("_")[2].encode() in file.read_bytes() for file in tmp_path.rglob("*.json"))


def test_a_changed_cut_or_foreign_text_is_no_key(store: LocalObjectStore) -> None:
    (key, text), (_, other) = (add_key(store, "shop", [Role.READ], NOON) for _ in range(2))
    ring = ring_of(store)
    swapped = f"ia_{key.key_id}_{other[-43:]}"
    for wrong in (text[:-1], text + "a", text.upper(), text.swapcase(), swapped, "", "ia_" + "0" * 12 + "_" + "a" * 43):
        assert ring.find(wrong, LATER) is None


def test_as_much_is_computed_whatever_is_wrong_with_a_key(
    store: LocalObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (_, text), (_, old) = (
        add_key(store, "shop", [Role.READ], NOON),
        add_key(store, "shop", [Role.READ], NOON, expires_at=LATER),
    )
    ring, done = ring_of(store), list[tuple[int, ...]]()
    digest, compare = hashlib.sha256, hmac.compare_digest
    monkeypatch.setattr(keys.hashlib, "sha256", lambda data: done.append((len(data),)) or digest(data))
    monkeypatch.setattr(keys.hmac, "compare_digest", lambda a, b: done.append((len(a), len(b))) or compare(a, b))
    for written in (text[:-1] + ("A" if text[-1] != "A" else "B"), "ia_" + "0" * 12 + "_" + "a" * 43, old):
        assert ring.find(written, LATER) is None
        assert done == [(43,), (64, 64)]
        done.clear()
    for written in ("", "ia_", text[:-1], "x" * 10_000):
        assert ring.find(written, LATER) is None
        assert done == [(0,), (64, 64)]
        done.clear()


def test_two_keys_of_a_name_live_side_by_side_until_one_is_revoked(store: LocalObjectStore) -> None:
    (old, old_text), (new, new_text) = (add_key(store, "shop", [Role.READ], NOON) for _ in range(2))
    ring = ring_of(store)
    assert ring.find(old_text, LATER)
    assert ring.find(new_text, LATER)
    revoke_key(store, old.key_id, LATER)
    ring = ring_of(store)
    assert ring.find(old_text, LATER) is None
    assert ring.find(new_text, LATER) == new


def test_a_key_is_refused_from_its_date_on_and_revoking_never_prolongs_it(store: LocalObjectStore) -> None:
    key, text = add_key(store, "shop", [Role.READ], NOON, expires_at=LATER)
    assert ring_of(store).find(text, NOON)
    assert ring_of(store).find(text, LATER) is None
    assert revoke_key(store, key.key_id, LATER + timedelta(days=1)).expires_at == LATER


def test_a_revoked_key_stays_in_the_list(store: LocalObjectStore) -> None:
    key, _ = add_key(store, "shop", [Role.READ], NOON)
    revoke_key(store, key.key_id, NOON)
    assert [each.key_id for each in list_keys(store)] == [key.key_id]


@pytest.mark.parametrize("data", [b"", b"{", b'{"key_id": "x"}'])
def test_a_damaged_record_locks_out_its_key_alone(
    store: LocalObjectStore, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (damaged, text), (other, other_text) = (add_key(store, "shop", [Role.READ], NOON) for _ in range(2))
    place = object_keys.api_key_key(damaged.key_id)
    store.write(place, data)
    ring = ring_of(store)
    assert (ring.find(text, LATER), ring.find_by_id(damaged.key_id, LATER)) == (None, None)
    assert ring.find(other_text, LATER) == other
    assert (list(ring.damaged), ring.is_empty) == ([place], False)
    assert damaged.key_id in caplog.text


def test_a_ring_reads_again_after_a_second(store: LocalObjectStore) -> None:
    seconds = [0.0]
    ring = KeyRing(store, clock=lambda: seconds[0])
    ring.refresh()
    _, text = add_key(store, "shop", [Role.READ], NOON)
    seconds[0] = 0.9
    ring.refresh()
    assert ring.find(text, LATER) is None
    seconds[0] = 1.1
    ring.refresh()
    assert ring.find(text, LATER)


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "x" * 65, "x\n"])
def test_a_name_is_plain(store: LocalObjectStore, name: str) -> None:
    with pytest.raises(ConfigurationError, match="no name of a key"):
        add_key(store, name, [Role.READ], NOON)


@pytest.mark.parametrize("key_id", ["../../x", "0" * 12, ""])
def test_what_is_no_key_cannot_be_revoked(store: LocalObjectStore, key_id: str) -> None:
    with pytest.raises(ConfigurationError, match="keys list"):
        revoke_key(store, key_id, NOON)


def test_reviewers_read_and_admins_do_everything() -> None:
    assert includes([Role.REVIEW], Role.READ)
    assert all(includes([Role.ADMIN], role) for role in Role)
    assert not includes([Role.READ, Role.UPLOAD], Role.REVIEW)
    assert not includes([Role.UPLOAD], Role.READ)
