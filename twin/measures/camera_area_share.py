"""camera_area_share: the share of ground or floor that cameras see with enough detail."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from typing import Any

from twin.coverage.footprint import Footprint
from twin.coverage.levels import level_of
from twin.coverage.tally import contributions, tally
from twin.coverage.visibility import Covered, covered, covered_by
from twin.coverage.why import UNITS
from twin.measures.camera import (
    METHOD,
    SHADOWS,
    SHARED_PARAMETERS,
    Cameras,
    gather_cameras,
    in_bodies,
    reading_of,
    stage,
    states_of,
)  # fmt: skip
from twin.measures.evidence import Inputs, JudgedCells, area_result, digest
from twin.measures.ready import Ready
from twin.measures.surfaces import gather_surface
from twin.measures.watch import Sampled, Watch, by_mode, explained, sensitivity, watch_of, watched
from twin.measures.whatif import what_if
from twin.result import Measure, Parameter, Request, Result
from twin.store import Store


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    watch = _watch(store, asked)
    cameras = gather_cameras(watch.place.store, asked["statuses"], reading_of(asked))
    by_camera = watched(watch, cameras.views)
    counted = tally(watch.field, by_camera, watch.k)
    found = covered_by(counted)
    inputs = Inputs(digest([*cameras.devices, watch.surface, watch.place.sha256]), len(cameras.devices), cameras.defaulted_share)
    with ThreadPoolExecutor(1) as pool:  # what is in doubt is asked beside the gaps
        told = pool.submit(copy_context().run, _told, Sampled(watch, cameras), request, found)
        result = area_result(
            MEASURE, request, _judged(watch, found, cameras), store.park().frame, inputs=inputs, started=started,
            warnings=[*cameras.warnings, *in_bodies(watch.place, cameras), *contradictions(found)],
            resting_share=resting_share(watch, cameras, by_camera, found),
            devices=[{"id": name, "covered": each.covered, "lost": each.lost} for name, each in contributions(counted).items()],
        )  # fmt: skip
        opening, modes = told.result()
    extra = {**_extra(watch, asked, found), "ptz": modes}
    return replace(result, extra=extra, sensitivity=opening, seconds=round(time.perf_counter() - started, 3))


def _told(sampled: Sampled, request: Request, found: Covered) -> tuple[list[dict[str, Any]], dict[str, dict[str, float]]]:
    """What opens the bounds, where that is wanted, and the shares by the modes of cameras that turn."""
    asked = request.parameters
    return sensitivity(sampled, asked, found) if request.want_sensitivity else [], by_mode(sampled, asked, found)


def _ready(store: Store, request: Request) -> Ready:
    watch = _watch(store, request.parameters)
    return Ready("camera", watch.surface, watch.field, watch.k, *what_if(watch))


def _watch(store: Store, asked: Mapping[str, Any]) -> Watch:
    place = stage(store, asked["terrain"], states_of(asked))
    return watch_of(place, gather_surface(place.store, asked["surface"]), asked, asked["step_m"])


def _judged(watch: Watch, found: Covered, cameras: Cameras) -> JudgedCells:
    cells = watch.field.cells
    total = float(cells.area.sum())
    whole = found.value > cells.area / 2  # what the cells would say by themselves
    why = explained(watch, found, cameras.views)
    return JudgedCells(
        surface=watch.surface,
        cells=cells,
        covered=found.value,
        sure=found.lower,
        possible=found.upper,
        value=found.density,
        unit="px/m",
        reasons=why.reasons,
        blockers=why.blockers,
        target_height_m=watch.questions[0].target_height,
        method=SHADOWS + METHOD if found.exact.any() else METHOD,
        convergence=abs(float(cells.area[whole].sum()) - float(found.value.sum())) / total if total > 0 else 0.0,
        shortfall=why.shortfall,
        shortfall_units=UNITS,
    )


def resting_share(watch: Watch, cameras: Cameras, by_camera: Mapping[str, Footprint], found: Covered) -> float | None:
    """The share of what is covered that is covered only thanks to cameras resting on assumed attributes; None where nothing is."""
    whole = float(found.value.sum())
    if not cameras.resting:
        return 0.0 if whole > 0 else None
    firm = [footprint for name, footprint in by_camera.items() if name not in cameras.resting]
    return 1.0 - float(covered(watch.field, firm, watch.k).value.sum()) / whole if whole > 0 else None


def _extra(watch: Watch, asked: Mapping[str, Any], found: Covered) -> dict[str, Any]:
    criteria = watch.criteria
    return {
        "level": asked["level"] or level_of(asked["density_px_per_m"], asked["edition"]),
        "edition": asked["edition"],
        "density_px_per_m": criteria.density_px_per_m,
        "upright_px_per_m": criteria.upright_px_per_m,
        "heights_m": [question.target_height for question in watch.questions],
        "undecided_m2": float((found.upper - found.lower).sum()),
        "engines": engines(watch, found),
    }


def engines(watch: Watch, found: Covered) -> dict[str, float]:
    """The shares of the area that polygons draw and that certified cells speak of alone, the part of these that no camera sees, and by how
    much the two engines contradict each other. [1, 1, 1, m2]"""
    area = watch.field.cells.area
    total = float(area.sum())
    exact, unseen = (float(area[chosen].sum()) / total if total > 0 else 0.0 for chosen in (found.exact, ~found.exact & (found.upper <= 0)))
    return {
        "exact_shadows": exact, "certified_cells": 1.0 - exact, "certified_unseen": unseen, "contradiction_m2": float(found.apart.sum()),
    }  # fmt: skip


def contradictions(found: Covered) -> list[dict[str, Any]]:
    """The warning that the engines contradict each other; nothing where they do not."""
    apart = float(found.apart.sum())
    return [{"code": "engines_contradict", "amount": f"{apart:.3g}", "cells": int((found.apart > 0).sum())}] if apart > 0 else []


MEASURE = Measure(
    id="camera_area_share",
    title_en="Camera visual coverage by area",
    title_zh="视频监控覆盖率（面积）",
    unit="1",
    quantity="m2",
    parameters=(
        Parameter(
            "surface", "outdoor_public_ground", "name", "indicators.yaml camera_area_share", "Where coverage is asked for", "评价范围"
        ),
        *SHARED_PARAMETERS,
    ),
    sources=("IEC 62676-4:2025", "IEC 62676-4:2014", "DB31/T 329.1-2019", "GA/T 1127-2013", "GB/T 35678-2017"),
    compute=_compute,
    ready=_ready,
)
