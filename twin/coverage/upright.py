"""Upright faces as surfaces: each has a plane of its own, and its polygons lie in that plane.

A point of a face is (u, v): u along the wall to the right seen from outside, v its height; both in metres, v as z of the park's frame.

               out                 v (up)
                ^                  |   +-----+
        --------+-------- wall     |   |     |
                  along ->         +---+-----+---> u

Targets stand PROUD_M before the wall, so that the wall itself does not hide them. Cells and parts are those of level surfaces
(`twin.coverage.field`), laid in the plane.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.coverage.cells import Cells, grid, subdivide
from twin.coverage.edges import GROUP, Edges, edges_of
from twin.coverage.field import Field, arrange
from twin.coverage.surface import Piece, Surface
from twin.scene import nothing

FloatArray = NDArray[np.float64]
Masks = NDArray[np.uint64]

PROUD_M = 0.05
GRAZING_M = 1e-3  # a face of an obstacle this near to the plane lies in it


class Plane(NamedTuple):
    """An upright plane: a point of it at height 0, and the unit vectors along it and out of it, x y [m, enu]."""

    x: float
    y: float
    along: tuple[float, float]
    out: tuple[float, float]

    def to_enu(self, uv: FloatArray, proud: float = PROUD_M) -> FloatArray:
        """Points (n, 2) of the plane, `proud` metres before it, as (n, 3). [m, enu]"""
        u = uv[:, 0]
        return np.column_stack([
            self.x + self.along[0] * u + self.out[0] * proud, self.y + self.along[1] * u + self.out[1] * proud, uv[:, 1]
        ])  # fmt: skip

    def before(self, points: FloatArray) -> FloatArray:
        """How far points (n, 3) [m, enu] are in front of the plane (n,). [m]"""
        return (points[..., 0] - self.x) * self.out[0] + (points[..., 1] - self.y) * self.out[1]

    def within(self, points: FloatArray) -> FloatArray:
        """Points (n, 3) [m, enu] as (n, 2) in the plane. [m]"""
        u = (points[..., 0] - self.x) * self.along[0] + (points[..., 1] - self.y) * self.along[1]
        return np.stack([u, points[..., 2]], axis=-1)


@dataclass(frozen=True)
class Face:
    """One plane face of a building: its pieces have polygons in (u, v)."""

    id: str
    plane: Plane
    pieces: Sequence[Piece]
    building_id: str | None = None
    side: str = ""  # of the compass: N NE E …

    @property
    def area(self) -> float:
        """The area of all pieces [m2]."""
        return float(sum(piece.polygon.area for piece in self.pieces))


@dataclass(frozen=True)
class Upright:
    """A face cut into cells, and what of them obstacles cut."""

    face: Face
    field: Field
    cut: Masks  # (n,) parts of cells that a face of an obstacle crosses


def upright(face: Face, step: float, edges: Edges) -> Upright:
    """A face cut into cells of a step [m], among obstacles."""
    return _arranged(face, grid(Surface(face.id, _level(face)), step, 0.0, _flat), edges)


def finer(face: Upright, masks: Masks, edges: Edges) -> tuple[Upright, NDArray[np.int64]]:
    """Parts of a face's cells as cells of their own, an eighth as wide, and the cell each comes from."""
    cells, parent = subdivide(Surface(face.face.id, _level(face.face)), face.field.cells, masks, _flat, 0.0)
    return _arranged(face.face, cells, edges), parent


def points_of(face: Upright) -> FloatArray:
    """A target in each cell (n, 3). [m, enu]"""
    return face.face.plane.to_enu(face.field.cells.representative[:, :2])


def _arranged(face: Face, cells: Cells, edges: Edges) -> Upright:
    field = arrange(cells, edges_of(nothing()))
    return Upright(face, field, _cut_parts(field, _segments(face.plane, edges, cells)))


def _level(face: Face) -> list[Piece]:
    """The pieces as floors at height 0, as cells are cut from."""
    return [Piece(piece.id, piece.name, piece.polygon, 0.0) for piece in face.pieces]


def _flat(xy: FloatArray) -> FloatArray:
    return np.zeros(len(xy))


