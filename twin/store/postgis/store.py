"""A park in a schema of a PostgreSQL database with PostGIS.

Readers see the last commit beside one writer, whom an advisory lock keeps alone. What this machine makes of the park (tiles, fetched
assets, caches) lies in a folder named by the park's address.
"""

from __future__ import annotations

import json
import shutil
import weakref
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeVar
from uuid import uuid4

import psycopg
from psycopg.pq import TransactionStatus

from twin.crs import NEAR_M
from twin.errors import Conflict, NotFound, StoreError
from twin.model import (
    Asset,
    Connection,
    Device,
    Element,
    Event,
    FeatureTable,
    Group,
    Issue,
    Layer,
    Mesh,
    Model,
    Park,
    Photometry,
    Scenario,
    SourceContent,
    Space,
    Storey,
    Terrain,
    Version,
)
from twin.store import Bounds, Writer, meshblob, records, rows
from twin.store.migrations import SCHEMA_VERSION
from twin.store.postgis import archive, assets, tables
from twin.store.postgis.address import Address, parse
from twin.store.postgis.assets import Assets
from twin.store.postgis.connection import Connection as Database
from twin.store.postgis.connection import Pool, again, execute, fetch
from twin.store.postgis.connection import records as records_of
from twin.store.postgis.migrations import migrate
from twin.store.postgis.writer import PostGISWriter
from twin.store.remembered import Remembered
from twin.terrain import merged

_T = TypeVar("_T")


