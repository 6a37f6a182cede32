"""mobile_signal_area_share: the share of ground and floors where public mobile signal of any generation is usable.

`fiveg_area_share` is the same question asked of 5G carriers alone; both are computed here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from twin.coverage.cellular import INDOOR_MODELS, MOBILE_MODELS, Demand
from twin.coverage.entry import FACADES, SURFACES, kinds_of
from twin.coverage.makeup import Conditions
from twin.coverage.site import Site
from twin.coverage.surface import Surface
from twin.errors import UnknownParameter
from twin.measures.again import Partly
from twin.measures.carriers import Formulas, Network, houses, network, outside_validity
from twin.measures.doubts import Opinion, checks, resting_share, second_opinion, sensitivity
from twin.measures.evidence import Inputs, area_result, digest
from twin.measures.mobile import Asked, Found, by_device, examine, fading, judged, shares_of_operators, shares_of_places
from twin.measures.mobile_again import partly
from twin.measures.radio import Surroundings, barriers, chosen_devices, drawn_into_walls, step_of, surroundings
from twin.measures.surfaces import gather_surface
from twin.result import FADING, NOT_NEGATIVE, SHARE, STEP, Measure, Parameter, Request, Result
from twin.store import Store

USUAL_STEP_M = 4.0


def compute_mobile(store: Store, request: Request, *, measure: Measure, only_5g: bool) -> Result:
    """The result of `measure`: all generations, or 5G alone."""
    started = time.perf_counter()
    given = request.parameters
    surface = gather_surface(store, given["surface"], usages=given["usages"] or None)
    devices = chosen_devices(store, "cell", given["statuses"])
    site, around = site_of(store, surface, given)
    found = examine(store, _asked(store, request, (surface, site, around), only_5g=only_5g))
    net, opinion = found.asked.net, second_opinion(found)
    result = area_result(
        measure, request, judged(found), store.park().frame,
        inputs=Inputs(digest([*devices, surface, around.sha256]), len(net.devices), share_assumed(net)), started=started,
        warnings=[*net.warnings, *outside_validity(net, given["target_height_m"]), *hidden(net, site)], devices=by_device(found),
        sensitivity=sensitivity(found, around.leaves, opinion) if request.want_sensitivity else [],
        extra=_extra(found, opinion),
    )  # fmt: skip
    return replace(result, inputs=dict(result.inputs) | {"resting_share": resting_share(found)})


def ready_mobile(store: Store, request: Request, *, only_5g: bool) -> Partly | None:
    """The same asked of many parks that differ by devices alone; None with shadowing, where all is judged in the mean."""
    given = request.parameters
    if given["sigma_db"]:
        return None
    surface = gather_surface(store, given["surface"], usages=given["usages"] or None)
    about = (surface, *site_of(store, surface, given))
    return partly(store, lambda park: _asked(park, request, about, only_5g=only_5g))


def _asked(store: Store, request: Request, about: tuple[Surface, Site, Surroundings], *, only_5g: bool) -> Asked:
    """What is asked of a park's devices on a surface."""
    given, (surface, site, around) = request.parameters, about
    devices = chosen_devices(store, "cell", given["statuses"])
    net = network(store, devices, only_5g=only_5g, formulas=Formulas(given["model"], given["indoor_model"]), load=given["load"])
    demand = Demand(given["rsrp_dbm"], given["sinr_db"], _operators(given["operators"], net), given["target_height_m"])
    return Asked(surface, net, site, demand, step_of(surface, given["step_m"], USUAL_STEP_M), given["sigma_db"], around.sha256)


def site_of(store: Store, surface: Any, given: Mapping[str, Any]) -> tuple[Site, Surroundings]:
    """What carriers meet on their way to a surface."""
    release, kind = given["release"], given["facade"]
    if not set(FACADES[kind].shares) <= set(SURFACES[release]):
        raise UnknownParameter("parameter_value", subject="facade", value=kind, allowed="low, high")
    doors, vegetation = given["doors"], given["vegetation"]
    obstacles, among = barriers(store, conditions=Conditions(doors=doors, vegetation=vegetation))
    around = surroundings(store, vegetation)
    return Site(among, around.sight, houses(store, surface, obstacles), kinds_of(kind, release), release, around.memory), around


def hidden(net: Network, site: Site) -> list[dict[str, Any]]:
    """What is said of antennas that are drawn into walls."""
    ids = [net.devices[int(k)].id for k in net.carriers.device]
    return drawn_into_walls("cell", ids, net.carriers.position, site.barriers)


