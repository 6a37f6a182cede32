"""Placements against pyproj and against formulas written here."""

from __future__ import annotations

import math

import ifcopenshell.api.georeference
import ifcopenshell.api.pset
import numpy as np
import pytest
from pyproj import CRS, Proj, Transformer

from twin.crs import Frame
from twin.errors import UsageError

MUNICH = Frame(11.58, 48.14, 500.0)


def _projected(house, *, name="EPSG:25832", east=691_000.0, north=5_334_000.0, height=515.0, axis=(1.0, 0.0), scale=None, unit=None):
    """Adds IfcMapConversion and IfcProjectedCRS to a house."""
    file = house.file
    metre = file.create_entity("IfcSIUnit", UnitType="LENGTHUNIT", Name="METRE") if unit == "metre" else None
    crs = file.create_entity("IfcProjectedCRS", Name=name, MapUnit=metre)
    file.create_entity("IfcMapConversion", house.context, crs, east, north, height, *axis, scale)


def _corner(content, which=0):
    """A corner of the first element's box, by name of its extremes."""
    return np.array(content.elements[0].bbox)[which * 3 : which * 3 + 3]


def _convergence(epsg, lon, lat):
    """Meridian convergence [rad], grid north to true north, by PROJ's own factors (independent of our differencing)."""
    return math.radians(Proj(CRS.from_epsg(epsg)).get_factors(lon, lat).meridian_convergence)


def _codes(imported):
    return [issue.code for issue in imported.issues]


@pytest.mark.parametrize("turn_deg", [0.0, 37.0, -120.0])
def test_a_map_conversion_puts_the_model_where_pyproj_says(new_house, read, turn_deg):
    house = new_house("IFC4", 0.001)
    house.box("IfcWall", "W", (20.0, 10.0, 3.0))
    turn = math.radians(turn_deg)
    _projected(house, axis=(math.cos(turn), math.sin(turn)), scale=0.001, unit="metre")
    imported = read(house, frame=MUNICH)
    content = imported.models[0]
    to_lonlat = Transformer.from_crs(25832, 4326, always_xy=True)
    reference = content.model.georeferencing
    lon, lat = to_lonlat.transform(691_000.0, 5_334_000.0)
    assert reference.kind == "map_conversion"
    assert reference.crs == "EPSG:25832"
    assert reference.lonlat == pytest.approx((lon, lat), abs=1e-9)
    assert reference.height_m == pytest.approx(515.0, abs=1e-6)
    convergence = _convergence(25832, lon, lat)
    assert reference.rotation_deg == pytest.approx(turn_deg - math.degrees(convergence), abs=2e-4)
    # every corner, against the grid: rigid against scaled differs by less than the scale over half the building
    for x, y in ((0.0, 0.0), (20.0, 0.0), (20.0, 10.0), (0.0, 10.0)):
        east = 691_000.0 + x * math.cos(turn) - y * math.sin(turn)
        north = 5_334_000.0 + x * math.sin(turn) + y * math.cos(turn)
        expected = MUNICH.to_enu([[*to_lonlat.transform(east, north), 515.0]])[0]
        nearest = np.abs(content.mesh.vertices - expected).max(axis=1).min()
        assert nearest < 0.008  # 4e-4 × 11 m (UTM scale here 1.00005) and the earth's curvature
    assert "ifc_far_from_park" not in _codes(imported)


def test_the_shape_stays_rigid_in_web_mercator(new_house, read):
    house = new_house()
    house.box("IfcWall", "W", (20.0, 10.0, 3.0))
    east, north = Transformer.from_crs(4326, 3857, always_xy=True).transform(11.58, 48.14)
    _projected(house, name="EPSG:3857", east=east, north=north, height=500.0)
    box = np.array(read(house, frame=MUNICH).models[0].elements[0].bbox)
    assert np.allclose(box[3:] - box[:3], [20.0, 10.0, 3.0], atol=1e-4)


