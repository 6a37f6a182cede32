"""smart_pole_function_count: how many functions the park's smart poles carry."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import shapely

from twin.coverage.counts import State, function_count
from twin.devices import heights
from twin.errors import MissingInput
from twin.measures.evidence import ENGINE, Inputs, described, digest, run_id
from twin.measures.names import both_names
from twin.measures.placed import is_somewhere, with_place
from twin.measures.said import BUILT, NOT_BUILT, yes_no_unknown
from twin.model import Device
from twin.result import Measure, Parameter, Request, Result, Samples
from twin.store import Store
from twin.terrain import ground_height

HOSTS = ("mounted_on", "host_pole", "host", "carried_by", "pole_id")
SMART = ("smart", "multi", "integrated", "智慧", "智能", "多功能", "综合")
NEAR_M = 0.75  # a device this near a pole that names no host may hang on it
READINGS = ("best", "union", "median", "minimum")


@dataclass(frozen=True)
class _Pole:
    """One smart pole, and of each function whether it has it."""

    id: str
    name: str
    lonlat_h: tuple[float, float, float]
    is_built: bool | None
    listed: frozenset[str]
    functions: Mapping[str, State]  # sure, not, or perhaps: listed but not in the device tables, or near and without a host
    mounted: Mapping[str, str]  # device -> its function


@dataclass(frozen=True)
class _Carried:
    """What hangs on a pole: the device, its function, whether it works, and whether it says that it hangs there."""

    device: Device
    function: str
    works: bool
    is_said: bool


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    found, plain = _poles(store)
    if not found:
        raise MissingInput("poles_missing", subject="pole", plain=plain)
    poles = [pole for pole in found if pole.is_built is not False]
    how = request.parameters["aggregate"]
    value = function_count([_likely(pole) for pole in poles], how)[1]
    lower, upper = _bounds(poles, how)
    inputs = Inputs(
        digest([[pole.id, pole.lonlat_h, pole.is_built, sorted(pole.listed), sorted(pole.functions.items())] for pole in found]),
        len(poles),
        sum(None in pole.functions.values() for pole in poles) / len(poles) if poles else None,
    )
    bounds = [float(number) if poles else None for number in (lower, value, upper)]
    return Result(
        measure=MEASURE.id,
        value=bounds[1],
        lower=bounds[0],
        upper=bounds[2],
        numerator=float(value),
        denominator=1.0 if poles else 0.0,
        quantity="function",
        surface={"id": "poles", "samples": len(poles), "aggregate": how},
        parameters=described(MEASURE, request),
        inputs=asdict(inputs),
        engine=ENGINE,
        run=run_id(MEASURE, request, inputs.sha256),
        unit="count",
        seconds=round(time.perf_counter() - started, 3),
        exclusions=_exclusions(found, plain),
        zones=_zones(poles),
        warnings=[*with_place(store.devices("pole"), "pole")[1], *_warnings(poles)],
        samples=_samples(poles) if request.want_samples else None,
        scenario=request.scenario,
        devices=_devices(poles, how),
        sensitivity=_sensitivity(poles, how),
        extra=_extra(poles),
    )


def _poles(store: Store) -> tuple[list[_Pole], int]:
    """The smart poles of the device tables and of the layers of poles, and how many plain ones there are."""
    carried = _carried(store)
    told = {name: [each for each in hanging if each.is_said] for name, hanging in carried.items()}
    registered = {each.function for hanging in told.values() for each in hanging}
    found: list[_Pole] = []
    plain = 0
    for identity, name, place, row in _standing(store):
        listed = functions_in(row.get("functions"))
        hanging = carried.get(identity, [])
        if not listed and not told.get(identity) and not _says_smart(name, row):
            plain += 1
            continue
        status = yes_no_unknown(row.get("status"), BUILT, NOT_BUILT)
        functions = _functions(listed, hanging, registered)
        found.append(
            _Pole(identity, name, place, status, listed, functions, {each.device.id: each.function for each in hanging if each.is_said})
        )
    return found, plain


def _standing(store: Store) -> list[tuple[str, str, tuple[float, float, float], Mapping[str, Any]]]:
    """Id, name, place and attributes of everything that is called a pole."""
    devices, _ = with_place(store.devices("pole"), "pole")
    out: list[tuple[str, str, tuple[float, float, float], Mapping[str, Any]]] = [
        (device.id, both_names({"name": device.name, **device.attributes}, device.id), (device.lon, device.lat, h),
         {**device.attributes, "status": device.status})
        for device, h in zip(devices, heights(store, devices).tolist(), strict=True)
    ]  # fmt: skip
    known = {identity for identity, *_ in out}
    table = store.features_of_kind("pole")
    frame = store.park().frame
    for i, shape in enumerate(table.geometry):
        if table.ids[i] not in known and shape is not None and not shape.is_empty:
            lon, lat = shapely.get_coordinates(shapely.centroid(shape))[0].tolist()
            ground = float(ground_height(store.park(), store.terrain(), frame.to_enu([[lon, lat]])[:, :2])[0])
            out.append((table.ids[i], both_names(table.row(i), table.ids[i]), (lon, lat, ground), table.row(i)))
    return out


def _carried(store: Store) -> dict[str, list[_Carried]]:
    """Pole -> what hangs on it: what says so, and what is as near as that and names no host."""
    poles = _standing(store)
    frame = store.park().frame
    xy = frame.to_enu([(lon, lat) for _, _, (lon, lat, _), _ in poles])[:, :2] if poles else np.empty((0, 2))
    tree = shapely.STRtree(np.asarray(shapely.points(xy), object))
    by_kind = {kind: name for name, row in function_classes().items() for kind in row["devices"]}
    names = {identity for identity, *_ in poles}
    out: dict[str, list[_Carried]] = {}
    loose: list[_Carried] = []
    for device in store.devices():
        if device.kind not in by_kind:
            continue
        hosts = [str(device.attributes[name]) for name in HOSTS if device.attributes.get(name)]
        one = _Carried(device, by_kind[device.kind], device.status == "in_service", bool(hosts))
        if not hosts and not device.building_id and not device.storey_id and is_somewhere(device):
            loose.append(one)
        for host in set(hosts) & names:
            out.setdefault(host, []).append(one)
    if loose and poles:
        at = frame.to_enu([(one.device.lon, one.device.lat) for one in loose])[:, :2]
        which, pole = tree.query(np.asarray(shapely.points(at), object), predicate="dwithin", distance=NEAR_M)
        for k, p in zip(which.tolist(), pole.tolist(), strict=True):
            out.setdefault(poles[p][0], []).append(loose[k])
    return out


def _functions(listed: frozenset[str], hanging: Sequence[_Carried], registered: set[str]) -> dict[str, State]:
    """Of each function whether a pole has it.

    A device that hangs on it and works is a yes, one that does not work a no. What is only listed is a yes too, unless the tables tell of
    devices of that function on other poles and of none on this one: then nobody knows.
    """
    out: dict[str, State] = {}
    for name in sorted(listed | {each.function for each in hanging}):
        mine = [each for each in hanging if each.function == name and each.is_said]
        if mine:
            out[name] = any(each.works for each in mine)
        elif name in listed:
            out[name] = None if name in registered else True
        elif any(each.works for each in hanging if each.function == name):
            out[name] = None
    return out


def _likely(pole: _Pole) -> dict[str, State]:
    """What a pole likely has: what is sure, and what is listed though no device table tells of it."""
    return {name: state if state is not None else name in pole.listed for name, state in pole.functions.items()}


def _bounds(poles: Sequence[_Pole], how: Any) -> tuple[Fraction, Fraction]:
    """The least and the greatest count there may be: what is unknown as no and as yes, poles that nobody says are built in or out."""
    built, perhaps = ([pole for pole in poles if pole.is_built is state] for state in (True, None))
    ends: list[Fraction] = []
    for state, sign in ((True,), 1), ((True, None), -1):
        ranked = sorted(perhaps, key=lambda pole: sign * sum(each in state for each in pole.functions.values()))
        sets = [[*built, *ranked[:k]] for k in range(len(ranked) + 1)]
        counts = [function_count([pole.functions for pole in some], how)[0 if sign > 0 else 2] for some in sets if some or not poles]
        ends.append(min(counts) if sign > 0 else max(counts))
    return ends[0], ends[1]


def _devices(poles: Sequence[_Pole], how: Any) -> list[dict[str, Any]]:
    """The one function that each mounted device is, and by how much the count falls without it."""
    likely = [_likely(pole) for pole in poles]
    value = function_count(likely, how)[1]
    rows: list[dict[str, Any]] = []
    for k, pole in enumerate(poles):
        for device, function in pole.mounted.items():
            alone = likely[k].get(function) and list(pole.mounted.values()).count(function) == 1
            without = [*likely[:k], likely[k] | {function: False}, *likely[k + 1 :]]
            lost = value - function_count(without, how)[1] if alone else Fraction(0)
            rows.append({"id": device, "covered": int(bool(likely[k].get(function))), "lost": float(lost)})
    return rows


@cache
def function_classes() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Function -> its words and the kinds of devices that are it, from `functions.toml`."""
    return tomllib.loads(files("twin.measures").joinpath("functions.toml").read_text("utf-8"))


