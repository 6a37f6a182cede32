"""What the measures of hydrants share: hydrants that work, the ground that hoses are laid on, and how they stand to roads and walls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

from twin.buildings import Building, buildings, is_house
from twin.coverage.hydrants import KERB_M, SPACING_M, WALL_M, Ground, Ways, ground_of, way_lengths, ways
from twin.devices import positions
from twin.errors import MissingInput
from twin.measures.placed import placed_devices
from twin.measures.surfaces import gather_surface
from twin.model import Device, FeatureTable
from twin.store import Store

FloatArray = NDArray[np.float64]

SURVEY_M = 0.01  # distances are held against limits to within this
WALL_WORDS = ("wall", "fence", "rail", "perimeter", "mesh", "yard", "围墙", "墙", "围栏", "栅栏", "护栏")


@dataclass(frozen=True)
class Hydrants:
    """The outdoor hydrants that count, where they are (h, 2) [m, enu], and the ground round them."""

    devices: Sequence[Device]
    place: FloatArray
    ground: Ground
    starts: Ways
    warnings: Sequence[Mapping[str, Any]]


def gather_hydrants(store: Store, statuses: Sequence[str], most_m: float, barred: Sequence[str], *, margin_m: float = 5.0) -> Hydrants:
    """The hydrants outdoors with the ways that hoses of at most `most_m` [m] can take past what is barred (building, barrier, water)."""
    every, nowhere = placed_devices(store, "hydrant", statuses)
    devices = [device for device in every if not (device.storey_id or device.space_id)]
    place = positions(store, devices)[:, :2] if devices else np.empty((0, 2))
    blocked = shapes_in_the_way(store, barred)
    outside = _outside(blocked, place)
    ground = ground_of(blocked)
    inside = [device.id for device, at, out in zip(devices, place, outside, strict=True) if not np.allclose(at, out)]
    told: list[Mapping[str, Any]] = [*nowhere, *([] if devices else [{"code": "no_devices", "subject": "hydrant"}])]
    if inside:
        told.append({"code": "hydrant_in_wall", "subject": "hydrant", "count": len(inside), "ids": inside})
    return Hydrants(devices, outside, ground, ways(ground, outside, most_m, margin_m), told)


def shapes_in_the_way(store: Store, barred: Sequence[str]) -> NDArray[np.object_]:
    """What no hose is laid across, x y [m, enu]: footprints, walls and fences, water, as far as barred."""
    found: list[Any] = []
    if "building" in barred:
        found += _areas(store, [building.footprint for building in _standing(store)])
    if "barrier" in barred:
        table = store.features_of_kind("barrier")
        found += _flat(store, [table.geometry[i] for i in range(len(table)) if _is_wall(table, i)])
    if "water" in barred:
        found += _areas(store, store.features_of_kind("water").geometry)
    return np.array(found, object)


def standing(store: Store, hydrants: Hydrants) -> list[dict[str, Any]]:
    """One row a hydrant: distance to the nearest other, to the kerb and to the nearest wall [m], and what of these is out of order."""
    points = np.asarray(shapely.points(hydrants.place), object)
    kerb, walls = _kerb(store), shapes_in_the_way(store, ["building"])
    apart = KDTree(hydrants.place).query(hydrants.place, k=2)[0][:, 1] if len(points) > 1 else None
    kerbs = _nearest(_segments(kerb), points) if kerb is not None else None
    near_walls = _nearest(walls, points) if len(walls) else None
    rows: list[dict[str, Any]] = []
    for k, device in enumerate(hydrants.devices):
        next_m, to_kerb, to_wall = (None if away is None else float(away[k]) for away in (apart, kerbs, near_walls))
        rows.append({
            "id": device.id, "next_m": _round(next_m), "kerb_m": _round(to_kerb), "wall_m": _round(to_wall),
            "too_far_apart": next_m is not None and next_m > SPACING_M + SURVEY_M,
            "too_far_from_kerb": to_kerb is not None and to_kerb > KERB_M + SURVEY_M,
            "too_near_wall": to_wall is not None and to_wall < WALL_M - SURVEY_M,
        })  # fmt: skip
    return rows


def building_rows(store: Store, hydrants: Hydrants, most_m: float, *, by_hose: bool) -> list[dict[str, Any]]:
    """One row a building: the way from the nearest hydrant to its wall, round what is in the way, and straight. [m]

    A hose has to come to any place of the outline: the nearest corner or middle of an edge that it reaches decides.
    """
    frame = store.park().frame
    drawn = [(building, shapely.make_valid(frame.project(shapely.force_2d(building.footprint)))) for building in _standing(store)]
    standing_ = [(building, shape, _spots(shape)) for building, shape in drawn if not shape.is_empty]
    if not standing_:
        return []
    shapes, border = np.array([shape for _, shape, _ in standing_], object), np.cumsum([0, *(len(spots) for _, _, spots in standing_)])
    spots = np.concatenate([spots for _, _, spots in standing_])
    ways_to, which = way_lengths(hydrants.ground, hydrants.starts, spots, most_m)
    straights = _nearest(np.asarray(shapely.points(hydrants.place), object), shapes) if len(hydrants.place) else None
    reachers = _reachers(hydrants, shapes, np.split(spots, border[1:-1]), most_m, by_hose=by_hose)
    rows: list[dict[str, Any]] = []
    for b, (building, shape, _) in enumerate(standing_):
        way = ways_to[border[b] : border[b + 1]]
        best = int(way.argmin()) if len(way) else -1
        straight = None if straights is None else float(straights[b])
        reached = best >= 0 and bool(np.isfinite(way[best]))
        rows.append({
            "id": building.id, "name": building.name, "way_m": _round(float(way[best])) if reached else None,
            "straight_m": _round(straight),
            "reachers": [hydrants.devices[k].id for k in reachers[b]],
            "hydrant": hydrants.devices[int(which[border[b] + best])].id if reached else None, "reached": reached, "shape": shape,
            "within_radius": straight is not None and straight <= most_m, "far_side_m": _far(way),
        })  # fmt: skip
    return rows


def _spots(shape: Any) -> FloatArray:
    """The corners of an outline and places between them (n, 2), a little before its walls. [m, enu]"""
    rim = shapely.segmentize(shape.buffer(0.05, join_style="mitre").boundary, 10.0)
    return np.unique(shapely.get_coordinates(rim), axis=0)


def _reachers(
    hydrants: Hydrants, shapes: NDArray[np.object_], spots: Sequence[FloatArray], most_m: float, *, by_hose: bool
) -> list[list[int]]:
    """Which hydrants reach each of b shapes, ascending: some of its spots by hose, or straight."""
    found: list[list[int]] = [[] for _ in range(len(shapes))]
    if not len(hydrants.place):
        return found
    points = np.asarray(shapely.points(hydrants.place), object)
    point, shape = shapely.STRtree(shapes).query(points, predicate="dwithin", distance=most_m)
    for k, near in enumerate(_by_point(point, shape, len(points))):
        ends = np.cumsum([len(spots[b]) for b in near])
        is_reached = np.ones(len(near), bool)
        if by_hose and len(near):
            alone = ways(hydrants.ground, hydrants.place[k : k + 1], most_m)
            way = way_lengths(hydrants.ground, alone, np.concatenate([spots[b] for b in near]), most_m)[0]
            is_reached = np.array([bool(np.isfinite(part).any()) for part in np.split(way, ends[:-1])])
        for b in np.array(near, np.int64)[is_reached].tolist():
            found[b].append(k)
    return found


def _by_point(point: NDArray[np.int64], shape: NDArray[np.int64], n: int) -> list[list[int]]:
    order = np.lexsort((shape, point))
    return [part.tolist() for part in np.split(shape[order], np.searchsorted(point[order], np.arange(1, n)))]


def _nearest(among: NDArray[np.object_], shapes: NDArray[np.object_]) -> FloatArray:
    """How far each shape (n,) is from the nearest of some others. [m]"""
    _, away = shapely.STRtree(among).query_nearest(shapes, return_distance=True, all_matches=False)
    return np.asarray(away, np.float64)


def _segments(lines: Any) -> NDArray[np.object_]:
    """The straight parts of lines, one by one."""
    xy, line = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    joined = line[1:] == line[:-1]
    return np.asarray(shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=1)[joined]), object)


def _far(way: FloatArray) -> float | None:
    """The longest way to a place of an outline; None where some of it is not reached. [m]"""
    return _round(float(way.max())) if len(way) and np.isfinite(way).all() else None


def _standing(store: Store) -> list[Building]:
    return [building for building in buildings(store) if building.footprint is not None and is_house(building)]


def _is_wall(table: FeatureTable, i: int) -> bool:
    said = f"{table.column('class')[i] or ''} {table.column('name')[i] or ''}".casefold()
    return not said.strip() or any(word in said for word in WALL_WORDS)


def _areas(store: Store, shapes: Any) -> list[Any]:
    found: list[Any] = []
    for shape in _flat(store, shapes):
        whole = shapely.make_valid(shape)
        found += [part for part in shapely.get_parts(whole) if shapely.get_dimensions(part) == 2]
    return found


def _flat(store: Store, shapes: Any) -> list[Any]:
    frame = store.park().frame
    given = [shapely.force_2d(shape) for shape in shapes if shape is not None and not shape.is_empty]
    return list(frame.project(np.array(given, object))) if given else []


def _kerb(store: Store) -> Any:
    """The edge of the road surface; None where there are no roads."""
    try:
        surface = gather_surface(store, "road_surface")
    except MissingInput:
        return None
    whole: Any = shapely.union_all([piece.polygon for piece in surface.pieces])
    return whole.boundary


def _outside(blocked: NDArray[np.object_], place: FloatArray) -> FloatArray:
    """The places (h, 2), those within something that is in the way moved to just outside it."""
    out = place.copy()
    if not len(blocked) or not len(place):
        return out
    points = np.array([shapely.Point(*at) for at in place.tolist()], object)
    for i, j in shapely.STRtree(blocked).query(points, predicate="within").T.tolist():
        shape: Any = blocked[j]
        edge = shapely.get_coordinates(shapely.shortest_line(shape.boundary, points[i]))[0]
        inward = place[i] - edge
        out[i] = edge - inward / max(float(np.hypot(*inward)), 1e-9) * 0.05
    return out


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
