"""broadcast_area_share: the share of ground or floor where the public address is heard.

What counts is the parameter `mode`:

* `sound_level`: the level of all speakers together is `margin_db` over the ambient noise, and at least `min_level_db`;
* `distance`: a speaker is within `distance_m` in a straight line (GB 50116 6.6: 25 m);
* `zone_presence`: a zone, storey or room has a speaker, and counts as a whole.

Each zone's row says how many speakers stand in it and its mean level, whichever mode counts.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.bounded import Areas, Judge
from twin.coverage.cells import Cells
from twin.coverage.sightlines import Lines, as_points, blocks, freed, pairs, settled, with_most_in_the_way
from twin.coverage.sound import Heard, Speakers, Walls, energies, heard, level_db, reach_m
from twin.coverage.surface import Piece
from twin.devices import mounting_height, positions
from twin.measures.emitters import (
    DOORS,
    METHOD,
    STATUSES,
    Ground,
    Scenes,
    contributions,
    covered,
    ground_cells,
    looked,
    opened,
    proud,
    remembered_digest,
    scenes,
    share_of,
    widest_first,
)
from twin.measures.evidence import Inputs, JudgedCells, area_result, digest
from twin.measures.placed import placed_devices
from twin.measures.radio import barriers, names_of
from twin.measures.spoken import amount
from twin.measures.surfaces import gather_surface
from twin.model import Device
from twin.result import NOT_NEGATIVE, STEP, Measure, Parameter, Request, Result
from twin.scene.state import CLEAR
from twin.store import Store

FloatArray = NDArray[np.float64]

USUAL_STEP_M = 4.0
USUAL_SPL_DB, USUAL_POWER_W = 90.0, 10.0  # at 1 m from 1 W, and power, of a speaker that says neither
SLACK_DB: Mapping[str, float] = {"spl_1m_db": 6.0, "power_w": 6.0}  # how far each may be off where it is assumed
FOLLOWED_DB = 25.0  # a speaker is followed to where it is this far below what is asked
ABOVE_WALLS_DB = 5.0  # the least figure for what stands between: an edge alone takes as much


@dataclass(frozen=True)
class Sources:
    """The speakers that count, and what is assumed of them."""

    devices: Sequence[Device]
    speakers: Speakers
    assumed: Mapping[str, Sequence[int]]
    warnings: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Found:
    """What is heard of a surface."""

    first: Heard
    areas: Areas
    lines: Lines
    reach: FloatArray  # (m,)
    rows: Sequence[Mapping[str, Any]]  # of the result's devices


@dataclass(frozen=True)
class _Near:
    """Cells with a speaker within a straight distance: at their point, everywhere, somewhere."""

    covered: NDArray[np.bool_]
    sure: NDArray[np.bool_]
    possible: NDArray[np.bool_]

    @property
    def mixed(self) -> NDArray[np.bool_]:
        return self.possible & ~self.sure


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    among = scenes(store, asked["doors"], CLEAR)
    surface = gather_surface(store, asked["surface"])
    ground = ground_cells(store, surface, asked["step_m"], USUAL_STEP_M, asked["target_height_m"], among.worst)
    devices, nowhere = placed_devices(store, "speaker", asked["statuses"])
    sources = gather_speakers(store, devices)
    walls = _walls(store, asked)
    wanted = max(asked["ambient_db"] + asked["margin_db"], asked["min_level_db"] or -math.inf)
    found = _heard(ground, among, sources, walls, wanted)
    columns = _by_zone(ground, found, sources)
    areas, opening = found.areas, list[Mapping[str, Any]]()
    if asked["mode"] == "sound_level":
        opening = _sensitivity(ground, among, sources, walls, (found, wanted))
    elif asked["mode"] == "distance":
        areas = covered(ground, _near_judge(sources.speakers.position, asked["distance_m"]))[1]
    else:
        areas = _zones_with(ground, columns["speakers"])
    inputs = Inputs(
        digest([*sources.devices, surface, remembered_digest(among.obstacles)]), len(sources.devices),
        len({i for rows in sources.assumed.values() for i in rows}) / len(sources.devices) if sources.devices else None,
    )  # fmt: skip
    judged = _judged(ground, found, areas, columns, (asked, wanted, _names(walls)))
    result = area_result(
        MEASURE, request, judged, store.park().frame, inputs=inputs, started=started, warnings=[*nowhere, *sources.warnings],
        extra=_extra(ground, found, areas, wanted), devices=found.rows, sensitivity=widest_first(opening, share_of_area(ground, areas)),
    )  # fmt: skip
    return replace(result, inputs={**result.inputs, "resting_share": _resting(ground, sources, found)})


def share_of_area(ground: Ground, found: Areas) -> float:
    """The share of the ground that is covered. [1]"""
    return float(found.covered.sum()) / max(float(ground.cells.area.sum()), 1e-12)


def gather_speakers(store: Store, devices: Sequence[Device]) -> Sources:
    """Devices as loudspeakers; what their tables do not say is assumed."""
    places, buried = proud(store, devices, positions(store, devices))
    assumed: dict[str, list[int]] = {}
    level = np.zeros((len(devices), 3))
    turn, tilt, angle = (np.zeros(len(devices)) for _ in range(3))
    for i, device in enumerate(devices):
        spl, power = amount(device, "spl_1m_db", most=200.0), amount(device, "power_w", least=1e-6)
        unsaid = [name for name, value in (("spl_1m_db", spl), ("power_w", power)) if value is None]
        middle = level_db(USUAL_SPL_DB if spl is None else spl, USUAL_POWER_W if power is None else power)
        slack = sum(SLACK_DB[name] for name in unsaid)
        level[i] = middle - slack, middle, middle + slack
        wide, azimuth = amount(device, "coverage_deg", most=360.0), amount(device, "azimuth_deg", most=360.0)
        angle[i] = 2 * math.pi if wide is None else math.radians(max(wide, 1.0))
        turn[i] = math.radians(azimuth) if azimuth is not None else math.nan if wide is not None and wide < 360.0 else 0.0
        tilt[i] = math.radians(amount(device, "tilt_deg", least=-90.0, most=90.0) or 0.0)
        unsaid += ["azimuth_deg"] if math.isnan(turn[i]) else []
        unsaid += ["height_m"] if device.z_m is None and mounting_height(device)[1] else []
        for name in unsaid:
            assumed.setdefault(name, []).append(i)
    told: list[Mapping[str, Any]] = [] if devices else [{"code": "no_devices", "subject": "speaker"}]
    for name, rows in sorted(assumed.items()):
        ids = [devices[i].id for i in rows]
        told.append({"code": "attribute_assumed", "subject": "speaker", "attribute": name, "count": len(ids), "ids": ids})
    if buried:
        told.append({"code": "device_inside_building", "subject": "speaker", "count": len(buried), "ids": buried})
    return Sources(devices, Speakers(places, level, turn, tilt, angle), assumed, told)


def _walls(store: Store, asked: Mapping[str, Any]) -> Walls:
    if asked["walls"] == "mass":
        return Walls(barriers(store)[1])
    return Walls(None, math.inf if asked["walls"] == "block" else asked["wall_db"])


def _names(walls: Walls) -> Sequence[str]:
    return walls.barriers.ids if walls.barriers is not None else ()


def _judge(speakers: Speakers, lines: Lines, walls: Walls, wanted: float, reach: FloatArray) -> Judge:
    return lambda cells, _: heard(speakers, lines, walls, cells, asked_db=np.full(len(cells), wanted), reach=reach)


def _heard(ground: Ground, among: Scenes, sources: Sources, walls: Walls, wanted: float) -> Found:
    """What is heard of the ground, and what each speaker does for it."""
    speakers = sources.speakers
    reach = reach_m(speakers, wanted - FOLLOWED_DB)
    lines = looked(ground, among.pair, speakers.position, reach)
    first, areas = covered(ground, _judge(speakers, lines, walls, wanted, reach))
    cell, number = pairs(lines)
    given = energies(speakers, number, ground.cells.representative[cell])
    total, asked = 10.0 ** (first.point / 10.0), 10.0 ** (first.asked / 10.0)
    rows, _ = contributions(sources.devices, ground.cells.area, total, asked, (cell, number, given))
    return Found(first, areas, lines, reach, rows)


def _sensitivity(ground: Ground, among: Scenes, sources: Sources, walls: Walls, told: tuple[Found, float]) -> list[Mapping[str, Any]]:
    """What opens the bounds: attributes that are assumed, doors, and cells that could not be decided."""
    found, wanted = told
    speakers, cells = sources.speakers, ground.cells
    certain = replace(speakers, level_db=speakers.level_db[:, [1, 1, 1]], azimuth_rad=np.nan_to_num(speakers.azimuth_rad))
    rows: list[Mapping[str, Any]] = []
    for name, those in sources.assumed.items():
        if name not in SLACK_DB:
            continue
        shift = np.zeros(len(speakers))
        shift[list(those)] = SLACK_DB[name]
        low, high = (
            share_of(
                cells,
                _loud(
                    ground, replace(certain, level_db=certain.level_db + sign * shift[:, None]), found.lines, walls, (wanted, found.reach)
                ),
            )
            for sign in (-1.0, 1.0)
        )
        rows.append(opened(name, len(those), low, high))
    value = share_of(cells, np.asarray(found.first.covered, bool))
    for name, scene in among.single.items():
        more = freed(found.lines, scene, certain.position)
        rows.append(
            opened(name, len(certain), value, max(value, share_of(cells, _loud(ground, certain, more, walls, (wanted, found.reach)))))
        )
    alike = among.best is among.worst
    seen = with_most_in_the_way(found.lines)
    settled_already = alike and not any(name in SLACK_DB or name == "azimuth_deg" for name in sources.assumed)
    exact = found.areas if settled_already else covered(ground, _judge(certain, seen, walls, wanted, found.reach))[1]
    total = max(float(cells.area.sum()), 1e-12)
    return [
        *rows,
        opened("screens_and_undecided_cells", len(certain), float(exact.sure.sum()) / total, float(exact.possible.sum()) / total),
    ]


def _loud(ground: Ground, speakers: Speakers, lines: Lines, walls: Walls, asked: tuple[float, FloatArray]) -> NDArray[np.bool_]:
    """Whether cells (n,) are loud enough at their points."""
    got = _judge(speakers, settled(lines), walls, *asked)(as_points(ground.cells), None)
    return np.asarray(got.covered, bool)


def _near_judge(places: FloatArray, most_m: float) -> Judge:
    """What says of cells whether a speaker is near."""
    tree = shapely.STRtree(np.asarray(shapely.points(places[:, :2]), object))

    def judge(cells: Cells, _: Any) -> _Near:
        n = len(cells)
        if not len(places) or not n:
            return _Near(*(np.zeros(n, bool) for _ in range(3)))
        own = cells.representative
        best, slack = (
            np.full(n, np.inf),
            cells.half * math.sqrt(3.0) + np.ptp(cells.z_range, axis=1) + np.hypot(*(own - cells.centre)[:, :2].T),
        )
        cell, number = tree.query(np.asarray(shapely.points(own[:, :2]), object), predicate="dwithin", distance=most_m + float(slack.max()))
        np.minimum.at(best, cell, np.linalg.norm(own[cell] - places[number], axis=1))
        return _Near(best <= most_m, best + slack <= most_m, best - slack <= most_m)

    return judge


def _zones_with(ground: Ground, speakers: Sequence[int]) -> Areas:
    """The areas of the pieces that have a speaker, as a whole."""
    area = ground.cells.area * (np.array(speakers) > 0)[ground.cells.piece]
    return Areas(area, area, area, len(area), 0.0, 0.0)


def _by_zone(ground: Ground, found: Found, sources: Sources) -> dict[str, list[Any]]:
    """Of each piece: how many speakers stand in it, and its mean and least level. [dB]"""
    cells, pieces = ground.cells, ground.surface.pieces
    energy, area = 10.0 ** (found.first.point / 10.0), cells.area
    mean = np.bincount(cells.piece, energy * area, len(pieces)) / np.maximum(np.bincount(cells.piece, area, len(pieces)), 1e-12)
    least = np.full(len(pieces), np.inf)
    np.minimum.at(least, cells.piece, found.first.point)
    points = np.asarray(shapely.points(sources.speakers.position[:, :2]), object)
    return {
        "speakers": [_inside(piece, sources.devices, points) for piece in pieces],
        "mean_db": [round(10.0 * math.log10(value), 2) if value > 0 else None for value in mean.tolist()],
        "least_db": [round(value, 2) if math.isfinite(value) and value >= 0.0 else None for value in least.tolist()],
    }


def _inside(piece: Piece, devices: Sequence[Device], points: NDArray[np.object_]) -> int:
    """How many speakers stand in a piece: of a storey those on it, of the ground those that name none."""
    within = shapely.covers(piece.polygon, points) if len(points) else []
    return sum(
        bool(inside) and (device.storey_id == piece.storey_id or device.space_id == piece.id)
        for device, inside in zip(devices, within, strict=True)
    )


def _judged(
    ground: Ground, found: Found, areas: Areas, columns: Mapping[str, Sequence[Any]], told: tuple[Any, float, Sequence[str]]
) -> JudgedCells:
    asked, wanted, names = told
    cells, first = ground.cells, found.first
    lacking = cells.area - areas.covered > 1e-9
    usual = {"sound_level": "below_threshold", "distance": "out_of_range", "zone_presence": "not_installed"}[asked["mode"]]
    reasons = np.where(lacking, usual if len(found.reach) else "no_device", "")
    hidden = lacking & (first.point < wanted) & (first.clear >= wanted) & (asked["mode"] == "sound_level")
    reasons = np.where(hidden, "occluded", reasons)
    blockers = names_of(np.where(hidden & (first.blocker < len(names)), first.blocker, -1), names)
    short = np.where(lacking & np.isfinite(first.point) & (first.point < wanted), wanted - first.point, np.nan)
    return JudgedCells(
        ground.surface, cells, areas.covered, areas.sure, areas.possible, first.point, "dB", [str(reason) for reason in reasons], blockers,
        asked["target_height_m"], METHOD, areas.convergence, columns, short, {"below_threshold": "dB", "occluded": "dB"},
    )  # fmt: skip


def _resting(ground: Ground, sources: Sources, found: Found) -> float | None:
    """The share of what is covered that would not be without the speakers that rest on assumed attributes. [1]"""
    rest = {i for rows in sources.assumed.values() for i in rows}
    cell, number = pairs(found.lines)
    taken = np.isin(number, list(rest))
    given = energies(sources.speakers, number[taken], ground.cells.representative[cell[taken]])
    left = 10.0 ** (found.first.point / 10.0) - np.bincount(cell[taken], given, len(ground.cells))
    yes = np.asarray(found.first.covered, bool)
    total = float(ground.cells.area[yes].sum())
    lost = yes & (left < 10.0 ** (found.first.asked / 10.0) * (1 - 1e-9))
    return float(ground.cells.area[lost].sum()) / total if total > 0 else None


def _extra(ground: Ground, found: Found, areas: Areas, wanted: float) -> dict[str, Any]:
    in_sight = blocks(found.lines.field, ground.cells)
    return {
        "level_asked_db": wanted,
        "followed_m": float(found.reach.max()) if len(found.reach) else None,
        "cells": len(in_sight.root),
        "cells_judged": areas.judged,
        "undecided_m2": round(areas.undecided_m2, 3),
    }


MEASURE = Measure(
    id="broadcast_area_share",
    title_en="Public-address coverage",
    title_zh="广播覆盖率",
    unit="1",
    quantity="m2",
    parameters=(
        Parameter("surface", "outdoor_public_ground", "name", "indicators.yaml broadcast_area_share", "Where it must be heard", "评价范围"),
        Parameter("mode", "sound_level", "", "indicators.yaml broadcast_area_share: zone_presence is the alternative reading",
                  "What counts: level, straight distance, or a speaker in the zone", "判定口径：声压级、直线距离或分区设置",
                  ("sound_level", "distance", "zone_presence")),
        Parameter("ambient_db", 60.0, "dB", "GB 50116-2013 6.6: from 60 dB of noise on", "Ambient noise", "环境噪声", between=(0.0, 130.0)),
        Parameter("margin_db", 15.0, "dB", "GB 50116-2013 6.6: 15 dB; GB/T 50526: 12 dB", "Level over the ambient noise",
                  "高于环境噪声的声压级",                  between=(0.0, 60.0)),
        Parameter("min_level_db", None, "dB", "none in the documents", "Least level besides", "另行要求的最低声压级", between=(0.0, 130.0)),
        Parameter("distance_m", 25.0, "m", "GB 50116-2013 6.6.1", "Mode distance: farthest speaker", "距离口径的最大距离",
                  between=NOT_NEGATIVE),
        Parameter("walls", "mass", "", "law of mass; assumption", "What obstacles take: by mass, a figure, or everything",
                  "遮挡衰减：质量定律、给定值或全部",                  ("mass", "figure", "block")),
        Parameter("wall_db", 20.0, "dB", "ISO 9613-2 7.4: the most that a single edge takes", "The figure", "遮挡衰减给定值",
                  between=(ABOVE_WALLS_DB, 120.0)),
        Parameter("target_height_m", 1.5, "m", "ears of a standing person", "Height above floor or ground", "评价高度",
                  between=NOT_NEGATIVE),
        Parameter("step_m", None, "m", "4 m, doubled on large surfaces", "Edge of a cell; cells are cut finer where it matters", "网格步长",
                  between=STEP),
        DOORS, STATUSES,
    ),
    sources=("GB 50116-2013", "GB/T 50526-2021", "ISO 9613-2:1996"),
    compute=_compute,
)  # fmt: skip
