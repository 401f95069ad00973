"""Search can be relied on: the index has every vector, finds what there is to find, and no day waits for it."""

from collections.abc import Iterator

import dagster as dg

from image_assets.errors import ImageAssetsError
from image_assets.orchestration.checks.by_day import DayCheck
from image_assets.orchestration.checks.daily_check import examined_days, run_began_at
from image_assets.orchestration.daily import explained
from image_assets.orchestration.keys import VECTOR_INDEX
from image_assets.orchestration.metadata.counts import describe_problems
from image_assets.orchestration.resources import EncoderResource, LakeResource
from image_assets.steps.audits.day_audits import Audit
from image_assets.steps.audits.index_audits import audit_coverage, audit_searchable
from image_assets.steps.audits.index_recall import measure_recall
from image_assets.steps.vectors.vector_index import IndexParams
from image_assets.tables.gold import GOLD_IMAGES


def index_checks(partitions: dg.DailyPartitionsDefinition, params: IndexParams) -> list[dg.AssetChecksDefinition]:
    """Coverage and recall of the index; whether the images of a day can be found at the end of its run."""
    return [_coverage(params), _recall(params), _searchable(partitions, params)]


def _coverage(params: IndexParams) -> dg.AssetChecksDefinition:
    description = "Every current vector is in the index, and nothing else; materialize vector_index if not."

    @dg.asset_check(asset=VECTOR_INDEX, name="coverage", description=description, blocking=True)
    def coverage(
        context: dg.AssetCheckExecutionContext, lake: LakeResource, gpu: EncoderResource
    ) -> dg.AssetCheckResult:
        with explained():
            audit = audit_coverage(lake.tables, gpu.description, params.usearch, run_began_at(context))
        metadata = {"examined": dg.MetadataValue.int(audit.examined), "what": describe_problems(audit.problems)}
        return dg.AssetCheckResult(passed=not audit.problems, metadata=metadata)

    return coverage


def _recall(params: IndexParams) -> dg.AssetChecksDefinition:
    description = (
        f"The index finds at least {params.min_recall:.0%} of the 10 nearest, over {params.recall_queries} images; "
        "if not, a larger expansion finds more."
    )

    @dg.asset_check(asset=VECTOR_INDEX, name="recall", description=description)
    def recall(lake: LakeResource, gpu: EncoderResource) -> dg.AssetCheckResult:
        with explained():
            encoder, queries = gpu.description, params.recall_queries
            found = measure_recall(lake.tables, encoder, params.usearch, queries=queries)
        return dg.AssetCheckResult(
            passed=found is None or found >= params.min_recall,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"recall_at_10": "no vectors" if found is None else round(found, 4), "queries": queries},
        )

    return recall


def _searchable(partitions: dg.DailyPartitionsDefinition, params: IndexParams) -> dg.AssetChecksDefinition:
    description = "Every image of the day can be found, indexed or not; materialize vector_index if not."
    asset, measure = GOLD_IMAGES.name, "seconds_until_found"
    declared = DayCheck(partitions, asset, "searchable", description, is_blocking=False, measure=measure)

    def check(context: dg.AssetCheckExecutionContext, lake: LakeResource, gpu: EncoderResource) -> Iterator[object]:
        days, began_at = examined_days(context, lake.tables, asset), run_began_at(context)
        try:
            found = audit_searchable(lake.tables, gpu.description, params.usearch, days, began_at)
        except ImageAssetsError as error:
            # It may concern any of them: a failed run tries each alone.
            found = dict.fromkeys(days, Audit(0, (str(error),)))
        yield from declared.results(context, found)

    return declared.define(check)
