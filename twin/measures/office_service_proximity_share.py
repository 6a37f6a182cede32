"""office_service_proximity_share: the share of the main office buildings that have a facility inside or within walking distance."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.counts import State, either, tally
from twin.measures.evidence import COVERED, OPEN, UNDECIDED, Amounts, Inputs, digest, share_result
from twin.measures.network import walkable_network
from twin.measures.offices import Found, Office, facility_ways, gather_offices
from twin.measures.placed import with_place
from twin.measures.register import building_name
from twin.model import Device
from twin.result import Gap, Measure, Parameter, Request, Result, Samples
from twin.store import Store

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

KINDS = ("vending", "locker")


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    offices, exclusions, warnings = gather_offices(store, asked)
    chosen = [device for device in store.devices() if _counts(device, asked["kinds"]) and device.status in set(asked["statuses"])]
    devices, nowhere = with_place(chosen, ", ".join(asked["kinds"]))
    roads = walkable_network(store)
    offices = [Office(office.building, office.shape, roads.entrance_source.get(office.building.id, "outline")) for office in offices]
    found = facility_ways(store, offices, devices, roads, asked["max_walk_m"])
    states = [_state(found, k, office, asked) for k, office in enumerate(offices)]
    likely = [_likely(found, k, asked) for k in range(len(offices))]
    bounds, value = tally(states), tally(likely)
    total = len(offices)
    inputs = Inputs(
        digest([*devices, [[office.building.id, shapely.to_wkt(office.shape, rounding_precision=2)] for office in offices],
                roads.network.nodes.round(3), roads.network.edges]),
        len(devices), None,
    )  # fmt: skip
    return share_result(
        MEASURE,
        request,
        Amounts(int(value.value), int(bounds.lower), int(bounds.upper), total, "count"),
        inputs=inputs,
        started=started,
        surface={"id": "main_offices", "samples": total, "method": "shortest ways along the walkable network", "parts": roads.parts},
        exclusions=exclusions,
        zones=_zones(offices, likely, states),
        gaps=_gaps(store, offices, likely, found, asked),
        warnings=[*warnings, *nowhere, *roads.warnings, *_warnings(devices, offices, asked)],
        samples=_samples(store, offices, found, states, likely) if request.want_samples else None,
        devices=_devices(devices, found, asked),
        sensitivity=_sensitivity(found, offices, asked),
        extra=_extra(offices, devices, found, likely, asked),
    )


def _counts(device: Device, kinds: Sequence[str]) -> bool:
    """Whether a device is a facility of the kinds: by its kind, or by the words of its class or name."""
    said = [device.kind, *(str(device.attributes.get(name) or "") for name in ("class", "usage", "type"))]
    return any(kind.casefold() in {each.casefold() for each in said} for kind in kinds)


def _likely(found: Found, k: int, asked: Mapping[str, Any]) -> bool:
    """Whether an office is served."""
    near = (found.walk[:, k] <= asked["max_walk_m"]) if asked["mode"] != "inside" else np.zeros(len(found.walk), bool)
    within = found.inside[:, k] if asked["mode"] != "walk" else np.zeros(len(found.walk), bool)
    return bool((near | within).any())


def _state(found: Found, k: int, office: Office, asked: Mapping[str, Any]) -> State:
    """Whether an office is surely served; unknown where it rests on an assumed entrance or crossing, or no way is known."""
    within = asked["mode"] != "walk" and bool(found.inside[:, k].any())
    if asked["mode"] == "inside":
        return within
    least, likely, straight = (each[:, k] for each in (found.certain, found.walk, found.straight))
    no_way = np.isinf(likely) | (office.source == "outline")
    sure = bool((least + office.half_round_m <= asked["max_walk_m"]).any())
    possible = bool(((likely <= asked["max_walk_m"]) | (no_way & (straight <= asked["max_walk_m"]))).any())
    return either(within, True if sure else None if possible else False)


def _sensitivity(found: Found, offices: Sequence[Office], asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What opens the bounds: crossings that are assumed, entrances nobody knows, places no way leads to."""
    likely = [_likely(found, k, asked) for k in range(len(offices))]
    max_walk, total, value = asked["max_walk_m"], len(offices), sum(likely)
    sure = [bool(asked["mode"] != "walk" and found.inside[:, k].any()) for k in range(total)]
    crossing = sum(yes and not sure[k] and not (found.certain[:, k] <= max_walk).any() for k, yes in enumerate(likely))
    door = sum(
        yes and not sure[k] and not (found.walk[:, k] + office.half_round_m <= max_walk).any()
        for k, (yes, office) in enumerate(zip(likely, offices, strict=True))
    )
    states = [_state(found, k, office, asked) for k, office in enumerate(offices)]
    nowhere = sum(state is None and not yes for state, yes in zip(states, likely, strict=True))
    rows = [("crossings", value - crossing, value), ("entrances", value - door, value), ("ways", value, value + nowhere)]
    told = [
        {"what": what, "devices": high - low, "lower": low / total, "upper": high / total, "width": (high - low) / total}
        for what, low, high in rows
        if high > low
    ]
    return sorted(told, key=lambda row: (-row["width"], row["what"]))


