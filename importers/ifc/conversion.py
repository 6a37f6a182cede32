"""Map conversions: eastings, northings, axis and scale, with all that files get wrong about them.

A conversion is read as it stands if that puts the model near the park, or near the site's latitude and longitude. If it does not, the
usual mistakes are tried in turn: another unit, east and north exchanged, the zone's number left out or put in, and the coordinates of
the map held twice, once by the conversion and once by the placements (double). The first reading that ends near is taken, and said.
Where none does, the conversion stands as written.

References
----------
IFC 4.3.2, IfcMapConversion, IfcMapConversionScaled, IfcProjectedCRS.MapUnit; GB/T 33175-2016 for zone numbers before eastings.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from importers.ifc.grid import Grid, Notes, file_crs, file_vertical, metres, place_of, point_scale, scale_of_shape
from importers.ifc.setting import (
    OFFSET_M,
    Facts,
    Finding,
    Setting,
    Vector,
    inverted,
    not_used,
    on_grid,
    shifted_frame,
    turned_by,
    turned_once,
    world,
)
from importers.ifc.siteplace import possible_height, site_lonlat
from twin.crs import Frame, is_geographic
from twin.model import Issue

_SAME_HEIGHT_M = 0.01  # heights this close are one height, held twice
_LEAST_HEIGHT_M = 5.0  # heights lower than this say nothing when they agree
_FEET_M = (0.3048, 1200 / 3937)  # international, US survey
_LARGEST_METRES = 2e7  # no projected coordinate in metres is larger (half the earth's girth)
_ZONES = range(13, 46)  # numbers of Chinese zones, 6 and 3 degrees wide
_TOLD_APART_M = 200.0  # a site's latitude and longitude farther from the conversion's place than this are told
_WRONG_M = 1000.0  # ... and farther than this, one of the two is wrong
_NAMES = (
    "Eastings", "Northings", "OrthogonalHeight", "XAxisAbscissa", "XAxisOrdinate", "Scale",
    "Name", "Description", "GeodeticDatum", "VerticalDatum", "MapProjection", "MapZone", "MapUnit",
)  # fmt: skip
_TOLD_NORTH = math.radians(2.0)
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?")
_LIKE_HEIGHT = 0.1  # share of a height by which the lowest body may differ from it and still be held to contain it


@dataclass(frozen=True)
class _Said:
    """One conversion as written: numbers, metres in their unit, turn of the x axis, and the system."""

    crs: str
    position: tuple[float, float]
    height: float
    axis_rad: float
    unit_m: float | None  # IfcProjectedCRS.MapUnit
    height_unit_m: float | None


@dataclass(frozen=True)
class _Reading:
    """One way to take the numbers: metres in their unit, exchanged, millions of metres added, and what holds the place twice."""

    unit_m: float
    is_swapped: bool = False
    millions: int = 0
    twice: str = ""  # "", "coordinates": the model's are the map's already; "offset": the site's own offset is of another grid


def map_conversion(facts: Facts, setting: Setting) -> Finding:
    """The classes `map_conversion` and `double`: eastings, northings, height, axis and scale in a projected CRS."""
    operations = [item for item in facts["operations"] if item["type"].startswith("IfcMapConversion")]
    return _of_operations(operations, facts, setting, "map_conversion")


def property_sets_conversion(facts: Facts, setting: Setting) -> Finding:
    """The class `property_sets`: IFC2x3 has no IfcMapConversion, so the same numbers stand in two property sets."""
    sets = {key: _canonical(values) for key, values in facts["property_sets"].items()}
    if "conversion" not in sets:
        return Finding()
    crs = sets.get("crs", {})
    target = {**crs, "unit": _unit_named(crs.get("MapUnit")), "class": "IfcProjectedCRS"}
    operation = {**sets["conversion"], "target": target, "type": "IfcMapConversion", "is_of_model": True}
    return _of_operations([operation], facts, setting, "property_sets")


def _canonical(values: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a set under the names of IfcMapConversion and IfcProjectedCRS, whatever their capitals and blanks."""
    names = {name.lower(): name for name in _NAMES}
    found = {names.get("".join(letter for letter in key.lower() if letter.isalnum()), key): value for key, value in values.items()}
    return {name: value for name, value in found.items() if value is not None}


