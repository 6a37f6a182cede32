"""Map conversions, right ones and the wrong ones that files hold, against pyproj and formulas written here."""

from __future__ import annotations

import math

import ifcopenshell.api.pset
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Proj, Transformer

from importers.ifc.conversion import number
from importers.ifc.georeference import georeference
from importers.ifc.setting import Setting
from twin.crs import Frame
from twin.i18n import message

MUNICH = Frame(11.58, 48.14, 500.0)
SUZHOU = Frame(120.6, 31.3, 0.0)
NEW_YORK = Frame(-73.98, 40.75, 0.0)
E0, N0, H0 = 691_000.0, 5_334_000.0, 515.0
FOOT, SURVEY_FOOT = 0.3048, 1200 / 3937
ORIGIN = np.zeros((1, 3))


def _conversion(house, crs="EPSG:25832", *, numbers=(E0, N0, H0), axis=(1.0, 0.0), scale=None, unit_m=1.0, source=None):
    """Adds a map conversion; `unit_m` None leaves IfcProjectedCRS.MapUnit out."""
    file = house.file
    target = file.create_entity("IfcProjectedCRS", Name=crs, MapUnit=None if unit_m is None else house.unit(unit_m))
    return file.create_entity("IfcMapConversion", source or house.context, target, *numbers, *axis, scale)


def _lonlat(epsg, east, north):
    return Transformer.from_crs(epsg, 4326, always_xy=True).transform(east, north)


def _off(found, frame, lonlat_h, point=(0.0, 0.0, 0.0)):
    """How far a point of the model is from where it should be. [m]"""
    return float(np.linalg.norm(found.placement.to_enu(np.array([point]))[0] - frame.to_enu([lonlat_h])[0]))


def _codes(found):
    return [issue.code for issue in found.issues]


def test_a_right_conversion_raises_no_issue_and_gives_its_reason_in_both_languages(new_house, georeferenced):
    house = new_house()
    _conversion(house)
    found = georeferenced(house, frame=MUNICH)
    told = found.told
    assert (told.kind, told.crs, _codes(found)) == ("map_conversion", "EPSG:25832", [])
    assert _off(found, MUNICH, (*_lonlat(25832, E0, N0), H0)) < 0.005  # the scale of UTM over 11 m to the anchor
    assert told.reason == message(told.reason_code, "en", **told.reason_details)
    assert "坐标系 EPSG:25832" in message(told.reason_code, "zh", **told.reason_details)


@pytest.mark.parametrize(
    ("unit_m", "map_unit_m", "project_m"),
    [(0.001, None, 0.001), (0.001, 0.001, 1.0), (FOOT, FOOT, 1.0), (SURVEY_FOOT, SURVEY_FOOT, 1.0), (FOOT, None, FOOT)],
)
def test_units_of_the_map_are_exact(new_house, georeferenced, unit_m, map_unit_m, project_m):
    house = new_house("IFC4", project_m)
    _conversion(house, numbers=(E0 / unit_m, N0 / unit_m, H0 / unit_m), unit_m=map_unit_m)
    found = georeferenced(house, frame=MUNICH)
    assert _off(found, MUNICH, (*_lonlat(25832, E0, N0), H0)) < 0.005  # the two feet differ by 11 m at this northing
    assert found.told.height_m == pytest.approx(H0, abs=1e-6)
    assert _codes(found) == []


def test_coordinates_in_the_survey_feet_of_their_system(new_house, georeferenced):
    east, north = 987_000.0, 213_000.0  # US survey feet of EPSG:2263, as its name says
    expected = _lonlat(2263, east, north)
    for map_unit, project in ((SURVEY_FOOT, 1.0), (None, SURVEY_FOOT), (None, FOOT)):
        house = new_house("IFC4", project)
        _conversion(house, "EPSG:2263", numbers=(east, north, 50.0), unit_m=map_unit)
        found = georeferenced(house, frame=NEW_YORK)
        assert float(np.hypot(*Frame(*expected).to_enu([found.told.lonlat])[0, :2])) < 0.001
        assert _codes(found) == []


