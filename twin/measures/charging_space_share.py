"""charging_space_share: the share of parking bays that can be charged at, all at the same time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.charging import Bays, Fixed, Reach, served, within_reach
from twin.coverage.matching import Matching, lost
from twin.crs import Frame
from twin.errors import MissingInput
from twin.measures.chargers import MOST_GUNS, Posts, gather_fixed, gather_posts, in_a_wall
from twin.measures.evidence import COVERED, OPEN, UNDECIDED, Amounts, Inputs, digest, share_result
from twin.measures.parking import Parking, Place, as_bays, parking
from twin.measures.radio import assumed_attributes, number
from twin.model import Device
from twin.result import NOT_NEGATIVE, Gap, Measure, Parameter, Request, Result, Samples
from twin.store import Store

COUNTS: Mapping[str, frozenset[str]] = {
    "in_service": frozenset({"in_service"}),
    "reserved": frozenset({"reserved"}),
    "planned": frozenset({"planned", "building"}),
    "both": frozenset({"in_service", "reserved", "planned", "building"}),
}
FUNCTIONS = ("self_service", "networked")  # what makes a charger a smart one
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class _Lot:
    """All that is gathered once: bays, every charger of any status, and the ways of their cables."""

    parking: Parking
    bays: Bays
    posts: Posts
    reach: Reach
    fixed: Fixed
    walled: BoolArray  # (m,) drawn inside a wall


@dataclass(frozen=True)
class _Case:
    """One reading of what is not known: which pairs reach, and how many connectors each charger feeds."""

    pairs: BoolArray  # (p,)
    guns: NDArray[np.int64]  # (m,)


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    lots = parking(store, asked["bay_classes"])
    if not lots.places and not lots.exclusions:
        raise MissingInput("bays_missing", subject="parking_bay")
    lot = _gathered(store, lots, asked)
    counted = _of_status(lot.posts, COUNTS[asked["count"]])
    cases = {name: _case(lot, counted, name) for name in ("value", "lower", "upper")}
    found = {name: _matched(lot, case) for name, case in cases.items()}
    total, value = int(lot.bays.capacity.sum()), found["value"].total
    inputs = Inputs(
        digest([*lot.posts.devices, *(_spoken(place) for place in lots.places), *_walls(lot.fixed)]),
        int(counted.sum()),
        float(np.mean([bool(lot.posts.unsaid[k]) for k in _each(counted)])) if counted.any() else None,
    )
    frame = store.park().frame
    return share_result(
        MEASURE,
        request,
        Amounts(value, found["lower"].total, found["upper"].total, total, "count"),
        inputs=inputs,
        started=started,
        resting_share=_resting(lot, counted, value),
        surface={"id": "parking_spaces", "samples": len(lot.bays), "method": "maximum matching; cables round walls, cars and lanes"},
        exclusions=lots.exclusions,
        zones=_zones(lot, cases["value"], found["value"]),
        gaps=_gaps(frame, lot, cases["value"], found["value"], counted),
        warnings=[*lots.warnings, *_warnings(lot, counted)],
        samples=_samples(frame, lot, found) if request.want_samples else None,
        devices=_devices(lot, counted, cases["value"], found["value"]),
        sensitivity=_sensitivity(lot, counted, total),
        extra=_extra(lot, counted, total),
    )


def _gathered(store: Store, lots: Parking, asked: Mapping[str, Any]) -> _Lot:
    bays = as_bays(store, lots.places)
    posts = gather_posts(store, COUNTS["both"], reach_m=asked["reach_m"], slack_m=asked["slack_m"])
    fixed = gather_fixed(store, posts, bays.shape)
    reach = within_reach(bays, posts.chargers, fixed, turnable=asked["turnable"])
    return _Lot(lots, bays, posts, reach, fixed, in_a_wall(posts, fixed))


def _of_status(posts: Posts, statuses: frozenset[str]) -> BoolArray:
    return np.array([device.status in statuses for device in posts.devices], bool)


def _case(lot: _Lot, counted: BoolArray, name: str, source: str | None = None) -> _Case:
    """One reading: the likely one (`value`), the worst (`lower`) or best (`upper`), in all that is not known or in one `source` of it."""
    posts, reach = lot.posts, lot.reach
    worst, best = name == "lower", name == "upper"

    def opens(which: str) -> bool:
        return (worst or best) and source in {None, which}

    cable = posts.reach.copy()
    if opens("cable_m") or opens("slack"):
        own = np.array(["cable_m" in unsaid for unsaid in posts.unsaid], bool)
        wide = np.ones(len(posts), bool) if source is None else own if source == "cable_m" else ~own
        cable[wide] = (posts.least_reach if worst else posts.chargers.reach_m)[wide]
    way = reach.corner if worst and opens("inlet") else reach.length
    pairs = (way <= cable[reach.charger]) & counted[reach.charger]
    if worst and opens("position"):
        pairs = pairs & ~lot.walled[reach.charger]
    guns = (posts.fewest if worst else posts.most) if opens("connectors") else posts.connectors
    return _Case(pairs, np.where(counted, guns, 0))


def _matched(lot: _Lot, case: _Case) -> Matching:
    return served(lot.bays, lot.reach, case.pairs, case.guns)


def _sensitivity(lot: _Lot, counted: BoolArray, total: int) -> list[dict[str, Any]]:
    """What opens the bounds, each source alone, the widest first."""
    guessed = {name: [k for k in _each(counted) if name in lot.posts.unsaid[k]] for name in ("connectors", "cable_m")}
    devices = {
        **{name: len(found) for name, found in guessed.items()},
        "slack": int(counted.sum()) - len(guessed["cable_m"]),
        "inlet": int(counted.sum()),
        "position": int((lot.walled & counted).sum()),
    }
    rows: list[dict[str, Any]] = []
    for source, count in devices.items():
        low, high = (_matched(lot, _case(lot, counted, name, source)).total for name in ("lower", "upper"))
        if low < high:
            row = {"what": source, "devices": count, "lower": low / total, "upper": high / total, "width": (high - low) / total}
            rows.append(row)
    return sorted(rows, key=lambda row: (-row["width"], row["what"]))


def _devices(lot: _Lot, counted: BoolArray, case: _Case, found: Matching) -> list[dict[str, Any]]:
    """What each charger serves, and how many fewer bays would be served without it."""
    gone = lost(lot.reach.bay[case.pairs], lot.reach.charger[case.pairs], lot.bays.capacity, case.guns, found)
    return [
        {"id": device.id, "covered": int(found.server[k]), "lost": int(gone[k])} for k, device in enumerate(lot.posts.devices) if counted[k]
    ]


def _resting(lot: _Lot, counted: BoolArray, value: int) -> float | None:
    """The share of the bays served that are so only thanks to chargers of which something is assumed."""
    known = counted & np.array([not unsaid for unsaid in lot.posts.unsaid], bool)
    return 1 - _matched(lot, _case(lot, known, "value")).total / value if value else None


def _zones(lot: _Lot, case: _Case, found: Matching) -> list[dict[str, Any]]:
    """One row a car park, the worst first."""
    rows: list[dict[str, Any]] = []
    reached = np.bincount(lot.reach.bay[case.pairs], minlength=len(lot.bays)) > 0
    places = lot.parking.places
    for zone, name in lot.parking.zones.items():
        mine = [k for k, place in enumerate(places) if place.zone == zone]
        bays, charged = sum(places[k].capacity for k in mine), int(found.client[mine].sum())
        row = {"id": zone, "name": name, "value": charged / bays, "amount": bays, "covered": charged}
        rows.append(row | {"within_reach": int(reached[mine].sum()), "declared": any(places[k].id == zone for k in mine)})
    return sorted(rows, key=lambda row: (row["value"], row["id"]))


def _gaps(frame: Frame, lot: _Lot, case: _Case, found: Matching, counted: BoolArray) -> list[Gap]:
    """The bays not served, pooled by car park and reason, most first."""
    groups: dict[tuple[str, str], list[int]] = {}
    reasons = _reasons(lot, case, counted)
    for k, place in enumerate(lot.parking.places):
        if found.client[k] < place.capacity:
            groups.setdefault((place.zone, reasons[k]), []).append(k)
    missing, short = lot.bays.capacity - found.client, _shortfalls(lot, case, counted)
    ranked = sorted(groups.items(), key=lambda item: (-int(missing[item[1]].sum()), item[0]))
    return [
        Gap(
            f"gap/{number_}",
            float(missing[mine].sum()),
            reason,
            _blockers(lot, mine, counted) if reason == "occluded" else (),
            _outline(frame, lot.bays, mine),
            zone,
            float(np.min(short[mine])) if reason in {"out_of_range", "occluded"} and np.isfinite(np.min(short[mine])) else None,
            "m" if reason in {"out_of_range", "occluded"} else "",
        )
        for number_, ((zone, reason), mine) in enumerate(ranked, 1)
    ]


def _reasons(lot: _Lot, case: _Case, counted: BoolArray) -> list[str]:
    """Why each bay is not served, if it is not."""
    n, reach = len(lot.bays), lot.reach
    usable = counted[reach.charger]
    near = usable & (reach.straight <= lot.posts.reach[reach.charger])
    reached, blocked = (np.bincount(reach.bay[which], minlength=n) > 0 for which in (case.pairs, near))
    rest = "out_of_range" if counted.any() else "no_device"
    return ["not_served" if a else "occluded" if b else rest for a, b in zip(reached.tolist(), blocked.tolist(), strict=True)]


def _shortfalls(lot: _Lot, case: _Case, counted: BoolArray) -> NDArray[np.float64]:
    """How much longer a cable would have to be to reach each bay: round what is in the way, or beyond that as the crow flies. [m]"""
    short = np.full(len(lot.bays), np.inf)
    reach, cable = lot.reach, lot.posts.reach
    some = counted[reach.charger] & ~case.pairs
    np.minimum.at(short, reach.bay[some], reach.length[some] - cable[reach.charger[some]])
    untried = np.bincount(reach.bay[counted[reach.charger]], minlength=len(lot.bays)) == 0
    for storey in {lot.bays.storey[k] for k in _each(untried)}:
        bays = np.array([k for k in _each(untried) if lot.bays.storey[k] == storey], np.int64)
        there = np.array([k for k in _each(counted) if lot.posts.chargers.storey[k] == storey], np.int64)
        if len(there):
            points: NDArray[np.object_] = np.asarray(shapely.points(lot.posts.chargers.position[there, :2]), object)
            (which, nearest), away = shapely.STRtree(points).query_nearest(lot.bays.shape[bays], return_distance=True)
            np.minimum.at(short, bays[which], away - cable[there[nearest]])
    return short


def _blockers(lot: _Lot, mine: Sequence[int], counted: BoolArray) -> list[str]:
    """What stands between the bays and the chargers near them, most often met first."""
    some = np.flatnonzero(np.isin(lot.reach.bay, list(mine)) & counted[lot.reach.charger])
    met = Counter(lot.reach.behind[k] for k in some.tolist() if lot.reach.behind[k])
    return [_named(lot, name) for name, _ in met.most_common(5)]


def _each(which: BoolArray) -> list[int]:
    return np.flatnonzero(which).tolist()


def _named(lot: _Lot, name: str) -> str:
    kind, _, index = name.partition("/")
    return f"bay/{lot.parking.places[int(index)].id}" if kind == "bay" else name


def _outline(frame: Frame, bays: Bays, mine: Sequence[int]) -> Any:
    """The bays' outlines at the height of the first. [deg, deg, m]"""
    pooled = shapely.union_all(bays.shape[mine])
    return frame.unproject(shapely.force_3d(pooled, z=float(bays.z[mine[0]])))


