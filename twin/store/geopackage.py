"""The default store: a park directory with one GeoPackage, written by sqlite3 in WAL mode.

A park directory holds `park.toml` (what it is, for people), `park.gpkg` (everything), `assets/` (files kept as they came, by content),
`tiles/` and `cache/` (built, disposable).
Many readers go on beside one writer; each thread has a connection of its own.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

from twin.crs import NEAR_M, Frame
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
from twin.store import Bounds, Writer, archive, meshblob, records, rows, tables
from twin.store.assets import Assets
from twin.store.connection import connect, failure, not_written
from twin.store.migrations import SCHEMA_VERSION, migrate
from twin.store.remembered import Remembered
from twin.store.wholeness import faults
from twin.store.writer import GeoPackageWriter, create_schema
from twin.terrain import merged

_LEFT_BY_A_CREATION = {"park.toml", "park.gpkg.new", "park.gpkg.new-journal"}
_T = TypeVar("_T")


class GeoPackageStore:  # size: the verbs of Store
    """A park directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.address = str(path)
        self._assets = Assets(path / "assets")
        self._local = threading.local()
        self._remembered = Remembered()
        self._park = self._open()

    @classmethod
    def open(cls, path: Path) -> GeoPackageStore:
        """The park in directory `path`, brought to this program's schema; raises NotFound or StoreError."""
        if not (path / "park.gpkg").is_file():
            raise NotFound("park_missing", subject=path)
        return cls(path)

    @classmethod
    def create(cls, path: Path, park: Park) -> GeoPackageStore:
        """A new, empty park in directory `path`; raises Conflict."""
        if (path / "park.gpkg").exists():
            raise Conflict("park_exists", subject=path)
        if path.exists() and (not path.is_dir() or any(file.name not in _LEFT_BY_A_CREATION for file in path.iterdir())):
            raise Conflict("directory_not_empty", subject=path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            _make(path, park)
        except OSError as error:
            raise not_written(error, path) from error
        except sqlite3.Error as error:
            raise failure(error, path) from error
        return cls(path)

    @property
    def _db(self) -> sqlite3.Connection:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            try:
                connection = connect(self.path / "park.gpkg")
            except sqlite3.Error as error:
                raise failure(error, self.path, "park_unreadable") from error
            self._local.connection = connection
        return connection

    def _open(self) -> Park:
        try:
            migrate(self._db, self.path / "park.gpkg")
            values = dict(self._db.execute("SELECT key, value FROM park"))
            lon, lat, h = json.loads(values["origin"])
            return Park(values["name"], Frame(lon, lat, h), values["crs"], values["height_datum"])
        except sqlite3.Error as error:
            raise failure(error, self.path, "park_unreadable") from error
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError("park_unreadable", subject=self.path) from error

    def park(self) -> Park:
        return self._park

    def revision(self) -> str:
        row = self._db.execute("SELECT value FROM park WHERE key = 'revision'").fetchone()
        return str(row[0])

    def layers(self) -> Sequence[Layer]:
        found = self._db.execute("SELECT id, kind, title, table_name, source, title_zh FROM park_layers ORDER BY rowid").fetchall()
        return [Layer(row[0], row[1], row[2], self._count(row[3]), row[4], row[5]) for row in found]

    def layer(self, layer_id: str) -> Layer:
        found = next((layer for layer in self.layers() if layer.id == layer_id), None)
        if found is None:
            raise NotFound("layer_missing", subject=layer_id, known=", ".join(layer.id for layer in self.layers()))
        return found

    def features(self, layer_id: str, *, bounds: Bounds | None = None, ids: Sequence[str] | None = None) -> FeatureTable:
        name = self._table(layer_id)
        if bounds is not None:
            index = tables.quoted(tables.rtree_name(name))
            where = f"WHERE t.fid IN (SELECT id FROM {index} WHERE maxx >= ? AND minx <= ? AND maxy >= ? AND miny <= ?)"
            return tables.read_features(self._db, name, where, (bounds[0], bounds[2], bounds[1], bounds[3]))
        if ids is not None:
            return tables.read_features(self._db, name, "WHERE t.id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),))
        return self._answer(("features", layer_id), lambda: tables.read_features(self._db, name))

    def features_of_kind(self, kind: str, *, bounds: Bounds | None = None) -> FeatureTable:
        with self._snapshot():
            found = [self.features(layer.id, bounds=bounds) for layer in self.layers() if layer.kind == kind]
        return records.joined(found)

    def extent(self) -> Bounds | None:
        return self._answer("extent", self._extent)

    def devices(self, kind: str | None = None) -> Sequence[Device]:
        found: Sequence[Device] = self._answer("devices", self._devices)
        return found if kind is None else [device for device in found if device.kind == kind]

    def models(self) -> Sequence[Model]:
        return self._answer("models", self._models)

    def storeys(self, model_id: str | None = None) -> Sequence[Storey]:
        where, values = _of_model(model_id)
        return rows.storeys(rows.records(self._db, f"SELECT * FROM storeys {where} ORDER BY model_id, elevation_m, fid", values))

    def spaces(self, model_id: str | None = None) -> Sequence[Space]:
        return self._answer(("spaces", model_id or ""), lambda: self._spaces(model_id))

    def elements(self, model_id: str | None = None) -> Sequence[Element]:
        return self._answer(("elements", model_id or ""), lambda: self._elements(*_of_model(model_id)))

    def element(self, element_id: str) -> Element:
        found = self._elements("WHERE id = ?", [element_id])
        if not found:
            raise NotFound("element_missing", subject=element_id)
        return found[0]

    def mesh(self, model_id: str) -> Mesh:
        return self._answer(("mesh", model_id), lambda: self._mesh(model_id))

    def groups(self, model_id: str | None = None) -> Sequence[Group]:
        where, values = _of_model(model_id)
        return rows.groups(rows.records(self._db, f"SELECT * FROM groups {where} ORDER BY fid", values))

    def connections(self, model_id: str | None = None) -> Sequence[Connection]:
        where, values = _of_model(model_id)
        return rows.connections(rows.records(self._db, f"SELECT * FROM connections {where} ORDER BY fid", values))

    def terrain(self, role: Literal["ground", "surface"] = "ground") -> Terrain | None:
        return self._answer(("terrain", role), lambda: self._terrain(role))

    def photometries(self) -> Sequence[Photometry]:
        return rows.photometries(rows.records(self._db, "SELECT * FROM photometries ORDER BY rowid"))

    def assets(self, source: str | None = None) -> Sequence[Asset]:
        where, values = ("WHERE source = ?", [source]) if source is not None else ("", [])
        return rows.assets(rows.records(self._db, f"SELECT * FROM assets {where} ORDER BY source, name", values))

    def asset_path(self, sha256: str) -> Path:
        return self._assets.path(sha256)

    def keep(self, file: Path) -> str:
        return self._assets.keep(file)

    def sweep(self) -> int:
        return self._assets.sweep(self._needed_assets)

    def versions(self, source: str | None = None) -> Sequence[Version]:
        where, values = ("WHERE source = ?", [source]) if source is not None else ("", [])
        columns = "source, number, at, sha256, importer, options, content ISNULL AS is_current, report"
        return rows.versions(rows.records(self._db, f"SELECT {columns} FROM versions {where} ORDER BY source, number", values))

    def version(self, source: str, number: int) -> SourceContent:
        with self._snapshot() as db:
            row = db.execute("SELECT content FROM versions WHERE source = ? AND number = ?", (source, number)).fetchone()
            if row is None:
                raise NotFound("version_missing", subject=source, number=number)
            return archive.current(db, source) if row[0] is None else archive.old(db, source, number, row[0])

    def events(self, *, since: str | None = None, limit: int = 1000) -> Sequence[Event]:
        query = "SELECT * FROM events WHERE at > ? ORDER BY at DESC, fid DESC LIMIT ?"
        return rows.events(rows.records(self._db, query, (since or "", limit)))[::-1]

    def events_after(self, cursor: int, *, limit: int = 1000) -> tuple[Sequence[Event], int]:
        found = rows.records(self._db, "SELECT * FROM events WHERE fid > ? ORDER BY fid LIMIT ?", (cursor, limit))
        return rows.events(found), found[-1]["fid"] if found else cursor

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
        return rows.records(
            self._db, f"SELECT run, measure, at, value FROM runs {where} ORDER BY at DESC, rowid DESC", [measure] if measure else []
        )

    def scorecard(self, pack_id: str) -> Mapping[str, Any] | None:
        row = self._db.execute("SELECT card FROM scorecards WHERE pack = ? AND revision = ?", (pack_id, self.revision())).fetchone()
        return None if row is None else json.loads(row[0])

    def scorecards(self) -> Sequence[Mapping[str, Any]]:
        found = self._db.execute("SELECT card FROM scorecards WHERE revision = ? ORDER BY pack", (self.revision(),))
        return [json.loads(row[0]) for row in found]

    def scenarios(self) -> Sequence[Scenario]:
        return rows.scenarios(rows.records(self._db, "SELECT * FROM scenarios ORDER BY name"))

    def scenario(self, name: str) -> Scenario:
        found = rows.scenarios(rows.records(self._db, "SELECT * FROM scenarios WHERE name = ?", (name,)))
        if not found:
            raise NotFound("scenario_missing", subject=name)
        return found[0]

    def origins(self) -> Sequence[str]:
        return archive.origins(self._db)

    def content(self, source: str) -> SourceContent:
        with self._snapshot() as db:
            return archive.current(db, source)

    def faults(self) -> Sequence[Issue]:
        return faults(self._db)

    @contextmanager
    def transaction(self) -> Generator[Writer]:
        db = self._db
        if db.in_transaction:
            raise Conflict("park_locked", subject=self.path)
        try:
            db.execute("BEGIN IMMEDIATE")
            self._local.is_writing = True
            writer = GeoPackageWriter(db)
            yield writer
            writer.finish()
            db.execute("COMMIT")
        except sqlite3.Error as error:
            raise failure(error, self.path) from error
        finally:
            self._local.is_writing = False
            if db.in_transaction:
                db.execute("ROLLBACK")

    def remove(self) -> None:
        self.close()
        shutil.rmtree(self.path)

    def close(self) -> None:
        """Close this thread's connection; the others close with their threads."""
        self._assets.release()
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            del self._local.connection

    def _answer(self, question: Any, read: Callable[[], _T]) -> _T:
        """What was read last, for as long as nobody has changed the park; what a transaction sees of itself is not kept."""
        if getattr(self._local, "is_writing", False):
            return read()
        with self._snapshot():
            return self._remembered.answer(self.revision(), question, read)

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
                f"SELECT min(minx), min(miny), max(maxx), max(maxy) FROM {tables.quoted(tables.rtree_name(name))} "
                "WHERE minx > ? AND miny > ? AND maxx < ? AND maxy < ?",
                (west, south, east, north),
            ).fetchone()
            for name in names
        ]
        return records.hull(boxes)

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
        return meshblob.unpack(row[0])

    def _terrain(self, role: Literal["ground", "surface"]) -> Terrain | None:
        found = self._db.execute("SELECT arrays FROM terrain WHERE role = ? ORDER BY rowid", (role,)).fetchall()
        return merged([rows.terrain(row[0], role) for row in found])

    def _needed_assets(self) -> set[str]:
        return {row[0] for row in self._db.execute("SELECT sha256 FROM assets UNION SELECT sha256 FROM archived_assets")}

    @contextmanager
    def _snapshot(self) -> Generator[sqlite3.Connection]:
        """One state of the park for several questions."""
        db = self._db
        if db.in_transaction:
            yield db
            return
        db.execute("BEGIN")
        try:
            yield db
        finally:
            db.execute("ROLLBACK")


def _make(path: Path, park: Park) -> None:
    """The files of a new park; none where one cannot be made."""
    fresh, told = path / "park.gpkg.new", path / "park.toml"
    fresh.unlink(missing_ok=True)
    try:
        create_schema(fresh, park, SCHEMA_VERSION)
        told.write_text(_park_toml(park), "utf-8")
        fresh.rename(path / "park.gpkg")
    except BaseException:
        fresh.unlink(missing_ok=True)
        told.unlink(missing_ok=True)
        raise


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
