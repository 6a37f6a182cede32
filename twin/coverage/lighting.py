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
_MOST = 100_000  # cells judged at a time


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
    point, low, high, least, most = (np.concatenate([part[k] for part in parts]) for k in range(5))
    low, high, level = np.minimum(low, point), np.maximum(high, point), np.full(len(point), asked.level_lx)
    return Lit(point, low, high, level, is_lasting(level, (point, low, high), (least, most)))


def _judged(packed: Any, lines: Lines, cells: Cells, asked: Asked, afar: FloatArray) -> tuple[FloatArray, ...]:
    """What cells get at their point, least and most over the cell, and least and most at the point alone."""
    at = blocks(lines.field, cells)
    boxes = np.column_stack([cells.centre[:, :2], cells.z_range - asked.lift_m, cells.half])  # (n, 5)
    own = cells.representative - np.array([0.0, 0.0, asked.lift_m])
    spots = np.column_stack([own, own[:, 2], np.zeros(len(own))])
    point, low, again, least = (np.zeros(len(cells)) for _ in range(4))
    high, most = afar[at.root], afar[at.root]
    records = (lines.first, lines.point, lines.seen, lines.likely, lines.perhaps)
    _add_up(packed, records, (at.root, at.live, at.own), (boxes, own, asked.reach, asked.mf), (point, low, high))
    _add_up(packed, records, (at.root, at.own, at.own), (spots, own, asked.reach, asked.mf), (again, least, most))
    return point, low, high, least, most


def _packed(luminaires: Luminaires) -> Any:
    """Luminaires as the compiled loops take them: numbers (m, 12), forms (m, 2), and the forms' axes and values end to end."""
    m = len(luminaires)
    aim = np.where(np.isnan(luminaires.azimuth_rad), luminaires.aim_rad, luminaires.azimuth_rad)
    rows = np.column_stack([
        luminaires.position, aim, luminaires.tilt_rad, np.isnan(luminaires.azimuth_rad), luminaires.scale, luminaires.peak_cd,
    ]) if m else np.empty((0, 10))  # fmt: skip
    forms = luminaires.forms
    size = np.array([(len(form.c_deg), len(form.gamma_deg)) for form in forms], np.int64).reshape(-1, 2)
    starts = np.column_stack(
        [np.cumsum(size[:, 0]) - size[:, 0], np.cumsum(size[:, 1]) - size[:, 1], np.cumsum(size.prod(axis=1)) - size.prod(axis=1)]
    )
    empty = np.empty(0)
    axes = (
        np.concatenate([empty, *(np.radians(f.c_deg) for f in forms)]),
        np.concatenate([empty, *(np.radians(f.gamma_deg) for f in forms)]),
    )
    values = np.concatenate([empty, *(np.asarray(form.candela, float).ravel() for form in forms)])
    return (
        np.ascontiguousarray(rows, np.float64),
        np.ascontiguousarray(luminaires.form, np.int64),
        size,
        starts.astype(np.int64),
        *axes,
        values,
    )


@nb.njit(cache=True, nogil=True)
def _points(packed: Any, points: FloatArray, mf: float) -> Any:  # pragma: no cover - compiled
    rows, form = packed[0], packed[1]
    out = np.zeros((len(points), len(rows)))
    for i in range(len(points)):
        for j in range(len(rows)):
            out[i, j] = mf * rows[j, 7] * _on_level(packed, rows[j], form[j, 0], points[i])
    return out


@nb.njit(cache=True, nogil=True)
def _given(packed: Any, number: IntArray, points: FloatArray, mf: float) -> Any:  # pragma: no cover - compiled
    rows, form = packed[0], packed[1]
    out = np.zeros(len(points))
    for i in range(len(points)):
        j = number[i]
        out[i] = mf * rows[j, 7] * _on_level(packed, rows[j], form[j, 0], points[i])
    return out


