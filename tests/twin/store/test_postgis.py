"""What only a park in a database promises: its address, its server's failures, its neighbours, other programs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psycopg
import pytest
import shapely

from twin.crs import Frame
from twin.errors import Conflict, NotFound, StoreError, UsageError
from twin.model import Asset, Device, Event, FeatureTable, Layer, Park, Scenario
from twin.store import Store, create_store, is_database, name_of, open_store, shown
from twin.store.postgis import connection, migrations
from twin.store.postgis.address import parse

PARK = Park("园区", Frame(104.06, 30.54, 500.0))
SECRET = "p@ss/word"
WRITTEN = "p%40ss%2Fword"


@pytest.fixture
def address(new_database_park: Callable[[], str]) -> str:
    return new_database_park()


@pytest.fixture
def store(address: str) -> Store:
    return create_store(address, PARK)


def squares(n: int) -> FeatureTable:
    corners = 104.06 + np.arange(n) * 1e-4
    return FeatureTable([f"b{k}" for k in range(n)], shapely.box(corners, 30.54, corners + 5e-5, 30.5401))


# --- addresses


@pytest.mark.parametrize(
    ("written", "libpq", "schema"),
    [
        ("postgresql://u:p%40w@h:5433/d?park=n", {"user": "u", "password": "p@w", "host": "h", "port": "5433", "dbname": "d"}, "n"),
        ("postgres://h/d", {"host": "h", "dbname": "d"}, "parktwin"),
        ("postgresql:///d?host=/var/run&park=%E5%9B%AD", {"dbname": "d", "host": "/var/run"}, "园"),
        ("POSTGRESQL://[::1]:5432/d?sslmode=require", {"host": "::1", "port": "5432", "dbname": "d", "sslmode": "require"}, "parktwin"),
        ("postgresql://u@a:1,b/d", {"user": "u", "host": "a,b", "port": "1,", "dbname": "d"}, "parktwin"),
        ("postgresql://", {}, "parktwin"),
    ],
)
def test_an_address_says_what_libpq_is_told(written: str, libpq: dict[str, str], schema: str) -> None:
    assert is_database(written)
    found = parse(written)
    assert (dict(found.libpq), found.schema) == (libpq, schema)
    again = parse(found.shown)
    assert dict(again.libpq) == {key: value for key, value in libpq.items() if key != "password"}
    assert (again.schema, again.folder) == (schema, found.folder)


@pytest.mark.parametrize("written", ["park", "/tmp/postgresql", "./postgres", "http://h/d", "postgresql:d"])
def test_everything_else_is_a_directory(written: str) -> None:
    assert not is_database(written)


@pytest.mark.parametrize(
    "written",
    [
        "postgresql://u:secret/half@h/d", "postgresql://u:secret@h:port/d", "postgresql://u:12/secret@h/d", "postgresql://u:secret@[::1/d",
        "postgresql://u:secret@h/d/e", "postgresql://u:secret@h/d#x", "postgresql://u:secret@h/d?password=secret&park=pg_x",
        "postgresql://u:secret@h/d?park=" + "x" * 64,
    ],
)  # fmt: skip
def test_a_wrong_address_is_refused_and_not_repeated(written: str) -> None:
    with pytest.raises(UsageError) as refused:
        open_store(written)
    for lang in ("en", "zh"):
        assert "secret" not in refused.value.text(lang) + refused.value.hint(lang)


def test_passwords_are_in_no_address_and_no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PARKTWIN_HOME", str(tmp_path))
    written = f"postgresql://u:{WRITTEN}@h/d?park=a&password=other&sslpassword=third"
    for told in (shown(written), str(parse(written).folder)):
        assert not any(secret in told for secret in (SECRET, WRITTEN, "other", "third"))
    assert parse(written).folder == parse("postgresql://somebody@h:5432/d?park=a").folder
    assert parse(written).folder != parse("postgresql://u@h/d?park=b").folder
    assert parse(written).folder.is_relative_to(tmp_path)
    assert name_of(written) == "a"


# --- failures


def test_a_server_that_is_not_there_is_said_so() -> None:
    with pytest.raises(StoreError, match="does not answer") as failed:
        open_store(f"postgresql://guest:{WRITTEN}@127.0.0.1:1/park")
    assert "word" not in failed.value.text("en") + failed.value.text("zh")


@pytest.mark.parametrize(
    ("user", "database", "code"),
    [("guest:wrongword", "park", "database_login"), ("postgres", "nowhere", "database_missing"), ("postgres", "park", "park_missing")],
)
def test_what_the_server_refuses_is_said_so(postgis_server: str, user: str, database: str, code: str) -> None:
    port = postgis_server.rpartition(":")[2]
    with pytest.raises(StoreError) as failed:
        open_store(f"postgresql://{user}@127.0.0.1:{port}/{database}?park=none")
    assert failed.value.code == code
    assert "wrongword" not in str(failed.value)


def test_a_user_without_rights_is_told_so(store: Store, postgis_server: str) -> None:
    port = postgis_server.rpartition(":")[2]
    guest = f"postgresql://guest:{WRITTEN}@127.0.0.1:{port}"
    with pytest.raises(StoreError) as failed:
        create_store(f"{guest}/bare?park=x", PARK)
    assert failed.value.code == "database_forbidden"
    schema = name_of(store.address)
    with psycopg.connect(f"{postgis_server}/park", autocommit=True) as db:
        db.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO guest; GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO guest')
    reader = open_store(f"{guest}/park?park={schema}")
    assert reader.layers() == []
    assert SECRET not in reader.address
    with pytest.raises(StoreError) as failed, reader.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
    assert failed.value.code == "database_forbidden"
    with psycopg.connect(f"{postgis_server}/bare", autocommit=True) as db:
        db.execute("CREATE SCHEMA IF NOT EXISTS given AUTHORIZATION guest")
    with pytest.raises(StoreError) as failed:
        create_store(f"{guest}/bare?park=given", PARK)
    assert failed.value.code == "database_postgis"


def test_options_libpq_does_not_know_are_refused(address: str) -> None:
    with pytest.raises(StoreError) as failed:
        open_store(f"{address}&colour=secret")
    assert failed.value.code == "database_options"


def test_a_dropped_connection_is_said_so_and_made_again(store: Store, postgis_server: str) -> None:
    store.layers()
    drop_all(postgis_server)
    with pytest.raises(StoreError) as failed:
        store.layers()
    assert failed.value.code == "database_lost"
    assert store.layers() == []


def test_a_connection_dropped_in_a_transaction_leaves_nothing(store: Store, postgis_server: str) -> None:
    def write() -> None:
        with store.transaction() as writer:
            writer.put_layer(Layer("b", "building", "b"))
            drop_all(postgis_server)
            writer.put_features("b", squares(3), source="a")

    with pytest.raises(StoreError) as failed:
        write()
    assert failed.value.code == "database_lost"
    assert store.layers() == []
    with store.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
    assert len(store.layers()) == 1


def drop_all(server: str) -> None:
    with psycopg.connect(f"{server}/park", autocommit=True) as db:
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'parktwin'")


# --- writers and readers


def test_a_second_writer_waits_and_is_then_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LOCK_WAIT_S", 0.3)
    store = create_store(address, PARK)
    other = open_store(address)
    with store.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
        with pytest.raises(Conflict, match="another program"), other.transaction():
            pass
        with pytest.raises(Conflict), store.transaction():
            pass
        assert other.layers() == []
        neighbour = create_store(address + "_2", PARK)  # the lock is of one park, not of the server
        with neighbour.transaction() as beside:
            beside.put_layer(Layer("n", "road", "n"))
    assert [layer.id for layer in other.layers()] == ["b"]
    with other.transaction() as writer:
        writer.put_layer(Layer("c", "building", "c"))
    assert len(store.layers()) == 2


def test_threads_write_and_read_at_once(store: Store) -> None:
    failures: list[BaseException] = []

    def work(k: int) -> None:
        try:
            for n in range(5):
                with store.transaction() as writer:
                    writer.put_events([Event(f"{k}-{n}", "fire", "2026-01-01T00:00:00Z", 104.06, 30.54, 1.0)])
                store.events(limit=3)
        except BaseException as error:  # noqa: BLE001  told to the test below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    seen, cursor, pages = [], 0, 0
    while True:
        found, cursor = store.events_after(cursor, limit=7)
        if not found:
            break
        seen += [event.id for event in found]
        pages += 1
    assert (len(seen), len(set(seen)), pages) == (40, 40, 6)


def test_another_park_at_the_same_address_is_another_revision(address: str) -> None:
    first = create_store(address, PARK)
    revision = first.revision()
    first.remove()
    with pytest.raises(NotFound):
        open_store(address)
    assert create_store(address, PARK).revision() != revision


# --- other programs and other machines


def test_gis_programs_find_its_layers(store: Store, postgis_server: str) -> None:
    """QGIS lists what `geometry_columns` lists, with its coordinate system; a box is found by the index."""
    with store.transaction() as writer:
        writer.put_layer(Layer("建筑", "building", "建筑"))
        writer.put_features("建筑", squares(3000), source="a")
        writer.put_devices([Device("c", "camera", "c", 104.06, 30.54)], source="d")
    schema = name_of(store.address)
    with psycopg.connect(f"{postgis_server}/park", autocommit=True) as db:
        columns = "SELECT f_table_name, srid, type FROM geometry_columns WHERE f_table_schema = %s"
        found = {row[0]: row[1:] for row in db.execute(columns, (schema,))}
        assert found.keys() == {"建筑", "devices", "events", "models", "spaces"}
        assert found["建筑"] == (4326, "GEOMETRY")
        table = f'"{schema}"."建筑"'
        db.execute(f"ANALYZE {table}")
        plan = db.execute(f"EXPLAIN SELECT id FROM {table} WHERE geom && ST_MakeEnvelope(104.06, 30, 104.0601, 31, 4326)").fetchall()
        assert "Index" in str(plan)
        east = db.execute(f"SELECT ST_X(ST_Transform(ST_Centroid(geom), 3857)) FROM {table} WHERE id = 'b0'").fetchone()
    assert east == pytest.approx((np.radians(104.060025) * 6378137,), abs=0.01)


def test_files_reach_another_machine(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tile.glb"
    file.write_bytes(np.random.default_rng(0).bytes(9_000_001))
    sha256 = store.keep(file)
    assert store.keep(file) == sha256
    with store.transaction() as writer:
        writer.put_assets([Asset("tiles", "tile.glb", sha256, 9_000_001)], source="tiles")
    assert store.sweep() == 0
    monkeypatch.setenv("PARKTWIN_HOME", str(tmp_path / "elsewhere"))
    other = open_store(store.address)
    assert other.asset_path(sha256).is_relative_to(tmp_path / "elsewhere")
    assert other.asset_path(sha256).read_bytes() == file.read_bytes()
    for unknown in ("0" * 64, "../../etc/passwd", "x"):
        with pytest.raises(NotFound):
            other.asset_path(unknown)


def test_nothing_is_swept_from_under_an_import(store: Store, tmp_path: Path) -> None:
    kept, stray = tmp_path / "kept", tmp_path / "stray"
    kept.write_bytes(b"kept")
    stray.write_bytes(b"stray")
    other = open_store(store.address)
    sha256 = store.keep(kept)
    assert other.sweep() == 0, "an import holds what it has kept"
    with store.transaction() as writer:
        writer.put_assets([Asset("s", "kept", sha256, 4)], source="s")
    store.keep(stray)
    assert store.sweep() == 1
    assert other.asset_path(sha256).read_bytes() == b"kept"
    with store.transaction() as writer:
        writer.put_source({"name": "s", "sha256": "", "options": "", "importer": "", "at": "", "report": {}})
        writer.archive_source("s")
        writer.drop_source("s")
    assert store.sweep() == 0, "an old version needs it"


# --- schemas


def test_a_schema_that_holds_something_else_is_left_alone(address: str, postgis_server: str) -> None:
    with psycopg.connect(f"{postgis_server}/park", autocommit=True) as db:
        db.execute(f'CREATE SCHEMA "{name_of(address)}"; CREATE TABLE "{name_of(address)}".mine (a int)')
    with pytest.raises(Conflict, match="something else"):
        create_store(address, PARK)
    with pytest.raises(NotFound):
        open_store(address)


@pytest.mark.parametrize("name", ["Ünï-code 园", 'quo"te', "per%cent", "select", "a'b"])
def test_any_name_of_a_park_works(postgis_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("PARKTWIN_HOME", str(tmp_path))
    address = shown(f"postgresql://postgres@127.0.0.1:{postgis_server.rpartition(':')[2]}/park?park=" + name.replace("%", "%25"))
    store = create_store(address, PARK)
    with store.transaction() as writer:
        writer.put_layer(Layer("50% \0 off" * 20, "building", "b"))
        writer.put_features("50% \0 off" * 20, squares(2), source="100%")
    assert len(open_store(address).features_of_kind("building")) == 2
    store.remove()
    with pytest.raises(NotFound):
        open_store(address)


def test_schemas_are_brought_up_to_date_or_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", migrations.SCHEMA_VERSION + 1)
    with pytest.raises(StoreError, match="schema version"):
        open_store(store.address)
    monkeypatch.setattr(migrations, "STEPS", {migrations.SCHEMA_VERSION - 1: lambda db: done.append(1)})
    open_store(store.address)
    open_store(store.address)
    assert done == [1]
    monkeypatch.undo()
    monkeypatch.setenv("PARKTWIN_HOME", str(store.path.parents[1]))
    with pytest.raises(StoreError, match="schema version"):
        open_store(store.address)


def test_a_park_of_schema_2_gets_scenarios(store: Store) -> None:
    with store.transaction() as writer:
        for name in ("places", "scenarios_layer"):
            writer.put_layer(Layer(name, "zone", name))
            writer.put_features(name, squares(2), source="z.geojson")
    with store._pool.borrow() as db:  # as the program of schema 2 left it
        for statement in (
            "DROP TABLE scenarios", "ALTER TABLE places RENAME TO scenarios",
            "UPDATE park_layers SET table_name = 'scenarios' WHERE table_name = 'places'",
            "UPDATE park SET value = '2' WHERE key = 'schema_version'",
        ):  # fmt: skip
            db.execute(statement)
    again = open_store(store.address)
    assert [(layer.id, layer.features) for layer in again.layers()] == [("places", 2), ("scenarios_layer", 2)]
    assert list(again.features("places").ids) == ["b0", "b1"]
    with again.transaction() as writer:
        writer.put_scenario(Scenario("夜间"))
    assert [each.name for each in open_store(store.address).scenarios()] == ["夜间"]


def test_what_somebody_broke_is_found(store: Store, postgis_server: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"12345")
    sha256 = store.keep(tmp_path / "f")
    with store.transaction() as writer:
        for name in ("kept", "lost"):
            writer.put_layer(Layer(name, "building", name))
            writer.put_features(name, squares(2) if name == "kept" else FeatureTable([], np.empty(0, object)), source=name)
        writer.put_assets([Asset("s", "f", sha256, 5)], source="s")
    assert list(store.faults()) == []
    schema = name_of(store.address)
    with psycopg.connect(f"{postgis_server}/park", autocommit=True) as db:
        db.execute(f'DROP TABLE "{schema}".lost')
        db.execute(f'DELETE FROM "{schema}".asset_pieces')
        db.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", (f'"{schema}".kept_geom_idx',))
    assert [(fault.code, fault.subject) for fault in store.faults()] == [
        ("store_index_untrue", "kept"),
        ("store_layer_lost", "lost"),
        ("store_file_lost", "f"),
    ]


def test_any_text_is_found_again(store: Store) -> None:
    """PostgreSQL has no character 0; what stands for it may itself be in a text."""
    ids = ["a\0b", "\U0010fff0", "\U0010fff0\U0010fff1", "\0\U0010fff0", "\U0010fff0\0"]
    table = FeatureTable(ids, shapely.points([[104, 30]] * len(ids)), {"name": ids[::-1]})
    for _ in range(2):
        with store.transaction() as writer:
            writer.put_layer(Layer("l", "other", "\0"))
            writer.put_features("l", table, source="\0")
            writer.put_devices([Device(each, "camera", each, 104, 30, source="\0") for each in ids], source="\0")
    assert (store.features("l").ids, list(store.features("l").column("name"))) == (ids, ids[::-1])
    for each in ids:
        assert store.features("l", ids=[each]).ids == [each]
    assert [(device.id, device.name) for device in store.devices()] == [(each, each) for each in ids]
    assert (store.origins(), store.layer("l").title) == (["\0"], "\0")
