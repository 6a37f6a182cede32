"""What a city model says, whatever it is written in: objects with attributes and, for each level of detail, surfaces.

Rings are open (the first point is not repeated). As read they hold x, y, z of the file (n, 3); once placed they hold the park's frame
and the height (n, 4): x, y, z [m, enu], h [m, park datum].
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from twin.model import Issue

Ring = NDArray[np.float64]  # (n, 3) as read, (n, 4) once placed
Role = Literal["body", "footprint", "roof_edge"]
NO_SHELL = -1

# what becomes of the classes of CityGML and CityJSON; abstract ones and surfaces are not objects
BUILDINGS = ("Building",)
BUILDING_PARTS = ("BuildingPart",)
BODIES = (
    *BUILDINGS, *BUILDING_PARTS, "BuildingInstallation", "IntBuildingInstallation", "BuildingConstructiveElement", "BuildingFurniture",
    "Bridge", "BridgePart", "BridgeInstallation", "BridgeConstructionElement", "BridgeConstructiveElement", "BridgeFurniture",
    "IntBridgeInstallation", "Tunnel", "TunnelPart", "TunnelInstallation", "TunnelConstructiveElement", "TunnelFurniture",
    "IntTunnelInstallation", "OtherConstruction", "CityFurniture", "SolitaryVegetationObject", "GenericCityObject",
    "GenericOccupiedSpace", "GenericUnoccupiedSpace", "GenericLogicalSpace", "GenericThematicSurface",
)  # fmt: skip
ROOMS = ("BuildingRoom", "Room", "BridgeRoom", "TunnelHollowSpace", "HollowSpace", "BuildingUnit")
STOREYS = ("Storey", "BuildingStorey")
ROADS = (
    "Road", "Railway", "Track", "Square", "Waterway", "TransportSquare", "TransportationComplex", "Section", "Intersection",
    "TrafficSpace", "AuxiliaryTrafficSpace", "ClearanceSpace",
)  # fmt: skip
AREAS: Mapping[str, str] = dict.fromkeys(ROADS, "road_area") | {
    "WaterBody": "water", "PlantCover": "green", "LandUse": "other", "GenericCityObject": "other", "GenericThematicSurface": "other",
}  # fmt: skip
POINTS: Mapping[str, str] = {"SolitaryVegetationObject": "tree", "CityFurniture": "other"}
RELIEFS = ("TINRelief", "ReliefFeature")
GROUPS = ("CityObjectGroup",)
INSIDE = ("InteriorWallSurface", "FloorSurface", "CeilingSurface")
OPENINGS = ("Window", "Door", "WindowSurface", "DoorSurface")
OBJECTS = frozenset({*BODIES, *ROOMS, *STOREYS, *AREAS, *POINTS, *RELIEFS, *GROUPS})


@dataclass(frozen=True)
class Surface:
    """One plane piece: its outer ring and the rings of its holes, what it is (RoofSurface …), and the shell it closes, if any."""

    rings: Sequence[Ring]
    kind: str = ""
    shell: int = NO_SHELL


@dataclass(frozen=True)
class Shape:
    """One geometry at one level of detail.

    `crs` is what the file says of it; about an `anchor` (3,) in that system the coordinates are metres east, north and up.
    """

    lod: str
    role: Role = "body"
    surfaces: Sequence[Surface] = ()
    paths: Sequence[Ring] = ()  # lines, and points of length one
    voids: frozenset[int] = frozenset()  # shells that are cavities of their solid
    crs: str | None = None
    anchor: Ring | None = None


@dataclass(frozen=True)
class CityObject:
    """One object with what is said about it; `members` only of groups."""

    id: str
    kind: str
    parent: str | None = None
    name: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    addresses: Sequence[str] = ()
    shapes: Sequence[Shape] = ()
    members: Sequence[str] = ()


@dataclass
class Notes:
    """What is learned of a file while its objects are read."""

    source: str
    schema: str
    title: str = ""
    crs: str | None = None  # as stated for the whole file
    envelope: NDArray[np.float64] | None = None  # (2, d) lowest and highest corner as stated
    has_x_first: bool = False  # the format puts easting first, whatever the authority of the system says
    issues: list[Issue] = field(default_factory=list[Issue])
    counts: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])  # (code of an issue, detail) -> how often

    def told(self) -> list[Issue]:
        """All issues, what was counted included: one an (code, detail)."""
        counted = [
            Issue(code, _SEVERITY.get(code, "info"), detail or self.source, {"count": n}) for (code, detail), n in self.counts.items() if n
        ]
        return [*self.issues, *counted]


_SEVERITY: Mapping[str, Literal["warning", "info"]] = {
    "city_link_missing": "warning",
    "city_library_ignored": "warning",
    "city_coordinates_bad": "warning",
}


def lod_rank(lod: str) -> tuple[float, str]:
    """By what levels of detail are ordered: 2.2 above 2, what is no number below all."""
    try:
        return float(lod), lod
    except ValueError:
        return -1.0, lod
