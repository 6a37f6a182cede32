"""Coordinate systems as people and programs write them, turned into names PROJ knows.

Chinese plane systems are Gauss-Kruger zones of three or six degrees, named by their number (39: eastings carry it as a prefix,
39 500 000) or by their central meridian (117E: eastings without prefix, 500 000).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# a suffix says how a file deviates from its system: @mm numbers in millimetres, @yx northing (or latitude) first
UNITS_M = {"mm": 0.001, "cm": 0.01, "dm": 0.1, "m": 1.0, "km": 1000.0, "ft": 0.3048, "us-ft": 1200 / 3937, "in": 0.0254}
_SUFFIX = re.compile(rf"@({'|'.join(UNITS_M)}|yx)$", re.IGNORECASE)


@dataclass(frozen=True)
class Deviation:
    """A system's name without its suffixes, the metres one number of the file means (None: as the system says), and whether y is first."""

    base: str
    unit_m: float | None = None
    is_yx: bool = False

    def suffix(self) -> str:
        """The suffixes again, in one order."""
        unit = next((f"@{name}" for name, metres in UNITS_M.items() if metres == self.unit_m), "")
        return unit + ("@yx" if self.is_yx else "")


@dataclass(frozen=True)
class _System:
    """One Chinese datum and the EPSG codes of its first zones: geographic, 3° by number (25) and meridian (75E), 6° the same (13, 75E)."""

    words: re.Pattern[str]
    geographic: int
    three: int
    three_cm: int
    six: int
    six_cm: int


_CHINESE = (
    _System(
        re.compile(r"cgcs\s*2000|国家\s*2000|2000\s*国家|国家大地坐标系\s*2000|china geodetic coordinate system 2000|china 2000"),
        4490, 4513, 4534, 4491, 4502,
    ),
    _System(re.compile(r"xi ?an\s*(19)?80|西安\s*(19)?80|(19)?80\s*年?(国家大地)?\s*西安"), 4610, 2349, 2370, 2327, 2338),
    _System(re.compile(r"(beijing|bj)\s*(19)?54|北京\s*(19)?54|(19)?54\s*年?\s*北京"), 4214, 2401, 2422, 21413, 21453),
)  # fmt: skip
_WIDTH = re.compile(r"([36]|三|六)\s*(?:度|°|degree|deg)\s*(?!\d)")
_ZONE = re.compile(r"(?:zone|带号|第)\s*[:：]?\s*(\d{2})(?!\d)|(?<!\d)(\d{2})\s*号?带")
_MERIDIAN = re.compile(
    r"(?:cm|中央(?:子午线|经线)|东经|central meridian)\s*[:：]?\s*(\d{2,3}(?:\.\d+)?)|(?<!\d)(\d{2,3}(?:\.\d+)?)\s*(?:°|度|e\b)"
)
_NUMBER = re.compile(r"(?<![\d.])(\d{2,3})(?![\d.])")
_CODE = re.compile(r"(?:epsg|srid)\s*(?:\.xml#|\.io/|[:=\s#/]*)\s*(\d{4,6})$", re.IGNORECASE)
_COMPOUND = re.compile(r"crs-compound\?1=[^&]*/(\d+)&2=[^&]*/(\d+)$", re.IGNORECASE)


def deviation(name: str) -> Deviation:
    """A name taken apart into system and suffixes."""
    unit: float | None = None
    is_yx = False
    text = name.strip()
    while found := _SUFFIX.search(text):
        text = text[: found.start()].strip()
        word = found.group(1).lower()
        is_yx, unit = (True, unit) if word == "yx" else (is_yx, UNITS_M[word])
    return Deviation(text, unit, is_yx)


def understood(name: str) -> str | None:
    """`EPSG:code` (or a PROJ string) for a name PROJ does not read, or reads as something else; None where it is PROJ's to say."""
    if any(mark in name for mark in "[{+") or name.startswith("urn:"):
        return None
    compound = _COMPOUND.search(name)
    if compound:
        return f"EPSG:{compound[1]}+{compound[2]}"
    code = _CODE.search(name)
    if code:
        return f"EPSG:{code[1]}"
    text = re.sub(r"[_\-/,;()（）]+", " ", unicodedata.normalize("NFKC", name)).casefold()
    if text.strip() in {"crs84", "wgs84坐标系", "wgs 84坐标系", "gps"}:
        return "OGC:CRS84"
    system = next((each for each in _CHINESE if each.words.search(text)), None)
    return _chinese(system, system.words.sub(" ", text)) if system is not None else None


def _chinese(system: _System, rest: str) -> str | None:
    width = _WIDTH.search(rest)
    degrees = {"3": 3, "三": 3, "6": 6, "六": 6}[width[1]] if width else None
    left = _WIDTH.sub(" ", rest)
    zone, meridian = _ZONE.search(left), _MERIDIAN.search(left)
    if zone:
        return _by_zone(system, int(zone[1] or zone[2]), degrees)
    if meridian:
        return _by_meridian(system, float(meridian[1] or meridian[2]), degrees)
    bare = _NUMBER.search(left) if width else None
    if bare:
        number = int(bare[1])
        return _by_zone(system, number, degrees) if number < 50 else _by_meridian(system, float(number), degrees)
    planar = width or re.search(r"gauss|gk|高斯|带|zone|投影|平面", rest)
    return None if planar else f"EPSG:{system.geographic}"


def _by_zone(system: _System, zone: int, degrees: int | None) -> str | None:
    if 25 <= zone <= 45 and degrees != 6:
        return f"EPSG:{system.three + zone - 25}"
    return f"EPSG:{system.six + zone - 13}" if 13 <= zone <= 23 and degrees != 3 else None


def _by_meridian(system: _System, meridian: float, degrees: int | None) -> str | None:
    """By central meridian; three and six degrees are the same projection where both have it."""
    if not 73 <= meridian <= 136:
        return None
    if meridian % 6 == 3 and degrees == 6:
        return f"EPSG:{system.six_cm + int(meridian - 75) // 6}"
    if meridian % 3 == 0:
        return f"EPSG:{system.three_cm + int(meridian - 75) // 3}"
    if system.geographic != 4490:
        return None
    return f"+proj=tmerc +lat_0=0 +lon_0={meridian:g} +k=1 +x_0=500000 +y_0=0 +ellps=GRS80 +units=m +no_defs +type=crs"
