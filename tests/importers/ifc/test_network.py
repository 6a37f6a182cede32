"""Ports, joints and groups: what a file states, and what follows from where ports lie."""

from __future__ import annotations

import ifcopenshell.api.aggregate
import ifcopenshell.api.feature
import ifcopenshell.api.group
import ifcopenshell.api.material
import ifcopenshell.api.pset
import ifcopenshell.api.root
import ifcopenshell.api.spatial
import ifcopenshell.api.system
import ifcopenshell.guid
import ifcopenshell.util.system
import numpy as np
import pytest
from ifcopenshell.util.placement import get_local_placement

from importers.ifc.placements import Placements


def _pipe(house, name, x, ports):
    """A pipe of one metre from `x`, with ports at `ports`: (x, flow)."""
    pipe = house.box("IfcPipeSegment", name, (1.0, 0.1, 0.1), at=(x, 0.0, 0.0))
    for at, flow in ports:
        port = ifcopenshell.api.system.add_port(house.file, element=pipe)
        port.FlowDirection = flow
        house.place(port, (at, 0.05, 0.05))
    return pipe


def _ports(house, pipe):
    return ifcopenshell.util.system.get_ports(pipe)


def test_stated_joints_run_with_the_flow_and_have_a_place(new_house, read):
    house = new_house()
    first = _pipe(house, "A", 0.0, [(1.0, "SINK")])
    second = _pipe(house, "B", 1.0, [(1.0, "SOURCE")])
    ifcopenshell.api.system.connect_port(house.file, port1=_ports(house, first)[0], port2=_ports(house, second)[0], direction="SINK")
    _ports(house, first)[0].FlowDirection, _ports(house, second)[0].FlowDirection = "SINK", "SOURCE"
    imported = read(house, place="120.6,31.3,0,0")
    joint = imported.models[0].connections[0]
    assert (joint.from_id, joint.to_id, joint.flow, joint.is_inferred) == (second.GlobalId, first.GlobalId, "source", False)
    assert joint.position == pytest.approx([1.0, 0.05, 0.05], abs=1e-6)
    assert imported.details["connections"] == {"stated": 1, "inferred": 0}


def test_open_ports_in_one_place_are_joined_and_marked(new_house, read):
    house = new_house()
    pipes = [_pipe(house, name, x, [(x, "SINK"), (x + 1.0, "SOURCE")]) for name, x in (("A", 0.0), ("B", 1.0), ("C", 2.0), ("far", 9.0))]
    imported = read(house)
    found = [(joint.from_id, joint.to_id, joint.flow, joint.is_inferred) for joint in imported.models[0].connections]
    ids = [pipe.GlobalId for pipe in pipes]
    assert sorted(found) == sorted([(ids[0], ids[1], "source", True), (ids[1], ids[2], "source", True)])
    told = {issue.code: issue.details for issue in imported.issues}
    assert told["ifc_ports_joined_by_place"]["count"] == 2
    assert told["ifc_ports_open"] == {"count": 4, "ports": 8}


def test_ports_that_cannot_carry_one_flow_or_were_never_placed_are_not_joined(new_house, read):
    house = new_house()
    _pipe(house, "A", 0.0, [(1.0, "SOURCE")])
    _pipe(house, "B", 1.0, [(1.0, "SOURCE")])
    for k in range(6):
        _pipe(house, f"heap {k}", 5.0, [(0.0, "SOURCEANDSINK")])
    assert read(house).models[0].connections == []


