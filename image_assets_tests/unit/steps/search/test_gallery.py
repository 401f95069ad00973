"""The gallery says of images what gold says of them: whoever is asked, the same images are found."""

import random
import string
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_assets.errors import ObjectChangedError, SearchError
from image_assets.ids import ImageId
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_keys import GALLERY, table_key
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.search.conditions import Condition, expression_of
from image_assets.steps.search.gallery import Gallery, Order, Wanted, open_gallery
from image_assets.steps.search.gallery_facets import FACETS, Listed, count_facets
from image_assets.steps.search.image_lists import HeldList, ImageList, PageOfList, QueriedList, ordered_like
from image_assets.steps.search.ranking import Hit, in_order
from image_assets.tables.gold import STATES

DAYS = [date(2026, 10, number) for number in (1, 2, 3)]
OLD_DAY = DAYS[0]
LABELS = [None, "dress", "caf\xe9", "stra\xdfe", "\u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "dark red"]
USERS = [None, "anna", "Anna", "caf\xe9", "cafe\u0301", "\u0130stanbul", "a b", "x'; DROP TABLE images; --"]
TAGS = [None, [], ["red"], ["red", "dress"], ["Cafe\u0301", "dress"], ["blue"]]
COLOURS = [[], ["#c01020"], ["#c01020", "#ffffff"], ["#0000ff", "#000000", "#c21122"]]
CAPTIONS = [None, "", "a red dress", "A red Dress"]
CONFIDENCES = [None, 0.1, 0.3, 0.5, 1.0]
# To the microsecond; a sidecar may say anything.
UPLOADED = [
    None,
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, tzinfo=UTC),
    *(datetime(2026, 10, 2, hour, tzinfo=UTC) + timedelta(microseconds=late) for hour in range(9) for late in range(3)),
]
TYPES = {
    "image_id": pl.String,
    "day": pl.Date,
    "user_id": pl.String,
    "label": pl.String,
    "state": pl.Enum(STATES),
    "tags": pl.List(pl.String),
    "dominant_colours": pl.List(pl.String),
    "caption": pl.String,
    "confidence_ratio": pl.Float32,
    "needs_review": pl.Boolean,
    "width_px": pl.UInt32,
    "uploaded_at": pl.Datetime("us", "UTC"),
    "raw_name": pl.String,
    "blur": pl.Float32,
    "canonical_id": pl.String,
    "is_duplicate": pl.Boolean,
    "thumbnail_path": pl.String,
}


def image_id(number: int) -> str:
    return str(UUID(int=random.Random(number).getrandbits(128), version=5))


def row(dice: random.Random, number: int, day: date, earlier: Sequence[str]) -> dict[str, Any]:
    name = image_id(number)
    canonical = dice.choice([None, name, name, dice.choice(earlier or [name]), image_id(-dice.randrange(1, 4))])
    return {
        "image_id": name,
        "day": day,
        "user_id": dice.choice(USERS),
        "label": dice.choice(LABELS),
        "state": dice.choice([*STATES, "embedded", "embedded"]),
        "tags": dice.choice(TAGS),
        "dominant_colours": dice.choice(COLOURS),
        "caption": dice.choice(CAPTIONS),
        "confidence_ratio": dice.choice(CONFIDENCES),
        "needs_review": dice.choice([None, True, False]),
        "width_px": dice.randrange(1, 6) * 100,
        "uploaded_at": dice.choice(UPLOADED),
        "raw_name": dice.choice(["red.jpg", "Gr\xf6\xdfe.jpg", "gro\u0308\xdfe.jpg"]),
        "blur": dice.choice([0.1, 20.0]),
        "canonical_id": canonical,
        "is_duplicate": None if canonical is None else canonical != name,
        "thumbnail_path": dice.choice([None, f"thumbnail/{name}.webp"]),
    }


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> ParquetTables:
    """Three days; copies of images of any day, of some that are not there, and a day of an older shape."""
    made = ParquetTables(LocalObjectStore(tmp_path_factory.mktemp("gallery") / "lake"))
    dice, earlier = random.Random(7), list[str]()
    for day in DAYS:
        rows = pl.DataFrame(
            [row(dice, day.day * 1_000 + number, day, earlier) for number in range(80)], schema=TYPES
        ).sort("image_id")
        if day == OLD_DAY:
            rows = rows.drop("caption", "label", "tags").with_columns(pl.col("state").cast(pl.String))
        write(made, "gold_images", day, rows)
        earlier += rows.get_column("image_id").to_list()
    return made


