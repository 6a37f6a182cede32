"""Ducts, pipes, trays and their ends: along corridors, in rooms, up the shafts, each part of a system."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from shapely import Polygon

from sample_park.buildings_ifc import bodies
from sample_park.buildings_ifc.bodies import Box
from sample_park.buildings_ifc.fabric import ALUMINIUM, COPPER, GALVANISED, PLASTERBOARD, STEEL
from sample_park.buildings_ifc.floor import Floor, Kind, put
from sample_park.buildings_ifc.model import Entity, Model
from sample_park.buildings_ifc.rooms import Room
from sample_park.buildings_ifc.walls import net_areas

DRY = frozenset({"stair", "lift", "shaft", "void", "ramp"})


@dataclass(frozen=True)
class Spacing:
    """How far apart ends are set. [m]"""

    sprinkler: float = 4.0
    air: float = 7.0
    light: float = 5.0
    most: int = 40  # of each in one room


@dataclass(frozen=True)
class Service:
    """One system: key, names, its predefined type."""

    key: str
    name: str
    name_zh: str
    predefined: str


AIR = Service("air", "Supply air", "送风系统", "VENTILATION")
SPRINKLERS = Service("sprinklers", "Sprinklers", "自动喷淋系统", "FIREPROTECTION")
POWER = Service("power", "Power distribution", "供配电系统", "ELECTRICAL")
LIGHTING = Service("lighting", "Lighting", "照明系统", "LIGHTING")
WATER = Service("water", "Cold water", "给水系统", "DOMESTICCOLDWATER")


def serve(floor: Floor, spacing: Spacing) -> None:
    """The services of a storey."""
    for room in floor.level.rooms:
        if room.use in {"corridor", "workshop", "parking"}:
            _mains(floor, room)
        elif room.use == "shaft":
            _riser(floor, room)
    for key, area in net_areas(floor.level).items():
        room = next(room for room in floor.level.rooms if room.key == key)
        if room.use not in DRY:
            _ends(floor, room, area, spacing)


def _mains(floor: Floor, room: Room) -> None:
    """Duct, cable tray and sprinkler main under the ceiling of a corridor."""
    x0, y0, x1, y1 = room.box
    along_x = x1 - x0 > y1 - y0
    length, width = (x1 - x0, y1 - y0) if along_x else (y1 - y0, x1 - x0)
    if length < 5 or width < 1.5:
        return
    length = round(length - 0.6, 3)
    top = (room.height_m or floor.level.height_m) - (0.2 if room.use == "corridor" else 1.2)
    tiers = (
        (AIR, Kind("IfcDuctSegment", f"duct-{length}", "Duct 500x250", "风管", GALVANISED, "RIGIDSEGMENT"), (0.5, 0.25), 0.25),
        (
            POWER,
            Kind("IfcCableCarrierSegment", f"tray-{length}", "Cable tray 300x100", "电缆桥架", ALUMINIUM, "CABLETRAYSEGMENT"),
            (0.3, 0.1),
            -0.45,
        ),
        (SPRINKLERS, Kind("IfcPipeSegment", f"pipe-{length}", "Pipe DN100", "喷淋主管", STEEL, "RIGIDSEGMENT"), (0.1, 0.1), -0.15),
    )
    for service, kind, (wide, high), aside in tiers:
        centre = ((x0 + x1) / 2, (y0 + y1) / 2 + aside) if along_x else ((x0 + x1) / 2 + aside, (y0 + y1) / 2)
        place = (*centre, round(top - high, 3), *(() if along_x else (0.0, 1.0, 0.0)))
        block = Box(length, wide, high, kind.material or STEEL)
        _join(floor, service, put(floor, kind, room.key, place, lambda block=block: [bodies.box(floor.model, block)]))


def _riser(floor: Floor, room: Room) -> None:
    """Two pipes up a shaft."""
    height = floor.level.height_m
    x, y = room.centre
    for service, name, name_zh, material, aside in (
        (SPRINKLERS, "Sprinkler riser", "喷淋立管", STEEL, -0.3),
        (WATER, "Water riser", "给水立管", COPPER, 0.3),
    ):
        kind = Kind("IfcPipeSegment", f"{service.key}-riser-{height:.2f}", name, name_zh, material, "RIGIDSEGMENT")
        block = Box(0.15, 0.15, height, material)
        _join(floor, service, put(floor, kind, room.key, (x + aside, y, 0.0), lambda block=block: [bodies.box(floor.model, block)]))


def _ends(floor: Floor, room: Room, area: Polygon, spacing: Spacing) -> None:
    """Sprinklers, air terminals and lights in a room, on grids."""
    ceiling = (room.height_m or floor.level.height_m) - 0.2
    ends = (
        (
            SPRINKLERS,
            spacing.sprinkler,
            0.0,
            Box(0.06, 0.06, 0.08, STEEL),
            Kind("IfcFireSuppressionTerminal", "sprinkler", "Sprinkler", "喷头", STEEL, "SPRINKLER"),
        ),
        (
            AIR,
            spacing.air,
            0.9,
            Box(0.5, 0.5, 0.06, ALUMINIUM),
            Kind("IfcAirTerminal", "diffuser", "Ceiling diffuser", "散流器", ALUMINIUM, "DIFFUSER"),
        ),
        (
            LIGHTING,
            spacing.light,
            -0.9,
            Box(1.2, 0.3, 0.06, PLASTERBOARD),
            Kind("IfcLightFixture", "panel", "LED panel 1200x300", "LED平板灯", PLASTERBOARD, "DIRECTIONSOURCE"),
        ),
    )
    for service, pitch, aside, block, kind in ends:
        if pitch <= 0:
            continue
        for number, (x, y) in enumerate(list(_grid(area, pitch, aside))[: spacing.most], start=1):
            made = put(
                floor,
                kind,
                f"{room.key}.{number}",
                (x, y, round(ceiling - block.z, 3)),
                lambda block=block: [bodies.box(floor.model, block)],
            )
            _join(floor, service, made)


def _grid(area: Polygon, pitch: float, aside: float) -> Iterator[tuple[float, float]]:
    """Places at most `pitch` apart over a rectangle, moved aside a little so that different ends do not meet."""
    x0, y0, x1, y1 = area.bounds
    columns, rows = max(math.ceil((x1 - x0) / pitch), 1), max(math.ceil((y1 - y0) / pitch), 1)
    shift = aside if (x1 - x0) / columns > 2.6 else 0.0
    lift = 0.0 if shift or aside == 0 else math.copysign(min(0.35, (y1 - y0) / 6), aside)
    for row in range(rows):
        for column in range(columns):
            yield round(x0 + (column + 0.5) * (x1 - x0) / columns + shift, 3), round(y0 + (row + 0.5) * (y1 - y0) / rows + lift, 3)


def _join(floor: Floor, service: Service, product: Entity) -> None:
    floor.model.relate("system", _system(floor.model, service), product)


def _system(model: Model, service: Service) -> Entity:
    key = ("system", service.key)
    if key not in model.shared:
        names = {"Name": f"{service.name_zh} {service.name}", "ObjectType": service.predefined}
        model.shared[key] = model.root("IfcDistributionSystem", service.key, PredefinedType=service.predefined, **names)
        model.relate("serves", model.shared[key], model.shared[("building",)])
    return model.shared[key]