def _samples(frame: Frame, lot: _Lot, found: Mapping[str, Matching]) -> Samples:
    bays, value = lot.bays, found["value"].client
    middle = shapely.get_coordinates(shapely.point_on_surface(bays.shape)) if len(bays) else np.empty((0, 2))
    points = frame.to_lonlat(np.column_stack([middle, bays.z])) if len(bays) else np.empty((0, 3))
    state = np.where(value > 0, COVERED, OPEN)
    state = np.where((found["lower"].client == 0) & (found["upper"].client > 0), UNDECIDED, state)
    return Samples(points, value.astype(float), state.astype(np.int8), np.zeros(len(bays)), "count")


def _extra(lot: _Lot, counted: BoolArray, total: int) -> dict[str, Any]:
    """The shares by status side by side, the other readings of the clause, accessible bays, kinds of current, idle chargers."""
    posts = lot.posts
    every = np.ones(len(posts), bool)
    used = set(lot.reach.charger[_case(lot, every, "value").pairs].tolist())
    guns = posts.connectors
    return {
        "shares": {name: _share(lot, _of_status(posts, statuses), total) for name, statuses in COUNTS.items()},
        "by_count": {
            "chargers": int(counted.sum()) / total if total else None,
            "connectors": int(guns[counted].sum()) / total if total else None,
        },
        "accessible": _accessible(lot, counted),
        "power": {current: _share(lot, which, total) | _power(lot, which) for current, which in _by_current(posts, counted).items()},
        "functions": {name: dict(Counter(_has(posts.devices[k], name) for k in _each(counted))) for name in FUNCTIONS},
        "chargers_without_bay": [device.id for k, device in enumerate(posts.devices) if k not in used],
    }


