"""What the bodies before whole cells take from a signal: at each cell's point, and at least and at most over all of the cell.

One segment goes to each cell. The bodies it passes stand before all of the cell unless an edge of theirs comes between
(`twin.coverage.behind`); what such a body costs lies between nothing and the most it can cost, all others between the least and the most
over the angles and thicknesses at which the cell's corners see their faces:

        antenna *----[ certain: its price over the cell ]----[ a rim: 0 ... the most it can cost ]---- cell

An edge that only changes the face by which a body is entered or left moves the price between its extremes.

Where two bodies run through each other, as walls do that meet, the dearer one counts. Whether they do is asked along the way to every
corner: what is said of the order of two faces is linear in the place, and so holds in the whole cell where it holds at its corners.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from twin.coverage.behind import CREASE, Changes, Corners
from twin.coverage.makeup import BEST, DEEPEST_M, LEAVES, LIKELY, SHELL, SOLID, THICKEST_CM
from twin.coverage.walls import (
    COSINE,
    CROSSED,
    ENTERED,
    FROM,
    INSIDE_DB_PER_M,
    LEFT,
    OBJECT,
    TO,
    USUAL_CM,
    Barriers,
    Crossings,
    bodies,
    cost_of,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

TWICE = 0.5  # share of a body inside another from which it is the same wall twice
APART, PERHAPS, SURELY = 0, 1, 2  # whether one body is the same wall as another, somewhere in a cell or everywhere


@dataclass(frozen=True)
class Prices:
    """What t ways of pricing make of o objects."""

    table: FloatArray  # (t, m, 61, 91) by make-up, thickness [cm] and angle [deg]
    least: FloatArray  # (t, o, 3) the least and the most that passing an object once can cost, in the three cases
    most: FloatArray
    varies: BoolArray  # (o,) whether it matters by which face it is passed


@dataclass(frozen=True)
class Crossed:
    """What n cells lose by t ways of pricing, and the object that takes most at each cell's point (-1: none)."""

    point: FloatArray  # (n, t) likely case
    low: FloatArray  # (n, t, 3) over the cell, WORST LIKELY BEST
    high: FloatArray
    blocker: IntArray  # (n, t)


@dataclass(frozen=True)
class Passed:
    """What n points lose by t ways of pricing in the likely case, and the object that takes most (-1: none)."""

    db: FloatArray  # (n, t)
    blocker: IntArray  # (n, t)


def passed(barriers: Barriers, tables: FloatArray, lens: FloatArray, point: FloatArray, found: Crossings | None = None) -> Passed:
    """What stands between an antenna and points, as `crossed` has it at the points of cells.

    Parameters
    ----------
    barriers
        The objects of the scene.
    tables
        How they are priced (t, m, 61, 91). [dB]
    lens
        Where the antenna hangs (3,). [m, enu]
    point
        n points (n, 3). [m, enu]
    found
        What lies between, where that is known.
    """
    n, t = len(point), len(tables)
    out = Passed(np.zeros((n, t)), np.full((n, t), -1, np.int64))
    if found is None:
        found = barriers.scene.crossings(np.broadcast_to(lens, point.shape), point)
    offsets = np.searchsorted(found.segment, np.arange(n + 1))
    hits = (np.asarray(found.t), np.asarray(found.face), barriers.faces.object, barriers.faces.normal)
    ways = (np.ascontiguousarray(lens, np.float64), np.ascontiguousarray(point))
    _at_points(offsets, hits, ways, (barriers.walls.count, barriers.walls.make_up, tables), (out.db, out.blocker))
    return out


