"""How brightly luminaires light level surfaces.

A luminaire shines with I(C, gamma) candela; at a point h below and r beside it, d away, it gives on a level surface

        E = MF · I(C, gamma) · cos gamma / d²  =  MF · I(C, gamma) · cos³ gamma / h²   lx

Luminaires add up; what an obstacle hides from the point gives nothing, and light thrown back by walls and ground is left out.

        front, C = 90   <---(o)        C turns counter-clockwise seen from above, C = 0 is to the right of the front;
                           / |         gamma is 0 down, 90 level. Tilt lifts the front.
                   gamma /   | h
                       x-----+

Over a cell the intensity is bounded by the directions that the cell fills, the rest by the nearest and the farthest point: the two
products bound E. Sources: CIE 121 (C planes), CIE 140 (illuminance of roads), CJJ 45 (classes of roads).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from twin.coverage.bounded import in_parts
from twin.coverage.cells import Cells
from twin.coverage.sightlines import Lines, blocks, is_lasting

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# CJJ 45 class of a motor lane -> maintained mean illuminance, low and high grade [lx], and Emin / Eav [1]; asphalt
CJJ45: Mapping[str, tuple[float, float, float]] = {"I": (20.0, 30.0, 0.4), "II": (15.0, 20.0, 0.4), "III": (8.0, 10.0, 0.3)}
CONCRETE = 0.7  # of these on a bright surface (CJJ 45: 30 % less)
_MOST = 10_000  # cells judged at a time


@dataclass(frozen=True)
class Distribution:
    """Luminous intensity (c, g) [cd] at planes c_deg (c,), 0 to 360, and angles gamma_deg (g,), 0 down."""

    c_deg: FloatArray
    gamma_deg: FloatArray
    candela: FloatArray

    @property
    def lumens(self) -> float:
        """The flux: planes by the trapezoidal rule, gamma exactly for intensities linear between the angles. [lm]"""
        c, gamma = np.radians(self.c_deg), np.radians(self.gamma_deg)
        round_ = (np.diff(c)[:, None] * (self.candela[1:] + self.candela[:-1]) / 2).sum(axis=0)  # (g,)
        low, high = gamma[:-1], gamma[1:]
        slope = np.diff(round_) / np.diff(gamma)
        flat = round_[:-1] * (np.cos(low) - np.cos(high))
        return float((flat + slope * (np.sin(high) - np.sin(low) - (high - low) * np.cos(high))).sum())


@dataclass(frozen=True)
class Luminaires:
    """m luminaires. Each shines by one distribution and, where nobody knows its own, perhaps by another."""

    position: FloatArray  # (m, 3) [m, enu]
    azimuth_rad: FloatArray  # (m,) of the front, clockwise from north; NaN: nobody knows, any
    aim_rad: FloatArray  # (m,) the azimuth taken where nobody knows it
    tilt_rad: FloatArray  # (m,) by how much the front is lifted
    form: IntArray  # (m, 2) likely distribution and the other one that it may be, index of `forms`
    scale: FloatArray  # (m, 3) factor to the distribution: least, likely, most [1]
    forms: Sequence[Distribution]

    def __len__(self) -> int:
        return len(self.position)

    @property
    def peak_cd(self) -> FloatArray:
        """The most that each shines anywhere (m,). [cd]"""
        most = np.array([float(form.candela.max(initial=0.0)) for form in self.forms])
        return most[self.form].max(axis=1) * self.scale[:, 2] if len(self) else np.empty(0)


@dataclass(frozen=True)
class Asked:
    """What is asked of light: level [lx], maintenance factor [1], how far each of m luminaires is followed (m,) [m].

    Sight is looked at `lift_m` [m] above what is lit: what is lower than that throws no shadow that counts, nor does the ground on itself.
    """

    level_lx: float
    mf: float
    reach: FloatArray
    lift_m: float = 0.0


@dataclass(frozen=True)
class Lit:
    """What n cells get: at their point by best knowledge, and least and most over the cell [lx]; and the level asked for."""

    point: FloatArray  # (n,)
    low: FloatArray  # (n,)
    high: FloatArray  # (n,)
    asked: FloatArray  # (n,) level asked for [lx]
    lasting: BoolArray  # (n,) undecided, and smaller cells would be too

    @property
    def covered(self) -> BoolArray:
        """Lit to the level at the cell's point (n,)."""
        return self.point >= self.asked

    @property
    def sure(self) -> BoolArray:
        """Lit to the level everywhere in the cell, at worst (n,)."""
        return self.low >= self.asked

    @property
    def possible(self) -> BoolArray:
        """Lit to the level somewhere in the cell, at best (n,)."""
        return self.high >= self.asked

    @property
    def mixed(self) -> BoolArray:
        """Cutting the cell may tell more (n,)."""
        return self.possible & ~self.sure & ~self.lasting


