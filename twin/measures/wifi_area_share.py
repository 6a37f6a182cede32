"""wifi_area_share: the share of floor or ground where the park's Wi-Fi reaches the threshold."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twin.coverage.bounded import Judge
from twin.coverage.cells import Cells
from twin.coverage.wifi import EIRP_LIMIT_DBM, WIFI_MODELS, Demand, Signal, Transmitters, band_of, signal
from twin.devices import positions
from twin.measures.evidence import Inputs, JudgedCells, area_result, digest
from twin.measures.radio import (
    METHOD,
    SLACK_DB,
    assumed_attributes,
    barriers,
    chosen_devices,
    covered_in_the_mean,
    deficits,
    height_assumed,
    measured,
    names_of,
    number,
    numbers,
    radiated_dbm,
    statistics,
    step_of,
)
from twin.measures.surfaces import gather_surface
from twin.model import Device
from twin.result import FADING, NOT_NEGATIVE, SEVERAL, STEP, Measure, Parameter, Request, Result
from twin.store import Store

USUAL_STEP_M = 0.5
BAND_CENTRE_MHZ: Mapping[float, float] = {2.4: 2437.0, 5.0: 5220.0, 5.2: 5220.0, 5.8: 5785.0, 6.0: 6525.0}  # for "2.4" instead of MHz


@dataclass(frozen=True)
class _Radios:
    """The radios of the access points that count, and what has to be said about them."""

    sent: Transmitters
    device: Sequence[Device]  # (m,) of each radio
    assumed: int  # access points that rest on an assumed attribute
    warnings: Sequence[Mapping[str, Any]]


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    surface = gather_surface(store, asked["surface"], usages=asked["usages"] or None)
    points = chosen_devices(store, "wifi_ap", asked["statuses"])
    radios = _radios(store, points, asked["bands"])
    obstacles, among = barriers(store, counting=asked["model"] == "cost231")
    demand = Demand(asked["rssi_dbm"], asked["k"], asked["model"])

    cut = (step_of(surface, asked["step_m"], USUAL_STEP_M), asked["target_height_m"])

    def judge(shift_db: float) -> Judge:
        harder = replace(demand, rssi_dbm=demand.rssi_dbm + shift_db)
        return lambda cells, before: signal(radios.sent, among, harder, cells, before)

    if asked["sigma_db"]:
        found = covered_in_the_mean(store, surface, cut, judge, lambda got: got.level - demand.rssi_dbm, asked["sigma_db"])
    else:
        found = measured(store, surface, *cut, judge(0.0))
    first: Signal = found.first
    reasons = _reasons(first, demand, len(radios.sent))
    judged = JudgedCells(
        surface, found.cells, found.areas.covered, found.areas.sure, found.areas.possible, first.level, "dBm", reasons,
        [name if reason == "occluded" else None for name, reason in zip(names_of(first.blocker, among.ids), reasons, strict=True)],
        asked["target_height_m"], METHOD, found.areas.convergence, deficits(first.level, demand.rssi_dbm, found.cells, len(surface.pieces)),
    )  # fmt: skip
    inputs = Inputs(digest([*points, surface, obstacles]), len(points), radios.assumed / len(points) if points else None)
    extra = {
        "statistics": statistics(first.level, demand.rssi_dbm, asked["sigma_db"], found),
        "access_points": _by_access_point(radios, first, found.cells),
        "cells_judged": found.areas.judged,
        "undecided_m2": round(found.areas.undecided_m2, 3),
        "assumed_walls": int(among.walls.assumed.sum()),
    }
    return area_result(
        MEASURE, request, judged, store.park().frame, inputs=inputs, started=started, warnings=radios.warnings, extra=extra
    )  # fmt: skip


def _radios(store: Store, points: Sequence[Device], bands: Sequence[str]) -> _Radios:
    """One radio for each frequency of each access point that lies in one of the bands."""
    rows: list[tuple[int, float, float, float]] = []
    loud: list[str] = []
    other_band: list[str] = []
    assumed, resting = 0, 0
    heights = [height_assumed(device) for device in points]
    for i, device in enumerate(points):
        frequencies, f_assumed = _frequencies_ghz(device)
        eirp, p_assumed = radiated_dbm(device)
        several = numbers(device.attributes.get("eirp_dbm"))
        assumed += f_assumed or p_assumed
        resting += f_assumed or p_assumed or bool(heights[i])
        slack = SLACK_DB["power"] * p_assumed + SLACK_DB["frequency"] * f_assumed
        for k, f_ghz in enumerate(frequencies):
            band, power = band_of(f_ghz), several[k] if len(several) == len(frequencies) else eirp
            if band is None or band not in bands:
                other_band.append(device.id)
                continue
            if power > EIRP_LIMIT_DBM.get(band, np.inf):
                loud.append(device.id)
            rows.append((i, f_ghz, power, slack))
    place = positions(store, points)
    owner = np.array([row[0] for row in rows], np.int64)
    column = np.array(rows, float).reshape(-1, 4).T
    sent = Transmitters(place[owner] if len(owner) else np.empty((0, 3)), column[1], column[2], column[3])
    unsaid = assumed_attributes("wifi_ap", [(device.id, names) for device, names in zip(points, heights, strict=True)])
    warnings = [*_warnings(points, loud, other_band, assumed), *unsaid]
    return _Radios(sent, [points[i] for i in owner.tolist()], resting, warnings)


def _frequencies_ghz(device: Device) -> tuple[list[float], bool]:
    """The frequencies of an access point [GHz], each once, and whether they are assumed."""
    own = numbers(device.attributes.get("freq_mhz"))
    values = own or [float(number(device, "freq_mhz")[0] or BAND_CENTRE_MHZ[2.4])]
    mhz = [BAND_CENTRE_MHZ.get(value, value * 1000.0 if value < 10.0 else value) for value in values]
    return list(dict.fromkeys(value / 1000.0 for value in mhz)), not own


def _warnings(points: Sequence[Device], loud: Sequence[str], other_band: Sequence[str], assumed: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if not points:
        found.append({"code": "no_devices", "subject": "wifi_ap"})
    if assumed:
        found.append({"code": "radio_assumed", "subject": "wifi_ap", "count": assumed, "slack_db": SLACK_DB["power"]})
    if loud:
        found.append({"code": "wifi_eirp_limit", "subject": ", ".join(sorted(set(loud))[:5]), "count": len(set(loud))})
    if other_band:
        found.append({"code": "wifi_band_left_out", "subject": ", ".join(sorted(set(other_band))[:5]), "count": len(set(other_band))})
    return found


def _reasons(first: Signal, demand: Demand, radios: int) -> list[str]:
    """Why each cell, or the part of it that is missing, is not covered."""
    if not radios:
        return ["no_device"] * len(first.level)
    walled = (first.blocker >= 0) & (first.clear >= demand.rssi_dbm)
    usual = "below_threshold" if demand.model == "p1238" else "out_of_range"
    return [str(name) for name in np.where(walled, "occluded", usual)]


def _by_access_point(radios: _Radios, first: Signal, cells: Cells) -> list[dict[str, Any]]:
    """For each access point the area that it serves best. [m2]"""
    served = np.bincount(first.best[first.covered & (first.best >= 0)], cells.area[first.covered & (first.best >= 0)], len(radios.device))
    total: dict[str, float] = {}
    for device, area in zip(radios.device, served.tolist(), strict=True):
        total[device.id] = total.get(device.id, 0.0) + area
    return [{"id": name, "best_server_m2": round(area, 2)} for name, area in sorted(total.items())]


MEASURE = Measure(
    id="wifi_area_share",
    title_en="Wi-Fi coverage",
    title_zh="Wi-Fi覆盖率",
    unit="1",
    quantity="m2",
    parameters=(
        Parameter("surface", "crowded_rooms", "name", "Chengdu guide 3(1)1(2)", "Where coverage is asked for", "评价范围"),
        Parameter(
            "usages", [], "name", "indicators.yaml crowded_rooms", "Usages of rooms instead of the surface's own", "替代默认的房间用途"
        ),
        Parameter(
            "rssi_dbm", -67.0, "dBm", "common practice at the cell edge; no standard states one", "Least received power", "最低接收功率"
        ),
        Parameter(
            "model",
            "walls",
            "",
            "ITU-R P.525 and P.2040-3; COST 231; ITU-R P.1238-11",
            "How loss between is computed",
            "传播模型",
            WIFI_MODELS,
        ),
        Parameter("bands", ["2.4", "5", "5.8"], "GHz", "bands open to WLAN in China; 6 GHz is not", "Bands that count", "计入的频段"),
        Parameter("target_height_m", 1.2, "m", "a seated user", "Height above the floor", "评价高度", between=NOT_NEGATIVE),
        Parameter("k", 1, "1", "assumption", "How many access points must reach a place", "需要的接入点数量", between=SEVERAL),
        Parameter(
            "sigma_db",
            None,
            "dB",
            "ITU-R P.1238-11 table 2: 3.8 to 5",
            "Shadowing; the value is then the expected share",
            "阴影衰落标准差；给出时取期望覆盖率",
            between=FADING,
        ),
        Parameter("step_m", None, "m", "0.5 m, doubled on large surfaces", "Edge of a cell", "网格步长", between=STEP),
        Parameter("statuses", ["in_service"], "name", "indicators.yaml conventions", "Statuses that count", "计入的状态"),
    ),
    sources=("ITU-R P.2040-3", "ITU-R P.525", "ITU-R P.1238-11", "COST 231 4.7", "MIIT 2021-129"),
    compute=_compute,
)
