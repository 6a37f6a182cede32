"""fire_facility_provision: the share of required fire facilities that are there, as far as geometry can say.

What is asked, one by one: an outdoor hydrant whose hose reaches each building; on each storey of a model, something that detects fire
or calls for help. Distances are parameters, as the clauses name none. What needs other evidence - extinguishers, indoor hydrants, tests,
pressure, fire compartments - is named in `not_measured` and counts nowhere.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import shapely

from twin.coverage.hydrants import RADIUS_M
from twin.errors import MissingInput
from twin.measures.emitters import STATUSES, opened
from twin.measures.evidence import COVERED, OPEN, UNDECIDED, Amounts, Inputs, digest, share_result
from twin.measures.hydrants import Hydrants, building_rows, gather_hydrants, standing
from twin.measures.radio import chosen_devices
from twin.measures.spoken import said, sort_of
from twin.model import Element
from twin.result import NOT_NEGATIVE, Gap, Measure, Parameter, Request, Result, Samples
from twin.store import Store

PARTS = ("hydrants", "storeys")
NOT_MEASURED = (
    "extinguishers", "indoor_hydrants", "sprinklers", "fire_compartments", "fire_lanes", "smoke_exhaust", "last_test", "pressure_and_flow",
)  # fmt: skip
FIRE_CLASSES = ("IfcAlarm", "IfcFireSuppressionTerminal", "IfcSensor", "IfcProtectiveDevice")
FIRE_WORDS = (
    "SMOKE",
    "FIRE",
    "HEAT",
    "FLAME",
    "SPRINKLER",
    "HOSEREEL",
    "HYDRANT",
    "BREAKGLASS",
    "MANUALPULL",
    "BELL",
    "SIREN",
    "烟",
    "温感",
    "火",
    "消防",
)


@dataclass(frozen=True)
class Item:
    """One required facility: of what, for what, whether it is there; None where it cannot be said."""

    part: str
    id: str
    name: str
    place: tuple[float, float, float]  # lon lat [deg], h [m]
    there: bool | None
    reason: str = ""
    shortfall_m: float | None = None
    devices: Sequence[str] = ()


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    hydrants = gather_hydrants(store, asked["statuses"], asked["reach_m"], asked["barred"])
    buildings = building_rows(store, hydrants, asked["reach_m"], by_hose=asked["rule"] == "hose") if "hydrants" in asked["parts"] else []
    items = [
        *_of_hydrants(store, buildings, hydrants, asked),
        *(_of_storeys(store, asked["statuses"]) if "storeys" in asked["parts"] else []),
    ]
    if not items:
        raise MissingInput("fire_requirements_missing", subject=", ".join(asked["parts"]))
    yes, unknown, n = sum(i.there is True for i in items), sum(i.there is None for i in items), len(items)
    inputs = Inputs(digest([*hydrants.devices, [asdict(item) for item in items]]), len(hydrants.devices), 0.0 if hydrants.devices else None)
    place = np.array([item.place for item in items])
    told = standing(store, hydrants)
    return share_result(
        MEASURE,
        request,
        Amounts(yes, yes, yes + unknown, n, "count"),
        inputs=inputs,
        started=started,
        resting_share=0.0 if yes else None,
        surface={"id": "fire_facilities", "samples": n, "method": "shortest hose ways round obstacles; presence by storey"},
        zones=_by_part(items),
        gaps=[
            Gap(f"{item.part}/{item.id}", 1.0, item.reason, (), shapely.Point(*item.place), item.part, item.shortfall_m,
                "m" if item.shortfall_m is not None else "")
            for item in items
            if item.there is not True
        ],
        warnings=[*hydrants.warnings, {"code": "fire_not_measured", "subject": ", ".join(NOT_MEASURED)}, *_rules_broken(told)],
        samples=Samples(
            place, np.array([float(item.there is True) for item in items]),
            np.array([UNDECIDED if item.there is None else COVERED if item.there else OPEN for item in items], np.int8), np.zeros(n), "1",
        ),
        devices=_marginal(items, hydrants),
        sensitivity=[opened("storey_equipment", 0, yes / n, (yes + unknown) / n)] if unknown else [],
        extra={
            "not_measured": list(NOT_MEASURED),
            "hydrants": [row | {name: said(device, name) for name in ("pressure_mpa", "flow_l_s", "last_test")}
                         for row, device in zip(told, hydrants.devices, strict=True)],
            "buildings": [{name: value for name, value in row.items() if name not in {"shape", "reachers"}} for row in buildings],
        },
    )  # fmt: skip


def _of_hydrants(store: Store, buildings: Sequence[Mapping[str, Any]], hydrants: Hydrants, asked: Mapping[str, Any]) -> list[Item]:
    """Each building as one that needs a hydrant."""
    items: list[Item] = []
    for row in buildings:
        point = shapely.get_coordinates(shapely.point_on_surface(row["shape"]))[0]
        lon, lat, h = store.park().frame.to_lonlat(np.array([[point[0], point[1], 0.0]]))[0].tolist()
        ok = row["reached"] if asked["rule"] == "hose" else row["within_radius"]
        short = (
            None
            if ok or row["straight_m"] is None or row["straight_m"] <= asked["reach_m"]
            else round(row["straight_m"] - asked["reach_m"], 2)
        )
        reason = "" if ok else "no_device" if not hydrants.devices else "occluded" if row["within_radius"] else "out_of_range"
        items.append(
            Item("hydrants", row["id"], row["name"], (lon, lat, h), bool(ok), reason, short, [row["hydrant"]] if row["hydrant"] else [])
        )
    return items


def _of_storeys(store: Store, statuses: Sequence[str]) -> list[Item]:
    """Each storey of a model that has rooms, as one that needs something that detects fire or calls for help.

    A storey of a model that holds no such device, in a park whose tables and models hold none at all, cannot be judged.
    """
    detectors = {device.storey_id for device in _fire_devices(store, statuses) if device.storey_id}
    elements = {element.storey_id for element in store.elements() if element.storey_id and _is_fire(element)}
    speaks = bool(detectors or elements)
    items: list[Item] = []
    rooms: dict[str, list[Any]] = {}
    for space in store.spaces():
        if space.storey_id and space.outline is not None:
            rooms.setdefault(space.storey_id, []).append(space.outline)
    for storey in store.storeys():
        if storey.id not in rooms:
            continue
        at = shapely.point_on_surface(max(rooms[storey.id], key=shapely.area))
        there = storey.id in detectors or storey.id in elements
        items.append(Item("storeys", storey.id, storey.name, (at.x, at.y, storey.base_h_m), True if there else False if speaks else None,
                          "" if there else "not_installed"))  # fmt: skip
    return items


def _fire_devices(store: Store, statuses: Sequence[str]) -> list[Any]:
    every = [device for kind in ("detector", "alarm", "sensor") for device in chosen_devices(store, kind, statuses)]
    return [device for device in every if sort_of(device, "hazards") == "fire"]


def _is_fire(element: Element) -> bool:
    said_ = f"{element.type_name or ''} {element.name} {element.properties}".upper()
    if element.ifc_class.startswith("IfcFireSuppressionTerminal"):
        return True
    return element.ifc_class.startswith(FIRE_CLASSES) and any(word in said_ for word in FIRE_WORDS)


def _by_part(items: Sequence[Item]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for part in dict.fromkeys(item.part for item in items):
        own = [item.there for item in items if item.part == part]
        yes, unknown = own.count(True), own.count(None)
        bounds = {"lower": yes / len(own), "upper": (yes + unknown) / len(own)}
        rows.append({"id": part, "name": part, "value": yes / len(own), **bounds, "amount": len(own), "covered": yes})
    return sorted(rows, key=lambda row: (row["value"], row["id"]))


def _rules_broken(told: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the code says of hydrants among themselves, to kerbs and to walls, where it is not kept."""
    found: list[dict[str, Any]] = []
    for name, code in (("too_far_apart", "hydrant_spacing"), ("too_far_from_kerb", "hydrant_kerb"), ("too_near_wall", "hydrant_wall")):
        ids = [row["id"] for row in told if row[name]]
        if ids:
            found.append({"code": code, "subject": ", ".join(ids[:5]), "count": len(ids), "ids": ids})
    return found


