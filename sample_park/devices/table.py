"""Rows of the device table and the places devices hang at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

from shapely import Polygon

from sample_park.buildings_ifc.compose import plans
from sample_park.buildings_ifc.rooms import Level, Plan, Room
from sample_park.buildings_ifc.walls import net_areas
from sample_park.frame import plan_to_lonlat

Device = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a device hangs: plan position [m], height above ground or floor [m], and the storey, room or thing it belongs to."""

    u: float
    v: float
    height_m: float
    building_id: str | None = None
    storey_id: str | None = None
    space_id: str | None = None
    mounted_on: str | None = None


@dataclass(frozen=True)
class Indoor:
    """One room of a building model."""

    plan: Plan
    level: Level
    room: Room

    @property
    def area(self) -> Polygon:
        """Its floor in the building's frame. [m]"""
        return net_areas(self.level)[self.room.key]

    @property
    def ceiling_m(self) -> float:
        """Height of its ceiling above its floor. [m]"""
        return (self.room.height_m or self.level.height_m) - 0.3

    @property
    def title(self) -> tuple[str, str]:
        """Building, storey and room in English and Chinese."""
        return f"{self.plan.name} {self.level.name} {self.room.name}", f"{self.plan.name_zh}{self.level.name_zh}{self.room.name_zh}"

    def at(self, x: float, y: float, height_m: float, mounted_on: str | None = None) -> Place:
        """A place in the room by coordinates of the building. [m]"""
        storey, space = self.plan.storey_id(self.level.key), self.plan.space_id(self.level.key, self.room.key)
        return Place(*self.plan.place(x, y), round(height_m, 2), self.plan.building_id or None, storey, space, mounted_on)

    def corner(self, east: bool, north: bool, inset_m: float, height_m: float) -> Place:
        """A place in a corner of the room."""
        x0, y0, x1, y1 = self.area.bounds
        return self.at(x1 - inset_m if east else x0 + inset_m, y1 - inset_m if north else y0 + inset_m, height_m)


def device(kind: str, identity: str, names: tuple[str, str], place: Place, **attributes: Any) -> Device:
    """One row: status `in_service` unless an attribute says otherwise."""
    lon, lat = plan_to_lonlat([[place.u, place.v]])[0]
    row: Device = {"id": identity, "kind": kind, "name": names[0], "name_zh": names[1], "lon": float(lon), "lat": float(lat)}
    row |= {"height_m": place.height_m, "building_id": place.building_id, "storey_id": place.storey_id, "space_id": place.space_id}
    return row | {"mounted_on": place.mounted_on, "status": "in_service"} | attributes


@cache
def indoor(building: str) -> tuple[Indoor, ...]:
    """Every room of a building model, storey by storey."""
    plan = plans()[building]
    return tuple(Indoor(plan, level, room) for level in plan.levels for room in level.rooms if room.use != "void")


def rooms(building: str, *uses: str) -> list[Indoor]:
    """Rooms of a building with one of the uses."""
    return [place for place in indoor(building) if place.room.use in uses]


def room(building: str, level: str, key: str) -> Indoor:
    """One room by its keys."""
    return next(place for place in indoor(building) if place.level.key == level and place.room.key == key)


def heading(from_u: float, from_v: float, to_u: float, to_v: float) -> float:
    """Direction from one place to another, clockwise from plan v. [deg]"""
    return math.degrees(math.atan2(to_u - from_u, to_v - from_v)) % 360


def step(u: float, v: float, direction_deg: float, distance_m: float) -> tuple[float, float]:
    """The place so far from another in a direction clockwise from plan v. [m]"""
    turn = math.radians(direction_deg)
    return u + distance_m * math.sin(turn), v + distance_m * math.cos(turn)
