"""Shapely geometry as GeoJSON, rounded to what a browser can use."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

DEGREES = 8  # decimals of longitude and latitude: a millimetre
METRES = 3  # decimals of heights


def geojson(geometry: Any) -> dict[str, Any] | None:
    """The GeoJSON geometry object of one geometry (lon, lat [deg], h [m]); None for none or an empty one."""
    if geometry is None or shapely.is_empty(geometry):
        return None
    return json.loads(shapely.to_geojson(rounded(geometry)))


def rounded(geometry: Any) -> Any:
    """Geometry (or an array of it) with its coordinates rounded to a millimetre."""
    return shapely.transform(geometry, _round, include_z=bool(np.any(shapely.has_z(geometry))))


def point_on(geometry: Any) -> tuple[float, float]:
    """A point that lies on the geometry. [deg]"""
    point = shapely.point_on_surface(geometry)
    return round(float(point.x), DEGREES), round(float(point.y), DEGREES)


def _round(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
    coordinates[:, :2] = np.round(coordinates[:, :2], DEGREES)
    coordinates[:, 2:] = np.round(coordinates[:, 2:], METRES)
    return coordinates
