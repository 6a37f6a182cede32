"""Materials of products: names and layer thickness, in the order the file lists them (runs in the child)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from importers.ifc.entity import attribute

_Layers = list[dict[str, Any]]
_USED_SET = {"IfcMaterialLayerSetUsage", "IfcMaterialProfileSetUsage", "IfcMaterialProfileSetUsageTapering"}
_PARTS = {
    "IfcMaterialLayerSet": "MaterialLayers",
    "IfcMaterialConstituentSet": "MaterialConstituents",
    "IfcMaterialProfileSet": "MaterialProfiles",
    "IfcMaterialList": "Materials",
}


def materials(file: Any, length_m: float, type_of: Mapping[int, Any]) -> dict[int, _Layers]:
    """Step id -> [{"name", "thickness_m"}] of every product; one without materials of its own has its type's.

    Parameters
    ----------
    file
        The open IFC file.
    length_m
        Metres in one length unit of the file.
    type_of
        Step id of an occurrence -> its type.
    """
    own: dict[int, _Layers] = {}
    read: dict[int, _Layers] = {}
    for relation in file.by_type("IfcRelAssociatesMaterial"):
        definition = relation.RelatingMaterial
        if definition is None:
            continue
        if definition.id() not in read:
            read[definition.id()] = _layers(definition, length_m)
        for product in relation.RelatedObjects:
            own.setdefault(product.id(), []).extend(read[definition.id()])
    for step, kind in type_of.items():
        if step not in own and kind.id() in own:
            own[step] = own[kind.id()]
    return own


def _layers(definition: Any, length_m: float) -> _Layers:
    kind = definition.is_a()
    if kind in _USED_SET:
        return _layers(definition.get_argument(0), length_m)  # the usage's set comes first in all of them
    if kind in {"IfcMaterialLayer", "IfcMaterialLayerWithOffsets"}:
        return [_layer(definition, length_m)]
    if kind in _PARTS:
        parts = attribute(definition, _PARTS[kind]) or ()
        return [layer for part in parts for layer in _layers(part, length_m)]
    if kind in {"IfcMaterialConstituent", "IfcMaterialProfile", "IfcMaterialProfileWithOffsets"}:
        return [_named(definition.Material, definition.Name, category=attribute(definition, "Category"))]
    return [_named(definition, None)]


def _layer(layer: Any, length_m: float) -> dict[str, Any]:
    thickness = layer.LayerThickness
    named = _named(layer.Material, attribute(layer, "Name"), category=attribute(layer, "Category"))
    return {**named, "thickness_m": None if thickness is None else float(thickness) * length_m}


def _named(material: Any, fallback: str | None, category: str | None = None) -> dict[str, Any]:
    name = (material.Name if material is not None else None) or fallback or ""
    category = category or attribute(material, "Category")
    return {"name": name, "thickness_m": None} | ({"category": category} if category else {})
