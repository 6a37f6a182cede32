"""Frames and datums: the only module that imports pyproj.

Inside, a park has one frame: local east-north-up metres about its origin, by PROJ's topocentric conversion on the WGS 84 ellipsoid
(CGCS2000 differs from it by less than 0.2 mm inside China). Outside, points are longitude, latitude [deg] and height [m].
Chinese web maps shift positions on purpose (GCJ-02, BD-09); both ways back are here and are never applied unless asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError as ProjCRSError

from twin.errors import CRSError

Points = NDArray[np.float64]  # (n, 3)


@dataclass(frozen=True)
class Frame:
    """The local frame of a park: origin longitude, latitude [deg] and ellipsoidal height [m]."""

    lon_deg: float
    lat_deg: float
    h_m: float = 0.0

    def to_enu(self, lonlat: ArrayLike) -> Points:
        """Local ENU metres of points given as longitude, latitude and, if present, height.

        Parameters
        ----------
        lonlat
            Points (n, 2) or (n, 3). [deg, deg, m]; a missing height is the origin's.

        Returns
        -------
        Points (n, 3). [m, enu]
        """
        points = _with_height(lonlat, self.h_m)  # (n, 3)
        x, y, z = _topocentric(self).transform(points[:, 0], points[:, 1], points[:, 2])
        return np.column_stack([x, y, z])

    def to_lonlat(self, enu: ArrayLike) -> Points:
        """Longitude, latitude [deg] and height [m] of local points (n, 2) or (n, 3). [m, enu]"""
        points = _with_height(enu, 0.0)
        lon, lat, h = _topocentric(self).transform(points[:, 0], points[:, 1], points[:, 2], direction="INVERSE")
        return np.column_stack([lon, lat, h])

    def project(self, geometry: Any) -> Any:
        """Shapely geometry (or an array of them) in ENU metres [m, enu]; it keeps a third dimension if it has one."""
        return _map_coordinates(geometry, self.to_enu)

    def unproject(self, geometry: Any) -> Any:
        """Shapely geometry (or an array of them) in longitude, latitude [deg] and, if present, height [m]."""
        return _map_coordinates(geometry, self.to_lonlat)

    def ecef_matrix(self) -> NDArray[np.float64]:
        """The rigid transform from this frame to earth-centred metres (EPSG:4978): (4, 4), column vectors."""
        lam, phi = np.radians([self.lon_deg, self.lat_deg])
        east = [-np.sin(lam), np.cos(lam), 0.0]
        north = [-np.sin(phi) * np.cos(lam), -np.sin(phi) * np.sin(lam), np.cos(phi)]
        up = [np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)]
        origin = _geocentric().transform(self.lon_deg, self.lat_deg, self.h_m)
        return np.vstack([np.column_stack([east, north, up, origin]), [0.0, 0.0, 0.0, 1.0]])


def known_crs(name: str) -> str:
    """The normal form of a coordinate system's name, `EPSG:code` where it has one.

    Raises
    ------
    CRSError
        If PROJ does not know it.
    """
    try:
        crs = CRS.from_user_input(name)
    except ProjCRSError as error:
        raise CRSError("crs_unknown", subject=name) from error
    code = crs.to_epsg(min_confidence=70)
    return f"EPSG:{code}" if code else crs.to_wkt()


def is_geographic(crs: str) -> bool:
    """Whether the coordinates of `crs` are longitude and latitude."""
    return CRS.from_user_input(crs).is_geographic


def to_lonlat(points: ArrayLike, crs: str) -> Points:
    """Longitude, latitude [deg] and height [m] of points given in `crs`, x (east, longitude) first.

    Parameters
    ----------
    points
        Points (n, 2) or (n, 3) in the units of `crs`.
    crs
        What `known_crs` returns.

    Raises
    ------
    CRSError
        If a point lies outside what the coordinate system can express.
    """
    array = _with_height(points, 0.0)
    lon, lat, h = _to_wgs84(crs).transform(array[:, 0], array[:, 1], array[:, 2])
    out = np.column_stack([lon, lat, h])
    if not np.isfinite(out).all():
        raise CRSError("crs_outside", subject=crs, point=array[~np.isfinite(out).all(axis=1)][0][:2].tolist())
    return out


def geometry_to_lonlat(geometry: Any, crs: str) -> Any:
    """Shapely geometry (or an array of them) given in `crs`, in longitude and latitude [deg]."""
    return _map_coordinates(geometry, lambda points: to_lonlat(points, crs))


def gcj02_to_wgs84(lonlat: ArrayLike) -> NDArray[np.float64]:
    """WGS 84 longitude, latitude (n, 2) of GCJ-02 positions [deg], to better than 1 cm inside China."""
    target = np.asarray(lonlat, float).reshape(-1, 2)
    guess = target.copy()
    for _ in range(6):  # the shift is smooth: a fixed point is reached in a few steps
        guess = guess - (wgs84_to_gcj02(guess) - target)
    return guess


def wgs84_to_gcj02(lonlat: ArrayLike) -> NDArray[np.float64]:
    """GCJ-02 longitude, latitude (n, 2) of WGS 84 positions [deg]; unchanged outside China."""
    points = np.asarray(lonlat, float).reshape(-1, 2)
    lon, lat = points[:, 0], points[:, 1]
    x, y = lon - 105.0, lat - 35.0
    common = (np.sin(6 * x * np.pi) + np.sin(2 * x * np.pi)) * 40 / 3
    north = (
        -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x)) + common
        + (20 * np.sin(y * np.pi) + 40 * np.sin(y / 3 * np.pi)) * 2 / 3
        + (160 * np.sin(y / 12 * np.pi) + 320 * np.sin(y * np.pi / 30)) * 2 / 3
    )  # fmt: skip
    east = (
        300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x)) + common
        + (20 * np.sin(x * np.pi) + 40 * np.sin(x / 3 * np.pi)) * 2 / 3
        + (150 * np.sin(x / 12 * np.pi) + 300 * np.sin(x / 30 * np.pi)) * 2 / 3
    )  # fmt: skip
    a, e2 = 6378245.0, 0.00669342162296594323  # Krasovsky 1940, which the shift is defined on
    w2 = 1 - e2 * np.sin(np.radians(lat)) ** 2
    shift = np.column_stack([
        np.degrees(east * np.sqrt(w2) / (a * np.cos(np.radians(lat)))),
        np.degrees(north * w2 * np.sqrt(w2) / (a * (1 - e2))),
    ])  # fmt: skip
    inside = (lon > 72.004) & (lon < 137.8347) & (lat > 0.8293) & (lat < 55.8271)
    return points + np.where(inside[:, None], shift, 0.0)


def bd09_to_wgs84(lonlat: ArrayLike) -> NDArray[np.float64]:
    """WGS 84 longitude, latitude (n, 2) of BD-09 positions [deg]."""
    points = np.asarray(lonlat, float).reshape(-1, 2)
    x, y = points[:, 0] - 0.0065, points[:, 1] - 0.006
    r = np.hypot(x, y) - 0.00002 * np.sin(y * np.pi * 3000 / 180)
    theta = np.arctan2(y, x) - 0.000003 * np.cos(x * np.pi * 3000 / 180)
    return gcj02_to_wgs84(np.column_stack([r * np.cos(theta), r * np.sin(theta)]))


def crs_candidates(bounds: Sequence[float], frame: Frame) -> list[str]:
    """Coordinate systems in which `bounds` (xmin, ymin, xmax, ymax) would lie within 50 km of the park, nearest first."""
    centre = [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2]
    ranked: list[tuple[float, str]] = []
    for crs in ("EPSG:4326", *_projected_near(frame.lon_deg, frame.lat_deg)):
        x, y, _ = _to_wgs84(crs).transform(centre[0], centre[1], 0.0)
        if np.isfinite([x, y]).all():
            distance = float(np.hypot(*frame.to_enu([[x, y]])[0, :2]))
            if distance < 50_000:
                ranked.append((distance, crs))
    return [crs for _, crs in sorted(ranked)]


def _projected_near(lon: float, lat: float) -> list[str]:
    zone = int((lon + 180) // 6) + 1
    utm = f"EPSG:{(32600 if lat >= 0 else 32700) + zone}"
    three = round(lon / 3)  # CGCS2000 3-degree zones 25..45: 4513.. with zone number, 4534.. by central meridian
    chinese = [f"EPSG:{4513 + three - 25}", f"EPSG:{4534 + three - 25}"] if 25 <= three <= 45 else []
    european = ["EPSG:2154", "EPSG:25832", "EPSG:25833", "EPSG:3035", "EPSG:2056"] if -10 < lon < 30 and lat > 35 else []
    return [*chinese, utm, "EPSG:3857", *european]


def _with_height(points: ArrayLike, height: float) -> Points:
    array = np.asarray(points, float)
    array = array.reshape(-1, array.shape[-1] if array.ndim else 2)
    if array.shape[1] == 2:
        return np.column_stack([array, np.full(len(array), height)])
    return np.where(np.isnan(array), np.array([np.nan, np.nan, height]), array)


def _map_coordinates(geometry: Any, function: Any) -> Any:
    flat = not np.any(shapely.has_z(geometry)) if np.size(geometry) else True
    return cast(Any, shapely.transform)(
        geometry,
        lambda points: function(points)[:, : points.shape[1]] if len(points) else points,
        include_z=not flat,
    )


@cache
def _topocentric(frame: Frame) -> Transformer:
    return Transformer.from_pipeline(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=WGS84 "
        f"+step +proj=topocentric +ellps=WGS84 +lon_0={frame.lon_deg!r} +lat_0={frame.lat_deg!r} +h_0={frame.h_m!r}"
    )


@cache
def _geocentric() -> Transformer:
    return Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)


@cache
def _to_wgs84(crs: str) -> Transformer:
    return Transformer.from_crs(
        CRS.from_user_input(crs), "EPSG:4979" if CRS.from_user_input(crs).is_geocentric else "EPSG:4326", always_xy=True
    )
