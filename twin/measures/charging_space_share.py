"""charging_space_share: the share of parking bays that can be charged at, all at the same time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.charging import Bays, Chargers, Reach, served, within_reach
from twin.crs import Frame
from twin.devices import heights, mounting_height, positions
from twin.errors import MissingInput
from twin.measures.evidence import COVERED, ENGINE, OPEN, UNDECIDED, Inputs, described, digest, run_id
from twin.measures.parking import Parking, Place, as_bays, is_two_wheeled, parking
from twin.measures.radio import assumed_attributes, barriers, height_assumed, number, numbers
from twin.model import Device
from twin.result import NOT_NEGATIVE, Gap, Measure, Parameter, Request, Result, Samples
from twin.store import Store
from twin.terrain import z_of_height

COUNTS: Mapping[str, frozenset[str]] = {
    "in_service": frozenset({"in_service"}),
    "planned": frozenset({"planned", "reserved", "building"}),
    "both": frozenset({"in_service", "planned", "reserved", "building"}),
}
USUAL_REACH_M = 5.0
FREE_ENDS_M = 0.3  # a cable leaves the post and enters the bay freely: what stands closer does not block it
CONNECTORS = ("connectors", "capacity")  # OSM says capacity
GUNS_AT_MOST = 2  # of a charger that does not say how many it has: for the upper bound


@dataclass(frozen=True)
class _Posts:
    """The chargers that count, as the matching wants them, with their connectors in the three cases."""

    devices: Sequence[Device]
    chargers: Chargers
    connectors: Sequence[int]
    fewest: Sequence[int]
    most: Sequence[int]
    unsaid: Sequence[Sequence[str]]  # of each, the attributes that are assumed
    two_wheeled: int


@dataclass(frozen=True)
class _Served:
    """Cars charged at each place: likely, at least, at most, and by the chargers in service and planned ones alone."""

    likely: NDArray[np.int64]
    fewest: NDArray[np.int64]
    most: NDArray[np.int64]
    reach: Reach


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    lots = parking(store, asked["bay_classes"])
    if not lots.places and not lots.exclusions:
        raise MissingInput("bays_missing", subject="parking_bay")
    bays = as_bays(store, lots.places)
    posts = _posts(store, COUNTS[asked["count"]], asked["reach_m"])
    found = _serve(store, bays, posts)
    total, value = int(bays.capacity.sum()), int(found.likely.sum())
    inputs = Inputs(
        digest([*posts.devices, *(_spoken(place) for place in lots.places), barriers(store)[0]]),
        len(posts.devices),
        sum(map(bool, posts.unsaid)) / len(posts.devices) if posts.devices else None,
    )
    return Result(
        measure=MEASURE.id,
        value=value / total if total else None,
        lower=int(found.fewest.sum()) / total if total else None,
        upper=int(found.most.sum()) / total if total else None,
        numerator=value,
        denominator=total,
        quantity="count",
        surface={"id": "parking_spaces", "samples": len(bays), "method": "maximum matching of bays and connectors within reach"},
        parameters=described(MEASURE, request),
        inputs=asdict(inputs),
        engine=ENGINE,
        run=run_id(MEASURE, request, inputs.sha256),
        seconds=round(time.perf_counter() - started, 3),
        exclusions=lots.exclusions,
        zones=_zones(lots, found),
        gaps=_gaps(store.park().frame, lots, bays, found, bool(posts.devices)),
        warnings=[*lots.warnings, *_warnings(posts)],
        samples=_samples(store.park().frame, bays, found) if request.want_samples else None,
        scenario=request.scenario,
        extra=_extra(store, bays, asked["reach_m"], total),
    )


def _posts(store: Store, statuses: frozenset[str], reach_m: float | None) -> _Posts:
    """The chargers of cars with one of the statuses."""
    every = [device for device in store.devices("charger") if device.status in statuses]
    devices = [device for device in every if not _for_two_wheelers(device)]
    place = positions(store, devices)
    frame = store.park().frame
    floor = heights(store, devices) - np.array([mounting_height(device)[0] if device.z_m is None else 0.0 for device in devices])
    storey_of = {space.id: space.storey_id for space in store.spaces()}
    storeys = [device.storey_id or storey_of.get(device.space_id or "") for device in devices]
    cables = [numbers(device.attributes.get("cable_m")) for device in devices]
    reach = [reach_m if reach_m is not None else cable[0] if cable else USUAL_REACH_M for cable in cables]
    stated = [next((found for name in CONNECTORS if (found := numbers(device.attributes.get(name)))), None) for device in devices]
    open_ = [found is None for found in stated]
    known = [1 if found is None else max(int(found[0]), 0) for found in stated]
    floor_z = z_of_height(frame, place[:, :2], floor) if devices else np.empty(0)
    return _Posts(
        devices=devices,
        chargers=Chargers(place, floor_z, storeys, np.array(reach, float)),
        connectors=known,
        fewest=[1 if unknown else count for count, unknown in zip(known, open_, strict=True)],
        most=[GUNS_AT_MOST if unknown else count for count, unknown in zip(known, open_, strict=True)],
        unsaid=[
            [*(["connectors"] if unknown else []), *(["cable_m"] if reach_m is None and not cable else []), *height_assumed(device)]
            for device, unknown, cable in zip(devices, open_, cables, strict=True)
        ],
        two_wheeled=len(every) - len(devices),
    )


def _for_two_wheelers(device: Device) -> bool:
    said = (device.attributes.get(name) for name in ("class", "usage", "type", "vehicle", "vehicles"))
    return is_two_wheeled(device.name, *said, device.attributes.get("functions"))


def _serve(store: Store, bays: Bays, posts: _Posts) -> _Served:
    scene = barriers(store)[1].scene

    def blocked(origins: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.bool_]:
        way = targets - origins
        length = np.linalg.norm(way, axis=1, keepdims=True)
        free = np.minimum(FREE_ENDS_M / np.maximum(length, 1e-9), 0.5)
        return (length[:, 0] > 2 * FREE_ENDS_M) & scene.occluded(origins + free * way, targets - free * way)

    reach = within_reach(bays, posts.chargers, blocked)
    likely, fewest, most = (served(bays, reach, guns) for guns in (posts.connectors, posts.fewest, posts.most))
    return _Served(likely, fewest, most, reach)


def _zones(lots: Parking, found: _Served) -> list[dict[str, Any]]:
    """One row a car park, the worst first."""
    rows: list[dict[str, Any]] = []
    for zone, name in lots.zones.items():
        mine = [k for k, place in enumerate(lots.places) if place.zone == zone]
        bays = sum(lots.places[k].capacity for k in mine)
        charged = int(found.likely[mine].sum())
        row = {"id": zone, "name": name, "value": charged / bays, "amount": bays, "covered": charged}
        reached = sum(bool(found.reach.chargers[k]) for k in mine)
        rows.append(row | {"within_reach": reached, "declared": any(lots.places[k].id == zone for k in mine)})
    return sorted(rows, key=lambda row: (row["value"], row["id"]))


def _gaps(frame: Frame, lots: Parking, bays: Bays, found: _Served, any_charger: bool) -> list[Gap]:
    """The bays not served, pooled by car park and reason, most first."""
    groups: dict[tuple[str, str], list[int]] = {}
    for k, place in enumerate(lots.places):
        if found.likely[k] < place.capacity:
            groups.setdefault((place.zone, _reason(found.reach, k, any_charger)), []).append(k)
    missing = bays.capacity - found.likely
    ranked = sorted(groups.items(), key=lambda item: (-int(missing[item[1]].sum()), item[0]))
    return [
        Gap(f"gap/{number_}", float(missing[mine].sum()), reason, (), _outline(frame, bays, mine), zone)
        for number_, ((zone, reason), mine) in enumerate(ranked, 1)
    ]


def _reason(reach: Reach, k: int, any_charger: bool) -> str:
    if reach.chargers[k]:
        return "not_served"  # its chargers serve others
    if reach.walled[k]:
        return "occluded"
    return "out_of_range" if any_charger else "no_device"


def _outline(frame: Frame, bays: Bays, mine: Sequence[int]) -> Any:
    """The bays' outlines at the height of the first. [deg, deg, m]"""
    pooled = shapely.union_all(bays.shape[mine])
    return frame.unproject(shapely.force_3d(pooled, z=float(bays.z[mine[0]])))


