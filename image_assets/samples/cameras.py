"""Phones and cameras: what they write into a JPEG beside the pixels."""

import functools
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from image_assets.samples.encoding import encode


@dataclass(frozen=True, slots=True)
class Camera:
    """One model.

    Attributes:
        maker: EXIF Make.
        model: EXIF Model.
        lens: EXIF LensModel; empty when the model does not write it.
        software: EXIF Software.
        focal_length_mm: of the lens.
        aperture: f-number.
        gps_share: how many of its photos carry a place, 0 to 1.
        file_stem: how it names files; strftime codes, `{number}` counts.
        has_profile: embeds an ICC profile.
        has_xmp: embeds an XMP packet.
    """

    maker: str
    model: str
    lens: str
    software: str
    focal_length_mm: float
    aperture: float
    gps_share: float
    file_stem: str
    has_profile: bool = False
    has_xmp: bool = False


CAMERAS = (
    Camera(
        "Apple",
        "iPhone 13",
        "iPhone 13 back dual wide camera 5.1mm f/1.6",
        "17.5.1",
        5.1,
        1.6,
        0.7,
        "IMG_{number:04d}",
        has_profile=True,
    ),
    Camera(
        "Apple",
        "iPhone SE (2nd generation)",
        "iPhone SE (2nd generation) back camera 3.99mm f/1.8",
        "16.7.8",
        3.99,
        1.8,
        0.6,
        "IMG_{number:04d}",
        has_profile=True,
    ),
    Camera("samsung", "SM-G991B", "", "G991BXXU9EWI1", 5.4, 1.8, 0.4, "%Y%m%d_%H%M%S"),
    Camera(
        "Google",
        "Pixel 7",
        "Pixel 7 back camera 6.81mm f/1.85",
        "HDR+ 1.0.540104767zd",
        6.81,
        1.85,
        0.5,
        "PXL_%Y%m%d_%H%M%S{number:03d}",
        has_xmp=True,
    ),
    Camera("Xiaomi", "Redmi Note 11", "", "spes-user 13 TKQ1", 4.71, 1.8, 0.3, "IMG_%Y%m%d_%H%M%S"),
    Camera("HUAWEI", "ELE-L29", "", "ELE-L29 10.1.0.162", 5.58, 1.8, 0.2, "IMG_%Y%m%d_%H%M%S_{number}"),
    Camera("Canon", "Canon EOS 250D", "EF-S18-55mm f/4-5.6 IS STM", "", 35.0, 5.0, 0.0, "IMG_{number:04d}"),
    Camera(
        "NIKON CORPORATION",
        "NIKON D5600",
        "18.0-55.0 mm f/3.5-5.6",
        "Ver.1.10",
        40.0,
        5.3,
        0.0,
        "DSC_{number:04d}",
    ),
    Camera(
        "SONY",
        "ILCE-6400",
        "E 30mm F3.5 Macro",
        "darktable 4.6.1",
        30.0,
        3.5,
        0.0,
        "DSC{number:05d}",
        has_profile=True,
        has_xmp=True,
    ),
)
"""Models seen on a marketplace."""

# What the upright picture must go through so that a viewer that obeys the tag turns it upright again.
_STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
_ORIENTATIONS, _ORIENTATION_SHARES = (1, 6, 8, 3, 2, 4, 5, 7), (0.6, 0.24, 0.06, 0.06, 0.01, 0.01, 0.01, 0.01)

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmp:CreatorTool="{model}" xmp:CreateDate="{taken_at}"><dc:creator><rdf:Seq><rdf:li>{owner}</rdf:li></rdf:Seq>
</dc:creator></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


@dataclass(frozen=True, slots=True)
class Shot:
    """When, where and by whom a photo was taken.

    Attributes:
        taken_at: with the offset of the place.
        home: latitude and longitude, degrees north and east.
        owner: written by models that write an author.
    """

    taken_at: datetime
    home: tuple[float, float]
    owner: str


