"""How loud loudspeakers are on a surface.

        L = S + 10 log10 P - 20 log10 r + D(off the axis)    dB,  S the level at 1 m from 1 W, P watts, r metres

and speakers add up by energy. Directivity D falls to -6 dB at half the covering angle, as the square of the angle off the axis, and
no further than `REAR_DB`. What stands between takes away what its mass does (`mass_table_db`), a stated figure, or everything.

Round the edge of an obstacle sound comes at best with 5 dB less than past it (Maekawa's screen at the line of sight), so that much
opens the upper bound of what is hidden; nothing of it counts for the lower one. Air takes nothing here: 1 dB on 200 m at 1 kHz.

Sources: GB 50116 6.6 (15 dB over ambient noise above 60 dB), GB/T 50526 (12 dB), ISO 9613-2 7.4 and Maekawa 1968 (screens), the law of
mass for diffuse sound R = 20 log10(m f) - 47 dB.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from twin.coverage.bounded import in_parts
from twin.coverage.cells import Cells
from twin.coverage.makeup import LIKELY, THICKEST_CM, Partitions
from twin.coverage.sightlines import Blocks, Lines, blocks, is_lasting
from twin.coverage.walls import Barriers, wall_loss

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NEAREST_M = 1.0  # nearer places count as this far: the sensitivity is stated there
REAR_DB = 20.0  # the most that a speaker's direction takes away
SCREEN_DB = 5.0  # the least that the edge of a screen takes (Maekawa, Fresnel number 0)
SPEECH_HZ = 500.0
WORTH_DB = 5.0  # a hidden speaker that would be farther below what is asked counts as blocked: it gives 10 dB less at the very best
MOST_DB = 80.0  # no wall is better built in
_MOST_PAIRS = 500_000
_SCREEN = 10.0 ** (-SCREEN_DB / 10.0)

# density of the materials of `twin.coverage.materials` [kg/m3]
DENSITY: Mapping[str, float] = {
    "concrete": 2400.0, "brick": 1800.0, "plasterboard": 800.0, "wood": 600.0, "glass": 2500.0, "ceiling_board": 300.0, "chipboard": 650.0,
    "plywood": 600.0, "marble": 2700.0, "floorboard": 650.0, "metal": 7800.0, "ground": 1800.0, "air": 1.2, "insulation": 50.0,
}  # fmt: skip
OTHER_DENSITY = 1000.0
ASSEMBLY_DB = 25.0  # doors, windows and parts nobody knows the make-up of


@dataclass(frozen=True)
class Speakers:
    """m loudspeakers."""

    position: FloatArray  # (m, 3) [m, enu]
    level_db: FloatArray  # (m, 3) at 1 m on the axis with their power: least, likely, most [dB]
    azimuth_rad: FloatArray  # (m,) of the axis, clockwise from north; NaN: nobody knows
    tilt_rad: FloatArray  # (m,) of the axis below the horizon
    angle_rad: FloatArray  # (m,) covering angle, between the two directions of -6 dB; 2 pi or more: all round

    def __len__(self) -> int:
        return len(self.position)


@dataclass(frozen=True)
class Walls:
    """What obstacles do to sound: the barriers priced by mass, or `figure_db` for whatever stands between (infinite: nothing passes)."""

    barriers: Barriers | None = None
    figure_db: float = math.inf


@dataclass(frozen=True)
class Heard:
    """What n cells get: at their point by best knowledge, and least and most over the cell [dB]; and the level asked for."""

    point: FloatArray  # (n,)
    low: FloatArray  # (n,)
    high: FloatArray  # (n,)
    clear: FloatArray  # (n,) at the point with nothing between [dB]
    blocker: IntArray  # (n,) the object that takes most of the strongest speaker, -1: none
    asked: FloatArray  # (n,) [dB]
    lasting: BoolArray  # (n,) undecided, and smaller cells would be too

    @property
    def covered(self) -> BoolArray:
        """Loud enough at the cell's point (n,)."""
        return self.point >= self.asked

    @property
    def sure(self) -> BoolArray:
        """Loud enough everywhere in the cell, at worst (n,)."""
        return self.low >= self.asked

    @property
    def possible(self) -> BoolArray:
        """Loud enough somewhere in the cell, at best (n,)."""
        return self.high >= self.asked

    @property
    def mixed(self) -> BoolArray:
        """Cutting the cell may tell more (n,)."""
        return self.possible & ~self.sure & ~self.lasting


def level_db(sensitivity_db: float, power_w: float) -> float:
    """Level at 1 m on the axis, with its power. [dB]"""
    return sensitivity_db + 10.0 * math.log10(power_w)


