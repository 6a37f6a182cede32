"""What every store promises, run on each back end there is."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.crs import Frame
from twin.errors import Conflict, NotFound, StoreError
from twin.model import Device, Element, Event, FeatureTable, Georeferencing, Layer, Mesh, Model, ModelContent, Park, Space, Storey, Terrain
from twin.store import Store, create_store, open_store
from twin.store.blob import decode, encode

FRAME = Frame(104.06, 30.54, 500.0)
PARK = Park("试验园区", FRAME)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return create_store(tmp_path / "park", PARK)


def squares(n: int, offset: float = 0.0) -> FeatureTable:
    corners = 104.06 + offset + np.arange(n) * 1e-4
    shapes = shapely.box(corners, 30.54, corners + 5e-5, 30.5401)
    columns = {
        "name": [f"楼 {k}" for k in range(n)],
        "height_m": [3.0 * k for k in range(n)],
        "colour": ["red" if k % 2 else None for k in range(n)],
    }
    return FeatureTable([f"b{k}" for k in range(n)], shapes, columns)


def content(model_id: str = "m1") -> ModelContent:
    place = Georeferencing("map_conversion", (104.06, 30.54), 500.0, 12.5, "EPSG:4547", "because")
    model = Model(model_id, "办公楼", "IFC4", "0" * 64, place, shapely.box(104.06, 30.54, 104.0601, 30.5401), 500.0, 512.0)
    mesh = Mesh(
        np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [2345.678, -1234.567, 12.345]]),
        np.array([[0, 1, 2], [1, 2, 3]], np.uint32),
        np.array([0, 1], np.uint32),
        np.full((2, 4), 200, np.uint8),
        ["e1", "e2"],
    )
    storeys = [Storey("s2", model_id, "2F", 3.5, 503.5), Storey("s1", model_id, "1F", 0.0, 500.0, 3.5)]
    spaces = [Space("r1", model_id, "s1", "101", "食堂", "canteen", shapely.box(104.06, 30.54, 104.0601, 30.5401), 500.0, 3.0, 80.0)]
    wall = Element(
        "e1", model_id, "IfcWall", "墙", "s1", materials=[{"name": "C30", "thickness_m": 0.2}], state="built", bbox=[0, 0, 0, 1, 1, 1]
    )
    return ModelContent(
        model, storeys, spaces, [wall, Element("e2", model_id, "IfcDoor", "门", "s1", materials=[], properties={"P": {"火": True}})], mesh
    )


def test_what_is_put_in_comes_out(store: Store) -> None:
    table = squares(5)
    with store.transaction() as writer:
        writer.put_layer(Layer("建筑", "building", "建筑"))
        writer.put_features("建筑", table, source="a.shp")
    read = store.features("建筑")
    assert list(read.ids) == list(table.ids)
    assert shapely.equals_exact(read.geometry, table.geometry, 0).all()
    assert read.row(1) == {"name": "楼 1", "height_m": 3.0, "colour": "red"}
    assert read.row(0) == {"name": "楼 0", "height_m": 0.0}
    assert store.layer("建筑").features == 5
    assert store.features("建筑", ids=["b3"]).ids == ["b3"]


def test_a_box_finds_what_lies_in_it(store: Store) -> None:
    with store.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
        writer.put_features("b", squares(50), source="a")
    found = store.features("b", bounds=(104.06, 30.54, 104.06012, 30.541))
    assert list(found.ids) == ["b0", "b1"]
    west, south, east, north = store.extent() or (0, 0, 0, 0)
    assert (west, south) == pytest.approx((104.06, 30.54), abs=2e-5)
    assert (east, north) == pytest.approx((104.06495, 30.5401), abs=2e-5)


def test_a_newer_source_replaces_what_came_from_it_and_nothing_else(store: Store) -> None:
    with store.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
        writer.put_features("b", squares(3), source="one")
        writer.put_features("b", FeatureTable(["other"], squares(1).geometry, {}), source="two")
    before = store.revision()
    with store.transaction() as writer:
        writer.put_features("b", squares(2), source="one")
    assert sorted(store.features("b").ids) == ["b0", "b1", "other"]
    assert store.revision() != before


def test_a_failing_transaction_leaves_nothing(store: Store) -> None:
    before = store.revision()

    def fail_halfway() -> None:
        with store.transaction() as writer:
            writer.put_layer(Layer("b", "building", "b"))
            writer.put_features("b", squares(3), source="one")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert store.layers() == []
    assert store.revision() == before


def test_models_with_all_they_hold(store: Store) -> None:
    put = content()
    with store.transaction() as writer:
        writer.put_model(put)
        writer.put_model(put)
    assert len(store.models()) == 1
    model = store.models()[0]
    assert (model.georeferencing, model.name) == (put.model.georeferencing, "办公楼")
    assert [storey.name for storey in store.storeys("m1")] == ["1F", "2F"]
    assert store.spaces()[0].outline.equals(put.spaces[0].outline)
    assert store.elements("m1") == list(put.elements)
    assert store.element("e2").properties == {"P": {"火": True}}
    mesh = store.mesh("m1")
    assert np.allclose(mesh.vertices, put.mesh.vertices, atol=1e-3)
    assert np.array_equal(mesh.faces, put.mesh.faces)
    assert list(mesh.element_ids) == ["e1", "e2"]


def test_two_models_may_hold_one_global_id(store: Store) -> None:
    with store.transaction() as writer:
        writer.put_model(content("m1"))
        writer.put_model(content("m2"))
    assert len(store.elements()) == 4


def test_devices_events_terrain_and_runs(store: Store) -> None:
    camera = Device("c1", "camera", "东门", 104.06, 30.54, 3.5, attributes={"hfov_deg": 90.0}, source="cams.csv")
    events = [Event(f"e{k}", "fire", f"2026-01-0{k}T00:00:00Z", 104.06, 30.54, 501.5, message_zh="火警") for k in (1, 2, 3)]
    run = {"at": "2026", "result": {"run": "r", "measure": "m", "value": None}, "gaps": {"features": []}, "samples": None}
    with store.transaction() as writer:
        writer.put_devices([camera], source="cams.csv")
        writer.put_terrain(Terrain(-10.0, -10.0, 5.0, np.array([[1, 2], [3, np.nan]], np.float32)), source="dem.tif")
    revision = store.revision()
    with store.transaction() as writer:
        writer.put_events(events)
        writer.put_run(run)
    assert store.revision() == revision, "events and runs do not change the park"
    assert store.devices("camera") == [camera]
    assert store.devices("lamp") == []
    assert [event.id for event in store.events(since="2026-01-01T12:00:00Z")] == ["e2", "e3"]
    assert [event.id for event in store.events(limit=2)] == ["e2", "e3"]
    assert store.events()[0] == events[0]
    terrain = store.terrain()
    assert terrain is not None
    assert np.array_equal(terrain.heights, [[1, 2], [3, np.nan]], equal_nan=True)
    assert store.run("r")["result"]["value"] is None
    assert store.runs("m")[0]["run"] == "r"


def test_what_is_not_there_is_said_so(store: Store, tmp_path: Path) -> None:
    for ask in (
        lambda: store.layer("x"),
        lambda: store.features("x"),
        lambda: store.element("x"),
        lambda: store.mesh("x"),
        lambda: store.run("x"),
    ):
        with pytest.raises(NotFound):
            ask()
    with pytest.raises(NotFound, match="no park"):
        open_store(tmp_path / "nowhere")
    with pytest.raises(Conflict):
        create_store(store.path, PARK)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("hello")
    with pytest.raises(Conflict):
        create_store(tmp_path / "full", PARK)


def test_a_layer_keeps_its_kind(store: Store) -> None:
    with store.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
    with pytest.raises(Conflict), store.transaction() as writer:
        writer.put_layer(Layer("b", "road", "b"))
    with pytest.raises(StoreError), store.transaction() as writer:
        writer.put_layer(Layer("c", "no such kind", "c"))


@pytest.mark.parametrize("name", ["devices", "a b/c", "gpkg_x", 'quote"s', "楼层-1", "RUNS", "..", "select"])
def test_any_name_of_a_layer_works(store: Store, name: str) -> None:
    with store.transaction() as writer:
        writer.put_layer(Layer(name, "building", name))
        writer.put_features(name, squares(2), source="s")
    assert len(store.features(name)) == 2


def test_readers_go_on_beside_a_writer(store: Store) -> None:
    with store.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
        writer.put_features("b", squares(3), source="one")
        seen: list[int] = []
        reader = threading.Thread(target=lambda: seen.append(len(store.layers())))
        reader.start()
        reader.join()
        assert seen == [0]
    assert len(store.features("b")) == 3


def test_a_killed_import_leaves_the_park_whole(store: Store) -> None:
    program = f"""
