"""The place an IfcSite names: RefLatitude, RefLongitude, RefElevation and true north, with what files get wrong about them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from importers.ifc.setting import OFFSET_M, Anchor, Facts, Finding, Matrix, Setting, Vector, true_north, turned_once
from twin.crs import Frame, crs_candidates
from twin.model import Issue

_HIGHEST_M, _LOWEST_M = 9000.0, -450.0  # no ground on earth is higher or lower
_NEAR_GROUND_M = 100.0  # an elevation read in another unit is believed if it is this near the ground
_DEFAULT_PLACE_DEG = 0.01
# where authoring programs put projects that nobody placed; read off files of theirs
_DEFAULT_PLACES: Mapping[str, tuple[float, float]] = {
    "Beijing": (116.433, 39.916),
    "Boston": (-71.0589, 42.3584),
    "London": (-0.1262, 51.5002),
}


def of_site(facts: Facts, setting: Setting) -> Finding:
    """The class `site`: RefLatitude, RefLongitude, RefElevation and true north; `double` where the site's placement is shifted too."""
    site = facts["site"]
    lonlat, issues = site_lonlat(site, setting)
    if lonlat is None:
        return Finding(issues=issues)
    lon, lat = lonlat
    frame = np.array(site["placement"], float)
    point, kind, code = _site_point(frame, setting)
    north, north_issues = true_north(facts, setting)
    north, notes = turned_once(north, facts)
    if any(note[0] == "ifc_turned_twice" for note in notes):
        kind, code = "double", "ifc_because_site_turned"
    height, height_issues = _elevation(site, setting.ground(lon, lat), setting)
    issues += north_issues + height_issues + tuple(Issue(note[0], note[1], setting.name, note[2]) for note in notes)
    is_own = site["elevation_m"] is not None
    anchor = Anchor(kind, point, (lon, lat, height), north, "EPSG:4326", (code, {}), has_own_height=is_own)
    issues += _named_by_place(lonlat, setting) if kind == "double" else ()
    told = anchor.place_of_point(np.zeros(3)) if kind == "site" and point.any() else None
    return Finding(replace(anchor, told=told), issues)


def site_lonlat(site: Mapping[str, Any] | None, setting: Setting) -> tuple[tuple[float, float] | None, tuple[Issue, ...]]:
    """Longitude and latitude of a site [deg], and what is wrong with them; None where they are missing, impossible or both 0.

    Both 0 is what programs write for unknown. Where they are far from the park or impossible, they are taken exchanged or with another
    sign if that is near the park.
    """
    if not site or site["longitude"] is None or site["latitude"] is None:
        return None, ()
    said = (float(site["longitude"]), float(site["latitude"]))
    if not np.isfinite(said).all() or (abs(said[0]) < 1e-6 and abs(said[1]) < 1e-6):
        return None, ()
    details: dict[str, object] = {"lon": round(said[0], 6), "lat": round(said[1], 6)}
    issues = (Issue("ifc_angle_signs_mixed", "info", setting.name, details),) if site.get("has_mixed_signs") else ()
    if _is_possible(said) and setting.is_near(said):
        return said, issues
    others = [(said[1], said[0]), (-said[0], said[1]), (said[0], -said[1])]
    read = next((other for other in others if _is_possible(other) and setting.is_near(other)), None)
    if read is None and not _is_possible(said) and _is_possible(others[0]):
        read = others[0]
    if read is not None:
        return read, (*issues, Issue("ifc_lonlat_read_as", "warning", setting.name, {**details, "as_lon": read[0], "as_lat": read[1]}))
    if not _is_possible(said):
        return None, (*issues, Issue("ifc_lonlat_impossible", "warning", setting.name, details))
    city = next((name for name, place in _DEFAULT_PLACES.items() if math.dist(place, said) < _DEFAULT_PLACE_DEG), None)
    return said, (*issues, Issue("ifc_default_place", "warning", setting.name, {"city": city})) if city else issues


def _is_possible(lonlat: Sequence[float]) -> bool:
    return abs(lonlat[0]) <= 180 and abs(lonlat[1]) <= 90


def _elevation(site: Mapping[str, Any], ground: float, setting: Setting) -> tuple[float, tuple[Issue, ...]]:
    """The height of the site: its RefElevation; the ground's where there is none."""
    said = site["elevation_m"]
    if said is None:
        return ground, (Issue("ifc_site_without_elevation", "info", setting.name, {"height_m": round(ground, 2)}),)
    return possible_height(float(said), ground, setting)


def possible_height(said: float, ground: float, setting: Setting) -> tuple[float, tuple[Issue, ...]]:
    """A height of the file [m], in another unit where only that is possible, or the ground's; an issue where it is not as said."""
    if _LOWEST_M < said < _HIGHEST_M:
        return said, ()
    read = next((said * unit for unit in (0.001, 0.01, 0.3048) if abs(said * unit - ground) < _NEAR_GROUND_M), ground)
    details = {"elevation_m": round(said, 2), "used_m": round(read, 2)}
    return read, (Issue("ifc_elevation_impossible", "warning", setting.name, details),)


def _site_point(frame: Matrix, setting: Setting) -> tuple[Vector, str, str]:
    """The point of the model that latitude and longitude are of: the site's own origin, if the bodies are near it."""
    origin, middle = frame[:3, 3], setting.middle()
    if float(np.hypot(*(middle - origin)[:2])) < OFFSET_M:
        far = float(np.hypot(*origin[:2])) > OFFSET_M
        return (origin, "double", "ifc_because_site_shifted") if far else (origin, "site", "ifc_because_site")
    if float(np.hypot(*middle[:2])) < OFFSET_M:
        return np.zeros(3), "site", "ifc_because_site_origin"
    return middle, "double", "ifc_because_site_middle"


def _named_by_place(lonlat: tuple[float, float], setting: Setting) -> tuple[Issue, ...]:
    """The systems whose coordinates the model's seem to be: those in which its middle is where latitude and longitude say."""
    x, y = setting.middle()[:2].tolist()
    if math.hypot(x, y) < OFFSET_M:
        return ()
    likely = crs_candidates((x, y, x, y), Frame(*lonlat))[:3]
    details = {"x": round(x), "y": round(y), "candidates": ", ".join(likely) or "–"}
    return (Issue("ifc_coordinates_of_a_map", "info", setting.name, details),)
