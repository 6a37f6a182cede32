"""From file to park, on houses written for the purpose."""

from __future__ import annotations

import subprocess
import sys

import ifcopenshell.api.aggregate
import ifcopenshell.api.feature
import ifcopenshell.api.pset
import ifcopenshell.api.root
import ifcopenshell.api.spatial
import ifcopenshell.api.type
import numpy as np
import pytest

from twin.crs import Frame


@pytest.mark.parametrize(("schema", "unit_m"), [("IFC2X3", 0.001), ("IFC4", 0.001), ("IFC4", 1.0), ("IFC4X3", 1.0)])
def test_a_wall_comes_out_in_metres_where_it_was_put(new_house, read, schema, unit_m):
    house = new_house(schema, unit_m)
    house.box("IfcWall", "Außenwand 外墙", (6.0, 0.3, 2.8), at=(1.0, 2.0, 0.5))
    model = read(house, place="120.6,31.3,0,0").models[0]
    wall = next(element for element in model.elements if element.ifc_class == "IfcWall")
    assert wall.name == "Außenwand 外墙"
    assert wall.state == "built"
    assert wall.storey_id == house.storey.GlobalId
    assert np.allclose(wall.bbox, [1.0, 2.0, 0.5, 7.0, 2.3, 3.3], atol=1e-5)
    assert model.mesh.element_ids == [wall.id]
    assert _volume(model.mesh) == pytest.approx(6.0 * 0.3 * 2.8, rel=1e-6)
    assert model.model.schema.startswith(schema)
    assert model.model.name == "研发楼"


def test_an_opening_cuts_its_wall_and_is_no_element(new_house, read):
    house = new_house()
    wall = house.box("IfcWall", "W", (4.0, 0.2, 3.0))
    opening = house.box("IfcOpeningElement", "O", (1.0, 0.4, 2.0), at=(1.0, -0.1, 0.0))
    ifcopenshell.api.feature.add_feature(house.file, feature=opening, element=wall)
    imported = read(house)
    content = imported.models[0]
    assert [element.ifc_class for element in content.elements] == ["IfcWall"]
    assert imported.details["left_out"] == {}
    assert [said["id"] for said in content.elements[0].properties["_ifc"]["openings"]] == [opening.GlobalId]
    assert _volume(content.mesh) == pytest.approx(4.0 * 0.2 * 3.0 - 1.0 * 0.2 * 2.0, rel=1e-4)


def test_a_body_cut_by_a_half_space_goes_to_the_exact_kernel(new_house, read):
    house = new_house()
    wall = house.box("IfcWall", "gable", (4.0, 0.2, 3.0))
    file = house.file
    plane = file.create_entity(
        "IfcPlane",
        file.create_entity(
            "IfcAxis2Placement3D",
            file.create_entity("IfcCartesianPoint", (0.0, 0.0, 1.0)),
            file.create_entity("IfcDirection", (-0.5, 0.0, 1.0)),
            file.create_entity("IfcDirection", (1.0, 0.0, 0.5)),
        ),
    )
    half = file.create_entity("IfcHalfSpaceSolid", plane, False)  # away from the normal lies the half that stays
    body = wall.Representation.Representations[0].Items[0]
    house.shape(wall, file.create_entity("IfcBooleanClippingResult", "DIFFERENCE", body, half), kind="Clipping")
    element = read(house).models[0].elements[0]
    assert element.kernel == "hybrid-cgal-simple-opencascade"
    assert element.bbox[5] == pytest.approx(3.0, abs=1e-5)  # the plane z = 1 + x / 2 reaches 3 m at x = 4 m
    content = read(house).models[0]
    assert _volume(content.mesh) == pytest.approx(4.0 * 0.2 * 2.0, rel=1e-6)  # mean height under the plane: 2 m


def test_a_body_that_its_opening_takes_away_is_told_not_drawn(new_house, read):
    house = new_house()
    frame = house.box("IfcBuildingElementProxy", "Rahmen", (1.0, 0.2, 2.0))
    opening = house.box("IfcOpeningElement", "O", (1.0, 0.2, 2.0))
    ifcopenshell.api.feature.add_feature(house.file, feature=opening, element=frame)
    house.box("IfcWall", "W", (4.0, 0.2, 3.0), at=(0.0, 3.0, 0.0))
    elements = {element.name: element for element in read(house).models[0].elements}
    assert (elements["Rahmen"].state, elements["Rahmen"].reason) == ("no_body", "voided_by_openings")
    assert elements["W"].state == "built"


