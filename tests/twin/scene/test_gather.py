"""The obstacles of parks written here: prisms, models, walls, terrain, and what is far away or can be seen through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import trimesh

from twin.crs import Frame
from twin.model import ATTRIBUTES, Element, FeatureTable, Georeferencing, Layer, Mesh, Model, ModelContent, Park, Terrain
from twin.scene import Obstacles, bodies
from twin.scene.embree import Scene
from twin.scene.gather import BURIED_M, flattened, gather_obstacles
from twin.scene.ground import ground_of
from twin.scene.state import State, states
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


def test_open_doors_leave_and_nothing_else_is_touched(make: Make) -> None:
    store = make(model=rooms(), building=([shapely.box(100, 0, 120, 20)], {"height_m": [9.0]}))
    closed, opened = gather_obstacles(store), gather_obstacles(store, state=State(doors="open"))
    assert set(faces_by_id(closed)) - set(faces_by_id(opened)) == {"element/D"}
    assert gather_obstacles(store, state=State(doors="open")) is opened
    assert gather_obstacles(store, state=State(vegetation="clear")) is closed
    assert gather_obstacles(store, state=states("closed").best) is closed
    through = np.array([[3.5, -5, 1.5], [0.5, -5, 1.5]])
    assert Scene(closed).occluded(through, through + np.array([0, 10, 0])).tolist() == [True, True]
    assert Scene(opened).occluded(through, through + np.array([0, 10, 0])).tolist() == [False, True]
    assert "element/D" in faces_by_id(gather_obstacles(store, sight=False))
    assert "element/D" not in faces_by_id(gather_obstacles(store, sight=False, state=State(doors="open")))


def test_a_park_without_doors_has_one_state(make: Make) -> None:
    store = make(building=([shapely.box(10, 10, 30, 20)], {"height_m": [12.0]}))
    found = states()
    assert not found.is_certain
    assert gather_obstacles(store, state=found.best) is gather_obstacles(store, state=found.worst) is gather_obstacles(store)


def test_plants_of_a_model_are_plants(make: Make) -> None:
    content = rooms()
    kinds = {"W": "SolitaryVegetationObject", "D": "PlantCover", "G": "IfcGeographicElement", "F": "IfcGeographicElement"}
    green = {ATTRIBUTES: {"PredefinedType": "VEGETATION"}}
    elements = [
        replace(element, ifc_class=kinds.get(element.id, element.ifc_class), properties=green if element.id == "G" else {}, materials=[])
        for element in content.elements
    ]
    obstacles = gather_obstacles(make(model=replace(content, elements=elements)), sight=False)
    found = dict(zip(obstacles.object_ids, obstacles.object_kind, strict=True))
    assert {name: found[f"element/{name}"] for name in "WDGF"} == {
        "W": "vegetation", "D": "vegetation", "G": "vegetation", "F": "terrain"
    }  # fmt: skip


def test_a_new_revision_builds_only_what_changed(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    heights = np.full((11, 21), 480.0, np.float32)
    store = make(
        model=rooms(),
        terrain=Terrain(-50.0, -25.0, 5.0, heights),
        building=([shapely.box(1000, 0, 1010, 10), shapely.box(-1000, 0, -990, 10)], {"height_m": [12.0, 9.0]}),
        tree=([shapely.Point(2000, 0)], {}),
    )
    Scene(gather_obstacles(store))
    built: list[int] = []
    plain = bodies.Body.__init__

    def counting(self: bodies.Body, *given: object) -> None:
        plain(self, *given)  # type: ignore[arg-type]
        built.append(self.triangles)

    monkeypatch.setattr(bodies.Body, "__init__", counting)
    Scene(gather_obstacles(store, state=State("open", "clear")))
    assert built == []
    with store.transaction() as writer:
        shape = np.array([lonlat(shapely.box(1012, 0, 1018, 10))], object)
        writer.put_features("building", FeatureTable(["new"], shape, {"height_m": [3.0]}), source="other")
    whole = gather_obstacles(store)
    Scene(whole)
    assert built == [24]  # the square of the new building, with its neighbour
    assert sum(piece.faces for piece in whole.pieces) == len(whole)


def test_a_broken_model_is_no_obstacle_and_breaks_nothing(make: Make) -> None:
    content = rooms()
    mesh = replace(content.mesh, vertices=np.where(np.arange(len(content.mesh.vertices))[:, None] < 8, np.nan, content.mesh.vertices))
    scene = Scene(gather_obstacles(make(model=replace(content, mesh=mesh))))
    across = np.array([[0.5, -5, 1.5], [3.5, -5, 1.5]])
    assert scene.occluded(across, across + np.array([0, 10, 0])).tolist() == [False, True]


def test_a_model_of_nothing_but_broken_corners_is_nothing(make: Make) -> None:
    content = rooms()
    mesh = replace(content.mesh, vertices=np.full_like(content.mesh.vertices, np.nan))
    assert len(gather_obstacles(make(model=replace(content, mesh=mesh)))) == 0