@pytest.fixture(scope="module")
def gallery(tables: ParquetTables) -> Gallery:
    return open_gallery(tables)


def write(tables: ParquetTables, table: str, day: date, rows: pl.DataFrame) -> None:
    with tables.store.writing(table_key(table, day)) as path:
        rows.write_parquet(path)


def gold(tables: ParquetTables, wanted: Wanted, *, with_blocked: bool = False) -> pl.DataFrame:
    """The rows of gold that are wanted, by polars on the files of the days."""
    parts = []
    for day in DAYS:
        rows = pl.read_parquet(tables.store.uri(table_key("gold_images", day)))
        if all(each.column in rows.columns for each in wanted.conditions):
            met = [expression_of(each, rows.schema[each.column]) for each in wanted.conditions]
            parts.append(rows.filter(pl.all_horizontal(pl.lit(value=True), *met)).cast({"state": pl.String}))
    found = pl.concat([*parts, pl.DataFrame(schema={**TYPES, "state": pl.String})], how="diagonal")
    if not with_blocked and not any(each.column == "state" for each in wanted.conditions):
        found = found.filter(pl.col("state") != "blocked")
    if wanted.owner is not None:
        found = found.filter(pl.col("user_id") == wanted.owner)
    if wanted.with_duplicates:
        return found
    canonical = pl.coalesce("canonical_id", "image_id")
    found = found.with_columns(canonical=canonical).sort(pl.col("canonical") != pl.col("image_id"), "image_id")
    return found.unique("canonical", keep="first", maintain_order=True)


def ids(rows: pl.DataFrame) -> list[str]:
    return sorted(rows.get_column("image_id"))


letters = "".join({*string.ascii_letters, *"\xe9\u0301\xdf\u1e9e\u0130\u0131\u03c3\u03c2\u017f \t'%_?$1"})
texts = st.one_of(
    st.sampled_from([each for each in (*LABELS, *USERS, *CAPTIONS) if each is not None]),
    st.sampled_from([each.upper() for each in (*LABELS, *USERS) if each]),
    st.text(letters, max_size=4),
)
numbers = st.one_of(
    st.sampled_from(["", "0.1", "0.3", "0.30000001", "1", "nan", "inf", "-1e300", "1e39"]), st.floats().map(str)
)
wholes = st.one_of(
    st.sampled_from(["", "300", "-1", "4294967296", "9223372036854775807"]), st.integers(0, 600).map(str)
)
instants = st.one_of(
    st.sampled_from(
        ["", "2026-10-01T12:00:00.000001", "2026-10-02", "0001-01-01T00:00+00:00", "2026-10-01T12:00+02:00"]
    ),
    st.datetimes().map(datetime.isoformat),
)
ORDERED, EQUAL = ["=", "!=", ">=", "<="], ["=", "!="]
BY_COLUMN = {
    **dict.fromkeys(("user_id", "label", "caption", "state", "raw_name"), (ORDERED, texts)),
    "tags": (EQUAL, st.one_of(texts, st.sampled_from(["red", "RED", "cafe\u0301"]))),
    "dominant_colours": (EQUAL, st.sampled_from(["", "red", "White", "black", "purple", "#c01020", "#0000ff"])),
    "confidence_ratio": (ORDERED, numbers),
    "blur": (ORDERED, numbers),
    "needs_review": (ORDERED, st.sampled_from(["", "yes", "TRUE", "no"])),
    "width_px": (ORDERED, wholes),
    "day": (ORDERED, st.sampled_from(["", "2026-10-02", "0001-01-01", "9999-12-31"])),
    "uploaded_at": (ORDERED, instants),
}


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    column = draw(st.sampled_from([*BY_COLUMN]))
    comparisons, values = BY_COLUMN[column]
    return Condition(column, draw(st.sampled_from(comparisons)), tuple(draw(st.lists(values, min_size=1, max_size=3))))


wanted_images = st.builds(
    Wanted,
    conditions=st.lists(conditions(), max_size=3).map(tuple),
    with_duplicates=st.booleans(),
    owner=st.sampled_from([None, None, "anna", "nobody"]),
)