def _segments(plane: Plane, edges: Edges, cells: Cells) -> FloatArray:
    """Where triangles of obstacles cross the plane of the targets, within the cells' extent: (m, 2, 2) in (u, v)."""
    if not len(cells) or not len(edges.triangles):
        return np.empty((0, 2, 2))
    half = float(cells.half[0])
    low, high = cells.centre[:, :2].min(axis=0) - half, cells.centre[:, :2].max(axis=0) + half
    corners = plane.to_enu(np.array([low, high, [low[0], high[1]], [high[0], low[1]]]))
    box = np.concatenate([corners.min(axis=0) - GRAZING_M, corners.max(axis=0) + GRAZING_M])
    groups = np.flatnonzero((edges.triangle_box[:, :3] <= box[3:]).all(axis=1) & (edges.triangle_box[:, 3:] >= box[:3]).all(axis=1))
    near = np.unique((groups[:, None] * GROUP + np.arange(GROUP)).ravel())
    triangles = edges.triangles[near[near < len(edges.triangles)]]
    triangles = triangles[(triangles.min(axis=1) <= box[3:]).all(axis=1) & (triangles.max(axis=1) >= box[:3]).all(axis=1)]
    return _crossing(plane, triangles)


def _crossing(plane: Plane, triangles: FloatArray) -> FloatArray:
    """The segments (m, 2, 2) in which triangles (f, 3, 3) meet the plane of the targets, a hair to either side; sides of those in it."""
    away = plane.before(triangles) - PROUD_M  # (f, 3)
    inside = plane.within(triangles)  # (f, 3, 2)
    lying = (np.abs(away) <= GRAZING_M).all(axis=1)
    found = [inside[lying][:, [k, (k + 1) % 3]] for k in range(3)]
    for level in (-GRAZING_M, GRAZING_M):
        above = away > level
        mixed = above.any(axis=1) & ~above.all(axis=1)
        over, a, p = above[mixed], away[mixed] - level, inside[mixed]
        row = np.arange(len(a))
        lone = np.where(over.sum(axis=1) == 1, over.argmax(axis=1), over.argmin(axis=1))  # alone on its side of the plane
        ends = [
            p[row, lone] + (a[row, lone] / (a[row, lone] - a[row, other]))[:, None] * (p[row, other] - p[row, lone])
            for other in ((lone + 1) % 3, (lone + 2) % 3)
        ]
        found.append(np.stack(ends, axis=1))
    return np.concatenate(found)


def _cut_parts(field: Field, segments: FloatArray) -> Masks:
    """The parts (n,) of cells that segments touch."""
    out = np.zeros(len(field.cells), np.uint64)
    if not len(segments) or not len(out):
        return out
    ij = np.floor(field.cells.centre[:, :2] / field.step).astype(np.int64)
    low = ij.min(axis=0)
    rows = int(ij[:, 1].max() - low[1]) + 1
    key = (ij[:, 0] - low[0]) * rows + ij[:, 1] - low[1]
    order = np.argsort(key, kind="stable")
    _mark(segments, (key[order], order, low, rows), field.step, field.cells.centre, out)
    return out


@njit(cache=True, nogil=True)
def _mark(segments: FloatArray, cells: Any, step: float, middle: FloatArray, out: Masks) -> None:
    """Mark the parts that segments (m, 2, 2) touch."""
    key, order, low, rows = cells
    for s in range(len(segments)):
        a, b = segments[s, 0], segments[s, 1]
        i0, i1 = math.floor(min(a[0], b[0]) / step), math.floor(max(a[0], b[0]) / step)
        j0, j1 = math.floor(min(a[1], b[1]) / step), math.floor(max(a[1], b[1]) / step)
        for i in range(max(i0 - 1, low[0]), i1 + 2):
            for j in range(max(j0 - 1, low[1]), min(j1 + 1, low[1] + rows - 1) + 1):
                wanted = (i - low[0]) * rows + j - low[1]
                place = np.searchsorted(key, wanted)
                while place < len(key) and key[place] == wanted:
                    _mark_cell(a, b, order[place], step, middle, out)
                    place += 1


@njit(cache=True, nogil=True)
def _mark_cell(a: FloatArray, b: FloatArray, cell: int, step: float, middle: FloatArray, out: Masks) -> None:
    """Mark the parts of one cell that the segment from a to b touches."""
    size = step / 8
    half = size / 2 * (1 + 1e-6) + 1e-9
    dx, dy = b[0] - a[0], b[1] - a[1]
    for row in range(8):
        y = middle[cell, 1] - step / 2 + (row + 0.5) * size
        if y + half < min(a[1], b[1]) or y - half > max(a[1], b[1]):
            continue
        for column in range(8):
            x = middle[cell, 0] - step / 2 + (column + 0.5) * size
            if x + half < min(a[0], b[0]) or x - half > max(a[0], b[0]):
                continue
            if abs(dx * (y - a[1]) - dy * (x - a[0])) <= (abs(dx) + abs(dy)) * half:
                out[cell] |= np.uint64(1) << np.uint64(row * 8 + column)
