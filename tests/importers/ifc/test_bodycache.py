"""What an import with the cache of an earlier one brings is, to the byte, what it brings without."""

from __future__ import annotations

import dataclasses
import pickle
import re
from pathlib import Path

import ifcopenshell
import ifcopenshell.api.feature
import numpy as np
import pytest
import shapely

from importers.contract import Context, Options
from importers.ifc import IMPORTER
from importers.ifc.fingerprint import fingerprints
from importers.ifc.steptext import read_statements, tree
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
    return pickle.dumps([pickle.dumps(repr(part)) for part in (model, spaces, rest)] + mesh)


def _house(new_house):
    house = new_house()
    file = house.file
    for k in range(6):
        house.box("IfcWall", f"W{k}", (4.0, 0.2, 3.0), at=(5.0 * k, 0.0, 0.0))
    opening = house.box("IfcOpeningElement", "O", (1.0, 0.4, 2.0), at=(1.0, -0.1, 0.0))
    ifcopenshell.api.feature.add_feature(file, feature=opening, element=house.made[0])
    house.box("IfcSpace", "101", (4.0, 4.0, 3.0), at=(0.0, 1.0, 0.0))
    colour = file.create_entity("IfcColourRgb", None, 0.8, 0.1, 0.1)
    style = file.create_entity("IfcSurfaceStyle", "red", "BOTH", [file.create_entity("IfcSurfaceStyleRendering", colour, 0.0)])
    file.create_entity("IfcStyledItem", house.made[2].Representation.Representations[0].Items[0], [style])
    return house


def _changed_body(house):
    house.made[1].Representation.Representations[0].Items[0].Depth = 2.5


def _changed_style(house):
    house.file.by_type("IfcColourRgb")[0].Green = 0.9


def _moved_storey(house):
    house.place(house.storey, (3.0, 4.0, 5.0), turn_deg=30.0)


def _removed(house):
    house.file.remove(house.made[3])


def _opened(house):
    opening = house.box("IfcOpeningElement", "new", (0.5, 0.4, 1.0), at=(21.0, -0.1, 0.5))
    ifcopenshell.api.feature.add_feature(house.file, feature=opening, element=house.made[4])


def _moved_opening(house):
    house.place(house.file.by_type("IfcOpeningElement")[0], (2.0, -0.1, 0.5))


def _renamed(house):
    house.made[5].Name = "改名"


@pytest.mark.parametrize(
    ("change", "known"),
    [
        (lambda house: None, 7),
        (_changed_body, 6),
        (_changed_style, 6),
        (_moved_storey, 7),
        (_removed, 6),
        (_opened, 6),
        (_moved_opening, 6),
        (_renamed, 7),
    ],
)
def test_only_what_changed_is_built_and_nothing_differs(new_house, tmp_path, change, known):
    house = _house(new_house)
    cache, path = tmp_path / "cache", tmp_path / "house.ifc"
    house.save(path)
    _read(path, cache)
    change(house)
    house.save(path)
    again = _read(path, cache)
    assert again.details["bodies_known"] == known
    assert _bytes(again) == _bytes(_read(path, None))
    assert _read(path, cache).details["bodies_known"] >= known


def test_another_unit_builds_all_again(new_house, tmp_path):
    house = _house(new_house)
    cache, path = tmp_path / "cache", tmp_path / "house.ifc"
    house.save(path)
    _read(path, cache)
    path.write_text(re.sub(r"(IFCSIUNIT\(\*,\.LENGTHUNIT\.,)\$", r"\1.CENTI.", path.read_text()))
    again = _read(path, cache)
    assert again.details["bodies_known"] == 0
    assert _bytes(again) == _bytes(_read(path, None))


def test_a_file_numbered_anew_and_named_anew_is_known(new_house, tmp_path):
    house = _house(new_house)
    cache, path = tmp_path / "cache", tmp_path / "house.ifc"
    house.save(path)
    _read(path, cache)
    again = _read(_renumbered(path, tmp_path / "v2.ifc"), cache)
    assert again.details["bodies_known"] == 7
    assert _bytes(again) == _bytes(_read(tmp_path / "v2.ifc", None))


def _renumbered(path: Path, target: Path) -> Path:
    """The same file with other numbers, in another order."""
    head, data = path.read_text().split("DATA;\n")
    lines = data.split("ENDSEC;")[0].strip().split("\n")
    moved = [re.sub(r"#(\d+)", lambda found: f"#{(int(found[1]) * 7919) % 100003}", line) for line in lines]
    target.write_text(f"{head}DATA;\n" + "\n".join(reversed(moved)) + "\nENDSEC;\nEND-ISO-10303-21;\n")
    return target


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "folder"])
def test_a_damaged_cache_is_as_if_it_were_not_there(new_house, tmp_path, damage):
    house = _house(new_house)
    cache, path = tmp_path / "cache", tmp_path / "house.ifc"
    house.save(path)
    whole = _bytes(_read(path, cache))
    pack = next(cache.rglob("*.npz"))
    data = bytearray(pack.read_bytes())
    if damage == "cut":
        pack.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        at = data.find(np.float64(0.2).tobytes())
        data[at] ^= 1
        pack.write_bytes(data)
    elif damage == "empty":
        pack.write_bytes(b"")
    else:
        pack.unlink()
        pack.mkdir()
    again = _read(path, cache)
    assert again.details["bodies_known"] == 0
    assert _bytes(again) == whole