def lambertian(lumens: float) -> Distribution:
    """Light that leaves a small flat face evenly, downwards: I = (lumens / pi) cos gamma."""
    gamma = np.arange(0.0, 181.0, 1.0)
    row = np.where(gamma < 90.0, lumens / math.pi * np.cos(np.radians(gamma)), 0.0)
    return Distribution(np.array([0.0, 360.0]), gamma, np.tile(row, (2, 1)))


def isotropic(lumens: float) -> Distribution:
    """Light that leaves a point evenly in all directions: I = lumens / 4 pi."""
    return Distribution(np.array([0.0, 360.0]), np.array([0.0, 180.0]), np.full((2, 2), lumens / (4 * math.pi)))


def reach_m(luminaires: Luminaires, height_m: FloatArray, least_lx: float, mf: float) -> FloatArray:
    """How far from a luminaire (m,) [m], hung height_m (m,) [m] above what it lights, more than `least_lx` can come from it."""
    h = np.maximum(height_m, 0.0)
    strongest = np.cbrt(mf * luminaires.peak_cd * h / least_lx)  # E <= MF I h / d³
    return np.where(mf * luminaires.peak_cd > least_lx * h**2, np.maximum(strongest, h), 0.0)


def illuminance(luminaires: Luminaires, points: FloatArray, free: BoolArray | None = None, *, mf: float = 1.0) -> FloatArray:
    """Illuminance (n, m) [lx] that each of m luminaires gives on level faces at points (n, 3) [m, enu].

    Parameters
    ----------
    luminaires, points
        As named. A luminaire lights nothing that is not below it.
    free
        Whether a point is in sight of a luminaire (n, m); all are without.
    mf
        Maintenance factor. [1]
    """
    found = _points(_packed(luminaires), np.ascontiguousarray(points, float), mf)
    return found if free is None else np.where(free, found, 0.0)


def given(luminaires: Luminaires, number: IntArray, points: FloatArray, *, mf: float = 1.0) -> FloatArray:
    """Illuminance (k,) [lx] that luminaire number (k,) gives on a level face at its point (k, 3) [m, enu], nothing between."""
    return _given(_packed(luminaires), number, np.ascontiguousarray(points, float), mf)


def from_afar(luminaires: Luminaires, lines: Lines, asked: Asked) -> FloatArray:
    """The most that luminaires which are in sight of no part of a field's cells (n,) may give them from beyond their reach. [lx]"""
    cells = lines.field.cells
    if np.isinf(asked.reach).all():
        return np.zeros(len(cells))
    boxes = np.column_stack([cells.centre[:, :2], cells.z_range - asked.lift_m, cells.half])
    return _afar(_packed(luminaires)[0], lines.first, lines.point, boxes, (asked.reach, asked.mf))


