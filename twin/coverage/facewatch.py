"""What cameras see of upright faces, with bounds that hold.

A block of a face is decided as a whole where its optics are certain and no wall of shadow (`twin.coverage.edges`) enters it and no face
of an obstacle cuts it: one ray speaks for all of it. What stays mixed at an eighth of a cell is undecided: it counts to the upper bound,
not to the lower, and to the value by its middle; undecided parts are cut again as long as that is worth the work.

A camera sees a face from in front of its plane only. What is not known of a camera makes up to three views of it (`twin.coverage.camera`):
its best knowledge gives the value, the least it can see the lower bound, the most the upper.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from os import cpu_count
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.coverage.camera import Criteria, View, certain, densities, is_in_doubt, pack, possible, verdicts
from twin.coverage.edges import enters, sectors
from twin.coverage.inview import ANY_WAY, IN, INSIDE, MIXED, OUT, box_verdict, verdict_at
from twin.coverage.look import Sight, columns, shift_of
from twin.coverage.upright import Face, Upright, finer, points_of, upright

FloatArray = NDArray[np.float64]
Masks = NDArray[np.uint64]

MOST_ROUNDS = 2  # parts of 12.5 cm at a step of 1 m, then of 1.6 cm
MOST_PARTS = 2_000_000  # undecided parts that are looked at again
IN_FRONT_M = 0.1  # a lens nearer to the plane than this sees nothing of it
_SLACK_M = 1e-3
_YES, _NO, _RAY, _PERHAPS = 0, 1, 2, 3


@dataclass(frozen=True)
class FaceQuestion:
    """What is asked of faces: what a camera must fulfil, the edge of a cell [m], by how many cameras each part must be seen, and the
    undecided share of a face at which it is not cut finer."""

    criteria: Criteria
    step: float
    k: int = 1
    tolerance: float = 1e-3


@dataclass(frozen=True)
class Watched:
    """What is covered of each cell of each face: at least, by best knowledge, at most [m2]; and the best density on its middle [px/m]."""

    faces: Sequence[Upright]
    lower: Sequence[FloatArray]
    value: Sequence[FloatArray]
    upper: Sequence[FloatArray]
    density: Sequence[FloatArray]
    by_camera: Mapping[str, tuple[float, float]]  # id -> area it covers, area that would be lost without it [m2]


@dataclass(frozen=True)
class _Seen:
    """Masks (n,) of the parts of one face's cells that a camera sees for certain, by best knowledge and perhaps; density (n,) [px/m]."""

    sure: Masks
    likely: Masks
    perhaps: Masks
    mixed: Masks  # parts that may be seen in part
    density: FloatArray


@dataclass(frozen=True)
class _Found:
    """What is covered of the cells of one face, and by camera what it covers and what would be lost without it. [m2]"""

    face: Upright
    lower: FloatArray
    value: FloatArray
    upper: FloatArray
    density: FloatArray
    shares: Mapping[str, tuple[float, float]]


def watch_faces(faces: Sequence[Face], sight: Sight, views: Sequence[View], question: FaceQuestion) -> Watched:
    """What at least k cameras cover of faces.

    Parameters
    ----------
    faces
        The faces.
    sight
        What is in the way; with `sight.best` what has least in the way opens the upper bound.
    views
        Aims of cameras; those of one camera count once.
    question
        What is asked.
    """
    packed = _packed(views, question.criteria)

    def one(face: Face) -> _Found:
        cut = upright(face, question.step, sight.edges)
        return _watch(cut, sight, [views[i] for i in _near(cut, views, packed)], question)

    with ThreadPoolExecutor(cpu_count() or 1) as pool:
        found = list(pool.map(one, faces))
    covered = dict.fromkeys((view.camera for view in views), (0.0, 0.0))
    for each in found:
        for name, (own, lost) in each.shares.items():
            covered[name] = covered[name][0] + own, covered[name][1] + lost
    return Watched(
        [each.face for each in found], [each.lower for each in found], [each.value for each in found], [each.upper for each in found],
        [each.density for each in found], covered,
    )  # fmt: skip


