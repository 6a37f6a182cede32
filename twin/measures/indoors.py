"""The ways inside building models: from door to door through rooms, up stairs and lifts, and out of the outer doors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from twin.coverage.around import ways_within
from twin.coverage.network import Network, linked
from twin.coverage.noding import noded
from twin.coverage.slices import sliced
from twin.measures.outlines import is_near
from twin.measures.said import flag
from twin.measures.usages import usage_of
from twin.model import Element, Space
from twin.scene.gather import gather_obstacles
from twin.store import Store
from twin.terrain import z_of_height

FloatArray = NDArray[np.float64]

MEET_M = 0.05  # outlines this near to each other meet
PASSAGE_M = 0.7  # the narrowest passage
CHEST_M = 1.2  # walls are cut at this height above the floor
STAIR_CLASSES = ("IfcStair", "IfcRamp")
UPRIGHT_KINDS = frozenset({"building", "wall", "door", "window", "glass", "column"})
AT_DOOR_M = 0.6  # a room whose outline comes this near to a door is one that the door leads to
LEVEL_M = 1.5  # door and room are on one floor when their heights differ by no more
STAIR_SLOPE = 2.0  # length of a flight over its rise: 280 mm treads, 160 mm risers give 2.02
SAME_SHAFT_SHARE = 0.3  # rooms over each other by this share of the smaller are one shaft
NEXT_STOREY_M = 12.0
UPRIGHT = {"stair": STAIR_SLOPE, "elevator": 1.0}


@dataclass(frozen=True)
class Indoors:
    """The network of all models, the node of each room, and (model, node) of the doors that lead outside."""

    network: Network
    rooms: Mapping[str, int]
    outer: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class _Room:
    """A room of one model in the park's frame: its outline, the height of its floor [m, enu], and its node."""

    space: Space
    shape: Any
    z: float
    node: int


def indoors(store: Store) -> Indoors:
    """The ways inside all models that have rooms."""
    nodes: list[FloatArray] = []
    edges: list[tuple[int, int]] = []
    lengths: list[float] = []
    outer: list[tuple[str, int]] = []
    rooms: dict[str, int] = {}
    for model in store.models():
        mine = _rooms(store, model.id, len(nodes))
        nodes += [np.array([*shapely.get_coordinates(shapely.point_on_surface(room.shape))[0], room.z]) for room in mine]
        rooms |= {room.space.id: room.node for room in mine}
        if not mine:
            continue
        doors = [*_doors(store, model.id, mine), *_openings(store, mine)]
        at_room: dict[int, list[int]] = {}
        for place, sides, is_outer in doors:
            node = len(nodes)
            nodes.append(place)
            for side in sides:
                at_room.setdefault(side, []).append(node)
            outer += [(model.id, node)] if is_outer else []
        for storeys in _stairs(store, model.id, mine):
            first = len(nodes)
            for side, place in storeys:
                at_room.setdefault(side, []).append(len(nodes))
                nodes.append(place)
            edges += [(first + k, first + k + 1) for k in range(len(storeys) - 1)]
            lengths += [STAIR_SLOPE * float(upper[1][2] - lower[1][2]) for lower, upper in pairwise(storeys)]
        for k, found in at_room.items():
            _cross(mine[k], found, nodes, edges, lengths)
        _climb(mine, edges, lengths)
    empty = noded([], tolerance=0.0)
    whole = Network(np.array(nodes, float).reshape(-1, 3), empty.edges, empty.length, empty.line, empty.flow, empty.capacity)
    return Indoors(linked(whole, np.array(edges, np.int64).reshape(-1, 2), lengths), rooms, outer)


def _rooms(store: Store, model_id: str, first: int) -> list[_Room]:
    frame = store.park().frame
    found: list[_Room] = []
    for space in store.spaces(model_id):
        if space.outline is None or space.outline.is_empty:
            continue
        shape: Any = shapely.make_valid(frame.project(shapely.force_2d(space.outline)))
        if not is_near(shape) or shape.area <= 0:
            continue
        z = float(z_of_height(frame, shapely.get_coordinates(shape.centroid), [space.floor_h_m])[0])
        found.append(_Room(space, shape, z, first + len(found)))
    return found


