"""The drawing frame of the sample park and the way from it to the world.

The plan is drawn in metres: u runs along the avenue that crosses the park, v to its left, origin in the middle. Plan u lies
`ROTATION_DEG` counter-clockwise from east, as streets rarely run due north. Heights h count from the park's own datum:
0.000 m is 486.500 m above the 1985 national height datum.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any, cast

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer

from twin.crs import Frame

ORIGIN = (104.06, 30.54)
ROTATION_DEG = 9.0
GRID_CRS = "EPSG:4544"  # CGCS2000 / 3-degree Gauss-Kruger CM 105E, the zone that 104.06 E lies in
UTM_CRS = "EPSG:32648"
_COS, _SIN = math.cos(math.radians(ROTATION_DEG)), math.sin(math.radians(ROTATION_DEG))

Points = NDArray[np.float64]


def frame() -> Frame:
    """The local east-north-up frame of the park, height 0 at the park's datum."""
    return Frame(ORIGIN[0], ORIGIN[1], 0.0)


def plan_to_enu(points: ArrayLike) -> Points:
    """East and north (n, 2) [m, enu] of plan points (n, 2) [m]."""
    u, v = np.asarray(points, float).reshape(-1, 2).T
    return np.column_stack([u * _COS - v * _SIN, u * _SIN + v * _COS])


def enu_to_plan(points: ArrayLike) -> Points:
    """Plan points (n, 2) [m] of east and north (n, 2) [m, enu]."""
    x, y = np.asarray(points, float).reshape(-1, 2).T
    return np.column_stack([x * _COS + y * _SIN, y * _COS - x * _SIN])


def plan_to_lonlat(points: ArrayLike) -> Points:
    """Longitude and latitude (n, 2) [deg] of plan points (n, 2) [m]."""
    enu = plan_to_enu(points)
    level = -(enu**2).sum(axis=1, keepdims=True) / (2 * 6_371_000.0)  # the datum is a curved surface, the frame a plane
    return frame().to_lonlat(np.hstack([enu, level]))[:, :2]


def geometry_to_lonlat(geometry: Any) -> Any:
    """A shapely geometry drawn in the plan, in longitude and latitude [deg]."""
    return cast(Any, shapely.transform)(geometry, plan_to_lonlat)


def azimuth(plan_deg: float) -> float:
    """Azimuth clockwise from true north of a direction given clockwise from plan v. [deg]"""
    return round((plan_deg - ROTATION_DEG) % 360.0, 1)


def plan_to_grid(points: ArrayLike, crs: str) -> Points:
    """Easting and northing (n, 2) [m] in `crs` of plan points (n, 2) [m]."""
    lonlat = plan_to_lonlat(points)
    x, y = _to_grid(crs).transform(lonlat[:, 0], lonlat[:, 1])
    return np.column_stack([x, y])


def grid_to_plan(points: ArrayLike, crs: str) -> Points:
    """Plan points (n, 2) [m] of easting and northing (n, 2) [m] in `crs`."""
    array = np.asarray(points, float).reshape(-1, 2)
    lon, lat = _to_grid(crs).transform(array[:, 0], array[:, 1], direction="INVERSE")
    return enu_to_plan(frame().to_enu(np.column_stack([lon, lat]))[:, :2])


def global_id(*parts: str) -> str:
    """A 22-character IFC GlobalId that depends on `parts` alone."""
    number = int.from_bytes(hashlib.sha256("/".join(parts).encode()).digest()[:16], "big")
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_$"
    return "".join(digits[(number >> shift) & 63] for shift in range(126, -1, -6))


def _to_grid(crs: str) -> Transformer:
    return Transformer.from_crs("EPSG:4490" if crs == GRID_CRS else "EPSG:4326", crs, always_xy=True)
