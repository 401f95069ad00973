"""A caption made of tags alone, for where no captioning model is set."""

from collections.abc import Sequence
from typing import Final

from image_assets.models.zero_shot.tagging import Tag

TEMPLATE: Final = "template"
"""What the source of such a caption is called."""

_ORDER: Final = ("colour", "pattern", "material", "product")
_UNSAID: Final = frozenset(("plain",))
_NO_PRODUCT: Final = "item"
_SINGULAR_ENDINGS: Final = ("ss", "us", "is")


def caption_tags(tags: Sequence[Tag]) -> str | None:
    """ "a red floral dress", "blue shoes"; the surest tag of each kind, None when there is no tag to say.

    Args:
        tags: surest first.
    """
    surest: dict[str, str] = {}
    for tag in tags:
        if tag.name not in _UNSAID:
            surest.setdefault(tag.kind, tag.name)
    words = [surest[kind] for kind in _ORDER if kind in surest]
    if not words:
        return None
    phrase = " ".join(words if "product" in surest else [*words, _NO_PRODUCT])
    return phrase if _is_plural(phrase) else f"{_article(phrase)} {phrase}"


def _is_plural(phrase: str) -> bool:
    return phrase.endswith("s") and not phrase.endswith(_SINGULAR_ENDINGS)


def _article(phrase: str) -> str:
    return "an" if phrase[0] in "aeiou" else "a"
