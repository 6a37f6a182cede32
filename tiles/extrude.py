"""Buildings of which only outline and height are known, as prisms: a light roof on darker walls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from tiles.bodies import Bodies, bodies
from twin.buildings import Building
from twin.crs import Frame
from twin.scene.prism import prisms

ROOF = (226, 222, 214, 255)
WALL = (188, 182, 172, 255)


def extruded(buildings: Sequence[Building], frame: Frame) -> Bodies:
    """The prisms of the buildings, from their base to their height; one without area or height is left out."""
    footprints = _raised([b.footprint for b in buildings], np.array([b.base_h_m for b in buildings], float), frame)
    low = _mean_z(footprints)
    high = low + np.array([b.height_m for b in buildings], float)
    shape = prisms(footprints, low, high)
    table = {
        "id": [b.id for b in buildings],
        "class": ["Building"] * len(buildings),
        "name": [b.name for b in buildings],
        "height_m": np.array([b.height_m for b in buildings], np.float32),
        "usage": [b.usage or "" for b in buildings],
        "building": [b.id for b in buildings],
    }
    return bodies(
        shape.vertices,
        shape.faces.astype(np.uint32),
        shape.face_owner,
        _colors(shape.vertices, shape.faces),
        table=table,
        group=np.zeros(len(buildings), np.int64),
    )


def _raised(footprints: Sequence[Any], base_h: NDArray[np.float64], frame: Frame) -> NDArray[np.object_]:
    """Footprints (n,) in the park's frame, with z at the base. [m, enu]"""
    shapes = np.empty(len(footprints), object)
    shapes[:] = footprints
    return frame.project(shapely.force_3d(shapely.force_2d(shapes), z=base_h)) if len(shapes) else shapes


def _mean_z(footprints: NDArray[np.object_]) -> NDArray[np.float64]:
    """Mean height of each footprint's points (n,), NaN where it has none. [m, enu]"""
    points, owner = shapely.get_coordinates(footprints, include_z=True, return_index=True)
    count = np.bincount(owner, minlength=len(footprints))
    total = np.bincount(owner, weights=points[:, 2], minlength=len(footprints))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _colors(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.uint8]:
    z = vertices[faces][:, :, 2]  # (f, 3)
    across = np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]])  # (f, 3)
    roof = (np.ptp(z, axis=1) == 0) & (across[:, 2] > 0)
    return np.where(roof[:, None], np.array(ROOF, np.uint8), np.array(WALL, np.uint8))
