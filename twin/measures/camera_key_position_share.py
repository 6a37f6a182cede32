"""camera_key_position_share: the share of key positions that have a camera.

What "have" means is the parameter `rule`:

* `visible`: a camera sees the place - a point, or a person within reach of it; of a line or an area, at least `area_share`;
* `installed`: a camera is mounted there - in the same room, or within `near_m` and on the same level;
* `area`: like `visible`, and a point stands for the ground round it, of which `area_share` must be seen.

A lift moves: it has a camera if one says that it is mounted in it, whatever the rule. What a standard asks of the cameras at some classes
of positions beside that is the parameter `needs`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.camera import Criteria, View
from twin.coverage.inview import ANY_WAY
from twin.coverage.levels import level_of
from twin.coverage.share import seen
from twin.coverage.surface import Piece, Surface
from twin.coverage.visibility import covered
from twin.coverage.why import UNITS, reasons
from twin.errors import MissingInput
from twin.measures.camera import (
    SHARED_PARAMETERS,
    Cameras,
    Stage,
    criteria_of,
    gather_cameras,
    heights_of,
    in_bodies,
    read_views,
    reading_of,
    stage,
    states_of,
)  # fmt: skip
from twin.measures.evidence import Amounts, Inputs, digest, share_result
from twin.measures.positions import Position, gather_positions
from twin.measures.surfaces import gather_surface
from twin.measures.watch import facing_views, scenes, watch_of, watched
from twin.model import Device
from twin.result import NOT_NEGATIVE, SHARE, Gap, Measure, Parameter, Request, Result, Samples
from twin.scene.ground import ground_of
from twin.scene.state import States
from twin.store import Store

FloatArray = NDArray[np.float64]
_Lack = tuple[str, list[str], float | None]  # reason, blockers, shortfall

STANDING_M = 0.75  # a person at a point stands within this distance of it
STANDS = 8
STANDS_NEEDED = 3  # of these, as a door leaves only one side to stand on
PLACE_M = 2.5  # rule `area`: the ground round a point
STRIP_M = 0.25  # half the width of the strip that a line stands for
STEP_M = 0.5
LEVEL_M = 4.0  # indoors, cameras farther above or below are on another level
MAST_M = 15.0  # and outdoors, on something else than a pole or wall here
LIFT_M = 2.0  # a camera without ids this near to a lift's middle, on its level, rides in it
ENTRANCES = frozenset({"park_entrance", "building_main_entrance"})
# what a standard asks of the cameras at some classes: only fixed ones, and how steeply they may look down
NEEDS: Mapping[str, tuple[frozenset[str], float]] = {"DB31/T 329.1-2019": (ENTRANCES, 30.0)}
_NOTHING: _Lack = "", [], None
CLASSES = (
    "park_entrance", "road_intersection", "building_main_entrance", "fire_passage", "lobby", "elevator", "machine_room",
    "dining_consumption",
)  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What is said of one position: covered by best knowledge, for certain, perhaps; its share, cameras, and what it lacks."""

    covered: bool
    sure: bool
    possible: bool
    share: float
    density: float = 0.0
    cameras: Sequence[str] = ()
    reason: str = ""
    blockers: Sequence[str] = ()
    shortfall: float | None = None


@dataclass(frozen=True)
class _Judge:
    """Who judges positions: a park and its cameras, what is asked, and whether reasons are wanted."""

    place: Stage
    cameras: Cameras
    asked: Mapping[str, Any]
    why: bool

    @property
    def views(self) -> Sequence[View]:
        """The cameras' views, as targets face them."""
        return facing_views(self.cameras.views, self.asked)


