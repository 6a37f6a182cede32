"""The classes of georeferencing that are no map conversion: given by the person, rigid operation, coordinates of a CRS, none.

Each turns the facts of a file into one anchored point and a turn, or says why it cannot.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from importers.ifc.grid import Grid, file_crs, file_vertical, metres, said_crs
from importers.ifc.setting import OFFSET_M, Anchor, Facts, Finding, Setting, Vector, inverted, not_used, on_grid, true_north, world
from importers.position import is_footprint, said_position
from twin.crs import crs_candidates, crs_title, horizontal, is_geographic, known_crs, to_lonlat, vertical
from twin.crsnames import UNITS_M
from twin.model import Issue


def given(_facts: Facts, setting: Setting) -> Finding:
    """The class `given`: longitude, latitude, height and turn from the person; a missing height is the ground's, a missing turn 0."""
    if setting.place is None or is_footprint(setting.place):
        return Finding()
    said = said_position(setting.place)
    h = setting.ground(said.lon, said.lat) if said.h_m is None else said.h_m
    turn = math.radians(said.turn_deg or 0.0)
    point, is_shifted = free_point(setting)
    because = ("ifc_because_given_middle" if is_shifted else "ifc_because_given", {})
    return Finding(Anchor("given", point, (said.lon, said.lat, h), turn, None, because, has_own_height=False))


def by_control(_facts: Facts, setting: Setting) -> Finding:
    """The class `control`: the model's coordinates by control points that are known on Earth as well; its size stays its own."""
    grid = setting.control
    if grid is None:
        return Finding()
    middle = setting.middle()
    metre = UNITS_M.get(grid.unit or "m", 1.0)  # the table is in metres or in the file's unit, whichever its scale says
    lon, lat, h, turn = grid.pose(middle / metre)
    has_height = math.isfinite(h)
    height = h if has_height else setting.ground(lon, lat) + float(middle[2])
    because = ("ifc_because_control", {"count": len(grid.points), "rms_m": round(grid.rms_m, 3)})
    anchor = Anchor("control", middle, (lon, lat, height), math.radians(turn), None, because, has_own_height=False)
    is_near = float(np.hypot(*middle[:2])) < OFFSET_M
    told = anchor.place_of_point(np.zeros(3)) if is_near else None
    return Finding(replace(anchor, told=told), setting.remarks)


def rigid_operation(facts: Facts, setting: Setting) -> Finding:
    """The class `rigid_operation` (IFC 4.3): the origin by two coordinates and a height, in a geographic or a projected CRS."""
    operations = [item for item in facts["operations"] if item["type"] == "IfcRigidOperation"]
    if not operations:
        return Finding()
    said = [{key: value for key, value in item.items() if key != "id"} for item in operations]
    if any(item != said[0] for item in said[1:]):
        return not_used(setting, "ifc_map_conversion_contradictory", count=len(operations))
    operation = operations[0]
    crs, issues = file_crs(operation["target"], setting.crs, setting.name)
    if crs is None:
        return Finding(issues=issues)
    first, second = operation.get("FirstCoordinate"), operation.get("SecondCoordinate")
    if first is None or second is None or not math.isfinite(float(first) + float(second)):
        return not_used(setting, "ifc_map_conversion_incomplete")
    origin = (float(first), float(second), float(operation.get("Height", 0.0)))
    finding = (_by_angles if is_geographic(crs) else _by_lengths)(crs, origin, operation["target"], facts, setting)
    return replace(finding, issues=(*issues, *finding.issues))


def _by_lengths(crs: str, origin: tuple[float, float, float], target: Facts, facts: Facts, setting: Setting) -> Finding:
    """A rigid operation into a projected CRS."""
    metre = target.get("unit") or metres(crs)
    east, north, height = origin
    grid = Grid("rigid_operation", crs, (east * metre, north * metre, height * metre), 0.0)
    return on_grid(grid, facts, setting, (), datum=file_vertical(target))