def functions_in(said: object) -> frozenset[str]:
    """The functions that a list, or text with separators, names; a word nobody knows is a function of its own."""
    parts = said if isinstance(said, list | tuple) else re.split(r"[;,，；、/|+]", str("" if said is None else said))
    return frozenset(_class_of(word) for each in parts if (word := str(each).strip().casefold()))


@cache
def _class_of(word: str) -> str:
    spaced = " " + re.sub(r"[\s_]+", " ", word) + " "
    found = [
        (len(known) * (1 if known.isascii() else 2), name)
        for name, row in function_classes().items()
        for known in (name.replace("_", " "), *row["words"])
        if (f" {known.replace('_', ' ')}" in spaced if len(known) > 2 else f" {known} " in spaced)
        or (not known.isascii() and known in word)
    ]
    return max(found)[1] if found else re.sub(r"\s+", "_", word)


def _says_smart(name: str, row: Mapping[str, Any]) -> bool:
    said = " ".join(str(part or "") for part in (name, row.get("class"), row.get("usage"), row.get("type"))).casefold()
    return any(word in said for word in SMART)


def _zones(poles: Sequence[_Pole]) -> list[dict[str, Any]]:
    """One row a pole, the one with fewest functions first: how many, which, and which nobody knows."""
    rows: list[dict[str, Any]] = []
    for pole in poles:
        likely = [name for name, state in _likely(pole).items() if state]
        least, most = (sum(state in states for state in pole.functions.values()) for states in ((True,), (True, None)))
        row = {"id": pole.id, "name": pole.name, "value": len(likely), "lower": least, "upper": most, "amount": 1, "covered": len(likely)}
        rows.append(row | {"functions": likely, "unknown": [name for name, state in pole.functions.items() if state is None]})
    return sorted(rows, key=lambda row: (row["value"], row["id"]))


