"""Where a tileset lies, and the motion that takes it to where it should.

References
----------
OGC 22-025r4 (3D Tiles 1.1) §7.4 bounding volumes, §7.5 transforms: boxes and spheres are in the tile's frame, regions on the ellipsoid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.crs import Frame, to_lonlat

_ON_EARTH_M = 6.2e6  # a point at least this far from the centre of the Earth is on it; models of their own are nearer to theirs
Matrix = NDArray[np.float64]  # (4, 4), column vectors


@dataclass(frozen=True)
class Volume:
    """Corners of what a tileset fills (n, 3): earth-centred metres, or its own where it does not say where it is."""

    corners: NDArray[np.float64]
    is_on_earth: bool
    anchor: NDArray[np.float64]  # (3,) the point a person means by its position: its own origin, or the middle of its bottom


def root_transform(root: Mapping[str, Any]) -> Matrix:
    """The root tile's transform; the identity where it has none or it is malformed."""
    given = root.get("transform")
    if isinstance(given, list) and len(given) == 16:
        try:
            matrix = np.array(given, float).reshape(4, 4).T
        except (TypeError, ValueError):
            return np.eye(4)
        if np.isfinite(matrix).all():
            return matrix
    return np.eye(4)


def volume(root: Mapping[str, Any]) -> Volume | None:
    """The root tile's bounding volume; None where it has none that can be used."""
    said = root.get("boundingVolume") or {}
    matrix = root_transform(root)
    if (region := _numbers(said.get("region"), 6)) is not None:
        return _of_region(region)
    box, sphere = _numbers(said.get("box"), 12), _numbers(said.get("sphere"), 4)
    if box is not None:
        axes = box[3:].reshape(3, 3)
        corners = box[:3] + np.stack(np.meshgrid(*[[-1, 1]] * 3, indexing="ij"), -1).reshape(-1, 3) @ axes
    elif sphere is not None:
        corners = sphere[:3] + sphere[3] * np.stack(np.meshgrid(*[[-1, 1]] * 3, indexing="ij"), -1).reshape(-1, 3)
    else:
        return None
    there = corners @ matrix[:3, :3].T + matrix[:3, 3]
    on_earth = float(np.linalg.norm(there.mean(0))) > _ON_EARTH_M
    own = float(np.linalg.norm(matrix[:3, 3])) > _ON_EARTH_M
    return Volume(there, on_earth, matrix[:3, 3] if own or not on_earth else _bottom(there))


def matrix_at(lon: float, lat: float, h: float, rotation_deg: float = 0.0) -> Matrix:
    """East, north, up at a place to earth-centred metres (4, 4), turned counter-clockwise about up."""
    angle = np.radians(rotation_deg)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return Frame(lon, lat, h).ecef_matrix() @ turn


def motion_to(found: Volume, place: Sequence[float]) -> Matrix:
    """The rigid motion that brings the anchor to longitude, latitude, height and turns by the rotation given there.

    A tileset on Earth keeps its attitude but for the rotation; one in a frame of its own is stood up, x east and z up.
    """
    lon, lat, h, rotation = place
    there = matrix_at(lon, lat, h, rotation)
    if not found.is_on_earth:
        return there
    here = lonlat_h(found.anchor[None])[0]
    return there @ np.linalg.inv(matrix_at(*here.tolist()))


def lifted(found: Volume, metres: float) -> Matrix:
    """The motion by so many metres along up at the tileset."""
    lon, lat, _ = lonlat_h(found.corners.mean(0)[None])[0]
    out = np.eye(4)
    out[:3, 3] = Frame(float(lon), float(lat)).ecef_matrix()[:3, 2] * metres
    return out


def lonlat_h(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitude, latitude [deg] and height [m] (n, 3) of earth-centred points (n, 3). [m]"""
    return to_lonlat(points, "EPSG:4978")


def footprint(found: Volume, motion: Matrix) -> tuple[Any, float, float]:
    """The outline on the ground (shapely, lon lat [deg]) of what the volume covers after the motion, its lowest and highest height. [m]"""
    places = lonlat_h(found.corners @ motion[:3, :3].T + motion[:3, 3])
    outline = shapely.convex_hull(shapely.multipoints(places[:, :2]))
    return outline, float(places[:, 2].min()), float(places[:, 2].max())


def _of_region(region: NDArray[np.float64]) -> Volume:
    west, south, east, north = np.degrees(region[:4])
    places = [(lon, lat, h) for lon in (west, east) for lat in (south, north) for h in region[4:]]
    corners = np.array([Frame(*place).ecef_matrix()[:3, 3] for place in places])
    anchor = Frame((west + east) / 2, (south + north) / 2, float(region[4])).ecef_matrix()[:3, 3]
    return Volume(corners, is_on_earth=True, anchor=anchor)


def _bottom(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    places = lonlat_h(corners)
    lon, lat, _ = places.mean(0).tolist()
    return Frame(lon, lat, float(places[:, 2].min())).ecef_matrix()[:3, 3]


def _numbers(value: Any, count: int) -> NDArray[np.float64] | None:
    if not isinstance(value, list) or len(value) != count:
        return None
    try:
        found = np.array(value, float)
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found).all() else None