def photograph(picture: Image.Image, camera: Camera, shot: Shot, rng: np.random.Generator) -> bytes:
    """A JPEG as the camera writes it: pixels turned as its orientation tag says, private facts inside."""
    orientation = int(rng.choice(_ORIENTATIONS, p=_ORIENTATION_SHARES))
    turn = _STORED_AS[orientation]
    stored = picture if turn is None else picture.transpose(turn)
    options: dict[str, Any] = {"exif": _exif(camera, shot, orientation, stored.size, rng)}
    if camera.has_profile:
        options["icc_profile"] = srgb_profile()
    if camera.has_xmp:
        options["xmp"] = _XMP.format(model=camera.model, taken_at=shot.taken_at.isoformat(), owner=shot.owner).encode()
    return encode(stored, "JPEG", quality=int(rng.integers(80, 94)), **options)


def _exif(camera: Camera, shot: Shot, orientation: int, size: tuple[int, int], rng: np.random.Generator) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = camera.maker
    exif[ExifTags.Base.Model] = camera.model
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.DateTime] = _exif_time(shot.taken_at)
    if camera.software:
        exif[ExifTags.Base.Software] = camera.software
    if camera.gps_share == 0:
        exif[ExifTags.Base.Artist] = shot.owner
    exif.get_ifd(ExifTags.IFD.Exif).update(_exposure(camera, shot, size, rng))
    if rng.random() < camera.gps_share:
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(_place(shot, rng))
    return exif


def _exposure(camera: Camera, shot: Shot, size: tuple[int, int], rng: np.random.Generator) -> dict[int, Any]:
    base = ExifTags.Base
    tags: dict[int, Any] = {
        base.ExposureTime: IFDRational(1, int(rng.choice([30, 50, 60, 100, 125, 250]))),
        base.FNumber: IFDRational(round(camera.aperture * 100), 100),
        base.ISOSpeedRatings: int(rng.choice([50, 80, 100, 200, 320, 400, 800, 1600])),
        base.ExifVersion: b"0232",
        base.DateTimeOriginal: _exif_time(shot.taken_at),
        base.DateTimeDigitized: _exif_time(shot.taken_at),
        base.OffsetTimeOriginal: _offset(shot.taken_at),
        base.Flash: int(rng.choice([0, 16, 24, 25])),
        base.FocalLength: IFDRational(round(camera.focal_length_mm * 100), 100),
        base.ExifImageWidth: size[0],
        base.ExifImageHeight: size[1],
    }
    return tags | ({base.LensModel: camera.lens} if camera.lens else {})


def _exif_time(instant: datetime) -> str:
    return instant.strftime("%Y:%m:%d %H:%M:%S")


def _offset(instant: datetime) -> str:
    return instant.isoformat()[-6:]


def _place(shot: Shot, rng: np.random.Generator) -> dict[int, Any]:
    """GPS tags within a kilometre of home; time and date in UTC."""
    latitude, longitude = np.asarray(shot.home) + rng.normal(0, 0.003, 2)
    instant = shot.taken_at - (shot.taken_at.utcoffset() or timedelta())
    return {
        ExifTags.GPS.GPSVersionID: b"\x02\x03\x00\x00",
        ExifTags.GPS.GPSLatitudeRef: "N" if latitude >= 0 else "S",
        ExifTags.GPS.GPSLatitude: _sexagesimal(latitude),
        ExifTags.GPS.GPSLongitudeRef: "E" if longitude >= 0 else "W",
        ExifTags.GPS.GPSLongitude: _sexagesimal(longitude),
        ExifTags.GPS.GPSAltitudeRef: b"\x00",
        ExifTags.GPS.GPSAltitude: IFDRational(int(rng.integers(0, 9000)), 10),
        ExifTags.GPS.GPSTimeStamp: (instant.hour, instant.minute, instant.second),
        ExifTags.GPS.GPSDateStamp: instant.strftime("%Y:%m:%d"),
    }


def _sexagesimal(degrees: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    whole, rest = divmod(abs(degrees) * 60, 60)
    minutes, seconds = divmod(rest, 1)
    return IFDRational(int(whole), 1), IFDRational(int(minutes), 1), IFDRational(round(seconds * 6000), 100)


@functools.cache
def srgb_profile() -> bytes:
    """An ICC profile for sRGB; its creation time (bytes 24 to 36) is fixed, so that bytes repeat."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + bytes.fromhex("07e8 0001 0001 0000 0000 0000") + profile[36:]
