"""Real files from import to tile: every element and triangle arrives, at its place on the earth."""

from __future__ import annotations

from pathlib import Path

import mapbox_vector_tile
import numpy as np
import pyogrio
import pytest
import shapely
from scipy.spatial import cKDTree

from importers.contract import Context, Options
from importers.ifc import IMPORTER
from tiles.build import build, tiles_folder
from tiles.mvt import MAX_ZOOM, VectorTiles
from tiles.mvt.geometry import mercator
from tiles.read import Placed, read_tileset
from twin.crs import Frame
from twin.model import FeatureTable, Layer, Mesh, Park
from twin.store import Store, create_store

MILLIMETRE = 0.001
FILES = (
    "arch/AC20-FZK-Haus.ifc",
    "arch/Duplex_A_20110907.ifc",
    "arch/Duplex_A_20110907_georeferenced.ifc",
    "arch/IfcOpenHouse_IFC4.ifc",
    "arch/LargeBuilding.ifc",
    "arch/Office_A_20110811.ifc",
    "arch/SampleHouse4.ifc",
    "arch/Schependomlaan_houten_kozijnen.ifczip",
    "arch/great_court_roof.ifc",
    "georef/geographic-referencing-utm.ifc",
    "georef/geolocation-mapconversion-angle.ifc",
    "georef/geolocation-mapconversion.ifc",
    "infra/linear-placement-of-signal.ifc",
    "invalid/large_offset.ifc",
    "mep/3rooms_Heater_AirTerminal_Table_with_SB.ifc",
    "mep/b03_heating_with_building.ifc",
    "zh/TestModel_IFC4Add2.ifc",
)


def tiles_of(store: Store) -> list[Placed]:
    """The finest tiles."""
    return [tile for tile in read_tileset(tiles_folder(store.path) / "tileset.json") if tile.is_finest]


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """How far corners of two sets of triangles (n, 3, 3) are from being the same, whatever their order and where each starts. [m]"""
    assert one.shape == other.shape
    return max(farthest(one, other), farthest(other, one))


def farthest(one: np.ndarray, other: np.ndarray) -> float:
    """The greatest distance of a triangle of `one` from the nearest of `other`: of those whose middles are nearest. [m]"""
    near = cKDTree(other.mean(axis=1)).query(one.mean(axis=1), k=min(16, len(other)))[1].reshape(len(one), -1)
    least = np.full(len(one), np.inf)
    for candidate in near.T:
        for k in range(3):
            least = np.minimum(least, np.linalg.norm(np.roll(one, k, axis=1) - other[candidate], axis=-1).max(axis=-1))
    return float(least.max())


def by_number(numbers: np.ndarray, count: int) -> list[np.ndarray]:
    """Where each of so many numbers stands."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.searchsorted(numbers[order], np.arange(1, count)))


def assert_nothing_is_lost(mesh: Mesh, tiles: list[Placed], frame: Frame) -> None:
    """Each element is in one tile with its triangles, at their stored place and in their colours."""
    shown: set[str] = set()
    ecef = frame.ecef_matrix()
    corners = mesh.vertices @ ecef[:3, :3].T + ecef[:3, 3]
    number = {identity: k for k, identity in enumerate(mesh.element_ids)}
    faces_of = by_number(mesh.face_element, len(mesh.element_ids))
    for tile in tiles:
        placed = tile.content.triangles @ tile.transform[:3, :3].T + tile.transform[:3, 3]
        rows = by_number(tile.content.features[:, 0], len(tile.content.table["id"]))
        for has, identity in zip(rows, tile.content.table["id"], strict=True):
            mine = faces_of[number[identity]]
            for color in np.unique(mesh.face_color[mine], axis=0):
                want = corners[mesh.faces[mine[(mesh.face_color[mine] == color).all(axis=1)]]]
                got = placed[has[(tile.content.colors[has] == color).all(axis=(1, 2))]]
                assert apart(got, want) < MILLIMETRE
            assert len(has) == len(mine)
            assert identity not in shown
            shown.add(identity)
    assert shown == {mesh.element_ids[k] for k in np.unique(mesh.face_element)}


@pytest.mark.parametrize("name", FILES)
def test_building_models(shared_data: Path, tmp_path: Path, name: str):
    """The park's origin is in Shanghai; most of these buildings say they are on another continent, and are shown there."""
    store = create_store(tmp_path / "park", Park("p", Frame(121.4, 31.2, 15.0)))
    content = IMPORTER.read(shared_data / "ifc" / name, Context(store.park(), Options()))
    with store.transaction() as writer:
        for model in content.models:
            writer.put_model(model)
    report = build(store)
    totals = report.totals()
    mesh = store.mesh(content.models[0].model.id)
    assert totals["triangles"] == len(mesh.faces) > 0
    assert totals["elements_out"] == totals["elements_in"] == len(mesh.element_ids)
    assert_nothing_is_lost(mesh, tiles_of(store), store.park().frame)


def test_three_thousand_buildings(shared_data: Path, tmp_path: Path):
    """Every footprint of a Suzhou district is one body in the tiles and drawn in the vector tiles that cover it."""
    frame_of_data = pyogrio.read_dataframe(shared_data / "gis" / "zh" / "suzhou_buildings_floor_height.geojson")
    shapes = np.asarray(frame_of_data.geometry.values, object)
    centre = shapely.centroid(shapes[0])
    store = create_store(tmp_path / "park", Park("p", Frame(centre.x, centre.y, 4.0)))
    table = FeatureTable([f"b{k}" for k in range(len(shapes))], shapes, {"height_m": frame_of_data["height"].astype(float).tolist()})
    with store.transaction() as writer:
        writer.put_layer(Layer("buildings", "building", "Buildings"))
        writer.put_features("buildings", table, source="s")
    report = build(store)
    assert report.totals()["elements_out"] == len(shapes) == 3076
    assert {identity for tile in tiles_of(store) for identity in tile.content.table["id"]} == set(table.ids)

    tiles = VectorTiles("buildings", store.features("buildings"))
    centres = mercator(shapely.get_coordinates(shapely.point_on_surface(shapes))) * 2**MAX_ZOOM
    cells = np.floor(centres).astype(int)
    for k in range(0, len(shapes), 25):
        content = tiles.encode(MAX_ZOOM, *cells[k].tolist())
        assert content is not None
        features = mapbox_vector_tile.decode(content, default_options={"y_coord_down": True})["buildings"]["features"]
        assert table.ids[k] in {feature["properties"]["id"] for feature in features}
