"""Yunxi Tower: twelve storeys of offices round a core, glass all round, plant on the roof. IFC4, metres, EPSG:4544."""

from __future__ import annotations

from sample_park.buildings_ifc.rooms import Entrance, Level, Plan, Room, rooms_along
from sample_park.shapes import rect

LENGTH_M, DEPTH_M = 48.0, 27.0
GROUND_M, TYPICAL_M = 5.2, 4.0
STOREYS = 12
COLUMNS = tuple((x, y) for x in (0.6, 8.4, 16.4, 24.0, 31.6, 39.6, 47.4) for y in (0.6, 7.8, 19.2, 26.4))
_TENANTS = ("Yunfan Software", "Beichen Robotics", "Qinglan Sensors", "Xinghe Photonics", "Lvdong Mobility", "Hongtu Design")
_TENANTS_ZH = ("云帆软件", "北辰机器人", "青岚传感", "星河光电", "绿动出行", "鸿图设计")


def plan() -> Plan:
    """The rooms of the tower."""
    levels = [_ground(), *(_typical(number) for number in range(2, STOREYS + 1)), _roof()]
    return Plan("tower", "B09", "Yunxi Tower", "云溪大厦", (36.0, -196.0), rect(0, 0, LENGTH_M, DEPTH_M), tuple(levels), tenants=_tenants())


def _core() -> tuple[Room, ...]:
    """Stairs, lifts, toilets, risers and the lift lobby, the same on every storey."""
    return (
        Room("SA", "Stair A", "A楼梯", "stair", (8.0, 10.0, 11.0, 17.0)),
        Room("L5", "Fire lift", "消防电梯", "lift", (11.0, 10.0, 13.6, 13.0)),
        Room("SH", "Services shaft", "管井", "shaft", (11.0, 13.0, 13.6, 17.0)),
        Room("WM", "Toilet men", "男卫生间", "wc", (13.6, 10.0, 17.6, 17.0)),
        Room("L1", "Lift 1", "1号电梯", "lift", (17.6, 10.0, 20.0, 13.5)),
        Room("L2", "Lift 2", "2号电梯", "lift", (17.6, 13.5, 20.0, 17.0)),
        Room("LL", "Lift lobby", "电梯厅", "lift_lobby", (20.0, 10.0, 28.0, 17.0)),
        Room("L3", "Lift 3", "3号电梯", "lift", (28.0, 10.0, 30.4, 13.5)),
        Room("L4", "Lift 4", "4号电梯", "lift", (28.0, 13.5, 30.4, 17.0)),
        Room("WF", "Toilet women", "女卫生间", "wc", (30.4, 10.0, 34.6, 17.0)),
        Room("EL", "Electrical room", "强电间", "electrical", (34.6, 10.0, 37.0, 13.5)),
        Room("TE", "Telecom room", "弱电间", "telecom", (34.6, 13.5, 37.0, 17.0)),
        Room("SB", "Stair B", "B楼梯", "stair", (37.0, 10.0, 40.0, 17.0)),
    )


def _ring() -> tuple[Room, ...]:
    return (
        Room("CS", "South corridor", "南走廊", "corridor", (6.0, 8.2, 42.0, 10.0)),
        Room("CN", "North corridor", "北走廊", "corridor", (6.0, 17.0, 42.0, 18.8)),
        Room("CW", "West link", "西连廊", "corridor", (6.0, 10.0, 8.0, 17.0)),
        Room("CE", "East link", "东连廊", "corridor", (40.0, 10.0, 42.0, 17.0)),
    )


def _typical(number: int) -> Level:
    south = rooms_along(
        (
            ("01", "Open office", "开放办公", "open_office", 2.0),
            ("02", "Office", "办公室", "office", 1.0),
            ("03", "Open office", "开放办公", "open_office", 2.0),
        ),
        (0.0, 0.0, 48.0, 8.2),
        "x",
    )
    north = rooms_along(
        (
            ("04", "Open office", "开放办公", "open_office", 2.0),
            ("05", "Meeting room", "会议室", "meeting", 1.0),
            ("06", "Open office", "开放办公", "open_office", 2.0),
        ),
        (0.0, 18.8, 48.0, 27.0),
        "x",
    )
    ends = (
        Room("07", "Meeting room", "会议室", "meeting", (0.0, 8.2, 6.0, 18.8)),
        Room("08", "Manager's office", "经理办公室", "office", (42.0, 8.2, 48.0, 18.8)),
    )
    elevation = GROUND_M + TYPICAL_M * (number - 2)
    return Level(
        f"F{number:02d}", f"{number}F", f"{number}层", elevation, TYPICAL_M, (*south, *_ring(), *_core(), *ends, *north), "curtain"
    )


def _ground() -> Level:
    south = rooms_along(
        (
            ("01", "Café", "咖啡厅", "dining", 1.2),
            ("02", "Convenience store", "便利店", "office", 0.8),
            ("03", "Property office", "物业办公室", "office", 1.0),
            ("04", "Fire control room", "消防控制室", "control", 1.0),
            ("05", "Transformer room", "变配电室", "electrical", 1.0),
        ),
        (0.0, 0.0, 48.0, 8.2),
        "x",
    )
    north = rooms_along(
        (
            ("06", "Exhibition", "企业展厅", "exhibition", 1.0),
            ("LO", "Entrance lobby", "大堂", "lobby", 1.6),
            ("07", "Bank", "银行网点", "office", 1.0),
        ),
        (0.0, 18.8, 48.0, 27.0),
        "x",
    )
    ends = (
        Room("08", "Meeting room", "会议室", "meeting", (0.0, 8.2, 6.0, 18.8)),
        Room("09", "Parcel room", "快递收发室", "storage", (42.0, 8.2, 48.0, 18.8)),
    )
    doors = (Entrance(24.0, DEPTH_M, 3.6, 2.6), Entrance(0.0, 9.1, 1.4, 2.4), Entrance(48.0, 9.1, 1.4, 2.4))
    return Level("F01", "1F", "首层", 0.0, GROUND_M, (*south, *_ring(), *_core(), *ends, *north), "curtain", doors)


def _roof() -> Level:
    plant = (
        Room("SA", "Stair A", "A楼梯间", "wc", (8.0, 10.0, 11.0, 17.0)),
        Room("MR", "Lift machine room", "电梯机房", "machine_room", (11.0, 10.0, 24.0, 17.0)),
        Room("PR", "Plant room", "空调机房", "machine_room", (24.0, 10.0, 37.0, 17.0)),
        Room("SB", "Stair B", "B楼梯间", "wc", (37.0, 10.0, 40.0, 17.0)),
    )
    return Level("RF", "RF", "屋面层", GROUND_M + TYPICAL_M * (STOREYS - 1), 3.4, plant, "brick")


def _tenants() -> dict[str, str]:
    """Open offices and offices of every typical storey, let in turn."""
    names = [f"{zh} {en}" for en, zh in zip(_TENANTS, _TENANTS_ZH, strict=True)]
    rooms = [f"F{level:02d}/{room}" for level in range(2, STOREYS + 1) for room in ("01", "03", "04", "06")]
    return {room: names[(index // 4 + index % 2) % len(names)] for index, room in enumerate(rooms)}
