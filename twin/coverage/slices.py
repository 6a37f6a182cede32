"""Level cuts through triangles: what a plan shows at some height above a floor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

THICKEST_M = 1.0  # what is closed and no thicker than this is a wall or column: nothing fits inside it
JOIN_M = 1e-6
LINE_M = 0.01  # half the width of a cut face


@dataclass(frozen=True)
class Slices:
    """s shapes of what was cut, one a height and object."""

    shape: NDArray[np.object_]  # (s,) shapely areas, x y [m, enu]
    level: IntArray  # (s,) index of the height
    owner: IntArray  # (s,) the object


def sliced(triangles: FloatArray, owner: IntArray, heights: FloatArray, near: NDArray[np.object_]) -> Slices:
    """What triangles look like cut at several heights, each in a neighbourhood of its own.

    Parameters
    ----------
    triangles
        (f, 3, 3) corners. [m, enu]
    owner
        (f,) the object each is part of.
    heights
        (h,) z of each plane. [m, enu]
    near
        (h,) shapely areas: only triangles that come near each are cut at its height.
    """
    z = triangles[:, :, 2]
    low, high = z.min(axis=1), z.max(axis=1)
    some = np.flatnonzero((low < heights.max(initial=-np.inf)) & (high > heights.min(initial=np.inf)))
    corners = triangles[some, :, :2]
    boxes = shapely.box(*corners.min(axis=1).T, *corners.max(axis=1).T) if len(some) else np.empty(0, object)
    level, face = shapely.STRtree(np.asarray(boxes, object)).query(np.asarray(near, object), predicate="intersects")
    face = some[face]
    through = (low[face] < heights[level]) & (high[face] >= heights[level])
    level, face = level[through], face[through]
    lines = _cut(triangles[face], heights[level])
    return _gathered(lines, level.astype(np.int64), owner[face].astype(np.int64))


def _cut(triangles: FloatArray, heights: FloatArray) -> FloatArray:
    """The level lines (c, 2, 2) in which planes cut triangles (c, 3, 3) that they pass through."""
    if not len(triangles):
        return np.empty((0, 2, 2))
    above = triangles[:, :, 2] >= heights[:, None]
    alone = np.argmax(above == (above.sum(axis=1) == 1)[:, None], axis=1)  # the corner that is alone on its side
    rows = np.arange(len(triangles))
    tip = triangles[rows, alone]
    ends: list[FloatArray] = []
    for step in (1, 2):
        other = triangles[rows, (alone + step) % 3]
        share = (heights - tip[:, 2]) / (other[:, 2] - tip[:, 2])
        ends.append(tip[:, :2] + share[:, None] * (other[:, :2] - tip[:, :2]))
    return np.stack(ends, axis=1)


def _gathered(lines: FloatArray, level: IntArray, owner: IntArray) -> Slices:
    """The lines of one height and object as one area: the faces themselves, and the inside of what is thin."""
    real = np.any(lines[:, 0] != lines[:, 1], axis=1)
    lines, level, owner = lines[real], level[real], owner[real]
    order = np.lexsort((owner, level))
    lines, level, owner = lines[order], level[order], owner[order]
    first = np.flatnonzero(np.concatenate([[True], (level[1:] != level[:-1]) | (owner[1:] != owner[:-1])])) if len(level) else []
    shapes = [_body(shapely.linestrings(part)) for part in np.split(lines, first[1:])] if len(first) else []
    return Slices(np.array(shapes, object), level[first] if len(first) else level, owner[first] if len(first) else owner)


def _body(lines: Any) -> Any:
    faces = shapely.union_all(shapely.buffer(lines, LINE_M, cap_style="square", join_style="mitre"))
    joined = shapely.node(shapely.set_precision(shapely.multilinestrings(lines), JOIN_M))  # neighbours' ends differ by rounding
    inside = [cell for cell in shapely.get_parts(shapely.polygonize([joined])) if _is_thin(cell)]
    return shapely.union_all([faces, *inside])


def _is_thin(cell: Any) -> bool:
    return 2 * float(cell.area) <= THICKEST_M * float(cell.length) / 2
