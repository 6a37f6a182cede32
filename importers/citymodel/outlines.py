"""Outlines on the ground out of faces in space: what a building stands on, what a road or a pond covers. The park's frame, metres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from importers.citymodel.bodies import Body
from importers.citymodel.city import CityObject, Ring, Shape
from twin.crs import Frame

_GRID_M = 1e-3  # corners nearer than this are one
_CRUMB_M2 = 0.01
_ENOUGH = 0.5  # what stands on the ground covers at least this share of the whole seen from above, else the ground is incomplete
_RING = 3
_GROUND = ("GroundSurface", "OuterFloorSurface")


@dataclass(frozen=True)
class Outline:
    """A shapely (Multi)Polygon [m, enu], where it was taken from, and the z to lay it at when it goes back to the Earth. [m, enu]"""

    shape: Any
    source: str  # footprint ground all roof_edge
    z_m: float


def outline_of(each: CityObject, body: Body | None) -> Outline | None:
    """The ground an object covers: its footprint where the file has one, its ground surfaces, all its surfaces, the edge of its roof."""
    drawn = {role: [shape for shape in each.shapes if shape.role == role] for role in ("footprint", "roof_edge")}
    tries = (
        ("footprint", lambda: _of_rings(_rings(drawn["footprint"]))),
        ("ground", lambda: None if body is None else _ground(body)),
        ("all", lambda: None if body is None else _of_triangles(body.corners)),
        ("roof_edge", lambda: _of_rings(_rings(drawn["roof_edge"]))),
    )
    for source, make in tries:
        shape = make()
        if shape is not None:
            return Outline(shape, source, _level(each, body, source))
    return None


def united(outlines: Sequence[Outline]) -> Outline:
    """The outline of several parts together."""
    if len(outlines) == 1:
        return outlines[0]
    shape = _areal(shapely.union_all([each.shape for each in outlines], grid_size=_GRID_M))
    return Outline(shape if shape is not None else outlines[0].shape, outlines[0].source, min(each.z_m for each in outlines))


def on_earth(outline: Outline, frame: Frame) -> Any:
    """The outline in longitude and latitude. [deg]"""
    raised = shapely.force_3d(shapely.force_2d(outline.shape), z=outline.z_m)
    return shapely.force_2d(frame.unproject(raised))


def _level(each: CityObject, body: Body | None, source: str) -> float:
    if body is not None and source in {"ground", "all"}:
        return float(body.corners[:, :, 2].min())
    return float(min(ring[:, 2].min() for shape in each.shapes for surface in shape.surfaces for ring in surface.rings))


def _rings(shapes: Sequence[Shape]) -> list[Sequence[Ring]]:
    """The rings of the surfaces of the finest of the shapes."""
    best = max((shape.lod for shape in shapes), default="")
    return [surface.rings for shape in shapes if shape.lod == best for surface in shape.surfaces]


def _ground(body: Body) -> Any:
    """What faces down or is called ground; None where that is a lesser part of what is seen from above."""
    below = np.array([kind in _GROUND for kind in body.kinds])[body.surface]
    if not below.any():
        return None
    ground, whole = _of_triangles(body.corners[below]), _of_triangles(body.corners)
    return ground if ground is not None and whole is not None and ground.area > _ENOUGH * whole.area else None


def _of_triangles(corners: NDArray[np.float64]) -> Any:
    flat = corners[:, :, :2]
    a, b, c = flat[:, 0], flat[:, 1], flat[:, 2]
    area = np.abs((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])) / 2
    kept = flat[area > _GRID_M * _GRID_M].round(3)
    return _areal(shapely.union_all(shapely.polygons(kept))) if len(kept) else None


def _of_rings(surfaces: Sequence[Sequence[Ring]]) -> Any:
    polygons = [
        shapely.Polygon(rings[0][:, :2], [ring[:, :2] for ring in rings[1:] if len(ring) >= _RING])
        for rings in surfaces
        if len(rings[0]) >= _RING
    ]
    if not polygons:
        return None
    return _areal(shapely.union_all(shapely.make_valid(np.array(polygons, object)), grid_size=_GRID_M))


def _areal(shape: Any) -> Any:
    """The polygons of a shape without crumbs and pinholes; None where nothing is left."""
    polygons = [part for part in shapely.get_parts(shapely.get_parts(shape)) if part.geom_type == "Polygon" and part.area > _CRUMB_M2]
    whole = [shapely.Polygon(p.exterior, [hole for hole in p.interiors if shapely.Polygon(hole).area > _CRUMB_M2]) for p in polygons]
    return None if not whole else whole[0] if len(whole) == 1 else shapely.MultiPolygon(whole)
