"""The facades of multi-storey buildings above ground that people reach: upright faces, cut by storey.

Taken away, each with its reason and area: buildings that are too low, walls that two buildings share, walls that stand over the roof of a
lower neighbour, over water, over a fenced yard, outside the park, and what lies below the height from which facades count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import shapely

from twin.buildings import Building, buildings, is_house
from twin.coverage.surface import Piece
from twin.coverage.upright import Face
from twin.errors import MissingInput
from twin.measures.outlines import areal, areas, boundary_of, is_near, union
from twin.measures.surfaces.ground import is_fenced
from twin.measures.surfaces.levels import Level, levels
from twin.measures.surfaces.walls import Wall, walls_of
from twin.scene.ground import ground_of
from twin.store import Store
from twin.terrain import z_of_height

MIN_HEIGHT_M = 10.0  # indicators: camera_facade_area_share, assumption
TOUCH_M = 0.3  # walls nearer than this to each other are one
FOOT_M = 1.0  # people stand this far before a wall
SLIVER_M2 = 0.05


@dataclass(frozen=True)
class Facades:
    """The faces that count, and what was taken away [m2]."""

    faces: Sequence[Face]
    exclusions: Sequence[Mapping[str, Any]] = ()  # {"reason", "amount"}
    warnings: Sequence[Mapping[str, Any]] = ()

    @property
    def area(self) -> float:
        """The area of all faces [m2]."""
        return float(sum(face.area for face in self.faces))


@dataclass(frozen=True)
class _Foot:
    """What may lie at the foot of a wall: reason, shape in plan, and between which heights it takes the wall away."""

    reason: str
    shape: Any
    low: float = -np.inf
    high: float = np.inf
    building_id: str | None = None


def gather_facades(store: Store, *, min_height: float = MIN_HEIGHT_M, from_height: float = 0.0) -> Facades:
    """The facades of buildings at least `min_height` high, from `from_height` above the ground upward. [m]

    Raises
    ------
    MissingInput
        If no building of the park has such a facade.
    """
    standing = [building for building in buildings(store) if building.footprint is not None and is_house(building)]
    shapes = [_plan(store, building) for building in standing]
    kept = [(building, shape) for building, shape in zip(standing, shapes, strict=True) if is_near(shape)]
    feet = _feet(store, kept)
    tree = shapely.STRtree(np.array([foot.shape for foot in feet], object)) if feet else None
    lost: dict[str, float] = {}
    faces: list[Face] = []
    ground = ground_of(store)
    storeys: dict[str, list[Level]] = {}
    for level in levels(store, [building for building, _ in kept], every=True):
        storeys.setdefault(level.building_id, []).append(level)
    for building, shape in kept:
        own = storeys.get(building.id, [])
        foot = float(np.min(ground(shapely.get_coordinates(shape))))
        walls = walls_of(store, building, own)
        if max((wall.shape.bounds[3] for wall in walls), default=-np.inf) - foot < min_height:
            _add(lost, "low_building", sum(wall.shape.area for wall in walls))
            continue
        for wall in walls:
            left = _above(wall, foot + from_height, lost)
            left = _accessible(left, feet, tree, lost)
            faces += _cut(left, own, building.name, lost)
    exclusions = [{"reason": reason, "amount": amount} for reason, amount in lost.items() if amount > 0]
    if not faces:
        raise MissingInput("facades_missing", subject="facade", height=min_height)
    assumed = [building.name for building, _ in kept if building.attributes.get("height_source") in {"default", "storeys"}]
    noted = [{"code": "facade_height_assumed", "subject": ", ".join(assumed[:5]), "count": len(assumed)}] if assumed else []
    open_park = [{"code": "boundary_missing_facade", "subject": "facade"}] if boundary_of(store) is None else []
    return Facades(faces, exclusions, [*open_park, *noted])


def _plan(store: Store, building: Building) -> Any:
    return areal(shapely.make_valid(store.park().frame.project(shapely.force_2d(building.footprint))))


def _feet(store: Store, standing: Sequence[tuple[Building, Any]]) -> list[_Foot]:
    """Everything that keeps people from the foot of a wall."""
    frame = store.park().frame
    feet: list[_Foot] = []
    for building, shape in standing:
        base = float(z_of_height(frame, shapely.get_coordinates(shape.centroid), [building.base_h_m])[0])
        feet.append(_Foot("neighbour", shape, base, base + building.height_m, building.id))
    feet += [_Foot("above_water", area) for _, area in areas(store, store.features_of_kind("water"))]
    enterprises = store.features_of_kind("enterprise")
    feet += [_Foot("above_fenced_yard", area) for i, area in areas(store, enterprises) if is_fenced(enterprises.row(i))]
    park = boundary_of(store)
    if park is not None:
        reach = union([shape for _, shape in standing]).envelope.union(park.envelope).buffer(2 * FOOT_M)
        feet.append(_Foot("outside_boundary", areal(reach.difference(park))))
    return feet


def _above(wall: Wall, z: float, lost: dict[str, float]) -> Wall:
    """The wall from a height upward."""
    low, high = wall.shape.bounds[1], wall.shape.bounds[3]
    if z <= low:
        return wall
    shape = areal(wall.shape.intersection(shapely.box(-1.0, z, wall.length + 1.0, max(high, z) + 1.0)))
    _add(lost, "below_height", wall.shape.area - shape.area)
    return replace(wall, shape=shape)


def _accessible(wall: Wall, feet: Sequence[_Foot], tree: Any, lost: dict[str, float]) -> Wall:
    """The wall without what stands over something else than ground that people reach."""
    plane, shape = wall.plane, wall.shape
    before = [_line(wall, away) for away in (TOUCH_M, FOOT_M)]
    found = [feet[k] for k in tree.query(before[1].buffer(FOOT_M)).tolist()] if tree is not None else []
    for foot in sorted(found, key=lambda each: each.reason != "neighbour"):
        if foot.building_id == wall.building_id:
            continue
        is_shared = foot.reason == "neighbour" and foot.shape.distance(_line(wall, 0.0)) <= TOUCH_M
        for low, high in _spans(before[0 if is_shared else 1].intersection(foot.shape), plane, wall.length):
            beside = shapely.box(low, foot.low, high, foot.high) if np.isfinite(foot.low) else None
            for reason, area in _reasons(foot, is_shared=is_shared, beside=beside, span=(low, high), bounds=shape.bounds):
                cut = areal(shape.difference(area))
                _add(lost, reason, shape.area - cut.area)
                shape = cut
    return replace(wall, shape=shape)


def _reasons(foot: _Foot, *, is_shared: bool, beside: Any, span: tuple[float, float], bounds: Any) -> list[tuple[str, Any]]:
    """What a foot takes of a wall over a span of it: reason and area in (u, v)."""
    if not len(bounds) or not np.isfinite(bounds).all():
        return []
    column = shapely.box(span[0], bounds[1] - 1.0, span[1], bounds[3] + 1.0)
    if foot.reason != "neighbour":
        return [(foot.reason, column)]
    return [("party_wall" if is_shared else "narrow_gap", beside), ("above_roof", column)]


def _line(wall: Wall, away: float) -> Any:
    """The line that runs before a wall at a distance, in plan."""
    plane, shrink = wall.plane, min(1e-3, wall.length / 4)
    ends = [(shrink, 0.0), (wall.length - shrink, 0.0)]
    return shapely.LineString([
        (plane.x + u * plane.along[0] + away * plane.out[0], plane.y + u * plane.along[1] + away * plane.out[1]) for u, _ in ends
    ])  # fmt: skip


def _spans(meets: Any, plane: Any, length: float) -> list[tuple[float, float]]:
    """The parts of a wall's length that a shape in plan takes, from the line before the wall that meets it."""
    spans: list[tuple[float, float]] = []
    for part in shapely.get_parts(meets):
        if part.geom_type == "LineString" and part.length > 0:
            xy = shapely.get_coordinates(part)
            u = (xy[:, 0] - plane.x) * plane.along[0] + (xy[:, 1] - plane.y) * plane.along[1]
            low, high = float(u.min()), float(u.max())
            spans.append((0.0 if low < 2e-3 else low, length if high > length - 2e-3 else high))
    return spans