@dataclass(frozen=True)
class Found:
    """The positions, a point for each, what is said of each, and what it rests on."""

    positions: Sequence[Position]
    points: FloatArray  # (n, 3) [m, enu]
    verdicts: Sequence[Verdict]
    inputs: Inputs
    resting_share: float | None
    sensitivity: Sequence[Mapping[str, Any]]
    warnings: Sequence[Mapping[str, Any]]


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    place = stage(store, asked["terrain"], states_of(asked))
    cameras = gather_cameras(place.store, asked["statuses"], reading_of(asked))
    register = gather_positions(place.store, asked["classes"], derive=asked["derive"])
    positions = _on_surface(place.store, register.positions, asked["surface"])
    if not positions:
        raise MissingInput("key_positions_missing", subject=", ".join(asked["classes"]))
    points = _points(place.store, positions, heights_of(asked))
    verdicts = _judged(place, positions, points, cameras, asked, why=True)
    inputs = Inputs(
        digest([*cameras.devices, [str(position) for position in positions], place.sha256]), len(cameras.devices), cameras.defaulted_share
    )
    opening = _sensitivity(place, positions, points, cameras, asked, verdicts) if request.want_sensitivity else []
    found = Found(
        positions, points[:, 0], verdicts, inputs, _resting(place, positions, points, cameras, asked, verdicts), opening,
        [*register.warnings, *cameras.warnings, *in_bodies(place, cameras)],
    )  # fmt: skip
    return _result(store, request, found, started)


def _judged(
    place: Stage, positions: Sequence[Position], points: FloatArray, cameras: Cameras, asked: Mapping[str, Any], *, why: bool = False
) -> list[Verdict]:
    """A verdict for each position at its points (n, h, 3), by the rule asked for and what its class needs; with reasons if wanted."""
    classes, steepest = NEEDS.get(asked["needs"], (frozenset[str](), None))
    strict = [i for i, position in enumerate(positions) if position.kind in classes]
    rest = [i for i in range(len(positions)) if i not in set(strict)]
    out: dict[int, Verdict] = {}
    if strict:
        fixed = replace(cameras, views=[view for view in cameras.views if view.camera in _fixed(cameras.devices)])
        limit = min(steepest or 90.0, asked["max_depression_deg"] or 90.0)
        found = _by_rule(_Judge(place, fixed, {**asked, "max_depression_deg": limit}, why), [positions[i] for i in strict], points[strict])
        out |= dict(zip(strict, found, strict=True))
    found = _by_rule(_Judge(place, cameras, asked, why), [positions[i] for i in rest], points[rest])
    out |= dict(zip(rest, found, strict=True))
    return [out[i] for i in range(len(positions))]


def _fixed(devices: Sequence[Device]) -> frozenset[str]:
    """The cameras that always look the same way."""
    return frozenset(device.id for device in devices if str(device.attributes.get("ptz") or "fixed").strip().lower() != "ptz")


def _by_rule(judge: _Judge, positions: Sequence[Position], points: FloatArray) -> list[Verdict]:
    """A verdict for each position, by the rule asked for."""
    out: dict[int, Verdict] = {}
    rule = judge.asked["rule"]
    installed = [i for i, position in enumerate(positions) if position.is_lift or rule == "installed"]
    for i in installed:
        out[i] = _installed(positions[i], points[i, 0], judge.cameras, judge.asked)
    rest = [i for i in range(len(positions)) if i not in out]
    as_points = [i for i in rest if positions[i].shape.geom_type in {"Point", "MultiPoint"} and rule == "visible"]
    out |= dict(zip(as_points, _visible(judge, points[as_points]), strict=True))
    as_areas = [i for i in rest if i not in out]
    out |= dict(zip(as_areas, _shares(judge, [positions[i] for i in as_areas], points[as_areas]), strict=True))
    return [out[i] for i in range(len(positions))]


def _installed(position: Position, point: FloatArray, cameras: Cameras, asked: Mapping[str, Any]) -> Verdict:
    """Whether enough cameras are mounted at a position."""
    near = LIFT_M if position.is_lift else asked["near_m"]
    counted = {view.camera for view in cameras.views}
    here = [
        device.id
        for device, spot in zip(cameras.devices, cameras.places, strict=True)
        if device.id in counted and _is_mounted(device, spot, position, point, near)
    ]
    ok = len(here) >= asked["k"]
    return Verdict(ok, ok, ok, float(ok), cameras=here, reason="" if ok else "not_installed")


