"""The drawing frame against geodesics and projections computed another way."""

import ifcopenshell.guid
import numpy as np
import pytest
from pyproj import CRS, Geod

from sample_park import frame

GEOD = Geod(ellps="WGS84")
CORNERS = [(0.0, 0.0), (500.0, 480.0), (-500.0, -480.0), (430.0, -400.0)]


@pytest.mark.parametrize("corner", CORNERS[1:])
def test_distances_in_the_plan_are_distances_on_the_ground(corner: tuple[float, float]) -> None:
    (lon0, lat0), (lon1, lat1) = frame.plan_to_lonlat([CORNERS[0], corner])
    _, _, distance = GEOD.inv(lon0, lat0, lon1, lat1)
    assert distance == pytest.approx(float(np.hypot(*corner)), abs=0.002)


def test_the_origin_is_the_parks() -> None:
    np.testing.assert_allclose(frame.plan_to_lonlat([[0.0, 0.0]])[0], frame.ORIGIN, atol=1e-9)


@pytest.mark.parametrize("direction", [0.0, 90.0, 123.0, 270.0])
def test_azimuths_are_those_of_the_geodesic(direction: float) -> None:
    turn = np.radians(direction)
    (lon0, lat0), (lon1, lat1) = frame.plan_to_lonlat([(0.0, 0.0), (100 * np.sin(turn), 100 * np.cos(turn))])
    forward, _, _ = GEOD.inv(lon0, lat0, lon1, lat1)
    assert frame.azimuth(direction) == pytest.approx(forward % 360, abs=0.06)


def test_the_national_zone_is_the_one_the_park_lies_in() -> None:
    projection = CRS.from_user_input(frame.GRID_CRS).coordinate_operation
    meridian = next(p.value for p in projection.params if "longitude" in p.name.lower())
    assert abs(meridian - frame.ORIGIN[0]) <= 1.5


@pytest.mark.parametrize("crs", [frame.GRID_CRS, frame.UTM_CRS])
def test_grid_coordinates_come_back(crs: str) -> None:
    np.testing.assert_allclose(frame.grid_to_plan(frame.plan_to_grid(CORNERS, crs), crs), CORNERS, atol=0.002)


def test_global_ids_are_valid_and_differ() -> None:
    ids = {frame.global_id("tower", "IfcWall", str(number)) for number in range(500)}
    assert len(ids) == 500
    assert all(len(identity) == 22 and len(ifcopenshell.guid.expand(identity)) == 32 for identity in ids)
