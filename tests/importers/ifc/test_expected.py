"""Boxes foretold from definitions against what OpenCascade builds."""

from __future__ import annotations

import ifcopenshell.geom
import numpy as np
import pytest

from importers.ifc.expected import Expected, disagreement, expected


def _built(product):
    settings = ifcopenshell.geom.settings()
    shape = ifcopenshell.geom.create_shape(settings, product, geometry_library="opencascade")
    return np.array(shape.geometry.verts, float).reshape(-1, 3)


def _solid(house, profile, direction=(0.0, 0.0, 1.0), axis=None, reference=None, depth=2.0):
    file = house.file
    directions = [file.create_entity("IfcDirection", vector) if vector else None for vector in (axis, reference)]
    position = file.create_entity("IfcAxis2Placement3D", file.create_entity("IfcCartesianPoint", (1.0, 2.0, 3.0)), *directions)
    return file.create_entity(
        "IfcExtrudedAreaSolid", profile, position, file.create_entity("IfcDirection", direction), depth / house.unit_m
    )


def _polygon(house):
    file = house.file
    points = [file.create_entity("IfcCartesianPoint", point) for point in ((0.0, 0.0), (3.0, 0.0), (1.0, 2.0), (0.0, 0.0))]
    return file.create_entity("IfcArbitraryClosedProfileDef", "AREA", None, file.create_entity("IfcPolyline", points))


