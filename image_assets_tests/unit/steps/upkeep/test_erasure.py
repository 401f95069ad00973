"""Erasing one image: all of it goes, all else stays, and it does not come back."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.errors import ObjectChangedError, StoreUnavailableError, UnknownImageError
from image_assets.ids import ImageId, ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.local_object_store import STAGING, LocalObjectStore
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.search.usearch_index import UsearchParams
from image_assets.steps.audits.day_audits import audit_stage
from image_assets.steps.audits.erasures import audit_erasures
from image_assets.steps.classification.label_decisions import Decision, read_decisions, record_decisions
from image_assets.steps.duplicates.pair_decisions import PairVerdict, read_pair_decisions, record_pair_decision
from image_assets.steps.images.short_ids import whole_id
from image_assets.steps.questions.image_location import locate
from image_assets.steps.search.gallery import Wanted, open_gallery
from image_assets.steps.upkeep.erasure import erase, find_remains, finish_erasures, forget_erased, twins_of
from image_assets.steps.vectors.index_manifest import IndexManifest, read_manifest
from image_assets.steps.vectors.index_source import LakeIndex
from image_assets.steps.vectors.index_store import open_shards
from image_assets.steps.vectors.vector_index import IndexParams, refresh_index
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES
from image_assets.tables.rejections import rejections_of
from image_assets.tables.upkeep import ERASURES
from image_assets_tests.unit.steps.overtaken import OvertakenStore

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]


@pytest.fixture
def two(scenario: "Scenario", paint: Paint) -> "Scenario":
    """A day with a hat, which somebody labelled, and a shoe; reported and indexed."""
    scenario.land("anna/hat.jpg", paint("red"), label="hat")
    scenario.land("berta/shoe.jpg", paint("blue"))
    _run(scenario)
    record_decisions(scenario.tables, [Decision("hat.jpg", "cap")], "ann", datetime(2026, 10, 2, tzinfo=UTC))
    return scenario


def _run(scenario: "Scenario") -> None:
    scenario.run()
    refresh_index(scenario.tables, scenario.encoder.description, IndexParams())
    scenario.store.write(object_keys.report_key(scenario.day, "report.html"), b"pictures")


def test_a_sidecar_whose_accents_are_encoded_otherwise_goes_too(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/gro\u0308\xdfe.jpg", paint())
    scenario.land("anna/gr\xf6\xdfe.jpg.json", b'{"raw_name": "hat.jpg"}')
    scenario.run()
    erase_now(scenario, id_of(scenario, "hat.jpg"))
    assert list(scenario.store.list("landing")) == []


def id_of(scenario: "Scenario", name: str) -> ImageId:
    return next(ImageId(row["image_id"]) for row in scenario.rows(BRONZE_IMAGES) if row["raw_name"] == name)


def erase_now(scenario: "Scenario", image_id: ImageId) -> pl.DataFrame:
    return erase(scenario.tables, find_remains(scenario.tables, image_id), "ticket 7")


def mentions(root: Path, image_id: str) -> set[str]:
    """Objects that have the id in their name or, in a table, in any column of text."""
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    tables = {key: pl.read_parquet(path) for key, path in files.items() if key.endswith(".parquet")}
    naming = {
        key for key, rows in tables.items() if rows.filter(pl.any_horizontal(pl.col(pl.String) == image_id)).height
    }
    return naming | {key for key in files if image_id in key}


CERTIFICATE = {"tables/erasures/2026-10-01.parquet"}


def test_nothing_of_an_erased_image_is_left_but_its_certificate(two: "Scenario") -> None:
    image_id = id_of(two, "hat.jpg")
    upload = two.path("hat.jpg").parent / "anna" / "hat.jpg"
    assert len(mentions(two.root, image_id)) > 12
    erase_now(two, image_id)
    assert mentions(two.root, image_id) == CERTIFICATE
    assert not upload.exists()
    assert not upload.with_name("hat.jpg.json").exists()
    assert read_decisions(two.store).is_empty()


@pytest.mark.parametrize("erased", ["hat.jpg", "shoe.jpg"])
def test_what_a_person_said_of_a_pair_goes_with_either_image(two: "Scenario", erased: str) -> None:
    image_id, hat, shoe = id_of(two, erased), id_of(two, "hat.jpg"), id_of(two, "shoe.jpg")
    record_pair_decision(two.tables, hat, shoe, PairVerdict.SAME, "ann", datetime(2026, 10, 2, tzinfo=UTC))
    assert [key for key in mentions(two.root, image_id) if key.startswith(f"{object_keys.PAIR_REVIEWS}/")]
    erase_now(two, image_id)
    assert list(two.store.list(object_keys.PAIR_REVIEWS)) == []
    assert read_pair_decisions(two.store, two.day) == []


def test_other_images_of_the_day_keep_all_that_is_theirs(two: "Scenario") -> None:
    shoe = id_of(two, "shoe.jpg")
    before = {key for key in mentions(two.root, shoe) if not key.startswith("index/")}
    erase_now(two, id_of(two, "hat.jpg"))
    assert mentions(two.root, shoe) == before
    assert [row["raw_name"] for row in two.rows(GOLD_IMAGES)] == ["shoe.jpg"]


def test_the_certificate_says_who_what_and_when_and_nothing_of_the_image(two: "Scenario") -> None:
    found = find_remains(two.tables, id_of(two, "hat.jpg"))
    (row,) = erase(two.tables, found, "ticket 7").to_dicts()
    assert (row["requested_by"], row["sha256"], row["day"]) == ("ticket 7", found.sha256, two.day)
    assert row["objects_removed"] == len(found.objects) + len(found.derived)
    assert row["rows_removed"] == sum(found.rows.values()) >= 6
    assert row["begun_at"] <= row["erased_at"]
    assert two.rows(ERASURES) == [row]


def test_what_shows_many_images_goes_whole_and_is_made_anew(two: "Scenario") -> None:
    image_id = id_of(two, "hat.jpg")
    erase_now(two, image_id)
    assert [info.key for prefix in ("index", "reports") for info in two.store.list(prefix)] == []
    _run(two)
    assert refresh_index(two.tables, two.encoder.description, IndexParams()).manifest.vectors == 1
    assert mentions(two.root, image_id) == CERTIFICATE


def test_what_the_gallery_kept_of_an_image_goes_with_it(two: "Scenario") -> None:
    hat = id_of(two, "hat.jpg")
    assert open_gallery(two.tables).count(Wanted(with_duplicates=True)) == 2
    erase_now(two, hat)
    assert not two.store.exists(object_keys.GALLERY), "rows that were removed can be read in free blocks"
    made_anew = open_gallery(two.tables)
    assert made_anew.count(Wanted(with_duplicates=True)) == 1
    location = made_anew.locate(hat)
    assert location is not None
    assert (location.state, location.user_id) == ("erased", None)


def test_a_day_that_runs_again_after_an_erasure_has_nothing_to_do_for_the_others(two: "Scenario") -> None:
    erase_now(two, id_of(two, "hat.jpg"))
    assert two.take_in().is_unchanged
    assert two.derive()["silver_images"].is_unchanged
    assert two.embed().is_unchanged


def test_an_upload_that_comes_back_from_an_old_copy_is_refused(two: "Scenario", paint: Paint) -> None:
    erase_now(two, id_of(two, "hat.jpg"))
    two.land("anna/hat.jpg", paint("red"))
    two.run()
    assert two.reasons() == {two.uri("anna/hat.jpg"): "policy"}
    assert "erased on 20" in two.tables.read_column("_rejections/bronze_images", two.day, "detail")[0]


def test_what_came_back_is_erased_again_and_the_certificate_counts_on(two: "Scenario", paint: Paint) -> None:
    image_id = id_of(two, "hat.jpg")
    first = erase_now(two, image_id)
    two.land("anna/hat.jpg", paint("red"))
    two.run()
    second = erase_now(two, image_id)
    assert mentions(two.root, image_id) == CERTIFICATE
    assert second["begun_at"][0] == first["begun_at"][0]
    assert second["rows_removed"][0] > first["rows_removed"][0]


def test_the_same_bytes_under_another_name_are_another_upload(two: "Scenario", paint: Paint) -> None:
    image_id = id_of(two, "hat.jpg")
    two.land("berta/same.jpg", paint("red"))
    two.run()
    found = find_remains(two.tables, image_id)
    assert twins_of(two.tables, found) == (id_of(two, "same.jpg"),)
    erase(two.tables, found, "ticket 7")
    two.run()
    assert {row["raw_name"] for row in two.rows(GOLD_IMAGES)} == {"shoe.jpg", "same.jpg"}


def test_another_image_that_was_uploaded_in_its_place_stays(two: "Scenario", paint: Paint) -> None:
    image_id = id_of(two, "hat.jpg")
    two.land("anna/hat.jpg", paint("green"))
    erase_now(two, image_id)
    two.run()
    assert {row["raw_name"] for row in two.rows(GOLD_IMAGES)} == {"hat.jpg", "shoe.jpg"}
    assert image_id not in {row["image_id"] for row in two.rows(GOLD_IMAGES)}


def test_a_rejected_file_is_erased_like_an_image(scenario: "Scenario") -> None:
    upload = scenario.land("anna/note.jpg", b"not an image")
    scenario.run()
    (image_id,) = scenario.tables.read_column("_rejections/bronze_images", scenario.day, "image_id")
    erase_now(scenario, image_id)
    assert not upload.exists()
    assert mentions(scenario.root, image_id) == CERTIFICATE


def test_copies_on_other_days_that_named_it_are_forgotten_and_their_days_named(two: "Scenario") -> None:
    image_id, later = id_of(two, "hat.jpg"), date(2026, 10, 9)
    rows = pl.DataFrame({"image_id": ["x", "y"], "canonical_id": [image_id, "y"]})
    with two.store.writing(object_keys.table_key("duplicate_images", later)) as path:
        rows.write_parquet(path)
    found = find_remains(two.tables, image_id)
    erase(two.tables, found, "ticket 7")
    assert found.days == (two.day, later)
    assert two.tables.read_column("duplicate_images", later, "image_id").to_list() == ["y"]


def test_an_id_that_no_image_has_is_an_error_that_says_so(two: "Scenario") -> None:
    with pytest.raises(UnknownImageError, match="no image has the id"):
        find_remains(two.tables, ImageId("11111111-1111-5111-8111-111111111111"))


def test_an_erased_image_that_a_run_under_way_brought_back_is_reported(two: "Scenario") -> None:
    image_id, before = id_of(two, "hat.jpg"), two.tables.read(BRONZE_IMAGES, two.day)
    erase_now(two, image_id)
    assert audit_erasures(two.tables, two.day).problems == ()
    two.rewrite(BRONZE_IMAGES, before)
    assert f"image-assets erase {image_id}" in audit_erasures(two.tables, two.day).problems[0]


def is_cut_off(store: ObjectStore, image_id: ImageId) -> bool:
    """Whether the storage was gone before the image was."""
    tables = ParquetTables(store)
    try:
        erase(tables, find_remains(tables, image_id), "ticket 7")
    except StoreUnavailableError:
        return True
    return False


@pytest.fixture
def half_erased(two: "Scenario", scenarios: ModuleType, tmp_path: Path) -> Callable[[int], Iterator["Scenario"]]:
    """Given n: the lake after every nth point at which the erasure of the hat can be cut off, one after the other."""
    return lambda every: _half_erased(two, scenarios, tmp_path / "cut", every)


def _half_erased(two: "Scenario", scenarios: ModuleType, root: Path, every: int) -> Iterator["Scenario"]:
    image_id, life = id_of(two, "hat.jpg"), 1
    shutil.copytree(two.root, root)
    while is_cut_off(scenarios.MortalStore(root, [life]), image_id):
        yield replace(two, root=root)
        shutil.rmtree(root)
        shutil.copytree(two.root, root)
        life += every


def test_an_erasure_that_is_cut_off_anywhere_ends_when_it_is_repeated(
    two: "Scenario", half_erased: Callable[[int], Iterator["Scenario"]]
) -> None:
    image_id, points = id_of(two, "hat.jpg"), 0
    whole = sum(find_remains(two.tables, image_id).rows.values())
    for points, scenario in enumerate(half_erased(2), 1):
        erase_now(scenario, image_id)
        assert mentions(scenario.root, image_id) == CERTIFICATE, points
        assert scenario.row(ERASURES)["rows_removed"] == whole
    assert points > 10


def test_a_run_between_two_attempts_does_not_bring_the_image_back(
    two: "Scenario", half_erased: Callable[[int], Iterator["Scenario"]]
) -> None:
    image_id = id_of(two, "hat.jpg")
    for scenario in half_erased(5):
        scenario.run()
        erase_now(scenario, image_id)
        scenario.run()
        assert mentions(scenario.root, image_id) == CERTIFICATE


def test_a_run_ends_an_erasure_that_was_cut_off(
    two: "Scenario", half_erased: Callable[[int], Iterator["Scenario"]]
) -> None:
    image_id = id_of(two, "hat.jpg")
    for scenario in half_erased(9):
        finish_erasures(scenario.tables, scenario.day)
        if scenario.tables.exists(ERASURES, scenario.day):
            assert mentions(scenario.root, image_id) == CERTIFICATE
            assert scenario.row(ERASURES)["requested_by"] == "ticket 7"
        else:
            assert find_remains(scenario.tables, image_id).objects, "nothing was begun"


@dataclass(frozen=True, slots=True)
class MovingStore(LocalObjectStore):
    """A run merges a file of the table while an erasure looks for rows: it goes when it is about to be read."""

    moved: list[tuple[ObjectKey, ObjectKey]] = field(default_factory=list)

    def uri(self, key: str) -> str:
        if self.moved and self.moved[0][0] == key:
            source, target = self.moved.pop()
            (self.root / source).rename(self.root / target)
        return LocalObjectStore.uri(self, key)


def test_rows_that_a_run_moves_meanwhile_are_erased_where_they_are(two: "Scenario") -> None:
    image_id = id_of(two, "hat.jpg")
    first, second = (
        ObjectKey(f"tables/_checkpoints/bronze_images/{two.day}/{name}.parquet") for name in ("one", "two")
    )
    two.store.copy(object_keys.table_key(BRONZE_IMAGES.name, two.day), first)
    tables = ParquetTables(MovingStore(two.root, moved=[(first, second)]))
    erase(tables, find_remains(tables, image_id), "ticket 7")
    assert mentions(two.root, image_id) == CERTIFICATE


@pytest.mark.parametrize("name", ["vectors", "members.parquet", "manifest.json"])
@pytest.mark.parametrize("is_first", [True, False], ids=["first index", "index in force"])
def test_a_refresh_does_not_bring_back_what_is_erased_meanwhile(two: "Scenario", name: str, is_first: bool) -> None:
    image_id = id_of(two, "hat.jpg")
    if is_first:
        shutil.rmtree(two.root / "index")
    else:
        two.rewrite(two.embeddings, two.tables.read(two.embeddings, two.day).with_columns(input_version=pl.lit("2")))
    store = OvertakenStore(two.root, name=name, happens=[lambda: erase_now(two, image_id)])
    report = refresh_index(ParquetTables(store), two.encoder.description, IndexParams())
    assert (store.happens, mentions(two.root, image_id)) == ([], CERTIFICATE)
    assert report.manifest.vectors == len(open_shards(two.tables, report.manifest, UsearchParams())[0].index) == 1


def test_what_a_refresh_wrote_after_the_first_look_is_erased_too(two: "Scenario") -> None:
    found = find_remains(two.tables, id_of(two, "hat.jpg"))
    refresh_index(two.tables, two.encoder.description, IndexParams(exact_below=0))
    erase(two.tables, found, "ticket 7")
    assert mentions(two.root, found.image_id) == CERTIFICATE


def test_an_erasure_leaves_the_shards_that_do_not_have_the_image(
    two: "Scenario", scenarios: ModuleType, paint: Paint
) -> None:
    later = scenarios.Scenario(two.root, date(2026, 10, 2))
    later.land("anna/new.png", paint("red", kind="PNG"))
    _run(later)
    first, second = _manifest(two).shards
    erase_now(two, id_of(two, "hat.jpg"))
    left = _manifest(two)
    assert (left.shards, [*left.days]) == ((second,), ["2026-10-02"])
    assert not list(two.store.list(f"index/colour-means/{first.name}"))
    report = refresh_index(two.tables, two.encoder.description, IndexParams())
    assert (report.added, report.manifest.vectors) == (1, 2)


def test_whoever_has_read_the_index_before_an_erasure_is_to_ask_again(two: "Scenario") -> None:
    former = _manifest(two)
    erase_now(two, id_of(two, "hat.jpg"))
    with pytest.raises(ObjectChangedError, match="the index has changed meanwhile, ask again"):
        LakeIndex().open(two.tables, former)


def _manifest(scenario: "Scenario") -> IndexManifest:
    manifest = read_manifest(scenario.store, "colour-means")
    assert manifest
    return manifest


def test_what_a_run_notes_of_a_file_that_an_erasure_took_from_under_it_is_forgotten(two: "Scenario") -> None:
    image_id, before = id_of(two, "hat.jpg"), two.tables.read(BRONZE_IMAGES, two.day)
    uris = dict(before.select("raw_name", "source_uri").iter_rows())
    erase_now(two, image_id)
    for name in ("hat.jpg", "shoe.jpg"):
        (two.root / object_keys.key_of(uris[name])).unlink(missing_ok=True)
    two.store.delete(object_keys.table_key(BRONZE_IMAGES.name, two.day))
    rows = pl.DataFrame({"source_uri": [uris["hat.jpg"], uris["shoe.jpg"]]})
    table = rejections_of(BRONZE_IMAGES)
    empty = table.schema.create_empty()
    given = rows.with_columns(
        item="source_uri",
        day=pl.lit(two.day),
        reason=pl.lit("unreadable"),
        detail=pl.lit("gone"),
        stage=pl.lit("bronze_images"),
        processed_at=pl.lit(datetime.now(UTC)),
        input_version=pl.lit("1"),
        recipe_version=pl.lit("1"),
    )
    two.rewrite(
        table,
        pl.concat([empty, given.cast({k: v for k, v in empty.schema.items() if k in given.columns})], how="diagonal"),
    )
    forget_erased(two.tables, two.day)
    assert two.tables.read(table, two.day).get_column("source_uri").to_list() == [uris["shoe.jpg"]]


def test_an_image_that_is_erased_while_its_day_runs_is_not_missed_by_the_checks(two: "Scenario") -> None:
    image_id, silver = id_of(two, "hat.jpg"), two.tables.read(SILVER_IMAGES, two.day)
    erase_now(two, image_id)
    two.rewrite(SILVER_IMAGES, silver)
    assert audit_stage(two.tables, BRONZE_IMAGES.name, SILVER_IMAGES.name, two.day).problems == ()


def test_erasing_what_is_gone_already_shows_the_certificate_as_it_was(two: "Scenario") -> None:
    image_id = id_of(two, "hat.jpg")
    assert erase_now(two, image_id).equals(erase_now(two, image_id))


@pytest.mark.parametrize("key_of", [object_keys.silver_key, lambda _day, image_id: object_keys.thumbnail_key(image_id)])
def test_a_picture_that_a_run_under_way_made_of_an_erased_image_is_reported_and_goes_when_it_is_erased_again(
    two: "Scenario", key_of: Callable[[date, ImageId], ObjectKey]
) -> None:
    image_id = ImageId(two.rows(BRONZE_IMAGES)[0]["image_id"])
    erase_now(two, image_id)
    two.store.write(key_of(two.day, image_id), b"made meanwhile")
    assert audit_erasures(two.tables, two.day).problems == (
        f"{image_id} was erased and is there: image-assets erase {image_id}",
    )
    erase_now(two, image_id)
    assert audit_erasures(two.tables, two.day).problems == ()


def test_the_beginning_of_an_id_means_the_only_image_that_begins_so(two: "Scenario") -> None:
    image_id = two.rows(BRONZE_IMAGES)[0]["image_id"]
    assert whole_id(two.tables, image_id[:8]) == image_id
    erase_now(two, ImageId(image_id))
    assert whole_id(two.tables, image_id[:13]) == image_id
    assert (whole_id(two.tables, "0" * 8), whole_id(two.tables, "dress")) == ("0" * 8, "dress")


@dataclass(frozen=True, slots=True)
class BusyStore(LocalObjectStore):
    """People go on deciding on an image: some words come whenever what is left of it was listed."""

    words: list[bytes] = field(default_factory=list)
    key: ObjectKey = ObjectKey("")

    def flush(self) -> None:
        if self.words:
            self.write(self.key, self.words.pop())
        LocalObjectStore.flush(self)


def test_an_erasure_takes_what_people_say_of_the_image_meanwhile(two: "Scenario") -> None:
    image_id = id_of(two, "hat.jpg")
    key = object_keys.review_key(two.day, image_id, datetime(2026, 10, 3, tzinfo=UTC))
    tables = ParquetTables(BusyStore(two.root, [b"{}"] * 7, key))
    assert erase(tables, find_remains(tables, image_id), "ticket 7")["erased_at"].null_count() == 0
    assert mentions(two.root, image_id) == CERTIFICATE


def test_nothing_is_kept_of_what_is_said_of_an_image_while_it_goes(two: "Scenario") -> None:
    image_id, said = id_of(two, "hat.jpg"), len(list(two.store.list("reviews")))
    row = {"image_id": image_id, "day": two.day, "requested_by": "ticket 7", "begun_at": datetime.now(UTC)}
    counts = {"sha256": None, "erased_at": None, "objects_removed": 1, "rows_removed": 1}
    two.rewrite(ERASURES, pl.DataFrame([{**row, **counts}], schema=ERASURES.schema.create_empty().schema))
    with pytest.raises(UnknownImageError, match="erased meanwhile"):
        record_decisions(
            two.tables, [Decision(image_id, "cap"), Decision("shoe.jpg", "boot")], "eva", datetime.now(UTC)
        )
    assert len(list(two.store.list("reviews"))) == said


def test_an_image_whose_erasure_has_begun_is_in_no_list(two: "Scenario") -> None:
    row = {"image_id": id_of(two, "hat.jpg"), "day": two.day, "requested_by": "ticket 7", "begun_at": datetime.now(UTC)}
    counts = {"sha256": None, "erased_at": None, "objects_removed": 0, "rows_removed": 0}
    assert open_gallery(two.tables).count(Wanted(with_duplicates=True)) == 2
    two.rewrite(ERASURES, pl.DataFrame([{**row, **counts}], schema=ERASURES.schema.create_empty().schema))
    assert open_gallery(two.tables).count(Wanted(with_duplicates=True)) == 1


def test_an_image_whose_erasure_was_cut_off_late_is_an_erased_one(two: "Scenario") -> None:
    image_id = id_of(two, "hat.jpg")
    erase_now(two, image_id)
    two.rewrite(
        ERASURES, two.tables.read(ERASURES, two.day).with_columns(erased_at=pl.lit(None, pl.Datetime("us", "UTC")))
    )
    location = locate(two.tables, image_id)
    assert location is not None
    assert location.is_erased


def test_what_a_run_commits_after_an_erasure_has_ended_goes_before_anything_is_built_on_it(two: "Scenario") -> None:
    image_id, rows = id_of(two, "hat.jpg"), two.tables.read(BRONZE_IMAGES, two.day)
    chunk = ObjectKey(f"{object_keys.checkpoint_prefix(BRONZE_IMAGES.name, two.day)}/late.parquet")
    with two.store.writing(chunk) as path:
        rows.filter(pl.col("image_id") == image_id).write_parquet(path)
        erase_now(two, image_id)
    finish_erasures(two.tables, two.day)
    two.take_in()
    finish_erasures(two.tables, two.day)
    assert mentions(two.root, image_id) == CERTIFICATE
    assert [row["raw_name"] for row in two.rows(BRONZE_IMAGES)] == ["shoe.jpg"]
    assert two.row(ERASURES)["requested_by"] == "ticket 7"


def test_a_picture_that_a_run_made_after_an_erasure_has_ended_goes_with_the_next_run(two: "Scenario") -> None:
    image_id = id_of(two, "hat.jpg")
    erase_now(two, image_id)
    two.store.write(object_keys.thumbnail_key(image_id), b"made meanwhile")
    finish_erasures(two.tables, two.day)
    assert mentions(two.root, image_id) == CERTIFICATE


def test_what_a_killed_process_had_locked_goes(two: "Scenario", tmp_path: Path) -> None:
    image_id = id_of(two, "hat.jpg")
    left = two.root / STAGING / "0123" / "object"
    left.parent.mkdir(parents=True)
    left.write_bytes(image_id.encode())
    left.parent.with_suffix(".locked").touch()
    erase_now(two, image_id)
    assert not left.exists()


def test_no_answer_and_no_leftover_tells_of_an_erased_image(two: "Scenario") -> None:
    image_id = id_of(two, "hat.jpg")
    told, other = object_keys.answer_key(two.day, "1" * 64), object_keys.answer_key(two.day, "2" * 64)
    left = ObjectKey(f"{STAGING}/0123")
    for key, text in ((told, f"[{image_id}]"), (other, "[another]"), (left, f"{image_id}")):
        two.store.write(key, text.encode())
    erase_now(two, image_id)
    assert [two.store.exists(key) for key in (told, other, left)] == [False, True, False]
