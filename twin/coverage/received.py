"""The compiled loops of mobile coverage: every carrier at every cell, and what the cells get from them.

For each cell and carrier the distance, the gain and the loss are bounded over the cell's box; for each of three cases (worst, likely,
best) a carrier surely serves the cell if its least power and least SINR are enough, and possibly if its greatest are. Formulas come
as curves (`twin.coverage.propagation.Curve`), patterns as in `twin.coverage.antenna`; nothing here knows a standard.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.coverage.antenna import SIDE_LOBE_DB

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NEAREST_M = 0.5  # nearer places count as this far
OTHERS_SLACK_DB = 10.0  # an unknown power of an interferer is taken to be off by no more than this
_TENTH = math.log(10.0) / 10.0


class Sent(NamedTuple):
    """m carriers."""

    position: FloatArray  # (m, 3) [m, enu]
    power: FloatArray  # (m,) [dBm]
    slack: FloatArray  # (m,) [dB]
    noise: FloatArray  # (m,) [mW]
    antenna: FloatArray  # (m, 4) azimuth (NaN: all round), tilt, widths of the beam [rad]
    least_d: FloatArray  # (m,) least distance of the formula [m]
    curve: FloatArray  # (m, c, 10) for each class of heights
    site: IntArray  # (m,) of the antenna place in Seen; -1 indoors
    inside: IntArray  # (m,) column of Extra.inside; -1 outdoors
    column: IntArray  # (m,) column of Extra.entered; -1 indoors
    operator: IntArray  # (m,)
    first: IntArray  # (m + 1,) where the interferers of each begin
    other: IntArray  # interferers
    weight: FloatArray  # and how much of each arrives [1]


class Place(NamedTuple):
    """n cells."""

    point: FloatArray  # (n, 3) [m, enu]
    centre: FloatArray  # (n, 3) [m, enu]
    half: FloatArray  # (n,) [m]
    low: FloatArray  # (n,) lowest and highest target [m, enu]
    high: FloatArray
    heights: IntArray  # (n,) class of heights


class Seen(NamedTuple):
    """Line of sight from s antenna places to n cells: at the point, to all of the cell, to some of it."""

    point: BoolArray  # (n, s)
    whole: BoolArray  # (n, s)
    some: BoolArray  # (n, s)


class Extra(NamedTuple):
    """What is lost beside the path, at the point, least and most (3), in the three cases (3). [dB]"""

    inside: FloatArray  # (n, i, 3, 3) of carriers inside buildings
    entered: FloatArray  # (e, o, 3, 3) of outdoor carriers, for cells inside buildings
    row: IntArray  # (n,) row of entered; -1 outdoors


class Limits(NamedTuple):
    """What counts."""

    rsrp: float  # [dBm]
    sinr: float  # [dB]; -inf where it does not matter


class Told(NamedTuple):
    """What comes out, by operator (o)."""

    level: FloatArray  # (n, o) of the strongest carrier [dBm]
    best: IntArray  # (n, o) that carrier; -1 where none
    sinr: FloatArray  # (n, o) of that carrier [dB]
    served: BoolArray  # (n, o) at the point
    sure: BoolArray  # (n, 3, o)
    possible: BoolArray  # (n, 3, o)


@njit(nogil=True, cache=True)
def receive(sent: Any, place: Any, seen: Any, extra: Any, limits: Any, told: Any) -> None:  # pragma: no cover - compiled
    """Fill `told` for every cell."""
    m = len(sent.power)
    power = np.empty((3, m, 3))  # point, least, most; carrier; case
    milliwatt = np.empty(m)
    for i in range(len(place.half)):
        cases = 1
        for j in range(m):
            if _carrier(sent, place, seen, extra, (i, j), power) or sent.slack[j] > 0.0:
                cases = 3
        _at_point(sent, limits, told, i, power, milliwatt)
        for case in range(cases):
            turn = case - 1.0 if cases == 3 else 0.0
            _over_cell(sent, limits, told.sure[i, case], (power[1, :, case], power[2, :, case]), turn, milliwatt)
            _over_cell(sent, limits, told.possible[i, case], (power[2, :, case], power[1, :, case]), turn, milliwatt)
        for case in range(cases, 3):
            told.sure[i, case] = told.sure[i, 0]
            told.possible[i, case] = told.possible[i, 0]


@njit(nogil=True, cache=True)
def _carrier(sent: Any, place: Any, seen: Any, extra: Any, at: Any, power: Any) -> Any:  # pragma: no cover - compiled
    """RSRP of carrier j over cell i, at = (i, j), into power[:, j]; whether the three cases differ."""
    i, j = at
    spot, antenna = sent.position[j], sent.antenna[j]
    dx, dy, dz = place.point[i, 0] - spot[0], place.point[i, 1] - spot[1], place.point[i, 2] - spot[2]
    ax, ay = abs(place.centre[i, 0] - spot[0]), abs(place.centre[i, 1] - spot[1])
    near = math.hypot(max(ax - place.half[i], 0.0), max(ay - place.half[i], 0.0))
    far = math.hypot(ax + place.half[i], ay + place.half[i])
    below, above = place.low[i] - spot[2], place.high[i] - spot[2]
    flat = math.hypot(dx, dy)
    site = sent.site[j]
    sight = (True, True, True) if site < 0 else (seen.point[i, site], seen.whole[i, site], seen.some[i, site])
    line = sent.curve[j, place.heights[i]]
    least = sent.least_d[j]
    gain_low, gain_high = _gain_bounds(antenna, (place.centre[i, 0] - spot[0], place.centre[i, 1] - spot[1]), place.half[i], below, above)
    at_point = sent.power[j] + _gain(antenna, dx, dy, dz) - _loss(line, flat, dz, least, sight[0])
    lowest = sent.power[j] + gain_low - _loss(line, far, max(abs(below), abs(above)), least, sight[1])
    highest = sent.power[j] + gain_high - _loss(line, near, max(below, -above, 0.0), least, sight[2])
    row = extra.row[i]
    if sent.inside[j] >= 0 or row >= 0:
        lost = extra.inside[i, sent.inside[j]] if sent.inside[j] >= 0 else extra.entered[row, sent.column[j]]
        for case in range(3):
            power[0, j, case] = at_point - lost[0, 1]
            power[1, j, case] = lowest - lost[2, case]
            power[2, j, case] = highest - lost[1, case]
        return lost[2, 0] != lost[2, 2] or lost[1, 0] != lost[1, 2]
    for case in range(3):
        power[0, j, case], power[1, j, case], power[2, j, case] = at_point, lowest, highest
    return False


@njit(nogil=True, cache=True)
def _loss(line: Any, flat: Any, rise: Any, least: Any, sight: Any) -> Any:  # pragma: no cover - compiled
    """Loss on a curve (10,) over a distance along the ground and a difference of heights [m]. [dB]"""
    d2d = max(flat, least)
    d3d = max(math.sqrt(d2d * d2d + rise * rise), NEAREST_M)
    log_d = math.log10(d3d)
    clear = line[1] + line[2] * log_d + line[3] * d3d if d2d <= line[0] else line[4] + line[5] * log_d
    return clear if sight else max(clear, line[6] + line[7] * log_d, line[8] + line[9] * log_d)


@njit(nogil=True, cache=True)
def _pattern(off_h: Any, off_v: Any, antenna: Any) -> Any:  # pragma: no cover - compiled
    """Gain against the boresight off it by two angles [rad]. [dB <= 0]"""
    vertical = min(12.0 * (off_v / antenna[3]) ** 2, SIDE_LOBE_DB)
    return -min(min(12.0 * (off_h / antenna[2]) ** 2, SIDE_LOBE_DB) + vertical, SIDE_LOBE_DB)


@njit(nogil=True, cache=True)
def _gain(antenna: Any, dx: Any, dy: Any, dz: Any) -> Any:  # pragma: no cover - compiled
    if math.isnan(antenna[0]):
        return 0.0
    return _pattern(_wrapped(math.atan2(dx, dy) - antenna[0]), math.atan2(dz, math.hypot(dx, dy)) + antenna[1], antenna)


@njit(nogil=True, cache=True)
def _gain_bounds(antenna: Any, offset: Any, half: Any, below: Any, above: Any) -> Any:  # pragma: no cover - compiled
    """Least and greatest gain over a box, as `twin.coverage.antenna.gain_bounds_db`. [dB]"""
    if math.isnan(antenna[0]):
        return 0.0, 0.0
    ground, radius = math.hypot(offset[0], offset[1]), half * math.sqrt(2.0)
    near, far = max(ground - radius, 0.0), ground + radius
    turn = abs(_wrapped(math.atan2(offset[0], offset[1]) - antenna[0]))
    spread = math.asin(radius / ground) if ground > radius else math.pi
    highest = math.atan2(above, near if above > 0.0 else far) + antenna[1]
    lowest = math.atan2(below, far if below > 0.0 else near) + antenna[1]
    least_v = 0.0 if lowest <= 0.0 <= highest else min(abs(lowest), abs(highest))
    most = _pattern(max(turn - spread, 0.0), least_v, antenna)
    return _pattern(min(turn + spread, math.pi), max(abs(lowest), abs(highest)), antenna), most


@njit(nogil=True, cache=True)
def _wrapped(angle: Any) -> Any:  # pragma: no cover - compiled
    return (angle + math.pi) % (2.0 * math.pi) - math.pi


@njit(nogil=True, cache=True)
def _quality(sent: Any, j: Any, signal: Any, milliwatt: Any) -> Any:  # pragma: no cover - compiled
    """SINR of carrier j [dB] for its signal [dBm] and what the others send. [mW]"""
    noise = sent.noise[j]
    for k in range(sent.first[j], sent.first[j + 1]):
        noise += sent.weight[k] * milliwatt[sent.other[k]]
    return signal - 10.0 * math.log10(noise)


@njit(nogil=True, cache=True)
def _at_point(sent: Any, limits: Any, told: Any, i: Any, power: Any, milliwatt: Any) -> None:  # pragma: no cover - compiled
    for j in range(len(milliwatt)):
        milliwatt[j] = math.exp(_TENTH * power[0, j, 0])
    for j in range(len(milliwatt)):
        o, level = sent.operator[j], power[0, j, 0]
        if level < limits.rsrp and level <= told.level[i, o]:
            continue
        quality = _quality(sent, j, level, milliwatt)
        if level > told.level[i, o]:
            told.level[i, o], told.best[i, o], told.sinr[i, o] = level, j, quality
        if level >= limits.rsrp and quality >= limits.sinr:
            told.served[i, o] = True


@njit(nogil=True, cache=True)
def _over_cell(sent: Any, limits: Any, out: Any, levels: Any, turn: Any, milliwatt: Any) -> None:  # pragma: no cover - compiled
    """Which operators (o,) serve with levels (own, others' (m,)) [dBm], an unknown power off by `turn` times its slack."""
    own, others = levels
    filled = False
    for j in range(len(own)):
        level = own[j] + turn * sent.slack[j]
        if out[sent.operator[j]] or level < limits.rsrp:
            continue
        if not filled:
            for k in range(len(own)):
                milliwatt[k] = math.exp(_TENTH * (others[k] - turn * min(sent.slack[k], OTHERS_SLACK_DB)))
            filled = True
        out[sent.operator[j]] = _quality(sent, j, level, milliwatt) >= limits.sinr
