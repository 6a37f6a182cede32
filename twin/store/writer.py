"""What one transaction writes into a GeoPackage park."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

from twin.errors import Conflict, StoreError
from twin.model import (
    LAYER_KINDS,
    Asset,
    Device,
    Event,
    FeatureTable,
    Layer,
    ModelContent,
    Park,
    Photometry,
    Scenario,
    Terrain,
)
from twin.store import archive, blob, meshblob, records, rows, styles, tables
from twin.store.sql import insert

_FEATURE_TABLES = {"devices": ("POINT", 0), "events": ("POINT", 1), "models": ("GEOMETRY", 2), "spaces": ("GEOMETRY", 2)}
_LOOKS = {"devices": ("device", 0), "events": ("event", 0), "models": ("model", 2), "spaces": ("zone", 2)}
_ATTRIBUTE_TABLES = ("storeys", "elements", "groups", "connections", "layer_styles")
_OF_MODELS = {"models": "id"} | dict.fromkeys(("storeys", "spaces", "elements", "groups", "connections", "meshes"), "model_id")
_APPLICATION_ID = 0x47504B47  # "GPKG"
_GEOPACKAGE_VERSION = 10400
# the number counts up, what follows it stays; a park made before there was such a thing has a number alone
_COUNT_UP = "UPDATE park SET value = (CAST(value AS INTEGER) + 1) || ltrim(value, '0123456789') WHERE key = 'revision'"


def create_schema(path: Path, park: Park, version: int) -> None:
    """An empty park GeoPackage at `path`."""
    db = sqlite3.connect(path, isolation_level=None)
    tables.register_functions(db)
    db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {_GEOPACKAGE_VERSION}")
    db.executescript("BEGIN;" + files("twin.store").joinpath("schema.sql").read_text("utf-8"))  # the rest goes on in the same transaction
    for name, (geometry_type, z) in _FEATURE_TABLES.items():
        tables.register_features(db, name, name, geometry_type, z)
    for name, (kind, dimension) in _LOOKS.items():
        styles.put_style(db, name, kind, dimension)
    for name in _ATTRIBUTE_TABLES:
        tables.register_attributes(db, name)
    frame = park.frame
    values = {
        "schema_version": str(version),
        "revision": f"0-{uuid4().hex[:8]}",  # another park at the same address is another one
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
        if layer.id in self._emptied:
            self._take_over(layer)
            return
        if row is not None:
            if row[0] != layer.kind:
                raise Conflict("layer_kind_conflict", subject=layer.id, kind=row[0], asked=layer.kind)
            return
        name = self._free_table_name(layer.id)
        values = (layer.id, layer.kind, layer.title, name, layer.source, layer.title_zh)
        self._insert("park_layers", [values])
        tables.create_layer_table(self._db, name, layer.title)
        self._changed = True

    def _take_over(self, layer: Layer) -> None:
        """A layer that this transaction has emptied begins anew: an import that guessed its kind wrong is put right."""
        self._db.execute(
            "UPDATE park_layers SET kind = ?, title = ?, title_zh = ?, source = ? WHERE id = ?",
            (layer.kind, layer.title, layer.title_zh, layer.source, layer.id),
        )
        self._emptied.discard(layer.id)
        self._changed = True

    def put_features(self, layer_id: str, table: FeatureTable, *, source: str) -> None:
        name, kind = self._db.execute("SELECT table_name, kind FROM park_layers WHERE id = ?", (layer_id,)).fetchone()
        tables.write_features(self._db, name, table, source)
        if len(table):
            styles.put_style(self._db, name, kind, styles.main_dimension(table.geometry))
        self._changed = True

    def put_devices(self, devices: Sequence[Device], *, source: str) -> None:
        self._db.execute("DELETE FROM devices WHERE source = ?", (source,))
        self._db.executemany("DELETE FROM devices WHERE id = ?", [(device.id,) for device in devices])
        with tables.bulk(self._db, "devices"):
            self._insert("devices", records.devices(devices, source, blob.encode))
        tables.update_contents(self._db, "devices")
        self._changed = True

    def put_model(self, content: ModelContent, *, source: str = "") -> None:
        model = content.model
        self._drop_models([model.id])
        self._insert("models", records.models(model, source, blob.encode))
        self._insert("storeys", records.storeys(content.storeys))
        self._insert("spaces", records.spaces(content.spaces, blob.encode))
        self._insert("elements", records.elements(content.elements))
        self._insert("groups", records.groups(content.groups))
        self._insert("connections", records.connections(content.connections))
        self._insert("meshes", [(model.id, meshblob.pack(content.mesh))])
        for name in ("models", "spaces"):
            tables.update_contents(self._db, name)
        self._changed = True

    def put_terrain(self, terrain: Terrain, *, source: str) -> None:
        self._db.execute("DELETE FROM terrain WHERE source = ? AND role = ?", (source, terrain.role))
        self._insert("terrain", [(source, terrain.role, rows.pack_terrain(terrain))])
        self._changed = True

    def put_photometries(self, photometries: Sequence[Photometry], *, source: str) -> None:
        self._db.execute("DELETE FROM photometries WHERE source = ?", (source,))
        self._db.executemany("DELETE FROM photometries WHERE id = ?", [(each.id,) for each in photometries])
        self._insert("photometries", records.photometries(photometries, source))
        self._changed = True

    def put_assets(self, assets: Sequence[Asset], *, source: str) -> None:
        self._db.execute("DELETE FROM assets WHERE source = ?", (source,))
        self._insert("assets", records.assets(assets, source))
        self._changed = True

    def put_events(self, events: Iterable[Event]) -> None:
        listed = list(events)
        self._db.executemany("DELETE FROM events WHERE id = ?", [(event.id,) for event in listed])
        self._insert("events", records.events(listed, blob.encode))

    def put_source(self, source: Mapping[str, Any]) -> None:
        row = (source["name"], source["sha256"], source["options"], source["importer"], source["at"], records.json_text(source["report"]))
        self._db.execute("INSERT OR REPLACE INTO park_sources VALUES (?, ?, ?, ?, ?, ?)", row)
        self._db.execute("DELETE FROM versions WHERE source = ? AND content IS NULL", row[:1])
        number = self._db.execute("SELECT coalesce(max(number), 0) + 1 FROM versions WHERE source = ?", row[:1]).fetchone()[0]
        self._insert("versions", [(*row, number)])

    def put_run(self, run: Mapping[str, Any]) -> None:
        row = records.run(run)
        self._db.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def put_scorecard(self, card: Mapping[str, Any]) -> None:
        row = (card["pack"], card["revision"], card["at"], records.json_text(card))
        self._db.execute("INSERT OR REPLACE INTO scorecards VALUES (?, ?, ?, ?)", row)

    def put_scenario(self, scenario: Scenario) -> None:
        self._db.execute("INSERT OR REPLACE INTO scenarios VALUES (?, ?, ?, ?)", records.scenario(scenario))

    def drop_scenario(self, name: str) -> None:
        self._db.execute("DELETE FROM scenarios WHERE name = ?", (name,))

    def archive_source(self, source: str) -> None:
        archive.put_away(self._db, source)

    def drop_source(self, source: str) -> None:
        for layer_id, name, made_by in self._db.execute("SELECT id, table_name, source FROM park_layers").fetchall():
            dropped = tables.delete_features(self._db, name, source)
            if (dropped or made_by == source) and tables.is_empty(self._db, name):
                self._emptied.add(layer_id)
            if dropped:
                tables.update_contents(self._db, name)
        self._drop_models([row[0] for row in self._db.execute("SELECT id FROM models WHERE source = ?", (source,)).fetchall()])
        for name in ("devices", "terrain", "photometries", "assets"):
            self._db.execute(f"DELETE FROM {name} WHERE source = ?", (source,))
        self._db.execute("DELETE FROM park_sources WHERE name = ?", (source,))
        self._db.execute("DELETE FROM versions WHERE source = ? AND content IS NULL", (source,))
        for name in ("devices", "models", "spaces"):
            tables.update_contents(self._db, name)
        self._changed = True

    def finish(self) -> None:
        """Remove the layers that were emptied and not filled again, and count the revision up when park data changed."""
        for layer_id in self._emptied:
            name = self._db.execute("SELECT table_name FROM park_layers WHERE id = ?", (layer_id,)).fetchone()[0]
            if tables.is_empty(self._db, name):
                tables.drop_layer_table(self._db, name)
                self._db.execute("DELETE FROM park_layers WHERE id = ?", (layer_id,))
        if self._changed:
            self._db.execute(_COUNT_UP)

    def _free_table_name(self, layer_id: str) -> str:
        wanted = tables.table_name(layer_id)
        taken = {row[0].lower() for row in self._db.execute("SELECT table_name FROM gpkg_contents")}
        candidates = (wanted if k == 1 else f"{wanted}_{k}" for k in range(1, len(taken) + 2))
        return next(name for name in candidates if name.lower() not in taken)

    def _insert(self, table: str, values: Sequence[Sequence[Any]]) -> None:
        insert(self._db, table, records.COLUMNS[table].split(), values)

    def _drop_models(self, model_ids: Sequence[str]) -> None:
        for name, column in _OF_MODELS.items():
            self._db.executemany(f"DELETE FROM {name} WHERE {column} = ?", [(identity,) for identity in model_ids])
