"""The named networks of a park, gathered from its layers and models: `walkable_network` and `pipe_and_duct_network`.

Walking leads along paths and roads, through entrances, along rooms and doors, up stairs and lifts. Where paths and roads are drawn side by
side without meeting, they are joined by the shortest spans that cross no building and no fence, as people cross a street; the
spans are counted and said.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.buildings import Building, buildings, owners
from twin.coverage.network import ALONG, BOTH, Network, joined, linked, parts, together
from twin.coverage.noding import bridged, noded, unbridged
from twin.measures.indoors import Indoors, indoors
from twin.measures.outlines import footprints, is_near
from twin.measures.positions import gather_positions
from twin.measures.radio import numbers
from twin.measures.said import NOT_BUILT, yes_no_unknown
from twin.model import FeatureTable
from twin.store import Store
from twin.terrain import ground_z

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

TOLERANCE_M = 1.0  # ends of ways this near to each other meet
PIPE_TOLERANCE_M = 0.5
SPAN_M = 30.0  # the longest crossing between ways that are drawn apart
DRAPE_M = 10.0  # ways follow the ground in pieces of this length
ENTRANCE_M = 60.0  # an entrance leads to the nearest way within this distance
CROSSINGS = 4  # how many other ways the end of a path leads across to
NO_WALKING = ("motorway", "trunk", "rail", "proposed", "construction")
ENTRANCE_CLASSES = ("building_main_entrance", "personnel_entrance")
AT_FOOTPRINT_M = 6.0  # an entrance that names no building belongs to one this near
CAPACITY_COLUMNS = ("capacity", "holes_total", "diameter_mm", "cores", "管孔数", "管径")


@dataclass(frozen=True)
class Walkable:
    """The network of walking with the nodes that matter, and what was assumed to make it.

    `entrances` of a building are nodes; `entrance_source` says by what they are known: model, register, or outline where nobody says and
    the nearest place of the footprint stands for them.
    """

    network: Network
    certain: Network  # the same, with the same nodes, without assumed crossings
    rooms: Mapping[str, int]  # space -> node
    entrances: Mapping[str, Sequence[int]]  # building -> nodes
    entrance_source: Mapping[str, str]
    spans: FloatArray  # lengths of assumed crossings [m]
    length_m: float
    parts: int
    warnings: Sequence[Mapping[str, Any]] = ()


_KEPT = 3
_cache: OrderedDict[tuple[str, str], Walkable] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True)
class Pipes:
    """The network of pipes and ducts of some kinds; `rows` are the attributes of its lines."""

    network: Network
    ids: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    parts: int


def walkable_network(store: Store) -> Walkable:
    """The ways people can go, outdoors and in the rooms of models.

    Lines of kind `path` and `road` are ways; roads for motor vehicles alone are not. Ends within TOLERANCE_M meet, and so do lines that
    cross on one level. All lengths follow the ground. What was made for the park as it is is kept.
    """
    key = (str(store.path), store.revision())
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
    found = _walkable(store)
    with _lock:
        _cache[key] = found
        while len(_cache) > _KEPT:
            _cache.popitem(last=False)
    return found


def _walkable(store: Store) -> Walkable:
    ways = _ways(store)
    outdoor = noded([_on_ground(store, way) for way in ways], tolerance=TOLERANCE_M, crossing=True)
    solid = _solid(store)
    joint = bridged(outdoor, within=SPAN_M, ends=CROSSINGS, allowed=lambda a, b: _free(solid, a, b))
    inside = indoors(store)
    doors = _doors(store, inside)
    network, nodes = _let_in(joint.network, inside, doors)
    rooms = {space: int(node) + nodes.offset for space, node in inside.rooms.items()}
    drawn = sum(float(way.length) for way in ways)
    warnings = [{"code": "crossings_assumed", "subject": "walkable_network", "count": len(joint.spans),
                 "length_m": round(float(joint.spans.sum()), 1)}] if len(joint.spans) else []  # fmt: skip
    used = np.unique(network.edges)
    count = len(np.unique(parts(network)[used])) if len(used) else 0
    certain = unbridged(network)
    return Walkable(network, certain, rooms, nodes.entrances, doors.source, joint.spans, drawn, count, warnings)


def pipe_and_duct_network(store: Store, kinds: Sequence[str] = ("pipe", "duct")) -> Pipes:
    """Pipes and ducts as a network: what is planned or out of use left out, flow along the line where inverts fall along it.

    Lines that only cross do not meet. The capacity of an edge is the first of CAPACITY_COLUMNS that its row gives.
    """
    lines: list[Any] = []
    ids: list[str] = []
    rows: list[Mapping[str, Any]] = []
    for kind in kinds:
        table = store.features_of_kind(kind)
        for i, line in _lines(store, table):
            row = table.row(i)
            if yes_no_unknown(row.get("status"), (), NOT_BUILT) is False:
                continue
            lines.append(line)
            ids.append(table.ids[i])
            rows.append(row)
    network = noded(lines, tolerance=PIPE_TOLERANCE_M, flow=[_flow(row) for row in rows], capacity=[_capacity(row) for row in rows])
    return Pipes(network, ids, rows, int(parts(network).max(initial=-1)) + 1)


@dataclass(frozen=True)
class _Doors:
    """The ways into buildings: a place each, the building, the node indoors where there is one, and by what they are known."""

    place: FloatArray  # (d, 3)
    building: Sequence[str]
    inner: IntArray  # (d,) node of the indoor network, -1
    source: Mapping[str, str]


@dataclass(frozen=True)
class _Nodes:
    entrances: Mapping[str, Sequence[int]]
    offset: int


def _ways(store: Store) -> list[Any]:
    """The lines one can walk along, flat."""
    found: list[Any] = []
    for kind in ("path", "road"):
        table = store.features_of_kind(kind)
        for i, line in _lines(store, table):
            row = table.row(i)
            said = " ".join(str(row.get(name) or "") for name in ("class", "usage", "highway", "foot", "status")).casefold()
            if not any(word in said for word in NO_WALKING) and str(row.get("foot") or "").casefold() != "no":
                found.append(line)
    return found


def _lines(store: Store, table: FeatureTable) -> list[tuple[int, Any]]:
    """Row and line of the parts of all lines of a table, in the park's frame."""
    frame = store.park().frame
    found: list[tuple[int, Any]] = []
    for i, shape in enumerate(table.geometry):
        if shape is None or shape.geom_type not in {"LineString", "MultiLineString"} or shape.is_empty:
            continue
        flat = frame.project(shapely.force_2d(shape))
        if is_near(flat):
            found += [(i, part) for part in shapely.get_parts(flat) if part.length > 0]
    return found


