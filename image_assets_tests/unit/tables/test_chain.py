"""The chain can be walked from the landing zone to the report."""

from collections.abc import Iterable

from image_assets.tables.chain import CHAIN, LANDING, chain_with
from image_assets.tables.training import CLASSIFIER_EVALUATIONS

OF_PICTURES = chain_with(captioner=True, text=True, moderates_pictures=True)


def test_a_stage_reads_only_what_was_made_before_it() -> None:
    made, early = {LANDING, CLASSIFIER_EVALUATIONS.name}, []
    for stage in CHAIN:
        early += [
            (stage.name, name) for name in (*stage.reads, stage.images_of, stage.after) if name not in {None, *made}
        ]
        made |= {table.name for table in stage.makes}
    assert early == []


def test_a_stage_reads_the_tables_that_its_columns_are_made_from() -> None:
    both = {stage.name: {*stage.reads, *OF_PICTURES.stage(stage.name).reads} for stage in CHAIN}
    told = [
        (stage.name, source) for stage in CHAIN for table in stage.makes for source in sources(table.sources.values())
    ]
    assert [(name, source) for name, source in told if source.split(".")[0] not in both[name]] == []


def sources(columns: Iterable[str]) -> list[str]:
    return " ".join(columns).split()


def test_gold_reads_every_table_that_is_made_image_by_image() -> None:
    of_images = {table.name for stage in CHAIN if stage.images_of for table in stage.makes}
    assert of_images <= {*CHAIN.stage("gold").reads}


def test_what_stops_an_image_is_gathered_in_the_rejected_images() -> None:
    stopping = {table.name for table in CHAIN.tables(stopping=True)}
    assert {*CHAIN.stage("rejections").reads} == stopping >= {"bronze_images", "image_predictions"}


def test_text_that_is_not_read_has_no_image_to_lose() -> None:
    assert chain_with(captioner=False, text=False, moderates_pictures=False).stage("image_text").upstream is None
