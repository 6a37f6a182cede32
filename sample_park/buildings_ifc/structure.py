"""Slabs, columns, beams, parapets, stairs and lifts of a storey."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import shapely
from shapely import Polygon

from sample_park.buildings_ifc import bodies
from sample_park.buildings_ifc.bodies import Box
from sample_park.buildings_ifc.fabric import BRICK, CONCRETE, STEEL
from sample_park.buildings_ifc.floor import Floor, Kind, describe, measure, put, single
from sample_park.buildings_ifc.model import Entity
from sample_park.buildings_ifc.rooms import Plan, Room
from sample_park.frame import global_id

SLAB_M = 0.15
LANDING_M = 1.4
CAR = "car"
RISER_M = 0.165
VOIDED = frozenset({"stair", "lift", "shaft"})


def slab(floor: Floor, *, roof: bool = False, outline: Polygon | None = None) -> None:
    """The floor of the storey, its top at the storey's height, open over stairs, lifts and shafts."""
    holes = [
        room.area.buffer(-0.1, join_style="mitre") for room in floor.level.rooms if room.use in VOIDED and floor.number > 0 and not roof
    ]
    area = (outline or floor.plan.outline).difference(shapely.union_all(holes))
    thickness = 0.3 if floor.number == 0 else SLAB_M
    kind = "ROOF" if roof else "BASESLAB" if floor.number == 0 else "FLOOR"
    model = floor.model
    for number, part in enumerate(shapely.get_parts(area), start=1):
        body = bodies.prism(model, part, thickness, -thickness)
        model.new("IfcStyledItem", Item=body, Styles=[model.style(CONCRETE)])
        made = single(floor, "IfcSlab", f"S{number}", [body], Name="Slab, reinforced concrete 钢筋混凝土楼板", PredefinedType=kind)
        layer = model.once(
            ("layer", CONCRETE, thickness), "IfcMaterialLayer", Material=model.material(CONCRETE), LayerThickness=model.m(thickness)[0]
        )
        model.relate("material", model.once(("layers", "slab", thickness), "IfcMaterialLayerSet", MaterialLayers=[layer]), made)
        describe(model, made, "Pset_SlabCommon", {"IsExternal": roof, "LoadBearing": True, "FireRating": "1.50h"})
        measure(
            model,
            made,
            "Qto_SlabBaseQuantities",
            {"Depth": thickness, "NetArea": float(part.area), "NetVolume": float(part.area) * thickness},
        )


def parapet(floor: Floor, height_m: float = 1.2, thickness_m: float = 0.2) -> None:
    """A wall round the roof, inside the outline."""
    model = floor.model
    for number, part in enumerate(shapely.get_parts(floor.plan.outline), start=1):
        ring = part.difference(part.buffer(-thickness_m, join_style="mitre"))
        body = bodies.prism(model, ring, height_m)
        model.new("IfcStyledItem", Item=body, Styles=[model.style(BRICK)])
        wall = single(floor, "IfcWall", f"P{number}", [body], Name="Parapet 女儿墙", PredefinedType="PARAPET")
        model.relate("material", model.material(BRICK), wall)
        describe(model, wall, "Pset_WallCommon", {"Reference": "parapet", "IsExternal": True, "LoadBearing": False, "FireRating": "1.00h"})


def columns(
    floor: Floor, places: Iterable[tuple[float, float]], size: tuple[float, float], height_m: float, material: str = CONCRETE
) -> None:
    """Columns of one size from the storey's floor."""
    model = floor.model
    name = f"{size[0] * 1000:.0f}x{size[1] * 1000:.0f}"
    kind = Kind("IfcColumn", f"{name}-{height_m:.2f}", f"Column {name}", "柱", material, "COLUMN")

    def items() -> list[Entity]:
        return [bodies.box(model, Box(size[0], size[1], height_m, material))]

    for number, place in enumerate(places, start=1):
        column = put(floor, kind, f"C{number:03d}", (*place, 0.0), items)
        describe(model, column, "Pset_ColumnCommon", {"LoadBearing": True, "FireRating": "3.00h"})


def beams(
    floor: Floor, lines: Iterable[tuple[float, float, float, float]], section: tuple[float, float], top_m: float, material: str = CONCRETE
) -> None:
    """Straight beams along x or y between two points, their tops at a height above the floor."""
    model = floor.model
    wide, deep = section
    for number, (x0, y0, x1, y1) in enumerate(lines, start=1):
        length = round(abs(x1 - x0) + abs(y1 - y0), 3)
        kind = Kind("IfcBeam", f"{wide:.2f}x{deep:.2f}x{length:.2f}", f"Beam {wide * 1000:.0f}x{deep * 1000:.0f}", "梁", material, "BEAM")

        def items(length: float = length) -> list[Entity]:
            return [bodies.box(model, Box(length, wide, deep, material))]

        turned = () if y0 == y1 else (0.0, 1.0, 0.0)
        beam = put(floor, kind, f"B{number:03d}", ((x0 + x1) / 2, (y0 + y1) / 2, top_m - deep, *turned), items)
        describe(model, beam, "Pset_BeamCommon", {"LoadBearing": True, "FireRating": "2.00h"})


def stairs(floor: Floor) -> None:
    """A two-flight stair in every stair room, up to the next storey."""
    for room in floor.level.rooms:
        if room.use == "stair":
            _stair(floor, room)