def _devices(devices: Sequence[Device], found: Found, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How many offices each facility serves, and how many would be left without any if it were gone."""
    serves = np.zeros(found.walk.shape, bool)
    serves |= (found.walk <= asked["max_walk_m"]) if asked["mode"] != "inside" else False
    serves |= found.inside if asked["mode"] != "walk" else False
    alone = serves & (serves.sum(axis=0) == 1)
    return [{"id": device.id, "covered": int(serves[k].sum()), "lost": int(alone[k].sum())} for k, device in enumerate(devices)]


def _zones(offices: Sequence[Office], likely: Sequence[bool], states: Sequence[State]) -> list[dict[str, Any]]:
    """One row an office, those not served first."""
    rows = [
        {"id": office.building.id, "name": building_name(office.building), "value": float(yes), "lower": float(state is True),
         "upper": float(yes or state is not False), "amount": 1, "covered": int(yes)}
        for office, yes, state in zip(offices, likely, states, strict=True)
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row["value"], row["id"]))


def _gaps(store: Store, offices: Sequence[Office], likely: Sequence[bool], found: Found, asked: Mapping[str, Any]) -> list[Gap]:
    """The offices not served, and by how much the nearest facility is too far away."""
    frame = store.park().frame
    out: list[Gap] = []
    for k, (office, yes) in enumerate(zip(offices, likely, strict=True)):
        if yes:
            continue
        way = float(np.min(np.where(np.isfinite(found.walk[:, k]), found.walk[:, k], found.straight[:, k]), initial=np.inf))
        reason = "no_device" if not len(found.walk) else "not_installed" if asked["mode"] == "inside" else "out_of_range"
        short = way - asked["max_walk_m"] if reason == "out_of_range" and np.isfinite(way) else None
        shape = frame.unproject(shapely.force_3d(office.shape, z=office.building.base_h_m - frame.h_m))
        out.append(Gap(office.building.id, 1.0, reason, (), shape, office.building.id, short, "" if short is None else "m"))
    return sorted(out, key=lambda gap: gap.id)


def _extra(
    offices: Sequence[Office], devices: Sequence[Device], found: Found, likely: Sequence[bool], asked: Mapping[str, Any]
) -> dict[str, Any]:
    """The three states of the clause, the share by kind of facility, and the table of offices."""
    served = sum(likely)
    kinds = sorted({device.kind for device in devices})
    by_kind: dict[str, Any] = {}
    for kind in kinds:
        mine = np.array([device.kind == kind for device in devices], bool)
        part = Found(found.inside[mine], found.walk[mine], found.certain[mine], found.straight[mine])
        done = sum(_likely(part, k, asked) for k in range(len(offices)))
        by_kind[kind] = {"facilities": int(mine.sum()), "served": done, "value": done / len(offices) if offices else None}
    return {
        "coverage": "all" if offices and served == len(offices) else "some" if served else "none",
        "by_kind": by_kind,
        "offices": [_row(office, devices, found, k) | {"served": likely[k]} for k, office in enumerate(offices)],
    }


def _row(office: Office, devices: Sequence[Device], found: Found, k: int) -> dict[str, Any]:
    row: dict[str, Any] = {"id": office.building.id, "name": building_name(office.building), "entrances": office.source}
    row |= {"inside": [device.id for device, yes in zip(devices, found.inside[:, k].tolist(), strict=True) if yes]}
    nearest: dict[str, Any] = {"nearest": None, "walk_m": None, "straight_m": None}
    if len(devices):
        best = int(np.argmin(np.where(found.inside[:, k], -1.0, np.minimum(found.walk[:, k], 1e9 + found.straight[:, k]))))
        walk = 0.0 if found.inside[best, k] else float(found.walk[best, k])
        nearest = {"nearest": devices[best].id, "walk_m": round(walk, 1) if np.isfinite(walk) else None,
                   "straight_m": round(float(found.straight[best, k]), 1)}  # fmt: skip
    return row | nearest


def _warnings(devices: Sequence[Device], offices: Sequence[Office], asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if not devices:
        found.append({"code": "no_devices", "subject": ", ".join(asked["kinds"])})
    if unknown := [office.building.id for office in offices if office.source == "outline"]:
        found.append({"code": "entrance_assumed", "subject": ", ".join(unknown[:5]), "count": len(unknown), "ids": unknown})
    return found


def _samples(store: Store, offices: Sequence[Office], found: Found, states: Sequence[State], likely: Sequence[bool]) -> Samples:
    frame = store.park().frame
    middle = shapely.get_coordinates(shapely.point_on_surface(np.array([office.shape for office in offices], object))).reshape(-1, 2)
    z = np.array([office.building.base_h_m - frame.h_m for office in offices], float)
    walk = np.where(found.inside.any(axis=0), 0.0, np.min(found.walk, axis=0, initial=np.inf))
    state = [UNDECIDED if sure is None else COVERED if yes else OPEN for sure, yes in zip(states, likely, strict=True)]
    points = frame.to_lonlat(np.column_stack([middle, z])) if offices else np.empty((0, 3))
    return Samples(points, walk, np.array(state, np.int8), np.zeros(len(offices)), "m")


MEASURE = Measure(
    id="office_service_proximity_share",
    title_en="Main office premises served by a facility",
    title_zh="便民设施覆盖主要办公场所比例",
    unit="1",
    quantity="count",
    parameters=(
        Parameter("kinds", list(KINDS), "name", "Chengdu 2021: unmanned shops, smart lockers", "Kinds of facilities that count",
                  "计入的设施类别"),
        Parameter("max_walk_m", 100.0, "m", "indicators.yaml: assumption", "Longest way on foot", "最大步行距离", between=(0.0, 5000.0)),
        Parameter("mode", "either", "", "indicators.yaml: inside or within walking distance", "Where a facility serves an office",
                  "覆盖口径：楼内、步行可达或二者之一", ("either", "inside", "walk")),
        Parameter("register", "register", "", "indicators.yaml: an editable register; none is made up", "By what main offices are known",
                  "主要办公场所的来源：登记或建筑用途", ("register", "usage")),
        Parameter("offices", [], "name", "buildings that say so", "Main offices by id or name", "主要办公场所的编号或名称"),
        Parameter("statuses", ["in_service"], "name", "indicators.yaml conventions", "Statuses that count", "计入的设备状态"),
    ),
    sources=("Chengdu 2021 3(4)", "Zhongshan 2(5)"),
    compute=_compute,
)  # fmt: skip