def _unit_named(name: object) -> float | None:
    """Metres in a unit by its name in a property; None where nothing is known of it."""
    text = "".join(letter for letter in str(name or "").lower() if letter.isalpha())
    if "foot" in text or "feet" in text or text in {"ft", "ftus", "usft"}:
        return _FEET_M["survey" in text or "us" in text]
    if "milli" in text or text == "mm":
        return 0.001
    return 1.0 if "met" in text or text == "m" else None


def _of_operations(operations: Sequence[Mapping[str, Any]], facts: Facts, setting: Setting, kind: str) -> Finding:
    if not operations:
        return Finding()
    distinct = [item for k, item in enumerate(operations) if not any(_is_same(item, other) for other in operations[:k])]
    findings = [_of_operation(operation, facts, setting, kind) for operation in distinct]
    if len(findings) == 1:
        return findings[0]
    near = [finding for finding in findings if finding.anchor and setting.is_near(finding.anchor.lonlat_h)]
    if len(near) != 1:
        return not_used(setting, "ifc_map_conversion_contradictory", count=len(operations))
    chosen = Issue("ifc_map_conversion_chosen", "warning", setting.name, {"count": len(operations)})
    return replace(near[0], issues=(chosen, *near[0].issues))


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two conversions say the same; a missing axis or scale is the standard's default."""
    defaults = {"OrthogonalHeight": 0.0, "XAxisAbscissa": 1.0, "XAxisOrdinate": 0.0, "Scale": 1.0}
    a, b = ({**defaults, **{key: value for key, value in item.items() if key not in {"id", "SourceCRS"}}} for item in (one, other))
    return a == b


def _of_operation(operation: Mapping[str, Any], facts: Facts, setting: Setting, kind: str) -> Finding:
    target = operation["target"]
    crs, issues = file_crs(target, setting.crs, setting.name)
    if crs is None:
        return Finding(issues=issues)
    if is_geographic(crs):
        return not_used(setting, "ifc_crs_not_projected", crs=crs)
    east, north, height = (number(operation.get(key)) for key in ("Eastings", "Northings", "OrthogonalHeight"))
    if east is None or north is None:
        return not_used(setting, "ifc_map_conversion_incomplete")
    axis, axis_notes = _axis(operation)
    said = _Said(crs, (east, north), height or 0.0, axis, target.get("unit"), target.get("height_unit"))
    reading, notes = _chosen(said, facts, setting)
    if reading is None:
        return Finding(issues=(*issues, Issue("ifc_map_conversion_empty", "warning", setting.name, {"crs": crs})))
    grid, more = _grid(said, reading, operation, facts, setting)
    grid = replace(grid, kind="double" if reading.twice else kind)
    where: Notes = [] if operation.get("is_of_model", True) else [("ifc_conversion_not_of_model", "info", {})]
    told = tuple(Issue(code, severity, setting.name, details) for code, severity, details in (*notes, *axis_notes, *more, *where))
    lonlat = place_of(crs, grid.origin_m[:2])
    height, height_issues = possible_height(grid.origin_m[2], setting.ground(*lonlat) if lonlat else 0.0, setting)
    grid = replace(grid, origin_m=(*grid.origin_m[:2], height))
    finding = on_grid(grid, facts, setting, (*issues, *told, *height_issues), datum=file_vertical(target))
    return replace(finding, issues=(*finding.issues, *_contradictions(finding, facts, setting)))


