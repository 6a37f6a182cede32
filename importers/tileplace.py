"""Which place on Earth a terrain tile covers: by its path, or found from what its header says, and held against that either way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from importers.meshtile import MeshTile
from twin.crs import from_lonlat, to_lonlat

GEOGRAPHIC, MERCATOR = "EPSG:4326", "EPSG:3857"
DEEPEST = 30
_HALF_M = 20037508.342789244  # half the width of the world in EPSG:3857
_FIT = 0.02  # of its radius: how far the corners may stand out of the sphere the header states
_ECEF = "EPSG:4978"


@dataclass(frozen=True)
class Place:
    """A tile of a pyramid whose rows count from the south: two roots in longitude and latitude, one in web Mercator."""

    projection: str
    z: int
    x: int
    y: int

    @property
    def id(self) -> str:
        """Its name in the pyramid."""
        return f"{self.z}/{self.x}/{self.y}"

    def box(self) -> tuple[float, float, float, float]:
        """West, south, east, north in its projection."""
        width, west, south = _pyramid(self.projection)
        size = width / 2**self.z
        return west + self.x * size, south + self.y * size, west + (self.x + 1) * size, south + (self.y + 1) * size

    def lonlat(self, uv: NDArray[np.float64]) -> NDArray[np.float64]:
        """Longitude, latitude (n, 2) [deg] of points (n, 2) given as shares of its width and height."""
        west, south, east, north = self.box()
        return to_lonlat(np.array([west, south]) + uv * [east - west, north - south], self.projection)[:, :2]


def of_path(path: Path, projection: str, *, from_north: bool) -> Place | None:
    """The place a path says: …/z/x/y.terrain; None where it says none."""
    parts = [*path.parts[-3:-1], path.name.split(".")[0]]
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 11 for part in parts):
        return None
    z, x, y = (int(part) for part in parts)
    roots = 2 if projection == GEOGRAPHIC else 1
    if z > DEEPEST or x >= roots * 2**z or y >= 2**z:
        return None
    return Place(projection, z, x, 2**z - 1 - y if from_north else y)


def of_header(tile: MeshTile, projection: str) -> Place | None:
    """The place whose corners lie in the sphere that the header states, and fill it best; None where there is none."""
    lon, lat = to_lonlat([tile.header.centre], _ECEF)[0, :2].tolist()
    x, y = from_lonlat([[lon, lat]], projection)[0].tolist()
    if not np.isfinite([x, y]).all():
        return None
    width, west, south = _pyramid(projection)
    found: list[tuple[float, Place]] = []
    for z in range(DEEPEST + 1):
        size = width / 2**z
        place = Place(projection, z, int((x - west) // size), int((y - south) // size))
        misfit = misfit_of(tile, place)
        if misfit <= _FIT and _is_centred(place, x, y):
            found.append((abs(misfit), place))
    return min(found, key=lambda each: each[0])[1] if found else None


def misfit_of(tile: MeshTile, place: Place) -> float:
    """How far the farthest corner of the tile, were it at `place`, lies beyond its sphere, in radii; negative where the sphere is wide."""
    lonlat = place.lonlat(tile.uv)
    ecef = _ecef(np.column_stack([lonlat, tile.heights]))
    return float(np.linalg.norm(ecef - tile.header.sphere, axis=1).max() / tile.header.radius_m) - 1.0


def fits(tile: MeshTile, place: Place) -> bool:
    """Whether the tile's corners at `place` lie in the sphere its header states, and are not lost in it."""
    return -0.75 < misfit_of(tile, place) <= _FIT


def _is_centred(place: Place, x: float, y: float) -> bool:
    """Whether a point lies near the middle of the tile: headers state the middle of the tile or of its mesh."""
    west, south, east, north = place.box()
    return abs(x - (west + east) / 2) < 0.25 * (east - west) and abs(y - (south + north) / 2) < 0.25 * (north - south)


def _pyramid(projection: str) -> tuple[float, float, float]:
    """Width of a root, and west and south of the world."""
    return (180.0, -180.0, -90.0) if projection == GEOGRAPHIC else (2 * _HALF_M, -_HALF_M, -_HALF_M)


def _ecef(lonlat_h: NDArray[np.float64]) -> NDArray[np.float64]:
    """Earth-centred metres (n, 3) of longitude, latitude [deg] and height above the WGS 84 ellipsoid [m]."""
    a, e2 = 6378137.0, 0.00669437999014131699613723
    lam, phi = np.radians(lonlat_h[:, 0]), np.radians(lonlat_h[:, 1])
    n = a / np.sqrt(1 - e2 * np.sin(phi) ** 2)
    across = (n + lonlat_h[:, 2]) * np.cos(phi)
    return np.column_stack([across * np.cos(lam), across * np.sin(lam), (n * (1 - e2) + lonlat_h[:, 2]) * np.sin(phi)])
