"""A surface cut into square cells whose areas add up to it exactly.

Cells lie on one lattice for the whole park: column i spans i·step .. (i + 1)·step east of the origin, so that cells of neighbouring
pieces and of repeated runs fall on each other. A piece is halved again and again by its bounding squares; squares that lie wholly
inside stay whole, those on the border keep the polygon they are cut to, and its area:

        +-------+---+---+
        | whole | w | b |      w: whole cell, area step²
        |       +---+---+      b: border cell, area of what is left of it
        |       | w | b/
        +-------+---+-+
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from os import cpu_count
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.surface import Piece, Surface
from twin.errors import OutsideValidity

Ground = Callable[[NDArray[np.float64]], NDArray[np.float64]]  # x y (n, 2) [m, enu] -> z (n,) [m, enu]

MOST_CELLS = 20_000_000
SIDE_BY_SIDE = cpu_count() or 1  # threads that cut shapes at once
FEW = 500  # shapes that are not worth a second thread
_NOTHING = 1e-14  # a square cut to less than this share of it holds no surface: rounding of the cut


@dataclass(frozen=True)
class Cells:
    """n cells; a cell stands for the part of the surface inside its square, at `target_height` above ground or floor."""

    centre: NDArray[np.float64]  # (n, 3) middle of the square, on the target height [m, enu]
    half: NDArray[np.float64]  # (n,) half the edge of the square [m]
    z_range: NDArray[np.float64]  # (n, 2) lowest and highest target in the square [m, enu]
    area: NDArray[np.float64]  # (n,) area inside the surface [m2]
    piece: NDArray[np.int32]  # (n,) index of the surface's pieces
    outline: NDArray[np.object_]  # (n,) shapely polygon of a border cell [m, enu]; None for whole squares

    def __len__(self) -> int:
        return len(self.area)

    @cached_property
    def representative(self) -> NDArray[np.float64]:
        """A point (n, 3) of the surface in each cell: its middle, or inside the outline of a border cell. [m, enu]"""
        points = self.centre.copy()
        border = np.flatnonzero(self.outline != np.array(None))
        if len(border):
            inside = shapely.get_coordinates(shapely.point_on_surface(self.outline[border]))
            off = ~shapely.contains_xy(self.outline[border], self.centre[border, 0], self.centre[border, 1])
            points[border[off], :2] = inside[off]
        return points


def grid(surface: Surface, step: float, target_height: float, ground: Ground) -> Cells:
    """The cells of a surface, by piece, row and column.

    Parameters
    ----------
    surface
        The pieces; they may overlap (each is counted).
    step
        Edge of a cell. [m]
    target_height
        Height of the targets above floor or ground. [m]
    ground
        Height of the ground for pieces without a floor of their own. [m, enu]

    Raises
    ------
    OutsideValidity
        If there would be more than MOST_CELLS cells.
    """
    if surface.area / step**2 > MOST_CELLS:
        raise OutsideValidity("too_many_cells", subject=surface.id, cells=int(surface.area / step**2), most=MOST_CELLS, step=step)
    parts = [_piece_cells(piece, k, step, target_height, ground) for k, piece in enumerate(surface.pieces)]
    return _joined([part for part in parts if len(part)])


def split(cells: Cells, mask: NDArray[np.bool_]) -> Cells:
    """The cells where `mask` (n,) is true, each cut into its four quarters; quarters without surface are left out.

    Heights of the quarters are those of the whole: a quarter's range lies within its parent's.
    """
    chosen = np.flatnonzero(mask)
    sign = np.array([[-1.0, -1], [1, -1], [-1, 1], [1, 1]])
    parent = np.repeat(chosen, 4)
    half = cells.half[parent] / 2
    centre = cells.centre[parent]
    centre[:, :2] += np.tile(sign, (len(chosen), 1)) * half[:, None]
    area, outline = _cut(cells.outline[parent], centre[:, :2], half)
    keep = area > 0
    parent = parent[keep]
    return Cells(centre[keep], half[keep], cells.z_range[parent], area[keep], cells.piece[parent], outline[keep])


def weights(cells: Cells, surface: Surface, by: str = "area") -> NDArray[np.float64]:
    """How much each cell counts (n,).

    Parameters
    ----------
    cells, surface
        n cells of a surface.
    by
        `area`: its area [m2]. `persons`: the people that use its piece, spread over it evenly [1]; pieces for which nobody says how many
        have the mean density of those that say, and area decides where none does. `importance`: its area times that of its piece [m2].
    """
    if by == "importance":
        return cells.area * np.array([piece.importance for piece in surface.pieces])[cells.piece] if len(cells) else cells.area
    if by != "persons" or all(piece.persons is None for piece in surface.pieces):
        return cells.area.copy()
    area = np.bincount(cells.piece, cells.area, len(surface.pieces))
    said = np.array([np.nan if piece.persons is None else piece.persons for piece in surface.pieces])
    known = np.isfinite(said) & (area > 0)
    mean = float(said[known].sum() / max(area[known].sum(), 1e-12))
    density = np.where(known, said / np.maximum(area, 1e-12), mean)
    return cells.area * density[cells.piece]


def select(cells: Cells, mask: NDArray[Any]) -> Cells:
    """The cells that `mask` (n,) picks, by truth or by index."""
    return Cells(*(getattr(cells, name)[mask] for name in ("centre", "half", "z_range", "area", "piece", "outline")))


def _joined(parts: list[Cells]) -> Cells:
    if not parts:
        return Cells(
            np.empty((0, 3)), np.empty(0), np.empty((0, 2)), np.empty(0), np.empty(0, np.int32), np.empty(0, object)
        )  # fmt: skip
    names = ("centre", "half", "z_range", "area", "piece", "outline")
    return Cells(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _piece_cells(piece: Piece, number: int, step: float, target_height: float, ground: Ground) -> Cells:
    ij, outline, area = _squares(piece.polygon, step)
    order = np.lexsort((ij[:, 0], ij[:, 1]))
    ij, outline, area = ij[order], outline[order], area[order]
    centre, z_range = _heights(ij, step, piece.floor_z, ground)
    flat = Cells(centre, np.full(len(ij), step / 2), z_range, area, np.full(len(ij), number, np.int32), outline)
    return replace(flat, centre=flat.centre + np.array([0, 0, target_height]), z_range=flat.z_range + target_height)


def _squares(polygon: Any, step: float) -> tuple[NDArray[np.int64], NDArray[np.object_], NDArray[np.float64]]:
    """Column and row (n, 2), outline (None for whole squares) and area of the lattice squares that a polygon covers."""
    if polygon is None or polygon.is_empty:
        return np.empty((0, 2), np.int64), np.empty(0, object), np.empty(0)
    low, high = (np.floor(np.array(polygon.bounds[k : k + 2]) / step).astype(np.int64) for k in (0, 2))
    size = 1 << int(np.ceil(np.log2((high - low).max() + 1)))  # one square over all of it: each cut then meets what the last one left
    ij, rest = low[None, :], np.array([polygon], object)
    whole: list[NDArray[np.int64]] = []
    while True:
        middle = np.asarray((ij + size / 2) * step, np.float64)
        area, rest = _cut(rest, middle, np.full(len(ij), size * step / 2))
        full = (area > 0) & (rest == np.array(None))
        if size == 1:
            border = (area > 0) & ~full
            areas = np.concatenate([np.full(sum(map(len, whole)) + int(full.sum()), step * step), area[border]])
            places = np.concatenate([*whole, ij[full], ij[border]])
            outlines = np.full(len(places), None, object)
            outlines[len(places) - int(border.sum()) :] = rest[border]
            return places, outlines, areas
        whole.append(_expanded(ij[full], size))
        mixed = (area > 0) & ~full
        size //= 2
        ij = (ij[mixed][:, None, :] + size * np.array([[0, 0], [1, 0], [0, 1], [1, 1]])).reshape(-1, 2)
        rest = np.repeat(rest[mixed], 4)


def _cut(polygons: NDArray[np.object_], middle: NDArray[np.float64], half: NDArray[np.float64]) -> tuple[Any, NDArray[np.object_]]:
    """Area of polygons (None: everywhere) inside squares, and what is left of them there, None where the square is whole."""
    square = 4 * half**2
    area = square.copy()
    rest = np.full(len(half), None, object)
    border = np.flatnonzero(polygons != np.array(None))
    if not len(border):
        return area, rest
    x, y, h = middle[border, 0], middle[border, 1], half[border]
    cut = _intersection(polygons[border], shapely.box(x - h, y - h, x + h, y + h))
    part = shapely.area(cut)
    whole = part >= square[border] * (1 - 1e-13)
    empty = part <= square[border] * _NOTHING
    area[border] = np.where(empty, 0.0, np.where(whole, square[border], part))
    rest[border[~whole]] = cut[~whole]
    return area, rest


def _intersection(shapes: NDArray[np.object_], others: NDArray[np.object_]) -> NDArray[np.object_]:
    """What shapes (n,) have in common with others (n,), many of them side by side."""
    if len(shapes) < FEW:
        return shapely.intersection(shapes, others)
    parts = [slice(k, None, SIDE_BY_SIDE) for k in range(SIDE_BY_SIDE)]
    out = np.empty(len(shapes), object)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for part, found in zip(parts, pool.map(lambda part: shapely.intersection(shapes[part], others[part]), parts), strict=True):
            out[part] = found
    return out


def _expanded(ij: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """The unit squares of squares `size` units wide."""
    inner = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1).reshape(-1, 2)
    return (ij[:, None, :] + inner).reshape(-1, 2)


def _heights(ij: NDArray[np.int64], step: float, floor: float | None, ground: Ground) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middle (n, 3) and range of height (n, 2) of the ground in squares.

    The ground is read on a lattice of half the step: nine points a square. The range is widened by half of what neighbouring
    points differ by, which holds a ridge between two of them.
    """
    middle = np.asarray((ij + 0.5) * step, np.float64)
    if floor is not None or not len(ij):
        z = np.full(len(ij), 0.0 if floor is None else floor)
        return np.column_stack([middle, z]), np.column_stack([z, z])
    nodes = (2 * ij[:, None, :] + np.stack(np.meshgrid(np.arange(3), np.arange(3)), -1).reshape(-1, 2)).reshape(-1, 2)
    low = nodes.min(axis=0)
    columns = int(nodes[:, 0].max() - low[0]) + 1
    key = (nodes[:, 1] - low[1]) * columns + nodes[:, 0] - low[0]
    distinct, place = np.unique(key, return_inverse=True)
    at = np.column_stack([distinct % columns + low[0], distinct // columns + low[1]]) * (step / 2)
    z = ground(at)[place].reshape(-1, 3, 3)  # (n, row, column)
    rough = np.maximum(np.abs(np.diff(z, axis=1)).max(axis=(1, 2)), np.abs(np.diff(z, axis=2)).max(axis=(1, 2))) / 2
    level = np.column_stack([z.min(axis=(1, 2)) - rough, z.max(axis=(1, 2)) + rough])
    return np.column_stack([middle, z[:, 1, 1]]), level


def subdivide(
    surface: Surface, cells: Cells, masks: NDArray[np.uint64], ground: Ground, target_height: float
) -> tuple[Cells, NDArray[np.int64]]:
    """Parts of cells as cells of their own, an eighth as wide: those whose bit is set, bit 8·row + column of masks (n,).

    Returns
    -------
    The smaller cells, and which cell each comes from. Parts without surface are left out.
    """
    bits = np.unpackbits(np.ascontiguousarray(masks).view(np.uint8).reshape(-1, 8), axis=1, bitorder="little").astype(bool)  # (n, 64)
    parent, part = np.nonzero(bits)
    step = 2 * float(cells.half[0]) / 8 if len(cells) else 1.0
    ij = np.floor(cells.centre[parent, :2] / (8 * step)).astype(np.int64) * 8 + np.column_stack([part % 8, part // 8])
    middle = np.asarray((ij + 0.5) * step, np.float64)
    area, outline = _cut(cells.outline[parent], middle, np.full(len(ij), step / 2))
    keep = area > 0
    parent, ij, area, outline = parent[keep], ij[keep], area[keep], outline[keep]
    centre, z_range = np.empty((len(ij), 3)), np.empty((len(ij), 2))
    for number, piece in enumerate(surface.pieces):
        here = cells.piece[parent] == number
        if here.any():
            centre[here], z_range[here] = _heights(ij[here], step, piece.floor_z, ground)
    lift = np.array([0, 0, target_height])
    return Cells(centre + lift, np.full(len(ij), step / 2), z_range + target_height, area, cells.piece[parent], outline), parent
