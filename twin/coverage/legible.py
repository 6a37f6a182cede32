"""From where a display can be read.

A viewer reads a display that faces them: before it, at most `HORIZONTAL_DEG` to either side of its normal, at most `UP_DEG` above it
and `DOWN_DEG` below, no farther than the far limit of its pitch, with nothing between the eye and the middle of the display.

           \\   legible   /            nearest and farthest distance H = k P:
            \\           /              k = 1380 .. 5520, P the pitch of its pixels
             \\  50° 50°/
              =display=

The angles are those of the plan and of the upright plane through the normal, so that the region is bounded by planes and a sphere.
Source: GB 50464-2008 4.2.1 and 4.2.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from twin.coverage.bounded import in_parts
from twin.coverage.cells import Cells
from twin.coverage.sightlines import Lines, blocks

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NEAR_K, FAR_K = 1380.0, 5520.0  # GB 50464-2008 4.2.1
HORIZONTAL_DEG, UP_DEG, DOWN_DEG = 50.0, 10.0, 20.0  # GB 50464-2008 4.2.2
INSIDE, OUT_OF_RANGE, OUT_OF_VIEW = 0, 1, 2
REASONS = ("", "out_of_range", "outside_field_of_view")
_MOST = 100_000


@dataclass(frozen=True)
class Displays:
    """m displays."""

    position: FloatArray  # (m, 3) of the middle [m, enu]
    azimuth_rad: FloatArray  # (m,) of the normal, clockwise from north; NaN: nobody knows which way it faces
    near_m: FloatArray  # (m,) nearest distance for reading; 0: none asked
    far_m: FloatArray  # (m, 3) farthest distance: least, likely, most

    def __len__(self) -> int:
        return len(self.position)


@dataclass(frozen=True)
class Readable:
    """Whether n cells can read a display: at their point, everywhere for certain, somewhere perhaps; and why not."""

    covered: BoolArray  # (n,)
    sure: BoolArray  # (n,)
    possible: BoolArray  # (n,)
    mixed: BoolArray  # (n,)
    count: IntArray  # (n,) displays legible from the point
    reason: IntArray  # (n,) of the display nearest to being legible: index of REASONS, 3: hidden
    short_m: FloatArray  # (n,) how much nearer the point would have to be, of displays it sees face on; NaN: none


def viewing_distance_m(pitch_mm: float) -> tuple[float, float]:
    """Nearest and farthest distance from which a display of that pitch [mm] is read. [m]"""
    return NEAR_K * pitch_mm / 1000.0, FAR_K * pitch_mm / 1000.0


def verdicts(displays: Displays, eyes: FloatArray) -> NDArray[np.int8]:
    """INSIDE, or the index in REASONS of what keeps each display from being read at each eye (n, 3) [m, enu], sight apart: (n, m)."""
    return _verdicts(_packed(displays), np.ascontiguousarray(eyes, float))


def readable(displays: Displays, lines: Lines, cells: Cells) -> Readable:
    """What cells of a field, or cells cut from them, can read.

    Parameters
    ----------
    displays
        m displays, the points of `lines` in the same order.
    lines
        Which of them are in sight of which parts, up to the farthest distance of each.
    cells
        n cells, on the height of the eyes.
    """
    packed = _packed(displays)

    def judge(part: Cells, _: IntArray) -> tuple[Any, ...]:
        at = blocks(lines.field, part)
        boxes = np.column_stack([part.centre[:, :2], part.z_range, part.half])
        records = (lines.first, lines.point, lines.seen, lines.likely, lines.perhaps)
        return _judged(packed, records, (at.root, at.live, at.own), boxes, np.ascontiguousarray(part.representative))

    parts = in_parts(cells, _MOST, judge)
    sure, possible, count, reason, short = (np.concatenate([part[k] for part in parts]) for k in range(5))
    return Readable(count > 0, sure, possible | (count > 0), (possible | (count > 0)) & ~sure, count, reason, short)


def _packed(displays: Displays) -> FloatArray:
    """Displays as the compiled loops take them (m, 12)."""
    azimuth = np.nan_to_num(displays.azimuth_rad)
    known = ~np.isnan(displays.azimuth_rad)
    rows = [displays.position, np.sin(azimuth), np.cos(azimuth), known, displays.near_m, displays.far_m]
    limits = np.tile(np.tan(np.radians([HORIZONTAL_DEG, UP_DEG, DOWN_DEG])), (len(displays), 1))
    return np.ascontiguousarray(np.column_stack([*rows, limits]), np.float64)


@nb.njit(cache=True, nogil=True)
def _verdict(row: FloatArray, x: float, y: float, z: float, far: float) -> int:  # pragma: no cover - compiled
    """The verdict of a place (x, y, z) from a display's middle [m]; a display that may face any way is read all round."""
    d = math.sqrt(x * x + y * y + z * z)
    ahead = x * row[3] + y * row[4] if row[5] == 1.0 else math.hypot(x, y)
    aside = abs(x * row[4] - y * row[3]) if row[5] == 1.0 else 0.0
    if ahead <= 0.0 or aside > ahead * row[10] or z > ahead * row[11] or -z > ahead * row[12]:
        return OUT_OF_VIEW
    return INSIDE if row[6] <= d <= far else OUT_OF_RANGE


