"""The shifted datums of Chinese web maps, both ways: GCJ-02 (Amap, Tencent, Google in China) and BD-09 (Baidu, on top of GCJ-02).

The shift is defined on the Krasovsky ellipsoid inside a box about China and is nothing outside it; at the box's edge it jumps by some
hundred metres. The formulas are those the community published; both ways back are fixed points of the way there, so that there and back
agrees to a millimetre.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

LonLat = NDArray[np.float64]  # (n, 2) [deg]

CHINA = (72.004, 0.8293, 137.8347, 55.8271)  # west, south, east, north [deg] of the box in which positions are shifted
_A, _E2 = 6378245.0, 0.00669342162296594323  # Krasovsky 1940, which the shift is defined on
_STEPS = 12  # the shift changes by less than 2 % over its own length: each step wins more than a digit


def in_china(lonlat: ArrayLike) -> NDArray[np.bool_]:
    """Which positions (n, 2) [deg] lie in the box where Chinese web maps are shifted."""
    lon, lat = np.asarray(lonlat, float).reshape(-1, 2).T
    west, south, east, north = CHINA
    return (lon > west) & (lon < east) & (lat > south) & (lat < north)


def wgs84_to_gcj02(lonlat: ArrayLike) -> LonLat:
    """GCJ-02 longitude, latitude (n, 2) of WGS 84 positions [deg]; unchanged outside China."""
    points = np.asarray(lonlat, float).reshape(-1, 2)
    return np.where(in_china(points)[:, None], points + _shift(points), points)


def gcj02_to_wgs84(lonlat: ArrayLike) -> LonLat:
    """WGS 84 longitude, latitude (n, 2) of GCJ-02 positions [deg], exact to a millimetre; unchanged outside China.

    Within a shift's length of the box's edge a position may come from either side; the inner one is taken.
    """
    target = np.asarray(lonlat, float).reshape(-1, 2)
    guess = target.copy()
    for _ in range(_STEPS):
        guess = target - _shift(guess)
    return np.where(in_china(guess)[:, None], guess, target)


def gcj02_to_bd09(lonlat: ArrayLike) -> LonLat:
    """BD-09 longitude, latitude (n, 2) of GCJ-02 positions [deg]."""
    x, y = np.asarray(lonlat, float).reshape(-1, 2).T
    r = np.hypot(x, y) + 0.00002 * np.sin(y * np.pi * 3000 / 180)
    theta = np.arctan2(y, x) + 0.000003 * np.cos(x * np.pi * 3000 / 180)
    return np.column_stack([r * np.cos(theta) + 0.0065, r * np.sin(theta) + 0.006])


def bd09_to_gcj02(lonlat: ArrayLike) -> LonLat:
    """GCJ-02 longitude, latitude (n, 2) of BD-09 positions [deg]: the fixed point of the way there."""
    target = np.asarray(lonlat, float).reshape(-1, 2)
    guess = target - [0.0065, 0.006]
    for _ in range(_STEPS):
        guess = guess + target - gcj02_to_bd09(guess)
    return guess


def wgs84_to_bd09(lonlat: ArrayLike) -> LonLat:
    """BD-09 longitude, latitude (n, 2) of WGS 84 positions [deg]; unchanged outside China."""
    points = np.asarray(lonlat, float).reshape(-1, 2)
    return np.where(in_china(points)[:, None], gcj02_to_bd09(wgs84_to_gcj02(points)), points)


def bd09_to_wgs84(lonlat: ArrayLike) -> LonLat:
    """WGS 84 longitude, latitude (n, 2) of BD-09 positions [deg]; unchanged outside China."""
    target = np.asarray(lonlat, float).reshape(-1, 2)
    guess = gcj02_to_wgs84(bd09_to_gcj02(target))
    return np.where(in_china(guess)[:, None], guess, target)


def _shift(points: LonLat) -> LonLat:
    """What GCJ-02 adds to longitude and latitude (n, 2) [deg], as if the whole world were shifted."""
    lon, lat = points.T
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
    w2 = 1 - _E2 * np.sin(np.radians(lat)) ** 2
    return np.column_stack([
        np.degrees(east * np.sqrt(w2) / (_A * np.cos(np.radians(lat)))),
        np.degrees(north * w2 * np.sqrt(w2) / (_A * (1 - _E2))),
    ])  # fmt: skip