def test_parts_are_elements_of_their_own_and_the_whole_says_why_it_has_no_body(new_house, read):
    house = new_house()
    stair = ifcopenshell.api.root.create_entity(house.file, ifc_class="IfcStair", name="T1")
    ifcopenshell.api.spatial.assign_container(house.file, products=[stair], relating_structure=house.storey)
    flight = house.box("IfcStairFlight", "T1.1", (1.0, 3.0, 0.2))
    ifcopenshell.api.aggregate.assign_object(house.file, products=[flight], relating_object=stair)
    content = read(house).models[0]
    elements = {element.name: element for element in content.elements}
    assert (elements["T1"].state, elements["T1"].reason) == ("no_body", "aggregate")
    assert elements["T1.1"].state == "built"
    assert elements["T1.1"].storey_id == house.storey.GlobalId
    assert elements["T1.1"].properties["_ifc"]["part_of"] == stair.GlobalId
    assert list(content.mesh.element_ids) == [flight.GlobalId]


def test_missing_and_repeated_ids_get_stable_substitutes(new_house, read, tmp_path):
    house = new_house()
    first, second, third = (house.box("IfcWall", name, (1.0, 0.2, 1.0), at=(2.0 * k, 0.0, 0.0)) for k, name in enumerate("ABC"))
    second.GlobalId = first.GlobalId
    path = house.save(tmp_path / "a.ifc")
    path.write_text(path.read_text().replace(f"'{third.GlobalId}'", "$"))
    imported = read(path)
    ids = [element.id for element in imported.models[0].elements]
    assert len(set(ids)) == 3
    assert first.GlobalId in ids
    assert sorted(issue.code for issue in imported.issues if issue.code.startswith("ifc_id")) == ["ifc_id_missing", "ifc_id_repeated"]
    assert [element.id for element in read(path).models[0].elements] == ids
    assert {element.state for element in imported.models[0].elements} == {"built"}


def test_a_space_has_floor_height_area_and_use_and_is_not_in_the_mesh(new_house, read):
    house = new_house(unit_m=0.001)
    space = house.box("IfcSpace", "101", (5.0, 4.0, 3.0), at=(1.0, 1.0, 0.2), turn_deg=30.0)
    space.LongName = "会议室"
    house.box("IfcSlab", "S", (10.0, 10.0, 0.2))
    content = read(house).models[0]
    room = content.spaces[0]
    assert (room.usage, room.storey_id, room.long_name) == ("meeting", house.storey.GlobalId, "会议室")
    assert room.floor_h_m == pytest.approx(0.2, abs=1e-3)
    assert room.height_m == pytest.approx(3.0, abs=1e-6)
    assert room.area_m2 == pytest.approx(20.0, abs=1e-3)
    assert Frame(120.6, 31.3).project(room.outline).area == pytest.approx(20.0, abs=1e-3)
    assert len(content.mesh.element_ids) == 1


def test_properties_and_quantities_are_in_si_and_the_type_gives_what_the_element_lacks(new_house, read):
    house = new_house(unit_m=0.001)
    wall = house.box("IfcWall", "W", (4.0, 0.2, 3.0))
    kind = ifcopenshell.api.root.create_entity(house.file, ifc_class="IfcWallType", name="承重墙 200")
    ifcopenshell.api.type.assign_type(house.file, related_objects=[wall], relating_type=kind, should_map_representations=False)
    own = ifcopenshell.api.pset.add_pset(house.file, product=wall, name="Pset_WallCommon")
    ifcopenshell.api.pset.edit_pset(house.file, pset=own, properties={"IsExternal": True, "Reference": "R1"})
    typed = ifcopenshell.api.pset.add_pset(house.file, product=kind, name="Pset_WallCommon")
    ifcopenshell.api.pset.edit_pset(house.file, pset=typed, properties={"FireRating": "F90", "Reference": "R0"})
    quantities = ifcopenshell.api.pset.add_qto(house.file, product=wall, name="Qto_WallBaseQuantities")
    ifcopenshell.api.pset.edit_qto(house.file, qto=quantities, properties={"Length": 4000.0, "NetVolume": 2.4})
    element = next(element for element in read(house).models[0].elements if element.name == "W")
    assert element.type_name == "承重墙 200"
    assert element.properties["Pset_WallCommon"] == {"IsExternal": True, "Reference": "R1", "FireRating": "F90"}
    assert element.properties["_type_sets"] == ["Pset_WallCommon"]
    assert element.properties["Qto_WallBaseQuantities"] == {"Length": pytest.approx(4.0), "NetVolume": pytest.approx(2.4)}


def test_two_files_of_one_project_are_two_models_and_a_new_version_is_the_same(new_house, read):
    house = new_house()
    house.box("IfcWall", "W", (4.0, 0.2, 3.0))
    architecture = read(house, name="architecture.ifc").models[0].model.id
    services = read(house, name="services.ifc").models[0].model.id
    house.box("IfcWall", "W2", (4.0, 0.2, 3.0), at=(0.0, 2.0, 0.0))
    again = read(house, name="architecture.ifc").models[0].model.id
    assert architecture == again
    assert architecture != services


def test_a_path_in_chinese_and_with_blanks_is_read(new_house, read):
    house = new_house()
    house.box("IfcWall", "W", (4.0, 0.2, 3.0))
    assert read(house, name="东湖 研发楼 v2.ifc").models[0].elements[0].state == "built"