@nb.njit(cache=True, nogil=True)
def _add_up(packed: Any, records: Any, at: Any, where: Any, out: Any) -> None:  # pragma: no cover - compiled
    """Add to point, low and high (n,) [lx] what records by cell give; `at` is root, parts and own part of each cell."""
    rows, form = packed[0], packed[1]
    first, number, seen, likely, perhaps = records
    root, live, own = at
    boxes, points, reach, mf = where
    point, low, high = out
    for i in range(len(root)):
        box = boxes[i]
        for k in range(first[root[i]], first[root[i] + 1]):
            j = number[k]
            near, far, up_low, up_high = _spans(rows[j], box)
            if up_high <= 0.0:
                continue
            if far * far + up_high * up_high > reach[j] * reach[j]:  # some of the cell lies beyond what was followed
                high[i] += mf * rows[j, 9] * up_high / _least_way(near, up_low, reach[j]) ** 3
            if perhaps[k] & live[i] == 0:
                continue
            least, most = _intensities(packed, j, box)
            g_low, g_high = _falling(near, far, up_low, up_high)
            high[i] += mf * rows[j, 8] * most * g_high
            if live[i] & ~seen[k] == 0:
                low[i] += mf * rows[j, 6] * least * g_low
            if likely[k] & own[i] != 0 or (own[i] & live[i] == 0 and likely[k] & live[i] != 0):
                point[i] += mf * rows[j, 7] * _on_level(packed, rows[j], form[j, 0], points[i])


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
            near, far, up_low, up_high = _spans(rows[j], boxes[i])
            if up_high > 0.0 and far * far + up_high * up_high > reach[j] * reach[j]:
                out[i] += mf * rows[j, 9] * up_high / _least_way(near, up_low, reach[j]) ** 3
    return out


@nb.njit(cache=True, nogil=True)
def _least_way(near: float, up_low: float, reach: float) -> float:  # pragma: no cover - compiled
    """How near at least what lies beyond the reach is. [m]"""
    return max(math.hypot(near, max(up_low, 0.0)), reach, 1e-3)


@nb.njit(cache=True, nogil=True)
def _spans(row: FloatArray, box: FloatArray) -> Any:  # pragma: no cover - compiled
    """Least and greatest distance along the ground, and least and greatest height of the luminaire above a box. [m]"""
    dx, dy, half = abs(box[0] - row[0]), abs(box[1] - row[1]), box[4]
    near = math.hypot(max(dx - half, 0.0), max(dy - half, 0.0))
    return near, math.hypot(dx + half, dy + half), row[2] - box[3], row[2] - box[2]


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
def _angles(row: FloatArray, x: float, y: float, z: float) -> Any:  # pragma: no cover - compiled
    """C and gamma [rad] of the direction (x, y, z) from a luminaire."""
    sin_a, cos_a, sin_t, cos_t = math.sin(row[3]), math.cos(row[3]), math.sin(row[4]), math.cos(row[4])
    front, right = x * sin_a + y * cos_a, x * cos_a - y * sin_a
    ahead, down = front * cos_t + z * sin_t, front * sin_t - z * cos_t
    size = math.sqrt(x * x + y * y + z * z)
    gamma = math.acos(min(1.0, max(-1.0, down / size))) if size > 0.0 else 0.0
    return math.atan2(ahead, right) % (2 * math.pi), gamma


@nb.njit(cache=True, nogil=True)
def _on_level(packed: Any, row: FloatArray, form: int, point: FloatArray) -> float:  # pragma: no cover - compiled
    """Illuminance [lx] on a level face at a point, the distribution unscaled."""
    x, y, z = point[0] - row[0], point[1] - row[1], point[2] - row[2]
    d2 = x * x + y * y + z * z
    if z >= 0.0 or d2 <= 0.0:
        return 0.0
    c, gamma = _angles(row, x, y, z)
    return _at(packed, form, c, gamma) * -z / d2**1.5


