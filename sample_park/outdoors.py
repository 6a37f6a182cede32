"""What lies between the roads: boundary, buildings, greens, water, trees, paths, fences, zones. Plan metres."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

import numpy as np
import shapely
from shapely import LineString, Polygon

from sample_park import parking, places, roads, terrain
from sample_park.plan import (
    BASINS,
    BOUNDARY,
    BUILDINGS,
    CREEK,
    CREEK_WIDTH_M,
    GATES,
    LAKE,
    LOTS,
    PARK_NAME,
    PARK_NAME_ZH,
    PLAZA,
    SPORTS_FIELD,
    YARDS,
    Building,
)  # fmt: skip
from sample_park.shapes import disc, rect
from sample_park.write import Row

SEED = 20_260
APRON_M = {"factory": 12.0, "warehouse": 14.0, "utility": 8.0, "substation": 8.0, "fire_station": 10.0}  # paved ground round a building
SPECIES = (
    ("Camphor", "香樟", 9.0, 6.0), ("Ginkgo", "银杏", 11.0, 5.0), ("Osmanthus", "桂花", 5.0, 4.0), ("Plane", "悬铃木", 12.0, 7.0),
    ("Cherry", "樱花", 5.5, 4.5), ("Metasequoia", "水杉", 15.0, 4.0),
)  # fmt: skip


def boundary_rows() -> list[Row]:
    """The park's boundary."""
    area = {"area_m2": round(BOUNDARY.area), "owner": "Yunxi Park Operations"}
    return [Row({"id": "boundary", "name": PARK_NAME, "name_zh": PARK_NAME_ZH, **area}, BOUNDARY)]


def building_rows() -> list[Row]:
    """The buildings with their height above the level pad they stand on."""
    return [Row(_building(building), building.outline) for building in BUILDINGS]


def water_rows() -> list[Row]:
    """Creek, lake and treatment basins, without what runs under roads."""
    open_air = BOUNDARY.difference(roads.culverts())
    creek = CREEK.buffer(CREEK_WIDTH_M / 2, cap_style="flat").difference(LAKE).intersection(open_air)
    reaches = sorted((part for part in shapely.get_parts(creek) if part.area > 5), key=lambda part: part.centroid.x)
    rows = [Row({"id": "W-LAKE", "name": "Yunxi Lake", "name_zh": "云溪湖", "class": "lake"}, LAKE.difference(roads.culverts()))]
    rows += [
        Row({"id": f"W-{n:02d}", "name": "Yunxi Creek", "name_zh": "云溪", "class": "creek"}, part) for n, part in enumerate(reaches, 1)
    ]
    basin = {"name": "Treatment basin", "name_zh": "处理池", "class": "basin"}
    return rows + [Row({"id": f"W-BASIN-{n}", **basin}, shape) for n, shape in enumerate(BASINS, 1)]


@cache
def greens() -> tuple[Polygon, ...]:
    """Planted ground: everything that is neither built, paved nor water, cut into beds of at least 40 m²."""
    paved = [_apron(building) for building in BUILDINGS]
    paved += [
        roads.carriageway().buffer(0.8),
        PLAZA,
        SPORTS_FIELD,
        *(lot.area for lot in LOTS),
        *(yard.area for yard in YARDS),
        *_hardstands(),
    ]
    paved += [row.geometry.buffer(row.properties["width_m"] / 2) for row in path_rows()]
    paved += [row.geometry for row in water_rows()]
    free = BOUNDARY.buffer(-1.5).difference(shapely.union_all(paved)).buffer(-1.0).buffer(1.0, quad_segs=3).simplify(0.15)
    free = free.difference(shapely.union_all(paved))
    beds = [part for part in shapely.get_parts(free) if part.area > 40]
    return tuple(sorted(beds, key=lambda part: (round(part.centroid.y), round(part.centroid.x))))