def prices(barriers: Barriers, tables: FloatArray) -> Prices:
    """What tables (t, m, 61, 91) make of the objects among which signals pass."""
    walls = barriers.walls
    extent = np.zeros(len(walls.count))
    extent[: len(barriers.faces.extent)] = barriers.faces.extent  # objects without faces come last, if at all
    thickest = np.clip(np.ceil(extent * 100.0 + 1.0), USUAL_CM, THICKEST_CM).astype(np.int64)
    running = np.maximum.accumulate(tables.max(axis=3)[:, :, 1:], axis=2)  # (t, m, 60) the most up to each thickness
    floor = tables[:, :, 1:].min(axis=(2, 3))  # (t, m)
    most = running[:, walls.make_up, thickest[:, None] - 1]  # (t, o, 3)
    least = floor[:, walls.make_up]
    shell, leaves = walls.count == SHELL, walls.count == LEAVES
    most[:, shell] = 2.0 * most[:, shell] + INSIDE_DB_PER_M * extent[shell, None]
    least[:, leaves] = 0.0
    most[..., 0], most[..., 2] = np.maximum(most[..., 0], most[..., 1]), np.minimum(most[..., 2], most[..., 1])
    least[..., 0], least[..., 2] = np.maximum(least[..., 0], least[..., 1]), np.minimum(least[..., 2], least[..., 1])
    varies = ((most - least) > 1e-9).any(axis=(0, 2)) | ((shell | leaves) & (most > 0).any(axis=(0, 2)))
    return Prices(np.ascontiguousarray(tables), least, most, varies)


def crossed(
    barriers: Barriers, by: Prices, lens: FloatArray, ends: tuple[FloatArray, Corners], changed: Changes, found: Crossings | None = None
) -> Crossed:
    """What stands between an antenna and cells.

    Parameters
    ----------
    barriers
        The objects of the scene.
    by
        How they are priced.
    lens
        Where the antenna hangs (3,). [m, enu]
    ends
        A point in each of n cells (n, 3) [m, enu], and the cells' corners.
    changed
        What changes within each cell, from that antenna.
    found
        What lies between, where that is known.
    """
    point, corners = ends
    n, t = len(point), len(by.table)
    if found is None:
        found = barriers.scene.crossings(np.broadcast_to(lens, point.shape), point)
    offsets = np.searchsorted(found.segment, np.arange(n + 1))
    out = Crossed(np.zeros((n, t)), np.zeros((n, t, 3)), np.zeros((n, t, 3)), np.full((n, t), -1, np.int64))
    hits = (np.asarray(found.t), np.asarray(found.face), barriers.faces.object, barriers.faces.normal)
    walls = (barriers.walls.count, barriers.walls.make_up, by.table, by.least, by.most, barriers.faces.box)
    cells = (corners.xy, corners.first, corners.z, changed.first, changed.body, changed.how)
    planes = (barriers.faces.normal, barriers.faces.offset)
    ways = (np.ascontiguousarray(lens, np.float64), np.ascontiguousarray(point), planes)
    _all(offsets, hits, ways, walls, cells, (out.point, out.low, out.high, out.blocker))
    return out


@nb.njit(nogil=True, cache=True)
def _all(offsets: Any, hits: Any, ways: Any, walls: Any, cells: Any, out: Any) -> None:  # pragma: no cover - compiled
    """Fill `out` for every cell."""
    lens, point, planes = ways
    count, make_up, table, least, most, box = walls
    xy, first, z, changes_first, changes_body, changes_how = cells
    no_spans = np.empty((0, 7))
    for i in range(len(point)):
        changed = (changes_body[changes_first[i] : changes_first[i + 1]], changes_how[changes_first[i] : changes_first[i + 1]])
        if offsets[i + 1] == offsets[i] and not len(changed[0]):
            continue
        spans = bodies(hits, offsets[i], offsets[i + 1], point[i] - lens, count) if offsets[i + 1] > offsets[i] else no_spans
        cell = (xy, first[i], first[i + 1], z[i])
        ways_in = _along(spans, lens, cell, planes)
        range_ = _measured(spans, ways_in, (lens, point[i]), cell, planes)
        same = _same(spans, ways_in, count, changed)
        for t in range(len(table)):
            priced = _priced(spans, range_, (count, make_up, table[t], least[t], most[t]), changed)
            hidden = _swallowed(spans, priced, (count, box, most[t]), changed)
            out[3][i, t] = _summed(spans, priced, (count, same, hidden), (out[0][i], out[1][i, t], out[2][i, t]), t)
            _unseen(spans, changed, count, most[t], out[2][i, t])


