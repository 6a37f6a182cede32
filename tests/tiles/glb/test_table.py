"""The property table says what is alike once, and a reader gets every value back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiles.glb import TileMesh, encode_glb
from tiles.glb.table import NO_DATA
from tiles.read import Decoded, decode_glb


def written(columns: dict) -> Decoded:
    mesh = TileMesh(np.ones((1, 3, 3)), np.zeros(1, np.int64), np.full((1, 4), 255, np.uint8))
    return decode_glb(encode_glb(mesh, columns))


def kinds(got: Decoded) -> dict:
    return got.document["extensions"]["EXT_structural_metadata"]["schema"]["classes"]["feature"]["properties"]


def values(got: Decoded) -> dict:
    return got.document["extensions"]["EXT_structural_metadata"]["propertyTables"][0]["properties"]


def test_a_column_of_one_value_is_a_default():
    columns = {"id": ["a", "b", "c"], "model": ["m"] * 3, "storey": [""] * 3}
    got = written(columns)
    assert got.table == columns
    assert set(values(got)) == {"id"}
    assert kinds(got)["model"] == {"type": "STRING", "default": "m"}


def test_the_first_column_is_always_there():
    got = written({"id": ["a"], "name": ["n"]})
    assert set(values(got)) == {"id"}
    assert got.table == {"id": ["a"], "name": ["n"]}


def test_repeated_texts_are_an_enumeration():
    columns = {"id": [f"{k}" for k in range(600)], "class": ["IfcWall", "IfcDoor", ""] * 200}
    got = written(columns)
    assert got.table == columns
    assert kinds(got)["class"] == {"type": "ENUM", "enumType": "class", "noData": "-"}
    enum = got.document["extensions"]["EXT_structural_metadata"]["schema"]["enums"]["class"]
    assert enum["valueType"] == "UINT8"
    assert all(value["name"] for value in enum["values"])  # enum.value.schema.json: one character at least
    view = got.document["bufferViews"][values(got)["class"]["values"]]
    assert view["byteLength"] == 600


def test_many_repeated_texts_take_two_bytes():
    columns = {"id": [f"{k}" for k in range(6000)], "name": [f"Basic Wall: Generic 200 mm, of kind {k % 300}" for k in range(6000)]}
    got = written(columns)
    assert got.table == columns
    assert got.document["extensions"]["EXT_structural_metadata"]["schema"]["enums"]["name"]["valueType"] == "UINT16"


@pytest.mark.parametrize(("length", "kind"), [(1, "UINT8"), (200, "UINT16"), (40_000, "UINT32")])
def test_offsets_are_as_wide_as_they_must_be(length, kind):
    columns = {"id": ["x" * length, "", "y" * length]}
    got = written(columns)
    assert got.table == columns
    assert values(got)["id"]["stringOffsetType"] == kind


def test_unknown_numbers_are_no_data():
    got = written({"id": ["a", "b"], "height_m": np.array([np.nan, 2.5], np.float32)})
    assert kinds(got)["height_m"]["noData"] == NO_DATA
    assert got.table["height_m"] == [None, 2.5]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(["", "-", "--", "IfcWall", "幕墙", "a" * 40]), min_size=1, max_size=120))
def test_any_texts_come_back(texts):
    columns = {"id": [f"{k}" for k in range(len(texts))], "name": texts}
    assert written(columns).table == columns
