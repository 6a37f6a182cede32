"""What surfaces look like by what they are: RGBA; what is drawn clearer than glass in walls counts as see-through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Color = tuple[int, int, int, int]
WALL: Color = (224, 219, 209, 255)
_BY_SLOPE: Mapping[str, Color] = {"RoofSurface": (226, 222, 214, 255)}  # blocks look like footprints that are raised
_PLAIN: Color = (188, 182, 172, 255)
_OF_SURFACE: Mapping[str, Color] = {
    "RoofSurface": (178, 98, 78, 255),
    "WallSurface": WALL,
    "GroundSurface": (150, 146, 138, 255),
    "OuterCeilingSurface": (196, 190, 180, 255),
    "OuterFloorSurface": (170, 165, 156, 255),
    "ClosureSurface": (214, 210, 204, 255),
    "FloorSurface": (186, 178, 166, 255),
    "CeilingSurface": (236, 234, 228, 255),
    "InteriorWallSurface": (238, 236, 230, 255),
    "Window": (140, 176, 200, 130),
    "WindowSurface": (140, 176, 200, 130),
    "Door": (118, 88, 66, 255),
    "DoorSurface": (118, 88, 66, 255),
}
_OF_CLASS: Mapping[str, Color] = {
    "Bridge": (168, 170, 174, 255),
    "Tunnel": (140, 138, 134, 255),
    "CityFurniture": (110, 114, 120, 255),
    "SolitaryVegetation": (92, 138, 82, 255),
    "Generic": (196, 192, 184, 255),
}


def colors(object_class: str, kinds: Sequence[str], named: Sequence[bool]) -> NDArray[np.uint8]:
    """The colour (s, 4) of each surface of an object: by the kind the file names, else by the object's class, else by slope."""
    own = next((color for start, color in _OF_CLASS.items() if object_class.startswith(start)), None)
    rows = [
        _OF_SURFACE.get(kind, own or WALL) if said else own or _BY_SLOPE.get(kind, _PLAIN) for kind, said in zip(kinds, named, strict=True)
    ]
    return np.array(rows, np.uint8).reshape(-1, 4)