@nb.njit(nogil=True, cache=True)
def _at_points(offsets: Any, hits: Any, ways: Any, walls: Any, out: Any) -> None:  # pragma: no cover - compiled
    """Fill `out` for every point."""
    lens, point = ways
    count, make_up, table = walls
    for i in range(len(point)):
        if offsets[i + 1] == offsets[i]:
            continue
        spans = bodies(hits, offsets[i], offsets[i + 1], point[i] - lens, count)
        priced = np.zeros((len(spans), 1, 2))
        for t in range(len(table)):
            for k in range(len(spans)):
                body = int(spans[k, OBJECT])
                priced[k, 0, 1] = cost_of(spans[k], count[body], table[t, make_up[body, LIKELY]])
            most = 0.0
            for k in range(len(spans)):
                if _shared(spans, priced, count, k) <= TWICE:
                    out[0][i, t] += priced[k, 0, 1]
                    if priced[k, 0, 1] > most:
                        most, out[1][i, t] = priced[k, 0, 1], int(spans[k, OBJECT])


@nb.njit(nogil=True, cache=True)
def _along(spans: Any, lens: Any, cell: Any, planes: Any) -> Any:  # pragma: no cover - compiled
    """Where each body begins and ends on the way to each corner of the cell, its point the first of them (s, c, 2). [m]"""
    xy, first, last, z = cell
    levels = 1 if z[0] == z[1] else 2
    out = np.empty((len(spans), levels * (last - first) + 1, 2))
    for k in range(len(spans)):
        out[k, 0, 0], out[k, 0, 1] = spans[k, FROM], spans[k, TO]
        entered, left = int(spans[k, ENTERED]), int(spans[k, LEFT])
        for v in range(first, last):
            for level in range(levels):
                x, y, h = xy[v, 0] - lens[0], xy[v, 1] - lens[1], z[level] - lens[2]
                length = math.sqrt(x * x + y * y + h * h)
                at = 1 + levels * (v - first) + level
                out[k, at, 0] = _met(entered, x, y, h, lens, planes) * length if entered >= 0 else 0.0
                out[k, at, 1] = _met(left, x, y, h, lens, planes) * length if left >= 0 else length
    return out


@nb.njit(nogil=True, cache=True)
def _measured(spans: Any, ways: Any, way_in: Any, cell: Any, planes: Any) -> Any:  # pragma: no cover - compiled
    """For each body: least and most thickness across its face [m], way inside [m] and angle [deg] over the cell (s, 6)."""
    out = np.empty((len(spans), 6))
    lens, point = way_in
    xy, first, last, z = cell
    levels = 1 if z[0] == z[1] else 2
    radius = _angular_radius(lens, point, cell) if len(spans) else 0.0
    for k in range(len(spans)):
        way = spans[k, TO] - spans[k, FROM]
        out[k, 0], out[k, 1] = way * spans[k, COSINE], way * spans[k, COSINE]
        out[k, 2], out[k, 3] = way, way
        entered, left = int(spans[k, ENTERED]), int(spans[k, LEFT])
        face = entered if entered >= 0 else left
        for v in range(first, last):
            for level in range(levels):
                x, y, h = xy[v, 0] - lens[0], xy[v, 1] - lens[1], z[level] - lens[2]
                length = math.sqrt(x * x + y * y + h * h)
                begin, end = ways[k, 1 + levels * (v - first) + level]
                way = min(max(end - begin, 0.0), length)
                across = abs(planes[0][face, 0] * x + planes[0][face, 1] * y + planes[0][face, 2] * h)
                thick = way * across / max(length, 1e-9)
                out[k, 0], out[k, 1] = min(out[k, 0], thick), max(out[k, 1], thick)
                out[k, 2], out[k, 3] = min(out[k, 2], way), max(out[k, 3], way)
        degree = math.degrees(math.acos(min(spans[k, COSINE], 1.0)))
        out[k, 4], out[k, 5] = max(degree - radius, 0.0), min(degree + radius, 90.0)
    return out


