"""What is drawn of a model, and where it comes to stand: bodies merged in the model's frame, then moved into the park's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from importers.ifc.georeference import Georeferenced
from importers.ifc.mesh import Body, Merged, boxes, merged, repeated
from importers.ifc.outline import Recall, afresh
from importers.ifc.words import default_color, discipline
from twin.crs import Frame
from twin.model import ATTRIBUTES, Mesh

Points = NDArray[np.float64]  # (n, 3)
NOT_BUILDING = (
    "IfcSite", "IfcGeographicElement", "IfcAnnotation", "IfcFurn", "IfcSystemFurniture", "IfcCivilElement", "IfcReferent", "IfcAlignment",
    "IfcTransportElement", "IfcSensor", "IfcActuator", "IfcEarthworks", "IfcGeo",
)  # fmt: skip
_GLASS = ("glass", "glas", "glazing", "玻璃", "verre", "vidrio")


@dataclass(frozen=True)
class Drawing:
    """Elements with bodies, in the file's order, their discipline, and all bodies by step id (spaces included)."""

    elements: Sequence[Mapping[str, Any]]  # those that are drawn
    disciplines: Mapping[int, str]  # step id -> discipline, of every element
    bodies: Mapping[int, Body]
    bulk: Merged
    recall: Recall = afresh  # what is known of areas

    def box(self) -> NDArray[np.float64] | None:
        """Lowest and highest corner (2, 3) [m, model] of the building, or of all there is when nothing is a building's."""
        if not self.elements:
            return self._space_box()
        each = boxes(self.bulk.vertices, self.bulk.counts)
        mine = np.array([self.is_building(element) for element in self.elements])
        chosen = each[mine] if mine.any() else each
        return np.stack([chosen[:, 0].min(axis=0), chosen[:, 1].max(axis=0)])

    def is_building(self, element: Mapping[str, Any]) -> bool:
        """Whether the ground under an element is the building's ground."""
        return not str(element["class"]).startswith(NOT_BUILDING)

    def _space_box(self) -> NDArray[np.float64] | None:
        if not self.bodies:
            return None
        each = np.stack([body.box() for body in self.bodies.values()])
        return np.stack([each[:, 0].min(axis=0), each[:, 1].max(axis=0)])


@dataclass(frozen=True)
class Place:
    """The park's frame and the model's placement in it."""

    frame: Frame
    georeferenced: Georeferenced

    def heights(self, points: Points) -> NDArray[np.float64]:
        """Heights (n,) [m, park datum] of points (n, 3) [m, model]."""
        return self.frame.to_lonlat(self.georeferenced.placement.to_enu(points))[:, 2]

    def outline(self, area: Any, z_m: float) -> Any:
        """A plane outline [m, model] at height `z_m` of the model, in longitude and latitude [deg]; None stays None."""
        if area is None or area.is_empty:
            return None

        def moved(points: NDArray[np.float64]) -> NDArray[np.float64]:
            at_height = np.column_stack([points[:, :2], np.full(len(points), z_m)])
            return self.frame.to_lonlat(self.georeferenced.placement.to_enu(at_height))[:, :2]

        return shapely.transform(area, moved)


def draw(content: Mapping[str, Any], bodies: Mapping[int, Body], recall: Recall = afresh) -> Drawing:
    """The drawing of a model."""
    drawn = [element for element in content["elements"] if element["step"] in bodies]
    by_id = {element["id"]: element for element in content["elements"]}
    disciplines = {element["step"]: _discipline(element, by_id) for element in content["elements"]}
    return Drawing(drawn, disciplines, bodies, merged([bodies[element["step"]] for element in drawn]), recall)


def mesh(drawing: Drawing, place: Place) -> Mesh:
    """The triangles in the park's frame, coloured."""
    bulk = drawing.bulk
    placement = place.georeferenced.placement
    vertices = placement.to_enu(bulk.vertices)
    shapes = repeated(bulk.uses, placement.turn, placement.to_enu(np.zeros((1, 3)))[0])
    seconds = np.array([drawing.bodies[element["step"]].seconds for element in drawing.elements], np.float32)
    return Mesh(vertices, bulk.faces, bulk.owner, _colors(drawing), [element["id"] for element in drawing.elements], shapes, seconds)


def _colors(drawing: Drawing) -> NDArray[np.uint8]:
    own = [_default(element, drawing.disciplines[element["step"]]) for element in drawing.elements]
    defaults = np.array(own, np.float32).reshape(-1, 4)[drawing.bulk.owner] / 255.0  # (f, 4)
    colors = np.where(np.isnan(drawing.bulk.colors), defaults, drawing.bulk.colors)
    colors[:, 3] = np.maximum(colors[:, 3], 0.15)  # what is all but invisible could not be picked
    return np.round(np.clip(colors, 0.0, 1.0) * 255).astype(np.uint8)


def _default(element: Mapping[str, Any], kind: str) -> tuple[int, int, int, int]:
    materials = [str(layer["name"]).lower() for layer in element["materials"]]
    if materials and all(any(word in name for word in _GLASS) for name in materials):
        return default_color("glass", kind, [])
    systems = [text for system in element["properties"][ATTRIBUTES].get("systems", ()) for text in (system.get("kind", ""), system["name"])]
    return default_color(element.get("drawn_as", element["class"]), kind, [*systems, element["type_name"] or ""])


def _discipline(element: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]]) -> str:
    said = element["properties"][ATTRIBUTES]
    whole = by_id.get(said.get("part_of", ""))
    if whole is not None and whole["class"] == "IfcCurtainWall":
        return "architecture"
    systems = [text for system in said.get("systems", ()) for text in (system.get("kind", ""), system["name"])]
    texts = [element["type_name"] or "", element["name"], said.get("ObjectType", "")]
    return discipline([element["class"], element["type_class"] or ""], systems, [text for text in texts if text])