def _doors(store: Store, model_id: str, rooms: Sequence[_Room]) -> list[tuple[FloatArray, list[int], bool]]:
    """Place of each door, the rooms (by index) it leads to, and whether it leads outside."""
    by_id = {room.space.id: k for k, room in enumerate(rooms)}
    tree = shapely.STRtree(np.array([room.shape for room in rooms], object))
    found: list[tuple[FloatArray, list[int], bool]] = []
    for element in store.elements(model_id):
        if not element.ifc_class.startswith("IfcDoor") or element.bbox is None:
            continue
        box = np.asarray(element.bbox, float)
        place = np.array([(box[0] + box[3]) / 2, (box[1] + box[4]) / 2, box[2]])
        said = element.properties.get("_ifc", {}).get("joins", [])
        sides = [by_id[name] for name in said if name in by_id] or _beside(rooms, tree, place, _reach(box))
        if sides:
            place[2] = rooms[sides[0]].z
            found.append((place, sides[:2], _leads_out(element, sides)))
    return found


def _openings(store: Store, rooms: Sequence[_Room]) -> list[tuple[FloatArray, list[int], bool]]:
    """Place and rooms of the passages without a door: where outlines meet and no wall stands between."""
    shapes: NDArray[np.object_] = np.array([room.shape for room in rooms], object)
    i, j = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=MEET_M)
    z = np.array([room.z for room in rooms])
    level = (i < j) & (np.abs(z[i] - z[j]) <= LEVEL_M)
    i, j = i[level], j[level]
    if not len(i):
        return []
    shared = shapely.intersection(shapely.boundary(shapes[i]), shapely.buffer(shapes[j], MEET_M))
    walls = _walls(store, z[i] + CHEST_M, np.asarray(shared, object))
    found: list[tuple[FloatArray, list[int], bool]] = []
    for k, line in enumerate(shared):
        free = [part for part in shapely.get_parts(shapely.line_merge(_linear(line.difference(walls[k])))) if part.length >= PASSAGE_M]
        if free:
            middle = max(free, key=shapely.length).interpolate(0.5, normalized=True)
            found.append((np.array([middle.x, middle.y, z[i[k]]]), [int(i[k]), int(j[k])], False))
    return found


def _linear(shape: Any) -> Any:
    return shapely.union_all([part for part in shapely.get_parts(shape) if part.geom_type == "LineString"])


def _walls(store: Store, heights: FloatArray, near: NDArray[np.object_]) -> list[Any]:
    """What stands upright about some lines (k,), cut at the height of each [m, enu]; doors are closed."""
    obstacles = gather_obstacles(store, sight=False)
    counts = np.array([kind in UPRIGHT_KINDS for kind in obstacles.object_kind], bool)
    faces = np.flatnonzero(counts[obstacles.face_object]) if len(counts) else np.empty(0, np.int64)
    triangles = obstacles.vertices[obstacles.faces[faces]]
    cut = sliced(triangles, obstacles.face_object[faces].astype(np.int64), heights, shapely.buffer(near, MEET_M))
    return [shapely.buffer(shapely.union_all(cut.shape[cut.level == k]), MEET_M) for k in range(len(heights))]


def _reach(box: FloatArray) -> float:
    """How far from its middle a door reaches the rooms on both sides: half its thickness and a little. [m]"""
    return AT_DOOR_M + min(box[3] - box[0], box[4] - box[1]) / 2


def _beside(rooms: Sequence[_Room], tree: shapely.STRtree, place: FloatArray, reach: float) -> list[int]:
    near = tree.query(shapely.Point(place[:2]), predicate="dwithin", distance=reach)
    level = [k for k in near.tolist() if abs(rooms[k].z - place[2]) <= LEVEL_M]
    return sorted(level, key=lambda k: float(rooms[k].shape.distance(shapely.Point(place[:2]))))[:2]


def _leads_out(element: Element, sides: Sequence[int]) -> bool:
    """Whether a door leads outside: it says so, or has a room on one side alone and does not deny it."""
    said = flag(next((pset["IsExternal"] for pset in element.properties.values() if isinstance(pset, dict) and "IsExternal" in pset), None))
    return bool(said) or (said is None and len(sides) == 1)


