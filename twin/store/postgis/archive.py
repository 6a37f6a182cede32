"""What sources held and hold: the present rows by their source, the rows of old versions in tables `archived_*` beside them.

An old version never leaves the server: rows are copied from table to table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from twin.model import FEATURE_COLUMNS, FeatureTable, Layer, ModelContent, SourceContent
from twin.store import meshblob, records, rows
from twin.store.postgis import tables
from twin.store.postgis.connection import Connection, execute, fetch
from twin.store.postgis.connection import records as records_of

_OF_MODEL = ("storeys", "spaces", "elements", "groups", "connections", "meshes")
_OF_SOURCE = ("devices", "models", "terrain", "photometries", "assets")
_LAYER = ("id", "kind", "title", "title_zh")
_MODELS = "SELECT id FROM models WHERE source = %(source)s"
_FEATURES = ["geom", "wkb", "id", *FEATURE_COLUMNS, "attributes", "source"]


@dataclass(frozen=True)
class _Place:
    """Where the rows of a source are: what is put before the names of tables, and the condition on each."""

    prefix: str
    where: Mapping[str, str]
    values: Mapping[str, Any]

    def read(self, db: Connection, name: str) -> list[rows.Record]:
        query = f"SELECT {tables.columns_read(name)} FROM {self.prefix}{name} WHERE {self.where[name]} ORDER BY fid"
        return records_of(db, query, self.values)


def create_archive(db: Connection) -> None:
    """The tables of old versions, made like those they are filled from; geometry is bytes there, of no interest to GIS programs."""
    execute(
        db,
        "CREATE TABLE archived_features (of_source text NOT NULL, number integer NOT NULL, layer_id text NOT NULL, fid bigint NOT NULL, "
        f"geom bytea, wkb bytea, id text NOT NULL, {tables.known_columns()}, attributes json NOT NULL, source text NOT NULL)",
    )
    execute(db, "CREATE INDEX ON archived_features (of_source, number, layer_id)")
    for name in (*_OF_SOURCE, *_OF_MODEL):
        columns = ", ".join(_columns(name)).replace("geom", "geom::bytea AS geom", 1 if _has_geometry(name) else 0)
        execute(db, f"CREATE TABLE archived_{name} AS SELECT ''::text AS of_source, 0 AS number, fid, {columns} FROM {name} WITH NO DATA")
        execute(db, f"CREATE INDEX ON archived_{name} (of_source, number)")


def put_away(db: Connection, source: str) -> None:
    """Keep what the park shows of `source` as an old version; nothing where no version is current."""
    found = fetch(db, "UPDATE versions SET is_current = false WHERE source = %s AND is_current RETURNING number", (source,))
    if not found:
        return
    told = {"source": source, "number": found[0][0]}
    for name in (*_OF_SOURCE, *_OF_MODEL):
        columns = ", ".join(_columns(name))
        values = columns.replace("geom", "geom::bytea", 1) if _has_geometry(name) else columns
        execute(
            db,
            f"INSERT INTO archived_{name} (of_source, number, fid, {columns}) "
            f"SELECT %(source)s, %(number)s, fid, {values} FROM {name} WHERE {_present(source).where[name]} ORDER BY fid",
            told,
        )
    for record in _layers_of(db, source):
        _put_layer_away(db, record, told)


def current(db: Connection, source: str) -> SourceContent:
    """All that the park shows of `source`."""
    layers = [
        (_layer(record), tables.read_features(db, tables.quoted(record["table_name"]), "WHERE source = %s", [source]))
        for record in _layers_of(db, source)
    ]
    return _content(db, _present(source), layers)


def old(db: Connection, source: str, number: int) -> SourceContent:
    """What `source` held at an old version."""
    told = {"source": source, "number": number}
    where = "of_source = %(source)s AND number = %(number)s"
    place = _Place("archived_", dict.fromkeys((*_OF_SOURCE, *_OF_MODEL), where), told)
    found = records_of(db, f"SELECT {', '.join(_LAYER)} FROM archived_layers WHERE {where} ORDER BY fid", told)
    layers = [
        (_layer(record), tables.read_features(db, "archived_features", "WHERE of_source = %s AND number = %s AND layer_id = %s",
                                              [source, number, record["id"]]))
        for record in found
    ]  # fmt: skip
    return _content(db, place, layers)


def origins(db: Connection) -> list[str]:
    """The sources that anything shown came from, in the order they were last written."""
    layers = [tables.quoted(row[0]) for row in fetch(db, "SELECT table_name FROM park_layers ORDER BY fid")]
    ordered = "SELECT source FROM {} GROUP BY source ORDER BY min(fid)"
    return records.in_order([row[0] for row in fetch(db, ordered.format(name))] for name in (*layers, *_OF_SOURCE))


def needed_assets(db: Connection) -> set[str]:
    """The files that a source or an old version refers to."""
    return {row[0] for row in fetch(db, "SELECT sha256 FROM assets UNION SELECT sha256 FROM archived_assets")}


def _content(db: Connection, place: _Place, layers: Sequence[tuple[Layer, FeatureTable]]) -> SourceContent:
    def read(name: str) -> list[rows.Record]:
        return place.read(db, name)

    return SourceContent(
        layers=[(replace(layer, features=len(table), source=place.values["source"]), table) for layer, table in layers],
        devices=rows.devices(read("devices")),
        models=_models(read),
        terrains=[rows.terrain(record["arrays"], record["role"]) for record in read("terrain")],
        photometries=rows.photometries(read("photometries")),
        assets=rows.assets(read("assets")),
    )


def _models(read: Callable[[str], list[rows.Record]]) -> list[ModelContent]:
    parts: dict[str, Sequence[Any]] = {
        "storeys": rows.storeys(read("storeys")),
        "spaces": rows.spaces(read("spaces")),
        "elements": rows.elements(read("elements")),
        "groups": rows.groups(read("groups")),
        "connections": rows.connections(read("connections")),
    }
    meshes = {record["model_id"]: record["arrays"] for record in read("meshes")}
    return [
        ModelContent(
            model,
            mesh=meshblob.unpack(meshes[model.id]),
            **{name: [part for part in listed if part.model_id == model.id] for name, listed in parts.items()},
        )
        for model in rows.models(read("models"))
    ]


def _put_layer_away(db: Connection, record: rows.Record, told: Mapping[str, Any]) -> None:
    values = {column: record[column] for column in _LAYER} | {"of_source": told["source"], "number": told["number"]}
    marks = ", ".join(f"%({column})s" for column in values)
    execute(db, f"INSERT INTO archived_layers ({', '.join(values)}) VALUES ({marks})", values)
    names = ", ".join(tables.quoted(column) for column in _FEATURES)
    taken = names.replace('"geom"', "geom::bytea", 1)
    execute(
        db,
        f"INSERT INTO archived_features (of_source, number, layer_id, fid, {names}) "
        f"SELECT %(source)s, %(number)s, %(layer)s, fid, {taken} "
        f"FROM {tables.quoted(record['table_name'])} WHERE source = %(source)s",
        {**told, "layer": record["id"]},
    )


def _layers_of(db: Connection, source: str) -> list[rows.Record]:
    """The layers that hold anything of `source`, or that `source` made."""
    held = "SELECT EXISTS (SELECT 1 FROM {} WHERE source = %s)"
    return [
        record
        for record in records_of(db, f"SELECT table_name, source, {', '.join(_LAYER)} FROM park_layers ORDER BY fid")
        if record["source"] == source or fetch(db, held.format(tables.quoted(record["table_name"])), [source])[0][0]
    ]


def _layer(record: rows.Record) -> Layer:
    return Layer(record["id"], record["kind"], record["title"], title_zh=record["title_zh"])


def _present(source: str) -> _Place:
    where: dict[str, str] = {}
    where.update(dict.fromkeys(_OF_SOURCE, "source = %(source)s"))
    where.update(dict.fromkeys(_OF_MODEL, f"model_id IN ({_MODELS})"))
    return _Place("", where, {"source": source})


def _columns(name: str) -> list[str]:
    columns = records.COLUMNS[name].split()
    return [columns[0], "wkb", *columns[1:]] if _has_geometry(name) else columns


def _has_geometry(name: str) -> bool:
    return records.COLUMNS[name].startswith("geom ")