def reach_m(speakers: Speakers, least_db: float) -> FloatArray:
    """How far from each speaker (m,) [m] at most that level [dB] can come from it."""
    return np.asarray(10.0 ** ((speakers.level_db[:, 2] - least_db) / 20.0), np.float64)


def levels(speakers: Speakers, points: FloatArray) -> FloatArray:
    """Level (n, m) [dB] of each of m speakers at points (n, 3) [m, enu] with nothing between."""
    everywhere = np.full(len(speakers), np.inf)
    return 10.0 * np.log10(np.maximum(_energies(_packed(speakers), np.ascontiguousarray(points, float), everywhere), 1e-30))


def energies(speakers: Speakers, number: IntArray, points: FloatArray) -> FloatArray:
    """Energy (k,), 1 at 0 dB, of speaker number (k,) at its point (k, 3) [m, enu], nothing between."""
    return _of_pairs(_packed(speakers), number, np.ascontiguousarray(points, float))


def together_db(level: FloatArray) -> FloatArray:
    """Levels (..., m) [dB] added up by energy (...). [dB]"""
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10((10.0 ** (np.asarray(level, float) / 10.0)).sum(axis=-1))


def mass_db(kg_per_m2: Any) -> Any:
    """Sound reduction of a wall by its mass [kg/m2] in diffuse sound, R = 20 log10(m f) - 47. [dB]"""
    return np.clip(20.0 * np.log10(np.maximum(np.asarray(kg_per_m2, float) * SPEECH_HZ, 1e-9)) - 47.0, 0.0, MOST_DB)


def mass_table_db(walls: Partitions) -> FloatArray:
    """Reduction (k, 61, 91) [dB] of each make-up at each thickness [cm], alike for all angles: for `twin.coverage.walls.wall_loss`."""
    cm = np.arange(THICKEST_CM + 1.0)
    rows: list[FloatArray] = []
    for made in walls.make_ups:
        if made.fixed_db is not None:
            rows.append(np.full(len(cm), 0.0 if made.fixed_db == 0.0 else ASSEMBLY_DB))
        elif made.fill is not None:
            rows.append(mass_db(cm / 100.0 * DENSITY.get(made.fill, OTHER_DENSITY)))
        else:
            mass = sum(layer.thickness_m * DENSITY.get(layer.material, OTHER_DENSITY) for layer in made.layers)
            rows.append(np.full(len(cm), float(mass_db(mass))))
    table = np.stack(rows) if rows else np.zeros((1, len(cm)))
    return np.ascontiguousarray(np.repeat(table[:, :, None], 91, axis=2))