@given(wanted=wanted_images)
@settings(max_examples=150)
def test_the_same_images_are_found_as_in_gold(tables: ParquetTables, gallery: Gallery, wanted: Wanted) -> None:
    expected = ids(gold(tables, wanted))
    assert ids(gallery.find(wanted)) == expected
    assert gallery.count(wanted) == len(expected)


def pages(gallery: Gallery, wanted: Wanted, order: Order, count: int) -> list[str]:
    seen, after = list[str](), None
    while True:
        hits, after = gallery.page(wanted, order, count, after)
        seen += [hit.image_id for hit in hits]
        if after is None:
            return seen


@pytest.mark.parametrize(
    "wanted", [Wanted(), Wanted(with_duplicates=True), Wanted((Condition("label", "!=", ("dress",)),))]
)
@pytest.mark.parametrize("count", [1, 7, 1_000])
def test_pages_are_the_order_cut_up(tables: ParquetTables, gallery: Gallery, wanted: Wanted, count: int) -> None:
    rows = gold(tables, wanted)
    newest = rows.sort("uploaded_at", "image_id", descending=[True, False], nulls_last=True)
    least_sure = rows.sort("confidence_ratio", "image_id", nulls_last=True).get_column("image_id").to_list()
    assert pages(gallery, wanted, Order.NEWEST, count) == newest.get_column("image_id").to_list()
    assert pages(gallery, wanted, Order.LEAST_SURE, count) == least_sure


@pytest.mark.parametrize("mark", ["", "x", "0.5", "nan_x", "1.0_x", f"inf_{image_id(1)}", f"1_{image_id(1).upper()}"])
@pytest.mark.parametrize("order", [*Order])
def test_a_mark_that_no_page_gave_is_an_error(gallery: Gallery, mark: str, order: Order) -> None:
    with pytest.raises(SearchError, match="is no mark of a page"):
        gallery.page(Wanted(), order, 1, mark)


@pytest.mark.parametrize("place", ["-1e9", "0.0", "1e300", "739890.5"])
@pytest.mark.parametrize("order", [*Order])
def test_a_mark_may_stand_anywhere(gallery: Gallery, place: str, order: Order) -> None:
    gallery.page(Wanted(), order, 1, f"{place}_{image_id(1)}")


def test_rows_are_those_of_gold(tables: ParquetTables, gallery: Gallery) -> None:
    columns = [name for name in TYPES if name not in {"dominant_colours", "thumbnail_path", "blur"}]
    rows = gold(tables, Wanted(with_duplicates=True), with_blocked=True)
    found = gallery.rows(rows.get_column("image_id").to_list(), [*columns, "main_colour", "has_thumbnail"])
    expected = rows.select(
        *columns,
        main_colour=pl.col("dominant_colours").list.first(),
        has_thumbnail=pl.col("thumbnail_path").is_not_null(),
    )
    assert found.sort("image_id").equals(expected.sort("image_id"))


def test_copies_are_found_from_any_of_them(tables: ParquetTables, gallery: Gallery) -> None:
    rows = gold(tables, Wanted(with_duplicates=True), with_blocked=True)
    rows = rows.with_columns(canonical=pl.coalesce("canonical_id", "image_id"))
    for name, canonical in rows.select("image_id", "canonical").iter_rows():
        expected = ids(rows.filter(pl.col("canonical") == canonical))
        assert sorted(gallery.copies_of(ImageId(name))) == expected


CHOSEN = [
    (),
    (Condition("label", "=", ("dress",)),),
    (Condition("label", "=", ("dress", "")), Condition("tags", "=", ("red",))),
    (Condition("state", "=", ("blocked", "error")),),
    (Condition("day", ">=", ("2026-10-02",)), Condition("user_id", "!=", ("anna",))),
    (Condition("dominant_colours", "=", ("red",)),),
]


@pytest.mark.parametrize(("chosen", "with_duplicates"), [*product(CHOSEN, [False, True])], ids=str)
def test_a_facet_counts_what_its_values_would_show(
    tables: ParquetTables, gallery: Gallery, chosen: tuple[Condition, ...], with_duplicates: bool
) -> None:
    wanted = Wanted(chosen, with_duplicates)
    facets = count_facets(gallery, wanted, FACETS, budget_s=60)
    for name in FACETS:
        facet = facets[name]
        assert facet is not None
        others = tuple(each for each in chosen if each.column != name or each.comparison != "=")
        for value, images in facet.counts:
            if name == "user_id" and value is not None:
                # Two spellings of one name are two values, which a condition does not tell apart.
                continue
            text = "" if value is None else str(value)
            clicked = replace(wanted, conditions=(*others, Condition(name, "=", (text,))))
            assert (name, value, gold(tables, clicked).height) == (name, value, images)
        assert facet.more == 0


