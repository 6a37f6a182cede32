"""Points inside solid bodies: boxes by hand, turned ones against their own frame."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from trimesh.creation import box as closed

from twin.coverage.within import inside_solids
from twin.scene import Obstacles, concat, nothing, one_object
from twin.scene.embree import Scene


def inside(points: Any, *parts: Obstacles) -> list[int]:
    ob = concat(list(parts)) if parts else nothing()
    walls = np.array([kind == "wall" for kind in ob.object_kind], bool)
    return inside_solids(Scene(ob), (ob.vertices, ob.faces, ob.face_object), walls, np.asarray(points, float)).tolist()


def wall(turn: float = 0.0, kind: str = "wall") -> Obstacles:
    body = closed(bounds=[(-5.0, -0.1, 0.0), (5.0, 0.1, 3.0)])
    cos, sin = math.cos(turn), math.sin(turn)
    flat = np.asarray(body.vertices) @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1.0]])
    return one_object(flat, np.asarray(body.faces), object_id="w", kind=kind)


@pytest.mark.parametrize("turn", [0.0, 0.3, math.pi / 4, 1.2])
def test_a_point_in_a_wall_is_inside_and_one_on_it_or_beside_it_is_not(turn: float) -> None:
    cos, sin = math.cos(turn), math.sin(turn)
    along, across = np.array([cos, sin, 0.0]), np.array([-sin, cos, 0.0])
    up = np.array([0.0, 0.0, 1.5])
    points = np.array([up + 1.3 * along + off * across for off in (0.0, 0.06, 0.1, 0.102, 0.5, -0.1)])
    assert inside(points, wall(turn)) == [0, 0, -1, -1, -1, -1]


def test_a_room_between_walls_and_a_building_known_by_its_outline_hold_nothing() -> None:
    room = [one_object(np.asarray(b.vertices), np.asarray(b.faces), object_id=str(k), kind="wall")
            for k, b in enumerate([closed(bounds=[(0, 0, 0), (0.2, 5, 3)]), closed(bounds=[(0.8, 0, 0), (1, 5, 3)])])]  # fmt: skip
    assert inside(np.array([[0.5, 2.0, 1.5], [0.9, 2.0, 1.5]]), *room) == [-1, 1]
    assert inside(np.array([[0.0, 0.0, 1.5]]), wall(kind="building")) == [-1]
    assert inside(np.zeros((2, 3))) == [-1, -1]
    assert inside(np.empty((0, 3)), wall()) == []
