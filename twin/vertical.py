"""What heights count from: vertical datums by the names people use, and the way between two of them where there is one.

A datum is `ellipsoidal` (above the WGS 84 ellipsoid), `local` (a zero nobody else has), or a vertical system by code (`EPSG:5737`, Chinese
1985 heights). Between most of them lies a geoid, which is a grid; where that grid is not at hand there is no way, and none is made up.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.crs import ELLIPSOIDAL, Frame, crs_name, height_operation, unit_m, vertical_name
from twin.errors import CRSError

LOCAL = "local"
# how people write a datum -> its name here; the first that matches counts
_NAMES = (
    (re.compile(r"^(ellipsoid(al)?( height)?|hae|geodetic height|大地高|椭球高|wgs ?84( 大地高)?|cgcs ?2000( 大地高)?)$"), ELLIPSOIDAL),
    (re.compile(r"^(local|relative|site|project|相对(标高|高程)?|假定(高程)?|独立高程|施工标高|±0(\.0+)?)$"), LOCAL),
    (re.compile(r"park datum|园区高程基准|\b(is|=) .*\babove\b|高于"), LOCAL),  # a zero told by another: its heights are not the other's
    (re.compile(r"吴淞|珠江|废黄河|大沽|wusong"), LOCAL),  # old regional zeros that no registry carries
    (re.compile(r"(1956.*(黄海|高程)|黄海.*1956|56 ?黄海|yellow ?sea ?(vertical )?(datum )?(of )?1956)"), "EPSG:5736"),
    (re.compile(r"(1985|国家 ?85|85 ?国家|85 ?高程|黄海|yellow ?sea|huang ?hai)"), "EPSG:5737"),
    (re.compile(r"^egm ?2008"), "EPSG:3855"),
    (re.compile(r"^egm ?(19)?96"), "EPSG:5773"),
    (re.compile(r"^(msl|mean sea level|海拔|平均海平面)$"), "EPSG:5714"),
    (re.compile(r"^navd ?(19)?88"), "EPSG:5703"),
    (re.compile(r"^dhhn ?2016"), "EPSG:7837"),
    (re.compile(r"^dhhn ?(19)?92"), "EPSG:5783"),
    (re.compile(r"^(nap|amsterdam)"), "EPSG:5709"),
    (re.compile(r"^(ngf|ign ?69)"), "EPSG:5720"),
    (re.compile(r"^ln ?02"), "EPSG:5728"),
    (re.compile(r"^lhn ?95"), "EPSG:5729"),
    (re.compile(r"^rh ?2000"), "EPSG:5613"),
)


@dataclass(frozen=True)
class Way:
    """How heights of one datum become heights of another: PROJ's operation, its accuracy [m], and whether there is one at all.

    Without one, numbers are put into metres and otherwise left as they are.
    """

    source: str | None
    target: str
    operation: str = ""
    accuracy_m: float | None = None
    is_known: bool = True
    unit_m: float = 1.0  # metres in one unit of the source's heights
    transformer: Any = None

    def convert(self, lonlat: ArrayLike, heights: ArrayLike) -> NDArray[np.float64]:
        """Heights (n,) [m, target datum] of heights (n,) in the source's unit at longitude, latitude (n, 2) [deg]."""
        h = np.asarray(heights, float)
        if self.transformer is None:
            return h * self.unit_m
        lon, lat = np.asarray(lonlat, float).reshape(len(h), -1)[:, :2].T
        _, _, out = self.transformer.transform(lon, lat, h * (self.unit_m / _unit(str(self.source))))
        return np.asarray(out, float) * _unit(self.target)


def known_height_datum(name: str) -> str:
    """The normal form of a vertical datum's name: `ellipsoidal`, `local`, or `EPSG:code`.

    Takes codes, WKT, the names PROJ knows, and the usual names in English and Chinese; of a compound system, its vertical part.

    Raises
    ------
    CRSError
        If nothing of that name is known.
    """
    text = unicodedata.normalize("NFKC", name).strip()
    plain = re.sub(r"[\s_\-/]+", " ", text).casefold()
    coded = "[" in text or re.match(r"(?i)(epsg|urn|http)", text)
    whole = coded or re.search(r"\b(height|depth)\b", plain)  # a name PROJ knows in full says more than the words in it
    found = vertical_name(text) if whole else None
    found = found or (None if coded else next((datum for pattern, datum in _NAMES if pattern.search(plain)), None)) or vertical_name(text)
    if found is None:
        raise CRSError("height_datum_unknown", subject=name[:80])
    return found


def height_title(datum: str | None) -> str:
    """A datum as people read it: its code and its own name."""
    if datum is None or datum in {ELLIPSOIDAL, LOCAL}:
        return datum or "—"
    try:
        return f"{datum} {crs_name(datum)}" if len(datum) < 20 else crs_name(datum)
    except RuntimeError:  # a free name a park was given once
        return datum


def way(source: str | None, target: str, frame: Frame, unit: float | None = None) -> Way:
    """The way from heights of one datum to another's near the park.

    Parameters
    ----------
    source
        What `known_height_datum` returns; None where nobody said.
    target
        The same, or any other word a park has for its datum.
    frame
        The park's frame, for the place.
    unit
        Metres in one unit of the source's numbers; None: as its datum says.
    """
    if source is None:
        return Way(None, target, unit_m=unit or 1.0)
    unit = unit or _unit(source)
    if source == target:
        return Way(source, target, unit_m=unit)
    if LOCAL in {source, target} or not _is_system(target):
        return Way(source, target, is_known=False, unit_m=unit)
    found = height_operation(source, target, frame)
    if found is None:
        return Way(source, target, is_known=False, unit_m=unit)
    transformer, operation, accuracy = found
    return Way(source, target, operation, accuracy, unit_m=unit, transformer=transformer)


def _is_system(name: str) -> bool:
    return name == ELLIPSOIDAL or vertical_name(name) is not None


def _unit(datum: str) -> float:
    return 1.0 if datum in {ELLIPSOIDAL, LOCAL} else unit_m(datum) or 1.0