def _stair(floor: Floor, room: Room) -> None:
    model = floor.model
    x0, y0, x1, y1 = room.box
    along_x = x1 - x0 > y1 - y0
    length, width = (x1 - x0, y1 - y0) if along_x else (y1 - y0, x1 - x0)
    rise = room.height_m or floor.level.height_m
    risers = 2 * round(rise / RISER_M / 2)
    tread = min(0.28, (length - 2 * LANDING_M) / (risers / 2 - 1))
    flight_width = round((width - 0.5) / 2, 3)
    sizes = {"NumberOfRiser": risers // 2, "NumberOfRisers": risers // 2, "NumberOfTreads": risers // 2 - 1}
    sizes |= {"RiserHeight": model.m(rise / risers)[0], "TreadLength": model.m(tread)[0]}
    outline = _steps(risers // 2, rise / risers, tread)
    kind = Kind("IfcStairFlight", f"{rise:.2f}-{length:.2f}-{width:.2f}", "Stair flight", "梯段", CONCRETE, "STRAIGHT")
    stair = single(
        floor,
        "IfcStair",
        f"ST-{room.key}",
        [],
        Name=f"{room.name} {room.name_zh}",
        PredefinedType="HALF_TURN_STAIR",
        ShapeType="HALF_TURN_STAIR",
    )

    def items() -> list[Entity]:
        body = bodies.side_prism(model, outline, flight_width)
        model.new("IfcStyledItem", Item=body, Styles=[model.style(CONCRETE)])
        return [body]

    for number, place in enumerate(_flights(room, along_x, (tread * (risers / 2 - 1), rise / 2)), start=1):
        model.relate("part", stair, put(floor, kind, f"{room.key}.{number}", place, items, held=False, **sizes))
    model.relate("part", stair, _landing(floor, room, along_x, rise / 2))


def _steps(risers: int, riser: float, tread: float) -> Polygon:
    """The side of a flight: steps above, a sloping soffit below."""
    top = [(i * tread, j * riser) for i in range(risers) for j in (i, i + 1)]
    run = (risers - 1) * tread
    soffit = [(run, risers * riser - 0.3), (max(run - (risers * riser - 0.3) * tread / riser, 0.02), 0.0)]
    return Polygon([*top, *soffit])


def _flights(room: Room, along_x: bool, climb: tuple[float, float]) -> list[tuple[float, ...]]:
    """Where the two flights start: the first beside one wall, the second back beside the other, half a storey up."""
    x0, y0, x1, y1 = room.box
    run, rise = climb
    if along_x:
        return [(x0 + LANDING_M, y0 + 0.2, 0.0), (x0 + LANDING_M + run, y1 - 0.2, rise, -1.0, 0.0, 0.0)]
    return [(x1 - 0.2, y0 + LANDING_M, 0.0, 0.0, 1.0, 0.0), (x0 + 0.2, y0 + LANDING_M + run, rise, 0.0, -1.0, 0.0)]


def _landing(floor: Floor, room: Room, along_x: bool, top_m: float) -> Entity:
    x0, y0, x1, y1 = room.box
    wide, deep = (LANDING_M - 0.2, y1 - y0 - 0.4) if along_x else (x1 - x0 - 0.4, LANDING_M - 0.2)
    at = (x1 - 0.2 - wide / 2, (y0 + y1) / 2, top_m - SLAB_M) if along_x else ((x0 + x1) / 2, y1 - 0.2 - deep / 2, top_m - SLAB_M)
    kind = Kind("IfcSlab", f"landing-{wide:.2f}x{deep:.2f}", "Landing", "休息平台", CONCRETE, "LANDING")
    return put(
        floor, kind, room.key, at, lambda: [bodies.box(floor.model, Box(round(wide, 3), round(deep, 3), SLAB_M, CONCRETE))], held=False
    )


def lifts(floor: Floor) -> None:
    """A lift car at this storey in every lift room: floor, roof and walls, a closed door."""
    model = floor.model
    for room in floor.level.rooms:
        if room.use != "lift":
            continue
        x0, y0, x1, y1 = room.box
        wide, deep = round(x1 - x0 - 0.6, 3), round(y1 - y0 - 0.8, 3)
        kind = Kind("IfcTransportElement", f"{CAR}-{wide:.2f}x{deep:.2f}", "Passenger lift", "客梯", STEEL, "ELEVATOR")
        place = (*room.centre, 0.02)
        car = put(
            floor,
            kind,
            room.key,
            place,
            lambda w=wide, d=deep: _car(floor, w, d),
            OperationType="ELEVATOR",
            Name=f"{room.name} {room.name_zh}",
        )
        describe(model, car, "Pset_TransportElementElevator", {"FireFightingLift": "fire" in room.name.lower()})


def lift_id(plan: Plan, room: str) -> str:
    """GlobalId of the car of a lift, which stands on the lowest storey."""
    return global_id(plan.key, "IfcTransportElement", f"{plan.levels[0].key}/{CAR}/{room}")


def _car(floor: Floor, wide: float, deep: float) -> Sequence[Entity]:
    plates = [
        Box(wide, deep, 0.05, STEEL),
        Box(wide, deep, 0.05, STEEL, (0.0, 0.0, 2.35)),
        Box(0.05, deep, 2.3, STEEL, (-wide / 2 + 0.025, 0.0, 0.05)),
        Box(0.05, deep, 2.3, STEEL, (wide / 2 - 0.025, 0.0, 0.05)),
        Box(round(wide - 0.1, 3), 0.05, 2.3, STEEL, (0.0, -deep / 2 + 0.025, 0.05)),
        Box(round(wide - 0.1, 3), 0.05, 2.3, STEEL, (0.0, deep / 2 - 0.025, 0.05)),
    ]
    return [bodies.box(floor.model, plate) for plate in plates]