def _sensitivity(poles: Sequence[_Pole], how: Any) -> list[dict[str, Any]]:
    """What opens the bounds: functions that are listed and in no table, and devices near a pole that name no host."""
    rows: list[dict[str, Any]] = []
    for what in ("listed", "host"):
        ends: list[float] = []
        for state in (False, True):
            sure = [
                {name: state if each is None and (name in pole.listed) == (what == "listed") else likely[name]
                 for name, each in pole.functions.items()}
                for pole in poles
                for likely in [_likely(pole)]
            ]  # fmt: skip
            ends.append(float(function_count(sure, how)[1]))
        count = sum(
            state is None and (name in pole.listed) == (what == "listed") for pole in poles for name, state in pole.functions.items()
        )
        if ends[0] < ends[1]:
            rows.append({"what": what, "devices": count, "lower": ends[0], "upper": ends[1], "width": ends[1] - ends[0]})
    return sorted(rows, key=lambda row: (-row["width"], row["what"]))


def _extra(poles: Sequence[_Pole]) -> dict[str, Any]:
    """The other readings, how many poles have how many functions, and the matrix of poles and functions."""
    likely = [_likely(pole) for pole in poles]
    names = sorted({name for pole in poles for name in pole.functions})
    counts = sorted(sum(bool(state) for state in each.values()) for each in likely)
    return {
        "readings": {how: float(function_count(likely, how)[1]) for how in READINGS},
        "distribution": {str(n): counts.count(n) for n in sorted(set(counts))},
        "functions": {name: sum(bool(each.get(name)) for each in likely) for name in names},
        "matrix": {
            "functions": names,
            "poles": [
                {"id": pole.id, "has": [_sign(pole.functions.get(name, False)) for name in names], "devices": list(pole.mounted)}
                for pole in poles
            ],
        },
    }


def _sign(state: State) -> str:
    return "?" if state is None else "yes" if state else "no"


def _exclusions(found: Sequence[_Pole], plain: int) -> list[dict[str, Any]]:
    unbuilt = sum(pole.is_built is False for pole in found)
    return [{"reason": reason, "amount": amount} for reason, amount in (("not_in_service", unbuilt), ("plain_pole", plain)) if amount]


def _warnings(poles: Sequence[_Pole]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if not poles:
        found.append({"code": "no_devices", "subject": "pole"})
    if claimed := [
        f"{pole.id} {name}" for pole in poles for name, state in pole.functions.items() if state is None and name in pole.listed
    ]:
        found.append({"code": "function_only_listed", "subject": ", ".join(claimed[:5]), "count": len(claimed), "ids": claimed})
    if hanging := [f"{p.id} {name}" for p in poles for name, state in p.functions.items() if state is None and name not in p.listed]:
        found.append({"code": "function_without_host", "subject": ", ".join(hanging[:5]), "count": len(hanging), "ids": hanging})
    if unknown := [pole.id for pole in poles if pole.is_built is None]:
        found.append({"code": "feature_unknown", "subject": "pole", "attribute": "status", "count": len(unknown), "ids": unknown})
    return found


def _samples(poles: Sequence[_Pole]) -> Samples:
    counts = np.array([sum(bool(state) for state in _likely(pole).values()) for pole in poles], float)
    points = np.array([pole.lonlat_h for pole in poles], float).reshape(-1, 3)
    return Samples(points, counts, (counts > 0).astype(np.int8), np.zeros(len(poles)), "count")


MEASURE = Measure(
    id="smart_pole_function_count",
    title_en="Functions integrated on smart poles",
    title_zh="智能灯杆集成功能数",
    unit="count",
    quantity="function",
    parameters=(
        Parameter("aggregate", "best", "", "indicators.yaml: assumption",
                  "Which poles are read: the best, all together, the median, the least", "取值口径：最多、合并、中位数、最少", READINGS),
    ),
    sources=("Chengdu 2021 3(2)7", "Zhongshan 2(3)7", "Hubei 6.3"),
    compute=_compute,
)  # fmt: skip