def share_by_middles(faces: Sequence[Upright], sight: Sight, views: Sequence[View], criteria: Criteria, k: int = 1) -> float:
    """The share of faces that at least k cameras see by the middles of their cells: quick, and good to the size of a cell. [1]

    A view of unknown direction counts wherever it might look: leave such views out where that is not wanted.
    """
    total, seen = 0.0, 0.0
    packed = _packed(views, criteria)
    for face in faces:
        points, area = points_of(face), face.field.cells.area
        count: dict[str, NDArray[np.bool_]] = {}
        for view in (views[i] for i in _near(face, views, packed)):
            near = np.flatnonzero(verdicts(view, criteria, points) == INSIDE)
            lens = np.broadcast_to(np.array(view.position), (len(near), 3))
            mine = count.setdefault(view.camera, np.zeros(len(points), np.bool_))
            mine[near] |= ~sight.scene.occluded(lens, points[near])
        total += float(area.sum())
        if count:
            seen += float(area[np.sum(list(count.values()), axis=0) >= k].sum())
    return seen / total if total > 0 else 0.0


def _packed(views: Sequence[View], criteria: Criteria) -> FloatArray:
    """The most that views (n,) may see, packed (n, …)."""
    rows = [pack(replace(possible(view), least=None, most=None), criteria) for view in views]
    return np.array(rows) if rows else np.empty((0, 1))


def _near(face: Upright, views: Sequence[View], packed: FloatArray) -> list[int]:
    """Which views may see something of a face: it is in their view as a whole or in part, and they are before it."""
    if not len(face.field.cells) or not len(views):
        return []
    middle = face.face.plane.to_enu(face.field.cells.centre[:, :2])
    half = face.field.step / 2
    low, high = middle.min(axis=0) - half, middle.max(axis=0) + half
    centre, room = (low + high) / 2, (high - low) / 2
    chosen = np.flatnonzero(_may_see(packed, centre, float(max(room[0], room[1])), float(room[2])))
    return [i for i in chosen.tolist() if _faces(face.face, views[i])]


def _watch(face: Upright, sight: Sight, views: Sequence[View], question: FaceQuestion) -> _Found:
    """What is covered of the cells of one face, and what each camera has of it."""
    looking: dict[str, list[View]] = {}
    for view in views:
        looking.setdefault(view.camera, []).append(view)
    n, k = len(face.field.cells), question.k
    seen = {name: _of_camera(face, sight, views, question.criteria) for name, views in looking.items()}
    density = np.max([each.density for each in seen.values()], axis=0) if seen else np.zeros(n)
    masks, exact = _together(seen, k, n)
    shares = _shares(face, seen, exact)
    amounts = [face.field.amounts(mask) for mask in masks]
    current, origin, rounds = face, np.arange(n), 1
    while rounds < MOST_ROUNDS:
        undecided = masks[2] & ~masks[0] & _open(seen)
        worth = float(current.field.amounts(undecided).sum()) > question.tolerance * max(face.face.area, 1e-12)
        if not worth or int(np.bitwise_count(undecided).sum()) > MOST_PARTS:
            break
        # what is looked at again leaves the sums it was in
        amounts = [
            part - np.bincount(origin, current.field.amounts(mask & undecided), n) for part, mask in zip(amounts, masks, strict=True)
        ]
        current, parent = finer(current, undecided, sight.edges)
        origin, rounds = origin[parent], rounds + 1
        seen = {name: _of_camera(current, sight, views, question.criteria) for name, views in looking.items()}
        masks, _ = _together(seen, k, len(current.field.cells))
        amounts = [part + np.bincount(origin, current.field.amounts(mask), n) for part, mask in zip(amounts, masks, strict=True)]
    return _Found(face, amounts[0], amounts[1], amounts[2], density, shares)


def _open(seen: Mapping[str, _Seen]) -> Any:
    """Parts where a closer look may decide something: the place is mixed, rather than the camera in doubt."""
    return np.bitwise_or.reduce([each.mixed for each in seen.values()]) if seen else np.uint64(0)


def _shares(face: Upright, seen: Mapping[str, _Seen], exact: Masks) -> dict[str, tuple[float, float]]:
    """Area that each camera covers by best knowledge, and of that what would be lost without it. [m2]"""
    return {
        name: (float(face.field.amounts(each.likely).sum()), float(face.field.amounts(each.likely & exact).sum()))
        for name, each in seen.items()
    }


