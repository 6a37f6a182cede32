"""The obstacles of parks written here: prisms, models, walls, terrain, and what is far away or can be seen through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import trimesh

from twin.crs import Frame
from twin.model import Element, FeatureTable, Georeferencing, Layer, Mesh, Model, ModelContent, Park, Terrain
from twin.scene import Obstacles
from twin.scene.embree import Scene
from twin.scene.gather import BURIED_M, flattened, gather_obstacles
from twin.scene.ground import ground_of
from twin.store import Store, create_store
from twin.terrain import ground_z

FRAME = Frame(104.06, 30.66, 500.0)
Make = Callable[..., Store]


def lonlat(shape: Any) -> Any:
    return shapely.force_2d(FRAME.unproject(shape))


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(
        *, model: ModelContent | None = None, terrain: Terrain | None = None, **layers: tuple[Sequence[Any], Mapping[str, Any]]
    ) -> Store:
        store = create_store(tmp_path / "park", Park("p", FRAME))
        with store.transaction() as writer:
            for kind, (shapes, columns) in layers.items():
                writer.put_layer(Layer(kind, kind, kind))
                geometry = np.array([lonlat(shape) for shape in shapes], object)
                writer.put_features(kind, FeatureTable([f"{kind}-{i}" for i in range(len(shapes))], geometry, columns), source="t")
            if model is not None:
                writer.put_model(model)
            if terrain is not None:
                writer.put_terrain(terrain, source="t")
        return store

    return build


def rooms() -> ModelContent:
    """A wall, a door, a window with its frame, a pane of glass, a curtain and a space nobody built; one box each."""
    parts = [
        ("W", "IfcWallStandardCase", "Concrete", 255), ("D", "IfcDoor", "Wood", 255), ("F", "IfcWindow", None, 255),
        ("G", "IfcPlate", "Klarglas 8 mm", 255), ("C", "IfcBuildingElementProxy", None, 80), ("S", "IfcSpace", None, 255),
    ]  # fmt: skip
    bodies = [trimesh.creation.box(bounds=[(3 * i, 0, 0), (3 * i + 1, 1, 3)]) for i in range(len(parts))]
    vertices = np.concatenate([body.vertices for body in bodies])
    faces = np.concatenate([body.faces + 8 * i for i, body in enumerate(bodies)]).astype(np.uint32)
    owner = np.repeat(np.arange(len(parts)), 12).astype(np.uint32)
    color = np.column_stack([np.full((len(faces), 3), 200), np.array([part[3] for part in parts])[owner]]).astype(np.uint8)
    elements = [
        Element(name, "m", kind, name, state="built", materials=[{"name": material, "thickness_m": 0.1}] if material else [])
        for name, kind, material, _ in parts
    ]
    place = Georeferencing("given", None, 500.0, 0.0, None, "test")
    model = Model("m", "m", "IFC4", "0" * 64, place, lonlat(shapely.box(0, 0, 20, 1)), 500.0, 503.0)
    return ModelContent(model, [], [], elements, Mesh(vertices, faces, owner, color, [part[0] for part in parts]))


def faces_by_id(obstacles: Obstacles) -> Counter[str]:
    return Counter(obstacles.id_of(face) for face in range(len(obstacles)))


def test_a_building_is_a_prism_of_its_height(make: Make) -> None:
    store = make(building=([shapely.box(10, 10, 30, 20)], {"height_m": [12.0]}))
    obstacles = gather_obstacles(store)
    assert faces_by_id(obstacles) == {"building/building-0": 12}
    assert obstacles.vertices[:, 2].max() == pytest.approx(12.0, abs=1e-3)
    assert obstacles.vertices[:, 2].min() == pytest.approx(-BURIED_M, abs=1e-3)
    body = trimesh.Trimesh(obstacles.vertices, obstacles.faces)
    assert body.is_watertight
    assert body.volume == pytest.approx(200 * (12 + BURIED_M), rel=1e-5)


def test_a_model_stands_for_its_building_and_glass_lets_the_sight_through(make: Make) -> None:
    store = make(model=rooms(), building=([shapely.box(0, 0, 20, 1)], {"height_m": [9.0]}))
    everything, sight = gather_obstacles(store, sight=False), gather_obstacles(store)
    assert set(faces_by_id(everything)) == {"element/W", "element/D", "element/F", "element/G", "element/C"}
    assert set(faces_by_id(sight)) == {"element/W", "element/D"}
    kinds = dict(zip(everything.object_ids, everything.object_kind, strict=True))
    assert kinds == {"element/W": "wall", "element/D": "door", "element/F": "window", "element/G": "glass", "element/C": "glass"}
    layers = dict(zip(everything.object_ids, everything.object_materials, strict=True))
    assert [dict(layer) for layer in layers["element/W"]] == [{"name": "Concrete", "thickness_m": 0.1}]
    scene = Scene(sight)
    across = np.array([[3.0 * i + 0.5, -5, 1.5] for i in range(6)])
    assert scene.occluded(across, across + np.array([0, 10, 0])).tolist() == [True, True, False, False, False, False]


def test_only_walls_of_known_height_stand(make: Make) -> None:
    line = shapely.LineString([(-10, 5), (10, 5)])
    store = make(barrier=([line] * 4, {"class": ["wall", "fence", "wall", "围墙"], "height_m": [2.5, 2.5, None, 3.0]}))
    obstacles = gather_obstacles(store)
    assert set(faces_by_id(obstacles)) == {"barrier/barrier-0", "barrier/barrier-3"}
    scene = Scene(obstacles)
    assert scene.occluded(np.array([[0, 0, 2.9], [0, 0, 3.1]]), np.array([[0, 9, 2.9], [0, 9, 3.1]])).tolist() == [True, False]


def test_the_ground_is_in_the_way_where_it_is_known(make: Make) -> None:
    heights = np.full((11, 21), 500.0, np.float32)
    heights[:, 10] = 506.0  # a ridge at x = 0
    heights[0, :] = np.nan
    store = make(terrain=Terrain(-50.0, -25.0, 5.0, heights))
    scene = Scene(gather_obstacles(store))
    lens, target = np.array([[-30.0, 5, 3], [-30, 5, 9]]), np.array([[30.0, 5, 3], [30, 5, 9]])
    assert scene.occluded(lens, target).tolist() == [True, False]
    assert len(gather_obstacles(store)) == 2 * 9 * 20
    assert len(gather_obstacles(store, terrain="flat")) == 0
    xy = np.random.default_rng(1).uniform(-24, 24, (500, 2))
    assert ground_of(store)(xy) == pytest.approx(ground_z(store.park(), store.terrain(), xy), abs=1e-4)
    assert flattened(store).terrain() is None


def test_the_earth_curves_the_same_way_in_the_fast_ground(make: Make) -> None:
    store = make()
    xy = np.random.default_rng(2).uniform(-10_000, 10_000, (300, 2))
    assert ground_of(store)(xy) == pytest.approx(ground_z(store.park(), None, xy), abs=2e-3)


def test_what_lies_in_the_wrong_place_is_left_out_and_nothing_is_nothing(make: Make) -> None:
    assert len(gather_obstacles(make(building=([shapely.box(90_000, 0, 90_020, 20)], {"height_m": [9.0]})))) == 0


def test_a_change_of_the_park_is_noticed(make: Make) -> None:
    store = make(building=([shapely.box(10, 10, 30, 20)], {"height_m": [12.0]}))
    first = gather_obstacles(store)
    assert gather_obstacles(store) is first
    with store.transaction() as writer:
        table = FeatureTable(["b"], np.array([lonlat(shapely.box(0, 0, 5, 5))], object), {"height_m": [3.0]})
        writer.put_features("building", table, source="other")
    assert set(faces_by_id(gather_obstacles(store))) == {"building/building-0", "building/b"}
