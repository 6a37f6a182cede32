"""The ground as tiles: a quadtree of meshes, each by as few triangles as its tolerance asks, refined by replacement.

A tile has 128 cells a side; below it four of half the cell, down to the step of the finest heights known there. Its error is measured:
how far its surface is from the tiles below it, and these from the heights. Where a tile says all, nothing is below it: a plain is one tile.
The rims hang down, so that no gap opens between a coarse tile and a fine one; where heights are unknown there is a hole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiles.content.rtin import misses, split, surface
from tiles.glb.binary import BYTE
from tiles.glb.plain import plain_glb, positions, small
from tiles.tileset import Tile
from twin.crs import Frame
from twin.model import Park, Terrain
from twin.terrain import height_at, z_of_height

CELLS = 128  # along the edge of a tile
FINE_M = 0.005  # what the finest tiles may be wrong by
COARSE = 0.02  # what others may be, of their cell
SKIRT_M = 3.0  # how deep rims hang at least: the plain around the terrain lies a little lower
_QUARTERS = ((0, 0), (1, 0), (0, 1), (1, 1))

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Patch:
    """One tile of the ground: its nodes' heights, the triangles between them, and what is below it."""

    corner: Floats  # (2,) its south-west node [m, enu]
    step_m: float
    heights: Floats  # (129, 129) [m, park datum], NaN where unknown
    triangles: NDArray[np.int64]  # (t, 3, 2) column and row
    shown: Floats  # (129, 129) heights of the triangles
    off_m: float  # how far these are from the heights known at any level
    error_m: float  # the same, or the width of ground that is shown or missing where it should not be
    children: Sequence[Patch] = ()


@dataclass(frozen=True)
class Mesh:
    """A patch as the content of a tile."""

    patch: Patch
    frame: Frame
    skirt_m: float
    suffix: str = ".glb"

    def digest(self) -> bytes:
        """A hash of the heights and the triangles."""
        digest = hashlib.blake2b(repr((self.patch.corner.tolist(), self.patch.step_m, self.skirt_m, self.frame)).encode(), digest_size=16)
        digest.update(self.patch.heights.tobytes())
        digest.update(self.patch.triangles.tobytes())
        return digest.digest()

    def encode(self, origin: Floats) -> bytes:
        """The triangles as a GLB about `origin` (3,) [m, enu]: POSITION and NORMAL."""
        vertices, normals, faces = self.parts()
        position, grid = positions(vertices - origin)
        rounded = np.rint(normals * 127).astype(np.int8)
        return plain_glb([position, small("NORMAL", rounded, BYTE, "VEC3", is_normalized=True)], grid, faces)

    def parts(self) -> tuple[Floats, Floats, NDArray[np.uint32]]:
        """Vertices (v, 3) [m, enu], normals (v, 3) and faces (f, 3), rims included."""
        nodes, index = _used(self.patch.triangles)
        xyz, normals = self._placed(nodes), _normals(self.patch)[nodes[:, 1], nodes[:, 0]]
        rims = _rims(nodes, index)
        hanging = np.unique(rims)
        lower = np.full(len(nodes), -1)
        lower[hanging] = len(nodes) + np.arange(len(hanging))
        a, b = rims.T
        walls = np.concatenate([np.column_stack([a, lower[a], b]), np.column_stack([b, lower[a], lower[b]])])
        below = xyz[hanging] - [0.0, 0.0, self.skirt_m]
        return np.concatenate([xyz, below]), np.concatenate([normals, normals[hanging]]), np.concatenate([index, walls]).astype(np.uint32)

    def _placed(self, nodes: NDArray[np.int64]) -> Floats:
        xy = self.patch.corner + self.patch.step_m * nodes
        return np.column_stack([xy, z_of_height(self.frame, xy, self.patch.heights[nodes[:, 1], nodes[:, 0]])])


def terrain_tiles(terrain: Terrain, park: Park) -> Tile | None:
    """The tiles of a park's ground; None where no height is known."""
    grids = [*terrain.detail] or [terrain]  # what they were merged into knows no more
    finest = min(grids, key=lambda grid: grid.step_m)
    boxes = np.array([_box(grid) for grid in grids])  # (g, 2, 2)
    low, high = boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)
    anchor = np.array([finest.x0_m, finest.y0_m])
    step = finest.step_m
    first = np.floor(np.round((low - anchor) / step, 6))
    cells = float(np.ceil(np.round((high - anchor) / step, 6) - first).max())
    depth = max(0, int(np.ceil(np.log2(max(cells, 1.0) / CELLS))))
    ground = _Ground(terrain, boxes, np.array([grid.step_m for grid in grids]))
    patch = _patch(ground, anchor + first * step, step * 2**depth)
    return None if patch is None else _tile(patch, park.frame, 0.0)


@dataclass(frozen=True)
class _Ground:
    terrain: Terrain
    boxes: Floats  # (g, 2, 2) lowest and highest corner of each grid [m, enu]
    steps: Floats  # (g,) [m]

    def finest(self, low: Floats, high: Floats) -> float:
        """The smallest step of the grids that reach into a box; infinite where none does. [m]"""
        inside = np.all((self.boxes[:, 0] < high) & (self.boxes[:, 1] > low), axis=1)
        return float(self.steps[inside].min()) if inside.any() else np.inf


