"""Real files: everything that is there is told, and it is where the kernel's own careful way puts it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import ifcopenshell
import ifcopenshell.geom
import ifcopenshell.util.element
import numpy as np
import pytest
import shapely

from importers.contract import Context, Imported, Options
from importers.ifc import IMPORTER
from twin.crs import Frame
from twin.errors import SourceError
from twin.model import Park

HERE = Frame(0.0, 0.0)  # models are placed at the park's origin, unturned: the park's frame is then the model's
REFUSED = {
    "KIT-Simple-Road-IFC4x3_RC2.ifc": "ifc_schema_unsupported",
    "Georeferencing-Tin-12d-1.ifc": "ifc_schema_unsupported",
    "invalid_header.ifc": "ifc_no_header",
    "invalid.ifcxml": "ifc_xml",
    "lfs_pointer_not_ifc.ifc": "ifc_lfs_pointer",
    "truncated_IfcOpenHouse.ifc": "ifc_truncated",
}
AREAS = {  # sums of the upward faces of all spaces, and boxes, as the data set's README has them
    "arch/Office_A_20110811.ifc": (3427.6, [-0.52, -36.35, -1.22, 50.06, 0.5, 14.82]),
    "arch/AC20-FZK-Haus.ifc": (208.5, [-0.5, -0.5, -0.2, 12.5, 10.5, 6.32]),
    "zh/TestModel_IFC4Add2.ifc": (136.9, [-6.09, -2.14, -0.15, 6.13, 4.08, 8.0]),
    "arch/SampleHouse4.ifc": (152.6, [-9.23, -2.75, -0.47, 7.63, 5.92, 3.5]),
    "arch/LargeBuilding.ifc": (299.5, [-22.57, -20.94, -0.15, 30.62, 18.18, 8.0]),
}


@cache
def _imported(path: Path) -> Imported:
    return IMPORTER.read(path, Context(Park("p", HERE), Options(place="0,0,0,0")))


def _all_files(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "ifc").rglob("*") if path.is_file())


def test_every_readable_file_is_imported_whole(shared_data):
    readable = [path for path in _all_files(shared_data) if path.name not in REFUSED]
    assert len(readable) > 20
    for path in readable:
        _is_consistent(_imported(path))


def test_every_other_file_is_refused_with_its_sentence(shared_data):
    for path in _all_files(shared_data):
        if path.name in REFUSED:
            with pytest.raises(SourceError) as caught:
                _imported(path)
            assert caught.value.code == REFUSED[path.name]
            assert path.name in caught.value.text("en")
            assert path.name in caught.value.text("zh")


def _is_consistent(imported: Imported) -> None:
    content = imported.models[0]
    ids = [element.id for element in content.elements]
    assert len(ids) == len(set(ids))
    drawn = [element.id for element in content.elements if element.state in {"built", "degraded"}]
    assert sorted(content.mesh.element_ids) == sorted(drawn)
    assert np.isfinite(content.mesh.vertices).all()
    if len(content.mesh.faces):
        assert set(np.unique(content.mesh.face_element)) == set(range(len(drawn)))
        assert content.mesh.faces.max() < len(content.mesh.vertices)
    storeys = {storey.id for storey in content.storeys}
    spaces = {space.id for space in content.spaces}
    for element in content.elements:
        assert (element.bbox is not None) == (element.state in {"built", "degraded"})
        assert (element.kernel is not None) == (element.state in {"built", "degraded"})
        assert element.state == "built" or element.reason
        assert element.storey_id is None or element.storey_id in storeys
        assert element.space_id is None or element.space_id in spaces


@pytest.mark.parametrize("name", ["arch/AC20-FZK-Haus.ifc", "zh/TestModel_IFC4Add2.ifc", "arch/SampleHouse4.ifc"])
def test_every_box_is_opencascades_to_a_centimetre(shared_data, name):
    path = shared_data / "ifc" / name
    boxes = {element.id: np.array(element.bbox) for element in _imported(path).models[0].elements if element.bbox is not None}
    reference = _opencascade(path)
    assert set(boxes) == set(reference)
    worst = max(float(np.abs(boxes[id_] - reference[id_]).max()) for id_ in reference)
    assert worst < 0.01


def test_gable_walls_come_from_the_exact_kernel(shared_data):
    elements = _imported(shared_data / "ifc/arch/AC20-FZK-Haus.ifc").models[0].elements
    gables = [element for element in elements if element.name.startswith("Wand-Ext-OG")]
    assert {element.kernel for element in gables} == {"hybrid-cgal-simple-opencascade"}
    assert max(element.bbox[5] for element in gables) == pytest.approx(6.05, abs=0.3)


@pytest.mark.parametrize("name", list(AREAS))
def test_areas_and_boxes_are_those_of_the_reference_table(shared_data, name):
    area, box = AREAS[name]
    content = _imported(shared_data / "ifc" / name).models[0]
    outlines = [HERE.project(space.outline) for space in content.spaces]
    assert sum(outline.area for outline in outlines) == pytest.approx(area, rel=2e-3)
    mine = np.array([element.bbox for element in content.elements if element.bbox is not None and element.ifc_class != "IfcSite"])
    plane = np.array([shapely.bounds(outline) for outline in outlines])  # the table's boxes include the spaces
    found = [*np.vstack([mine[:, :2], plane[:, :2]]).min(axis=0), *np.vstack([mine[:, 3:5], plane[:, 2:]]).max(axis=0)]
    assert np.allclose(found, np.array(box)[[0, 1, 3, 4]], atol=0.02)
    assert mine[:, 2].min() == pytest.approx(box[2], abs=0.02)


@pytest.mark.parametrize("name", ["arch/Office_A_20110811.ifc", "arch/Duplex_A_20110907.ifc", "zh/TestModel_IFC4Add2.ifc"])
def test_counts_and_property_sets_are_those_of_the_kernels_own_reader(shared_data, name):
    path = shared_data / "ifc" / name
    content = _imported(path).models[0]
    file = ifcopenshell.open(str(path))
    elements = {element.id: element for element in content.elements}
    assert len(content.spaces) == len(file.by_type("IfcSpace"))
    assert len(content.storeys) == len(file.by_type("IfcBuildingStorey"))
    for kind in ("IfcDoor", "IfcWindow", "IfcWall", "IfcStair", "IfcFurnishingElement"):
        assert sum(element.ifc_class in {kind, f"{kind}StandardCase"} for element in content.elements) == len(file.by_type(kind))
    bodies = [p for p in file.by_type("IfcElement") if p.Representation and not p.is_a("IfcFeatureElement")]
    assert {p.GlobalId for p in bodies} <= {element.id for element in content.elements if element.state == "built"}
    for product in file.by_type("IfcDoor") + file.by_type("IfcWall"):
        element = elements[product.GlobalId]
        expected = ifcopenshell.util.element.get_psets(product)
        assert {key for key in element.properties if not key.startswith("_")} == set(expected)
        container = ifcopenshell.util.element.get_container(product)
        assert element.storey_id == (container.GlobalId if container is not None else None)
        for key, values in expected.items():
            assert {name for name in values if name != "id"} >= set(element.properties[key])


def test_chinese_names_come_out_in_chinese(shared_data):
    content = _imported(shared_data / "ifc/zh/TestModel_IFC4Add2.ifc").models[0]
    assert [storey.name for storey in content.storeys] == ["标高 1", "标高 2"]
    assert {space.long_name for space in content.spaces} == {"房间"}
    assert any("常规" in element.name for element in content.elements)


def test_layers_of_the_office_walls_have_their_thickness(shared_data):
    content = _imported(shared_data / "ifc/arch/Office_A_20110811.ifc").models[0]
    path = shared_data / "ifc/arch/Office_A_20110811.ifc"
    file = ifcopenshell.open(str(path))
    elements = {element.id: element for element in content.elements}
    compared = 0
    for wall in file.by_type("IfcWallStandardCase"):
        usage = ifcopenshell.util.element.get_material(wall)
        if usage is not None and usage.is_a("IfcMaterialLayerSetUsage"):
            expected = [(layer.Material.Name, layer.LayerThickness) for layer in usage.ForLayerSet.MaterialLayers]
            assert [(layer["name"], layer["thickness_m"]) for layer in elements[wall.GlobalId].materials] == expected
            compared += 1
    assert compared > 100


@pytest.mark.parametrize(
    ("name", "kind", "lonlat", "rotation"),
    [
        ("georef/geographic-referencing-utm.ifc", "map_conversion", (8.43368, 49.09555), 74.3 + 0.43),
        ("georef/geographic-referencing-rigid-operation.ifc", "rigid_operation", (14.0902217, 46.3623297), 0.0),
        ("arch/Duplex_A_20110907_georeferenced.ifc", "property_sets", (6.122, 49.629), 71.0),
        ("arch/AC20-FZK-Haus.ifc", "site", (8.43654, 49.10043), 50.0),
        ("georef/geolocation-mapconversion.ifc", "none", (0.0, 0.0), 0.0),
        ("invalid/large_offset.ifc", "double", (10.794646, 59.664719), 0.0),
    ],
)
def test_real_files_say_where_they_are(shared_data, name, kind, lonlat, rotation):
    imported = IMPORTER.read(shared_data / "ifc" / name, Context(Park("p", HERE), Options()))
    reference = imported.models[0].model.georeferencing
    assert reference.kind == kind
    assert reference.lonlat == pytest.approx(lonlat, abs=1e-3)
    assert reference.rotation_deg == pytest.approx(rotation, abs=0.1)
    assert reference.reason


def _opencascade(path: Path) -> dict[str, np.ndarray]:
    """GlobalId -> box of every body but spaces and openings, by the default kernel in world coordinates."""
    file = ifcopenshell.open(str(path))
    settings = ifcopenshell.geom.settings()
    settings.set("use-world-coords", True)
    found: dict[str, np.ndarray] = {}
    iterator = ifcopenshell.geom.iterator(settings, file, 1, exclude=["IfcOpeningElement", "IfcSpace"], geometry_library="opencascade")
    for shape in iterator:
        vertices = np.frombuffer(shape.geometry.verts_buffer).reshape(-1, 3)
        if len(shape.geometry.faces_buffer):
            found[shape.guid] = np.array([*vertices.min(axis=0), *vertices.max(axis=0)])
    return found
