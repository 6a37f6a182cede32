"""A building as rooms: every level is cut into rectangles, each with a use; what stands between two rooms follows from their uses.

Coordinates are metres in the building's own frame: x along plan u, y along plan v, origin at the south-west corner of its footprint,
z from its ground floor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shapely import Polygon

from sample_park.frame import global_id
from sample_park.shapes import rect

CIRCULATION = frozenset({"corridor", "lobby", "lift_lobby"})
OPEN_TOGETHER = frozenset({"corridor", "lobby", "lift_lobby"})  # no wall between these
GATHERING = frozenset({"dining", "workshop", "parking", "it_module", "open_office", "kitchen"})  # a room may be entered through these


@dataclass(frozen=True)
class Room:
    """One rectangular room: key within its level, names, use, corners [m], own height [m] where it differs from the level's."""

    key: str
    name: str
    name_zh: str
    use: str
    box: tuple[float, float, float, float]  # x0 y0 x1 y1
    height_m: float | None = None

    @property
    def area(self) -> Polygon:
        """The outline between wall axes. [m]"""
        return rect(*self.box)

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the room. [m]"""
        x0, y0, x1, y1 = self.box
        return (x0 + x1) / 2, (y0 + y1) / 2


@dataclass(frozen=True)
class Entrance:
    """A door that no rule would find: its middle, clear width and height [m], what it is made of."""

    x: float
    y: float
    width_m: float
    height_m: float
    material: str = "glass"


@dataclass(frozen=True)
class Level:
    """One storey: names, floor height above the building's zero, height to the next floor [m], rooms, what the outer walls are."""

    key: str
    name: str
    name_zh: str
    elevation_m: float
    height_m: float
    rooms: tuple[Room, ...]
    facade: str = "brick"
    entrances: tuple[Entrance, ...] = ()
    outer_height_m: float | None = None


@dataclass(frozen=True)
class Plan:
    """One building: keys, names, the plan position of its corner [m], outline in its own frame, levels from the bottom up."""

    key: str
    building_id: str
    name: str
    name_zh: str
    origin: tuple[float, float]
    outline: Polygon
    levels: tuple[Level, ...]
    tenants: Mapping[str, str] = field(default_factory=dict[str, str])  # "level/room" -> enterprise id

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Plan position (u, v) of a point of the building. [m]"""
        return self.origin[0] + x, self.origin[1] + y

    def storey_id(self, level: str) -> str:
        """GlobalId of a level's IfcBuildingStorey."""
        return global_id(self.key, "IfcBuildingStorey", level)

    def space_id(self, level: str, room: str) -> str:
        """GlobalId of a room's IfcSpace."""
        return global_id(self.key, "IfcSpace", f"{level}/{room}")

    def level(self, key: str) -> Level:
        """The level of that key."""
        return next(level for level in self.levels if level.key == key)


def rooms_along(spec: tuple[tuple[str, str, str, str, float], ...], box: tuple[float, float, float, float], axis: str) -> tuple[Room, ...]:
    """Rooms side by side along an axis of `box`: each (key, name, name_zh, use, share of the length)."""
    x0, y0, x1, y1 = box
    total = sum(share for *_, share in spec)
    rooms: list[Room] = []
    at = 0.0
    for key, name, name_zh, use, share in spec:
        start, at = at, at + share / total
        if axis == "x":
            cut = (round(x0 + start * (x1 - x0), 3), y0, round(x0 + at * (x1 - x0), 3), y1)
        else:
            cut = (x0, round(y0 + start * (y1 - y0), 3), x1, round(y0 + at * (y1 - y0), 3))
        rooms.append(Room(key, name, name_zh, use, cut))
    return tuple(rooms)