def _together(seen: Mapping[str, _Seen], k: int, n: int) -> tuple[tuple[Masks, Masks, Masks], Masks]:
    """Masks of what at least k cameras cover, surely, by best knowledge and perhaps; and of what exactly k do by best knowledge."""
    counts = np.zeros((3, k + 1, n), np.uint64)  # bit set in [b, j]: more than j cameras cover the part
    for each in seen.values():
        for b, mask in enumerate((each.sure, each.likely, each.perhaps)):
            carry = mask
            for j in range(k + 1):
                carry, counts[b, j] = carry & counts[b, j], carry | counts[b, j]
    return (counts[0, k - 1], counts[1, k - 1], counts[2, k - 1]), counts[1, k - 1] & ~counts[1, k]


def _of_camera(face: Upright, sight: Sight, views: Sequence[View], criteria: Criteria) -> _Seen:
    """What all aims of one camera see of a face."""
    n = len(face.field.cells)
    sure, likely, perhaps, mixed = (np.zeros(n, np.uint64) for _ in range(4))
    density = np.zeros(n)
    points = face.face.plane.to_enu(face.field.cells.centre[:, :2])
    for view in views:
        low, mid, high = _look(face, sight, replace(view, least=None, most=None), criteria)
        if view.lens == ANY_WAY:
            low, mid = np.zeros_like(low), np.zeros_like(mid)
        else:
            density = np.maximum(density, np.where(mid != 0, densities(view, points), 0.0))
            mixed |= high & ~low
        if is_in_doubt(view) or sight.best is not None:
            low = _look(face, sight, certain(view), criteria)[0] & mid if is_in_doubt(view) else low
            sure_most, _, most = _look(face, sight.best or sight, possible(view), criteria)
            high |= most
            mixed |= most & ~sure_most if view.lens != ANY_WAY else np.uint64(0)
        sure, likely, perhaps = sure | low, likely | mid, perhaps | high | mid
    return _Seen(sure, likely, perhaps, mixed, density)


def _faces(face: Face, view: View) -> bool:
    """Whether a view may look at the front of a face."""
    return float(face.plane.before(np.array(view.position))) + max(0.0, view.slack.xy_m) > IN_FRONT_M


def _look(face: Upright, sight: Sight, view: View, criteria: Criteria) -> tuple[Masks, Masks, Masks]:
    """Masks (n,) of the parts of a face's cells that one view sees: for certain, by their middles, perhaps."""
    field, plane = face.field, face.face.plane
    n = len(field.cells)
    nothing = np.zeros(n, np.uint64)
    if not n or not _faces(face.face, view):
        return nothing, nothing.copy(), nothing.copy()
    packed = pack(view, criteria)
    middle = plane.to_enu(field.cells.centre[:, :2])
    half = field.step / 2
    flat = half * max(abs(plane.along[0]), abs(plane.along[1]))
    kept = _in_view(packed, middle, flat, half)
    if not kept.any():
        return nothing, nothing.copy(), nothing.copy()
    room = np.array([flat, flat, half])
    box = np.concatenate([middle[kept].min(axis=0) - room, middle[kept].max(axis=0) + room])
    walls = sectors(sight.edges, sight.scene, packed[:3].copy(), box, shift_of(view))
    along = np.array([plane.along[0], plane.along[1]])
    state = (np.flatnonzero(kept), middle, field.pages.dead, face.cut)
    cell, mask, ray, kind, yes, targets = _descend(packed, walls, along, field.step, state)
    free = ~sight.scene.occluded(np.broadcast_to(packed[:3], targets.shape), targets)
    return _settled(n, (cell, mask, ray, kind, yes), free)


def _settled(n: int, records: Any, free: NDArray[np.bool_]) -> tuple[Masks, Masks, Masks]:
    """Records with their rays answered, as masks of the n cells."""
    cell, mask, ray, kind, yes = records
    clear = free[ray] if len(free) else np.zeros(len(ray), np.bool_)
    out = tuple(np.zeros(n, np.uint64) for _ in range(3))
    for target, chosen in zip(out, ((kind == _YES) & clear, yes & clear, (kind == _PERHAPS) | clear), strict=True):
        np.bitwise_or.at(target, cell[chosen], mask[chosen])
    return out[0], out[1], out[2]


