"""What a training may promise of photos that it has not seen: a forecast, and in words what it rests on."""

from dataclasses import dataclass
from typing import Final

from image_assets.models.classifiers.metrics import Scores
from image_assets.models.classifiers.review_rule import ReviewRule
from image_assets.steps.classification.review_progress import wilson_interval

ENOUGH: Final = 100
"""Images for a forecast: the 95 % interval of an accuracy of 0.85 is then 7 points to either side."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """How a classifier will do on photos that neither it nor its encoder has learned from.

    Attributes:
        test_images: images of the test split that the encoder has not learned from.
        learned_images: images of it that it has, or from a near-copy; they are not scored.
        is_cross_validated: whether the test images were too few, so that every image counts that is new to the encoder,
            each answered by a classifier that learnt from none of its group.
        images: that it rests on; 0: there is no forecast.
        accuracy: 0..1.
        low: lower end of its 95 % interval (Wilson, 1927).
        high: its upper end.
        calibration_error: 0..1; expected calibration error.
        calibration_noise: 0..1; what perfect calibration would show on so few images.
    """

    test_images: int
    learned_images: int
    is_cross_validated: bool
    images: int
    accuracy: float
    low: float
    high: float
    calibration_error: float
    calibration_noise: float

    @property
    def told(self) -> str:
        """In words."""
        if not self.is_cross_validated:
            return f"{self._accuracy} on {self._test}{self._calibration}"
        reason = f"the test split is no forecast: {self._test}, and {ENOUGH} are needed"
        if not self.images:
            return f"{reason}; no labelled image is new to the encoder: label photos that it has not learned from"
        rests_on = f"{self.images:,} images that are new to the encoder"
        return f"{reason}; cross-validated {self._accuracy} on {rests_on}{self._calibration}"

    @property
    def _accuracy(self) -> str:
        return f"accuracy {self.accuracy:.3f} ({self.low:.3f} to {self.high:.3f})"

    @property
    def _calibration(self) -> str:
        error, noise = self.calibration_error, self.calibration_noise
        return f"; calibration error {error:.3f}, where perfect confidence would show {noise:.3f}"

    @property
    def _test(self) -> str:
        everything = self.test_images + self.learned_images
        return (
            f"{self.test_images:,} of its {everything:,} images are new to the encoder"
            if self.is_cross_validated
            else (f"{self.test_images:,} of {everything:,} test images, those that are new to the encoder")
        )


def make_forecast(test: Scores, learned_images: int, held_out: Scores) -> Forecast:
    """From the test images that are new to the encoder, or from everything held out where they are too few."""
    is_cross_validated = test.images < ENOUGH
    scores = held_out if is_cross_validated else test
    right = round(scores.accuracy * scores.images)
    low, high = wilson_interval(right, scores.images) if scores.images else (0.0, 1.0)
    return Forecast(
        test.images,
        learned_images,
        is_cross_validated,
        scores.images,
        scores.accuracy,
        low,
        high,
        scores.calibration_error,
        scores.calibration_noise,
    )


def tell_basis(images: int, learned_images: int) -> str:
    """What challenger and champion were compared on."""
    if not images:
        return f"nothing to decide on: the encoder has learned from all {learned_images:,} test images"
    left_out = f"; the encoder has learned from {learned_images:,} others, which do not count" if learned_images else ""
    return f"decided on {images:,} test images that are new to the encoder{left_out}"


def tell_review(rule: ReviewRule) -> str:
    """A review rule in words, and what to do where it promises nothing."""
    seen = f"{rule.reviewed_ratio:.0%} of {rule.images:,} held-out images go to review, {rule.wrong} of the other "
    seen += f"{rule.decided:,} are wrong"
    below, most = f"below a confidence of {rule.threshold:.3f} people review", f"{rule.risk:.1%} wrong at most"
    if rule.is_shown:
        return f"{below}, which keeps to {most}: {seen}"
    advice = "label more, put up with a higher IMAGE_ASSETS_REVIEW_RISK, or set IMAGE_ASSETS_REVIEW_THRESHOLD"
    return f"{most} is not shown by these images; {below}: {seen}; {advice}"
