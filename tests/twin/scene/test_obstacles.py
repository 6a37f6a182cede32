"""Obstacles are put together and taken apart without losing whose faces they are."""

from __future__ import annotations

import numpy as np

from twin.scene import concat, nothing, one_object, opaque, subset

TRIANGLE = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.0]])
FACE = np.array([[0, 1, 2]])


def test_faces_keep_their_objects_through_concat_and_subset() -> None:
    parts = [one_object(TRIANGLE + i, FACE, object_id=f"o{i}", kind="wall", materials=({"name": "m", "thickness_m": i},)) for i in range(4)]
    whole = concat(parts)
    assert [whole.id_of(i) for i in range(len(whole))] == ["o0", "o1", "o2", "o3"]
    some = subset(whole, np.array([False, True, False, True]))
    assert [some.id_of(i) for i in range(len(some))] == ["o1", "o3"]
    assert (some.vertices[some.faces.astype(int)][1] == TRIANGLE + 3).all()
    assert some.object_materials[some.face_object[1]][0]["thickness_m"] == 3


def test_sight_passes_what_is_not_opaque() -> None:
    whole = concat([one_object(TRIANGLE, FACE, object_id="wall"), one_object(TRIANGLE, FACE, object_id="pane", kind="glass", opaque=False)])
    assert [opaque(whole).id_of(i) for i in range(len(opaque(whole)))] == ["wall"]


def test_nothing_and_nothing_is_nothing() -> None:
    assert len(nothing()) == len(concat([])) == len(concat([nothing(), nothing()])) == len(opaque(nothing())) == 0