def test_a_chosen_value_stays_in_sight_behind_twenty_others(tables: ParquetTables, tmp_path: Path) -> None:
    made = ParquetTables(LocalObjectStore(tmp_path / "lake"))
    rows = [
        {"image_id": image_id(number), "day": DAYS[0], "label": f"l{number:02}", "state": "embedded"}
        for number in range(30)
    ]
    write(made, "gold_images", DAYS[0], pl.DataFrame(rows).cast({"day": pl.Date}))
    facets = count_facets(open_gallery(made), Wanted((Condition("label", "=", ("L29",)),)), ["label"])
    assert facets["label"] is not None
    assert [value for value, _ in facets["label"].counts] == [f"l{number:02}" for number in (*range(20), 29)]
    assert facets["label"].more == 9


def test_what_takes_too_long_is_not_counted(gallery: Gallery) -> None:
    wanted = Wanted((Condition("label", "=", ("dress",)),))
    facets = count_facets(gallery, replace(wanted, owner="anna"), ["label", "day"], budget_s=0)
    assert facets == {"label": None, "day": None}


def test_a_column_without_facet_is_refused(gallery: Gallery) -> None:
    with pytest.raises(SearchError, match="'width_px' has no facet: label, predicted_label"):
        count_facets(gallery, Wanted(), ["width_px"])


@pytest.fixture
def known(tmp_path: Path) -> ParquetTables:
    """Of a day: an image in gold, one on its way, one refused at the door, one refused later, and an erased one."""
    made = ParquetTables(LocalObjectStore(tmp_path / "lake"))
    gold_row, waiting, at_door, later, erased = (image_id(number) for number in range(5))
    write(
        made,
        "gold_images",
        DAYS[0],
        pl.DataFrame([{"image_id": gold_row, "day": DAYS[0], "user_id": "anna", "state": "embedded"}]),
    )
    write(
        made,
        "bronze_images",
        DAYS[0],
        pl.DataFrame({"image_id": [gold_row, waiting, later], "user_id": ["anna", "bo", "carl"]}),
    )
    refused = {"image_id": [at_door, later, None], "reason": ["empty", "corrupt", "gone"]}
    source = f"landing/{DAYS[0]}/d%C3%B6ra/x.jpg"
    stages = {"stage": ["bronze_images", "silver_images", "bronze_images"], "source_uri": [source] * 3}
    write(made, "rejected_images", DAYS[0], pl.DataFrame({**refused, **stages}))
    write(made, "erasures", DAYS[0], pl.DataFrame({"image_id": [erased]}))
    return made


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, ("anna", "embedded", None, None)),
        (1, ("bo", "processing", None, None)),
        (2, ("d\xf6ra", "error", "empty", "bronze_images")),
        (3, ("carl", "error", "corrupt", "silver_images")),
        (4, (None, "erased", None, None)),
    ],
)
def test_every_image_that_is_known_has_a_place(known: ParquetTables, number: int, expected: tuple[object, ...]) -> None:
    found = open_gallery(known).locate(ImageId(image_id(number)))
    assert found is not None
    assert (found.day, found.user_id, found.state, found.reason, found.stage) == (DAYS[0], *expected)


@pytest.mark.parametrize("name", [image_id(99), "", "nothing", "'; DROP TABLE kept.images; --"])
def test_what_is_not_known_has_no_place(known: ParquetTables, name: str) -> None:
    assert open_gallery(known).locate(ImageId(name)) is None


def test_an_image_that_has_come_since_may_be_on_the_days_that_changed(known: ParquetTables) -> None:
    former = open_gallery(known)
    write(known, "bronze_images", DAYS[1], pl.DataFrame({"image_id": [image_id(7)], "user_id": ["anna"]}))
    assert former.days_of(ImageId(image_id(7))) == [DAYS[1]]
    assert former.days_of(ImageId(image_id(0))) == [DAYS[0]]


