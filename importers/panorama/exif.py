"""What a picture says of itself: where and when it was taken, which way it looks, whether it shows the whole round.

References
----------
CIPA DC-008 (Exif 2.32) §4.6.6 GPS attributes; Google Photo Sphere XMP (GPano); the drone-dji namespace as cameras write it.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, UnidentifiedImageError

_MOST_PIXELS = 4_000_000_000  # only the header is read, so large pictures do no harm; beyond this no camera goes
_XMP = re.compile(r'(?:GPano|drone-dji):(\w+)\s*(?:=\s*"([^"]*)"|>([^<]*)<)')


@dataclass(frozen=True)
class Picture:
    """One picture; None where it does not say."""

    width_px: int
    height_px: int
    lonlat: tuple[float, float] | None = None
    altitude_m: float | None = None  # as it was written: above sea level, or above the ellipsoid where the camera says so
    heading_deg: float | None = None  # of the middle of the picture, clockwise from north
    is_magnetic: bool = False
    pitch_deg: float | None = None
    roll_deg: float | None = None
    taken_at: str | None = None
    camera: str | None = None
    projection: str | None = None  # equirectangular where it shows the whole round


def read_picture(path: Path) -> Picture:
    """What the header of a JPEG, PNG, WebP or TIFF says.

    Raises
    ------
    ValueError
        If it is no picture, or damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damaged tags are left out, large pictures are only looked at
            limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, _MOST_PIXELS
            try:
                with Image.open(path) as image:
                    return _picture(image)
            finally:
                Image.MAX_IMAGE_PIXELS = limit
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(str(error)) from error


def _picture(image: Any) -> Picture:
    exif: Any = image.getexif()
    gps: Mapping[int, Any] = exif.get_ifd(ExifTags.IFD.GPSInfo)
    own: Mapping[int, Any] = exif.get_ifd(ExifTags.IFD.Exif)
    said = _xmp(image)
    width, height = image.size
    heading = _number(said.get("PoseHeadingDegrees"))
    heading = heading if heading is not None else _number(gps.get(ExifTags.GPS.GPSImgDirection))
    heading = heading if heading is not None else _number(said.get("GimbalYawDegree"))
    is_round = said.get("ProjectionType") == "equirectangular" or (width == 2 * height and width >= 2000)
    return Picture(
        width_px=int(width),
        height_px=int(height),
        lonlat=_lonlat(gps),
        altitude_m=_altitude(gps),
        heading_deg=None if heading is None else heading % 360.0,
        is_magnetic=str(gps.get(ExifTags.GPS.GPSImgDirectionRef, "T")).strip("\x00 ") == "M" and "PoseHeadingDegrees" not in said,
        pitch_deg=_first(said, "PosePitchDegrees", "GimbalPitchDegree"),
        roll_deg=_first(said, "PoseRollDegrees", "GimbalRollDegree"),
        taken_at=_time(own.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)),
        camera=" ".join(str(exif.get(tag, "")).strip("\x00 ") for tag in (ExifTags.Base.Make, ExifTags.Base.Model)).strip() or None,
        projection="equirectangular" if is_round else None,
    )


def _lonlat(gps: Mapping[int, Any]) -> tuple[float, float] | None:
    lat = _angle(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), "S")
    lon = _angle(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), "W")
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180 or (lat, lon) == (0.0, 0.0):
        return None  # 0, 0 is what cameras write before they have found themselves
    return lon, lat


def _angle(parts: Any, reference: Any, negative: str) -> float | None:
    """Degrees from degrees, minutes and seconds."""
    try:
        numbers = [float(part) for part in parts]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not numbers or not all(map(math.isfinite, numbers)):
        return None
    value = sum(number / 60**k for k, number in enumerate(numbers[:3]))
    return -value if str(reference or "").strip("\x00 ").upper() == negative else value


def _altitude(gps: Mapping[int, Any]) -> float | None:
    value = _number(gps.get(ExifTags.GPS.GPSAltitude))
    below = gps.get(ExifTags.GPS.GPSAltitudeRef) in {1, b"\x01"}
    return None if value is None or not -500 < value < 20_000 else -value if below else value


def _xmp(image: Any) -> dict[str, str]:
    data = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data)
    return {name: (quoted or written).strip() for name, quoted, written in _XMP.findall(text)}


def _first(said: Mapping[str, str], *names: str) -> float | None:
    return next((value for name in names if (value := _number(said.get(name))) is not None), None)


def _number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return found if math.isfinite(found) else None


def _time(value: Any) -> str | None:
    found = re.match(r"(\d{4})[:\-](\d\d)[:\-](\d\d)[ T](\d\d:\d\d:\d\d)", str(value or ""))
    return f"{found[1]}-{found[2]}-{found[3]}T{found[4]}" if found and found[1] != "0000" else None
