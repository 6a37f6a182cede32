"""What of a building is seen from outside, from all sides at once.

The triangles are drawn along thirteen axes into small images that keep the nearest triangle at either end, so twenty-six views are had
for thirteen drawings: along the edges, the faces' and the corners' directions of a cube. Glass hides nothing. An element's triangles
that face one way are kept or left out together, for a wall whose outside is seen through the leaves of a tree is seen:

        +-----------+        the outer wall's outside is kept, its inside is not unless
        | inside    |        a view through a window or an open door falls on it
        +----   ----+
"""

from __future__ import annotations

from itertools import product

import numba
import numpy as np
from numpy.typing import NDArray

from tiles.content.bodies import Bodies, Faces

Floats = NDArray[np.float64]
PIXELS = 128  # along the longest side of a view
_STEER = (1.0, 1.37, 1.13)  # the six ways triangles face are told apart at angles that walls seldom stand at
_NOTHING = -1


def shell(of: Bodies) -> tuple[Bodies, float]:
    """The features with the sides that are seen from outside, and the size of what may have been overlooked. [m]"""
    used = of.vertices[of.faces]  # (f, 3, 3)
    low, high = of.boxes[:, 0].min(axis=0), of.boxes[:, 1].max(axis=0)
    pixel = float(np.linalg.norm(high - low)) / PIXELS
    hides = of.face_color[:, 3] == 255
    seen = np.zeros(len(used), np.bool_)
    for axes in _views():
        _see(of.vertices @ axes, of.faces, hides, pixel, seen)
    return of.with_faces(_whole_sides(used, of.face_feature, seen, len(of))), pixel


def _views() -> list[Floats]:
    """Axes of the thirteen images: columns to the right, up and into it (3, 3) each."""
    ways = [np.array(way, float) for way in product((-1, 0, 1), repeat=3) if way > (0, 0, 0)]
    return [_axes(way / np.linalg.norm(way)) for way in ways]


def _axes(into: Floats) -> Floats:
    least = np.eye(3)[int(np.argmin(np.abs(into)))]
    right = np.cross(least, into)
    right /= np.linalg.norm(right)
    return np.column_stack([right, np.cross(into, right), into])


def _see(points: Floats, faces: Faces, hides: NDArray[np.bool_], pixel: float, seen: NDArray[np.bool_]) -> None:
    """Mark the triangles that are nearest somewhere at either end of an image; `points` (v, 3) count along its axes. [m]"""
    low, high = _to_pixels(points, pixel)
    width, height = (np.floor(high - low).astype(np.int64) + 1).tolist()
    _draw(points, faces, hides, (width, height), seen)


@numba.njit(cache=True, nogil=True)
def _to_pixels(points: Floats, pixel: float) -> tuple[Floats, Floats]:
    """Bring points (v, 3) to pixels across, counted from the lowest; lowest and highest before that (2,). [pixels]"""
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for i in range(len(points)):
        for k in range(2):
            points[i, k] /= pixel
            low[k], high[k] = min(low[k], points[i, k]), max(high[k], points[i, k])
    for i in range(len(points)):
        for k in range(2):
            points[i, k] -= low[k]
    return low, high


@numba.njit(cache=True, nogil=True)
def _draw(points: Floats, faces: Faces, hides: NDArray[np.bool_], size: tuple[int, int], seen: NDArray[np.bool_]) -> None:
    """The same with points in pixels across and metres into the image, `size` pixels wide and high."""
    width, height = size
    depth = np.empty((2, width * height))
    depth[0], depth[1] = np.inf, -np.inf
    nearest = np.full((2, width * height), _NOTHING, np.int32)
    for f in range(len(faces)):
        if hides[f]:
            _fill(points, faces[f], f, width, depth, nearest)
    for at in range(width * height):
        if nearest[0, at] != _NOTHING:
            seen[nearest[0, at]] = True
            seen[nearest[1, at]] = True
    for f in range(len(faces)):  # what is glass, or too small to hold the middle of a pixel
        if not seen[f]:
            seen[f] = _is_before(points[faces[f, 0]], points[faces[f, 1]], points[faces[f, 2]], width, depth)


@numba.njit(cache=True, nogil=True, inline="always")
def _fill(points: Floats, face: Faces, f: int, width: int, depth: Floats, nearest: NDArray[np.int32]) -> None:
    """Draw one triangle."""
    a, b, c = points[face[0]], points[face[1]], points[face[2]]
    area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    if abs(area) < 1e-9:
        return
    x0, x1 = int(np.ceil(min(a[0], b[0], c[0]) - 0.5)), int(np.floor(max(a[0], b[0], c[0]) - 0.5))
    y0, y1 = int(np.ceil(min(a[1], b[1], c[1]) - 0.5)), int(np.floor(max(a[1], b[1], c[1]) - 0.5))
    u_x, u_y = (c[1] - a[1]) / area, (a[0] - c[0]) / area  # weight of b a pixel on
    v_x, v_y = (a[1] - b[1]) / area, (b[0] - a[0]) / area  # and of c
    for y in range(y0, y1 + 1):
        dx, dy = x0 + 0.5 - a[0], y + 0.5 - a[1]
        u, v = u_x * dx + u_y * dy, v_x * dx + v_y * dy
        for x in range(x0, x1 + 1):
            if u >= 0.0 and v >= 0.0 and u + v <= 1.0:
                into, at = a[2] + u * (b[2] - a[2]) + v * (c[2] - a[2]), y * width + x
                if into < depth[0, at]:
                    depth[0, at], nearest[0, at] = into, f
                if into > depth[1, at]:
                    depth[1, at], nearest[1, at] = into, f
            u += u_x
            v += v_x


@numba.njit(cache=True, nogil=True, inline="always")
def _is_before(a: Floats, b: Floats, c: Floats, width: int, depth: Floats) -> bool:
    """Whether the middle of a triangle is nearer than all that was drawn there, at either end."""
    x, y, into = (a[0] + b[0] + c[0]) / 3, (a[1] + b[1] + c[1]) / 3, (a[2] + b[2] + c[2]) / 3
    at = int(y) * width + int(x)
    return into < depth[0, at] or into > depth[1, at]


@numba.njit(cache=True, nogil=True)
def _whole_sides(corners: Floats, owner: NDArray[np.int64], seen: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """Which triangles (f,) are of a feature's side of which one is seen; `corners` (f, 3, 3). [m]"""
    side = np.empty(len(corners), np.int64)
    kept = np.zeros(6 * count, np.bool_)
    for f in range(len(corners)):
        a, b, c = corners[f]
        x = ((b[1] - a[1]) * (c[2] - a[2]) - (b[2] - a[2]) * (c[1] - a[1])) * _STEER[0]
        y = ((b[2] - a[2]) * (c[0] - a[0]) - (b[0] - a[0]) * (c[2] - a[2])) * _STEER[1]
        z = ((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) * _STEER[2]
        most = max(abs(x), abs(y), abs(z))
        way = 0 if x == most else 1 if -x == most else 2 if y == most else 3 if -y == most else 4 if z == most else 5
        side[f] = 6 * owner[f] + way
        kept[side[f]] |= seen[f]
    return kept[side]
