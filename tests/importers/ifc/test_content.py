"""Units, properties, materials and structure, on small files and against the kernel's own helpers."""

from __future__ import annotations

import math

import ifcopenshell.api.classification
import ifcopenshell.api.group
import ifcopenshell.api.material
import ifcopenshell.api.pset
import ifcopenshell.api.root
import ifcopenshell.api.spatial
import ifcopenshell.api.system
import ifcopenshell.util.unit
import pytest

from importers.ifc.content import read_content
from importers.ifc.entity import attribute
from importers.ifc.identity import identities
from importers.ifc.units import factor_of, read_units


@pytest.mark.parametrize(
    ("kind", "prefix", "name", "factor"),
    [
        ("LENGTHUNIT", "MILLI", "METRE", 1e-3),
        ("AREAUNIT", "CENTI", "SQUARE_METRE", 1e-4),  # the square of a centimetre, not a hundredth of a square metre
        ("VOLUMEUNIT", "MILLI", "CUBIC_METRE", 1e-9),
        ("MASSUNIT", "KILO", "GRAM", 1.0),
        ("MASSUNIT", None, "GRAM", 1e-3),
        ("POWERUNIT", "KILO", "WATT", 1e3),
    ],
)
def test_si_units(new_house, kind, prefix, name, factor):
    file = new_house().file
    unit = file.create_entity("IfcSIUnit", UnitType=kind, Prefix=prefix, Name=name)
    assert factor_of(unit) == pytest.approx(factor)


def test_units_by_conversion_and_derivation(new_house):
    file = new_house().file
    metre = file.create_entity("IfcSIUnit", UnitType="LENGTHUNIT", Name="METRE")
    second = file.create_entity("IfcSIUnit", UnitType="TIMEUNIT", Name="SECOND")
    measure = file.create_entity("IfcMeasureWithUnit", file.create_entity("IfcLengthMeasure", 0.3048), metre)
    foot = file.create_entity(
        "IfcConversionBasedUnit", file.create_entity("IfcDimensionalExponents", 1, 0, 0, 0, 0, 0, 0), "LENGTHUNIT", "FOOT", measure
    )
    parts = [file.create_entity("IfcDerivedUnitElement", foot, 3), file.create_entity("IfcDerivedUnitElement", second, -1)]
    flow = file.create_entity("IfcDerivedUnit", parts, "VOLUMETRICFLOWRATEUNIT")
    assert factor_of(foot) == pytest.approx(0.3048)
    assert factor_of(flow) == pytest.approx(0.3048**3)


def test_the_project_factor_is_the_kernels(new_house):
    for unit_m in (1.0, 0.001):
        file = new_house("IFC4", unit_m).file
        assert read_units(file).length_m == pytest.approx(ifcopenshell.util.unit.calculate_unit_scale(file))


def test_every_kind_of_property_is_read(new_house):
    house = new_house("IFC4", 0.001)
    file = house.file
    wall = house.box("IfcWall", "W", (1.0, 0.2, 1.0))
    length = [file.create_entity("IfcLengthMeasure", value) for value in (1000.0, 2500.0)]
    label = [file.create_entity("IfcLabel", value) for value in ("甲", "乙")]
    degree = file.create_entity("IfcPlaneAngleMeasure", math.pi)
    inner = file.create_entity("IfcPropertySingleValue", "Inner", None, file.create_entity("IfcBoolean", True), None)
    properties = [
        file.create_entity("IfcPropertySingleValue", "Single", None, length[0], None),
        file.create_entity("IfcPropertySingleValue", "Empty", None, None, None),
        file.create_entity("IfcPropertySingleValue", "Angle", None, degree, None),
        file.create_entity("IfcPropertyEnumeratedValue", "Enumerated", None, label, None),
        file.create_entity("IfcPropertyListValue", "List", None, length, None),
        file.create_entity("IfcPropertyBoundedValue", Name="Bounded", UpperBoundValue=length[1], LowerBoundValue=length[0]),
        file.create_entity("IfcPropertyTableValue", Name="Table", DefiningValues=label, DefinedValues=length),
        file.create_entity("IfcComplexProperty", "Complex", None, "use", [inner]),
    ]
    pset = ifcopenshell.api.pset.add_pset(file, product=wall, name="Everything")
    pset.HasProperties = properties
    content, _ = read_content(file)
    assert content["elements"][0]["properties"]["Everything"] == {
        "Single": 1.0,
        "Angle": pytest.approx(math.pi),
        "Enumerated": ["甲", "乙"],
        "List": [1.0, 2.5],
        "Bounded": [1.0, 2.5],
        "Table": [["甲", 1.0], ["乙", 2.5]],
        "Complex": {"Inner": True},
    }


