"""The vector index: what search looks through when there are many vectors."""

import dagster as dg

from image_assets.lake import object_keys
from image_assets.orchestration.assets.warehouse import FOLLOWS
from image_assets.orchestration.daily import explained
from image_assets.orchestration.keys import IMAGE_EMBEDDINGS, VECTOR_INDEX
from image_assets.orchestration.resources import GpuResource, LakeResource
from image_assets.steps.vectors.vector_index import IndexParams, IndexReport, refresh_index


def index_assets(owner: str, params: IndexParams) -> list[dg.AssetsDefinition]:
    """`vector_index`, of the encoder that the settings name."""

    @dg.asset(
        name=VECTOR_INDEX,
        description="Every current vector, to be found by nearness; vectors newer than it are searched beside it.",
        deps=[IMAGE_EMBEDDINGS],
        group_name="serving",
        kinds={"usearch"},
        owners=[owner],
        automation_condition=FOLLOWS,
        code_version="1",
    )
    def vector_index(lake: LakeResource, gpu: GpuResource) -> dg.MaterializeResult[None]:
        with explained():
            encoder = gpu.encoder.description
            report = refresh_index(lake.tables, encoder, params)
        uri = lake.tables.store.uri(object_keys.index_prefix(encoder.name))
        return dg.MaterializeResult(metadata={**_described(report), "dagster/uri": uri})

    return [vector_index]


def _described(report: IndexReport) -> dict[str, str | int | float]:
    return {
        "outcome": report.outcome,
        "kind": report.manifest.kind,
        "vectors": report.manifest.vectors,
        "added": report.added,
        "removed": report.removed,
        "days_read": report.days,
        "seconds": round(report.seconds, 3),
        "dagster/size_bytes": report.manifest.size_bytes,
        "dimension": report.manifest.dimension,
        "revision": report.manifest.revision,
    }
