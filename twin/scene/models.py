"""The bodies of a model as obstacles: what each element is by its class, what it is made of, and whether sight passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.model import ATTRIBUTES, Element, Model
from twin.scene import Obstacles, nothing
from twin.scene.pieces import cut
from twin.scene.vegetation import FOLIAGE, KIND
from twin.store import Store

SEE_THROUGH_ALPHA = 190  # of 255: drawn clearer than this is glazing

# what the class of an element makes it, by the beginning of its name
KIND_OF_CLASS: Mapping[str, str] = {
    "IfcWall": "wall", "IfcSlab": "slab", "IfcRoof": "roof", "IfcDoor": "door", "IfcWindow": "window", "IfcColumn": "column",
    "IfcBeam": "column", "IfcMember": "column", "IfcFurni": "furniture", "IfcSystemFurniture": "furniture", "IfcFlow": "mep",
    "IfcDistribution": "mep", "IfcPipe": "mep", "IfcDuct": "mep", "IfcCable": "mep", "IfcAirTerminal": "mep", "IfcSite": "terrain",
    "IfcGeographicElement": "terrain", "IfcPlate": "wall", "IfcCurtainWall": "wall", "IfcCovering": "slab", "IfcStair": "slab",
    "IfcRamp": "slab", "BuildingFurniture": "furniture", "Building": "building", "Bridge": "slab", "CityFurniture": "furniture",
    "SolitaryVegetation": KIND, "PlantCover": KIND,
}  # fmt: skip
NO_OBSTACLE = ("IfcSpace", "IfcOpening", "IfcVirtual", "IfcAnnotation", "IfcGrid", "IfcVoiding")
GLASS_WORDS = ("glass", "glas", "glazing", "玻璃", "verre", "vidrio", "vetro", "lasi", "ガラス")


def model_bodies(store: Store, model: Model, left_out: frozenset[str], far_m: float) -> Obstacles:
    """The bodies of a model but those of elements `left_out`, in pieces: fixed parts, doors, and what sight passes of either.

    Nothing where the model lies farther than `far_m` from the origin. [m]
    """
    mesh = store.mesh(model.id)
    known = mesh.vertices[np.isfinite(mesh.vertices).all(axis=1), :2]
    if not len(mesh.faces) or not len(known) or np.hypot(*known.mean(axis=0)) > far_m:
        return nothing()
    elements = {element.id: element for element in store.elements(model.id)}
    said = [elements.get(name) for name in mesh.element_ids]
    names = zip(said, mesh.element_ids, strict=True)
    solid = np.array([_is_body(element) and name not in left_out for element, name in names], np.bool_)
    glazed = np.array([_is_glazing(element) for element in said], np.bool_)
    keep = solid[mesh.face_element]
    owner = mesh.face_element[keep]
    clear = glazed[owner] | (mesh.face_color[keep, 3] < SEE_THROUGH_ALPHA)
    used, face_object = np.unique(owner.astype(np.int64) * 2 + clear, return_inverse=True)
    objects = [(said[k // 2], mesh.element_ids[k // 2], bool(k % 2)) for k in used.tolist()]
    kinds = [_kind(element, clear) for element, _, clear in objects]
    whole = Obstacles(
        mesh.vertices,
        mesh.faces[keep],
        face_object.astype(np.int32),
        [f"element/{name}" for _, name, _ in objects],
        kinds,
        [_materials(element, kind) for (element, _, _), kind in zip(objects, kinds, strict=True)],
        np.array([kind == KIND or not clear for (_, _, clear), kind in zip(objects, kinds, strict=True)], np.bool_),
    )
    return cut(whole, _sort(whole)[whole.face_object])


def _sort(obstacles: Obstacles) -> NDArray[np.int64]:
    """What comes and goes together: 0 fixed, 1 doors, 2 vegetation; and 4 more where sight passes."""
    kinds = np.array([{"door": 1, KIND: 2}.get(kind, 0) for kind in obstacles.object_kind], np.int64)
    return kinds + 4 * ~obstacles.object_opaque


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
    if element.ifc_class.startswith("IfcGeographicElement") and _predefined(element) == "VEGETATION":
        return KIND
    kind = next((kind for start, kind in KIND_OF_CLASS.items() if element.ifc_class.startswith(start)), "other")
    return "glass" if clear and kind not in {"window", "door", KIND} else kind


def _predefined(element: Element) -> str:
    said: Any = element.properties.get(ATTRIBUTES)
    return str(said.get("PredefinedType") or "").upper() if isinstance(said, Mapping) else ""


def _materials(element: Element | None, kind: str) -> Any:
    if kind == KIND:
        return FOLIAGE
    return () if element is None else element.materials
