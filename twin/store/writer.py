"""What one transaction writes into a GeoPackage park."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from twin.errors import Conflict, StoreError
from twin.model import LAYER_KINDS, Device, Element, Event, FeatureTable, Layer, ModelContent, Park, Space, Terrain
from twin.store import blob, rows, tables

_FEATURE_TABLES = {"devices": "POINT", "events": "POINT", "models": "GEOMETRY", "spaces": "GEOMETRY"}
_APPLICATION_ID = 0x47504B47  # "GPKG"
_GEOPACKAGE_VERSION = 10400


def create_schema(path: Path, park: Park, version: int) -> None:
    """An empty park GeoPackage at `path`."""
    db = sqlite3.connect(path, isolation_level=None)
    tables.register_functions(db)
    db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {_GEOPACKAGE_VERSION}")
    db.executescript("BEGIN;" + files("twin.store").joinpath("schema.sql").read_text("utf-8"))  # the rest goes on in the same transaction
    for name, geometry_type in _FEATURE_TABLES.items():
        tables.register_features(db, name, name, geometry_type)
    for name in ("storeys", "elements"):
        tables.register_attributes(db, name)
    frame = park.frame
    values = {
        "schema_version": str(version),
        "revision": "0",
        "name": park.name,
        "origin": json.dumps([frame.lon_deg, frame.lat_deg, frame.h_m]),
        "crs": park.crs,
        "height_datum": park.height_datum,
    }
    db.executemany("INSERT INTO park VALUES (?, ?)", values.items())
    db.execute("COMMIT")
    db.close()


class GeoPackageWriter:
    """The verbs of `twin.store.Writer` on an open transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._changed = False
        self._emptied: set[str] = set()

    def put_layer(self, layer: Layer) -> None:
        if layer.kind not in LAYER_KINDS:
            raise StoreError("layer_kind_unknown", subject=layer.kind, known=", ".join(LAYER_KINDS))
        row = self._db.execute("SELECT kind FROM park_layers WHERE id = ?", (layer.id,)).fetchone()
        if row is not None:
            if row[0] != layer.kind:
                self._change_kind(layer, row[0])
            return
        name = self._free_table_name(layer.id)
        self._db.execute("INSERT INTO park_layers VALUES (?, ?, ?, ?, ?)", (layer.id, layer.kind, layer.title, name, layer.source))
        tables.create_layer_table(self._db, name, layer.title)
        self._changed = True

    def _change_kind(self, layer: Layer, before: str) -> None:
        """A layer that this transaction has emptied may become another kind: an import that guessed wrong is put right."""
        if layer.id not in self._emptied:
            raise Conflict("layer_kind_conflict", subject=layer.id, kind=before, asked=layer.kind)
        self._db.execute("UPDATE park_layers SET kind = ? WHERE id = ?", (layer.kind, layer.id))
        self._emptied.discard(layer.id)

    def put_features(self, layer_id: str, table: FeatureTable, *, source: str) -> None:
        row = self._db.execute("SELECT table_name FROM park_layers WHERE id = ?", (layer_id,)).fetchone()
        tables.write_features(self._db, row[0], table, source)
        self._changed = True

    def put_devices(self, devices: Sequence[Device], *, source: str) -> None:
        self._db.execute("DELETE FROM devices WHERE source = ?", (source,))
        self._db.executemany("DELETE FROM devices WHERE id = ?", [(device.id,) for device in devices])
        points = blob.encode(shapely.points([(device.lon, device.lat) for device in devices])) if devices else []
        values = [
            (point, d.id, d.kind, d.name, d.height_m, d.z_m, d.building_id, d.storey_id, d.space_id, d.status, d.valid_from,
             _json(d.attributes), source)
            for point, d in zip(points, devices, strict=True)
        ]  # fmt: skip
        with tables.bulk(self._db, "devices"):
            self._insert(
                "devices", "geom id kind name height_m z_m building_id storey_id space_id status valid_from attributes source", values
            )
        tables.update_contents(self._db, "devices")
        self._changed = True

    def put_model(self, content: ModelContent) -> None:
        model = content.model
        for name, column in (
            ("models", "id"),
            ("storeys", "model_id"),
            ("spaces", "model_id"),
            ("elements", "model_id"),
            ("meshes", "model_id"),
        ):
            self._db.execute(f"DELETE FROM {name} WHERE {column} = ?", (model.id,))
        row = (
            blob.encode(np.array([model.outline], object))[0], model.id, model.name, model.schema, model.sha256,
            _json(asdict(model.georeferencing)), model.base_h_m, model.top_h_m, model.building_id, model.discipline,
        )  # fmt: skip
        self._insert("models", "geom id name schema sha256 georeferencing base_h_m top_h_m building_id discipline", [row])
        storeys = [(s.id, s.model_id, s.name, s.elevation_m, s.base_h_m, s.height_m) for s in content.storeys]
        self._insert("storeys", "id model_id name elevation_m base_h_m height_m", storeys)
        self._put_spaces(content.spaces)
        self._put_elements(content.elements)
        self._insert("meshes", "model_id arrays", [(model.id, rows.pack_mesh(content.mesh))])
        for name in ("models", "spaces"):
            tables.update_contents(self._db, name)
        self._changed = True

    def put_terrain(self, terrain: Terrain, *, source: str) -> None:
        self._db.execute("DELETE FROM terrain WHERE source = ?", (source,))
        self._insert("terrain", "source arrays", [(source, rows.pack_terrain(terrain))])
        self._changed = True

    def put_events(self, events: Iterable[Event]) -> None:
        listed = list(events)
        points = blob.encode(shapely.points([(event.lon, event.lat, event.h_m) for event in listed])) if listed else []
        values = [
            (point, e.id, e.kind, e.at, e.severity, e.status, e.device_id, e.building_id, e.storey_id, e.message_en, e.message_zh,
             _json(e.attributes))
            for point, e in zip(points, listed, strict=True)
        ]  # fmt: skip
        self._db.executemany("DELETE FROM events WHERE id = ?", [(event.id,) for event in listed])
        self._insert("events", "geom id kind at severity status device_id building_id storey_id message_en message_zh attributes", values)

    def put_source(self, source: Mapping[str, Any]) -> None:
        row = (source["name"], source["sha256"], source["options"], source["importer"], source["at"], _json(source["report"]))
        self._db.execute("INSERT OR REPLACE INTO park_sources VALUES (?, ?, ?, ?, ?, ?)", row)

    def put_run(self, run: Mapping[str, Any]) -> None:
        result = run["result"]
        samples = _json(run["samples"]) if run.get("samples") is not None else None
        row = (result["run"], result["measure"], run["at"], result["value"], _json(result), _json(run["gaps"]), samples)
        self._db.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def put_scorecard(self, card: Mapping[str, Any]) -> None:
        row = (card["pack"], card["revision"], card["at"], _json(card))
        self._db.execute("INSERT OR REPLACE INTO scorecards VALUES (?, ?, ?, ?)", row)

    def drop_source(self, source: str) -> None:
        for layer_id, name in self._db.execute("SELECT id, table_name FROM park_layers").fetchall():
            dropped = self._db.execute(f"DELETE FROM {tables.quoted(name)} WHERE source = ?", (source,)).rowcount
            if dropped and not self._db.execute(f"SELECT EXISTS (SELECT 1 FROM {tables.quoted(name)})").fetchone()[0]:
                self._emptied.add(layer_id)
            tables.update_contents(self._db, name)
        self._db.execute("DELETE FROM devices WHERE source = ?", (source,))
        self._changed = True

    def finish(self) -> None:
        """Count the revision up when park data changed."""
        if self._changed:
            self._db.execute("UPDATE park SET value = CAST(value AS INTEGER) + 1 WHERE key = 'revision'")

    def _free_table_name(self, layer_id: str) -> str:
        wanted = tables.table_name(layer_id)
        taken = {row[0].lower() for row in self._db.execute("SELECT table_name FROM gpkg_contents")}
        candidates = (wanted if k == 1 else f"{wanted}_{k}" for k in range(1, len(taken) + 2))
        return next(name for name in candidates if name.lower() not in taken)

    def _insert(self, table: str, columns: str, values: Sequence[Sequence[Any]]) -> None:
        names = columns.split()
        self._db.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", values)

    def _put_spaces(self, spaces: Sequence[Space]) -> None:
        outlines = np.empty(len(spaces), object)
        outlines[:] = [space.outline for space in spaces]
        values = [
            (outline, s.id, s.model_id, s.storey_id, s.name, s.long_name, s.usage, s.floor_h_m, s.height_m, s.area_m2, _json(s.attributes))
            for outline, s in zip(blob.encode(outlines), spaces, strict=True)
        ]
        self._insert("spaces", "geom id model_id storey_id name long_name usage floor_h_m height_m area_m2 attributes", values)

    def _put_elements(self, elements: Sequence[Element]) -> None:
        values = [
            (
                e.id, e.model_id, e.ifc_class, e.name, e.storey_id, e.space_id, e.type_name, e.discipline, e.state, e.kernel, e.reason,
                _json(list(e.materials)), _json(e.properties), _json(list(e.bbox)) if e.bbox is not None else None,
            )
            for e in elements
        ]  # fmt: skip
        columns = "id model_id ifc_class name storey_id space_id type_name discipline state kernel reason materials properties bbox"
        self._insert("elements", columns, values)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=tables.plain, allow_nan=False)