@pytest.mark.parametrize(
    ("unit_m", "scale", "unit", "east", "codes"),
    [
        (0.001, 0.001, "metre", 691_000.0, []),  # as the standard has it
        (0.001, None, "metre", 691_000.0, []),
        (0.001, 1.0, "metre", 691_000.0, ["ifc_scale_read_as"]),  # ratio of units forgotten
        (0.001, 1000.0, "metre", 691_000.0, ["ifc_scale_read_as"]),  # turned round
        (0.001, None, None, 691_000_000.0, []),  # no MapUnit: the project's unit
        (0.001, None, None, 691_000.0, ["ifc_map_unit_assumed"]),  # no MapUnit, but metres
        (0.001, None, "metre", 691_000_000.0, ["ifc_map_unit_assumed"]),  # metres said, millimetres written
        (1.0, 0.9996, "metre", 691_000.0, []),  # the grid's factor
        (1.0, 7.0, "metre", 691_000.0, ["ifc_scale_not_believed"]),
    ],
)
def test_mixed_up_units_end_in_the_same_place(new_house, read, unit_m, scale, unit, east, codes):
    house = new_house("IFC4", unit_m)
    house.box("IfcWall", "W", (2.0, 1.0, 3.0))
    factor = east / 691_000.0
    _projected(house, east=east, north=5_334_000.0 * factor, height=515.0 * factor, scale=scale, unit=unit)
    imported = read(house, frame=MUNICH)
    expected = MUNICH.to_enu([[*Transformer.from_crs(25832, 4326, always_xy=True).transform(691_000.0, 5_334_000.0), 515.0]])[0]
    assert np.abs(imported.models[0].mesh.vertices - expected).max(axis=1).min() < 0.002
    assert _codes(imported) == codes


def test_a_crs_name_that_is_missing_or_unknown_is_told_and_the_next_class_is_taken(new_house, read):
    for name, code in (("", "ifc_crs_missing"), ("EPSG:1234", "ifc_crs_unknown")):
        house = new_house()
        house.box("IfcWall", "W", (2.0, 1.0, 3.0))
        house.site.RefLatitude, house.site.RefLongitude, house.site.RefElevation = (48, 8, 30, 0), (11, 34, 30, 0), 510.0
        _projected(house, name=name)
        imported = read(house, frame=MUNICH)
        assert imported.models[0].model.georeferencing.kind == "site"
        assert imported.models[0].model.georeferencing.lonlat == pytest.approx((11.575, 48.1416666667))
        assert code in _codes(imported)


def test_the_person_can_name_the_crs(new_house, read):
    house = new_house()
    house.box("IfcWall", "W", (2.0, 1.0, 3.0))
    _projected(house, name="")
    reference = read(house, frame=MUNICH, crs="EPSG:25832").models[0].model.georeferencing
    assert (reference.kind, reference.crs) == ("map_conversion", "EPSG:25832")


def test_contradicting_conversions_are_not_used(new_house, read):
    house = new_house()
    house.box("IfcWall", "W", (2.0, 1.0, 3.0))
    _projected(house)
    _projected(house, east=700_000.0)
    imported = read(house, frame=MUNICH)
    assert imported.models[0].model.georeferencing.kind == "none"
    assert {"ifc_map_conversion_contradictory", "ifc_not_georeferenced"} <= set(_codes(imported))


def test_the_world_coordinate_system_is_taken_off_first(new_house, read):
    house = new_house()
    house.box("IfcWall", "W", (2.0, 1.0, 3.0), at=(100.0, 50.0, 7.0))
    file = house.file
    house.context.WorldCoordinateSystem = file.create_entity(
        "IfcAxis2Placement3D", file.create_entity("IfcCartesianPoint", (100.0, 50.0, 7.0))
    )  # fmt: skip
    _projected(house, unit="metre")
    vertices = read(house, frame=MUNICH).models[0].mesh.vertices
    expected = MUNICH.to_enu([[*Transformer.from_crs(25832, 4326, always_xy=True).transform(691_000.0, 5_334_000.0), 515.0]])[0]
    assert np.abs(vertices - expected).max(axis=1).min() < 0.002


def test_property_sets_stand_for_a_map_conversion_in_ifc2x3(new_house, read):
    house = new_house("IFC2X3")
    house.box("IfcWall", "W", (2.0, 1.0, 3.0))
    conversion = ifcopenshell.api.pset.add_pset(house.file, product=house.site, name="ePSet_MapConversion")
    values = {"Eastings": 691_000.0, "Northings": 5_334_000.0, "OrthogonalHeight": 515.0, "XAxisAbscissa": 0.0, "XAxisOrdinate": 1.0}
    ifcopenshell.api.pset.edit_pset(house.file, pset=conversion, properties={**values, "Scale": 1.0})
    crs = ifcopenshell.api.pset.add_pset(house.file, product=house.site, name="ePset_ProjectedCRS")
    ifcopenshell.api.pset.edit_pset(house.file, pset=crs, properties={"Name": "EPSG:25832"})
    reference = read(house, frame=MUNICH).models[0].model.georeferencing
    lon, lat = Transformer.from_crs(25832, 4326, always_xy=True).transform(691_000.0, 5_334_000.0)
    assert reference.kind == "property_sets"
    assert reference.lonlat == pytest.approx((lon, lat), abs=1e-9)
    assert reference.rotation_deg == pytest.approx(90.0 - math.degrees(_convergence(25832, lon, lat)), abs=2e-4)


