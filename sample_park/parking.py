"""Car parks: bays above ground in double rows, bays below the plaza on two levels. 1,500 bays in all. Plan metres."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from shapely import LineString, Polygon

from sample_park.frame import global_id
from sample_park.plan import LOTS, Lot
from sample_park.shapes import rect
from sample_park.write import Row

BAYS = 1500
BAY_WIDTH_M, BAY_DEPTH_M, AISLE_M = 2.5, 5.3, 6.0
MODULE_M = 2 * BAY_DEPTH_M + AISLE_M
ISLAND_M = 1.5  # a tree after every tenth bay
GARAGE_ORIGIN = (-56.0, -108.0)
GARAGE_SIZE = (112.0, 126.0)
GARAGE_ROWS_X = tuple(6.2 + MODULE_M * module + side for module in range(6) for side in (0.0, BAY_DEPTH_M + AISLE_M))
GARAGE_HALVES_Y = (20.6, 73.6)  # a cross aisle lies before, between and behind the halves
GROUP_M = 8.1  # three bays and the room of a column
GARAGE_STOREYS = ("B1", "B2")


@cache
def surface_bays() -> tuple[tuple[str, str, Polygon], ...]:
    """Bays above ground as (id, lot id, outline), as many as the garage leaves of 1,500."""
    found = [(lot, bay) for lot in LOTS for bay in _lot_bays(lot)]
    wanted = BAYS - len(GARAGE_STOREYS) * len(garage_outlines())
    if len(found) < wanted:
        raise ValueError(f"the plan has room for {len(found)} of {wanted} surface bays")
    return tuple((f"{lot.id}-{number:03d}", lot.id, bay) for number, (lot, bay) in enumerate(found[:wanted], start=1))


@cache
def garage_outlines() -> tuple[Polygon, ...]:
    """Bays of one level of the garage, row by row."""
    bays: list[Polygon] = []
    for x in GARAGE_ROWS_X:
        for start in GARAGE_HALVES_Y:
            for number in range(17):
                y = start + (number // 3) * GROUP_M + (number % 3) * BAY_WIDTH_M
                bays.append(_garage_rect(x, y, x + BAY_DEPTH_M, y + BAY_WIDTH_M))
    return tuple(bays)


def garage_storey_id(storey: str) -> str:
    """The GlobalId of a storey of the garage's model."""
    return global_id("garage", "IfcBuildingStorey", storey)


def bay_rows() -> list[Row]:
    """Every parking bay; those below ground carry the storey of the garage's model."""
    names = {lot.id: lot for lot in LOTS}
    rows = [
        Row({"id": bay_id, "name": bay_id, "class": "standard", "usage": names[lot].name, "parking_area_id": lot}, bay)
        for bay_id, lot, bay in surface_bays()
    ]
    for storey in GARAGE_STOREYS:
        for number, bay in enumerate(garage_outlines(), start=1):
            bay_id = f"{storey}-{number:03d}"
            place = {"storey_id": garage_storey_id(storey), "parking_area_id": f"P-{storey}"}
            rows.append(Row({"id": bay_id, "name": bay_id, "class": "underground", "usage": "Plaza Garage", **place}, bay))
    return rows


def lot_rows() -> list[Row]:
    """The surface car parks with their number of bays."""
    counts = {lot.id: sum(owner == lot.id for _, owner, _ in surface_bays()) for lot in LOTS}
    return [Row({"id": lot.id, "name": lot.name, "name_zh": lot.name_zh, "capacity": counts[lot.id]}, lot.area) for lot in LOTS]


def islands() -> list[tuple[float, float]]:
    """Places for trees between the bays of surface car parks."""
    return [(x, y) for lot in LOTS for row_v in _row_starts(lot) for x, y in _row_islands(lot, row_v)]


def aisles(lot: Lot) -> list[LineString]:
    """The middle lines between the double rows of a surface car park."""
    u0, _, u1, _ = lot.area.bounds
    middles = [start + BAY_DEPTH_M + AISLE_M / 2 for start in _row_starts(lot)[::2]]
    return [LineString([(u0, v), (u1, v)]) for v in middles]


def _lot_bays(lot: Lot) -> Iterator[Polygon]:
    for row_v in _row_starts(lot):
        for u in _row_places(lot):
            yield rect(u, row_v, u + BAY_WIDTH_M, row_v + BAY_DEPTH_M)


def _row_starts(lot: Lot) -> list[float]:
    _, v0, _, v1 = lot.area.bounds
    gap = (v1 - v0 - lot.modules * MODULE_M) / (lot.modules + 1)
    starts = [v0 + gap + module * (MODULE_M + gap) for module in range(lot.modules)]
    return [v for start in starts for v in (start, start + BAY_DEPTH_M + AISLE_M)]


def _row_places(lot: Lot) -> list[float]:
    u0, _, u1, _ = lot.area.bounds
    places: list[float] = []
    u = u0 + 4.0
    while u + BAY_WIDTH_M <= u1 - 4.0:
        places.append(u)
        u += BAY_WIDTH_M + (ISLAND_M if len(places) % 10 == 0 else 0.0)
    return places


def _row_islands(lot: Lot, row_v: float) -> Iterator[tuple[float, float]]:
    for number, u in enumerate(_row_places(lot), start=1):
        if number % 10 == 0 and u + BAY_WIDTH_M + ISLAND_M <= lot.area.bounds[2] - 4.0:
            yield u + BAY_WIDTH_M + ISLAND_M / 2, row_v + BAY_DEPTH_M / 2


def _garage_rect(x0: float, y0: float, x1: float, y1: float) -> Polygon:
    u, v = GARAGE_ORIGIN
    return rect(u + x0, v + y0, u + x1, v + y1)


def garage_outline() -> Polygon:
    """The outer face of the garage's walls."""
    return _garage_rect(0.0, 0.0, *GARAGE_SIZE)