def test_zones_systems_and_containers_are_groups_with_their_properties(new_house, read):
    house = new_house()
    file = house.file
    room = house.box("IfcSpace", "101", (3.0, 3.0, 3.0))
    pipe = house.box("IfcPipeSegment", "P", (1.0, 0.1, 0.1))
    zone = ifcopenshell.api.root.create_entity(file, ifc_class="IfcZone", name="防火分区1")
    ifcopenshell.api.group.assign_group(file, products=[room], group=zone)
    system = ifcopenshell.api.system.add_system(file, ifc_class="IfcDistributionSystem")
    ifcopenshell.api.system.edit_system(file, system=system, attributes={"Name": "给水", "PredefinedType": "DOMESTICCOLDWATER"})
    ifcopenshell.api.system.assign_system(file, products=[pipe], system=system)
    file.create_entity("IfcRelServicesBuildings", ifcopenshell.guid.new(), None, None, None, system, [house.building])
    pset = ifcopenshell.api.pset.add_pset(file, product=house.building, name="Pset_BuildingCommon")
    ifcopenshell.api.pset.edit_pset(file, pset=pset, properties={"NumberOfStoreys": 3})
    groups = {group.ifc_class: group for group in read(house).models[0].groups}
    assert (groups["IfcZone"].kind, groups["IfcZone"].members) == ("zone", [room.GlobalId])
    supply = groups["IfcDistributionSystem"]
    assert (supply.kind, supply.usage, supply.members) == ("system", "DOMESTICCOLDWATER", [pipe.GlobalId])
    assert supply.attributes["_ifc"]["serves"] == [house.building.GlobalId]
    assert groups["IfcBuilding"].attributes["Pset_BuildingCommon"] == {"NumberOfStoreys": 3}
    assert groups["IfcBuilding"].members == [house.storey.GlobalId]


def test_a_door_joins_the_rooms_on_either_side_without_space_boundaries(new_house, read):
    house = new_house()
    left = house.box("IfcSpace", "left", (4.0, 4.0, 3.0))
    right = house.box("IfcSpace", "right", (4.0, 4.0, 3.0), at=(4.2, 0.0, 0.0))
    house.box("IfcSpace", "above", (4.0, 4.0, 3.0), at=(4.2, 0.0, 3.3))
    house.box("IfcSpace", "away", (4.0, 4.0, 3.0), at=(0.0, 9.0, 0.0))
    wall = house.box("IfcWall", "W", (0.2, 4.0, 3.0), at=(4.0, 0.0, 0.0))
    opening = house.box("IfcOpeningElement", "O", (0.4, 1.0, 2.1), at=(3.9, 1.0, 0.0))
    ifcopenshell.api.feature.add_feature(house.file, feature=opening, element=wall)
    door = house.box("IfcDoor", "D", (0.05, 1.0, 2.1), at=(4.08, 1.0, 0.0))
    ifcopenshell.api.feature.add_filling(house.file, opening=opening, element=door)
    elements = {element.name: element for element in read(house).models[0].elements}
    said = elements["D"].properties["_ifc"]
    assert (set(said["joins"]), said["joins_by"]) == ({left.GlobalId, right.GlobalId}, "geometry")
    assert said["fills"] == wall.GlobalId
    assert elements["W"].properties["_ifc"]["openings"][0]["filled_by"] == [door.GlobalId]


def test_a_model_without_storeys_gets_them_from_its_floors(new_house, read):
    house = new_house()
    file = house.file
    for k in range(3):
        house.box("IfcSlab", f"S{k}", (10.0, 10.0, 0.3), at=(0.0, 0.0, 3.5 * k - 0.3))
        house.box("IfcWall", f"W{k}", (10.0, 0.2, 3.2), at=(0.0, 0.0, 3.5 * k))
    house.box("IfcSlab", "landing", (1.0, 1.0, 0.2), at=(0.0, 0.0, 2.0))
    for relation in [*file.by_type("IfcRelContainedInSpatialStructure"), *house.storey.Decomposes, house.storey]:
        file.remove(relation)
    imported = read(house)
    content = imported.models[0]
    assert [storey.name for storey in content.storeys] == ["+0.00", "+3.50", "+7.00"]
    names = {storey.id: storey.name for storey in content.storeys}
    placed = {element.name: names[element.storey_id] for element in content.elements}
    assert placed == {f"{kind}{k}": f"{3.5 * k:+.2f}" for kind in "SW" for k in range(3)} | {"landing": "+0.00"}
    assert all(element.properties["_ifc"]["storey_by"] == "height" for element in content.elements)
    assert "ifc_storeys_made_up" in {issue.code for issue in imported.issues}


