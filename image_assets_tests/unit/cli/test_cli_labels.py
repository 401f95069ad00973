"""Deciding on the command line: the same decisions as over HTTP."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from image_assets.errors import DecisionError

Invoke = Callable[..., Result]
HAT = "white\nhat.jpg"


def test_people_who_differ_are_told_and_listed_until_a_third_decides(damaged_home: Path, invoke: Invoke) -> None:
    assert "conflict" not in invoke("label", HAT, "hat", "--by", "ann").output
    assert "bob: cap; a third person decides" in invoke("label", HAT, "cap", "--by", "bob").output
    (row,) = [json.loads(line) for line in invoke("reviews", "--json").stdout.splitlines()]
    assert row["sides"] == {"ann": "hat", "bob": "cap"}
    assert row["label"] == "hat"
    assert "conflict" not in invoke("label", HAT, "cap", "--by", "cy").output
    assert "0 conflicts" in invoke("reviews").output


def test_the_models_answer_is_accepted_and_that_is_taken_back(damaged_home: Path, invoke: Invoke) -> None:
    assert "1 decisions are kept" in invoke("label", HAT, "--accept", "--by", "ann").output
    assert "ann decided 1 images today" in invoke("reviews", "--by", "ann").output
    assert "1 decisions are kept" in invoke("label", "--undo", "--by", "ann").output
    assert "ann decided 0 images today" in invoke("reviews", "--by", "ann").output
    assert isinstance(invoke("label", "--undo", "--by", "ann").exception, DecisionError)
    story = invoke("why", HAT).output
    assert "accepted" in story
    assert "taken back" in story


def test_what_is_skipped_is_for_others(damaged_home: Path, invoke: Invoke) -> None:
    unsure = invoke("sql", "select image_id from gold_images where needs_review", "--json").stdout.splitlines()
    assert f"{len(unsure)} are left" in invoke("reviews", "--by", "ann").output
    invoke("label", json.loads(unsure[0])["image_id"], "--skip", "--by", "ann")
    assert f"{len(unsure) - 1} are left" in invoke("reviews", "--by", "ann").output
    assert f"{len(unsure)} are left" in invoke("reviews", "--by", "bob").output


@pytest.mark.parametrize(
    "arguments",
    [(HAT,), (HAT, "hat", "--skip"), ("--skip",), ("--accept",), (HAT, "hat", "--file", "labels.csv")],
)
def test_what_makes_no_sense_together_is_wrong_usage(damaged_home: Path, invoke: Invoke, arguments: list[str]) -> None:
    (damaged_home / "labels.csv").write_bytes(b"")
    assert invoke("label", *arguments).exit_code == 2