class PostGISStore:  # size: the verbs of Store
    """A park in a database."""

    def __init__(self, address: Address, pool: Pool) -> None:
        self.address = address.shown
        self.path = address.folder
        self._schema = address.schema
        self._lock = address.lock("write")
        self._pool = pool
        self._assets = Assets(pool, address)
        self._remembered = Remembered()
        self._park = rows.park(dict(self._fetch("SELECT key, value FROM park")))
        _make_folder(self.path)
        weakref.finalize(self, _close, pool, self._assets)

    @classmethod
    def open(cls, address: str) -> PostGISStore:
        """The park at `address`, brought to this program's schema; raises NotFound or StoreError."""
        place = parse(address)
        pool = Pool(place)
        try:
            with pool.borrow() as db:
                _check_there(db, place)
                migrate(db, place.lock("write"))
            return cls(place, pool)
        except BaseException:
            pool.close()
            raise

    @classmethod
    def create(cls, address: str, park: Park) -> PostGISStore:
        """A new, empty park at `address`; raises Conflict."""
        place = parse(address)
        pool = Pool(place)
        try:
            with pool.borrow() as db, db.transaction():
                execute(db, "SELECT pg_advisory_xact_lock(%s)", (place.lock("write"),))
                _create(db, place, park)
            return cls(place, pool)
        except BaseException:
            pool.close()
            raise

    def park(self) -> Park:
        return self._park

    def revision(self) -> str:
        return self._fetch("SELECT value FROM park WHERE key = 'revision'")[0][0]

    def layers(self) -> Sequence[Layer]:
        return again(self._layers)

    def layer(self, layer_id: str) -> Layer:
        found = next((layer for layer in self.layers() if layer.id == layer_id), None)
        if found is None:
            raise NotFound("layer_missing", subject=layer_id, known=", ".join(layer.id for layer in self.layers()))
        return found

    def features(self, layer_id: str, *, bounds: Bounds | None = None, ids: Sequence[str] | None = None) -> FeatureTable:
        if bounds is not None:
            return self._features(layer_id, *tables.inside(bounds))
        if ids is not None:
            return self._features(layer_id, "WHERE id = ANY(%s)", [list(ids)])
        return self._answer(("features", layer_id), lambda: self._features(layer_id))

    def features_of_kind(self, kind: str, *, bounds: Bounds | None = None) -> FeatureTable:
        if bounds is not None:
            return again(lambda: self._features_of_kind(kind, bounds))
        return self._answer(("kind", kind), lambda: again(lambda: self._features_of_kind(kind, None)))

    def extent(self) -> Bounds | None:
        return self._answer("extent", lambda: again(self._extent))

    def devices(self, kind: str | None = None) -> Sequence[Device]:
        found = self._answer("devices", lambda: rows.devices(self._read("devices")))
        return found if kind is None else [device for device in found if device.kind == kind]

    def models(self) -> Sequence[Model]:
        return self._answer("models", lambda: rows.models(self._read("models")))

    def storeys(self, model_id: str | None = None) -> Sequence[Storey]:
        return rows.storeys(self._read("storeys", *_of_model(model_id), order='model_id COLLATE "C", elevation_m, fid'))

    def spaces(self, model_id: str | None = None) -> Sequence[Space]:
        return self._answer(("spaces", model_id), lambda: rows.spaces(self._read("spaces", *_of_model(model_id))))

    def elements(self, model_id: str | None = None) -> Sequence[Element]:
        return self._answer(("elements", model_id), lambda: rows.elements(self._read("elements", *_of_model(model_id))))

    def element(self, element_id: str) -> Element:
        found = rows.elements(self._read("elements", "WHERE id = %s", [element_id]))
        if not found:
            raise NotFound("element_missing", subject=element_id)
        return found[0]

    def mesh(self, model_id: str) -> Mesh:
        return self._answer(("mesh", model_id), lambda: self._mesh(model_id))

    def groups(self, model_id: str | None = None) -> Sequence[Group]:
        return rows.groups(self._read("groups", *_of_model(model_id)))

    def connections(self, model_id: str | None = None) -> Sequence[Connection]:
        return rows.connections(self._read("connections", *_of_model(model_id)))

    def terrain(self, role: Literal["ground", "surface"] = "ground") -> Terrain | None:
        return self._answer(("terrain", role), lambda: self._terrain(role))

    def photometries(self) -> Sequence[Photometry]:
        return rows.photometries(self._read("photometries"))

    def assets(self, source: str | None = None) -> Sequence[Asset]:
        where, values = ("WHERE source = %s", [source]) if source is not None else ("", [])
        return rows.assets(self._read("assets", where, values, order='source COLLATE "C", name'))

    def asset_path(self, sha256: str) -> Path:
        return self._assets.path(sha256)

    def keep(self, file: Path) -> str:
        return self._assets.keep(file)

    def sweep(self) -> int:
        return self._assets.sweep(archive.needed_assets)

    def versions(self, source: str | None = None) -> Sequence[Version]:
        where, values = ("WHERE source = %s", [source]) if source is not None else ("", [])
        columns = "source, number, at, sha256, importer, options, is_current, report"
        query = f'SELECT {columns} FROM versions {where} ORDER BY source COLLATE "C", number'
        with self._pool.borrow() as db:
            return rows.versions(records_of(db, query, values))

    def version(self, source: str, number: int) -> SourceContent:
        return again(lambda: self._version(source, number))

    def events(self, *, since: str | None = None, limit: int = 1000) -> Sequence[Event]:
        where = "WHERE at > %s" if since else ""
        return rows.events(self._read("events", where, [since] if since else [], order=f"at DESC, fid DESC LIMIT {int(limit)}"))[::-1]

    def events_after(self, cursor: int, *, limit: int = 1000) -> tuple[Sequence[Event], int]:
        query = f"SELECT fid, {tables.columns_read('events')} FROM events WHERE fid > %s ORDER BY fid LIMIT %s"
        with self._pool.borrow() as db:
            found = records_of(db, query, (cursor, limit))
        return rows.events(found), found[-1]["fid"] if found else cursor

    def sources(self) -> Sequence[Mapping[str, Any]]:
        query = 'SELECT name, sha256, options, importer, at, report FROM park_sources ORDER BY at COLLATE "C", name COLLATE "C"'
        with self._pool.borrow() as db:
            return [record | {"report": json.loads(record["report"])} for record in records_of(db, query)]

    def run(self, run_id: str) -> Mapping[str, Any]:
        found = self._fetch("SELECT result, gaps, samples FROM runs WHERE run = %s", (run_id,))
        if not found:
            raise NotFound("run_missing", subject=run_id)
        result, gaps, samples = found[0]
        return {"result": json.loads(result), "gaps": json.loads(gaps), "samples": json.loads(samples) if samples else None}

    def runs(self, measure: str | None = None) -> Sequence[Mapping[str, Any]]:
        where, values = ("WHERE measure = %s", [measure]) if measure else ("", [])
        with self._pool.borrow() as db:
            return records_of(db, f"SELECT run, measure, at, value FROM runs {where} ORDER BY at DESC, fid DESC", values)

    def scorecard(self, pack_id: str) -> Mapping[str, Any] | None:
        query = "SELECT card FROM scorecards WHERE pack = %s AND revision = (SELECT value FROM park WHERE key = 'revision')"
        found = self._fetch(query, (pack_id,))
        return json.loads(found[0][0]) if found else None

    def scorecards(self) -> Sequence[Mapping[str, Any]]:
        query = "SELECT card FROM scorecards WHERE revision = (SELECT value FROM park WHERE key = 'revision') ORDER BY pack COLLATE \"C\""
        return [json.loads(row[0]) for row in self._fetch(query)]

    def scenarios(self) -> Sequence[Scenario]:
        return self._scenarios("", [])

    def scenario(self, name: str) -> Scenario:
        found = self._scenarios("WHERE name = %s", [name])
        if not found:
            raise NotFound("scenario_missing", subject=name)
        return found[0]

    def origins(self) -> Sequence[str]:
        return again(self._origins)

    def content(self, source: str) -> SourceContent:
        return again(lambda: self._content(source))

    def faults(self) -> Sequence[Issue]:
        with self._pool.borrow() as db:
            return [*tables.faults(db, self._schema), *assets.faults(db)]

    @contextmanager
    def transaction(self) -> Generator[Writer]:
        with self._begun("BEGIN") as db:
            execute(db, "SELECT pg_advisory_xact_lock(%s)", (self._lock,))
            writer = PostGISWriter(db, self._schema)
            yield writer
            writer.finish()
            db.execute("COMMIT")

    def remove(self) -> None:
        with self._pool.borrow() as db:
            execute(db, f"DROP SCHEMA {tables.quoted(self._schema)} CASCADE")
        self.close()
        shutil.rmtree(self.path, ignore_errors=True)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._assets.release()
        self._pool.close()

    @contextmanager
    def _begun(self, statement: str) -> Generator[Database]:
        """A transaction of this thread, rolled back unless it was committed."""
        if self._pool.held is not None:
            raise Conflict("park_locked", subject=self.address)
        with self._pool.hold() as db:
            execute(db, statement)
            try:
                yield db
            finally:
                if not db.closed and db.info.transaction_status != TransactionStatus.IDLE:
                    with suppress(psycopg.Error):  # what went wrong before is what is told
                        db.execute("ROLLBACK")

    @contextmanager
    def _snapshot(self) -> Generator[Database]:
        """One state of the park for several questions."""
        if self._pool.held is not None:
            yield self._pool.held
            return
        with self._begun("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as db:
            yield db

    def _version(self, source: str, number: int) -> SourceContent:
        with self._snapshot() as db:
            found = fetch(db, "SELECT is_current FROM versions WHERE source = %s AND number = %s", (source, number))
            if not found:
                raise NotFound("version_missing", subject=source, number=number)
            return archive.current(db, source) if found[0][0] else archive.old(db, source, number)

    def _origins(self) -> Sequence[str]:
        with self._pool.borrow() as db:
            return archive.origins(db)

    def _content(self, source: str) -> SourceContent:
        with self._snapshot() as db:
            return archive.current(db, source)

    def _answer(self, question: Any, read: Callable[[], _T]) -> _T:
        """What was read last, for as long as nobody has changed the park; what a transaction sees of itself is not kept."""
        return read() if self._pool.held is not None else self._remembered.answer(self.revision(), question, read)

    def _fetch(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._pool.borrow() as db:
            return fetch(db, query, values)

    def _scenarios(self, where: str, values: Sequence[Any]) -> Sequence[Scenario]:
        with self._pool.borrow() as db:
            return rows.scenarios(
                records_of(db, f'SELECT name, note, at, changes FROM scenarios {where} ORDER BY name COLLATE "C"', values)
            )

    def _read(self, name: str, where: str = "", values: Sequence[Any] = (), *, order: str = "fid") -> list[rows.Record]:
        with self._pool.borrow() as db:
            return records_of(db, f"SELECT {tables.columns_read(name)} FROM {name} {where} ORDER BY {order}", values)

    def _layers(self) -> Sequence[Layer]:
        with self._pool.borrow() as db:
            found = fetch(db, "SELECT id, kind, title, source, title_zh, table_name FROM park_layers ORDER BY fid")
            counts = [f"(SELECT count(*) FROM {tables.quoted(row[5])})" for row in found]
            numbers = fetch(db, f"SELECT {', '.join(counts)}")[0] if counts else ()
        return [Layer(row[0], row[1], row[2], n, row[3], row[4]) for row, n in zip(found, numbers, strict=True)]

    def _features_of_kind(self, kind: str, bounds: Bounds | None) -> FeatureTable:
        with self._snapshot() as db:
            found = fetch(db, "SELECT id FROM park_layers WHERE kind = %s ORDER BY fid", (kind,))
            return records.joined([self.features(row[0], bounds=bounds) for row in found])

    def _features(self, layer_id: str, where: str = "", values: Sequence[Any] = ()) -> FeatureTable:
        return again(lambda: self._features_now(layer_id, where, values))

    def _features_now(self, layer_id: str, where: str, values: Sequence[Any]) -> FeatureTable:
        with self._pool.borrow() as db:
            found = fetch(db, "SELECT table_name FROM park_layers WHERE id = %s", (layer_id,))
            if found:
                return tables.read_features(db, tables.quoted(found[0][0]), where, values)
        raise NotFound("layer_missing", subject=layer_id, known=", ".join(layer.id for layer in self.layers()))

    def _extent(self) -> Bounds | None:
        (west, south), (east, north) = self._park.frame.to_lonlat([[-NEAR_M, -NEAR_M], [NEAR_M, NEAR_M]])[:, :2].tolist()
        names = [row[0] for row in self._fetch("SELECT table_name FROM park_layers")] + ["devices", "models"]
        edges = "min(ST_XMin(geom)), min(ST_YMin(geom)), max(ST_XMax(geom)), max(ST_YMax(geom))"
        near = "WHERE geom @ ST_MakeEnvelope(%(w)s, %(s)s, %(e)s, %(n)s, 4326)"
        query = " UNION ALL ".join(f"SELECT {edges} FROM {tables.quoted(name)} {near}" for name in names)
        with self._pool.borrow() as db:
            return records.hull(fetch(db, query, {"w": west, "s": south, "e": east, "n": north}))

    def _mesh(self, model_id: str) -> Mesh:
        found = self._fetch("SELECT arrays FROM meshes WHERE model_id = %s", (model_id,))
        if not found:
            raise NotFound("model_missing", subject=model_id)
        return meshblob.unpack(found[0][0])

    def _terrain(self, role: Literal["ground", "surface"]) -> Terrain | None:
        found = self._fetch("SELECT arrays FROM terrain WHERE role = %s ORDER BY fid", (role,))
        return merged([rows.terrain(row[0], role) for row in found])


def _close(pool: Pool, files: Assets) -> None:
    files.close()
    pool.close()


def _check_there(db: Database, place: Address) -> None:
    if "park_sources" not in tables.relations(db, place.schema):
        raise NotFound("park_missing", subject=place.shown)


def _create(db: Database, place: Address, park: Park) -> None:
    taken = tables.relations(db, place.schema)
    if taken:
        raise Conflict("park_exists" if "park_sources" in taken else "database_schema_taken", subject=place.shown)
    if not tables.schema_exists(db, place.schema):
        execute(db, f"CREATE SCHEMA {tables.quoted(place.schema)}")
    if not fetch(db, "SELECT 1 FROM pg_extension WHERE extname = 'postgis'"):
        _add_postgis(db, place)
    tables.script(db, files("twin.store.postgis").joinpath("schema.sql").read_text("utf-8"))
    archive.create_archive(db)
    frame = park.frame
    values = {
        "schema_version": str(SCHEMA_VERSION),
        "revision": f"0-{uuid4().hex[:8]}",  # another park at the same address is another one
        "name": park.name,
        "origin": json.dumps([frame.lon_deg, frame.lat_deg, frame.h_m]),
        "crs": park.crs,
        "height_datum": park.height_datum,
    }
    for pair in values.items():
        execute(db, "INSERT INTO park VALUES (%s, %s)", pair)


def _add_postgis(db: Database, place: Address) -> None:
    try:
        execute(db, "CREATE EXTENSION postgis SCHEMA public")
    except psycopg.Error as error:
        raise StoreError("database_postgis", subject=place.shown) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError("database_folder", subject=folder, reason=error.strerror or error) from error


def _of_model(model_id: str | None) -> tuple[str, list[str]]:
    return ("WHERE model_id = %s", [model_id]) if model_id is not None else ("", [])
