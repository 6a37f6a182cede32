"""Latitude, longitude, elevation and north of a site, as files write them, against values worked out here."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pyproj import Transformer

from twin.crs import Frame

SUZHOU = Frame(120.6, 31.3, 0.0)
MUNICH = Frame(11.58, 48.14, 500.0)
SITE_LAT, SITE_LON = (31, 18, 36, 0), (120, 36, 36, 0)  # 31.31, 120.61


def _codes(found):
    return [issue.code for issue in found.issues]


def _site(house, lat=SITE_LAT, lon=SITE_LON, elevation=4.0):
    house.site.RefLatitude, house.site.RefLongitude, house.site.RefElevation = lat, lon, elevation


@pytest.mark.parametrize(
    ("lat", "lon", "expected", "codes"),
    [
        (SITE_LAT, SITE_LON, (120.61, 31.31), []),
        ((31, 18), (120, 36), (120.6, 31.3), []),
        ((31, 18, 36), (120, 36, 36), (120.61, 31.31), []),
        ((31, 18, 36, 500000), (120, 36, 36, 250000), (120 + 36 / 60 + 36.25 / 3600, 31 + 18 / 60 + 36.5 / 3600), []),
        (SITE_LON, SITE_LAT, (120.61, 31.31), ["ifc_lonlat_read_as"]),  # exchanged: latitude 120 is none
        ((-31, -18, -36, 0), SITE_LON, (120.61, 31.31), ["ifc_lonlat_read_as"]),  # on the wrong hemisphere
        (SITE_LAT, (-120, -36, -36, 0), (120.61, 31.31), ["ifc_lonlat_read_as"]),
    ],
)
def test_latitude_and_longitude_as_files_write_them(new_house, georeferenced, lat, lon, expected, codes):
    house = new_house()
    _site(house, lat, lon)
    found = georeferenced(house, frame=SUZHOU)
    assert found.told.kind == "site"
    assert found.told.lonlat == pytest.approx(expected, abs=1e-9)
    assert _codes(found) == codes


def test_mixed_signs_take_the_first(new_house, georeferenced):
    house = new_house()
    _site(house, (41, 52, 27, 840000), (-87, 38, 21, 839999))  # the minutes lost their sign
    found = georeferenced(house, frame=Frame(-87.64, 41.87))
    assert found.told.lonlat == pytest.approx((-(87 + 38 / 60 + 21.839999 / 3600), 41 + 52 / 60 + 27.84 / 3600), abs=1e-9)
    assert _codes(found) == ["ifc_angle_signs_mixed"]


@pytest.mark.parametrize(
    ("lat", "lon", "codes"),
    [
        ((0, 0, 0, 0), (0, 0, 0, 0), ["ifc_not_georeferenced"]),
        (None, SITE_LON, ["ifc_not_georeferenced"]),
        ((95, 0, 0), (200, 0, 0), ["ifc_lonlat_impossible", "ifc_not_georeferenced"]),
    ],
)
def test_places_that_are_none(new_house, georeferenced, lat, lon, codes):
    house = new_house()
    _site(house, lat, lon)
    found = georeferenced(house, frame=SUZHOU)
    assert (found.told.kind, _codes(found)) == ("none", codes)


@pytest.mark.parametrize(
    ("lat", "lon", "city"),
    [
        ((42, 21, 31, 181945), (-71, -3, -24, -263305), "Boston"),
        ((51, 30, 0, 549316), (0, -7, -34, -450321), "London"),
        ((39, 54, 57, 601318), (116, 25, 58, 795166), "Beijing"),
    ],
)
def test_where_programs_put_what_nobody_placed_is_told_far_from_it_only(new_house, georeferenced, lat, lon, city):
    house = new_house()
    _site(house, lat, lon)
    found = georeferenced(house, frame=SUZHOU)
    assert _codes(found) == ["ifc_default_place", "ifc_far_from_park"]
    assert found.issues[0].details["city"] == city
    there = found.told.lonlat
    assert _codes(georeferenced(house, frame=Frame(*there))) == []


@pytest.mark.parametrize(
    ("elevation", "unit_m", "ground", "expected", "codes"),
    [
        (12.5, 1.0, 10.0, 12.5, []),
        (12_500.0, 0.001, 10.0, 12.5, []),
        (12_500.0, 1.0, 10.0, 12.5, ["ifc_elevation_impossible"]),  # millimetres in a file of metres
        (1e30, 1.0, 10.0, 10.0, ["ifc_elevation_impossible"]),
        (-9999.0, 1.0, 300.0, 300.0, ["ifc_elevation_impossible"]),  # what rasters write for nothing
        (None, 1.0, 10.0, 10.0, ["ifc_site_without_elevation"]),
    ],
)
def test_elevations(new_house, georeferenced, elevation, unit_m, ground, expected, codes):
    house = new_house("IFC4", unit_m)
    _site(house, elevation=elevation)
    found = georeferenced(house, frame=SUZHOU, ground_m=ground)
    assert found.told.height_m == pytest.approx(expected)
    assert _codes(found) == codes


@pytest.mark.parametrize(
    ("north", "turn_deg", "codes"),
    [
        ((0.0, 2.0), 0.0, []),
        ((0.6, 0.8, 5.0), math.degrees(math.atan2(0.6, 0.8)), []),  # three-dimensional: its plane part counts
        ((-1.0, 0.0), -90.0, []),
        ((0.0, 0.0, 1.0), 0.0, ["ifc_true_north_malformed"]),
        ((0.0,), 0.0, ["ifc_true_north_malformed"]),
    ],
)
def test_true_north(new_house, georeferenced, north, turn_deg, codes):
    house = new_house()
    _site(house)
    house.context.TrueNorth = house.file.create_entity("IfcDirection", north)
    found = georeferenced(house, frame=SUZHOU)
    assert found.told.rotation_deg == pytest.approx(turn_deg, abs=1e-6)
    assert _codes(found) == codes
    if not codes:  # the direction said to be north ends due north
        model_north = np.array([[0.0, 0.0, 0.0], [*north[:2], 0.0]])
        there = SUZHOU.to_lonlat(found.placement.to_enu(model_north * 50))
        assert there[1, 0] == pytest.approx(there[0, 0], abs=2e-8)
        assert there[1, 1] > there[0, 1]


def test_of_several_sites_the_one_that_says_where_it_is_counts(new_house, georeferenced):
    house = new_house()
    bare = house.site
    bare.RefLatitude = bare.RefLongitude = None
    house.file.create_entity("IfcSite", GlobalId="0123456789012345678901", RefLatitude=SITE_LAT, RefLongitude=SITE_LON, RefElevation=1.0)
    assert georeferenced(house, frame=SUZHOU).told.lonlat == pytest.approx((120.61, 31.31))


def test_coordinates_of_a_map_beside_latitude_and_longitude_name_their_system(new_house, georeferenced):
    to_utm = Transformer.from_crs(4326, 25832, always_xy=True)
    east, north = to_utm.transform(11.5, 48.1)
    house = new_house()
    house.place(house.site, (east, north, 0.0))
    _site(house, (48, 6, 0), (11, 30, 0), 500.0)
    found = georeferenced(house, frame=MUNICH, at=(east, north, 0.0))
    assert found.told.kind == "double"
    (issue,) = found.issues
    assert issue.code == "ifc_coordinates_of_a_map"
    assert {"EPSG:25832", "EPSG:32632"} & set(str(issue.details["candidates"]).split(", "))
    at = found.placement.to_enu(np.array([[east, north, 0.0]]))[0]
    assert np.allclose(at, MUNICH.to_enu([[11.5, 48.1, 500.0]])[0], atol=1e-3)


def test_a_true_north_held_by_the_placement_already_turns_once(new_house, georeferenced):
    house = new_house()
    _site(house)
    house.place(house.building, (0.0, 0.0, 0.0), 21.3)  # the building is turned although the site is not
    house.context.TrueNorth = house.file.create_entity("IfcDirection", (math.sin(math.radians(21.3)), math.cos(math.radians(21.3))))
    found = georeferenced(house, frame=SUZHOU)
    assert (found.told.kind, found.told.rotation_deg) == ("double", 0.0)
    assert _codes(found) == ["ifc_turned_twice"]
