"""Materials of products: names, layer thickness and what the file says of them, in the order it lists them (runs in the child)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from importers.ifc.entity import attribute
from importers.ifc.structure import instances, of_class

_Layers = list[dict[str, Any]]
_USED_SET = {"IfcMaterialLayerSetUsage", "IfcMaterialProfileSetUsage", "IfcMaterialProfileSetUsageTapering"}
_PARTS = {
    "IfcMaterialLayerSet": "MaterialLayers",
    "IfcMaterialConstituentSet": "MaterialConstituents",
    "IfcMaterialProfileSet": "MaterialProfiles",
    "IfcMaterialList": "Materials",
}
_NEST_LIMIT = 8
_MAPPED_LIMIT = 4


@dataclass
class Materials:
    """Answers about the materials of one open file; a definition that many products share is read once."""

    length_m: float
    of_product: dict[int, _Layers] = field(default_factory=dict[int, _Layers])
    named: dict[int, set[int]] = field(default_factory=dict[int, "set[int]"])  # product or type -> its IfcMaterials, where they have sets
    _styles: dict[int, str] = field(default_factory=dict[int, str])  # representation item -> name of its style

    def layers(self, product: Any) -> _Layers:
        """The layers of a product, {"name", "thickness_m"}; where none is stated, the style of its body, marked `from`: style."""
        found = self.of_product.get(product.id())
        if found is not None:
            return found
        name = self._styled(attribute(product, "Representation"))
        return [{"name": name, "thickness_m": None, "from": "style"}] if name else []

    def _styled(self, shape: Any) -> str:
        for representation in instances(attribute(shape, "Representations")):
            name = self._of_items(representation, 0)
            if name:
                return name
        return ""

    def _of_items(self, representation: Any, depth: int) -> str:
        for item in instances(attribute(representation, "Items")):
            if item.id() in self._styles:
                return self._styles[item.id()]
            source = attribute(item, "MappingSource") if depth < _MAPPED_LIMIT else None
            name = self._of_items(attribute(source, "MappedRepresentation"), depth + 1) if source is not None else ""
            if name:
                return name
        return ""


def materials(file: Any, length_m: float, type_of: Mapping[int, Any], with_sets: frozenset[int] = frozenset()) -> Materials:
    """The materials of an open file; a product without materials of its own has its type's.

    Parameters
    ----------
    file
        The open IFC file.
    length_m
        Metres in one length unit of the file.
    type_of
        Step id of an occurrence -> its type.
    with_sets
        Step ids of the materials that have property sets.
    """
    own: dict[int, _Layers] = {}
    named: dict[int, set[int]] = {}
    read: dict[int, tuple[_Layers, set[int]]] = {}
    for relation in of_class(file, "IfcRelAssociatesMaterial"):
        definition = relation.get_argument(5)
        if not hasattr(definition, "id"):
            continue
        if definition.id() not in read:
            steps: set[int] = set()
            read[definition.id()] = (_layers(definition, length_m, steps, 0), steps & with_sets)
        layers, steps = read[definition.id()]
        for product in instances(relation.get_argument(4)):
            own[product.id()] = [*own[product.id()], *layers] if product.id() in own else layers
            if steps:
                named.setdefault(product.id(), set()).update(steps)
    for step, kind in type_of.items():
        if step not in own and kind.id() in own:
            own[step] = own[kind.id()]
            named[step] = named.get(kind.id(), set())
    return Materials(length_m, own, named, _styles(file))


def _layers(definition: Any, length_m: float, steps: set[int], depth: int) -> _Layers:
    kind = definition.is_a()
    if depth > _NEST_LIMIT:
        return []
    if kind in _USED_SET:
        used = definition.get_argument(0)  # the usage's set comes first in all of them
        return _layers(used, length_m, steps, depth + 1) if hasattr(used, "id") else []
    if kind in _PARTS:
        parts = instances(attribute(definition, _PARTS[kind]))
        return [layer for part in parts for layer in _layers(part, length_m, steps, depth + 1)]
    return [_layer(definition, kind, length_m, steps)]


def _layer(definition: Any, kind: str, length_m: float, steps: set[int]) -> dict[str, Any]:
    material = definition if kind == "IfcMaterial" else attribute(definition, "Material")
    if material is not None:
        steps.add(material.id())
    part = attribute(definition, "Name") if material is not definition else None
    category = attribute(definition, "Category") or attribute(material, "Category")
    thickness, fraction = attribute(definition, "LayerThickness"), attribute(definition, "Fraction")
    said = {
        "category": category,
        "part": part if part and material is not None and material.Name else None,
        "profile": attribute(attribute(definition, "Profile"), "ProfileName"),
        "fraction": fraction,
    }
    name = (material.Name if material is not None else None) or part or ""
    thickness_m = float(thickness) * length_m if isinstance(thickness, (int, float)) else None
    return {"name": name, "thickness_m": thickness_m} | {key: value for key, value in said.items() if value}


def _styles(file: Any) -> dict[int, str]:
    """Step id of a styled item -> the name of its first style that has one, surface styles before others."""
    found: dict[int, str] = {}
    for styled in of_class(file, "IfcStyledItem"):
        item = styled.get_argument(0)
        if hasattr(item, "id"):
            names = [name for style in instances(styled.get_argument(1)) if (name := _style_name(style))]
            if names:
                found[item.id()] = names[0]
    return found


def _style_name(style: Any) -> str:
    if style.is_a("IfcPresentationStyleAssignment"):
        return next((name for part in instances(style.get_argument(0)) if (name := _style_name(part))), "")
    return style.get_argument(0) or "" if style.is_a("IfcSurfaceStyle") else ""
