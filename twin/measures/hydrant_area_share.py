"""hydrant_area_share: the share of the ground within reach of an outdoor hydrant: by hose, round what is in the way, or in a circle."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from twin.coverage.bounded import Areas, Before, areas
from twin.coverage.cells import Cells, grid
from twin.coverage.hydrants import RADIUS_M, Reached, reached, way_lengths, ways
from twin.measures.emitters import BUDGET, FINEST_PARTS, STATUSES, widest_first
from twin.measures.evidence import Inputs, JudgedCells, area_result, digest
from twin.measures.hydrants import Hydrants, gather_hydrants, standing
from twin.measures.radio import step_of
from twin.measures.surfaces import gather_surface
from twin.result import NOT_NEGATIVE, STEP, Measure, Parameter, Request, Result
from twin.scene.ground import ground_of
from twin.store import Store

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

USUAL_STEP_M = 4.0
METHOD = "shortest ways round corners; a way changes no faster than one walks, which bounds each cell; mixed cells cut"


@dataclass(frozen=True)
class _Circles:
    """What cells have of circles round hydrants."""

    covered: BoolArray
    sure: BoolArray
    possible: BoolArray

    @property
    def mixed(self) -> BoolArray:
        return self.possible & ~self.sure


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    surface = gather_surface(store, asked["surface"])
    step = step_of(surface, asked["step_m"], USUAL_STEP_M)
    cells = grid(surface, step, 0.0, ground_of(store))
    most = asked["reach_m"]
    hydrants = gather_hydrants(store, asked["statuses"], most, asked["barred"], margin_m=2.0 * step)

    def by_hose(part: Cells, _: Before | None) -> Reached:
        return reached(hydrants.ground, hydrants.starts, hydrants.place, part, most)

    def in_circle(part: Cells, _: Before | None) -> _Circles:
        return _circles(part, hydrants.place, most)

    first = by_hose(cells, None)
    judge = by_hose if asked["rule"] == "hose" else in_circle
    found = areas(cells, first if judge is by_hose else in_circle(cells, None), judge, least_m=step / FINEST_PARTS, budget=BUDGET)
    other = in_circle(cells, None).covered if judge is by_hose else first.covered
    rows = _marginal(cells, found, hydrants, most, by_hose=judge is by_hose)
    barred = [shape.wkb_hex for shape in hydrants.ground.blocked]
    inputs = Inputs(digest([*hydrants.devices, surface, barred]), len(hydrants.devices), 0.0 if hydrants.devices else None)
    total = float(cells.area.sum())
    sensitivity = [] if total <= 0 else [
        {"what": "undecided_cells", "devices": len(hydrants.devices), "lower": float(found.sure.sum()) / total,
         "upper": float(found.possible.sum()) / total, "width": float((found.possible - found.sure).sum()) / total},
    ]  # fmt: skip
    told = standing(store, hydrants)
    extra = {
        ("radius_share" if judge is by_hose else "hose_share"): float(cells.area[other].sum()) / total if total > 0 else None,
        "hydrants": told,
        "too_far_apart": sum(row["too_far_apart"] for row in told),
        "too_far_from_kerb": sum(row["too_far_from_kerb"] for row in told),
        "too_near_wall": sum(row["too_near_wall"] for row in told),
    }
    judged = _judged(surface, cells, first, found, (hydrants, most, asked))
    result = area_result(
        MEASURE, request, judged, store.park().frame, inputs=inputs, started=started, warnings=hydrants.warnings, extra=extra, devices=rows,
        sensitivity=widest_first(sensitivity),
    )  # fmt: skip
    return replace(result, inputs={**result.inputs, "resting_share": 0.0 if result.numerator > 0 else None})


def _circles(cells: Cells, hydrants: FloatArray, most: float) -> _Circles:
    n = len(cells)
    if not len(hydrants):
        return _Circles(*(np.zeros(n, bool) for _ in range(3)))
    own = cells.representative[:, :2]
    best, near, far = (np.full(n, np.inf) for _ in range(3))
    room = most + 2.0 * float(cells.half.max(initial=0.0)) + 1e-6  # beyond, no place of a cell is within reach
    for place, rows in zip(hydrants, KDTree(cells.centre[:, :2]).query_ball_point(hydrants, room) if n else [], strict=False):
        off, half = np.abs(cells.centre[rows, :2] - place), cells.half[rows, None]
        best[rows] = np.minimum(best[rows], np.hypot(*(own[rows] - place).T))
        near[rows] = np.minimum(near[rows], np.hypot(*np.maximum(off - half, 0.0).T))
        far[rows] = np.minimum(far[rows], np.hypot(*(off + half).T))
    return _Circles(best <= most, far <= most, near <= most)


def _marginal(cells: Cells, found: Areas, hydrants: Hydrants, most: float, *, by_hose: bool) -> list[dict[str, Any]]:
    """What each hydrant covers, and what would be lost without it [m2], by the cells' own points."""
    points = cells.representative[:, :2]
    count, sole = np.zeros(len(cells), np.int64), np.full(len(cells), -1, np.int64)
    own: list[float] = []
    tree = KDTree(points)
    for k, place in enumerate(hydrants.place):
        near = np.array(tree.query_ball_point(place, most * (1 + 1e-9), return_sorted=True), np.int64)
        near = near[np.hypot(*(points[near] - place).T) <= most]
        if by_hose and len(near):
            start = ways(hydrants.ground, place[None], most)
            near = near[np.isfinite(_lengths(hydrants, start, points[near], most))]
        own.append(float(found.covered[near].sum()))
        count[near] += 1
        sole[near] = k
    lost = np.bincount(sole[count == 1], found.covered[count == 1], len(hydrants.devices)) if len(hydrants.devices) else []
    return [
        {"id": device.id, "covered": round(covered, 3), "lost": round(float(alone), 3)}
        for device, covered, alone in zip(hydrants.devices, own, lost, strict=True)
    ]


