"""What every store promises, run on each back end there is."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.crs import Frame
from twin.errors import Conflict, NotFound, StoreError
from twin.model import (
    Asset,
    Connection,
    Device,
    Element,
    Event,
    FeatureTable,
    Georeferencing,
    Group,
    Layer,
    Mesh,
    Model,
    ModelContent,
    Park,
    Photometry,
    Scenario,
    SourceContent,
    Space,
    Storey,
    Terrain,
)
from twin.store import Store, create_store, open_store
from twin.store.blob import decode, encode

FRAME = Frame(104.06, 30.54, 500.0)
PARK = Park("试验园区", FRAME)


@pytest.fixture(params=["geopackage", "postgis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "geopackage":
        return create_store(tmp_path / "park", PARK)
    return create_store(request.getfixturevalue("new_database_park")(), PARK)


@pytest.fixture
def directory(tmp_path: Path) -> Store:
    """A park in a directory, for what only a GeoPackage promises."""
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
        create_store(store.address, PARK)
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
with open_store({store.address!r}).transaction() as writer:
    writer.put_layer(Layer("b", "building", "b"))
    writer.put_features("b", squares(2000), source="one")
    os.kill(os.getpid(), 9)
"""
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == -9
    assert open_store(store.address).layers() == []


def test_it_is_a_geopackage_other_programs_open(directory: Store) -> None:
    store = directory
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


def lamp(photometry_id: str = "lamp") -> Photometry:
    return Photometry(
        photometry_id, "路灯", 3200.0, 28.5, [0.0, 90.0], [0.0, 45.0, 90.0], [[100.0, 50.5, 0.0], [90.0, 40.0, 0.0]], {"maker": "x"}
    )


def plane(height: float, x0: float = 0.0, role: Literal["ground", "surface"] = "ground") -> Terrain:
    return Terrain(x0, 0.0, 5.0, np.full((3, 3), height, np.float32), role)


def told(name: str = "a.ifc", sha256: str = "1" * 64) -> dict[str, Any]:
    return {"name": name, "sha256": sha256, "options": "o", "importer": "ifc", "at": "2026-01-01T00:00:00Z", "report": {"features": 1}}


def put(store: Store, source: SourceContent, name: str) -> None:
    """Write a source's content the way the import pipeline does."""
    with store.transaction() as writer:
        if any(each["name"] == name for each in store.sources()):
            writer.archive_source(name)
            writer.drop_source(name)
        for layer, table in source.layers:
            writer.put_layer(replace(layer, source=name))
            writer.put_features(layer.id, table, source=name)
        writer.put_devices(source.devices, source=name)
        for model in source.models:
            writer.put_model(model, source=name)
        for terrain in source.terrains:
            writer.put_terrain(terrain, source=name)
        writer.put_photometries(source.photometries, source=name)
        writer.put_assets(source.assets, source=name)
        writer.put_source(told(name))


def everything(source: str, offset: float = 0.0, k: int = 1) -> SourceContent:
    full = content(f"m{k}")
    return SourceContent(
        [(Layer(f"楼{k}", "building", "Houses", 3, source, "房屋"), squares(3, offset))],
        [Device(f"c{k}", "camera", "东门", 104.06, 30.54, 3.5, source=source, attributes={"hfov_deg": 90.0})],
        [
            replace(
                full,
                model=replace(full.model, source=source),
                groups=[Group(f"z{k}", f"m{k}", "zone", "IfcZone", "分区", "office", ["r1"], {"a": 1})],
                connections=[Connection(f"m{k}", "e1", "e2", "p1", "p2", "source", True, [1.0, 2.0, 3.5])],
            )
        ],
        [plane(500.0 + k), plane(520.0, role="surface")],
        [lamp(f"lamp{k}")],
        [Asset(source, "tiles/a b.glb", "0" * 64, 12, "model/gltf-binary")],
    )


def assert_same(found: SourceContent, expected: SourceContent) -> None:
    assert [layer for layer, _ in found.layers] == [layer for layer, _ in expected.layers]
    for (_, a), (_, b) in zip(found.layers, expected.layers, strict=True):
        assert list(a.ids) == list(b.ids)
        assert shapely.equals_identical(a.geometry, b.geometry).all()
        assert [a.row(i) for i in range(len(a))] == [b.row(i) for i in range(len(b))]
    assert (found.devices, found.photometries, found.assets) == (expected.devices, expected.photometries, expected.assets)
    for a, b in zip(found.terrains, expected.terrains, strict=True):
        assert (a.x0_m, a.y0_m, a.step_m, a.role) == (b.x0_m, b.y0_m, b.step_m, b.role)
        assert np.array_equal(a.heights, b.heights, equal_nan=True)
    for a, b in zip(found.models, expected.models, strict=True):
        assert (a.groups, a.connections, a.elements) == (b.groups, b.connections, b.elements)
        assert sorted(a.storeys, key=lambda s: s.id) == sorted(b.storeys, key=lambda s: s.id)
        assert [space.id for space in a.spaces] == [space.id for space in b.spaces]
        assert replace(a.model, outline=None) == replace(b.model, outline=None)
        assert np.allclose(a.mesh.vertices, b.mesh.vertices, atol=1e-3)
        assert np.array_equal(a.mesh.faces, b.mesh.faces)
        assert np.array_equal(a.mesh.face_color, b.mesh.face_color)


