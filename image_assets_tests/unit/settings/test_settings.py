import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from image_assets.errors import ConfigurationError
from image_assets.lake.remote.address import RemoteRoot
from image_assets.settings import Settings, load_settings

Set = Callable[..., None]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No `.env` and no setting in the environment."""
    for name in [name for name in os.environ if name.upper().startswith("IMAGE_ASSETS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Set:
    """Set variables by their names after the prefix."""

    def put_all(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"IMAGE_ASSETS_{name}", value)

    return put_all


def test_nothing_needs_to_be_set() -> None:
    assert load_settings().encoder == "builtin"


def test_a_variable_is_read(put: Set) -> None:
    put(START_DAY="2026-05-01", WORKERS="3")
    settings = load_settings()
    assert (settings.start_day, settings.workers) == (date(2026, 5, 1), 3)


def test_an_env_file_is_read(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text('IMAGE_ASSETS_OWNER="team:shop"\n# a comment\n')
    assert load_settings().owner == "team:shop"


def test_a_variable_beats_the_env_file(empty_folder: Path, put: Set) -> None:
    (empty_folder / ".env").write_text("IMAGE_ASSETS_WORKERS=2\n")
    put(WORKERS="5")
    assert load_settings().workers == 5


def test_variables_of_others_are_ignored(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGES_ROOT", "/elsewhere")
    (empty_folder / ".env").write_text("DATABASE_URL=postgres://x\n")
    load_settings()


@pytest.mark.parametrize(
    ("wrong", "meant"), [("ENCODR", "ENCODER"), ("WORKER", "WORKERS"), ("WATERMARK_TXT", "WATERMARK_TEXT")]
)
def test_an_unknown_name_is_refused_with_the_name_that_was_meant(put: Set, wrong: str, meant: str) -> None:
    put(**{wrong: "1"})
    with pytest.raises(ConfigurationError, match=rf"IMAGE_ASSETS_{wrong} .* IMAGE_ASSETS_{meant}\b"):
        load_settings()


def test_an_unknown_name_in_the_env_file_is_refused(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text("IMAGE_ASSETS_ENCODR=x\n")
    with pytest.raises(ConfigurationError, match="IMAGE_ASSETS_ENCODR"):
        load_settings()


def test_a_name_like_no_other_is_refused_with_where_to_look(put: Set) -> None:
    put(QQQQQQQQQQQQQQQQQQQQQQQQ="1")
    with pytest.raises(ConfigurationError, match="image-assets settings"):
        load_settings()


WRONG = {
    "START_DAY": "yesterday",
    "WORKERS": "0",
    "BATCH_SIZE": "many",
    "IMAGE_TIMEOUT_S": "-1",
    "WORKER_MEMORY_MB": "10",
    "CHUNK_SIZE": "0",
    "MAX_PIXELS": "1000000000000",
    "MAX_ASPECT": "0.5",
    "WATERMARK_OPACITY": "1.5",
    "WATERMARK_TEXT": "",
    "ROOT": "",
    "OWNER": "nobody",
    "ENGINE": "spark",
}


@pytest.mark.parametrize(("name", "value"), WRONG.items())
def test_a_wrong_value_names_its_variable(put: Set, name: str, value: str) -> None:
    put(**{name: value})
    with pytest.raises(ConfigurationError, match=f"IMAGE_ASSETS_{name}: "):
        load_settings()


@pytest.mark.parametrize("name", ["lake*", "la?ke", "lake [1]", "[lake", "lake]"])
def test_a_root_that_would_be_read_as_a_pattern_is_refused_with_the_reason(tmp_path: Path, put: Set, name: str) -> None:
    put(ROOT=str(tmp_path / name))
    with pytest.raises(ConfigurationError, match=r"IMAGE_ASSETS_ROOT: .*none of \* \? \[ \].*pattern"):
        load_settings()


@pytest.mark.parametrize(
    ("places", "is_shared"),
    [
        ({"ROOT": "lake"}, False),
        ({"ROOT": "lake", "ROOT_IS_SHARED": "true"}, True),
        ({"ROOT": "s3://bucket/lake"}, True),
        ({"ROOT": "s3://bucket/lake", "ARCHIVE_ROOT": "archive"}, False),
        ({"ROOT": "s3://bucket/lake", "ARCHIVE_ROOT": "s3://bucket/archive"}, True),
    ],
)
def test_other_machines_see_a_lake_in_a_cloud_and_a_folder_only_if_it_is_said_so(
    put: Set, places: dict[str, str], is_shared: bool
) -> None:
    put(**places)
    assert load_settings().is_lake_shared is is_shared


def test_all_wrong_values_are_named_at_once(put: Set) -> None:
    put(WORKERS="none", CHUNK_SIZE="none")
    with pytest.raises(ConfigurationError, match=r"WORKERS.*CHUNK_SIZE"):
        load_settings()


@pytest.mark.parametrize("name", ["root", "workers"])
def test_a_setting_is_frozen(name: str) -> None:
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        setattr(settings, name, 3)


def test_a_relative_root_is_made_absolute(empty_folder: Path, put: Set) -> None:
    put(ROOT="some/lake")
    assert load_settings().root == empty_folder / "some" / "lake"


def test_the_home_folder_may_be_abbreviated(put: Set) -> None:
    put(ROOT="~/lake")
    assert load_settings().root == Path.home() / "lake"


def test_a_missing_logo_is_named_with_its_variable(empty_folder: Path, put: Set) -> None:
    put(WATERMARK_LOGO=str(empty_folder / "logo.png"))
    with pytest.raises(ConfigurationError, match=r"IMAGE_ASSETS_WATERMARK_LOGO: .*logo\.png"):
        _ = load_settings().derivative_params


def test_a_logo_is_part_of_the_watermark(empty_folder: Path, put: Set) -> None:
    (empty_folder / "logo.png").write_bytes(b"the logo's bytes")
    put(WATERMARK_LOGO="logo.png", WATERMARK_TEXT="shop", WATERMARK_OPACITY="0.5")
    preview = load_settings().derivative_params.preview
    assert preview is not None
    assert (preview.watermark.logo, preview.watermark.text, preview.watermark.opacity) == (
        b"the logo's bytes",
        "shop",
        0.5,
    )


def test_limits_reach_the_inspection(put: Set) -> None:
    put(MAX_BYTES="10", MAX_PIXELS="20", MIN_SIDE_PX="30", MAX_ASPECT="40")
    limits = load_settings().inspect_params
    assert (limits.max_bytes, limits.max_pixels, limits.min_side_px, limits.max_aspect) == (10, 20, 30, 40)


def test_every_setting_is_described() -> None:
    described = {name: field.description or "" for name, field in Settings.model_fields.items()}
    assert [name for name, words in described.items() if not words.endswith(".")] == []


def test_a_vocabulary_of_ones_own_is_read(empty_folder: Path, put: Set) -> None:
    kind = "{kind: product, prompts: ['{}'], anchors: [thing], terms: [kite]}"
    (empty_folder / "words.yaml").write_text(f"kinds: [{kind}]")
    put(VOCABULARY="words.yaml")
    assert [term.tag for term in load_settings().enrichment_params.vocabulary.kinds[0].terms] == ["kite"]


def test_policies_that_are_not_there_are_named(put: Set) -> None:
    put(POLICIES="none.yaml")
    with pytest.raises(ConfigurationError, match=r"IMAGE_ASSETS_POLICIES: cannot read none.yaml"):
        _ = load_settings().enrichment_params


def test_an_archive_has_a_folder_of_its_own(put: Set, empty_folder: Path) -> None:
    put(ROOT="lake", ARCHIVE_ROOT="cold")
    assert load_settings().lake_params.archive_root == empty_folder / "cold"
    (empty_folder / "cold").symlink_to(empty_folder / "lake")
    with pytest.raises(ConfigurationError, match=r"ARCHIVE_ROOT: .*a folder of its own"):
        load_settings()


def test_originals_move_by_themselves_only_when_it_is_said_where_to(put: Set) -> None:
    put(ARCHIVE_AFTER_DAYS="90")
    with pytest.raises(
        ConfigurationError, match="IMAGE_ASSETS_ARCHIVE_ROOT or IMAGE_ASSETS_ARCHIVE_TIER says where to"
    ):
        load_settings()


def test_a_database_is_named_by_a_url_that_is_never_shown(put: Set) -> None:
    put(POSTGRES="postgresql://u:hunter2@db/shop")
    settings = load_settings()
    assert settings.postgres is not None
    assert settings.postgres.get_secret_value() == "postgresql://u:hunter2@db/shop"
    assert (settings.shown("postgres"), "hunter2" in repr(settings)) == ("***", False)


def test_without_a_url_there_is_no_database(put: Set) -> None:
    put(POSTGRES="")
    assert load_settings().postgres is None


def test_what_is_no_url_of_a_database_is_refused_without_repeating_it(put: Set) -> None:
    put(POSTGRES="mysql://u:hunter2@db/shop")
    with pytest.raises(ConfigurationError, match=r"IMAGE_ASSETS_POSTGRES: .*begins with postgresql://") as caught:
        load_settings()
    assert "hunter2" not in f"{caught.value} {caught.value.__cause__}"


def test_vectors_are_searched_in_a_database_that_is_named(put: Set) -> None:
    put(INDEX_IN="postgres")
    with pytest.raises(ConfigurationError, match=r"IMAGE_ASSETS_INDEX_IN: .*IMAGE_ASSETS_POSTGRES says where"):
        load_settings()


def test_the_lake_and_its_archive_may_be_in_a_cloud(put: Set, empty_folder: Path) -> None:
    put(ROOT="az://lake/photos", ARCHIVE_ROOT="s3://old/photos", STORAGE_ENDPOINT="http://127.0.0.1:10000/account")
    settings = load_settings()
    params = settings.lake_params
    assert (params.root, params.archive_root) == (RemoteRoot("az", "lake", "photos"), RemoteRoot("s3", "old", "photos"))
    assert params.storage.endpoint == "http://127.0.0.1:10000/account"
    assert list(empty_folder.iterdir()) == []


@pytest.mark.parametrize("name", ["ROOT", "ARCHIVE_ROOT"])
@pytest.mark.parametrize("address", ["abfss://lake@account/photos", "az:/lake", "hdfs://lake"])
def test_an_address_that_is_none_is_refused_with_what_to_write(put: Set, name: str, address: str) -> None:
    put(**{name: address})
    with pytest.raises(ConfigurationError, match=rf"IMAGE_ASSETS_{name}: .*az://container/prefix"):
        load_settings()


def test_the_archive_in_a_cloud_is_apart_too(put: Set) -> None:
    put(ROOT="az://lake/photos", ARCHIVE_ROOT="az://lake/photos/")
    with pytest.raises(ConfigurationError, match="of its own"):
        load_settings()


def test_trainings_are_recorded_beside_a_lake_that_is_in_a_cloud(put: Set, empty_folder: Path) -> None:
    put(ROOT="az://lake/photos")
    assert load_settings().tracking.uri == f"sqlite:///{empty_folder}/data/mlflow.db"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"ROOT": "s3://shop/lake"}, "IMAGE_ASSETS_ROOT is no az://"),
        ({}, "IMAGE_ASSETS_ROOT is no az://"),
        ({"ROOT": "az://shop/lake", "ARCHIVE_ROOT": "az://shop/old"}, "IMAGE_ASSETS_ARCHIVE_ROOT is set too"),
    ],
    ids=["another cloud", "a folder", "an archive besides"],
)
def test_access_tiers_are_for_a_lake_in_azure_without_an_archive(put: Set, values: dict[str, str], told: str) -> None:
    put(**values, ARCHIVE_TIER="cool")
    with pytest.raises(ConfigurationError, match=f"IMAGE_ASSETS_ARCHIVE_TIER: .*{told}"):
        load_settings()


def test_originals_move_by_themselves_into_a_tier_too(put: Set) -> None:
    put(ROOT="az://shop/lake", ARCHIVE_TIER="cold", ARCHIVE_AFTER_DAYS="90")
    assert load_settings().archive_tier == "cold"


@pytest.mark.parametrize("place", ["ftp://lake/x", "http://host/x", "azz://lake/x"])
def test_delta_tables_lie_in_a_folder_or_in_a_cloud(place: str) -> None:
    with pytest.raises(ValidationError, match="nor is it a folder"):
        Settings(_env_file=None, delta=place)
