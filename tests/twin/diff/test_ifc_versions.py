"""What changed between two versions of a real model, against what was done to its file: exactly that, and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ifcopenshell
import ifcopenshell.api.geometry
import ifcopenshell.api.root
import ifcopenshell.guid
import ifcopenshell.util.element
import ifcopenshell.util.placement
import ifcopenshell.util.unit
import pytest

from importers.contract import Options
from importers.pipeline import import_files
from twin.crs import Frame
from twin.diff import difference
from twin.diff.changes import Difference
from twin.model import Park
from twin.store import Store, create_store

FILES = ("AC20-FZK-Haus.ifc", "Duplex_A_20110907.ifc")
Told = dict[str, tuple[str, ...]]


@pytest.fixture(params=FILES)
def original(shared_data: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    (tmp_path / "v1").mkdir()
    return Path(shutil.copy(shared_data / "ifc/arch" / request.param, tmp_path / "v1"))


@pytest.fixture
def duplex(shared_data: Path, tmp_path: Path) -> Path:
    (tmp_path / "v1").mkdir()
    return Path(shutil.copy(shared_data / "ifc/arch/Duplex_A_20110907.ifc", tmp_path / "v1"))


def versions(original: Path, edit: Callable[[Any], Told]) -> tuple[Store, Difference, Told]:
    """The park after both imports, what `twin diff` tells, and what was done."""
    folder = original.parents[1]
    file = ifcopenshell.open(str(original))
    done = edit(file)
    (folder / "v2").mkdir()
    file.write(str(folder / "v2" / original.name))
    return *imported(folder, original.name), done


def imported(folder: Path, name: str) -> tuple[Store, Difference]:
    store = create_store(folder / "park", Park("p", Frame(8.43, 49.1)))
    for version in ("v1", "v2"):
        (outcome,) = import_files(store, [folder / version / name], Options(place="8.43,49.1,0,0"))
        assert outcome.error is None
    return store, difference(store, name)


def told(found: Difference) -> Told:
    return {change.id: change.kinds for change in found.changes}


def solid(product: Any) -> Any:
    """The extrusion a product's body is made of; None where it is something else."""
    for representation in product.Representation.Representations if product.Representation else ():
        for item in representation.Items if representation.RepresentationIdentifier == "Body" else ():
            while item.is_a("IfcBooleanResult"):
                item = item.FirstOperand  # noqa: PLW2901
            if item.is_a("IfcExtrudedAreaSolid"):
                return item
    return None


def move(file: Any, product: Any, metres: float) -> None:
    place = product.ObjectPlacement.RelativePlacement
    x, *others = place.Location.Coordinates
    step = metres / ifcopenshell.util.unit.calculate_unit_scale(file)
    place.Location = file.create_entity("IfcCartesianPoint", (x + step, *others))


def say_otherwise(file: Any, product: Any) -> None:
    for relation in product.IsDefinedBy:
        said = relation.RelatingPropertyDefinition if relation.is_a("IfcRelDefinesByProperties") else None
        if said is not None and said.is_a("IfcPropertySet") and len(relation.RelatedObjects) == 1:
            first = said.HasProperties[0]
            other = file.create_entity("IfcPropertySingleValue", first.Name, None, file.create_entity("IfcLabel", "REI 90"))
            said.HasProperties = [other, *said.HasProperties[1:]]
            return
    raise AssertionError("nothing is said of it alone")