def _samples(frame: Frame, bays: Bays, found: _Served) -> Samples:
    middle = shapely.get_coordinates(shapely.point_on_surface(bays.shape)) if len(bays) else np.empty((0, 2))
    points = frame.to_lonlat(np.column_stack([middle, bays.z])) if len(bays) else np.empty((0, 3))
    state = np.where(found.likely > 0, COVERED, OPEN)
    state = np.where(found.fewest < found.most, UNDECIDED, state)
    return Samples(points, found.likely.astype(float), state.astype(np.int8), np.zeros(len(bays)), "count")


def _extra(store: Store, bays: Bays, reach_m: float | None, total: int) -> dict[str, Any]:
    """The three shares side by side, connectors and power by kind of current, and chargers that reach no bay."""
    posts = {name: _posts(store, statuses, reach_m) for name, statuses in COUNTS.items()}
    found = {name: _serve(store, bays, those) for name, those in posts.items()}
    shares = {
        name: {
            "served": int(one.likely.sum()),
            "value": int(one.likely.sum()) / total if total else None,
            "chargers": len(posts[name].devices),
        }
        for name, one in found.items()
    }
    both = posts["both"]
    power: dict[str, dict[str, float]] = {}
    for device, guns in zip(both.devices, both.connectors, strict=True):
        row = power.setdefault(str(device.attributes.get("current") or "?").lower(), {"connectors": 0, "power_kw": 0.0})
        row["connectors"] += guns
        row["power_kw"] += number(device, "power_kw")[0] or 0.0
    used = {charger for reached in found["both"].reach.chargers for charger in reached}
    idle = [device.id for k, device in enumerate(both.devices) if k not in used]
    return {"shares": shares, "power": power, "chargers_without_bay": idle}


