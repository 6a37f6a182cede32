"""What the measures of light, sound and displays share: the park as scenes in its states, a surface as cells, what opens the bounds.

Devices that send are looked out of all round (`twin.coverage.sightlines`), through the scene with most in the way and the one with
least; where doors and vegetation are known, or change nothing, the two are one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.buildings import buildings
from twin.coverage.bounded import Areas, Judge, areas
from twin.coverage.camera import View
from twin.coverage.cells import Cells, grid
from twin.coverage.field import Field, arrange
from twin.coverage.look import Sight, prepare
from twin.coverage.sightlines import Lines, Parts, sight_lines
from twin.coverage.surface import Surface
from twin.measures.evidence import digest
from twin.measures.radio import step_of
from twin.model import Device
from twin.result import Parameter
from twin.scene import Obstacles
from twin.scene.embree import Scene
from twin.scene.gather import gather_obstacles
from twin.scene.ground import ground_of
from twin.scene.state import CLEAR, CLOSED, OPAQUE, OPEN, UNKNOWN, State, states
from twin.store import Store
from twin.terrain import z_of_height

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FINEST_PARTS = 8  # cells are cut down to this part of the step where they are mixed
BUDGET = 400_000  # cells judged beyond the first
WALL_M, PROUD_M = 1.5, 0.05  # a device drawn this far inside a building hangs on its wall, and this far in front of it
METHOD = "sight certified by walls of shadow of visible edges; nearest and farthest point of each cell; mixed cells cut"
MOST_LOOKS = 3_000_000  # cells in sight of a place that are remembered, of 40 bytes
NAMED_GAPS = 20_000  # cells whose blockers are looked for; the others keep the reason alone

DOORS = Parameter("doors", UNKNOWN, "", "indicators.yaml conventions", "Doors: unknown opens the upper bound", "门的状态（未知时放宽上限）",
                  (UNKNOWN, CLOSED, OPEN))  # fmt: skip
VEGETATION = Parameter("vegetation", UNKNOWN, "", "assumption", "Leaves: unknown opens the upper bound", "植被遮挡（未知时放宽上限）",
                       (UNKNOWN, OPAQUE, CLEAR))  # fmt: skip
STATUSES = Parameter("statuses", ["in_service"], "name", "indicators.yaml conventions", "Statuses that count", "计入的设备状态")


@dataclass(frozen=True)
class Scenes:
    """The park with most and with least in the way, ready for looking; and each unknown state by itself at its best."""

    worst: Sight
    best: Sight
    single: Mapping[str, Scene]  # doors, vegetation: where that state alone changes something
    obstacles: Obstacles  # of the worst

    @property
    def pair(self) -> tuple[Sight, Sight]:
        """The two between which the truth lies."""
        return self.worst, self.best


@dataclass(frozen=True)
class Ground:
    """A surface cut into cells on the height that is asked for."""

    surface: Surface
    cells: Cells
    field: Field
    step: float


def scenes(store: Store, doors: str, vegetation: str) -> Scenes:
    """The park in the states that doors and vegetation may be in."""
    between = states(doors, vegetation)
    worst = gather_obstacles(store, state=between.worst)
    best = gather_obstacles(store, state=between.best)
    alone = {
        "doors": State(between.best.doors, between.worst.vegetation),
        "vegetation": State(between.worst.doors, between.best.vegetation),
    }
    single = {name: gather_obstacles(store, state=state) for name, state in alone.items() if best is not worst}
    return Scenes(_sight(worst), _sight(best), {name: _scene(each, best) for name, each in single.items() if each is not worst}, worst)


def ground_cells(store: Store, surface: Surface, asked_step: float | None, usual_step: float, height: float, sight: Sight) -> Ground:
    """A surface cut into cells with targets at `height` [m] above floor or ground, arranged among the obstacles of a scene."""
    step = step_of(surface, asked_step, usual_step)
    cells = grid(surface, step, height, ground_of(store))
    return Ground(surface, cells, arrange(cells, sight.edges), step)


def looked(ground: Ground, pair: tuple[Sight, Sight], points: FloatArray, reach: FloatArray) -> Lines:
    """Which points (m, 3) [m, enu] are in sight of which parts of the ground, up to reach (m,) [m].

    What was looked at before from the same place is remembered: a device that moves costs its own look alone.
    """
    among = digest([*_arrays(ground.cells), ground.step, *(_triangles_digest(sight.scene.obstacles) for sight in pair)])

    def remember(view: View, compute: Callable[[], Parts]) -> Parts:
        with _lock:
            if (among, view) in _looks:
                _looks.move_to_end((among, view))
                return _looks[among, view]
        found = compute()
        with _lock:
            _looks[among, view] = found
        return found

    lines = sight_lines(ground.field, pair, points, reach, remember)
    with _lock:
        surplus = sum(len(cell) for cell, _ in _looks.values()) - MOST_LOOKS
        while surplus > 0:
            surplus -= len(_looks.popitem(last=False)[1][0])
    return lines


def covered(ground: Ground, judge: Judge) -> tuple[Any, Areas]:
    """What a judge says of the whole cells, and the areas that follow when mixed ones are cut."""
    first = judge(ground.cells, None)
    return first, areas(ground.cells, first, judge, least_m=ground.step / FINEST_PARTS, budget=BUDGET)


def share_of(cells: Cells, yes: NDArray[np.bool_]) -> float:
    """The share of the cells' area where `yes` (n,) holds. [1]"""
    total = float(cells.area.sum())
    return float(cells.area[yes].sum()) / total if total > 0 else 0.0


