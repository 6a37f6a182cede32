"""A running count of what devices cover together: one device changes, and only the cells it touches are counted again.

Counting again in a few cells gives, bit for bit, what counting everywhere gives (`footprint`), so a tally that was changed a hundred times
equals one that was made anew. Tallies never change themselves: what follows from a change is another tally.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.coverage.field import EVERY, PARTS, Field, piece_areas
from twin.coverage.footprint import Footprint, together

FloatArray = NDArray[np.float64]
Masks = NDArray[np.uint64]
Cells = NDArray[np.int32]
Box = tuple[float, float, float, float]

_LIKELY = 1  # the column of what counts by best knowledge


@dataclass(frozen=True)
class Tally:
    """What some devices cover of a field's n cells, each by itself and at least k of them together."""

    field: Field
    k: int
    footprints: Mapping[str, Footprint]  # by the device's id
    boxes: Mapping[str, Box]  # where each lies in plan
    area: FloatArray  # (3, n) for certain, by best knowledge, perhaps [m2]
    strength: FloatArray  # (n,) best value on each cell
    exact: NDArray[np.bool_]  # (n,) whether polygons say it
    apart: FloatArray  # (n,) by how much polygons and parts contradict each other [m2]


@dataclass(frozen=True)
class Contribution:
    """What one device covers by best knowledge, and what would be lost without it. [m2]"""

    covered: float
    lost: float


def tally(field: Field, footprints: Mapping[str, Footprint], k: int) -> Tally:
    """What devices with these footprints cover."""
    found = together(field, list(footprints.values()), k)
    boxes = {name: _box(field, each.cell) for name, each in footprints.items()}
    return Tally(field, k, dict(footprints), boxes, np.ascontiguousarray(found.area.T), found.strength, found.exact, found.apart)


def changed(before: Tally, changes: Mapping[str, Footprint | None]) -> tuple[Tally, Cells]:
    """The tally with some devices' footprints replaced, added or (None) taken away, and the cells (t,) that were counted again."""
    after = {name: footprint for name, footprint in {**before.footprints, **changes}.items() if footprint is not None}
    boxes = {name: before.boxes[name] if name not in changes else _box(before.field, each.cell) for name, each in after.items()}
    moved = [each for name in changes for each in (before.footprints.get(name), changes[name]) if each is not None]
    cells = np.unique(np.concatenate([each.cell for each in moved])) if moved else np.empty(0, np.int32)
    if not len(cells):
        return replace(before, footprints=after, boxes=boxes), cells
    found = together(before.field, _near(before.field, after, boxes, cells), before.k, cells)
    area, strength, exact, apart = before.area.copy(), before.strength.copy(), before.exact.copy(), before.apart.copy()
    area[:, cells], strength[cells], exact[cells], apart[cells] = found.area.T, found.strength, found.exact, found.apart
    return Tally(before.field, before.k, after, boxes, area, strength, exact, apart), cells


def _box(field: Field, cells: Cells) -> Box:
    """West, south, east, north of the middles of cells. [m, enu]"""
    if not len(cells):
        return math.inf, math.inf, -math.inf, -math.inf
    at = field.cells.centre[cells, :2]
    (west, south), (east, north) = at.min(axis=0).tolist(), at.max(axis=0).tolist()
    return west, south, east, north


def _near(field: Field, footprints: Mapping[str, Footprint], boxes: Mapping[str, Box], cells: Cells) -> list[Footprint]:
    """The footprints that may have one of some cells."""
    west, south, east, north = _box(field, cells)
    return [
        each for name, each in footprints.items()
        if boxes[name][0] <= east and boxes[name][2] >= west and boxes[name][1] <= north and boxes[name][3] >= south
    ]  # fmt: skip


def contribution_of(found: Tally, name: str) -> Contribution:
    """What one device covers, and what would be lost without it: counted in parts, as `contributions` does for all."""
    everything = {other: replace(each, drawn={}) for other, each in found.footprints.items()}
    own = everything.pop(name)
    others = _near(found.field, everything, found.boxes, own.cell)
    alone, together_, without = (
        together(found.field, each, k, own.cell).area[:, _LIKELY].sum()
        for each, k in (([own], 1), ([*others, own], found.k), (others, found.k))
    )
    return Contribution(float(alone), float(together_ - without))