def test_every_part_of_a_source_comes_out(store: Store) -> None:
    source = everything("a.ifc")
    put(store, source, "a.ifc")
    assert store.layer("楼1").title_zh == "房屋"
    assert store.groups("m1") == store.groups() == list(source.models[0].groups)
    assert store.connections("m1") == store.connections() == list(source.models[0].connections)
    assert store.groups("other") == store.connections("other") == []
    assert store.photometries() == source.photometries
    assert store.assets() == store.assets("a.ifc") == source.assets
    assert store.assets("other") == []
    surface, ground = store.terrain("surface"), store.terrain()
    assert surface is not None
    assert ground is not None
    assert (surface.heights.max(), ground.heights.max()) == (520.0, 501.0)
    assert_same(store.version("a.ifc", 1), source)


def test_old_versions_stay_as_they_were(store: Store) -> None:
    versions = [everything("a.ifc", k * 0.01, k) for k in (1, 2, 3)]
    for each in versions:
        put(store, each, "a.ifc")
    put(store, everything("b.ifc", 0.2, 9), "b.ifc")
    assert [(v.source, v.number, v.is_current) for v in store.versions()] == [
        ("a.ifc", 1, False), ("a.ifc", 2, False), ("a.ifc", 3, True), ("b.ifc", 1, True),
    ]  # fmt: skip
    assert [v.number for v in store.versions("a.ifc")] == [1, 2, 3]
    assert store.versions("a.ifc")[0].report == {"features": 1}
    for number, each in enumerate(versions, 1):
        assert_same(store.version("a.ifc", number), each)
    assert [model.id for model in store.models()] == ["m3", "m9"]
    for ask in (lambda: store.version("a.ifc", 4), lambda: store.version("a.ifc", 0), lambda: store.version("c", 1)):
        with pytest.raises(NotFound):
            ask()


def test_what_a_source_no_longer_holds_is_gone(store: Store) -> None:
    put(store, everything("a.ifc", 0.0, 1), "a.ifc")
    put(store, everything("a.ifc", 0.0, 2), "a.ifc")
    assert [layer.id for layer in store.layers()] == ["楼2"]
    assert [model.id for model in store.models()] == ["m2"]
    assert {each.model_id for each in [*store.storeys(), *store.spaces(), *store.elements(), *store.groups(), *store.connections()]} == {
        "m2"
    }
    assert [device.id for device in store.devices()] == ["c2"]
    assert [each.id for each in store.photometries()] == ["lamp2"]
    with pytest.raises(NotFound):
        store.mesh("m1")
    ground = store.terrain()
    assert ground is not None
    assert ground.heights.max() == 502.0
    with store.transaction() as writer:
        writer.drop_source("a.ifc")
    assert not [*store.layers(), *store.models(), *store.devices(), *store.photometries(), *store.assets(), *store.sources()]
    assert store.terrain() is None
    assert [(v.number, v.is_current) for v in store.versions()] == [(1, False)]
    assert_same(store.version("a.ifc", 1), everything("a.ifc", 0.0, 1))
    put(store, everything("a.ifc", 0.0, 3), "a.ifc")
    assert [(v.number, v.is_current) for v in store.versions()] == [(1, False), (2, True)]


def test_a_layer_of_two_sources_outlives_one(store: Store) -> None:
    with store.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b", source="one"))
        writer.put_features("b", squares(3), source="one")
        writer.put_features("b", FeatureTable(["other"], squares(1).geometry, {}), source="two")
    with store.transaction() as writer:
        writer.drop_source("one")
    assert list(store.features("b").ids) == ["other"]
    with store.transaction() as writer:
        writer.drop_source("two")
    assert store.layers() == []
    assert store.extent() is None


def test_terrains_of_several_sources_are_one(store: Store) -> None:
    with store.transaction() as writer:
        writer.put_terrain(plane(10.0), source="west.tif")
        writer.put_terrain(plane(20.0, x0=15.0), source="east.tif")
    both = store.terrain()
    assert both is not None
    assert set(both.heights[np.isfinite(both.heights)].tolist()) == {10.0, 20.0}
    with store.transaction() as writer:
        writer.put_terrain(plane(30.0), source="west.tif")
        writer.drop_source("east.tif")
    left = store.terrain()
    assert left is not None
    assert np.array_equal(left.heights, plane(30.0).heights)
    assert store.terrain("surface") is None


