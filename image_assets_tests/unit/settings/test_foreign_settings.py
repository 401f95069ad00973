"""Settings as people write them: every value is taken, or refused with an error of ours."""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_assets.configuration import CHANGEABLE, change_configuration, configured
from image_assets.errors import ChangeRefusedError, ConfigurationError
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.settings import PREFIX, Settings, load_settings, origins

pytestmark = pytest.mark.fuzz

# Whoever sets it asks a vault over the network.
NAMES = sorted(set(Settings.model_fields) - {"key_vault"})
LIKELY = [
    *("", " ", "0", "-1", "1e999", "nan", "inf", "1_000", "0x10", "9" * 400, "true", "null", "[]", "{}", "2026-10-01"),
    *(
        "data/lake",
        "~nobody-of-this-name/lake",
        "az://",
        "az://c/p",
        "s3://b",
        "gs://b/..",
        "file:///x",
        "//",
        "/dev/null",
    ),
    *(
        "http://h",
        "https://[::1",
        "https://h/uploads",
        "postgresql://u:p@h/d",
        "postgresql://[",
        "team:x",
        "a,a",
        "1/minute",
    ),
]
# A variable holds no NUL; what is no UTF-8 in it comes as half a character.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=[]), max_size=40).map(
    lambda text: os.fsdecode(text.encode("utf-8", "replace"))
)
values = st.sampled_from(LIKELY) | texts
NOW = datetime(2026, 3, 16, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Without `.env`, and no setting in the environment."""
    place = tmp_path_factory.mktemp("settings")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
            patch.delenv(name)
        yield place


def use(settings: Settings) -> None:
    """Everything that is made of settings; nothing of it opens anything but files that they name."""
    for name in dir(type(settings)):
        if isinstance(getattr(type(settings), name), property) and not name.startswith(("_", "model_")):
            getattr(settings, name)
    settings.gallery_url(date(2026, 3, 16))
    for name in Settings.model_fields:
        settings.shown(name)
    origins(settings)


@given(given_values=st.dictionaries(st.sampled_from(NAMES), values, min_size=1, max_size=3))
def test_any_variable_is_taken_or_refused(folder, given_values):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given_values.items():
            patch.setenv(f"{PREFIX}{name.upper()}", value)
        with suppress(ConfigurationError):
            use(load_settings())


@given(
    data=st.binary(max_size=200) | texts.map(lambda text: f"{PREFIX}ROOT={text}\n".encode("utf-8", "surrogateescape"))
)
def test_any_env_file_is_taken_or_refused(folder, data):
    (folder / ".env").write_bytes(data)
    with suppress(ConfigurationError):
        use(load_settings())
    (folder / ".env").unlink()


CHANGES = st.dictionaries(
    st.sampled_from(CHANGEABLE) | st.sampled_from(NAMES) | st.text(max_size=8),
    st.none() | st.booleans() | st.integers() | st.floats() | values | st.lists(st.integers(), max_size=2),
    max_size=3,
)


@given(changes=CHANGES, note=st.text(max_size=600))
def test_any_change_while_everything_runs_is_taken_or_refused(folder, changes, note):
    store = LocalObjectStore(folder / "lake")
    with suppress(ChangeRefusedError):
        change_configuration(store, changes, "ann", NOW, note)
    use(configured(Settings(), store))
