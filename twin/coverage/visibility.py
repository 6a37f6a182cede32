"""What cameras see of a surface, with bounds that hold.

For every camera the surface is halved from pages of cells down to parts of cells (`look`). What is still mixed at the least part is
undecided: it counts to the upper bound, not to the lower, and to the value by its middle. Undecided parts are then cut into cells of
their own and looked at again, as long as that is worth the work.

A surface counts as covered to within 1 mm of what stands on it. Sight itself is as exact as `twin.scene.embree` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.coverage.camera import ANY_WAY, Criteria, View, density_at, pack
from twin.coverage.cells import Ground, subdivide
from twin.coverage.field import Field, arrange
from twin.coverage.look import PERHAPS_NO, PERHAPS_YES, SEEN, Look, Sight, look
from twin.coverage.surface import Surface

FloatArray = NDArray[np.float64]
Masks = tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]  # of parts covered at least, by best knowledge, at most
Remember = Callable[[View, Callable[[], Look]], Look]

MOST_PARTS = 2_000_000  # undecided parts that are looked at again
MOST_ROUNDS = 3


@dataclass(frozen=True)
class Question:
    """What is asked of a surface: how the targets stand on it, what they must fulfil, and by how many cameras."""

    criteria: Criteria
    target_height: float  # above floor or ground [m]
    ground: Ground
    k: int = 1
    tolerance: float = 1e-3  # undecided share of the surface at which refining stops


@dataclass(frozen=True)
class Covered:
    """Area of each of n cells that is covered: at least, by best knowledge, at most [m2]; and the best density on its middle [px/m]."""

    lower: FloatArray  # (n,)
    value: FloatArray  # (n,)
    upper: FloatArray  # (n,)
    density: FloatArray  # (n,)
    rounds: int


def cover(
    surface: Surface, field: Field, sight: Sight, views: Sequence[View], question: Question, remember: Remember | None = None
) -> Covered:
    """The area of each cell that at least k cameras cover.

    Parameters
    ----------
    surface, field
        The surface, and its cells arranged among the same obstacles as `sight`.
    sight
        What is in the way.
    views
        Aims of cameras; those of one camera count once. A view with lens ANY_WAY adds to the upper bound only.
    question
        What is asked.
    remember
        Called for each view of the first round with what computes its look; it may answer from memory.
    """
    n, total = len(field.cells), float(field.cells.area.sum())
    looks = _looks(field, sight, views, question.criteria, remember)
    masks, unknown = _combined(field, views, looks, question.k)
    density = _best_density(field, views, looks)
    rounds, origin, first = 1, np.arange(n), field
    lower, value, upper = first.amounts(masks[0]), first.amounts(masks[1]), first.amounts(masks[2])
    while rounds < MOST_ROUNDS:
        undecided = masks[2] & ~masks[0] & ~unknown
        if field.amounts(undecided).sum() <= question.tolerance * total or int(np.bitwise_count(undecided).sum()) > MOST_PARTS:
            break
        # what is looked at again leaves the sums it was in
        value, upper = (
            part - np.bincount(origin, field.amounts(mask & undecided), n) for part, mask in ((value, masks[1]), (upper, masks[2]))
        )
        parts, parent = subdivide(surface, field.cells, undecided, question.ground, question.target_height)
        field, origin, rounds = arrange(parts, sight.edges), origin[parent], rounds + 1
        masks, unknown = _combined(field, views, _looks(field, sight, views, question.criteria, None), question.k)
        lower, value, upper = (
            part + np.bincount(origin, field.amounts(mask), n) for part, mask in ((lower, masks[0]), (value, masks[1]), (upper, masks[2]))
        )
    return Covered(lower, value, upper, density, rounds)


def _looks(field: Field, sight: Sight, views: Sequence[View], criteria: Criteria, remember: Remember | None) -> list[Look]:
    """What each view sees; views are looked through side by side, as the compiled loops leave the interpreter free."""

    def one(view: View) -> Look:
        return look(field, sight, view, criteria) if remember is None else remember(view, lambda: look(field, sight, view, criteria))

    if len(views) < 2 or not len(field.cells):
        return [one(view) for view in views]
    with ThreadPoolExecutor(cpu_count() or 1) as pool:
        return list(pool.map(one, views))


def _combined(field: Field, views: Sequence[View], looks: Sequence[Look], k: int) -> tuple[Masks, NDArray[np.uint64]]:
    """Masks (n,) of the parts that at least k cameras cover, certainly, by best knowledge and perhaps; and of the undecided parts that
    cameras of unknown direction may cover, where looking closer decides nothing."""
    n = len(field.cells)
    counts = np.zeros((3, k, n), np.uint64)  # bit set in [b, j]: more than j cameras cover the part
    scratch = np.zeros((3, n), np.uint64)
    touched = np.zeros(n, np.uint64)
    by_camera: dict[str, list[int]] = {}
    for i, view in enumerate(views):
        by_camera.setdefault(view.camera, []).append(i)
        if view.lens == ANY_WAY:
            np.bitwise_or.at(touched, looks[i].cell, looks[i].mask)
    for numbers in by_camera.values():
        cell, mask, state = (np.concatenate([getattr(looks[i], name) for i in numbers]) for name in ("cell", "mask", "state"))
        unknown = np.concatenate([np.full(len(looks[i].cell), views[i].lens == ANY_WAY) for i in numbers])
        _count(cell, mask, np.where(unknown, np.uint8(PERHAPS_NO), state), scratch, counts)
    lower, value, upper = (counts[b, k - 1].copy() for b in range(3))
    return (lower, value, upper), touched & upper & ~lower


@njit(cache=True, nogil=True)
def _count(cell: NDArray[np.int32], mask: NDArray[np.uint64], state: NDArray[np.uint8], scratch: NDArray[np.uint64], counts: Any) -> None:
    """Add one camera's records to the counts; `scratch` is zero before and after."""
    for m in range(len(cell)):
        i = cell[m]
        scratch[2, i] |= mask[m]
        if state[m] <= PERHAPS_YES:
            scratch[1, i] |= mask[m]
        if state[m] == SEEN:
            scratch[0, i] |= mask[m]
    for m in range(len(cell)):
        i = cell[m]
        for b in range(3):
            carry = scratch[b, i]
            for j in range(counts.shape[1]):
                carry, counts[b, j, i] = carry & counts[b, j, i], carry | counts[b, j, i]
            scratch[b, i] = 0


def _best_density(field: Field, views: Sequence[View], looks: Sequence[Look]) -> FloatArray:
    """The highest density (n,) with which a camera covers part of a cell, on the cell's middle. [px/m]"""
    best = np.zeros(len(field.cells))
    for view, seen in zip(views, looks, strict=True):
        if view.lens != ANY_WAY:
            _raise_density(seen.cell[seen.state != PERHAPS_NO], pack(view, Criteria()), field.cells.centre, best)
    return best


@njit(cache=True, nogil=True)
def _raise_density(cell: NDArray[np.int32], view: FloatArray, centre: FloatArray, best: FloatArray) -> None:
    for i in cell:
        best[i] = max(best[i], density_at(view, centre[i, 0] - view[0], centre[i, 1] - view[1], centre[i, 2] - view[2]))