def number(value: object) -> float | None:
    """A finite number, also where a file writes it as text, with blanks or commas between thousands or a comma for the point; else None."""
    text = "".join(str(value).split())
    text = text.replace(",", "") if _THOUSANDS.fullmatch(text) else text.replace(",", ".", 1)
    try:
        found = float(text) if value is not None else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _axis(operation: Mapping[str, Any]) -> tuple[float, Notes]:
    """The turn of the model's x axis from grid east [rad]; 0, and a note, where the file gives no direction."""
    if operation.get("XAxisAbscissa") is None and operation.get("XAxisOrdinate") is None:
        return 0.0, []
    x, y = number(operation.get("XAxisAbscissa")), number(operation.get("XAxisOrdinate"))
    if x is None and y is not None and abs(y) == 1.0:
        x = 0.0
    if y is None and x is not None and abs(x) == 1.0:
        y = 0.0
    if x is None or y is None or math.hypot(x, y) < 1e-9:
        said = {"x": operation.get("XAxisAbscissa", "–"), "y": operation.get("XAxisOrdinate", "–")}
        return 0.0, [("ifc_axis_malformed", "warning", said)]
    return math.atan2(y, x), []


def _chosen(said: _Said, facts: Facts, setting: Setting) -> tuple[_Reading | None, Notes]:
    """The first reading that ends near where the model should be, and what is told of it; None for a conversion left empty."""
    stated = _stated_unit(said, facts)
    places = likely_places(facts, setting)
    for reading in _readings(said, stated, facts, setting):
        lonlat = _place(said, reading, facts, setting)
        if lonlat is not None and any(_apart(lonlat, place) < setting.near_m for place in places):
            return reading, _notes(said, reading, stated, setting)
    if said.position == (0.0, 0.0):  # programs write that for unknown, but also beside coordinates that are the map's own
        return (_Reading(stated), []) if float(np.hypot(*setting.middle()[:2])) > OFFSET_M else (None, [])
    reading = _Reading(_unit_of_size(said, facts, stated))
    middle = setting.middle()[:2]
    if float(np.hypot(*middle)) > OFFSET_M and float(np.hypot(*(middle - np.array(said.position) * reading.unit_m))) < OFFSET_M:
        reading = replace(reading, twice="coordinates")
    return reading, _notes(said, reading, stated, setting)


def _apart(lonlat: Sequence[float], place: Sequence[float]) -> float:
    return float(np.linalg.norm(Frame(place[0], place[1]).to_enu([list(lonlat)[:2]])[0]))


def _stated_unit(said: _Said, facts: Facts) -> float:
    """Metres in the unit the file says: of the CRS, else of the project; of two kinds of foot, the one of the system's own axes."""
    own = metres(said.crs)
    if said.unit_m is None and _are_feet(own, facts["length_m"]):
        return own
    return said.unit_m or facts["length_m"]


def _are_feet(one: float, other: float) -> bool:
    return abs(one / other - 1) < 1e-5 and abs(one / _FEET_M[0] - 1) < 1e-5


def _unit_of_size(said: _Said, facts: Facts, stated: float) -> float:
    """The unit where no reading is near anything known: as stated, unless nothing was and only metres give a possible size."""
    if said.unit_m is not None:
        return said.unit_m
    return 1.0 if max(abs(part) for part in said.position) < _LARGEST_METRES and facts["length_m"] < 0.1 else stated


def _readings(said: _Said, stated: float, facts: Facts, setting: Setting) -> Iterator[_Reading]:
    """Every way to take the numbers, the least far-fetched first."""
    units = list(dict.fromkeys([stated, 1.0, facts["length_m"], metres(said.crs), *_FEET_M, 0.001]))
    has_offset = float(np.hypot(*setting.middle()[:2])) > OFFSET_M
    plain = [_Reading(unit) for unit in units if said.position != (0.0, 0.0) or unit == stated]
    yield plain[0]
    if has_offset:  # before other units: in millimetres a second pair of eastings would all but vanish
        yield replace(plain[0], twice="coordinates")
        yield from (replace(reading, twice="offset") for reading in plain)
    yield from plain[1:]
    swapped = [replace(reading, is_swapped=True) for reading in plain]
    yield from swapped
    for reading in (*plain, *swapped):
        yield from (replace(reading, millions=millions) for millions in _missing_zone(said, reading, setting))


