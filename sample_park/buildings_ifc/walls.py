"""Walls, doors and windows found from the rooms of a level.

Every stretch of a line between two rooms becomes part of a wall run; runs of one type that follow each other are joined, trimmed where
they meet others, and cut by doors (from a room to the way out of it) and windows (where a room needs light). Outer walls lie inside the
footprint.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import shapely
from shapely import Polygon

from sample_park.buildings_ifc.fabric import WALLS, wall_between
from sample_park.buildings_ifc.rooms import CIRCULATION, GATHERING, Level, Room
from sample_park.shapes import rect

NO_WINDOW = frozenset(
    {"stair", "lift", "shaft", "electrical", "telecom", "machine_room", "battery", "it_module", "storage", "cold_store", "void"}
)
DOORS = {  # clear width and height [m], material, by use of the room
    "lift": (1.1, 2.2, "steel"),
    "stair": (1.2, 2.1, "steel"),
    "wc": (0.9, 2.1, "wood"),
    "shaft": (0.7, 2.0, "steel"),
    "workshop": (1.8, 2.4, "steel"),
    "machine_room": (1.5, 2.2, "steel"),
    "electrical": (1.2, 2.2, "steel"),
    "telecom": (1.0, 2.2, "steel"),
    "battery": (1.5, 2.3, "steel"),
    "it_module": (1.6, 2.4, "steel"),
    "storage": (1.5, 2.2, "steel"),
    "dining": (1.8, 2.3, "wood"),
    "kitchen": (1.5, 2.2, "steel"),
    "meeting": (1.2, 2.2, "glass"),
    "cold_store": (1.4, 2.2, "steel"),
    "parking": (1.5, 2.2, "steel"),
}
DEFAULT_DOOR = (1.0, 2.1, "wood")
WINDOW_PITCH_M, WINDOW_WIDTH_M, WINDOW_HEIGHT_M, SILL_M = 3.2, 1.8, 1.6, 0.9
CLEAR_M = 0.35  # between a door and the end of its stretch


@dataclass(frozen=True)
class Stretch:
    """A piece of a line with the rooms on its lower and upper side (None outside)."""

    start: float
    end: float
    low: Room | None
    high: Room | None

    @property
    def rooms(self) -> tuple[Room, ...]:
        """The rooms it parts, one where it is an outer wall."""
        return tuple(room for room in (self.low, self.high) if room is not None)


@dataclass(frozen=True)
class Hole:
    """A door or window in a wall: middle along the line, width, height above the floor, height [m], material."""

    kind: str  # door window
    at: float
    width_m: float
    sill_m: float
    height_m: float
    material: str
    room: str


@dataclass(frozen=True)
class Run:
    """One straight wall: its line (axis x: y = line), from start to end after trimming, type, stretches, holes, height [m]."""

    axis: str  # x y
    line: float
    start: float
    end: float
    wall: str
    height_m: float
    inward: int  # outer walls: side on which the building lies, +1 or -1; 0 inside
    stretches: tuple[Stretch, ...]
    holes: tuple[Hole, ...] = ()

    @property
    def external(self) -> bool:
        """Whether it is an outer wall."""
        return self.inward != 0

    @property
    def thickness_m(self) -> float:
        """Thickness of the wall. [m]"""
        return WALLS[self.wall].thickness_m if self.wall in WALLS else 0.12

    @property
    def axis_line(self) -> float:
        """Where its middle plane lies. [m]"""
        return self.line + self.inward * self.thickness_m / 2


def walls(level: Level) -> list[Run]:
    """The walls of a level with their doors and windows, in a fixed order."""
    runs = [run for axis in ("x", "y") for run in _runs(level, axis)]
    holed = _with_doors(level, runs)
    return [_trimmed(_with_windows(run, level), holed) for run in holed]


def footprint(run: Run) -> Polygon:
    """The ground a wall stands on. [m]"""
    half = run.thickness_m / 2
    along, across = (run.start, run.end), (run.axis_line - half, run.axis_line + half)
    return rect(along[0], across[0], along[1], across[1]) if run.axis == "x" else rect(across[0], along[0], across[1], along[1])


@cache
def net_areas(level: Level) -> Mapping[str, Polygon]:
    """The floor of every room between the faces of its walls, by room key. [m]"""
    standing = shapely.union_all([footprint(run) for run in walls(level)])
    found: dict[str, Polygon] = {}
    for room in level.rooms:
        if room.use != "void":
            parts = shapely.get_parts(room.area.difference(standing.buffer(0.002, join_style="mitre")))
            found[room.key] = max(parts, key=lambda part: part.area).simplify(0.01)
    return found


def _runs(level: Level, axis: str) -> Iterator[Run]:
    """The runs along one axis, before trimming."""
    for line, stretches in _lines(level, axis):
        current: Run | None = None
        for stretch in stretches:
            run = _run(level, axis, line, stretch)
            if current and run and _joins(current, run):
                current = replace(current, end=run.end, stretches=current.stretches + run.stretches)
                continue
            if current:
                yield current
            current = run
        if current:
            yield current


def _lines(level: Level, axis: str) -> Iterator[tuple[float, list[Stretch]]]:
    low, high = (1, 3) if axis == "x" else (0, 2)  # of Room.box: across the line
    first, last = (0, 2) if axis == "x" else (1, 3)  # along it
    for line in sorted({room.box[side] for room in level.rooms for side in (low, high)}):
        below = [room for room in level.rooms if room.box[high] == line]
        above = [room for room in level.rooms if room.box[low] == line]
        marks = sorted({room.box[side] for room in below + above for side in (first, last)})
        stretches: list[Stretch] = []
        for start, end in pairwise(marks):
            under = next((room for room in below if room.box[first] <= start and room.box[last] >= end), None)
            over = next((room for room in above if room.box[first] <= start and room.box[last] >= end), None)
            if under or over:
                stretches.append(Stretch(start, end, under, over))
        yield line, stretches


def _run(level: Level, axis: str, line: float, stretch: Stretch) -> Run | None:
    low, high = stretch.low, stretch.high
    inward = 0 if low and high else (1 if high else -1)
    if inward:
        room = stretch.rooms[0]
        wall = None if room.use == "void" else level.facade
        height = room.height_m or level.outer_height_m or level.height_m
    else:
        wall = wall_between(stretch.rooms[0].use, stretch.rooms[1].use)
        height = max(room.height_m or level.height_m for room in stretch.rooms)
    return Run(axis, line, stretch.start, stretch.end, wall, height, inward, (stretch,)) if wall else None


def _joins(run: Run, other: Run) -> bool:
    return (run.end, run.wall, run.inward, run.height_m) == (other.start, other.wall, other.inward, other.height_m)


def _trimmed(run: Run, others: list[Run]) -> Run:
    """The run cut back to, or drawn out to, the faces of the walls it ends at."""
    return replace(run, start=run.start + _cut(run, others, run.start, 1), end=run.end - _cut(run, others, run.end, -1))


def _cut(run: Run, others: list[Run], end: float, sign: int) -> float:
    """How much a run loses at one end; negative where it is drawn out to fill a corner. [m]"""
    meets = [other for other in others if other.axis != run.axis and other.line == end and other.start <= run.line <= other.end]
    if not meets:
        return 0.0
    other = max(meets, key=lambda wall: wall.thickness_m)
    passes = other.start < run.line < other.end
    if run.external and other.external:  # a corner of the footprint; along x the wall goes through
        convex = other.inward == sign
        return (0.0 if run.axis == "x" else other.thickness_m) if convex else (-other.thickness_m if run.axis == "x" else 0.0)
    if other.external:
        return other.thickness_m
    half = other.thickness_m / 2
    return half if passes or run.axis == "y" else -half


def _with_doors(level: Level, runs: list[Run]) -> list[Run]:
    """The runs with one door for every room that has a way out through a wall, and the entrances."""
    doors: dict[int, list[Hole]] = {}
    for room in level.rooms:
        found = _way_out(room, runs)
        if found:
            index, stretch = found
            width, height, material = DOORS.get(room.use, DEFAULT_DOOR)
            at = (stretch.start + stretch.end) / 2 if room.use in {"lift", "shaft", "wc"} else stretch.start + CLEAR_M + width / 2
            doors.setdefault(index, []).append(Hole("door", at, width, 0.0, height, material, room.key))
    for number, entrance in enumerate(level.entrances, start=1):
        for index, run in enumerate(runs):
            across, along = (entrance.y, entrance.x) if run.axis == "x" else (entrance.x, entrance.y)
            if run.line == across and run.start < along < run.end:
                hole = Hole("door", along, entrance.width_m, 0.0, entrance.height_m, entrance.material, f"entrance{number}")
                doors.setdefault(index, []).append(hole)
    return [replace(run, holes=_apart(doors.get(index, []), run)) for index, run in enumerate(runs)]


def _way_out(room: Room, runs: list[Run]) -> tuple[int, Stretch] | None:
    """The longest stretch between the room and a corridor, else a large room it belongs to."""
    if room.use in CIRCULATION or room.use == "void":
        return None
    best: tuple[float, int, Stretch] | None = None
    for index, run in enumerate(runs):
        for stretch in run.stretches:
            other = _other(stretch, room)
            if other is None or (other.use not in CIRCULATION and (other.use not in GATHERING or room.use in GATHERING)):
                continue
            length = stretch.end - stretch.start + (100.0 if other.use in CIRCULATION else 0.0)
            fits = stretch.end - stretch.start >= DOORS.get(room.use, DEFAULT_DOOR)[0] + 2 * CLEAR_M
            if fits and (best is None or length > best[0]):
                best = (length, index, stretch)
    return (best[1], best[2]) if best else None


def _other(stretch: Stretch, room: Room) -> Room | None:
    if stretch.low is None or stretch.high is None:
        return None
    return stretch.high if stretch.low is room else stretch.low if stretch.high is room else None


def _apart(holes: list[Hole], run: Run) -> tuple[Hole, ...]:
    """The doors of a run in order, without those that would overlap one before them."""
    kept: list[Hole] = []
    for hole in sorted(holes, key=lambda hole: hole.at):
        clear = not kept or hole.at - hole.width_m / 2 > kept[-1].at + kept[-1].width_m / 2 + 0.1
        if clear and run.start < hole.at < run.end:
            kept.append(hole)
    return tuple(kept)


def _with_windows(run: Run, level: Level) -> Run:
    if not run.external or run.wall not in {"brick", "panel"}:
        return run
    windows: list[Hole] = []
    for stretch in run.stretches:
        room = stretch.rooms[0]
        if room.use in NO_WINDOW:
            continue
        length = stretch.end - stretch.start
        high = room.height_m is not None
        pitch, width, sill, height = (12.0, 6.0, 6.2, 2.4) if high else (WINDOW_PITCH_M, WINDOW_WIDTH_M, SILL_M, WINDOW_HEIGHT_M)
        count = int((length - 0.6) // pitch)
        for number in range(count):
            at = stretch.start + (number + 0.5) * length / count
            if sill + height < (room.height_m or level.height_m) - 0.3 and _free(at, width, run.holes):
                windows.append(Hole("window", at, width, sill, height, "glass", f"{room.key}.{number + 1}"))
    return replace(run, holes=tuple(sorted((*run.holes, *windows), key=lambda hole: (hole.at, hole.sill_m))))


def _free(at: float, width: float, holes: tuple[Hole, ...]) -> bool:
    return all(abs(at - hole.at) > (width + hole.width_m) / 2 + 0.2 for hole in holes)
