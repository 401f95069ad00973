"""What follows when another model is in charge: every day is brought up to date with it."""

import json
from collections.abc import Sequence
from datetime import date

import dagster as dg

from image_assets.orchestration.jobs import DAILY_JOB
from image_assets.orchestration.partitions import DAYS_PER_RUN, day_tags, days_by_run, days_of
from image_assets.orchestration.resources import LakeResource
from image_assets.steps.classification.champion import read_champion
from image_assets.steps.questions.plan import known_days


def model_sensor(partitions: dg.DailyPartitionsDefinition, encoder: str) -> dg.SensorDefinition:
    """Asks for every day once when the champion or the encoder has changed; off until someone switches it on.

    A run computes only what the new model has not seen yet, so that a day asked for in vain costs next to nothing.

    Args:
        partitions: days that can be asked for.
        encoder: names the encoder and its revision.
    """

    description = (
        "Asks for every day once when another champion or encoder is in charge; the first look only takes note."
    )

    @dg.sensor(job_name=DAILY_JOB, name="model_sensor", minimum_interval_seconds=60, description=description)
    def sensor(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult:
        champion = read_champion(lake.tables.store)
        models = [encoder, champion.model_version if champion else ""]
        seen = json.loads(context.cursor) if context.cursor else {"models": models, "days": []}
        is_changed = models != seen["models"]
        there = {day.isoformat() for day in known_days(lake.tables)} if is_changed else set(seen["days"])
        days = [key for key in partitions.get_partition_keys() if key in there]
        now, later = days_of(days[:DAYS_PER_RUN]), days[DAYS_PER_RUN:]
        return dg.SensorResult(
            run_requests=[_request(part, ":".join(models)) for part in days_by_run(now)],
            cursor=json.dumps({"models": models, "days": later}),
        )

    return sensor


def _request(days: Sequence[date], models: str) -> dg.RunRequest:
    return dg.RunRequest(run_key=f"{models}:{days[0]}:{days[-1]}", tags=day_tags(days))
