"""display_area_share: the share of ground or floor from which a display can be read."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from twin.coverage.bounded import Judge
from twin.coverage.legible import REASONS, Readable, readable, verdicts
from twin.coverage.sightlines import Lines, as_points, freed, pairs, settled, these, with_most_in_the_way
from twin.measures.displays import Screens, gather_screens
from twin.measures.emitters import (
    DOORS,
    METHOD,
    STATUSES,
    VEGETATION,
    Ground,
    Scenes,
    blockers_of,
    covered,
    ground_cells,
    looked,
    opened,
    remembered_digest,
    scenes,
    share_of,
    widest_first,
)
from twin.measures.evidence import Inputs, JudgedCells, area_result, digest
from twin.measures.placed import placed_devices
from twin.measures.surfaces import gather_surface
from twin.result import NOT_NEGATIVE, STEP, Measure, Parameter, Request, Result
from twin.store import Store

USUAL_STEP_M = 2.0
HIDDEN = len(REASONS)


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    among = scenes(store, asked["doors"], asked["vegetation"])
    surface = gather_surface(store, asked["surface"])
    ground = ground_cells(store, surface, asked["step_m"], USUAL_STEP_M, asked["target_height_m"], among.worst)
    devices, nowhere = placed_devices(store, "display", asked["statuses"])
    screens = gather_screens(store, devices, near=asked["near_limit"])
    lines = looked(ground, among.pair, screens.displays.position, screens.displays.far_m[:, 2])
    first, found = covered(ground, _judge(screens, lines))
    sees = _seeing(ground, screens, lines)
    reasons = np.array([*REASONS, "occluded"], object)[first.reason] if devices else np.full(len(ground.cells), "no_device", object)
    lacking = ground.cells.area - found.covered > 1e-9
    hidden = np.flatnonzero(lacking & (first.reason == HIDDEN)) if devices else np.empty(0, np.int64)
    judged = JudgedCells(
        surface, ground.cells, found.covered, found.sure, found.possible, first.count.astype(float), "count",
        [str(reason) if bad else "" for reason, bad in zip(reasons, lacking.tolist(), strict=True)],
        blockers_of(among.worst, ground.cells, hidden, _nearest(screens, ground.cells.representative[hidden])),
        asked["target_height_m"], METHOD, found.convergence, {}, np.where(lacking, first.short_m, np.nan), {"out_of_range": "m"},
    )  # fmt: skip
    inputs = Inputs(
        digest([*devices, surface, remembered_digest(among.obstacles)]),
        len(devices),
        len(screens.resting) / len(devices) if devices else None,
    )
    value = float(found.covered.sum()) / max(surface.area, 1e-12)
    opening = widest_first(_sensitivity(ground, among, screens, lines, first), value)
    area, cell, number = ground.cells.area, *sees
    count = np.bincount(cell, minlength=len(area))
    mine, alone = (np.bincount(number[keep], area[cell[keep]], len(devices)) for keep in (count[cell] > 0, count[cell] == 1))
    result = area_result(
        MEASURE, request, judged, store.park().frame, inputs=inputs, started=started, warnings=[*nowhere, *screens.warnings],
        extra={"undecided_m2": round(found.undecided_m2, 3)}, sensitivity=opening,
        devices=[
            {"id": device.id, "covered": round(float(own), 3), "lost": round(float(lost), 3)}
            for device, own, lost in zip(devices, mine, alone, strict=True)
        ],
    )  # fmt: skip
    known = ~np.isin(number, [k for k, device in enumerate(devices) if device.id in set(screens.resting)])
    resting = (count > 0) & (np.bincount(cell[known], minlength=len(area)) == 0)
    total = float(area[count > 0].sum())
    return replace(result, inputs={**result.inputs, "resting_share": float(area[resting].sum()) / total if total > 0 else None})


def _judge(screens: Screens, lines: Lines) -> Judge:
    return lambda cells, _: readable(screens.displays, lines, cells)


def _seeing(ground: Ground, screens: Screens, lines: Lines) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs of a cell and a display (k,), (k,) that is read from the cell's point."""
    cell, number = pairs(lines)
    keep = np.zeros(len(cell), bool)
    points = ground.cells.representative
    for k in np.flatnonzero(~np.isnan(screens.displays.azimuth_rad)).tolist():
        rows = np.flatnonzero(number == k)
        keep[rows] = verdicts(_one(screens, k), points[cell[rows]])[:, 0] == 0
    return cell[keep], number[keep]


