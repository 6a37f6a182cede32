"""Robotics Works: a hall of two crane bays under a saw-tooth roof, offices on a mezzanine. IFC4X3, metres, EPSG:32648."""

from __future__ import annotations

from itertools import pairwise

from shapely import Polygon

from sample_park.buildings_ifc import bodies
from sample_park.buildings_ifc.bodies import Box
from sample_park.buildings_ifc.fabric import GLASS, STEEL
from sample_park.buildings_ifc.floor import Floor, Kind, describe, put
from sample_park.buildings_ifc.model import Entity
from sample_park.buildings_ifc.rooms import Entrance, Level, Plan, Room, rooms_along
from sample_park.buildings_ifc.structure import beams, columns, slab
from sample_park.shapes import rect

LENGTH_M, DEPTH_M, OFFICES_M = 96.0, 48.0, 12.0
EAVES_M, TOOTH_M, RISE_M = 11.4, 12.0, 2.6
MEZZANINE_M, MEZZANINE_HEIGHT_M = 5.0, 4.2
TEETH = 7
HALL_X = (12.6, 24.0, 36.0, 48.0, 60.0, 72.0, 84.0, 95.4)
HALL_Y = (0.7, 24.0, 47.3)
CRANE_Y = (1.6, 23.1, 24.9, 46.4)


def plan() -> Plan:
    """The rooms of the works."""
    tenants = {"F01/HA": "北辰机器人 Beichen Robotics", "F02/01": "北辰机器人 Beichen Robotics"}
    levels = (_ground(), _mezzanine(), Level("RF", "RF", "屋面层", EAVES_M, RISE_M, (), "panel"))
    return Plan("factory", "B24", "Robotics Works", "机器人工厂", (236.0, -104.0), rect(0, 0, LENGTH_M, DEPTH_M), levels, tenants=tenants)


def build(floor: Floor) -> None:
    """Slabs, frame, crane girders and the roof."""
    if floor.number == 0:
        slab(floor)
        columns(floor, [(x, y) for x in HALL_X for y in HALL_Y], (0.6, 0.6), EAVES_M, STEEL)
        girders = [(x0, y, x1, y) for y in CRANE_Y for x0, x1 in pairwise(HALL_X)]
        beams(floor, girders, (0.4, 0.8), 8.6, STEEL)
    elif floor.last:
        beams(floor, [(x, y0, x, y1) for x in HALL_X for y0, y1 in ((0.7, 24.0), (24.0, 47.3))], (0.3, 0.9), 0.0, STEEL)
        for number in range(TEETH):
            _tooth(floor, number)
    else:
        slab(floor, outline=rect(0, 0, OFFICES_M, DEPTH_M))
        _office_roof(floor)


def _ground() -> Level:
    side = rooms_along(
        (
            ("01", "Changing men", "男更衣室", "changing", 6.0),
            ("02", "Changing women", "女更衣室", "changing", 5.6),
            ("03", "Toilet", "卫生间", "wc", 5.0),
            ("LO", "Entrance lobby", "门厅", "lobby", 8.0),
            ("04", "Quality office", "质检办公室", "office", 6.4),
            ("05", "Switch room", "配电室", "electrical", 5.0),
            ("06", "Compressor room", "空压机房", "machine_room", 5.2),
        ),
        (0.0, 3.4, 9.6, 44.6),
        "y",
    )
    rooms = (*_shared(), *side, Room("HA", "Assembly hall", "总装车间", "workshop", (12.0, 0.0, 96.0, 48.0), EAVES_M))
    doors = (
        Entrance(0.0, 24.0, 2.4, 2.4),
        Entrance(96.0, 12.0, 5.0, 5.0, "steel"),
        Entrance(96.0, 36.0, 5.0, 5.0, "steel"),
        Entrance(54.0, 48.0, 4.5, 4.8, "steel"),
        Entrance(54.0, 0.0, 2.0, 2.4, "steel"),
    )
    return Level("F01", "1F", "首层", 0.0, MEZZANINE_M, rooms, "panel", doors)


def _mezzanine() -> Level:
    side = rooms_along(
        (
            ("01", "Open office", "开放办公", "open_office", 17.0),
            ("02", "Meeting room", "会议室", "meeting", 8.0),
            ("03", "Training room", "培训室", "training", 9.0),
            ("04", "Production control", "生产调度室", "control", 7.2),
        ),
        (0.0, 3.4, 9.6, 44.6),
        "y",
    )
    rooms = (*_shared(), *side, Room("HA", "Upper hall", "车间上空", "void", (12.0, 0.0, 96.0, 48.0)))
    return Level("F02", "2F", "夹层", MEZZANINE_M, MEZZANINE_HEIGHT_M, rooms, "panel")


def _shared() -> tuple[Room, ...]:
    return (
        Room("SA", "Stair A", "A楼梯", "stair", (0.0, 0.0, 12.0, 3.4)),
        Room("SB", "Stair B", "B楼梯", "stair", (0.0, 44.6, 12.0, 48.0)),
        Room("CO", "Corridor", "走廊", "corridor", (9.6, 3.4, 12.0, 44.6)),
    )


def _tooth(floor: Floor, number: int) -> None:
    """One tooth of the roof: a slope, its north light, and the gables at both ends."""
    model = floor.model
    x0 = OFFICES_M + TOOTH_M * number
    slope = Polygon([(0.0, 0.0), (TOOTH_M, RISE_M), (TOOTH_M, RISE_M + 0.15), (0.0, 0.15)])
    gable = Polygon([(0.3, 0.0), (TOOTH_M, 0.0), (TOOTH_M, RISE_M - 0.02)])
    kinds = (
        (Kind("IfcSlab", "saw-tooth", "Roof slope, sandwich panel", "锯齿形屋面板", STEEL, "ROOF"), slope, DEPTH_M, (x0, 0.0, 0.0)),
        (Kind("IfcWall", "gable", "Gable, sandwich panel", "山墙", STEEL, "SOLIDWALL"), gable, 0.16, (x0, 0.0, 0.0)),
        (Kind("IfcWall", "gable", "Gable, sandwich panel", "山墙", STEEL, "SOLIDWALL"), gable, 0.16, (x0, DEPTH_M - 0.16, 0.0)),
    )
    for index, (kind, side, width, place) in enumerate(kinds):

        def items(side: Polygon = side, width: float = width) -> list[Entity]:
            body = bodies.side_prism(model, side, width)
            model.new("IfcStyledItem", Item=body, Styles=[model.style(STEEL)])
            return [body]

        made = put(floor, kind, f"{number}.{index}", place, items)
        describe(model, made, "Pset_SlabCommon" if index == 0 else "Pset_WallCommon", {"IsExternal": True, "LoadBearing": False})
    glass = Kind("IfcPlate", "north-light", "North light", "天窗玻璃", GLASS, "CURTAIN_PANEL")
    high = round(RISE_M - 0.02, 3)
    put(
        floor,
        glass,
        f"{number}",
        (x0 + TOOTH_M - 0.05, DEPTH_M / 2, 0.0),
        lambda: [bodies.box(model, Box(0.05, DEPTH_M - 0.32, high, GLASS))],
    )


def _office_roof(floor: Floor) -> None:
    """The flat roof over the offices."""
    model = floor.model
    kind = Kind("IfcSlab", "office-roof", "Roof over offices", "办公区屋面", STEEL, "ROOF")
    place = (OFFICES_M / 2, DEPTH_M / 2, MEZZANINE_HEIGHT_M)
    put(floor, kind, "1", place, lambda: [bodies.box(model, Box(OFFICES_M, DEPTH_M, 0.2, STEEL))])
