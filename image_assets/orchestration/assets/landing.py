"""Landing: files that others bring; observed, never made."""

import dagster as dg

from image_assets.orchestration.daily import Daily
from image_assets.orchestration.keys import Group
from image_assets.tables.chain import LANDING


def landing_assets(daily: Daily) -> list[dg.AssetSpec]:
    """The uploads of a day."""
    description = "Uploads below landing/{day}/{user}/, each with an optional JSON sidecar."
    return [daily.spec(LANDING, description, group=Group.LANDING, kinds={"file"})]