def heard(speakers: Speakers, lines: Lines, walls: Walls, cells: Cells, *, asked_db: FloatArray, reach: FloatArray) -> Heard:
    """What cells of a field, or cells cut from them, get.

    Parameters
    ----------
    speakers
        m speakers, the points of `lines` in the same order.
    lines
        Which of them are in sight of which parts, up to `reach`.
    walls
        What obstacles do to sound.
    cells
        n cells.
    asked_db, reach
        The level asked for in each cell (n,) [dB] and how far each speaker was followed (m,) [m]. What may come from farther counts for
        the upper bound.
    """
    packed = _packed(speakers)

    def judge(part: Cells, index: IntArray) -> tuple[Any, ...]:
        return _judged(speakers, packed, lines, walls, part, (np.asarray(asked_db, float)[index], reach))

    if not len(cells):
        none = np.empty(0)
        return Heard(none, none, none, none, np.empty(0, np.int64), none, np.empty(0, bool))
    parts = in_parts(cells, max(_MOST_PAIRS // max(len(speakers), 1), 1), judge)
    point, low, high, clear, blocker, lasting = (np.concatenate([part[k] for part in parts]) for k in range(6))
    with np.errstate(divide="ignore"):
        point, low, high, clear = (10.0 * np.log10(energy) for energy in (point, low, high, clear))
    return Heard(point, low, high, clear, blocker, np.asarray(asked_db, float), lasting)


def _judged(
    speakers: Speakers, packed: FloatArray, lines: Lines, walls: Walls, cells: Cells, told: tuple[FloatArray, FloatArray]
) -> tuple[Any, ...]:
    asked_db, reach = told
    at: Blocks = blocks(lines.field, cells)
    own = np.ascontiguousarray(cells.representative)
    boxes = np.column_stack([cells.centre[:, :2], cells.z_range, cells.half])
    low, high = np.zeros(len(cells)), np.zeros(len(cells))
    state = np.zeros((len(cells), len(speakers)), np.bool_)  # in sight of the cell's point
    records = (lines.first, lines.point, lines.seen, lines.likely, lines.perhaps)
    _bounds(packed, records, (at.root, at.live, at.own), (boxes, reach, _SCREEN), (low, high, state))
    energy = _energies(packed, own, reach)
    passed, blocker = _passed(speakers, walls, own, energy, (state, 10.0 ** ((asked_db - WORTH_DB) / 10.0)))
    point = (energy * passed).sum(axis=1)
    low, high, asked = np.minimum(low, point), np.maximum(high, point), 10.0 ** (asked_db / 10.0)
    lasting, open_ = np.zeros(len(cells), bool), np.flatnonzero((low < asked * (1 + 1e-9)) & (high >= asked * (1 - 1e-9)))
    lasting[open_] = _lasting(packed, records, (at, open_), (own, boxes, reach, walls), (point, asked))
    strongest = energy.argmax(axis=1) if len(speakers) else np.zeros(len(cells), np.int64)
    blocker = blocker[np.arange(len(cells)), strongest] if len(speakers) else np.full(len(cells), -1, np.int64)
    return point, low, high, energy.sum(axis=1), blocker, lasting


def _lasting(
    packed: FloatArray, records: tuple[Any, ...], at: tuple[Blocks, IntArray], where: Any, told: tuple[FloatArray, FloatArray]
) -> BoolArray:
    """Whether cutting some undecided cells (k,) would decide nothing."""
    (found, some), (own, boxes, reach, walls), (point, asked) = at, where, told
    root, bit, shape = found.root[some], found.own[some], (len(some), len(packed))
    least, most, low, high = (np.zeros(len(some)) for _ in range(4))
    spots = np.column_stack([own, own[:, 2], np.zeros(len(own))])[some]
    _bounds(packed, records, (root, bit, bit), (spots, reach, _SCREEN), (least, most, np.zeros(shape, np.bool_)))
    certain = packed.copy()
    certain[:, 8], certain[:, 10] = packed[:, 9], packed[:, 9]
    certain[packed[:, 6] == 0.0, 7] = math.pi  # of an axis nobody knows: all round
    likely, passing = (*records[:2], records[3], records[3], records[3]), 10.0 ** (-walls.figure_db / 10.0)
    followed = np.full(len(reach), np.inf)  # best knowledge asks no speaker from beyond
    _bounds(certain, likely, (root, found.live[some], bit), (boxes[some], followed, passing), (low, high, np.zeros(shape, np.bool_)))
    return is_lasting(asked[some], (np.minimum(low, point[some]), np.maximum(high, point[some])), (least, most))


def _passed(
    speakers: Speakers, walls: Walls, own: FloatArray, energy: FloatArray, told: tuple[BoolArray, FloatArray]
) -> tuple[FloatArray, IntArray]:
    """The share of the energy (n, m) that what stands between lets pass, and the object that takes most (n, m)."""
    free, worth = told
    blocker = np.full(energy.shape, -1, np.int64)
    share = np.where(free, 1.0, 0.0 if math.isinf(walls.figure_db) else 10.0 ** (-walls.figure_db / 10.0))
    row, column = np.nonzero(~free & (energy >= worth[:, None]))
    if not len(row):
        return share, blocker
    if walls.barriers is not None:
        table = mass_table_db(walls.barriers.walls)
        loss = wall_loss(walls.barriers, table, speakers.position[column], own[row])
        blocker[row, column] = loss.blocker
        if math.isinf(walls.figure_db):
            share[row, column] = 10.0 ** (-loss.db[:, LIKELY] / 10.0)
    share[row, column] = np.minimum(share[row, column], 10.0 ** (-SCREEN_DB / 10.0))  # as much as the upper bound allows
    return share, blocker


def _packed(speakers: Speakers) -> FloatArray:
    """Speakers as the compiled loops take them (m, 12): place, axis, whether it is known, half the covering angle, energies at 1 m."""
    azimuth = np.nan_to_num(speakers.azimuth_rad)
    axis = np.column_stack([
        np.sin(azimuth) * np.cos(speakers.tilt_rad), np.cos(azimuth) * np.cos(speakers.tilt_rad), -np.sin(speakers.tilt_rad),
    ])  # fmt: skip
    known = ~np.isnan(speakers.azimuth_rad)
    placed = np.isfinite(speakers.position).all(axis=1, keepdims=True)
    energy = np.where(placed, 10.0 ** (speakers.level_db / 10.0), 0.0)
    return np.ascontiguousarray(
        np.column_stack([np.where(placed, speakers.position, 0.0), axis, known, speakers.angle_rad / 2, energy]), np.float64
    )


@nb.njit(cache=True, nogil=True)
def _energies(rows: FloatArray, points: FloatArray, reach: FloatArray) -> Any:  # pragma: no cover - compiled
    """Energy (n, m) of each speaker at points (n, 3) within its reach, nothing between; of an axis nobody knows all round."""
    out = np.zeros((len(points), len(rows)))
    for i in range(len(points)):
        for j in range(len(rows)):
            away = math.sqrt((points[i, 0] - rows[j, 0]) ** 2 + (points[i, 1] - rows[j, 1]) ** 2 + (points[i, 2] - rows[j, 2]) ** 2)
            out[i, j] = _energy(rows[j], points[i]) if away <= reach[j] else 0.0
    return out


@nb.njit(cache=True, nogil=True)
def _of_pairs(rows: FloatArray, number: IntArray, points: FloatArray) -> Any:  # pragma: no cover - compiled
    out = np.zeros(len(points))
    for i in range(len(points)):
        out[i] = _energy(rows[number[i]], points[i])
    return out


@nb.njit(cache=True, nogil=True)
def _energy(row: FloatArray, point: FloatArray) -> float:  # pragma: no cover - compiled
    """Energy of a speaker at a point, nothing between."""
    x, y, z = point[0] - row[0], point[1] - row[1], point[2] - row[2]
    d = max(math.sqrt(x * x + y * y + z * z), NEAREST_M)
    off = _off(row, x, y, z) if row[6] == 1.0 and row[7] < math.pi else 0.0
    return row[9] * _share(row, off) / (d * d)


@nb.njit(cache=True, nogil=True)
def _off(row: FloatArray, x: float, y: float, z: float) -> float:  # pragma: no cover - compiled
    """The angle between a speaker's axis and a direction. [rad]"""
    d = math.sqrt(x * x + y * y + z * z)
    return math.acos(min(1.0, max(-1.0, (x * row[3] + y * row[4] + z * row[5]) / d))) if d > 0.0 else 0.0


@nb.njit(cache=True, nogil=True)
def _share(row: FloatArray, off: float) -> float:  # pragma: no cover - compiled
    """The share of the axis' energy at an angle off it [rad]."""
    if row[7] >= math.pi:
        return 1.0
    return 10.0 ** (-min(6.0 * (off / row[7]) ** 2, REAR_DB) / 10.0)


@nb.njit(cache=True, nogil=True)
def _bounds(rows: FloatArray, records: Any, at: Any, where: Any, out: Any) -> None:  # pragma: no cover - compiled
    """Fill least and most energy (n,) and what is in sight of the cells' points (n, m); of a hidden speaker at most that share comes."""
    first, number, seen, likely, perhaps = records
    root, live, own = at
    boxes, reach, hidden = where
    low, high, state = out
    for i in range(len(root)):
        k, end = first[root[i]], first[root[i] + 1]
        for j in range(len(rows)):
            while k < end and number[k] < j:
                k += 1
            own_record = k < end and number[k] == j
            near, far, least, most = _spans(rows[j], boxes[i])
            if own_record and live[i] & ~seen[k] == 0:
                low[i] += rows[j, 8] * least / (far * far)
            some = (own_record and live[i] & perhaps[k] != 0) or far > reach[j]
            high[i] += rows[j, 10] * most / (near * near) * (1.0 if some else hidden)
            if own_record:
                state[i, j] = likely[k] & own[i] != 0 or (own[i] & live[i] == 0 and likely[k] & live[i] != 0)


@nb.njit(cache=True, nogil=True)
def _spans(row: FloatArray, box: FloatArray) -> Any:  # pragma: no cover - compiled
    """Least and greatest distance to a box [m], and least and greatest share of the axis' energy toward it."""
    dx, dy = abs(box[0] - row[0]), abs(box[1] - row[1])
    below, above = box[2] - row[2], box[3] - row[2]
    rise, drop = max(abs(below), abs(above)), max(below, -above, 0.0)
    near = math.sqrt(max(dx - box[4], 0.0) ** 2 + max(dy - box[4], 0.0) ** 2 + drop * drop)
    far = math.sqrt((dx + box[4]) ** 2 + (dy + box[4]) ** 2 + rise * rise)
    near, far = max(near, NEAREST_M), max(far, NEAREST_M)
    if row[6] == 0.0 or row[7] >= math.pi:
        return near, far, _share(row, math.pi), 1.0
    x, y, z = box[0] - row[0], box[1] - row[1], (box[2] + box[3]) / 2 - row[2]
    d, radius = math.sqrt(x * x + y * y + z * z), math.sqrt(2 * box[4] ** 2 + ((box[3] - box[2]) / 2) ** 2)
    wide = math.pi if radius >= d else math.asin(radius / d)
    off = _off(row, x, y, z)
    return near, far, _share(row, min(off + wide, math.pi)), _share(row, max(off - wide, 0.0))
