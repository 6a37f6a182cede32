"""camera_facade_area_share: the share of facades above people that cameras see which watch for falling objects."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.camera import Criteria, View, certain, known, possible
from twin.coverage.cells import Cells
from twin.coverage.facewatch import FaceQuestion, Watched, share_by_middles
from twin.coverage.gaps import Region, gaps
from twin.coverage.levels import level_of
from twin.coverage.look import Sight
from twin.coverage.surface import rolled_up
from twin.coverage.upright import Upright, points_of
from twin.coverage.why import UNITS, Why, reasons
from twin.crs import Frame
from twin.measures.camera import (
    SHARED_PARAMETERS,
    Cameras,
    Stage,
    gather_cameras,
    in_bodies,
    read_views,
    reading_of,
    sight_among,
    stage,
    states_of,
)  # fmt: skip
from twin.measures.cluster import watch_faces
from twin.measures.evidence import (
    COVERED,
    OPEN,
    SMALLEST_GAP_M2,
    UNDECIDED,
    Amounts,
    Inputs,
    digest,
    share_result,
)
from twin.measures.surfaces.facades import MIN_HEIGHT_M, Facades, gather_facades
from twin.measures.watch import scenes
from twin.model import Device
from twin.result import NOT_NEGATIVE, Gap, Measure, Parameter, Request, Result, Samples
from twin.store import Store

FloatArray = NDArray[np.float64]

USUAL_STEP_M = 1.0
CELLS_WANTED = 250_000  # without a step of its own, facades are cut into about this many cells at most
UPWARD_RAD = np.radians(-3.0)  # a tilt below the horizon of less looks up
PURPOSES = ("falling", "高空抛物", "抛物", "坠物", "高空坠")
SAID = ("purpose", "function", "functions", "usage", "scene", "用途", "功能", "应用场景", "场景")
METHOD = (
    "upright faces: walls of shadow of visible edges, one ray a uniform block, undecided parts cut again; a face is seen from before it"
)
DIRECTION = "direction"  # the doubt of a camera that may look any way
FALLING, UPWARD, ALL = "falling_object", "upward", "all"


@dataclass(frozen=True)
class _Asked:
    """What is looked at and how: the facades, the park, the cameras that count, and the question."""

    facades: Facades
    place: Stage
    cameras: Cameras
    question: FaceQuestion
    parameters: Mapping[str, Any]
    started: float  # `time.perf_counter()` [s]


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    place = stage(store, asked["terrain"], states_of(asked))
    facades = gather_facades(place.store, min_height=asked["min_height_m"], from_height=asked["from_height_m"])
    cameras, noted = _watching(gather_cameras(place.store, asked["statuses"], reading_of(asked)), asked["cameras"])
    step = asked["step_m"] or USUAL_STEP_M
    while asked["step_m"] is None and facades.area / step**2 > CELLS_WANTED:
        step *= 2
    question = FaceQuestion(Criteria(asked["density_px_per_m"]), step, asked["k"])
    task = _Asked(facades, place, cameras, question, asked, started)
    found = watch_faces(facades.faces, place.sight, cameras.views, question)
    return _result(store, request, task, found, [*facades.warnings, *noted, *cameras.warnings, *in_bodies(place, cameras)])


def _watching(cameras: Cameras, which: str) -> tuple[Cameras, list[Mapping[str, Any]]]:
    """The cameras that watch facades, and what has to be said about the choice."""
    falling = {device.id for device in cameras.devices if _is_for_falling(device)}
    upward = {view.camera for view in cameras.views if view.tilt_rad < UPWARD_RAD}
    sorts = {FALLING: falling, UPWARD: upward, ALL: {device.id for device in cameras.devices}}
    chosen = sorts.get(which, falling or upward)
    noted: list[Mapping[str, Any]] = []
    if which == "auto" and not falling and upward:
        noted.append({"code": "facade_cameras_by_tilt", "subject": ", ".join(sorted(upward)[:5]), "count": len(upward)})
    if not chosen:
        noted.append({"code": "facade_cameras_missing", "subject": "camera", "count": len(cameras.devices)})
    keep = [device.id in chosen for device in cameras.devices]
    return replace(
        cameras,
        devices=[device for device, ok in zip(cameras.devices, keep, strict=True) if ok],
        places=cameras.places[np.array(keep, bool)],
        views=[view for view in cameras.views if view.camera in chosen],
        assumed=_only(cameras.assumed, chosen),
        doubts=_only(cameras.doubts, chosen),
        warnings=[warning for warning in cameras.warnings if "ids" not in warning or chosen & set(warning["ids"])],
    ), noted  # fmt: skip


def _only(ids: Mapping[str, Sequence[str]], chosen: set[str]) -> dict[str, list[str]]:
    return {name: own for name, found in ids.items() if (own := [each for each in found if each in chosen])}


def _is_for_falling(device: Device) -> bool:
    said = " ".join(str(device.attributes.get(name) or "") for name in SAID) + device.name
    return any(word in said.casefold() for word in PURPOSES)


def _result(store: Store, request: Request, task: _Asked, found: Watched, warnings: Sequence[Mapping[str, Any]]) -> Result:
    frame = store.park().frame
    total = task.facades.area
    lower, value, upper = (float(sum(part.sum() for part in each)) for each in (found.lower, found.value, found.upper))
    zones, pieces = _zones(found)
    planes = [plain for face in task.facades.faces for plain in (*face.plane[:2], *face.plane.along)]
    shapes = [shapely.to_wkb(piece.polygon).hex() for face in task.facades.faces for piece in face.pieces]
    inputs = Inputs(
        digest([*task.cameras.devices, planes, shapes, task.place.sha256]), len(task.cameras.devices), task.cameras.defaulted_share
    )
    middles = [face for face in found.faces if len(face.field.cells)]
    return share_result(
        MEASURE,
        request,
        Amounts(value, lower, upper, total, "m2"),
        inputs=inputs,
        started=task.started,
        resting_share=_resting_share(task, middles),
        surface=_surface(task, found, total),
        exclusions=list(task.facades.exclusions),
        zones=zones,
        gaps=_gaps(found, task, frame),
        warnings=warnings,
        samples=_samples(found, frame) if request.want_samples else None,
        devices=[{"id": name, "covered": own, "lost": lost} for name, (own, lost) in sorted(found.by_camera.items())],
        sensitivity=_sensitivity(task, middles, (lower / total, value / total, upper / total))
        if total > 0 and request.want_sensitivity
        else [],
        extra={
            "level": level_of(task.question.criteria.density_px_per_m, "2025"),
            "undecided_m2": upper - lower,
            "storeys": rolled_up(pieces, "storey_id"),
            "buildings": rolled_up(pieces, "building_id"),
        },
    )


def _surface(task: _Asked, found: Watched, total: float) -> dict[str, Any]:
    whole = sum(
        float(face.field.cells.area[value > face.field.cells.area / 2].sum()) for face, value in zip(found.faces, found.value, strict=True)
    )
    value = float(sum(part.sum() for part in found.value))
    return {
        "id": "facade",
        "height_m": None,
        "step_m": task.question.step,
        "samples": sum(len(face.field.cells) for face in found.faces),
        "faces": len(found.faces),
        "pieces": sum(len(face.face.pieces) for face in found.faces),
        "convergence": abs(whole - value) / total if total > 0 else 0.0,
        "method": METHOD,
    }


def _zones(found: Watched) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A row a side of a building, the least covered first; and a row a piece."""
    rows: list[dict[str, Any]] = []
    for number, face in enumerate(found.faces):
        cells, n = face.field.cells, len(face.face.pieces)
        area, lower, value, upper = (
            np.bincount(cells.piece, part, n) for part in (cells.area, found.lower[number], found.value[number], found.upper[number])
        )
        for k, piece in enumerate(face.face.pieces):
            if area[k] > 0:
                side = f"{piece.building_id}/{face.face.side}"
                rows.append({
                    "side": side, "storey_id": piece.storey_id, "building_id": piece.building_id, "value": float(value[k] / area[k]),
                    "lower": float(min(lower[k], value[k]) / area[k]), "upper": float(max(upper[k], value[k]) / area[k]),
                    "amount": float(area[k]), "covered": float(value[k]), "name": piece.name.split(" · ")[0],
                })  # fmt: skip
    first = {row["side"]: row for row in rows}
    sides = [
        row | {"name": f"{first[row['id']]['name']} · {row['id'].rpartition('/')[2]}", "building_id": first[row["id"]]["building_id"]}
        for row in rolled_up(rows, "side")
    ]
    return sides, rows