def _warnings(posts: _Posts) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if not posts.devices:
        found.append({"code": "no_devices", "subject": "charger"})
    gunless = sum("connectors" in names for names in posts.unsaid)
    if gunless:
        found.append({"code": "connectors_assumed", "subject": "charger", "count": gunless, "most": GUNS_AT_MOST})
    others = [[name for name in names if name != "connectors"] for names in posts.unsaid]
    found += assumed_attributes("charger", [(device.id, names) for device, names in zip(posts.devices, others, strict=True)])
    if posts.two_wheeled:
        found.append({"code": "two_wheeled_left_out", "subject": "charger", "count": posts.two_wheeled})
    return found


def _spoken(place: Place) -> list[Any]:
    return [place.id, place.zone, place.capacity, place.storey_id, shapely.to_wkt(place.shape, rounding_precision=4)]


MEASURE = Measure(
    id="charging_space_share",
    title_en="Charging share of parking spaces",
    title_zh="充电设施占总车位比例",
    unit="1",
    quantity="count",
    parameters=(
        Parameter("count", "both", "", "Chengdu scoring text: set or planned", "Which chargers count", "计入的充电设施", tuple(COUNTS)),
        Parameter(
            "reach_m",
            None,
            "m",
            "the charger's cable_m, else 5 m (assumption)",
            "Reach of a charger",
            "充电枪可达距离",
            between=NOT_NEGATIVE,
        ),
        Parameter("bay_classes", [], "name", "all bays for motor vehicles", "Classes of bays that count", "计入的车位类别"),
        Parameter(
            "matching",
            "maximum",
            "",
            "Hopcroft and Karp 1973",
            "How bays and connectors are paired",
            "车位与充电枪的匹配方式",
            ("maximum",),
        ),
    ),
    sources=("Chengdu guide 3(2)6", "State Council 2015-73", "GB/T 51313-2018"),
    compute=_compute,
)
