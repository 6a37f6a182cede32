"""Materials of products: names and layer thickness, in the order the file lists them (runs in the child)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_Layers = list[dict[str, Any]]


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
    if kind == "IfcMaterialLayerSetUsage":
        return _layers(definition.ForLayerSet, length_m)
    if kind == "IfcMaterialProfileSetUsage" or kind == "IfcMaterialProfileSetUsageTapering":
        return _layers(definition.ForProfileSet, length_m)
    if kind == "IfcMaterialLayerSet":
        return [_layer(layer, length_m) for layer in definition.MaterialLayers]
    if kind in {"IfcMaterialLayer", "IfcMaterialLayerWithOffsets"}:
        return [_layer(definition, length_m)]
    if kind == "IfcMaterialConstituentSet":
        return [_named(part.Material, part.Name, category=part.Category) for part in definition.MaterialConstituents or ()]
    if kind == "IfcMaterialProfileSet":
        return [_named(part.Material, part.Name) for part in definition.MaterialProfiles]
    if kind == "IfcMaterialList":
        return [_named(part, None) for part in definition.Materials]
    if kind in {"IfcMaterialConstituent", "IfcMaterialProfile"}:
        return [_named(definition.Material, definition.Name)]
    return [_named(definition, None)]


def _layer(layer: Any, length_m: float) -> dict[str, Any]:
    thickness = layer.LayerThickness
    named = _named(layer.Material, getattr(layer, "Name", None), category=getattr(layer, "Category", None))
    return {**named, "thickness_m": None if thickness is None else float(thickness) * length_m}


def _named(material: Any, fallback: str | None, category: str | None = None) -> dict[str, Any]:
    name = (material.Name if material is not None else None) or fallback or ""
    category = category or getattr(material, "Category", None)
    return {"name": name, "thickness_m": None} | ({"category": category} if category else {})
