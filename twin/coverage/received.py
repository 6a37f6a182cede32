"""The compiled loops of mobile coverage: what one carrier gives every cell, and what cells get from all of them.

For each cell and carrier the distance, the gain and the loss are bounded over the cell's box (`hear`). What is not known is looked at in
worlds: in the pessimistic ones a signal is as weak and what disturbs it as strong as it may be, in the optimistic ones the other way
round. A facade is of one kind in a world, for all that enter by it; the walls inside are each for itself. A carrier surely serves a cell
if it serves all of it in every pessimistic world, and possibly if it serves some of it in an optimistic one (`receive`).

Formulas come as curves (`twin.coverage.propagation.Curve`), patterns as in `twin.coverage.antenna`; nothing here knows a standard.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.coverage.antenna import SIDE_LOBE_DB

FloatArray = NDArray[np.float64]
SingleArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NEAREST_M = 0.5  # nearer places count as this far
OTHERS_SLACK_DB = 10.0  # an unknown power of an interferer is taken to be off by no more than this
LOST_DB = 1000.0  # what a carrier that is not heard is below
FAINTEST_DBM = -400.0  # what is weaker adds nothing to any noise
SINGLE_DB = 1e-4  # bounds are kept in single precision, wider by this
ANY, ALL = -1, -2  # operators that must serve; else the number of one
WORST, LIKELY, BEST = 0, 1, 2  # cases, as `twin.coverage.makeup` has them
NONE, SAFE = -1, -2  # no device serves; several do
_TENTH = math.log(10.0) / 10.0


class Sent(NamedTuple):
    """One carrier."""

    position: FloatArray  # (3,) [m, enu]
    power: float  # [dBm]
    antenna: FloatArray  # (5,) azimuth (NaN: all round), electrical tilt, widths of the beam, mechanical tilt [rad]
    slack: FloatArray  # (3,) how far off it may be: position [m], azimuth and tilt [rad]
    least_d: float  # least distance of the formula [m]
    curve: FloatArray  # (c, 10) for each class of heights


class Place(NamedTuple):
    """n cells."""

    point: FloatArray  # (n, 3) [m, enu]
    centre: FloatArray  # (n, 3) [m, enu]
    half: FloatArray  # (n,) [m]
    low: FloatArray  # (n,) lowest and highest target [m, enu]
    high: FloatArray
    heights: IntArray  # (n,) class of heights


class Way(NamedTuple):
    """What is between one carrier and n cells."""

    point: BoolArray  # (n,) line of sight to the point, to all of the cell, to some of it
    whole: BoolArray  # (n,)
    some: BoolArray  # (n,)
    row: IntArray  # (n,) row of `lost`; -1: nothing beside the path; -2: not heard
    lost: FloatArray  # (k, 3, 3) at the point, least, most, in the three cases [dB]


class Air(NamedTuple):
    """m carriers at n cells."""

    plain: SingleArray  # (n, m, 3) at the point, least, most, in the likely case [dBm]
    row: NDArray[np.int32]  # (n, m) row of `cases` where the cases differ; -1 elsewhere
    cases: SingleArray  # (k, 3, 3) at the point, least, most, in the three cases [dBm]


class Rules(NamedTuple):
    """What m carriers are to each other, and what counts."""

    slack: FloatArray  # (m,) how far the power may be off [dB]
    noise: FloatArray  # (m,) [mW]
    operator: IntArray  # (m,)
    device: IntArray  # (m,)
    indoor: BoolArray  # (m,)
    first: IntArray  # (m + 1,) where the interferers of each begin
    other: IntArray  # interferers
    weight: FloatArray  # and how much of each arrives [1]
    rsrp: FloatArray  # (m,) least power [dBm]
    sinr: float  # [dB]; -inf where it does not matter
    who: int  # ANY, ALL or the number of an operator


class World(NamedTuple):
    """One state of what is not known, at the points of cells."""

    facade: int  # WORST LIKELY BEST
    walls: int  # of indoor carriers that serve
    other_walls: int  # of indoor carriers that disturb
    own_db: FloatArray  # (m,) how much more each sends when it serves, and when it disturbs
    other_db: FloatArray


class Told(NamedTuple):
    """What comes out, by operator (o)."""

    level: FloatArray  # (n, o) of the strongest carrier [dBm]
    best: IntArray  # (n, o) that carrier; -1 where none
    sinr: FloatArray  # (n, o) of that carrier [dB]
    served: BoolArray  # (n, o) at the point
    sole: IntArray  # (n, o) the device without which none would; NONE, SAFE
    devices: FloatArray  # (d, o) area each device serves [m2]


class Bounds(NamedTuple):
    """What holds over whole cells, by operator (o)."""

    sure: BoolArray  # (n, o)
    possible: BoolArray  # (n, o)
    mixed: BoolArray  # (n,)


@njit(nogil=True, cache=True)
def hear(sent: Any, place: Any, way: Any, plain: Any, cases: Any) -> None:  # pragma: no cover - compiled
    """Fill the power of one carrier over cells: plain (n, 3), and cases (k, 3, 3) for the rows of what is lost beside the path."""
    spot = sent.position
    loose = sent.slack[0]
    for i in range(len(place.half)):
        if way.row[i] == -2:
            plain[i, :] = -LOST_DB
            continue
        dx, dy, dz = place.point[i, 0] - spot[0], place.point[i, 1] - spot[1], place.point[i, 2] - spot[2]
        cx, cy = place.centre[i, 0] - spot[0], place.centre[i, 1] - spot[1]
        half = place.half[i] + loose
        near = math.hypot(max(abs(cx) - half, 0.0), max(abs(cy) - half, 0.0))
        far = math.hypot(abs(cx) + half, abs(cy) + half)
        below, above = place.low[i] - spot[2] - loose, place.high[i] - spot[2] + loose
        line = sent.curve[place.heights[i]]
        gain_low, gain_high = _gain_bounds(sent, cx, cy, half, below, above)
        at_point = sent.power + _gain(sent.antenna, dx, dy, dz) - _loss(line, math.hypot(dx, dy), dz, sent.least_d, way.point[i])
        lowest = sent.power + gain_low - _loss(line, far, max(abs(below), abs(above)), sent.least_d, way.whole[i]) - SINGLE_DB
        highest = sent.power + gain_high - _loss(line, near, max(below, -above, 0.0), sent.least_d, way.some[i]) + SINGLE_DB
        row = way.row[i]
        if row < 0:
            plain[i, 0], plain[i, 1], plain[i, 2] = at_point, lowest, highest
            continue
        lost = way.lost[row]
        for case in range(3):
            cases[row, 0, case] = at_point - lost[0, case]
            cases[row, 1, case] = lowest - lost[2, case]
            cases[row, 2, case] = highest - lost[1, case]
        plain[i, 0], plain[i, 1], plain[i, 2] = at_point - lost[0, 1], lowest - lost[2, 1], highest - lost[1, 1]


@njit(nogil=True, cache=True)
def receive(air: Any, rules: Any, area: Any, world: Any, told: Any) -> None:  # pragma: no cover - compiled
    """Fill `told` with what the points of cells get in one world."""
    m = len(rules.noise)
    own, milliwatt = np.empty(m), np.empty(m)
    served_by = np.full(told.level.shape[1], NONE, np.int64)
    counted = np.full(told.devices.shape[0], -1, np.int64)
    for i in range(air.plain.shape[0]):
        for j in range(m):
            case = world.walls if rules.indoor[j] else world.facade
            other = world.other_walls if rules.indoor[j] else world.facade
            own[j] = _level(air, j, i, 0, case) + world.own_db[j]
            level = _level(air, j, i, 0, other) + world.other_db[j]
            milliwatt[j] = math.exp(_TENTH * level) if level > FAINTEST_DBM else 0.0
        served_by[:] = NONE
        for j in range(m):
            o = rules.operator[j]
            if own[j] < rules.rsrp[j] and own[j] - rules.rsrp[j] <= told.level[i, o]:
                continue
            if own[j] - rules.rsrp[j] > told.level[i, o]:
                quality = _quality(rules, j, own[j], milliwatt)
                told.level[i, o], told.best[i, o], told.sinr[i, o] = own[j] - rules.rsrp[j], j, quality
                good = quality >= rules.sinr
            else:
                good = _is_good(rules, j, own[j], milliwatt, -1)
            if own[j] >= rules.rsrp[j] and good:
                told.served[i, o] = True
                d = rules.device[j]
                served_by[o] = d if served_by[o] in (NONE, d) else SAFE
                if counted[d] != i:
                    counted[d] = i
                    told.devices[d, o] += area[i]
        for o in range(len(served_by)):
            told.sole[i, o] = served_by[o]
            if served_by[o] >= 0 and _instead(rules, o, served_by[o], own, milliwatt):
                told.sole[i, o] = SAFE


@njit(nogil=True, cache=True)
def serve(air: Any, rules: Any, world: Any, one: Any, out: Any) -> None:  # pragma: no cover - compiled
    """Fill `out` (n, o) with which operators serve the points of cells in one world; with `one`, the first that is found to."""
    m = len(rules.noise)
    own, milliwatt = np.empty(m), np.empty(m)
    for i in range(air.plain.shape[0]):
        hope = False
        for j in range(m):
            own[j] = _level(air, j, i, 0, world.walls if rules.indoor[j] else world.facade) + world.own_db[j]
            hope = hope or own[j] >= rules.rsrp[j]
            if one and hope and rules.sinr == -math.inf:
                out[i, rules.operator[j]] = True
                break
        if not hope or (one and rules.sinr == -math.inf):
            continue
        if rules.sinr > -math.inf:
            for j in range(m):
                level = _level(air, j, i, 0, world.other_walls if rules.indoor[j] else world.facade) + world.other_db[j]
                milliwatt[j] = math.exp(_TENTH * level) if level > FAINTEST_DBM else 0.0
        for j in range(m):
            if own[j] >= rules.rsrp[j] and not out[i, rules.operator[j]]:
                out[i, rules.operator[j]] = rules.sinr == -math.inf or _is_good(rules, j, own[j], milliwatt, -1)
                if one and out[i, rules.operator[j]]:
                    break


@njit(nogil=True, cache=True)
def _instead(rules: Any, o: Any, device: Any, own: Any, milliwatt: Any) -> Any:  # pragma: no cover - compiled
    """Whether another carrier of operator o would serve if a device, which also disturbs, were not there."""
    for j in range(len(own)):
        another = rules.operator[j] == o and rules.device[j] != device and own[j] >= rules.rsrp[j]
        if another and _is_good(rules, j, own[j], milliwatt, device):
            return True
    return False


@njit(nogil=True, cache=True)
def bound(air: Any, rules: Any, out: Any) -> None:  # pragma: no cover - compiled
    """Fill `out` with what holds over whole cells in all worlds."""
    m, o = len(rules.noise), out.sure.shape[1]
    own, milliwatt, heard, first = np.empty(m), np.zeros(m), np.empty(m, np.int64), np.empty(o, np.int64)
    yes, no = np.empty(o, np.bool_), np.empty(o, np.bool_)
    loose = rules.slack.max() > 0.0
    for i in range(air.plain.shape[0]):
        varied, count = False, 0
        milliwatt[:] = 0.0
        for j in range(m):
            varied = varied or air.row[i, j] >= 0
            if air.plain[i, j, 2] > -LOST_DB:
                heard[count] = j
                count += 1
        room = (own, milliwatt, heard[:count], first)
        _over_cell(air, rules, (i, LIKELY, LIKELY, LIKELY, 0.0), (yes, no), room, (0, 2))
        out.sure[i], out.possible[i] = yes, no
        out.mixed[i] = _counts(no, rules.who) and not _counts(yes, rules.who)
        if not varied and not loose:
            continue
        for facade in range(3 if varied else 1):
            for turn in (-1.0, 1.0):
                weak, strong = (WORST, BEST) if turn < 0.0 else (BEST, WORST)
                _over_cell(air, rules, (i, facade, weak, strong, turn), (yes, no), room, _open_sides(out, i, turn))
                out.mixed[i] = out.mixed[i] or (_counts(no, rules.who) and not _counts(yes, rules.who))
                for k in range(o):
                    if turn < 0.0:
                        out.sure[i, k] = out.sure[i, k] and yes[k]
                    else:
                        out.possible[i, k] = out.possible[i, k] or no[k]


@njit(nogil=True, cache=True)
def _open_sides(out: Any, i: Any, turn: Any) -> Any:  # pragma: no cover - compiled
    """From which side to before which one a turn of the power may change what holds: of a mixed cell, only what it takes away or gives."""
    if not out.mixed[i]:
        return 0, 2
    if turn < 0.0:
        return 0, 1 if out.sure[i].any() else 0
    return 1, 1 if out.possible[i].all() else 2


@njit(nogil=True, cache=True)
def _over_cell(air: Any, rules: Any, at: Any, out: Any, room: Any, sides: Any) -> None:  # pragma: no cover - compiled
    """Which operators (o,) serve all of a cell, and some of it, in the world (cell, facade, walls, walls of others, turn of power)."""
    i, facade, walls, other_walls, turn = at
    own, milliwatt, heard, first = room
    for side in range(sides[0], sides[1]):
        out[side][:] = False
        first[:] = -1
        mine, others = (1, 2) if side == 0 else (2, 1)
        hope = False
        for j in heard:
            own[j] = _level(air, j, i, mine, walls if rules.indoor[j] else facade) + turn * rules.slack[j]
            if own[j] >= rules.rsrp[j]:
                o = rules.operator[j]
                hope, first[o] = True, j if first[o] < 0 or own[j] > own[first[o]] else first[o]
        if not hope:
            continue
        if rules.sinr > -math.inf:
            for j in heard:
                level = _level(air, j, i, others, other_walls if rules.indoor[j] else facade)
                milliwatt[j] = math.exp(_TENTH * (level - turn * min(rules.slack[j], OTHERS_SLACK_DB)))
        for o in range(len(first)):  # the strongest of each operator is the likeliest to serve
            out[side][o] = first[o] >= 0 and (rules.sinr == -math.inf or _is_good(rules, first[o], own[first[o]], milliwatt, -1))
        for j in heard:
            if own[j] >= rules.rsrp[j] and not out[side][rules.operator[j]]:
                out[side][rules.operator[j]] = rules.sinr == -math.inf or _is_good(rules, j, own[j], milliwatt, -1)


@njit(nogil=True, cache=True)
def _counts(served: Any, who: Any) -> Any:  # pragma: no cover - compiled
    """Whether those whose signal counts serve, of (o,)."""
    if who >= 0:
        return served[who]
    return served.any() if who == ANY else served.all()


@njit(nogil=True, cache=True)
def _level(air: Any, j: Any, i: Any, kind: Any, case: Any) -> Any:  # pragma: no cover - compiled
    row = air.row[i, j]
    return np.float64(air.plain[i, j, kind]) if row < 0 else np.float64(air.cases[row, kind, case])


@njit(nogil=True, cache=True)
def _quality(rules: Any, j: Any, signal: Any, milliwatt: Any) -> Any:  # pragma: no cover - compiled
    """SINR of carrier j [dB] for its signal [dBm] and what the others send [mW]."""
    noise = rules.noise[j]
    for k in range(rules.first[j], rules.first[j + 1]):
        noise += rules.weight[k] * milliwatt[rules.other[k]]
    return signal - 10.0 * math.log10(noise)


@njit(nogil=True, cache=True)
def _is_good(rules: Any, j: Any, signal: Any, milliwatt: Any, without: Any) -> Any:  # pragma: no cover - compiled
    """Whether the SINR of carrier j is what is asked, but for one device; most are drowned by the first few that are summed."""
    noise = rules.noise[j]
    most = math.exp(_TENTH * (signal - rules.sinr)) * (1.0 + 1e-9)
    for k in range(rules.first[j], rules.first[j + 1]):
        if rules.device[rules.other[k]] != without:
            noise += rules.weight[k] * milliwatt[rules.other[k]]
            if noise > most:
                return False
    return signal - 10.0 * math.log10(noise) >= rules.sinr


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
def _turned(antenna: Any, dx: Any, dy: Any, dz: Any) -> Any:  # pragma: no cover - compiled
    """An offset as the antenna has it: along its boresight, to its right, upwards. [m]"""
    sin, cos = math.sin(antenna[0]), math.cos(antenna[0])
    ahead, across = dx * sin + dy * cos, dx * cos - dy * sin
    if antenna[4] == 0.0:
        return ahead, across, dz
    sin, cos = math.sin(antenna[4]), math.cos(antenna[4])
    return ahead * cos - dz * sin, across, ahead * sin + dz * cos


@njit(nogil=True, cache=True)
def _gain(antenna: Any, dx: Any, dy: Any, dz: Any) -> Any:  # pragma: no cover - compiled
    if math.isnan(antenna[0]):
        return 0.0
    along, across, up = _turned(antenna, dx, dy, dz)
    return _pattern(math.atan2(across, along), math.atan2(up, math.hypot(along, across)) + antenna[1], antenna)


@njit(nogil=True, cache=True)
def _gain_bounds(sent: Any, cx: Any, cy: Any, half: Any, below: Any, above: Any) -> Any:  # pragma: no cover - compiled
    """Least and greatest gain over a box, as `twin.coverage.antenna.gain_bounds_db`, for an aim that may be off. [dB]"""
    antenna = sent.antenna
    if math.isnan(antenna[0]):
        return 0.0, 0.0
    along, across, middle = _turned(antenna, cx, cy, (below + above) / 2.0)
    lean, disc, half_z = abs(math.sin(antenna[4])), half * math.sqrt(2.0), (above - below) / 2.0
    radius, rise = disc + lean * half_z, half_z + lean * disc
    ground = math.hypot(along, across)
    near, far = max(ground - radius, 0.0), ground + radius
    turn = abs(math.atan2(across, along))
    spread = (math.asin(radius / ground) if ground > radius else math.pi) + sent.slack[1]
    up, down = middle + rise, middle - rise
    highest = math.atan2(up, near if up > 0.0 else far) + antenna[1] + sent.slack[2]
    lowest = math.atan2(down, far if down > 0.0 else near) + antenna[1] - sent.slack[2]
    least_v = 0.0 if lowest <= 0.0 <= highest else min(abs(lowest), abs(highest))
    most = _pattern(max(turn - spread, 0.0), least_v, antenna)
    return _pattern(min(turn + spread, math.pi), max(abs(lowest), abs(highest)), antenna), most