def test_a_gallery_stays_what_it_was_and_gold_that_has_changed_since_is_not_mixed_in(known: ParquetTables) -> None:
    former = open_gallery(known)
    rows = pl.read_parquet(known.store.uri(table_key("gold_images", DAYS[0])))
    write(known, "gold_images", DAYS[0], rows.with_columns(state=pl.lit("error")))
    assert former.count(Wanted((Condition("state", "=", ("embedded",)),))) == 1
    with pytest.raises(ObjectChangedError):
        former.gold.select(["image_id"])
    assert open_gallery(known, former).count(Wanted((Condition("state", "=", ("embedded",)),))) == 0


def test_an_unchanged_lake_keeps_its_gallery(known: ParquetTables) -> None:
    former = open_gallery(known)
    assert open_gallery(known, former) is former
    assert known.store.exists(GALLERY)


def test_an_image_has_a_place_before_any_day_of_gold(tmp_path: Path) -> None:
    lake = ParquetTables(LocalObjectStore(tmp_path / "lake"))
    write(lake, "bronze_images", DAYS[0], pl.DataFrame({"image_id": [image_id(1)], "user_id": ["bo"]}))
    found = open_gallery(lake).locate(ImageId(image_id(1)))
    assert found is not None
    assert (found.user_id, found.state) == ("bo", "processing")


@pytest.mark.parametrize(
    "wanted", [Wanted(), Wanted(with_duplicates=True), Wanted((Condition("label", "!=", ("dress",)),))]
)
@pytest.mark.parametrize("order", [*Order])
def test_pages_can_be_turned_back_and_every_image_has_its_place(gallery: Gallery, wanted: Wanted, order: Order) -> None:
    listed = QueriedList(gallery, wanted, order)
    turned_forth_and_back(listed, pages(gallery, wanted, order, 1_000), count=7)


@pytest.mark.parametrize("order", [*Order])
@pytest.mark.parametrize("wanted", [Wanted(), Wanted((Condition("day", "=", (DAYS[1].isoformat(),)),))])
def test_an_image_that_a_list_does_not_show_has_no_place_in_it(gallery: Gallery, wanted: Wanted, order: Order) -> None:
    shown = {*gallery.find(wanted).get_column("image_id")}
    others = {*gallery.find(Wanted(with_duplicates=True)).get_column("image_id")} - shown
    listed = QueriedList(gallery, wanted, order)
    assert others
    assert [listed.around(ImageId(each)) for each in (*others, image_id(-99))] == [None] * (len(others) + 1)


@pytest.mark.parametrize("order", [*Order])
def test_what_was_ranked_stands_in_an_order_as_the_gallery_has_it(gallery: Gallery, order: Order) -> None:
    expected = pages(gallery, Wanted(), order, 1_000)
    hits = [Hit(ImageId(each), 0.0, 0.5) for each in sorted(expected)]
    assert [hit.image_id for hit in ordered_like(gallery, hits, order)] == expected


@pytest.mark.parametrize("count", [1, 3, 10])
def test_a_ranking_can_be_turned_back_and_every_image_has_its_place(count: int) -> None:
    hits = [
        Hit(ImageId(image_id(number)), relevance, relevance) for number, relevance in enumerate([0.9, 0.5, 0.5, 0.1])
    ]
    ranked = in_order(hits)
    turned_forth_and_back(HeldList(ranked), [hit.image_id for hit in ranked], count)


def turned_forth_and_back(listed: ImageList, expected: Sequence[str], count: int) -> None:
    assert listed.total == len(expected)
    assert listed.first(5) == expected[:5]
    before, after = list[PageOfList](), None
    while True:
        page = listed.page(after, count)
        assert [hit.image_id for hit in page.hits] == expected[page.before : page.before + count]
        assert page.before == count * len(before)
        assert (page.back is None) == (not before)
        if page.back is not None:
            assert listed.page(page.back or None, count) == before[-1]
        before.append(page)
        after = page.after
        if after is None:
            break
    for place, name in enumerate(expected):
        found = listed.around(ImageId(name))
        assert found is not None
        assert (found.before, found.previous) == (place, expected[place - 1] if place else None)
        assert found.following == (expected[place + 1] if place + 1 < len(expected) else None)
        assert listed.page(found.mark or None, 1).hits[0].image_id == name


def test_of_a_facet_only_values_with_a_text_are_listed(gallery: Gallery) -> None:
    (facet,) = count_facets(gallery, Wanted(), ["user_id"], listed=Listed(holding="ANN")).values()
    assert facet is not None
    assert ({value for value, _ in facet.counts}, facet.more) == ({"anna", "Anna"}, 0)
