"""R&D Building A: two wings of six storeys about a corner, brick with windows. IFC4, millimetres, EPSG:4544."""

from __future__ import annotations

from sample_park.buildings_ifc.rooms import Entrance, Level, Plan, Room, rooms_along
from sample_park.shapes import ell

GROUND_M, TYPICAL_M, STOREYS = 4.8, 4.1, 6
COLUMNS = (
    *((x, y) for y in (0.5, 8.4, 16.8, 25.2, 33.6) for x in (0.5, 7.5, 10.5, 17.5)),
    *((x, y) for x in (0.5, 7.5, 17.7, 27.0, 36.0, 45.0, 54.0, 63.0, 71.5) for y in (42.5, 49.5, 52.5, 59.5) if x > 17 or y > 50),
)
_TENANTS = ("云帆软件 Yunfan Software", "青岚传感 Qinglan Sensors", "瑞禾生物 Ruihe Bio", "天工仿真 Tiangong Simulation")


def plan() -> Plan:
    """The rooms of the building."""
    levels = (_ground(), *(_typical(number) for number in range(2, STOREYS + 1)), _roof())
    rooms = [f"F{level:02d}/{room}" for level in range(2, STOREYS + 1) for room in ("W2", "W3", "N1", "N3", "S1", "S3")]
    tenants = {room: _TENANTS[(index // 3) % len(_TENANTS)] for index, room in enumerate(rooms)}
    return Plan("research", "B05", "R&D Building A", "研发A楼", (-196.0, -224.0), ell(0, 0, 72, 60, 18, "nw"), levels, tenants=tenants)


def _core() -> tuple[Room, ...]:
    return (
        Room("CW", "West corridor", "西走廊", "corridor", (7.8, 0.0, 10.2, 52.2)),
        Room("CN", "North corridor", "北走廊", "corridor", (10.2, 49.8, 72.0, 52.2)),
        Room("S-A", "Stair A", "A楼梯", "stair", (10.2, 0.0, 18.0, 3.4)),
        Room("S-B", "Stair B", "B楼梯", "stair", (68.6, 42.0, 72.0, 49.8)),
        Room("TE", "Telecom room", "弱电间", "telecom", (10.2, 36.0, 18.0, 38.6)),
        Room("EL", "Electrical room", "强电间", "electrical", (10.2, 38.6, 18.0, 41.2)),
        Room("SH", "Services shaft", "管井", "shaft", (10.2, 41.2, 12.8, 44.0)),
        Room("L1", "Lift 1", "1号电梯", "lift", (10.2, 44.0, 12.8, 46.9)),
        Room("L2", "Lift 2", "2号电梯", "lift", (10.2, 46.9, 12.8, 49.8)),
        Room("WM", "Toilet men", "男卫生间", "wc", (12.8, 41.2, 15.4, 49.8)),
        Room("WF", "Toilet women", "女卫生间", "wc", (15.4, 41.2, 18.0, 49.8)),
    )


def _typical(number: int) -> Level:
    west = rooms_along(
        (
            ("W1", "Meeting room", "会议室", "meeting", 0.9),
            ("W2", "Laboratory", "实验室", "laboratory", 2.4),
            ("W3", "Open office", "开放办公", "open_office", 2.4),
        ),
        (0.0, 0.0, 7.8, 52.2),
        "y",
    )
    east = rooms_along(
        (("E1", "Laboratory", "实验室", "laboratory", 2.0), ("E2", "Office", "办公室", "office", 1.0)), (10.2, 3.4, 18.0, 36.0), "y"
    )
    north = rooms_along(
        (
            ("N1", "Open office", "开放办公", "open_office", 2.4),
            ("N2", "Meeting room", "会议室", "meeting", 0.8),
            ("N3", "Open office", "开放办公", "open_office", 2.0),
        ),
        (0.0, 52.2, 72.0, 60.0),
        "x",
    )
    south = rooms_along(
        (
            ("S1", "Open office", "开放办公", "open_office", 2.0),
            ("S2", "Meeting room", "会议室", "meeting", 0.8),
            ("S3", "Laboratory", "实验室", "laboratory", 1.6),
        ),
        (18.0, 42.0, 68.6, 49.8),
        "x",
    )
    elevation = round(GROUND_M + TYPICAL_M * (number - 2), 3)
    return Level(f"F{number:02d}", f"{number}F", f"{number}层", elevation, TYPICAL_M, (*west, *_core(), *east, *north, *south))


def _ground() -> Level:
    west = rooms_along(
        (
            ("W1", "Meeting room", "会议室", "meeting", 0.9),
            ("W2", "Prototype workshop", "试制车间", "workshop", 2.4),
            ("W3", "Incubation office", "孵化办公", "open_office", 2.4),
        ),
        (0.0, 0.0, 7.8, 52.2),
        "y",
    )
    east = rooms_along(
        (("E1", "Laboratory", "实验室", "laboratory", 2.0), ("E2", "Plant room", "空调机房", "machine_room", 1.0)),
        (10.2, 3.4, 18.0, 36.0),
        "y",
    )
    north = rooms_along(
        (
            ("N1", "Showroom", "展厅", "exhibition", 2.8),
            ("LO", "Entrance lobby", "门厅", "lobby", 1.6),
            ("N3", "Café", "咖啡厅", "dining", 2.8),
        ),
        (0.0, 52.2, 72.0, 60.0),
        "x",
    )
    south = rooms_along(
        (
            ("S1", "Training room", "培训室", "training", 2.0),
            ("S2", "Meeting room", "会议室", "meeting", 0.8),
            ("S3", "Property office", "物业办公室", "office", 1.6),
        ),
        (18.0, 42.0, 68.6, 49.8),
        "x",
    )
    doors = (Entrance(36.0, 60.0, 3.0, 2.5), Entrance(9.0, 0.0, 1.4, 2.3, "steel"), Entrance(72.0, 51.0, 1.4, 2.3, "steel"))
    return Level("F01", "1F", "首层", 0.0, GROUND_M, (*west, *_core(), *east, *north, *south), "brick", doors)


def _roof() -> Level:
    plant = (Room("MR", "Lift machine room", "电梯机房", "machine_room", (8.0, 41.2, 18.0, 52.0)),)
    return Level("RF", "RF", "屋面层", round(GROUND_M + TYPICAL_M * (STOREYS - 1), 3), 3.2, plant, "brick")
