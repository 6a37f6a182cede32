"""What only a GeoPackage park promises: a valid GeoPackage (OGC 12-128r19, its requirements as "Req"), and what a failing disk does."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import threading
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.crs import Frame
from twin.errors import Conflict, StoreError
from twin.model import (
    LAYER_KINDS,
    Device,
    Event,
    FeatureTable,
    Georeferencing,
    Layer,
    Mesh,
    Model,
    ModelContent,
    Park,
    Space,
    Storey,
)
from twin.store import Store, create_store, open_store
from twin.store.styles import looks

ROOT = Path(__file__).parents[3]
PARK = Park("试验园区", Frame(104.06, 30.54, 500.0))
SHAPES = {
    "points": [shapely.Point(104.06, 30.54, 5), shapely.Point(), None, shapely.Point(104, 30)],
    "lines": [shapely.LineString([(104, 30), (105, 31)]), shapely.MultiLineString([[(104, 30, 1), (105, 31, 2)]]), shapely.LineString()],
    "建筑_1": [shapely.box(104, 30, 105, 31), shapely.MultiPolygon([shapely.box(104, 30, 104.5, 30.5)]), shapely.MultiPolygon()],
    "mixed": [shapely.GeometryCollection([shapely.Point(104, 30)]), shapely.MultiPoint([(104, 30)]), shapely.box(104, 30, 104.1, 30.1)],
}


def table(geometries: list[object], prefix: str = "") -> FeatureTable:
    shapes = np.empty(len(geometries), object)
    shapes[:] = geometries
    return FeatureTable(
        [f"{prefix}{k}" for k in range(len(shapes))], shapes, {"height_m": list(range(len(shapes))), "颜色": ["红"] * len(shapes)}
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = create_store(tmp_path / "park", PARK)
    yield store
    store.close()


@pytest.fixture
def full(store: Store) -> Path:
    """The GeoPackage of a park with something in each feature table, some of it replaced and some removed again."""
    outline = shapely.box(104.06, 30.54, 104.0601, 30.5401)
    model = Model("m", "m", "IFC4", "0" * 64, Georeferencing("none", None, 0.0, 0.0, None, "x"), outline)
    none = np.empty((0, 3))
    mesh = Mesh(none, none.astype(np.uint32), np.empty(0, np.uint32), np.empty((0, 4), np.uint8), [])
    content = ModelContent(
        model, [Storey("s", "m", "1F", 0.0, 0.0)], [Space("r", "m", "s", "1", "", None, outline, 0.0, 3.0, 9.0)], [], mesh
    )
    for source in ("gone", "left"):
        with store.transaction() as writer:
            for name, shapes in SHAPES.items():
                writer.put_layer(Layer(name, "tree", name, source=source))
                writer.put_features(name, table(shapes, source), source=source)
            writer.put_devices([Device("c", "camera", "东门", 104.06, 30.54)], source=source)
            writer.put_model(content, source=source)
            writer.put_events([Event("e", "fire", "2026-01-01T00:00:00Z", 104.06, 30.54, 501.5)])
            writer.put_source({"name": source, "sha256": "0", "options": "", "importer": "x", "at": "2026", "report": {}})
    with store.transaction() as writer:
        writer.archive_source("gone")
        writer.drop_source("gone")
    store.close()
    return store.path / "park.gpkg"


@pytest.fixture
def db(full: Path) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(full)
    yield db
    db.close()


def test_the_file_says_what_it_is(db: sqlite3.Connection, full: Path) -> None:
    assert full.read_bytes()[:16] == b"SQLite format 3\0"  # Req 1
    assert db.execute("PRAGMA application_id").fetchone() == (0x47504B47,)  # Req 2
    assert db.execute("PRAGMA user_version").fetchone() == (10400,)  # Req 2
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]  # Req 6
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []  # Req 7


def test_reference_systems(db: sqlite3.Connection) -> None:
    found = {row[1]: (row[2], row[3], row[4]) for row in db.execute("SELECT * FROM gpkg_spatial_ref_sys")}
    assert {-1: found[-1][:2], 0: found[0][:2]} == {-1: ("NONE", -1), 0: ("NONE", 0)}  # Req 11
    assert found[4326][:2] == ("EPSG", 4326)
    assert found[4326][2].startswith("GEOGCS")
    used = {row[0] for row in db.execute("SELECT srs_id FROM gpkg_contents WHERE srs_id NOT NULL")}
    assert used <= set(found)  # Req 14, 26


def test_contents_are_true(db: sqlite3.Connection) -> None:
    tables = {row[0]: row[1] for row in db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")}
    contents = db.execute("SELECT table_name, data_type, identifier, last_change, min_x, min_y, max_x, max_y FROM gpkg_contents").fetchall()
    assert {row[0] for row in contents} <= set(tables)  # Req 14
    assert {row[1] for row in contents} == {"features", "attributes"}
    assert len({row[2] for row in contents}) == len(contents)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row[3]) for row in contents)  # Req 15
    assert {row[0] for row in contents} >= {*SHAPES, "devices", "events", "models", "spaces", "elements", "layer_styles"}
    for name, kind, *_ in contents:
        keys = [row for row in db.execute(f'PRAGMA table_info("{name}")') if row[5]]
        assert [(row[2], row[5]) for row in keys] == [("INTEGER", 1)], "one integer key (Req 29, 118)"
        assert "AUTOINCREMENT" in tables[name]
        assert kind == "attributes" or db.execute("SELECT 1 FROM gpkg_geometry_columns WHERE table_name = ?", (name,)).fetchone()
    for name, *_, west, south, east, north in contents:
        if name in SHAPES:
            box = shapely.total_bounds(np.array([shape for shape in SHAPES[name] if shape is not None], object))
            assert (west, south, east, north) == pytest.approx(box, abs=2e-5)
            assert west <= box[0]
            assert east >= box[2]


def test_columns_have_types_of_the_standard(db: sqlite3.Connection) -> None:
    allowed = re.compile(r"BOOLEAN|TINYINT|SMALLINT|MEDIUMINT|INT(EGER)?|FLOAT|DOUBLE|REAL|TEXT(\(\d+\))?|BLOB(\(\d+\))?|DATE|DATETIME")
    for name, kind in db.execute("SELECT table_name, data_type FROM gpkg_contents").fetchall():
        for _, column, declared, *_ in db.execute(f'PRAGMA table_info("{name}")'):
            is_geometry = kind == "features" and column == "geom"
            assert (declared in {"GEOMETRY", "POINT"}) if is_geometry else allowed.fullmatch(declared), (name, column)  # Req 5, 31


def test_geometry_is_as_declared(db: sqlite3.Connection) -> None:
    columns = db.execute("SELECT table_name, column_name, geometry_type_name, srs_id, z, m FROM gpkg_geometry_columns").fetchall()
    assert len(columns) == len({row[0] for row in columns})  # Req 24
    for name, column, kind, srs, z, m in columns:
        assert (column, srs, m) == ("geom", 4326, 0)
        blobs = [row[0] for row in db.execute(f'SELECT geom FROM "{name}" WHERE geom NOT NULL')]
        assert blobs, name
        for blob in blobs:
            magic, version, flags, said = struct.unpack_from("<2sBBi", blob)  # Req 19, §2.1.3.1.1
            assert (magic, version, said, flags & 1, flags >> 5) == (b"GP", 0, srs, 1, 0)
            envelope = (0, 32, 48, 48, 64)[flags >> 1 & 7]
            shape = shapely.from_wkb(blob[8 + envelope :])
            assert (flags >> 4 & 1) == shape.is_empty
            assert kind in {"GEOMETRY", shape.geom_type.upper()}  # Req 25
            assert shape.has_z if z == 1 else z == 2 or not shape.has_z  # Req 27
            assert not shape.has_m  # Req 28
            if envelope:
                west, east, south, north = struct.unpack_from("<4d", blob, 8)
                assert (west, south, east, north) == shape.bounds
            else:
                assert shape.is_empty or shape.geom_type == "Point"


def test_the_spatial_index_is_true(db: sqlite3.Connection) -> None:
    extensions = set(db.execute("SELECT table_name, column_name, extension_name, scope FROM gpkg_extensions"))
    definition = {row[0] for row in db.execute("SELECT definition FROM gpkg_extensions")}
    assert definition == {"http://www.geopackage.org/spec120/#extension_rtree"}
    for (name,) in db.execute("SELECT table_name FROM gpkg_geometry_columns").fetchall():
        assert (name, "geom", "gpkg_rtree_index", "write-only") in extensions  # Req 75
        index = f"rtree_{name}_geom"
        triggers = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (name,))}
        assert triggers == {f"{index}_{end}" for end in ("insert", "update2", "update4", "update5", "update6", "update7", "delete")}
        assert db.execute("SELECT rtreecheck(?)", (index,)).fetchone() == ("ok",)
        boxes = {row[0]: row[1:] for row in db.execute(f'SELECT id, minx, miny, maxx, maxy FROM "{index}"')}
        shapes = {
            fid: shapely.from_wkb(blob[8 + (0, 32, 48)[blob[3] >> 1 & 7] :])
            for fid, blob in db.execute(f'SELECT fid, geom FROM "{name}" WHERE geom NOT NULL')
        }
        shapes = {fid: shape for fid, shape in shapes.items() if not shape.is_empty}
        assert set(boxes) == set(shapes)
        for fid, shape in shapes.items():
            west, south, east, north = boxes[fid]
            assert west <= shape.bounds[0]
            assert south <= shape.bounds[1]
            assert east >= shape.bounds[2]
            assert north >= shape.bounds[3]
            assert (west, south, east, north) == pytest.approx(shape.bounds, abs=2e-5)


def test_gdal_reads_every_table(full: Path) -> None:
    kinds = dict(pyogrio.list_layers(full))
    assert set(SHAPES) | {"devices", "events", "models", "spaces", "storeys", "elements", "groups", "connections"} <= set(kinds)
    for name, kind in kinds.items():
        info = pyogrio.read_info(full, layer=name, force_total_bounds=kind is not None)
        assert info["fid_column"] in {"fid", "id"}
        if name in SHAPES:
            assert (info["features"], info["crs"]) == (len(SHAPES[name]), "EPSG:4326")
            assert info["capabilities"]["fast_spatial_filter"]
    _, _, geometry, _ = pyogrio.raw.read(full, layer="建筑_1", bbox=(104.6, 30.6, 104.7, 30.7))
    assert len(geometry) == 1


def test_gdals_own_validator_finds_nothing(full: Path) -> None:
    """Where a Python with GDAL's `validate_gpkg` for GeoPackage 1.4 is about."""
    where = "import osgeo_utils.samples.validate_gpkg as v; print(v.__file__)"
    for python in (sys.executable, "/usr/bin/python3"):
        found = subprocess.run([python, "-c", where], capture_output=True, text=True, check=False)
        if found.returncode == 0 and "(2, 4, 5, 6, 7)" in Path(found.stdout.strip()).read_text("utf-8"):
            checked = subprocess.run(
                [python, found.stdout.strip(), "-k", "--extra", "--warning-as-error", full], capture_output=True, text=True, check=False
            )
            assert (checked.returncode, checked.stdout) == (0, "")
            return
    pytest.skip("no validator of GDAL for GeoPackage 1.4 here")


