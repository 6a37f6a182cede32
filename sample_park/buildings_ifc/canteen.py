"""The canteen: dining on two storeys, kitchens in the west behind thick walls. IFC2X3, metres, placed by ePSet_MapConversion.

The servery between kitchen and hall and the small dining room beside it have 420 mm of concrete and brick on the hall's side: access points
hang in the hall only, so these two rooms are the park's Wi-Fi hole.
"""

from __future__ import annotations

from sample_park.buildings_ifc.rooms import Entrance, Level, Plan, Room
from sample_park.shapes import rect

LENGTH_M, DEPTH_M = 54.0, 36.0
GROUND_M, UPPER_M = 5.2, 4.4
COLUMNS = tuple((x, y) for x in (0.6, 12.5, 19.7, 28.0, 37.0, 45.5, 53.4) for y in (0.6, 9.0, 18.0, 27.0, 35.4))


def plan() -> Plan:
    """The rooms of the canteen."""
    levels = (_ground(), _upper(), Level("RF", "RF", "屋面层", GROUND_M + UPPER_M, 1.2, (), "brick"))
    return Plan("canteen", "B20", "Canteen", "园区食堂", (-188.0, -104.0), rect(0, 0, LENGTH_M, DEPTH_M), levels)


def _ground() -> Level:
    rooms = (
        Room("K1", "Main kitchen", "主厨房", "kitchen", (0.0, 10.0, 13.0, 28.0)),
        Room("K2", "Dishwashing", "洗消间", "kitchen", (0.0, 28.0, 13.0, 36.0)),
        Room("CS", "Cold storage", "冷库房", "cold_store", (0.0, 0.0, 6.0, 10.0)),
        Room("ST", "Dry storage", "干货库房", "storage", (6.0, 0.0, 13.0, 10.0)),
        Room("SV", "Dining at the serving line", "取餐就餐区", "servery", (13.0, 6.0, 19.0, 30.0)),
        Room("D2", "Small dining room", "民族餐厅", "servery", (13.0, 0.0, 19.0, 6.0)),
        Room("WC", "Toilets", "卫生间", "wc", (13.0, 30.0, 19.0, 36.0)),
        Room("D1", "Dining hall", "一层餐厅", "dining", (19.0, 0.0, 46.0, 36.0)),
        Room("P1", "Private dining 1", "包间一", "dining", (46.0, 3.4, 54.0, 13.0)),
        Room("P2", "Private dining 2", "包间二", "dining", (46.0, 23.0, 54.0, 32.6)),
        Room("LO", "Entrance lobby", "门厅", "lobby", (46.0, 13.0, 54.0, 23.0)),
        *_stairs(),
    )
    doors = (
        Entrance(54.0, 18.0, 3.0, 2.5),
        Entrance(0.0, 14.0, 2.0, 2.4, "steel"),
        Entrance(30.0, 36.0, 1.8, 2.3, "steel"),
        Entrance(13.0, 19.0, 1.5, 2.2, "steel"),
    )
    return Level("F01", "1F", "首层", 0.0, GROUND_M, rooms, "brick", doors)


def _upper() -> Level:
    rooms = (
        Room("K1", "Upper kitchen", "二层厨房", "kitchen", (0.0, 10.0, 13.0, 36.0)),
        Room("MR", "Ventilation plant", "排烟机房", "machine_room", (0.0, 0.0, 13.0, 10.0)),
        Room("WC", "Toilets", "卫生间", "wc", (13.0, 30.0, 19.0, 36.0)),
        Room("P3", "Private dining 3", "包间三", "dining", (13.0, 0.0, 19.0, 15.0)),
        Room("P4", "Private dining 4", "包间四", "dining", (13.0, 15.0, 19.0, 30.0)),
        Room("D1", "Upper dining hall", "二层餐厅", "dining", (19.0, 0.0, 46.0, 36.0)),
        Room("M1", "Meeting room", "会议室", "meeting", (46.0, 3.4, 54.0, 13.0)),
        Room("LO", "Landing", "二层门厅", "lobby", (46.0, 13.0, 54.0, 23.0)),
        Room("M2", "Multi-purpose room", "多功能厅", "meeting", (46.0, 23.0, 54.0, 32.6)),
        *_stairs(),
    )
    return Level("F02", "2F", "二层", GROUND_M, UPPER_M, rooms, "brick")


def _stairs() -> tuple[Room, ...]:
    return (
        Room("SA", "Stair A", "A楼梯", "stair", (46.0, 0.0, 54.0, 3.4)),
        Room("SB", "Stair B", "B楼梯", "stair", (46.0, 32.6, 54.0, 36.0)),
    )
