"""Names of Chinese systems against the names EPSG itself gives them."""

from __future__ import annotations

import pytest
from pyproj import CRS
from pyproj.database import query_crs_info

from twin.crs import known_crs
from twin.crsnames import deviation, understood
from twin.errors import CRSError

NAMED = [
    (f"EPSG:{info.code}", info.name)
    for info in query_crs_info(auth_name="EPSG")
    if info.name.startswith(("CGCS2000", "Xian 1980", "Beijing 1954"))
]


@pytest.mark.parametrize(("code", "name"), NAMED)
def test_every_zone_is_found_by_its_registered_name(code: str, name: str) -> None:
    found = understood(name)
    assert found is not None
    if found != code:  # three and six degrees with one central meridian are one projection
        assert CRS.from_user_input(found).coordinate_operation == CRS.from_user_input(code).coordinate_operation
        assert CRS.from_user_input(found).geodetic_crs == CRS.from_user_input(code).geodetic_crs


@pytest.mark.parametrize(
    ("name", "registered"),
    [
        ("CGCS2000 3度带 39带", "CGCS2000 / 3-degree Gauss-Kruger zone 39"),
        ("CGCS2000 3度分带 第39带", "CGCS2000 / 3-degree Gauss-Kruger zone 39"),
        ("CGCS2000 39带", "CGCS2000 / 3-degree Gauss-Kruger zone 39"),
        ("CGCS2000_3_Degree_GK_Zone_39", "CGCS2000 / 3-degree Gauss-Kruger zone 39"),
        ("CGCS2000_3_Degree_GK_CM_117E", "CGCS2000 / 3-degree Gauss-Kruger CM 117E"),
        ("国家2000 117度", "CGCS2000 / 3-degree Gauss-Kruger CM 117E"),
        ("2000国家大地坐标系 中央子午线120", "CGCS2000 / 3-degree Gauss-Kruger CM 120E"),
        ("国家2000 3度带 120", "CGCS2000 / 3-degree Gauss-Kruger CM 120E"),
        ("CGCS2000 6度带 20带", "CGCS2000 / Gauss-Kruger zone 20"),
        ("西安80 三度带 40", "Xian 1980 / 3-degree Gauss-Kruger zone 40"),
        ("1980西安坐标系 3度带 120", "Xian 1980 / 3-degree Gauss-Kruger CM 120E"),
        ("Xian_1980_3_Degree_GK_CM_120E", "Xian 1980 / 3-degree Gauss-Kruger CM 120E"),
        ("北京54 6度带 21带", "Beijing 1954 / Gauss-Kruger zone 21"),
        ("1954年北京坐标系 3度带 40", "Beijing 1954 / 3-degree Gauss-Kruger zone 40"),
        ("国家大地坐标系2000", "China Geodetic Coordinate System 2000"),
        ("GCS_China_Geodetic_Coordinate_System_2000", "China Geodetic Coordinate System 2000"),
    ],
)
def test_chinese_habits_of_naming(name: str, registered: str) -> None:
    assert CRS.from_user_input(known_crs(name)).name == registered


@pytest.mark.parametrize("name", ["CGCS2000 3度带", "西安80 高斯投影", "CGCS2000 带 99", "苏州独立坐标系", "CGCS2000 3度带 21带"])
def test_what_does_not_say_the_zone_is_not_known(name: str) -> None:
    with pytest.raises(CRSError):
        known_crs(name)


def test_a_meridian_between_the_zones_is_a_projection_of_its_own() -> None:
    crs = CRS.from_user_input(known_crs("CGCS2000 中央经线117.5"))
    assert {p.name: p.value for p in crs.coordinate_operation.params}["Longitude of natural origin"] == 117.5


def test_suffixes_are_taken_apart_and_put_back_in_one_order() -> None:
    taken = deviation(" EPSG:4549@yx@MM ")
    assert (taken.base, taken.unit_m, taken.is_yx, taken.suffix()) == ("EPSG:4549", 0.001, True, "@mm@yx")
    assert deviation("EPSG:4549").suffix() == ""
