"""What is encoded is what is decoded: positions to a millimetre, everything else to the letter."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from tiles.glb import Repeat, TileMesh, encode_glb
from tiles.read import Decoded, decode_glb

GREY, GLASS = (120, 120, 130, 255), (90, 160, 200, 90)
MILLIMETRE = 0.001


def tile(triangles: np.ndarray, features: np.ndarray, color: object = GREY) -> TileMesh:
    colors = np.broadcast_to(np.array(color, np.uint8), (len(triangles), 4))
    return TileMesh(triangles.astype(float), np.asarray(features), np.ascontiguousarray(colors))


def ids(n: int) -> dict[str, list[str]]:
    return {"id": [f"e{k}" for k in range(n)]}


def assert_same(got: Decoded, triangles: np.ndarray, feature: np.ndarray, colors: np.ndarray) -> None:
    """Every triangle is there once: each position within a millimetre, all corners of its feature and colour, in its own turn."""
    assert got.triangles.shape == triangles.shape
    assert (got.features == got.features[:, :1]).all()
    assert (got.colors == got.colors[:, :1]).all()
    for kind in np.unique(np.column_stack([feature, colors]), axis=0):
        want = triangles[(feature == kind[0]) & (colors == kind[1:]).all(axis=1)]
        have = got.triangles[(got.features[:, 0] == kind[0]) & (got.colors[:, 0] == kind[1:]).all(axis=1)]
        turned = np.stack([np.roll(want, k, axis=1) for k in range(3)])  # (3, f, 3, 3)
        far = np.linalg.norm(turned[:, :, None] - have, axis=-1).max(axis=-1).min(axis=0)  # (want, have)
        assert len(want) == len(have)
        assert far.min(axis=0).max() <= MILLIMETRE
        assert far.min(axis=1).max() <= MILLIMETRE


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_triangles_come_back(data):
    n, features = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 9))
    span = data.draw(st.sampled_from([0.0, 1e-3, 5.0, 300.0, 5000.0]))
    triangles = data.draw(arrays(float, (n, 3, 3), elements=st.floats(-span, span)))
    feature = data.draw(arrays(np.int64, n, elements=st.integers(0, features - 1)))
    colors = data.draw(arrays(np.uint8, (n, 4)))
    texts = st.text(st.characters(exclude_categories=["Cs"]))
    names = data.draw(st.lists(texts, min_size=features, max_size=features))
    kinds = data.draw(st.lists(st.sampled_from(["", "-", "IfcWall", "门"]), min_size=features, max_size=features))
    numbers = data.draw(arrays(np.float32, features, elements=st.floats(-1e6, 1e6, width=32)))
    whole = np.arange(features, dtype=np.int32) - 3

    columns = {"id": names, "class": kinds, "height_m": numbers, "level": whole}
    got = decode_glb(encode_glb(TileMesh(triangles, feature, colors), columns))

    assert_same(got, triangles, feature, colors)
    assert got.table == {"id": names, "class": kinds, "height_m": numbers.tolist(), "level": whole.tolist()}


def test_normals_are_those_of_the_facets():
    triangles = np.random.default_rng(1).uniform(-10, 10, (200, 3, 3))
    got = decode_glb(encode_glb(tile(triangles, np.zeros(200, int)), ids(1)))
    across = np.cross(got.triangles[:, 1] - got.triangles[:, 0], got.triangles[:, 2] - got.triangles[:, 0])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    assert np.einsum("fi,fci->fc", across, got.normals).min() > np.cos(np.radians(1.2))


def test_a_box_needs_four_vertices_a_side():
    import trimesh

    box = trimesh.creation.box((2, 3, 4))
    document = decode_glb(encode_glb(tile(np.array(box.triangles), np.zeros(12, int)), ids(1))).document
    primitive = document["meshes"][0]["primitives"][0]
    assert document["accessors"][primitive["attributes"]["POSITION"]]["count"] == 24


def test_a_turned_building_is_as_small_as_a_straight_one():
    import trimesh

    random = np.random.default_rng(8)
    boxes = [trimesh.creation.box(random.uniform(0.2, 5, 3)).triangles + random.uniform(-20, 20, (1, 1, 3)) for _ in range(200)]
    straight, feature = np.concatenate(boxes), np.repeat(np.arange(200), 12)
    turned = Rotation.from_euler("z", 37, degrees=True).apply(straight.reshape(-1, 3)).reshape(-1, 3, 3)
    small, large = (len(encode_glb(tile(triangles, feature), ids(200))) for triangles in (straight, turned))
    assert large < 1.05 * small
    assert_same(decode_glb(encode_glb(tile(turned, feature), ids(200))), turned, feature, tile(turned, feature).face_color)


def test_opaque_and_translucent_are_two_primitives():
    triangles = np.random.default_rng(2).uniform(-1, 1, (4, 3, 3))
    colors = np.array([GREY, GLASS, GREY, GLASS], np.uint8)
    document = decode_glb(encode_glb(TileMesh(triangles, np.array([0, 1, 1, 0]), colors), ids(2))).document
    modes = [document["materials"][p["material"]].get("alphaMode", "OPAQUE") for p in document["meshes"][0]["primitives"]]
    assert modes == ["OPAQUE", "BLEND"]
    only_glass = decode_glb(encode_glb(tile(triangles, np.zeros(4, int), GLASS), ids(1))).document
    assert [m.get("alphaMode") for m in only_glass["materials"]] == ["BLEND"]


def test_layout_is_legal():
    """Alignment by glTF 2.0, 3.6.2.4 and 4.4.3, and the fallback buffer by EXT_meshopt_compression."""
    content = encode_glb(tile(np.random.default_rng(3).uniform(-9, 9, (50, 3, 3)), np.arange(50) % 7), ids(7))
    magic, version, length, json_length = struct.unpack_from("<4sIII", content)
    assert (magic, version, length) == (b"glTF", 2, len(content))
    document = decode_glb(content).document
    assert (28 + json_length) % 8 == 0
    whole, fallback = document["buffers"]
    assert fallback["extensions"] == {"EXT_meshopt_compression": {"fallback": True}}
    assert "uri" not in fallback
    for view in document["bufferViews"]:
        packed = view.get("extensions", {}).get("EXT_meshopt_compression")
        assert view["byteOffset"] % 8 == 0
        assert view["byteLength"] > 0
        if packed is not None:
            assert (view["buffer"], packed["buffer"]) == (1, 0)
            assert packed["byteOffset"] + packed["byteLength"] <= whole["byteLength"]
            assert view["byteLength"] == packed["byteStride"] * packed["count"]
        assert view["byteOffset"] + view["byteLength"] <= document["buffers"][view["buffer"]]["byteLength"]
    for accessor in document["accessors"]:
        assert accessor.get("byteOffset", 0) % 4 == 0
        assert document["bufferViews"][accessor["bufferView"]].get("byteStride", 4) % 4 == 0


@pytest.mark.parametrize(("count", "component"), [(65536, 5123), (65537, 5126)])
def test_many_features_keep_their_numbers(count, component):
    triangles = np.random.default_rng(4).uniform(0, 1, (count, 3, 3))
    triangles[:, :, 0] += np.arange(count)[:, None] / 8  # so that each tells its number
    got = decode_glb(encode_glb(tile(triangles, np.arange(count)), ids(count)))
    order = np.argsort(got.features[:, 0])
    assert (got.features[order, 0] == np.arange(count)).all()
    assert np.abs(got.triangles[order].mean(axis=1) - triangles.mean(axis=1)).max() < MILLIMETRE
    primitive = got.document["meshes"][0]["primitives"][0]
    assert got.document["accessors"][primitive["attributes"]["_FEATURE_ID_0"]]["componentType"] == component
    assert got.document["accessors"][primitive["indices"]]["componentType"] == 5125


def test_a_tile_of_forty_kilometres_keeps_centimetres():
    triangles = np.random.default_rng(9).uniform(-20_000, 20_000, (30, 3, 3))
    got = decode_glb(encode_glb(tile(triangles, np.arange(30)), ids(30)))
    centres = got.triangles[np.argsort(got.features[:, 0])].mean(axis=1)
    assert np.abs(centres - triangles.mean(axis=1)).max() < 0.005


def test_same_input_same_bytes():
    mesh = tile(np.random.default_rng(5).uniform(-1, 1, (30, 3, 3)), np.arange(30) % 4)
    assert encode_glb(mesh, ids(4)) == encode_glb(mesh, ids(4))


def repeats_of(random: np.random.Generator, shapes: int, most: int) -> list[Repeat]:
    """Shapes of some triangles, opaque and not, each at some places in any attitude; features count on through all of them."""
    made, start = [], 0
    for _ in range(shapes):
        f, n = int(random.integers(1, 20)), int(random.integers(1, most))
        placements = np.tile(np.eye(4), (n, 1, 1))
        placements[:, :3, :3] = Rotation.random(n, random_state=int(random.integers(1 << 30))).as_matrix()
        placements[:, :3, 3] = random.uniform(-80, 80, (n, 3))
        colors = random.integers(0, 256, (f, 4)).astype(np.uint8)
        colors[::2, 3] = 255
        made.append(Repeat(random.uniform(-3, 3, (f, 3, 3)), colors, placements, np.arange(start, start + n)))
        start += n
    return made


@pytest.mark.parametrize("seed", range(5))
def test_instances_stand_where_they_are_placed(seed):
    random = np.random.default_rng(seed)
    repeats = repeats_of(random, 4, 9)
    placed = sum(len(repeat.features) for repeat in repeats)
    once = tile(random.uniform(-50, 50, (seed * 7, 3, 3)), np.full(seed * 7, placed))  # none at first
    content = encode_glb(once, ids(placed + 1), repeats)
    triangles, feature, colors = [once.triangles], [once.face_feature], [once.face_color]
    for repeat in repeats:
        for placement, row in zip(repeat.placements, repeat.features, strict=True):
            triangles.append(repeat.triangles @ placement[:3, :3].T + placement[:3, 3])
            feature.append(np.full(len(repeat.triangles), row))
            colors.append(repeat.face_color)
    got = decode_glb(content)
    assert_same(got, np.concatenate(triangles), np.concatenate(feature), np.concatenate(colors))
    assert len(got.document["meshes"]) == len(repeats) + (seed > 0)
    assert content == encode_glb(once, ids(placed + 1), repeats)


def test_a_mirrored_placement_is_refused():
    mirrored = np.diag([1.0, 1.0, -1.0, 1.0])[None]
    repeat = Repeat(np.ones((1, 3, 3)), np.array([GREY], np.uint8), mirrored, np.zeros(1, np.int64))
    with pytest.raises(ValueError, match="determinant"):
        encode_glb(tile(np.zeros((0, 3, 3)), np.zeros(0, int)), ids(1), [repeat])


def test_a_hundred_chairs_cost_little_more_than_one():
    import trimesh

    chair = np.array(trimesh.creation.icosphere(3).triangles)
    placements = np.tile(np.eye(4), (100, 1, 1))
    placements[:, 0, 3] = np.arange(100)
    empty = tile(np.zeros((0, 3, 3)), np.zeros(0, int))
    colors = np.tile(np.array(GREY, np.uint8), (len(chair), 1))
    one, many = (len(encode_glb(empty, ids(100), [Repeat(chair, colors, placements[:n], np.arange(n))])) for n in (1, 100))
    assert many < one + 100 * 40
