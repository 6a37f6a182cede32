"""What is encoded is what is decoded: positions to the grid, everything else to the letter."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tiles.glb import MAX_STEP_M, NO_DATA, TileMesh, encode_glb
from tiles.read import decode_glb

GREY, GLASS = (120, 120, 130, 255), (90, 160, 200, 90)


def tile(triangles: np.ndarray, features: np.ndarray, color: object = GREY) -> TileMesh:
    colors = np.broadcast_to(np.array(color, np.uint8), (len(triangles), 4))
    return TileMesh(triangles.astype(float), np.asarray(features), np.ascontiguousarray(colors))


def ids(n: int) -> dict[str, list[str]]:
    return {"id": [f"e{k}" for k in range(n)]}


def sorted_triangles(*columns: np.ndarray) -> np.ndarray:
    flat = np.column_stack([np.asarray(c, float).reshape(len(c), -1) for c in columns])
    return flat[np.lexsort(flat.T)]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_triangles_come_back(data):
    n, features = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 9))
    span = data.draw(st.sampled_from([0.0, 1e-3, 5.0, 300.0, 5000.0]))
    triangles = data.draw(arrays(float, (n, 3, 3), elements=st.floats(-span, span)))
    feature = data.draw(arrays(np.int64, n, elements=st.integers(0, features - 1)))
    colors = data.draw(arrays(np.uint8, (n, 4)))
    names = data.draw(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=features, max_size=features))
    numbers = data.draw(arrays(np.float32, features, elements=st.floats(-1e6, 1e6, width=32)))
    whole = np.arange(features, dtype=np.int32) - 3

    got = decode_glb(encode_glb(TileMesh(triangles, feature, colors), {"id": names, "height_m": numbers, "level": whole}))

    order = np.argsort(colors[:, 3] != 255, kind="stable")  # opaque first, else as they were
    assert np.abs(got.triangles - triangles[order]).max() <= MAX_STEP_M / 2 * 1.001
    assert (got.features == feature[order][:, None]).all()
    assert (got.colors == colors[order][:, None]).all()
    assert got.table == {"id": names, "height_m": numbers.tolist(), "level": whole.tolist()}


def test_normals_are_those_of_the_facets():
    triangles = np.random.default_rng(1).uniform(-10, 10, (200, 3, 3))
    got = decode_glb(encode_glb(tile(triangles, np.zeros(200, int)), ids(1)))
    across = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    assert np.einsum("fi,fci->fc", across, got.normals).min() > 0.9999


def test_a_box_needs_four_vertices_a_side():
    import trimesh

    box = trimesh.creation.box((2, 3, 4))
    document = decode_glb(encode_glb(tile(np.array(box.triangles), np.zeros(12, int)), ids(1))).document
    primitive = document["meshes"][0]["primitives"][0]
    assert document["accessors"][primitive["attributes"]["POSITION"]]["count"] == 24


def test_opaque_and_translucent_are_two_primitives():
    triangles = np.random.default_rng(2).uniform(-1, 1, (4, 3, 3))
    colors = np.array([GREY, GLASS, GREY, GLASS], np.uint8)
    document = decode_glb(encode_glb(TileMesh(triangles, np.array([0, 1, 1, 0]), colors), ids(2))).document
    modes = [document["materials"][p["material"]].get("alphaMode", "OPAQUE") for p in document["meshes"][0]["primitives"]]
    assert modes == ["OPAQUE", "BLEND"]
    only_glass = decode_glb(encode_glb(tile(triangles, np.zeros(4, int), GLASS), ids(1))).document
    assert [m.get("alphaMode") for m in only_glass["materials"]] == ["BLEND"]


def test_layout_is_legal():
    """Alignment by glTF 2.0, 3.6.2.4 and 4.4.3: the validator does not look inside the metadata extensions."""
    content = encode_glb(tile(np.random.default_rng(3).uniform(-9, 9, (50, 3, 3)), np.arange(50) % 7), ids(7))
    magic, version, length, json_length = struct.unpack_from("<4sIII", content)
    assert (magic, version, length) == (b"glTF", 2, len(content))
    document = decode_glb(content).document
    assert (28 + json_length) % 8 == 0
    assert all(view["byteOffset"] % 8 == 0 and view["byteLength"] > 0 for view in document["bufferViews"])
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    strides = {name: document["bufferViews"][document["accessors"][a]["bufferView"]]["byteStride"] for name, a in attributes.items()}
    assert strides == {"POSITION": 8, "NORMAL": 4, "COLOR_0": 4, "_FEATURE_ID_0": 4}
    last = document["bufferViews"][-1]
    assert last["byteOffset"] + last["byteLength"] <= document["buffers"][0]["byteLength"]


@pytest.mark.parametrize(("count", "component"), [(65536, 5123), (65537, 5126)])
def test_many_features_keep_their_numbers(count, component):
    triangles = np.random.default_rng(4).uniform(0, 1, (count, 3, 3))
    got = decode_glb(encode_glb(tile(triangles, np.arange(count)), ids(count)))
    assert (got.features[:, 0] == np.arange(count)).all()
    primitive = got.document["meshes"][0]["primitives"][0]
    assert got.document["accessors"][primitive["attributes"]["_FEATURE_ID_0"]]["componentType"] == component
    assert got.document["accessors"][primitive["indices"]]["componentType"] == 5125


def test_unknown_numbers_are_no_data():
    got = decode_glb(encode_glb(tile(np.ones((1, 3, 3)), np.zeros(1, int)), {"height_m": np.array([np.nan, 2.5], np.float32)}))
    kind = got.document["extensions"]["EXT_structural_metadata"]["schema"]["classes"]["feature"]["properties"]["height_m"]
    assert kind["noData"] == NO_DATA
    assert got.table["height_m"] == [None, 2.5]


def test_same_input_same_bytes():
    mesh = tile(np.random.default_rng(5).uniform(-1, 1, (30, 3, 3)), np.arange(30) % 4)
    assert encode_glb(mesh, ids(4)) == encode_glb(mesh, ids(4))