def share_assumed(net: Network) -> float | None:
    """The share of devices that rest on an assumed attribute; None where there are none."""
    resting = {int(k) for k in net.carriers.device[net.resting]}
    return len(resting) / len(net.devices) if net.devices else None


def _operators(asked: str, net: Network) -> str | int:
    """`any`, `all`, or the number of the operator named."""
    if asked in {"any", "all"}:
        return asked
    if asked not in net.operators:
        raise UnknownParameter("parameter_value", subject="operators", value=asked, allowed=", ".join(["any", "all", *net.operators]))
    return list(net.operators).index(asked)


def _extra(found: Found, opinion: Opinion | None) -> dict[str, Any]:
    area, total = found.cells.area, float(found.cells.area.sum())
    return {
        "operators": shares_of_operators(found),
        "places": shares_of_places(found),
        "statistics": fading(found),
        "line_of_sight": float(area[found.first.sight].sum()) / total if total > 0 else None,
        "models": sorted(set(found.asked.net.carriers.model)),
        "model_spread": None if opinion is None else asdict(opinion),
        "checks": checks(found),
        "facades_known": sorted({house.id for house in found.asked.site.houses if house is not None and house.glazing is not None}),
        "cells_judged": found.covered.areas.judged,
        "undecided_m2": round(found.covered.areas.undecided_m2, 3),
    }


def parameters() -> tuple[Parameter, ...]:
    """What both mobile measures can be told."""
    return (
        Parameter("surface", "public_and_floors", "name", "Chengdu guide 3(1)1(2)", "Where coverage is asked for", "评价范围"),
        Parameter("usages", [], "name", "indicators.yaml surfaces", "Usages of rooms instead of office and workshop", "替代默认的房间用途"),
        Parameter("rsrp_dbm", -105.0, "dBm", "operators' drive-test target; no standard states one", "Least RSRP", "最低参考信号接收功率"),
        Parameter("sinr_db", -3.0, "dB", "operators' drive-test target; none leaves it out", "Least SINR", "最低信干噪比", optional=True),
        Parameter("model", "38.901-uma", "", "3GPP TR 38.901; ITU-R P.1411-12", "Outdoor path loss", "室外传播模型", MOBILE_MODELS),
        Parameter("indoor_model", "38.901-inh", "", "3GPP TR 38.901; InF in factories", "Path loss of indoor antennas", "室内天线传播模型",
                  INDOOR_MODELS),
        Parameter("release", 19, "1", "3GPP TR 38.901 table 7.4.3-1", "Release of the facade losses", "穿透损耗所依据的版本", (18, 19)),
        Parameter("facade", "low", "", "3GPP TR 38.901 table 7.4.3-2", "Facades; bounds take all", "外墙损耗类型",
                  ("low", "high", "low_a")),
        Parameter("operators", "any", "name", "assumption", "Whose signal counts: any, all, or one by name", "计入的运营商"),
        Parameter("load", 0.5, "share", "FCC BDC: 50 % loading", "Load of interfering carriers", "干扰小区负载", between=SHARE),
        Parameter("sigma_db", None, "dB", "3GPP TR 38.901: 4 to 8", "Shadowing; the value is then the expected share",
                  "阴影衰落标准差；给出时取期望覆盖率", between=FADING),
        Parameter("target_height_m", 1.5, "m", "3GPP TR 38.901 user height", "Height above ground or floor", "评价高度",
                  between=NOT_NEGATIVE),
        Parameter("step_m", None, "m", "4 m, doubled on large surfaces", "Edge of a cell", "网格步长", between=STEP),
        Parameter("doors", "unknown", "", "assumption; bounds take both", "State of doors", "门的状态", ("unknown", "closed", "open")),
        Parameter("vegetation", "clear", "", "3GPP TR 38.901: sight is lost behind what is solid", "Whether leaves take the line of sight",
                  "植被是否遮断视距", ("unknown", "opaque", "clear")),
        Parameter("statuses", ["in_service"], "name", "indicators.yaml conventions", "Statuses that count", "计入的状态"),
    )  # fmt: skip


SOURCES = ("3GPP TR 38.901", "3GPP TS 38.104", "3GPP TS 38.215", "ITU-R P.1411-12", "ITU-R P.2040-3")

MEASURE = Measure(
    id="mobile_signal_area_share",
    title_en="Public mobile signal coverage",
    title_zh="公众移动通信信号覆盖率",
    unit="1",
    quantity="m2",
    parameters=parameters(),
    sources=SOURCES,
    compute=lambda store, request: compute_mobile(store, request, measure=MEASURE, only_5g=False),
    partly=lambda store, request: ready_mobile(store, request, only_5g=False),
)
