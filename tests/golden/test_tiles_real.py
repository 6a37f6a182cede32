"""Real files from import to tile: every element and triangle arrives, at its place on the earth."""

from __future__ import annotations

from pathlib import Path

import mapbox_vector_tile
import numpy as np
import pyogrio
import pytest
import shapely

from importers.contract import Context, Options
from importers.ifc import IMPORTER
from tiles.build import build, tiles_folder
from tiles.mvt import MAX_ZOOM, VectorTiles
from tiles.mvt_geometry import mercator
from tiles.read import Placed, read_tileset
from twin.crs import Frame
from twin.model import FeatureTable, Layer, Mesh, Park
from twin.store import Store, create_store

TOLERANCE_M = 0.01  # half a step of the position grid along each axis, and what single precision loses


def tiles_of(store: Store) -> list[Placed]:
    return list(read_tileset(tiles_folder(store.path) / "tileset.json"))


def assert_nothing_is_lost(mesh: Mesh, tiles: list[Placed], frame: Frame) -> None:
    """Each element's triangles, in their order (opaque before translucent), are in one tile at the stored place."""
    shown: set[str] = set()
    ecef = frame.ecef_matrix()
    corners = mesh.vertices @ ecef[:3, :3].T + ecef[:3, 3]
    number = {identity: k for k, identity in enumerate(mesh.element_ids)}
    for tile in tiles:
        placed = tile.content.triangles @ tile.transform[:3, :3].T + tile.transform[:3, 3]
        for row, identity in enumerate(tile.content.table["id"]):
            mine = np.flatnonzero(mesh.face_element == number[identity])
            mine = mine[np.argsort(mesh.face_color[mine, 3] != 255, kind="stable")]
            got = placed[tile.content.features[:, 0] == row]
            assert got.shape == (len(mine), 3, 3)
            assert np.abs(got - corners[mesh.faces[mine]]).max() < TOLERANCE_M
            assert identity not in shown
            shown.add(identity)
    assert shown == {mesh.element_ids[k] for k in np.unique(mesh.face_element)}


@pytest.mark.parametrize("name", ["arch/Duplex_A_20110907.ifc", "zh/TestModel_IFC4Add2.ifc", "mep/b03_heating_with_building.ifc"])
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
    assert totals["triangles"] == len(mesh.faces) > 1000
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