def test_qgis_finds_a_style_for_every_layer(db: sqlite3.Connection) -> None:
    columns = [row[1] for row in db.execute("PRAGMA table_info(layer_styles)")]
    assert columns == [
        "id", "f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column", "styleName", "styleQML", "styleSLD", "useAsDefault",
        "description", "owner", "ui", "update_time",
    ]  # fmt: skip
    found = db.execute("SELECT f_table_name, f_geometry_column, styleQML, styleSLD, useAsDefault FROM layer_styles").fetchall()
    assert sorted(row[0] for row in found) == sorted(row[0] for row in db.execute("SELECT table_name FROM gpkg_geometry_columns"))
    symbols = {}
    for name, column, qml, sld, is_default in found:
        assert (column, is_default) == ("geom", 1)
        symbol = ET.fromstring(qml).find("./renderer-v2/symbols/symbol")
        assert symbol is not None
        symbols[name] = symbol.get("type")
        assert ET.fromstring(sld).tag.endswith("StyledLayerDescriptor")
    assert {name: symbols[name] for name in SHAPES} == {"points": "marker", "lines": "line", "建筑_1": "fill", "mixed": "marker"}


def test_styles_look_as_the_page_does() -> None:
    drawn = tomllib.loads((ROOT / "web" / "styles.toml").read_text("utf-8"))["layer"]
    assert set(looks()) == set(LAYER_KINDS)
    assert {kind: (look["fill"], look["line"]) for kind, look in looks().items() if kind in drawn} == {
        kind: (look["fill"], look["line"]) for kind, look in drawn.items() if kind in looks()
    }


