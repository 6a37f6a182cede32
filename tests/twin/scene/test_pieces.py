"""Obstacles in pieces: the same triangles, digests that tell content, and what becomes of them in parts and wholes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.scene import Obstacles, concat, nothing, one_object, pieces_of, subset
from twin.scene.pieces import as_one, cut


def soup(seed: int, n: int) -> Obstacles:
    rng = np.random.default_rng(seed)
    vertices = rng.uniform(-10, 10, (n, 3))
    faces = rng.integers(0, n, (2 * n, 3))
    return replace(one_object(vertices, faces, object_id="soup"), face_object=np.zeros(len(faces), np.int32))


def corners(obstacles: Obstacles) -> np.ndarray:
    return obstacles.vertices[obstacles.faces.astype(int)].reshape(-1, 9)


def is_whole(obstacles: Obstacles) -> bool:
    """Whether the pieces cover all faces in order and use the vertices they say, and no others."""
    face = 0
    for piece in obstacles.pieces:
        used = obstacles.faces[piece.face : piece.face + piece.faces]
        if piece.face != face or used.min() < piece.vertex or used.max() >= piece.vertex + piece.vertices:
            return False
        face += piece.faces
    return face == len(obstacles)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), groups=st.integers(1, 9))
def test_cutting_keeps_every_triangle_and_taking_away_keeps_the_other_pieces(seed: int, groups: int) -> None:
    whole = soup(seed, 40)
    group = np.random.default_rng(seed).integers(0, groups, len(whole))
    pieces = cut(whole, group)
    assert is_whole(pieces)
    assert len(pieces.pieces) == len(np.unique(group))
    assert (corners(pieces) == corners(whole)[np.argsort(group, kind="stable")]).all()
    gone = pieces.pieces[0]
    keep = np.ones(len(pieces), bool)
    keep[: gone.faces] = False
    left = subset(pieces, keep)
    assert is_whole(left) or not len(left)
    assert [piece.digest for piece in left.pieces] == [piece.digest for piece in pieces.pieces[1:]]
    assert (corners(left) == corners(pieces)[keep]).all()


def test_a_digest_tells_content() -> None:
    one, same, other = as_one(soup(1, 30)), as_one(soup(1, 30)), as_one(soup(2, 30))
    assert one.pieces[0].digest == same.pieces[0].digest != other.pieces[0].digest
    keep = np.arange(len(one)) % 3 > 0
    part, again = subset(one, keep), subset(same, keep)
    assert part.pieces[0].digest == again.pieces[0].digest != one.pieces[0].digest
    assert part.pieces[0].digest != subset(one, ~keep).pieces[0].digest
    assert subset(one, np.ones(len(one), bool)) is one


def test_a_whole_is_made_of_its_parts_pieces() -> None:
    first, second, plain = cut(soup(1, 30), np.arange(60) % 2), as_one(soup(2, 20)), soup(3, 10)
    whole = concat([first, second, plain])
    assert is_whole(whole)
    assert [piece.digest for piece in whole.pieces] == [*(p.digest for p in first.pieces), second.pieces[0].digest, ""]
    assert (corners(whole) == np.concatenate([corners(part) for part in (first, second, plain)])).all()
    assert subset(whole, np.arange(len(whole)) % 2 > 0).pieces[-1].digest == ""


def test_whoever_changes_triangles_has_no_digest_of_the_old_ones() -> None:
    one = as_one(soup(1, 30))
    moved = replace(one, vertices=one.vertices + 1.0)
    assert not moved.pieces
    assert pieces_of(moved)[0].digest == ""


@pytest.mark.parametrize("make", [as_one, lambda none: cut(none, np.empty(0, np.int64))])
def test_nothing_has_no_pieces(make: object) -> None:
    assert not make(nothing()).pieces  # type: ignore[operator]
    assert not pieces_of(nothing())
