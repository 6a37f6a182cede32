"""A layer's geometry laid out for tile encoding: flat arrays in the unit square of web mercator.

x runs east and y south from 0 to 1, as tiles count them. A feature is one item a kind of geometry (points, lines, polygons) that it
holds; an item is rings; a ring is coordinates: a polygon's outer ring or hole, a line, or all points of a multipoint. How much each
vertex matters (Douglas and Peucker 1973: how far the line would move without it) is worked out once, so that a tile of any zoom only
drops what it cannot show, and neighbouring tiles drop the same.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EXTENT = 4096  # units of the grid of a tile
POINTS, LINES, POLYGONS = 1, 2, 3  # GeomType of the vector tile specification 2.1
HOLE = 4  # role of a ring besides the three kinds
MAX_LATITUDE = 85.0511287798066  # where the square of web mercator ends [deg]
_KIND = np.array([POINTS, LINES, LINES, POLYGONS, POINTS, LINES, POLYGONS, 0])  # by shapely's type id
_COLLECTION = 7


class Shapes(NamedTuple):
    """i items of r rings of m coordinates."""

    coordinates: Floats  # (m, 2) unit mercator; rings closed
    importance: NDArray[np.float32]  # (m,) unit mercator: a tile coarser than this drops the vertex
    ring_start: Ints  # (r + 1,)
    ring_role: NDArray[np.int8]  # (r,) POINTS, LINES, POLYGONS (outer ring) or HOLE
    ring_box: Floats  # (r, 4) minx miny maxx maxy, unit mercator
    ring_least: NDArray[np.float32]  # (r,) of the importance of its vertices
    item_start: Ints  # (i + 1,) rings
    item_kind: NDArray[np.int8]  # (i,)
    item_row: Ints  # (i,) the feature each item is of
    item_box: Floats  # (i, 4)
    item_rank: Ints  # (i,) its place when items follow the table: 0 .. i - 1
    rank_item: Ints  # (i,) the item at each place
    number: Ints  # (n,) of each feature in tiles


def shapes(geometry: NDArray[np.object_], number: Ints) -> Shapes:
    """Geometry (n,) in longitude and latitude [deg], ready for tiles; what is missing, empty or not finite has no item.

    `number` (n,) is each feature's place in the table. Features that follow each other should lie near each other.
    """
    flat, row = _exploded(np.asarray(geometry, object))
    kind = _KIND[shapely.get_type_id(flat)] if len(flat) else np.empty(0, np.int64)
    pieces = [_rings(flat[kind == k], row[kind == k], k) for k in (POINTS, LINES, POLYGONS)]
    lonlat = np.concatenate([piece[0] for piece in pieces])
    ring_length = np.concatenate([piece[1] for piece in pieces])
    ring_role = np.concatenate([piece[2] for piece in pieces]).astype(np.int8)
    item_length = np.concatenate([piece[3] for piece in pieces])
    item_row = np.concatenate([piece[4] for piece in pieces])
    ring_start, item_start = _starts(ring_length), _starts(item_length)
    coordinates = mercator(lonlat)
    ring_box = _boxes(coordinates, ring_start)
    item_box = _merged_boxes(ring_box, item_start)
    item_kind = ring_role[item_start[:-1]]
    importance = _importance(coordinates, ring_start, ring_role)
    least = np.minimum.reduceat(importance, ring_start[:-1]) if len(ring_role) else np.empty(0, np.float32)
    rank_item = np.lexsort((np.arange(len(item_row)), item_kind, number[item_row]))
    item_rank = np.empty_like(rank_item)
    item_rank[rank_item] = np.arange(len(rank_item))
    rings = (ring_start, ring_role, ring_box, least)
    return Shapes(coordinates, importance, *rings, item_start, item_kind, item_row, item_box, item_rank, rank_item, number)


def mercator(lonlat: Floats) -> Floats:
    """Unit mercator (n, 2) of longitude, latitude (n, 2) [deg]; latitudes beyond the square come to its edge.

    Spherical formulas of EPSG method 1024 (Popular Visualisation Pseudo Mercator), scaled to 0..1.
    """
    lat = np.radians(np.clip(lonlat[:, 1], -MAX_LATITUDE, MAX_LATITUDE))
    y = 0.5 - np.arctanh(np.sin(lat)) / (2 * np.pi)
    return np.column_stack([lonlat[:, 0] / 360 + 0.5, y])


def _exploded(geometry: NDArray[np.object_]) -> tuple[NDArray[np.object_], Ints]:
    """Geometry without collections, mended where invalid, and the feature each is of."""
    row = np.arange(len(geometry))
    while (collection := shapely.get_type_id(geometry) == _COLLECTION).any():
        parts, index = shapely.get_parts(geometry[collection], return_index=True)
        row = np.concatenate([row[~collection], row[collection][index]])
        geometry = np.concatenate([geometry[~collection], parts])
    finite = np.isfinite(shapely.bounds(geometry)).all(axis=1)  # NaN for missing and empty geometry
    return _around_the_world(_mended(geometry[finite]), row[finite].astype(np.int64))


def _around_the_world(geometry: NDArray[np.object_], row: Ints) -> tuple[NDArray[np.object_], Ints]:
    """What reaches beyond a longitude of 180 deg is there a second time, a turn further, so that both edges of the world show it."""
    bounds = shapely.bounds(geometry)
    copies = [
        (shapely.transform(geometry[beyond], turn), row[beyond])
        for beyond, turn in ((bounds[:, 0] < -180, _eastward), (bounds[:, 2] > 180, _westward))
        if beyond.any()
    ]
    return np.concatenate([geometry, *(moved for moved, _ in copies)]), np.concatenate([row, *(of for _, of in copies)])


def _eastward(lonlat: Floats) -> Floats:
    return lonlat + np.array([360.0, 0.0])


def _westward(lonlat: Floats) -> Floats:
    return lonlat - np.array([360.0, 0.0])


def _mended(geometry: NDArray[np.object_]) -> NDArray[np.object_]:
    """Polygons made valid; one of which nothing would be left stays as it is, to be seen."""
    polygon = np.isin(shapely.get_type_id(geometry), (3, 6))
    broken = np.flatnonzero(polygon & ~shapely.is_valid(geometry))
    if len(broken):
        whole = shapely.make_valid(geometry[broken], method="structure", keep_collapsed=False)
        good = np.isin(shapely.get_type_id(whole), (3, 6)) & ~shapely.is_empty(whole)
        geometry[broken[good]] = whole[good]
    return geometry


def _rings(geometry: NDArray[np.object_], row: Ints, kind: int) -> tuple[Floats, Ints, Ints, Ints, Ints]:
    """Coordinates, length and role of each ring, number of rings of each item, feature of each item."""
    if kind == POINTS:
        lonlat, owner = shapely.get_coordinates(geometry, return_index=True)
        length = np.bincount(owner, minlength=len(geometry))
        return lonlat, length, np.full(len(geometry), POINTS), np.ones(len(geometry), np.int64), row
    parts, item = shapely.get_parts(geometry, return_index=True)
    role = np.full(len(parts), kind)
    if kind == POLYGONS:
        parts, polygon = shapely.get_rings(parts, return_index=True)
        role = np.where(np.diff(polygon, prepend=-1) > 0, POLYGONS, HOLE)  # a polygon's first ring is its outer one
        item = item[polygon]
    lonlat, owner = shapely.get_coordinates(parts, return_index=True)
    length = np.bincount(owner, minlength=len(parts))
    return lonlat, length, role, np.bincount(item, minlength=len(geometry)), row


def _starts(length: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(length)]).astype(np.int64)


def _boxes(points: Floats, start: Ints) -> Floats:
    if len(start) == 1:
        return np.empty((0, 4))
    low = np.minimum.reduceat(points, start[:-1], axis=0)
    return np.hstack([low, np.maximum.reduceat(points, start[:-1], axis=0)])


def _merged_boxes(boxes: Floats, start: Ints) -> Floats:
    if len(start) == 1:
        return np.empty((0, 4))
    low = np.minimum.reduceat(boxes[:, :2], start[:-1], axis=0)
    return np.hstack([low, np.maximum.reduceat(boxes[:, 2:], start[:-1], axis=0)])


@numba.njit(cache=True, nogil=True)
def _importance(points: Floats, start: Ints, role: NDArray[np.int8]) -> NDArray[np.float32]:
    """How far the ring would move without each vertex, never more than without the vertex it was found under (m,)."""
    value = np.full(len(points), np.float32(np.inf))
    longest = 0
    for r in range(len(role)):
        longest = max(longest, start[r + 1] - start[r])
    stack = np.empty((longest + 1, 2), np.int64)
    limit = np.empty(longest + 1, np.float64)
    for r in range(len(role)):
        if role[r] == POINTS or start[r + 1] - start[r] < 3:
            continue
        depth = 1
        stack[0, 0], stack[0, 1], limit[0] = start[r], start[r + 1] - 1, np.inf
        while depth:
            depth -= 1
            first, last, most = stack[depth, 0], stack[depth, 1], limit[depth]
            if last - first < 2:
                continue
            farthest, distance = _farthest(points, first, last)
            distance = min(distance, most)
            value[farthest] = distance
            stack[depth, 0], stack[depth, 1], limit[depth] = first, farthest, distance
            stack[depth + 1, 0], stack[depth + 1, 1], limit[depth + 1] = farthest, last, distance
            depth += 2
    return value


@numba.njit(cache=True, nogil=True)
def _farthest(points: Floats, first: int, last: int) -> tuple[int, float]:
    """The vertex strictly between two that is farthest from the segment between them, and how far."""
    x, y = points[first, 0], points[first, 1]
    dx, dy = points[last, 0] - x, points[last, 1] - y
    square = dx * dx + dy * dy
    best, found = -1.0, first + 1
    for k in range(first + 1, last):
        px, py = points[k, 0] - x, points[k, 1] - y
        if square > 0.0:
            t = min(1.0, max(0.0, (px * dx + py * dy) / square))
            px -= t * dx
            py -= t * dy
        far = px * px + py * py
        if far > best:
            best, found = far, k
    return found, np.sqrt(best)


def bounds_of(found: Shapes) -> tuple[float, float, float, float] | None:
    """West, south, east, north of all items, within the world [deg]; None where there is none."""
    if not len(found.item_box):
        return None
    low, high = found.item_box[:, :2].min(axis=0), found.item_box[:, 2:].max(axis=0)
    low, high = np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)
    return _longitude(low[0]), _latitude(high[1]), _longitude(high[0]), _latitude(low[1])


def _longitude(x: Any) -> float:
    return float((x - 0.5) * 360)


def _latitude(y: Any) -> float:
    return float(np.degrees(np.arctan(np.sinh((0.5 - y) * 2 * np.pi))))