def _is_mounted(device: Device, spot: FloatArray, position: Position, point: FloatArray, near: float) -> bool:
    said = {str(name) for name in (device.space_id, device.attributes.get("mounted_on"), device.attributes.get("carried_by")) if name}
    if said & position.names:
        return True
    if position.storey_id and device.storey_id and position.storey_id != device.storey_id:
        return False
    away = shapely.distance(position.shape, shapely.Point(spot[0], spot[1]))
    return float(away) <= near and abs(spot[2] - point[2]) <= (MAST_M if position.floor_z is None else LEVEL_M)


def _visible(judge: _Judge, points: FloatArray) -> list[Verdict]:
    """Whether points (n, h, 3) [m, enu] are seen by enough cameras."""
    if not len(points):
        return []
    place, views, criteria, k = judge.place, judge.views, criteria_of(judge.asked), judge.asked["k"]
    angle = np.arange(STANDS) * 2 * np.pi / STANDS
    ring = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(STANDS)]) * STANDING_M
    stands = np.concatenate([points[:, :, None], points[:, :, None] + ring], axis=2)  # (n, h, 1 + STANDS, 3)
    found = seen(stands, STANDS_NEEDED, views, criteria, place.sight)
    lacks = _lacks(judge, points[:, 0], np.where(found.count < k, np.arange(len(points)), -1), criteria)
    verdicts: list[Verdict] = []
    for i in range(len(points)):
        ok, sure, possible = (bool(count[i] >= k) for count in (found.count, found.least, found.most))
        verdicts.append(Verdict(ok, sure, possible, float(ok), float(found.density[i]), found.cameras[i], *lacks.get(i, _NOTHING)))
    return verdicts


def _shares(judge: _Judge, positions: Sequence[Position], points: FloatArray) -> list[Verdict]:
    """Whether enough of lines and areas is seen."""
    if not positions:
        return []
    place, views, asked = judge.place, judge.views, judge.asked
    pieces = [Piece(position.id, position.name, _widened(position.shape), position.floor_z) for position in positions]
    watch = watch_of(place, Surface("key_positions", pieces), asked, asked["step_m"] or STEP_M)
    found = covered(watch.field, list(watched(watch, views).values()), watch.k)
    cells, criteria = watch.field.cells, watch.criteria
    area, value, lower, upper = (
        np.bincount(cells.piece, part, len(pieces)) for part in (cells.area, found.value, found.lower, found.upper)
    )
    density = np.zeros(len(pieces))
    np.maximum.at(density, cells.piece, found.density)
    share, least, most = (part / np.maximum(area, 1e-12) for part in (value, lower, upper))
    wanted = asked["area_share"] - 1e-9
    looking = seen(points[:, :, None], 1, views, criteria, place.sight).cameras
    missing = (cells.area - found.value > 1e-9) & (share < wanted)[cells.piece]
    lacks = _lacks(judge, cells.representative, np.where(missing, cells.piece, -1), criteria)
    return [
        Verdict(
            bool(share[i] >= wanted), bool(least[i] >= wanted), bool(most[i] >= wanted), float(share[i]), float(density[i]), looking[i],
            *lacks.get(i, _NOTHING),
        )
        for i in range(len(pieces))
    ]  # fmt: skip


def _lacks(judge: _Judge, targets: FloatArray, owner: NDArray[Any], criteria: Criteria) -> dict[int, _Lack]:
    """Of each position that owns (n,) uncovered targets (n, 3): the commonest reason, what hides most of them, the usual shortfall."""
    asked = np.flatnonzero(owner >= 0)
    if not judge.why or not len(asked):
        return {}
    why = reasons(targets[asked], judge.views, criteria, judge.place.sight.scene)
    names, out = np.array(why.reasons, object), dict[int, _Lack]()
    for i in np.unique(owner[asked]).tolist():
        own = np.flatnonzero(owner[asked] == i)
        reason = Counter(names[own].tolist()).most_common(1)[0][0]
        blockers = Counter(name for k in own.tolist() if (name := why.blockers[k]))
        short = why.shortfall[own[names[own] == reason]]
        short = short[np.isfinite(short)]
        lack = float(np.median(short)) if reason in UNITS and len(short) else None
        out[i] = reason, [name for name, _ in blockers.most_common(5)], lack
    return out