@njit(cache=True, nogil=True)
def _may_see(views: FloatArray, centre: FloatArray, half: float, half_z: float) -> Any:
    """Which views (n, …) may have something of a box in view (n,)."""
    out = np.zeros(len(views), np.bool_)
    for i in range(len(views)):
        x, y, z = centre[0] - views[i, 0], centre[1] - views[i, 1], centre[2] - views[i, 2]
        out[i] = box_verdict(views[i], x, y, z, half, half_z) != OUT
    return out


@njit(cache=True, nogil=True)
def _in_view(view: FloatArray, middle: FloatArray, flat: float, half: float) -> Any:
    """Whether each cell may be in view (n,)."""
    out = np.zeros(len(middle), np.bool_)
    for i in range(len(middle)):
        x, y, z = middle[i, 0] - view[0], middle[i, 1] - view[1], middle[i, 2] - view[2]
        out[i] = box_verdict(view, x, y, z, flat, half) != OUT
    return out


@njit(cache=True, nogil=True)
def _descend(view: FloatArray, walls: FloatArray, along: FloatArray, step: float, cells: Any) -> Any:
    """Records of the chosen cells: cell, parts, ray, kind and whether the middle fulfils; and the rays' targets (m, 3)."""
    chosen, middle, dead, cut = cells
    flat = max(abs(along[0]), abs(along[1]))
    out = [(np.int64(0), np.uint64(0), 0, 0, True) for _ in range(0)]
    rays = [(0.0, 0.0, 0.0) for _ in range(0)]
    near = np.empty((8, len(walls)), np.int32)
    count = np.zeros(8, np.int64)
    stack = np.empty((32, 5), np.int64)  # depth, column, row, size [parts], optics
    for i in chosen:
        stack[0] = 0, 0, 0, 8, MIXED
        top = 1
        while top > 0:
            top -= 1
            depth, column, row, size, optics = stack[top]
            parts = _block(column, row, size)
            live = parts & ~dead[i]
            if live == np.uint64(0):
                continue
            half = size * step / 16
            u, v = (column + size / 2) * step / 8 - step / 2, (row + size / 2) * step / 8 - step / 2
            x, y, z = middle[i, 0] + along[0] * u - view[0], middle[i, 1] + along[1] * u - view[1], middle[i, 2] + v - view[2]
            optics = optics if optics == IN else box_verdict(view, x, y, z, half * flat, half)
            if optics == OUT:
                continue
            count[depth] = _narrow(walls, near, count, depth, (x, y, z, half * flat, half))
            uniform = count[depth] == 0 and cut[i] & parts == np.uint64(0)
            if (uniform and optics == IN) or size == 1:
                fulfils = optics == IN or verdict_at(view, x, y, z) == INSIDE
                kind = _PERHAPS if not uniform else _YES if optics == IN else _RAY
                out.append((np.int64(i), live, len(rays), kind, fulfils))
                rays.append((x + view[0], y + view[1], z + view[2]))
            else:
                for quarter in range(4):
                    stack[top] = depth + 1, column + size // 2 * (quarter % 2), row + size // 2 * (quarter // 2), size // 2, optics
                    top += 1
    return columns(out, rays)


@njit(cache=True, nogil=True)
def _block(column: int, row: int, size: int) -> np.uint64:
    """The bits of a block of parts."""
    mask = np.uint64(0)
    for j in range(row, row + size):
        for i in range(column, column + size):
            mask |= np.uint64(1) << np.uint64(j * 8 + i)
    return mask


@njit(cache=True, nogil=True)
def _narrow(walls: FloatArray, near: NDArray[np.int32], count: NDArray[np.int64], depth: int, box: Any) -> int:
    """Keep in near[depth] those walls of the block above that may enter this one; their number."""
    x, y, z, flat, half = box
    distance = math.sqrt(x * x + y * y + z * z)
    n = 0
    for k in range(len(walls) if depth == 0 else count[depth - 1]):
        wall = k if depth == 0 else near[depth - 1, k]
        if enters(walls[wall], (x, y, z, flat + _SLACK_M, half + _SLACK_M, distance)):
            near[depth, n] = wall
            n += 1
    return n
