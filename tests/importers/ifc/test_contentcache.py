"""An import that takes what the file says from an earlier one brings, to the byte, what it brings without."""

from __future__ import annotations

import dataclasses
import pickle
import re
import zlib
from pathlib import Path

import ifcopenshell.api.classification
import ifcopenshell.api.feature
import ifcopenshell.api.group
import ifcopenshell.api.material
import ifcopenshell.api.pset
import ifcopenshell.api.root
import ifcopenshell.api.system
import ifcopenshell.api.type
import pytest
import shapely

from importers.contract import Context, Options
from importers.ifc import IMPORTER
from twin.crs import Frame
from twin.model import Park

PARK = Park("p", Frame(120.6, 31.3))


def _read(path: Path, cache: Path | None):
    return IMPORTER.read(path, Context(PARK, Options(place="120.6,31.3,0,10"), cache=cache))


def _bytes(imported) -> bytes:
    """The whole content as bytes, geometry as WKB."""
    content = imported.models[0]
    spaces = [dataclasses.replace(space, outline=shapely.to_wkb(space.outline)) for space in content.spaces]
    model = dataclasses.replace(content.model, outline=shapely.to_wkb(content.model.outline))
    mesh = [getattr(content.mesh, name).tobytes() for name in ("vertices", "faces", "face_element", "face_color")]
    rest = [content.storeys, content.elements, content.groups, content.connections, list(content.mesh.element_ids), imported.issues]
    figures = {name: value for name, value in imported.details.items() if name not in {"bodies_known", "seconds_in_kernel", "children"}}
    return pickle.dumps([pickle.dumps(repr(part)) for part in (model, spaces, rest, figures)] + mesh)


def _packs(cache: Path) -> list[Path]:
    """One file for every content that was read and kept."""
    return list((cache / "ifc-content").glob("*.bin"))


def _house(new_house):
    """Six walls of one type, one with an opening; a pump with a port; property sets, a material, a system, a classification, a room."""
    house = new_house()
    file = house.file
    for k in range(6):
        house.box("IfcWall", f"W{k}", (4.0, 0.2, 3.0), at=(5.0 * k, 0.0, 0.0))
    walls = list(house.made)
    opening = house.box("IfcOpeningElement", "O", (1.0, 0.4, 2.0), at=(1.0, -0.1, 0.0))
    ifcopenshell.api.feature.add_feature(file, feature=opening, element=walls[0])
    house.box("IfcSpace", "101", (4.0, 4.0, 3.0), at=(0.0, 1.0, 0.0))
    pump = house.box("IfcPump", "P", (0.5, 0.5, 0.5), at=(1.0, 2.0, 0.0))
    port = ifcopenshell.api.system.add_port(file, element=pump)
    house.place(port, (1.5, 2.0, 0.2))
    kind = ifcopenshell.api.root.create_entity(file, ifc_class="IfcWallType", name="T")
    ifcopenshell.api.type.assign_type(file, related_objects=walls, relating_type=kind)
    for product, name, values in ((walls[0], "Pset_A", {"FireRating": "A", "Width": 2.5}), (kind, "Pset_T", {"Load": 1.5})):
        pset = ifcopenshell.api.pset.add_pset(file, product=product, name=name)
        ifcopenshell.api.pset.edit_pset(file, pset=pset, properties=values)
    material = ifcopenshell.api.material.add_material(file, name="砖")
    ifcopenshell.api.material.assign_material(file, products=walls[:3], material=material)
    system = ifcopenshell.api.system.add_system(file)
    system.Name = "冷水"
    ifcopenshell.api.system.assign_system(file, products=[pump], system=system)
    scheme = ifcopenshell.api.classification.add_classification(file, classification="Uniclass")
    ifcopenshell.api.classification.add_reference(file, products=[walls[1]], identification="1", name="a", classification=scheme)
    return house


def _of(house, kind, number=0):
    return house.file.by_type(kind)[number]


def _deeper(house):
    house.made[1].Representation.Representations[0].Items[0].Depth = 2.5


def _moved(house):
    house.made[2].ObjectPlacement.RelativePlacement.Location.Coordinates = (10.0, 0.5, 0.0)


def _moved_storey(house):
    house.storey.ObjectPlacement.RelativePlacement.Location.Coordinates = (0.0, 0.0, 3.0)


def _moved_pump(house):
    """The port stands in the pump's place."""
    _of(house, "IfcPump").ObjectPlacement.RelativePlacement.Location.Coordinates = (1.0, 2.5, 0.0)


def _property(house):
    next(item for item in house.file.by_type("IfcPropertySingleValue") if item.Name == "FireRating").NominalValue.wrappedValue = "B"


def _type_property(house):
    next(item for item in house.file.by_type("IfcPropertySingleValue") if item.Name == "Load").NominalValue.wrappedValue = 9.5


def _another_type(house):
    kind = ifcopenshell.api.root.create_entity(house.file, ifc_class="IfcWallType", name="U")
    ifcopenshell.api.type.assign_type(house.file, related_objects=[house.made[3]], relating_type=kind)


def _another_material(house):
    material = ifcopenshell.api.material.add_material(house.file, name="木")
    ifcopenshell.api.material.assign_material(house.file, products=[house.made[4]], material=material)


