"""lighting_area_share: the share of roads or other ground that is lit to a level.

What counts is the parameter `rule`:

* `point`: a place counts where its illuminance reaches the least that the class allows anywhere, Eav times UE;
* `zone`: a zone counts as a whole where its mean illuminance reaches Eav and its least is at least UE of its mean.

Each zone's Eav, Emin and UE are in its row either way. Light thrown back by the ground and by walls is left out.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

from twin.coverage.bounded import Areas
from twin.coverage.lighting import CJJ45, CONCRETE, given
from twin.coverage.surface import Surface
from twin.measures.emitters import (
    DOORS,
    METHOD,
    STATUSES,
    VEGETATION,
    Ground,
    Scenes,
    blockers_of,
    contributions,
    ground_cells,
    remembered_digest,
    scenes,
)
from twin.measures.evidence import Inputs, JudgedCells, area_result, digest
from twin.measures.lighting import (
    DISTRIBUTIONS,
    LIFT_M,
    Lamps,
    Light,
    areas_of,
    fits,
    followed_m,
    gather_lamps,
    is_networked,
    light,
    places_of,
    sensitivity,
)
from twin.measures.placed import placed_devices
from twin.measures.surfaces import gather_surface
from twin.result import NOT_NEGATIVE, SHARE, STEP, Measure, Parameter, Request, Result
from twin.store import Store

FloatArray = NDArray[np.float64]

USUAL_STEP_M = 2.0
NEAREST = 16  # lamps that may be what an obstacle keeps from a place


@dataclass(frozen=True)
class Level:
    """What is asked of a road: mean illuminance [lx], uniformity Emin / Eav [1], and what a single place must reach [lx]."""

    mean: float
    uniformity: float
    point: float


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    level = level_of(asked)
    among = scenes(store, asked["doors"], asked["vegetation"])
    surface = gather_surface(store, asked["surface"])
    every, nowhere = placed_devices(store, "lamp", asked["statuses"])
    devices = [device for device in every if asked["luminaires"] == "all" or is_networked(device)]
    toward = shapely.union_all([piece.polygon for piece in surface.pieces])
    lamps = gather_lamps(store, devices, asked["distribution"], toward)
    ground = _ground(store, surface, among, lamps, asked)
    found = light(store, ground, among.pair, lamps, level.point, asked["mf"])
    columns = _by_zone(ground, found, level)
    areas = found.areas if asked["rule"] == "point" else _whole_zones(ground, columns)
    rows, _ = contributions(devices, ground.cells.area, found.first.point, found.first.asked, found.pairs)
    inputs = Inputs(
        digest([*devices, surface, store.photometries(), remembered_digest(among.obstacles)]),
        len(devices),
        len(lamps.resting) / len(devices) if devices else None,
    )
    opening = sensitivity(ground, among, lamps, found) if asked["rule"] == "point" else []
    judged = _judged(ground, among, lamps, found, (areas, columns, level, asked["target_height_m"]))
    result = area_result(
        MEASURE, request, judged, store.park().frame, inputs=inputs, started=started, warnings=[*nowhere, *lamps.warnings],
        extra=_extra(ground, found, level), devices=rows, sensitivity=opening,
    )  # fmt: skip
    return replace(result, inputs={**result.inputs, "resting_share": resting_share(ground, lamps, found)})


def lit_shares(store: Store, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The share of a surface that networked lamps, and that all lamps, light to the level: value and bounds, without the why."""
    level = level_of(asked)
    among = scenes(store, asked["doors"], asked["vegetation"])
    surface = gather_surface(store, asked["surface"])
    toward = shapely.union_all([piece.polygon for piece in surface.pieces])
    every, _ = placed_devices(store, "lamp", asked["statuses"])
    lamps = gather_lamps(store, every, asked["distribution"], toward)
    ground = _ground(store, surface, among, lamps, asked)
    whole = light(store, ground, among.pair, lamps, level.point, asked["mf"])
    networked = np.array([k for k, device in enumerate(every) if is_networked(device)], np.int64)
    own = whole.areas if len(networked) == len(every) else areas_of(ground, lamps, whole, networked)
    shares: dict[str, Any] = {"surface": surface.id, "area_m2": surface.area, "level_lx": level.point}
    for name, found in (("networked", own), ("all", whole.areas)):
        parts = (("value", found.covered), ("lower", np.minimum(found.sure, found.covered)), ("upper", found.possible))
        shares[name] = {key: float(part.sum()) / surface.area for key, part in parts}
    return shares