def opened(what: str, devices: int, lower: float, upper: float) -> dict[str, Any]:
    """One row of a sensitivity: the share with this source alone at worst and at best."""
    return {"what": what, "devices": devices, "lower": lower, "upper": upper, "width": upper - lower}


def widest_first(rows: Sequence[Mapping[str, Any]], value: float | None = None) -> list[Mapping[str, Any]]:
    """Rows of a sensitivity that open anything, the widest first; `value` is the share that each lies about.

    Rows may be counted at the points of cells, the value over their parts: the difference is no opening.
    """
    held = rows if value is None else [opened(r["what"], r["devices"], min(r["lower"], value), max(r["upper"], value)) for r in rows]
    return sorted((row for row in held if row["width"] > 1e-12), key=lambda row: (-row["width"], row["what"]))


def contributions(
    devices: Sequence[Device], area: FloatArray, total: FloatArray, asked: FloatArray, pairs: tuple[IntArray, IntArray, FloatArray]
) -> tuple[list[dict[str, Any]], FloatArray]:
    """What each device covers by itself and what would be lost without it [m2], where contributions add up.

    Parameters
    ----------
    devices
        m devices.
    area, total, asked
        Covered area [m2], sum of contributions, and what is asked, of each cell (n,).
    pairs
        Cell, device and contribution (k,) of what reaches a cell's point.

    Returns
    -------
    A row a device, and the sum of contributions (n,) as they come again.
    """
    cell, number, given = pairs
    alone, lost = np.zeros(len(devices)), np.zeros(len(devices))
    np.add.at(alone, number, np.where(given >= asked[cell], area[cell], 0.0))
    needed = (total[cell] >= asked[cell]) & (total[cell] - given < asked[cell])
    np.add.at(lost, number, np.where(needed, area[cell], 0.0))
    rows = [{"id": device.id, "covered": round(float(alone[k]), 3), "lost": round(float(lost[k]), 3)} for k, device in enumerate(devices)]
    return rows, np.asarray(np.bincount(cell, given, len(total)), float)


