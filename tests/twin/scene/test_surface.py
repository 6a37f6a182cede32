"""Surface heights as obstacles where nothing else is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from twin.crs import Frame
from twin.model import FeatureTable, Layer, Park, Terrain
from twin.scene.embree import Scene
from twin.scene.gather import gather_obstacles
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Level ground; a known building at x 0 to 20 and an unknown thing at x 60 to 80, both 10 m high in the surface."""
    ground = np.full((61, 81), 500.0, np.float32)
    x, y = np.meshgrid(np.arange(81) * 2.0 - 40, np.arange(61) * 2.0 - 60)
    surface = ground + np.where((((x >= 0) & (x <= 20)) | ((x >= 60) & (x <= 80))) & (np.abs(y) <= 20), 10, 0).astype(np.float32)
    surface[:, -1], surface[30, 2] = np.nan, 500.4
    park = create_store(tmp_path / "park", Park("p", FRAME))
    building: Any = FRAME.unproject(shapely.box(0, -20, 20, 20))
    with park.transaction() as writer:
        writer.put_terrain(Terrain(-40.0, -60.0, 2.0, ground), source="g")
        writer.put_terrain(Terrain(-40.0, -60.0, 2.0, surface, "surface"), source="s")
        writer.put_layer(Layer("building", "building", "building"))
        columns = {"height_m": [4.0]}
        writer.put_features("building", FeatureTable(["b"], np.array([shapely.force_2d(building)], object), columns), source="b")
    return park


def test_the_surface_stands_where_nothing_is_known_and_only_when_asked(store: Store) -> None:
    across = (
        np.array([[30.0, 0, 8], [-30, 0, 8], [30, 30, 8], [30, 0, 11]]),
        np.array([[100.0, 0, 8], [30, 0, 8], [100, 30, 8], [100, 0, 11]]),
    )
    assert not Scene(gather_obstacles(store)).occluded(*across).any()
    raised = gather_obstacles(store, surface=True)
    assert Scene(raised).occluded(*across).tolist() == [True, False, False, False]  # the known building is as high as it says
    assert "surface" in raised.object_kind
    top = raised.vertices[np.unique(raised.faces[raised.face_object == raised.object_ids.index("surface")])]
    assert top[:, 2].max() == pytest.approx(10.0, abs=0.01)
    assert (top[:, 0].min(), top[:, 0].max()) == (58.0, 82.0)


def test_on_level_ground_it_is_as_high_above_it(store: Store) -> None:
    level = gather_obstacles(store, surface=True, terrain="flat")
    assert "terrain" not in level.object_kind
    assert level.vertices[:, 2].max() == pytest.approx(10.0, abs=0.01)