def test_a_style_that_a_person_saved_stays(store: Store) -> None:
    with store.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
        writer.put_features("b", table([shapely.box(104, 30, 105, 31)]), source="a")
    db = sqlite3.connect(store.path / "park.gpkg")
    db.execute("UPDATE layer_styles SET styleName = 'mine', styleQML = 'x' WHERE f_table_name = 'b'")
    db.commit()
    with store.transaction() as writer:
        writer.put_features("b", table([shapely.Point(104, 30)]), source="a")
    assert db.execute("SELECT styleName, styleQML FROM layer_styles WHERE f_table_name = 'b'").fetchall() == [("mine", "x")]
    db.close()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.integers(0, 60), st.integers(1, 150)), min_size=1, max_size=6))
def test_the_index_stays_true_whatever_replaces_what(
    tmp_path_factory: pytest.TempPathFactory, puts: list[tuple[str, int, int, int]]
) -> None:
    """Sources replace their own rows and take over ids of each other, few and many at a time."""
    store = create_store(tmp_path_factory.mktemp("index") / "p", PARK)
    held: dict[str, tuple[str, float]] = {}
    with store.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
    for source, first, shift, n in puts:
        x = 104.0 + (np.arange(n) + shift) * 1e-3
        listed = FeatureTable([f"b{first + k}" for k in range(n)], shapely.points(x, 30.0))
        with store.transaction() as writer:
            writer.put_features("b", listed, source=source)
        held = {identity: said for identity, said in held.items() if said[0] != source} | {
            identity: (source, float(at)) for identity, at in zip(listed.ids, x, strict=True)
        }
        db = sqlite3.connect(store.path / "park.gpkg")
        assert db.execute("SELECT rtreecheck('rtree_b_geom')").fetchone() == ("ok",)
        db.close()
        found = store.features("b", bounds=(104.01, 29.9, 104.0505, 30.1))
        assert set(found.ids) == {identity for identity, (_, at) in held.items() if 104.00999 <= at <= 104.05051}
        assert len(store.features("b")) == len(held)
    store.close()