def blockers_of(scene: Sight, cells: Cells, rows: IntArray, sources: FloatArray) -> list[str | None]:
    """The object that comes first on the way from sources (k, 3) [m, enu] to the points of cells `rows` (k,): (n,) names."""
    names: list[str | None] = [None] * len(cells)
    rows, sources = rows[:NAMED_GAPS], sources[:NAMED_GAPS]
    if len(rows):
        face, _ = scene.scene.first_hit(sources, cells.representative[rows])
        for row, hit in zip(rows.tolist(), face.tolist(), strict=True):
            names[row] = scene.scene.obstacles.id_of(hit) if hit >= 0 else None
    return names


def proud(store: Store, devices: Sequence[Device], places: FloatArray) -> tuple[FloatArray, list[str]]:
    """The places (n, 3) [m, enu] of devices, those drawn just inside a building known by its outline hung on the outside of its wall.

    Returns
    -------
    The places, and the ids of the devices that stay inside one.
    """
    standing = [building for building in buildings(store) if not building.model_ids and building.footprint is not None] if devices else []
    out, buried = places.copy(), list[str]()
    if not standing:
        return out, buried
    frame = store.park().frame
    outlines = frame.project(np.array([shapely.force_2d(building.footprint) for building in standing], object))
    tree = shapely.STRtree(outlines)
    points = np.asarray(shapely.points(places[:, :2]), object)
    for i, j in tree.query(points, predicate="within").T.tolist():
        top = float(z_of_height(frame, places[i : i + 1, :2], [standing[j].base_h_m + standing[j].height_m])[0])
        if devices[i].storey_id or devices[i].space_id or places[i, 2] >= top:
            continue
        edge = shapely.get_coordinates(shapely.shortest_line(outlines[j].boundary, points[i]))[0]
        inward = places[i, :2] - edge
        depth = float(np.hypot(*inward))
        if depth > WALL_M:
            buried.append(devices[i].id)
        else:
            out[i, :2] = edge - inward / max(depth, 1e-9) * PROUD_M
    return out, buried


def counted(code: str, kind: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    """A warning about some devices, none where there are none."""
    return [{"code": code, "subject": kind, "count": len(ids), "ids": list(ids)}] if ids else []


def remembered_digest(obstacles: Obstacles) -> str:
    """The hash of obstacles, kept while they are."""
    return _kept("digest", obstacles, lambda: digest([obstacles]))


def _arrays(cells: Cells) -> list[NDArray[Any]]:
    """Everything about cells, as arrays."""
    border = np.flatnonzero(cells.outline != np.array(None))
    outlines = np.frombuffer(shapely.to_wkb(shapely.GeometryCollection(cells.outline[border].tolist())), np.uint8)
    return [cells.centre, cells.half, cells.z_range, cells.area, cells.piece, border, outlines]


def _triangles_digest(obstacles: Obstacles) -> str:
    """The hash of obstacles and of what belongs to which object, kept while they are."""
    return _kept("triangles", obstacles, lambda: digest([obstacles, obstacles.face_object]))


def _sight(obstacles: Obstacles) -> Sight:
    return _kept("sight", obstacles, lambda: prepare(obstacles))


def _scene(obstacles: Obstacles, best: Obstacles) -> Scene:
    return _sight(best).scene if obstacles is best else _kept("scene", obstacles, lambda: Scene(obstacles))


_memory: OrderedDict[tuple[str, int], tuple[Obstacles, Any]] = OrderedDict()
_looks: OrderedDict[tuple[str, View], Parts] = OrderedDict()
_lock = Lock()
_MOST = 8


def _kept(what: str, obstacles: Obstacles, make: Callable[[], Any]) -> Any:
    """What was made of the very same obstacles before, or is made now."""
    key = (what, id(obstacles))
    with _lock:
        if key in _memory:
            _memory.move_to_end(key)
            return _memory[key][1]
    made = make()
    with _lock:
        _memory[key] = (obstacles, made)
        while len(_memory) > _MOST:
            _memory.popitem(last=False)
    return made