def _ground(store: Store, surface: Surface, among: Scenes, lamps: Lamps, asked: Mapping[str, Any]) -> Ground:
    """A surface as cells; where nobody asks for their edge, it is doubled until what lamps light of them can be held."""
    height, step = asked["target_height_m"] + LIFT_M, asked["step_m"]
    ground = ground_cells(store, surface, step, USUAL_STEP_M, height, among.worst)
    reach = followed_m(store, lamps, level_of(asked).point, asked["mf"])
    while step is None and not fits(ground, lamps, reach):
        ground = ground_cells(store, surface, 2 * ground.step, USUAL_STEP_M, height, among.worst)
    return ground


def level_of(asked: Mapping[str, Any]) -> Level:
    """What the parameters ask of a place."""
    low, high, uniformity = CJJ45[asked["road_class"]]
    mean = (high if asked["grade"] == "high" else low) * (CONCRETE if asked["pavement"] == "concrete" else 1.0)
    uniformity = asked["uniformity"] if asked["uniformity"] is not None else uniformity
    mean = asked["mean_lx"] if asked["mean_lx"] is not None else mean
    return Level(mean, uniformity, asked["level_lx"] if asked["level_lx"] is not None else mean * uniformity)


def resting_share(ground: Ground, lamps: Lamps, found: Light) -> float | None:
    """The share of what is covered that would not be without the lamps that rest on assumed attributes. [1]"""
    cell, number, given = found.pairs
    rest = np.isin(number, list(lamps.resting))
    without = found.first.point - np.bincount(cell[rest], given[rest], len(found.first.point))
    yes = found.first.covered
    total = float(ground.cells.area[yes].sum())
    return float(ground.cells.area[yes & (without < found.first.asked - 1e-9)].sum()) / total if total > 0 else None


def _by_zone(ground: Ground, found: Light, level: Level) -> dict[str, list[Any]]:
    """Mean and least illuminance and uniformity of each piece, with bounds, and whether it fulfils its class."""
    cells, pieces = ground.cells, len(ground.surface.pieces)
    columns: dict[str, list[Any]] = {
        name: [] for name in ("e_mean_lx", "e_min_lx", "uniformity", "meets_class", "meets_sure", "meets_perhaps")
    }
    order = np.argsort(cells.piece, kind="stable")
    for group in np.split(order, np.searchsorted(cells.piece[order], np.arange(1, pieces))):
        if not len(group):
            values: list[Any] = [None, None, None, None, False, False]
        else:
            mean, low, high = (
                float(np.average(part[group], weights=cells.area[group])) for part in (found.first.point, found.first.low, found.first.high)
            )
            least, bottom, top = (float(part[group].min()) for part in (found.first.point, found.first.low, found.first.high))
            even = least / mean if mean > 0 else 0.0
            meets = mean >= level.mean and even >= level.uniformity
            sure = low >= level.mean and bottom >= level.uniformity * high
            values = [round(mean, 3), round(least, 3), round(even, 4), meets, sure and meets,
                      meets or (high >= level.mean and top >= level.uniformity * low)]  # fmt: skip
        for name, value in zip(columns, values, strict=True):
            columns[name].append(value)
    return columns


def _whole_zones(ground: Ground, columns: Mapping[str, Sequence[Any]]) -> Areas:
    """The areas of the pieces that fulfil their class, as a whole."""
    piece, area = ground.cells.piece, ground.cells.area
    yes, sure, perhaps = (
        np.array([bool(each) for each in columns[name]])[piece] for name in ("meets_class", "meets_sure", "meets_perhaps")
    )
    return Areas(area * yes, area * sure, area * perhaps, len(area), float(area[perhaps & ~sure].sum()), 0.0)


def _judged(ground: Ground, among: Scenes, lamps: Lamps, found: Light, told: tuple[Areas, Mapping[str, Any], Level, float]) -> JudgedCells:
    areas, columns, level, height = told
    cells = ground.cells
    lacking = np.flatnonzero(cells.area - areas.covered > 1e-9)
    reasons, names = _why(ground, among, lamps, found, lacking)
    short = np.full(len(cells), np.nan)
    dark = lacking[found.first.point[lacking] < level.point]  # at its own point; a cell cut by the edge of the light has none
    short[dark] = level.point - found.first.point[dark]
    return JudgedCells(
        ground.surface, cells, areas.covered, areas.sure, areas.possible, found.first.point, "lx", reasons, names,
        height, METHOD, areas.convergence, columns, short,
        {"below_threshold": "lx", "occluded": "lx", "no_device": "lx"},
    )  # fmt: skip