def _gaps(found: Watched, task: _Asked, frame: Frame) -> list[Gap]:
    """What is not seen, largest first; what is too small to be shown by itself is one gap at the end."""
    shown: list[tuple[Region, Upright, float | None, str]] = []
    pooled: list[tuple[Region, Upright, float | None, str]] = []
    for face, value in zip(found.faces, found.value, strict=True):
        cells = face.field.cells
        missing = np.maximum(cells.area - value, 0.0)
        missing[missing < 1e-9] = 0.0
        if missing.any():
            why = _why(face, missing, task)
            for region in gaps(cells, missing, why.reasons, why.blockers, smallest=SMALLEST_GAP_M2):
                row = (region, face, _shortfall(region, missing, why), UNITS.get(region.reason, ""))
                (pooled if region.pooled else shown).append(row)
    shown.sort(key=lambda row: -row[0].amount)
    out = [_gap(f"gap/{number}", row, frame) for number, row in enumerate(shown, 1)]
    if pooled:
        first = max(pooled, key=lambda row: row[0].amount)[0]
        shapes = shapely.geometrycollections([_upright(region.polygon, face, frame) for region, face, _, _ in pooled])
        out.append(Gap(f"gap/{len(out) + 1}", sum(row[0].amount for row in pooled), first.reason, list(first.blockers), shapes))
    return out


