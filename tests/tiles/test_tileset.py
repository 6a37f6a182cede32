"""Trees of tiles: every feature in one leaf, boxes that hold what is in them, the right place on the earth."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiles.content.bim import model_bodies
from tiles.content.bodies import Bodies, bodies
from tiles.content.levels import largest, levels
from tiles.content.split import Piece, split
from tiles.glb import encode_glb
from tiles.tileset import gather, middle, outer_json, tileset_json
from twin.crs import Frame


def scattered(n: int, seed: int, groups: int = 1, span: float = 500.0) -> Bodies:
    """n features of one to thirty small triangles."""
    random = np.random.default_rng(seed)
    owner = np.repeat(np.arange(n), random.integers(1, 30, n))
    centre = random.uniform(-span, span, (n, 3)) * [1, 1, 0.05]
    corners = centre[owner][:, None] + random.uniform(-2, 2, (len(owner), 3, 3))
    faces = np.arange(3 * len(owner), dtype=np.uint32).reshape(-1, 3)
    order = random.permutation(len(owner))  # faces may come in any order
    colors = np.full((len(owner), 4), 255, np.uint8)
    table = {"id": [f"e{k}" for k in range(n)]}
    return bodies(corners.reshape(-1, 3), faces[order], owner[order], colors, table=table, group=random.integers(0, groups, n))


def leaves(pieces: list[Piece]):
    for piece in pieces:
        if piece.pieces:
            yield from leaves(list(piece.pieces))
        else:
            yield piece


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 400), st.integers(0, 5), st.integers(1, 4), st.integers(20, 2000))
def test_every_feature_is_in_one_leaf_of_its_group(n, seed, groups, limit):
    content = scattered(n, seed, groups)
    found = list(leaves(split(content, limit)))
    assert sorted(np.concatenate([leaf.features for leaf in found]).tolist()) == list(range(n))
    weight = np.diff(content.starts) + 2
    for leaf in found:
        assert len(set(content.group[leaf.features].tolist())) == 1
        assert len(leaf.features) == 1 or weight[leaf.features].sum() <= limit


def test_a_full_tree_is_filled_and_branches_by_eight():
    content = scattered(4000, 1)
    trees = split(content, 1000)
    assert len(trees) == 1
    total = len(content.faces) + 2 * len(content)
    assert len(list(leaves(trees))) < 2.5 * total / 1000
    assert trees[0].pieces
    assert len(trees[0].pieces) == 8


def contents_of(content: Bodies, limit: int) -> set[frozenset[str]]:
    return {frozenset(np.array(content.columns["id"])[leaf.features].tolist()) for leaf in leaves(split(content, limit))}


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 600), st.integers(0, 5), st.integers(20, 2000), st.data())
def test_a_feature_that_goes_changes_its_own_tile_and_no_other(n, seed, limit, data):
    """What shares a tile with neither it nor the tile it leaves behind stays in the tile it was in."""
    content = scattered(n, seed)
    gone = data.draw(st.integers(0, n - 1))
    keep = content.face_feature != gone
    left = bodies(
        content.vertices, content.faces[keep], content.face_feature[keep], content.face_color[keep],
        table=content.columns, group=content.group,
    )  # fmt: skip
    before, after = contents_of(content, limit), contents_of(left, limit)
    assert len(after - before) <= 1
    (old,) = [tile for tile in before if f"e{gone}" in tile]
    assert all(tile >= old - {f"e{gone}"} for tile in after - before)


def test_the_tiles_of_a_part_of_the_park_do_not_depend_on_the_rest():
    content = scattered(2000, 3)
    away = bodies(
        np.concatenate([content.vertices, [[9000.0, 9000.0, 300.0], [9001.0, 9000.0, 300.0], [9000.0, 9001.0, 300.0]]]),
        np.concatenate([content.faces, [np.arange(3) + len(content.vertices)]]).astype(np.uint32),
        np.append(content.face_feature, 2000), np.append(content.face_color, [[9, 9, 9, 255]], axis=0).astype(np.uint8),
        table={"id": [*content.columns["id"], "far"]}, group=np.zeros(2001, np.int64),
    )  # fmt: skip
    assert contents_of(away, 1000) == contents_of(content, 1000) | {frozenset({"far"})}


def test_features_at_one_place_still_come_apart():
    content = scattered(300, 2, span=0.0)
    assert max(len(leaf.features) for leaf in leaves(split(content, 100))) < 30


def tiles_in(tile: dict, above: np.ndarray):
    """Every tile with its transform to earth-centred metres and its box corners there."""
    transform = above @ np.array(tile.get("transform", np.eye(4).ravel())).reshape(4, 4).T
    box = np.array(tile["boundingVolume"]["box"]).reshape(4, 3)
    signs = np.stack(np.meshgrid([-1, 1], [-1, 1], [-1, 1]), -1).reshape(-1, 3)
    corners = box[0] + signs @ box[1:]
    yield tile, transform, corners @ transform[:3, :3].T + transform[:3, 3]
    for child in tile.get("children", ()):
        yield from tiles_in(child, transform)


@pytest.mark.parametrize("east", [0.0, 60_000.0])
def test_boxes_hold_their_children_and_errors_fall(east):
    content = scattered(800, 3, groups=3)
    moved = bodies(
        content.vertices + np.array([east, 0.0, 0.0]),
        content.faces,
        content.face_feature,
        content.face_color,
        table=content.columns,
        group=content.group,
    )
    frame = Frame(114.0, 30.5, 20.0)
    root = gather(levels(moved, largest, 500))
    document = json.loads(json.dumps(tileset_json(root, frame.ecef_matrix())))
    whole = next(tiles_in(document["root"], np.eye(4)))[2]
    assert np.allclose(frame.ecef_matrix() @ np.append(middle(root), 1), np.append(whole.mean(axis=0), 1), atol=1e-3)
    for tile, _, corners in tiles_in(document["root"], np.eye(4)):
        inside = np.linalg.norm(whole.mean(axis=0) - corners, axis=1).max()
        assert inside <= np.linalg.norm(whole.mean(axis=0) - whole, axis=1).max() + 1e-6
        for child in tile.get("children", ()):
            assert child["geometricError"] <= tile["geometricError"]
    assert document["geometricError"] >= document["root"]["geometricError"] > 0


def test_leaves_count_from_the_middle_of_their_box():
    content = scattered(300, 4)
    document = tileset_json(gather(levels(content, largest, 500)), Frame(114.0, 30.5).ecef_matrix())
    contents = [tile for tile, *_ in tiles_in(document["root"], np.eye(4)) if not tile.get("children")]
    assert len(contents) > 5
    assert all(tile["boundingVolume"]["box"][:3] == [0.0, 0.0, 0.0] for tile in contents)


def test_an_empty_park_is_a_valid_tileset():
    document = outer_json([], Frame(114.0, 30.5).ecef_matrix())
    assert document["asset"]["version"] == "1.1"
    assert "children" not in document["root"]
    assert "content" not in document["root"]


def test_outer_boxes_are_earth_centred():
    ecef = Frame(114.0, 30.5).ecef_matrix()
    part = gather(levels(scattered(10, 5), largest))
    child = outer_json([("b1/tileset.json", part)], ecef)["root"]["children"][0]
    assert child["content"] == {"uri": "b1/tileset.json"}
    assert "transform" not in child
    assert np.allclose(child["boundingVolume"]["box"][:3], (ecef @ np.append(middle(part), 1))[:3])


def test_model_elements_keep_their_attributes(box_mesh, model_of):
    mesh = box_mesh([(f"e{k}", (3 * k, 0, 0), (1, 1, 1), (200, 0, 0, 255)) for k in range(7)])
    content = model_of("m", mesh)
    found = model_bodies(mesh, content.elements[1:], "m", "house")
    assert found.columns["id"] == list(mesh.element_ids)
    assert found.columns["class"] == ["", *["IfcWall"] * 6]
    assert found.columns["building"] == ["house"] * 7
    assert found.columns["storey"] == ["", *[element.storey_id or "" for element in content.elements[1:]]]
    assert found.columns["discipline"] == ["other", *[element.discipline for element in content.elements[1:]]]
    assert encode_glb(*found.tile(np.array([2, 5]), np.zeros(3))).startswith(b"glTF")


def test_faces_without_a_place_are_left_out(box_mesh, model_of):
    """Of the second box the faces at one corner go, the third has none left and is no feature any more."""
    mesh = box_mesh([(f"e{k}", (3 * k, 0, 0), (1, 1, 1), (200, 0, 0, 255)) for k in range(4)])
    mesh.vertices[9, 1] = np.nan
    mesh.vertices[16:24] = np.inf
    found = model_bodies(mesh, model_of("m", mesh, outlined=False).elements, "m", "house")
    assert found.columns["id"] == ["e0", "e1", "e3"]
    assert np.diff(found.starts).tolist() == [12, 12 - np.count_nonzero((mesh.faces == 9).any(axis=1)), 12]
    assert np.isfinite(found.boxes).all()