def _marginal(items: Sequence[Item], hydrants: Hydrants) -> list[dict[str, Any]]:
    """The buildings that each hydrant reaches, and those that no other does. [count]"""
    there = [item.devices for item in items if item.part == "hydrants" and item.there]
    return [
        {"id": device.id, "covered": sum(device.id in names for names in there), "lost": sum([device.id] == list(names) for names in there)}
        for device in hydrants.devices
    ]


MEASURE = Measure(
    id="fire_facility_provision",
    title_en="Fire facilities provided and working",
    title_zh="消防设施配置与完好",
    unit="1",
    quantity="count",
    parameters=(
        Parameter("parts", list(PARTS), "name", "indicators.yaml fire_facility_provision", "Which facilities are asked for", "计入的设施"),
        Parameter("rule", "hose", "", "assumption: as firemen lay it", "Reach by hose round obstacles, or in a circle",
                  "判定口径：水带绕行距离或保护半径", ("hose", "radius")),
        Parameter("reach_m", RADIUS_M, "m", "GB 50974-2014 7.3.2: protection radius", "Greatest distance", "最大距离",
                  between=NOT_NEGATIVE),
        Parameter("barred", ["building", "barrier", "water"], "name", "assumption", "What no hose is laid across", "水带不可穿越的要素"),
        STATUSES,
    ),
    sources=("GB 50974-2014", "Chengdu 2021", "Zhongshan"),
    compute=_compute,
)  # fmt: skip
