"""The obstacles of a park, collected from its store.

Buildings without a model stand as prisms, the others as the bodies of their models, the finest of those there are; walls of known
height stand on the ground; the ground itself is in the way where the terrain is known. Doors count as closed. Sight passes windows,
curtain walls of glass and whatever is drawn see-through.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, cast

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.buildings import Building, buildings, replaced
from twin.model import Element, Model, Terrain
from twin.scene import Obstacles, concat, nothing, one_object, opaque
from twin.scene.prism import prisms
from twin.store import Store
from twin.terrain import ground_z, z_of_height

FAR_M = 50_000.0  # what lies farther from the origin is in the wrong place and in nobody's way
SEE_THROUGH_ALPHA = 190  # of 255: drawn clearer than this is glazing
MOST_TERRAIN_TRIANGLES = 2_000_000
BURIED_M = 1.0  # prisms reach this far below the lowest ground at their outline, so that no gap opens on a slope

# what the class of an element makes it, by the beginning of its name
KIND_OF_CLASS: Mapping[str, str] = {
    "IfcWall": "wall", "IfcSlab": "slab", "IfcRoof": "roof", "IfcDoor": "door", "IfcWindow": "window", "IfcColumn": "column",
    "IfcBeam": "column", "IfcMember": "column", "IfcFurni": "furniture", "IfcSystemFurniture": "furniture", "IfcFlow": "mep",
    "IfcDistribution": "mep", "IfcPipe": "mep", "IfcDuct": "mep", "IfcCable": "mep", "IfcAirTerminal": "mep", "IfcSite": "terrain",
    "IfcGeographicElement": "terrain", "IfcPlate": "wall", "IfcCurtainWall": "wall", "IfcCovering": "slab", "IfcStair": "slab",
    "IfcRamp": "slab", "BuildingFurniture": "furniture", "Building": "building", "Bridge": "slab", "CityFurniture": "furniture",
}  # fmt: skip
NO_OBSTACLE = ("IfcSpace", "IfcOpening", "IfcVirtual", "IfcAnnotation", "IfcGrid", "IfcVoiding")
GLASS_WORDS = ("glass", "glas", "glazing", "玻璃", "verre", "vidrio", "vetro", "lasi", "ガラス")
WALL_WORDS = ("wall", "hedge", "noise", "围墙", "墙", "挡墙")  # barriers nobody looks through; fences and rails are not among them

_KEPT = 6
_cache: OrderedDict[tuple[str, str, str, bool], Obstacles] = OrderedDict()
_lock = Lock()


def gather_obstacles(store: Store, *, terrain: str = "auto", sight: bool = True) -> Obstacles:
    """Everything that stands in the way, in the park's frame.

    Parameters
    ----------
    store
        The park.
    terrain
        `auto`: the ground is an obstacle where the park has terrain; `flat`: the park is level.
    sight
        Leave out what sight passes; without, windows and glass are there, marked as not opaque.
    """
    key = (str(store.path), store.revision(), terrain, sight)
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
    found = (
        opaque(gather_obstacles(store, terrain=terrain, sight=False))
        if sight
        else _gather(flattened(store) if terrain == "flat" else store)
    )
    with _lock:
        _cache[key] = found
        while len(_cache) > _KEPT:
            _cache.popitem(last=False)
    return found


def flattened(store: Store) -> Store:
    """The same park with level ground at the height of its origin."""
    return cast(Store, _Level(store))


class _Level:
    """A store that knows of no terrain."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def terrain(self) -> Terrain | None:
        return None


def _gather(store: Store) -> Obstacles:
    standing = buildings(store)
    left_out = replaced(standing)
    parts = [
        _prisms(store, [building for building in standing if not building.model_ids]),
        *(_model(store, model, left_out.get(model.id, frozenset())) for model in store.models()),
        _barriers(store),
        _terrain(store),
    ]
    return concat([part for part in parts if len(part)])


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
    return Obstacles(
        body.vertices,
        body.faces.astype(np.uint32),
        body.face_owner.astype(np.int32),
        ids,
        ["building"] * len(ids),
        [()] * len(ids),
        np.ones(len(ids), np.bool_),
    )


def _lowest_ground(store: Store, outlines: NDArray[np.object_]) -> NDArray[np.float64]:
    """z of the lowest ground at the corners of each outline (n,). [m, enu]"""
    corners, owner = shapely.get_coordinates(outlines, return_index=True)
    lowest = np.full(len(outlines), np.inf)
    np.minimum.at(lowest, owner, ground_z(store.park(), store.terrain(), corners))
    return lowest


def _model(store: Store, model: Model, left_out: frozenset[str]) -> Obstacles:
    mesh = store.mesh(model.id)
    if not len(mesh.faces) or np.hypot(*mesh.vertices[:, :2].mean(axis=0)) > FAR_M:
        return nothing()
    elements = {element.id: element for element in store.elements(model.id)}
    known = [elements.get(name) for name in mesh.element_ids]
    names = zip(known, mesh.element_ids, strict=True)
    solid = np.array([_is_body(element) and name not in left_out for element, name in names], np.bool_)
    glazed = np.array([_is_glazing(element) for element in known], np.bool_)
    keep = solid[mesh.face_element]
    owner = mesh.face_element[keep]
    clear = glazed[owner] | (mesh.face_color[keep, 3] < SEE_THROUGH_ALPHA)
    used, face_object = np.unique(owner.astype(np.int64) * 2 + clear, return_inverse=True)
    objects = [(known[k // 2], mesh.element_ids[k // 2], bool(k % 2)) for k in used.tolist()]
    return Obstacles(
        mesh.vertices,
        mesh.faces[keep],
        face_object.astype(np.int32),
        [f"element/{name}" for _, name, _ in objects],
        [_kind(element, clear) for element, _, clear in objects],
        [() if element is None else element.materials for element, _, _ in objects],
        np.array([not clear for _, _, clear in objects], np.bool_),
    )


def _is_body(element: Element | None) -> bool:
    return element is None or not element.ifc_class.startswith(NO_OBSTACLE)


def _is_glazing(element: Element | None) -> bool:
    """Windows, and what is made of nothing but glass."""
    if element is None:
        return False
    names = [str(layer.get("name", "")).lower() for layer in element.materials]
    return element.ifc_class.startswith("IfcWindow") or (bool(names) and all(any(word in name for word in GLASS_WORDS) for name in names))


def _kind(element: Element | None, clear: bool) -> str:
    if element is None:
        return "other"
    kind = next((kind for start, kind in KIND_OF_CLASS.items() if element.ifc_class.startswith(start)), "other")
    return "glass" if clear and kind not in {"window", "door"} else kind


def _barriers(store: Store) -> Obstacles:
    """Walls of known height, upright on the ground."""
    table = store.features_of_kind("barrier")
    parts: list[Obstacles] = []
    rows = zip(table.ids, table.geometry, table.column("height_m"), table.column("class"), strict=True)
    for name, shape, height, sort in rows:
        if shape is None or not height or not any(word in str(sort or "wall").lower() for word in WALL_WORDS):
            continue
        outline = store.park().frame.project(shapely.force_2d(shape))
        parts += [_curtain(store, line, float(height), f"barrier/{name}") for line in _lines(outline)]
    return concat([part for part in parts if len(part)])


def _lines(shape: Any) -> list[Any]:
    edge = shape.boundary if shape.geom_type in {"Polygon", "MultiPolygon"} else shape
    return [part for part in shapely.get_parts(edge) if part.geom_type in {"LineString", "LinearRing"}]


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