def _why(face: Upright, missing: FloatArray, task: _Asked) -> Why:
    """Why cells of a face lack what they lack, asked of the cameras before it; empty where nothing is missing."""
    n = len(missing)
    names, blockers, short = [""] * n, list[str | None]([None] * n), np.full(n, np.nan)
    before = [view for view in task.cameras.views if float(face.face.plane.before(np.array(view.position))) > 0]
    lacking = np.flatnonzero(missing > 0)
    why = reasons(points_of(face)[lacking], before, task.question.criteria, task.place.sight.scene)
    for i, name, blocker, lack in zip(lacking.tolist(), why.reasons, why.blockers, why.shortfall.tolist(), strict=True):
        names[i], blockers[i], short[i] = name, blocker, lack
    return Why(names, blockers, short)


def _shortfall(region: Region, missing: FloatArray, why: Why) -> float | None:
    """The median shortfall, by missing area, of a gap's cells that have its reason."""
    own = [i for i in region.cells.tolist() if why.reasons[i] == region.reason and np.isfinite(why.shortfall[i])]
    if not own or region.reason not in UNITS:
        return None
    order = np.array(own)[np.argsort(why.shortfall[own])]
    heaped = np.cumsum(missing[order])
    return float(why.shortfall[order[int(np.searchsorted(heaped, heaped[-1] / 2))]])


def _gap(identity: str, row: tuple[Region, Upright, float | None, str], frame: Frame) -> Gap:
    region, face, short, unit = row
    zone = f"{face.face.building_id}/{face.face.side}"
    return Gap(
        identity, region.amount, region.reason, list(region.blockers), _upright(region.polygon, face, frame), zone, short,
        "" if short is None else unit,
    )  # fmt: skip


def _upright(shape: Any, face: Upright, frame: Frame) -> Any:
    """A shape in a face's (u, v) as one in longitude, latitude and height."""
    lifted = shapely.force_3d(shape)
    return frame.unproject(shapely.transform(lifted, lambda uvw: face.face.plane.to_enu(uvw[:, :2]), include_z=True))


def _samples(found: Watched, frame: Frame) -> Samples:
    """The density on each cell's middle, and whether the cell is seen, not, or undecided between the bounds."""
    points = [points_of(face) for face in found.faces]
    every = np.concatenate(points) if points else np.empty((0, 3))
    area, size = (_joined([of(face.field.cells) for face in found.faces]) for of in (_area, _edge))
    lower, value, upper = (_joined(part) for part in (found.lower, found.value, found.upper))
    state = np.where(value >= area / 2, COVERED, OPEN)
    state = np.where((lower < area / 2) & (upper >= area / 2) & (lower < upper), UNDECIDED, state)
    lonlat = frame.to_lonlat(every) if len(every) else every
    return Samples(lonlat, _joined(found.density), state.astype(np.int8), size, "px/m")


def _area(cells: Cells) -> FloatArray:
    return cells.area


def _edge(cells: Cells) -> FloatArray:
    return 2 * cells.half


def _joined(parts: Sequence[FloatArray]) -> FloatArray:
    return np.concatenate(list(parts)) if len(parts) else np.empty(0)


