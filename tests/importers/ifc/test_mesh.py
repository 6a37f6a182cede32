"""Parts written and read back, and bodies merged."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import trimesh

from importers.ifc.mesh import Body, bodies, boxes, merged, repeated
from importers.ifc.parts import Parts, Shape, finished, read_parts

BOX = trimesh.creation.box(extents=(1.0, 2.0, 3.0))


def _shape(geometry_id="g", at=(0.0, 0.0, 0.0), mirrored=False, color=None):
    """What the kernel hands over for one element."""
    matrix = np.eye(4)
    matrix[:3, 3] = at
    if mirrored:
        matrix[0, 0] = -1.0
    style = SimpleNamespace(diffuse=SimpleNamespace(components=color), transparency=0.5, has_transparency=lambda: True)
    return SimpleNamespace(
        geometry=SimpleNamespace(
            id=geometry_id,
            verts_buffer=np.asarray(BOX.vertices, float).tobytes(),
            faces_buffer=np.asarray(BOX.faces, np.int32).tobytes(),
            material_ids_buffer=np.full(len(BOX.faces), 0 if color else -1, np.int32).tobytes(),
            materials=[style] if color else [],
        ),
        transformation_buffer=matrix.T.tobytes(),
    )


def test_what_is_flushed_is_read_back_and_repeated_meshes_are_written_once(tmp_path):
    parts = Parts(tmp_path, run=0)
    parts.add(7, _shape(), "fast", 0.0)
    parts.flush()
    parts.add(8, _shape(at=(5.0, 0.0, 0.0)), "fast", 0.02)
    parts.flush()
    parts.add(9, _shape(), "fast", 0.0)  # never flushed: lost with the child
    instances = list(read_parts(tmp_path))
    assert finished(tmp_path) == {7, 8}
    assert [(item.product, item.kernel, item.off_m) for item in instances] == [(7, "fast", 0.0), (8, "fast", 0.02)]
    assert instances[0].shape is instances[1].shape
    assert np.array_equal(instances[0].shape.vertices, BOX.vertices)
    assert instances[1].matrix[0, 3] == 5.0


def test_runs_do_not_mix_their_meshes(tmp_path):
    for run, at in ((0, (0.0, 0.0, 0.0)), (1, (1.0, 0.0, 0.0))):
        parts = Parts(tmp_path, run)
        parts.add(run, _shape(at=at), "fast", 0.0)
        parts.flush()
    first, second = read_parts(tmp_path)
    assert first.shape is not second.shape


def test_a_product_built_again_is_the_later_one_and_is_confirmed_by_an_equal_box(tmp_path):
    parts = Parts(tmp_path, run=0)
    parts.add(1, _shape(), "fast", 0.5)
    parts.add(2, _shape(), "fast", 0.5)
    parts.add(1, _shape(), "safe", 0.5)
    parts.add(2, _shape("h", at=(0.3, 0.0, 0.0)), "safe", 0.5)
    parts.flush()
    found = bodies(read_parts(tmp_path))
    assert [(body.kernel, body.is_confirmed) for body in found.values()] == [("safe", True), ("safe", False)]


def test_the_same_shape_twice_in_one_place_is_drawn_once(tmp_path):
    parts = Parts(tmp_path, run=0)
    for at in ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (4.0, 0.0, 0.0)):
        parts.add(1, _shape(at=at), "fast", 0.0)
    parts.flush()
    bulk = merged(list(bodies(read_parts(tmp_path)).values()))
    assert len(bulk.faces) == 24
    assert np.allclose(boxes(bulk.vertices, bulk.counts)[0], [[-0.5, -1.0, -1.5], [4.5, 1.0, 1.5]])


def test_mirrored_copies_face_outwards_and_colours_stay_with_their_faces(tmp_path):
    parts = Parts(tmp_path, run=0)
    parts.add(1, _shape(color=(1.0, 0.0, 0.0)), "fast", 0.0)
    parts.add(2, _shape("m", at=(10.0, 0.0, 0.0), mirrored=True), "fast", 0.0)
    parts.flush()
    bulk = merged(list(bodies(read_parts(tmp_path)).values()))
    for owner in (0, 1):
        mesh = trimesh.Trimesh(bulk.vertices, bulk.faces[bulk.owner == owner], process=False)
        assert mesh.volume == pytest.approx(6.0)
    assert np.allclose(bulk.colors[bulk.owner == 0], [1.0, 0.0, 0.0, 0.5])
    assert np.isnan(bulk.colors[bulk.owner == 1]).all()


def test_nothing_merges_to_nothing():
    bulk = merged([])
    assert len(bulk.vertices) == len(bulk.faces) == len(boxes(bulk.vertices, bulk.counts)) == 0


def test_shapes_that_are_the_same_to_the_bit_are_one_with_a_placement_for_each_use():
    random = np.random.default_rng(0)
    points, faces = random.uniform(-1.0, 1.0, (9, 3)), random.integers(0, 9, (14, 3)).astype(np.int32)
    colors = np.full((14, 4), np.nan, np.float32)
    alike = [Shape(points.copy(), faces.copy(), colors) for _ in range(3)]
    other = Shape(points + 1e-9, faces, colors)
    matrices = [np.vstack([np.column_stack([np.eye(3), [k, 2.0 * k, 0.5]]), [0.0, 0.0, 0.0, 1.0]]) for k in range(4)]
    whole = merged([Body("k", 0.0, False, [(shape, matrix)]) for shape, matrix in zip([*alike, other], matrices, strict=True)])
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle), 0.0], [np.sin(angle), np.cos(angle), 0.0], [0.0, 0.0, 1.0]])
    found = repeated(whole.uses, turn, np.array([5.0, 6.0, 7.0]))
    assert found.shape.tolist() == [0, 0, 0]
    assert found.sizes.tolist() == [[9, 14]]
    moved = whole.vertices @ turn.T + [5.0, 6.0, 7.0]
    for (vertex, face), matrix in zip(found.first.tolist(), found.matrices, strict=True):
        assert np.allclose(found.vertices @ matrix[:, :3].T + matrix[:, 3], moved[vertex : vertex + 9], atol=1e-12)
        own = whole.faces[face : face + 14] - vertex
        assert np.array_equal(own, faces) or np.array_equal(own, faces[:, ::-1])
    assert repeated(whole.uses[2:], turn, np.zeros(3)) is None