@nb.njit(nogil=True, cache=True)
def _same(spans: Any, ways: Any, count: Any, changed: Any) -> Any:  # pragma: no cover - compiled
    """Whether each solid is the same wall as each solid of another object (s, s): APART, PERHAPS or SURELY."""
    n = len(spans)
    out = np.zeros((n, n), np.int8)
    steady = np.array([_state(int(spans[k, OBJECT]), changed) == 0 for k in range(n)], np.bool_)
    for k in range(n):
        if count[int(spans[k, OBJECT])] != SOLID:
            continue
        for j in range(n):
            if spans[j, OBJECT] != spans[k, OBJECT] and count[int(spans[j, OBJECT])] == SOLID:
                out[k, j] = _overlap(ways[k], ways[j], TWICE if steady[k] else 0.0)
                if out[k, j] == SURELY and not (steady[k] and steady[j]):
                    out[k, j] = PERHAPS
    return out


@nb.njit(nogil=True, cache=True)
def _overlap(own: Any, other: Any, share: float) -> int:  # pragma: no cover - compiled
    """Whether more than a share of one body lies in another on c ways (c, 2): APART on all of them alike, SURELY on all, or PERHAPS."""
    before, behind, thin = True, True, True  # the other one ends too early, begins too late, is too short to hold so much of it
    surely = True
    for c in range(len(own)):
        needed = share * (own[c, 1] - own[c, 0])
        slack = 1e-6 * (1.0 + abs(own[c, 1]))
        holds_begin, holds_end, holds_way = other[c, 1] - own[c, 0], own[c, 1] - other[c, 0], other[c, 1] - other[c, 0]
        before = before and holds_begin <= needed - slack
        behind = behind and holds_end <= needed - slack
        thin = thin and holds_way <= needed - slack
        surely = surely and min(holds_begin, holds_end, holds_way) > needed + slack
    if surely:
        return SURELY
    return APART if before or behind or thin else PERHAPS


@nb.njit(nogil=True, cache=True)
def _met(face: int, x: float, y: float, z: float, lens: Any, planes: Any) -> float:  # pragma: no cover - compiled
    """Where along the way x y z from the lens (0 ... 1) a face's plane is met."""
    a, b, c = planes[0][face, 0], planes[0][face, 1], planes[0][face, 2]
    across = a * x + b * y + c * z
    ahead = planes[1][face] - (a * lens[0] + b * lens[1] + c * lens[2])
    if abs(across) < 1e-12:
        return 1.0
    return min(max(ahead / across, 0.0), 1.0)


@nb.njit(nogil=True, cache=True)
def _angular_radius(lens: Any, point: Any, cell: Any) -> float:  # pragma: no cover - compiled
    """The widest angle between the way to the cell's point and any way into it. [deg]"""
    xy, first, last, z = cell
    px, py, pz = point[0] - lens[0], point[1] - lens[1], point[2] - lens[2]
    size = math.sqrt(px * px + py * py + pz * pz)
    least = 1.0
    for v in range(first, last):
        for level in range(2):
            x, y, h = xy[v, 0] - lens[0], xy[v, 1] - lens[1], z[level] - lens[2]
            least = min(least, (px * x + py * y + pz * h) / max(size * math.sqrt(x * x + y * y + h * h), 1e-12))
    return math.degrees(math.acos(max(least, -1.0)))


