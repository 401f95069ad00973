"""The archive as Dagster sees it."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg

from image_assets.orchestration.assets.archive import COLD_ARCHIVE
from image_assets.settings import Settings


def archives(definitions: dg.Definitions) -> bool:
    return COLD_ARCHIVE in {spec.key.to_user_string() for spec in definitions.resolve_all_asset_specs()}


def test_there_is_no_archive_unless_the_settings_say_so(
    define: Callable[[Settings], dg.Definitions], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    assert not archives(define(settings_for(tmp_path)))
    assert archives(define(settings_for(tmp_path, archive_root=tmp_path / "cold", archive_after_days=90)))


def test_the_archive_takes_originals_of_old_days_and_says_how_many(
    full_copy: Settings, define: Callable[[Settings], dg.Definitions], instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    settings = full_copy.model_copy(update={"archive_root": tmp_path / "cold", "archive_after_days": 1})
    before = [path for path in (full_copy.root / "bronze").rglob("*") if path.is_file()]
    job = define(settings).resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(asset_selection=[dg.AssetKey(COLD_ARCHIVE)], instance=instance)
    (event,) = result.get_asset_materialization_events()
    assert event.materialization.metadata["originals"].value == len(before) > 0
    assert not [path for path in (full_copy.root / "bronze").rglob("*") if path.is_file()]
