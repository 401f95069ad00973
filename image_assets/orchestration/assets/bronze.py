"""Bronze: every upload of a day accounted for."""

from datetime import date

import dagster as dg

from image_assets.orchestration.daily import AssetRun, Daily
from image_assets.orchestration.keys import Group
from image_assets.orchestration.metadata.counts import Metadata, describe_increment
from image_assets.steps.images.bronze import bronze_recipe, take_in_day
from image_assets.steps.images.landing_lots import LandingZone
from image_assets.steps.images.lots import cut_day
from image_assets.steps.upkeep.erasure import finish_erasures, forget_erased
from image_assets.steps.upkeep.scrub import note_lost_originals
from image_assets.tables.images import BRONZE_IMAGES


def bronze_assets(daily: Daily) -> list[dg.AssetsDefinition]:
    """`bronze_images`."""
    version = bronze_recipe(daily.settings.inspect_params).version
    spec = daily.table_spec(BRONZE_IMAGES, group=Group.BRONZE, kinds={"pillow"}, version=version)
    return [daily.asset(spec, _bronze_images, needs={"workers"})]


def _bronze_images(run: AssetRun, day: date) -> Metadata:
    finish_erasures(run.tables, day)
    landing = LandingZone(run.tables.store, day, len(cut_day(run.tables, day, run.base.lots)))
    report = run.work(take_in_day, day, run.settings.inspect_params, run.engine, landing)
    finish_erasures(run.tables, day)
    forget_erased(run.tables, day)
    damaged = dg.MetadataValue.int(note_lost_originals(run.tables, day))
    return {**describe_increment(run.tables, report, BRONZE_IMAGES), "damaged_originals": damaged}