@nb.njit(nogil=True, cache=True)
def _priced(spans: Any, range_: Any, walls: Any, changed: Any) -> Any:  # pragma: no cover - compiled
    """For each body (s, 3, 3): its price at the point, and the least and the most over the cell; by case."""
    count, make_up, table, least, most = walls
    out = np.empty((len(spans), 3, 3))
    for k in range(len(spans)):
        body = int(spans[k, OBJECT])
        state = _state(body, changed)
        for case in range(3):
            own = table[make_up[body, case]]
            out[k, 0, case] = cost_of(spans[k], count[body], own)
            if state == 0:
                out[k, 1, case], out[k, 2, case] = _extremes(spans[k], range_[k], count[body], own)
                out[k, 1, case], out[k, 2, case] = min(out[k, 1, case], out[k, 0, case]), max(out[k, 2, case], out[k, 0, case])
            else:
                out[k, 1, case] = least[body, case] if state == CREASE else 0.0
                out[k, 2, case] = max(most[body, case], out[k, 0, case])
        for row in range(3):  # a drawn thickness may lie outside what is common: the likely case stays between the other two
            out[k, row, 0], out[k, row, 2] = max(out[k, row, 0], out[k, row, 1]), min(out[k, row, 2], out[k, row, 1])
    return out


@nb.njit(nogil=True, cache=True)
def _state(body: int, changed: Any) -> int:  # pragma: no cover - compiled
    """The strongest change of a body in a cell; 0: none."""
    state = 0
    for c in range(len(changed[0])):
        if changed[0][c] == body:
            state = max(state, changed[1][c])
    return state


@nb.njit(nogil=True, cache=True)
def _extremes(span: Any, range_: Any, sort: Any, table: Any) -> Any:  # pragma: no cover - compiled
    """Least and most that a body costs over the thicknesses, ways and angles at which a cell sees it. [dB]"""
    low, high = np.inf, -np.inf
    if sort == LEAVES:
        for metre in range(int(min(range_[2], DEEPEST_M - 1e-9)), min(int(range_[3]) + 1, DEEPEST_M) + 1):
            low, high = min(low, table[metre, 0]), max(high, table[metre, 0])
        return low, high
    first, last = USUAL_CM, USUAL_CM
    if span[CROSSED] == 2.0:
        first = min(max(int(range_[0] * 100.0 + 0.5), 1), THICKEST_CM)
        last = min(max(int(range_[1] * 100.0 + 0.5), 1), THICKEST_CM)
    for cm in range(first, last + 1):
        for value in (_at(table[cm], range_[4]), _at(table[cm], range_[5])):
            low, high = min(low, value), max(high, value)
        for degree in range(int(range_[4]) + 1, int(range_[5]) + 1):
            low, high = min(low, table[cm, degree]), max(high, table[cm, degree])
    if sort == SHELL:
        return low * span[CROSSED] + INSIDE_DB_PER_M * range_[2], high * span[CROSSED] + INSIDE_DB_PER_M * range_[3]
    return low, high


@nb.njit(nogil=True, cache=True)
def _at(row: Any, degree: float) -> float:  # pragma: no cover - compiled
    low = min(int(degree), 89)
    return row[low] + (row[low + 1] - row[low]) * (degree - low)


@nb.njit(nogil=True, cache=True)
def _swallowed(spans: Any, priced: Any, among: Any, changed: Any) -> Any:  # pragma: no cover - compiled
    """Whether each body (s,) may be the same wall as a solid that costs more, and comes between in a part of the cell."""
    count, box, most = among
    out = np.zeros(len(spans), np.bool_)
    for c in range(len(changed[0])):
        other = int(changed[0][c])
        if count[other] != SOLID:
            continue
        for k in range(len(spans)):
            own = int(spans[k, OBJECT])
            if own == other or count[own] != SOLID or most[other, LIKELY] < priced[k, 1, LIKELY]:
                continue
            meets = True
            for axis in range(3):
                meets = meets and box[own, axis] <= box[other, 3 + axis] and box[other, axis] <= box[own, 3 + axis]
            out[k] = out[k] or meets
    return out