def _one(screens: Screens, k: int) -> Any:
    of = screens.displays
    return type(of)(of.position[[k]], of.azimuth_rad[[k]], of.near_m[[k]], of.far_m[[k]][:, [1, 1, 1]])


def _nearest(screens: Screens, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The place of the display that would be read from each point (k, 3), were nothing in the way: (k, 3)."""
    if not len(points):
        return np.empty((0, 3))
    of, nearest, best = screens.displays, np.full(len(points), np.inf), np.zeros(len(points), np.int64)
    for k, rows in enumerate(KDTree(points).query_ball_point(of.position, of.far_m[:, 1] * (1 + 1e-9))):
        away = np.linalg.norm(points[rows] - of.position[k], axis=1)
        closer = (verdicts(_one(screens, k), points[rows])[:, 0] == 0) & (away < nearest[rows])
        chosen = np.array(rows, np.int64)[closer]
        nearest[chosen], best[chosen] = away[closer], k
    return of.position[best]


def _sensitivity(ground: Ground, among: Scenes, screens: Screens, lines: Lines, first: Readable) -> list[Any]:
    """What opens the bounds: directions and pitches nobody gives, doors and leaves, cells that could not be decided."""
    cells, spots, of = ground.cells, as_points(ground.cells), screens.displays
    value, rows = share_of(cells, first.covered), list[Any]()
    certain = replace(of, far_m=of.far_m[:, [1, 1, 1]], azimuth_rad=of.azimuth_rad)
    known = np.flatnonzero(~np.isnan(of.azimuth_rad))
    if "azimuth_deg" in screens.assumed:
        got = readable(certain, settled(lines), spots)
        rows.append(opened("azimuth_deg", len(screens.assumed["azimuth_deg"]), value, share_of(cells, got.possible)))
    if "pitch_mm" in screens.assumed:
        low, high = (share_of(cells, readable(replace(of, far_m=of.far_m[:, [k, k, k]]), settled(lines), spots).covered) for k in (0, 2))
        rows.append(opened("pitch_mm", len(screens.assumed["pitch_mm"]), low, high))
    for name, scene in among.single.items():
        more = settled(freed(lines, scene, of.position))
        rows.append(opened(name, len(screens.devices), value, max(value, share_of(cells, readable(certain, more, spots).covered))))
    if len(known):
        sure = replace(certain, position=certain.position[known], azimuth_rad=certain.azimuth_rad[known], near_m=certain.near_m[known],
                       far_m=certain.far_m[known])  # fmt: skip
        alone = with_most_in_the_way(these(lines, known))
        exact = covered(ground, lambda part, _: readable(sure, alone, part))[1]
        total = max(float(cells.area.sum()), 1e-12)
        rows.append(opened("undecided_cells", len(known), float(exact.sure.sum()) / total, float(exact.possible.sum()) / total))
    return rows


MEASURE = Measure(
    id="display_area_share",
    title_en="Area from which a display is read",
    title_zh="电子显示设备可视范围覆盖率",
    unit="1",
    quantity="m2",
    parameters=(
        Parameter("surface", "outdoor_public_ground", "name", "assumption", "Where displays are to be read", "评价范围"),
        Parameter("near_limit", False, "", "GB 50464-2008 4.2.1: nearest distance", "Places too near for the pitch do not count",
                  "小于最小视距的位置不计"),
        Parameter("target_height_m", 1.6, "m", "eyes of a standing person", "Height of the eyes", "视点高度", between=NOT_NEGATIVE),
        Parameter("step_m", None, "m", "2 m, doubled on large surfaces", "Edge of a cell; cells are cut finer where it matters", "网格步长",
                  between=STEP),
        DOORS, VEGETATION, STATUSES,
    ),
    sources=("GB 50464-2008",),
    compute=_compute,
)  # fmt: skip