def _lengths(hydrants: Hydrants, start: Any, points: FloatArray, most: float) -> FloatArray:
    return way_lengths(hydrants.ground, start, points, most)[0]


def _judged(surface: Any, cells: Cells, first: Reached, found: Areas, told: tuple[Hydrants, float, Mapping[str, Any]]) -> JudgedCells:
    hydrants, most, asked = told
    lacking = cells.area - found.covered > 1e-9
    within = first.straight <= most
    if asked["rule"] == "hose":
        reasons = np.where(lacking, np.where(within, "occluded", "out_of_range"), "")
        value = first.way
    else:
        reasons, value = np.where(lacking, "out_of_range", ""), first.straight
    reasons = reasons if hydrants.devices else np.where(lacking, "no_device", "")
    short = np.where(lacking & ~within & np.isfinite(first.straight), first.straight - most, np.nan)
    return JudgedCells(
        surface, cells, found.covered, found.sure, found.possible, np.where(np.isfinite(value), value, math.nan), "m",
        [str(reason) for reason in reasons], [None] * len(cells), 0.0, METHOD, found.convergence, {}, short, {"out_of_range": "m"},
    )  # fmt: skip


MEASURE = Measure(
    id="hydrant_area_share",
    title_en="Ground within reach of a hydrant",
    title_zh="室外消火栓保护覆盖率",
    unit="1",
    quantity="m2",
    parameters=(
        Parameter("surface", "outdoor_public_ground", "name", "indicators.yaml fire_facility_provision: outdoor ground",
                  "Where hydrants must reach", "评价范围"),
        Parameter("rule", "hose", "", "assumption: as firemen lay it", "Reach by hose round obstacles, or in a circle",
                  "判定口径：水带绕行距离或保护半径", ("hose", "radius")),
        Parameter("reach_m", RADIUS_M, "m", "GB 50974-2014 7.3.2: protection radius", "Greatest distance", "最大距离",
                  between=NOT_NEGATIVE),
        Parameter("barred", ["building", "barrier", "water"], "name", "assumption", "What no hose is laid across", "水带不可穿越的要素"),
        Parameter("step_m", None, "m", "4 m, doubled on large surfaces", "Edge of a cell; cells are cut finer where it matters", "网格步长",
                  between=STEP),
        STATUSES,
    ),
    sources=("GB 50974-2014",),
    compute=_compute,
)  # fmt: skip
