"""Spaces: floors on the ground, heights in the park's datum, uses, areas; and which of them a door joins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from importers.ifc.drawing import Drawing, Place
from importers.ifc.levels import Level, first_number, level_at
from importers.ifc.mesh import Body
from importers.ifc.outline import Floor, floor
from importers.ifc.words import usage
from twin.model import ATTRIBUTES, Issue, Space

_HEIGHTS = ("Height", "FinishCeilingHeight", "NetHeight", "ClearHeight", "GrossHeight", "NominalHeight", "净高", "高度")
_AREAS = ("NetFloorArea", "GrossFloorArea", "NetArea", "GSA BIM Area", "GrossArea", "Area", "面积", "净面积", "建筑面积")
_USE_PROPERTIES = ("OccupancyType", "Category", "Reference", "OmniClass", "Occupancy", "Use", "用途", "功能", "房间类型")
_REACH_M = 0.45  # from a door's leaf to the room, through the wall it sits in
_STEP_M = 1.0  # a door's sill and the floor it leads to differ by less
_TOUCH_M2 = 0.02


def floors(content: Mapping[str, Any], drawing: Drawing) -> dict[str, Floor]:
    """Id of a space -> its floor in the model's plane, of those that have a body."""
    bodies = [(said["id"], drawing.bodies.get(said["step"])) for said in content["spaces"]]
    found = {id_: floor(body.points(), body.faces(), drawing.recall) for id_, body in bodies if body is not None}
    return {id_: area for id_, area in found.items() if area is not None}


def spaces(
    model_id: str, content: Mapping[str, Any], areas: Mapping[str, Floor], levels: Sequence[Level], place: Place
) -> tuple[list[Space], list[Issue]]:
    """The model's spaces, and what is wrong with some."""
    rooms: list[Space] = []
    issues: list[Issue] = []
    for said in content["spaces"]:
        found = areas.get(said["id"])
        if found is None or found.outline is None:
            issues.append(Issue("ifc_space_without_outline", "info", said["label"]))
        area, doubt = _area(said["properties"], found)
        if doubt is not None:
            issues.append(
                Issue("ifc_space_area_doubtful", "info", said["label"], {"said": round(doubt, 2), "measured": round(area or 0, 2)})
            )
        rooms.append(_space(model_id, said, found, area, levels, place))
    return rooms, issues


def _space(model_id: str, said: Mapping[str, Any], found: Floor | None, area: float | None, levels: Sequence[Level], place: Place) -> Space:
    z = found.z_m if found else said["z_m"]
    middle = [0.0, 0.0] if found is None or found.outline is None else list(found.outline.centroid.coords[0])
    by_height = said["storey"] is None and bool(levels)
    own = said["properties"][ATTRIBUTES] | _areas(said["properties"], found) | ({"storey_by": "height"} if by_height else {})
    return Space(
        id=said["id"],
        model_id=model_id,
        storey_id=level_at(z, levels).id if by_height else said["storey"],
        name=said["name"],
        long_name=said["long_name"],
        usage=usage(_use_texts(said)),
        outline=place.outline(found.outline, z) if found else None,
        floor_h_m=float(place.heights(np.array([[*middle, z]]))[0]),
        height_m=_height(said["properties"], found),
        area_m2=area,
        attributes=said["properties"] | {ATTRIBUTES: own},
    )


def _areas(properties: Mapping[str, Any], found: Floor | None) -> dict[str, float]:
    """The floor's area by the file's own quantity and by the body, each where there is one. [m2]"""
    by_body = None if found is None or found.outline is None else float(found.outline.area)
    said = {"area_by_quantity_m2": first_number(properties, _AREAS), "area_by_body_m2": by_body}
    return {name: value for name, value in said.items() if value is not None}


def _use_texts(said: Mapping[str, Any]) -> list[str]:
    own = said["properties"][ATTRIBUTES]
    sets = [values for values in said["properties"].values() if isinstance(values, dict)]
    properties = [values[name] for values in sets for name in _USE_PROPERTIES if isinstance(values.get(name), str)]
    classes = [item["name"] for item in own.get("classification", ())]
    texts = [said["long_name"], said["name"], own.get("ObjectType"), own.get("PredefinedType"), said["type_name"], *properties, *classes]
    return [text for text in texts if text]


def _height(properties: Mapping[str, Any], found: Floor | None) -> float | None:
    said = first_number(properties, _HEIGHTS)
    if found is None or found.height_m <= 0:
        return said
    return said if said is not None and 0.2 * found.height_m < said < 1.5 * found.height_m else found.height_m


def _area(properties: Mapping[str, Any], found: Floor | None) -> tuple[float | None, float | None]:
    """The floor's area and, where the file's own figure was not believed, that figure: off by more than a factor of two."""
    said = first_number(properties, _AREAS)
    if found is None or found.outline is None:
        return said, None
    measured = float(found.outline.area)
    if said is None:
        return measured, None
    return (said, None) if 0.5 * measured < said < 2.0 * measured else (measured, said)


def doors(drawing: Drawing, areas: Mapping[str, Floor]) -> dict[int, dict[str, Any]]:
    """Step id of a door -> the spaces it joins (`joins`) and how that is known (`joins_by`): space_boundary or geometry."""
    known = {id_: area for id_, area in areas.items() if area.outline is not None and not area.outline.is_empty}
    outlines: Any = np.array([area.outline for area in known.values()], object)
    rooms = _Rooms(list(known), outlines, np.array([area.z_m for area in known.values()]), shapely.STRtree(outlines))
    found: dict[int, dict[str, Any]] = {}
    for element in drawing.elements:
        if str(element["class"]).startswith("IfcDoor"):
            bounds = element["properties"][ATTRIBUTES].get("bounds")
            joins = bounds or _beside(drawing.bodies[element["step"]], rooms)
            found[element["step"]] = {"joins": joins, "joins_by": "space_boundary" if bounds else "geometry"} if joins else {}
    return found


@dataclass(frozen=True)
class _Rooms:
    """Spaces with a floor: ids, outlines (n,) and a tree of them, heights of the floors (n,). [m, model]"""

    ids: list[str]
    outlines: Any
    z_m: NDArray[np.float64]
    tree: Any


def _beside(body: Body, rooms: _Rooms) -> list[str]:
    """The space on either side of a door's leaf that it touches most."""
    points = body.points()
    leaf: Any = shapely.oriented_envelope(shapely.multipoints(points[:, :2]))
    if leaf.geom_type != "Polygon":
        return []
    corners = shapely.get_coordinates(leaf)[:4]
    edges = np.roll(corners, -1, axis=0) - corners
    along = edges[int(np.argmax(np.linalg.norm(edges, axis=1)))]
    across = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-9)
    middle, sill = corners.mean(axis=0), float(points[:, 2].min())
    sides: dict[bool, tuple[float, str]] = {}
    reach = leaf.buffer(_REACH_M, cap_style="flat", join_style="mitre")
    found: NDArray[np.int64] = rooms.tree.query(reach)
    near = found[np.abs(rooms.z_m[found] - sill) < _STEP_M]  # before anything is cut: most rooms under a door are on other storeys
    shared: Any = shapely.intersection(rooms.outlines[near], reach)
    for k, area, part in zip(near.tolist(), shapely.area(shared).tolist(), shared, strict=True):
        if area > _TOUCH_M2:
            side = bool(float(np.dot(np.array(part.centroid.coords[0]) - middle, across)) > 0.0)
            sides[side] = max(sides.get(side, (0.0, "")), (area, rooms.ids[k]))
    return sorted({id_ for _, id_ in sides.values()})
