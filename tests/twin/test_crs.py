"""Frames against the closed form of the ellipsoid, systems against PROJ called directly, guesses against what was put in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Transformer

from twin.crs import (
    Frame,
    crs_candidates,
    crs_guesses,
    crs_title,
    datum_shift,
    from_lonlat,
    geometry_to_lonlat,
    height_operation,
    horizontal,
    is_geographic,
    known_crs,
    places_on_earth,
    to_lonlat,
    unit_m,
    vertical,
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


PRJ = (
    'PROJCS["CGCS2000_3_Degree_GK_CM_117E",GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",'
    'SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],'
    'PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],'
    'PARAMETER["Central_Meridian",117.0],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("4547", "EPSG:4547"),
        ("urn:ogc:def:crs:EPSG::25832", "EPSG:25832"),
        ("urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::5783", "EPSG:5555"),
        ("http://www.opengis.net/def/crs/EPSG/0/2056", "EPSG:2056"),
        ("http://www.opengis.net/gml/srs/epsg.xml#2056", "EPSG:2056"),
        ("http://www.opengis.net/def/crs-compound?1=http://www.opengis.net/def/crs/EPSG/0/25832&2=http://www.opengis.net/def/crs/EPSG/0/5783",
         "EPSG:5555"),
        ("+proj=utm +zone=50 +datum=WGS84", "EPSG:32650"),
        (PRJ, "EPSG:4548"),
        (CRS.from_epsg(2056).to_wkt("WKT1_GDAL"), "EPSG:2056"),
        (CRS.from_epsg(2056).to_wkt("WKT1_ESRI"), "EPSG:2056"),
        (CRS.from_epsg(2056).to_wkt("WKT2_2019"), "EPSG:2056"),
        (CRS.from_epsg(4549).to_json(), "EPSG:4549"),
    ],
)  # fmt: skip
def test_every_way_to_write_a_system_leads_to_its_code(name: str, code: str) -> None:
    assert known_crs(name) == code


def test_a_prj_file_can_be_named_instead_of_its_text(tmp_path: Path) -> None:
    (tmp_path / "site.prj").write_text(PRJ, "utf-8")
    assert known_crs(str(tmp_path / "site.prj")) == "EPSG:4548"


def test_shift_parameters_in_wkt_are_kept_and_used() -> None:
    with_shift = CRS.from_epsg(2437).to_wkt("WKT1_GDAL").replace(
        'AUTHORITY["EPSG","6214"]]', 'TOWGS84[15.8,-154.4,-82.3,0,0,0,0],AUTHORITY["EPSG","6214"]]'
    )  # fmt: skip
    crs = known_crs(with_shift)
    expected = Transformer.from_crs(CRS.from_wkt(with_shift), 4326, always_xy=True).transform(500_000, 3_400_000)
    assert np.allclose(to_lonlat([[500_000, 3_400_000]], crs)[0, :2], expected, atol=1e-10)
    assert datum_shift(crs, Frame(120, 31)).accuracy_m == 0.0


def test_heights_alone_are_no_place() -> None:
    with pytest.raises(CRSError) as caught:
        known_crs("EPSG:5737")
    assert caught.value.code == "crs_vertical_only"


@pytest.mark.parametrize("crs", ["EPSG:2056", "EPSG:4549", "EPSG:2263"])
def test_suffixes_say_the_unit_and_the_order(crs: str) -> None:
    own = {"EPSG:2056": (2_600_000.0, 1_200_000.0), "EPSG:4549": (557_000.0, 3_464_000.0), "EPSG:2263": (985_000.0, 200_000.0)}[crs]
    metres = CRS.from_user_input(crs).axis_info[0].unit_conversion_factor
    place = to_lonlat([own], crs)[0]
    assert np.allclose(to_lonlat([own[::-1]], known_crs(f"{crs}@yx"))[0], place)
    assert np.allclose(to_lonlat([[x * metres * 1000 for x in own]], known_crs(f"{crs}@mm"))[0], place)
    assert np.allclose(to_lonlat([[x * metres / 0.3048 for x in own[::-1]]], known_crs(f"{crs}@yx@ft"))[0], place)
    assert unit_m(f"{crs}@mm") == 0.001
    assert unit_m(crs) == pytest.approx(metres)
    assert crs_title(f"{crs}@mm") == f"{crs}@mm"
    with pytest.raises(CRSError):
        known_crs("EPSG:4326@mm")


@settings(max_examples=30)
@given(st.floats(117, 123), st.floats(25, 40), st.sampled_from(["EPSG:4549", "EPSG:4528@yx", "EPSG:32651@mm", "EPSG:3857", "EPSG:4326@yx"]))
def test_there_and_back_through_a_system(lon: float, lat: float, crs: str) -> None:
    assert np.allclose(to_lonlat(from_lonlat([[lon, lat]], crs), crs)[0, :2], [lon, lat], atol=1e-9)


def test_a_compound_system_is_two() -> None:
    assert (horizontal("EPSG:7415"), vertical("EPSG:7415")) == ("EPSG:28992", "EPSG:5709")
    assert (horizontal("EPSG:4979"), vertical("EPSG:4979")) == ("EPSG:4326", "ellipsoidal")
    assert vertical("EPSG:25832") is None
    # heights pass untouched: what they count from is nobody's business here
    assert to_lonlat([[155_000.0, 463_000.0, 12.5]], "EPSG:7415")[0, 2] == 12.5


def test_geocentric_coordinates_become_heights_above_the_ellipsoid() -> None:
    assert np.allclose(to_lonlat([ecef(104.06, 30.54, 512.0)], "EPSG:4978")[0], [104.06, 30.54, 512.0], atol=1e-6)


def test_local_systems_lead_nowhere() -> None:
    assert not places_on_earth('LOCAL_CS["site",UNIT["m",1]]')
    assert places_on_earth("EPSG:4549")


def test_old_chinese_datums_have_no_public_shift_and_new_ones_need_none() -> None:
    suzhou = Frame(120.6, 31.3)
    assert datum_shift("EPSG:2385", suzhou).accuracy_m is None  # Xian 1980
    assert (datum_shift("EPSG:2437", suzhou).accuracy_m or 0.0) > 5.0  # Beijing 1954: a rough one
    assert datum_shift("EPSG:4549", suzhou).accuracy_m == 0.0
    assert datum_shift("EPSG:2056", Frame(7, 47)).accuracy_m == pytest.approx(1.0)


def test_heights_are_converted_only_where_proj_can() -> None:
    place = Frame(9.0, 50.0)
    assert height_operation("EPSG:5737", "ellipsoidal", place) is None  # a geoid nobody publishes
    assert height_operation("EPSG:5773", "ellipsoidal", place) is None  # a geoid whose grid is not here
    feet = height_operation("EPSG:6360", "EPSG:5703", place)
    assert feet is not None
    assert feet[0].transform(9.0, 50.0, 100.0)[2] == pytest.approx(100 * 1200 / 3937)


TRUE = ["EPSG:4326", "EPSG:4549", "EPSG:4528", "EPSG:4510", "EPSG:4499", "EPSG:32651", "EPSG:3857"]


@pytest.mark.parametrize("crs", TRUE)
@pytest.mark.parametrize("deviation", ["", "@yx", "@mm"])
def test_the_true_system_is_guessed_first_however_it_is_written(crs: str, deviation: str) -> None:
    if crs == "EPSG:4326" and deviation == "@mm":
        return
    frame = Frame(120.6, 31.3)
    low, high = from_lonlat([[120.601, 31.302], [120.606, 31.305]], crs + deviation)
    guesses = crs_guesses([*np.minimum(low, high), *np.maximum(low, high)], frame)
    assert guesses[0].crs == crs + deviation
    assert guesses[0].distance_m == pytest.approx(np.linalg.norm(frame.to_enu([[120.6035, 31.3035]])[0, :2]), abs=20)
    assert guesses[0].size_m == pytest.approx((476, 333), abs=20)  # the box is turned against north
    assert all(guess.distance_m < 50_000 for guess in guesses)


def test_national_grids_are_guessed_from_the_place() -> None:
    assert crs_guesses((2498100, 1119700, 2498900, 1120500), Frame(6.12, 46.22))[0].crs == "EPSG:2056"
    assert crs_guesses((319000, 6399000, 319500, 6399500), Frame(11.97, 57.7))[0].crs in {"EPSG:3006", "EPSG:25832", "EPSG:32632"}
    assert crs_guesses((985_000, 199_000, 986_000, 200_000), Frame(-73.99, 40.71))[0].crs == "EPSG:2263"
