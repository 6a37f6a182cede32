from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely

from twin.crs import Frame
from twin.errors import StoreError
from twin.model import Layer, Park, Scenario
from twin.store import create_store, open_store
from twin.store.migrations import SCHEMA_VERSION

ROOT = Path(__file__).parents[3]


def version(folder: Path) -> str:
    db = sqlite3.connect(folder / "park.gpkg")
    try:
        return db.execute("SELECT value FROM park WHERE key = 'schema_version'").fetchone()[0]
    finally:
        db.close()


def columns(file: Path) -> dict[str, set[tuple[str, str, int]]]:
    db = sqlite3.connect(file)
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")]
    found = {name: {tuple(row[1:4]) for row in db.execute(f'PRAGMA table_info("{name}")')} for name in names}
    db.close()
    return found


def test_everything_reads_as_it_did(park_1: Path) -> None:
    store = open_store(park_1)
    assert store.park() == Park("旧园区", Frame(104.06, 30.54, 500.0), "EPSG:4547", "1985")
    assert [(layer.id, layer.kind, layer.title, layer.features, layer.source) for layer in store.layers()] == [
        ("建筑", "building", "建筑", 3, "a.shp"), ("groups", "zone", "GROUPS", 2, "z.geojson"),
        ("Versions", "zone", "VERSIONS", 2, "z.geojson"), ("assets", "zone", "ASSETS", 2, "z.geojson"),
        ("points", "tree", "Trees", 3, "t.csv"),
    ]  # fmt: skip
    houses = store.features("建筑")
    assert houses.row(1) == {"name": "楼 1", "height_m": 3.0, "colour": "red"}
    corners = 104.06 + np.arange(3) * 1e-4
    assert shapely.equals_exact(houses.geometry, shapely.box(corners, 30.54, corners + 5e-5, 30.5401), 0).all()
    assert list(store.features("Versions", bounds=(104.0, 30.0, 105.0, 31.0)).ids) == ["Versions0", "Versions1"]
    point, missing, void = store.features("points").geometry
    assert (point.z, missing, void.is_empty) == (501.0, None, True)
    (camera,) = store.devices()
    assert (camera.id, camera.lon, camera.height_m, camera.attributes, camera.source) == ("c1", 104.06, 3.5, {"hfov_deg": 90.0}, "cams.csv")
    assert [(model.id, model.name, model.building_id, model.discipline) for model in store.models()] == [
        ("m1", "办公楼", "b1", "structure"), ("m2", "办公楼", "b1", "structure"),
    ]  # fmt: skip
    assert store.models()[0].georeferencing.lonlat == (104.06, 30.54)
    assert (len(store.storeys("m1")), store.spaces("m1")[0].attributes) == (1, {"x": 1})
    assert store.elements("m2")[0].properties == {"P": {"火": True}}
    assert np.allclose(store.mesh("m1").vertices, [[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    assert [event.id for event in store.events()] == ["e1", "e2"]
    assert [event.id for event in store.events_after(0)[0]] == ["e2", "e1"]
    assert store.run("r")["samples"] == {"x": [1]}
    assert (store.scorecard("p") or {})["total"] == 7
    assert len(store.sources()) == 7


def test_what_is_new_is_filled_from_what_was_known(park_1: Path) -> None:
    store = open_store(park_1)
    assert [(v.source, v.number, v.is_current) for v in store.versions("m1.ifc")] == [("m1.ifc", 1, True)]
    held = store.version("m1.ifc", 1)
    assert [content.model.id for content in held.models] == ["m1"], "a model belongs to the source of its hash"
    assert list(store.version("a.shp", 1).layers[0][1].ids) == ["b0", "b1", "b2"]
    ground = store.terrain()
    assert ground is not None
    assert {1.0, 2.0, 3.0, 499.0} <= set(np.unique(ground.heights[np.isfinite(ground.heights)]).tolist()), "no terrain is lost"
    assert store.terrain("surface") is None
    with store.transaction() as writer:
        writer.archive_source("z.geojson")
        writer.drop_source("z.geojson")
    assert [layer.id for layer in store.layers()] == ["建筑", "points"]
    assert sorted(layer.id for layer, _ in store.version("z.geojson", 1).layers) == ["Versions", "assets", "groups"]


def test_scenarios_come_in_beside_all_that_was_there(park_2: Path) -> None:
    store = open_store(park_2)
    assert version(park_2) == str(SCHEMA_VERSION)
    assert [(layer.id, layer.features) for layer in store.layers()] == [("Scenarios", 2), ("scenarios_layer", 1)]
    assert store.features("Scenarios").column("name") == ["区 0", "区 1"]
    assert list(store.features("Scenarios", bounds=(104.0600, 30.53, 104.06006, 30.55)).ids) == ["s0"]
    assert [(device.id, device.height_m) for device in store.devices()] == [("c1", 4.5)]
    assert [device.id for device in store.version("cams.csv", 1).devices] == ["c1", "c2"]
    assert (store.models()[0].id, store.run("r")["result"]["value"], store.scenarios()) == ("m1", 0.5, [])
    before = store.revision()
    scenario = Scenario("夜间", [{"op": "remove", "id": "c1"}], "note", "2026-05-01T00:00:00Z")
    with store.transaction() as writer:
        writer.put_scenario(scenario)
    assert open_store(park_2).scenario("夜间") == scenario
    assert store.revision() == before
    store.close()
    assert "scenarios_layer_2" in {name.lower() for name, _ in pyogrio.list_layers(park_2 / "park.gpkg")}


@pytest.mark.parametrize("old", ["park_1", "park_2"])
def test_an_old_park_has_the_tables_of_a_new_one(old: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    folder = request.getfixturevalue(old)
    open_store(folder).close()
    new = create_store(tmp_path / "new", Park("x", Frame(104.0, 30.0)))
    with new.transaction() as writer:
        writer.put_layer(Layer("建筑" if old == "park_1" else "scenarios_layer", "building", "x"))
    new.close()
    found, fresh = columns(folder / "park.gpkg"), columns(tmp_path / "new" / "park.gpkg")
    assert {name: found.get(name) for name in fresh} == fresh


def test_gdal_opens_a_park_that_was_brought_up(park_1: Path) -> None:
    open_store(park_1).close()
    file = park_1 / "park.gpkg"
    names = {name for name, _ in pyogrio.list_layers(file)}
    assert {"建筑", "groups_layer", "Versions_layer", "assets_layer", "devices", "groups", "connections", "layer_styles"} <= names
    _, _, geometry, _ = pyogrio.raw.read(file, layer="groups_layer", bbox=(104.06, 30.5, 104.07, 30.6))
    assert len(geometry) == 2
    db = sqlite3.connect(file)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    db.close()


def test_it_happens_once(park_1: Path) -> None:
    open_store(park_1).close()
    before = (park_1 / "park.gpkg").read_bytes()
    open_store(park_1).close()
    assert (park_1 / "park.gpkg").read_bytes() == before


def test_two_programs_may_open_an_old_park_at_once(park_1: Path) -> None:
    found: list[int] = []

    def look() -> None:
        store = open_store(park_1)
        found.append(len(store.layers()))
        store.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [5] * 4


@pytest.mark.parametrize("statement", [1, 9, 20, 34])
def test_killed_halfway_it_is_old_or_new(park_1: Path, statement: int) -> None:
    program = f"""
import os, twin.store.geopackage as geopackage
from pathlib import Path
real, left = geopackage.connect, [{statement}]
def trace(sql):
    left[0] -= sql.startswith(("CREATE", "ALTER", "INSERT", "UPDATE"))
    if not left[0]:
        os.kill(os.getpid(), 9)
def connect(file):
    db = real(file)
    db.set_trace_callback(trace)
    return db
geopackage.connect = connect
geopackage.GeoPackageStore.open(Path({str(park_1)!r}))
"""
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == -9
    assert version(park_1) == "1"
    assert len(open_store(park_1).layers()) == 5
    assert version(park_1) == str(SCHEMA_VERSION)


@pytest.mark.parametrize("number", [SCHEMA_VERSION + 1, 0])
def test_a_park_of_another_time_is_refused(park_1: Path, number: int) -> None:
    db = sqlite3.connect(park_1 / "park.gpkg")
    db.execute("UPDATE park SET value = ? WHERE key = 'schema_version'", (str(number),))
    db.commit()
    db.close()
    with pytest.raises(StoreError) as refused:
        open_store(park_1)
    assert refused.value.code == "park_version"
    assert str(number) in refused.value.text("zh")


def test_an_old_park_that_cannot_be_written_is_refused(park_1: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (park_1 / "park.gpkg").read_bytes()
    monkeypatch.setattr("twin.store.connection.os.access", lambda *_: False)
    with pytest.raises(StoreError) as refused:
        open_store(park_1)
    assert refused.value.code == "park_old_read_only"
    assert (park_1 / "park.gpkg").read_bytes() == before


def test_a_park_without_the_first_table_is_no_park(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    db = sqlite3.connect(tmp_path / "p" / "park.gpkg")
    db.execute("CREATE TABLE other (id)")
    db.close()
    with pytest.raises(StoreError) as refused:
        open_store(tmp_path / "p")
    assert refused.value.code == "park_unreadable"
    shutil.rmtree(tmp_path / "p")
