"""Crossings paired into walls, against scenes whose walls can be counted by hand and a slow reader of the same rules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from twin.coverage.makeup import BEST, LIKELY, NARROW_DB, WORST, Conditions, loss_table_db, partitions
from twin.coverage.materials import CAP_DB, Layer, slab_loss_db
from twin.coverage.walls import INSIDE_DB_PER_M, Barriers, WallLoss, faces, wall_loss
from twin.scene import Obstacles, concat, one_object
from twin.scene.embree import Scene

F = 2.45
CONCRETE = [{"name": "Concrete", "thickness_m": 0.2}]


def box(low: tuple[float, float, float], high: tuple[float, float, float], **more: object) -> Obstacles:
    from trimesh.creation import box as closed

    body = closed(bounds=[low, high])
    return one_object(np.asarray(body.vertices), np.asarray(body.faces), **more)  # type: ignore[arg-type]


def losses(
    parts: list[Obstacles], origins: list[list[float]], targets: list[list[float]], conditions: Conditions | None = None
) -> WallLoss:
    scene = Scene(concat(parts))
    o, t = np.array(origins, float), np.array(targets, float)
    ob = scene.obstacles
    walls = partitions(ob.object_kind, ob.object_materials, ob.object_opaque, conditions or Conditions())
    barriers = Barriers(scene, faces(ob.vertices, ob.faces, ob.face_object), walls, ob.object_ids)
    return wall_loss(barriers, loss_table_db(walls, F), o, t)


def slab(material: str, thickness: float, degrees: float = 0.0) -> float:
    return float(slab_loss_db((Layer(material, thickness),), F, degrees))


def test_a_wall_of_known_make_up_costs_the_same_in_all_cases() -> None:
    wall = box((5, -10, 0), (5.2, 10, 3), object_id="w", kind="wall", materials=CONCRETE)
    got = losses([wall], [[0, 0.3, 1.1]], [[10, 0.3, 1.1]])
    assert got.db[0] == pytest.approx([slab("concrete", 0.2)] * 3)
    assert got.blocker[0] == 0


def test_entered_and_left_is_one_wall_and_three_walls_are_three() -> None:
    walls = [box((x, -10, 0), (x + 0.2, 10, 3), object_id=f"w{x}", kind="wall", materials=CONCRETE) for x in (2.0, 4.0, 6.0)]
    got = losses(walls, [[0, 0.3, 1.1], [0, 0.3, 1.1], [0, 0.3, 1.1]], [[1, 0.3, 1.1], [3, 0.3, 1.1], [9, 0.3, 1.1]])
    assert got.db[:, LIKELY] == pytest.approx([0.0, slab("concrete", 0.2), 3 * slab("concrete", 0.2)])
    assert got.blocker[0] == -1


def test_one_object_with_two_leaves_counts_twice() -> None:
    a, b = box((2.0, -10, 0), (2.2, 10, 3), object_id="w"), box((6.0, -10, 0), (6.2, 10, 3), object_id="w")
    both = one_object(
        np.concatenate([a.vertices, b.vertices]), np.concatenate([a.faces, b.faces + len(a.vertices)]), object_id="w", kind="wall",
        materials=CONCRETE,
    )  # fmt: skip
    got = losses([both], [[0, 0.3, 1.1]], [[9, 0.3, 1.1]])
    assert got.db[0, LIKELY] == pytest.approx(2 * slab("concrete", 0.2))


def test_ending_inside_a_wall_counts_once() -> None:
    wall = box((5, -10, 0), (5.2, 10, 3), object_id="w", kind="wall", materials=CONCRETE)
    got = losses([wall], [[0, 0.3, 1.1], [5.1, 0.3, 1.1]], [[5.1, 0.3, 1.1], [9, 0.3, 1.1]])
    assert got.db[:, LIKELY] == pytest.approx([slab("concrete", 0.2)] * 2)


def test_a_sheet_counts_once_whether_hit_on_a_face_or_on_an_edge() -> None:
    sheet = one_object(
        np.array([[5, -5, 0], [5, 5, 0], [5, 5, 4], [5, -5, 4]], float), np.array([[0, 1, 2], [0, 2, 3]]), object_id="s", kind="wall",
        materials=CONCRETE,
    )  # fmt: skip
    middle = [5.0 * 2, 0.0, 2.0]  # on the diagonal that the two triangles share
    got = losses([sheet], [[0, 0, 2], [0, 1.0, 1.1]], [middle, [10, 1.0, 1.1]])
    assert got.db[:, LIKELY] == pytest.approx([slab("concrete", 0.2)] * 2)


def test_thickness_comes_from_the_drawing_where_only_the_material_is_known() -> None:
    wall = box((5, -10, 0), (5.35, 10, 3), object_id="w", kind="wall", materials=[{"name": "砖墙"}])
    slanting = losses([wall], [[0, 0, 1.1], [0, 0, 1.1]], [[10, 0, 1.1], [10, 10, 1.1]])
    assert slanting.db[:, LIKELY] == pytest.approx([slab("brick", 0.35), slab("brick", 0.35, 45.0)], abs=0.02)


def test_an_unknown_wall_has_a_worst_and_a_best_case() -> None:
    wall = box((5, -10, 0), (5.2, 10, 3), object_id="w", kind="wall")
    worst, likely, best = losses([wall], [[0, 0.3, 1.1]], [[10, 0.3, 1.1]]).db[0]
    assert worst == pytest.approx(slab("concrete", 0.2))
    assert likely == pytest.approx(slab("brick", 0.2))
    assert best < likely < worst


def test_layers_nobody_can_name_span_what_they_may_be() -> None:
    layers = [{"name": "Concrete", "thickness_m": 0.1}, {"name": "Ebene 3", "thickness_m": 0.1}]
    wall = box((5, -10, 0), (5.2, 10, 3), object_id="w", kind="wall", materials=layers)
    worst, likely, best = losses([wall], [[0, 0.3, 1.1]], [[10, 0.3, 1.1]]).db[0]
    assert best <= likely <= worst
    assert worst == pytest.approx(slab("concrete", 0.2))


def test_a_column_in_a_wall_counts_once() -> None:
    wall = box((5, -10, 0), (5.2, 10, 3), object_id="w", kind="wall", materials=[{"name": "brick", "thickness_m": 0.2}])
    column = box((4.95, -0.2, 0), (5.25, 0.2, 3), object_id="c", kind="column", materials=[{"name": "concrete"}])
    got = losses([wall, column], [[0, 0.05, 1.1], [0, 3.0, 1.1]], [[10, 0.05, 1.1], [10, 3.0, 1.1]])
    assert got.db[:, LIKELY] == pytest.approx([NARROW_DB, slab("brick", 0.2)])
    assert got.blocker.tolist() == [1, 0]


def test_a_door_of_many_faces_counts_once() -> None:
    leaf, frame = box((5, -0.4, 0), (5.04, 0.4, 2), object_id="d"), box((5.2, -0.4, 0), (5.3, 0.4, 2), object_id="d")
    door = one_object(
        np.concatenate([leaf.vertices, frame.vertices]), np.concatenate([leaf.faces, frame.faces + len(leaf.vertices)]), object_id="d",
        kind="door",
    )  # fmt: skip
    got = losses([door], [[0, 0.05, 1.1]], [[10, 0.05, 1.1]])
    assert got.db[0] == pytest.approx([20.0, slab("wood", 0.04), 0.0])


def test_a_steel_door_is_told_from_an_unknown_one() -> None:
    def door(state: str, **more: object) -> NDArray[np.float64]:
        body = box((5, -0.4, 0), (5.05, 0.4, 2), object_id="d", kind="door", **more)
        return losses([body], [[0, 0.1, 1]], [[9, 0.1, 1]], Conditions(doors=state)).db[0]

    steel, unknown = door("closed", materials=[{"name": "Steel 钢"}]), door("closed")
    assert steel[LIKELY] > unknown[LIKELY]
    assert steel[WORST] > steel[LIKELY] > steel[BEST] > unknown[BEST] > 0.0
    assert door("unknown", materials=[{"name": "Steel 钢"}]).tolist() == [steel[WORST], steel[LIKELY], 0.0]
    assert door("open", materials=[{"name": "Steel 钢"}]).tolist() == [0.0, 0.0, 0.0]


def test_a_corner_clipped_by_less_than_a_millimetre_is_entered_and_left() -> None:
    block = box((5, -10, 0), (15, 0.0, 8), object_id="building/1", kind="building")
    clipped = losses([block], [[0, -5.0003, 2.1]], [[25, 19.9997, 2.1]])  # in at (5, -0.0003), out at (5.0003, 0), 28 m of way behind it
    assert clipped.db[0, LIKELY] == pytest.approx(2 * slab("brick", 0.24, 45.0), abs=0.01)


def test_an_outlined_building_costs_a_facade_a_crossing_and_its_depth() -> None:
    block = box((5, -10, 0), (15, 10, 8), object_id="building/1", kind="building")
    through, into, out = losses([block], [[0, 1.3, 2.1]] * 2 + [[10, 1.3, 2.1]], [[20, 1.3, 2.1], [9, 1.3, 2.1], [25, 1.3, 2.1]]).db
    facade = slab("brick", 0.24)
    assert through[LIKELY] == pytest.approx(2 * facade + 10 * INSIDE_DB_PER_M)
    assert into[LIKELY] == pytest.approx(facade + 4 * INSIDE_DB_PER_M)
    assert out[LIKELY] == pytest.approx(facade + 5 * INSIDE_DB_PER_M)
    assert through[WORST] > through[LIKELY] > through[BEST] > 0.0


def test_ground_between_is_the_end() -> None:
    ground = box((5, -10, -5), (15, 10, 8), object_id="terrain", kind="terrain")
    assert losses([ground], [[0, 1.3, 2.1]], [[20, 1.3, 2.1]]).db[0] == pytest.approx([CAP_DB] * 3)


def test_glass_in_a_door_is_glass() -> None:
    pane = box((5, -0.4, 0), (5.02, 0.4, 2), object_id="d", kind="door", opaque=False)
    solid = box((5, -0.4, 0), (5.02, 0.4, 2), object_id="d", kind="door")
    assert losses([pane], [[0, 0.1, 1]], [[9, 0.1, 1]]).db[0, WORST] != losses([solid], [[0, 0.1, 1]], [[9, 0.1, 1]]).db[0, WORST]


def slow(spans: list[tuple[float, float, float]], material: list[str], x: float) -> float:
    """Walls across a way along x: what each that begins before `x` costs, one after the other."""
    total = 0.0
    for (start, thick, _), name in zip(spans, material, strict=True):
        if start + thick < x:
            total += slab(name, round(thick, 2))
        elif start < x:
            total += slab(name, 0.2)
    return total


@settings(deadline=None)
@given(
    thick=st.lists(st.sampled_from([0.1, 0.15, 0.2, 0.3]), min_size=1, max_size=6),
    names=st.lists(st.sampled_from(["brick", "concrete", "plasterboard"]), min_size=6, max_size=6),
    end=st.floats(0.6, 7.0),
)
def test_rows_of_walls_against_a_slow_reader(thick: list[float], names: list[str], end: float) -> None:
    spans = [(1.0 + i, t, 0.0) for i, t in enumerate(thick)]
    if any(abs(end - edge) < 0.01 for s, t, _ in spans for edge in (s, s + t)):
        return
    walls: list[Obstacles] = []
    for (start, t, _), name in zip(spans, names, strict=False):
        walls.append(box((start, -9, 0), (start + t, 9, 3), object_id=f"w{start}", kind="wall", materials=[{"name": name}]))
    got: NDArray[np.float64] = losses(walls, [[0, 0.33, 1.21]], [[end, 0.33, 1.21]]).db[0]
    assert got[LIKELY] == pytest.approx(slow(spans, names[: len(spans)], end), abs=1e-6)
