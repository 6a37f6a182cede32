"""iot_area_share: the share of ground and floors that a network of things reaches, by any technology and by each.

Down and up are both asked about (`twin.coverage.things`). What a cell is worth is its margin in dB: how much more the path could lose.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.cellular import INDOOR_MODELS, MOBILE_MODELS, Demand
from twin.coverage.radio import IOT_TECHNOLOGIES, iot_technologies
from twin.coverage.things import BUDGETS, COUPLING_DB, NOT_REACHED, Budget, coupling_class, spreading_factor
from twin.errors import UnknownParameter
from twin.measures.carriers import Formulas, outside_validity
from twin.measures.doubts import Opinion, checks, resting_share, second_opinion, sensitivity
from twin.measures.evidence import Inputs, area_result, digest
from twin.measures.mobile import Asked, Found, by_device, examine, fading, judged, shares_of_operators, shares_of_places
from twin.measures.mobile_signal_area_share import hidden, share_assumed, site_of
from twin.measures.radio import barriers, step_of
from twin.measures.surfaces import gather_surface
from twin.measures.things import Things, registered, served, things
from twin.result import FADING, NOT_NEGATIVE, STEP, Measure, Parameter, Request, Result
from twin.store import Store

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

USUAL_STEP_M = 4.0
THRESHOLDS: Mapping[str, str] = {
    "nb_iot_dbm": "NB-IoT", "lora_dbm": "LoRa", "zigbee_dbm": "ZigBee", "wifi_dbm": "Wi-Fi", "uwb_dbm": "UWB", "fiveg_dbm": "5G",
}  # fmt: skip


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    given = request.parameters
    surface = gather_surface(store, given["surface"], usages=given["usages"] or None)
    formulas = Formulas(given["model"], given["indoor_model"])
    network = things(store, given["statuses"], _budgets(given), formulas, uplink=given["uplink"])
    net = network.net
    site, around = site_of(store, surface, given)
    demand = Demand(0.0, None, "any", given["target_height_m"])
    step = step_of(surface, given["step_m"], USUAL_STEP_M)
    found = examine(store, Asked(surface, net, site, demand, step, given["sigma_db"], around.sha256))
    obstacles, _ = barriers(store)
    wanting = registered(store, given["device_kinds"], given["statuses"])
    rows = served(store, network, site, obstacles, wanting)
    opinion = second_opinion(found)
    unserved = [row["id"] for row in rows if not row["served"]]
    said = [{"code": "things_unserved", "subject": ", ".join(unserved[:5]), "count": len(unserved), "ids": unserved}] if unserved else []
    result = area_result(
        MEASURE, request, judged(found, "dB"), store.park().frame,
        inputs=Inputs(digest([*net.devices, *wanting, surface, around.sha256]), len(net.devices), share_assumed(net)), started=started,
        warnings=[*net.warnings, *outside_validity(net, given["target_height_m"]), *hidden(net, site), *said], devices=by_device(found),
        sensitivity=sensitivity(found, around.leaves, opinion) if request.want_sensitivity else [],
        extra=_extra(found, network, rows, opinion),
    )  # fmt: skip
    return replace(result, inputs=dict(result.inputs) | {"resting_share": resting_share(found)})


def _budgets(given: Mapping[str, Any]) -> dict[str, Budget]:
    """The budgets of the technologies that count, with the thresholds asked for."""
    names = [name for word in given["technologies"] for name in (iot_technologies(word) or (word,))]
    unknown = [name for name in names if name not in BUDGETS]
    if unknown or not names:
        raise UnknownParameter("parameter_value", subject="technologies", value=", ".join(unknown), allowed=", ".join(IOT_TECHNOLOGIES))
    least = {technology: given[name] for name, technology in THRESHOLDS.items()}
    return {name: replace(BUDGETS[name], threshold_dbm=least[name]) for name in IOT_TECHNOLOGIES if name in names}


def _extra(found: Found, network: Things, rows: list[dict[str, Any]], opinion: Opinion | None) -> dict[str, Any]:
    shares = {row["operator"]: row for row in shares_of_operators(found)}
    budgets = network.budgets
    technologies = [
        {
            "technology": name,
            "gateways": shares.get(name, {}).get("carriers", 0),
            "value": shares.get(name, {}).get("value", 0.0),
            "lower": shares.get(name, {}).get("lower", 0.0),
            "upper": shares.get(name, {}).get("upper", 0.0),
            "threshold_dbm": budgets[name].threshold_dbm,
        }
        for name in budgets
    ]
    return {
        "technologies": technologies,
        "devices_checked": len(rows),
        "devices_served": sum(row["served"] for row in rows),
        "devices_surely": sum(row["surely"] for row in rows),
        "devices_possibly": sum(row["possibly"] for row in rows),
        "unserved": [row for row in rows if not row["served"]],
        "spreading_factors": _spreading(found, network),
        "coupling_loss": _coupling(found, network),
        "places": shares_of_places(found),
        "statistics": fading(found),
        "models": sorted(set(found.asked.net.carriers.model)),
        "model_spread": None if opinion is None else asdict(opinion),
        "checks": checks(found),
        "cells_judged": found.covered.areas.judged,
        "undecided_m2": round(found.covered.areas.undecided_m2, 3),
    }


def _lost(found: Found, network: Things, technology: str) -> tuple[FloatArray, NDArray[np.int64]] | None:
    """What the path from the best radio of a technology loses at each cell (n,) [dB], and which it is; None where there is none."""
    net = network.net
    if technology not in net.operators or not len(net.carriers):
        return None
    k = list(net.operators).index(technology)
    if found.first.levels.shape[1] <= k or not (net.carriers.operator == k).any():
        return None
    best = found.first.best_by[:, k]
    lost = net.carriers.power_dbm[np.maximum(best, 0)] - found.first.levels[:, k]
    return np.where(best >= 0, lost, np.nan), best


def _shares(found: Found, number: NDArray[np.int64], names: Mapping[int, str]) -> dict[str, float]:
    area = found.cells.area
    total = float(area.sum())
    return {name: float(area[number == value].sum()) / total for value, name in names.items()} if total > 0 else {}


def _spreading(found: Found, network: Things) -> dict[str, Any] | None:
    """The share of the surface by the least spreading factor of LoRa, up and down."""
    known = _lost(found, network, "LoRa")
    if known is None:
        return None
    lost, best = known
    names = {factor: f"SF{factor}" for factor in range(7, 13)} | {NOT_REACHED: "none"}
    node = network.budgets["LoRa"].node_eirp_dbm or 0.0
    up = node + network.gain_dbi[np.maximum(best, 0)] - lost
    down = network.eirp_dbm[np.maximum(best, 0)] - lost
    return {
        "up": _shares(found, spreading_factor(up, up=True), names),
        "down": _shares(found, spreading_factor(down, up=False), names),
    }  # fmt: skip


def _coupling(found: Found, network: Things) -> dict[str, float] | None:
    """The share of the surface by class of coupling loss of NB-IoT."""
    known = _lost(found, network, "NB-IoT")
    if known is None:
        return None
    lost, best = known
    names = {k: f"{limit:.0f}" for k, limit in enumerate(COUPLING_DB)} | {len(COUPLING_DB): "beyond"}
    return _shares(found, coupling_class(lost - network.gain_dbi[np.maximum(best, 0)]), names)


_THRESHOLD_SOURCE = "indicators: assumption, no document states one"

MEASURE = Measure(
    id="iot_area_share",
    title_en="IoT network coverage",
    title_zh="物联网络覆盖率",
    unit="1",
    quantity="m2",
    parameters=(
        Parameter("surface", "public_and_floors", "name", "Liaoning 6.1.4", "Where coverage is asked for", "评价范围"),
        Parameter("usages", [], "name", "indicators.yaml surfaces", "Usages of rooms instead of office and workshop", "替代默认的房间用途"),
        Parameter("technologies", list(IOT_TECHNOLOGIES), "name", "Liaoning 6.1.4", "Technologies that count", "计入的技术"),
        *(
            Parameter(name, BUDGETS[kind].threshold_dbm, "dBm", _THRESHOLD_SOURCE, f"Least level, {kind}", f"{kind} 最低接收电平")
            for name, kind in THRESHOLDS.items()
        ),
        Parameter("uplink", True, "", "device data sheets", "Ask about the way up, too", "同时检查上行"),
        Parameter("device_kinds", ["meter", "sensor"], "name", "assumption", "Kinds of devices that want a gateway",
                  "需要网关服务的设备类型"),
        Parameter("model", "auto", "", "3GPP TR 38.901: UMa above the roofs, UMi below", "Outdoor path loss", "室外传播模型",
                  ("auto", *MOBILE_MODELS)),
        Parameter("indoor_model", "38.901-inh", "", "3GPP TR 38.901; InF in factories", "Path loss of indoor antennas", "室内天线传播模型",
                  INDOOR_MODELS),
        Parameter("release", 19, "1", "3GPP TR 38.901 table 7.4.3-1", "Release of the facade losses", "穿透损耗所依据的版本", (18, 19)),
        Parameter("facade", "low", "", "3GPP TR 38.901 table 7.4.3-2", "Facades; bounds take all", "外墙损耗类型",
                  ("low", "high", "low_a")),
        Parameter("sigma_db", None, "dB", "3GPP TR 38.901: 4 to 8", "Shadowing; the value is then the expected share",
                  "阴影衰落标准差；给出时取期望覆盖率", between=FADING),
        Parameter("target_height_m", 1.5, "m", "3GPP TR 38.901 user height", "Height above ground or floor", "评价高度",
                  between=NOT_NEGATIVE),
        Parameter("step_m", None, "m", "4 m, doubled on large surfaces", "Edge of a cell", "网格步长", between=STEP),
        Parameter("doors", "unknown", "", "assumption; bounds take both", "State of doors", "门的状态", ("unknown", "closed", "open")),
        Parameter("vegetation", "clear", "", "3GPP TR 38.901: sight is lost behind what is solid", "Whether leaves take the line of sight",
                  "植被是否遮断视距", ("unknown", "opaque", "clear")),
        Parameter("statuses", ["in_service"], "name", "indicators.yaml conventions", "Statuses that count", "计入的状态"),
    ),
    sources=("3GPP TR 38.901", "3GPP TR 45.820", "3GPP TR 36.942", "ITU-R P.2040-3", "Semtech SX1276, SX1301"),
    compute=_compute,
)  # fmt: skip
