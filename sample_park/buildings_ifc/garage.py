"""The garage under the plaza: two levels of 408 bays, a ramp, two stair cores with glass heads. IFC4, metres, EPSG:4544."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import shapely
from shapely import Polygon

from sample_park import parking
from sample_park.buildings_ifc import bodies
from sample_park.buildings_ifc.fabric import CONCRETE
from sample_park.buildings_ifc.floor import Floor, single
from sample_park.buildings_ifc.rooms import Entrance, Level, Plan, Room
from sample_park.buildings_ifc.structure import columns, slab
from sample_park.shapes import rect

B1_M, B2_M, ROOF_M = -5.4, -9.2, -1.5
AISLES_X = tuple(6.2 + parking.MODULE_M * module + parking.BAY_DEPTH_M + parking.AISLE_M / 2 for module in range(6))
HEADS = (rect(49.4, 0.0, 59.2, 14.0), rect(105.2, 92.4, 112.0, 112.1))


def plan() -> Plan:
    """The rooms of the garage."""
    levels = (
        Level("B2", "B2", "地下二层", B2_M, B1_M - B2_M, _rooms("B2"), "basement", _passages()),
        Level("B1", "B1", "地下一层", B1_M, ROOF_M - B1_M, _rooms("B1"), "basement", _passages()),
        Level("G0", "G0", "地面", 0.0, 3.4, _heads(), "curtain", (Entrance(54.3, 14.0, 2.4, 2.4), Entrance(105.2, 100.0, 2.0, 2.4))),
    )
    return Plan("garage", "", "Plaza Garage", "广场地下车库", parking.GARAGE_ORIGIN, rect(0, 0, *parking.GARAGE_SIZE), levels)


def build(floor: Floor) -> None:
    """Slabs, columns and the ramp."""
    if floor.last:
        _roofs(floor)
        return
    slab(floor)
    columns(floor, _columns(), (0.6, 0.6), floor.level.height_m - 0.15)
    _ramp(floor)


def _rooms(level: str) -> tuple[Room, ...]:
    rise = -B1_M if level == "B1" else None  # stairs and lifts of the upper level reach the plaza
    pump = ("Fire pump room", "消防水泵房", "machine_room") if level == "B1" else ("Storage", "库房", "storage")
    return (
        Room("EL", "Power distribution room", "变配电室", "electrical", (0.0, 0.0, 20.0, 14.0)),
        Room("PU", *pump, (20.0, 0.0, 36.0, 14.0)),
        Room("VE", "Ventilation plant", "送风机房", "machine_room", (36.0, 0.0, 50.0, 14.0)),
        Room("SA", "Stair A", "A楼梯", "stair", (50.0, 0.0, 53.4, 7.0), rise),
        Room("L1", "Lift 1", "1号电梯", "lift", (53.4, 4.0, 56.0, 7.0), rise),
        Room("L2", "Lift 2", "2号电梯", "lift", (56.0, 4.0, 58.6, 7.0), rise),
        Room("SH", "Services shaft", "管井", "shaft", (53.4, 0.0, 58.6, 4.0)),
        Room("LL", "South lift lobby", "南电梯厅", "lift_lobby", (50.0, 7.0, 64.0, 14.0)),
        Room("TE", "Telecom room", "弱电间", "telecom", (58.6, 0.0, 64.0, 7.0)),
        Room("ST", "Storage", "库房", "storage", (64.0, 0.0, 84.0, 14.0)),
        Room("OF", "Parking office", "停车管理室", "control", (84.0, 0.0, 112.0, 14.0)),
        Room("W1", "Bicycle storage", "非机动车库", "storage", (0.0, 14.0, 6.2, 40.0)),
        Room("RA", "Ramp", "汽车坡道", "ramp", (0.0, 40.0, 6.2, 100.0)),
        Room("W2", "Exhaust plant", "排风机房", "machine_room", (0.0, 100.0, 6.2, 126.0)),
        Room("P1", "Parking south", "停车区南", "parking", (6.2, 14.0, 105.8, 70.0)),
        Room("P2", "Parking north", "停车区北", "parking", (6.2, 70.0, 105.8, 126.0)),
        Room("E1", "Storage", "库房", "storage", (105.8, 14.0, 112.0, 60.0)),
        Room("E2", "Ventilation plant", "送风机房", "machine_room", (105.8, 60.0, 112.0, 93.0)),
        Room("L3", "Lift 3", "3号电梯", "lift", (105.8, 93.0, 109.0, 96.0), rise),
        Room("S2", "Services shaft", "管井", "shaft", (109.0, 93.0, 112.0, 96.0)),
        Room("LN", "North lift lobby", "北电梯厅", "lift_lobby", (105.8, 96.0, 112.0, 104.0)),
        Room("SB", "Stair B", "B楼梯", "stair", (105.8, 104.0, 109.2, 111.5), rise),
        Room("S3", "Exhaust shaft", "排烟井", "shaft", (109.2, 104.0, 112.0, 111.5)),
        Room("E3", "Switch room", "配电间", "electrical", (105.8, 111.5, 112.0, 126.0)),
    )


def _passages() -> tuple[Entrance, ...]:
    """Openings without doors: through the fire wall at every aisle, and from the ramp."""
    return (*(Entrance(round(x, 3), 70.0, 5.6, 2.8, "none") for x in AISLES_X), Entrance(6.2, 96.5, 5.0, 2.8, "none"))


def _heads() -> tuple[Room, ...]:
    """Glass pavilions over the two cores on the plaza."""
    return tuple(
        Room(f"H{number}", f"Garage pavilion {number}", f"车库出入口{number}", "lobby", head.bounds)
        for number, head in enumerate(HEADS, start=1)
    )


def _columns() -> Iterator[tuple[float, float]]:
    """Columns between groups of three bays, near the aisle."""
    for number, x in enumerate(parking.GARAGE_ROWS_X):
        front = x + 4.7 if number % 2 == 0 else x + 0.6
        for start in parking.GARAGE_HALVES_Y:
            ends = [start + parking.GROUP_M * group - 0.3 for group in range(6)]
            yield from ((round(front, 3), round(y, 3)) for y in (*ends, start + 45.8))


def _roofs(floor: Floor) -> None:
    """The slab under the plaza's soil, open over the cores and the ramp, and the lids of the pavilions."""
    model = floor.model
    cores = [rect(50.1, 0.1, 53.3, 6.9), rect(53.5, 4.1, 58.5, 6.9), rect(105.9, 93.1, 108.9, 95.9), rect(105.9, 104.1, 109.1, 111.4)]
    area = floor.plan.outline.difference(shapely.union_all([*cores, rect(0.4, 52.0, 6.0, 84.0)]))
    parts: list[tuple[Any, float, float]] = [(area, 0.4, ROOF_M - 0.4), *((head, 0.25, floor.level.height_m) for head in HEADS)]
    for number, (outline, thickness, bottom) in enumerate(parts, start=1):
        body = bodies.prism(model, outline, thickness, bottom)
        model.new("IfcStyledItem", Item=body, Styles=[model.style(CONCRETE)])
        made = single(floor, "IfcSlab", f"R{number}", [body], Name="Roof slab 顶板", PredefinedType="ROOF")
        model.relate("material", model.material(CONCRETE), made)


def _ramp(floor: Floor) -> None:
    """The ramp up from this level at one in eight."""
    model = floor.model
    rise = -B1_M if floor.level.key == "B1" else B1_M - B2_M
    run = rise * 8.0
    side = Polygon([(0.0, 0.0), (run, rise), (run, rise - 0.3), (2.6, 0.0)])
    body = bodies.side_prism(model, side, 5.2)
    model.new("IfcStyledItem", Item=body, Styles=[model.style(CONCRETE)])
    place = model.placement(floor.place, (0.5, 94.0, 0.0), (0.0, -1.0, 0.0))
    ramp = single(
        floor,
        "IfcRamp",
        "RAMP",
        [body],
        placement=place,
        Name="Vehicle ramp 汽车坡道",
        PredefinedType="STRAIGHT_RUN_RAMP",
        ShapeType="STRAIGHT_RUN_RAMP",
    )
    model.relate("material", model.material(CONCRETE), ramp)