def test_a_file_that_says_another_foot_than_its_system_is_taken_at_its_word_and_told_the_difference(new_house, georeferenced):
    house = new_house()
    _conversion(house, "EPSG:2263", numbers=(987_000.0, 213_000.0, 0.0), unit_m=FOOT)
    found = georeferenced(house, frame=NEW_YORK)
    expected = _lonlat(2263, 987_000.0 * FOOT / SURVEY_FOOT, 213_000.0 * FOOT / SURVEY_FOOT)
    assert float(np.hypot(*Frame(*expected).to_enu([found.told.lonlat])[0, :2])) < 0.001
    (issue,) = [issue for issue in found.issues if issue.code == "ifc_foot_of_another_kind"]
    assert issue.details["metres"] == pytest.approx(987_000.0 * (SURVEY_FOOT - FOOT), abs=0.01)


@pytest.mark.parametrize(
    ("axis", "turn_deg", "codes"),
    [
        ((0.0, 1.0), 90.0, []),
        ((300.0, 400.0), math.degrees(math.atan2(4, 3)), []),  # not of length one
        ((None, None), 0.0, []),
        ((None, 1.0), 90.0, []),  # the other part can only be 0
        ((-1.0, None), 180.0, []),
        ((0.0, 0.0), 0.0, ["ifc_axis_malformed"]),
        ((None, 0.5), 0.0, ["ifc_axis_malformed"]),  # left or right: nobody knows
    ],
)
def test_the_turn_of_the_x_axis(new_house, georeferenced, axis, turn_deg, codes):
    house = new_house()
    _conversion(house, axis=axis)
    found = georeferenced(house, frame=MUNICH)
    convergence = Proj(CRS.from_epsg(25832)).get_factors(*_lonlat(25832, E0, N0)).meridian_convergence
    assert math.remainder(found.told.rotation_deg - (turn_deg - convergence), 360.0) == pytest.approx(0.0, abs=2e-4)
    assert _codes(found) == codes


def test_a_scaled_conversion_of_ifc4x3_counts_its_factors(new_house, georeferenced):
    house = new_house("IFC4X3")
    file = house.file
    crs = file.create_entity("IfcProjectedCRS", Name="EPSG:25832", MapUnit=house.unit(1.0))
    file.create_entity("IfcMapConversionScaled", house.context, crs, E0, N0, H0, 1.0, 0.0, 1.0, 0.9996, 0.9996, 1.0)
    found = georeferenced(house, frame=MUNICH, at=(2000.0, 0.0, 0.0))
    # a model two kilometres from its origin: its middle goes where the factor says
    assert _off(found, MUNICH, (*_lonlat(25832, E0 + 0.9996 * 2010.0, N0 + 0.9996 * 5.0), H0), (2010.0, 5.0, 0.0)) < 1e-3
    assert found.told.reason_details["factor"] == pytest.approx(0.9996)
    file.by_type("IfcMapConversionScaled")[0].FactorX = 3.0
    assert "ifc_factors_not_believed" in _codes(georeferenced(house, frame=MUNICH))


def test_web_mercator_may_state_its_own_large_scale(new_house, georeferenced):
    lon, lat = 11.58, 48.14
    east, north = Transformer.from_crs(4326, 3857, always_xy=True).transform(lon, lat)
    scale = 1 / math.cos(math.radians(lat))
    house = new_house()
    _conversion(house, "EPSG:3857", numbers=(east, north, 500.0), scale=scale)
    found = georeferenced(house, frame=MUNICH, at=(990.0, -5.0, 0.0))
    assert "ifc_scale_not_believed" not in _codes(found)
    assert found.placement.to_enu(np.array([[1000.0, 0.0, 0.0]]))[0, 0] == pytest.approx(1000.0, rel=4e-3)  # sphere against ellipsoid


@pytest.mark.parametrize(
    ("crs", "numbers", "code"),
    [
        ("EPSG:4549", (3_463_500.0, 557_100.0, 0.0), "ifc_eastings_swapped"),  # x north, y east, as Chinese surveyors write
        ("EPSG:4549", (40_557_100.0, 3_463_500.0, 0.0), "ifc_zone_number"),  # the zone's number before the easting
        ("EPSG:4528", (557_100.0, 3_463_500.0, 0.0), "ifc_zone_number"),  # or left out
    ],
)
def test_chinese_coordinates_in_the_wrong_order_or_with_the_zone(new_house, georeferenced, crs, numbers, code):
    house = new_house()
    _conversion(house, crs, numbers=numbers)
    found = georeferenced(house, frame=SUZHOU)
    assert _off(found, SUZHOU, (*_lonlat(4549, 557_100.0, 3_463_500.0), 0.0)) < 0.005
    assert _codes(found) == [code]


