"""Search can be relied on: the index has every vector, finds what there is to find, and no day waits for it."""

from datetime import date, datetime

import dagster as dg

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.assets.vector_index import VECTOR_INDEX
from image_assets.orchestration.checks.daily_check import audited, conclude, examined_days, run_began_at
from image_assets.orchestration.daily import explained
from image_assets.orchestration.resources import GpuResource, LakeResource
from image_assets.steps.audits import Audit
from image_assets.steps.index_audits import audit_coverage, audit_searchable
from image_assets.steps.index_recall import measure_recall
from image_assets.steps.vector_index import IndexParams
from image_assets.tables.gold import GOLD_IMAGES


def index_checks(params: IndexParams) -> list[dg.AssetChecksDefinition]:
    """Coverage and recall of the index; whether the images of a day can be found at the end of its run."""
    return [_coverage(params), _recall(params), _searchable(params)]


def _coverage(params: IndexParams) -> dg.AssetChecksDefinition:
    description = "Every current vector is in the index, and nothing else; materialize vector_index if not."

    @dg.asset_check(asset=VECTOR_INDEX, name="coverage", description=description, blocking=True)
    def coverage(context: dg.AssetCheckExecutionContext, lake: LakeResource, gpu: GpuResource) -> dg.AssetCheckResult:
        with explained():
            audit = audit_coverage(lake.tables, gpu.encoder.description, params.usearch, run_began_at(context))
        listed = "\n".join(f"- {problem}" for problem in audit.problems) or "nothing"
        metadata = {"examined": dg.MetadataValue.int(audit.examined), "what": dg.MetadataValue.md(listed)}
        return dg.AssetCheckResult(passed=not audit.problems, metadata=metadata)

    return coverage


def _recall(params: IndexParams) -> dg.AssetChecksDefinition:
    description = (
        f"The index finds at least {params.min_recall:.0%} of the 10 nearest, over {params.recall_queries} images; "
        "if not, a larger expansion finds more."
    )

    @dg.asset_check(asset=VECTOR_INDEX, name="recall", description=description)
    def recall(lake: LakeResource, gpu: GpuResource) -> dg.AssetCheckResult:
        with explained():
            encoder, queries = gpu.encoder.description, params.recall_queries
            found = measure_recall(lake.tables, encoder, params.usearch, queries=queries)
        return dg.AssetCheckResult(
            passed=found is None or found >= params.min_recall,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"recall_at_10": "no vectors" if found is None else round(found, 4), "queries": queries},
        )

    return recall


def _searchable(params: IndexParams) -> dg.AssetChecksDefinition:
    description = "Every image of the day can be found, indexed or not; materialize vector_index if not."
    asset = GOLD_IMAGES.name

    @dg.asset_check(asset=asset, name="searchable", description=description)
    def searchable(context: dg.AssetCheckExecutionContext, lake: LakeResource, gpu: GpuResource) -> dg.AssetCheckResult:
        def audit(tables: ParquetTables, day: date, began_at: datetime) -> Audit:
            return audit_searchable(tables, gpu.encoder.description, params.usearch, day, began_at)

        days, began_at = examined_days(context, lake.tables, asset), run_began_at(context)
        found = {day: audited(audit, lake.tables, day, began_at) for day in days}
        return conclude(found, dg.AssetCheckSeverity.ERROR, "seconds_until_found")

    return searchable