def _share(lot: _Lot, which: BoolArray, total: int) -> dict[str, Any]:
    """What some chargers alone serve."""
    low, value, high = (_matched(lot, _case(lot, which, name)).total for name in ("lower", "value", "upper"))
    row = {"served": value, "chargers": int(which.sum())}
    return row | ({"value": value / total, "lower": low / total, "upper": high / total} if total else {"value": None})


def _accessible(lot: _Lot, counted: BoolArray) -> dict[str, Any]:
    """How many of the accessible bays can be charged at when they go first."""
    mine = np.array([place.is_accessible for place in lot.parking.places], bool)
    case = _case(lot, counted, "value")
    done = served(lot.bays, lot.reach, case.pairs & mine[lot.reach.bay], case.guns).total if len(mine) else 0
    bays = int(lot.bays.capacity[mine].sum()) if len(mine) else 0
    return {"bays": bays, "served": done, "value": done / bays if bays else None}


def _by_current(posts: Posts, counted: BoolArray) -> dict[str, BoolArray]:
    said = np.array([str(device.attributes.get("current") or "?").lower() for device in posts.devices], object)
    return {current: counted & (said == current) for current in sorted({*said[counted].tolist()})}


def _power(lot: _Lot, which: BoolArray) -> dict[str, Any]:
    """Connectors and power; chargers whose power nobody gives are counted beside it."""
    power = [number(lot.posts.devices[k], "power_kw")[0] for k in _each(which)]
    known = [value for value in power if value is not None]
    return {"connectors": int(lot.posts.connectors[which].sum()), "power_kw": sum(known), "power_unknown": len(power) - len(known)}