def _on_ground(store: Store, line: Any) -> Any:
    """A flat line laid on the ground."""
    fine = shapely.segmentize(line, DRAPE_M) if store.terrain() is not None else line
    xy = shapely.get_coordinates(fine)
    return shapely.LineString(np.column_stack([xy, ground_z(store.park(), store.terrain(), xy)]))


def _solid(store: Store) -> list[Any]:
    """What nobody walks through: buildings, fences and water, each less its own edge."""
    frame = store.park().frame
    shapes = [shape.buffer(-0.3) for shape in footprints(store)]
    for kind in ("barrier", "water"):
        table = store.features_of_kind(kind)
        drawn = [shape for shape in table.geometry if shape is not None and not shape.is_empty]
        shapes += [flat for shape in drawn if is_near(flat := frame.project(shapely.force_2d(shape))) and flat.geom_type != "Point"]
    return shapes


def _free(solid: Sequence[Any], a: FloatArray, b: FloatArray) -> NDArray[np.bool_]:
    """Whether straight ways between places (n, 3) cross nothing solid."""
    free = np.ones(len(a), np.bool_)
    if len(solid) and len(a):
        lines: NDArray[np.object_] = np.asarray(shapely.linestrings(np.stack([a[:, :2], b[:, :2]], axis=1)), object)
        crossed, _ = shapely.STRtree(np.array(solid, object)).query(lines, predicate="intersects")
        free[crossed] = False
    return free


def _doors(store: Store, inside: Indoors) -> _Doors:
    """The entrances of all buildings: outer doors of models, else the register's entrances, else the footprint's own edge."""
    standing = buildings(store)
    owner = owners(standing)
    places: list[FloatArray] = []
    names: list[str] = []
    inner: list[int] = []
    source: dict[str, str] = {}
    for model, node in inside.outer:
        name = owner(model, "")
        if name is not None:
            places.append(inside.network.nodes[node])
            names.append(name)
            inner.append(node)
            source[name] = "model"
    for name, place in _registered(store, standing):
        if source.get(name) != "model":
            places.append(place)
            names.append(name)
            inner.append(-1)
            source[name] = "register"
    return _Doors(np.array(places, float).reshape(-1, 3), names, np.array(inner, np.int64), source)


def _registered(store: Store, standing: Sequence[Building]) -> list[tuple[str, FloatArray]]:
    """Building and place of the entrances that the register of key positions knows."""
    known = gather_positions(store, ENTRANCE_CLASSES, derive=False).positions
    frame = store.park().frame
    ground = [(building.id, frame.project(shapely.force_2d(building.footprint))) for building in standing if building.footprint is not None]
    tree = shapely.STRtree(np.array([shape for _, shape in ground], object))
    found: list[tuple[str, FloatArray]] = []
    for position in known:
        middle = shapely.get_coordinates(position.shape.centroid)
        z = position.floor_z if position.floor_z is not None else float(ground_z(store.park(), store.terrain(), middle)[0])
        name = position.building_id
        if name is None and ground:
            near, away = tree.query_nearest(position.shape, return_distance=True, max_distance=AT_FOOTPRINT_M)
            name = ground[int(near[0])][0] if len(away) else None
        if name is not None:
            found.append((name, np.array([middle[0, 0], middle[0, 1], z])))
    return found


def _let_in(outdoor: Network, inside: Indoors, doors: _Doors) -> tuple[Network, _Nodes]:
    """The outdoor network with the doors on it and the rooms behind them."""
    found = joined(outdoor, doors.place, within=ENTRANCE_M)
    offset = len(found.network.nodes)
    whole = together([found.network, inside.network])
    through = np.flatnonzero((found.node >= 0) & (doors.inner >= 0))
    whole = linked(whole, np.column_stack([found.node[through], doors.inner[through] + offset]), np.zeros(len(through)))
    entrances: dict[str, list[int]] = {}
    for k, name in enumerate(doors.building):
        if found.node[k] >= 0:
            entrances.setdefault(name, []).append(int(found.node[k]))
    return whole, _Nodes(entrances, offset)


def _flow(row: Mapping[str, Any]) -> int:
    """ALONG the line where its end lies lower than its start, or its row says so; else either way."""
    ends = [numbers(row.get(name)) for name in ("invert_start_m", "invert_end_m")]
    if all(ends) and ends[0][0] != ends[1][0]:
        return ALONG if ends[1][0] < ends[0][0] else -ALONG
    said = str(row.get("flow") or row.get("flow_direction") or row.get("流向") or "").strip().casefold()
    return ALONG if said in {"0", "forward", "along", "正向"} else -ALONG if said in {"1", "reverse", "against", "反向"} else BOTH


def _capacity(row: Mapping[str, Any]) -> float:
    return next((found[0] for name in CAPACITY_COLUMNS if (found := numbers(row.get(name)))), float("nan"))
