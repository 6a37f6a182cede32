"""The control line round a park, by what stands on it, without its gates.

Which line it is: a layer that calls itself perimeter or control line; else the line that the register of key positions has for the
class `perimeter`; else the edge of the park's boundary; else the barriers of class perimeter by themselves. Along it

- `wall` and `fence` are where a barrier runs on it, `building` where a building stands on it, `water` where water does, `open` is the rest
  (`unknown` where the park has no barriers at all: nobody has looked);
- a gate is where a gate is drawn, where the register has an entrance, or where a road or, through a fence, a path crosses; it is as wide
  as it says, as its road, or as the opening in the fence that it stands in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely

from twin.coverage.surface import LinePiece, Lines
from twin.errors import MissingInput
from twin.measures.names import both_names
from twin.measures.outlines import areas, boundary_of, footprints, is_near, linear, lines, road_width, union, width_of
from twin.model import FeatureTable, Layer
from twin.store import Store

PERIMETER_WORDS = ("perimeter", "control line", "controlline", "control_line", "周界", "围界", "控制线")
TYPES: Mapping[str, tuple[str, ...]] = {  # boundary type -> words for it, the first that is found counts
    "water": ("water", "river", "canal", "lake", "水", "河", "湖"),
    "building": ("building", "建筑", "楼"),
    "open": ("open", "none", "unfenced", "敞开", "开放", "无围"),
    "wall": ("wall", "hedge_wall", "retaining", "masonry", "围墙", "墙", "挡墙"),
    "fence": ("fence", "rail", "mesh", "hedge", "perimeter", "chain", "围栏", "栅栏", "护栏", "栏", "网"),
}
TYPE_COLUMNS = ("boundary_type", "fence_type", "围界类型", "周界类型", "边界类型", "type", "类型", "class", "material")
GATE_WORDS = ("gate", "entrance", "toll_booth", "lift_gate", "turnstile", "大门", "道闸", "出入口", "门")
PEOPLE_WORDS = ("personnel", "pedestrian", "人行", "人员")
ENTRANCES = ("park_entrance", "park_main_entrance", "park_secondary_entrance", "vehicle_entrance", "personnel_entrance")

ON_LINE_M = 3.0  # a barrier, wall or bank within this distance of the line is on it
ENTRANCE_M = 15.0  # a registered entrance this near to the line is a gate in it
GATE_M, WICKET_M = 6.0, 2.0  # width of a gate for vehicles, and for people, that gives none
WIDEST_OPENING_M = 30.0  # a wider opening in a fence is no gate
STEEPEST = 3.0  # a road that crosses aslant opens at most this much more than its width
SHORTEST_M = 0.01


@dataclass(frozen=True)
class Gate:
    """One gate: its place on the line and how much of the line it takes."""

    id: str
    name: str
    point: Any  # shapely Point
    width: float
    kind: str  # vehicle personnel
    is_drawn: bool = True  # by somebody, rather than found where a road crosses
    road_class: str = ""  # of the road that passes


@dataclass(frozen=True)
class _Control:
    """The control line: its rings or stretches, where it comes from, and what its own features say of their type."""

    source: str  # layer register boundary barrier
    parts: Sequence[tuple[str, str, Any, Mapping[str, Any]]]  # id, name, LineString, row
    warnings: Sequence[Mapping[str, Any]] = field(default_factory=tuple[Mapping[str, Any], ...])


def perimeter_line(store: Store) -> Lines:
    """The control line by type of boundary, its gates as exclusions.

    Every piece has in its attributes `type`, `source` (what made it the control line) and what its own feature says; every exclusion
    of reason `gate` has `id`, `name` and `kind` (vehicle, personnel).

    Raises
    ------
    MissingInput
        If the park has neither boundary nor perimeter.
    """
    control = _control(store)
    whole = union([line for _, _, line, _ in control.parts])
    barriers = _barriers(store)
    standing = [(kind, shape) for kind, shape in _standing(store, barriers)]
    gates = _gates(store, whole, union([line for _, line in barriers]))
    openings = _openings(whole, barriers, gates)
    exclusions = [
        {"reason": "gate", "amount": amount, "id": gate.id, "name": gate.name, "kind": gate.kind}
        for gate, opening in openings
        if (amount := whole.intersection(opening).length) > SHORTEST_M
    ]
    taken = union([opening for _, opening in openings])
    pieces: list[LinePiece] = []
    for identity, name, line, row in control.parts:
        left = line.difference(taken)
        for kind, part in _typed(left, row, standing, "unknown" if not barriers else "open"):
            number = sum(piece.attributes["feature"] == identity for piece in pieces) + 1
            told = {**row, "type": kind, "source": control.source, "feature": identity}
            pieces.append(LinePiece(f"{identity}/{number}", name, part, told))
    unknown = sum(piece.line.length for piece in pieces if piece.attributes["type"] == "unknown")
    noted = [{"code": "perimeter_type_unknown", "subject": "perimeter_line", "length_m": round(unknown, 1)}] if unknown else []
    return Lines("perimeter_line", pieces, exclusions, [*control.warnings, *noted])


def gates_of(store: Store) -> list[Gate]:
    """The gates in the control line; none where the park has no such line."""
    try:
        control = _control(store)
    except MissingInput:
        return []
    return _gates(store, union([line for _, _, line, _ in control.parts]), union([line for _, line in _barriers(store)]))


def _control(store: Store) -> _Control:
    """The control line, from the first origin that has one."""
    own = _named_layers(store)
    if own:
        return _Control("layer", own)
    register = store.features_of_kind("key_position")
    registered = [i for i in range(len(register)) if _says(register.row(i).get("class"), PERIMETER_WORDS)]
    found = _edges(store, register, registered)
    if found:
        return _Control("register", found)
    boundary = store.features_of_kind("boundary")
    found = _edges(store, boundary, range(len(boundary)))
    if found:
        return _Control("boundary", _outer(found, boundary_of(store)))
    fences = store.features_of_kind("barrier")
    found = _edges(store, fences, [i for i in range(len(fences)) if _says(fences.row(i).get("class"), PERIMETER_WORDS)])
    if found:
        return _Control("barrier", found, [{"code": "perimeter_from_barriers", "subject": "perimeter_line"}])
    raise MissingInput("perimeter_missing", subject="perimeter_line")


def _named_layers(store: Store) -> list[tuple[str, str, Any, Mapping[str, Any]]]:
    """The lines of layers called perimeter; barriers and key positions have their own place in the order."""
    layers = [layer for layer in store.layers() if layer.kind not in {"barrier", "key_position"} and _is_named(layer)]
    found: list[tuple[str, str, Any, Mapping[str, Any]]] = []
    for layer in layers:
        table = store.features(layer.id)
        found += _edges(store, table, range(len(table)))
    return found


def _is_named(layer: Layer) -> bool:
    return any(_says(text, PERIMETER_WORDS) for text in (layer.id, layer.title, layer.title_zh))


def _edges(store: Store, table: FeatureTable, rows: Iterable[int]) -> list[tuple[str, str, Any, Mapping[str, Any]]]:
    """The lines, and the edges of the areas, of some rows of a table; numbered where a feature has several."""
    wanted = set(rows)
    shapes = [(i, shape) for i, shape in (*lines(store, table), *areas(store, table)) if i in wanted]
    found: list[tuple[str, str, Any, Mapping[str, Any]]] = []
    for i, shape in sorted(shapes, key=lambda each: each[0]):
        parts = linear(shapely.line_merge(shape) if "Multi" in shape.geom_type and "Line" in shape.geom_type else shape)
        row = table.row(i)
        for k, part in enumerate(parts, 1):
            name = table.ids[i] if len(parts) == 1 else f"{table.ids[i]}.{k}"
            found.append((name, both_names(row, table.ids[i]), shapely.LineString(part), row))
    return found


def _outer(found: Sequence[tuple[str, str, Any, Mapping[str, Any]]], park: Any) -> list[tuple[str, str, Any, Mapping[str, Any]]]:
    """Boundaries drawn as several areas that touch have no control line between them: only the edge of them all counts."""
    if park is None or len(found) < 2:
        return list(found)
    edge = union(linear(park))
    out: list[tuple[str, str, Any, Mapping[str, Any]]] = []
    for identity, name, line, row in found:
        parts = linear(shapely.line_merge(line.intersection(edge.buffer(1e-6))))
        out += [(identity if len(parts) == 1 else f"{identity}.{k}", name, part, row) for k, part in enumerate(parts, 1)]
    return [part for part in out if part[2].length > SHORTEST_M]


def _barriers(store: Store) -> list[tuple[str, Any]]:
    """Type and line of the barriers that are no gates."""
    table = store.features_of_kind("barrier")
    shapes = [*lines(store, table), *((i, union(linear(area))) for i, area in areas(store, table))]
    return [(_type_of(row) or "fence", shape) for i, shape in shapes if not _is_gate(row := table.row(i))]


def _standing(store: Store, barriers: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """What stands on the ground, by type of boundary, widened by ON_LINE_M; the first counts where several do."""
    water = union([area for _, area in areas(store, store.features_of_kind("water"))])
    streams = [line.buffer(ON_LINE_M) for _, line in lines(store, store.features_of_kind("water"))]
    wanted = [(kind, union([line for sort, line in barriers if sort == kind])) for kind in ("wall", "fence")]
    found = [(kind, shape.buffer(ON_LINE_M, cap_style="flat")) for kind, shape in wanted if not shape.is_empty]
    found.append(("building", union(footprints(store)).buffer(1.0)))
    return [*found, ("water", union([water.buffer(ON_LINE_M), *streams]))]


def _gates(store: Store, whole: Any, barrier: Any) -> list[Gate]:
    """The gates on the line: drawn, registered, then where roads and paths cross; near ones are one."""
    crossing = _crossings(store, whole, barrier)
    table = store.features_of_kind("barrier")
    register = store.features_of_kind("key_position")
    drawn = [
        *_marked(store, table, [i for i in range(len(table)) if _is_gate(table.row(i))], whole, ON_LINE_M),
        *_marked(store, register, [i for i in range(len(register)) if register.row(i).get("class") in ENTRANCES], whole, ENTRANCE_M),
    ]
    kept: list[Gate] = []
    for gate in [*drawn, *crossing]:
        near = [k for k, other in enumerate(kept) if other.point.distance(gate.point) <= max(gate.width, other.width, GATE_M)]
        if not near:
            kept.append(gate)
        elif not gate.is_drawn:  # a drawn gate on a road is as wide as the road where it does not say
            kept[near[0]] = _widest(kept[near[0]], gate)
    return kept


def _widest(drawn: Gate, road: Gate) -> Gate:
    width = drawn.width if drawn.is_drawn and drawn.width not in {GATE_M, WICKET_M} else max(drawn.width, road.width)
    kind = "vehicle" if "vehicle" in {drawn.kind, road.kind} else "personnel"
    return replace(drawn, width=width, kind=kind, road_class=drawn.road_class or road.road_class)


def _marked(store: Store, table: FeatureTable, rows: Sequence[int], whole: Any, reach: float) -> list[Gate]:
    """Features that mark a gate, where they lie on the line or near it."""
    frame = store.park().frame
    found: list[Gate] = []
    for i in rows:
        if table.geometry[i] is None or table.geometry[i].is_empty:
            continue
        shape, row = frame.project(shapely.force_2d(table.geometry[i])), table.row(i)
        if not is_near(shape) or shape.distance(whole) > reach:
            continue
        people = _says(
            " ".join(str(row.get(name, "")) for name in ("class", "name", "name_zh")), ("personnel", "pedestrian", "人行", "人员")
        )
        own = shape.length if "Line" in shape.geom_type else 0.0
        width = width_of(row) or (own if own > 1.0 else WICKET_M if people else GATE_M)
        point = whole.interpolate(whole.project(shape.centroid)) if whole.geom_type == "LineString" else _nearest(whole, shape.centroid)
        found.append(Gate(table.ids[i], both_names(row, table.ids[i]), point, width, "personnel" if people else "vehicle"))
    return found


def _crossings(store: Store, whole: Any, barrier: Any) -> list[Gate]:
    """Where roads cross the line or end on it; and paths, where a barrier says that the way is through it."""
    found: list[Gate] = []
    fenced = barrier.buffer(WIDEST_OPENING_M / 2) if not barrier.is_empty else barrier
    for kind, sort in (("road", "vehicle"), ("path", "personnel")):
        table = store.features_of_kind(kind)
        for i, line in lines(store, table):
            row = table.row(i)
            width = road_width(row) if kind == "road" else width_of(row) or WICKET_M
            for k, (point, slant) in enumerate(_meets(line, whole)):
                if kind == "road" or fenced.intersects(point):
                    name = f"{table.ids[i]}@{k + 1}" if k else table.ids[i]
                    title, sort_of_road = both_names(row, table.ids[i]), str(row.get("class") or "")
                    found.append(Gate(name, title, point, width * slant, sort, is_drawn=False, road_class=sort_of_road))
    return found


def _meets(line: Any, whole: Any) -> list[tuple[Any, float]]:
    """Where a road meets the control line, and how much longer than across its opening is."""
    ends = [shapely.Point(xy) for part in linear(line) for xy in (part.coords[0], part.coords[-1])]
    points = [part for part in shapely.get_parts(line.intersection(whole)) if part.geom_type == "Point"]
    points += [_nearest(whole, end) for end in ends if 0 < end.distance(whole) <= 1.0]
    return [(point, _slant(line, whole, point)) for point in points]


def _slant(line: Any, whole: Any, point: Any) -> float:
    """1 / sin of the angle at which two lines meet, at most STEEPEST."""
    near = point.buffer(1.0)
    ways = [_direction(each.intersection(near)) for each in (line, whole)]
    if ways[0] is None or ways[1] is None:
        return 1.0
    sine = abs(ways[0][0] * ways[1][1] - ways[0][1] * ways[1][0])
    return min(STEEPEST, 1 / max(sine, 1e-9))


def _direction(shape: Any) -> Any:
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "LineString" and part.length > 1e-6]
    if not parts:
        return None
    ends = np.array([parts[0].coords[0], parts[0].coords[-1]])
    way = ends[1] - ends[0]
    return way / np.hypot(*way) if np.hypot(*way) > 0 else None


def _nearest(whole: Any, point: Any) -> Any:
    return shapely.Point(shapely.shortest_line(whole, point).coords[0])


def _openings(whole: Any, barriers: Sequence[tuple[str, Any]], gates: Sequence[Gate]) -> list[tuple[Gate, Any]]:
    """The part of the plane that each gate takes of the line; a gap in the fence that a gate stands in is the gate."""
    fence = union([line for _, line in barriers])
    bare = whole.difference(fence.buffer(ON_LINE_M, cap_style="flat")) if not fence.is_empty else shapely.LineString()
    gaps = [gap for gap in linear(shapely.line_merge(bare)) if gap.length <= WIDEST_OPENING_M and _is_between(gap, fence)]
    found: list[tuple[Gate, Any]] = []
    taken: Any = shapely.Polygon()
    for gate in gates:
        own = next((gap for gap in gaps if gap.distance(gate.point) <= ON_LINE_M), None)
        shape = gate.point.buffer(gate.width / 2) if own is None else own.buffer(1e-6, cap_style="square")
        found.append((gate, shape.difference(taken)))
        taken = taken.union(shape)
    return found


def _is_between(gap: Any, fence: Any) -> bool:
    """Whether a barrier goes on at both ends of a gap."""
    ends = [shapely.Point(gap.coords[k]) for k in (0, -1)]
    return all(end.distance(fence) <= 2 * ON_LINE_M for end in ends)


def _typed(left: Any, row: Mapping[str, Any], standing: Sequence[tuple[str, Any]], rest: str) -> list[tuple[str, Any]]:
    """Stretches of what is left of a line, by type; what the feature says itself counts first."""
    own = _type_of({name: value for name, value in row.items() if name != "class" or not _says(value, PERIMETER_WORDS)})
    found: list[tuple[str, Any]] = []
    for kind, shape in () if own else standing:
        found += [(kind, part) for part in linear(shapely.line_merge(left.intersection(shape)))]
        left = left.difference(shape)
    found += [(own or rest, part) for part in linear(shapely.line_merge(left))]
    return [(kind, part) for kind, part in found if part.length > SHORTEST_M]


def _type_of(row: Mapping[str, Any]) -> str | None:
    for column in TYPE_COLUMNS:
        said = str(row.get(column) or "").casefold()
        for kind, words in TYPES.items():
            if any(word in said for word in words):
                return kind
    return None


def _is_gate(row: Mapping[str, Any]) -> bool:
    said = " ".join(str(row.get(name) or "") for name in ("class", "usage", "barrier")).casefold()
    return _says(said, GATE_WORDS) and "fence" not in said


def _says(text: object, words: Sequence[str]) -> bool:
    said = str(text or "").casefold()
    return any(word in said for word in words)
