"""mobile_signal_area_share: the share of ground and floors where public mobile signal of any generation is usable.

`fiveg_area_share` is the same question asked of 5G carriers alone; both are computed here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.bounded import Judge
from twin.coverage.cellular import MOBILE_MODELS, Demand, Reception, Site, reception
from twin.coverage.propagation import MODELS
from twin.coverage.surface import Surface
from twin.errors import UnknownParameter
from twin.measures.carriers import Network, houses, network, outside_frequencies
from twin.measures.evidence import Inputs, JudgedCells, area_result, digest
from twin.measures.radio import METHOD, Covered, barriers, chosen_devices, covered_in_the_mean, deficits, measured, statistics, step_of
from twin.measures.surfaces import gather_surface
from twin.result import FADING, NOT_NEGATIVE, SHARE, STEP, Measure, Parameter, Request, Result
from twin.scene.embree import Scene
from twin.store import Store

USUAL_STEP_M = 2.0


@dataclass(frozen=True)
class _Asked:
    """Everything a run has gathered before it judges."""

    surface: Surface
    net: Network
    site: Site
    demand: Demand


def compute_mobile(store: Store, request: Request, *, measure: Measure, only_5g: bool) -> Result:
    """The result of `measure`: all generations, or 5G alone."""
    started = time.perf_counter()
    asked = request.parameters
    surface = gather_surface(store, asked["surface"], usages=asked["usages"] or None)
    devices = chosen_devices(store, "cell", asked["statuses"])
    net = network(store, devices, only_5g=only_5g, model=asked["model"], load=asked["load"])
    obstacles, among = barriers(store)
    site = Site(among, houses(store, surface), ("high", asked["facade"], "low"), asked["release"])
    demand = Demand(asked["rsrp_dbm"], asked["sinr_db"], _operators(asked["operators"], net), asked["target_height_m"])
    gathered = _Asked(surface, net, site, demand)

    cut = (step_of(surface, asked["step_m"], USUAL_STEP_M), asked["target_height_m"])

    def judge(shift_db: float) -> Judge:
        sinr_db = None if demand.sinr_db is None else demand.sinr_db + shift_db
        harder = replace(demand, rsrp_dbm=demand.rsrp_dbm + shift_db, sinr_db=sinr_db)
        return lambda cells, _: reception(net.carriers, site, harder, cells)

    if asked["sigma_db"]:
        found = covered_in_the_mean(store, surface, cut, judge, lambda got: _margin(got, demand), asked["sigma_db"])
    else:
        found = measured(store, surface, *cut, judge(0.0))
    inputs = Inputs(
        digest([*devices, surface, obstacles]), len(net.devices), net.assumed / len(net.devices) if net.devices else None
    )  # fmt: skip
    return area_result(
        measure, request, _judged(gathered, found, among.scene), store.park().frame, inputs=inputs, started=started,
        warnings=_warnings(net), extra=_extra(gathered, found, asked["sigma_db"]),
    )  # fmt: skip


def _margin(got: Reception, demand: Demand) -> NDArray[np.float64]:
    """By how much power, and power over interference, exceed what is asked for, whichever is less (n,). [dB]"""
    power = got.level - demand.rsrp_dbm
    return power if demand.sinr_db is None else np.minimum(power, got.sinr - demand.sinr_db)


def _operators(asked: str, net: Network) -> str | int:
    """`any`, `all`, or the number of the operator named."""
    if asked in {"any", "all"}:
        return asked
    if asked not in net.operators:
        raise UnknownParameter("parameter_value", subject="operators", value=asked, allowed=", ".join(["any", "all", *net.operators]))
    return list(net.operators).index(asked)


def _judged(gathered: _Asked, found: Covered, scene: Any) -> JudgedCells:
    first: Reception = found.first
    reasons, blockers = _reasons(gathered, found, scene)
    inside = [building is not None for building in gathered.site.houses]
    columns = deficits(first.level, gathered.demand.rsrp_dbm, found.cells, len(gathered.surface.pieces)) | {"indoor": inside}
    return JudgedCells(
        gathered.surface, found.cells, found.areas.covered, found.areas.sure, found.areas.possible, first.level, "dBm", reasons, blockers,
        gathered.demand.target_height_m, METHOD, found.areas.convergence, columns,
    )  # fmt: skip


def _reasons(gathered: _Asked, found: Covered, scene: Scene) -> tuple[list[str], list[str | None]]:
    """Why cells, or the parts of them that are missing, are not covered, and behind what."""
    first: Reception = found.first
    n = len(found.cells)
    blockers: list[str | None] = [None] * n
    if not len(gathered.net.carriers):
        return ["no_device"] * n, blockers
    inside = np.array([building is not None for building in gathered.site.houses], bool)[found.cells.piece]
    weak = ~(first.level >= gathered.demand.rsrp_dbm)
    spare = first.sinr - (-np.inf if gathered.demand.sinr_db is None else gathered.demand.sinr_db)
    noisy = ~weak & (spare < first.level - gathered.demand.rsrp_dbm)  # the smaller margin is the one that fails
    reason = np.where(noisy, "interference", np.where(weak & (inside | ~first.sight), "occluded", "below_threshold"))
    missing = found.areas.covered < found.cells.area * (1 - 1e-9)
    behind = np.flatnonzero(missing & weak & ~first.sight)
    face, _ = scene.first_hit(gathered.net.carriers.position[first.best[behind]], found.cells.representative[behind])
    for k, hit in zip(behind.tolist(), face.tolist(), strict=True):
        blockers[k] = scene.obstacles.id_of(hit) if hit >= 0 else None
    for k in np.flatnonzero(missing & weak & inside).tolist():
        around = gathered.site.houses[int(found.cells.piece[k])]
        blockers[k] = blockers[k] or (around.id if around is not None else None)
    return [str(name) for name in reason], blockers


def _extra(gathered: _Asked, found: Covered, sigma_db: float | None) -> dict[str, Any]:
    first: Reception = found.first
    area, total = found.cells.area, float(found.cells.area.sum())
    inside = np.array([building is not None for building in gathered.site.houses], bool)[found.cells.piece]
    split = {"outdoor": ~inside, "indoor": inside}
    return {
        "operators": [
            {
                "operator": name,
                "carriers": int((gathered.net.carriers.operator == k).sum()),
                "value": float(area[first.by_operator[:, k]].sum()) / total if total > 0 else None,
            }
            for k, name in enumerate(gathered.net.operators)
        ],
        "places": {
            name: {
                "area_m2": round(float(area[mask].sum()), 3),
                "value": float(found.areas.covered[mask].sum() / area[mask].sum()) if mask.any() else None,
            }
            for name, mask in split.items()
        },
        "statistics": statistics(first.level, gathered.demand.rsrp_dbm, sigma_db, found),
        "line_of_sight": float(area[first.sight].sum()) / total if total > 0 else None,
        "models": sorted(set(gathered.net.carriers.model)),
        "cells_judged": found.areas.judged,
        "undecided_m2": round(found.areas.undecided_m2, 3),
    }


def _warnings(net: Network) -> list[dict[str, Any]]:
    found = [dict(warning) for warning in net.warnings]
    beyond = outside_frequencies(net, {name: model.validity for name, model in MODELS.items()})
    if beyond:
        found.append({"code": "model_extrapolated", "subject": ", ".join(sorted(set(net.carriers.model))), "count": beyond})
    return found


def parameters() -> tuple[Parameter, ...]:
    """What both mobile measures can be told."""
    return (
        Parameter("surface", "public_and_floors", "name", "Chengdu guide 3(1)1(2)", "Where coverage is asked for", "评价范围"),
        Parameter("usages", [], "name", "indicators.yaml surfaces", "Usages of rooms instead of office and workshop", "替代默认的房间用途"),
        Parameter("rsrp_dbm", -105.0, "dBm", "operators' drive-test target; no standard states one", "Least RSRP", "最低参考信号接收功率"),
        Parameter("sinr_db", -3.0, "dB", "operators' drive-test target; none leaves it out", "Least SINR", "最低信干噪比", optional=True),
        Parameter("model", "38.901-uma", "", "3GPP TR 38.901; ITU-R P.1411-12", "Outdoor path loss", "室外传播模型", MOBILE_MODELS),
        Parameter("release", 19, "1", "3GPP TR 38.901 table 7.4.3-1", "Release of the facade losses", "穿透损耗所依据的版本", (18, 19)),
        Parameter("facade", "low", "", "3GPP TR 38.901 table 7.4.3-2", "Facades; bounds take both", "外墙损耗类型", ("low", "high")),
        Parameter("operators", "any", "name", "assumption", "Whose signal counts: any, all, or one by name", "计入的运营商"),
        Parameter("load", 0.5, "share", "FCC BDC: 50 % loading", "Load of interfering carriers", "干扰小区负载", between=SHARE),
        Parameter("sigma_db", None, "dB", "3GPP TR 38.901: 4 to 8", "Shadowing; the value is then the expected share",
                  "阴影衰落标准差；给出时取期望覆盖率", between=FADING),
        Parameter("target_height_m", 1.5, "m", "3GPP TR 38.901 user height", "Height above ground or floor", "评价高度",
                  between=NOT_NEGATIVE),
        Parameter("step_m", None, "m", "2 m, doubled on large surfaces", "Edge of a cell", "网格步长", between=STEP),
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
)
