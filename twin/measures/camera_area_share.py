"""camera_area_share: the share of ground or floor that cameras see with enough detail."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from twin.coverage.camera import Criteria, View, level_of
from twin.coverage.cells import Cells
from twin.coverage.field import Field
from twin.coverage.surface import Surface
from twin.coverage.visibility import Covered, Question, cover
from twin.coverage.why import reasons
from twin.measures.camera import METHOD, SHARED_PARAMETERS, Stage, criteria_of, field_of, gather_cameras, remembered, stage
from twin.measures.evidence import Inputs, JudgedCells, area_result, digest
from twin.measures.surfaces import gather_surface
from twin.result import Measure, Parameter, Request, Result
from twin.scene.ground import ground_of
from twin.store import Store


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    place = stage(store, asked["terrain"])
    cameras = gather_cameras(place.store, asked["statuses"])
    surface = gather_surface(place.store, asked["surface"])
    field, key = field_of(place, surface, asked["step_m"], asked["target_height_m"])
    criteria = criteria_of(asked)
    question = Question(criteria, asked["target_height_m"], ground_of(place.store), asked["k"])
    found = cover(surface, field, place.sight, cameras.views, question, remembered(key, criteria))
    judged = _judged(surface, field, found, question, _explained(field.cells, found, cameras.views, criteria, place))
    inputs = Inputs(digest([*cameras.devices, surface, place.sha256]), len(cameras.devices), cameras.defaulted_share)
    extra = {
        "level": level_of(asked["density_px_per_m"], asked["edition"]),
        "edition": asked["edition"],
        "undecided_m2": float((found.upper - found.lower).sum()),
        "rounds": found.rounds,
    }
    return area_result(
        MEASURE, request, judged, store.park().frame, inputs=inputs, started=started, warnings=cameras.warnings, extra=extra
    )  # fmt: skip


def _judged(surface: Surface, field: Field, found: Covered, question: Question, why: tuple[list[str], list[str | None]]) -> JudgedCells:
    cells = field.cells
    total = float(cells.area.sum())
    whole = found.value > cells.area / 2  # what the cells would say by themselves
    return JudgedCells(
        surface=surface,
        cells=cells,
        covered=found.value,
        sure=found.lower,
        possible=found.upper,
        value=found.density,
        unit="px/m",
        reasons=why[0],
        blockers=why[1],
        target_height_m=question.target_height,
        method=METHOD,
        convergence=abs(float(cells.area[whole].sum()) - float(found.value.sum())) / total if total > 0 else 0.0,
    )


def _explained(cells: Cells, found: Covered, views: Sequence[View], criteria: Criteria, place: Stage) -> tuple[list[str], list[str | None]]:
    """Why each cell that lacks something lacks it, and behind what; empty where nothing is missing."""
    names = [""] * len(cells)
    blockers: list[str | None] = [None] * len(cells)
    lacking = np.flatnonzero(cells.area - found.value > 1e-9)
    why, behind = reasons(cells.representative[lacking], views, criteria, place.sight.scene)
    for i, name, blocker in zip(lacking.tolist(), why, behind, strict=True):
        names[i], blockers[i] = name, blocker
    return names, blockers


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
    sources=("IEC 62676-4:2025", "IEC 62676-4:2014", "DB31/T 329.1-2019"),
    compute=_compute,
)
