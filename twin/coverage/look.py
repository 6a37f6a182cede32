"""What one camera sees of a field of cells, each part of it seen for certain, hidden for certain, or undecided.

The field is halved from pages down to parts. A block is decided as a whole where

* its optics are certain: all of it, or none of it, is in view, in range and fine enough (`camera.box_verdict`), and
* its sight is uniform: no wall of shadow enters it and no face cuts it (`edges.enters`, `Pages.cut`): one ray speaks for all.

Only the shores of what is seen are halved to the end, so the work grows with their length and not with the area.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.coverage.camera import Criteria, View, pack
from twin.coverage.edges import FIXED, Edges, Shift, edges_of, enters, sectors
from twin.coverage.field import LEVELS, PAGE, PARTS, Field, Pages
from twin.coverage.inview import ANY_WAY, IN, INSIDE, MIXED, OUT, box_verdict, verdict_at
from twin.coverage.shadows import Triangles, triangles_of
from twin.scene import Obstacles
from twin.scene.embree import Scene

FloatArray = NDArray[np.float64]

# certain; undecided, yes by best knowledge (of its middle); the same, and no closer look decides it; undecided, no; the same, for good
SEEN, PERHAPS_YES, LASTING_YES, PERHAPS_NO, LASTING_NO = range(5)

_SLACK_M = 1e-3  # blocks are taken this much larger when walls of shadow are tested
_CERTAIN, _OPTICS_MIXED, _SIGHT_MIXED = 0, 1, 2  # what a record leaves open besides its ray
_UNITS = PAGE * PARTS  # parts along a page


@dataclass(frozen=True)
class Sight:
    """Obstacles prepared for looking: for rays, and by their edges; and the same with least in the way, where that is in doubt."""

    scene: Scene
    edges: Edges
    best: Sight | None = None  # doors open, leaves clear
    leaving: FloatArray = field(default_factory=lambda: np.empty((0, 6)))  # boxes over what is not there then [m, enu]

    @cached_property
    def triangles(self) -> Triangles:
        """The same as triangles that throw shadows."""
        return triangles_of(self.scene.obstacles.vertices, self.scene.obstacles.faces)


@dataclass(frozen=True)
class Look:
    """What one view sees of a field: masks of parts by cell; a cell may come several times.

    `state` says what is known of the parts: SEEN counts to every bound, *_YES to value and upper bound, *_NO to the upper bound alone;
    PERHAPS_* is worth a closer look, LASTING_* is not (an unknown direction, a tolerance, a door's state). Where several records speak of
    one part, the first in this order holds.
    """

    cell: NDArray[np.int32]  # (m,)
    mask: NDArray[np.uint64]  # (m,)
    state: NDArray[np.uint8]  # (m,) SEEN, PERHAPS_YES, LASTING_YES, PERHAPS_NO or LASTING_NO


def prepare(obstacles: Obstacles) -> Sight:
    """Obstacles that block the sight, ready for looking."""
    return Sight(Scene(obstacles), edges_of(obstacles))


def with_best(sight: Sight, best: Sight) -> Sight:
    """The sight, with the one that has least in the way: some of the same obstacles."""
    obstacles, left = sight.scene.obstacles, best.scene.obstacles
    there = {left.object_ids[k] for k in np.unique(left.face_object).tolist()}
    gone = [k for k in np.unique(obstacles.face_object).tolist() if obstacles.object_ids[k] not in there]
    leaves = np.isin(obstacles.face_object, gone)
    corners = obstacles.vertices[obstacles.faces[leaves]]  # (f, 3, 3)
    distinct, row = np.unique(obstacles.face_object[leaves], return_inverse=True)
    low, high = np.full((len(distinct), 3), np.inf), np.full((len(distinct), 3), -np.inf)
    np.minimum.at(low, row, corners.min(axis=1))
    np.maximum.at(high, row, corners.max(axis=1))
    return replace(sight, best=best, leaving=np.concatenate([low, high], axis=1))


def depends(cells: Field, sight: Sight, view: View, criteria: Criteria) -> bool:
    """Whether what a view sees of a field may be more with least in the way."""
    packed = pack(view, criteria)
    pages, box = _pages_in_view(cells.pages, cells.step, packed)
    if sight.best is None or not len(pages):
        return False
    across, up = shift_of(view)
    room = np.array([across, across, up])
    low, high = np.minimum(box[:3], packed[:3] - room), np.maximum(box[3:], packed[:3] + room)
    return bool(((sight.leaving[:, :3] <= high) & (sight.leaving[:, 3:] >= low)).all(axis=1).any())


def look(field: Field, sight: Sight, view: View, criteria: Criteria) -> Look:
    """What a view covers of a field's cells."""
    packed = pack(view, criteria)
    lens = packed[:3].copy()
    pages, box = _pages_in_view(field.pages, field.step, packed)
    if not len(pages):
        return Look(np.empty(0, np.int32), np.empty(0, np.uint64), np.empty(0, np.uint8))
    shift = shift_of(view)
    walls = sectors(sight.edges, sight.scene, lens, box, shift)
    cell, mask, ray, kind, yes, targets = _descend(field.pages, field.step, packed, pages, walls)
    cell = cell.astype(np.int32)
    free = ~sight.scene.occluded(np.broadcast_to(lens, targets.shape), targets)
    found = _settled((cell, mask, ray, kind, yes), free, is_shifted=shift != FIXED)
    return replace(found, state=np.full_like(found.state, LASTING_NO)) if view.lens == ANY_WAY else found


def shift_of(view: View) -> Shift:
    """By how much a view's lens may be elsewhere, across and up or down. [m]"""
    return (view.slack.xy_m, view.slack.z_m) if view.sign else FIXED


def _settled(records: Any, free: NDArray[np.bool_], *, is_shifted: bool) -> Look:
    """Records with their rays answered; what is hidden for certain is left out. No closer look narrows a thick wall of shadow."""
    cell, mask, ray, kind, yes = records
    clear = free[ray] if len(free) else np.zeros(len(ray), np.bool_)
    state = np.where(yes & clear, PERHAPS_YES, PERHAPS_NO).astype(np.uint8)
    state[(kind == _CERTAIN) & clear] = SEEN
    if is_shifted:
        state[kind == _SIGHT_MIXED] = np.where(yes & clear, LASTING_YES, LASTING_NO)[kind == _SIGHT_MIXED]
    keep = (kind == _SIGHT_MIXED) | clear
    return Look(cell[keep], mask[keep], state[keep])


@njit(cache=True, nogil=True)
def _pages_in_view(pages: Pages, step: float, view: FloatArray) -> Any:
    """Index of the pages that may be in view, and the box (6,) over them."""
    found = [0 for _ in range(0)]
    box = np.array([np.inf, np.inf, np.inf, -np.inf, -np.inf, -np.inf])
    half = PAGE * step / 2
    for p in range(len(pages.corner)):
        x, y = pages.corner[p, 0] + half, pages.corner[p, 1] + half
        low, high = pages.low[p, 0], pages.high[p, 0]
        if box_verdict(view, x - view[0], y - view[1], (low + high) / 2 - view[2], half, (high - low) / 2) != OUT:
            found.append(p)
            box[0], box[1], box[2] = min(box[0], x - half), min(box[1], y - half), min(box[2], low)
            box[3], box[4], box[5] = max(box[3], x + half), max(box[4], y + half), max(box[5], high)
    return np.array(found, np.int64), box


@njit(cache=True, nogil=True)
def _part_mask(i: int, j: int, size: int) -> np.uint64:
    """The bits of the parts in a block of a cell at column i, row j."""
    mask = np.uint64(0)
    for row in range(j, j + size):
        for column in range(i, i + size):
            mask |= np.uint64(1) << np.uint64(row * PARTS + column)
    return mask


@njit(cache=True, nogil=True)
def _block_of(i: int, j: int, size: int) -> int:
    """Where a block of `size` parts, at part (i, j) of its page, is among the page's blocks."""
    level = 0
    while size > PARTS:
        size >>= 1
        level += 1
    return LEVELS[level - 1] + (j // (PARTS << level)) * (PAGE >> level) + i // (PARTS << level)


@njit(cache=True, nogil=True)
def _cell_of(pages: Pages, page: int, i: int, j: int) -> int:
    return pages.slot[page, (j // PARTS) * PAGE + i // PARTS]


@njit(cache=True, nogil=True)
def _describe(pages: Pages, page: int, i: int, j: int, size: int) -> Any:
    """Of a block: a cell in it (-1: none), lowest and highest target, whether faces cut it."""
    if size > PARTS:
        k = _block_of(i, j, size)
        return pages.pick[page, k], pages.low[page, k], pages.high[page, k], pages.cut[page, k]
    cell = _cell_of(pages, page, i, j)
    if cell < 0:
        return -1, 0.0, 0.0, False
    mask = _part_mask(i % PARTS, j % PARTS, size)
    if pages.dead[cell] & mask == mask:
        return -1, 0.0, 0.0, False
    cuts = pages.part_cut[cell] if size == 1 else pages.cell_cut[cell]
    return cell, pages.cell_low[cell], pages.cell_high[cell], cuts & mask != 0


@njit(cache=True, nogil=True)
def _target(pages: Pages, cell: int, block: tuple[int, int, int], x: float, y: float) -> tuple[float, float, float]:
    """A target that speaks for a block about (x, y): a point of the surface in it."""
    i, j, size = block
    if size >= PARTS:
        return pages.point[cell, 0], pages.point[cell, 1], pages.point[cell, 2]
    border = pages.border[cell]
    if border < 0:
        return x, y, pages.point[cell, 2]
    for row in range(j % PARTS, j % PARTS + size):
        for column in range(i % PARTS, i % PARTS + size):
            part = row * PARTS + column
            if not pages.dead[cell] >> np.uint64(part) & np.uint64(1):
                return pages.inside[border, part, 0], pages.inside[border, part, 1], pages.point[cell, 2]
    return x, y, pages.point[cell, 2]


@njit(cache=True, nogil=True)
def _descend(pages: Pages, step: float, view: FloatArray, chosen: NDArray[np.int64], walls: FloatArray) -> Any:
    """Halve the chosen pages until everything is decided or as small as a part.

    Returns
    -------
    Records by column - cell, mask of parts, ray, what is open besides the ray, whether the middle fulfils the optics - and the targets
    (r, 3) of the rays. Blocks out of view leave no record.
    """
    out = [(0, np.uint64(0), 0, 0, False) for _ in range(0)]
    rays = [(0.0, 0.0, 0.0) for _ in range(0)]
    near = np.empty((10, len(walls)), np.int32)  # the walls of shadow that enter the block at each depth
    count = np.zeros(10, np.int64)
    stack = np.empty((64, 6), np.int64)  # depth, column, row, size [parts], optics, ray (-1: sight not uniform)
    for page in chosen:
        stack[0] = 0, 0, 0, _UNITS, MIXED, -1
        top = 1
        while top > 0:
            top -= 1
            depth, i, j, size, optics, ray = stack[top]
            cell, low, high, is_cut = _describe(pages, page, i, j, size)
            if cell < 0:
                continue
            box = _box(pages, step / PARTS, page, (i, j, size), low, high)
            optics = optics if optics == IN else box_verdict(view, box[0] - view[0], box[1] - view[1], box[2] - view[2], box[3], box[4])
            if optics == OUT:
                continue
            at = _target(pages, cell, (i, j, size), box[0], box[1])
            if ray < 0:
                count[depth] = _narrow(walls, near, count, depth, view, box)
                if count[depth] == 0 and not is_cut:
                    ray = len(rays)
                    rays.append(at)
            if ray >= 0 and optics == IN:
                _record(pages, page, (i, j, size), ray, out)
            elif size == 1:
                kind = _OPTICS_MIXED if ray >= 0 else _SIGHT_MIXED
                if ray < 0:
                    ray = len(rays)
                    rays.append(at)
                fulfils = verdict_at(view, at[0] - view[0], at[1] - view[1], at[2] - view[2]) == INSIDE
                out.append((cell, _part_mask(i % PARTS, j % PARTS, 1), ray, kind, fulfils))
            else:
                top = push_quarters(stack, top, optics, ray)
    return columns(out, rays)


@njit(cache=True, nogil=True)
def push_quarters(stack: NDArray[np.int64], top: int, optics: int, ray: int) -> int:
    """Put the quarters of the block just taken at `top` in its place; the new top."""
    depth, i, j, size = stack[top, :4].copy()
    size //= 2
    for quarter in range(4):
        stack[top + quarter] = depth + 1, i + size * (quarter % 2), j + size * (quarter // 2), size, optics, ray
    return top + 4


@njit(cache=True, nogil=True)
def _box(pages: Pages, unit: float, page: int, block: tuple[int, int, int], low: float, high: float) -> Any:
    """Middle, half width and half height of a block. [m, enu]"""
    i, j, size = block
    half = size * unit / 2
    return pages.corner[page, 0] + i * unit + half, pages.corner[page, 1] + j * unit + half, (low + high) / 2, half, (high - low) / 2


@njit(cache=True, nogil=True)
def _record(pages: Pages, page: int, block: tuple[int, int, int], ray: int, out: Any) -> None:
    """A record for each cell of a block that is decided but for its ray."""
    i, j, size = block
    for row in range(j, j + size, PARTS):
        for column in range(i, i + size, PARTS):
            cell = _cell_of(pages, page, column, row)
            if cell >= 0:
                live = ~pages.dead[cell] & _part_mask(column % PARTS, row % PARTS, min(size, PARTS))
                out.append((cell, live, ray, _CERTAIN, True))


@njit(cache=True, nogil=True)
def columns(out: Any, rays: Any) -> Any:
    """Records (what, mask, ray, kind, yes) and ray targets as arrays, a column each."""
    n = len(out)
    what, mask, ray = np.empty(n, np.int64), np.empty(n, np.uint64), np.empty(n, np.int64)
    kind, yes, targets = np.empty(n, np.uint8), np.empty(n, np.bool_), np.empty((len(rays), 3))
    for k in range(n):
        what[k], mask[k], ray[k], kind[k], yes[k] = out[k]
    for k in range(len(rays)):
        targets[k, 0], targets[k, 1], targets[k, 2] = rays[k]
    return what, mask, ray, kind, yes, targets


@njit(cache=True, nogil=True)
def _narrow(walls: FloatArray, near: NDArray[np.int32], count: NDArray[np.int64], depth: int, view: FloatArray, box: Any) -> int:
    """Keep in near[depth] those walls of the block above that may enter this one; their number."""
    x, y, z = box[0] - view[0], box[1] - view[1], box[2] - view[2]
    distance = math.sqrt(x * x + y * y + z * z) + 1.5 * box[3] + box[4]  # of its farthest point
    n = 0
    for k in range(len(walls) if depth == 0 else count[depth - 1]):
        wall = k if depth == 0 else near[depth - 1, k]
        if enters(walls[wall], (x, y, z, box[3] + _SLACK_M, box[4] + _SLACK_M, distance)):
            near[depth, n] = wall
            n += 1
    return n
