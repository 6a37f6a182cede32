"""The shifted datums against published pairs, their published formulas written again, and each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.shifted import (
    CHINA,
    bd09_to_gcj02,
    bd09_to_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    in_china,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)

LON, LAT = st.floats(CHINA[0] + 0.02, CHINA[2] - 0.02), st.floats(CHINA[1] + 0.02, CHINA[3] - 0.02)
# latitude, longitude in WGS 84 and in GCJ-02: Shanghai, Shenzhen, Beijing
PAIRS = [
    ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
    ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
    ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
]


def metres(one: np.ndarray, other: np.ndarray) -> float:
    """The distance of two positions [deg] on the ground, on a sphere."""
    (lon1, lat1), (lon2, lat2) = np.radians(one), np.radians(other)
    return float(6_371_000 * math.hypot((lon2 - lon1) * math.cos(lat1), lat2 - lat1))


@pytest.mark.parametrize(("wgs", "gcj"), PAIRS)
def test_gcj02_matches_published_pairs(wgs: tuple[float, float], gcj: tuple[float, float]) -> None:
    assert np.allclose(wgs84_to_gcj02([wgs[::-1]])[0], gcj[::-1], atol=1e-8)
    assert metres(gcj02_to_wgs84([gcj[::-1]])[0], np.array(wgs[::-1])) < 0.1


def test_bd09_matches_the_formula_as_published_point_by_point() -> None:
    for (_, _), (lat, lon) in PAIRS:
        z = math.sqrt(lon * lon + lat * lat) + 0.00002 * math.sin(lat * math.pi * 3000.0 / 180.0)
        theta = math.atan2(lat, lon) + 0.000003 * math.cos(lon * math.pi * 3000.0 / 180.0)
        published = (z * math.cos(theta) + 0.0065, z * math.sin(theta) + 0.006)
        assert gcj02_to_bd09([[lon, lat]])[0] == pytest.approx(published, abs=1e-12)


def test_bd09_matches_a_published_pair() -> None:
    # the example of the community's coordtransform: BD-09 116.404, 39.915 is GCJ-02 116.39762729119315, 39.90865673957631
    assert (
        metres(bd09_to_gcj02([[116.404, 39.915]])[0], np.array([116.39762729119315, 39.90865673957631])) < 1.0
    )  # its inverse is approximate
    assert metres(gcj02_to_bd09([[116.404, 39.915]])[0], np.array([116.41036949371029, 39.92133699351021])) < 0.1
    assert metres(wgs84_to_gcj02([[116.404, 39.915]])[0], np.array([116.41024449916938, 39.91640428150164])) < 0.1


@settings(max_examples=300)
@given(LON, LAT)
def test_every_way_there_and_back_is_a_millimetre(lon: float, lat: float) -> None:
    point = np.array([[lon, lat]])
    assert metres(gcj02_to_wgs84(wgs84_to_gcj02(point))[0], point[0]) < 0.001
    assert metres(bd09_to_wgs84(wgs84_to_bd09(point))[0], point[0]) < 0.001
    assert metres(bd09_to_gcj02(gcj02_to_bd09(point))[0], point[0]) < 0.001
    assert np.allclose(wgs84_to_bd09(point), gcj02_to_bd09(wgs84_to_gcj02(point)), atol=1e-12)


@given(st.floats(73.5, 135), st.floats(18, 53.5))
def test_the_shift_has_the_size_it_is_known_for(lon: float, lat: float) -> None:
    assert metres(np.array([lon, lat]), wgs84_to_gcj02([[lon, lat]])[0]) < 1200.0


@pytest.mark.parametrize("place", [(6.14, 46.2), (-74.0, 40.7), (151.2, -33.9), (139.7, 35.7), (72.0, 30.0), (100.0, 56.0), (100.0, 0.5)])
def test_outside_china_nothing_is_shifted(place: tuple[float, float]) -> None:
    for convert in (wgs84_to_gcj02, gcj02_to_wgs84, wgs84_to_bd09, bd09_to_wgs84):
        assert np.array_equal(convert([place]), [place])
    assert not in_china([place])[0]


@pytest.mark.parametrize("step", [-0.001, 0.001])
def test_at_the_edge_what_lies_inside_comes_back(step: float) -> None:
    west, south, east, north = CHINA
    for point in ((west, 30.0), (east, 40.0), (100.0, south), (100.0, north)):
        inside = np.array([[point[0] + (step if point[0] in (west, east) else 0), point[1] + (step if point[1] in (south, north) else 0)]])
        if in_china(inside)[0]:
            assert metres(gcj02_to_wgs84(wgs84_to_gcj02(inside))[0], inside[0]) < 0.001
        else:
            assert np.array_equal(wgs84_to_gcj02(inside), inside)


def test_inside_and_outside_mix_and_nothing_is_nothing() -> None:
    mixed = np.array([[120.6, 31.3], [6.14, 46.2]])
    shifted = wgs84_to_gcj02(mixed)
    assert not np.array_equal(shifted[0], mixed[0])
    assert np.array_equal(shifted[1], mixed[1])
    assert wgs84_to_bd09(np.empty((0, 2))).shape == (0, 2)