def _has(device: Device, function: str) -> str:
    """Whether a charger has a function: yes, no, or unknown where it says nothing of functions."""
    if function in device.attributes:
        return "yes" if str(device.attributes[function]).strip().lower() in {"1", "true", "yes", "是"} else "no"
    said = device.attributes.get("functions")
    if not said:
        return "unknown"
    return "yes" if function in str(said) else "no"


def _warnings(lot: _Lot, counted: BoolArray) -> list[dict[str, Any]]:
    posts, found = lot.posts, list[dict[str, Any]]()
    chosen = [(posts.devices[k].id, posts.unsaid[k]) for k in _each(counted)]
    if not chosen:
        found.append({"code": "no_devices", "subject": "charger"})
    if gunless := sum("connectors" in names for _, names in chosen):
        found.append({"code": "connectors_assumed", "subject": "charger", "count": gunless, "most": MOST_GUNS})
    found += assumed_attributes("charger", [(name, [each for each in names if each != "connectors"]) for name, names in chosen])
    if walled := [posts.devices[k].id for k in _each(lot.walled & counted)]:
        found.append({"code": "charger_in_wall", "subject": ", ".join(walled[:5]), "count": len(walled), "ids": walled})
    if posts.nowhere:
        found.append({"code": "device_nowhere", "subject": ", ".join(posts.nowhere[:5]), "count": len(posts.nowhere)})
    if posts.two_wheeled:
        found.append({"code": "two_wheeled_left_out", "subject": "charger", "count": posts.two_wheeled})
    return found


def _spoken(place: Place) -> list[Any]:
    return [place.id, place.zone, place.capacity, place.storey_id, place.sort, shapely.to_wkt(place.shape, rounding_precision=4)]


def _walls(fixed: Fixed) -> list[list[Any]]:
    rows = zip(fixed.ids, fixed.floor_z.round(3).tolist(), shapely.to_wkt(fixed.shape, rounding_precision=3), strict=True)
    return [[name, None if np.isnan(z) else z, shape] for name, z, shape in rows]


MEASURE = Measure(
    id="charging_space_share",
    title_en="Charging share of parking spaces",
    title_zh="充电设施占总车位比例",
    unit="1",
    quantity="count",
    parameters=(
        Parameter("count", "both", "", "Chengdu scoring text: set or planned", "Which chargers count", "计入的充电设施", tuple(COUNTS)),
        Parameter("reach_m", None, "m", "cable_m less slack_m, else 5 m (indicators.yaml: assumption)",
                  "Reach of a charger, instead of its cable's", "充电枪可达距离（代替电缆长度）", between=NOT_NEGATIVE),
        Parameter("slack_m", 0.5, "m", "assumption: the cable hangs and bends",
                  "Length of a cable that does not reach out; the upper bound takes 0", "电缆下垂和弯曲的余量（上限取 0）",
                  between=NOT_NEGATIVE),
        Parameter("turnable", True, "", "assumption: the driver chooses",
                  "A car may be parked either way round; the lower bound takes the worst side of its inlet",
                  "车辆可正停或倒停；下限按最不利的充电口位置计"),
        Parameter("bay_classes", [], "name", "all bays for motor vehicles", "Classes of bays that count", "计入的车位类别"),
        Parameter("matching", "maximum", "", "greatest flow, Dinic 1970", "How bays and connectors are paired",
                  "车位与充电枪的匹配方式", ("maximum",)),
    ),
    sources=("Chengdu guide 3(2)6", "State Council 2015-73", "GB/T 51313-2018"),
    compute=_compute,
)  # fmt: skip
