"""What each device covers by itself, and what devices cover together.

A device's footprint does not depend on other devices. Together they are counted part by part - bits set, never amounts added up - and
the area of a cell follows from its own bits alone. So a cell has the same area in whatever order devices are counted, and when one device
changes, counting again in the cells it touches gives, bit for bit, what counting everywhere would.

Three bounds go side by side everywhere: for certain, by best knowledge, perhaps. Parts are those of `field`, pieces those of `closer`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.coverage.closer import Fine
from twin.coverage.exact import Drawn, sharpened
from twin.coverage.field import EVERY, PARTS, Field, distinct_cells, piece_areas
from twin.coverage.look import LASTING_NO, LASTING_YES, SEEN, Look
from twin.coverage.shadows import Seen

FloatArray = NDArray[np.float64]
Masks = NDArray[np.uint64]

_PIECES = 64  # in a part
_IN_A_CELL = 64 * _PIECES


@dataclass(frozen=True)
class Footprint:
    """What one device covers of a field; cells and places come once each, in ascending order."""

    cell: NDArray[np.int32]  # (m,)
    whole: Masks  # (m, 3) parts covered as a whole
    strength: FloatArray  # (m,) best value on each cell that it covers by best knowledge, 0 elsewhere
    place: NDArray[np.int64]  # (s,) 64 · cell + part: parts covered piece by piece
    fine: Masks  # (s, 3) pieces of them
    drawn: Drawn = field(default_factory=dict[int, Seen])  # polygons of the same, by piece of the surface, where it draws them

    @property
    def nbytes(self) -> int:
        """The memory it takes. [bytes]"""
        return sum(part.nbytes for part in (self.cell, self.whole, self.strength, self.place, self.fine))


@dataclass(frozen=True)
class Amounts:
    """Area of t cells that is covered: for certain, by best knowledge, perhaps; and the best value on each."""

    area: FloatArray  # (t, 3) [m2]
    strength: FloatArray  # (t,)
    exact: NDArray[np.bool_]  # (t,) whether polygons say it
    apart: FloatArray  # (t,) by how much polygons and parts contradict each other [m2]


NOWHERE = Footprint(np.empty(0, np.int32), np.empty((0, 3), np.uint64), np.empty(0), np.empty(0, np.int64), np.empty((0, 3), np.uint64))


def footprint(looks: Sequence[tuple[Look, Fine, FloatArray]]) -> Footprint:
    """The footprint of a device, from what its views see.

    Parameters
    ----------
    looks
        Of each view its look, the closer look at what that left undecided, and the value (m,) on the middle of the cell of each of the
        look's records.
    """
    if not looks:
        return NOWHERE
    cell, mask, state, value = (
        np.concatenate(part)
        for part in zip(*((found.cell, found.mask, found.state, strength) for found, _, strength in looks), strict=True)
    )
    refined = np.concatenate([_refined(found, fine) for found, fine, _ in looks])
    distinct, row = distinct_cells(cell)
    whole, best = np.zeros((len(distinct), 3), np.uint64), np.zeros(len(distinct))
    _gather(row, mask & ~refined, state, value, whole, best)
    places = np.concatenate([fine.place for _, fine, _ in looks])
    place, at = np.unique(places, return_inverse=True)
    pieces = np.zeros((len(place), 3), np.uint64)
    np.bitwise_or.at(pieces, at, np.concatenate([fine.pieces for _, fine, _ in looks]))
    held = _held(place, distinct, whole)
    needed = ~held[:, 0] & (pieces != 0).any(axis=1)  # nothing is said of parts that are covered as a whole for certain anyway
    pieces[held] = 0  # counted with the whole parts
    return Footprint(distinct.astype(np.int32), whole, best, place[needed], pieces[needed])


def _refined(found: Look, fine: Fine) -> Masks:
    """The parts of each record (m,) that the closer look speaks of in the record's place."""
    cell, start = np.unique(fine.place // 64, return_index=True)
    if not len(cell):
        return np.zeros(len(found.cell), np.uint64)
    mask = np.bitwise_or.reduceat(np.uint64(1) << (fine.place % 64).astype(np.uint64), start)
    at = np.minimum(np.searchsorted(cell, found.cell), len(cell) - 1)
    undecided = (found.state != SEEN) & (found.state != LASTING_YES) & (found.state != LASTING_NO)
    return np.where(undecided & (cell[at] == found.cell), mask[at], np.uint64(0))


@njit(cache=True, nogil=True)
def _gather(row: Any, mask: Masks, state: NDArray[np.uint8], value: FloatArray, whole: Masks, best: FloatArray) -> None:
    for m in range(len(row)):
        i = row[m]
        whole[i, 2] |= mask[m]
        if state[m] <= LASTING_YES:
            whole[i, 1] |= mask[m]
            best[i] = max(best[i], value[m])
        if state[m] == SEEN:
            whole[i, 0] |= mask[m]


def _held(place: NDArray[np.int64], cell: NDArray[np.int64], whole: Masks) -> NDArray[np.bool_]:
    """Whether parts (s,) are covered as a whole: (s, 3)."""
    if not len(place):
        return np.zeros((0, 3), np.bool_)
    at = np.searchsorted(cell, place // 64)  # a closer look comes from a record: its cell is there
    return (whole[at] >> (place % 64).astype(np.uint64)[:, None] & np.uint64(1)).astype(bool)


def together(field: Field, footprints: Sequence[Footprint], k: int, cells: NDArray[np.int32] | None = None) -> Amounts:
    """What at least k devices cover of cells (t,), in ascending order; of all cells where none are named."""
    t = len(field.cells) if cells is None else len(cells)
    planes = np.zeros((3, k, t), np.uint64)  # bit set in [b, j]: more than j devices cover the part
    strength = np.zeros(t)
    places: list[NDArray[np.int64]] = []
    pieces: list[Masks] = []
    for each in footprints:
        row, keep = _rows(each.cell, cells)
        _add(row, each.whole[keep], each.strength[keep], planes, strength)
        if len(each.place):
            inner, chosen = _rows(each.place // 64, cells)
            places.append(inner * 64 + (each.place % 64)[chosen])
            pieces.append(each.fine[chosen])
    place = np.concatenate(places) if places else np.empty(0, np.int64)
    order = np.argsort(place, kind="stable")
    fine = np.concatenate(pieces)[order] if pieces else np.empty((0, 3), np.uint64)
    chosen_cells = slice(None) if cells is None else cells
    corner = field.cells.centre[chosen_cells, :2] - field.step / 2
    shape = (field.cells.area[chosen_cells], field.pages.border[chosen_cells], field.pages.dead[chosen_cells], corner)
    area = _areas(planes, place[order], fine, shape, (field.part_area, field.rings, field.step))
    if not any(each.drawn for each in footprints):
        return Amounts(area, strength, np.zeros(t, np.bool_), np.zeros(t))
    sharp = sharpened(field.cells, area, [each.cell for each in footprints], [each.drawn for each in footprints], k, cells)
    return Amounts(sharp.area, strength, sharp.exact, sharp.apart)


def _rows(cell: NDArray[Any], cells: NDArray[np.int32] | None) -> tuple[NDArray[np.int64], Any]:
    """Where cells of a footprint are among `cells`, and which of them are there at all."""
    if cells is None:
        return cell.astype(np.int64), slice(None)
    at = np.searchsorted(cells, cell)
    keep = np.flatnonzero((at < len(cells)) & (cells[np.minimum(at, len(cells) - 1)] == cell)) if len(cells) else np.empty(0, np.int64)
    return at[keep].astype(np.int64), keep


@njit(cache=True, nogil=True)
def _add(row: NDArray[np.int64], whole: Masks, value: FloatArray, planes: Any, strength: FloatArray) -> None:
    """Count one device in."""
    for m in range(len(row)):
        i = row[m]
        strength[i] = max(strength[i], value[m])
        for b in range(3):
            carry = whole[m, b]
            for j in range(planes.shape[1]):
                carry, planes[b, j, i] = carry & planes[b, j, i], carry | planes[b, j, i]


@njit(cache=True, nogil=True)
def _areas(planes: Any, place: NDArray[np.int64], fine: Masks, shape: Any, borders: Any) -> Any:
    """Area (t, 3) of the parts and pieces that enough devices cover; `place` is in ascending order. [m2]"""
    area, border, _, _ = shape
    out, pieces = _whole_areas(planes, shape, borders)
    _add_pieces((planes, place, fine), shape, borders, out, pieces)
    for i in range(len(area)):
        if border[i] < 0:
            for b in range(3):
                out[i, b] = area[i] * (pieces[i, b] / _IN_A_CELL)
        else:  # sums of other terms may differ in their last bit
            out[i, 1] = min(out[i, 1], area[i])
            out[i, 0], out[i, 2] = min(out[i, 0], out[i, 1]), min(max(out[i, 2], out[i, 1]), area[i])
    return out


@njit(cache=True, nogil=True)
def _whole_areas(planes: Any, shape: Any, borders: Any) -> Any:
    """Of the parts that enough devices cover as a whole: area in border cells and in cells where nothing is missing, and pieces."""
    area, border, dead, _ = shape
    part_area = borders[0]
    k = planes.shape[1]
    out, pieces = np.zeros((len(area), 3)), np.zeros((len(area), 3), np.int64)
    for i in range(len(area)):
        for b in range(3):
            mask = planes[b, k - 1, i]
            if mask | dead[i] == EVERY:
                out[i, b], pieces[i, b] = area[i], _IN_A_CELL
            elif border[i] < 0:
                pieces[i, b] = _PIECES * _ones(mask)
            else:
                out[i, b] = _border_area(mask, part_area[border[i]])
    return out, pieces


@njit(cache=True, nogil=True)
def _add_pieces(found: Any, shape: Any, borders: Any, out: FloatArray, pieces: NDArray[np.int64]) -> None:
    """Add the pieces that enough devices cover, of parts that they do not cover as a whole."""
    planes, place, fine = found
    _, border, _, corner = shape
    k = planes.shape[1]
    room, reached = np.empty(64), np.empty(k, np.uint64)
    start = 0
    while start < len(place):
        end = start
        while end < len(place) and place[end] == place[start]:
            end += 1
        i, bit = place[start] // 64, place[start] % 64
        if border[i] >= 0:
            _piece_areas(borders, border[i], corner[i], bit, room)
        for b in range(3):
            if pieces[i, b] == _IN_A_CELL or planes[b, k - 1, i] >> np.uint64(bit) & np.uint64(1):
                continue
            mask = _reached(planes[b, :, i], bit, fine[start:end, b], reached)
            if border[i] < 0:
                pieces[i, b] += _ones(mask)
            else:
                out[i, b] += _border_area(mask, room)
        start = end


@njit(cache=True, nogil=True)
def _reached(planes: Masks, bit: int, fine: Masks, reached: Masks) -> Any:
    """The pieces of a part that at least k devices cover: those that cover it as a whole, and those that cover pieces of it."""
    k = len(planes)
    for j in range(k):
        reached[j] = EVERY if planes[j] >> np.uint64(bit) & np.uint64(1) else np.uint64(0)
    for m in range(len(fine)):
        carry = fine[m]
        for j in range(k):
            carry, reached[j] = carry & reached[j], carry | reached[j]
    return reached[k - 1]


@njit(cache=True, nogil=True)
def _border_area(mask: np.uint64, area: FloatArray) -> float:
    """The sum of the areas (64,) whose bits are set."""
    total = 0.0
    for bit in range(64):
        if mask >> np.uint64(bit) & np.uint64(1):
            total += area[bit]
    return total


@njit(cache=True, nogil=True)
def _piece_areas(borders: Any, row: int, corner: FloatArray, bit: int, out: FloatArray) -> None:
    """Put the area of the pieces of a part of a border cell into `out` (64,); they add up to the part's. [m2]"""
    part_area, rings, step = borders
    size = step / PARTS
    piece_areas(rings, row, corner[0] + bit % PARTS * size, corner[1] + bit // PARTS * size, size / PARTS, out)
    total = out.sum()
    if total > 0:
        out *= part_area[row, bit] / total
    else:
        out[:] = part_area[row, bit] / 64


@njit(cache=True, nogil=True)
def _ones(mask: Any) -> Any:
    """How many bits are set."""
    mask = mask - ((mask >> np.uint64(1)) & np.uint64(0x5555555555555555))
    mask = (mask & np.uint64(0x3333333333333333)) + ((mask >> np.uint64(2)) & np.uint64(0x3333333333333333))
    mask = (mask + (mask >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((mask * np.uint64(0x0101010101010101)) >> np.uint64(56))
