"""Positions in a projected CRS: which CRS a file means, what its scale says, and where a point of the model falls."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.crs import Frame, crs_title, horizontal, known_crs, to_lonlat, unit_m, vertical
from twin.errors import CRSError
from twin.model import Issue

Notes = Sequence[tuple[str, Any, dict[str, object]]]  # code, severity, details
_LARGEST_M = 1e8  # no map has coordinates beyond this, not even with a zone's number before them
_LIKE_ONE = 0.01  # no map projection's own scale differs by more from what PROJ says of the place


@dataclass(frozen=True)
class Grid:
    """Model origin, turn of its x axis from grid east and scale in a projected CRS."""

    kind: str
    crs: str
    origin_m: tuple[float, float, float]  # east, north, height [m]
    axis_rad: float
    factor: float = 1.0  # grid metres per model metre

    def because(self) -> tuple[str, dict[str, object]]:
        """The sentence of the report that says why the model is there: code and details."""
        codes = {
            "map_conversion": "ifc_because_map_conversion",
            "property_sets": "ifc_because_property_sets",
            "rigid_operation": "ifc_because_rigid_operation",
            "double": "ifc_because_double",
        }
        code = codes.get(self.kind, "ifc_because_in_crs")
        if self.kind in {"map_conversion", "property_sets"} and abs(self.factor - 1) > 1e-9:
            code = "ifc_because_scaled"
        return code, {"crs": crs_title(self.crs), "factor": round(self.factor, 9)}


def as_grid(grid: Grid, point: NDArray[np.float64]) -> tuple[tuple[float, float, float], float]:
    """Longitude, latitude [deg], height [m] of a point (3,) [m, engineering frame], and the turn of the model's x axis from east there.

    The turn is counter-clockwise [rad] and true: the grid's own turn plus the meridian convergence of the place.

    Raises
    ------
    CRSError
        If the place lies outside what the CRS can express.
    """
    c, s = math.cos(grid.axis_rad), math.sin(grid.axis_rad)
    east = grid.origin_m[0] + grid.factor * (c * point[0] - s * point[1])
    north = grid.origin_m[1] + grid.factor * (s * point[0] + c * point[1])
    if not max(abs(east), abs(north)) < _LARGEST_M:
        raise CRSError("crs_outside", subject=grid.crs, point=[east, north])
    ahead = [[east, north], [east + 10.0 * c, north + 10.0 * s]]  # ten metres along the x axis
    here, there = to_lonlat(np.array(ahead) / metres(grid.crs), grid.crs)
    lon, lat = float(here[0]), float(here[1])
    x, y = Frame(lon, lat).to_enu([there[:2]])[0, :2]
    return (lon, lat, grid.origin_m[2] + float(point[2])), math.atan2(y, x)


def metres(crs: str) -> float:
    """Metres in one unit of a projected system's axes."""
    return unit_m(crs) or 1.0


def place_of(crs: str, position_m: tuple[float, float]) -> list[float] | None:
    """Longitude, latitude [deg] of eastings and northings [m]; None where the CRS cannot express them."""
    if not max(abs(part) for part in position_m) < _LARGEST_M:
        return None
    try:
        return to_lonlat(np.array([position_m]) / metres(crs), crs)[0, :2].tolist()
    except CRSError:
        return None


def point_scale(crs: str, lonlat: Sequence[float], position_m: tuple[float, float]) -> float:
    """Grid metres per metre on the ground, eastwards, at a place: 0.9996 on a UTM meridian, 1/cos φ in web Mercator."""
    ahead = place_of(crs, (position_m[0] + 10.0, position_m[1]))
    if ahead is None:
        return 1.0
    return 10.0 / max(float(np.linalg.norm(Frame(lonlat[0], lonlat[1]).to_enu([ahead])[0, :2])), 1e-3)