def test_a_footprint_that_nobody_can_fit_is_told(new_house, read):
    imported = read(new_house(), place="footprint")
    assert "ifc_footprint_none" in {issue.code for issue in imported.issues}


def test_storeys_have_absolute_heights_and_reach_to_the_next(new_house, read):
    house = new_house(unit_m=0.001)
    house.site.RefLatitude, house.site.RefLongitude, house.site.RefElevation = (31, 18, 0), (120, 36, 0), 4200.0
    upper = ifcopenshell.api.root.create_entity(house.file, ifc_class="IfcBuildingStorey", name="二层")
    ifcopenshell.api.aggregate.assign_object(house.file, products=[upper], relating_object=house.building)
    house.place(upper, (0.0, 0.0, 3.6))
    upper.Elevation, house.storey.Elevation = 3600.0, 0.0
    house.box("IfcSlab", "S", (10.0, 10.0, 0.2))
    ground, first = read(house).models[0].storeys
    assert (ground.name, first.name) == ("首层", "二层")
    assert ground.base_h_m == pytest.approx(4.2, abs=1e-3)
    assert first.base_h_m == pytest.approx(7.8, abs=1e-3)
    assert (ground.elevation_m, first.elevation_m) == (0.0, pytest.approx(3.6))
    assert ground.height_m == pytest.approx(3.6)


def test_storeys_that_are_not_placed_stand_by_their_elevation(new_house, read):
    house = new_house()
    upper = ifcopenshell.api.root.create_entity(house.file, ifc_class="IfcBuildingStorey", name="2")
    ifcopenshell.api.aggregate.assign_object(house.file, products=[upper], relating_object=house.building)
    house.storey.Elevation, upper.Elevation = 0.0, 3.2
    ground, first = read(house).models[0].storeys
    assert first.base_h_m - ground.base_h_m == pytest.approx(3.2)


def test_a_file_without_units_and_of_impossible_size_is_taken_for_millimetres(new_house, read, tmp_path):
    house = new_house(unit_m=0.001)
    house.box("IfcWall", "W", (4.0, 0.2, 3.0), at=(500_000.0, 4_000_000.0, 0.0))
    house.project.UnitsInContext = None
    imported = read(house)
    box = np.array(imported.models[0].elements[0].bbox)
    assert np.allclose(box[3:] - box[:3], [4.0, 0.2, 3.0], atol=1e-4)
    assert "ifc_units_missing" in {issue.code for issue in imported.issues}
    assert np.abs(box[:3]).max() < 100.0  # its offset is taken off: the middle stands at the park's origin


def test_styles_of_the_file_are_kept_and_glass_is_seen_through(new_house, read):
    house = new_house()
    wall = house.box("IfcWall", "red", (4.0, 0.2, 3.0))
    house.box("IfcWindow", "plain", (1.0, 0.1, 1.0), at=(0.0, 2.0, 0.0))
    file = house.file
    shade = file.create_entity("IfcSurfaceStyleShading", file.create_entity("IfcColourRgb", None, 1.0, 0.0, 0.0), 0.25)
    style = file.create_entity("IfcSurfaceStyle", "red", "BOTH", [shade])
    file.create_entity("IfcStyledItem", wall.Representation.Representations[0].Items[0], [style], None)
    content = read(house).models[0]
    names = [element.name for element in content.elements]
    owner = np.array([names[k] for k in content.mesh.face_element])
    assert {tuple(color) for color in content.mesh.face_color[owner == "red"].tolist()} == {(255, 0, 0, 191)}
    assert content.mesh.face_color[owner == "plain"][:, 3].max() < 128


def test_progress_counts_to_all_bodies(new_house, tmp_path):
    from importers.contract import Context, Options
    from importers.ifc import IMPORTER
    from twin.model import Park

    house = new_house()
    for k in range(5):
        house.box("IfcWall", str(k), (1.0, 0.2, 1.0), at=(2.0 * k, 0.0, 0.0))
    heard = []
    context = Context(Park("p", Frame(0.0, 0.0)), Options(), progress=lambda *said: heard.append(said))
    IMPORTER.read(house.save(tmp_path / "h.ifc"), context)
    assert heard[-1] == ("geometry", 5, 5)
    assert all(done <= total for stage, done, total in heard if stage == "geometry")


def test_the_parent_never_imports_the_kernel(new_house, tmp_path):
    house = new_house()
    house.box("IfcWall", "W", (4.0, 0.2, 3.0))
    path = house.save(tmp_path / "h.ifc")
    program = (
        "import sys; from pathlib import Path; from importers.ifc import IMPORTER; from importers.contract import Context, Options;"
        "from twin.model import Park; from twin.crs import Frame;"
        f"IMPORTER.read(Path({str(path)!r}), Context(Park('p', Frame(0.0, 0.0)), Options()));"
        "sys.exit('ifcopenshell' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def _volume(mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] - mesh.vertices[0] for k in range(3))
    return abs(float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6.0)