def _missing_zone(said: _Said, reading: _Reading, setting: Setting) -> list[int]:
    """Millions of metres that the easting has too many or too few, if they are a Chinese zone's number."""
    east = said.position[reading.is_swapped] * reading.unit_m
    signed = [sign * zone for zone in _ZONES for sign in (-1, 1)]
    possible = [each for each in signed if 0 < east + each * 1e6 < 1e6 or (each > 0 and 0 < east < 1e6)]
    return [each for each in possible if _is_roughly_near(said, reading, each, setting)][:1]


def _is_roughly_near(said: _Said, reading: _Reading, millions: int, setting: Setting) -> bool:
    lonlat = place_of(said.crs, _position(said, replace(reading, millions=millions)))
    return lonlat is not None and setting.distance(lonlat) < 2 * setting.near_m


def _position(said: _Said, reading: _Reading) -> tuple[float, float]:
    """Eastings and northings of a reading. [m]"""
    first, second = (part * reading.unit_m for part in said.position)
    east, north = (second, first) if reading.is_swapped else (first, second)
    return east + reading.millions * 1e6, north


def _place(said: _Said, reading: _Reading, facts: Facts, setting: Setting) -> list[float] | None:
    """Longitude, latitude [deg] of the middle of the bodies by a reading."""
    origin, axis = _origin(said, reading, facts, setting)
    inverse = inverted(world(facts))
    x, y = (inverse[:3, :3] @ setting.middle() + inverse[:3, 3])[:2].tolist()
    c, s = math.cos(axis), math.sin(axis)
    return place_of(said.crs, (origin[0] + c * x - s * y, origin[1] + s * x + c * y))


def _origin(said: _Said, reading: _Reading, facts: Facts, setting: Setting) -> tuple[tuple[float, float], float]:
    """Where the model's origin is by a reading [m, grid], and the turn there: a turn that placements hold already is not made again."""
    position = _position(said, reading)
    if not reading.twice:
        return position, said.axis_rad
    frame = shifted_frame(facts)
    axis = 0.0 if turned_by(frame, said.axis_rad) else said.axis_rad
    c, s = math.cos(axis), math.sin(axis)
    x, y = frame[:2, 3].tolist() if np.hypot(*frame[:2, 3]) > OFFSET_M else setting.middle()[:2].tolist()
    at = (x, y) if reading.twice == "coordinates" else position
    return (at[0] - (c * x - s * y), at[1] - (s * x + c * y)), axis


def _grid(said: _Said, reading: _Reading, operation: Mapping[str, Any], facts: Facts, setting: Setting) -> tuple[Grid, Notes]:
    """The grid of a reading, with scale, height and turn judged."""
    origin, axis = _origin(said, reading, facts, setting)
    lonlat = place_of(said.crs, _position(said, reading))
    expected = point_scale(said.crs, lonlat, _position(said, reading)) if lonlat else 1.0
    factor, notes = scale_of_shape(number(operation.get("Scale")), facts["length_m"] / reading.unit_m, expected)
    combined, more = _combined_factor(operation, expected)
    height, height_notes = _height(said, reading, facts, setting)
    axis, axis_notes = (axis, ()) if reading.twice else turned_once(axis, facts)
    factor = 1.0 if reading.twice == "coordinates" else factor * combined
    return Grid("map_conversion", said.crs, (*origin, height), axis, factor), (*notes, *more, *height_notes, *axis_notes)


def _combined_factor(operation: Mapping[str, Any], expected: float) -> tuple[float, Notes]:
    """The factor of IfcMapConversionScaled, the mean of its two; 1 where it is no projection's."""
    said = [number(operation.get(key)) for key in ("FactorX", "FactorY")]
    factors = [factor for factor in said if factor is not None]
    if not factors:
        return 1.0, []
    mean = sum(factors) / len(factors)
    alike = max(factors) - min(factors) < 1e-4
    if not alike or not any(abs(mean / likely - 1) < 0.01 for likely in (1.0, expected)):
        return 1.0, [("ifc_factors_not_believed", "warning", {"factors": ", ".join(f"{factor:g}" for factor in factors)})]
    return mean, []