@pytest.mark.parametrize(
    "name", ["4549", "epsg 4549", "urn:ogc:def:crs:EPSG::4549", "CGCS2000_3_Degree_GK_CM_120E", "CGCS2000 / 3-degree Gauss-Kruger CM 120E"]
)
def test_systems_are_known_by_many_names(new_house, georeferenced, name):
    house = new_house()
    _conversion(house, name, numbers=(557_100.0, 3_463_500.0, 0.0))
    found = georeferenced(house, frame=SUZHOU)
    assert _off(found, SUZHOU, (*_lonlat(4549, 557_100.0, 3_463_500.0), 0.0)) < 0.005


def test_a_system_by_datum_and_zone_or_by_its_text(new_house, georeferenced):
    house = new_house("IFC4X3")
    file = house.file
    crs = file.create_entity("IfcProjectedCRS", None, None, "CGCS2000", None, "Gauss-Kruger", "40", house.unit(1.0))
    file.create_entity("IfcMapConversion", house.context, crs, 40_557_100.0, 3_463_500.0, 0.0, None, None, None)
    assert georeferenced(house, frame=SUZHOU).told.crs == "EPSG:4528"
    crs.GeodeticDatum = crs.MapZone = None
    crs.Name = "our own"
    file.create_entity("IfcWellKnownText", CRS.from_epsg(4528).to_wkt(), crs)
    assert georeferenced(house, frame=SUZHOU).told.crs == "EPSG:4528"


@pytest.mark.parametrize("holder", ["site", "building"])
@pytest.mark.parametrize("turn_deg", [0.0, 37.0])
def test_coordinates_held_by_conversion_and_placement_count_once(new_house, georeferenced, holder, turn_deg):
    house = new_house()
    turn = math.radians(turn_deg)
    axis = (math.cos(turn), math.sin(turn))
    house.place(getattr(house, holder), (E0, N0, H0), turn_deg)
    _conversion(house, axis=axis)
    ahead = (E0 + 10 * axis[0], N0 + 10 * axis[1], H0)
    found = georeferenced(house, frame=MUNICH, at=(E0, N0, H0), size=(10.0, 8.0, 3.0))
    assert found.told.kind == "double"
    assert _off(found, MUNICH, (*_lonlat(25832, E0, N0), H0), (E0, N0, H0)) < 0.005
    assert _off(found, MUNICH, (*_lonlat(25832, *ahead[:2]), H0), ahead) < 0.005  # turned once
    assert {"ifc_placed_twice", "ifc_height_twice"} <= set(_codes(found))


@pytest.mark.parametrize(("base", "lowest"), [(H0 - 4.0, H0 - 4.0), (0.0, H0)])
def test_bodies_that_have_the_maps_coordinates_themselves_have_its_heights_too(new_house, georeferenced, base, lowest):
    house = new_house()  # no placement of a site or a building tells of it
    _conversion(house)
    found = georeferenced(house, frame=MUNICH, at=(E0, N0, base), size=(10.0, 8.0, 3.0))
    assert found.told.kind == "double"
    assert _off(found, MUNICH, (*_lonlat(25832, E0, N0), lowest), (E0, N0, base)) < 0.005
    assert ("ifc_height_twice" in _codes(found)) == (base > 0)


def test_a_double_that_is_turned_by_the_conversion_alone(new_house, georeferenced):
    house = new_house()
    house.place(house.site, (E0, N0, 0.0))
    _conversion(house, axis=(0.0, 1.0))
    found = georeferenced(house, frame=MUNICH, at=(E0, N0, 0.0), size=(10.0, 8.0, 3.0))
    assert _off(found, MUNICH, (*_lonlat(25832, E0, N0), H0), (E0, N0, 0.0)) < 0.005
    assert _off(found, MUNICH, (*_lonlat(25832, E0, N0 + 10.0), H0), (E0 + 10.0, N0, 0.0)) < 0.005


def test_a_double_far_from_the_park_is_found_by_its_own_numbers(new_house, georeferenced):
    house = new_house()
    house.place(house.site, (E0, N0, 0.0))
    _conversion(house)
    found = georeferenced(house, frame=SUZHOU, at=(E0, N0, 0.0))
    assert found.told.kind == "double"
    assert float(np.hypot(*Frame(*_lonlat(25832, E0 + 10, N0 + 5)).to_enu([found.told.lonlat])[0, :2])) < 0.001


