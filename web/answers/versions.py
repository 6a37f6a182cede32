"""Sources and their versions: what each import held, what changed from one to the next, and the bodies that are not there any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from importers.pipeline import Outcome
from tiles.content.bim import model_bodies
from tiles.content.bodies import Bodies, together
from tiles.glb import encode_glb
from tiles.tileset import Tile, gather, middle, tileset_json
from twin.diff.changes import Difference
from twin.errors import NotFound
from twin.model import Asset, FeatureTable, Mesh, ModelContent, SourceContent, Version
from twin.store import Store
from web.answers.buildings import StoreyAnswer, storeys_of
from web.answers.elements import ElementLine, line
from web.answers.elements import middle as middle_of_box
from web.answers.layers import feature
from web.geometry import METRES, point_on

Place = tuple[float, float, float]  # longitude, latitude [deg], height [m, park datum]
_OTHERWISE = {"removed", "moved", "reshaped"}  # what leaves a body behind
DEVICES = "devices"


class HeldLayer(BaseModel):
    """A layer that came from a source."""

    id: str
    kind: str
    features: int


class SourceAnswer(BaseModel):
    """A source: who read it and when, what it holds, and which of its versions the park shows."""

    name: str
    importer: str
    at: str
    version: int
    versions: int
    layers: Sequence[HeldLayer]
    models: Sequence[str]
    devices: int
    issues: int


class VersionLine(BaseModel):
    """One import of a source."""

    number: int
    at: str
    sha256: str
    importer: str
    is_current: bool


class VersionAnswer(VersionLine):
    """One import with its report, and the files that are kept of it."""

    report: Mapping[str, Any]
    files: Sequence[str]


class ModelVersionAnswer(BaseModel):
    """A model as a version of its source held it."""

    id: str
    name: str
    ifc_schema: str = Field(alias="schema")
    storeys: Sequence[StoreyAnswer]
    elements: Sequence[ElementLine]


class ChangeAnswer(BaseModel):
    """One thing that is not what it was: what became of it, and where it is or, removed, was."""

    id: str
    what: str
    name: str = ""
    kinds: Sequence[str]
    model_or_layer: str = ""
    ifc_class: str | None = None
    was_id: str | None = None
    distance_m: float | None = None
    fields: Mapping[str, tuple[Any, Any]] = {}
    lonlat_h: Place | None = None


class DifferenceAnswer(BaseModel):
    """What changed between two versions of a source."""

    source: str
    versions: tuple[int, int]
    summary: Mapping[str, int]
    placement: Sequence[Mapping[str, Any]]
    changes: Sequence[ChangeAnswer]


def sources_answer(store: Store) -> dict[str, list[SourceAnswer]]:
    """All sources, those imported last first."""
    versions = store.versions()
    return {"sources": [_source(each, [v for v in versions if v.source == each["name"]]) for each in reversed(store.sources())]}


def versions_answer(store: Store, source: str) -> dict[str, list[VersionLine]]:
    """The imports of a source, oldest first; raises NotFound."""
    found = store.versions(source)
    if not found:
        raise NotFound("diff_source_missing", subject=source, known=", ".join(sorted({each.source for each in store.versions()})) or "–")
    return {"versions": [VersionLine(**_line(version)) for version in found]}


def version_answer(store: Store, content: SourceContent, source: str, number: int, lang: str) -> VersionAnswer:
    """One import with its report in `lang`; raises NotFound."""
    version = _version(store, source, number)
    report = Outcome(source, report=version.report).said(lang) if "issues" in version.report else dict(version.report)
    report |= {"file": Path(str(report["file"]).replace("\\", "/")).name} if "file" in report else {}  # where it lay is no one's concern
    return VersionAnswer(**_line(version), report=report, files=[asset.name for asset in content.assets])


def layer_answer(content: SourceContent, layer_id: str) -> dict[str, Any]:
    """A layer of a version, or its devices, as a GeoJSON FeatureCollection; raises NotFound."""
    table = next((table for layer, table in content.layers if layer.id == layer_id), None)
    if table is None and layer_id == DEVICES and content.devices:
        table = _devices(content)
    if table is None:
        raise NotFound("layer_missing", subject=layer_id, known=", ".join(layer.id for layer, _ in content.layers) or "–")
    return {"type": "FeatureCollection", "features": [feature(table, i) for i in range(len(table))]}


def model_answer(content: SourceContent, model_id: str) -> ModelVersionAnswer:
    """A model of a version with its storeys, rooms and elements; raises NotFound."""
    found = model_of(content, model_id)
    return ModelVersionAnswer(
        id=found.model.id,
        name=found.model.name,
        schema=found.model.schema,
        storeys=storeys_of(found.storeys, found.spaces),
        elements=[line(element) for element in found.elements],
    )


def model_of(content: SourceContent, model_id: str) -> ModelContent:
    """The model of that id; raises NotFound."""
    found = next((each for each in content.models if each.model.id == model_id), None)
    if found is None:
        raise NotFound("model_missing", subject=model_id)
    return found


def file_of(store: Store, content: SourceContent, source: str, number: int) -> Asset:
    """The file a version was read from, where the park keeps it; raises NotFound."""
    version = _version(store, source, number)
    found = next((asset for asset in content.assets if asset.sha256 == version.sha256), None)
    if found is None:
        raise NotFound("source_file_missing", subject=source, number=number)
    return found


def difference_answer(store: Store, found: Difference, old: SourceContent, new: SourceContent) -> DifferenceAnswer:
    """A difference, each change with its place."""
    before, after = _places(store, old), _places(store, new)
    document = found.document()
    changes = [
        ChangeAnswer(**change, lonlat_h=after.get((change["what"], change["id"])) or before.get((change["what"], change["id"])))
        for change in document["changes"]
    ]
    return DifferenceAnswer(
        source=found.source, versions=found.versions, summary=document["summary"], placement=document["placement"], changes=changes
    )


def left_behind(found: Difference) -> frozenset[str]:
    """The older ids of the elements whose bodies were removed, moved or reshaped."""
    changes = (change for change in found.changes if change.what == "element" and _OTHERWISE.intersection(change.kinds))
    return frozenset(change.was_id or change.id for change in changes)


def bodies_of(content: SourceContent, ids: frozenset[str] | None = None, model_id: str | None = None) -> Bodies | None:
    """The bodies of a version's models, or of some elements of them; None where there are none."""
    models = [each for each in content.models if model_id in {None, each.model.id}]
    parts = [model_bodies(_some(each.mesh, ids), each.elements, each.model.id, "") for each in models]
    built = [part for part in parts if len(part)]
    return together(built) if built else None


