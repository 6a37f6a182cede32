"""Roads drawn from the plan: areas with rounded corners, centrelines cut at their junctions, pavements, culverts. Plan metres."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import shapely
from shapely import LineString, Point
from shapely.ops import substring

from sample_park import parking
from sample_park.plan import BOUNDARY, CREEK, CREEK_WIDTH_M, LAKE, LOTS, ROADS, Road
from sample_park.write import Row

CORNER_RADIUS_M = 7.0
PAVEMENT_M = 2.5


@dataclass(frozen=True)
class Junction:
    """Where roads meet: its place, its arms as (direction clockwise from plan v [deg], road id) and the class of the widest."""

    id: str
    u: float
    v: float
    arms: tuple[tuple[float, str], ...]
    road_class: str


@cache
def drives() -> tuple[Road, ...]:
    """Drives from the aisles of car parks to the roads beside them."""
    found: list[Road] = []
    for lot in LOTS:
        for aisle in parking.aisles(lot):
            for end, side in ((0, -1), (1, 1)):
                u, v = aisle.coords[end]
                reach = LineString([(u, v), (u + side * 36.0, v)])
                crossed = [reach.intersection(road.line) for road in ROADS if road.road_class != "access" and reach.intersects(road.line)]
                if crossed:
                    line = LineString([(u, v), min(crossed, key=Point(u, v).distance).coords[0]])
                    names = (f"{lot.name} drive", f"{lot.name_zh}出入口")
                    found.append(Road(f"D{len(found) + 1:02d}", *names, "access", 6.0, line))
    return tuple(found)


@cache
def carriageway() -> Any:
    """All carriageways as one area."""
    union = shapely.union_all([road.line.buffer(road.width_m / 2, cap_style="flat") for road in (*ROADS, *drives())])
    return union.buffer(CORNER_RADIUS_M, quad_segs=6).buffer(-CORNER_RADIUS_M, quad_segs=6).intersection(BOUNDARY).simplify(0.02)


@cache
def culverts() -> Any:
    """Where roads cross the creek or the lake."""
    water = shapely.union_all([CREEK.buffer(CREEK_WIDTH_M / 2 + 4), LAKE])
    return carriageway().buffer(3.0).intersection(water)


def road_rows() -> list[Row]:
    """Centrelines between junctions, with class, width and lanes."""
    rows: list[Row] = []
    for road in (*ROADS, *drives()):
        for number, part in enumerate(_parts(road, (*ROADS, *drives())), start=1):
            rows.append(Row({**_named(road), "id": f"{road.id}-{number}", "lanes": _lanes(road), "length_m": round(part.length, 1)}, part))
    return rows


def area_rows() -> list[Row]:
    """Carriageway polygons, one a road; where two meet the first named keeps the ground."""
    rows: list[Row] = []
    left = carriageway()
    for road in (*ROADS, *drives()):
        reach = road.line.buffer(road.width_m / 2 + 0.01, cap_style="flat", join_style="mitre")
        rows.append(Row({**_named(road), "id": f"{road.id}-area"}, left.intersection(reach)))
        left = left.difference(reach)
    corners = shapely.union_all([part for part in shapely.get_parts(left) if part.area > 0.5])
    return [*rows, Row({"id": "corners", "name": "Junction corners", "name_zh": "路口转角", "class": "secondary"}, corners)]


@cache
def junctions() -> tuple[Junction, ...]:
    """Every place where at least three arms of roads meet, south to north, west to east."""
    found: dict[tuple[float, float], list[tuple[float, Road]]] = {}
    for road in ROADS:
        for part in _parts(road, ROADS):
            for end, inner in ((part.coords[0], part.interpolate(4.0)), (part.coords[-1], part.interpolate(part.length - 4.0))):
                found.setdefault((round(end[0], 1), round(end[1], 1)), []).append((_bearing(end, inner), road))
    places = sorted((place for place, arms in found.items() if len(arms) > 2), key=lambda place: (place[1], place[0]))
    return tuple(_junction(number, place, found[place]) for number, place in enumerate(places, start=1))


def pavement_rows() -> list[Row]:
    """Footways beside main and secondary roads, broken where carriageways cross."""
    rows: list[Row] = []
    barred = carriageway().buffer(0.3)
    for road in ROADS:
        if road.road_class == "access":
            continue
        offset = road.width_m / 2 + 1.0 + PAVEMENT_M / 2
        for side, sign in (("L", 1), ("R", -1)):
            line = road.line.offset_curve(sign * offset, quad_segs=6).intersection(BOUNDARY.buffer(-4)).difference(barred)
            parts = [part for part in shapely.get_parts(line) if part.length > 6]
            names = {"name": f"{road.name} footway", "name_zh": f"{road.name_zh}人行道"}
            rows += [
                Row({"id": f"F-{road.id}{side}-{n}", **names, "class": "footway", "width_m": PAVEMENT_M}, part)
                for n, part in enumerate(parts, 1)
            ]
    return rows


@cache
def _parts(road: Road, others: tuple[Road, ...]) -> tuple[LineString, ...]:
    """The centreline cut where other roads meet it."""
    cuts = {0.0, road.line.length}
    for other in others:
        if other is not road:
            meets = road.line.intersection(other.line)
            cuts |= {round(road.line.project(point), 6) for point in shapely.get_parts(meets) if isinstance(point, Point)}
    marks = sorted(cut for cut in cuts)
    cut = [substring(road.line, start, end) for start, end in pairwise(marks) if end - start > 0.5]
    pieces = [piece for piece in cut if isinstance(piece, LineString)]
    if road.line.is_ring and len(pieces) > 1:  # a ring starts nowhere in particular
        pieces = [LineString([*pieces[-1].coords, *pieces[0].coords[1:]]), *pieces[1:-1]]
    return tuple(pieces)


def _junction(number: int, place: tuple[float, float], arms: list[tuple[float, Road]]) -> Junction:
    classes = [road.road_class for _, road in arms]
    widest = min(classes, key=("main", "secondary", "access").index)
    ordered = tuple(sorted((round(bearing, 1), road.id) for bearing, road in arms))
    # an access lane that meets a road is an entrance, not a crossing of the park's roads
    through = "access" if sum(c != "access" for c in classes) < 3 else widest
    return Junction(f"J{number:02d}", place[0], place[1], ordered, through)


def _bearing(start: Any, end: Point) -> float:
    return math.degrees(math.atan2(end.x - start[0], end.y - start[1])) % 360


def _named(road: Road) -> dict[str, Any]:
    return {"id": road.id, "name": road.name, "name_zh": road.name_zh, "class": road.road_class, "width_m": road.width_m}


def _lanes(road: Road) -> int:
    return {"main": 6 if road.width_m > 22 else 4, "secondary": 2, "access": 2}[road.road_class]
