"""Frames against the closed form of the ellipsoid, and the shifted datums against published pairs."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from twin.crs import (
    Frame,
    bd09_to_wgs84,
    crs_candidates,
    gcj02_to_wgs84,
    geometry_to_lonlat,
    is_geographic,
    known_crs,
    to_lonlat,
    wgs84_to_gcj02,
)
from twin.errors import CRSError

FRAME = Frame(104.06, 30.54, 500.0)
A, E2 = 6378137.0, 0.0066943799901413165


def ecef(lon: float, lat: float, h: float) -> np.ndarray:
    lam, phi = np.radians(lon), np.radians(lat)
    n = A / np.sqrt(1 - E2 * np.sin(phi) ** 2)
    return np.array([(n + h) * np.cos(phi) * np.cos(lam), (n + h) * np.cos(phi) * np.sin(lam), (n * (1 - E2) + h) * np.sin(phi)])


def enu_by_hand(frame: Frame, lon: float, lat: float, h: float) -> np.ndarray:
    lam, phi = np.radians(frame.lon_deg), np.radians(frame.lat_deg)
    east = [-np.sin(lam), np.cos(lam), 0]
    north = [-np.sin(phi) * np.cos(lam), -np.sin(phi) * np.sin(lam), np.cos(phi)]
    up = [np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)]
    return np.array([east, north, up]) @ (ecef(lon, lat, h) - ecef(frame.lon_deg, frame.lat_deg, frame.h_m))


@given(st.floats(-0.05, 0.05), st.floats(-0.05, 0.05), st.floats(-100, 400))
def test_enu_is_the_closed_form(dlon: float, dlat: float, dh: float) -> None:
    point = (FRAME.lon_deg + dlon, FRAME.lat_deg + dlat, FRAME.h_m + dh)
    assert np.allclose(FRAME.to_enu([point])[0], enu_by_hand(FRAME, *point), atol=1e-6)


@given(st.floats(-5000, 5000), st.floats(-5000, 5000), st.floats(-100, 400))
def test_there_and_back_is_the_same_point(x: float, y: float, z: float) -> None:
    assert np.allclose(FRAME.to_enu(FRAME.to_lonlat([[x, y, z]])), [[x, y, z]], atol=1e-6)


def test_a_missing_height_is_the_origins() -> None:
    assert np.allclose(FRAME.to_enu([[104.06, 30.54]]), 0, atol=1e-6)


def test_ecef_matrix_places_points_where_the_ellipsoid_has_them() -> None:
    matrix = FRAME.ecef_matrix()
    local = np.array([120.0, -80.0, 35.0])
    lon, lat, h = FRAME.to_lonlat([local])[0]
    assert np.allclose((matrix @ [*local, 1])[:3], ecef(lon, lat, h), atol=1e-5)
    assert np.allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-9)


def test_geometry_keeps_its_dimension() -> None:
    flat, tall = shapely.Point(104.061, 30.541), shapely.Point(104.061, 30.541, 510.0)
    assert not FRAME.project(flat).has_z
    assert FRAME.project(tall).z == pytest.approx(10.0, abs=0.01)
    assert FRAME.unproject(FRAME.project(tall)).equals_exact(tall, 1e-9)


# latitude, longitude in WGS 84 and in GCJ-02: Shanghai, Shenzhen, Beijing
PAIRS = [
    ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
    ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
    ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
]


@pytest.mark.parametrize(("wgs", "gcj"), PAIRS)
def test_gcj02_matches_published_pairs(wgs: tuple[float, float], gcj: tuple[float, float]) -> None:
    assert np.allclose(wgs84_to_gcj02([wgs[::-1]])[0], gcj[::-1], atol=1e-8)
    assert np.allclose(gcj02_to_wgs84([gcj[::-1]])[0], wgs[::-1], atol=1e-7)


@given(st.floats(80, 130), st.floats(20, 48))
def test_gcj02_there_and_back(lon: float, lat: float) -> None:
    assert np.allclose(gcj02_to_wgs84(wgs84_to_gcj02([[lon, lat]])), [[lon, lat]], atol=1e-8)


@given(st.floats(80, 130), st.floats(20, 48))
def test_bd09_undoes_the_published_forward_formula(lon: float, lat: float) -> None:
    x, y = wgs84_to_gcj02([[lon, lat]])[0]
    z = np.hypot(x, y) + 0.00002 * np.sin(y * np.pi * 3000 / 180)
    theta = np.arctan2(y, x) + 0.000003 * np.cos(x * np.pi * 3000 / 180)
    shifted = [[z * np.cos(theta) + 0.0065, z * np.sin(theta) + 0.006]]
    assert np.allclose(bd09_to_wgs84(shifted), [[lon, lat]], atol=1e-6)


def test_outside_china_nothing_is_shifted() -> None:
    assert np.array_equal(wgs84_to_gcj02([[6.14, 46.2]]), [[6.14, 46.2]])


def test_projected_points_come_back_to_where_they_are() -> None:
    # the central meridian of CGCS2000 3-degree zone 35 at the equator is (500 000, 0)
    assert np.allclose(to_lonlat([[500000, 0]], "EPSG:4543")[0, :2], [102.0, 0.0], atol=1e-9)
    line = shapely.LineString([(500000, 0), (500000, 1000)])
    assert geometry_to_lonlat(line, "EPSG:4543").coords[1][0] == pytest.approx(102.0)


def test_names_of_coordinate_systems() -> None:
    assert known_crs("epsg:4547") == "EPSG:4547"
    assert is_geographic("EPSG:4490")
    assert not is_geographic("EPSG:4547")
    with pytest.raises(CRSError, match="EPSG:999999"):
        known_crs("EPSG:999999")


def test_what_a_system_cannot_express_is_an_error() -> None:
    with pytest.raises(CRSError):
        to_lonlat([[1e30, 1e30]], "EPSG:32648")


def test_candidates_rank_the_true_system_first() -> None:
    frame = Frame(104.06, 30.54)
    x, y = 409_800.0, 3_379_000.0  # UTM zone 48 near the origin
    assert crs_candidates((x - 100, y - 100, x + 100, y + 100), frame)[0] == "EPSG:32648"
    assert crs_candidates((104.05, 30.53, 104.07, 30.55), frame)[0] == "EPSG:4326"
    assert crs_candidates((0.0, 0.0, 1.0, 1.0), frame) == []