def _named(kind, name):
    def change(house):
        _of(house, kind).Name = name

    return change


def _into_group(house):
    group = ifcopenshell.api.group.add_group(house.file, name="G")
    ifcopenshell.api.group.assign_group(house.file, products=[house.made[5]], group=group)


def _out_of_system(house):
    ifcopenshell.api.system.unassign_system(house.file, products=[_of(house, "IfcPump")], system=_of(house, "IfcSystem"))


def _classified(house):
    _of(house, "IfcClassificationReference").Name = "b"


def _elsewhere(house):
    storey = house.another_storey("二层")
    ifcopenshell.api.spatial.assign_container(house.file, products=[house.made[5]], relating_structure=storey)


def _opened(house):
    opening = house.box("IfcOpeningElement", "new", (0.5, 0.4, 1.0), at=(21.0, -0.1, 0.5))
    ifcopenshell.api.feature.add_feature(house.file, feature=opening, element=house.made[4])


@pytest.mark.parametrize(
    ("change", "is_taken"),
    [
        (lambda house: None, True),
        (_deeper, True),
        (_moved, True),
        (_moved_storey, False),
        (_moved_pump, False),
        (_property, False),
        (_type_property, False),
        (_another_type, False),
        (_another_material, False),
        (_named("IfcMaterial", "石"), False),
        (_named("IfcWall", "改名"), False),
        (_named("IfcBuildingStorey", "一层"), False),
        (_named("IfcSystem", "热水"), False),
        (_named("IfcWallType", "V"), False),
        (_named("IfcProject", "另一个"), False),
        (_into_group, False),
        (_out_of_system, False),
        (_classified, False),
        (_elsewhere, False),
        (_opened, False),
        (lambda house: house.file.remove(house.made[3]), False),
        (lambda house: house.box("IfcColumn", "new", (0.3, 0.3, 3.0), at=(2.0, 9.0, 0.0)), False),
    ],
)
def test_what_a_file_says_is_read_again_when_it_says_something_else(new_house, tmp_path, change, is_taken):
    house = _house(new_house)
    cache, path = tmp_path / "cache", tmp_path / "house.ifc"
    house.save(path)
    _read(path, cache)
    assert len(_packs(cache)) == 1
    change(house)
    house.save(path)
    again = _read(path, cache)
    assert len(_packs(cache)) == 1 + (not is_taken)
    assert _bytes(again) == _bytes(_read(path, None))
    assert _bytes(_read(path, cache)) == _bytes(again)


@pytest.mark.parametrize(
    ("old", "new", "is_taken"),
    [
        (r"FILE_NAME\('[^']*'", "FILE_NAME('another'", True),
        (r"(IFCSIUNIT\(\*,\.LENGTHUNIT\.,)\$", r"\1.CENTI.", False),
        (r"(#\d+=IFCEXTRUDEDAREASOLID\([^()]*,)3\.\)", r"\g<1>$)", False),  # no number where one should be
    ],
)
def test_the_text_around_counts_as_far_as_it_is_read(new_house, tmp_path, old, new, is_taken):
    cache, path = tmp_path / "cache", tmp_path / "house.ifc"
    _house(new_house).save(path)
    _read(path, cache)
    text = path.read_text()
    path.write_text(re.sub(old, new, text, count=1))
    assert path.read_text() != text
    again = _read(path, cache)
    assert _bytes(again) == _bytes(_read(path, None))
    if is_taken:
        assert len(_packs(cache)) == 1


def test_a_file_with_faults_is_read_every_time(new_house, tmp_path):
    house = _house(new_house)
    house.made[1].GlobalId = house.made[0].GlobalId
    cache, path = tmp_path / "cache", tmp_path / "house.ifc"
    house.save(path)
    first = _read(path, cache)
    assert any(issue.code == "ifc_id_repeated" for issue in first.issues)
    assert not _packs(cache)
    assert _bytes(_read(path, cache)) == _bytes(first)


@pytest.mark.parametrize("folder", ["ifc-content", "ifc-outlines"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign", "folder"])
def test_a_damaged_pack_is_as_if_it_were_not_there(new_house, tmp_path, folder, damage):
    cache, path = tmp_path / "cache", tmp_path / "house.ifc"
    _house(new_house).save(path)
    whole = _bytes(_read(path, cache))
    pack = next((cache / folder).iterdir())
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    kept = {"cut": data[: len(data) // 2], "flipped": data, "empty": b"", "foreign": bytes(16) + zlib.compress(bytes(100))}
    if damage == "folder":
        pack.unlink()
        pack.mkdir()
    else:
        pack.write_bytes(kept[damage])
    assert _bytes(_read(path, cache)) == whole
    assert _bytes(_read(path, cache)) == whole


def test_without_anything_to_build_no_file_is_opened(new_house, tmp_path):
    cache, path = tmp_path / "cache", tmp_path / "house.ifc"
    _house(new_house).save(path)
    first = _read(path, cache)
    steps: list[str] = []
    context = Context(PARK, Options(place="120.6,31.3,0,10"), cache=cache, progress=lambda stage, *_: steps.append(stage))
    again = IMPORTER.read(path, context)
    assert "geometry" not in steps
    assert _bytes(again) == _bytes(first)
