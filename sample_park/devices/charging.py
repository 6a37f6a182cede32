"""Chargers: two-connector posts between neighbouring bays, one single post, and sheds for electric bicycles that count for no bay.

The posts have 131 connectors, each in reach of a bay of its own: 131 of 1,500 bays, 8.7 %.
"""

from __future__ import annotations

from collections.abc import Iterator

from shapely import Polygon

from sample_park import parking
from sample_park.buildings_ifc.compose import plans
from sample_park.devices.table import Device, Place, device

SERVED = 131
POSTS = (("P2", 14, "in_service"), ("P3", 8, "in_service"), ("P4", 6, "planned"), ("P1", 4, "in_service"), ("P5", 3, "planned"))
GARAGE_POSTS = (("in_service", 20), ("planned", 10))
SINGLE = "P7"
CABLE_M = 5.0
SHEDS = (
    ("EB-1", "Residence shed", "公寓电动自行车棚", -228.0, -366.0),
    ("EB-2", "Apartments shed", "人才公寓车棚", -321.0, -364.0),
    ("EB-3", "R&D shed", "研发车棚", -111.0, -232.0),
    ("EB-4", "Headquarters shed", "总部车棚", 117.0, -312.0),
    ("EB-5", "Works shed", "厂区车棚", -226.0, -74.0),
    ("EB-6", "Logistics shed", "物流车棚", 16.0, 352.0),
)


def chargers() -> list[Device]:
    """All chargers."""
    return [*_surface(), *_garage(), *_sheds()]


def _surface() -> Iterator[Device]:
    for lot, count, status in POSTS:
        bays = [bay for _, owner, bay in parking.surface_bays() if owner == lot]
        pairs = _pairs(bays)
        for number, (first, _) in enumerate(pairs[:count], start=1):
            yield _post(f"CH-{lot}-{number:02d}", _between(first, lot), status, 2)
    alone = [bay for _, owner, bay in parking.surface_bays() if owner == SINGLE]
    u0, v0, u1, _ = alone[0].bounds
    yield _post(f"CH-{SINGLE}-01", Place((u0 + u1) / 2, v0 - 0.3, 1.2), "in_service", 1)


def _garage() -> Iterator[Device]:
    """Posts at the heads of bays of the upper level, the first two of every group of three."""
    plan = plans()["garage"]
    bays = parking.garage_outlines()
    statuses = [status for status, count in GARAGE_POSTS for _ in range(count)]
    groups = [(row, half, group) for row in (0, 1, 2) for half in (0, 1) for group in range(5)]
    for number, (status, (row, half, group)) in enumerate(zip(statuses, groups, strict=True), start=1):
        first = bays[row * 34 + half * 17 + group * 3]
        u0, _, u1, v1 = first.bounds
        u = u0 + 0.2 if row % 2 == 0 else u1 - 0.2
        space = "P1" if half == 0 else "P2"
        place = Place(u, v1, 1.2, None, plan.storey_id("B1"), plan.space_id("B1", space))
        yield _post(f"CH-B1-{number:02d}", place, status, 2)


def _sheds() -> Iterator[Device]:
    for identity, name, name_zh, u, v in SHEDS:
        sockets = {"connectors": 10, "cable_m": 1.0, "power_kw": 0.3, "current": "ac"}
        yield device(
            "charger",
            identity,
            (name, name_zh),
            Place(u, v, 1.0),
            **sockets,
            **{"class": "electric_bicycle", "vehicle": "electric_bicycle"},
        )


def _pairs(bays: list[Polygon]) -> list[tuple[Polygon, Polygon]]:
    """Neighbouring bays of a row, two by two."""
    pairs: list[tuple[Polygon, Polygon]] = []
    index = 0
    while index + 1 < len(bays):
        first, second = bays[index], bays[index + 1]
        beside = abs(first.bounds[2] - second.bounds[0]) < 0.01 and first.bounds[1] == second.bounds[1]
        if beside:
            pairs.append((first, second))
        index += 2 if beside else 1
    return pairs


def _between(first: Polygon, lot: str) -> Place:
    """At the heads of a bay and the next, on the side away from the aisle."""
    _, v0, u1, v1 = first.bounds
    area = next(found.area for found in parking.LOTS if found.id == lot)
    offset = (v0 - area.bounds[1]) % (parking.MODULE_M + 2.0)
    lower = offset < parking.BAY_DEPTH_M + 1.0
    return Place(u1, v0 - 0.3 if lower else v1 + 0.3, 1.2)


def _post(identity: str, place: Place, status: str, connectors: int) -> Device:
    fast = connectors == 2
    sizes = {"connectors": connectors, "cable_m": CABLE_M, "power_kw": 120.0 if fast else 7.0, "current": "dc" if fast else "ac"}
    row = device("charger", identity, ("Charging post", "充电桩"), place, **sizes, functions="self_service;networked")
    return row | {"status": status, "valid_from": "2027-06-30" if status == "planned" else None}
