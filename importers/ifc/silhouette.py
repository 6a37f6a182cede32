"""What a model looks like from above, in the ways a map may draw it: by its walls, by its lowest slabs, by all it covers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from importers.ifc.drawing import Drawing
from importers.ifc.mesh import Body
from importers.ifc.outline import closed, covered, ground

_WALLS = ("IfcWall", "IfcCurtainWall", "IfcPlate", "IfcMember", "IfcColumn", "IfcDoor", "IfcWindow")
_SLABS = ("IfcSlab", "IfcFooting", "IfcCovering")
_KNEE_M, _HEAD_M = 0.3, 1.6  # walls are taken where they cross this band above the ground floor
_UNDER_M, _OVER_M = 1.0, 0.3  # slabs are taken whose top is in this range of the ground floor
_ROOM_SHARE = 0.5  # a hole between walls is indoors where slabs, roofs or rooms cover at least this much of it
_WHOLE_SHARE = 0.35  # walls or slabs that hold less than this share of all the ground are not the building's outline


@dataclass(frozen=True)
class Silhouettes:
    """Outlines of a model from above by what they are of (`walls`, `slabs`, `whole`), and the height of its ground floor. [m, model]"""

    areas: Mapping[str, Any]  # name -> shapely (Multi)Polygon
    ground_z_m: float
    storey: str = ""  # the storey the height is of; empty where it is the lowest point

    def middle(self) -> NDArray[np.float64]:
        """The middle of all the model covers, at the ground floor: (3,). [m, model]"""
        x0, y0, x1, y1 = self.areas["whole"].bounds
        return np.array([(x0 + x1) / 2, (y0 + y1) / 2, self.ground_z_m])


def ground_floor(storeys: Sequence[Mapping[str, Any]], lowest_m: float) -> tuple[float, str]:
    """Height of the lowest storey that is not below ground [m, model], and its name; the lowest point where no storey is.

    The ground is at elevation 0 of the building, as every authoring program has it; a storey a little lower is still at ground.
    """
    said = [item for item in storeys if np.isfinite(item["z_m"])]
    unplaced = len(said) > 1 and all(abs(item["z_m"] - item["building_z_m"]) < 1e-6 for item in said)
    levels = [(_elevation(item), _level(item, unplaced=unplaced), item["name"]) for item in said]
    above = sorted(level for level in levels if level[0] > -0.5)
    chosen = above[0] if above else max(levels, default=(0.0, lowest_m, ""))
    return float(chosen[1]), str(chosen[2])


def _level(item: Mapping[str, Any], *, unplaced: bool) -> float:
    """z of a storey [m, model]: its placement's, unless no storey of the file is placed and only Elevation tells them apart."""
    return item["building_z_m"] + (item["elevation_m"] or 0.0) if unplaced else item["z_m"]


def _elevation(item: Mapping[str, Any]) -> float:
    own = item["z_m"] - item["building_z_m"]
    said = item["elevation_m"]
    return float(own if said is None or not np.isfinite(said) else said if abs(own) < 1e-6 else own)


def silhouettes(drawing: Drawing, storeys: Sequence[Mapping[str, Any]]) -> Silhouettes | None:
    """The outlines of a model; None for a model that covers no ground."""
    built = [element for element in drawing.elements if drawing.is_building(element)] or drawing.elements
    bodies = [(str(element["class"]), drawing.bodies[element["step"]]) for element in built]
    box = drawing.box()
    if box is None or not bodies:
        return None
    level, name = ground_floor(storeys, float(box[0, 2]))
    pieces = [(kind, body.points(), body.faces()) for kind, body in bodies]
    whole = ground(pieces, drawing.recall)
    if whole is None or whole.is_empty:
        return None
    rooms = covered([(body.points(), body.faces()) for body in _rooms(drawing)])
    roofed = shapely.union_all([whole, rooms])
    found = {
        "walls": _walls(pieces, level, roofed),
        "slabs": _slabs(pieces, level),
        "whole": whole,
    }
    kept = {key: area for key, area in found.items() if area is not None and area.area > _WHOLE_SHARE * whole.area}
    return Silhouettes(_distinct(kept), level, name)


def _rooms(drawing: Drawing) -> list[Body]:
    drawn = {element["step"] for element in drawing.elements}
    return [body for step, body in drawing.bodies.items() if step not in drawn]


def _slabs(pieces: Sequence[tuple[str, NDArray[np.float64], NDArray[np.int64]]], level: float) -> Any:
    """What the slabs under the ground floor cover."""
    lying = [
        (points, faces) for kind, points, faces in pieces if kind.startswith(_SLABS) and -_UNDER_M < points[:, 2].max() - level < _OVER_M
    ]
    return closed(covered(lying))


def _walls(pieces: Sequence[tuple[str, NDArray[np.float64], NDArray[np.int64]]], level: float, roofed: Any) -> Any:
    """What the walls of the ground floor surround: courtyards are left open, rooms are not."""
    crossing = [
        (points, faces)
        for kind, points, faces in pieces
        if kind.startswith(_WALLS) and points[:, 2].min() < level + _HEAD_M and points[:, 2].max() > level + _KNEE_M
    ]
    ring = closed(covered(crossing))
    if ring is None:
        return None
    enclosed = shapely.union_all([shapely.Polygon(part.exterior) for part in shapely.get_parts(ring)])
    cells = [cell for cell in shapely.get_parts(enclosed.difference(ring)) if cell.geom_type == "Polygon"]
    rooms = [cell for cell in cells if cell.intersection(roofed).area >= _ROOM_SHARE * cell.area]
    return closed(shapely.union_all(np.array([ring, *rooms], dtype=object)))


def _distinct(areas: Mapping[str, Any]) -> dict[str, Any]:
    """The outlines, each shape once: the first name stays."""
    kept: dict[str, Any] = {}
    for name, area in areas.items():
        if all(area.symmetric_difference(other).area > 0.005 * area.area for other in kept.values()):
            kept[name] = area
    return kept if "whole" in kept else kept | {"whole": areas["whole"]}
