"""What a park holds, read once for all rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import shapely

from twin.buildings import Building, buildings, owners
from twin.measures.outlines import areal, is_near
from twin.measures.perimeter import Gate, gates_of
from twin.measures.surfaces.levels import Level, levels
from twin.model import Element, Space
from twin.scene.ground import ground_of
from twin.store import Store
from twin.terrain import z_of_height


@dataclass(frozen=True)
class Content:
    """A park seen by the rules: its store, the words of each class, and what several rules need."""

    store: Store
    words: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])  # class -> words for it
    usages: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])  # class -> usages of rooms

    @cached_property
    def buildings(self) -> Sequence[Building]:
        """All buildings of the park."""
        return buildings(self.store)

    @cached_property
    def owner(self) -> Callable[[str, str], str | None]:
        """What answers for (model, element, storey or space) with the building it is of."""
        return owners(self.buildings)

    @cached_property
    def spaces(self) -> Sequence[Space]:
        """All rooms."""
        return self.store.spaces()

    @cached_property
    def elements(self) -> Sequence[Element]:
        """All elements of all models."""
        return [element for model in self.store.models() for element in self.store.elements(model.id)]

    @cached_property
    def levels(self) -> Sequence[Level]:
        """All storeys of all buildings."""
        return levels(self.store, self.buildings)

    @cached_property
    def gates(self) -> Sequence[Gate]:
        """The gates in the perimeter."""
        return gates_of(self.store)

    @cached_property
    def ground(self) -> Callable[[Any], Any]:
        """Height of the ground at points x y (n, 2): z (n,). [m, enu]"""
        return ground_of(self.store)

    @cached_property
    def _outlines(self) -> Mapping[str, Any]:
        return {building.id: self.flat(building.footprint) for building in self.buildings if building.footprint is not None}

    def outline(self, building_id: str) -> Any:
        """The ground that a building stands on, x y [m, enu]; an empty polygon where nobody says."""
        return self._outlines.get(building_id, shapely.Polygon())

    def flat(self, shape: Any) -> Any:
        """A shape of the store in plan, mended: x y [m, enu]; an empty polygon for one out of reach."""
        flat = self.store.park().frame.project(shapely.force_2d(shape))
        flat = areal(shapely.make_valid(flat)) if flat.geom_type in {"Polygon", "MultiPolygon"} else flat
        return flat if is_near(flat) else shapely.Polygon()

    def z(self, shape: Any, height: float) -> float:
        """z of a height [m, park datum] at a shape. [m, enu]"""
        return float(z_of_height(self.store.park().frame, shapely.get_coordinates(shape.centroid), [height])[0])
