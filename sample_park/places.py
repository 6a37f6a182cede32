"""Named places: main doors, key positions in the open, zones, fenced yards, assembly points. Plan metres.

The classes of key positions are those of the Chengdu guideline and its neighbours (park_entrance, road_intersection …).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import shapely
from shapely import LineString, Point, Polygon

from sample_park import roads
from sample_park.plan import BOUNDARY, BUILDINGS, GATES, PLAZA, ROADS, SPORTS_FIELD, YARDS, Building
from sample_park.shapes import rect
from sample_park.write import Row

FIRE_PASSAGES = {"B09", "B10", "B12", "B18", "B19", "B24", "B26", "B27", "B28", "B29", "B30", "B33", "B34", "B35"}
MAIN_DOORS = {  # where a building model says so: middle of the door, direction it faces clockwise from plan v
    "B05": (-160.0, -164.0, 0.0), "B09": (60.0, -169.0, 0.0), "B20": (-134.0, -86.0, 90.0), "B24": (236.0, -80.0, 270.0),
    "B33": (-160.0, 256.0, 180.0),
}  # fmt: skip
ZONES = (
    ("Z1", "Residential quarter", "生活居住区", rect(-424, -404, -221, -142)),
    ("Z2", "R&D quarter", "研发创新区", rect(-209, -404, -12, -142)),
    ("Z3", "Headquarters quarter", "总部经济区", rect(12, -404, 209, -142)),
    ("Z4", "Incubation quarter", "孵化培育区", rect(221, -404, 424, -142)),
    ("Z5", "Central services", "中央服务区", rect(-209, -118, 209, 52)),
    ("Z6", "Precision manufacturing quarter", "精密制造区", rect(-424, -118, -221, 222)),
    ("Z7", "Energy and robotics quarter", "能源机器人区", rect(221, -118, 424, 222)),
    ("Z8", "Electronics and testing quarter", "电子检测区", rect(-209, 68, 209, 222)),
    ("Z9", "Utilities quarter", "公用设施区", rect(-424, 236, -221, 404)),
    ("Z10", "Logistics quarter", "仓储物流区", rect(-209, 236, 424, 404)),
)
ASSEMBLY = (
    ("A1", "Sports field assembly point", "运动场应急集合点", -369.0, -233.0, 1500),
    ("A2", "Plaza assembly point", "中央广场应急集合点", 0.0, -75.0, 2500),
    ("A3", "R&D assembly point", "研发区应急集合点", -111.0, -251.0, 700),
    ("A4", "Incubator assembly point", "孵化区应急集合点", 324.0, -370.0, 600),
    ("A5", "Works assembly point", "厂区应急集合点", -326.0, 252.0, 900),
    ("A6", "Logistics assembly point", "物流区应急集合点", 140.0, 252.0, 500),
)


@dataclass(frozen=True)
class Door:
    """The main door of a building: its middle [m] and the direction it faces [deg clockwise from plan v]."""

    building_id: str
    u: float
    v: float
    facing: float

    def before(self, distance_m: float) -> Point:
        """The point so far in front of the door."""
        turn = math.radians(self.facing)
        return Point(self.u + distance_m * math.sin(turn), self.v + distance_m * math.cos(turn))


@cache
def main_doors() -> tuple[Door, ...]:
    """One main door a building: given by its model, else in the middle of the long wall nearest to a road."""
    return tuple(_given(building) or _found(building) for building in BUILDINGS)


def key_position_rows() -> list[Row]:
    """Gates, crossings, main doors and fire passages that cameras must watch."""
    rows = [_point("park_entrance", f"KP-{gate.id}", gate.name, gate.name_zh, Point(gate.u, gate.v)) for gate in GATES]
    rows.append(_point("park_main_entrance", "KP-MAIN", "South Gate", "南门", Point(GATES[0].u, GATES[0].v + 6)))
    for junction in roads.junctions():
        if junction.road_class != "access":
            names = [next(road.name_zh for road in ROADS if road.id == arm) for _, arm in junction.arms]
            title = "—".join(dict.fromkeys(names))
            rows.append(_point("road_intersection", f"KP-{junction.id}", f"Junction {junction.id}", title, Point(junction.u, junction.v)))
    for door, building in zip(main_doors(), BUILDINGS, strict=True):
        if building.usage != "gatehouse":
            row = _point("building_main_entrance", f"KP-D-{building.id}", building.name, f"{building.name_zh}主出入口", door.before(1.2))
            rows.append(Row({**row.properties, "building_id": building.id}, row.geometry))
    passages = [building for building in BUILDINGS if building.id in FIRE_PASSAGES]
    return rows + [_passage(building) for building in passages] + _other_positions()


def zone_rows() -> list[Row]:
    """The quarters of the park, the plaza and the sports field."""
    rows = [Row({"id": i, "name": name, "name_zh": zh, "class": "quarter"}, area) for i, name, zh, area in ZONES]
    rows.append(Row({"id": "Z-PLAZA", "name": "Central Plaza", "name_zh": "中央广场", "class": "plaza"}, PLAZA))
    return [*rows, Row({"id": "Z-SPORT", "name": "Sports field", "name_zh": "运动场", "class": "sports"}, SPORTS_FIELD)]


def yard_rows() -> list[Row]:
    """Fenced enterprise yards: not public ground."""
    fenced = {"class": "fenced_yard", "fenced": True}
    return [Row({"id": y.id, "name": y.name, "name_zh": y.name_zh, "owner": y.owner, **fenced}, y.area) for y in YARDS]


def grid_rows() -> list[Row]:
    """The cells of grid management: the quarters and the green belt, which together cover the park."""
    cells = [(i, name, zh, area) for i, name, zh, area in ZONES]
    rest: Any = BOUNDARY
    rows: list[Row] = []
    for number, (_, _, zh, area) in enumerate(cells, start=1):
        cell = _areal(rest.intersection(area.buffer(12, join_style="mitre")))
        rest = _areal(rest.difference(cell))
        rows.append(Row({"id": f"GRID-{number:02d}", "name": f"Grid {number}", "name_zh": f"{zh}网格", "class": "grid"}, cell))
    return [*rows, Row({"id": "GRID-11", "name": "Grid 11", "name_zh": "外环网格", "class": "grid"}, rest)]


def _areal(geometry: Any) -> Any:
    """The polygons of a geometry, without the lines and points at which others only touch it."""
    return shapely.union_all([part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon" and part.area > 0.01])


def _given(building: Building) -> Door | None:
    place = MAIN_DOORS.get(building.id)
    return Door(building.id, *place) if place else None


def _found(building: Building) -> Door:
    ring = shapely.geometry.polygon.orient(Polygon(building.outline.exterior)).exterior.coords
    best: tuple[float, Door] | None = None
    for (u0, v0), (u1, v1) in pairwise(ring):
        length = math.hypot(u1 - u0, v1 - v0)
        door = Door(building.id, (u0 + u1) / 2, (v0 + v1) / 2, math.degrees(math.atan2(v1 - v0, -(u1 - u0))) % 360)
        cost = door.before(2.0).distance(roads.carriageway()) - min(length, 40.0)
        if best is None or cost < best[0] - 1e-6:
            best = (cost, door)
    if best is None:
        raise ValueError(f"{building.id} has no wall")
    return best[1]


def _passage(building: Building) -> Row:
    """The fire lane along the side of the main door, 6 m off the wall."""
    door = next(door for door in main_doors() if door.building_id == building.id)
    turn = math.radians(door.facing)
    along = (math.cos(turn), -math.sin(turn))
    half = max(abs((u - door.u) * along[0] + (v - door.v) * along[1]) for u, v in building.outline.exterior.coords)
    middle = door.before(6.0)
    ends = [(middle.x + sign * half * along[0], middle.y + sign * half * along[1]) for sign in (-1, 1)]
    names = {"id": f"KP-F-{building.id}", "name": f"Fire passage {building.name}", "name_zh": f"{building.name_zh}消防通道"}
    line = LineString(ends).intersection(BOUNDARY)
    return Row({**names, "class": "fire_passage", "building_id": building.id, "width_m": 4.0}, line)


def _other_positions() -> list[Row]:
    rows = [_point("vehicle_entrance", f"KP-V-{gate.id}", gate.name, gate.name_zh, Point(gate.u * 0.985, gate.v * 0.985)) for gate in GATES]
    for number, name, zh, u, v, capacity in ASSEMBLY:
        row = _point("emergency_assembly_point", f"KP-{number}", name, zh, Point(u, v))
        rows.append(Row({**row.properties, "capacity": capacity}, row.geometry))
    fence = {"id": "KP-PERIMETER", "name": "Perimeter", "name_zh": "园区周界", "class": "perimeter"}
    return [*rows, Row(fence, LineString(BOUNDARY.exterior.coords))]


def _point(kind: str, identity: str, name: str, name_zh: str, place: Point) -> Row:
    return Row({"id": identity, "name": name, "name_zh": name_zh, "class": kind}, place)