def green_rows() -> list[Row]:
    """Lawns and belts, the plaza's beds and the sports field."""
    rows = [Row({"id": f"GR-{n:03d}", "name": "Planting", "name_zh": "绿地", "class": "lawn"}, bed) for n, bed in enumerate(greens(), 1)]
    beds = {"name": "Plaza bed", "name_zh": "广场花池", "class": "bed"}
    rows += [Row({"id": f"GR-PLAZA-{n}", **beds}, bed) for n, bed in enumerate(plaza_beds(), 1)]
    return [*rows, Row({"id": "GR-SPORT", "name": "Sports field", "name_zh": "运动场", "class": "sports"}, SPORTS_FIELD)]


def plaza_beds() -> list[Polygon]:
    """Four quarter beds round the middle of the plaza and four strips at its ends."""
    middle = PLAZA.centroid
    ring = disc(middle.x, middle.y, 40, 48).difference(disc(middle.x, middle.y, 27, 48))
    cross = shapely.union_all([rect(-72, middle.y - 5, 72, middle.y + 5), rect(middle.x - 7, -112, middle.x + 7, 42)])
    quarters = list(shapely.get_parts(ring.difference(cross)))
    strips = [rect(-58, -104, -14, -95), rect(14, -104, 58, -95), rect(-58, 25, -14, 34), rect(14, 25, 58, 34)]
    return [*quarters, *strips]


@cache
def path_rows() -> tuple[Row, ...]:
    """Footways along roads, walks of the plaza, the creek walk, the sports loop and ways to main doors."""
    walks: list[tuple[str, str, str, float, LineString]] = [
        ("PW-1", "Plaza walk", "广场步道", 8.0, LineString([(0, -112), (0, 42)])),
        ("PW-2", "Plaza cross walk", "广场横向步道", 6.0, LineString([(-72, -35), (72, -35)])),
        ("PW-3", "Sports loop", "运动环道", 4.0, LineString(SPORTS_FIELD.buffer(4).exterior.coords)),
    ]
    creekside = LineString([(u, v - 12) for u, v in CREEK.coords]).intersection(BOUNDARY.buffer(-4))
    open_bank = creekside.difference(shapely.union_all([roads.carriageway().buffer(0.3), LAKE.buffer(2)]))
    parts = [part for part in shapely.get_parts(open_bank) if part.length > 15]
    walks += [(f"PW-C{n}", "Creek walk", "滨溪步道", 2.5, part) for n, part in enumerate(parts, 1)]
    rows = [Row({"id": i, "name": name, "name_zh": zh, "class": "walk", "width_m": width}, line) for i, name, zh, width, line in walks]
    return (*roads.pavement_rows(), *rows, *_door_walks())


@cache
def trees() -> tuple[tuple[float, float, int], ...]:
    """Trees as (u, v, species): rows along roads, one in every parking island, groves in the beds."""
    random = Random(SEED)
    barred = shapely.union_all([building.outline.buffer(4.5) for building in BUILDINGS]).union(roads.carriageway().buffer(1.2))
    shapely.prepare(barred)
    placed: list[tuple[float, float, int]] = [
        (u, v, 0 if row.properties["id"][2:5] in {"R01", "R02", "R03"} else 1)
        for row in roads.pavement_rows()
        for u, v in _beside(row.geometry)
        if not barred.intersects(shapely.Point(u, v))
    ]
    placed += [(u, v, 2) for u, v in parking.islands()]
    for bed in greens():
        for _ in range(int(bed.area / 150)):
            u, v = _inside(bed, random)
            if bed.buffer(-1.5).intersects(shapely.Point(u, v)) and not barred.intersects(shapely.Point(u, v)):
                placed.append((u, v, random.randrange(len(SPECIES))))
    return _thinned(placed, 4.0)


def tree_rows() -> list[Row]:
    """Trees with species, height and crown."""
    random = Random(SEED + 1)
    rows: list[Row] = []
    for number, (u, v, species) in enumerate(trees(), start=1):
        name, name_zh, height, crown = SPECIES[species]
        size = 0.75 + 0.4 * random.random()
        columns = {"height_m": round(height * size, 1), "crown_m": round(crown * size, 1)}
        rows.append(Row({"id": f"T{number:04d}", "name": name, "name_zh": name_zh, **columns}, shapely.Point(round(u, 2), round(v, 2))))
    return rows


