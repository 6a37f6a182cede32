"""Key positions in the open: gates in the perimeter by what passes through them, crossings of roads, the perimeter itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.errors import MissingInput
from twin.measures.centrelines import MAIN_WORDS
from twin.measures.derived.content import Content
from twin.measures.derived.position import DERIVED, Position
from twin.measures.lines import gather_lines
from twin.measures.names import both_names
from twin.measures.outlines import boundary_of, linear, lines
from twin.measures.perimeter import Gate

MINOR = (
    "service",
    "access",
    "driveway",
    "parking_aisle",
    "alley",
    "track",
    "pedestrian",
    "footway",
    "path",
    "emergency",
    "出入口",
    "内部",
    "支路",
)
ONE_CROSSING_M = 15.0  # nodes nearer than this are one crossing: dual carriageways, roundabouts, offset arms
SNAP_M = 1.0  # an end this near to another road meets it
ARM_M = 2.0  # a piece of road shorter than this is no arm
_OVER = ("bridge", "tunnel", "layer")


def gates(content: Content, kind: str) -> list[Position]:
    """All gates in the perimeter."""
    return [_at_gate(gate, kind) for gate in content.gates]


def vehicle_gates(content: Content, kind: str) -> list[Position]:
    """Gates that a road passes."""
    return [_at_gate(gate, kind) for gate in content.gates if gate.kind == "vehicle"]


def people_gates(content: Content, kind: str) -> list[Position]:
    """Gates for people alone."""
    return [_at_gate(gate, kind) for gate in content.gates if gate.kind == "personnel"]


def main_gates(content: Content, kind: str) -> list[Position]:
    """Vehicle gates of main roads; where no road is main, the widest gate, with less confidence."""
    driven = [gate for gate in content.gates if gate.kind == "vehicle"]
    main = [gate for gate in driven if _is_main(gate)]
    if main or not driven:
        return [_at_gate(gate, kind) for gate in main]
    return [_at_gate(max(driven, key=lambda gate: (gate.width, gate.id)), kind, 0.5)]


def side_gates(content: Content, kind: str) -> list[Position]:
    """Vehicle gates that are not main ones."""
    main = {position.origin_id for position in main_gates(content, kind)}
    return [_at_gate(gate, kind) for gate in content.gates if gate.kind == "vehicle" and gate.id not in main]


def perimeter(content: Content, kind: str) -> list[Position]:
    """The control line, a position a stretch of one type."""
    try:
        found = gather_lines(content.store, "perimeter_line")
    except MissingInput:
        return []
    sure = {"layer": 0.9, "register": 0.9, "boundary": 0.8, "barrier": 0.7}
    return [
        Position(f"{kind}/{piece.id}", piece.name, kind, piece.line, None, derived=True, origin="perimeter", origin_id=piece.id,
                 confidence=sure[piece.attributes["source"]], state=DERIVED)
        for piece in found.pieces
    ]  # fmt: skip


def crossings(content: Content, kind: str) -> list[Position]:
    """Where at least three arms of roads meet on one level; arms of driveways and aisles do not count unless the park has no others."""
    table = content.store.features_of_kind("road")
    drawn = [(table.ids[i], table.row(i), line) for i, line in lines(content.store, table)]
    through = [road for road in drawn if not _is_minor(road[1])] or drawn
    park = boundary_of(content.store)
    found: list[Position] = []
    for point, ids in _meetings(through):
        if park is None or park.buffer(SNAP_M).intersects(point):
            named = [both_names(row, "") for name, row, _ in through if name in ids]
            title = " × ".join(dict.fromkeys(name for name in named if name)) or "×".join(sorted(ids))
            identity = f"{kind}/{'+'.join(sorted(ids))}"
            number = sum(position.origin_id == "+".join(sorted(ids)) for position in found)
            found.append(
                Position(f"{identity}.{number + 1}" if number else identity, title, kind, point, None, derived=True, origin="road_crossing",
                         origin_id="+".join(sorted(ids)), confidence=0.8, state=DERIVED)
            )  # fmt: skip
    return found


def _at_gate(gate: Gate, kind: str, most: float = 0.9) -> Position:
    return Position(
        f"{kind}/{gate.id}", gate.name, kind, gate.point, None, derived=True, origin="gate" if gate.is_drawn else "road_through_boundary",
        origin_id=gate.id, confidence=min(most, 0.9 if gate.is_drawn else 0.7), state=DERIVED,
    )  # fmt: skip


def _is_main(gate: Gate) -> bool:
    said = f"{gate.road_class} {gate.name}".casefold()
    return any(word in said for word in (*MAIN_WORDS, "主入口", "主出入口", "正门", "南大门"))


def _is_minor(row: Mapping[str, Any]) -> bool:
    said = f"{row.get('class', '')} {row.get('service', '')}".casefold()
    return any(word in said for word in MINOR)


def _meetings(roads: Sequence[tuple[str, Mapping[str, Any], Any]]) -> list[tuple[Any, set[str]]]:
    """Points where at least three arms meet, and the ids of the roads that do."""
    by_level: dict[str, list[tuple[str, Any]]] = {}
    for name, row, line in roads:
        level = "".join(str(row.get(mark) or "") for mark in _OVER)
        by_level.setdefault(level if level not in {"no", "0"} else "", []).append((name, line))
    places: list[tuple[NDArray[np.float64], set[str]]] = []
    for level, own in by_level.items():
        # ramps: what is on a level of its own still meets the ground at its ends
        ground = (
            []
            if not level
            else [(name, line) for name, line in by_level.get("", []) if any(line.distance(other) < SNAP_M for _, other in own)]
        )
        places += _nodes(own) if not ground else [node for node in _nodes([*own, *ground]) if _is_end(node[0], own)]
    return _merged(places)


def _is_end(place: NDArray[np.float64], roads: Sequence[tuple[str, Any]]) -> bool:
    point = shapely.Point(place)
    return any(shapely.Point(part.coords[k]).distance(point) < SNAP_M for _, line in roads for part in linear(line) for k in (0, -1))


def _nodes(roads: Sequence[tuple[str, Any]]) -> list[tuple[NDArray[np.float64], set[str]]]:
    """Nodes of the roads' network with three arms or more."""
    shapes = np.array([line for _, line in roads], object)
    tree = shapely.STRtree(shapes)
    marks = _marks(shapes, tree)
    found: list[tuple[NDArray[np.float64], set[str]]] = []
    for x, y in marks:
        point = shapely.Point(x, y)
        near = tree.query(point, predicate="dwithin", distance=SNAP_M).tolist()
        arms = sum(_arms(shapes[k], point) for k in near)
        if arms >= 3:
            found.append((np.array([x, y]), {roads[k][0] for k in near}))
    return found


