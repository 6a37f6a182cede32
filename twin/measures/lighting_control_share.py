"""lighting_control_share: the share of luminaires that are controlled; the area that networked luminaires light is told beside it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from twin.devices import positions
from twin.errors import MissingInput
from twin.measures.emitters import STATUSES
from twin.measures.evidence import COVERED, OPEN, UNDECIDED, Amounts, Inputs, digest, share_result
from twin.measures.lighting import class_of, is_networked, modes_of
from twin.measures.lighting_area_share import MEASURE as LIT_AREA
from twin.measures.lighting_area_share import lit_shares
from twin.measures.placed import placed_devices
from twin.model import Device
from twin.result import Gap, Measure, Parameter, Request, Result, Samples
from twin.store import Store

MODES = ("any", "timed", "light", "sound", "motion", "remote", "timed_and_sensing")
SENSING = {"light", "sound", "motion"}


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    every, nowhere = placed_devices(store, "lamp", asked["statuses"])
    devices = [device for device in every if asked["scope"] == "all" or _is_outdoors(device)]
    if not devices:
        raise MissingInput("lamps_missing", subject="lamp")
    verdicts = [_is_controlled(device, asked["mode"]) for device in devices]
    yes, unknown, n = verdicts.count(True), verdicts.count(None), len(devices)
    inputs = Inputs(digest(devices), n, unknown / n)
    return share_result(
        MEASURE,
        request,
        Amounts(yes, yes, yes + unknown, n, "count"),
        inputs=inputs,
        started=started,
        resting_share=0.0 if yes else None,
        surface={"id": "luminaires", "samples": n, "method": "each luminaire by what its table says"},
        zones=_by_class(devices, verdicts),
        gaps=_gaps(store, devices, verdicts),
        warnings=[*nowhere, *_warnings(devices, verdicts)],
        samples=_samples(store, devices, verdicts) if request.want_samples else None,
        devices=[{"id": device.id, "covered": int(v is True), "lost": int(v is True)} for device, v in zip(devices, verdicts, strict=True)],
        sensitivity=[{"what": "controllable", "devices": unknown, "lower": yes / n, "upper": (yes + unknown) / n, "width": unknown / n}]
        if unknown
        else [],
        extra={"by_mode": _by_mode(devices), "lit_area": _lit_area(store, asked["statuses"]) if asked["area"] else None},
    )


def _is_outdoors(device: Device) -> bool:
    return not (device.storey_id or device.space_id)


def _is_controlled(device: Device, mode: str) -> bool | None:
    """Whether a lamp is controlled in a mode; None where nobody says."""
    if mode == "any":
        return is_networked(device)
    modes = modes_of(device)
    if modes is None:
        return False if is_networked(device) is False else None
    return ("timed" in modes and bool(SENSING & set(modes))) if mode == "timed_and_sensing" else mode in modes


def _by_class(devices: Sequence[Device], verdicts: Sequence[bool | None]) -> list[dict[str, Any]]:
    """One row a class of lamps, the least controlled first."""
    rows: list[dict[str, Any]] = []
    for name in dict.fromkeys(class_of(device) for device in devices):
        own = [verdict for device, verdict in zip(devices, verdicts, strict=True) if class_of(device) == name]
        done, open_ = own.count(True), own.count(None)
        bounds = {"lower": done / len(own), "upper": (done + open_) / len(own)}
        rows.append({"id": name, "name": name, "value": done / len(own), **bounds, "amount": len(own), "covered": done})
    return sorted(rows, key=lambda row: (row["value"], row["id"]))


def _by_mode(devices: Sequence[Device]) -> dict[str, int]:
    """How many lamps say that they are controlled in each mode."""
    told = [modes_of(device) or [] for device in devices]
    return {mode: sum(mode in modes for modes in told) for mode in MODES[1:-1]}


def _gaps(store: Store, devices: Sequence[Device], verdicts: Sequence[bool | None]) -> list[Gap]:
    """The lamps that are not controlled, pooled by class, most first."""
    frame = store.park().frame
    groups: dict[tuple[str, bool], list[int]] = {}
    for k, (device, verdict) in enumerate(zip(devices, verdicts, strict=True)):
        if verdict is not True:
            groups.setdefault((class_of(device), verdict is None), []).append(k)
    place = frame.to_lonlat(positions(store, devices))
    ranked = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return [
        Gap(f"gap/{i}", float(len(own)), "not_served", (), shapely.multipoints(place[own]), name)
        for i, ((name, _), own) in enumerate(ranked, 1)
    ]


def _warnings(devices: Sequence[Device], verdicts: Sequence[bool | None]) -> list[Mapping[str, Any]]:
    ids = [device.id for device, verdict in zip(devices, verdicts, strict=True) if verdict is None]
    return [{"code": "control_unknown", "subject": "lamp", "count": len(ids), "ids": ids}] if ids else []


def _samples(store: Store, devices: Sequence[Device], verdicts: Sequence[bool | None]) -> Samples:
    place = store.park().frame.to_lonlat(positions(store, devices))
    state = np.array([UNDECIDED if v is None else COVERED if v else OPEN for v in verdicts], np.int8)
    return Samples(place, np.array([float(v is True) for v in verdicts]), state, np.zeros(len(devices)), "1")


def _lit_area(store: Store, statuses: Sequence[str]) -> dict[str, Any] | None:
    """The share of the roads that networked lamps light to the level, beside that of all lamps; None where there are no roads."""
    usual = {parameter.name: parameter.default for parameter in LIT_AREA.parameters} | {"statuses": statuses}
    try:
        return lit_shares(store, usual)
    except MissingInput:
        return None


MEASURE = Measure(
    id="lighting_control_share",
    title_en="Smart lighting coverage",
    title_zh="智能照明覆盖率",
    unit="1",
    quantity="count",
    parameters=(
        Parameter("mode", "any", "", "indicators.yaml: by mode", "Which control counts", "计入的控制方式", MODES),
        Parameter("scope", "outdoor", "", "indicators.yaml: public area and road lighting", "Lamps outdoors, or all of them",
                  "计入室外灯具或全部灯具", ("outdoor", "all")),
        Parameter("area", True, "", "indicators.yaml: area alternative", "Tell the area lit by networked lamps beside the share",
                  "同时给出联网灯具照亮的道路面积比例"),
        STATUSES,
    ),
    sources=("Chengdu 2021", "Zhongshan", "CIPA", "Liaoning"),
    compute=_compute,
)  # fmt: skip