def _resting(
    place: Stage, positions: Sequence[Position], points: FloatArray, cameras: Cameras, asked: Mapping[str, Any],
    verdicts: Sequence[Verdict],
) -> float | None:  # fmt: skip
    """The share of the covered positions that only cameras resting on assumed attributes cover; None where none is covered."""
    whole = sum(verdict.covered for verdict in verdicts)
    if not whole:
        return None
    if not cameras.resting:
        return 0.0
    firm = replace(cameras, views=[view for view in cameras.views if view.camera not in cameras.resting])
    return 1.0 - sum(verdict.covered for verdict in _judged(place, positions, points, firm, asked)) / whole


def _sensitivity(
    place: Stage, positions: Sequence[Position], points: FloatArray, cameras: Cameras, asked: Mapping[str, Any],
    verdicts: Sequence[Verdict],
) -> list[dict[str, Any]]:  # fmt: skip
    """What opens the bounds, widest first: the share with that one thing at its worst and its best while the rest stays at the value.

    Positions on which everything together leaves no doubt are left out: nothing alone does.
    """
    open_ = [i for i, verdict in enumerate(verdicts) if verdict.sure != verdict.possible]
    if not open_:
        return []
    settled = sum(verdict.sure and verdict.possible for verdict in verdicts)
    doubtful = [positions[i] for i in open_]
    among = states_of(asked)
    certain = replace(place, sight=replace(place.sight, best=None))
    plain = replace(cameras, views=[replace(view, least=None, most=None) for view in cameras.views if view.lens != ANY_WAY])
    rows: list[dict[str, Any]] = []

    def add(what: str, ids: Sequence[str], place: Stage, looking: Cameras) -> None:
        found = _judged(place, doubtful, points[open_], looking, asked)
        low, high = ((settled + sum(getattr(verdict, name) for verdict in found)) / len(verdicts) for name in ("sure", "possible"))
        if high > low:
            rows.append({"what": what, "devices": list(ids), "lower": low, "upper": high, "width": high - low})

    for source, ids in sorted(cameras.doubts.items()):
        views, *_ = read_views(cameras.devices, cameras.places, reading_of(asked, frozenset([source])))
        add(source, sorted(ids), certain, replace(cameras, views=views))
    for name, state in scenes(among):
        add(name, [], stage(place.store, asked["terrain"], States(among.value, among.value, state)), plain)
    return sorted(rows, key=lambda row: (-row["width"], row["what"]))


def _on_surface(store: Store, positions: Sequence[Position], surface_id: str | None) -> list[Position]:
    """The positions that touch a surface; all where none is named."""
    if not surface_id:
        return list(positions)
    ground = shapely.union_all([piece.polygon for piece in gather_surface(store, surface_id).pieces])
    shapely.prepare(ground)
    return [position for position in positions if ground.intersects(position.shape)]


def _widened(shape: Any) -> Any:
    """A line as a strip, a point as the ground round it; areas stay."""
    if shape.geom_type in {"Polygon", "MultiPolygon"}:
        return shapely.make_valid(shape)
    return shape.buffer(PLACE_M if "Point" in shape.geom_type else STRIP_M, cap_style="round" if "Point" in shape.geom_type else "flat")


def _points(store: Store, positions: Sequence[Position], heights: Sequence[float]) -> FloatArray:
    """The middle of each position, at each height (n, h, 3). [m, enu]"""
    if not positions:
        return np.empty((0, len(heights), 3))
    xy = np.concatenate([shapely.get_coordinates(_middle(position.shape)) for position in positions])
    ground = ground_of(store)(xy)
    floor = np.array([z if position.floor_z is None else position.floor_z for position, z in zip(positions, ground.tolist(), strict=True)])
    return np.stack([np.column_stack([xy, floor + height]) for height in heights], axis=1)


def _middle(shape: Any) -> Any:
    if shape.geom_type in {"LineString", "MultiLineString"}:
        line = max(shapely.get_parts(shape), key=shapely.length)
        return shapely.line_interpolate_point(line, 0.5, normalized=True)
    return shapely.point_on_surface(shape)