def file_crs(target: Mapping[str, Any], asked: str | None, name: str) -> tuple[str | None, tuple[Issue, ...]]:
    """The plane CRS a file means, and issues: what the person asked for, else what any of the file's names stand for.

    Parameters
    ----------
    target
        The facts of IfcProjectedCRS or IfcGeographicCRS.
    asked
        The person's `--crs`.
    name
        The file, as the subject of issues.
    """
    said = said_crs(target)
    if asked is not None:
        crs = known_crs(asked)
        if said is None or said == crs:
            return horizontal(crs), ()
        return horizontal(crs), (Issue("ifc_crs_overridden", "info", name, {"crs": crs_title(crs), "file_crs": crs_title(said)}),)
    if said is not None:
        return horizontal(said), ()
    written = target.get("Name") or target.get("Description")
    if written:
        return None, (Issue("ifc_crs_unknown", "warning", name, {"crs": written}),)
    return None, (Issue("ifc_crs_missing", "warning", name),)


def file_vertical(target: Mapping[str, Any]) -> str | None:
    """What the heights of a file count from, as it writes it: IfcProjectedCRS.VerticalDatum, else the vertical part of a compound CRS."""
    datum = target.get("VerticalDatum")
    said = said_crs(target)
    return str(datum) if datum else (vertical(said) if said else None)


def scale_of_shape(scale: float | None, unit_ratio: float, expected: float = 1.0) -> tuple[float, Notes]:
    """Grid metres per model metre.

    `Scale` should hold the ratio of units (0.001 from millimetres to metres) times the grid's own factor. Files also leave the ratio
    out or turn it round (buildingSMART's own UTM sample has 1000); a factor that is no map projection's is not believed.

    Parameters
    ----------
    scale
        As the file has it.
    unit_ratio
        Map units in one unit of the model.
    expected
        The projection's own factor at the place.
    """
    if scale is None:
        return 1.0, []
    if scale <= 0 or not math.isfinite(scale):
        return 1.0, [("ifc_scale_not_believed", "warning", {"scale": scale})]
    factors = (scale / unit_ratio, scale, scale * unit_ratio)
    likely = [factor for factor in factors if abs(factor - 1.0) < _LIKE_ONE or abs(factor / expected - 1.0) < _LIKE_ONE]
    if not likely:
        return 1.0, [("ifc_scale_not_believed", "warning", {"scale": scale})]
    if likely[0] != factors[0]:
        return likely[0], [("ifc_scale_read_as", "info", {"scale": scale, "read_as": round(likely[0], 9)})]
    return likely[0], []


def said_crs(target: Mapping[str, Any]) -> str | None:
    """The CRS any of a file's texts stands for, in its normal form; None where none does."""
    for word in _words(target):
        try:
            return known_crs(word)
        except CRSError:
            continue
    return None


def _words(target: Mapping[str, Any]) -> Iterator[str]:
    name, datum, zone = (str(target.get(key) or "").strip() for key in ("Name", "GeodeticDatum", "MapZone"))
    projection = str(target.get("MapProjection") or "")
    code = re.search(r"(?i)\bepsg[\s:_\-]*(\d{4,6})\b", name)
    yield from (word for word in (name, f"EPSG:{name}" if name.isdigit() else "", f"EPSG:{code[1]}" if code else "") if word)
    yield from (str(text) for key in ("wkt", "Description") if (text := target.get(key)))
    said = f"{zone} {name} {projection}"
    number = re.search(r"(\d{1,2})\s*([NS])?\b", f"{zone} {name}")
    if "utm" in said.lower() and number and datum and not datum.upper().startswith("EPSG"):
        yield f"{datum} / UTM zone {int(number[1])}{number[2] or 'N'}"
    if "cgcs" in f"{datum} {name}".lower() and zone:
        yield from _chinese(zone)


def _chinese(zone: str) -> Iterator[str]:
    """Names of the CGCS2000 zone that a text stands for: its number, or its central meridian."""
    number = re.search(r"\d{2,3}", zone)
    if number is None:
        return
    if int(number[0]) >= 75:
        yield f"CGCS2000 / 3-degree Gauss-Kruger CM {int(number[0])}E"
    elif int(number[0]) >= 25:
        yield f"CGCS2000 / 3-degree Gauss-Kruger zone {int(number[0])}"
    else:
        yield f"CGCS2000 / Gauss-Kruger zone {int(number[0])}"