def _cross(room: _Room, doors: Sequence[int], nodes: Sequence[FloatArray], edges: list[tuple[int, int]], lengths: list[float]) -> None:
    """The ways through a room between its doors and its middle; where the outline does not let one through, the straight way counts."""
    every = [room.node, *doors]
    places = np.array([nodes[k][:2] for k in every])
    inside = _pulled_in(room.shape, places)
    found = ways_within(room.shape, inside)
    apart = np.linalg.norm(places - inside, axis=1)
    straight = np.linalg.norm(places[:, None] - places[None], axis=2)
    for i in range(len(every)):
        for j in range(i + 1, len(every)):
            way = found[i, j] + apart[i] + apart[j]
            edges.append((every[i], every[j]))
            lengths.append(float(max(way if np.isfinite(way) else 0.0, straight[i, j])))


def _pulled_in(shape: Any, places: FloatArray) -> FloatArray:
    """The nearest places (n, 2) inside a room to places beside it."""
    points = shapely.points(places)
    return shapely.get_coordinates(shapely.shortest_line(points, shape)).reshape(-1, 2, 2)[:, 1]


def _stairs(store: Store, model_id: str, rooms: Sequence[_Room]) -> list[list[tuple[int, FloatArray]]]:
    """The stairs and ramps of a model: of each, room (by index) and place on every storey it joins, lowest first.

    Flights over each other are one stair; on each storey it leads to the room that has most of it, or the nearest.
    """
    boxes = [np.asarray(element.bbox, float) for element in store.elements(model_id)
             if element.bbox is not None and element.ifc_class.startswith(STAIR_CLASSES)]  # fmt: skip
    if not boxes:
        return []
    plans: NDArray[np.object_] = np.array([shapely.box(box[0], box[1], box[3], box[4]) for box in boxes], object)
    i, j = shapely.STRtree(plans).query(plans, predicate="dwithin", distance=AT_DOOR_M)
    z0, z1 = np.array([box[2] for box in boxes]), np.array([box[5] for box in boxes])
    over = (z0[i] <= z1[j] + AT_DOOR_M) & (z0[j] <= z1[i] + AT_DOOR_M)
    link = coo_array((np.ones(int(over.sum())), (i[over], j[over])), shape=(len(boxes), len(boxes)))
    label = connected_components(link, directed=False)[1]
    whole = [np.flatnonzero(label == k) for k in np.unique(label)]
    found = [_landings(shapely.union_all(plans[mine]), (z0[mine].min(), z1[mine].max()), rooms) for mine in whole]
    return [storeys for storeys in found if len(storeys) > 1]


def _landings(plan: Any, between: tuple[float, float], rooms: Sequence[_Room]) -> list[tuple[int, FloatArray]]:
    """The room of each storey that a stair between two heights [m, enu] leads to, with the place in it, lowest first."""
    near = [
        k for k, room in enumerate(rooms) if between[0] - LEVEL_M <= room.z <= between[1] + LEVEL_M and room.shape.dwithin(plan, AT_DOOR_M)
    ]
    found: list[tuple[int, FloatArray]] = []
    for k in sorted(near, key=lambda k: (rooms[k].z, -float(rooms[k].shape.intersection(plan).area))):
        if not found or rooms[k].z - rooms[found[-1][0]].z > LEVEL_M:
            place = shapely.get_coordinates(shapely.shortest_line(rooms[k].shape, plan.centroid))[0]
            found.append((k, np.array([*place, rooms[k].z])))
    return found


def _climb(rooms: Sequence[_Room], edges: list[tuple[int, int]], lengths: list[float]) -> None:
    """The ways up: from each room of stairs or lifts to the next one over it."""
    for usage, slope in UPRIGHT.items():
        shafts = sorted((room for room in rooms if usage_of(room.space) == usage), key=lambda room: room.z)
        for k, lower in enumerate(shafts):
            upper = next((room for room in shafts[k + 1 :] if _over(lower, room)), None)
            if upper is not None:
                edges.append((lower.node, upper.node))
                lengths.append(slope * (upper.z - lower.z))


def _over(lower: _Room, upper: _Room) -> bool:
    rise = upper.z - lower.z
    shared = float(lower.shape.intersection(upper.shape).area)
    return LEVEL_M < rise <= NEXT_STOREY_M and shared >= SAME_SHAFT_SHARE * min(lower.shape.area, upper.shape.area)