@pytest.mark.parametrize("unit_m", [1.0, 0.001])
def test_layers_have_names_and_metres(new_house, unit_m):
    house = new_house("IFC4", unit_m)
    file = house.file
    wall = house.box("IfcWall", "W", (4.0, 0.3, 3.0))
    layers = ifcopenshell.api.material.add_material_set(file, name="外墙", set_type="IfcMaterialLayerSet")
    for name, thickness in (("砖", 0.24), ("Dämmung", 0.06)):
        material = ifcopenshell.api.material.add_material(file, name=name)
        layer = ifcopenshell.api.material.add_layer(file, layer_set=layers, material=material)
        ifcopenshell.api.material.edit_layer(file, layer=layer, attributes={"LayerThickness": thickness / unit_m})
    ifcopenshell.api.material.assign_material(file, products=[wall], type="IfcMaterialLayerSet", material=layers)
    found = read_content(file)[0]["elements"][0]["materials"]
    assert [(layer["name"], layer["thickness_m"]) for layer in found] == [("砖", pytest.approx(0.24)), ("Dämmung", pytest.approx(0.06))]


def test_a_single_material_has_no_thickness(new_house):
    house = new_house()
    wall = house.box("IfcWall", "W", (4.0, 0.3, 3.0))
    concrete = ifcopenshell.api.material.add_material(house.file, name="C30")
    ifcopenshell.api.material.assign_material(house.file, products=[wall], material=concrete)
    assert read_content(house.file)[0]["elements"][0]["materials"] == [{"name": "C30", "thickness_m": None}]


def test_systems_groups_classes_ports_and_furniture_in_rooms(new_house):
    house = new_house()
    file = house.file
    pipe = house.box("IfcPipeSegment", "P", (1.0, 0.1, 0.1))
    ifcopenshell.api.system.add_port(file, element=pipe)
    system = ifcopenshell.api.system.add_system(file, ifc_class="IfcDistributionSystem")
    ifcopenshell.api.system.edit_system(file, system=system, attributes={"Name": "采暖供水", "PredefinedType": "HEATING"})
    ifcopenshell.api.system.assign_system(file, products=[pipe], system=system)
    group = ifcopenshell.api.group.add_group(file, name="Phase 1")
    ifcopenshell.api.group.assign_group(file, products=[pipe], group=group)
    room = house.box("IfcSpace", "101", (3.0, 3.0, 3.0))
    desk = house.box("IfcFurniture", "D", (1.0, 0.5, 0.7))
    ifcopenshell.api.spatial.assign_container(file, products=[desk], relating_structure=room)
    table = ifcopenshell.api.classification.add_classification(file, classification="GB/T 51269")
    ifcopenshell.api.classification.add_reference(file, products=[pipe], identification="30-12", name="管道", classification=table)
    content, risks = read_content(file)
    elements = {element["name"]: element for element in content["elements"]}
    said = elements["P"]["properties"]["_ifc"]
    assert said["systems"] == [{"class": "IfcDistributionSystem", "name": "采暖供水", "id": system.GlobalId, "kind": "HEATING"}]
    assert said["groups"] == [{"class": "IfcGroup", "name": "Phase 1", "id": group.GlobalId}]
    assert said["classification"] == [{"code": "30-12", "name": "管道", "system": "GB/T 51269"}]
    assert (elements["D"]["space"], elements["D"]["storey"]) == (room.GlobalId, house.storey.GlobalId)
    assert [port["element"] for port in content["ports"]] == [pipe.GlobalId]
    assert content["left_out"] == {}
    assert room.id() in risks


def test_a_structure_that_contains_itself_ends(new_house):
    house = new_house()
    first, second = (house.box("IfcElementAssembly", name, (1.0, 1.0, 1.0)) for name in "AB")
    file = house.file
    file.remove(first.ContainedInStructure[0])
    for whole, part in ((first, second), (second, first)):
        file.create_entity("IfcRelAggregates", ifcopenshell.guid.new(), None, None, None, whole, [part])
    content, _ = read_content(file)
    assert {element["name"]: element["storey"] for element in content["elements"]} == {"A": None, "B": None}


def test_attributes_a_schema_lacks_are_none(new_house):
    wall = new_house("IFC2X3").box("IfcWall", "W", (1.0, 1.0, 1.0))
    assert attribute(wall, "PredefinedType") is None
    assert attribute(wall, "Name") == "W"
    assert attribute(wall, "HasOpenings") == ()
    assert attribute(None, "Name") is None


def test_made_up_ids_look_like_global_ids(new_house):
    house = new_house()
    walls = [house.box("IfcWall", "same", (1.0, 1.0, 1.0)) for _ in range(3)]
    for wall in walls:
        wall.GlobalId = ""
    ids, issues = identities(walls)
    assert len(set(ids.values())) == 3
    assert all(len(id_) == 22 for id_ in ids.values())
    assert [issue["code"] for issue in issues] == ["ifc_id_missing"] * 3
