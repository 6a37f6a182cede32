"""Who contains, groups, joins and serves whom: the relations of a file as dictionaries, read once in bulk (runs in the child).

Attributes are taken by position, which is the same in IFC2x3, IFC4 and IFC4.3: these lines run for every relation of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_DEPTH_LIMIT = 64  # a structure that contains itself must not be climbed for ever

# relations that say something of two things and no more: where the one and the other stand, and what each is to the other
_PLAIN = {
    "IfcRelConnectsElements": (5, 6, "connected_to", "connected_to"),
    "IfcRelCoversBldgElements": (4, 5, "covered_by", "covers"),
    "IfcRelCoversSpaces": (4, 5, "covered_by", "covers"),
    "IfcRelServicesBuildings": (4, 5, "serves", "served_by"),
    "IfcRelInterferesElements": (4, 5, "interferes_with", "interferes_with"),
    "IfcRelFlowControlElements": (5, 4, "controlled_by", "controls"),
    "IfcRelAssignsToProduct": (6, 4, "has_assigned", "assigned_to"),
    "IfcRelPositions": (4, 5, "positions", "positioned_by"),
    "IfcRelReferencedInSpatialStructure": (5, 4, "references", "referenced_in"),
    "IfcRelProjectsElement": (4, 5, "projections", "projects_from"),
    "IfcRelAdheresToElement": (4, 5, "adhered_by", "adheres_to"),
}
READ = {
    *_PLAIN, "IfcRelAggregates", "IfcRelNests", "IfcRelContainedInSpatialStructure", "IfcRelDefinesByType", "IfcRelDefinesByProperties",
    "IfcRelAssignsToGroup", "IfcRelAssociatesClassification", "IfcRelAssociatesMaterial", "IfcRelAssociatesDocument", "IfcRelVoidsElement",
    "IfcRelFillsElement", "IfcRelSpaceBoundary", "IfcRelConnectsPorts", "IfcRelConnectsPortToElement", "IfcRelDeclares",
    "IfcRelOverridesProperties",
}  # fmt: skip  # with their subtypes


@dataclass(frozen=True)
class Structure:
    """Step ids throughout: what contains, hosts, types, groups and joins each product, and what is inside it."""

    container: Mapping[int, Any]  # element -> spatial element
    whole: Mapping[int, Any]  # part -> what it is aggregated or nested into
    parts: Mapping[int, Sequence[Any]]  # whole -> aggregated or nested parts, in the file's order
    host: Mapping[int, Any]  # door or window -> the element its opening is in
    openings: Mapping[int, Sequence[Any]]  # element -> openings in it
    fillings: Mapping[int, Sequence[Any]]  # opening -> what fills it
    type_of: Mapping[int, Any]  # occurrence -> type
    groups: Mapping[int, Sequence[Any]]  # object -> systems, zones and groups
    members: Mapping[int, Sequence[Any]]  # group -> objects
    has_parts: frozenset[int]
    bounded: Mapping[int, Sequence[Any]]  # element -> spaces, and the outside, that it bounds
    classes: Mapping[int, Sequence[Any]]  # object or type -> classification references
    documents: Mapping[int, Sequence[Any]]  # object or type -> documents
    plain: Mapping[int, Mapping[str, Sequence[Any]]]  # object -> what it is to others -> those others
    port_owner: Mapping[int, Any]  # port -> element
    joints: Sequence[tuple[Any, Any, Any]]  # port, port, element that realises the joint or None

    def place(self, product: Any) -> tuple[Any, Any]:
        """The storey and the space the product is in, each None where the file does not say; up through wholes and hosts."""
        space = None
        for _ in range(_DEPTH_LIMIT):
            step = product.id()
            product = self.container.get(step) or self.whole.get(step) or self.host.get(step)
            if product is None:
                return None, space
            if product.is_a("IfcBuildingStorey"):
                return product, space
            if product.is_a("IfcSpace") and space is None:
                space = product
        return None, space

    def building(self, item: Any) -> Any:
        """The building an object is in, up through containers and wholes; None where there is none."""
        for _ in range(_DEPTH_LIMIT):
            if item is None or item.is_a("IfcBuilding"):
                return item
            step = item.id()
            item = self.container.get(step) or self.whole.get(step) or self.host.get(step)
        return None


def of_class(file: Any, name: str) -> Sequence[Any]:
    """Instances of a class and its subtypes; none where the file's schema has no such class."""
    try:
        return file.by_type(name)
    except RuntimeError:
        return ()


