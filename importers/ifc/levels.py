"""The storeys of a model: as the file has them, or, where it has none, made up from the heights of its floors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from importers.ifc.drawing import Drawing, Place
from importers.ifc.mesh import boxes
from importers.ifc.outline import Floor
from twin.model import ATTRIBUTES, Storey

_HEIGHTS = ("Height", "FinishCeilingHeight", "NetHeight", "ClearHeight", "GrossHeight", "NominalHeight", "净高", "高度")
_SAME_M = 1e-6
_APART_M = 2.0  # floors nearer to each other than this are one storey: steps, raised floors, landings
_BELOW_M = 0.5  # an element begins this far below its storey's level at most: slabs, screeds
_FEW = 0.1  # a level with less than this share of the largest one's floor is a landing or a canopy
_HOUSE = ("IfcWall", "IfcSlab", "IfcRoof", "IfcDoor", "IfcWindow", "IfcStair", "IfcColumn", "IfcCurtainWall", "IfcBeam")


@dataclass(frozen=True)
class Level:
    """One storey in the model's own heights."""

    id: str
    name: str
    z_m: float
    elevation_m: float
    building: str | None
    stated_height_m: float | None = None


def levels(content: Mapping[str, Any]) -> list[Level]:
    """The file's storeys, lowest first."""
    said = content["storeys"]
    unplaced = all(abs(item["z_m"] - item["building_z_m"]) < _SAME_M for item in said) and len(said) > 1
    found: list[Level] = []
    for item in said:
        # its placement's height, unless no storey of the file is placed and only Elevation tells them apart
        z = item["building_z_m"] + (item["elevation_m"] or 0.0) if unplaced else item["z_m"]
        elevation = z - item["building_z_m"] if item["elevation_m"] is None else item["elevation_m"]
        found.append(Level(item["id"], item["name"], z, elevation, item["building"], first_number(item["sets"], _HEIGHTS)))
    return sorted(found, key=lambda level: level.z_m)


def made_up(model_id: str, drawing: Drawing, floors: Mapping[str, Floor]) -> list[Level]:
    """Storeys for a model without any: one at each height where there is floor, else one at the foot; none where nothing is a house."""
    house = [element for element in drawing.elements if str(element["class"]).startswith(_HOUSE)]
    if not house and not floors:
        return []
    spots = [(floor.z_m, float(floor.outline.area)) for floor in floors.values() if floor.outline is not None] or _slabs(drawing)
    heights = _heights(spots) or [_foot(drawing)]
    return [Level(f"{model_id}-L{k}", f"{z:+.2f}", z, z, None) for k, z in enumerate(heights)]


def storeys(model_id: str, found: Sequence[Level], drawing: Drawing, place: Place) -> list[Storey]:
    """The storeys in the park's terms, lowest first."""
    box = drawing.box()
    middle = [0.0, 0.0] if box is None else box[:, :2].mean(axis=0).tolist()
    bases = place.heights(np.array([[*middle, level.z_m] for level in found]).reshape(-1, 3))
    return [
        Storey(level.id, model_id, level.name, level.elevation_m, float(base), _height(level, found))
        for level, base in zip(found, bases, strict=True)
    ]


def by_height(drawing: Drawing, found: Sequence[Level]) -> dict[int, str]:
    """Step id -> storey of the elements that the file puts in none: the highest whose level is not above the element's foot.

    What stands on the site, terrain and alignments have no storey.
    """
    if not found:
        return {}
    feet = boxes(drawing.bulk.vertices, drawing.bulk.counts)[:, :, 2].reshape(-1, 2)
    chosen: dict[int, str] = {}
    for element, (low, high) in zip(drawing.elements, feet.tolist(), strict=True):
        if element["storey"] is None and element.get("container") != "IfcSite" and drawing.is_building(element):
            chosen[element["step"]] = level_at(low + min(_BELOW_M, (high - low) / 2), found, element.get("building")).id
    return chosen


def level_at(z_m: float, found: Sequence[Level], building: str | None = None) -> Level:
    """The highest level at or below a height [m, model], of the building where it has levels of its own; else the lowest."""
    own = [level for level in found if level.building == building] or list(found)
    below = [level for level in own if level.z_m <= z_m + _BELOW_M / 2]
    return below[-1] if below else own[0]


def first_number(sets: Mapping[str, Any], names: Sequence[str]) -> float | None:
    """The first positive number under one of these names, quantities before properties."""
    tables = [(not key.startswith(("Qto_", "BaseQuantities")), values) for key, values in sets.items() if isinstance(values, dict)]
    for name in names:
        for _, values in sorted(tables, key=lambda table: table[0]):
            value = values.get(name)
            if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
                return float(value)
    return None


def _height(level: Level, found: Sequence[Level]) -> float | None:
    above = [other.z_m for other in found if other.building == level.building and other.z_m > level.z_m + _SAME_M]
    return min(above) - level.z_m if above else level.stated_height_m


def _slabs(drawing: Drawing) -> list[tuple[float, float]]:
    """Top and plan area of slabs that are no roofs."""
    each = boxes(drawing.bulk.vertices, drawing.bulk.counts)
    spots: list[tuple[float, float]] = []
    for element, box in zip(drawing.elements, each, strict=True):
        roof = element["properties"].get(ATTRIBUTES, {}).get("PredefinedType") == "ROOF"
        if str(element["class"]).startswith("IfcSlab") and not roof:
            spots.append((float(box[1, 2]), float(np.prod(box[1, :2] - box[0, :2]))))
    return spots


def _heights(spots: Sequence[tuple[float, float]]) -> list[float]:
    """Heights with floor: spots within reach of each other are one, the largest of them says where; small ones are left out."""
    groups: list[list[tuple[float, float]]] = []
    for spot in sorted(spots):
        if groups and spot[0] - groups[-1][0][0] < _APART_M:
            groups[-1].append(spot)
        else:
            groups.append([spot])
    areas = [sum(area for _, area in group) for group in groups]
    return [max(group, key=lambda spot: spot[1])[0] for group, area in zip(groups, areas, strict=True) if area >= _FEW * max(areas)]


def _foot(drawing: Drawing) -> float:
    box = drawing.box()
    return 0.0 if box is None else float(box[0, 2])
