"""The classes of georeferencing: each turns the facts of a file into one anchored point and a turn, or says why it cannot."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from importers.ifc.grid import Grid, as_grid, file_crs, map_unit, scale_of_shape
from twin.crs import Frame, crs_candidates, is_geographic, known_crs, to_lonlat
from twin.errors import CRSError, UsageError
from twin.model import Issue

Vector = NDArray[np.float64]  # (3,)
Facts = Mapping[str, Any]
NEAR_M = 50_000.0  # a place this near is believed to be the park's
_OFFSET_M = 10_000.0  # coordinates beyond this are no building's own: they hold a position
_TURN_RAD = math.radians(0.05)


@dataclass(frozen=True)
class Setting:
    """What is known besides the file: its name, the park's frame, what the person said, ground heights, the box of the bodies."""

    name: str
    frame: Frame
    ground: Callable[[float, float], float]  # lon, lat -> h [m, park datum]
    box: NDArray[np.float64] | None = None  # (2, 3) lowest and highest corner [m, model]
    crs: str | None = None
    place: str | None = None

    def middle(self) -> Vector:
        """The middle of the bodies' ground (3,) [m, model]; the origin where there are none."""
        if self.box is None:
            return np.zeros(3)
        return np.array([*self.box[:, :2].mean(axis=0), self.box[0, 2]])

    def distance(self, lonlat: Sequence[float]) -> float:
        """Metres from the park's origin."""
        return float(np.hypot(*self.frame.to_enu([list(lonlat)[:2]])[0, :2]))


@dataclass(frozen=True)
class Anchor:
    """One point of the model, where it is, and how the model is turned there (counter-clockwise from east to its x axis)."""

    kind: str
    point: Vector  # [m, model]
    lonlat_h: tuple[float, float, float]
    rotation_rad: float
    crs: str | None
    reason: str
    world: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))  # model axes -> axes the rotation is about
    told: tuple[float, float, float] | None = None  # longitude, latitude, height of the model's origin; None: of the anchor


@dataclass(frozen=True)
class Finding:
    """What one class found: an anchor, or none and perhaps why."""

    anchor: Anchor | None = None
    issues: tuple[Issue, ...] = ()


def given(_facts: Facts, setting: Setting) -> Finding:
    """The class `given`: longitude, latitude, height and turn from the person; a missing height is the ground's, a missing turn 0."""
    if setting.place is None:
        return Finding()
    if setting.place.strip().lower() == "footprint":  # an importer sees one file and no building to fit it on
        return Finding(issues=(Issue("ifc_footprint_not_fitted", "warning", setting.name),))
    try:
        numbers = [float(part) for part in setting.place.replace(" ", "").split(",")]
    except ValueError as error:
        raise UsageError("ifc_place_malformed", subject=setting.place) from error
    if not 2 <= len(numbers) <= 4 or not np.isfinite(numbers).all() or abs(numbers[0]) > 180 or abs(numbers[1]) > 90:
        raise UsageError("ifc_place_malformed", subject=setting.place)
    lon, lat = numbers[:2]
    h = numbers[2] if len(numbers) > 2 else setting.ground(lon, lat)
    turn = math.radians(numbers[3]) if len(numbers) > 3 else 0.0
    point, shifted = _free_point(setting)
    reason = "placed by --place" + (", the middle of its ground there because its coordinates are far from its origin" if shifted else "")
    return Finding(Anchor("given", point, (lon, lat, h), turn, None, reason))


def map_conversion(facts: Facts, setting: Setting) -> Finding:
    """The class `map_conversion`: eastings, northings, height, axis and scale in a projected CRS."""
    operations = [item for item in facts["operations"] if item["type"].startswith("IfcMapConversion")]
    if not operations:
        return Finding()
    if _contradict(operations):
        return _not_used(setting, "ifc_map_conversion_contradictory", count=len(operations))
    operation = operations[0]
    crs, issues = file_crs(operation["target"], setting.crs, setting.name)
    if crs is None:
        return Finding(issues=issues)
    if is_geographic(crs):
        return _not_used(setting, "ifc_crs_not_projected", crs=crs)
    east, north = float(operation.get("Eastings", 0.0)), float(operation.get("Northings", 0.0))
    unit, unit_issues = map_unit(operation["target"]["unit"], facts["length_m"], (east, north), crs, _likely_places(facts, setting))
    factor, scale_issues = scale_of_shape(operation.get("Scale"), facts["length_m"] / unit)
    axis, axis_issues = _axis(operation)
    issues += tuple(Issue(code, severity, setting.name, details) for code, severity, details in (*unit_issues, *scale_issues, *axis_issues))
    height = float(operation.get("OrthogonalHeight", 0.0)) * unit
    return _on_grid(Grid("map_conversion", crs, (east * unit, north * unit, height), axis, factor, unit), facts, setting, issues)


