"""Where a model stands: what its file says, judged and turned into one rigid placement in the park's frame.

Classes, best first: given by the person · map conversion · rigid operation · property sets · placement in the CRS · site latitude and
longitude (double where the site is shifted as well) · none. A class that contradicts itself is reported and the next one is taken.

A building is rigid and its metres are real: only one point of it, the anchor, goes through the CRS; the turn there includes the
meridian convergence, and the point scale of the projection (0.9996 in UTM, 1/cos φ in web Mercator) is not laid on the shape.

References
----------
IFC 4.3.2, IfcMapConversion, IfcRigidOperation, IfcSite; buildingSMART Australasia, User Guide for Geo-referencing in IFC (2020), for
ePset_MapConversion and ePset_ProjectedCRS in IFC2x3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from importers.ifc.anchors import Anchor, Finding, Setting, given, in_crs, map_conversion, of_site, rigid_operation, standing_free
from twin.crs import Frame
from twin.model import Georeferencing, Issue

Points = NDArray[np.float64]  # (n, 3)
FAR_M = 50_000.0
_EARTH_M = 6_371_000.0  # mean radius, for a distance that is told to a person


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
    """The placement, what is told about it, and what was wrong on the way."""

    placement: Placement
    told: Georeferencing
    issues: Sequence[Issue]


def georeference(facts: Mapping[str, Any], setting: Setting) -> Georeferenced:
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
    issues: list[Issue] = []
    for method in (given, map_conversion, rigid_operation, property_sets_conversion, in_crs, of_site):
        finding = method(facts, setting)
        issues += finding.issues
        if finding.anchor is not None:
            return _placed(finding.anchor, setting, issues)
    finding = standing_free(facts, setting)
    return _placed(finding.anchor or _origin(setting), setting, [*issues, *finding.issues])


def property_sets_conversion(facts: Mapping[str, Any], setting: Setting) -> Finding:
    """The class `property_sets`: IFC2x3 has no IfcMapConversion, so the same numbers stand in two property sets."""
    sets = facts["property_sets"]
    if "conversion" not in sets:
        return Finding()
    crs = sets.get("crs", {})
    operation = {**sets["conversion"], "target": {"Name": crs.get("Name"), "unit": None, "class": "IfcProjectedCRS"}}
    finding = map_conversion({**facts, "operations": [{**operation, "type": "IfcMapConversion"}]}, setting)
    return replace(finding, anchor=replace(finding.anchor, kind="property_sets") if finding.anchor else None)


def _origin(setting: Setting) -> Anchor:
    frame = setting.frame
    return Anchor("none", np.zeros(3), (frame.lon_deg, frame.lat_deg, frame.h_m), 0.0, None, "")


def _placed(anchor: Anchor, setting: Setting, issues: list[Issue]) -> Georeferenced:
    frame = setting.frame
    lon, lat, h = anchor.lonlat_h
    position = frame.to_enu([[lon, lat, h]])[0]
    turn = _local_axes(frame, lon, lat, h) @ _about_up(anchor.rotation_rad) @ anchor.world
    placement = Placement(anchor.point, position, turn)
    chord = float(np.linalg.norm(position)) / (2 * _EARTH_M)
    far = 2 * _EARTH_M * math.asin(min(1.0, chord))
    if far > FAR_M:
        details = {"kilometres": round(far / 1000, 1), "lon": round(lon, 5), "lat": round(lat, 5)}
        issues.append(Issue("ifc_far_from_park", "warning", setting.name, details))
    told = anchor.told or anchor.lonlat_h
    rotation = math.degrees(math.atan2(math.sin(anchor.rotation_rad), math.cos(anchor.rotation_rad)))
    reference = Georeferencing(anchor.kind, (told[0], told[1]), told[2], round(rotation, 9), anchor.crs, anchor.reason)
    return Georeferenced(placement, reference, issues)


def _about_up(angle: float) -> NDArray[np.float64]:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _local_axes(frame: Frame, lon: float, lat: float, h: float) -> NDArray[np.float64]:
    """East, north and up of a place as columns in the park's frame (3, 3): they tilt by 1 mrad every 6.4 km."""
    here, above, beside = frame.to_enu([[lon, lat, h], [lon, lat, h + 1.0], [lon + 1e-5, lat, h]])
    up = (above - here) / np.linalg.norm(above - here)
    east = beside - here
    east -= up * (east @ up)  # the chord to a point on the same parallel dips below the horizon
    east /= np.linalg.norm(east)
    return np.column_stack([east, np.cross(up, east), up])
