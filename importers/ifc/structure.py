"""Who contains whom: the relations of a file as dictionaries, read once in bulk (runs in the child)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from importers.ifc.entity import attribute

_DEPTH_LIMIT = 64  # a structure that contains itself must not be climbed for ever


@dataclass(frozen=True)
class Structure:
    """Step ids throughout: the container, whole, host and type of each product, and what groups it."""

    container: Mapping[int, Any]  # element -> spatial element
    whole: Mapping[int, Any]  # part -> what it is aggregated or nested into
    host: Mapping[int, Any]  # door or window -> the element its opening is in
    type_of: Mapping[int, Any]  # occurrence -> type
    groups: Mapping[int, Sequence[Any]]  # product -> systems, zones and groups
    has_parts: frozenset[int]
    bounded: Mapping[int, Sequence[Any]]  # element -> spaces it bounds
    classes: Mapping[int, Sequence[Any]]  # object or type -> classification references

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


def structure(file: Any) -> Structure:
    """The relations of an open file."""
    whole = _one_to_many(file.by_type("IfcRelAggregates"), "RelatingObject", "RelatedObjects")
    nested = _one_to_many(file.by_type("IfcRelNests"), "RelatingObject", "RelatedObjects")
    referenced = _one_to_many(file.by_type("IfcRelReferencedInSpatialStructure"), "RelatingStructure", "RelatedElements")
    contained = _one_to_many(file.by_type("IfcRelContainedInSpatialStructure"), "RelatingStructure", "RelatedElements")
    return Structure(
        container={**referenced, **contained},
        whole={**nested, **whole},
        host=_hosts(file),
        type_of=_one_to_many(file.by_type("IfcRelDefinesByType"), "RelatingType", "RelatedObjects"),
        groups=_many(file.by_type("IfcRelAssignsToGroup"), "RelatingGroup", "RelatedObjects"),
        has_parts=frozenset(relation.RelatingObject.id() for relation in file.by_type("IfcRelAggregates") if relation.RelatingObject),
        bounded=_bounded(file),
        classes=_many(file.by_type("IfcRelAssociatesClassification"), "RelatingClassification", "RelatedObjects"),
    )


def _one_to_many(relations: Iterable[Any], one: str, many: str) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for relation in relations:
        relating = attribute(relation, one)
        if relating is not None:
            found |= {related.id(): relating for related in attribute(relation, many) or ()}
    return found


def _many(relations: Iterable[Any], one: str, many: str) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for relation in relations:
        relating = attribute(relation, one)
        if relating is not None:
            for related in attribute(relation, many) or ():
                found.setdefault(related.id(), []).append(relating)
    return found


def _hosts(file: Any) -> dict[int, Any]:
    voided = {
        relation.RelatedOpeningElement.id(): relation.RelatingBuildingElement
        for relation in file.by_type("IfcRelVoidsElement")
        if relation.RelatedOpeningElement
    }
    fills = [relation for relation in file.by_type("IfcRelFillsElement") if relation.RelatingOpeningElement]
    pairs = ((relation.RelatedBuildingElement, voided.get(relation.RelatingOpeningElement.id())) for relation in fills)
    return {filling.id(): host for filling, host in pairs if filling is not None and host is not None}


def _bounded(file: Any) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for relation in file.by_type("IfcRelSpaceBoundary"):
        element, space = relation.RelatedBuildingElement, relation.RelatingSpace
        if element is not None and space is not None and space.is_a("IfcSpace"):
            spaces = found.setdefault(element.id(), [])
            if all(known.id() != space.id() for known in spaces):
                spaces.append(space)
    return found
