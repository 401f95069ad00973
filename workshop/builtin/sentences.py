"""What a photo shows, in the words people search with: the sentences that `builtin` learns from."""

import random
from dataclasses import dataclass
from typing import Final

from image_assets.imaging.colour_names import COLOURS
from image_assets.models.zero_shot.prototypes import noun_of, sentences_about

PATTERNS: Final = ("plain", "two-tone", "striped", "pinstriped", "checked", "dotted", "floral")
"""The pattern words that captions use."""

OTHER: Final = "other"
"""The label of a picture that shows no clothing.

Its words are left out of `caption_words`: the text tower sees them as unknown ones, so that whatever word it never
learned means something else.
"""

_NOUNS: Final = {
    "dress": ("dress", "gown", "dresses"),
    "hat": ("hat", "cap", "hats", "headwear"),
    "longsleeve": ("longsleeve", "long sleeve top", "long-sleeve shirt", "sweater", "pullover"),
    OTHER: ("something else", "no clothing", "other thing", "something other"),
    "outwear": ("outwear", "outerwear", "jacket", "coat", "jackets"),
    "pants": ("pants", "trousers", "jeans", "pair of pants"),
    "shirt": ("shirt", "button-up shirt", "dress shirt", "collared shirt", "shirts"),
    "shoes": ("shoes", "sneakers", "footwear", "pair of shoes", "boots", "trainers", "shoe"),
    "shorts": ("shorts", "pair of shorts", "short pants"),
    "skirt": ("skirt", "skirts"),
    "t-shirt": ("t-shirt", "tshirt", "t shirt", "tee", "tee shirt", "t-shirts"),
}
_COLOUR_WORDS: Final = {
    "grey": ("grey", "gray", "silver"),
    "blue": ("blue", "navy", "navy blue", "light blue", "dark blue"),
    "beige": ("beige", "cream", "tan"),
    "red": ("red", "dark red", "burgundy"),
    "green": ("green", "olive", "dark green"),
    "purple": ("purple", "violet"),
}
_WHOLE: Final = (
    "{}",
    "a {}",
    "a photo of a {}",
    "a photo of {}",
    "a picture of a {}",
    "an image of a {}",
    "a product photo of a {}",
    "photo of the {}",
    "this is a {}",
    "one {} for sale",
)
_COLOURED: Final = ("{colour} {noun}", "{noun} in {colour}", "{colour} coloured {noun}", "{colour} {noun}")
_PATTERNED: Final = ("{pattern} {noun}", "{noun} with a {pattern} pattern", "{pattern} {noun}")
_ANYTHING: Final = ("something", "clothing", "clothes", "item", "garment", "thing", "product")
_UNKNOWN: Final = ("xqz", "xqz xqz")
_CANONICAL_RATE: Final = 0.5
_UNKNOWN_RATE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Description:
    """What a caption says; None leaves it unsaid.

    Attributes:
        label: product category, such as "t-shirt".
        colour: one of `COLOURS`.
        pattern: one of `PATTERNS`.
    """

    label: str | None = None
    colour: str | None = None
    pattern: str | None = None


def nouns_of(label: str) -> tuple[str, ...]:
    """Words for a category, the plainest first; an unknown category is its own word."""
    return _NOUNS.get(label.lower(), (noun_of(label),))


def write_caption(description: Description, random_source: random.Random) -> str:
    """One sentence that is true of the description, worded differently at each call."""
    phrase = _noun_phrase(description, random_source)
    sentence = random_source.choice(_WHOLE).format(phrase)
    if random_source.random() < _UNKNOWN_RATE:  # unknown words must not move a query far
        sentence = f"{sentence} {random_source.choice(_UNKNOWN)}"
    return sentence


def _noun_phrase(description: Description, random_source: random.Random) -> str:
    nouns = _ANYTHING if description.label is None else nouns_of(description.label)
    phrase = _pick(nouns, random_source)
    if description.pattern is not None:
        phrase = random_source.choice(_PATTERNED).format(pattern=description.pattern, noun=phrase)
    if description.colour is not None:
        colour = _pick(_COLOUR_WORDS.get(description.colour, (description.colour,)), random_source)
        bare_colour = description.label is None and random_source.random() < _CANONICAL_RATE
        phrase = colour if bare_colour else random_source.choice(_COLOURED).format(colour=colour, noun=phrase)
    return phrase


def _pick(words: tuple[str, ...], random_source: random.Random) -> str:
    """The first, plainest word half of the time."""
    return words[0] if random_source.random() < _CANONICAL_RATE else random_source.choice(words)


def caption_words(labels: tuple[str, ...]) -> list[str]:
    """Every text from which captions of these labels are put together: the vocabulary's source."""
    nouns = [noun for label in labels for noun in nouns_of(label)]
    colours = [word for colour in COLOURS for word in _COLOUR_WORDS.get(colour, (colour,))]
    templates = [*(text.format("") for text in _WHOLE), *sentences_about("")]
    phrases = [text.format(colour="", pattern="", noun="") for text in (*_COLOURED, *_PATTERNED)]
    return [*nouns, *colours, *COLOURS, *PATTERNS, *templates, *phrases, *_ANYTHING]
