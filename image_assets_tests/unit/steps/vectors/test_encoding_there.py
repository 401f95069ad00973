"""Vectors that are computed on a device of a cluster."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import pytest

from image_assets.compute.cluster.ray_engine import RayDevices
from image_assets.compute.opening import open_devices
from image_assets.errors import ModelError
from image_assets.steps.vectors.embeddings import embed_day, table_of
from image_assets.steps.vectors.encoding import encode_there
from image_assets.tables.images import SILVER_IMAGES
from image_assets_tests.scenario import CHUNK_SIZE, ColourMeans

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]


@pytest.fixture
def coloured(scenario: "Scenario", paint: Paint) -> "Scenario":
    for colour in ("red", "green", "blue"):
        scenario.land(f"anna/{colour}.png", paint(colour, kind="PNG"))
    scenario.take_in()
    scenario.derive()
    return scenario


@pytest.fixture
def devices(ray_here: None) -> Iterator[RayDevices]:
    devices = open_devices("cpu", is_lake_shared=False)
    yield devices
    devices.close()


def test_they_are_those_of_this_process_and_what_is_refused_here_is_refused_there(
    coloured: "Scenario", devices: RayDevices
) -> None:
    damaged = str(coloured.rows(SILVER_IMAGES)[1]["cleansed_path"])
    (coloured.store.root / damaged).write_bytes(b"no picture")
    there, here = ColourMeans("there"), ColourMeans("here")
    report = embed_day(
        coloured.tables,
        coloured.day,
        there,
        partial(encode_there, devices, partial(ColourMeans, "there")),
        chunk_size=CHUNK_SIZE,
    )
    assert (report.accepted, report.rejected) == (2, 1)
    embed_day(coloured.tables, coloured.day, here, chunk_size=CHUNK_SIZE)
    first, second = (coloured.tables.read(table_of(each.description), coloured.day) for each in (there, here))
    assert first.select("image_id", "embedding").equals(second.select("image_id", "embedding"))


def test_other_weights_on_a_node_are_refused(coloured: "Scenario", devices: RayDevices) -> None:
    older = partial(ColourMeans, "there", "0")
    with pytest.raises(ModelError, match=r"this node has there 0, and 1 is wanted: put the same weights on all nodes"):
        embed_day(
            coloured.tables,
            coloured.day,
            ColourMeans("there"),
            partial(encode_there, devices, older),
            chunk_size=CHUNK_SIZE,
        )
