"""display_key_position_share: the share of key positions that have a display.

What "have" means is the parameter `rule`:

* `installed`: a display is mounted there - in the same room, or within `reach_m` and on the same level;
* `legible`: and it can be read by a person at the position - in its own place, or in enough places round it; in an area, in enough of
  the places spread over it.

The clauses ask for screens that the park publishes to; with `published` only those count.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.legible import INSIDE, REASONS, verdicts
from twin.measures.displays import Screens, gather_screens, publishes_both
from twin.measures.emitters import DOORS, STATUSES, VEGETATION, Scenes, remembered_digest, scenes
from twin.measures.evidence import digest
from twin.measures.placed import placed_devices
from twin.measures.positions import Position
from twin.measures.stationed import Told, Verdict, away_m, points_of, positions_asked, result_of
from twin.result import NOT_NEGATIVE, SHARE, Measure, Parameter, Request, Result
from twin.scene.embree import Scene
from twin.store import Store

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Between = tuple[Scene, Scene]  # with most in the way, and with least

CLASSES = ("park_main_entrance", "park_entrance", "building_main_entrance", "lobby")
STANDING_M, STANDS = 3.0, 8  # a reader at a point stands in it, or in one of the places round it
PLACES = 25  # places spread over an area, at least about so many
_ABSENT = np.inf


@dataclass(frozen=True)
class _Sight:
    """Which of m displays are read from the places of a position: by best knowledge, for certain, perhaps: (p, m)."""

    likely: BoolArray
    sure: BoolArray
    perhaps: BoolArray


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    among = scenes(store, asked["doors"], asked["vegetation"])
    places, warnings = positions_asked(store, asked["classes"], derive=asked["derive"])
    devices, nowhere = placed_devices(store, "display", asked["statuses"])
    devices = [device for device in devices if not asked["published"] or publishes_both(device) is not False]
    screens = gather_screens(store, devices, near=asked["near_limit"])
    points = points_of(store, places, asked["target_height_m"])
    judged = [_verdict(position, point, screens, _between(among), asked) for position, point in zip(places, points, strict=True)]
    sha256 = digest([*devices, [str(position) for position in places], remembered_digest(among.obstacles)])
    publishing = [publishes_both(device) for device in devices]
    extra = {"publishing": {"both": publishing.count(True), "no": publishing.count(False), "unknown": publishing.count(None)}}
    told = [*warnings, *nowhere, *screens.warnings]
    opening = _sensitivity(places, points, screens, among, asked)
    return result_of(MEASURE, store, request, Told(places, points, judged, devices, screens.resting, sha256, told, opening, extra), started)


def _verdict(position: Position, point: FloatArray, screens: Screens, among: Between, asked: Mapping[str, Any]) -> Verdict:
    """Whether a position has a display, by the rule asked for."""
    ids = [device.id for device in screens.devices]
    away = np.array(
        [away_m(device, spot, position, point) for device, spot in zip(screens.devices, screens.displays.position, strict=True)]
    )
    near = np.flatnonzero(away <= asked["reach_m"])
    if not len(near):
        short = float(away.min(initial=_ABSENT)) - asked["reach_m"]
        reason = "not_installed" if ids else "no_device"
        return Verdict(False, False, False, reason=reason, shortfall_m=round(short, 2) if np.isfinite(short) else None)
    if asked["rule"] == "installed":
        here = [ids[k] for k in near.tolist()]
        return Verdict(True, True, True, here)
    stands = _stands(position, point)
    seen = _read(screens, among, stands)
    likely, sure, perhaps = (_enough(part, position, asked["area_share"])[near] for part in (seen.likely, seen.sure, seen.perhaps))
    here = [ids[k] for k in near[likely].tolist()]
    reason, blockers = ("", []) if here else _lacks(screens, among, stands, near)
    installed = {"installed": [ids[k] for k in near.tolist()]}
    return Verdict(bool(likely.any()), bool(sure.any()), bool((perhaps | likely).any()), here, reason, blockers, extra=installed)


def _stands(position: Position, point: FloatArray) -> FloatArray:
    """Where a reader may stand (p, 3): at a point and round it, or spread over an area. [m, enu]"""
    shape = position.shape
    if shapely.get_dimensions(shape) == 2 and shape.area > 0:
        step = max(float(np.sqrt(shape.area / PLACES)), 0.25)
        x0, y0, x1, y1 = shape.bounds
        x, y = np.meshgrid(np.arange(x0 + step / 2, x1, step), np.arange(y0 + step / 2, y1, step))
        inside = shapely.contains_xy(shape, x.ravel(), y.ravel())
        flat = np.column_stack([x.ravel(), y.ravel()])[inside]
        return np.vstack([point, np.column_stack([flat, np.full(len(flat), point[2])])])
    angle = np.arange(STANDS) * 2 * np.pi / STANDS
    ring = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(STANDS)]) * STANDING_M
    return np.vstack([point, point + ring])


def _read(screens: Screens, among: Between, stands: FloatArray) -> _Sight:
    """Which displays are read from places (p, 3)."""
    displays = screens.displays
    known = ~np.isnan(displays.azimuth_rad)
    cases = [_inside(screens, stands, k) for k in range(3)]
    free_worst, free_best = (_free(scene, stands, displays.position, cases[2]) for scene in among)
    return _Sight(cases[1] & known & free_worst, cases[0] & known & free_worst, cases[2] & free_best)


def _inside(screens: Screens, stands: FloatArray, case: int) -> BoolArray:
    displays = screens.displays
    far = np.repeat(displays.far_m[:, [case]], 3, axis=1)
    return verdicts(type(displays)(displays.position, displays.azimuth_rad, displays.near_m, far), stands) == INSIDE


def _free(scene: Scene, stands: FloatArray, places: FloatArray, asked: BoolArray) -> BoolArray:
    """Whether nothing lies between places and displays where that is asked (p, m)."""
    out = np.zeros(asked.shape, bool)
    row, column = np.nonzero(asked)
    out[row, column] = ~np.asarray(scene.occluded(stands[row], places[column]), bool)
    return out


def _between(among: Scenes) -> Between:
    return among.worst.scene, among.best.scene


def _enough(read: BoolArray, position: Position, area_share: float) -> BoolArray:
    """Which displays (m,) are read from enough of the places (p, m): from the first, from three round it, from a share of an area."""
    if shapely.get_dimensions(position.shape) == 2:
        return np.asarray(read.mean(axis=0) >= area_share - 1e-9, bool)
    return np.asarray(read[0] | (read[1:].sum(axis=0) >= 3), bool)


def _lacks(screens: Screens, among: Between, stands: FloatArray, near: NDArray[np.int64]) -> tuple[str, list[str]]:
    """Why a position cannot read the displays near it, and what stands before the first."""
    found = verdicts(screens.displays, stands[:1])[0, near]
    hidden = near[found == INSIDE]
    if not len(hidden):
        return REASONS[int(found.min(initial=2)) if len(found) else 2], []
    face, _ = among[0].first_hit(np.repeat(stands[:1], len(hidden), axis=0), screens.displays.position[hidden])
    names = [among[0].obstacles.id_of(hit) for hit in face.tolist() if hit >= 0]
    return "occluded", list(dict.fromkeys(names))[:5]


def _sensitivity(
    places: Sequence[Position], points: FloatArray, screens: Screens, among: Scenes, asked: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """What doors and leaves open by themselves."""
    rows: list[Mapping[str, Any]] = []
    base = _share(places, points, screens, _between(among), asked)
    for name, scene in among.single.items():
        most = _share(places, points, screens, (scene, scene), asked)
        if most > base:
            rows.append({"what": name, "devices": len(screens.devices), "lower": base, "upper": most, "width": most - base})
    return rows


def _share(places: Sequence[Position], points: FloatArray, screens: Screens, among: Between, asked: Mapping[str, Any]) -> float:
    found = [_verdict(position, point, screens, among, asked).covered for position, point in zip(places, points, strict=True)]
    return sum(found) / len(found)


MEASURE = Measure(
    id="display_key_position_share",
    title_en="Key positions with an electronic display",
    title_zh="关键位置电子显示设备设置比例",
    unit="1",
    quantity="count",
    parameters=(
        Parameter("rule", "legible", "", "indicators.yaml display_key_position_share require_visible", "What having a display means",
                  "判定口径", ("legible", "installed")),
        Parameter("reach_m", 30.0, "m", "indicators.yaml display_key_position_share: assumption", "A display this near is there",
                  "视为设置在该处的最大距离", between=NOT_NEGATIVE),
        Parameter("classes", list(CLASSES), "name", "indicators.yaml display_key_position_share", "Classes of positions that count",
                  "计入的位置类别"),
        Parameter("area_share", 0.5, "1", "assumption", "Share of an area from which the display must be read", "面状位置需可读的比例",
                  between=SHARE),
        Parameter("near_limit", False, "", "GB 50464-2008 4.2.1: nearest distance", "Places too near for the pitch do not count",
                  "小于最小视距的位置不计"),
        Parameter("published", False, "", "indicators.yaml: only park-published displays", "Leave out displays nobody publishes to",
                  "仅计统一发布的显示屏"),
        Parameter("target_height_m", 1.6, "m", "eyes of a standing person", "Height of the eyes", "视点高度", between=NOT_NEGATIVE),
        Parameter("derive", True, "", "assumption", "Rooms of models stand in for classes the register has none of",
                  "登记缺少某类时由模型补充"),
        DOORS, VEGETATION, STATUSES,
    ),
    sources=("GB 50464-2008", "Chengdu 2021", "Zhongshan", "Hubei"),
    compute=_compute,
)  # fmt: skip
