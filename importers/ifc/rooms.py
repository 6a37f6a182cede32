"""Storeys and spaces: heights in the park's datum, floors on the ground, uses, areas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from importers.ifc.drawing import Drawing, Place
from importers.ifc.outline import Floor, floor
from importers.ifc.words import ATTRIBUTES, usage
from twin.model import Issue, Space, Storey

_HEIGHTS = ("Height", "FinishCeilingHeight", "NetHeight", "ClearHeight", "GrossHeight", "NominalHeight", "净高", "高度")
_AREAS = ("NetFloorArea", "GrossFloorArea", "NetArea", "GSA BIM Area", "GrossArea", "Area", "面积", "净面积", "建筑面积")
_USE_PROPERTIES = ("OccupancyType", "Category", "Reference", "OmniClass", "Occupancy", "Use", "用途", "功能", "房间类型")
_SAME_M = 1e-6


def storeys(model_id: str, content: Mapping[str, Any], drawing: Drawing, place: Place) -> list[Storey]:
    """The model's storeys, lowest first within the file's buildings."""
    said = content["storeys"]
    unplaced = all(abs(item["z_m"] - item["building_z_m"]) < _SAME_M for item in said) and len(said) > 1
    levels = [(item, _level(item, unplaced)) for item in said]
    levels.sort(key=lambda pair: pair[1])
    middle = _middle(drawing)
    return [
        Storey(
            id=item["id"],
            model_id=model_id,
            name=item["name"],
            elevation_m=z - item["building_z_m"] if item["elevation_m"] is None else item["elevation_m"],
            base_h_m=float(place.heights(np.array([[*middle, z]]))[0]),
            height_m=_storey_height(item, z, levels),
        )
        for item, z in levels
    ]


def spaces(model_id: str, content: Mapping[str, Any], drawing: Drawing, place: Place) -> tuple[list[Space], list[Issue]]:
    """The model's spaces, and what is wrong with some."""
    rooms: list[Space] = []
    issues: list[Issue] = []
    for said in content["spaces"]:
        body = drawing.bodies.get(said["step"])
        found = floor(body.points(), body.faces()) if body else None
        if found is None or found.outline is None:
            issues.append(Issue("ifc_space_without_outline", "info", said["label"]))
        area, doubt = _area(said["properties"], found)
        if doubt is not None:
            issues.append(
                Issue("ifc_space_area_doubtful", "info", said["label"], {"said": round(doubt, 2), "measured": round(area or 0, 2)})
            )
        rooms.append(_space(model_id, said, found, area, place))
    return rooms, issues


def _space(model_id: str, said: Mapping[str, Any], found: Floor | None, area: float | None, place: Place) -> Space:
    z = found.z_m if found else said["z_m"]
    middle = [0.0, 0.0] if found is None or found.outline is None else list(found.outline.centroid.coords[0])
    return Space(
        id=said["id"],
        model_id=model_id,
        storey_id=said["storey"],
        name=said["name"],
        long_name=said["long_name"],
        usage=usage(_use_texts(said)),
        outline=place.outline(found.outline, z) if found else None,
        floor_h_m=float(place.heights(np.array([[*middle, z]]))[0]),
        height_m=_height(said["properties"], found),
        area_m2=area,
        attributes=said["properties"],
    )


def _use_texts(said: Mapping[str, Any]) -> list[str]:
    own = said["properties"][ATTRIBUTES]
    sets = [values for values in said["properties"].values() if isinstance(values, dict)]
    properties = [values[name] for values in sets for name in _USE_PROPERTIES if isinstance(values.get(name), str)]
    classes = [item["name"] for item in own.get("classification", ())]
    texts = [said["long_name"], said["name"], own.get("ObjectType"), own.get("PredefinedType"), said["type_name"], *properties, *classes]
    return [text for text in texts if text]


def _level(item: Mapping[str, Any], unplaced: bool) -> float:
    """z of a storey [m, model]: its placement's, unless no storey of the file is placed and only Elevation tells them apart."""
    return item["building_z_m"] + (item["elevation_m"] or 0.0) if unplaced else item["z_m"]


def _storey_height(item: Mapping[str, Any], z: float, levels: Sequence[tuple[Mapping[str, Any], float]]) -> float | None:
    above = [other for neighbour, other in levels if neighbour["building"] == item["building"] and other > z + _SAME_M]
    return min(above) - z if above else _first(item["sets"], _HEIGHTS)


def _height(properties: Mapping[str, Any], found: Floor | None) -> float | None:
    said = _first(properties, _HEIGHTS)
    if found is None or found.height_m <= 0:
        return said
    return said if said is not None and 0.2 * found.height_m < said < 1.5 * found.height_m else found.height_m


def _area(properties: Mapping[str, Any], found: Floor | None) -> tuple[float | None, float | None]:
    """The floor's area and, where the file's own figure was not believed, that figure: off by more than a factor of two."""
    said = _first(properties, _AREAS)
    if found is None or found.outline is None:
        return said, None
    measured = float(found.outline.area)
    if said is None:
        return measured, None
    return (said, None) if 0.5 * measured < said < 2.0 * measured else (measured, said)


def _first(sets: Mapping[str, Any], names: Sequence[str]) -> float | None:
    """The first positive number under one of these names, quantities before properties."""
    tables = [(not key.startswith(("Qto_", "BaseQuantities")), values) for key, values in sets.items() if isinstance(values, dict)]
    for name in names:
        for _, values in sorted(tables, key=lambda table: table[0]):
            value = values.get(name)
            if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
                return float(value)
    return None


def _middle(drawing: Drawing) -> list[float]:
    box = drawing.box()
    return [0.0, 0.0] if box is None else box[:, :2].mean(axis=0).tolist()
