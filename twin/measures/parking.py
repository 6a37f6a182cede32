"""The parking bays of a park, gathered: drawn ones first, then car parks that only declare how many cars they take.

- A feature of kind `parking_bay` is a bay; one that declares a capacity, or is as large as a row of bays, is a pool of that many.
- A `parking_area` in which no bay is drawn is a pool of its declared capacity; without one it cannot be counted, and is said.
- Where the park has neither, rooms used for parking count: small ones as one bay, halls as pools of `HALL_M2_PER_BAY`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.charging import Bays
from twin.measures.names import both_names
from twin.measures.outlines import boundary_of
from twin.measures.radio import numbers
from twin.measures.usages import usage_of
from twin.model import FeatureTable
from twin.store import Store
from twin.terrain import ground_z, z_of_height

ROW_FROM_M2 = 60.0  # a polygon larger than any bay is a row of bays: lorry bays have up to 60 m2
BAY_M2 = 12.5  # 2.5 x 5 m
HALL_M2_PER_BAY = 30.0  # with its share of aisles
CAPACITY_COLUMNS = ("capacity", "bays", "spaces", "车位数", "泊位数", "车位数量")
TWO_WHEELED = ("bicycle", "bike", "motorcycle", "moped", "scooter", "非机动", "自行车", "电动车棚", "两轮", "二轮", "摩托")
ACCESSIBLE = ("accessible", "disabled", "wheelchair", "handicap", "无障碍", "残疾", "残障")
NOT_IN_USE: Mapping[str, Sequence[str]] = {  # why a bay does not count, by the words that say so
    "blocked": ("blocked", "closed", "out_of_service", "retired", "obstructed", "停用", "封闭", "占用", "封锁"),
    "reserved": ("reserved", "预留", "保留"),
    "planned": ("planned", "proposed", "building", "construction", "规划", "在建", "拟建"),
}
OPEN_ZONE = "outside"  # bays in no car park


@dataclass(frozen=True)
class Place:
    """One bay, or one pool of bays that are not drawn."""

    id: str
    shape: Any  # shapely geometry, x y [m, enu]
    zone: str
    capacity: int = 1
    storey_id: str | None = None
    sort: str | None = None  # class
    z: float | None = None  # height of its floor [m, enu]; None: on the ground
    status: str = ""

    @property
    def is_accessible(self) -> bool:
        """Whether it is for people who cannot walk far."""
        return any(word in (self.sort or "").lower() for word in ACCESSIBLE)


@dataclass(frozen=True)
class Parking:
    """All places of a park by car park, what was left out and what has to be said."""

    places: Sequence[Place]
    zones: Mapping[str, str]  # id -> name
    exclusions: Sequence[Mapping[str, Any]]
    warnings: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class _Found:
    """Places of one origin, car parks whose capacity nobody gives, and places whose capacity is assumed."""

    places: Sequence[Place]
    unknown: Sequence[str] = ()
    assumed: int = 0
    declared: int = 0


def parking(store: Store, classes: Sequence[str]) -> Parking:
    """The places that count: all for motor vehicles inside the park's boundary, or those of some classes."""
    areas = _areas(store)
    drawn = _drawn(store, areas)
    declared = _declared(areas, drawn.places)
    rooms = _Found(()) if drawn.places or declared.places or declared.unknown else _rooms(store)
    places = [*drawn.places, *declared.places, *rooms.places]
    kept, exclusions = _kept(store, places, classes)
    zones = {area.id: area.name for area in areas} | {OPEN_ZONE: OPEN_ZONE}
    names = {zone: zones.get(zone, zone) for zone in dict.fromkeys(place.zone for place in kept)}
    return Parking(kept, names, exclusions, _warnings(drawn, declared, rooms))


def as_bays(store: Store, places: Sequence[Place]) -> Bays:
    """Places as the matching wants them, on the ground or on their storey's floor."""
    park = store.park()
    shapes = np.array([place.shape for place in places], object)
    middle = shapely.get_coordinates(shapely.centroid(shapes)) if len(places) else np.empty((0, 2))
    floors = {storey.id: storey.base_h_m for storey in store.storeys()}
    z = ground_z(park, store.terrain(), middle)
    for k, place in enumerate(places):
        if place.z is not None:
            z[k] = place.z
        elif place.storey_id in floors:
            z[k] = z_of_height(park.frame, middle[k], [floors[place.storey_id]])[0]
    return Bays(shapes, z, [place.storey_id for place in places], np.array([place.capacity for place in places], np.int64))


def is_two_wheeled(*texts: object) -> bool:
    """Whether any of the texts says bicycle, moped or motorcycle."""
    said = " ".join(str(text or "") for text in texts).lower()
    return any(word in said for word in TWO_WHEELED)


@dataclass(frozen=True)
class _Area:
    """A car park's outline."""

    id: str
    name: str
    shape: Any
    capacity: int | None
    storey_id: str | None
    sort: str | None
    status: str


def _areas(store: Store) -> list[_Area]:
    table = store.features_of_kind("parking_area")
    found: list[_Area] = []
    for i, shape in _shapes(store, table):
        row = table.row(i)
        name = both_names(row, table.ids[i])
        sort = row.get("class") or row.get("usage")
        found.append(_Area(table.ids[i], name, shape, _capacity(row), row.get("storey_id"), sort, str(row.get("status") or "")))
    return found