def test_a_site_offset_of_another_grid_is_left_aside(new_house, georeferenced):
    house = new_house()
    house.place(house.site, (4_468_000.0, 5_333_000.0, 0.0))  # Gauss-Krüger, while the conversion is into UTM
    _conversion(house)
    found = georeferenced(house, frame=MUNICH, at=(4_468_000.0, 5_333_000.0, 0.0))
    assert found.told.kind == "double"
    assert _off(found, MUNICH, (*_lonlat(25832, E0, N0), H0), (4_468_000.0, 5_333_000.0, 0.0)) < 0.005


def test_coordinates_that_are_the_maps_with_an_empty_conversion(new_house, georeferenced):
    house = new_house()
    _conversion(house, numbers=(0.0, 0.0, 0.0))
    found = georeferenced(house, frame=MUNICH, at=(E0, N0, H0))
    assert _off(found, MUNICH, (*_lonlat(25832, E0, N0), H0), (E0, N0, H0)) < 0.005
    assert _codes(found) == []


def test_an_empty_conversion_says_nothing(new_house, georeferenced):
    house = new_house()
    _conversion(house, numbers=(0.0, 0.0, 0.0))
    house.site.RefLatitude, house.site.RefLongitude, house.site.RefElevation = (48, 8, 24, 0), (11, 34, 48, 0), 500.0
    found = georeferenced(house, frame=MUNICH)
    assert found.told.kind == "site"
    assert _codes(found) == ["ifc_map_conversion_empty"]


def test_a_turn_held_twice_is_made_once_unless_it_may_be_two(new_house, georeferenced):
    for turn_deg, code, made_deg in ((37.2, "ifc_turned_twice", 0.0), (90.0, "ifc_turned_twice_perhaps", 90.0)):
        house = new_house()
        turn = math.radians(turn_deg)
        house.place(house.site, (0.0, 0.0, 0.0), turn_deg)
        _conversion(house, axis=(math.cos(turn), math.sin(turn)))
        found = georeferenced(house, frame=MUNICH)
        convergence = Proj(CRS.from_epsg(25832)).get_factors(*_lonlat(25832, E0, N0)).meridian_convergence
        assert found.told.rotation_deg == pytest.approx(made_deg - convergence, abs=1e-3)
        assert _codes(found) == [code]


def test_a_height_held_twice_counts_once(new_house, georeferenced):
    house = new_house()
    house.place(house.site, (0.0, 0.0, H0))
    _conversion(house)
    found = georeferenced(house, frame=MUNICH, at=(0.0, 0.0, H0))
    assert _codes(found) == ["ifc_height_twice"]
    assert _off(found, MUNICH, (*_lonlat(25832, E0, N0), H0), (0.0, 0.0, H0)) < 0.005


def test_of_conversions_that_contradict_the_one_near_the_park_is_used(new_house, georeferenced):
    house = new_house()
    _conversion(house, numbers=(400_000.0, 5_900_000.0, 0.0))
    _conversion(house)
    found = georeferenced(house, frame=MUNICH)
    assert _codes(found) == ["ifc_map_conversion_chosen"]
    assert _off(found, MUNICH, (*_lonlat(25832, E0, N0), H0)) < 0.005


def test_conversions_that_say_the_same_in_other_words_do_not_contradict(new_house, georeferenced):
    house = new_house()
    _conversion(house, axis=(1.0, 0.0), scale=1.0)
    _conversion(house, axis=(None, None), scale=None)
    assert _codes(georeferenced(house, frame=MUNICH)) == []


def test_a_conversion_of_a_context_without_bodies_is_used_and_told(new_house, georeferenced):
    house = new_house()
    plan = house.file.create_entity("IfcGeometricRepresentationContext", ContextType="Plan", CoordinateSpaceDimension=2)
    _conversion(house, source=plan)
    found = georeferenced(house, frame=MUNICH)
    assert (found.told.kind, _codes(found)) == ("map_conversion", ["ifc_conversion_not_of_model"])


def test_a_conversion_from_another_system_is_none_of_the_model(new_house, georeferenced):
    house = new_house()
    other = house.file.create_entity("IfcProjectedCRS", Name="EPSG:31468")
    _conversion(house, source=other)
    assert georeferenced(house, frame=MUNICH).told.kind == "none"


