"""The default store: a park directory with one GeoPackage, written by sqlite3 in WAL mode.

A park directory holds `park.toml` (what it is, for people), `park.gpkg` (everything) and `tiles/` (built, disposable).
Many readers go on beside one writer; each thread has a connection of its own.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from twin.crs import Frame
from twin.errors import Conflict, NotFound, StoreError
from twin.model import (
    Device,
    Element,
    Event,
    FeatureTable,
    Layer,
    Mesh,
    Model,
    Park,
    Space,
    Storey,
    Terrain,
)
from twin.store import Bounds, Writer, rows, tables
from twin.store.writer import GeoPackageWriter, create_schema

SCHEMA_VERSION = 1
NEAR_M = 50_000.0  # what lies farther from the origin does not count for the park's extent
_T = TypeVar("_T")


class GeoPackageStore:
    """A park directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._cache: dict[tuple[str, str], Any] = {}
        self._cache_revision = ""
        self._lock = threading.RLock()
        self._park = _read_park(self._db)

    @classmethod
    def open(cls, path: Path) -> GeoPackageStore:
        """The park in directory `path`; raises NotFound or StoreError."""
        if not (path / "park.gpkg").is_file():
            raise NotFound("park_missing", subject=path)
        return cls(path)

    @classmethod
    def create(cls, path: Path, park: Park) -> GeoPackageStore:
        """A new, empty park in directory `path`; raises Conflict."""
        if (path / "park.gpkg").exists():
            raise Conflict("park_exists", subject=path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise Conflict("directory_not_empty", subject=path)
        path.mkdir(parents=True, exist_ok=True)
        fresh = path / "park.gpkg.new"
        fresh.unlink(missing_ok=True)
        create_schema(fresh, park, SCHEMA_VERSION)
        (path / "park.toml").write_text(_park_toml(park), "utf-8")
        fresh.rename(path / "park.gpkg")
        return cls(path)

    @property
    def _db(self) -> sqlite3.Connection:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            try:
                connection = connect(self.path / "park.gpkg")
            except sqlite3.DatabaseError as error:
                raise StoreError("park_unreadable", subject=self.path) from error
            self._local.connection = connection
        return connection

    def park(self) -> Park:
        return self._park

    def revision(self) -> str:
        row = self._db.execute("SELECT value FROM park WHERE key = 'revision'").fetchone()
        return str(row[0])

    def layers(self) -> Sequence[Layer]:
        found = self._db.execute("SELECT id, kind, title, table_name, source FROM park_layers ORDER BY rowid").fetchall()
        return [Layer(row[0], row[1], row[2], self._count(row[3]), row[4]) for row in found]

    def layer(self, layer_id: str) -> Layer:
        found = next((layer for layer in self.layers() if layer.id == layer_id), None)
        if found is None:
            raise NotFound("layer_missing", subject=layer_id, known=", ".join(layer.id for layer in self.layers()))
        return found

    def features(self, layer_id: str, *, bounds: Bounds | None = None, ids: Sequence[str] | None = None) -> FeatureTable:
        name = self._table(layer_id)
        if bounds is not None:
            index = tables.quoted(tables.rtree(name))
            where = f"JOIN {index} AS r ON r.id = t.fid WHERE r.maxx >= ? AND r.minx <= ? AND r.maxy >= ? AND r.miny <= ?"
            qualified = where.replace("JOIN", "WHERE t.fid IN (SELECT r.id FROM", 1).replace(" ON r.id = t.fid", "") + ")"
            return tables.read_features(self._db, name, qualified, (bounds[0], bounds[2], bounds[1], bounds[3]))
        if ids is not None:
            marks = ", ".join("?" * len(ids))
            return tables.read_features(self._db, name, f"WHERE t.id IN ({marks})", list(ids))
        return self._cached("features", layer_id, lambda: tables.read_features(self._db, name))

    def features_of_kind(self, kind: str, *, bounds: Bounds | None = None) -> FeatureTable:
        found = [self.features(layer.id, bounds=bounds) for layer in self.layers() if layer.kind == kind]
        names = dict.fromkeys(name for table in found for name in table.columns)
        return FeatureTable(
            [identity for table in found for identity in table.ids],
            np.concatenate([table.geometry for table in found]) if found else np.empty(0, object),
            {name: [value for table in found for value in table.column(name)] for name in names},
        )

    def extent(self) -> Bounds | None:
        return self._cached("extent", "", self._extent)

    def devices(self, kind: str | None = None) -> Sequence[Device]:
        found: Sequence[Device] = self._cached("devices", "", self._devices)
        return found if kind is None else [device for device in found if device.kind == kind]

    def models(self) -> Sequence[Model]:
        return self._cached("models", "", self._models)

    def storeys(self, model_id: str | None = None) -> Sequence[Storey]:
        where, values = _of_model(model_id)
        return rows.storeys(rows.records(self._db, f"SELECT * FROM storeys {where} ORDER BY model_id, elevation_m", values))

    def spaces(self, model_id: str | None = None) -> Sequence[Space]:
        return self._cached("spaces", model_id or "", lambda: self._spaces(model_id))

    def elements(self, model_id: str | None = None) -> Sequence[Element]:
        return self._cached("elements", model_id or "", lambda: self._elements(*_of_model(model_id)))

    def element(self, element_id: str) -> Element:
        found = self._elements("WHERE id = ?", [element_id])
        if not found:
            raise NotFound("element_missing", subject=element_id)
        return found[0]

    def mesh(self, model_id: str) -> Mesh:
        return self._cached("mesh", model_id, lambda: self._mesh(model_id))

    def terrain(self) -> Terrain | None:
        return self._cached("terrain", "", self._terrain)

    def events(self, *, since: str | None = None, limit: int = 1000) -> Sequence[Event]:
        query = "SELECT * FROM events WHERE at > ? ORDER BY at DESC, fid DESC LIMIT ?"
        return rows.events(rows.records(self._db, query, (since or "", limit)))[::-1]

    def sources(self) -> Sequence[Mapping[str, Any]]:
        found = rows.records(self._db, "SELECT name, sha256, options, importer, at, report FROM park_sources ORDER BY at, name")
        return [record | {"report": json.loads(record["report"])} for record in found]

    def run(self, run_id: str) -> Mapping[str, Any]:
        row = self._db.execute("SELECT result, gaps, samples FROM runs WHERE run = ?", (run_id,)).fetchone()
        if row is None:
            raise NotFound("run_missing", subject=run_id)
        return {"result": json.loads(row[0]), "gaps": json.loads(row[1]), "samples": json.loads(row[2]) if row[2] else None}

    def runs(self, measure: str | None = None) -> Sequence[Mapping[str, Any]]:
        where = "WHERE measure = ?" if measure else ""
        return rows.records(self._db, f"SELECT run, measure, at, value FROM runs {where} ORDER BY at DESC", [measure] if measure else [])

    def scorecard(self, pack_id: str) -> Mapping[str, Any] | None:
        row = self._db.execute("SELECT card FROM scorecards WHERE pack = ? AND revision = ?", (pack_id, self.revision())).fetchone()
        return None if row is None else json.loads(row[0])

    @contextmanager
    def transaction(self) -> Generator[Writer]:
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise Conflict("park_locked", subject=self.path) from error
        writer = GeoPackageWriter(db)
        try:
            yield writer
            writer.finish()
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close this thread's connection; the others close with their threads."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            del self._local.connection

    def _cached(self, what: str, key: str, read: Callable[[], _T]) -> _T:
        """What was read last, for as long as nobody has changed the park."""
        revision = self.revision()
        with self._lock:
            if revision != self._cache_revision:
                self._cache.clear()
                self._cache_revision = revision
            if (what, key) in self._cache:
                return self._cache[what, key]
        value = read()
        with self._lock:
            if revision == self._cache_revision:
                self._cache[what, key] = value
        return value

    def _count(self, table: str) -> int:
        return self._db.execute(f"SELECT count(*) FROM {tables.quoted(table)}").fetchone()[0]

    def _table(self, layer_id: str) -> str:
        row = self._db.execute("SELECT table_name FROM park_layers WHERE id = ?", (layer_id,)).fetchone()
        if row is None:
            raise NotFound("layer_missing", subject=layer_id, known=", ".join(layer.id for layer in self.layers()))
        return row[0]

    def _extent(self) -> Bounds | None:
        reach = self._park.frame.to_lonlat([[-NEAR_M, -NEAR_M], [NEAR_M, NEAR_M]])
        (west, south), (east, north) = reach[0, :2], reach[1, :2]
        names = [row[0] for row in self._db.execute("SELECT table_name FROM park_layers")] + ["devices", "models"]
        boxes = [
            self._db.execute(
                f"SELECT min(minx), min(miny), max(maxx), max(maxy) FROM {tables.quoted(tables.rtree(name))} "
                "WHERE minx > ? AND miny > ? AND maxx < ? AND maxy < ?",
                (west, south, east, north),
            ).fetchone()
            for name in names
        ]
        found = np.array([box for box in boxes if box[0] is not None], float)
        if not len(found):
            return None
        low, high = found[:, :2].min(0), found[:, 2:].max(0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def _devices(self) -> list[Device]:
        return rows.devices(rows.records(self._db, "SELECT * FROM devices ORDER BY fid"))

    def _models(self) -> list[Model]:
        return rows.models(rows.records(self._db, "SELECT * FROM models ORDER BY fid"))

    def _spaces(self, model_id: str | None) -> list[Space]:
        where, values = _of_model(model_id)
        return rows.spaces(rows.records(self._db, f"SELECT * FROM spaces {where} ORDER BY fid", values))

    def _elements(self, where: str, values: Sequence[Any]) -> list[Element]:
        return rows.elements(rows.records(self._db, f"SELECT * FROM elements {where} ORDER BY fid", values))

    def _mesh(self, model_id: str) -> Mesh:
        row = self._db.execute("SELECT arrays FROM meshes WHERE model_id = ?", (model_id,)).fetchone()
        if row is None:
            raise NotFound("model_missing", subject=model_id)
        return rows.mesh(row[0])

    def _terrain(self) -> Terrain | None:
        row = self._db.execute("SELECT arrays FROM terrain ORDER BY rowid DESC LIMIT 1").fetchone()
        return None if row is None else rows.terrain(row[0])


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode with the functions the index triggers need."""
    db = sqlite3.connect(path, isolation_level=None, timeout=30.0, check_same_thread=False)
    tables.register_functions(db)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = OFF")
    return db


def _read_park(db: sqlite3.Connection) -> Park:
    try:
        values = dict(db.execute("SELECT key, value FROM park"))
    except sqlite3.DatabaseError as error:
        raise StoreError("park_unreadable", subject="park.gpkg") from error
    if int(values["schema_version"]) != SCHEMA_VERSION:
        raise StoreError("park_version", subject=values["schema_version"], known=SCHEMA_VERSION)
    lon, lat, h = json.loads(values["origin"])
    return Park(values["name"], Frame(lon, lat, h), values["crs"], values["height_datum"])


def _park_toml(park: Park) -> str:
    frame = park.frame
    name = json.dumps(park.name, ensure_ascii=False)
    return (
        f"# What this park is. The program reads park.gpkg; this file is for people.\nname = {name}\n"
        f"origin = [{frame.lon_deg!r}, {frame.lat_deg!r}, {frame.h_m!r}]  # longitude, latitude [deg], height [m]\n"
        f"crs = {json.dumps(park.crs)}\nheight_datum = {json.dumps(park.height_datum)}\n"
    )


def _of_model(model_id: str | None) -> tuple[str, list[str]]:
    return ("WHERE model_id = ?", [model_id]) if model_id is not None else ("", [])
