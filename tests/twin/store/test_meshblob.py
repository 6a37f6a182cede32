"""Meshes as blobs: the same comes out as went in, repeated shapes take less room, blobs of older programs are read."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.model import Mesh, Repeats
from twin.store import blob, meshblob


def _shape(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.uniform(-2.0, 2.0, (n, 3)), random.integers(0, n, (2 * n, 3)).astype(np.uint32)


def _turn(random: np.random.Generator) -> np.ndarray:
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    return turn


def _park(seed: int, uses: int, n: int = 40, *, is_mirrored: bool = False) -> Mesh:
    """A mesh of one shape `uses` times and a plain one between each two."""
    random = np.random.default_rng(seed)
    points, faces = _shape(seed, n)
    vertices, triangles, owner, first, matrices = [], [], [], [], []
    v = f = 0
    for k in range(uses):
        matrix = np.column_stack([_turn(random), random.uniform(-300.0, 300.0, 3)])
        first.append((v, f))
        matrices.append(matrix)
        own, own_faces = _shape(1000 + k, 5)
        turned = faces[:, ::-1] if is_mirrored and k % 2 else faces
        for part, cells in ((points @ matrix[:, :3].T + matrix[:, 3], turned), (own, own_faces)):
            vertices.append(part)
            triangles.append(cells + v)
            owner.append(np.full(len(cells), len(owner)))
            v, f = v + len(part), f + len(cells)
    face_element = np.concatenate(owner).astype(np.uint32)
    repeats = Repeats(points, np.array([[n, len(faces)]]), np.zeros(uses, np.int64), np.array(first), np.array(matrices))
    color = random.integers(0, 255, (len(owner), 4)).astype(np.uint8)[face_element]
    ids = [f"e{k}" for k in range(len(owner))]
    return Mesh(np.concatenate(vertices), np.concatenate(triangles).astype(np.uint32), face_element, color, ids, repeats)


def _old(mesh: Mesh) -> bytes:
    """The blob as programs before version 4 of the schema wrote it."""
    shift = np.round(mesh.vertices.mean(0) / 64.0) * 64.0
    arrays = {"shift": shift, "vertices": (mesh.vertices - shift).astype(np.float32), "faces": mesh.faces}
    ids = np.frombuffer(json.dumps(list(mesh.element_ids)).encode(), np.uint8)
    return blob.pack({**arrays, "face_element": mesh.face_element, "face_color": mesh.face_color, "element_ids": ids})


def _same(one: Mesh, other: Mesh) -> None:
    for name in ("vertices", "faces", "face_element", "face_color"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
        assert getattr(one, name).dtype == getattr(other, name).dtype, name
    assert list(one.element_ids) == list(other.element_ids)


@given(seed=st.integers(0, 10_000), uses=st.integers(1, 12), n=st.integers(4, 60), is_mirrored=st.booleans())
def test_what_comes_out_is_to_the_bit_what_older_blobs_held(seed, uses, n, is_mirrored):
    mesh = _park(seed, uses, n, is_mirrored=is_mirrored)
    _same(meshblob.unpack(meshblob.pack(mesh)), meshblob.unpack(_old(mesh)))


def test_a_repeated_shape_takes_less_room_and_stays_known():
    mesh = _park(1, 200)
    packed = meshblob.pack(mesh)
    assert len(packed) < 0.5 * len(_old(mesh))
    read = meshblob.unpack(packed)
    assert read.repeats is not None
    assert len(read.repeats.shape) == 200
    assert meshblob.pack(read) == packed  # a copy of a park does not drift


def test_a_use_that_is_not_what_it_says_is_written_out():
    mesh = _park(2, 50)
    mesh.vertices[mesh.repeats.first[7, 0] + 3] += 0.01
    mesh.faces[mesh.repeats.first[9, 1]] = mesh.faces[mesh.repeats.first[9, 1] + 1]
    read = meshblob.unpack(meshblob.pack(mesh))
    _same(read, meshblob.unpack(_old(mesh)))
    assert len(read.repeats.shape) == 48


def test_uses_beyond_the_mesh_are_not_believed():
    mesh = _park(3, 20)
    mesh.repeats.first[:, 0] += 10_000
    read = meshblob.unpack(meshblob.pack(mesh))
    _same(read, meshblob.unpack(_old(mesh)))
    assert read.repeats is None


@pytest.mark.parametrize("uses", [0, 3])
def test_empty_and_small_meshes(uses):
    mesh = _park(4, 3, 4)
    whole = Mesh(mesh.vertices[:0], mesh.faces[:0], mesh.face_element[:0], mesh.face_color[:0], []) if not uses else mesh
    read = meshblob.unpack(meshblob.pack(whole))
    assert len(read.faces) == len(whole.faces)
    assert np.allclose(read.vertices, whole.vertices, atol=1e-4)


def test_what_each_element_took_to_build_is_kept():
    mesh = _park(5, 3)
    seconds = np.linspace(0.0, 1.0, len(mesh.element_ids)).astype(np.float32)
    timed = Mesh(mesh.vertices, mesh.faces, mesh.face_element, mesh.face_color, mesh.element_ids, mesh.repeats, seconds)
    assert np.array_equal(meshblob.unpack(meshblob.pack(timed)).seconds, seconds)
    assert meshblob.unpack(meshblob.pack(mesh)).seconds is None


def test_faces_that_no_element_has_in_order_and_points_that_are_none_survive():
    mesh = _park(6, 5)
    random = np.random.default_rng(0)
    order = random.permutation(len(mesh.faces))
    vertices = mesh.vertices.copy()
    vertices[3] = np.nan
    mixed = Mesh(vertices, mesh.faces[order], mesh.face_element[order], mesh.face_color[order], mesh.element_ids)
    read = meshblob.unpack(meshblob.pack(mixed))
    assert np.array_equal(read.faces, mixed.faces)
    assert np.array_equal(read.face_element, mixed.face_element)
    assert np.array_equal(np.isnan(read.vertices), np.isnan(mixed.vertices))