import os
from tests.contract.test_store import squares
from twin.model import Layer
from twin.store import open_store
with open_store({str(store.path)!r}).transaction() as writer:
    writer.put_layer(Layer("b", "building", "b"))
    writer.put_features("b", squares(2000), source="one")
    os.kill(os.getpid(), 9)
"""
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == -9
    assert open_store(store.path).layers() == []


def test_it_is_a_geopackage_other_programs_open(store: Store) -> None:
    with store.transaction() as writer:
        writer.put_layer(Layer("建筑", "building", "建筑"))
        writer.put_features("建筑", squares(40), source="a")
        writer.put_devices([Device("c1", "camera", "东门", 104.06, 30.54)], source="d")
    path = store.path / "park.gpkg"
    names = {name for name, _ in pyogrio.list_layers(path)}
    assert {"建筑", "devices", "events", "spaces", "elements"} <= names
    meta, _, geometry, _ = pyogrio.raw.read(path, layer="建筑", bbox=(104.06, 30.54, 104.06012, 30.541))
    assert meta["crs"] == "EPSG:4326"
    assert len(geometry) == 2
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert database.execute("PRAGMA application_id").fetchone() == (0x47504B47,)
    database.close()


def test_something_that_is_no_park_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "park.gpkg").write_bytes(b"not a database, not even close to one" * 100)
    with pytest.raises(StoreError):
        open_store(tmp_path / "p")


finite = st.floats(-180, 180, allow_nan=False)


@settings(max_examples=50)
@given(st.lists(st.tuples(finite, finite, finite), min_size=1, max_size=6))
def test_geometry_blobs_keep_every_digit(points: list[tuple[float, float, float]]) -> None:
    shapes = np.array([shapely.Point(p) for p in points] + [shapely.MultiPoint(points), None, shapely.Polygon()], object)
    again = decode(encode(shapes))
    assert again[-2] is None
    assert again[-1].is_empty
    assert [a.wkb for a in again[:-2]] == [b.wkb for b in shapes[:-2]]