@pytest.mark.parametrize("order", [(11.575, 48.14), (48.14, 11.575)])
def test_a_rigid_operation_is_read_in_either_order(new_house, read, order):
    house = new_house("IFC4X3")
    house.box("IfcWall", "W", (2.0, 1.0, 3.0))
    file = house.file
    degree = file.create_entity(
        "IfcConversionBasedUnit",
        file.create_entity("IfcDimensionalExponents", 0, 0, 0, 0, 0, 0, 0),
        "PLANEANGLEUNIT",
        "degree",
        file.create_entity(
            "IfcMeasureWithUnit",
            file.create_entity("IfcPlaneAngleMeasure", math.pi / 180),
            file.create_entity("IfcSIUnit", UnitType="PLANEANGLEUNIT", Name="RADIAN"),
        ),
    )
    crs = file.create_entity("IfcGeographicCRS", "EPSG:4258", AngleUnit=degree)
    first, second = (file.create_entity("IfcPlaneAngleMeasure", value) for value in order)
    file.create_entity("IfcRigidOperation", house.context, crs, first, second, 475.0)
    reference = read(house, frame=MUNICH).models[0].model.georeferencing
    assert reference.kind == "rigid_operation"
    assert reference.lonlat == pytest.approx((11.575, 48.14), abs=1e-9)
    assert reference.height_m == pytest.approx(475.0)


@pytest.mark.parametrize(("north", "turn_deg"), [((0.0, 1.0), 0.0), ((0.766044443, 0.642787610), 50.0), ((-0.5, 0.866025404), -30.0)])
def test_a_site_is_turned_by_true_north(new_house, read, north, turn_deg):
    house = new_house()
    house.box("IfcWall", "W", (20.0, 0.2, 3.0))
    house.site.RefLatitude, house.site.RefLongitude, house.site.RefElevation = (48, 8, 24, 0), (11, 34, 48, 0), 500.0
    house.context.TrueNorth = house.file.create_entity("IfcDirection", north)
    content = read(house, frame=MUNICH).models[0]
    assert content.model.georeferencing.rotation_deg == pytest.approx(turn_deg, abs=1e-6)
    far = content.mesh.vertices[np.linalg.norm(content.mesh.vertices[:, :2], axis=1).argmax()]
    angle = math.degrees(math.atan2(far[1], far[0]))
    assert angle == pytest.approx(turn_deg, abs=0.7)  # the far corner is 0.2 m beside the axis


def test_seconds_and_millionths_count_and_carry_the_sign(new_house, read):
    house = new_house()
    house.site.RefLatitude, house.site.RefLongitude = (-33, -52, -4, -500000), (151, 12, 26, 250000)
    reference = read(house).models[0].model.georeferencing
    assert reference.lonlat == pytest.approx((151 + 12 / 60 + 26.25 / 3600, -(33 + 52 / 60 + 4.5 / 3600)), abs=1e-12)


def test_latitude_and_longitude_zero_are_missing(new_house, read):
    house = new_house()
    house.site.RefLatitude, house.site.RefLongitude = (0, 0, 0), (0, 0, 0)
    imported = read(house)
    assert imported.models[0].model.georeferencing.kind == "none"
    assert "ifc_not_georeferenced" in _codes(imported)
    assert imported.models[0].model.georeferencing.lonlat == pytest.approx((120.6, 31.3))


@pytest.mark.parametrize("north", [(0.0, 0.0), (0.0, 0.0, 1.0)])
def test_a_true_north_that_is_no_direction_is_told(new_house, read, north):
    house = new_house()
    house.context.TrueNorth = house.file.create_entity("IfcDirection", north)
    imported = read(house)
    assert "ifc_true_north_malformed" in _codes(imported)
    assert imported.models[0].model.georeferencing.rotation_deg == 0.0


