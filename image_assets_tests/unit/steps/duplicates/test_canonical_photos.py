"""Which photo stands for which, in order of arrival."""

from itertools import permutations

import pytest

from image_assets.steps.duplicates.canonicals import PhotoKey, PhotoPair, choose_canonicals

A, B, C, D = (PhotoKey(name) for name in "abcd")


def test_a_photo_without_links_stands_for_itself() -> None:
    assert choose_canonicals([A, B], []) == {A: A, B: B}


def test_the_earliest_near_photo_stands_for_the_later_ones() -> None:
    assert choose_canonicals([C, A, B], [(A, C), (B, C), (A, B)]) == {C: C, A: C, B: C}


def test_a_chain_of_near_photos_does_not_join_its_ends() -> None:
    assert choose_canonicals([A, B, C], [(A, B), (B, C)]) == {A: A, B: A, C: C}


def test_what_comes_later_changes_nothing() -> None:
    links = [(A, B), (B, C), (C, D), (A, D)]
    whole = choose_canonicals([A, B, C, D], links)
    for count in range(1, 4):
        some = [A, B, C, D][:count]
        seen = [pair for pair in links if set(pair) <= set(some)]
        assert choose_canonicals(some, seen) == {photo: whole[photo] for photo in some}


@pytest.mark.parametrize("links", list(permutations([(A, B), (C, B), (A, D), (D, C)])))
def test_the_order_of_links_does_not_matter(links: tuple[PhotoPair, ...]) -> None:
    assert choose_canonicals([A, B, C, D], links) == {A: A, B: A, C: C, D: A}


def test_what_a_person_joins_forms_chains() -> None:
    assert choose_canonicals([A, B, C], [], same=[(B, A), (B, C)]) == {A: A, B: A, C: A}


def test_what_a_person_separates_is_not_joined_by_a_link() -> None:
    assert choose_canonicals([A, B], [(A, B)], different=[(B, A)]) == {A: A, B: B}


def test_what_a_person_separates_is_not_joined_by_a_third_photo() -> None:
    canonical = choose_canonicals([A, B, C], [(A, B)], same=[(B, C)], different=[(C, A)])
    assert canonical == {A: A, B: A, C: C}
