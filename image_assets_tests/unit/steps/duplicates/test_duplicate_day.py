"""A day's images against those of that day and of all days before."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from image_assets.imaging.perceptual_hash import hamming_distance
from image_assets.lake.object_keys import table_key
from image_assets.steps.duplicates.clusters import find_clusters
from image_assets.steps.duplicates.links import DuplicateParams, find_links
from image_assets.steps.duplicates.pair_decisions import PairDecisions
from image_assets.steps.duplicates.pool import open_duplicate_pool
from image_assets.steps.vectors.embeddings import embedding_target
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

NOBODY = PairDecisions(frozenset(), frozenset(), frozenset(), {})
Alter = Callable[[Image.Image], Image.Image]


def draw(seed: int) -> Image.Image:
    """A picture of soft blobs that no other seed gives; the mean colour is always about the same."""
    noise = np.random.default_rng(seed).integers(0, 255, (14, 18, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((360, 280), Image.Resampling.BICUBIC)


def saved(image: Image.Image, quality: int = 92) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def cropped(image: Image.Image) -> Image.Image:
    return image.crop((6, 4, image.width - 6, image.height - 4))


def later(scenario: "Scenario", days: int) -> "Scenario":
    return replace(scenario, day=scenario.day + timedelta(days=days))


def prepare(scenario: "Scenario", **files: bytes) -> None:
    """Land files by name, one second apart, and bring them as far as vectors."""
    for number, (name, data) in enumerate(files.items()):
        stamp = f"{scenario.day}T10:00:{number:02}Z"
        scenario.land(f"anna/{name}.jpg", data, uploaded_at=stamp)
    scenario.take_in()
    scenario.derive()
    scenario.embed()


def told(scenario: "Scenario") -> dict[str, Any]:
    """Each file's kind and the file that stands for it, among all days so far."""
    bronze = pl.concat([scenario.tables.read(BRONZE_IMAGES, day) for day in scenario.tables.days(BRONZE_IMAGES.name)])
    names = dict(bronze.select("image_id", pl.col("raw_name").str.strip_suffix(".jpg")).rows())
    rows = scenario.rows(DUPLICATE_IMAGES)
    return {names[row["image_id"]]: (row["kind"], names[row["canonical_id"]]) for row in rows}


def test_the_same_bytes_are_an_exact_duplicate_of_the_earlier_upload(scenario: "Scenario") -> None:
    data = saved(draw(1))
    prepare(scenario, first=data, again=data, other=saved(draw(2)))
    scenario.compare()
    assert told(scenario) == {"first": ("unique", "first"), "again": ("exact", "first"), "other": ("unique", "other")}


def test_of_many_copies_each_is_compared_with_the_first_alone(scenario: "Scenario") -> None:
    copies = {f"copy{number}": saved(draw(1), quality=60 + 6 * number) for number in range(5)}
    prepare(scenario, first=saved(draw(1)), other=saved(draw(2)), **copies)
    pool = open_duplicate_pool(scenario.tables, embedding_target(scenario.encoder.description), scenario.day, 14)
    digests = scenario.tables.read(BRONZE_IMAGES, scenario.day)["sha256"]
    _, links = find_links(pool, digests, NOBODY, DuplicateParams())
    assert (links.height, links["other"].n_unique()) == (5, 1)
    scenario.compare()
    assert {name: told(scenario)[name] for name in copies} == dict.fromkeys(copies, ("near", "first"))


@pytest.mark.parametrize(
    "alter",
    [
        cropped,
        lambda image: image.crop((18, 14, image.width, image.height)),
        lambda image: image.resize((180, 140)),
        lambda image: image.point(lambda level: level * 0.8),
        ImageOps.mirror,
        lambda image: image.transpose(Image.Transpose.ROTATE_90),
    ],
    ids=["cropped", "cropped-at-a-corner", "smaller", "darker", "mirrored", "turned"],
)
def test_an_altered_copy_is_a_near_duplicate(scenario: "Scenario", alter: Alter) -> None:
    prepare(scenario, first=saved(draw(1)), copy=saved(alter(draw(1)), quality=60), other=saved(draw(2)))
    scenario.compare()
    assert told(scenario)["copy"] == ("near", "first")
    assert told(scenario)["other"] == ("unique", "other")


