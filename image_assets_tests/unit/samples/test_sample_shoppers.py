from image_assets.samples.shoppers import shoppers_of
from image_assets.samples.stock_photos import LABELS


def test_the_users_of_a_feed_are_always_the_same() -> None:
    assert shoppers_of(1) == shoppers_of(1)
    assert shoppers_of(1) != shoppers_of(2)


def test_every_label_has_a_seller_with_a_taste_for_it() -> None:
    assert {label for shopper in shoppers_of(0) for label in shopper.labels} == set(LABELS)


def test_users_have_different_names_and_cameras() -> None:
    shoppers = shoppers_of(0)
    assert 20 <= len({shopper.user_id for shopper in shoppers}) == len(shoppers) <= 40
    assert len({shopper.camera.model for shopper in shoppers}) >= 5
