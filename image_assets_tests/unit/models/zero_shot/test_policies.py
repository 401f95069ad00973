"""Files of policies: what is read from them, and what is refused."""

from pathlib import Path

import pytest

from image_assets.errors import ConfigurationError
from image_assets.models.zero_shot.moderation import SHIPPED_POLICIES, Policies, read_policies

POLICY = "  - {policy: weapons, prompts: [a gun], review: 0.6, blocked: 0.9}\n"


def read(folder: Path, text: str) -> Policies:
    path = folder / "policies.yaml"
    path.write_text(text)
    return read_policies(path)


def test_the_shipped_policies_ask_for_review_before_they_block() -> None:
    policies = read_policies(SHIPPED_POLICIES).policies
    assert len(policies) >= 5
    assert all(0.5 < policy.review < policy.blocked for policy in policies)


def test_a_policy_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="a policy twice among weapons, weapons"):
        read(tmp_path, f"neutral: [a hat]\npolicies:\n{POLICY}{POLICY}")


def test_a_policy_that_blocks_before_it_asks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"weapons: blocked is 0\.5, below review"):
        read(tmp_path, f"neutral: [a hat]\npolicies:\n{POLICY.replace('0.9', '0.5')}")


def test_thresholds_for_pictures_that_block_before_they_ask_are_refused(tmp_path: Path) -> None:
    policy = POLICY.replace("}", ", open_nsfw: {review: 0.5, blocked: 0.4}}")
    with pytest.raises(ConfigurationError, match=r"open_nsfw: blocked is 0\.4, below review"):
        read(tmp_path, f"neutral: [a hat]\npolicies:\n{policy}")


@pytest.mark.parametrize("text", ["", "neutral: [a hat]\npolicies: []\n", f"neutral: []\npolicies:\n{POLICY}"])
def test_a_file_with_nothing_in_it_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"IMAGE_ASSETS_POLICIES: .*policies.yaml"):
        read(tmp_path, text)