def _resting_share(task: _Asked, faces: Sequence[Upright]) -> float | None:
    """The share of what is seen that is seen only thanks to cameras resting on assumed attributes, by the cells' middles."""
    criteria, k = task.question.criteria, task.question.k
    looking = known(task.cameras.views)
    whole = share_by_middles(faces, task.place.sight, looking, criteria, k)
    if whole <= 0:
        return None
    firm = [view for view in looking if view.camera not in task.cameras.resting]
    return 1.0 - share_by_middles(faces, task.place.sight, firm, criteria, k) / whole


def _sensitivity(task: _Asked, faces: Sequence[Upright], bounds: tuple[float, float, float]) -> list[dict[str, Any]]:
    """What opens the bounds, widest first: the share with that one thing at its worst and its best, by the cells' middles."""
    lower, value, upper = bounds
    cameras, sight = task.cameras, task.place.sight
    base = _share(task, faces, sight, known(cameras.views))
    rows: list[tuple[str, list[str], float, float]] = []
    for source, ids in sorted(cameras.doubts.items()):
        devices = [i for i, device in enumerate(cameras.devices) if device.id in set(ids)]
        reading = reading_of(task.parameters, frozenset([source]))
        views, *_ = read_views([cameras.devices[i] for i in devices], cameras.places[devices], reading)
        rest = [view for view in known(cameras.views) if view.camera not in set(ids)]
        least = _share(task, faces, sight, [*rest, *(certain(view) for view in known(views))])
        most = _share(task, faces, sight, [*rest, *(possible(view) for view in (views if source == DIRECTION else known(views)))])
        rows.append((source, sorted(ids), least - base, most - base))
    for name, state in scenes(states_of(task.parameters)) if sight.best is not None else []:
        other = sight_among(task.place.store, task.parameters["terrain"], state)
        rows.append((name, [], 0.0, _share(task, faces, other, known(cameras.views)) - base))
    told = sum(max(-row[2], 0.0) for row in rows), sum(max(row[3], 0.0) for row in rows)
    rows.append(("undecided_cells", [], min(0.0, lower - value + told[0]), max(0.0, upper - value - told[1])))
    shown = [(name, ids, max(lower, value + min(low, 0.0)), min(upper, value + max(high, 0.0))) for name, ids, low, high in rows]
    return sorted(
        (
            {"what": name, "devices": ids, "lower": low, "upper": high, "width": high - low}
            for name, ids, low, high in shown
            if high - low > 1e-12
        ),
        key=lambda row: (-row["width"], row["what"]),
    )


def _share(task: _Asked, faces: Sequence[Upright], sight: Sight, views: Sequence[View]) -> float:
    plain = [replace(view, least=None, most=None) for view in views]
    return share_by_middles(faces, sight, plain, task.question.criteria, task.question.k)


_KNOWN: Mapping[str, Parameter] = {parameter.name: parameter for parameter in SHARED_PARAMETERS}

MEASURE = Measure(
    id="camera_facade_area_share",
    title_en="Facade area watched for falling objects",
    title_zh="高空抛物监控立面覆盖率",
    unit="1",
    quantity="m2",
    parameters=(
        Parameter("min_height_m", MIN_HEIGHT_M, "m", "indicators.yaml: assumption", "Least height of a building that counts",
                  "计入建筑最低高度", between=NOT_NEGATIVE),
        Parameter("from_height_m", 0.0, "m", "assumption: the whole facade counts", "Facades count from this height above ground upward",
                  "立面计入的起始高度", between=NOT_NEGATIVE),
        Parameter("density_px_per_m", 25.0, "px/m", "indicators.yaml: assumption; IEC 62676-4:2014 Detect",
                  "Least pixel density on what falls before the facade", "立面前坠物处的最低像素密度", between=NOT_NEGATIVE),
        Parameter("cameras", "auto", "", "indicators.yaml: cameras with purpose falling_object; where none says so, those that look upward",
                  "Which cameras watch facades", "计入的摄像机", ("auto", FALLING, UPWARD, ALL)),
        *(_KNOWN[name] for name in ("ptz", "light", "doors", "vegetation", "k", "statuses", "step_m", "terrain")),
    ),
    sources=("Liaoning DB21 7.2.1 (falling objects)", "IEC 62676-4:2014"),
    compute=_compute,
)  # fmt: skip
