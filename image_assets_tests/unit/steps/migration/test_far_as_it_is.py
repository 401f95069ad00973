"""A registered photo through its day, in the words of the processing log."""

from typing import TYPE_CHECKING

from image_assets.lake.sql import query
from image_assets.steps.questions.processing_log import processing_log
from image_assets.steps.upkeep.erasure import erase, find_remains
from image_assets.steps.vectors.embeddings import lake_tables
from image_assets.steps.vectors.vector_index import IndexParams, refresh_index
from image_assets.tables.images import BRONZE_IMAGES

if TYPE_CHECKING:
    from conftest import Moving


def states(moving: "Moving") -> dict[str, tuple[str, str | None]]:
    encoder, tables = moving.scenario.encoder.description.name, moving.tables
    sql = "select path, state, reason from processing_log"
    rows = query(tables, lake_tables(tables, encoder), sql, [processing_log(tables, encoder)])
    return {path: (state, reason) for path, state, reason in rows.iter_rows()}


def test_each_step_is_told(moving: "Moving") -> None:
    moving.put("a.jpg")
    moving.put("half.jpg", moving.photo[:200])
    moving.migrate()
    told = [states(moving)["a.jpg"][0]]
    moving.scenario.take_in()
    told.append(states(moving)["a.jpg"][0])
    moving.scenario.derive()
    told.append(states(moving)["a.jpg"][0])
    moving.scenario.run()
    told.append(states(moving)["a.jpg"][0])
    refresh_index(moving.tables, moving.scenario.encoder.description, IndexParams())
    told.append(states(moving)["a.jpg"][0])
    assert told == ["pending", "uploaded", "processed", "ai_done", "indexed"]
    state, reason = states(moving)["half.jpg"]
    assert (state, reason in {"truncated", "corrupt"}) == ("failed", True)


def test_what_was_erased_is_told(moving: "Moving") -> None:
    moving.put("a.jpg")
    moving.migrate()
    moving.scenario.take_in()
    ((image_id,),) = moving.tables.scan(BRONZE_IMAGES, ["image_id"]).rows()
    erase(moving.tables, find_remains(moving.tables, image_id), "ticket 1")
    assert states(moving) == {"a.jpg": ("erased", None)}
