import uuid

from image_assets.ids import Sha256, SourceUri, image_id_of

SOURCE = SourceUri("landing/2026-10-01/anna/dress.jpg")
DIGEST = Sha256("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")


def test_the_id_of_a_known_file_never_changes() -> None:
    # Ids are the keys of every lake that exists: a change here would make each of their images a new one.
    assert image_id_of(SOURCE, DIGEST) == "ffbc4e43-e6f5-51f3-b2d5-9536af3bd5c4"


def test_an_id_is_a_uuid_of_version_5() -> None:
    parsed = uuid.UUID(image_id_of(SOURCE, DIGEST))
    assert (parsed.version, parsed.variant) == (5, uuid.RFC_4122)


def test_the_same_bytes_elsewhere_are_another_image() -> None:
    assert image_id_of(SourceUri("landing/2026-10-02/anna/dress.jpg"), DIGEST) != image_id_of(SOURCE, DIGEST)


def test_other_bytes_in_the_same_place_are_another_image() -> None:
    assert image_id_of(SOURCE, Sha256("0" * 64)) != image_id_of(SOURCE, DIGEST)
