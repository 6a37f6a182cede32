"""The figures that the data set's README states of its IFC files, typed in here and found again in what is imported.

Counts hold to the unit, areas and boxes to half a percent. Where this program differs from the README, the difference is written down
with its reason and checked element by element.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import ifcopenshell
import ifcopenshell.geom
import numpy as np
import pytest
import shapely

from importers.contract import Context, Imported, Options
from importers.ifc import IMPORTER
from twin.crs import Frame
from twin.model import Park

HERE = Frame(0.0, 0.0)  # models stand at the park's origin, unturned: the park's frame is then the model's


@dataclass(frozen=True)
class Stated:
    """One row of the README; None where it says nothing."""

    products: int  # with representation
    storeys: int
    spaces: int = 0
    doors: int = 0
    windows: int = 0
    stairs: int = 0
    alignments: int = 0
    made_up_storeys: int = 0  # where the file has none


@dataclass(frozen=True)
class Measured:
    """One row of the README's table of reference values."""

    box: tuple[float, ...]  # x min, y min, z min, x max, y max, z max [m]
    area_m2: float


STATED = {
    "arch/AC20-FZK-Haus.ifc": Stated(121, 2, 7, 5, 11, 1),
    "arch/Duplex_A_20110907.ifc": Stated(286, 4, 21, 14, 24, 2),
    "arch/Duplex_A_20110907_georeferenced.ifc": Stated(286, 4, 21, 14, 24, 2),
    "arch/Office_A_20110811.ifc": Stated(1083, 3, 99, 102, 69, 2),
    "arch/SampleHouse4.ifc": Stated(69, 2, 4, 3, 4),
    "arch/LargeBuilding.ifc": Stated(182, 2, 8, 18, 42),
    "arch/IfcOpenHouse_IFC4.ifc": Stated(39, 1, 0, 1, 5),
    "arch/Schependomlaan_houten_kozijnen.ifczip": Stated(233, 4, 0, 30, 67),
    "arch/great_court_roof.ifc": Stated(5178, 1),
    "zh/TestModel_IFC4Add2.ifc": Stated(32, 2, 2, 2, 7, 1),
    "mep/b03_heating_with_building.ifc": Stated(267, 1, 5, 0, 12),
    "mep/3rooms_Heater_AirTerminal_Table_with_SB.ifc": Stated(45, 1, 4, 4, 7),
    "infra/multiple_alignments_foot.ifc": Stated(1441, 0, alignments=26),
    "infra/linear-placement-of-signal.ifc": Stated(52, 0, alignments=1),
    "invalid/large_offset.ifc": Stated(16, 2, windows=1),
    "invalid/wall_segfault_597.ifc": Stated(1, 0, made_up_storeys=1),
    "invalid/wall_infinite_loop_455.ifc": Stated(3, 1),
    "invalid/wall_big_bounding_box_450.ifc": Stated(1, 0, made_up_storeys=1),
    "invalid/no_geometry_605.ifc": Stated(5, 0, made_up_storeys=1),
    "invalid/bsi_sps005-element_without_spatial_relationship.ifc": Stated(13, 0, alignments=1, made_up_storeys=1),
    "invalid/bsi_gem112-rect_dup.ifc": Stated(1, 0, spaces=1),
    "invalid/bsi_gem002-no_representation.ifc": Stated(0, 0, spaces=1),
}
MEASURED = {
    "arch/Office_A_20110811.ifc": Measured((-0.52, -36.35, -1.22, 50.06, 0.5, 14.82), 3427.6),
    "arch/AC20-FZK-Haus.ifc": Measured((-0.5, -0.5, -0.2, 12.5, 10.5, 6.32), 208.5),
    "arch/Duplex_A_20110907.ifc": Measured((-0.24, -22.18, -1.55, 9.04, 4.38, 9.0), 362.0),
    "zh/TestModel_IFC4Add2.ifc": Measured((-6.09, -2.14, -0.15, 6.13, 4.08, 8.0), 136.9),
    "arch/SampleHouse4.ifc": Measured((-9.23, -2.75, -0.47, 7.63, 5.92, 3.5), 152.6),
    "arch/LargeBuilding.ifc": Measured((-22.57, -20.94, -0.15, 30.62, 18.18, 8.0), 299.5),
    "mep/b03_heating_with_building.ifc": Measured((-0.0, -5.28, -4.39, 18.02, 1.1, 6.47), 240.6),
}


@cache
def _imported(path: Path) -> Imported:
    return IMPORTER.read(path, Context(Park("p", HERE), Options(place="0,0,0,0")))


def _count(imported: Imported, *classes: str) -> int:
    return sum(element.ifc_class in classes for element in imported.models[0].elements)


