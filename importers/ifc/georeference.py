"""Where a model stands: what its file says, judged and turned into one rigid placement in the park's frame.

Classes, best first: given by the person · control points · map conversion · rigid operation · property sets · placement in the CRS ·
site latitude and longitude (double where the position is held twice) · none. A class that contradicts itself is reported and the next
one is taken; a conversion that ends far from the park gives way to a site that lies in it.

A building is rigid and its metres are real: only one point of it, the anchor, goes through the CRS; the turn there includes the
meridian convergence, and the point scale of the projection (0.9996 in UTM, 1/cos φ in web Mercator) is not laid on the shape.

References
----------
IFC 4.3.2, IfcMapConversion, IfcRigidOperation, IfcSite; buildingSMART Australasia, User Guide for Geo-referencing in IFC (2020), for
ePset_MapConversion and ePset_ProjectedCRS in IFC2x3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from importers.ifc.anchors import by_control, given, in_crs, rigid_operation, standing_free
from importers.ifc.conversion import map_conversion, property_sets_conversion
from importers.ifc.setting import Anchor, Facts, Finding, Setting, leans
from importers.ifc.siteplace import of_site
from twin.crs import Frame
from twin.i18n import message
from twin.model import Georeferencing, Issue

Points = NDArray[np.float64]  # (n, 3)
_EARTH_M = 6_371_000.0  # mean radius, for a distance that is told to a person
_OF_CONVERSION = frozenset({"ifc_places_disagree", "ifc_north_disagrees"})  # what matters only where a conversion was used
_LEANING = math.radians(0.1)


@dataclass(frozen=True)
class Placement:
    """The rigid motion from model metres to the park's frame: enu = turn @ (point - anchor) + position."""

    anchor: NDArray[np.float64]  # (3,) [m, model]
    position: NDArray[np.float64]  # (3,) [m, enu]
    turn: NDArray[np.float64]  # (3, 3)

    def to_enu(self, points: Points) -> Points:
        """Points (n, 3) [m, model] in the park's frame (n, 3). [m, enu]"""
        return (points - self.anchor) @ self.turn.T + self.position


@dataclass(frozen=True)
class Georeferenced:
    """The placement and the anchor it came from, what is told about it, what was wrong on the way, and what was done to heights."""

    placement: Placement
    anchor: Anchor
    told: Georeferencing
    issues: Sequence[Issue]
    height_datum: str | None = None
    height_offset_m: float = 0.0


def georeference(facts: Facts, setting: Setting) -> Georeferenced:
    """The placement of a model.

    Parameters
    ----------
    facts
        What `survey` found in the file.
    setting
        The park, what the person said, ground heights, and the box of the model's bodies.

    Raises
    ------
    UsageError
        If `--place` cannot be understood.
    """
    finding = _found(facts, setting)
    issues = list(finding.issues)
    if leans(facts) > _LEANING:
        issues.append(Issue("ifc_world_leans", "warning", setting.name, {"degrees": round(math.degrees(leans(facts)), 2)}))
    anchor = finding.anchor or _origin(setting)
    if setting.heights is None:
        return placed(anchor, setting, issues)
    rule = setting.heights(anchor.datum if anchor.has_own_height else None)
    lon, lat, h = anchor.lonlat_h
    moved = float(rule.to_park([[lon, lat]], [h])[0]) if anchor.has_own_height else h + rule.offset_m
    told = None if anchor.told is None else (*anchor.told[:2], anchor.told[2] + moved - h)
    anchor = replace(anchor, lonlat_h=(lon, lat, moved), told=told)
    datum = rule.datum if anchor.has_own_height else None
    remarks = rule.remarks() if anchor.has_own_height or rule.offset_m else []
    return replace(placed(anchor, setting, [*issues, *remarks]), height_datum=datum, height_offset_m=moved - h)


def _found(facts: Facts, setting: Setting) -> Finding:
    """The finding of the first class that has an anchor, with the issues of all before it."""
    issues: tuple[Issue, ...] = ()
    for method in (given, by_control, map_conversion, rigid_operation, property_sets_conversion, in_crs, of_site):
        finding = method(facts, setting)
        issues += finding.issues
        if finding.anchor is not None:
            nearer = None if finding.anchor.kind in {"given", "control", "site"} else _nearer_site(finding.anchor, facts, setting)
            if nearer is None:
                return replace(finding, issues=issues)
            return replace(nearer, issues=(*(issue for issue in issues if issue.code not in _OF_CONVERSION), *nearer.issues))
    finding = standing_free(facts, setting)
    return replace(finding, issues=(*issues, *finding.issues))


def _nearer_site(anchor: Anchor, facts: Facts, setting: Setting) -> Finding | None:
    """The site's own place, where that is in the park and the place found is far from it."""
    if setting.is_near(anchor.lonlat_h) or setting.crs is not None:
        return None
    site = of_site(facts, setting)
    if site.anchor is None or not setting.is_near(site.anchor.lonlat_h):
        return None
    details = {"kilometres": round(setting.distance(anchor.lonlat_h) / 1000, 1), "crs": anchor.crs}
    return replace(site, issues=(Issue("ifc_map_conversion_far", "warning", setting.name, details), *site.issues))


def _origin(setting: Setting) -> Anchor:
    frame = setting.frame
    return Anchor("none", np.zeros(3), (frame.lon_deg, frame.lat_deg, frame.h_m), 0.0, None, ("ifc_because_none", {}))


def placed(anchor: Anchor, setting: Setting, issues: Sequence[Issue]) -> Georeferenced:
    """The placement of an anchor in the park's frame, and what is told about it."""
    frame = setting.frame
    lon, lat, h = anchor.lonlat_h
    position = frame.to_enu([[lon, lat, h]])[0]
    turn = local_axes(frame, lon, lat, h) @ _about_up(anchor.rotation_rad) @ anchor.world
    chord = float(np.linalg.norm(position)) / (2 * _EARTH_M)
    far = 2 * _EARTH_M * math.asin(min(1.0, chord))
    issues = list(issues)
    if far > setting.near_m:
        details = {"kilometres": round(far / 1000, 1), "lon": round(lon, 5), "lat": round(lat, 5)}
        issues.append(Issue("ifc_far_from_park", "warning", setting.name, details))
    return Georeferenced(Placement(anchor.point, position, turn), anchor, _told(anchor), issues)


def _told(anchor: Anchor) -> Georeferencing:
    lon, lat, h = (value + 0.0 for value in anchor.told or anchor.lonlat_h)  # no negative zero
    rotation = math.degrees(math.atan2(math.sin(anchor.rotation_rad), math.cos(anchor.rotation_rad)))
    code, details = anchor.because
    reason = message(code, "en", **details)
    return Georeferencing(anchor.kind, (lon, lat), h, round(rotation, 9), anchor.crs, reason, code, details)


def _about_up(angle: float) -> NDArray[np.float64]:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def local_axes(frame: Frame, lon: float, lat: float, h: float) -> NDArray[np.float64]:
    """East, north and up of a place as columns in the park's frame (3, 3): they tilt by 1 mrad every 6.4 km."""
    return frame.ecef_matrix()[:3, :3].T @ Frame(lon, lat, h).ecef_matrix()[:3, :3]