def lit(luminaires: Luminaires, lines: Lines, cells: Cells, asked: Asked, afar: FloatArray | None = None) -> Lit:
    """What cells of a field, or cells cut from them, get.

    Parameters
    ----------
    luminaires
        m luminaires, the points of `lines` in the same order.
    lines
        Which of them are in sight of which parts, up to `reach`.
    cells
        n cells.
    asked
        What is asked, and how far each was followed. What may come from farther counts for the upper bound.
    afar
        What `from_afar` says of the field, where it is known already.
    """
    packed = _packed(luminaires)
    more = from_afar(luminaires, lines, asked) if afar is None else afar

    def judge(part: Cells, _: IntArray) -> tuple[FloatArray, ...]:
        return _judged(packed, lines, part, asked, more)

    if not len(cells):
        none = np.empty(0)
        return Lit(none, none, none, none, np.empty(0, bool))
    parts = in_parts(cells, _MOST, judge)
    point, low, high, lasting = (np.concatenate([part[k] for part in parts]) for k in range(4))
    return Lit(point, low, high, np.full(len(point), asked.level_lx), np.asarray(lasting, bool))


def _judged(packed: Any, lines: Lines, cells: Cells, asked: Asked, afar: FloatArray) -> tuple[Any, ...]:
    """What cells get at their point, least and most over the cell, and whether that stays undecided."""
    at = blocks(lines.field, cells)
    boxes = np.column_stack([cells.centre[:, :2], cells.z_range - asked.lift_m, cells.half])  # (n, 5)
    own = cells.representative - np.array([0.0, 0.0, asked.lift_m])
    records = (lines.first, lines.point, lines.seen, lines.likely, lines.perhaps)
    point, low, high = np.zeros(len(cells)), np.zeros(len(cells)), afar[at.root]
    _add_up(packed, records, (at.root, at.live, at.own), (boxes, own, asked.reach, asked.mf), (point, low, high))
    low, high, lasting = np.minimum(low, point), np.maximum(high, point), np.zeros(len(cells), bool)
    open_ = np.flatnonzero((low < asked.level_lx) & (high >= asked.level_lx))
    root, own, bit = at.root[open_], own[open_], at.own[open_]
    spots = np.column_stack([own, own[:, 2], np.zeros(len(own))])
    again, least, most = np.zeros(len(own)), np.zeros(len(own)), afar[root]
    _add_up(packed, records, (root, bit, bit), (spots, own, asked.reach, asked.mf), (again, least, most))
    likely, dim, bright = (*records[:2], lines.likely, lines.likely, lines.likely), np.zeros(len(own)), np.zeros(len(own))
    _add_up(_certain(packed), likely, (root, at.live[open_], bit), (boxes[open_], own, asked.reach, asked.mf), (again, dim, bright))
    lasting[open_] = is_lasting(asked.level_lx, (np.minimum(dim, point[open_]), np.maximum(bright, point[open_])), (least, most))
    return point, low, high, lasting


def _packed(luminaires: Luminaires) -> tuple[FloatArray, FloatArray]:
    """Luminaires as the compiled loops take them: a row of numbers each (m, 16), and a table of their forms.

    A row ends with where in the table its two forms begin; there stand the number of planes, of angles, whether all planes are alike,
    then planes, angles and intensities. Two arrays: to hand over one more costs the loops as much as what they compute.
    """
    forms, aim = luminaires.forms, np.where(np.isnan(luminaires.azimuth_rad), luminaires.aim_rad, luminaires.azimuth_rad)
    pieces = [
        np.concatenate([
            [len(form.c_deg), len(form.gamma_deg), (form.candela == form.candela[:1]).all()],
            np.radians(form.c_deg), np.radians(form.gamma_deg), np.ravel(form.candela),
        ])
        for form in forms
    ]  # fmt: skip
    begin = np.cumsum([0, *(len(piece) for piece in pieces)])
    if not len(luminaires):
        return np.empty((0, 16)), np.empty(0)
    rows = np.column_stack([
        luminaires.position, aim, luminaires.tilt_rad, np.isnan(luminaires.azimuth_rad), luminaires.scale, luminaires.peak_cd,
        np.sin(aim), np.cos(aim), np.sin(luminaires.tilt_rad), np.cos(luminaires.tilt_rad), begin[luminaires.form],
    ])  # fmt: skip
    return np.ascontiguousarray(rows, np.float64), np.concatenate(pieces)