def rigid_operation(facts: Facts, setting: Setting) -> Finding:
    """The class `rigid_operation` (IFC 4.3): the origin by two coordinates and a height, in a geographic or a projected CRS."""
    operations = [item for item in facts["operations"] if item["type"] == "IfcRigidOperation"]
    if not operations or _contradict(operations):
        return _not_used(setting, "ifc_map_conversion_contradictory", count=len(operations)) if operations else Finding()
    operation = operations[0]
    crs, issues = file_crs(operation["target"], setting.crs, setting.name)
    if crs is None:
        return Finding(issues=issues)
    first, second = float(operation["FirstCoordinate"]), float(operation["SecondCoordinate"])
    height = float(operation.get("Height", 0.0))
    unit = operation["target"]["unit"]
    if not is_geographic(crs):
        metre = unit or facts["length_m"]
        grid = Grid("rigid_operation", crs, (first * metre, second * metre, height * metre), 0.0, 1.0, metre)
        return _on_grid(grid, facts, setting, issues)
    lonlat = _angles(first, second, unit or facts["angle_rad"], setting)
    if lonlat is None:
        return Finding(issues=(*issues, Issue("ifc_place_outside_crs", "warning", setting.name, {"crs": crs})))
    north, north_issues = _north(facts, setting)
    inverse = np.linalg.inv(np.array(facts["world"] or np.eye(4), float))
    origin: Vector = np.array(facts["world"] or np.eye(4), float)[:3, 3]
    lon, lat, _ = to_lonlat([lonlat], crs)[0]
    anchor = Anchor("rigid_operation", origin, (float(lon), float(lat), height), north, crs, "IfcRigidOperation", inverse[:3, :3])
    return Finding(anchor, (*issues, *north_issues))


def in_crs(facts: Facts, setting: Setting) -> Finding:
    """The class `placement_in_crs`: the coordinates themselves are the CRS's, which only a person can say (`--crs`)."""
    if setting.crs is None or setting.box is None:
        return Finding()
    crs = known_crs(setting.crs)
    middle = setting.middle()
    if is_geographic(crs) or float(np.hypot(*middle[:2])) < _OFFSET_M:
        return Finding(issues=(Issue("ifc_crs_not_needed", "info", setting.name, {"crs": crs}),))
    return _on_grid(Grid("placement_in_crs", crs, (0.0, 0.0, 0.0), 0.0, 1.0), {**facts, "world": None}, setting, ())


def of_site(facts: Facts, setting: Setting) -> Finding:
    """The class `site`: RefLatitude, RefLongitude, RefElevation and true north; `double` where the site's placement is shifted too."""
    site = facts["site"]
    lonlat = _site_lonlat(site)
    if lonlat is None:
        return Finding()
    lon, lat = lonlat
    frame = np.array(site["placement"], float)
    point, kind, reason = _site_point(frame, setting)
    elevation = site["elevation_m"]
    height = setting.ground(lon, lat) if elevation is None else float(elevation)
    north, issues = _north(facts, setting)
    if abs(north) > _TURN_RAD and _same_turn(frame, north):
        kind, north, reason = "double", 0.0, f"{reason}; true north is in the site's placement already"
    if elevation is None:
        issues = (*issues, Issue("ifc_site_without_elevation", "info", setting.name, {"height_m": round(height, 2)}))
    anchor = Anchor(kind, point, (lon, lat, height), north, "EPSG:4326", reason)
    origin = _origin_told(anchor) if kind == "site" else None
    return Finding(replace(anchor, told=origin), issues)


def standing_free(facts: Facts, setting: Setting) -> Finding:
    """The class `none`: at the park's origin, on the ground."""
    lon, lat = setting.frame.lon_deg, setting.frame.lat_deg
    point, shifted = _free_point(setting)
    north, issues = _north(facts, setting)
    anchor = Anchor(
        "none", point, (lon, lat, setting.ground(lon, lat)), north, None, "nothing in the file that can be used says where it is"
    )
    issues = (*issues, Issue("ifc_not_georeferenced", "warning", setting.name))
    if shifted and setting.box is not None:
        likely = crs_candidates((*setting.box[0, :2].tolist(), *setting.box[1, :2].tolist()), setting.frame)
        details = {"x": round(float(point[0])), "y": round(float(point[1])), "candidates": ", ".join(likely) or "–"}
        issues = (*issues, Issue("ifc_offset_removed", "warning", setting.name, details))
    return Finding(anchor, issues)


def _on_grid(grid: Grid, facts: Facts, setting: Setting, issues: tuple[Issue, ...]) -> Finding:
    """The anchor of a grid: the middle of the bodies, so that the projection's scale pulls least at the edges."""
    inverse = np.linalg.inv(np.array(facts["world"] or np.eye(4), float))
    middle = setting.middle()
    try:
        lonlat_h, turn = as_grid(grid, inverse[:3, :3] @ middle + inverse[:3, 3])
        origin, _ = as_grid(grid, inverse[:3, 3])
    except CRSError:
        return Finding(issues=(*issues, Issue("ifc_place_outside_crs", "warning", setting.name, {"crs": grid.crs})))
    told = origin if float(np.hypot(*middle[:2])) < _OFFSET_M else None
    return Finding(Anchor(grid.kind, middle, lonlat_h, turn, grid.crs, grid.reason(), inverse[:3, :3], told), issues)