def test_many_rows_index_like_few(store: Store) -> None:
    chance = np.random.default_rng(1)
    west, south = chance.uniform(104, 104.5, 7000), chance.uniform(30, 30.5, 7000)
    shapes = shapely.box(west, south, west + chance.uniform(0, 0.01, 7000), south + chance.uniform(0, 0.01, 7000))
    with store.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
        writer.put_features("b", FeatureTable([str(k) for k in range(7000)], shapes), source="a")
    db = sqlite3.connect(store.path / "park.gpkg")
    assert db.execute("SELECT rtreecheck('rtree_b_geom')").fetchone() == ("ok",)
    assert "VIRTUAL TABLE INDEX" in str(
        db.execute("EXPLAIN QUERY PLAN SELECT id FROM rtree_b_geom WHERE maxx >= 104.1 AND minx <= 104.2").fetchall()
    )
    db.close()
    box = shapely.box(104.2, 30.2, 104.23, 30.26)
    found = store.features("b", bounds=(104.2, 30.2, 104.23, 30.26))
    assert set(found.ids) >= set(np.flatnonzero(shapely.intersects(shapes, box)).astype(str))
    assert set(found.ids) <= set(np.flatnonzero(shapely.dwithin(shapes, box, 1e-4)).astype(str))
    with store.transaction() as writer:  # few beside many: by the triggers
        writer.put_features("b", FeatureTable(["new"], np.array([shapely.Point(104.21, 30.21)], object)), source="b")
    assert "new" in store.features("b", bounds=(104.2, 30.2, 104.23, 30.26)).ids


def test_a_second_writer_waits_and_then_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.store.connection.LOCK_WAIT_S", 0.2)
    other = open_store(store.path)
    with store.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
        with pytest.raises(Conflict) as told, other.transaction():
            pass
    assert told.value.code == "park_locked"
    release = threading.Event()

    def hold() -> None:
        with store.transaction():
            release.wait(0.1)
        store.close()

    holder = threading.Thread(target=hold)
    holder.start()
    patient = open_store(store.path)
    with patient.transaction() as writer:
        writer.put_layer(Layer("c", "building", "c"))
    holder.join()
    assert [layer.id for layer in store.layers()] == ["b", "c"]
    other.close()
    patient.close()


def test_a_transaction_holds_no_other(store: Store) -> None:
    with store.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
        with pytest.raises(Conflict), store.transaction():
            pass
    assert [layer.id for layer in store.layers()] == ["b"], "the outer one goes on"


