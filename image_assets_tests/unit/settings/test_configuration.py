"""Settings that are set in the lake: what counts, who said so, and two who change at once."""

import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from image_assets.configuration import (
    CHANGEABLE,
    LiveSettings,
    change_configuration,
    configured,
    effective_values,
    read_configuration,
    read_history,
)
from image_assets.errors import ChangeRefusedError, ConfigurationError, StaleChangeError
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.settings import Settings, is_secret, load_settings, origins

NOW = datetime(2026, 3, 16, 9, 30, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> LocalObjectStore:
    return LocalObjectStore(tmp_path / "lake")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An environment and a `.env` that each set one value."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMAGE_ASSETS_ROOT", str(tmp_path / "lake"))
    monkeypatch.setenv("IMAGE_ASSETS_REVIEW_THRESHOLD", "0.4")
    (tmp_path / ".env").write_text("IMAGE_ASSETS_MAX_DRIFT=0.3\n")
    return load_settings()


def sources(settings: Settings, store: LocalObjectStore, *names: str) -> Sequence[str]:
    found = effective_values(settings, origins(settings), read_configuration(store))
    by_name = {each.name: each.source for each in found}
    return [by_name[name] for name in names]


def test_what_may_be_changed_is_a_setting() -> None:
    assert set(CHANGEABLE) <= set(Settings.model_fields)


def test_without_a_lake_the_environment_counts(settings: Settings, store: LocalObjectStore) -> None:
    assert configured(settings, store) == settings
    assert not store.root.exists()


def test_the_lake_counts_before_environment_and_env_file(settings: Settings, store: LocalObjectStore) -> None:
    change_configuration(store, {"review_threshold": 0.7, "max_drift": 0.5}, "ann", NOW)
    now = configured(settings, store)
    assert (now.review_threshold, now.max_drift) == (0.7, 0.5)


def test_null_takes_a_value_back_to_the_environments(settings: Settings, store: LocalObjectStore) -> None:
    change_configuration(store, {"review_threshold": 0.7}, "ann", NOW)
    change_configuration(store, {"review_threshold": None}, "bo", NOW)
    assert configured(settings, store).review_threshold == 0.4


def test_each_value_says_where_it_comes_from(settings: Settings, store: LocalObjectStore) -> None:
    change_configuration(store, {"watermark_text": "x"}, "ann", NOW)
    change_configuration(store, {"max_volume": 9}, "bo", NOW)
    assert sources(settings, store, "watermark_text", "max_volume", "review_threshold", "max_drift", "classes") == [
        "lake, version 1 by ann at 2026-03-16 09:30:00 UTC",
        "lake, version 2 by bo at 2026-03-16 09:30:00 UTC",
        "environment",
        ".env",
        "default",
    ]


def test_a_value_is_kept_as_its_setting_has_it(settings: Settings, store: LocalObjectStore) -> None:
    change_configuration(store, {"review_threshold": "1", "max_bytes": "5000000", "classes": "007"}, "ann", NOW)
    now = configured(settings, store)
    kept = (now.review_threshold, now.max_bytes, now.classes)
    assert repr(kept) == repr((1.0, 5_000_000, "007"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"review_threshold": 1.5}, "IMAGE_ASSETS_REVIEW_THRESHOLD: .*less than or equal to 1"),
        ({"max_bytes": True}, "IMAGE_ASSETS_MAX_BYTES"),
        ({"max_drift": float("inf")}, "IMAGE_ASSETS_MAX_DRIFT"),
        ({"watermark_text": " "}, "IMAGE_ASSETS_WATERMARK_TEXT"),
        ({"watermark_text": "a\nb"}, "IMAGE_ASSETS_WATERMARK_TEXT.*one line"),
        ({"watermark_text": "a\u202eb"}, "IMAGE_ASSETS_WATERMARK_TEXT.*one line"),
        ({"classes": "x" * 10_001}, "IMAGE_ASSETS_CLASSES"),
        ({"root": "/elsewhere"}, "IMAGE_ASSETS_ROOT is the environment's alone"),
        ({"alert_webhook": "https://x"}, "IMAGE_ASSETS_ALERT_WEBHOOK is the environment's alone"),
        ({"rview_threshold": 1}, "IMAGE_ASSETS_RVIEW_THRESHOLD is not a setting"),
        ({"classes": "hat, dress, Hat"}, "IMAGE_ASSETS_CLASSES: 'hat' is named twice"),
        ({"rate_limit": "9/minute"}, "rate_limit is 9/minute: at least 10/minute"),
        ({"rate_limit_all": "100/day"}, "at least 10/minute"),
        ({}, "nothing is to be changed"),
    ],
)
def test_a_wrong_change_is_refused_whole(store: LocalObjectStore, changes: dict[str, object], said: str) -> None:
    with pytest.raises(ChangeRefusedError, match=said):
        change_configuration(store, {**changes, **({"max_volume": 7} if changes else {})}, "ann", NOW)
    assert read_configuration(store) is None


