import io
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from image_assets.compute.engine import ProcessEngine
from image_assets.errors import PrivacyError, TableError
from image_assets.ids import ObjectKey
from image_assets.imaging.derivatives import DerivativeParams, EncodedImage, PreviewParams
from image_assets.imaging.privacy import find_metadata
from image_assets.imaging.watermark import WatermarkParams
from image_assets.samples.mishaps import half_jpeg, overwritten_jpeg
from image_assets.steps.images.derivation import prove_pixels_only
from image_assets.steps.images.silver import DERIVED_TABLES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS
from image_assets.tables.table import Table

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]

PATHS = {SILVER_IMAGES: "cleansed_path", THUMBNAILS: "thumbnail_path", WATERMARKED_PREVIEWS: "preview_path"}
EACH = pytest.mark.parametrize("table", DERIVED_TABLES, ids=lambda table: table.name)


def derivative(scenario: "Scenario", table: Table) -> bytes:
    """The file of the one image that there is."""
    return scenario.store.read(ObjectKey(str(scenario.row(table)[PATHS[table]])))


def pixels(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def shown(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    colour = image.getpixel((x, y))
    assert isinstance(colour, tuple)
    return colour


@pytest.fixture
def tagged(paint: Paint) -> bytes:
    """A JPEG that says who, where and how, and lies on its side: 48 x 64 when it is upright."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "SecretMaker", 6
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (48.0, 8.0, 0.0)
    return paint(size=(64, 48), exif=exif, comment=b"secret", xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>s</x:xmpmeta>")


@EACH
@pytest.mark.parametrize(
    ("size", "sides"),
    [((2000, 1000), (512, 300, 1200)), ((400, 300), (400, 300, 400)), ((100, 150), (150, 150, 150))],
)
def test_a_derivative_is_as_long_as_it_may_be_and_never_longer_than_its_original(
    scenario: "Scenario", paint: Paint, table: Table, size: tuple[int, int], sides: tuple[int, int, int]
) -> None:
    scenario.land("anna/a.jpg", paint(size=size))
    scenario.take_in()
    scenario.derive(wanted=[table])
    row, image = scenario.row(table), pixels(derivative(scenario, table))
    assert max(image.size) == dict(zip(DERIVED_TABLES, sides, strict=True))[table]
    assert image.width / image.height == pytest.approx(size[0] / size[1], abs=0.01)
    assert (row["width_px"], row["height_px"]) == image.size


@EACH
def test_a_derivative_is_upright(scenario: "Scenario", tagged: bytes, table: Table) -> None:
    scenario.land("anna/a.jpg", tagged)
    scenario.take_in()
    scenario.derive(wanted=[table])
    image = pixels(derivative(scenario, table))
    assert image.size == (48, 64)
    # The white stripe on top of the stored picture is on the right of the upright one.
    assert min(shown(image, 46, 32)) > 200
    assert min(shown(image, 10, 32)) < 100


@EACH
def test_a_derivative_says_nothing_besides_its_pixels(scenario: "Scenario", tagged: bytes, table: Table) -> None:
    scenario.land("anna/a.jpg", tagged)
    scenario.take_in()
    scenario.derive(wanted=[table])
    data = derivative(scenario, table)
    assert find_metadata(tagged)
    assert find_metadata(data) == []
    assert b"ecret" not in data


@EACH
def test_a_row_tells_the_size_of_its_file(scenario: "Scenario", paint: Paint, table: Table) -> None:
    scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    scenario.derive(wanted=[table])
    assert scenario.row(table)["size_bytes"] == len(derivative(scenario, table))


def test_two_runs_make_the_same_bytes(scenario: "Scenario", paint: Paint, workers: ProcessEngine) -> None:
    for number, kind in enumerate(["JPEG", "PNG", "WEBP", "GIF"]):
        scenario.land(f"anna/{number}", paint(size=(700, 500), kind=kind))
    scenario.take_in()

    def derived() -> Iterator[tuple[str, bytes]]:
        for folder in ("silver", "thumbnail", "watermarked"):
            yield from ((info.key, scenario.store.read(info.key)) for info in scenario.store.list(folder))

    scenario.derive()
    first = dict(derived())
    for info in [*scenario.store.list("tables/silver_images"), *scenario.store.list("tables/thumbnails")]:
        scenario.store.delete(info.key)
    for table in DERIVED_TABLES:  # One at a time and elsewhere: neither company nor place may matter.
        scenario.derive(wanted=[table], engine=workers)
    assert dict(derived()) == first
    assert len(first) == 12


def test_silver_measures_what_it_shows(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.png", paint("#0000ff", size=(160, 160), kind="PNG"))
    scenario.take_in()
    scenario.derive()
    row = scenario.row(SILVER_IMAGES)
    assert row["aspect_ratio"] == 1.0
    colours = row["dominant_colours"]
    assert isinstance(colours, list)
    assert re.fullmatch(r"#0[0-5]0[0-5]f[a-f0-9]", colours[0])
    assert row["cleansed_name"] == f"{row['image_id']}.jpg"


def test_files_lie_where_the_map_of_the_lake_says(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    scenario.derive()
    name = str(scenario.row(BRONZE_IMAGES)["image_id"])
    assert [scenario.row(table)[column] for table, column in PATHS.items()] == [
        f"silver/2026/10/01/{name}.jpg",
        f"thumbnail/{name[:2]}/{name}.webp",
        f"watermarked/{name[:2]}/{name}.jpg",
    ]


@pytest.mark.parametrize(("spoil", "reason"), [(half_jpeg, "truncated"), (overwritten_jpeg, "corrupt")])
def test_an_image_that_does_not_decode_to_its_end_is_refused_and_the_rest_is_done(
    scenario: "Scenario", paint: Paint, spoil: Callable[[bytes], bytes], reason: str
) -> None:
    scenario.land("anna/bad.jpg", spoil(paint("plum", size=(600, 400))))
    scenario.land("anna/good.jpg", paint())
    scenario.take_in()
    reports = scenario.derive()
    for table in DERIVED_TABLES:
        assert list(scenario.reasons(table).values()) == [reason]
        assert (reports[table.name].accepted, reports[table.name].rejected) == (1, 1)


def test_an_original_that_went_is_unreadable(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    scenario.store.delete(ObjectKey(str(scenario.row(BRONZE_IMAGES)["raw_path"])))
    scenario.derive()
    assert list(scenario.reasons(SILVER_IMAGES).values()) == ["unreadable"]


def test_thumbnails_alone_leave_the_others_untouched(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    reports = scenario.derive(wanted=[THUMBNAILS])
    assert set(reports) == {"thumbnails"}
    folders = {name.split("/")[0] for name in scenario.files()} | {info.key for info in scenario.store.list("tables")}
    assert not folders & {"silver", "watermarked", "tables/silver_images/2026-10-01.parquet"}


def test_what_was_made_alone_is_not_made_again_with_the_others(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    scenario.derive(wanted=[THUMBNAILS])
    before = {name: stamp for name, stamp in scenario.files().items() if "thumbnail" in name}
    reports = scenario.derive()
    assert {name: report.computed for name, report in reports.items()} == {
        "silver_images": 1,
        "thumbnails": 0,
        "watermarked_previews": 1,
    }
    assert {name: stamp for name, stamp in scenario.files().items() if "thumbnail" in name} == before


def test_another_watermark_makes_new_previews_and_nothing_else(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint(size=(400, 300)))
    scenario.take_in()
    scenario.derive()
    before = scenario.files()
    other = DerivativeParams(preview=PreviewParams(watermark=WatermarkParams(text="another text")))
    reports = scenario.derive(other)
    assert [report.computed for report in reports.values()] == [0, 0, 1]
    changed = {name for name, stamp in scenario.files().items() if before.get(name) != stamp}
    assert {name.split("/")[0 if name.startswith("water") else 1] for name in changed} == {
        "watermarked",
        "watermarked_previews",
        "_history",
    }
    assert all("watermarked" in name for name in changed)


def test_an_unchanged_day_is_not_decoded_again(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    scenario.derive()
    for info in list(scenario.store.list("bronze")):
        scenario.store.delete(info.key)
    assert all(report.is_unchanged for report in scenario.derive().values())


def test_a_new_label_upstream_makes_no_new_derivatives(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    scenario.derive()
    scenario.land("anna/a.jpg", paint(), label="hat")
    scenario.take_in()
    assert all(report.is_unchanged for report in scenario.derive().values())


def test_a_replaced_original_takes_the_old_rows_with_it(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint("red"))
    scenario.take_in()
    scenario.derive()
    before = scenario.row(SILVER_IMAGES)["image_id"]
    scenario.land("anna/a.jpg", paint("blue"))
    scenario.take_in()
    reports = scenario.derive()
    assert scenario.row(SILVER_IMAGES)["image_id"] != before
    assert reports["silver_images"].removed == 1


def test_silver_before_bronze_says_what_to_materialize(scenario: "Scenario") -> None:
    with pytest.raises(TableError, match="materialize bronze_images"):
        scenario.derive()


def test_bytes_that_say_more_than_pixels_or_another_size_are_never_written(paint: Paint) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    told = io.BytesIO()
    Image.new("RGB", (7, 5)).save(told, "JPEG", exif=exif)
    key = ObjectKey("silver/a.jpg")
    prove_pixels_only(key, EncodedImage(paint(size=(7, 5)), 7, 5))
    with pytest.raises(PrivacyError, match=r"silver/a\.jpg.*APP1"):
        prove_pixels_only(key, EncodedImage(told.getvalue(), 7, 5))
    with pytest.raises(PrivacyError, match="7 x 5 px instead of 7 x 6"):
        prove_pixels_only(key, EncodedImage(paint(size=(7, 5)), 7, 6))
