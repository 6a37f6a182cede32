"""Which products have a body, and how risky it is for the fast kernels (runs in the child).

Measured: the manifold chain is wrong on bodies with boolean results or half-spaces, and on those only; see ARCHITECTURE.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from importers.ifc.entity import attribute
from importers.ifc.structure import instances

Risk = Literal["none", "plain", "clipped", "looped"]
_SOLID = (
    "IfcSolidModel", "IfcFaceBasedSurfaceModel", "IfcShellBasedSurfaceModel", "IfcCsgPrimitive3D", "IfcSurface", "IfcTessellatedItem",
    "IfcFace", "IfcConnectedFaceSet", "IfcSectionedSpine",
)  # fmt: skip
_NOT_BODY = {
    "axis", "footprint", "foot print", "box", "annotation", "profile", "clearance", "reference", "lighting", "cog", "plan", "centerline",
}  # fmt: skip


@dataclass
class Bodies:
    """Answers about bodies of one open file; shared representations are looked at once."""

    _known: dict[int, Risk] = field(default_factory=dict[int, Risk])
    _open: set[int] = field(default_factory=set[int])  # representations being looked at

    def risk(self, product: Any) -> Risk:
        """`none` without a body, `clipped` where it or an opening in it has a boolean result or half-space, else `plain`.

        `looped` is one whose representation holds itself: no kernel can build it, and some do not come back from trying.
        """
        own = self._of_shape(product)
        if own == "plain" and any(self._of_shape(opening) == "clipped" for opening in _openings(product)):
            return "clipped"
        return own

    def _of_shape(self, product: Any) -> Risk:
        shape = attribute(product, "Representation")
        return _worst([self._of_representation(part) for part in instances(attribute(shape, "Representations"))])

    def _of_representation(self, representation: Any) -> Risk:
        if (representation.RepresentationIdentifier or "").lower() in _NOT_BODY:
            return "none"
        step = representation.id()
        if step in self._open:
            return "looped"
        if step not in self._known:
            self._open.add(step)
            self._known[step] = _worst([self._of_item(item) for item in instances(representation.Items)])
            self._open.discard(step)
        return self._known[step]

    def _of_item(self, item: Any) -> Risk:
        if item.is_a("IfcMappedItem"):
            mapped = attribute(item.get_argument(0), "MappedRepresentation")
            return self._of_representation(mapped) if mapped is not None else "none"
        if item.is_a("IfcBooleanResult") or item.is_a("IfcCsgSolid") or item.is_a("IfcHalfSpaceSolid"):
            return "looped" if _holds_itself(item) else "clipped"
        if item.is_a("IfcGeometricSet"):
            return _worst([self._of_item(part) for part in instances(item.Elements)])
        return "plain" if any(item.is_a(kind) for kind in _SOLID) else "none"


def _holds_itself(solid: Any) -> bool:
    """Whether a tree of boolean operations is none: somewhere an operation is its own operand, through others or at once."""
    whole: set[int] = set()
    path: dict[int, list[Any]] = {solid.id(): _operands(solid)}
    while path:
        step, left = next(reversed(path.items()))
        if not left:
            whole.add(step)
            del path[step]
            continue
        operand = left.pop()
        if operand.id() in path:
            return True
        if operand.id() not in whole:
            path[operand.id()] = _operands(operand)
    return False


def _operands(solid: Any) -> list[Any]:
    names = ("FirstOperand", "SecondOperand", "TreeRootExpression")
    return [operand for name in names if (operand := attribute(solid, name)) is not None]


def _openings(product: Any) -> list[Any]:
    relations = attribute(product, "HasOpenings") or ()
    return [opening for relation in relations if (opening := relation.RelatedOpeningElement) is not None]


def _worst(risks: list[Risk]) -> Risk:
    for risk in ("looped", "clipped", "plain"):
        if risk in risks:
            return risk
    return "none"