def structure(file: Any) -> Structure:
    """The relations of an open file."""
    aggregated, parts = _both(of_class(file, "IfcRelAggregates"), 4, 5)
    nested, nests = _both(of_class(file, "IfcRelNests"), 4, 5)
    contained, _ = _both(of_class(file, "IfcRelContainedInSpatialStructure"), 5, 4)
    referenced, _ = _both(of_class(file, "IfcRelReferencedInSpatialStructure"), 5, 4)
    hosts, openings, fillings = _hosts(file)
    groups = of_class(file, "IfcRelAssignsToGroup")
    return Structure(
        container={**referenced, **contained},
        whole={**nested, **aggregated},
        parts={step: [*parts.get(step, ()), *nests.get(step, ())] for step in {**parts, **nests}},
        host=hosts,
        openings=openings,
        fillings=fillings,
        type_of=_both(of_class(file, "IfcRelDefinesByType"), 5, 4)[0],
        groups=_lists(groups, 6, 4),
        members=_both(groups, 6, 4)[1],
        has_parts=frozenset(parts),
        bounded=_bounded(file),
        classes=_lists(of_class(file, "IfcRelAssociatesClassification"), 5, 4),
        documents=_lists(of_class(file, "IfcRelAssociatesDocument"), 5, 4),
        plain=_plain(file),
        port_owner=_port_owners(file, nests),
        joints=_joints(file),
    )


def relations_left_out(file: Any) -> dict[str, int]:
    """Class of relation -> how many of it were not read."""
    read: set[str] = set()
    left: dict[str, int] = {}
    for relation in of_class(file, "IfcRelationship"):
        kind = relation.is_a()
        if kind in left:
            left[kind] += 1
        elif kind not in read:
            if any(relation.is_a(known) for known in READ):
                read.add(kind)
            else:
                left[kind] = 1
    return left


def instances(value: Any) -> Sequence[Any]:
    """What an attribute refers to, as a list, whatever a broken file has put there."""
    if value is None:
        return ()
    found = value if isinstance(value, (tuple, list)) else (value,)
    return [item for item in found if hasattr(item, "id")]  # type: ignore[misc]


def _pairs(relations: Iterable[Any], one: int, many: int) -> Iterable[tuple[Any, Any]]:
    for relation in relations:
        relating = relation.get_argument(one)
        if hasattr(relating, "id"):
            for related in instances(relation.get_argument(many)):
                yield relating, related


def _both(relations: Iterable[Any], one: int, many: int) -> tuple[dict[int, Any], dict[int, list[Any]]]:
    """Related -> relating, and relating -> all related."""
    up: dict[int, Any] = {}
    down: dict[int, list[Any]] = {}
    for relating, related in _pairs(relations, one, many):
        up[related.id()] = relating
        down.setdefault(relating.id(), []).append(related)
    return up, down


def _lists(relations: Iterable[Any], one: int, many: int) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for relating, related in _pairs(relations, one, many):
        found.setdefault(related.id(), []).append(relating)
    return found


def _hosts(file: Any) -> tuple[dict[int, Any], dict[int, list[Any]], dict[int, list[Any]]]:
    voided, openings = _both(of_class(file, "IfcRelVoidsElement"), 4, 5)
    filled, fillings = _both(of_class(file, "IfcRelFillsElement"), 4, 5)
    hosts = {step: voided[opening.id()] for step, opening in filled.items() if opening.id() in voided}
    return hosts, openings, fillings


def _bounded(file: Any) -> dict[int, list[Any]]:
    found: dict[int, dict[int, Any]] = {}
    for space, element in _pairs(of_class(file, "IfcRelSpaceBoundary"), 4, 5):
        found.setdefault(element.id(), {})[space.id()] = space
    return {step: list(spaces.values()) for step, spaces in found.items()}


def _plain(file: Any) -> dict[int, dict[str, list[Any]]]:
    found: dict[int, dict[str, list[Any]]] = {}
    for kind, (one, other, forth, back) in _PLAIN.items():
        for first, second in _pairs(of_class(file, kind), one, other):
            found.setdefault(first.id(), {}).setdefault(forth, []).append(second)
            found.setdefault(second.id(), {}).setdefault(back, []).append(first)
    return found


def _port_owners(file: Any, nests: Mapping[int, Sequence[Any]]) -> dict[int, Any]:
    """Port -> element: by the relation of IFC2x3, else by the nesting of IFC4."""
    owners = {port.id(): element for port, element in _pairs(of_class(file, "IfcRelConnectsPortToElement"), 4, 5)}
    if nests:
        for relation in of_class(file, "IfcRelNests"):
            whole = relation.get_argument(4)
            for part in instances(relation.get_argument(5)) if hasattr(whole, "id") else ():
                if part.is_a("IfcPort"):
                    owners.setdefault(part.id(), whole)
    return owners


def _joints(file: Any) -> list[tuple[Any, Any, Any]]:
    relations = of_class(file, "IfcRelConnectsPorts")
    joints = [(relation.get_argument(4), relation.get_argument(5), relation.get_argument(6)) for relation in relations]
    return [(one, other, by) for one, other, by in joints if hasattr(one, "id") and hasattr(other, "id")]
