import io
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from image_assets.samples.cameras import CAMERAS, Camera, Shot, photograph, srgb_profile

SHOT = Shot(datetime(2026, 3, 14, 9, 26, 53, tzinfo=timezone(timedelta(hours=-5))), (40.71, -74.01), "ada")


def taken_with(camera: Camera, picture: Image.Image, seed: int = 0) -> Image.Image:
    return Image.open(io.BytesIO(photograph(picture, camera, SHOT, np.random.default_rng(seed))))


def test_a_viewer_that_obeys_the_tag_sees_the_picture_upright(picture: Image.Image) -> None:
    photos = [taken_with(CAMERAS[0], picture, seed) for seed in range(24)]
    assert len({photo.getexif().get(ExifTags.Base.Orientation) for photo in photos}) >= 4
    for photo in photos:
        upright = ImageOps.exif_transpose(photo)
        assert upright.size == picture.size
        difference = np.asarray(upright).astype(int) - np.asarray(picture)
        assert np.abs(difference).mean() < 4


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.model)
def test_every_camera_writes_its_model_and_exposure(camera: Camera, picture: Image.Image) -> None:
    exif = taken_with(camera, picture).getexif()
    details = exif.get_ifd(ExifTags.IFD.Exif)
    assert (exif[ExifTags.Base.Make], exif[ExifTags.Base.Model]) == (camera.maker, camera.model)
    assert details[ExifTags.Base.FNumber] == pytest.approx(camera.aperture)
    assert details[ExifTags.Base.FocalLength] == pytest.approx(camera.focal_length_mm)
    assert details[ExifTags.Base.ISOSpeedRatings] >= 50
    assert details[ExifTags.Base.DateTimeOriginal] == "2026:03:14 09:26:53"
    assert details[ExifTags.Base.OffsetTimeOriginal] == "-05:00"


def test_the_place_is_near_the_home_of_the_photographer(picture: Image.Image) -> None:
    phone = next(camera for camera in CAMERAS if camera.gps_share > 0.5)
    places = [taken_with(phone, picture, seed).getexif().get_ifd(ExifTags.IFD.GPSInfo) for seed in range(12)]
    found = [place for place in places if place]
    assert 0 < len(found) < len(places)
    for place in found:
        degrees, minutes, seconds = place[ExifTags.GPS.GPSLongitude]
        assert place[ExifTags.GPS.GPSLongitudeRef] == "W"
        assert float(degrees + minutes / 60 + seconds / 3600) == pytest.approx(74.01, abs=0.02)
        assert place[ExifTags.GPS.GPSTimeStamp] == (14, 26, 53)


def test_cameras_without_a_receiver_write_no_place(picture: Image.Image) -> None:
    silent = [camera for camera in CAMERAS if camera.gps_share == 0]
    assert silent
    for camera in silent:
        assert not taken_with(camera, picture).getexif().get_ifd(ExifTags.IFD.GPSInfo)


def test_some_cameras_embed_a_profile_and_a_packet_of_metadata(picture: Image.Image) -> None:
    both = next(camera for camera in CAMERAS if camera.has_profile and camera.has_xmp)
    photo = taken_with(both, picture)
    assert photo.info["icc_profile"] == srgb_profile()
    assert b"ada" in photo.info["xmp"]