def test_an_element_in_no_storey_is_put_into_one_by_its_height(new_house, read):
    house = new_house()
    file = house.file
    upper = ifcopenshell.api.root.create_entity(file, ifc_class="IfcBuildingStorey", name="2F")
    house.place(upper, (0.0, 0.0, 4.0))
    ifcopenshell.api.aggregate.assign_object(file, products=[upper], relating_object=house.building)
    house.box("IfcWall", "in", (1.0, 0.2, 3.0))
    lost = house.box("IfcWall", "lost", (1.0, 0.2, 3.0), at=(0.0, 3.0, 4.0))
    tree = house.box("IfcBuildingElementProxy", "tree", (1.0, 1.0, 9.0), at=(20.0, 3.0, 0.0))
    ifcopenshell.api.spatial.unassign_container(file, products=[lost])
    ifcopenshell.api.spatial.assign_container(file, products=[tree], relating_structure=house.site)
    imported = read(house)
    found = {element.name: element for element in imported.models[0].elements}
    assert found["lost"].storey_id == upper.GlobalId
    assert found["lost"].properties["_ifc"]["storey_by"] == "height"
    assert "storey_by" not in found["in"].properties["_ifc"]
    assert found["tree"].storey_id is None
    assert {issue.code: issue.details for issue in imported.issues}["ifc_storey_by_height"] == {"count": 1}


def test_materials_of_every_kind(new_house, read):
    house = new_house()
    file = house.file

    def made_of(name, kind, parts):
        element = house.box("IfcBeam", name, (1.0, 0.2, 0.2), at=(0.0, float(len(house.made)), 0.0))
        found = ifcopenshell.api.material.add_material_set(file, name=name, set_type=kind)
        for part in parts:
            material = ifcopenshell.api.material.add_material(file, name=part)
            if kind == "IfcMaterialConstituentSet":
                ifcopenshell.api.material.add_constituent(file, constituent_set=found, material=material)
            elif kind == "IfcMaterialProfileSet":
                ifcopenshell.api.material.add_profile(file, profile_set=found, material=material)
            else:
                ifcopenshell.api.material.add_list_item(file, material_list=found, material=material)
        ifcopenshell.api.material.assign_material(file, products=[element], type=kind, material=found)
        return element

    made_of("constituents", "IfcMaterialConstituentSet", ["木", "玻璃"])
    made_of("profiles", "IfcMaterialProfileSet", ["S355"])
    made_of("list", "IfcMaterialList", ["混凝土", "钢筋"])
    styled = house.box("IfcBeam", "styled", (1.0, 0.2, 0.2), at=(0.0, 20.0, 0.0))
    colour = file.create_entity("IfcColourRgb", None, 0.5, 0.5, 0.5)
    style = file.create_entity("IfcSurfaceStyle", "Concrete, grey", "BOTH", [file.create_entity("IfcSurfaceStyleRendering", colour, 0.0)])
    file.create_entity("IfcStyledItem", styled.Representation.Representations[0].Items[0], [style])
    strength = file.create_entity("IfcPropertySingleValue", "YieldStress", None, file.create_entity("IfcPressureMeasure", 355e6), None)
    steel = next(material for material in file.by_type("IfcMaterial") if material.Name == "S355")
    file.create_entity("IfcMaterialProperties", "Pset_MaterialSteel", None, [strength], steel)
    found = {element.name: element for element in read(house).models[0].elements}
    names = {name: [layer["name"] for layer in element.materials] for name, element in found.items()}
    assert names == {
        "constituents": ["木", "玻璃"],
        "profiles": ["S355"],
        "list": ["混凝土", "钢筋"],
        "styled": ["Concrete, grey"],
    }
    assert found["styled"].materials[0]["from"] == "style"
    assert found["profiles"].properties["_ifc"]["material_properties"] == {"S355": {"Pset_MaterialSteel": {"YieldStress": 355e6}}}


def test_positions_are_the_kernels(new_house):
    """Frames of nested placements as the kernel's own utility has them."""
    house = new_house("IFC4", 0.001)
    house.place(house.storey, (1.0, 2.0, 3.0), turn_deg=25.0)
    walls = [house.box("IfcWall", f"W{k}", (1.0, 0.2, 1.0), at=(float(k), 4.0, 3.0), turn_deg=10.0 * k) for k in range(5)]
    placements = Placements(0.001)
    for wall in walls:
        expected = get_local_placement(wall.ObjectPlacement)
        expected[:3, 3] *= 0.001
        assert np.allclose(placements.of(wall), expected, atol=1e-12)