def _drawn(store: Store, areas: Sequence[_Area]) -> _Found:
    table = store.features_of_kind("parking_bay")
    places: list[Place] = []
    assumed = 0
    shapes = _shapes(store, table)
    zone = _zones([shape for _, shape in shapes], [table.row(i) for i, _ in shapes], areas)
    for (i, shape), within in zip(shapes, zone, strict=True):
        row = table.row(i)
        capacity = _capacity(row)
        if capacity is None:
            capacity = max(round(shape.area / BAY_M2), 1) if shape.area > ROW_FROM_M2 else 1
            assumed += capacity > 1
        sort, status = row.get("class") or row.get("usage"), str(row.get("status") or "")
        places.append(Place(table.ids[i], shape, within, capacity, row.get("storey_id"), sort, status=status))
    return _Found(places, assumed=assumed)


def _zones(shapes: Sequence[Any], rows: Sequence[Mapping[str, Any]], areas: Sequence[_Area]) -> list[str]:
    """The car park each bay belongs to: the one it names, the one it lies in on its level, else its building."""
    inside: dict[int, str] = {}
    if areas and shapes:
        points = shapely.point_on_surface(np.array(shapes, object))
        bay, area = shapely.STRtree(np.array([area.shape for area in areas], object)).query(points, predicate="within")
        for b, a in sorted(zip(bay.tolist(), area.tolist(), strict=True), reverse=True):
            if rows[b].get("storey_id") == areas[a].storey_id:
                inside[b] = areas[a].id
    named = [row.get("parking_area_id") or row.get("parking_area") for row in rows]
    return [str(named[k] or inside.get(k) or row.get("building_id") or OPEN_ZONE) for k, row in enumerate(rows)]


def _declared(areas: Sequence[_Area], drawn: Sequence[Place]) -> _Found:
    """Car parks without drawn bays, as pools."""
    used = {place.zone for place in drawn}
    empty = [area for area in areas if area.id not in used]
    known = [area for area in empty if area.capacity is not None]
    places = [Place(area.id, area.shape, area.id, area.capacity or 0, area.storey_id, area.sort, status=area.status) for area in known]
    unknown = [area.id for area in empty if area.capacity is None and not is_two_wheeled(area.sort, area.name)]
    return _Found([place for place in places if place.capacity > 0], unknown, declared=sum(place.capacity for place in places))


def _rooms(store: Store) -> _Found:
    """Rooms used for parking."""
    frame = store.park().frame
    places: list[Place] = []
    for space in store.spaces():
        if usage_of(space) != "parking" or space.outline is None:
            continue
        shape = frame.project(shapely.force_2d(space.outline))
        middle = shapely.get_coordinates(shape.centroid)
        capacity = max(round(shape.area / HALL_M2_PER_BAY), 1)
        z = float(z_of_height(frame, middle, [space.floor_h_m])[0])
        places.append(Place(space.id, shape, space.storey_id or space.model_id, capacity, space.storey_id, space.usage, z))
    return _Found(places, assumed=sum(place.capacity > 1 for place in places))


def _kept(store: Store, places: Sequence[Place], classes: Sequence[str]) -> tuple[list[Place], list[dict[str, Any]]]:
    """Places that count, and how many bays each reason left out."""
    park = boundary_of(store)
    left_out: dict[str, int] = {}
    kept: list[Place] = []
    for place in places:
        reason = _reason(place, park, classes)
        if reason is None:
            kept.append(replace(place, zone=place.zone or OPEN_ZONE))
        else:
            left_out[reason] = left_out.get(reason, 0) + place.capacity
    return kept, [{"reason": reason, "amount": amount} for reason, amount in sorted(left_out.items())]


def _reason(place: Place, park: Any, classes: Sequence[str]) -> str | None:
    if is_two_wheeled(place.sort):
        return "two_wheeled"
    for reason, words in NOT_IN_USE.items():
        said = place.status if reason == "planned" else f"{place.status} {place.sort or ''}"
        if any(word in said.lower() for word in words):
            return reason
    if classes and (place.sort or "") not in classes:
        return "class"
    if park is not None and not park.intersects(place.shape.centroid):
        return "outside_boundary"
    return None


def _shapes(store: Store, table: FeatureTable) -> list[tuple[int, Any]]:
    """Index and geometry of the features of a table that are somewhere, in the park's frame."""
    frame = store.park().frame
    present = [i for i, shape in enumerate(table.geometry) if shape is not None and not shape.is_empty]
    flat: NDArray[np.object_] = (
        shapely.make_valid(frame.project(shapely.force_2d(table.geometry[present]))) if present else np.empty(0, object)
    )
    return list(zip(present, flat, strict=True))


def _capacity(row: Mapping[str, Any]) -> int | None:
    for name in CAPACITY_COLUMNS:
        found = numbers(row.get(name))
        if found and found[0] >= 0:
            return int(found[0])
    return None


def _warnings(drawn: _Found, declared: _Found, rooms: _Found) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if declared.declared:
        found.append({"code": "bays_declared", "subject": ", ".join(p.id for p in declared.places[:5]), "count": declared.declared})
    if declared.unknown:
        found.append({"code": "capacity_missing", "subject": ", ".join(declared.unknown[:5]), "count": len(declared.unknown)})
    if drawn.assumed + rooms.assumed:
        found.append({"code": "capacity_assumed", "subject": "parking", "count": drawn.assumed + rooms.assumed})
    return found