@cache
def barrier_rows() -> tuple[Row, ...]:
    """The fence of the park between its gates, and the fences of the yards with one opening each."""
    openings = shapely.union_all([shapely.Point(gate.u, gate.v).buffer(gate.width_m / 2) for gate in GATES])
    sections = shapely.get_parts(shapely.line_merge(BOUNDARY.exterior.difference(openings)))
    fence = {"class": "perimeter", "height_m": 2.2, "material": "steel"}
    rows = [
        Row({"id": f"FENCE-{n}", "name": "Perimeter fence", "name_zh": "围界护栏", **fence}, line) for n, line in enumerate(sections, 1)
    ]
    for yard in YARDS:
        u0, v0, u1, _ = yard.area.bounds
        opening = shapely.Point((u0 + u1) / 2, v0).buffer(4.0)
        line = yard.area.exterior.difference(opening)
        line = shapely.line_merge(line)
        names = {"name": f"{yard.name} fence", "name_zh": f"{yard.name_zh}围栏", "owner": yard.owner}
        rows.append(Row({"id": f"FENCE-{yard.id}", **names, "class": "yard", "height_m": yard.fence_m, "material": "mesh"}, line))
    return tuple(rows)


def _door_walks() -> list[Row]:
    """From every main door to the nearest carriageway or the plaza."""
    ground = roads.carriageway().union(PLAZA)
    rows: list[Row] = []
    for door, building in zip(places.main_doors(), BUILDINGS, strict=True):
        line = shapely.shortest_line(door.before(0.3), ground)
        if line.length > 1.0 and not line.buffer(0.1).intersects(building.outline):
            names = {"id": f"PW-{building.id}", "name": f"{building.name} walk", "name_zh": f"{building.name_zh}门前步道"}
            rows.append(Row({**names, "class": "walk", "width_m": 3.0}, line))
    return rows


def _building(building: Building) -> dict[str, Any]:
    names = {"id": building.id, "name": building.name, "name_zh": building.name_zh, "usage": building.usage}
    sizes = {"storeys": building.storeys, "height_m": building.height_m, "base_m": terrain.base_height(building.id)}
    register = {"main_office": building.usage == "office"}
    return {**names, **sizes, "owner": "Yunxi Park Operations", "status": "in_service", **register}


def _apron(building: Building) -> Any:
    return building.outline.buffer(APRON_M.get(building.usage, 3.5), join_style="mitre")


def _hardstands() -> list[Polygon]:
    """Lorry yards before the warehouses and works, and forecourts."""
    return [
        rect(-204, 314, -20, 328),
        rect(20, 264, 204, 306),
        rect(20, 314, 204, 400),
        rect(-422, -48, -230, -14),
        rect(228, -56, 420, -16),
    ]


def _beside(line: LineString) -> list[tuple[float, float]]:
    """Places every 8 m along a footway, on its outer edge."""
    count = max(int(line.length // 8), 1)
    marks = (np.arange(count) + 0.5) * line.length / count
    return [(float(p.x), float(p.y)) for p in (line.interpolate(float(mark)) for mark in marks)]


def _inside(bed: Polygon, random: Random) -> tuple[float, float]:
    u0, v0, u1, v1 = bed.bounds
    return u0 + (u1 - u0) * random.random(), v0 + (v1 - v0) * random.random()


def _thinned(placed: list[tuple[float, float, int]], apart_m: float) -> tuple[tuple[float, float, int], ...]:
    """The trees that keep their distance to every tree before them."""
    cells: dict[tuple[int, int], tuple[float, float]] = {}
    kept: list[tuple[float, float, int]] = []
    for u, v, species in placed:
        cell = (int(u // apart_m), int(v // apart_m))
        around = (cells.get((cell[0] + i, cell[1] + j)) for i in (-1, 0, 1) for j in (-1, 0, 1))
        if all(other is None or (other[0] - u) ** 2 + (other[1] - v) ** 2 >= apart_m**2 for other in around):
            cells[cell] = (u, v)
            kept.append((u, v, species))
    return tuple(kept)
