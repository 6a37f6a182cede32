"""Everything a model says in words and numbers: storeys, spaces, elements, groups, ports (runs in the child; plain values come out)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from importers.ifc.assigned import Assigned, assigned
from importers.ifc.bodies import Risk
from importers.ifc.entity import attribute, text
from importers.ifc.groups import group
from importers.ifc.identity import label
from importers.ifc.materials import materials
from importers.ifc.opened import NOT_DRAWN, Opened, Ready, opened
from importers.ifc.placements import MALFORMED, Placements
from importers.ifc.ports import joints, owned, port
from importers.ifc.properties import TYPE_SETS, Properties
from importers.ifc.said import Reading, attributes, is_segment
from importers.ifc.structure import of_class, relations_left_out, structure
from importers.ifc.survey import survey
from importers.ifc.units import Units
from twin.model import ATTRIBUTES

_WHY_LEFT_OUT = {
    "IfcOpeningElement": "cuts_nothing",
    "IfcPort": "belongs_to_nothing",
    "IfcAnnotation": "drawing",
    "IfcStructuralActivity": "structural_analysis",
    "IfcStructuralItem": "structural_analysis",
    "IfcFeatureElement": "no_body",
}
_IDS_TOLD = 500  # of what is left out, by class


@dataclass
class Found:
    """What came up while elements were read: what was left out and why, and of what some attributes could not be read."""

    left_out: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    malformed: list[str] = field(default_factory=list[str])

    def leave_out(self, product: Any, id_: str) -> None:
        """Count a product that is neither element nor told with another."""
        reason = next((why for kind, why in _WHY_LEFT_OUT.items() if product.is_a(kind)), "no_body")
        entry = self.left_out.setdefault(product.is_a(), {"count": 0, "reason": reason, "ids": []})
        entry["count"] += 1
        if len(entry["ids"]) < _IDS_TOLD:
            entry["ids"].append(id_)


def read_content(file: Any) -> tuple[dict[str, Any], dict[int, Risk]]:
    """What the file holds, as JSON values, and the bodies to build: step id of a product -> risk.

    Ids in the result are final (GlobalIds or substitutes) but for `step`, the product's number in the file.
    """
    whole = opened(file)
    content, elements = open_content(whole)
    told = list(elements)
    return {**content(), "elements": told}, dict(whole.work.risks)


def open_content(whole: Opened, path: Path | None = None) -> tuple[Callable[[], dict[str, Any]], Iterator[dict[str, Any]]]:
    """The same piece by piece: everything but the elements (to be asked for after them), and the elements one by one.

    `path` is where the open file lies, if it does; its text is quicker to read than its objects where it is simple enough.
    """
    file, units, ids = whole.file, whole.ready.units, whole.ids
    model = _reading(whole, assigned(path, file) if path is not None else None)
    placements = Placements(units.length_m)
    found = Found()

    def rest() -> dict[str, Any]:
        spaces = _each(of_class(file, "IfcSpace"), lambda space: _space(model, space, placements), found)
        return {
            "schema": file.schema_identifier,
            "names": _names(file, ids),
            "length_m": units.length_m,
            "geo": survey(file, units),
            "storeys": _each(of_class(file, "IfcBuildingStorey"), lambda storey: _storey(model, storey, placements), found),
            "spaces": spaces,
            "groups": _each(whole.gathered, lambda item: group(model, item), found),
            "ports": _each(owned(model), lambda item: port(model, item, placements), found),
            "joints": joints(model),
            "left_out": found.left_out,
            "not_read": _not_read(model),
            "failed": {str(step): why for step, why in whole.work.failed.items()},
            "issues": [*whole.issues, *_unit_issue(file, units), *_loop_issues(whole.ready), *_malformed_issue(found)],
        }

    return rest, _elements(model, whole, found)


def _reading(whole: Opened, told: Assigned | None) -> Reading:
    file, units = whole.file, whole.ready.units
    links = structure(file)
    properties = Properties(units)
    material_sets = properties.of_materials(file)
    found = materials(file, units.length_m, links.type_of, frozenset(material_sets))
    sets = properties.of_objects(file, links.type_of, told)
    voids = frozenset(opening.id() for openings in links.openings.values() for opening in openings)
    return Reading(file, units, links, whole.ids, properties, sets, found, material_sets, voids, whole.replaced)


def _elements(model: Reading, whole: Opened, found: Found) -> Iterator[dict[str, Any]]:
    for product in whole.products:
        kind = product.is_a()
        role, risk = whole.work.roles[kind], whole.work.risk(product.id())
        if role == "elsewhere":
            if not _is_told(model, product):
                found.leave_out(product, model.id_of(product))
            continue
        if role == "with_body" and risk == "none":
            if not product.is_a("IfcSpatialStructureElement") and not product.is_a("IfcSpatialElement"):
                found.leave_out(product, model.id_of(product))
            continue
        try:
            yield _element(model, product, risk)
        except MALFORMED:  # one broken instance must not cost the others
            found.malformed.append(f"{kind} (#{product.id()})")
            yield _bare(model, product, risk)


def _each(items: Sequence[Any], read: Callable[[Any], dict[str, Any]], found: Found) -> list[dict[str, Any]]:
    """What is read of each; of those that are too malformed, nothing but a note."""
    told: list[dict[str, Any]] = []
    for item in items:
        try:
            told.append(read(item))
        except MALFORMED:
            found.malformed.append(f"{item.is_a()} (#{item.id()})")
    return told


def _bare(model: Reading, product: Any, risk: Risk) -> dict[str, Any]:
    """An element of which no more than class and id can be told."""
    empty = dict.fromkeys(("storey", "space", "building", "container", "type_name", "type_class"))
    said = {"step": product.id(), "id": model.ids[product.id()], "class": product.is_a(), "name": "", "materials": []}
    said |= {"label": f"{product.is_a()} (#{product.id()})", "why_no_body": None if risk != "none" else "malformed"}
    return {**said, **empty, "properties": {ATTRIBUTES: {}}}


def _is_told(model: Reading, product: Any) -> bool:
    """Whether a product that is no element is found with another."""
    step = product.id()
    if product.is_a("IfcPort"):
        return step in model.links.port_owner
    if product.is_a("IfcOpeningElement"):
        return step in model.voids
    return not is_segment(product) or step in model.links.whole


def _element(model: Reading, product: Any, risk: Risk) -> dict[str, Any]:
    step = product.id()
    kind = model.links.type_of.get(step)
    storey, space = model.links.place(product)
    building = model.links.building(product) if storey is None else None
    container = model.links.container.get(step)
    return {
        "step": step,
        "id": model.ids[step],
        "class": product.is_a(),
        "name": text(product.Name),
        "label": label(product),
        "storey": model.ids[storey.id()] if storey else None,
        "space": model.ids[space.id()] if space else None,
        "building": model.ids[building.id()] if building is not None else None,
        "container": container.is_a() if container is not None else None,
        "type_name": (kind.Name if kind else None) or attribute(product, "ObjectType"),
        "type_class": kind.is_a() if kind else None,
        "materials": model.materials.layers(product),
        "properties": {**model.sets.get(step, {}), ATTRIBUTES: attributes(model, product, kind)},
        "why_no_body": None if risk != "none" else _why_no_body(model, product),
    }


def _why_no_body(model: Reading, product: Any) -> str:
    if product.is_a() in NOT_DRAWN:
        return NOT_DRAWN[product.is_a()]
    if product.id() in model.links.has_parts:
        return "aggregate"
    return "no_representation" if attribute(product, "Representation") is None else "no_body_representation"


def _storey(model: Reading, storey: Any, placements: Placements) -> dict[str, Any]:
    length = model.units.length_m
    building = model.links.whole.get(storey.id())
    return {
        "id": model.ids[storey.id()],
        "name": storey.Name or storey.LongName or "",
        "elevation_m": None if storey.Elevation is None else storey.Elevation * length,
        "z_m": float(placements.of(storey)[2, 3]),
        "building_z_m": float(placements.of(building)[2, 3]) if building is not None else 0.0,
        "building": model.ids.get(building.id()) if building is not None else None,
        "sets": dict(model.sets.get(storey.id(), {})),
    }


def _space(model: Reading, space: Any, placements: Placements) -> dict[str, Any]:
    step = space.id()
    kind = model.links.type_of.get(step)
    storey, _ = model.links.place(space)
    return {
        "step": step,
        "id": model.ids[step],
        "label": label(space),
        "name": space.Name or "",
        "long_name": space.LongName or "",
        "type_name": (kind.Name if kind else None) or space.ObjectType,
        "storey": model.ids[storey.id()] if storey else None,
        "z_m": float(placements.of(space)[2, 3]),
        "properties": {**model.sets.get(step, {}), ATTRIBUTES: attributes(model, space, kind)},
    }


def _names(file: Any, ids: Mapping[int, str]) -> dict[str, Any]:
    """Ids and names of project, site and building, the first of each."""
    names: dict[str, Any] = {}
    for kind in ("IfcProject", "IfcSite", "IfcBuilding"):
        first = next(iter(of_class(file, kind)), None)
        if first is not None:
            said = [first.LongName, first.Name] if kind != "IfcProject" else [first.Name, first.LongName]
            names[kind] = {"id": ids.get(first.id()) or first.GlobalId, "names": [name for name in said if name]}
    return names


def _not_read(model: Reading) -> dict[str, Any]:
    """What the file holds besides, by kind of relation, and how many property sets and types nothing refers to."""
    used = {kind.id() for kind in model.links.type_of.values()}
    unused = sum(kind.id() not in used for kind in of_class(model.file, "IfcTypeObject"))
    said = {"relations": relations_left_out(model.file), "property_sets_unused": model.properties.unused, "types_unused": unused}
    return {name: value for name, value in said.items() if value}


def _unit_issue(file: Any, units: Units) -> list[dict[str, Any]]:
    if not units.are_missing or not file.by_type("IfcProduct"):
        return []
    return [{"code": "ifc_units_missing", "severity": "warning", "subject": "IfcProject", "details": {"metres": units.length_m}}]


def _malformed_issue(found: Found) -> list[dict[str, Any]]:
    if not found.malformed:
        return []
    details = {"count": len(found.malformed)}
    return [{"code": "ifc_instances_malformed", "severity": "warning", "subject": found.malformed[0], "details": details}]


def _loop_issues(readied: Ready) -> list[dict[str, Any]]:
    found = (("ifc_placement_loops", readied.loops), ("ifc_parts_of_themselves", readied.circles))
    return [
        {"code": code, "severity": "warning", "subject": f"#{steps[0]}", "details": {"count": len(steps)}} for code, steps in found if steps
    ]


__all__ = ["TYPE_SETS", "open_content", "read_content"]
