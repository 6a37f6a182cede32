"""wifi_area_share: the share of floor or ground where the park's Wi-Fi reaches the threshold."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.bounded import Before, Judge, in_parts
from twin.coverage.cells import Cells
from twin.coverage.channels import OPEN_BANDS
from twin.coverage.heard import COUNTING, WIFI_MODELS, Book
from twin.coverage.indoor import SURROUNDINGS
from twin.coverage.interference import Air, Clear, air, clear
from twin.coverage.makeup import Conditions
from twin.coverage.surface import Surface
from twin.coverage.wifi import Demand, Memo, Signal, signal
from twin.errors import OutsideValidity
from twin.measures.access_points import KIND, Radios, gather_radios, named, with_uplink
from twin.measures.again import Partly
from twin.measures.evidence import Inputs, JudgedCells, area_result, digest
from twin.measures.radio import (
    Covered,
    barriers,
    chosen_devices,
    covered_in_the_mean,
    deficits,
    drawn_into_walls,
    lattice,
    measured,
    names_of,
    statistics,
    step_of,
)
from twin.measures.surfaces import gather_surface
from twin.measures.wifi_again import partly
from twin.measures.wifi_told import Asked, parts, row, sensitivity, with_model
from twin.model import Device
from twin.result import FADING, NOT_NEGATIVE, SEVERAL, SHARE, STEP, Measure, Parameter, Request, Result
from twin.scene import Obstacles
from twin.store import Store

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

USUAL_STEP_M = 0.5
ANSWERS_KEPT = 4
MOST_PAIRS = 3e8  # of cells and radios, where each disturbs all others
METHOD = "certified cells: walls of shadow of all edges, one ray an access point, prices over angles and thicknesses, mixed ones cut"
DB_REASONS = ("out_of_range", "occluded", "below_threshold", "interference")


@dataclass(frozen=True)
class _Both:
    """What n cells get, and whether it stands out of noise and of others."""

    signal: Signal
    clear: Clear | None

    @property
    def level(self) -> FloatArray:
        return self.signal.level

    @property
    def covered(self) -> BoolArray:
        return self.signal.covered if self.clear is None else self.signal.covered & self.clear.covered

    @property
    def sure(self) -> BoolArray:
        return self.signal.sure if self.clear is None else self.signal.sure & self.clear.sure

    @property
    def possible(self) -> BoolArray:
        return self.signal.possible if self.clear is None else self.signal.possible & self.clear.possible

    @property
    def mixed(self) -> BoolArray:
        return self.signal.mixed if self.clear is None else (self.signal.mixed | self.clear.mixed) & self.possible & ~self.sure


@dataclass(frozen=True)
class _Gathered:
    """All that a run needs."""

    surface: Surface
    points: Sequence[Device]
    radios: Radios
    obstacles: Obstacles
    asked: Asked
    air: Air
    sinr_db: float | None
    cut: tuple[float, float]  # step and height of the targets [m]
    book: Memo
    place: str  # a hash of the cells


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    gathered = _gather(store, request)
    answer = _answered(store, request, gathered)
    found = answer.found
    result = area_result(
        MEASURE, request, _judged(gathered, found), store.park().frame, inputs=_inputs(gathered), started=started,
        warnings=[*gathered.radios.warnings, *_hidden(gathered)], extra=_extra(gathered, found, asked["sigma_db"]) | answer.told,
        devices=answer.devices,
    )  # fmt: skip
    opens = [*(answer.opens if request.want_sensitivity else []), *_undecided(result, found)]
    return replace(
        result, inputs={**result.inputs, "resting_share": answer.resting_share}, sensitivity=sorted(opens, key=lambda each: -each["width"]),
        seconds=round(time.perf_counter() - started, 3),
    )  # fmt: skip


@dataclass(frozen=True)
class _Answer:
    """What came of a run, kept for the next one that asks the same."""

    found: Covered
    told: dict[str, Any]
    devices: list[dict[str, Any]]
    resting_share: float | None
    opens: list[dict[str, Any]]


def _answered(store: Store, request: Request, gathered: _Gathered) -> _Answer:
    """What a run gives; the barriers remember the last few, by all that they depend on."""
    memory, names = gathered.asked.among.memory, gathered.book.names
    key = ("answer", gathered.place, tuple(names), digest(gathered.points), repr(sorted(request.parameters.items())),
           request.want_sensitivity)  # fmt: skip
    if key not in memory:
        for old in [name for name in memory if name[0] == "answer"][: 1 - ANSWERS_KEPT]:
            del memory[old]
        memory[key] = _found(store, request, gathered)
    return memory[key]


def _found(store: Store, request: Request, gathered: _Gathered) -> _Answer:
    sigma_db, demand = request.parameters["sigma_db"], gathered.asked.demand

    def judge(shift_db: float) -> Judge:
        return lambda cells, before: _judge(gathered, shift_db, cells, before)

    if sigma_db:
        found = covered_in_the_mean(store, gathered.surface, gathered.cut, judge, lambda got: got.level - demand.rssi_dbm, sigma_db)
    else:
        found = measured(store, gathered.surface, *gathered.cut, judge(0.0))
    told = parts(gathered.asked, found.cells, gathered.air)
    opens = sensitivity(gathered.asked, found.cells, _models(gathered)) if request.want_sensitivity else []
    return _Answer(found, told, told.pop("devices"), told.pop("resting_share"), opens)


def _hidden(gathered: _Gathered) -> list[dict[str, Any]]:
    """What is said of access points that are drawn into walls."""
    radios = gathered.radios
    ids = [device.id for device in radios.device]
    _, first = np.unique(np.asarray(radios.sent.owner), return_index=True)
    return drawn_into_walls(KIND, ids, radios.sent.position[first], gathered.asked.among)


def _gather(store: Store, request: Request) -> _Gathered:
    asked = request.parameters
    surface = gather_surface(store, asked["surface"], usages=asked["usages"] or None)
    points, radios = _radios(store, request)
    conditions = Conditions(asked["doors"], asked["windows"], asked["vegetation"])
    obstacles, among = barriers(store, counting=asked["model"] in COUNTING, conditions=conditions)
    demand = Demand(
        asked["rssi_dbm"], asked["k"], asked["model"], asked["surroundings"], asked["breakpoint_m"], asked["secondary_dbm"]
    )  # fmt: skip
    cut = (step_of(surface, asked["step_m"], USUAL_STEP_M), asked["target_height_m"])
    _check(asked["sinr_db"], surface, cut[0], len(radios.sent.position))
    shared = air(radios.sent, radios.width_mhz, asked["load"], asked["noise_dbm"])
    question = Asked(radios, among, demand, obstacles.object_kind)
    place = place_of(store, surface, cut)
    return _Gathered(
        surface, points, radios, obstacles, question, shared, asked["sinr_db"], cut, remembered(place, question), place
    )  # fmt: skip


def _check(sinr_db: float | None, surface: Surface, step: float, radios: int) -> None:
    """Refuse interference where every radio would have to be heard in too many cells."""
    pairs = surface.area / step**2 * radios
    if sinr_db is not None and pairs > MOST_PAIRS:
        raise OutsideValidity("too_many_pairs", subject=surface.id, pairs=int(pairs), most=int(MOST_PAIRS), devices=radios, step=step)


def _radios(store: Store, request: Request) -> tuple[Sequence[Device], Radios]:
    """The access points that count, and their radios."""
    asked = request.parameters
    points = named(chosen_devices(store, KIND, asked["statuses"]), asked["networks"])
    least = asked["rssi_dbm"] if asked["uplink_dbm"] is None else asked["uplink_dbm"]
    return points, with_uplink(gather_radios(store, points, asked["bands"]), asked["client_dbm"], least, asked["rssi_dbm"])


def _ready(store: Store, request: Request) -> Partly | None:
    """The same asked of many parks that differ by devices alone; None where access points matter to each other, or with shadowing."""
    if request.parameters["sigma_db"] or request.parameters["sinr_db"] is not None:
        return None
    gathered = _gather(store, request)
    cells = lattice(store, gathered.surface, *gathered.cut)

    def ask(park: Store) -> tuple[Asked, Memo]:
        _, radios = _radios(park, request)
        question = replace(gathered.asked, radios=radios)
        return question, remembered(gathered.place, question)

    return partly(gathered.surface, cells, gathered.cut[0], ask, why)


def place_of(store: Store, surface: Surface, cut: tuple[float, float]) -> str:
    """A hash of all that the cells of a surface depend on."""
    terrain = store.terrain()
    ground = () if terrain is None else (terrain.heights, [terrain.x0_m, terrain.y0_m, terrain.step_m])
    return digest([surface, [piece.floor_z for piece in surface.pieces], cut, *ground])


def remembered(place: str, asked: Asked) -> Memo:
    """What is known already of access points at the cells of a surface, and each access point's name in it.

    The book lives with the barriers. A name tells all that the levels depend on, so that an access point that is moved, turned or set
    otherwise has another one, and all others are answered from memory.
    """
    key = ("book", place, repr(asked.demand.medium))
    memory = asked.among.memory
    if key not in memory:
        for old in [name for name in memory if name[0] == "book"][:-3]:
            del memory[old]
        memory[key] = Book()
    points = asked.radios.sent.access_points()
    names = [
        digest([point.position, point.f_ghz, point.eirp_dbm, point.slack_db, repr(point.pattern), point.tolerance_m]) for point in points
    ]  # fmt: skip
    return Memo(memory[key], names)


def _judge(gathered: _Gathered, shift_db: float, cells: Cells, before: Before | None) -> _Both:
    demand = gathered.asked.demand
    second = None if demand.secondary_dbm is None else demand.secondary_dbm + shift_db
    harder = replace(demand, rssi_dbm=demand.rssi_dbm + shift_db, secondary_dbm=second)
    own = None if before is None else Before(before.known.signal, before.row)
    sent, among = gathered.radios.sent, gathered.asked.among
    got = signal(sent, among, harder, cells, own, gathered.book)
    if gathered.sinr_db is None:
        return _Both(got, None)
    least = (harder.rssi_dbm, gathered.sinr_db)
    size = max(500_000 // max(len(sent), 1), 1)
    found = in_parts(cells, size, lambda part, _: clear(sent, among, harder.medium, gathered.air, part, least))
    return _Both(got, Clear(*(np.concatenate([getattr(part, name) for part in found]) for name in Clear.__dataclass_fields__)))


def _judged(gathered: _Gathered, found: Covered) -> JudgedCells:
    both: _Both = found.first
    first, rssi = both.signal, gathered.asked.demand.rssi_dbm
    reasons = why(gathered.asked, first)
    if both.clear is not None:
        noisy = first.covered & ~both.clear.covered
        reasons = ["interference" if is_noisy else reason for is_noisy, reason in zip(noisy.tolist(), reasons, strict=True)]
    blockers = [
        name if reason == "occluded" else None
        for name, reason in zip(names_of(first.blocker, gathered.asked.among.ids), reasons, strict=True)
    ]
    short = rssi - first.level
    if both.clear is not None and gathered.sinr_db is not None:
        short = np.where(np.array(reasons) == "interference", gathered.sinr_db - both.clear.sinr, short)
    return JudgedCells(
        gathered.surface, found.cells, found.areas.covered, found.areas.sure, found.areas.possible, first.level, "dBm", reasons, blockers,
        gathered.cut[1], METHOD, found.areas.convergence, deficits(first.level, rssi, found.cells, len(gathered.surface.pieces)),
        np.where(short > 0, short, np.nan), dict.fromkeys(DB_REASONS, "dB"),
    )  # fmt: skip


def why(asked: Asked, first: Signal) -> list[str]:
    """Why each cell, or the part of it that is missing, is not covered by signals of enough strength."""
    if not len(asked.radios.sent):
        return ["no_device"] * len(first.level)
    walled = (first.blocker >= 0) & (first.clear >= asked.demand.rssi_dbm)
    reason = np.where(walled, "occluded", "below_threshold" if asked.demand.model in {"p1238", "breakpoint"} else "out_of_range")
    return [str(name) for name in reason]


def _inputs(gathered: _Gathered) -> Inputs:
    resting = len(gathered.radios.resting) / len(gathered.points) if gathered.points else None
    return Inputs(digest([*gathered.points, gathered.surface, gathered.obstacles]), len(gathered.points), resting)


def _extra(gathered: _Gathered, found: Covered, sigma_db: float | None) -> dict[str, Any]:
    first: Signal = found.first.signal
    return {
        "statistics": statistics(first.level, gathered.asked.demand.rssi_dbm, sigma_db, found),
        "access_points": _by_access_point(gathered.radios, first, found.cells),
        "cells_judged": found.areas.judged,
        "undecided_m2": round(found.areas.undecided_m2, 3),
        "assumed_walls": int(gathered.asked.among.walls.assumed.sum()),
    }


def _by_access_point(radios: Radios, first: Signal, cells: Cells) -> list[dict[str, Any]]:
    """For each access point the area that it serves best. [m2]"""
    serving = first.covered & (first.best >= 0)
    owner = np.asarray(radios.sent.owner)
    served = (
        np.bincount(owner[first.best[serving]], cells.area[serving], len(radios.device)) if serving.any() else np.zeros(len(radios.device))
    )
    return [{"id": device.id, "best_server_m2": round(area, 2)} for device, area in zip(radios.device, served.tolist(), strict=True)]


def _models(gathered: _Gathered) -> dict[str, Any]:
    """The models to hold beside the one that was asked for: those that need no other barriers."""
    asked = gathered.asked
    if asked.demand.model in COUNTING:
        return {}
    return {
        model: lambda model=model: with_model(asked, model)
        for model in ("walls", "walls_breakpoint", "p1238")
        if model != asked.demand.model
    }


def _undecided(result: Result, found: Covered) -> list[dict[str, Any]]:
    """What cells that are mixed at the least size leave open."""
    total = float(found.cells.area.sum())
    if total <= 0 or not found.areas.undecided_m2 or result.value is None or result.lower is None or result.upper is None:
        return []
    off = found.areas.undecided_m2 / total
    return [row("undecided_cells", 0, [max(result.value - off, result.lower), min(result.value + off, result.upper)])]


MEASURE = Measure(
    id="wifi_area_share",
    title_en="Wi-Fi coverage",
    title_zh="Wi-Fi覆盖率",
    unit="1",
    quantity="m2",
    parameters=(
        Parameter("surface", "crowded_rooms", "name", "Chengdu guide 3(1)1(2)", "Where coverage is asked for", "评价范围"),
        Parameter(
            "usages", [], "name", "indicators.yaml crowded_rooms", "Usages of rooms instead of the surface's own", "替代默认的房间用途"),
        Parameter(
            "rssi_dbm", -67.0, "dBm", "common practice at the cell edge; no standard states one", "Least received power", "最低接收功率"),
        Parameter(
            "model", "walls", "", "ITU-R P.525, P.2040-3, P.1238-11; COST 231 4.7; IEEE 802.11-03/940r4 (TGn), 11-14/0980 (TGax)",
            "How loss between is computed", "传播模型", WIFI_MODELS),
        Parameter(
            "surroundings", "office", "", "assumption", "Kind of place, for models that know no walls: breakpoint, tgax, p1238",
            "场所类型（用于不区分墙体的模型）", tuple(SURROUNDINGS)),
        Parameter(
            "breakpoint_m", None, "m", "IEEE 802.11-03/940r4 table 1: 5 to 30 by surroundings", "Distance at which the slope breaks",
            "路径损耗转折距离", between=(0.5, 1000.0)),
        Parameter("bands", list(OPEN_BANDS), "GHz", "MIIT 2021-129: bands open to WLAN in China; 6 GHz is not", "Bands that count",
                  "计入的频段"),
        Parameter("networks", [], "name", "indicators.yaml: park-managed networks", "Networks (ssid) that count; none named: all",
                  "计入的网络（ssid），不填为全部"),
        Parameter("target_height_m", 1.2, "m", "a seated user", "Height above the floor", "评价高度", between=NOT_NEGATIVE),
        Parameter("k", 1, "1", "assumption", "How many access points must reach a place", "需要的接入点数量", between=SEVERAL),
        Parameter("secondary_dbm", None, "dBm", "common practice: -75 dBm", "Least power of a second access point",
                  "第二接入点的最低接收功率"),
        Parameter("sinr_db", None, "dB", "common practice: 25 dB", "Least signal over noise and interference", "最低信干噪比"),
        Parameter("load", 0.5, "1", "assumption: channels in use half of the time", "Share of the time others send", "同频占用率",
                  between=SHARE),
        Parameter("noise_dbm", None, "dBm", "kTB over the channel and 7 dB: IEEE 802.11-14/0980", "Noise in the channel", "信道噪声"),
        Parameter("client_dbm", None, "dBm", "14 dBm is common for phones", "EIRP of a client that must be heard as well",
                  "终端发射功率（校核上行）"),
        Parameter("uplink_dbm", None, "dBm", "as rssi_dbm", "Least power of that client at the access point", "上行最低接收功率"),
        Parameter("doors", "unknown", "", "twin.scene.state", "State of doors", "门的状态", ("unknown", "closed", "open")),
        Parameter("windows", "closed", "", "assumption", "State of windows", "窗的状态", ("unknown", "closed", "open")),
        Parameter("vegetation", "unknown", "", "ITU-R P.833-9", "Trees in leaf or clear", "植被状态", ("unknown", "opaque", "clear")),
        Parameter(
            "sigma_db", None, "dB", "ITU-R P.1238-11 table 2: 3.8 to 5", "Shadowing; the value is then the expected share",
            "阴影衰落标准差；给出时取期望覆盖率", between=FADING),
        Parameter("step_m", None, "m", "0.5 m, doubled on large surfaces", "Edge of a cell", "网格步长", between=STEP),
        Parameter("statuses", ["in_service"], "name", "indicators.yaml conventions", "Statuses that count", "计入的状态"),
    ),
    sources=(
        "ITU-R P.2040-3", "ITU-R P.525", "ITU-R P.1238-11", "ITU-R P.833-9", "COST 231 4.7", "IEEE 802.11-03/940r4", "IEEE 802.11-14/0980",
        "3GPP TR 38.802", "MIIT 2021-129",
    ),
    compute=_compute,
    partly=_ready,
)  # fmt: skip