def _why(ground: Ground, among: Scenes, lamps: Lamps, found: Light, lacking: NDArray[np.int64]) -> tuple[list[str], list[str | None]]:
    """Why cells are not lit: no lamp at all, something before the light of those near by, or too little light."""
    cells, m = ground.cells, len(lamps.devices)
    reasons: NDArray[np.object_] = np.full(len(cells), "", object)
    reasons[lacking] = "below_threshold" if m else "no_device"
    if not m or not len(lacking):
        return list(reasons), [None] * len(cells)
    points = places_of(ground)[lacking]
    near = KDTree(lamps.luminaires.position).query(points, k=min(NEAREST, m))[1].reshape(len(points), -1)  # (l, k)
    flat = given(lamps.luminaires, near.ravel(), np.repeat(points, near.shape[1], axis=0), mf=1.0).reshape(near.shape)
    dark = found.first.point[lacking] < found.first.asked[lacking]
    hidden = dark & (flat.sum(axis=1) * found.asked.mf >= found.first.asked[lacking])
    reasons[lacking[hidden]] = "occluded"
    strongest = near[np.arange(len(near)), flat.argmax(axis=1)][hidden]
    return list(reasons), blockers_of(among.worst, cells, lacking[hidden], lamps.luminaires.position[strongest])


def _extra(ground: Ground, found: Light, level: Level) -> dict[str, Any]:
    point, area = found.first.point, ground.cells.area
    total = float(area.sum())
    mean = float((point * area).sum() / total) if total > 0 else None
    least = float(point.min()) if len(point) else None
    return {
        "level": asdict(level),
        "e_mean_lx": mean,
        "e_min_lx": least,
        "uniformity": least / mean if mean and least is not None else None,
        "followed_m": float(found.asked.reach.max()) if len(found.asked.reach) else None,
        "cells_judged": found.areas.judged,
        "undecided_m2": round(found.areas.undecided_m2, 3),
    }


MEASURE = Measure(
    id="lighting_area_share",
    title_en="Lit area",
    title_zh="照明覆盖率（面积）",
    unit="1",
    quantity="m2",
    parameters=(
        Parameter("surface", "road_surface", "name", "indicators.yaml lighting_control_share", "Where light is asked for", "评价范围"),
        Parameter("road_class", "III", "", "CJJ 45-2015 3.3.2: local roads", "Class of the roads", "道路照明等级", tuple(CJJ45)),
        Parameter("grade", "low", "", "CJJ 45-2015 3.3.2", "Low or high grade of the class", "等级内的低档或高档", ("low", "high")),
        Parameter("pavement", "asphalt", "", "CJJ 45-2015 3.3.2: concrete needs 30 % less", "Pavement", "路面类型",
                  ("asphalt", "concrete")),
        Parameter("rule", "point", "", "assumption", "What counts: each place, or zones as a whole", "判定口径：逐点或整区",
                  ("point", "zone")),
        Parameter("mean_lx", None, "lx", "of the class", "Mean illuminance asked for instead", "替代的平均照度要求", between=NOT_NEGATIVE),
        Parameter("uniformity", None, "1", "of the class", "Emin / Eav asked for instead", "替代的照度均匀度要求", between=SHARE),
        Parameter("level_lx", None, "lx", "Eav UE of the class", "Illuminance that a place must reach instead", "替代的逐点照度要求",
                  between=(0.01, 1e6)),
        Parameter("luminaires", "all", "", "assumption", "All luminaires, or the networked ones alone", "计入全部灯具或仅联网灯具",
                  ("all", "networked")),
        Parameter("distribution", "lambertian", "", "assumption", "How a lamp without photometry shines", "无配光文件时的配光",
                  DISTRIBUTIONS),
        Parameter("mf", 0.7, "1", "CJJ 45: 0.70 for IP54 and better, 0.65 below", "Maintenance factor", "维护系数", between=(0.01, 1.0)),
        Parameter("target_height_m", 0.0, "m", "CJJ 45: on the road surface", "Height above the ground", "评价高度", between=NOT_NEGATIVE),
        Parameter("step_m", None, "m", "2 m, doubled on large surfaces", "Edge of a cell; cells are cut finer where it matters", "网格步长",
                  between=STEP),
        DOORS, VEGETATION, STATUSES,
    ),
    sources=("CJJ 45-2015", "CIE 140", "CIE 121"),
    compute=_compute,
)  # fmt: skip