def _result(store: Store, request: Request, found: Found, started: float) -> Result:
    positions, points, verdicts, inputs = found.positions, found.points, found.verdicts, found.inputs
    n = len(positions)
    covered, sure, possible = (sum(getattr(v, name) for v in verdicts) for name in ("covered", "sure", "possible"))
    lonlat = store.park().frame.to_lonlat(points)
    state = np.array([1 if v.covered else 0 if not v.possible else -1 for v in verdicts], np.int8)
    return share_result(
        MEASURE,
        request,
        Amounts(covered, sure, possible, n, "count"),
        inputs=inputs,
        started=started,
        resting_share=found.resting_share,
        surface={"id": "key_positions", "samples": n} | {name: request.parameters[name] for name in ("target_height_m", "rule")},
        sensitivity=list(found.sensitivity),
        zones=_by_class(positions, verdicts),
        gaps=_gaps(positions, verdicts, lonlat),
        warnings=[dict(warning) for warning in found.warnings],
        samples=Samples(lonlat, np.array([v.density for v in verdicts]), state, np.zeros(n), "px/m"),
        extra={
            "level": request.parameters["level"] or level_of(request.parameters["density_px_per_m"], request.parameters["edition"]),
            "positions": [
                {
                    "id": p.id, "name": p.name, "class": p.kind, "covered": v.covered, "share": v.share, "px_per_m": round(v.density, 1),
                    "cameras": list(v.cameras), "reason": v.reason or None, "derived": p.derived,
                }
                for p, v in zip(positions, verdicts, strict=True)
            ],
        },
    )  # fmt: skip


def _by_class(positions: Sequence[Position], verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """One row a class, the least covered first."""
    rows: list[dict[str, Any]] = []
    for kind in dict.fromkeys(position.kind for position in positions):
        own = [verdict for position, verdict in zip(positions, verdicts, strict=True) if position.kind == kind]
        done = sum(verdict.covered for verdict in own)
        rows.append({"id": kind, "name": kind, "value": done / len(own), "amount": len(own), "covered": done})
    return sorted(rows, key=lambda row: (row["value"], row["id"]))


def _gaps(positions: Sequence[Position], verdicts: Sequence[Verdict], lonlat: FloatArray) -> list[Gap]:
    return [
        Gap(
            position.id, 1.0, verdict.reason, list(verdict.blockers), shapely.Point(*lonlat[i]), position.kind, verdict.shortfall,
            "" if verdict.shortfall is None else UNITS[verdict.reason],
        )
        for i, (position, verdict) in enumerate(zip(positions, verdicts, strict=True))
        if not verdict.covered
    ]  # fmt: skip


MEASURE = Measure(
    id="camera_key_position_share",
    title_en="Key positions covered by cameras",
    title_zh="关键位置摄像头设置比例",
    unit="1",
    quantity="count",
    parameters=(
        Parameter("surface", None, "name", "none: all positions of the register", "Only positions on this surface", "仅计此范围内的位置"),
        *SHARED_PARAMETERS,
        Parameter("rule", "visible", "", "indicators.yaml: the clause asks for a camera at the position; seeing it is the useful reading",
                  "What having a camera means", "判定口径", ("installed", "visible", "area")),
        Parameter("area_share", 0.9, "1", "assumption", "Share of a line or area that must be seen", "线、面位置需看到的比例",
                  between=SHARE),
        Parameter("classes", list(CLASSES), "name", "Chengdu guide 3(2)1; Zhongshan 2(3)1", "Classes of positions that count",
                  "计入的位置类别"),
        Parameter("near_m", 15.0, "m", "assumption", "Rule installed: a camera this near is at the position", "视为设置在该处的最大距离",
                  between=NOT_NEGATIVE),
        Parameter("needs", None, "name", "DB31/T 329.1-2019: cameras at entrances are fixed and look down by no more than 30 degrees",
                  "What a standard asks of the cameras at some classes", "对部分位置类别摄像机的标准要求", tuple(NEEDS)),
        Parameter("derive", True, "", "assumption", "Rooms and lifts of models stand in for classes the register has none of",
                  "登记缺少某类时由模型补充"),
    ),
    sources=("Chengdu 2021 3(2)1", "Zhongshan 2(3)1", "Hubei 6.3.4.3", "IEC 62676-4:2025", "IEC 62676-4:2014"),
    compute=_compute,
)  # fmt: skip
