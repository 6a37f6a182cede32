"""Outlines from above of models whose plan is known."""

from __future__ import annotations

from pathlib import Path

import ifcopenshell
import ifcopenshell.geom
import numpy as np
import pytest
import shapely
import trimesh

from importers.ifc.drawing import Drawing
from importers.ifc.mesh import Body, merged
from importers.ifc.parts import Shape
from importers.ifc.silhouette import ground_floor, silhouettes


def _storey(name, z, elevation=None, building_z=0.0):
    return {"name": name, "z_m": z, "elevation_m": z if elevation is None else elevation, "building_z_m": building_z}


@pytest.mark.parametrize(
    ("storeys", "expected"),
    [
        ([_storey("B1", -3.0), _storey("1F", 0.0), _storey("2F", 3.0)], (0.0, "1F")),
        ([_storey("1F", -0.3), _storey("2F", 3.0)], (-0.3, "1F")),  # a step below
        ([_storey("1F", 115.0, 0.0, 115.0), _storey("B1", 112.0, -3.0, 115.0)], (115.0, "1F")),  # placed at its height
        ([_storey("1F", 0.0, 0.0), _storey("2F", 0.0, 3.3)], (0.0, "1F")),  # no storey is placed: Elevation tells
        ([_storey("B2", -8.0), _storey("B1", -4.0)], (-4.0, "B1")),  # a garage: its upper deck
        ([], (-0.5, "")),
    ],
)
def test_the_ground_floor(storeys, expected):
    assert ground_floor(storeys, -0.5) == expected


def _block(kind, low, high, step):
    mesh = trimesh.creation.box(bounds=[low, high])
    shape = Shape(np.asarray(mesh.vertices, float), np.asarray(mesh.faces, np.int32), np.full((len(mesh.faces), 4), np.nan, np.float32))
    return {"step": step, "class": kind}, Body("k", 0.0, False, [(shape, np.eye(4))])


def _drawing(*blocks):
    pairs = [_block(kind, low, high, step) for step, (kind, low, high) in enumerate(blocks, 1)]
    elements = [element for element, _ in pairs if element["class"] != "IfcSpace"]
    known = {element["step"]: body for element, body in pairs}
    return Drawing(elements, {}, known, merged([known[element["step"]] for element in elements]))


def _walls(x, y, t=0.3, z=(0.0, 3.0)):
    return [
        ("IfcWall", (0, 0, z[0]), (x, t, z[1])), ("IfcWall", (0, y - t, z[0]), (x, y, z[1])),
        ("IfcWall", (0, 0, z[0]), (t, y, z[1])), ("IfcWall", (x - t, 0, z[0]), (x, y, z[1])),
    ]  # fmt: skip


FLOORS = [_storey("1F", 0.0), _storey("2F", 3.0)]


def test_walls_are_the_outline_where_the_roof_reaches_over():
    found = silhouettes(
        _drawing(*_walls(12, 10), ("IfcSlab", (0, 0, -0.2), (12, 10, 0)), ("IfcRoof", (-0.8, -0.8, 6), (12.8, 10.8, 6.3))), FLOORS
    )
    assert found is not None
    assert found.areas["walls"].symmetric_difference(shapely.box(0, 0, 12, 10)).area < 0.01
    assert found.areas["whole"].symmetric_difference(shapely.box(-0.8, -0.8, 12.8, 10.8)).area < 0.01
    assert (found.ground_z_m, found.storey) == (0.0, "1F")


def test_upper_storeys_and_cellars_do_not_count_as_walls_on_the_ground():
    upper = [("IfcWall", (-3, 0, 3.0), (15, 0.3, 6.0))]
    cellar = [("IfcWall", (0, -5, -3.0), (12, -4.7, -0.1))]
    found = silhouettes(_drawing(*_walls(12, 10), *upper, *cellar, ("IfcSlab", (0, 0, -0.2), (12, 10, 0))), FLOORS)
    assert found is not None
    assert found.areas["walls"].bounds == pytest.approx((0, 0, 12, 10))


def test_a_courtyard_stays_open_and_rooms_do_not():
    inner = [
        ("IfcWall", (8, 8, 0), (22, 8.3, 3)), ("IfcWall", (8, 21.7, 0), (22, 22, 3)),
        ("IfcWall", (8, 8, 0), (8.3, 22, 3)), ("IfcWall", (21.7, 8, 0), (22, 22, 3)),
    ]  # fmt: skip
    ring = [
        ("IfcSlab", (0, 0, -0.2), (30, 8.3, 0)), ("IfcSlab", (0, 21.7, -0.2), (30, 30, 0)),
        ("IfcSlab", (0, 0, -0.2), (8.3, 30, 0)), ("IfcSlab", (21.7, 0, -0.2), (30, 30, 0)),
    ]  # fmt: skip
    found = silhouettes(_drawing(*_walls(30, 30), *inner, *ring), FLOORS)
    assert found is not None
    court = shapely.box(0, 0, 30, 30).difference(shapely.box(8.3, 8.3, 21.7, 21.7))
    assert found.areas["walls"].symmetric_difference(court).area < 0.1


def test_a_model_without_ground_has_none():
    assert silhouettes(_drawing(), FLOORS) is None


def _real(path: Path) -> Drawing:
    """The bodies of a real file by the kernel's own careful way."""
    settings = ifcopenshell.geom.settings()
    settings.set("use-world-coords", True)
    file = ifcopenshell.open(str(path))  # the iterator does not keep it alive
    elements, known = [], {}
    for shape in ifcopenshell.geom.iterator(settings, file, 1, exclude=("IfcSite", "IfcOpeningElement")):
        mesh = shape.geometry
        vertices, faces = np.array(mesh.verts).reshape(-1, 3), np.array(mesh.faces, np.int32).reshape(-1, 3)
        known[shape.id] = Body("k", 0.0, False, [(Shape(vertices, faces, np.full((len(faces), 4), np.nan, np.float32)), np.eye(4))])
        elements += [{"step": shape.id, "class": shape.type}] if shape.type != "IfcSpace" else []
    return Drawing(elements, {}, known, merged([known[element["step"]] for element in elements]))


@pytest.mark.parametrize(
    ("name", "walls", "area"),
    [("arch/AC20-FZK-Haus.ifc", (0.0, 0.0, 12.0, 10.0), 120.0), ("zh/TestModel_IFC4Add2.ifc", (-6.09, -2.14, 6.13, 4.08), 75.7)],
)
def test_real_houses(shared_data, name, walls, area):
    found = silhouettes(_real(shared_data / "ifc" / name), FLOORS)
    assert found is not None
    assert found.areas["walls"].bounds == pytest.approx(walls, abs=0.01)
    assert found.areas["walls"].area == pytest.approx(area, rel=0.01)
