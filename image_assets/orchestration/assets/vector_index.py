"""The vector index: what search looks through when there are many vectors."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from image_assets.lake import object_keys
from image_assets.orchestration.assets.warehouse import FOLLOWS
from image_assets.orchestration.daily import explained
from image_assets.orchestration.keys import VECTOR_INDEX, VECTOR_MAP, Group
from image_assets.orchestration.lake_asset import lake_asset, lake_spec
from image_assets.orchestration.resources import EncoderResource, LakeResource
from image_assets.steps.vectors.vector_index import IndexParams, IndexReport, refresh_index
from image_assets.steps.vectors.vector_map import MapParams, MapReport, draw_map
from image_assets.tables.embeddings import IMAGE_EMBEDDINGS


def index_assets(owner: str, params: IndexParams) -> list[dg.AssetsDefinition]:
    """`vector_index` and `vector_map`, of the encoder that the settings name."""
    said = "Every current vector, to be found by nearness; vectors newer than it are searched beside it."
    spec = lake_spec(
        VECTOR_INDEX,
        said,
        owner,
        group=Group.SERVING,
        kinds={"usearch"},
        deps=[IMAGE_EMBEDDINGS],
        follows=FOLLOWS,
        version="2",
    )

    @lake_asset(spec)
    def vector_index(lake: LakeResource, gpu: EncoderResource) -> Iterator[dg.MaterializeResult[Any]]:
        with explained():
            report = refresh_index(lake.tables, gpu.description, params)
        uri = lake.tables.store.uri(object_keys.index_prefix(gpu.description.name))
        yield dg.MaterializeResult(metadata={**_described(report), "dagster/uri": uri})

    shown = "The index as a picture: its images as points of the plane in which they differ most."
    map_spec = lake_spec(
        VECTOR_MAP,
        shown,
        owner,
        group=Group.SERVING,
        kinds={"numpy"},
        deps=[VECTOR_INDEX],
        follows=FOLLOWS,
        version="1",
    )

    @lake_asset(map_spec)
    def vector_map(lake: LakeResource, gpu: EncoderResource) -> Iterator[dg.MaterializeResult[Any]]:
        with explained():
            report = draw_map(lake.tables, gpu.description, MapParams())
        yield dg.MaterializeResult(metadata=_drawn(report))

    return [vector_index, vector_map]


def _described(report: IndexReport) -> dict[str, str | int | float]:
    return {
        "outcome": report.outcome,
        "kind": report.manifest.kind,
        "vectors": report.manifest.vectors,
        "added": report.added,
        "removed": report.removed,
        "moved": report.moved,
        "shards": len(report.manifest.shards),
        "bytes_written": report.bytes_written,
        "days_read": report.days,
        "seconds": round(report.seconds, 3),
        "dagster/size_bytes": report.manifest.size_bytes,
        "dimension": report.manifest.dimension,
        "revision": report.manifest.revision,
    }


def _drawn(report: MapReport | None) -> dict[str, str | int | float]:
    if report is None:
        return {"outcome": "there is no index yet"}
    return {
        "outcome": "drawn" if report.is_new else "unchanged",
        "points": report.points,
        "vectors": report.vectors,
        "explained_ratio": round(report.explained_ratio, 4),
        "build": report.build,
    }