def test_a_change_of_several_settings_is_one_version(store: LocalObjectStore) -> None:
    change_configuration(store, {"max_volume": 7, "classes": "hat"}, "ann", NOW, "spring")
    change_configuration(store, {"classes": None}, "bo", NOW - timedelta(hours=1))
    first, second = read_history(store)
    assert [(each.version, each.by, each.note) for each in (first, second)] == [(1, "ann", "spring"), (2, "bo", "")]
    assert (first.changes, second.changes) == ({"max_volume": 7, "classes": "hat"}, {"classes": None})
    assert list(second.values) == ["max_volume"]
    assert first.at == NOW < second.at


def test_nothing_is_rewritten(store: LocalObjectStore) -> None:
    change_configuration(store, {"max_volume": 7}, "ann", NOW)
    first = (store.root / "configuration" / "00000001.json").read_bytes()
    change_configuration(store, {"max_volume": 8}, "ann", NOW)
    assert (store.root / "configuration" / "00000001.json").read_bytes() == first


def test_who_looked_at_another_version_changes_nothing(store: LocalObjectStore) -> None:
    change_configuration(store, {"max_volume": 7}, "ann", NOW, expected=0)
    with pytest.raises(StaleChangeError, match="version 1 is in force, not 0"):
        change_configuration(store, {"max_volume": 8}, "bo", NOW, expected=0)
    assert [each.by for each in read_history(store)] == ["ann"]


def test_of_many_who_change_at_once_nobody_is_lost(store: LocalObjectStore) -> None:
    names = ("max_volume", "max_drift", "max_aspect", "max_bytes")

    def change(name: str) -> None:
        for value in range(1, 6):
            change_configuration(store, {name: value}, name, NOW)

    threads = [threading.Thread(target=change, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history = read_history(store)
    assert [each.version for each in history] == list(range(1, 21))
    assert {name: each.value for name, each in history[-1].values.items()} == dict.fromkeys(names, 5)


@pytest.mark.parametrize("damage", [b"", b"{", b'{"version": 1}'])
def test_a_damaged_record_is_named_with_what_to_do(store: LocalObjectStore, damage: bytes) -> None:
    change_configuration(store, {"max_volume": 7}, "ann", NOW)
    place = store.root / "configuration" / "00000001.json"
    place.write_bytes(damage)
    with pytest.raises(ConfigurationError, match=f"{place} is damaged: .*; repair it, or delete it to go back"):
        read_configuration(store)


@pytest.mark.parametrize(("name", "value"), [("review_threshold", 7), ("no_setting", 1), ("max_volume", None)])
def test_a_record_of_what_no_setting_takes_is_damaged(store: LocalObjectStore, name: str, value: object) -> None:
    change_configuration(store, {"max_volume": 7}, "ann", NOW)
    place = store.root / "configuration" / "00000001.json"
    record = json.loads(place.read_text())
    record["values"] = {name: record["values"]["max_volume"] | {"value": value}}
    place.write_text(json.dumps(record))
    with pytest.raises(ConfigurationError, match=f"{place} is damaged"):
        read_configuration(store)


def test_what_is_named_as_no_version_is_told(store: LocalObjectStore) -> None:
    (store.root / "configuration").mkdir(parents=True)
    (store.root / "configuration" / ".DS_Store").touch()
    assert read_configuration(store) is None
    (store.root / "configuration" / "notes.txt").touch()
    with pytest.raises(ConfigurationError, match=r"notes\.txt is named as no version is"):
        read_configuration(store)


def test_a_process_that_stays_sees_a_change_within_a_second(settings: Settings, store: LocalObjectStore) -> None:
    clock = 100.0
    live = LiveSettings(settings, store, lambda: clock)
    live.refresh()
    change_configuration(store, {"review_threshold": 0.9}, "ann", NOW)
    clock += 0.9
    live.refresh()
    assert live.now.review_threshold == 0.4
    clock += 0.2
    assert not live.is_fresh
    live.refresh()
    assert (live.now.review_threshold, live.version) == (0.9, 1)


def test_who_changes_a_setting_sees_it_at_once(settings: Settings, store: LocalObjectStore) -> None:
    live = LiveSettings(settings, store, lambda: 100.0)
    live.refresh()
    live.change({"review_threshold": 0.9}, "ann", NOW, "", None)
    assert live.now.review_threshold == 0.9


def test_a_secret_is_shown_nowhere(tmp_path: Path) -> None:
    canary = "canary-4711"
    address = f"https://ann:{canary}@mlflow.example"
    settings = Settings(root=tmp_path, alert_webhook=f"https://h/{canary}", mlflow_tracking_uri=address)
    values = effective_values(settings, origins(settings), None)
    assert {each.name: each.value for each in values}["alert_webhook"] == "***"
    assert canary not in str(values)
    assert canary not in repr(settings.model_copy(update={"mlflow_tracking_uri": ""}))


def test_a_setting_of_a_type_for_secrets_is_one() -> None:
    assert is_secret(FieldInfo(annotation=SecretStr))
    assert is_secret(FieldInfo.from_annotation(SecretStr | None))  # type: ignore[arg-type]
    assert not is_secret(FieldInfo(annotation=str))
