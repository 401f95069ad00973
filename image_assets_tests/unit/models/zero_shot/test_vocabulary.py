"""Vocabulary files: what is read from them, and what is refused."""

from pathlib import Path

import pytest

from image_assets.errors import ConfigurationError
from image_assets.models.zero_shot.vocabulary import SHIPPED_VOCABULARY, Calibration, Term, Vocabulary, read_vocabulary

KIND = "kinds:\n  - kind: product\n    prompts: ['a photo of {}']\n    anchors: [something]\n    terms:\n"


def read(folder: Path, text: str) -> Vocabulary:
    path = folder / "words.yaml"
    path.write_text(text)
    return read_vocabulary(path)


def read_terms(folder: Path, *lines: str, stop_words: str = "a, of") -> tuple[Term, ...]:
    return (
        read(folder, f"stop_words: [{stop_words}]\n{KIND}" + "".join(f"      - {line}\n" for line in lines))
        .kinds[0]
        .terms
    )


def test_the_shipped_vocabulary_asks_for_products_colours_patterns_materials_and_scenes() -> None:
    vocabulary = read_vocabulary(SHIPPED_VOCABULARY)
    assert [kind.name for kind in vocabulary.kinds] == ["product", "colour", "pattern", "material", "scene"]
    assert vocabulary.merged == ()


def test_a_tag_is_lower_case_with_single_spaces_and_without_stop_words(tmp_path: Path) -> None:
    (term,) = read_terms(tmp_path, "' A Pair  of SHOES '")
    assert term == Term("pair shoes", ("a pair of shoes",))


def test_other_phrases_stand_for_the_first(tmp_path: Path) -> None:
    assert read_terms(tmp_path, "dress, Gown") == (Term("dress", ("dress", "gown")),)


def test_a_term_that_is_listed_twice_is_merged_and_told(tmp_path: Path) -> None:
    vocabulary = read(tmp_path, f"{KIND}      - dress, gown\n      - hat\n      - Dress , frock\n")
    assert vocabulary.kinds[0].terms[0] == Term("dress", ("dress", "gown", "frock"))
    assert vocabulary.merged == ("product: 'dress' is listed twice: merged",)


@pytest.mark.parametrize("line", ["a of", "','", "' '"])
def test_a_line_that_says_nothing_is_left_out_and_told(tmp_path: Path, line: str) -> None:
    vocabulary = read(tmp_path, f"stop_words: [a, of]\n{KIND}      - {line}\n      - hat\n")
    assert [term.tag for term in vocabulary.kinds[0].terms] == ["hat"]
    assert "says nothing: left out" in vocabulary.merged[0]


def test_the_same_term_may_be_of_two_kinds(tmp_path: Path) -> None:
    other = KIND.replace("kinds:\n", "").replace("product", "colour")
    vocabulary = read(tmp_path, f"{KIND}      - orange\n{other}      - orange\n")
    assert [kind.terms[0].tag for kind in vocabulary.kinds] == ["orange", "orange"]


@pytest.mark.parametrize("second", ["coat, jacket", "overcoat, the jacket"])
def test_a_phrase_for_two_tags_is_refused(tmp_path: Path, second: str) -> None:
    with pytest.raises(ConfigurationError, match=r"jacket' stands for 'jacket' and for '(over)?coat': choose one"):
        read_terms(tmp_path, "jacket, blouson", second, stop_words="the")


@pytest.mark.parametrize("text", ["", "kinds: []", KIND.replace("terms:\n", "terms: []\n")])
def test_a_vocabulary_with_nothing_in_it_says_what_to_do(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"IMAGE_ASSETS_VOCABULARY: .*words.yaml has no terms: list some"):
        read(tmp_path, text)


def test_a_kind_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    again = KIND.replace("kinds:\n", "")
    with pytest.raises(ConfigurationError, match="a kind twice"):
        read(tmp_path, f"{KIND}      - hat\n{again}      - dress\n")


@pytest.mark.parametrize("prompt", ["a photo", "{} or {}", "a {thing}"])
def test_a_prompt_has_one_place_for_the_phrase(tmp_path: Path, prompt: str) -> None:
    with pytest.raises(ConfigurationError, match=r"kinds.0.prompts.0"):
        read(tmp_path, KIND.replace("a photo of {}", prompt) + "      - hat\n")


def test_a_word_that_yaml_takes_for_something_else_is_to_be_quoted(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"terms.0.*quote what YAML takes"):
        read_terms(tmp_path, "on")


def test_a_key_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="stopwords"):
        read(tmp_path, f"stopwords: [a]\n{KIND}      - hat\n")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"IMAGE_ASSETS_VOCABULARY: cannot read .*none.yaml"):
        read_vocabulary(tmp_path / "none.yaml")


@pytest.mark.parametrize("data", [b"kinds: [", b"\xff\xfe\x00"])
def test_a_file_that_is_no_yaml_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "words.yaml"
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match=r"words.yaml is no YAML"):
        read_vocabulary(path)


def test_an_encoder_that_nobody_calibrated_has_the_usual_numbers() -> None:
    vocabulary = read_vocabulary(SHIPPED_VOCABULARY)
    assert vocabulary.calibration("another", "product") == Calibration(temperature=1.0, threshold=0.6)
    assert vocabulary.calibration("builtin", "product").temperature < 1.0