def edited(file: Any) -> Told:
    """A wall moved, one made higher, one added, a slab said otherwise, a door gone, three windows under new ids."""
    moved, reshaped, copied = [w for w in file.by_type("IfcWall") if not w.HasOpenings and solid(w)][:3]
    slab, door, windows = file.by_type("IfcSlab")[0], file.by_type("IfcDoor")[-1], file.by_type("IfcWindow")[:3]
    done: Told = {moved.GlobalId: ("moved",), reshaped.GlobalId: ("reshaped",), slab.GlobalId: ("changed",), door.GlobalId: ("removed",)}
    move(file, moved, 0.02)
    solid(reshaped).Depth += 0.02 / ifcopenshell.util.unit.calculate_unit_scale(file)
    say_otherwise(file, slab)
    ifcopenshell.api.root.remove_product(file, product=door)
    added = ifcopenshell.api.root.copy_class(file, product=copied)
    matrix = ifcopenshell.util.placement.get_local_placement(copied.ObjectPlacement).copy()
    matrix[2, 3] += 3.0 / ifcopenshell.util.unit.calculate_unit_scale(file)
    ifcopenshell.api.geometry.edit_object_placement(file, product=added, matrix=matrix, is_si=False)
    for window in windows:
        window.GlobalId = ifcopenshell.guid.new()
    return done | {added.GlobalId: ("added",)} | {window.GlobalId: ("renamed_id",) for window in windows}


def test_each_thing_done_to_a_file_is_told_and_nothing_else(original: Path) -> None:
    _, found, done = versions(original, edited)
    assert told(found) == done
    (moved,) = [change for change in found.changes if change.kinds == ("moved",)]
    assert moved.distance_m == pytest.approx(0.02, abs=1e-3)
    assert found.shifts == []


def test_the_same_file_written_anew_has_no_change(original: Path) -> None:
    """Other statement numbers in another order, and no body known from before: nothing to be told."""
    file = ifcopenshell.open(str(original))
    again = ifcopenshell.file(schema=file.schema)
    for entity in reversed(list(file)):
        again.add(entity)
    folder = original.parents[1]
    (folder / "v2").mkdir()
    again.write(str(folder / "v2" / original.name))
    store, found = imported(folder, original.name)
    assert told(found) == {}
    assert len(store.versions(original.name)) == 2
    assert found.counts()["unchanged"] >= len(store.elements())


def test_an_export_with_all_ids_new_is_the_same_building(duplex: Path) -> None:
    """Every GlobalId of the file is another, those of storeys, rooms, types, openings and relations too; one wall moved."""

    def renumbered(file: Any) -> Told:
        wall = next(w for w in file.by_type("IfcWall") if not w.HasOpenings and solid(w))
        move(file, wall, 0.5)
        for root in file.by_type("IfcRoot"):
            root.GlobalId = ifcopenshell.guid.new()
        return {wall.GlobalId: ("added",)}

    store, found, done = versions(duplex, renumbered)
    kinds = told(found)
    removed = [change for change in found.changes if change.kinds == ("removed",)]
    assert [change.ifc_class for change in removed] == [store.element(next(iter(done))).ifc_class]
    others = {identity: kind for identity, kind in kinds.items() if identity not in {*done, removed[0].id}}
    assert set(others.values()) == {("renamed_id",)}
    assert {identity: kinds[identity] for identity in done} == done
    assert len(others) >= len(store.elements()) - 1


def test_a_model_placed_elsewhere_is_told_once(duplex: Path) -> None:
    def shifted(file: Any) -> Told:
        site = file.by_type("IfcSite")[0]
        place = site.ObjectPlacement.RelativePlacement
        place.Location = file.create_entity(
            "IfcCartesianPoint", tuple(c + d for c, d in zip(place.Location.Coordinates, (12.0, -5.0, 0.0), strict=True))
        )
        place.RefDirection = file.create_entity("IfcDirection", (0.8, 0.6, 0.0))
        place.Axis = file.create_entity("IfcDirection", (0.0, 0.0, 1.0))
        wall = next(w for w in file.by_type("IfcWall") if not w.HasOpenings and solid(w))
        move(file, wall, 0.25)
        return {wall.GlobalId: ("moved",)}

    _, found, done = versions(duplex, shifted)
    assert told(found) == done
    (shift,) = found.shifts
    assert shift.rotation_deg == pytest.approx(36.8699, abs=1e-2)
    assert shift.share > 0.99
