"""An open file made ready: units, ids, and which bodies there are to build (runs in the child).

What is read here is what those who tell a file's content and those who build its bodies both stand on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from importers.ifc.bodies import Bodies, Risk
from importers.ifc.groups import gathering
from importers.ifc.identity import identities
from importers.ifc.placements import cut_circles, cut_loops
from importers.ifc.said import is_segment
from importers.ifc.structure import of_class
from importers.ifc.units import Units, assume, read_units

NOT_DRAWN = {"IfcVirtualElement": "virtual", "IfcGrid": "grid"}
_ELSEWHERE = ("IfcSpace", "IfcSpatialZone", "IfcOpeningElement", "IfcPort")  # told as spaces, groups, or with the element they belong to
_ONLY_WITH_BODY = (
    "IfcSpatialStructureElement",
    "IfcSpatialElement",
    "IfcAnnotation",
    "IfcFeatureElement",
    "IfcStructuralActivity",
    "IfcStructuralItem",
)


@dataclass(frozen=True)
class Ready:
    """An open file that no reader and no kernel goes round in for ever: its units, and what was cut out of it."""

    units: Units
    loops: Sequence[int]  # placements
    circles: Sequence[int]  # parts
    is_mended: bool  # the open file is not as it lies on the disk


def ready(file: Any) -> Ready:
    """Cut what goes in circles, and write the unit of length into a file that needs one to be built; each process does it that opens it."""
    loops, circles = cut_loops(file), cut_circles(file)
    stated = read_units(file)
    units = assume(file, stated) if stated.are_missing else stated
    return Ready(units, loops, circles, bool(loops or circles or units.length_m != stated.length_m))


@dataclass(frozen=True)
class Work:
    """The bodies of a file: step id -> risk of those to build, and those that cannot be built and why, elements first, then spaces."""

    risks: Mapping[int, Risk]
    failed: Mapping[int, str]
    roles: Mapping[str, str]  # class -> how products of it are told

    def risk(self, step: int) -> Risk:
        """The risk of a product; `none` of one without a body."""
        return "looped" if step in self.failed else self.risks.get(step, "none")


@dataclass(frozen=True)
class Opened:
    """An open file: its products and groups, an id for each thing that has one, and the bodies to build."""

    file: Any
    ready: Ready
    products: Sequence[Any]
    gathered: Sequence[Any]
    ids: Mapping[int, str]
    work: Work
    issues: Sequence[dict[str, Any]] = ()  # of ids
    replaced: Mapping[int, str] = field(default_factory=dict[int, str])  # what was written where an id should be


def opened(file: Any) -> Opened:
    """The open file made ready; substitutes for ids are written into it, as the kernel fails on products without one."""
    readied = ready(file)
    products = file.by_type("IfcProduct")
    gathered = gathering(file)
    known = {item.id(): item for item in (*products, *gathered, *of_class(file, "IfcTypeObject"))}
    replaced: dict[int, str] = {}
    ids, issues = identities(list(known.values()), replaced)
    return Opened(file, readied, products, gathered, ids, _work(products, of_class(file, "IfcSpace")), issues, replaced)


def _work(products: Sequence[Any], spaces: Sequence[Any]) -> Work:
    bodies = Bodies()
    roles: dict[str, str] = {}
    risks: dict[int, Risk] = {}
    failed: dict[int, str] = {}
    for product in products:
        kind = product.is_a()
        if kind not in roles:
            roles[kind] = _role(product)
    for product in (*(product for product in products if roles[product.is_a()] not in {"elsewhere", "not_drawn"}), *spaces):
        risk = bodies.risk(product)
        if risk == "looped":
            failed[product.id()] = "holds_itself"
        elif risk != "none":
            risks[product.id()] = risk
    return Work(risks, failed, roles)


def is_of(product: Any, kinds: Sequence[str]) -> bool:
    """Whether a product is of one of some classes."""
    return any(product.is_a(kind) for kind in kinds)


def _role(product: Any) -> str:
    """How products of this class are told: `elsewhere`, `with_body` only, `not_drawn` or `always`."""
    if is_of(product, _ELSEWHERE) or is_segment(product):
        return "elsewhere"
    if is_of(product, tuple(NOT_DRAWN)):
        return "not_drawn"
    return "with_body" if is_of(product, _ONLY_WITH_BODY) else "always"