def _certain(packed: tuple[FloatArray, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """The same luminaires as if what is likely of them were known."""
    rows = packed[0].copy()
    rows[:, [6, 8]], rows[:, 15], rows[:, [5, 9]] = rows[:, [7]], rows[:, 14], 0.0
    return rows, packed[1]


@nb.njit(cache=True, nogil=True)
def _points(packed: Any, points: FloatArray, mf: float) -> Any:  # pragma: no cover - compiled
    rows, table = packed
    out = np.zeros((len(points), len(rows)))
    for i in range(len(points)):
        for j in range(len(rows)):
            out[i, j] = mf * rows[j, 7] * _on_level(rows[j], table, points[i])
    return out


@nb.njit(cache=True, nogil=True)
def _given(packed: Any, number: IntArray, points: FloatArray, mf: float) -> Any:  # pragma: no cover - compiled
    rows, table = packed
    out = np.zeros(len(points))
    for i in range(len(points)):
        j = number[i]
        out[i] = mf * rows[j, 7] * _on_level(rows[j], table, points[i])
    return out


@nb.njit(cache=True, nogil=True)
def _add_up(packed: Any, records: Any, at: Any, where: Any, out: Any) -> None:  # pragma: no cover - compiled
    """Add to point, low and high (n,) [lx] what records by cell give; `at` is root, parts and own part of each cell."""
    rows, table = packed
    first, number, seen, likely, perhaps = records
    root, live, own = at
    boxes, points, reach, mf = where
    point, low, high = out
    for i in range(len(root)):
        box = boxes[i]
        for k in range(first[root[i]], first[root[i] + 1]):
            j = number[k]
            row = rows[j]
            near, far, up_low, up_high = _spans(row, box)
            if up_high <= 0.0:
                continue
            if far * far + up_high * up_high > reach[j] * reach[j]:  # some of the cell lies beyond what was followed
                high[i] += mf * row[9] * up_high / _least_way(near, up_low, reach[j]) ** 3
            if perhaps[k] & live[i] == 0:
                continue
            least, most = _intensities(row, table, box)
            g_low, g_high = _falling(near, far, up_low, up_high)
            high[i] += mf * row[8] * most * g_high
            if live[i] & ~seen[k] == 0:
                low[i] += mf * row[6] * least * g_low
            if likely[k] & own[i] != 0 or (own[i] & live[i] == 0 and likely[k] & live[i] != 0):
                point[i] += mf * row[7] * _on_level(row, table, points[i])


@nb.njit(cache=True, nogil=True)
def _afar(rows: FloatArray, first: IntArray, number: Any, boxes: FloatArray, limit: Any) -> Any:  # pragma: no cover - compiled
    """The most [lx] that comes to boxes (n,) from luminaires without a record of them, from beyond their reach."""
    reach, mf = limit
    out = np.zeros(len(boxes))
    for i in range(len(boxes)):
        k, end = first[i], first[i + 1]
        for j in range(len(rows)):
            while k < end and number[k] < j:
                k += 1
            if k < end and number[k] == j:
                continue
            row = rows[j]
            dx, dy, half, up_high = abs(boxes[i, 0] - row[0]), abs(boxes[i, 1] - row[1]), boxes[i, 4], row[2] - boxes[i, 2]
            if up_high > 0.0 and (dx + half) ** 2 + (dy + half) ** 2 + up_high * up_high > reach[j] * reach[j]:
                near = math.sqrt(max(dx - half, 0.0) ** 2 + max(dy - half, 0.0) ** 2)
                out[i] += mf * row[9] * up_high / _least_way(near, row[2] - boxes[i, 3], reach[j]) ** 3
    return out


@nb.njit(cache=True, nogil=True)
def _least_way(near: float, up_low: float, reach: float) -> float:  # pragma: no cover - compiled
    """How near at least what lies beyond the reach is. [m]"""
    return max(math.sqrt(near * near + max(up_low, 0.0) ** 2), reach, 1e-3)


@nb.njit(cache=True, nogil=True)
def _spans(row: FloatArray, box: FloatArray) -> Any:  # pragma: no cover - compiled
    """Least and greatest distance along the ground, and least and greatest height of the luminaire above a box. [m]"""
    dx, dy, half = abs(box[0] - row[0]), abs(box[1] - row[1]), box[4]
    near = math.sqrt(max(dx - half, 0.0) ** 2 + max(dy - half, 0.0) ** 2)
    return near, math.sqrt((dx + half) ** 2 + (dy + half) ** 2), row[2] - box[3], row[2] - box[2]


@nb.njit(cache=True, nogil=True)
def _falling(near: float, far: float, up_low: float, up_high: float) -> Any:  # pragma: no cover - compiled
    """Least and greatest h / (r² + h²)^1.5 for r in near .. far and h in up_low .. up_high. [1/m2]

    It falls with r; along h it rises up to h = r / sqrt 2 and falls beyond.
    """
    at_low, at_high = up_low / (far * far + up_low * up_low) ** 1.5, up_high / (far * far + up_high * up_high) ** 1.5
    least = max(min(at_low, at_high), 0.0)
    best = min(max(near / math.sqrt(2.0), up_low, 1e-3), max(up_high, 1e-3))
    return least, best / (near * near + best * best) ** 1.5


@nb.njit(cache=True, nogil=True)
def _turn(row: FloatArray, x: float, y: float, z: float) -> float:  # pragma: no cover - compiled
    """C [rad] of the direction (x, y, z) from a luminaire."""
    front, right = x * row[10] + y * row[11], x * row[11] - y * row[10]
    return math.atan2(front * row[13] + z * row[12], right) % (2 * math.pi)


@nb.njit(cache=True, nogil=True)
def _gamma(row: FloatArray, x: float, y: float, z: float) -> float:  # pragma: no cover - compiled
    """Gamma [rad] of the direction (x, y, z) from a luminaire."""
    down, size = (x * row[10] + y * row[11]) * row[12] - z * row[13], math.sqrt(x * x + y * y + z * z)
    return math.acos(min(1.0, max(-1.0, down / size))) if size > 0.0 else 0.0


@nb.njit(cache=True, nogil=True)
def _on_level(row: FloatArray, table: FloatArray, point: FloatArray) -> float:  # pragma: no cover - compiled
    """Illuminance [lx] on a level face at a point, by the likely distribution unscaled."""
    x, y, z = point[0] - row[0], point[1] - row[1], point[2] - row[2]
    d2 = x * x + y * y + z * z
    if z >= 0.0 or d2 <= 0.0:
        return 0.0
    form = int(row[14])
    planes = _planes(table, form, 0.0 if table[form + 2] else _turn(row, x, y, z))
    return _between_planes(table, planes, _step(table, form, _gamma(row, x, y, z))) * -z / d2**1.5


@nb.njit(cache=True, nogil=True)
def _between_planes(table: FloatArray, planes: Any, step: Any) -> float:  # pragma: no cover - compiled
    """Intensity [cd], linear between two planes and between two angles, dark outside them."""
    if step[2]:
        return 0.0
    a, b, s, t, one = planes[0] + step[0], planes[1] + step[0], planes[2], step[1], step[3]
    return (1 - s) * ((1 - t) * table[a] + t * table[a + one]) + s * ((1 - t) * table[b] + t * table[b + one])


@nb.njit(cache=True, nogil=True)
def _step(table: FloatArray, form: int, gamma: float) -> Any:  # pragma: no cover - compiled
    """Between which two angles of a form a gamma lies, how far along, whether the form is dark there, and how far the second is."""
    start, g = form + 3 + int(table[form]), int(table[form + 1])
    j, t = _between(table, start, g, gamma)
    return j, t, gamma < table[start] - 1e-9 or gamma > table[start + g - 1] + 1e-9, 1 if g > 1 else 0


@nb.njit(cache=True, nogil=True)
def _planes(table: FloatArray, form: int, c: float) -> Any:  # pragma: no cover - compiled
    """Where the values of the two planes about a C begin, and how far it is from the first to the second; one where all are alike."""
    n, g = int(table[form]), int(table[form + 1])
    values = form + 3 + n + g
    if table[form + 2]:
        return values, values, 0.0
    i, s = _between(table, form + 3, n, c)
    return values + i * g, values + (i + 1 if n > 1 else i) * g, s


@nb.njit(cache=True, nogil=True)
def _between(axis: FloatArray, start: int, n: int, at: float) -> Any:  # pragma: no cover - compiled
    """The interval of an axis in which a value lies, and how far along it."""
    if n < 2:
        return 0, 0.0
    i = int((at - axis[start]) / (axis[start + n - 1] - axis[start]) * (n - 1))  # right where steps are even, near elsewhere
    i = min(max(i, 0), n - 2)
    while i > 0 and axis[start + i] > at:
        i -= 1
    while i < n - 2 and axis[start + i + 1] <= at:
        i += 1
    low, high = axis[start + i], axis[start + i + 1]
    return i, min(max((at - low) / (high - low), 0.0), 1.0)


@nb.njit(cache=True, nogil=True)
def _intensities(row: FloatArray, table: FloatArray, box: FloatArray) -> Any:  # pragma: no cover - compiled
    """Least and greatest intensity [cd] of a luminaire, unscaled, toward any point of a box.

    The directions toward a box lie in a cone about its middle; its angles C and gamma lie in a rectangle of the distribution. There
    the intensity is bilinear between nodes, so that its extremes are at nodes, or at the rectangle's rim in line with them.
    """
    x, y, z = box[0] - row[0], box[1] - row[1], (box[2] + box[3]) / 2 - row[2]
    d, radius = math.sqrt(x * x + y * y + z * z), math.sqrt(2 * box[4] ** 2 + ((box[3] - box[2]) / 2) ** 2)
    gamma, is_round = _gamma(row, x, y, z), table[int(row[14]) + 2] * table[int(row[15]) + 2] == 1.0
    c = 0.0 if is_round else _turn(row, x, y, z)
    wide = math.pi if radius >= d else math.asin(radius / d)
    g0, g1, spread = max(gamma - wide, 0.0), min(gamma + wide, math.pi), math.pi
    if not is_round and row[5] == 0.0 and g0 > 0.0 and g1 < math.pi:
        spread = math.asin(min(1.0, math.sin(wide) / math.sin(gamma)))
    least, most = math.inf, 0.0
    for k in range(14, 15 if row[14] == row[15] else 16):
        low, high = _extremes(table, int(row[k]), (c, spread), (g0, g1))
        least, most = min(least, low), max(most, high)
    return least, most


@nb.njit(cache=True, nogil=True)
def _extremes(table: FloatArray, form: int, turn: Any, span: Any) -> Any:  # pragma: no cover - compiled
    """Least and greatest intensity [cd] of a form for C within turn[1] of turn[0] and gamma in span. [rad]"""
    n, g, is_round = int(table[form]), int(table[form + 1]), table[form + 2] == 1.0
    angles, last = form + 3 + n, form + 2 + n + g
    low, high = _step(table, form, span[0]), _step(table, form, span[1])
    begin = low[0] + (1 if table[angles + low[0]] < span[0] else 0) + (1 if table[last] < span[0] else 0)
    end = g if table[last] <= span[1] else high[0] + (1 if table[angles + high[0]] <= span[1] else 0)
    least, most = math.inf, 0.0
    for i in range(0 if is_round else -2, 1 if is_round else n):
        if i < 0:
            c = (turn[0] + (turn[1] if i == -1 else -turn[1])) % (2 * math.pi)
        else:
            c = table[form + 3 + i]
            off = abs(c - turn[0]) % (2 * math.pi)
            if min(off, 2 * math.pi - off) > turn[1] and not is_round:
                continue
        planes = _planes(table, form, c)
        for k in range(begin, end):
            value = (1 - planes[2]) * table[planes[0] + k] + planes[2] * table[planes[1] + k]
            least, most = min(least, value), max(most, value)
        for step in (low, high):
            value = _between_planes(table, planes, step)
            least, most = min(least, value), max(most, value)
    if span[1] > table[last] or span[0] < table[angles]:
        least = 0.0
    return least, most