def test_a_place_given_wins_over_all_and_is_counter_clockwise_from_east(new_house, read):
    house = new_house()
    house.box("IfcWall", "W", (10.0, 0.2, 3.0))
    house.site.RefLatitude, house.site.RefLongitude = (48, 8, 24), (11, 34, 48)
    content = read(house, place="120.6,31.3,12.5,90").models[0]
    assert content.model.georeferencing.kind == "given"
    assert np.allclose(content.elements[0].bbox, [-0.2, 0.0, 12.5, 0.0, 10.0, 15.5], atol=1e-4)
    assert content.model.base_h_m == pytest.approx(12.5, abs=1e-4)
    assert content.model.top_h_m == pytest.approx(15.5, abs=1e-4)


@pytest.mark.parametrize("place", ["somewhere", "120", "1,2,3,4,5", "200,31", "nan,31,0,0"])
def test_a_place_that_is_none_is_refused(new_house, read, place):
    with pytest.raises(UsageError) as caught:
        read(new_house(), place=place)
    assert caught.value.code == "place_malformed"


def test_far_from_the_park_is_told_and_imported(new_house, read):
    house = new_house()
    house.box("IfcWall", "W", (10.0, 0.2, 3.0))
    house.site.RefLatitude, house.site.RefLongitude, house.site.RefElevation = (48, 8, 24), (11, 34, 48), 0.0
    imported = read(house)
    issue = next(issue for issue in imported.issues if issue.code == "ifc_far_from_park")
    assert 8_000 < float(issue.details["kilometres"]) < 12_000
    assert imported.models[0].elements[0].state == "built"


def test_coordinates_of_a_crs_need_the_person_to_name_it(new_house, read):
    east, north = 691_000.0, 5_334_000.0
    house = new_house()
    house.box("IfcWall", "W", (10.0, 0.2, 3.0), at=(east, north, 505.0))
    unnamed = read(house, frame=MUNICH)
    assert unnamed.models[0].model.georeferencing.kind == "none"
    offset = next(issue for issue in unnamed.issues if issue.code == "ifc_offset_removed")
    assert "EPSG:25832" in str(offset.details["candidates"]) or "EPSG:32632" in str(offset.details["candidates"])
    named = read(house, frame=MUNICH, crs="EPSG:25832").models[0]
    expected = MUNICH.to_enu([[*Transformer.from_crs(25832, 4326, always_xy=True).transform(east, north), 505.0]])[0]
    assert named.model.georeferencing.kind == "placement_in_crs"
    assert np.abs(named.mesh.vertices - expected).max(axis=1).min() < 0.005


def test_a_site_shifted_and_turned_as_well_is_not_shifted_and_turned_twice(new_house, read):
    house = new_house()
    house.site.RefLatitude, house.site.RefLongitude, house.site.RefElevation = (48, 8, 24), (11, 34, 48), 500.0
    turn = 20.0
    house.place(house.site, (114_502.0, 1_185_944.0, 0.0), turn_deg=turn)
    house.box("IfcWall", "W", (10.0, 0.2, 3.0), at=(114_502.0, 1_185_944.0, 0.0), turn_deg=turn)
    north = (math.sin(math.radians(turn)), math.cos(math.radians(turn)))  # grid north, seen from the site's turned axes
    house.context.TrueNorth = house.file.create_entity("IfcDirection", north)
    content = read(house, frame=MUNICH).models[0]
    assert content.model.georeferencing.kind == "double"
    far = content.mesh.vertices[np.linalg.norm(content.mesh.vertices[:, :2], axis=1).argmax()]
    assert math.degrees(math.atan2(far[1], far[0])) == pytest.approx(turn, abs=1.2)
    assert np.linalg.norm(far[:2]) == pytest.approx(math.hypot(10.0, 0.2), abs=1e-3)


def test_the_model_tilts_with_the_earth_away_from_the_origin(new_house, read):
    house = new_house()
    house.box("IfcColumn", "C", (0.2, 0.2, 100.0))
    lon = 120.6 + 0.1  # about 9.5 km east
    vertices = read(house, place=f"{lon},31.3,0,0").models[0].mesh.vertices
    top, foot = vertices[vertices[:, 2].argmax()], vertices[vertices[:, 2].argmin()]
    expected = Frame(120.6, 31.3).to_enu([[lon, 31.3, 0.0], [lon, 31.3, 100.0]])
    assert np.allclose((top - foot)[2], (expected[1] - expected[0])[2], atol=1e-3)
    assert (top - foot)[0] == pytest.approx((expected[1] - expected[0])[0], abs=0.25)
    assert abs((expected[1] - expected[0])[0]) > 0.1