def _height(said: _Said, reading: _Reading, facts: Facts, setting: Setting) -> tuple[float, Notes]:
    """The height of the model's origin [m], 0 where the placements hold the same height already.

    A model whose bodies have the map's coordinates has them at the map's heights too, if they lie about there.
    """
    height = said.height * (said.height_unit_m or reading.unit_m)
    held = float(shifted_frame(facts)[2, 3])
    is_of_bodies = reading.twice == "coordinates" and abs(setting.middle()[2] - height) < _LIKE_HEIGHT * abs(height)
    if abs(height) < _LEAST_HEIGHT_M or (abs(held - height) > _SAME_HEIGHT_M and not is_of_bodies):
        return height, []
    return 0.0, [("ifc_height_twice", "warning", {"height_m": round(height, 3)})]


def _notes(said: _Said, reading: _Reading, stated: float, setting: Setting) -> Notes:
    notes: list[tuple[str, Any, dict[str, object]]] = []
    if not math.isclose(reading.unit_m, stated, rel_tol=1e-7) and said.position != (0.0, 0.0):
        notes.append(("ifc_map_unit_assumed", "info", {"stated_m": stated, "used_m": reading.unit_m}))
    own = metres(said.crs)
    if not math.isclose(stated, own, rel_tol=1e-9) and _are_feet(stated, own) and math.isclose(reading.unit_m, stated, rel_tol=1e-9):
        off = max(abs(part) for part in said.position) * abs(stated - own)
        notes.append(("ifc_foot_of_another_kind", "warning", {"metres": round(off, 2)}))
    if reading.is_swapped:
        notes.append(("ifc_eastings_swapped", "warning", {}))
    if reading.millions:
        notes.append(("ifc_zone_number", "info", {"zone": abs(reading.millions), "crs": said.crs}))
    if reading.twice:
        away = float(np.hypot(*setting.middle()[:2]))
        notes.append(("ifc_placed_twice", "warning", {"kilometres": round(away / 1000, 1)}))
    return notes


def likely_places(facts: Facts, setting: Setting) -> list[tuple[float, float]]:
    """Where the model is likely to be, to tell readings apart: the park, and the site's latitude and longitude."""
    site, _ = site_lonlat(facts["site"], setting)
    return [(setting.frame.lon_deg, setting.frame.lat_deg), *([site] if site else [])]


def _contradictions(finding: Finding, facts: Facts, setting: Setting) -> list[Issue]:
    """Where the site's latitude and longitude, or true north, say something else than the conversion that was taken."""
    if finding.anchor is None:
        return []
    issues: list[Issue] = []
    lonlat, _ = site_lonlat(facts["site"], setting)
    if lonlat is not None:
        at = finding.anchor.place_of_point(_site_origin(facts, setting))
        apart = _apart(at, lonlat)
        if apart > _TOLD_APART_M:
            details = {"metres": round(apart), "lon": round(lonlat[0], 6), "lat": round(lonlat[1], 6)}
            issues.append(Issue("ifc_places_disagree", "warning" if apart > _WRONG_M else "info", setting.name, details))
    north = facts["true_north"]
    if north is not None and len(north) >= 2 and np.isfinite(north).all() and math.hypot(north[0], north[1]) > 1e-6:
        said = math.pi / 2 - math.atan2(north[1], north[0])
        off = math.remainder(said - finding.anchor.rotation_rad, 2 * math.pi)
        if abs(said) > 1e-9 and abs(off) > _TOLD_NORTH:
            issues.append(Issue("ifc_north_disagrees", "info", setting.name, {"degrees": round(math.degrees(off), 1)}))
    return issues


def _site_origin(facts: Facts, setting: Setting) -> Vector:
    """The point of the model that the site's latitude and longitude are of: its origin, or the middle where that is far off."""
    origin = np.array(facts["site"]["placement"], float)[:3, 3]
    return origin if float(np.hypot(*(origin - setting.middle())[:2])) < OFFSET_M else setting.middle()