def _by_angles(crs: str, origin: tuple[float, float, float], target: Facts, facts: Facts, setting: Setting) -> Finding:
    """A rigid operation into a geographic CRS: the model's axes are then turned by true north."""
    lonlat = _angles(origin[0], origin[1], target.get("unit") or facts["angle_rad"], setting)
    if lonlat is None:
        return not_used(setting, "ifc_place_outside_crs", crs=crs)
    north, issues = true_north(facts, setting)
    frame = world(facts)
    lon, lat, _ = to_lonlat([lonlat], crs)[0].tolist()
    height = origin[2] * (target.get("height_unit") or facts["length_m"])
    because = ("ifc_because_rigid_operation", {"crs": crs_title(crs)})
    back = inverted(frame)[:3, :3]
    anchor = Anchor("rigid_operation", frame[:3, 3], (lon, lat, height), north, crs, because, back, datum=file_vertical(target))
    return Finding(anchor, issues)


def in_crs(facts: Facts, setting: Setting) -> Finding:
    """The class `placement_in_crs`: the coordinates themselves are the CRS's, which the person (`--crs`) or the file names."""
    named = _named_by_file(facts) if setting.crs is None else known_crs(setting.crs)
    if named is None or setting.box is None:
        return Finding()
    crs = horizontal(named)
    is_far = float(np.hypot(*setting.middle()[:2])) >= OFFSET_M
    if is_geographic(crs) or not is_far:
        issue = Issue("ifc_crs_not_needed", "info", setting.name, {"crs": crs_title(crs)})
        return Finding(issues=(issue,) if setting.crs is not None else ())
    return on_grid(Grid("placement_in_crs", crs, (0.0, 0.0, 0.0), 0.0), {**facts, "world": None}, setting, (), datum=vertical(named))


def _named_by_file(facts: Facts) -> str | None:
    """The CRS a file names without a conversion into it that could be used."""
    targets = [*facts.get("crs", ()), *([facts["property_sets"]["crs"]] if "crs" in facts["property_sets"] else [])]
    return next((crs for target in targets if (crs := said_crs(target)) is not None), None)


def standing_free(facts: Facts, setting: Setting) -> Finding:
    """The class `none`: at the park's origin, on the ground."""
    lon, lat = setting.frame.lon_deg, setting.frame.lat_deg
    point, is_shifted = free_point(setting)
    north, issues = true_north(facts, setting)
    place = (lon, lat, setting.ground(lon, lat))
    anchor = Anchor("none", point, place, north, None, ("ifc_because_none", {}), has_own_height=False)
    issues = (*issues, Issue("ifc_not_georeferenced", "warning", setting.name))
    if is_shifted and setting.box is not None:
        likely = crs_candidates((*setting.box[0, :2].tolist(), *setting.box[1, :2].tolist()), setting.frame)[:5]
        details = {"x": round(float(point[0])), "y": round(float(point[1])), "candidates": ", ".join(likely) or "–"}
        issues = (*issues, Issue("ifc_offset_removed", "warning", setting.name, details))
    return Finding(anchor, issues)


def free_point(setting: Setting) -> tuple[Vector, bool]:
    """The point to put at a place that knows nothing of the model's coordinates: the origin, or the middle where that is far off."""
    middle = setting.middle()
    is_shifted = float(np.hypot(*middle[:2])) > OFFSET_M
    return (middle, True) if is_shifted else (np.zeros(3), False)


def _angles(first: float, second: float, unit: float, setting: Setting) -> list[float] | None:
    """Longitude and latitude [deg]: as buildingSMART's sample has them, longitude first, unless only the other order fits."""
    factors = (math.degrees(unit), 1.0)  # values in degrees under a project unit of radians are common
    orders = [(first * factor, second * factor) for factor in factors] + [(second * factor, first * factor) for factor in factors]
    fit = [[lon, lat] for lon, lat in orders if abs(lon) <= 180 and abs(lat) <= 90]
    near = [lonlat for lonlat in fit if setting.is_near(lonlat)]
    return next(iter([*near, *fit]), None)
