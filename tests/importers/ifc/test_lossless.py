"""Nothing of a file is lost: every id, every property set, every kind of relation is in what comes out or listed as left out.

The files are counted by ifcopenshell alone, in another way than the importer reads them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import ifcopenshell
import ifcopenshell.util.element
import pytest

from importers.contract import Context, Imported, Options
from importers.ifc import IMPORTER
from importers.ifc.structure import READ
from twin.crs import Frame
from twin.errors import SourceError
from twin.model import Park

PARK = Park("p", Frame(0.0, 0.0))


@pytest.fixture(scope="session")
def models(shared_data, tmp_path_factory) -> list[tuple[Any, Imported]]:
    """Every readable file of the data, opened and imported."""
    found = [_pair(path, tmp_path_factory.mktemp("unzipped")) for path in sorted((shared_data / "ifc").rglob("*")) if path.is_file()]
    pairs = [pair for pair in found if pair is not None]
    assert len(pairs) > 25
    return pairs


@cache
def _pair(path: Path, folder: Path) -> tuple[Any, Imported] | None:
    try:
        imported = IMPORTER.read(path, Context(PARK, Options(place="0,0,0,0")))
    except SourceError:
        return None
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            path = Path(packed.extract(packed.namelist()[0], folder))
    return ifcopenshell.open(str(path)), imported


def _by_type(file: Any, kind: str) -> list[Any]:
    try:
        return list(file.by_type(kind))
    except RuntimeError:
        return []


def _words(value: Any) -> Iterator[str]:
    """Every text anywhere in a value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (key, *_words(inner))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _words(inner)


def _said(imported: Imported) -> set[str]:
    content = imported.models[0]
    found = set(_words(dict(imported.details)))
    for element in content.elements:
        found |= {element.id, *_words(element.properties)}
    for space in content.spaces:
        found |= {space.id, *_words(space.attributes)}
    for group in content.groups:
        found |= {group.id, *group.members, *_words(group.attributes)}
    return found | {storey.id for storey in content.storeys}


def test_every_id_of_products_groups_and_projects_is_told(models):
    for file, imported in models:
        said = _said(imported)
        wanted = [item for kind in ("IfcProduct", "IfcGroup", "IfcProject") for item in _by_type(file, kind)]
        assert [str(item) for item in wanted if item.GlobalId not in said] == []


def test_every_property_set_of_every_object_is_there_with_all_its_names(models):
    compared = 0
    for file, imported in models:
        content = imported.models[0]
        told = {element.id: element.properties for element in content.elements} | {space.id: space.attributes for space in content.spaces}
        told |= {group.id: group.attributes for group in content.groups}
        for item in (*_by_type(file, "IfcElement"), *_by_type(file, "IfcSpatialStructureElement"), *_by_type(file, "IfcGroup")):
            if item.GlobalId in told:
                for name, values in ifcopenshell.util.element.get_psets(item).items():
                    if name is not None:
                        wanted = {key for key, value in values.items() if key != "id" and value is not None}
                        assert wanted <= set(told[item.GlobalId][name]) | {""}, (item, name)
                        compared += len(wanted)
    assert compared > 20_000


def test_every_kind_of_relation_is_read_or_counted_as_left_out(models):
    for file, imported in models:
        left = imported.details["not_read"].get("relations", {})
        for relation in _by_type(file, "IfcRelationship"):
            assert relation.is_a() in left or any(relation.is_a(kind) for kind in READ), relation
        for kind, count in left.items():
            assert count == sum(relation.is_a() == kind for relation in _by_type(file, "IfcRelationship"))


def test_relations_come_out_as_ifcopenshell_has_them(models):
    checked = 0
    for file, imported in models:
        elements = {element.id: element for element in imported.models[0].elements}
        for element in (item for item in _by_type(file, "IfcElement") if item.GlobalId in elements):
            said = elements[element.GlobalId].properties["_ifc"]
            host = ifcopenshell.util.element.get_filled_void(element)
            if host is not None and host.VoidsElements:
                assert said["fills"] == host.VoidsElements[0].RelatingBuildingElement.GlobalId
                checked += 1
            aggregate = ifcopenshell.util.element.get_aggregate(element)
            if aggregate is not None:
                assert said["part_of"] == aggregate.GlobalId
                checked += 1
            kind = ifcopenshell.util.element.get_type(element)
            if kind is not None:
                assert said["type_id"] == kind.GlobalId
                checked += 1
    assert checked > 3_000


def test_every_joint_of_ports_is_a_connection(models):
    joints = 0
    for file, imported in models:
        pairs = {frozenset((c.from_port, c.to_port)) for c in imported.models[0].connections if not c.is_inferred}
        for relation in _by_type(file, "IfcRelConnectsPorts"):
            assert frozenset((relation.RelatingPort.GlobalId, relation.RelatedPort.GlobalId)) in pairs
            joints += 1
        ids = {element.id for element in imported.models[0].elements}
        assert all({c.from_id, c.to_id} <= ids for c in imported.models[0].connections)
    assert joints == 228