def _not_used(setting: Setting, code: str, **details: object) -> Finding:
    return Finding(issues=(Issue(code, "warning", setting.name, details),))


def _contradict(operations: Sequence[Mapping[str, Any]]) -> bool:
    said = [{key: value for key, value in item.items() if key != "id"} for item in operations]
    return any(item != said[0] for item in said[1:])


def _axis(operation: Mapping[str, Any]) -> tuple[float, Sequence[tuple[str, Any, dict[str, object]]]]:
    x, y = float(operation.get("XAxisAbscissa", 1.0)), float(operation.get("XAxisOrdinate", 0.0))
    if not math.isfinite(x + y) or math.hypot(x, y) < 1e-9:
        return 0.0, [("ifc_axis_malformed", "warning", {"x": x, "y": y})]
    return math.atan2(y, x), []


def _angles(first: float, second: float, unit: float, setting: Setting) -> list[float] | None:
    """Longitude and latitude [deg]: as buildingSMART's sample has them, longitude first, unless only the other order fits."""
    factors = (math.degrees(unit), 1.0)  # values in degrees under a project unit of radians are common
    orders = [(first * factor, second * factor) for factor in factors] + [(second * factor, first * factor) for factor in factors]
    fit = [[lon, lat] for lon, lat in orders if abs(lon) <= 180 and abs(lat) <= 90]
    near = [lonlat for lonlat in fit if setting.distance(lonlat) < NEAR_M]
    return next(iter([*near, *fit]), None)


def _north(facts: Facts, setting: Setting) -> tuple[float, tuple[Issue, ...]]:
    """How far the model's x axis is turned from east, counter-clockwise [rad], by the direction of true north."""
    north = facts["true_north"]
    if north is None:
        return 0.0, ()
    if len(north) < 2 or not np.isfinite(north).all() or math.hypot(north[0], north[1]) < 1e-6:
        return 0.0, (Issue("ifc_true_north_malformed", "warning", setting.name, {"north": str(north)}),)
    return math.pi / 2 - math.atan2(north[1], north[0]), ()


def _same_turn(frame: NDArray[np.float64], north: float) -> bool:
    """Whether the site's placement is turned by the angle of true north: the exporter then has done the turn itself."""
    turned = math.atan2(frame[1, 0], frame[0, 0])
    return abs(math.remainder(turned - north, 2 * math.pi)) < _TURN_RAD


def _site_lonlat(site: Mapping[str, Any] | None) -> tuple[float, float] | None:
    """Degrees where both are there, sensible, and not both 0, which is what programs write for unknown."""
    if not site or site["longitude"] is None or site["latitude"] is None:
        return None
    lon, lat = float(site["longitude"]), float(site["latitude"])
    sensible = abs(lon) <= 180 and abs(lat) <= 90 and (abs(lon) > 1e-6 or abs(lat) > 1e-6)
    return (lon, lat) if sensible else None


def _site_point(frame: NDArray[np.float64], setting: Setting) -> tuple[Vector, str, str]:
    """The point of the model that latitude and longitude are of: the site's own origin, if the bodies are near it."""
    origin, middle = frame[:3, 3], setting.middle()
    if float(np.hypot(*(middle - origin)[:2])) < _OFFSET_M:
        far = float(np.hypot(*origin[:2])) > _OFFSET_M
        reason = "RefLatitude and RefLongitude of IfcSite" + (", whose placement holds map coordinates as well" if far else "")
        return origin, "double" if far else "site", reason
    if float(np.hypot(*middle[:2])) < _OFFSET_M:
        return np.zeros(3), "site", "RefLatitude and RefLongitude of IfcSite, for the model's origin: the site's own is far from the bodies"
    return middle, "double", "RefLatitude and RefLongitude of IfcSite, for the middle of the bodies: they are far from every origin"


def _origin_told(anchor: Anchor) -> tuple[float, float, float] | None:
    """Where the model's origin is, when the anchor is a site shifted from it."""
    if not anchor.point.any():
        return None
    lon, lat, h = anchor.lonlat_h
    c, s = math.cos(anchor.rotation_rad), math.sin(anchor.rotation_rad)
    x, y, z = -anchor.point
    out = Frame(lon, lat, h).to_lonlat([[c * x - s * y, s * x + c * y, z]])[0]
    return float(out[0]), float(out[1]), float(out[2])


def _free_point(setting: Setting) -> tuple[Vector, bool]:
    """The point to put at a place that knows nothing of the model's coordinates: the origin, or the middle where that is far off."""
    middle = setting.middle()
    shifted = float(np.hypot(*middle[:2])) > _OFFSET_M
    return (middle, True) if shifted else (np.zeros(3), False)


def _likely_places(facts: Facts, setting: Setting) -> list[tuple[float, float]]:
    """Where the model is likely to be, to tell units apart: the park, and the site's latitude and longitude."""
    site = _site_lonlat(facts["site"])
    return [(setting.frame.lon_deg, setting.frame.lat_deg), *([site] if site else [])]
