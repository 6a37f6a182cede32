"""City objects as one model: an element for each body, the buildings as groups of these, rooms and storeys where there are any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from importers.citymodel.city import GROUPS, ROOMS, STOREYS, lod_rank
from importers.citymodel.colors import colors
from importers.citymodel.made import Family, Made
from importers.citymodel.outlines import on_earth
from twin.buildings import BUILDING_GROUP
from twin.crs import Frame
from twin.model import Element, Georeferencing, Group, Mesh, Model, ModelContent, Space, Storey

_OUTSIDE = ("CityFurniture", "SolitaryVegetationObject")


@dataclass(frozen=True)
class Heading:
    """What is said of a model as a whole."""

    id: str
    name: str
    schema: str
    sha256: str
    crs: str | None
    reason: str


def model(objects: Sequence[Made], buildings: Sequence[Family], hidden: set[str], frame: Frame, heading: Heading) -> ModelContent | None:
    """The model of a file; None where nothing in it has a body.

    Parameters
    ----------
    objects
        All objects.
    buildings
        Those that are buildings, with their parts.
    hidden
        Ids of bodies that finer ones stand for.
    frame
        The park's frame.
    heading
        Identity of the model.
    """
    drawn = [each for each in objects if each.is_drawn and each.id not in hidden]
    if not drawn:
        return None
    mesh = _mesh(drawn)
    rooms = {each.id: each for each in objects if each.kind in ROOMS and each.body is not None}
    floors = _storeys(objects, rooms, buildings, heading.id)
    elements = [_element(each, heading.id) for each in drawn]
    there = {each.id for each in (*elements, *floors)} | set(rooms)
    return ModelContent(
        model=_model(drawn, mesh, frame, heading),
        storeys=floors,
        spaces=[_space(each, floors, objects, frame, heading.id) for each in rooms.values()],
        elements=elements,
        mesh=mesh,
        groups=[*_buildings(buildings, there, heading.id), *_gathered(objects, there, heading.id)],
    )


def _mesh(drawn: Sequence[Made]) -> Mesh:
    bodies = [each.body for each in drawn if each.body is not None]
    corners = np.concatenate([body.corners for body in bodies])  # (t, 3, 3)
    shades = [_shades(each)[body.surface] for each, body in zip(drawn, bodies, strict=True)]
    owner = np.repeat(np.arange(len(bodies)), [len(body.corners) for body in bodies])
    vertices, faces = _indexed(corners, owner)
    return Mesh(vertices, faces, owner.astype(np.uint32), np.concatenate(shades), [each.id for each in drawn])


def _indexed(corners: np.ndarray[Any, Any], owner: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Vertices (v, 3) shared within each body, and faces (t, 3)."""
    points = np.column_stack([np.repeat(owner, 3), corners.reshape(-1, 3).round(4)])
    _, first, index = np.unique(points, axis=0, return_index=True, return_inverse=True)
    return corners.reshape(-1, 3)[first], index.reshape(-1, 3).astype(np.uint32)


def _shades(each: Made) -> np.ndarray[Any, Any]:
    body = each.body
    return np.empty((0, 4), np.uint8) if body is None else colors(each.kind, body.kinds, [bool(surface.kind) for surface in body.surfaces])


def _model(drawn: Sequence[Made], mesh: Mesh, frame: Frame, heading: Heading) -> Model:
    bodies = [each.body for each in drawn if each.body is not None]
    low, high = min(body.low_h for body in bodies), max(body.high_h for body in bodies)
    box = np.stack([mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)])
    lon, lat, _ = frame.to_lonlat([box.mean(axis=0)])[0].tolist()
    hull = shapely.convex_hull(shapely.MultiPoint(mesh.vertices[:, :2])).buffer(0.01)
    raised = shapely.force_3d(hull, z=float(box[0, 2]))
    return Model(
        id=heading.id,
        name=heading.name,
        schema=heading.schema,
        sha256=heading.sha256,
        georeferencing=Georeferencing("placement_in_crs" if heading.crs else "given", (lon, lat), low, 0.0, heading.crs, heading.reason),
        outline=shapely.force_2d(frame.unproject(raised)),
        base_h_m=low,
        top_h_m=high,
    )