def test_two_places_are_told_with_their_distance(new_house, georeferenced):
    house = new_house()
    _conversion(house)
    lon, lat = _lonlat(25832, E0, N0)
    minutes = math.floor((lat % 1) * 60) + 1  # the next full minute of latitude: up to 1.85 km north
    house.site.RefLatitude, house.site.RefLongitude = (int(lat), minutes, 0, 0), (int(lon), int(lon % 1 * 60), int(lon * 60 % 1 * 60), 0)
    found = georeferenced(house, frame=MUNICH)
    (issue,) = [issue for issue in found.issues if issue.code == "ifc_places_disagree"]
    there = (int(lon) + int(lon % 1 * 60) / 60 + int(lon * 60 % 1 * 60) / 3600, int(lat) + minutes / 60)
    assert issue.details["metres"] == pytest.approx(float(np.hypot(*Frame(lon, lat).to_enu([there])[0, :2])), abs=1.0)
    assert found.told.kind == "map_conversion"


def test_true_north_that_contradicts_the_conversion_is_told(new_house, georeferenced):
    house = new_house()
    _conversion(house, axis=(math.cos(0.5), math.sin(0.5)))
    house.context.TrueNorth = house.file.create_entity("IfcDirection", (-math.sin(0.5), math.cos(0.5)))  # turned the wrong way round
    (issue,) = georeferenced(house, frame=MUNICH).issues
    assert issue.code == "ifc_north_disagrees"
    assert abs(issue.details["degrees"]) == pytest.approx(2 * math.degrees(0.5), abs=3.0)


def test_a_conversion_far_away_gives_way_to_a_site_in_the_park(new_house, georeferenced):
    house = new_house()
    _conversion(house, "EPSG:25833")  # the neighbouring zone: 440 km east
    house.site.RefLatitude, house.site.RefLongitude, house.site.RefElevation = (48, 8, 24, 0), (11, 34, 48, 0), 500.0
    found = georeferenced(house, frame=MUNICH)
    assert found.told.kind == "site"
    assert "ifc_map_conversion_far" in _codes(found)


@pytest.mark.parametrize("holder", ["site", "building", "project"])
@pytest.mark.parametrize(
    ("conversion", "system"),
    [
        ("ePset_MapConversion", "ePset_ProjectedCRS"),
        ("ePSet_MapConversion", "EPset_projectedCRS"),
        ("Pset_MapConversion", "PSET_ProjectedCRS"),
    ],
)
def test_property_sets_wherever_they_hang_and_whatever_the_type_of_their_values(new_house, georeferenced, holder, conversion, system):
    house = new_house("IFC2X3", 0.001)
    product = getattr(house, holder)
    values = {
        "Eastings": "691000.00",
        "Northings": N0,
        "orthogonal Height": "515",
        "xAxisAbscissa": "0.0",
        "XAxisOrdinate": 1.0,
        "Scale": "0.001",
    }
    first = ifcopenshell.api.pset.add_pset(house.file, product=product, name=conversion)
    ifcopenshell.api.pset.edit_pset(house.file, pset=first, properties=values)
    second = ifcopenshell.api.pset.add_pset(house.file, product=product, name=system)
    ifcopenshell.api.pset.edit_pset(house.file, pset=second, properties={"Name": "EPSG:25832", "MapUnit": "METRE"})
    found = georeferenced(house, frame=MUNICH)
    assert found.told.kind == "property_sets"
    assert _off(found, MUNICH, (*_lonlat(25832, E0, N0), H0)) < 0.005
    assert _codes(found) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5 334 000,25", 5_334_000.25), ("691000,0", 691_000.0), ("691,000", 691_000.0), ("5,334,000.25", 5_334_000.25), ("-0,5", -0.5),
        ("1.5e3", 1500.0), ("1,2,3", None), ("", None), ("nan", None), ("E 5", None), (None, None), (3, 3.0),
    ],
)  # fmt: skip
def test_numbers_written_as_text(text, value):
    assert number(text) == value


def test_property_sets_without_numbers_are_told(new_house, georeferenced):
    house = new_house("IFC2X3")
    pset = ifcopenshell.api.pset.add_pset(house.file, product=house.site, name="ePset_MapConversion")
    ifcopenshell.api.pset.edit_pset(
        house.file, pset=pset, properties={"Eastings": "unknown", "Northings": "n/a", "TargetCRS": "EPSG:25832"}
    )
    system = ifcopenshell.api.pset.add_pset(house.file, product=house.site, name="ePset_ProjectedCRS")
    ifcopenshell.api.pset.edit_pset(house.file, pset=system, properties={"Name": "EPSG:25832"})
    found = georeferenced(house, frame=MUNICH)
    assert (found.told.kind, _codes(found)) == ("none", ["ifc_map_conversion_incomplete", "ifc_not_georeferenced"])