def bodies_glb(bodies: Bodies) -> bytes:
    """One GLB of bodies, about the middle of their box."""
    whole = _whole(bodies)
    return encode_glb(*bodies.tile(np.arange(len(bodies)), middle(whole)))


def bodies_tileset(store: Store, bodies: Bodies | None, address: str) -> dict[str, Any]:
    """The tileset of one tile that places the GLB at `address`."""
    ecef = store.park().frame.ecef_matrix()
    return tileset_json(None if bodies is None else gather([_whole(bodies, address)]), ecef)


def _source(source: Mapping[str, Any], versions: Sequence[Version]) -> SourceAnswer:
    report = source["report"]
    current = next((version.number for version in versions if version.is_current), len(versions))
    return SourceAnswer(
        name=source["name"],
        importer=source["importer"],
        at=source["at"],
        version=current,
        versions=len(versions),
        layers=[HeldLayer(**{name: layer[name] for name in ("id", "kind", "features")}) for layer in report.get("layers", [])],
        models=list(report.get("models", [])),
        devices=sum(report.get("devices", {}).values()),
        issues=len(report.get("issues", [])),
    )


def _line(version: Version) -> dict[str, Any]:
    return {name: getattr(version, name) for name in VersionLine.model_fields}


def _version(store: Store, source: str, number: int) -> Version:
    found = next((version for version in store.versions(source) if version.number == number), None)
    if found is None:
        raise NotFound("version_missing", subject=source, number=number)
    return found


def _devices(content: SourceContent) -> FeatureTable:
    points = np.empty(len(content.devices), object)
    points[:] = [shapely.Point(device.lon, device.lat) for device in content.devices]
    names = ("kind", "name", "height_m", "z_m", "building_id", "storey_id", "space_id", "status", "valid_from")
    rows = [{name: getattr(device, name) for name in names} | dict(device.attributes) for device in content.devices]
    columns = dict.fromkeys(name for row in rows for name in row)
    return FeatureTable([device.id for device in content.devices], points, {name: [row.get(name) for row in rows] for name in columns})


def _places(store: Store, content: SourceContent) -> dict[tuple[str, str], Place]:
    return dict(_placed(store, content))


def _placed(store: Store, content: SourceContent) -> Iterator[tuple[tuple[str, str], Place]]:
    for each in content.models:
        for element in each.elements:
            if (place := middle_of_box(store, element.bbox)) is not None:
                yield ("element", element.id), place
        for space in each.spaces:
            if space.outline is not None and not space.outline.is_empty:
                yield ("space", space.id), (*point_on(space.outline), round(space.floor_h_m, METRES))
    for _, table in content.layers:
        for identity, geometry in zip(table.ids, table.geometry, strict=True):
            if geometry is not None and not geometry.is_empty:
                yield ("feature", str(identity)), (*point_on(geometry), 0.0)
    for device in content.devices:
        yield ("device", device.id), (device.lon, device.lat, device.z_m or 0.0)


def _some(mesh: Mesh, ids: frozenset[str] | None) -> Mesh:
    """The mesh with the faces of some elements; the others are left without."""
    if ids is None:
        return mesh
    wanted = np.array([identity in ids for identity in mesh.element_ids], np.bool_)
    faces: NDArray[np.bool_] = wanted[mesh.face_element] if len(wanted) else np.zeros(len(mesh.faces), np.bool_)
    return Mesh(mesh.vertices, mesh.faces[faces], mesh.face_element[faces], mesh.face_color[faces], mesh.element_ids)


def _whole(bodies: Bodies, uri: str = "") -> Tile:
    return Tile(bodies.boxes[:, 0].min(axis=0), bodies.boxes[:, 1].max(axis=0), 0.0, uri=uri)