def test_a_photometry_is_taken_over(store: Store) -> None:
    with store.transaction() as writer:
        writer.put_photometries([lamp("a"), lamp("b")], source="one")
        writer.put_photometries([replace(lamp("b"), lumens=1.0)], source="two")
    assert {each.id: each.lumens for each in store.photometries()} == {"a": 3200.0, "b": 1.0}
    with store.transaction() as writer:
        writer.put_photometries([], source="one")
    assert [each.id for each in store.photometries()] == ["b"]


def test_scenarios_are_kept_beside_the_park(store: Store) -> None:
    first = Scenario(
        "夜间", [{"op": "move", "id": "c", "lon": 104.06, "lat": 30.5400000000001}, {"op": "set", "id": "c", "values": {"a": None}}]
    )
    before = store.revision()
    with store.transaction() as writer:
        writer.put_scenario(first)
        writer.put_scenario(Scenario("B", note="说明", at="2026-05-01T00:00:00Z"))
        writer.put_scenario(Scenario("a"))
    assert [each.name for each in store.scenarios()] == ["B", "a", "夜间"], "in the order of their code points on every back end"
    assert store.scenario("夜间") == first
    assert store.revision() == before, "the park has not changed"
    with store.transaction() as writer:
        writer.put_scenario(replace(first, changes=[]))
        writer.drop_scenario("B")
        writer.drop_scenario("nowhere")
    assert [(each.name, len(each.changes)) for each in store.scenarios()] == [("a", 0), ("夜间", 0)]
    with pytest.raises(NotFound, match="no scenario B"):
        store.scenario("B")


def test_events_are_followed_in_the_order_they_were_written(store: Store) -> None:
    def event(name: str, at: int) -> Event:
        return Event(name, "fire", f"2026-01-0{at}T00:00:00Z", 104.06, 30.54, 501.5)

    assert store.events_after(0) == ([], 0)
    with store.transaction() as writer:
        writer.put_events([event("late", 9), event("early", 1)])
    first, cursor = store.events_after(0)
    assert [each.id for each in first] == ["late", "early"]
    assert store.events_after(cursor) == ([], cursor)
    with store.transaction() as writer:
        writer.put_events([replace(event("late", 9), status="closed"), event("third", 3)])
    second, cursor = store.events_after(cursor, limit=1)
    assert [(each.id, each.status) for each in second] == [("late", "closed")]
    assert [each.id for each in store.events_after(cursor)[0]] == ["third"]
    assert [each.id for each in store.events()] == ["early", "third", "late"]


def test_files_are_kept_by_content_and_swept_when_nothing_refers_to_them(store: Store, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("one", "two", "three")}
    for name, file in files.items():
        file.write_bytes(name.encode() * 1000)
    kept = {name: store.keep(file) for name, file in files.items()}
    assert kept["one"] == hashlib.sha256(b"one" * 1000).hexdigest()
    assert store.keep(files["one"]) == kept["one"]
    with store.transaction() as writer:
        writer.put_source(told("a"))
        writer.put_assets([Asset("a", name, kept[name], 3000) for name in ("one", "two")], source="a")
    with store.transaction() as writer:
        writer.archive_source("a")
        writer.drop_source("a")
        writer.put_assets([Asset("a", "two", kept["two"], 3000)], source="a")
        writer.put_source(told("a", "2" * 64))
    assert store.sweep() == 1, "one is needed by the old version"
    assert store.asset_path(kept["one"]).read_bytes() == b"one" * 1000
    assert store.asset_path(kept["two"]).read_bytes() == b"two" * 1000
    with pytest.raises(NotFound):
        store.asset_path(kept["three"])
    with pytest.raises(NotFound):
        store.asset_path("../../park.gpkg")


def test_a_sweep_takes_nothing_from_an_import_under_way(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "tile"
    file.write_bytes(b"tile")
    other = open_store(store.address)
    kept = other.keep(file)
    assert store.sweep() == 0
    assert store.asset_path(kept).is_file()
    other.close()
    assert store.sweep() == 1


def test_what_a_transaction_reads_of_itself_is_not_remembered(store: Store) -> None:
    put(store, everything("a.ifc"), "a.ifc")
    assert len(store.devices()) == len(store.models()) == 1

    def change_and_fail() -> None:
        with store.transaction() as writer:
            writer.drop_source("a.ifc")
            assert len(store.devices()) == len(store.models()) == 0
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert len(store.devices()) == len(store.models()) == 1


def test_readers_in_threads_see_whole_states(store: Store) -> None:
    put(store, everything("a", 0.0, 1), "a")
    seen: list[tuple[int, int]] = []
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            seen.append((len(store.version("a", store.versions("a")[-1].number).devices), len(store.features_of_kind("building"))))
        store.close()

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for k in range(2, 8):
        put(store, everything("a", 0.0, k), "a")
    is_over.set()
    for reader in readers:
        reader.join()
    assert set(seen) == {(1, 3)}
