"""The data centre: power and cooling below, data halls above. IFC4, metres, placed by the site's latitude, longitude and true north."""

from __future__ import annotations

from sample_park.buildings_ifc import bodies
from sample_park.buildings_ifc.bodies import Box
from sample_park.buildings_ifc.fabric import GALVANISED
from sample_park.buildings_ifc.floor import Floor, Kind, put
from sample_park.buildings_ifc.rooms import Entrance, Level, Plan, Room, rooms_along
from sample_park.shapes import rect

LENGTH_M, DEPTH_M, STOREY_M = 60.0, 36.0, 6.0
COLUMNS = tuple((x, y) for x in (0.6, 9.0, 19.0, 28.4, 31.6, 41.0, 51.0, 59.4) for y in (0.6, 9.0, 18.0, 27.0, 35.4))


def plan() -> Plan:
    """The rooms of the data centre."""
    levels = (_ground(), _upper(), Level("RF", "RF", "屋面层", 2 * STOREY_M, 1.2, (), "panel"))
    return Plan("data_centre", "B33", "Data Centre", "云溪数据中心", (-190.0, 256.0), rect(0, 0, LENGTH_M, DEPTH_M), levels)


def chillers(floor: Floor) -> None:
    """Eight air-cooled chillers on the roof."""
    model = floor.model
    kind = Kind("IfcUnitaryEquipment", "chiller", "Air-cooled chiller", "风冷冷水机组", GALVANISED, "ROOFTOPUNIT")
    for number in range(8):
        place = (9.0 + 14.0 * (number % 4), 13.0 + 11.0 * (number // 4), 0.2)
        put(floor, kind, str(number + 1), place, lambda: [bodies.box(model, Box(9.0, 2.4, 2.5, GALVANISED))])


def _shared() -> tuple[Room, ...]:
    return (
        Room("SA", "Stair A", "A楼梯", "stair", (0.0, 0.0, 10.0, 3.4)),
        Room("SB", "Stair B", "B楼梯", "stair", (50.0, 0.0, 60.0, 3.4)),
        Room("CS", "South corridor", "南走廊", "corridor", (0.0, 6.0, 60.0, 8.4)),
        Room("CM", "Middle corridor", "中走廊", "corridor", (28.8, 8.4, 31.2, 36.0)),
        Room("L1", "Goods lift", "货梯", "lift", (31.2, 8.4, 34.4, 12.4)),
        Room("SH", "Services shaft", "管井", "shaft", (34.4, 8.4, 37.0, 12.4)),
        Room("LA", "West link", "西过道", "corridor", (0.0, 3.4, 10.0, 6.0)),
        Room("LB", "East link", "东过道", "corridor", (50.0, 3.4, 60.0, 6.0)),
    )


def _ground() -> Level:
    front = rooms_along(
        (
            ("WC", "Toilets", "卫生间", "wc", 8.0),
            ("SE", "Security room", "安保监控室", "control", 8.0),
            ("LO", "Entrance lobby", "门厅", "lobby", 8.0),
            ("ME", "Meeting room", "会议室", "meeting", 8.0),
            ("OF", "Office", "办公室", "office", 8.0),
        ),
        (10.0, 0.0, 50.0, 6.0),
        "x",
    )
    west = rooms_along(
        (
            ("BA", "Battery room A", "电池室A", "battery", 1.0),
            ("UA", "UPS room A", "UPS室A", "electrical", 1.0),
            ("MV", "Switchgear room", "高压配电室", "electrical", 1.0),
        ),
        (0.0, 8.4, 28.8, 36.0),
        "y",
    )
    east = (
        Room("BB", "Battery room B", "电池室B", "battery", (37.0, 8.4, 60.0, 17.6)),
        Room("TE", "Carrier room", "运营商接入间", "telecom", (31.2, 12.4, 37.0, 17.6)),
        Room("UB", "UPS room B", "UPS室B", "electrical", (31.2, 17.6, 60.0, 26.8)),
        Room("CH", "Cooling plant", "制冷机房", "machine_room", (31.2, 26.8, 60.0, 36.0)),
    )
    doors = (Entrance(30.0, 0.0, 2.4, 2.4), Entrance(0.0, 7.2, 1.8, 2.4, "steel"), Entrance(60.0, 7.2, 2.4, 2.8, "steel"))
    return Level("F01", "1F", "首层", 0.0, STOREY_M, (*front, *_shared(), *west, *east), "panel", doors)


def _upper() -> Level:
    front = rooms_along(
        (
            ("WC", "Toilets", "卫生间", "wc", 8.0),
            ("NO", "Network operations centre", "运维监控中心", "control", 16.0),
            ("ME", "Meeting room", "会议室", "meeting", 8.0),
            ("OF", "Office", "办公室", "office", 8.0),
        ),
        (10.0, 0.0, 50.0, 6.0),
        "x",
    )
    halls = (
        Room("M1", "Data hall 1", "数据机房1", "it_module", (0.0, 8.4, 28.8, 22.2)),
        Room("M2", "Data hall 2", "数据机房2", "it_module", (0.0, 22.2, 28.8, 36.0)),
        Room("M3", "Data hall 3", "数据机房3", "it_module", (37.0, 8.4, 60.0, 22.2)),
        Room("M4", "Data hall 4", "数据机房4", "it_module", (31.2, 22.2, 60.0, 36.0)),
        Room("TE", "Network room", "网络机房", "telecom", (31.2, 12.4, 37.0, 22.2)),
    )
    return Level("F02", "2F", "二层", STOREY_M, STOREY_M, (*front, *_shared(), *halls), "panel")