def _marks(shapes: NDArray[np.object_], tree: Any) -> NDArray[np.float64]:
    """Where lines meet each other or end on each other (m, 2), each place once. [m, enu]"""
    i, k = tree.query(shapes, predicate="dwithin", distance=SNAP_M)
    first = i < k
    meets = shapely.get_parts(shapely.intersection(shapes[i[first]], shapes[k[first]]))
    points = [shapely.get_coordinates(part) for part in meets if part.geom_type == "Point"]
    touching = np.unique(i[i != k])
    for shape in shapes[touching]:
        points += [np.array([part.coords[end]]) for part in linear(shape) for end in (0, -1)]
    if not points:
        return np.empty((0, 2))
    return np.unique(np.round(np.concatenate(points), 1), axis=0)


def _arms(line: Any, point: Any) -> int:
    """How many ways lead from a point along a line that passes or ends there."""
    arms = 0
    for part in linear(line):
        if part.distance(point) > SNAP_M:
            continue
        along = part.project(point)
        if part.is_ring:
            arms += 2
        else:
            arms += (along > ARM_M) + (along < part.length - ARM_M)
    return arms


def _merged(places: Sequence[tuple[NDArray[np.float64], set[str]]]) -> list[tuple[Any, set[str]]]:
    """Nodes that lie near each other as one crossing in their middle."""
    if not places:
        return []
    xy = np.array([place for place, _ in places])
    blobs = shapely.union_all(shapely.buffer(shapely.points(xy), ONE_CROSSING_M / 2))
    out: list[tuple[Any, set[str]]] = []
    for blob in shapely.get_parts(blobs):
        own = [k for k in range(len(places)) if blob.intersects(shapely.Point(xy[k]))]
        out.append((shapely.Point(xy[own].mean(axis=0)), set().union(*(places[k][1] for k in own))))
    return out
