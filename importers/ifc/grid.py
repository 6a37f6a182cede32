"""Positions in a projected CRS: which CRS a file means, in which unit, and where a point of the model falls."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.crs import Frame, known_crs, to_lonlat
from twin.errors import CRSError
from twin.model import Issue

_NEAR_M = 50_000.0
_FOOT_M = 0.3048
_LARGEST_METRES = 2e7  # no projected coordinate in metres is larger (half the earth's girth)
_Notes = Sequence[tuple[str, Any, dict[str, object]]]  # code, severity, details


@dataclass(frozen=True)
class Grid:
    """Model origin, turn of its x axis from grid east and scale in a projected CRS."""

    kind: str
    crs: str
    origin_m: tuple[float, float, float]  # east, north, height [m]
    axis_rad: float
    factor: float  # grid metres per model metre
    unit_m: float = 1.0  # metres in one unit of the file's eastings and northings

    def reason(self) -> str:
        """One clause for the report."""
        named = {
            "map_conversion": "IfcMapConversion", "rigid_operation": "IfcRigidOperation", "placement_in_crs": "coordinates as in --crs",
        }  # fmt: skip
        scaled = f"; its scale {self.factor:.6f} is not laid on the shape" if abs(self.factor - 1) > 1e-9 else ""
        return f"{named.get(self.kind, self.kind)} in {self.crs[:40]}{scaled}"


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
    unit = _unit_of_crs(grid.crs, east, north, grid.unit_m)
    ahead = [[east, north], [east + 10.0 * c, north + 10.0 * s]]  # ten metres along the x axis
    here, there = to_lonlat(np.array(ahead) / unit, grid.crs)
    lon, lat = float(here[0]), float(here[1])
    x, y = Frame(lon, lat).to_enu([there[:2]])[0, :2]
    return (lon, lat, grid.origin_m[2] + float(point[2])), math.atan2(y, x)


def file_crs(target: Mapping[str, Any], asked: str | None, name: str) -> tuple[str | None, tuple[Issue, ...]]:
    """The CRS a file means, and issues: what the person asked for, else what any of the file's names stand for.

    Parameters
    ----------
    target
        The facts of IfcProjectedCRS or IfcGeographicCRS.
    asked
        The person's `--crs`.
    name
        The file, as the subject of issues.
    """
    said = _first_known(target)
    if asked is not None:
        crs = known_crs(asked)
        other = said is not None and said != crs
        return crs, (Issue("ifc_crs_overridden", "info", name, {"crs": crs, "file_crs": said}),) if other else ()
    if said is not None:
        return said, ()
    written = target.get("Name") or target.get("Description")
    if written:
        return None, (Issue("ifc_crs_unknown", "warning", name, {"crs": written}),)
    return None, (Issue("ifc_crs_missing", "warning", name),)


def map_unit(
    unit: float | None, length_m: float, position: tuple[float, float], crs: str, likely: Sequence[tuple[float, float]]
) -> tuple[float, _Notes]:
    """Metres in one unit of eastings and northings.

    The standard: the unit of the CRS in the file, else the project's. Files break it both ways, so the first unit that puts the model
    near where it should be counts; where none does, the one that gives coordinates of a possible size.
    """
    stated = unit or length_m
    candidates = dict.fromkeys([stated, 1.0, length_m])
    near = [metre for metre in candidates if any(_distance(crs, position, metre, place) < _NEAR_M for place in likely)]
    if near:
        chosen = near[0]
    elif unit is not None:
        chosen = unit
    else:
        chosen = 1.0 if max(abs(position[0]), abs(position[1])) < _LARGEST_METRES else length_m
    if math.isclose(chosen, stated, rel_tol=1e-6) or position == (0.0, 0.0):
        return chosen, []
    return chosen, [("ifc_map_unit_assumed", "info", {"stated_m": stated, "used_m": chosen})]


def scale_of_shape(scale: float | None, unit_ratio: float) -> tuple[float, _Notes]:
    """Grid metres per model metre.

    `Scale` should hold the ratio of units (0.001 from millimetres to metres) times the grid's own factor. Files also leave the ratio
    out or turn it round (buildingSMART's own UTM sample has 1000); a factor that is no map projection's is not believed.
    """
    if scale is None or scale <= 0 or not math.isfinite(scale):
        return 1.0, []
    factors = (scale / unit_ratio, scale, scale * unit_ratio)
    likely = [factor for factor in factors if abs(factor - 1.0) < 0.01]
    if not likely:
        return 1.0, [("ifc_scale_not_believed", "warning", {"scale": scale})]
    if likely[0] != factors[0]:
        return likely[0], [("ifc_scale_read_as", "info", {"scale": scale, "read_as": round(likely[0], 9)})]
    return likely[0], []


def _first_known(target: Mapping[str, Any]) -> str | None:
    name, datum, zone = (str(target.get(key) or "").strip() for key in ("Name", "GeodeticDatum", "MapZone"))
    words = [name, f"EPSG:{name}" if name.isdigit() else "", str(target.get("Description") or "")]
    number = re.search(r"(\d{1,2})\s*([NS])?", f"{zone} {name}" if "utm" in f"{zone} {name} {target.get('MapProjection')}".lower() else "")
    if number and datum and not datum.upper().startswith("EPSG"):
        words.append(f"{datum} / UTM zone {int(number[1])}{number[2] or 'N'}")
    for word in words:
        if word:
            try:
                return known_crs(word)
            except CRSError:
                continue
    return None


def _distance(crs: str, position: tuple[float, float], metre: float, reference: tuple[float, float]) -> float:
    east, north = position[0] * metre, position[1] * metre
    try:
        place = to_lonlat(np.array([[east, north]]) / _unit_of_crs(crs, east, north, metre), crs)[0]
    except CRSError:
        return math.inf
    return float(np.hypot(*Frame(*reference).to_enu([place[:2]])[0, :2]))


def _unit_of_crs(crs: str, east: float, north: float, stated_m: float) -> float:
    """Metres in one unit of the CRS's axes, measured: a foot (the stated one, international or US survey), else one metre.

    A metre in the CRS is as long as its scale there; web Mercator's passes through a foot's length near 72° and is left out.
    """
    try:
        here, there = to_lonlat([[east, north], [east + 10.0, north]], crs)
    except CRSError:
        return 1.0
    step = float(np.linalg.norm(Frame(float(here[0]), float(here[1])).to_enu([there[:2]])[0, :2])) / 10.0
    if abs(step / _FOOT_M - 1) > 2e-3 or "3857" in crs:
        return 1.0
    return stated_m if abs(stated_m / _FOOT_M - 1) < 1e-5 else _FOOT_M