@pytest.mark.parametrize("name", ["arch/Duplex_A_20110907.ifc", "arch/AC20-FZK-Haus.ifc", "zh/TestModel_IFC4Add2.ifc"])
def test_real_files_come_out_of_the_cache_as_they_went_in(shared_data, tmp_path, name):
    path = shared_data / "ifc" / name
    first = _read(path, tmp_path)
    again = _read(path, tmp_path)
    drawn = sum(element.state == "built" for element in first.models[0].elements)
    assert again.details["bodies_known"] >= drawn
    assert _bytes(again) == _bytes(first)


def test_the_hash_of_a_statement_is_that_of_all_it_refers_to(tmp_path):
    text = "ISO-10303-21;\nHEADER;\nENDSEC;\nDATA;\n{}\nENDSEC;\nEND-ISO-10303-21;\n"
    path = tmp_path / "a.ifc"

    def hashes(*lines: str) -> dict[int, int | None]:
        path.write_text(text.format("\n".join(lines)))
        found = read_statements(path)
        assert found is not None
        merkle = tree(found.local, found.owner, found.target)
        return {
            int(step): int(value) if known else None for step, value, known in zip(found.steps, merkle.hashes, merkle.is_known, strict=True)
        }

    first = hashes("#1=IFCA(1.,'it''s; #9');", "#2=IFCB(#1,#1);", "#3=IFCC((#2,#1),$);")
    again = hashes("#30=IFCC((#20,#11),$);", "#20=IFCB(#11,#11);", "#11=IFCA(1.,'it''s; #9');")
    assert (first[1], first[2], first[3]) == (again[11], again[20], again[30])
    other = hashes("#1=IFCA(1.5,'it''s; #9');", "#2=IFCB(#1,#1);", "#3=IFCC((#2,#1),$);")
    assert first[1] != other[1]
    assert first[3] != other[3]
    swapped = hashes("#1=IFCA(1.,'it''s; #9');", "#2=IFCB(#1,#1);", "#3=IFCC((#1,#2),$);")
    assert first[3] != swapped[3]
    odd = hashes("#1=IFCA(#2);", "#2=IFCB(#1);", "#3=IFCC(#7);", "#4=IFCD();")
    assert [odd[k] is None for k in (1, 2, 3, 4)] == [True, True, True, False]


def test_hashes_agree_with_a_plain_recursion_over_a_real_file(shared_data):
    """Two statements have one hash exactly where their texts, written out in full, are equal."""
    path = shared_data / "ifc/zh/TestModel_IFC4Add2.ifc"
    found = read_statements(path)
    assert found is not None
    merkle = tree(found.local, found.owner, found.target)
    lines = dict(re.findall(r"^#(\d+)\s*=\s*(.*);\s*$", path.read_text("latin-1"), re.MULTILINE))
    assert {int(step) for step in lines} == set(found.steps.tolist())
    known: dict[str, int] = {}
    full: dict[str, int] = {}

    def number(step: str) -> int:
        """One number for each text written out in full."""
        if step not in known:
            pieces = re.split(r"('(?:[^']|'')*')", lines[step])
            written = "".join(p if p.startswith("'") else re.sub(r"#(\d+)", lambda f: f"<{number(f[1])}>", p) for p in pieces)
            known[step] = full.setdefault(written, len(full))
        return known[step]

    plain = [number(str(step)) for step in found.steps.tolist()]
    assert len(set(plain)) == len(set(merkle.hashes.tolist())) == len(set(zip(plain, merkle.hashes.tolist(), strict=True)))


def test_products_that_look_alike_share_a_key(new_house, tmp_path):
    path = _house(new_house).save(tmp_path / "a.ifc")
    keys = fingerprints(path)
    names = {product.id(): product.Name for product in ifcopenshell.open(str(path)).by_type("IfcProduct")}
    body = {names[step]: key.body for step, key in keys.items()}
    assert body["W1"] == body["W3"] == body["W5"]
    assert len({body["W0"], body["W1"], body["W2"]}) == 3  # cut, plain, coloured
    place = {names[step]: key.place for step, key in keys.items()}
    assert len({place[f"W{k}"] for k in range(6)}) == 6