def test_a_world_coordinate_system_that_leans_keeps_the_building_upright(new_house, georeferenced):
    house = new_house()
    file = house.file
    house.context.WorldCoordinateSystem = file.create_entity(
        "IfcAxis2Placement3D",
        file.create_entity("IfcCartesianPoint", (100.0, 50.0, 7.0)),
        file.create_entity("IfcDirection", (0.1, 0.0, 1.0)),
        file.create_entity("IfcDirection", (1.0, 0.0, -0.1)),
    )
    _conversion(house)
    found = georeferenced(house, frame=MUNICH, at=(100.0, 50.0, 7.0))
    assert _codes(found) == ["ifc_world_leans"]
    assert found.placement.turn[2, 2] == pytest.approx(1.0, abs=1e-6)
    assert _off(found, MUNICH, (*_lonlat(25832, E0, N0), H0), (100.0, 50.0, 7.0)) < 0.005


@pytest.mark.parametrize("away", [500_000.0, 4_000_000.0])
def test_far_coordinates_keep_a_tenth_of_a_millimetre(new_house, georeferenced, away):
    house = new_house()
    found = georeferenced(house, frame=MUNICH, crs="EPSG:25832", at=(E0, N0, 0.0), size=(100.0, 100.0, 10.0))
    a, b = found.placement.to_enu(np.array([[E0 + 10.0, N0, 0.0], [E0 + 10.0, N0 + 0.001, 0.0]]))
    assert np.linalg.norm(b - a) == pytest.approx(0.001, abs=1e-7)
    free = georeferenced(house, frame=MUNICH, at=(away, away, 0.0), size=(100.0, 100.0, 10.0))
    corner = free.placement.to_enu(np.array([[away, away, 0.0]]))[0]
    assert np.allclose(corner, [-50.0, -50.0, 0.0], atol=1e-4)


KEYS = ("Eastings", "Northings", "OrthogonalHeight", "XAxisAbscissa", "XAxisOrdinate", "Scale", "FactorX")
NUMBERS = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, 1.0, -1.0, 1e-300, 1e300, 40_557_100.0, 3_463_500.0, "", "n/a", "691 000.5"]),
)


@given(
    st.fixed_dictionaries(dict.fromkeys(KEYS, NUMBERS)),
    st.sampled_from(
        ["EPSG:4549", "EPSG:25832", "EPSG:2263", "EPSG:3857", "EPSG:4326", "EPSG:4978", "EPSG:5737", "EPSG:7415", "", None, "无"]
    ),
    st.sampled_from([None, 1.0, 0.001, FOOT]),
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=0, max_size=3),
    st.tuples(*[st.one_of(st.none(), st.floats(-400, 400), st.just(math.nan))] * 2),
    st.floats(-1e7, 1e7),
)
@settings(max_examples=150, deadline=None)
def test_no_numbers_break_it(numbers, crs, unit, north, lonlat, away):
    operation = {**numbers, "type": "IfcMapConversion", "target": {"Name": crs, "unit": unit, "class": "IfcProjectedCRS"}}
    site = {
        "longitude": lonlat[0],
        "latitude": lonlat[1],
        "elevation_m": numbers["FactorX"] if isinstance(numbers["FactorX"], float) else None,
    }
    facts = {
        "length_m": 1.0, "angle_rad": 1.0, "true_north": north or None, "world": None, "building": None, "crs": [], "property_sets": {},
        "site": {**site, "placement": np.eye(4).tolist()},
        "operations": [{key: value for key, value in operation.items() if value is not None}],
    }  # fmt: skip
    box = np.array([[away, away, 0.0], [away + 10.0, away + 10.0, 3.0]])
    found = georeference(facts, Setting("house.ifc", SUZHOU, lambda lon, lat: 0.0, box))
    assert np.isfinite(found.placement.to_enu(box)).all()
    assert found.told.reason
    for issue in found.issues:
        assert "{" not in message(issue.code, "zh", subject=issue.subject, **issue.details)