def contributions(found: Tally) -> dict[str, Contribution]:
    """What each device covers, and what would be lost without it: what exactly k devices cover, it being one of them."""
    field, k = found.field, found.k
    planes = np.zeros((k + 1, len(field.cells)), np.uint64)
    for each in found.footprints.values():
        _count(each.cell, each.whole[:, _LIKELY], planes)
    fine = [(each.place, each.fine[:, _LIKELY]) for each in found.footprints.values() if len(each.place)]
    places = np.concatenate([place for place, _ in fine]) if fine else np.empty(0, np.int64)
    order = np.argsort(places, kind="stable")
    masks = np.concatenate([mask for _, mask in fine])[order] if fine else np.empty(0, np.uint64)
    place, first = np.unique(places[order], return_index=True)
    exact = _exactly(planes, place, np.append(first, len(masks)), masks)
    areas = (field.cells.area, field.pages.border, field.part_area, field.rings, field.step, field.cells.centre)
    start = np.searchsorted(place // 64, np.arange(len(field.cells) + 1))
    mixed = (place, start, exact)
    return {
        name: Contribution(*_contribution((each.cell, each.whole[:, _LIKELY], each.place, each.fine[:, _LIKELY]), planes, mixed, areas))
        for name, each in found.footprints.items()
    }


@njit(cache=True, nogil=True)
def _count(cell: Cells, mask: Masks, planes: Masks) -> None:
    """Count one device in: bit set in planes[j]: more than j devices cover the part."""
    for m in range(len(cell)):
        carry = mask[m]
        for j in range(len(planes)):
            carry, planes[j, cell[m]] = carry & planes[j, cell[m]], carry | planes[j, cell[m]]


@njit(cache=True, nogil=True)
def _exactly(planes: Masks, place: NDArray[np.int64], first: NDArray[np.int64], masks: Masks) -> Any:
    """The pieces (s,) of parts that exactly k devices cover."""
    k = len(planes) - 1
    out = np.empty(len(place), np.uint64)
    reached = np.empty(k + 1, np.uint64)
    for s in range(len(place)):
        cell, bit = place[s] // 64, np.uint64(place[s] % 64)
        for j in range(k + 1):
            reached[j] = EVERY if planes[j, cell] >> bit & np.uint64(1) else np.uint64(0)
        for m in range(first[s], first[s + 1]):
            carry = masks[m]
            for j in range(k + 1):
                carry, reached[j] = carry & reached[j], carry | reached[j]
        out[s] = reached[k - 1] & ~reached[k]
    return out


@njit(cache=True, nogil=True)
def _contribution(own: Any, planes: Masks, mixed: Any, areas: Any) -> Any:
    """Area that a device covers, and of what exactly k devices cover of it. [m2]"""
    cell, whole, place, fine = own
    places, start, exact = mixed
    k = len(planes) - 1
    covered, lost = 0.0, 0.0
    room = np.empty(64)
    s = 0
    for m in range(len(cell)):
        i = cell[m]
        single = whole[m] & planes[k - 1, i] & ~planes[k, i]
        covered += _parts_area(areas, i, whole[m])
        for p in range(start[i], start[i + 1]):
            bit = np.uint64(places[p] % 64)
            while s < len(place) and place[s] < places[p]:
                s += 1
            pieces = fine[s] if s < len(place) and place[s] == places[p] else np.uint64(0)
            covered += _pieces_area(areas, places[p], pieces, room)
            if whole[m] >> bit & np.uint64(1):
                pieces = EVERY
            single &= ~(np.uint64(1) << bit)
            lost += _pieces_area(areas, places[p], pieces & exact[p], room)
        lost += _parts_area(areas, i, single)
    return covered, lost


@njit(cache=True, nogil=True)
def _parts_area(areas: Any, i: int, mask: np.uint64) -> float:
    area, border, part_area, _, _, _ = areas
    total = 0.0
    for bit in range(64):
        if mask >> np.uint64(bit) & np.uint64(1):
            total += area[i] / 64 if border[i] < 0 else part_area[border[i], bit]
    return total


@njit(cache=True, nogil=True)
def _pieces_area(areas: Any, place: int, mask: np.uint64, room: FloatArray) -> float:
    """Area of pieces of a part."""
    area, border, part_area, rings, step, centre = areas
    if mask == 0:
        return 0.0
    i, part = place // 64, place % 64
    row = border[i]
    whole = area[i] / 64 if row < 0 else part_area[row, part]
    if row < 0 or mask == EVERY:
        room[:] = 1.0
    else:
        size = step / PARTS
        x, y = centre[i, 0] - step / 2 + part % PARTS * size, centre[i, 1] - step / 2 + part // PARTS * size
        piece_areas(rings, row, x, y, size / PARTS, room)
    total, chosen = 0.0, 0.0
    for bit in range(64):
        total += room[bit]
        if mask >> np.uint64(bit) & np.uint64(1):
            chosen += room[bit]
    return whole * chosen / total if total > 0 else 0.0
