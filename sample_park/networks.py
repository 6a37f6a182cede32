"""What lies under and beside the roads: communication ducts with manholes, fibre, water, drains, heat, power. Plan metres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import shapely
from shapely import LineString, Point

from sample_park import terrain
from sample_park.plan import BOUNDARY, BUILDINGS, ROADS, Road
from sample_park.write import Row

DUCT_OFFSET_M = 3.4  # from the kerb, under the footway
MANHOLE_SPACING_M = 60.0
UNDUCTED = {"R07", "R11", "R14", "R20"}  # roads that no communication duct follows yet
PLANNED_DUCT = {"R16", "R18"}


@dataclass(frozen=True)
class Main:
    """One kind of pipe: how far from the kerb and on which side of the centreline it lies, how deep, how wide."""

    key: str
    name: str
    name_zh: str
    offset_m: float  # beyond the kerb, positive to the left of the road's direction
    depth_m: float
    diameter_mm: int
    material: str
    roads: tuple[str, ...]  # road classes it follows


MAINS = (
    Main("WS", "Water main", "给水管", -1.2, 1.2, 300, "ductile iron", ("main", "secondary")),
    Main("FW", "Fire main", "消防给水管", -2.2, 1.3, 200, "ductile iron", ("main", "secondary")),
    Main("SD", "Storm drain", "雨水管", 0.6, 2.2, 800, "concrete", ("main", "secondary", "access")),
    Main("SS", "Sewer", "污水管", 1.6, 2.8, 500, "HDPE", ("main", "secondary")),
    Main("HT", "Heat main", "供热管", 2.6, 1.6, 350, "pre-insulated steel", ("main",)),
    Main("GS", "Gas main", "燃气管", -4.6, 1.1, 160, "PE", ("main",)),
    Main("PW", "Power duct bank", "电力排管", -3.4, 0.9, 150, "MPP", ("main", "secondary")),
)


@cache
def duct_lines() -> tuple[tuple[Road, LineString], ...]:
    """Communication ducts along the roads that have one."""
    followed = [road for road in ROADS if road.id not in UNDUCTED]
    return tuple((road, line) for road in followed for line in _beside(road, road.width_m / 2 + DUCT_OFFSET_M))


def duct_rows() -> list[Row]:
    """Communication ducts: holes in all and spare, built or planned."""
    rows: list[Row] = []
    for number, (road, line) in enumerate(duct_lines(), start=1):
        holes = {"main": 12, "secondary": 8, "access": 4}[road.road_class]
        purpose = {"purpose": "communication", "holes_total": holes, "holes_spare": holes // 3, "depth_m": 0.8}
        names = {"id": f"CD-{number:02d}", "name": f"{road.name} duct", "name_zh": f"{road.name_zh}通信管道"}
        status = "planned" if road.id in PLANNED_DUCT else "in_service"
        rows.append(Row({**names, "class": road.road_class, "status": status, **purpose}, line))
    return rows


def lead_rows() -> list[Row]:
    """Lead-in ducts from the nearest duct to every building but the gatehouses and one works."""
    ducts = shapely.MultiLineString([line for _, line in duct_lines()])
    rows: list[Row] = []
    for building in BUILDINGS:
        if building.usage == "gatehouse" or building.id == "B26":
            continue
        line = shapely.shortest_line(ducts, building.outline)
        names = {"id": f"CL-{building.id}", "name": f"Lead-in {building.name}", "name_zh": f"{building.name_zh}引入管"}
        rows.append(Row({**names, "class": "lead_in", "purpose": "communication", "dedicated": True, "serves_building": building.id}, line))
    return rows


def manhole_rows() -> list[Row]:
    """Manholes along the ducts, about every 60 m."""
    rows: list[Row] = []
    for road, line in duct_lines():
        count = max(round(line.length / MANHOLE_SPACING_M), 1)
        for step in range(count + 1):
            place = line.interpolate(step * line.length / count)
            number = len(rows) + 1
            names = {"id": f"MH-{number:03d}", "name": f"MH-{number:03d}", "name_zh": f"{road.name_zh}人孔"}
            rows.append(Row({**names, "purpose": "communication", "cover": "smart" if number % 3 == 0 else "plain", "depth_m": 1.6}, place))
    return rows


def fibre_rows() -> list[Row]:
    """Fibre from the data centre: two rings over the ducts and a tail to every building with a lead-in."""
    rings = shapely.line_merge(shapely.MultiLineString([line for road, line in duct_lines() if road.road_class != "access"]))
    trunk = {"class": "trunk", "cores": 288, "purpose": "communication"}
    rows = [Row({"id": "FB-TRUNK", "name": "Fibre trunk", "name_zh": "光缆干线", **trunk}, rings)]
    for row in lead_rows():
        building = row.properties["serves_building"]
        tail = {"class": "tail", "cores": 48, "serves_building": building}
        rows.append(Row({"id": f"FB-{building}", "name": f"Fibre {building}", "name_zh": f"{building}光缆", **tail}, row.geometry))
    return rows


def pipe_rows() -> list[Row]:
    """Water, fire, storm, sewer, heat, gas and power mains along the roads, with depth and invert height."""
    rows: list[Row] = []
    for main in MAINS:
        lines = [line for road in ROADS if road.road_class in main.roads for line in _beside(road, _lateral(road, main))]
        for number, line in enumerate(lines, start=1):
            ends = terrain.heights([line.coords[0], line.coords[-1]]) - main.depth_m
            sizes = {"class": main.key, "diameter_mm": main.diameter_mm, "depth_m": main.depth_m, "material": main.material}
            inverts = {"invert_start_m": round(float(ends[0]), 2), "invert_end_m": round(float(ends[1]), 2)}
            rows.append(Row({"id": f"{main.key}-{number:02d}", "name": main.name, "name_zh": main.name_zh, **sizes, **inverts}, line))
    return rows


@cache
def hydrant_places() -> tuple[tuple[float, float], ...]:
    """Hydrants beside the fire main, at most 115 m apart, clear of junctions."""
    fire = next(main for main in MAINS if main.key == "FW")
    places: list[tuple[float, float]] = []
    for road in ROADS:
        if road.road_class not in fire.roads:
            continue
        for line in _beside(road, _lateral(road, fire)):
            count = max(int(line.length // 115) + 1, 1)
            places += [_place(line.interpolate((step + 0.5) * line.length / count)) for step in range(count)]
    return tuple(places)


def _lateral(road: Road, main: Main) -> float:
    return (road.width_m / 2 + abs(main.offset_m)) * (1 if main.offset_m > 0 else -1)


def _beside(road: Road, lateral_m: float) -> list[LineString]:
    line: Any = road.line.offset_curve(lateral_m, quad_segs=6).intersection(BOUNDARY)
    return [part for part in shapely.get_parts(line) if part.length > 20]


def _place(point: Point) -> tuple[float, float]:
    return point.x, point.y
