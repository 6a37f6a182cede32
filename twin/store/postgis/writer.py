"""What one transaction writes into a park in a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from twin.errors import Conflict, NotFound, StoreError
from twin.model import LAYER_KINDS, Asset, Device, Event, FeatureTable, Layer, ModelContent, Photometry, Scenario, Terrain
from twin.store import meshblob, records, rows
from twin.store.postgis import archive, tables
from twin.store.postgis.connection import Connection, execute, fetch

_COUNT_UP = """UPDATE park SET value = (split_part(value, '-', 1)::bigint + 1) || '-' || split_part(value, '-', 2)
    WHERE key = 'revision'"""
_OF_MODELS = ("storeys", "spaces", "elements", "groups", "connections", "meshes")


class PostGISWriter:
    """The verbs of `twin.store.Writer` on an open transaction."""

    def __init__(self, db: Connection, schema: str) -> None:
        self._db = db
        self._schema = schema
        self._changed = False
        self._emptied: set[str] = set()
        self._new: set[str] = set()  # tables made in this transaction that have no index yet

    def put_layer(self, layer: Layer) -> None:
        if layer.kind not in LAYER_KINDS:
            raise StoreError("layer_kind_unknown", subject=layer.kind, known=", ".join(LAYER_KINDS))
        if layer.id in self._emptied:
            self._take_over(layer)
            return
        found = fetch(self._db, "SELECT kind FROM park_layers WHERE id = %s", (layer.id,))
        if found:
            if found[0][0] != layer.kind:
                raise Conflict("layer_kind_conflict", subject=layer.id, kind=found[0][0], asked=layer.kind)
            return
        name = tables.table_name(layer.id, tables.relations(self._db, self._schema))
        tables.insert(self._db, "park_layers", [(layer.id, layer.kind, layer.title, name, layer.source, layer.title_zh)])
        tables.create_layer_table(self._db, name)
        self._new.add(name)
        self._changed = True

    def put_features(self, layer_id: str, table: FeatureTable, *, source: str) -> None:
        name = self._table(layer_id)
        tables.write_features(self._db, name, table, source, is_new=name in self._new)
        if name in self._new:
            tables.index_layer_table(self._db, name)
            self._new.discard(name)
        self._changed = True

    def put_devices(self, devices: Sequence[Device], *, source: str) -> None:
        execute(self._db, "DELETE FROM devices WHERE source = %s OR id = ANY(%s)", (source, [device.id for device in devices]))
        tables.insert(self._db, "devices", records.devices(devices, source, tables.encode))
        self._changed = True

    def put_model(self, content: ModelContent, *, source: str = "") -> None:
        self._drop_models([content.model.id])
        for name, values in (
            ("models", records.models(content.model, source, tables.encode)),
            ("storeys", records.storeys(content.storeys)),
            ("spaces", records.spaces(content.spaces, tables.encode)),
            ("elements", records.elements(content.elements)),
            ("groups", records.groups(content.groups)),
            ("connections", records.connections(content.connections)),
            ("meshes", [(content.model.id, meshblob.pack(content.mesh))]),
        ):
            tables.insert(self._db, name, values)
        self._changed = True

    def put_terrain(self, terrain: Terrain, *, source: str) -> None:
        execute(self._db, "DELETE FROM terrain WHERE source = %s AND role = %s", (source, terrain.role))
        tables.insert(self._db, "terrain", [(source, terrain.role, rows.pack_terrain(terrain))])
        self._changed = True

    def put_photometries(self, photometries: Sequence[Photometry], *, source: str) -> None:
        execute(self._db, "DELETE FROM photometries WHERE source = %s OR id = ANY(%s)", (source, [each.id for each in photometries]))
        tables.insert(self._db, "photometries", records.photometries(photometries, source))
        self._changed = True

    def put_assets(self, assets: Sequence[Asset], *, source: str) -> None:
        execute(self._db, "DELETE FROM assets WHERE source = %s", (source,))
        tables.insert(self._db, "assets", records.assets(assets, source))
        self._changed = True

    def put_events(self, events: Iterable[Event]) -> None:
        listed = list(events)
        execute(self._db, "DELETE FROM events WHERE id = ANY(%s)", ([event.id for event in listed],))
        tables.insert(self._db, "events", records.events(listed, tables.encode))

    def put_source(self, source: Mapping[str, Any]) -> None:
        name, report = source["name"], records.json_text(source["report"])
        row = (name, source["sha256"], source["options"], source["importer"], source["at"], report)
        execute(self._db, "DELETE FROM park_sources WHERE name = %s", (name,))
        execute(self._db, "INSERT INTO park_sources VALUES (%s, %s, %s, %s, %s, %s)", row)
        execute(self._db, "DELETE FROM versions WHERE source = %s AND is_current", (name,))
        number = fetch(self._db, "SELECT coalesce(max(number), 0) + 1 FROM versions WHERE source = %s", (name,))[0][0]
        tables.insert(self._db, "versions", [(*row, number)])

    def put_run(self, run: Mapping[str, Any]) -> None:
        row = records.run(run)
        execute(self._db, "DELETE FROM runs WHERE run = %s", row[:1])
        execute(self._db, "INSERT INTO runs (run, measure, at, value, result, gaps, samples) VALUES (%s, %s, %s, %s, %s, %s, %s)", row)

    def put_scorecard(self, card: Mapping[str, Any]) -> None:
        execute(self._db, "DELETE FROM scorecards WHERE pack = %s", (card["pack"],))
        row = (card["pack"], card["revision"], card["at"], records.json_text(card))
        execute(self._db, "INSERT INTO scorecards VALUES (%s, %s, %s, %s)", row)

    def put_scenario(self, scenario: Scenario) -> None:
        self.drop_scenario(scenario.name)
        tables.insert(self._db, "scenarios", [records.scenario(scenario)])

    def drop_scenario(self, name: str) -> None:
        execute(self._db, "DELETE FROM scenarios WHERE name = %s", (name,))

    def archive_source(self, source: str) -> None:
        archive.put_away(self._db, source)

    def drop_source(self, source: str) -> None:
        for layer_id, name, made_by in fetch(self._db, "SELECT id, table_name, source FROM park_layers"):
            dropped = execute(self._db, f"DELETE FROM {tables.quoted(name)} WHERE source = %s", (source,))
            if (dropped or made_by == source) and self._is_empty(name):
                self._emptied.add(layer_id)
        self._drop_models([row[0] for row in fetch(self._db, "SELECT id FROM models WHERE source = %s", (source,))])
        for name in ("devices", "terrain", "photometries", "assets"):
            execute(self._db, f"DELETE FROM {name} WHERE source = %s", (source,))
        execute(self._db, "DELETE FROM park_sources WHERE name = %s", (source,))
        execute(self._db, "DELETE FROM versions WHERE source = %s AND is_current", (source,))
        self._changed = True

    def finish(self) -> None:
        """Remove the layers that were emptied and not filled again, index new ones, and count the revision up when park data changed."""
        for layer_id in self._emptied:
            name = self._table(layer_id)
            if self._is_empty(name):
                execute(self._db, f"DROP TABLE {tables.quoted(name)}")
                execute(self._db, "DELETE FROM park_layers WHERE id = %s", (layer_id,))
                self._new.discard(name)
        for name in self._new:
            tables.index_layer_table(self._db, name)
        if self._changed:
            execute(self._db, _COUNT_UP)

    def _take_over(self, layer: Layer) -> None:
        """A layer that this transaction has emptied begins anew: an import that guessed its kind wrong is put right."""
        row = (layer.kind, layer.title, layer.title_zh, layer.source, layer.id)
        execute(self._db, "UPDATE park_layers SET kind = %s, title = %s, title_zh = %s, source = %s WHERE id = %s", row)
        self._emptied.discard(layer.id)
        self._changed = True

    def _is_empty(self, table: str) -> bool:
        return not fetch(self._db, f"SELECT EXISTS (SELECT 1 FROM {tables.quoted(table)})")[0][0]

    def _table(self, layer_id: str) -> str:
        found = fetch(self._db, "SELECT table_name FROM park_layers WHERE id = %s", (layer_id,))
        if not found:
            known = fetch(self._db, "SELECT id FROM park_layers ORDER BY fid")
            raise NotFound("layer_missing", subject=layer_id, known=", ".join(row[0] for row in known))
        return found[0][0]

    def _drop_models(self, model_ids: Sequence[str]) -> None:
        execute(self._db, "DELETE FROM models WHERE id = ANY(%s)", (list(model_ids),))
        for name in _OF_MODELS:
            execute(self._db, f"DELETE FROM {name} WHERE model_id = ANY(%s)", (list(model_ids),))
