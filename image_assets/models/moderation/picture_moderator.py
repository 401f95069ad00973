"""Verdicts on pictures that a classifier has looked at."""

from collections.abc import Sequence

from image_assets.imaging.pixels import RgbImage
from image_assets.models.moderation.open_nsfw import PictureScorer, Scores
from image_assets.models.zero_shot.moderation import Finding, Judgement, Policies, Policy, Verdict


class PictureModerator:
    """Holds a classifier's scores against policies; a policy without thresholds for them is `unjudged`."""

    def __init__(self, scorer: PictureScorer, policies: Policies) -> None:
        self._scorer = scorer
        self.policies = policies

    @property
    def scorer(self) -> str:
        """Whose scores are judged."""
        return self._scorer.name

    def judge(self, images: Sequence[RgbImage]) -> list[Judgement]:
        """One judgement per picture."""
        scores = self._scorer.score(images)
        findings = [_findings(policy, scores) for policy in self.policies.policies]
        return [Judgement(each) for each in zip(*findings, strict=True)]


def _findings(policy: Policy, scores: Scores) -> list[Finding]:
    thresholds = policy.open_nsfw
    if thresholds is None:
        return [Finding(policy.policy, Verdict.UNJUDGED, None)] * len(scores)
    return [Finding(policy.policy, thresholds.verdict(each), each) for each in scores.tolist()]
