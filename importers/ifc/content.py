"""Everything a model says in words and numbers: storeys, spaces, elements (runs in the child; plain values come out)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from importers.ifc.bodies import Bodies, Risk
from importers.ifc.entity import attribute
from importers.ifc.identity import identities, label
from importers.ifc.materials import materials
from importers.ifc.properties import TYPE_SETS, property_sets
from importers.ifc.structure import Structure, structure
from importers.ifc.survey import placement, survey
from importers.ifc.units import Units, assume, read_units

_NEVER_ELEMENTS = (
    "IfcFeatureElementSubtraction", "IfcPort", "IfcGrid", "IfcVirtualElement", "IfcStructuralActivity", "IfcStructuralItem", "IfcSpace",
    "IfcSpatialZone", "IfcExternalSpatialElement", "IfcAlignmentSegment", "IfcAlignmentHorizontal", "IfcAlignmentVertical",
    "IfcAlignmentCant", "IfcLinearSpanPlacement",
)  # fmt: skip
_ONLY_WITH_BODY = ("IfcSpatialStructureElement", "IfcAnnotation", "IfcFeatureElement", "IfcReferent")
ATTRIBUTES = "_ifc"  # the group of attributes, relations and classifications among an element's properties
_SAID = ("Tag", "PredefinedType", "ObjectType", "Description", "LongName", "OperationType", "CompositionType")
_LENGTHS = ("OverallHeight", "OverallWidth")


@dataclass(frozen=True)
class _Model:
    file: Any
    units: Units
    links: Structure
    bodies: Bodies
    ids: Mapping[int, str]
    sets: Mapping[int, Any]
    layers: Mapping[int, Any]


def read_content(file: Any) -> tuple[dict[str, Any], dict[int, Risk]]:
    """What the file holds, as JSON values, and the bodies to build: step id of a product -> risk.

    Ids in the result are final (GlobalIds or substitutes) but for `step`, the product's number in the file.
    """
    names = _names(file)
    units = read_units(file)
    units = assume(file, units) if units.are_missing else units
    products = file.by_type("IfcProduct")
    ids, issues = identities(products)
    links = structure(file)
    layers = materials(file, units.length_m, links.type_of)
    model = _Model(file, units, links, Bodies(), ids, property_sets(file, units, links.type_of), layers)
    elements, risks, left_out = _elements(model, products)
    spaces = [_space(model, space) for space in file.by_type("IfcSpace")]
    risks |= {space.id(): risk for space in file.by_type("IfcSpace") if (risk := model.bodies.risk(space)) != "none"}
    content = {
        "schema": file.schema_identifier,
        "names": names,
        "length_m": units.length_m,
        "geo": survey(file, units),
        "storeys": [_storey(model, storey) for storey in file.by_type("IfcBuildingStorey")],
        "spaces": spaces,
        "elements": elements,
        "left_out": left_out,
        "issues": issues + _unit_issue(file, units),
    }
    return content, risks


def _elements(model: _Model, products: Any) -> tuple[list[dict[str, Any]], dict[int, Risk], dict[str, int]]:
    elements: list[dict[str, Any]] = []
    risks: dict[int, Risk] = {}
    left_out: Counter[str] = Counter()
    roles: dict[str, str] = {}
    for product in products:
        kind = product.is_a()
        role = roles[kind] if kind in roles else roles.setdefault(kind, _role(product))
        risk = "none" if role == "never" else model.bodies.risk(product)
        if risk == "none" and role != "always":
            left_out[kind] += not product.is_a("IfcSpatialStructureElement")
            continue
        elements.append(_element(model, product, risk))
        if risk != "none":
            risks[product.id()] = risk
    return elements, risks, {kind: count for kind, count in left_out.items() if count}


def _role(product: Any) -> str:
    """Whether products of this class are elements: `never`, `with_body` or `always`."""
    if any(product.is_a(kind) for kind in _NEVER_ELEMENTS):
        return "never"
    return "with_body" if any(product.is_a(kind) for kind in _ONLY_WITH_BODY) else "always"


def _element(model: _Model, product: Any, risk: Risk) -> dict[str, Any]:
    step = product.id()
    kind = model.links.type_of.get(step)
    storey, space = model.links.place(product)
    return {
        "step": step,
        "id": model.ids[step],
        "class": product.is_a(),
        "name": product.Name or "",
        "label": label(product),
        "storey": model.ids[storey.id()] if storey else None,
        "space": model.ids[space.id()] if space else None,
        "type_name": (kind.Name if kind else None) or attribute(product, "ObjectType"),
        "type_class": kind.is_a() if kind else None,
        "materials": model.layers.get(step, []),
        "properties": {**model.sets.get(step, {}), ATTRIBUTES: _attributes(model, product, kind)},
        "why_no_body": None if risk != "none" else _why_no_body(model, product),
    }


def _why_no_body(model: _Model, product: Any) -> str:
    if product.id() in model.links.has_parts:
        return "aggregate"
    return "no_representation" if attribute(product, "Representation") is None else "no_body_representation"


def _attributes(model: _Model, product: Any, kind: Any) -> dict[str, Any]:
    step, links = product.id(), model.links
    said: dict[str, Any] = {name: value for name in _SAID if (value := attribute(product, name))}
    lengths = {f"{name}_m": value * model.units.length_m for name in _LENGTHS if (value := attribute(product, name))}
    whole, host = links.whole.get(step), links.host.get(step)
    related = {
        "part_of": whole and model.ids.get(whole.id()),
        "fills": host and model.ids.get(host.id()),
        "bounds": [model.ids[space.id()] for space in links.bounded.get(step, ())],
        "systems": [_group(group) for group in links.groups.get(step, ()) if group.is_a("IfcSystem")],
        "groups": [_group(group) for group in links.groups.get(step, ()) if not group.is_a("IfcSystem")],
        "classification": [_class(item) for item in (*links.classes.get(step, ()), *(links.classes.get(kind.id(), ()) if kind else ()))],
        "type_predefined": attribute(kind, "PredefinedType") if kind else None,
    }
    return said | lengths | {name: value for name, value in related.items() if value}


def _group(group: Any) -> dict[str, Any]:
    kind = attribute(group, "PredefinedType")
    return {"class": group.is_a(), "name": group.Name or attribute(group, "LongName") or ""} | ({"kind": kind} if kind else {})


def _class(item: Any) -> dict[str, Any]:
    code = attribute(item, "Identification") or attribute(item, "ItemReference")
    source = attribute(item, "ReferencedSource")
    system = attribute(source, "Name") if source is not None else None
    return {"code": code or "", "name": item.Name or "", "system": system or ""}


def _storey(model: _Model, storey: Any) -> dict[str, Any]:
    length = model.units.length_m
    building = model.links.whole.get(storey.id())
    return {
        "id": model.ids[storey.id()],
        "name": storey.Name or storey.LongName or "",
        "elevation_m": None if storey.Elevation is None else storey.Elevation * length,
        "z_m": float(placement(storey, length)[2, 3]),
        "building_z_m": float(placement(building, length)[2, 3]) if building is not None else 0.0,
        "building": model.ids.get(building.id()) if building is not None else None,
        "sets": model.sets.get(storey.id(), {}),
    }


def _space(model: _Model, space: Any) -> dict[str, Any]:
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
        "z_m": float(placement(space, model.units.length_m)[2, 3]),
        "properties": {**model.sets.get(step, {}), ATTRIBUTES: _attributes(model, space, kind)},
    }


def _names(file: Any) -> dict[str, Any]:
    """GlobalIds and names of project, site and building, the first of each."""
    names: dict[str, Any] = {}
    for kind in ("IfcProject", "IfcSite", "IfcBuilding"):
        first = next(iter(file.by_type(kind)), None)
        if first is not None:
            said = [first.LongName, first.Name] if kind != "IfcProject" else [first.Name, first.LongName]
            names[kind] = {"id": first.GlobalId, "names": [name for name in said if name]}
    return names


def _unit_issue(file: Any, units: Units) -> list[dict[str, Any]]:
    if not units.are_missing or not file.by_type("IfcProduct"):
        return []
    return [{"code": "ifc_units_missing", "severity": "warning", "subject": "IfcProject", "details": {"metres": units.length_m}}]


__all__ = ["ATTRIBUTES", "TYPE_SETS", "read_content"]