def _element(each: Made, model_id: str) -> Element:
    body = each.body
    box = None if body is None else [*body.corners.min(axis=(0, 1)).tolist(), *body.corners.max(axis=(0, 1)).tolist()]
    flawed = body is not None and (body.crossed or body.degenerate)
    return Element(
        id=each.id,
        model_id=model_id,
        ifc_class=each.kind,
        name=each.said.name or each.id,
        discipline="site" if each.kind in _OUTSIDE else "architecture",
        state="degraded" if flawed else "built",
        reason="rings_mended" if flawed else None,
        properties=_properties(each),
        bbox=box,
    )


def _properties(each: Made) -> Mapping[str, Any]:
    """Attributes as they came, and what was measured of the body."""
    body = each.body
    out: dict[str, Any] = {"Attributes": dict(each.said.attributes)} if each.said.attributes else {}
    if body is not None:
        volume = None if body.volume_m3 is None else round(body.volume_m3, 3)
        found: dict[str, Any] = {"LoD": body.lod, "LoDs": ", ".join(each.lods), "surfaces": len(body.surfaces), "volume_m3": volume}
        faults = {
            "holes": body.holes,
            "open_edges": body.open_edges,
            "rings_crossed": body.crossed,
            "surfaces_without_area": body.degenerate,
        }
        out["Geometry"] = {name: value for name, value in found.items() if value is not None} | {n: v for n, v in faults.items() if v}
        if body.areas:
            out["SurfaceAreas_m2"] = dict(body.areas)
    if each.said.parent:
        out["Structure"] = {"parent": each.said.parent}
    if each.said.addresses:
        out["Addresses"] = {str(k): address for k, address in enumerate(each.said.addresses, 1)}
    return out


def _buildings(buildings: Sequence[Family], there: set[str], model_id: str) -> list[Group]:
    """Each building that has something in the model, with what that is."""
    out: list[Group] = []
    for family in buildings:
        members = [each.id for each in family.everyone if each.id in there]
        if members:
            name = family.head.said.name or family.head.id
            finest = max((each.body.lod for each in family.everyone if each.body is not None), key=lod_rank, default="")
            out.append(Group(family.head.id, model_id, "group", BUILDING_GROUP, name, members=members, attributes={"lod": finest}))
    return out


def _gathered(objects: Sequence[Made], there: set[str], model_id: str) -> list[Group]:
    """The file's own groups."""
    return [
        Group(each.id, model_id, "group", each.kind, each.said.name or each.id, members=[m for m in each.said.members if m in there])
        for each in objects
        if each.kind in GROUPS
    ]


def _storeys(objects: Sequence[Made], rooms: Mapping[str, Made], buildings: Sequence[Family], model_id: str) -> list[Storey]:
    """Storeys that have a body or rooms, with their heights."""
    foot = {part.id: _lowest(family) for family in buildings for part in family.parts}
    out: list[Storey] = []
    for each in objects:
        if each.kind not in STOREYS:
            continue
        bodies = [room.body for room in rooms.values() if room.body is not None and _is_on(room, each)]
        bodies += [each.body] if each.body is not None else []
        if bodies:
            low, high = min(body.low_h for body in bodies), max(body.high_h for body in bodies)
            zero = foot.get(each.id)
            name = each.said.name or each.id
            out.append(Storey(each.id, model_id, name, low - (low if zero is None else zero), low, high - low if high > low else None))
    return sorted(out, key=lambda storey: storey.base_h_m)


def _lowest(family: Family) -> float | None:
    return min((each.body.low_h for each in family.everyone if each.body is not None), default=None)


def _is_on(room: Made, storey: Made) -> bool:
    return room.said.parent == storey.id or room.id in storey.said.members


def _space(each: Made, floors: Sequence[Storey], objects: Sequence[Made], frame: Frame, model_id: str) -> Space:
    body, outline = each.body, each.outline
    known = {storey.id for storey in floors}
    storey = next((other.id for other in objects if other.id in known and _is_on(each, other)), None)
    low, high = (0.0, None) if body is None else (body.low_h, body.high_h - body.low_h)
    return Space(
        id=each.id,
        model_id=model_id,
        storey_id=storey,
        name=each.said.name or each.id,
        long_name="",
        usage=str(each.said.attributes.get("usage") or each.said.attributes.get("function") or "") or None,
        outline=None if outline is None else on_earth(outline, frame),
        floor_h_m=low,
        height_m=high,
        area_m2=None if outline is None else float(outline.shape.area),
        attributes=dict(each.said.attributes),
    )
