"""Everything a model says in words and numbers: storeys, spaces, elements, groups, ports (runs in the child; plain values come out)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from importers.ifc.assigned import Assigned, assigned
from importers.ifc.bodies import Bodies, Risk
from importers.ifc.entity import attribute, text
from importers.ifc.groups import gathering, group
from importers.ifc.identity import identities, label
from importers.ifc.materials import materials
from importers.ifc.placements import MALFORMED, Placements, cut_circles, cut_loops
from importers.ifc.ports import joints, owned, port
from importers.ifc.properties import TYPE_SETS, Properties
from importers.ifc.said import Reading, attributes, is_segment
from importers.ifc.structure import of_class, relations_left_out, structure
from importers.ifc.survey import survey
from importers.ifc.units import Units, assume, read_units
from twin.model import ATTRIBUTES

_ELSEWHERE = ("IfcSpace", "IfcSpatialZone", "IfcOpeningElement", "IfcPort")  # told as spaces, groups, or with the element they belong to
_NOT_DRAWN = {"IfcVirtualElement": "virtual", "IfcGrid": "grid"}
_ONLY_WITH_BODY = (
    "IfcSpatialStructureElement",
    "IfcSpatialElement",
    "IfcAnnotation",
    "IfcFeatureElement",
    "IfcStructuralActivity",
    "IfcStructuralItem",
)
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
    """What came up while elements were read: bodies to build, what was left out and why, what cannot be built."""

    risks: dict[int, Risk] = field(default_factory=dict[int, Risk])
    failed: dict[int, str] = field(default_factory=dict[int, str])
    left_out: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    roles: dict[str, str] = field(default_factory=dict[str, str])
    malformed: list[str] = field(default_factory=list[str])  # of what some attributes could not be read
    is_mended: bool = False  # the open file is not as it lies on the disk: see `ready`

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
    content, found, elements = open_content(file)
    told = list(elements)
    return {**content(), "elements": told}, found.risks


@dataclass(frozen=True)
class Ready:
    """An open file that no reader and no kernel goes round in for ever: its units, and what was cut out of it."""

    units: Units
    loops: Sequence[int]  # placements
    circles: Sequence[int]  # parts
    is_mended: bool


def ready(file: Any) -> Ready:
    """Cut what goes in circles, and write the unit of length into a file that needs one to be built; each process does it that opens it."""
    loops, circles = cut_loops(file), cut_circles(file)
    stated = read_units(file)
    units = assume(file, stated) if stated.are_missing else stated
    return Ready(units, loops, circles, bool(loops or circles or units.length_m != stated.length_m))


def open_content(file: Any, path: Path | None = None) -> tuple[Callable[[], dict[str, Any]], Found, Iterator[dict[str, Any]]]:
    """The same piece by piece: everything but the elements (to be asked for after them), what came up, and the elements one by one.

    `path` is where the open file lies, if it does; its text is quicker to read than its objects where it is simple enough.
    """
    readied = ready(file)
    units = readied.units
    products = file.by_type("IfcProduct")
    gathered = gathering(file)
    known = {item.id(): item for item in (*products, *gathered, *of_class(file, "IfcTypeObject"))}
    replaced: dict[int, str] = {}
    ids, issues = identities(list(known.values()), replaced)
    model = _reading(file, units, ids, assigned(path, file) if path is not None else None)
    model = replace(model, replaced=replaced)
    placements = Placements(units.length_m)
    found = Found(is_mended=readied.is_mended)

    def rest() -> dict[str, Any]:
        spaces = _each(of_class(file, "IfcSpace"), lambda space: _space(model, space, placements), found)
        _add_bodies(model, of_class(file, "IfcSpace"), found)
        return {
            "schema": file.schema_identifier,
            "names": _names(file, ids),
            "length_m": units.length_m,
            "geo": survey(file, units),
            "storeys": _each(of_class(file, "IfcBuildingStorey"), lambda storey: _storey(model, storey, placements), found),
            "spaces": spaces,
            "groups": _each(gathered, lambda item: group(model, item), found),
            "ports": _each(owned(model), lambda item: port(model, item, placements), found),
            "joints": joints(model),
            "left_out": found.left_out,
            "not_read": _not_read(model),
            "failed": {str(step): why for step, why in found.failed.items()},
            "issues": issues + _unit_issue(file, units) + _loop_issues(readied) + _malformed_issue(found),
        }

    return rest, found, _elements(model, products, found)


def _reading(file: Any, units: Units, ids: dict[int, str], told: Assigned | None) -> Reading:
    links = structure(file)
    properties = Properties(units)
    material_sets = properties.of_materials(file)
    found = materials(file, units.length_m, links.type_of, frozenset(material_sets))
    sets = properties.of_objects(file, links.type_of, told)
    voids = frozenset(opening.id() for openings in links.openings.values() for opening in openings)
    return Reading(file, units, links, Bodies(), ids, properties, sets, found, material_sets, voids, {})


def _elements(model: Reading, products: Sequence[Any], found: Found) -> Iterator[dict[str, Any]]:
    for product in products:
        kind = product.is_a()
        role = found.roles[kind] if kind in found.roles else found.roles.setdefault(kind, _role(product))
        if role == "elsewhere":
            if not _is_told(model, product):
                found.leave_out(product, model.id_of(product))
            continue
        risk = "none" if role == "not_drawn" else model.bodies.risk(product)
        if role == "with_body" and risk == "none":
            if not product.is_a("IfcSpatialStructureElement") and not product.is_a("IfcSpatialElement"):
                found.leave_out(product, model.id_of(product))
            continue
        _note_body(product, risk, found)
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


def _is_of(product: Any, kinds: Sequence[str]) -> bool:
    return any(product.is_a(kind) for kind in kinds)


def _role(product: Any) -> str:
    """How products of this class are told: `elsewhere`, `with_body` only, `not_drawn` or `always`."""
    if _is_of(product, _ELSEWHERE) or is_segment(product):
        return "elsewhere"
    if _is_of(product, tuple(_NOT_DRAWN)):
        return "not_drawn"
    return "with_body" if _is_of(product, _ONLY_WITH_BODY) else "always"


def _is_told(model: Reading, product: Any) -> bool:
    """Whether a product that is no element is found with another."""
    step = product.id()
    if product.is_a("IfcPort"):
        return step in model.links.port_owner
    if product.is_a("IfcOpeningElement"):
        return step in model.voids
    return not is_segment(product) or step in model.links.whole


def _note_body(product: Any, risk: Risk, found: Found) -> None:
    if risk == "looped":
        found.failed[product.id()] = "holds_itself"
    elif risk != "none":
        found.risks[product.id()] = risk


def _add_bodies(model: Reading, products: Sequence[Any], found: Found) -> None:
    for product in products:
        _note_body(product, model.bodies.risk(product), found)


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
    if product.is_a() in _NOT_DRAWN:
        return _NOT_DRAWN[product.is_a()]
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


def _names(file: Any, ids: dict[int, str]) -> dict[str, Any]:
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


__all__ = ["TYPE_SETS", "open_content", "read_content", "ready"]