@pytest.mark.parametrize("name", list(STATED))
def test_counts(shared_data, name):
    stated, imported = STATED[name], _imported(shared_data / "ifc" / name)
    content = imported.models[0]
    assert len(content.spaces) == stated.spaces
    assert len(content.storeys) == stated.storeys + stated.made_up_storeys
    assert ("ifc_storeys_made_up" in {issue.code for issue in imported.issues}) == (stated.made_up_storeys > 0)
    assert _count(imported, "IfcDoor") == stated.doors
    assert _count(imported, "IfcWindow") == stated.windows
    assert _count(imported, "IfcStair") == stated.stairs
    assert _count(imported, "IfcAlignment") == stated.alignments


@pytest.mark.parametrize("name", list(STATED))
def test_every_product_with_a_representation_is_accounted_for(shared_data, name):
    """Each is a drawn element, one without a body and a reason, a space, an opening in another, or listed as left out."""
    imported = _imported(shared_data / "ifc" / name)
    content = imported.models[0]
    with_representation = [element for element in content.elements if element.reason != "no_representation"]
    assert all(element.reason for element in content.elements if element.state != "built")
    left_out = sum(entry["count"] for entry in imported.details["left_out"].values())
    told = len(with_representation) + len(content.spaces) + _inside(imported) + left_out
    assert told >= STATED[name].products  # what is told may have no representation; what has one is told


def _inside(imported: Imported) -> int:
    """Openings and segments that are told with the element they belong to."""
    own = [element.properties["_ifc"] for element in imported.models[0].elements]
    return sum(len(said.get("openings", ())) + sum(_segments(part) for part in said.get("segments", ())) for said in own)


def _segments(part: dict[str, object]) -> int:
    parts = part.get("parts", ())
    return 1 + sum(_segments(child) for child in parts) if isinstance(parts, list) else 1


@pytest.mark.parametrize("name", list(MEASURED))
def test_areas_of_spaces(shared_data, name):
    content = _imported(shared_data / "ifc" / name).models[0]
    areas = {space.name: space.attributes["_ifc"]["area_by_body_m2"] for space in content.spaces}
    inside_out = sum(areas[room] for room in INSIDE_OUT.get(name, ()))
    assert sum(areas.values()) - inside_out == pytest.approx(MEASURED[name].area_m2, rel=5e-3)


# Rooms whose bodies have all faces turned inwards: the README adds up upward faces and finds none, we have their floors.
INSIDE_OUT = {"arch/Duplex_A_20110907.ifc": ("A201", "B201")}


@pytest.mark.parametrize(("name", "room"), [(name, room) for name, rooms in INSIDE_OUT.items() for room in rooms])
def test_rooms_that_the_readme_misses_have_no_upward_face(shared_data, name, room):
    file = ifcopenshell.open(str(shared_data / "ifc" / name))
    space = next(space for space in file.by_type("IfcSpace") if space.Name == room)
    shape = ifcopenshell.geom.create_shape(ifcopenshell.geom.settings(), space)
    corners = np.array(shape.geometry.verts).reshape(-1, 3)[np.array(shape.geometry.faces).reshape(-1, 3)]  # (f, 3, 3)
    up = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] / 2
    assert up.max() < 1e-9
    area = next(s.attributes["_ifc"]["area_by_body_m2"] for s in _imported(shared_data / "ifc" / name).models[0].spaces if s.name == room)
    assert -up.sum() == pytest.approx(2 * area, rel=1e-3)  # floor and ceiling, both downwards


@pytest.mark.parametrize("name", list(MEASURED))
def test_boxes(shared_data, name):
    content = _imported(shared_data / "ifc" / name).models[0]
    boxes = np.array([element.bbox for element in content.elements if element.bbox is not None and element.ifc_class != "IfcSite"])
    plane = np.array([shapely.bounds(HERE.project(space.outline)) for space in content.spaces if space.outline is not None])
    low = np.array([*np.minimum(boxes[:, :2].min(axis=0), plane[:, :2].min(axis=0)), boxes[:, 2].min()])
    high = np.maximum(boxes[:, 3:5].max(axis=0), plane[:, 2:].max(axis=0))
    reach = np.array(OPENINGS_REACH.get(name, (0.0, 0.0, 0.0)))
    stated = np.array(MEASURED[name].box)
    assert np.allclose([*(low - reach), *(high + reach[:2])], stated[:5], atol=0.02)
    tops = [boxes[:, 5].max(), *(space.floor_h_m + (space.height_m or 0.0) for space in content.spaces)]  # a room may reach highest
    assert boxes[:, 5].max() < stated[5] + 0.02
    assert min(abs(top - stated[5]) for top in tops) < 0.02


# How far openings reach out of the walls they cut: the README's boxes have them, a model's outline has not. [m]
OPENINGS_REACH = {"mep/b03_heating_with_building.ifc": (0.0, 0.6, 0.0)}


def test_office_by_kernel_and_class(shared_data):
    """The largest indoor case, class by class."""
    kinds = Counter(element.ifc_class for element in _imported(shared_data / "ifc/arch/Office_A_20110811.ifc").models[0].elements)
    assert kinds["IfcFlowTerminal"] == 31
    assert kinds["IfcDoor"] == 102
