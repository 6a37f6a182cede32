"""Trees, woods and hedges: where they stand, how big they are, what is assumed, and what light and radio meet of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import trimesh

from twin.crs import Frame
from twin.model import FeatureTable, Layer, Park, Terrain
from twin.scene import Obstacles
from twin.scene.embree import Scene
from twin.scene.gather import gather_obstacles
from twin.scene.state import State
from twin.scene.vegetation import BRANCHES_PER_HEIGHT, CROWN_PER_HEIGHT, PATCH_M, TREE_HEIGHT_M, assumptions, number, plants
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
Make = Callable[..., Store]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(*, terrain: Terrain | None = None, **layers: tuple[Sequence[Any], Mapping[str, Any]]) -> Store:
        store = create_store(tmp_path / "park", Park("p", FRAME))
        with store.transaction() as writer:
            for kind, (shapes, columns) in layers.items():
                writer.put_layer(Layer(kind, kind, kind))
                geometry = np.array([shapely.force_2d(FRAME.unproject(shape)) for shape in shapes], object)
                writer.put_features(kind, FeatureTable([str(i) for i in range(len(shapes))], geometry, columns), source="t")
            if terrain is not None:
                writer.put_terrain(terrain, source="t")
        return store

    return build


def body(obstacles: Obstacles, name: str) -> trimesh.Trimesh:
    chosen = [k for k, found in enumerate(obstacles.object_ids) if found == name]
    return trimesh.Trimesh(obstacles.vertices, obstacles.faces[np.isin(obstacles.face_object, chosen)])


def test_a_tree_is_a_closed_crown_of_its_size(make: Make) -> None:
    store = make(tree=([shapely.Point(20, 10)], {"height_m": [9.0], "crown_m": [6.0], "crown_base_m": ["3 m"]}))
    found = plants(store)
    crown = body(found.obstacles, "tree/0")
    assert crown.is_watertight
    assert crown.volume == pytest.approx(4 / 3 * np.pi * 3 * 3 * 3, rel=1e-6)  # outward, as large as the spheroid
    assert crown.bounds[:, 2] == pytest.approx([3.0, 9.0], abs=1e-3)
    assert crown.centroid == pytest.approx([20, 10, 6], abs=1e-3)
    assert not found.assumed
    assert found.obstacles.object_kind == ["vegetation"]
    assert found.obstacles.object_materials[0][0]["name"] == "foliage"


def test_what_a_tree_does_not_say_is_assumed_and_counted(make: Make) -> None:
    columns = {"height_m": [9.0, None, 2000.0, 12.0], "crown_m": [None, 4.0, 5.0, None], "冠半径": [None, None, None, 2.0]}
    store = make(tree=([shapely.Point(20 * k, 0) for k in range(4)], columns))
    found = plants(store)
    assert {name: len(ids) for name, ids in found.assumed.items()} == {"height_m": 2, "crown_m": 1}
    assert found.assumed["height_m"] == ("tree/1", "tree/2")
    tall = body(found.obstacles, "tree/1").bounds
    assert tall[:, 2] == pytest.approx([BRANCHES_PER_HEIGHT * TREE_HEIGHT_M, TREE_HEIGHT_M], abs=1e-3)
    wide = body(found.obstacles, "tree/0")
    assert wide.volume == pytest.approx(np.pi / 6 * (CROWN_PER_HEIGHT * 9) ** 2 * 9 * (1 - BRANCHES_PER_HEIGHT), rel=1e-6)
    assert {warning["subject"]: warning["count"] for warning in assumptions(store)} == {"height_m": 2, "crown_m": 1}
    assert np.ptp(body(found.obstacles, "tree/3").bounds[:, 0]) == pytest.approx(4.0, rel=0.15)


def test_leaves_hide_what_is_behind_them_unless_they_are_clear(make: Make) -> None:
    store = make(tree=([shapely.Point(0, 0)], {"height_m": [8.0], "crown_m": [6.0]}))
    behind, before = np.array([[-20.0, 0, 5], [-20, 0, 1.6], [-20, 9, 5]]), np.array([[20.0, 0, 5], [20, 0, 1.6], [20, 9, 5]])
    assert Scene(gather_obstacles(store)).occluded(behind, before).tolist() == [True, False, False]  # under the branches, past the crown
    clear = gather_obstacles(store, state=State(vegetation="clear"))
    assert not Scene(clear).occluded(behind, before).any()
    assert gather_obstacles(store, state=State(doors="open")) is gather_obstacles(store)
    assert gather_obstacles(store, state=State("open", "clear")) is clear
    inside = Scene(gather_obstacles(store, sight=False)).crossings(behind, before)
    assert inside.segment.tolist() == [0, 0]
    assert np.diff(inside.t)[0] * 40 == pytest.approx(6.0, rel=0.1)  # the way among leaves


def test_woods_and_hedges_stand_where_their_height_is_known(make: Make) -> None:
    square, line = shapely.box(0, 0, 30, 20), shapely.LineString([(0, 50), (20, 50)])
    areas = [square, shapely.affinity.translate(square, 100), square, line]
    said = {"class": ["forest", "lawn", "wood", "hedge"], "height_m": [12.0, 9.0, None, 2.0], "width_m": [None, None, None, 1.5]}
    hedges = [shapely.affinity.translate(line, 0, 10), line], {"class": ["hedge", "绿篱"], "height_m": [1.8, None]}
    store = make(green=(areas, said), barrier=hedges)
    found = plants(store).obstacles
    assert set(found.object_ids) == {"green/0", "green/3", "barrier/0"}
    assert body(found, "green/0").volume == pytest.approx(30 * 20 * 12, rel=1e-4)
    assert body(found, "green/3").volume == pytest.approx(20 * 1.5 * 2, rel=1e-4)
    assert body(found, "barrier/0").volume == pytest.approx(20 * 1.0 * 1.8, rel=1e-4)
    kinds = dict(zip(*(getattr(gather_obstacles(store), name) for name in ("object_ids", "object_kind")), strict=True))
    assert kinds["barrier/0"] == "vegetation"


def test_rows_and_drawn_crowns_of_trees_are_prisms(make: Make) -> None:
    row, crown = shapely.LineString([(0, 0), (40, 0)]), shapely.Point(0, 60).buffer(3)
    store = make(tree=([row, crown, shapely.MultiPoint([(0, 90), (9, 90)])], {"height_m": [6.0] * 3, "crown_m": [4.0] * 3}))
    found = plants(store).obstacles
    low = BRANCHES_PER_HEIGHT * 6
    assert body(found, "tree/0").volume == pytest.approx(40 * 4 * (6 - low), rel=1e-4)
    assert body(found, "tree/1").volume == pytest.approx(crown.area * (6 - low), rel=1e-4)
    assert list(found.object_ids).count("tree/2") == 2


def test_plants_stand_on_the_ground(make: Make) -> None:
    x = np.arange(-20, 21) * 10.0
    heights = np.broadcast_to(500 + 0.1 * x, (41, 41)).astype(np.float32)
    terrain = Terrain(-200.0, -200.0, 10.0, heights)
    store = make(
        terrain=terrain,
        tree=([shapely.Point(100, 0)], {"height_m": [8.0]}),
        green=([shapely.box(0, 0, 100, 20)], {"class": ["wood"], "height_m": [5.0]}),
    )
    found = plants(store).obstacles
    assert body(found, "tree/0").bounds[1, 2] == pytest.approx(18.0, abs=0.01)
    tops = body(found, "green/0").bounds
    assert tops[:, 2] == pytest.approx([0.1 * PATCH_M / 2, 10 - 0.1 * PATCH_M / 2 + 5], abs=0.01)
    assert len([name for name in found.object_ids if name == "green/0"]) == 4
    assert gather_obstacles(store, terrain="flat").vertices[:, 2].max() == pytest.approx(8.0, abs=0.01)


def test_a_plant_that_a_model_has_a_body_for_stands_there_alone(make: Make) -> None:
    store = make(tree=([shapely.Point(0, 0), shapely.Point(30, 0)], {}))
    assert set(plants(store, modelled=frozenset({"0"})).obstacles.object_ids) == {"tree/1"}
    assert not len(plants(store, far_m=0.0).obstacles)


@pytest.mark.parametrize(
    ("said", "meant"), [("12 m", 12.0), ("3,5", 3.5), (7, 7.0), ("about 5", None), (None, None), (True, None), ("nan", None), ("-2", -2.0)]
)
def test_numbers_as_tables_have_them(said: object, meant: float | None) -> None:
    assert number(said) == meant
