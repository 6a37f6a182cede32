"""What attributes and relations say of one product, as JSON values under `_ifc` (runs in the child)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from importers.ifc.entity import attribute
from importers.ifc.materials import Materials
from importers.ifc.properties import Properties
from importers.ifc.structure import Structure
from importers.ifc.units import Units

_SAID = ("Tag", "PredefinedType", "ObjectType", "Description", "LongName", "OperationType", "CompositionType", "InteriorOrExteriorSpace")
_LENGTHS = ("OverallHeight", "OverallWidth", "ElevationWithFlooring")
_DEPTH_LIMIT = 8
_AXES = ("UAxes", "VAxes", "WAxes")
_DESIGN = "DesignParameters"


@dataclass(frozen=True)
class Reading:
    """One open file and what was read of it in bulk: units, relations, ids, property sets, materials."""

    file: Any
    units: Units
    links: Structure
    ids: Mapping[int, str]
    properties: Properties
    sets: Mapping[int, Mapping[str, Any]]
    materials: Materials
    material_sets: Mapping[int, Mapping[str, Any]]
    voids: frozenset[int]  # openings that are in an element
    replaced: Mapping[int, str]  # what was written where an id should be, of those with a substitute

    def id_of(self, item: Any) -> str:
        """The id of anything with a GlobalId."""
        return self.ids.get(item.id()) or str(item.get_argument(0) or "")


def attributes(model: Reading, product: Any, kind: Any) -> dict[str, Any]:
    """Attributes of a product, and by name of relation the ids it is related to; `kind` is its type object or None.

    `GlobalId` is there only where it could not be the id.
    """
    step, links = product.id(), model.links
    said: dict[str, Any] = {name: value for name in _SAID if (value := attribute(product, name))}
    lengths = {f"{name}_m": value * model.units.length_m for name in _LENGTHS if (value := attribute(product, name))}
    related = {"GlobalId": model.replaced.get(step)} | _related(model, step) | _of_type(model, kind) | _inside(model, product)
    classes = (*links.classes.get(step, ()), *(links.classes.get(kind.id(), ()) if kind is not None else ()))
    papers = (*links.documents.get(step, ()), *(links.documents.get(kind.id(), ()) if kind is not None else ()))
    related["classification"] = [classification(item) for item in classes]
    related["documents"] = [_document(item) for item in papers]
    return said | lengths | {name: value for name, value in related.items() if value}


def _related(model: Reading, step: int) -> dict[str, Any]:
    links = model.links
    whole, host = links.whole.get(step), links.host.get(step)
    groups = links.groups.get(step, ())
    bounded = links.bounded.get(step, ())
    found: dict[str, Any] = {
        "part_of": model.id_of(whole) if whole is not None else None,
        "fills": model.id_of(host) if host is not None else None,
        "bounds": [model.id_of(space) for space in bounded if space.is_a("IfcSpace")],
        "bounds_outside": any(not space.is_a("IfcSpace") for space in bounded),
        "systems": [_group(model, group) for group in groups if group.is_a("IfcSystem")],
        "groups": [_group(model, group) for group in groups if not group.is_a("IfcSystem")],
        "material_properties": _material_properties(model, step),
    }
    plain = links.plain.get(step, {})
    return found | {name: list(dict.fromkeys(model.id_of(other) for other in others)) for name, others in plain.items()}


def _of_type(model: Reading, kind: Any) -> dict[str, Any]:
    if kind is None:
        return {}
    return {"type_predefined": attribute(kind, "PredefinedType"), "type_id": model.id_of(kind), "type_description": kind.get_argument(3)}


def _inside(model: Reading, product: Any) -> dict[str, Any]:
    """What is part of a product and no element of its own: openings with what fills them, segments of alignments, axes of grids."""
    step = product.id()
    found: dict[str, Any] = {"openings": [_opening(model, opening) for opening in model.links.openings.get(step, ())]}
    if product.is_a("IfcGrid"):
        found["axes"] = {
            name: [axis.AxisTag or "" for axis in attribute(product, name) or ()] for name in _AXES if attribute(product, name)
        }
    elif product.is_a("IfcLinearPositioningElement") or product.is_a("IfcAlignment"):
        found["segments"] = [_segment(model, part, 0) for part in model.links.parts.get(step, ()) if is_segment(part)]
    return found


def is_segment(part: Any) -> bool:
    """Whether a product is a piece of an alignment and told with it."""
    return part.is_a().startswith("IfcAlignment") and part.is_a() != "IfcAlignment"


def _opening(model: Reading, opening: Any) -> dict[str, Any]:
    fillings = [model.id_of(filling) for filling in model.links.fillings.get(opening.id(), ())]
    said = {"id": model.id_of(opening), "class": opening.is_a(), "name": opening.Name, "filled_by": fillings}
    said |= {"type": attribute(opening, "PredefinedType"), "properties": dict(model.sets.get(opening.id(), {}))}
    return {name: value for name, value in said.items() if value}


def _segment(model: Reading, part: Any, depth: int) -> dict[str, Any]:
    design = attribute(part, _DESIGN)
    values = (
        {name: value for name, value in design.get_info(recursive=False).items() if isinstance(value, (str, int, float))} if design else {}
    )
    parts = model.links.parts.get(part.id(), ()) if depth < _DEPTH_LIMIT else ()
    said = {"id": model.id_of(part), "class": part.is_a(), "name": part.Name, "properties": dict(model.sets.get(part.id(), {}))}
    said["design"] = {name: value for name, value in values.items() if name not in {"id", "type"}}
    said["parts"] = [_segment(model, child, depth + 1) for child in parts if is_segment(child)]
    return {name: value for name, value in said.items() if value}


def _group(model: Reading, group: Any) -> dict[str, Any]:
    kind = attribute(group, "PredefinedType")
    said = {"class": group.is_a(), "name": group.Name or attribute(group, "LongName") or "", "id": model.id_of(group)}
    return said | ({"kind": kind} if kind else {})


def classification(item: Any) -> dict[str, Any]:
    """A classification reference: code, name and the system it is from, which stands at the end of its chain."""
    code = attribute(item, "Identification") or attribute(item, "ItemReference")
    source, chain = attribute(item, "ReferencedSource"), 0
    while source is not None and source.is_a("IfcClassificationReference") and chain < _DEPTH_LIMIT:
        source, chain = attribute(source, "ReferencedSource"), chain + 1
    if item.is_a("IfcClassification"):
        return {"code": "", "name": "", "system": item.Name or ""}
    return {"code": code or "", "name": item.Name or "", "system": (attribute(source, "Name") if source is not None else None) or ""}


def _document(item: Any) -> dict[str, str]:
    names = ("Identification", "ItemReference", "DocumentId", "Name", "Location", "Description")
    said = {name: attribute(item, name) for name in names}
    return {name: str(value) for name, value in said.items() if value}


def _material_properties(model: Reading, step: int) -> dict[str, Any]:
    if not model.material_sets:
        return {}
    steps = sorted(model.materials.named.get(step, ()))
    return {model.file.by_id(material).Name or f"#{material}": dict(model.material_sets[material]) for material in steps}
