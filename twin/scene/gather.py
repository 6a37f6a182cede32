"""The obstacles of a park, collected from its store: one set for light, radio and sound.

Buildings without a model stand as prisms, the others as the bodies of their models, the finest of those there are; walls of known
height stand on the ground; the ground itself is in the way where the terrain is known; trees, woods and hedges stand as closed bodies of
leaves. Doors count as closed and leaves as opaque unless a `State` says otherwise. Sight passes windows, curtain walls of glass and
whatever is drawn see-through.

Obstacles come in pieces (a model's fixed parts, its doors; buildings, walls and plants by squares of ground; the terrain), so that a
change of the park or of its state leaves most of what `twin.scene.embree` has built in use.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import Any, Literal, cast

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.buildings import Building, buildings, replaced
from twin.model import Terrain
from twin.scene import Obstacles, concat, nothing, one_object, opaque, subset
from twin.scene.models import model_bodies
from twin.scene.pieces import as_one, cut
from twin.scene.prism import prisms
from twin.scene.state import CLEAR, OPEN, State
from twin.scene.surface import raised
from twin.scene.vegetation import is_hedge, number, plants
from twin.store import Store
from twin.terrain import ground_z, z_of_height

FAR_M = 50_000.0  # what lies farther from the origin is in the wrong place and in nobody's way
MOST_TERRAIN_TRIANGLES = 2_000_000
BURIED_M = 1.0  # prisms reach this far below the lowest ground at their outline, so that no gap opens on a slope
TILE_M = 256.0  # buildings, walls and plants of one square of this edge are one piece
WALL_WORDS = ("wall", "noise", "围墙", "墙", "挡墙")  # barriers nobody looks through; fences and rails are not among them

_KEPT = 12
_Key = tuple[str, str, str, bool, bool, State]
_cache: OrderedDict[_Key, Obstacles] = OrderedDict()
_lock = Lock()
_AS_KNOWN = State()


def gather_obstacles(
    store: Store, *, terrain: str = "auto", sight: bool = True, state: State = _AS_KNOWN, surface: bool = False
) -> Obstacles:
    """Everything that stands in the way, in the park's frame.

    Parameters
    ----------
    store
        The park.
    terrain
        `auto`: the ground is an obstacle where the park has terrain; `flat`: the park is level.
    sight
        Leave out what sight passes; without, windows and glass are there, marked as not opaque.
    state
        Doors that are open and vegetation that is clear leave. Where that changes nothing the very same object comes out, so that
        `is` tells whether two states differ.
    surface
        Let the park's surface heights stand where they rise above the ground and no building, model or plant is known.
    """
    key = (store.address, store.revision(), terrain, sight, surface, state)
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
    if state != _AS_KNOWN:
        whole = gather_obstacles(store, terrain=terrain, sight=sight, surface=surface)
        told = _as_it_matters(whole, state)
        found = (
            _left_by(whole, state) if told == state else gather_obstacles(store, terrain=terrain, sight=sight, state=told, surface=surface)
        )
    elif sight:
        found = opaque(gather_obstacles(store, terrain=terrain, sight=False, surface=surface))
    else:
        found = _gather(store, flattened(store) if terrain == "flat" else store, surface)
    with _lock:
        found = _cache.setdefault(key, found)  # of two that gathered at once, the first: `is` tells whether states differ
        while len(_cache) > _KEPT:
            _cache.popitem(last=False)
    return found


def _as_it_matters(obstacles: Obstacles, state: State) -> State:
    """The state with everything as it is by default that these obstacles have none of."""
    kinds = {obstacles.object_kind[k] for k in np.unique(obstacles.face_object).tolist()}
    doors = state.doors if "door" in kinds else _AS_KNOWN.doors
    return State(doors, state.vegetation if "vegetation" in kinds else _AS_KNOWN.vegetation)


def _left_by(obstacles: Obstacles, state: State) -> Obstacles:
    """What stands in the way in a state; the same object where that is everything."""
    gone = {kind for kind, is_gone in (("door", state.doors == OPEN), ("vegetation", state.vegetation == CLEAR)) if is_gone}
    leaves = np.array([kind in gone for kind in obstacles.object_kind], np.bool_)
    return subset(obstacles, ~leaves[obstacles.face_object])


def flattened(store: Store) -> Store:
    """The same park with level ground at the height of its origin."""
    return cast(Store, _Level(store))


class _Level:
    """A store that knows of no terrain."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def terrain(self, role: Literal["ground", "surface"] = "ground") -> Terrain | None:
        del role
        return None


def _gather(store: Store, standing: Store, surface: bool) -> Obstacles:
    """The obstacles of a park; `standing` is the same, perhaps with level ground."""
    houses = buildings(standing)
    left_out = replaced(houses)
    models = [model_bodies(standing, model, left_out.get(model.id, frozenset()), FAR_M) for model in standing.models()]
    modelled = frozenset(name.removeprefix("element/") for part in models for name in part.object_ids)
    green = plants(standing, modelled=modelled, far_m=FAR_M).obstacles
    parts = [
        _prisms(standing, [house for house in houses if not house.model_ids]),
        *models,
        _barriers(standing),
        as_one(_terrain(standing)),
        _by_tile(green),
        as_one(raised(store, standing, lambda: _areas(standing, houses, green), FAR_M)) if surface else nothing(),
    ]
    return concat([part for part in parts if len(part)])