def test_the_turn_of_a_copy_is_told(scenario: "Scenario") -> None:
    prepare(scenario, first=saved(draw(1)), copy=saved(ImageOps.mirror(draw(1))))
    scenario.compare()
    (turn,) = [row["turn"] for row in scenario.rows(DUPLICATE_IMAGES) if row["kind"] == "near"]
    assert turn == "mirrored"


def shirt(pattern: int) -> bytes:
    """One outline, whatever the pattern on it."""
    rng = np.random.default_rng(5), np.random.default_rng(pattern)
    shapes = [rng[0].integers(0, 255, (6, 7, 3)), rng[1].integers(0, 255, (40, 50, 3))]
    coarse, fine = (
        np.asarray(Image.fromarray(shape.astype(np.uint8)).resize((360, 280), Image.Resampling.BICUBIC), dtype=float)
        for shape in shapes
    )
    return saved(Image.fromarray((0.75 * coarse + 0.25 * fine).astype(np.uint8)))


def test_pictures_that_are_alike_as_a_whole_are_not_merged(scenario: "Scenario") -> None:
    """As two shirts of one cut on one carpet are: hashes and vectors are close, the details are not."""
    prepare(scenario, one=shirt(1), two=shirt(2))
    first, second = (row["phash"] for row in scenario.rows(SILVER_IMAGES))
    assert hamming_distance(first, second) <= DuplicateParams().max_bits
    scenario.compare()
    assert told(scenario)["two"] == ("unique", "two")
    assert scenario.compare(DuplicateParams(min_likeness=-1.0)).computed == 2
    assert told(scenario)["two"] == ("near", "one")


def price_tag(price: int) -> Image.Image:
    image = Image.new("RGB", (360, 480), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 360, 60), fill=(30, 90, 160))
    for number, line in enumerate(("Summer sale", f"Price {price}.99 EUR", "Sizes S M L", "Ships in 2 days")):
        draw.text((20, 90 + 40 * number), line, fill="black", font=ImageFont.load_default(20))
    return image


def test_price_tags_of_one_layout_are_merged_only_with_their_copies(scenario: "Scenario") -> None:
    copy = price_tag(19).resize((240, 320), Image.Resampling.LANCZOS)
    tags = {"one": price_tag(19), "other": price_tag(49), "third": price_tag(18), "copy": copy}
    prepare(scenario, **{name: saved(tag) for name, tag in tags.items()})
    scenario.compare()
    assert told(scenario) == {
        "one": ("unique", "one"),
        "other": ("unique", "other"),
        "third": ("unique", "third"),
        "copy": ("near", "one"),
    }


BLUE, GREEN = ("navy", "white"), ("darkgreen", "khaki")


def halves(first: str, second: str) -> Image.Image:
    image = Image.new("RGB", (300, 300), first)
    image.paste(Image.new("RGB", (150, 300), second))
    return image


def test_two_halves_in_other_colours_are_no_copy_in_any_turn(scenario: "Scenario") -> None:
    turned = [halves(*colours).transpose(Image.Transpose.TRANSPOSE) for colours in (BLUE, GREEN)]
    prepare(scenario, one=saved(halves(*BLUE)), copy=saved(turned[0], 80), other=saved(turned[1]))
    scenario.compare()
    assert told(scenario) == {"one": ("unique", "one"), "copy": ("near", "one"), "other": ("unique", "other")}


def test_pictures_that_show_nothing_are_only_compared_by_their_bytes(scenario: "Scenario") -> None:
    plain = [Image.new("RGB", (200, 200), (250, level, 250)) for level in (250, 249)]
    prepare(scenario, one=saved(plain[0]), two=saved(plain[1]))
    scenario.compare()
    assert told(scenario)["two"] == ("unique", "two")


def test_a_copy_of_an_earlier_day_is_found(scenario: "Scenario") -> None:
    prepare(scenario, first=saved(draw(1)))
    prepare(later(scenario, 3), copy=saved(cropped(draw(1))))
    later(scenario, 3).compare()
    assert told(later(scenario, 3)) == {"copy": ("near", "first")}


def test_an_image_without_a_vector_is_compared_all_the_same(scenario: "Scenario") -> None:
    prepare(scenario, first=saved(draw(1)), copy=saved(draw(1), quality=50))
    scenario.store.delete(table_key(scenario.embeddings.name, scenario.day))
    scenario.compare()
    assert told(scenario)["copy"] == ("near", "first")
    assert {row["similarity"] for row in scenario.rows(DUPLICATE_IMAGES)} == {None}