@pytest.mark.parametrize(
    ("direction", "axis", "reference"),
    [
        ((0.0, 0.0, 1.0), None, None),
        ((0.3, 0.0, 1.0), (0.0, 1.0, 1.0), (1.0, 0.2, 0.1)),
        ((0.0, 0.0, -1.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    ],
)
def test_extrusions_are_foretold_to_the_micrometre(new_house, direction, axis, reference):
    house = new_house()
    wall = house.box("IfcWall", "W", (1.0, 1.0, 1.0))
    house.shape(wall, _solid(house, _polygon(house), direction, axis, reference))
    hope = expected(wall)
    vertices = _built(wall)
    assert hope.is_exact
    assert np.allclose([hope.points.min(0), hope.points.max(0)], [vertices.min(0), vertices.max(0)], atol=1e-6)
    assert disagreement(vertices, hope, 1.0) < 1e-6


def test_a_mapped_body_is_foretold_in_its_place(new_house):
    house = new_house()
    file = house.file
    source = house.box("IfcWall", "S", (1.0, 2.0, 3.0))
    origin = file.create_entity("IfcAxis2Placement3D", file.create_entity("IfcCartesianPoint", (0.0, 0.0, 0.0)))
    shared = file.create_entity("IfcRepresentationMap", origin, source.Representation.Representations[0])
    operator = file.create_entity(
        "IfcCartesianTransformationOperator3D", None, None, file.create_entity("IfcCartesianPoint", (5.0, 6.0, 7.0)), 2.0, None
    )
    wall = house.box("IfcWall", "W", (1.0, 1.0, 1.0))
    house.shape(wall, file.create_entity("IfcMappedItem", shared, operator), kind="MappedRepresentation")
    vertices = _built(wall)
    assert np.allclose([expected(wall).points.min(0), expected(wall).points.max(0)], [vertices.min(0), vertices.max(0)], atol=1e-6)


def test_a_clipped_body_may_be_smaller_but_not_larger(new_house):
    house = new_house()
    wall = house.box("IfcWall", "W", (4.0, 1.0, 3.0))
    cut = house.file.create_entity("IfcBooleanResult", "DIFFERENCE", house.block((4.0, 1.0, 3.0)), house.block((1.0, 1.0, 1.0)))
    house.shape(wall, cut, kind="CSG")
    hope = expected(wall)
    inside, outside = np.array([[0.0, 0.0, 0.0], [3.0, 1.0, 2.0]]), np.array([[0.0, 0.0, 0.0], [4.5, 1.0, 3.0]])
    assert disagreement(inside, hope, 1.0) == 0.0
    assert disagreement(outside, hope, 1.0) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("profile", "sizes"),
    [
        ("IfcCircleProfileDef", (0.7,)),
        ("IfcCircleHollowProfileDef", (0.7, 0.1)),
        ("IfcEllipseProfileDef", (0.7, 0.4)),
        ("IfcIShapeProfileDef", (0.4, 0.6, 0.05, 0.05)),
        ("IfcLShapeProfileDef", (0.6, 0.3, 0.05)),
        ("IfcLShapeProfileDef", (0.6, None, 0.05)),
        ("IfcUShapeProfileDef", (0.6, 0.3, 0.05, 0.05)),
        ("IfcTShapeProfileDef", (0.6, 0.3, 0.05, 0.05)),
        ("IfcCShapeProfileDef", (0.6, 0.3, 0.05, 0.1)),
        ("IfcRoundedRectangleProfileDef", (0.4, 0.6, 0.1)),
    ],
)
@pytest.mark.parametrize("axis", [None, (1.0, 0.5, 0.2)])
def test_what_bends_stays_within_a_box_that_fits_it(new_house, profile, sizes, axis):
    house = new_house()
    wall = house.box("IfcWall", "W", (1.0, 1.0, 1.0))
    area = house.file.create_entity(profile, "AREA", None, None, *(size and size / house.unit_m for size in sizes))
    house.shape(wall, _solid(house, area, axis=axis, reference=axis and (0.0, 1.0, 0.3)))
    hope, vertices = expected(wall), _built(wall)
    assert not hope.is_exact
    assert disagreement(vertices, hope, house.unit_m) < 1e-6
    if axis is None:  # upright, the box is as large as the body, but for the chords of a circle
        assert np.allclose(np.ptp(hope.points * house.unit_m, axis=0), np.ptp(vertices, axis=0), rtol=0.03)


@pytest.mark.parametrize("degrees", [30.0, 90.0, 360.0])
def test_what_turns_round_an_axis_stays_within_its_circles(new_house, degrees):
    house = new_house()
    file, unit = house.file, house.unit_m
    bend = house.box("IfcWall", "W", (1.0, 1.0, 1.0))
    area = file.create_entity("IfcCircleProfileDef", "AREA", None, None, 0.2 / unit)
    point, side = file.create_entity("IfcCartesianPoint", (1.0 / unit, 0.0, 0.0)), file.create_entity("IfcDirection", (0.0, 1.0, 0.0))
    axis = file.create_entity("IfcAxis1Placement", point, side)
    angle = file.by_type("IfcUnitAssignment")[0]
    is_degrees = any(each.is_a("IfcConversionBasedUnit") and each.UnitType == "PLANEANGLEUNIT" for each in angle.Units)
    position = file.create_entity("IfcAxis2Placement3D", file.create_entity("IfcCartesianPoint", (1.0 / unit, 2.0 / unit, 3.0 / unit)))
    turn = degrees if is_degrees else np.radians(degrees)
    house.shape(bend, file.create_entity("IfcRevolvedAreaSolid", area, position, axis, float(turn)))
    hope, vertices = expected(bend), _built(bend)
    assert disagreement(vertices, hope, unit) < 1e-6
    assert disagreement(np.add(vertices, [0.0, 3.0, 0.0]), hope, unit) > 0.5


def test_arcs_in_an_outline_are_not_foretold(new_house):
    house = new_house()
    file = house.file
    wall = house.box("IfcWall", "W", (1.0, 1.0, 1.0))
    points = file.create_entity("IfcCartesianPointList2D", ((0.0, 0.0), (2.0, 0.0), (3.0, 1.0), (2.0, 2.0), (0.0, 2.0)))
    segments = [
        file.create_entity("IfcLineIndex", (1, 2)),
        file.create_entity("IfcArcIndex", (2, 3, 4)),
        file.create_entity("IfcLineIndex", (4, 5, 1)),
    ]
    curve = file.create_entity("IfcIndexedPolyCurve", points, segments)
    house.shape(wall, _solid(house, file.create_entity("IfcArbitraryClosedProfileDef", "AREA", None, curve)))
    assert expected(wall) is None


def test_falling_short_counts_where_the_body_is_exact():
    hope = Expected(np.array([[0.0, 0.0, 0.0], [1000.0, 1000.0, 1000.0]]))
    assert disagreement(np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 0.4]]), hope, 0.001) == pytest.approx(0.6)