def _cut(wall: Wall, own: Sequence[Level], name: str, lost: dict[str, float]) -> list[Face]:
    """A wall as a face whose pieces are its storeys."""
    if wall.shape.area < SLIVER_M2:
        _add(lost, "sliver", wall.shape.area)
        return []
    if wall.storey_id is not None or len(own) < 2:
        level = next((each for each in own if each.id == wall.storey_id), own[0] if own else None)
        parts = [(level, wall.shape)]
    else:
        edges = [-np.inf, *(level.floor_z for level in own[1:]), np.inf]
        big = 1e5
        bands = [shapely.box(-big, max(low, -big), big, min(high, big)) for low, high in pairwise(edges)]
        parts = [(level, areal(wall.shape.intersection(band))) for level, band in zip(own, bands, strict=True)]
    pieces = [
        Piece(f"{wall.id}/{k}", f"{name} · {wall.side}" + (f" · {level.name}" if level is not None else ""), shape, 0.0, wall.building_id,
              level.id if level is not None else None, wall.side)
        for k, (level, shape) in enumerate(parts, 1)
        if shape.area > 0
    ]  # fmt: skip
    return [Face(wall.id, wall.plane, pieces, wall.building_id, wall.side)] if pieces else []


def _add(lost: dict[str, float], reason: str, amount: float) -> None:
    if amount > 0:
        lost[reason] = lost.get(reason, 0.0) + float(amount)
