"""Old versions of sources: their rows as a small database of their own, compressed, read by the same code as the park's.

What is large (meshes, terrains) is not in it: it moves to `archived_arrays` as it was.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from twin.model import FeatureTable, Layer, ModelContent, SourceContent
from twin.store import meshblob, records, rows, tables

_FAST = 1  # zlib: rows shrink nearly as far as at its best, in a third of the time
_MODELS = "SELECT id FROM models WHERE source = :source"
# what of each table belongs to a source
_OWN: Mapping[str, str] = {**dict.fromkeys(("devices", "models", "photometries", "assets"), "source = :source")} | dict.fromkeys(
    ("storeys", "spaces", "elements", "groups", "connections"), f"model_id IN ({_MODELS})"
)


def put_away(db: sqlite3.Connection, source: str) -> None:
    """Keep what the park shows of `source` as an old version; nothing where no version is current."""
    row = db.execute("SELECT number FROM versions WHERE source = ? AND content IS NULL", (source,)).fetchone()
    if row is None:
        return
    told = {"source": source, "number": row[0]}
    db.execute(
        "INSERT INTO archived_arrays SELECT :source, :number, 'mesh', model_id, arrays FROM meshes "
        f"WHERE model_id IN ({_MODELS}) UNION ALL SELECT :source, :number, 'terrain', role, arrays FROM terrain WHERE source = :source",
        told,
    )
    db.execute("INSERT INTO archived_assets SELECT :source, :number, name, sha256 FROM assets WHERE source = :source", told)
    packed = zlib.compress(_rows_of(db, source), _FAST)
    db.execute("UPDATE versions SET content = :content WHERE source = :source AND number = :number", told | {"content": packed})


def current(db: sqlite3.Connection, source: str) -> SourceContent:
    """All that the park shows of `source`."""
    meshes = "SELECT arrays FROM meshes WHERE model_id = ?"
    terrains = db.execute("SELECT arrays, role FROM terrain WHERE source = ? ORDER BY rowid", (source,)).fetchall()
    return _content(db, source, lambda model_id: db.execute(meshes, (model_id,)).fetchone()[0], terrains)


def old(db: sqlite3.Connection, source: str, number: int, packed: bytes) -> SourceContent:
    """What `source` held at an old version, from its rows as `put_away` packed them."""
    arrays = "SELECT arrays, name FROM archived_arrays WHERE source = ? AND number = ? AND kind = ?"
    terrains = db.execute(f"{arrays} ORDER BY rowid", (source, number, "terrain")).fetchall()
    meshes = f"{arrays} AND name = ?"
    with _unpacked(packed) as own:
        return _content(own, source, lambda model_id: db.execute(meshes, (source, number, "mesh", model_id)).fetchone()[0], terrains)


def origins(db: sqlite3.Connection) -> list[str]:
    """The sources that anything shown came from, in the order they were last written."""
    layers = [tables.quoted(row[0]) for row in db.execute("SELECT table_name FROM park_layers ORDER BY rowid")]
    names = [*layers, "devices", "models", "terrain", "photometries", "assets"]
    ordered = "SELECT source FROM {} GROUP BY source ORDER BY min(rowid)"
    return records.in_order([row[0] for row in db.execute(ordered.format(name))] for name in names)


def _content(db: sqlite3.Connection, source: str, mesh: Callable[[str], bytes], terrains: Sequence[Any]) -> SourceContent:
    """What the tables of `db`, the park or an unpacked version, hold of `source`."""

    def read(name: str) -> list[rows.Record]:
        return rows.records(db, f"SELECT * FROM {name} WHERE {_OWN[name]} ORDER BY rowid", {"source": source})

    return SourceContent(
        layers=_layers(db, source),
        devices=rows.devices(read("devices")),
        models=_models(read, mesh),
        terrains=[rows.terrain(arrays, role) for arrays, role in terrains],
        photometries=rows.photometries(read("photometries")),
        assets=rows.assets(read("assets")),
    )


def _layers(db: sqlite3.Connection, source: str) -> list[tuple[Layer, FeatureTable]]:
    found: list[tuple[Layer, FeatureTable]] = []
    for row in _layer_rows(db, source):
        table = tables.read_features(db, row["table_name"], "WHERE source = ?", (source,))
        found.append((Layer(row["id"], row["kind"], row["title"], len(table), source, row["title_zh"]), table))
    return found


def _models(read: Callable[[str], list[rows.Record]], mesh: Callable[[str], bytes]) -> list[ModelContent]:
    parts = {
        "storeys": rows.storeys(read("storeys")),
        "spaces": rows.spaces(read("spaces")),
        "elements": rows.elements(read("elements")),
        "groups": rows.groups(read("groups")),
        "connections": rows.connections(read("connections")),
    }
    owned = {name: _by_model(found) for name, found in parts.items()}
    return [
        ModelContent(model, mesh=meshblob.unpack(mesh(model.id)), **{name: found.get(model.id, []) for name, found in owned.items()})
        for model in rows.models(read("models"))
    ]


def _by_model(parts: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for part in parts:
        found.setdefault(part.model_id, []).append(part)
    return found


@contextmanager
def _unpacked(packed: bytes) -> Generator[sqlite3.Connection]:
    own = sqlite3.connect(":memory:")
    try:
        own.deserialize(zlib.decompress(packed))
        yield own
    finally:
        own.close()


def _rows_of(db: sqlite3.Connection, source: str) -> bytes:
    """The rows of `source` as the bytes of a database."""
    own = sqlite3.connect(":memory:", isolation_level=None)
    try:
        own.execute("BEGIN")
        for name, where in _OWN.items():
            _copy(db, own, name, where, {"source": source})
        _copy(db, own, "park_layers", "0", {})
        for row in _layer_rows(db, source):
            _copy(db, own, row["table_name"], "source = :source", {"source": source})
            own.execute(f"INSERT INTO park_layers ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
        own.execute("COMMIT")
        return own.serialize()
    finally:
        own.close()


def _copy(db: sqlite3.Connection, own: sqlite3.Connection, name: str, where: str, values: Mapping[str, Any]) -> None:
    cursor = db.execute(f"SELECT * FROM {tables.quoted(name)} WHERE {where} ORDER BY rowid", values)
    columns = [tables.quoted(column[0]) for column in cursor.description]
    own.execute(f"CREATE TABLE {tables.quoted(name)} ({', '.join(columns)})")
    own.executemany(f"INSERT INTO {tables.quoted(name)} VALUES ({', '.join('?' * len(columns))})", cursor)


def _layer_rows(db: sqlite3.Connection, source: str) -> list[rows.Record]:
    """The rows of `park_layers` whose table holds anything of `source`, or that `source` made."""
    held = "SELECT EXISTS (SELECT 1 FROM {} WHERE source = ?)"
    return [
        row
        for row in rows.records(db, "SELECT * FROM park_layers ORDER BY rowid")
        if row["source"] == source or db.execute(held.format(tables.quoted(row["table_name"])), (source,)).fetchone()[0]
    ]