def _box(grid: Terrain) -> Floats:
    rows, columns = grid.heights.shape
    low = np.array([grid.x0_m, grid.y0_m])
    return np.array([low, low + grid.step_m * np.array([columns - 1, rows - 1])])


def _patch(ground: _Ground, corner: Floats, step: float) -> Patch | None:
    high = corner + CELLS * step
    finest = ground.finest(corner, high)
    if not np.isfinite(finest):
        return None
    along = step * np.arange(CELLS + 1)
    nodes = np.column_stack([np.tile(corner[0] + along, CELLS + 1), np.repeat(corner[1] + along, CELLS + 1)])
    heights = height_at(ground.terrain, nodes).reshape(CELLS + 1, CELLS + 1)
    is_fine = step <= finest * 1.001
    children = [] if is_fine else [(at, _patch(ground, corner + CELLS * step / 2 * np.array(at), step / 2)) for at in _QUARTERS]
    below = [(at, child) for at, child in children if child is not None]
    if not np.isfinite(heights).any() and not below:
        return None
    tolerance = FINE_M if is_fine else max(FINE_M, COARSE * step)
    missed = misses(heights)
    triangles = split(heights, missed, tolerance)
    shown = surface(heights, triangles, 1)
    if is_fine:
        return Patch(corner, step, heights, triangles, shown, *_apart(shown, heights, step)) if len(triangles) else None
    halved = surface(heights, triangles, 2)
    unknown = np.full_like(heights, np.nan)
    kept = dict(below)
    quarters = [(halved[_part(y), _part(x)], kept.get((x, y))) for x, y in _QUARTERS]
    apart = [(_apart(quarter, unknown if child is None else child.shown, step), child) for quarter, child in quarters]
    off = max(found[0] + (0.0 if child is None else child.off_m) for found, child in apart)
    error = max(off, *(max(found[1], 0.0 if child is None else child.error_m) for found, child in apart))
    return Patch(corner, step, heights, triangles, shown, off, error, () if error <= FINE_M else tuple(kept.values()))


def _part(half: int) -> slice:
    return slice(half * CELLS, (half + 1) * CELLS + 1)


def _apart(one: Floats, other: Floats, step: float) -> tuple[float, float]:
    """How far two surfaces are apart at the nodes of a grid; the same, but a cell at least where only one of them is. [m]"""
    both = np.isfinite(one) & np.isfinite(other)
    apart = float(np.abs(one[both] - other[both]).max()) if both.any() else 0.0
    return apart, (max(apart, step) if np.any(np.isfinite(one) != np.isfinite(other)) else apart)


def _tile(patch: Patch, frame: Frame, above_m: float) -> Tile:
    """The tile of a patch; `above_m` is how far off the tile above it is, which its neighbour may be."""
    children = tuple(_tile(child, frame, patch.off_m) for child in patch.children)
    content = Mesh(patch, frame, max(SKIRT_M, above_m + patch.off_m)) if len(patch.triangles) else None
    vertices = content.parts()[0] if content is not None else np.empty((0, 3))
    lows, highs = [vertices, *(child.low for child in children)], [vertices, *(child.high for child in children)]
    low, high = np.vstack(lows).min(axis=0), np.vstack(highs).max(axis=0)
    error = float(np.linalg.norm(high - low)) if content is None else patch.error_m
    return Tile(low, high, max([error if children else 0.0, *(child.error_m for child in children)]), children, content)


def _used(triangles: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The nodes (n, 2) that triangles (t, 3, 2) have, in the order they are met, and the triangles by their numbers (t, 3)."""
    number = triangles[..., 1] * (CELLS + 1) + triangles[..., 0]
    known, first, inverse = np.unique(number, return_index=True, return_inverse=True)
    rank = np.empty(len(known), np.int64)
    rank[np.argsort(first)] = np.arange(len(known))
    ordered = known[np.argsort(first)]
    return np.column_stack([ordered % (CELLS + 1), ordered // (CELLS + 1)]), rank[inverse].reshape(-1, 3)


def _rims(nodes: NDArray[np.int64], index: NDArray[np.int64]) -> NDArray[np.int64]:
    """The edges (e, 2) of triangles along the sides of the tile, the ground on their left."""
    edges = np.concatenate([index[:, [0, 1]], index[:, [1, 2]], index[:, [2, 0]]])
    a, b = nodes[edges[:, 0]], nodes[edges[:, 1]]
    along = ((a == b) & ((a == 0) | (a == CELLS))).any(axis=1)
    return edges[along]


def _normals(patch: Patch) -> Floats:
    """Upward normals (129, 129, 3) at the nodes; straight up beside unknown heights."""
    north, east = np.gradient(patch.heights, patch.step_m)
    normal = np.dstack([-east, -north, np.ones_like(east)])
    normal[~np.isfinite(normal).all(axis=2)] = [0.0, 0.0, 1.0]
    return normal / np.linalg.norm(normal, axis=2, keepdims=True)