def _by_tile(obstacles: Obstacles) -> Obstacles:
    """The same in pieces, the objects of one square of ground together."""
    if not len(obstacles):
        return nothing()
    count = np.maximum(np.bincount(obstacles.face_object, minlength=len(obstacles.object_ids)), 1)
    corner = obstacles.vertices[obstacles.faces[:, 0], :2]
    x, y = (np.floor(np.bincount(obstacles.face_object, corner[:, k], len(count)) / count / TILE_M) for k in range(2))
    tile = np.nan_to_num(x).astype(np.int64) * 1_000_000 + np.nan_to_num(y).astype(np.int64)
    return cut(replace(obstacles), tile[obstacles.face_object])


def _areas(store: Store, houses: Sequence[Building], green: Obstacles) -> list[Any]:
    """Where something is known to stand. [m, enu]"""
    shapes = [house.footprint for house in houses] + [model.outline for model in store.models() if model.outline is not None]
    known = list(store.park().frame.project(np.array([shapely.force_2d(shape) for shape in shapes], object))) if shapes else []
    corners = green.vertices[green.faces][:, :, :2].reshape(-1, 2)
    order = np.argsort(np.repeat(green.face_object, 3), kind="stable")
    places: Any = shapely.points(corners[order])
    grown: Any = shapely.multipoints(places, indices=np.repeat(green.face_object, 3)[order]) if len(green) else places
    hulls: Any = shapely.convex_hull(grown)
    return [*known, *hulls]


def _prisms(store: Store, standing: Sequence[Building]) -> Obstacles:
    if not standing:
        return nothing()
    frame = store.park().frame
    outlines = frame.project(np.array([shapely.force_2d(building.footprint) for building in standing], object))
    middle = shapely.get_coordinates(shapely.centroid(outlines))
    near = np.hypot(middle[:, 0], middle[:, 1]) < FAR_M
    kept, outlines, middle = [building for building, ok in zip(standing, near, strict=True) if ok], outlines[near], middle[near]
    if not kept:
        return nothing()
    base = z_of_height(frame, middle, [building.base_h_m for building in kept])
    top = base + [building.height_m for building in kept]
    body = prisms(outlines, np.minimum(base, _lowest_ground(store, outlines) - BURIED_M), top)
    ids = [f"building/{building.id.removeprefix('building/')}" for building in kept]
    whole = Obstacles(
        body.vertices,
        body.faces.astype(np.uint32),
        body.face_owner.astype(np.int32),
        ids,
        ["building"] * len(ids),
        [()] * len(ids),
        np.ones(len(ids), np.bool_),
    )
    return _by_tile(whole)


def _lowest_ground(store: Store, outlines: NDArray[np.object_]) -> NDArray[np.float64]:
    """z of the lowest ground at the corners of each outline (n,). [m, enu]"""
    corners, owner = shapely.get_coordinates(outlines, return_index=True)
    lowest = np.full(len(outlines), np.inf)
    np.minimum.at(lowest, owner, ground_z(store.park(), store.terrain(), corners))
    return lowest


def _barriers(store: Store) -> Obstacles:
    """Walls of known height, upright on the ground; hedges are plants (`twin.scene.vegetation`)."""
    table = store.features_of_kind("barrier")
    parts: list[Obstacles] = []
    rows = zip(table.ids, table.geometry, table.column("height_m"), table.column("class"), strict=True)
    for name, shape, told, sort in rows:
        height = number(told)
        is_wall = any(word in str(sort or "wall").lower() for word in WALL_WORDS) and not is_hedge(sort)
        if shape is None or height is None or height <= 0 or not is_wall:
            continue
        outline = store.park().frame.project(shapely.force_2d(shape))
        parts += [_curtain(store, line, height, f"barrier/{name}") for line in _lines(outline)]
    return _by_tile(concat([part for part in parts if len(part)]))


def _lines(shape: Any) -> list[Any]:
    edge = shape.boundary if shape.geom_type in {"Polygon", "MultiPolygon"} else shape
    return [part for part in shapely.get_parts(edge) if part.geom_type in {"LineString", "LinearRing"} and part.length > 0]


def _curtain(store: Store, line: Any, height: float, name: str) -> Obstacles:
    xy = shapely.get_coordinates(shapely.segmentize(line, 10.0))
    if len(xy) < 2 or np.hypot(*xy[0]) > FAR_M:
        return nothing()
    low = ground_z(store.park(), store.terrain(), xy)
    n = len(xy)
    k = np.arange(n - 1)
    faces = np.concatenate([np.column_stack([k, k + 1, k + 1 + n]), np.column_stack([k, k + 1 + n, k + n])])
    points = np.concatenate([np.column_stack([xy, low - BURIED_M]), np.column_stack([xy, low + height])])
    return one_object(points, faces, object_id=name, kind="wall")


def _terrain(store: Store) -> Obstacles:
    """The ground's grid as triangles, thinned where it has more than MOST_TERRAIN_TRIANGLES."""
    terrain = store.terrain()
    if terrain is None or min(terrain.heights.shape) < 2:
        return nothing()
    stride = max(1, int(np.ceil(np.sqrt(terrain.heights.size * 2 / MOST_TERRAIN_TRIANGLES))))
    heights = terrain.heights[::stride, ::stride].astype(float)
    rows, columns = heights.shape
    if min(rows, columns) < 2:
        return nothing()
    step = terrain.step_m * stride
    x, y = np.meshgrid(terrain.x0_m + step * np.arange(columns), terrain.y0_m + step * np.arange(rows))
    xy = np.column_stack([x.ravel(), y.ravel()])
    z = z_of_height(store.park().frame, xy, np.nan_to_num(heights.ravel()))
    corner = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]))
    faces = np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])
    known = ~np.isnan(heights.ravel())
    faces = faces[known[faces].all(axis=1)]
    return one_object(np.column_stack([xy, z]), faces, object_id="terrain", kind="terrain")