@nb.njit(cache=True, nogil=True)
def _verdicts(rows: FloatArray, eyes: FloatArray) -> Any:  # pragma: no cover - compiled
    out = np.zeros((len(eyes), len(rows)), np.int8)
    for i in range(len(eyes)):
        for j in range(len(rows)):
            out[i, j] = _verdict(rows[j], eyes[i, 0] - rows[j, 0], eyes[i, 1] - rows[j, 1], eyes[i, 2] - rows[j, 2], rows[j, 8])
    return out


@nb.njit(cache=True, nogil=True)
def _box(row: FloatArray, box: FloatArray) -> Any:  # pragma: no cover - compiled
    """Whether a display is read from all of a box for certain, and from some of it perhaps, sight apart."""
    x, y, half = box[0] - row[0], box[1] - row[1], box[4]
    z, half_z = (box[2] + box[3]) / 2 - row[2], (box[3] - box[2]) / 2
    near = math.sqrt(max(abs(x) - half, 0.0) ** 2 + max(abs(y) - half, 0.0) ** 2 + max(abs(z) - half_z, 0.0) ** 2)
    far = math.sqrt((abs(x) + half) ** 2 + (abs(y) + half) ** 2 + (abs(z) + half_z) ** 2)
    every, some = near >= row[6] and far <= row[7], far >= row[6] and near <= row[9]
    if row[5] == 0.0:
        return False, some
    for k in range(5):
        if k < 2:  # to either side
            sign = 1.0 if k == 0 else -1.0
            a, b, c = sign * row[4] - row[10] * row[3], -sign * row[3] - row[10] * row[4], 0.0
        elif k < 4:  # above and below
            sign, slope = (1.0, row[11]) if k == 2 else (-1.0, row[12])
            a, b, c = -slope * row[3], -slope * row[4], sign
        else:  # before it
            a, b, c = -row[3], -row[4], 0.0
        middle, spread = a * x + b * y + c * z, (abs(a) + abs(b)) * half + abs(c) * half_z
        every, some = every and middle + spread <= 0.0, some and middle - spread <= 0.0
    return every, some


@nb.njit(cache=True, nogil=True)
def _judged(rows: FloatArray, records: Any, at: Any, boxes: FloatArray, points: FloatArray) -> Any:  # pragma: no cover - compiled
    first, number, seen, likely, perhaps = records
    root, live, own = at
    n = len(root)
    sure, possible = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    count, reason, short = np.zeros(n, np.int64), np.full(n, OUT_OF_RANGE, np.int64), np.full(n, np.nan)
    for i in range(n):
        k, end = first[root[i]], first[root[i] + 1]
        for j in range(len(rows)):
            while k < end and number[k] < j:
                k += 1
            own_record = k < end and number[k] == j
            x, y, z = points[i, 0] - rows[j, 0], points[i, 1] - rows[j, 1], points[i, 2] - rows[j, 2]
            verdict = _verdict(rows[j], x, y, z, rows[j, 8])
            if own_record:
                every, some = _box(rows[j], boxes[i])
                sure[i] |= every and live[i] & ~seen[k] == 0
                possible[i] |= some and live[i] & perhaps[k] != 0
            free = own_record and (likely[k] & own[i] != 0 or (own[i] & live[i] == 0 and likely[k] & live[i] != 0))
            if verdict == INSIDE and rows[j, 5] == 1.0:
                if free:
                    count[i] += 1
                else:
                    reason[i] = 3
            elif verdict == OUT_OF_VIEW and reason[i] != 3 and math.sqrt(x * x + y * y + z * z) <= rows[j, 8]:
                reason[i] = OUT_OF_VIEW
            elif verdict == OUT_OF_RANGE and rows[j, 5] == 1.0:
                more = math.sqrt(x * x + y * y + z * z) - rows[j, 8]
                short[i] = more if math.isnan(short[i]) else min(short[i], more)
    return sure, possible, count, reason, short