def test_readers_in_other_programs_see_whole_states(store: Store) -> None:
    program = f"""
import json, sys
from twin.store import open_store
store, seen = open_store({str(store.path)!r}), set()
print("ready", flush=True)
while "done" not in [layer.id for layer in store.layers()]:
    seen.add(len(store.features_of_kind("building")))
print(json.dumps(sorted(seen)))
"""
    readers = [subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    for n in (200, 500, 200, 500):
        with store.transaction() as writer:
            for name in ("a", "b"):
                writer.put_layer(Layer(name, "building", name))
                writer.put_features(name, FeatureTable([str(k) for k in range(n)], shapely.points(np.full(n, 104.0), 30.0)), source="s")
    with store.transaction() as writer:
        writer.put_layer(Layer("done", "tree", "done"))
    for reader in readers:
        out, _ = reader.communicate(timeout=60)
        assert set(json.loads(out)) <= {0, 400, 1000}


def test_a_full_disk_leaves_the_park_as_it_was(store: Store, tmp_path: Path) -> None:
    with store.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
        writer.put_features("b", table([shapely.Point(104, 30)]), source="a")
    store.close()
    big = tmp_path / "big.bin"
    big.write_bytes(b"0123456789" * 300_000)
    program = f"""
import json, resource
from pathlib import Path
import numpy as np, shapely
from twin.errors import TwinError
from twin.model import FeatureTable
from twin.store import open_store
store, told = open_store({str(store.path)!r}), []
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
n = 20_000
many = FeatureTable([str(k) for k in range(n)], shapely.points(np.full(n, 104.0), 30.0), {{"name": ["x" * 100] * n}})
def write():
    with store.transaction() as writer:
        writer.put_features("b", many, source="a")
for attempt in (write, lambda: store.keep(Path({str(big)!r}))):
    try:
        attempt()
    except TwinError as error:
        told.append((error.code, error.text("en"), error.text("zh")))
print(json.dumps([told, len(store.features("b")), store.sweep()]))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told, features, swept = json.loads(done.stdout)
    assert [code for code, *_ in told] == ["park_not_written", "park_not_written"]
    assert all("{" not in sentence for _, *sentences in told for sentence in sentences)
    assert (features, swept) == (1, 0)
    assert not (store.path / "assets").exists()
    again = open_store(store.path)
    assert len(again.features("b")) == 1
    with again.transaction() as writer:
        writer.put_features("b", table([shapely.Point(104, 30)] * 3), source="a")
    assert len(again.features("b")) == 3


def test_a_park_that_cannot_be_written_is_read(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
        writer.put_features("b", table([shapely.Point(104, 30)]), source="a")
    store.close()
    before = {file.name: file.read_bytes() for file in store.path.iterdir()}
    monkeypatch.setattr("twin.store.connection.os.access", lambda *_: False)
    frozen = open_store(store.path)
    assert len(frozen.features("b")) == 1
    with pytest.raises(StoreError) as told, frozen.transaction() as writer:
        writer.put_layer(Layer("c", "building", "c"))
    assert told.value.code == "park_read_only"
    assert frozen.sweep() == 0
    frozen.close()
    assert {file.name: file.read_bytes() for file in store.path.iterdir()} == before


def test_a_creation_that_failed_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.store.geopackage._park_toml", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        create_store(tmp_path / "p", PARK)
    assert list((tmp_path / "p").iterdir()) == []
    monkeypatch.undo()
    (tmp_path / "p" / "park.gpkg.new").write_bytes(b"killed while making it")
    assert create_store(tmp_path / "p", PARK).layers() == []
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError) as told:
        create_store(tmp_path / "file" / "p", PARK)
    assert told.value.code == "park_not_written"


def test_another_park_at_the_same_address_is_another_revision(tmp_path: Path) -> None:
    """What is kept in memory for a park that was deleted must not speak for the one that came after it."""
    revisions: set[str] = set()
    for k in range(2):
        store = create_store(tmp_path / "park", Park("p", Frame(104.06, 30.66, 500.0)))
        with store.transaction() as writer:
            writer.put_devices([Device("c", "camera", "c", 104.06 + k, 30.66)], source="t")
        revisions.add(store.revision())
        assert store.revision().startswith("1-")
        store.close()
        shutil.rmtree(tmp_path / "park")
    assert len(revisions) == 2
