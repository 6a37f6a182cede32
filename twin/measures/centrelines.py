"""The centrelines of a park's main roads, each road once.

A road is main where its attributes say so (`main`, or a class whose word is among MAIN_WORDS), or where its class is among those that the
caller names: what is a main road is the park's decision, not geometry's. A divided road is often drawn as two centrelines; of two of
the same name (or both one-way, or marked divided) that run side by side, the second is left out with its length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.surface import LinePiece, Lines
from twin.errors import MissingInput
from twin.measures.names import both_names
from twin.measures.outlines import boundary_of, linear, lines
from twin.store import Store

FloatArray = NDArray[np.float64]

MAIN_WORDS = ("main", "arterial", "trunk", "primary", "主干道", "主干路", "主要道路", "主路", "主干")
MAIN_COLUMNS = ("main", "is_main", "main_road", "主要道路", "主干道", "是否主干道", "是否主路")
CLASS_COLUMNS = ("class", "usage", "highway", "road_class", "道路等级", "等级", "道路类型")
NOT_BUILT = ("planned", "building", "reserved", "retired")
APART_M = 25.0  # the carriageways of a divided road lie no farther apart
DOUBLE_M = 0.5  # and two drawings of one centreline no farther than this
PARALLEL_RAD = np.radians(20.0)
STEP_M = 5.0  # roads are compared by pieces of this length
SHORTEST_M = 0.01

_YES, _NO = {"1", "true", "yes", "y", "是", "main"}, {"0", "false", "no", "n", "否", "-1.0"}


@dataclass(frozen=True)
class _Road:
    """One drawn centreline, clipped to the park."""

    id: str
    name: str
    line: Any  # shapely LineString
    row: Mapping[str, Any]

    @property
    def is_divided(self) -> bool:
        """Whether it is one of two carriageways: marked so, or one-way."""
        return any(str(self.row.get(mark, "")).strip().casefold() in {*_YES, "-1"} for mark in ("divided", "oneway", "dual_carriageway"))


def main_road_centreline(store: Store, classes: Sequence[str] | None = None) -> Lines:
    """The centrelines of the main roads inside the park, with what was left out.

    Raises
    ------
    MissingInput
        If no road is main; the classes that roads have are named, so that the caller can choose.
    """
    table = store.features_of_kind("road")
    drawn = [(i, line, table.row(i)) for i, line in lines(store, table)]
    main = [(i, line, row) for i, line, row in drawn if _is_main(row, classes)]
    if not main:
        known = sorted({_class_of(row) for _, _, row in drawn} - {""})
        raise MissingInput("main_roads_missing", subject="main_road_centreline", known=", ".join(known) or "-")
    built = [(i, line, row) for i, line, row in main if str(row.get("status", "")) not in NOT_BUILT]
    left_out = {"not_in_service": sum(line.length for _, line, _ in main) - sum(line.length for _, line, _ in built)}
    park = boundary_of(store)
    roads: list[_Road] = []
    for i, line, row in built:
        roads += _clipped(table.ids[i], both_names(row, table.ids[i]), line, row, park)
    left_out["outside_boundary"] = sum(line.length for _, line, _ in built) - sum(road.line.length for road in roads)
    pieces, doubled = _once_each(roads)
    exclusions = [{"reason": reason, "amount": amount} for reason, amount in (left_out | doubled).items() if amount > SHORTEST_M]
    warnings = [] if park is not None else [{"code": "lines_not_clipped", "subject": "main_road_centreline"}]
    return Lines("main_road_centreline", pieces, exclusions, warnings)


def _is_main(row: Mapping[str, Any], classes: Sequence[str] | None) -> bool:
    said = {str(row[name]).strip().casefold() for name in MAIN_COLUMNS if name in row}
    if said & _NO:
        return False
    if classes is not None:
        return _class_of(row).casefold() in {each.casefold() for each in classes}
    return bool(said & _YES) or any(word in _class_of(row).casefold() for word in MAIN_WORDS)


def _class_of(row: Mapping[str, Any]) -> str:
    return next((str(row[name]).strip() for name in CLASS_COLUMNS if row.get(name)), "")


def _clipped(identity: str, name: str, line: Any, row: Mapping[str, Any], park: Any) -> list[_Road]:
    parts = [part for part in linear(line if park is None else shapely.line_merge(line.intersection(park))) if part.length > SHORTEST_M]
    return [_Road(identity if len(parts) == 1 else f"{identity}/{k}", name, part, row) for k, part in enumerate(parts, 1)]


def _once_each(roads: Sequence[_Road]) -> tuple[list[LinePiece], dict[str, float]]:
    """The roads without second carriageways and second drawings, and the length of each reason; of two the longer one counts."""
    left_out = {"second_carriageway": 0.0, "drawn_twice": 0.0}
    pieces: list[LinePiece] = []
    kept: list[tuple[_Road, Any]] = []
    order = sorted(range(len(roads)), key=lambda k: (-roads[k].line.length, roads[k].id))
    shown: dict[int, list[Any]] = {}
    for k in order:
        road, line = roads[k], roads[k].line
        for reason, within in (("drawn_twice", DOUBLE_M), ("second_carriageway", APART_M)):
            beside = [other for each, other in kept if reason == "drawn_twice" or _same_road(road, each)]
            rest = _without_parallels(line, beside, within)
            left_out[reason] += line.length - rest.length
            line = rest
        shown[k] = [part for part in linear(line) if part.length > SHORTEST_M]
        kept += [(road, part) for part in shown[k]]
    for k, road in enumerate(roads):
        for number, part in enumerate(shown[k], 1):
            name = road.id if len(shown[k]) == 1 else f"{road.id}/{number}"
            pieces.append(LinePiece(name, road.name, part, dict(road.row)))
    return pieces, left_out


def _same_road(one: _Road, other: _Road) -> bool:
    """Whether two centrelines may be carriageways of one road."""
    named = bool(one.row.get("name") or one.row.get("name_zh"))
    same_name = named and one.name == other.name
    return same_name or (one.is_divided and other.is_divided and not (named and (other.row.get("name") or other.row.get("name_zh"))))


def _without_parallels(line: Any, others: Sequence[Any], within: float) -> Any:
    """What of a line does not run beside one of the others."""
    candidates = np.array(others, object)
    near = candidates[shapely.dwithin(candidates, line, within)] if len(others) else candidates
    if not len(near):
        return line
    xy = shapely.get_coordinates(shapely.segmentize(line, STEP_M))
    start, way = xy[:-1], np.diff(xy, axis=0)
    doubled = np.zeros(len(start), bool)
    for other in near:
        corners = shapely.get_coordinates(other)
        doubled |= _beside(start + way / 2, way, corners[:-1], np.diff(corners, axis=0), within)
    parts = [shapely.LineString([a, a + d]) for a, d, gone in zip(start, way, doubled, strict=True) if not gone]
    return shapely.line_merge(shapely.MultiLineString(parts)) if parts else shapely.LineString()


def _beside(middle: FloatArray, way: FloatArray, start: FloatArray, along: FloatArray, within: float) -> NDArray[np.bool_]:
    """Whether pieces (n,), by middle and direction (n, 2), have a segment (m,) running beside them: parallel, near, and abreast."""
    length2 = np.maximum((along**2).sum(axis=1), 1e-12)
    away = middle[:, None] - start[None]  # (n, m, 2)
    t = (away * along).sum(axis=2) / length2
    abreast = (t > -1e-9) & (t < 1 + 1e-9)
    cross = np.abs(away[..., 0] * along[:, 1] - away[..., 1] * along[:, 0]) / np.sqrt(length2)
    turn = np.abs(way[:, None, 0] * along[:, 1] - way[:, None, 1] * along[:, 0]) / np.sqrt(length2)
    parallel = turn <= np.sin(PARALLEL_RAD) * np.linalg.norm(way, axis=1)[:, None]
    found: NDArray[np.bool_] = (abreast & parallel & (cross <= within)).any(axis=1)
    return found