def test_an_image_whose_cleansed_file_is_gone_is_near_to_nothing(scenario: "Scenario") -> None:
    prepare(scenario, first=saved(draw(1)), copy=saved(draw(1), quality=50))
    scenario.store.delete(scenario.rows(SILVER_IMAGES)[0]["cleansed_path"])
    scenario.compare()
    assert told(scenario)["copy"] == ("unique", "copy")


def test_a_day_without_images_has_an_empty_table(scenario: "Scenario") -> None:
    prepare(scenario)
    scenario.compare()
    assert scenario.rows(DUPLICATE_IMAGES) == []


def test_an_unchanged_day_writes_nothing(scenario: "Scenario") -> None:
    prepare(scenario, first=saved(draw(1)))
    scenario.compare()
    before = scenario.files()
    assert scenario.compare().is_unchanged
    assert scenario.files() == before


def test_a_late_file_of_an_earlier_day_makes_later_days_stale(scenario: "Scenario") -> None:
    prepare(later(scenario, 1), copy=saved(cropped(draw(1))))
    later(scenario, 1).compare()
    prepare(scenario, first=saved(draw(1)))
    assert later(scenario, 1).compare().computed == 1
    assert told(later(scenario, 1)) == {"copy": ("near", "first")}


def test_a_file_of_a_later_day_changes_nothing(scenario: "Scenario") -> None:
    prepare(scenario, first=saved(draw(1)))
    scenario.compare()
    prepare(later(scenario, 1), copy=saved(cropped(draw(1))))
    assert scenario.compare().is_unchanged


def rows_of(days: list["Scenario"]) -> list[pl.DataFrame]:
    return [day.tables.read(DUPLICATE_IMAGES, day.day).drop("processed_at") for day in days]


def test_the_result_depends_on_no_order_of_days_nor_on_their_being_computed_at_once(scenario: "Scenario") -> None:
    days = [later(scenario, number) for number in range(3)]
    for day, alter in zip(days, (lambda image: image, cropped, ImageOps.mirror), strict=True):
        prepare(day, **{f"{seed}-{day.day.day}": saved(alter(draw(seed))) for seed in (1, 2)})
    results = []
    for order in permutations(days):
        for day in days:
            day.store.delete(table_key(DUPLICATE_IMAGES.name, day.day))
        for day in order:
            day.compare()
        results.append(rows_of(days))
    for day in days:
        day.store.delete(table_key(DUPLICATE_IMAGES.name, day.day))
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda day: day.compare(), days))
    assert all(
        one.equals(other) for rows in [*results, rows_of(days)] for one, other in zip(results[0], rows, strict=True)
    )
    assert results[0][1]["kind"].to_list() == ["near", "near"]


def test_two_labels_of_one_photo_are_a_conflict(scenario: "Scenario") -> None:
    for name, label, quality in (("a", "Shorts", 92), ("b", "shorts ", 80), ("c", "skirt", 70)):
        data = saved(draw(1), quality)
        scenario.land(f"anna/{name}.jpg", data, label=label, uploaded_at=f"{scenario.day}T10:00:00Z")
    prepare(scenario)
    scenario.compare()
    conflicts = find_clusters(scenario.tables, only_conflicts=True)
    assert set(conflicts["raw_name"]) == {"a.jpg", "b.jpg", "c.jpg"}


def test_one_label_in_two_spellings_is_no_conflict(scenario: "Scenario") -> None:
    prepare(scenario, a=saved(draw(1)), b=saved(draw(1), 80))
    rows = scenario.tables.read(BRONZE_IMAGES, scenario.day).sort("raw_name")
    scenario.rewrite(
        BRONZE_IMAGES, rows.with_columns(label=pl.Series(["H\xf6schen ", "ho\u0308schen"])).sort("image_id")
    )
    scenario.compare()
    assert scenario.tables.read(DUPLICATE_IMAGES, scenario.day)["label_conflict"].to_list() == [False, False]
    assert find_clusters(scenario.tables, only_conflicts=True).is_empty()


def test_clusters_show_the_first_image_first_and_nothing_that_is_single(scenario: "Scenario") -> None:
    prepare(scenario, first=saved(draw(1)), other=saved(draw(2)), copy=saved(cropped(draw(1))))
    scenario.compare()
    clusters = find_clusters(scenario.tables)
    assert clusters["raw_name"].to_list() == ["first.jpg", "copy.jpg"]
    assert find_clusters(scenario.tables, first=scenario.day + timedelta(days=1)).is_empty()