@nb.njit(nogil=True, cache=True)
def _summed(spans: Any, priced: Any, among: Any, totals: Any, t: Any) -> Any:  # pragma: no cover - compiled
    """Add up the bodies; of two that are one wall the dearer counts. Gives the object that costs most at the point."""
    point, low, high = totals
    count, same, hidden = among
    most, blocker, dearest = 0.0, -1, 0.0
    for k in range(len(spans)):
        if _shared(spans, priced, count, k) <= TWICE:
            point[t] += priced[k, 0, 1]
            if priced[k, 0, 1] > most:
                most, blocker = priced[k, 0, 1], int(spans[k, OBJECT])
        dearest = max(dearest, priced[k, 1, LIKELY])
        is_sole, dearer = _dearer(spans, priced, same, k)
        for case in range(3):
            if is_sole and not hidden[k]:
                low[case] += priced[k, 1, case]
            if dearer < 0:
                high[case] += priced[k, 2, case]
            else:  # where its price passes the other's it takes its place
                high[case] += max(priced[k, 2, case] - priced[dearer, 2, case], 0.0)
        if dearer >= 0:
            low[BEST] -= max(priced[dearer, 1, BEST] - priced[k, 1, BEST], 0.0)
    low[BEST] = max(low[BEST], 0.0)
    for case in range(BEST):  # at the least the dearest of them counts
        low[case] = max(low[case], dearest)
    return blocker


@nb.njit(nogil=True, cache=True)
def _dearer(spans: Any, priced: Any, same: Any, k: Any) -> Any:  # pragma: no cover - compiled
    """Whether body k counts besides all others wherever it is; and one, dearer, that it surely is the same wall as, or -1.

    Of two that surely are each other's wall the one that is dearer at the point stands for both.
    """
    is_sole, surely = True, -1
    for j in range(len(same)):
        if same[k, j] == APART:
            continue
        cost, other = priced[k, 0, 1], priced[j, 0, 1]
        is_first = spans[j, OBJECT] < spans[k, OBJECT]  # of two that cost the same
        is_dearer = other > cost or (other == cost and is_first)
        is_twin = same[k, j] == SURELY and same[j, k] == SURELY
        if is_dearer or (not is_twin and priced[j, 2, 1] >= priced[k, 1, 1]):
            is_sole = False
        is_always = priced[j, 1, 1] > priced[k, 2, 1] or (priced[j, 1, 1] == priced[k, 2, 1] and is_first)
        if is_dearer and same[k, j] == SURELY and (is_twin or is_always):
            surely = j
    return is_sole, surely


@nb.njit(nogil=True, cache=True)
def _shared(spans: Any, priced: Any, count: Any, k: Any) -> float:  # pragma: no cover - compiled
    """The greatest share of solid k, at the point, in a solid of another object that costs more, or as much and has the lower number."""
    best = 0.0
    if count[int(spans[k, OBJECT])] != SOLID:
        return best
    way = spans[k, TO] - spans[k, FROM]
    for j in range(len(spans)):
        if spans[j, OBJECT] != spans[k, OBJECT] and count[int(spans[j, OBJECT])] == SOLID:
            inside = min(spans[k, TO], spans[j, TO]) - max(spans[k, FROM], spans[j, FROM])
            cost, other = priced[k, 0, 1], priced[j, 0, 1]
            is_first = spans[j, OBJECT] < spans[k, OBJECT]
            if inside > best * way and (other > cost or (other == cost and is_first)):
                best = inside / max(way, 1e-12)
    return best


@nb.njit(nogil=True, cache=True)
def _unseen(spans: Any, changed: Any, count: Any, most: Any, high: Any) -> None:  # pragma: no cover - compiled
    """Add what bodies may cost that may come between besides those that the segment passes."""
    for c in range(len(changed[0])):
        body = changed[0][c]
        if changed[1][c] == CREASE:
            continue
        if count[body] != SOLID:  # counts once, and may have been counted
            known = False
            for k in range(len(spans)):
                known = known or int(spans[k, OBJECT]) == body
            for before in range(c):
                known = known or (changed[0][before] == body and changed[1][before] != CREASE)
            if known:
                continue
        for case in range(3):
            high[case] += most[body, case]