@nb.njit(cache=True, nogil=True)
def _at(packed: Any, form: int, c: float, gamma: float) -> float:  # pragma: no cover - compiled
    """Intensity [cd] of a form, linear between its planes and angles, dark outside them."""
    size, start, planes, angles, values = packed[2][form], packed[3][form], packed[4], packed[5], packed[6]
    n, g = size[0], size[1]
    if gamma < angles[start[1]] - 1e-9 or gamma > angles[start[1] + g - 1] + 1e-9:
        return 0.0
    i, s = _between(planes, start[0], n, c)
    j, t = _between(angles, start[1], g, gamma)
    a = start[2] + i * g + j
    b = a + (g if n > 1 else 0)
    step = 1 if g > 1 else 0
    return (1 - s) * ((1 - t) * values[a] + t * values[a + step]) + s * ((1 - t) * values[b] + t * values[b + step])


@nb.njit(cache=True, nogil=True)
def _between(axis: FloatArray, start: int, n: int, at: float) -> Any:  # pragma: no cover - compiled
    """The interval of an axis in which a value lies, and how far along it."""
    if n < 2:
        return 0, 0.0
    i = min(max(np.searchsorted(axis[start : start + n], at, side="right") - 1, 0), n - 2)
    low, high = axis[start + i], axis[start + i + 1]
    return i, min(max((at - low) / (high - low), 0.0), 1.0)


@nb.njit(cache=True, nogil=True)
def _intensities(packed: Any, j: int, box: FloatArray) -> Any:  # pragma: no cover - compiled
    """Least and greatest intensity [cd] of luminaire j, unscaled, toward any point of a box.

    The directions toward a box lie in a cone about its middle; its angles C and gamma lie in a rectangle of the distribution. There
    the intensity is bilinear between nodes, so that its extremes are at nodes, or at the rectangle's rim in line with them.
    """
    row = packed[0][j]
    x, y, z = box[0] - row[0], box[1] - row[1], (box[2] + box[3]) / 2 - row[2]
    d, radius = math.sqrt(x * x + y * y + z * z), math.sqrt(2 * box[4] ** 2 + ((box[3] - box[2]) / 2) ** 2)
    c, gamma = _angles(row, x, y, z)
    wide = math.pi if radius >= d else math.asin(radius / d)
    g0, g1, spread = max(gamma - wide, 0.0), min(gamma + wide, math.pi), math.pi
    if row[5] == 0.0 and g0 > 0.0 and g1 < math.pi:
        spread = math.asin(min(1.0, math.sin(wide) / math.sin(gamma)))
    least, most = math.inf, 0.0
    for k in range(1 if packed[1][j, 0] == packed[1][j, 1] else 2):
        low, high = _extremes(packed, packed[1][j, k], (c, spread), (g0, g1))
        least, most = min(least, low), max(most, high)
    return least, most


@nb.njit(cache=True, nogil=True)
def _extremes(packed: Any, form: int, turn: Any, span: Any) -> Any:  # pragma: no cover - compiled
    """Least and greatest intensity [cd] of a form for C within turn[1] of turn[0] and gamma in span. [rad]"""
    size, start, planes, angles = packed[2][form], packed[3][form], packed[4], packed[5]
    axis = angles[start[1] : start[1] + size[1]]
    begin, end = np.searchsorted(axis, span[0]), np.searchsorted(axis, span[1], side="right")
    least, most = math.inf, 0.0
    for i in range(-2, size[0]):
        if i < 0:
            c = (turn[0] + (turn[1] if i == -1 else -turn[1])) % (2 * math.pi)
        else:
            c = planes[start[0] + i]
            off = abs(c - turn[0]) % (2 * math.pi)
            if min(off, 2 * math.pi - off) > turn[1]:
                continue
        for k in range(begin - 2, end):
            gamma = axis[k] if k >= begin else span[0] if k == begin - 2 else span[1]
            value = _at(packed, form, c, gamma)
            least, most = min(least, value), max(most, value)
    if span[1] > angles[start[1] + size[1] - 1] or span[0] < angles[start[1]]:
        least = 0.0
    return least, most
