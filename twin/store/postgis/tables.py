"""The tables of a park in PostGIS: how geometry is written, rows are copied in, and the features of a layer written and read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from psycopg import sql

from twin.model import FEATURE_COLUMNS, FeatureTable, Geometries, Issue
from twin.store import Bounds, records
from twin.store.postgis.connection import Connection, execute, fetch

SRS = 4326
TAKEN = frozenset({"park_sources", "asset_pieces", "runs", "scorecards", "park"} | set(records.COLUMNS))
LONGEST_NAME = 63 - len("_geom_idx")  # bytes; the indexes of a table are named after it
_SHAPE = "coalesce(wkb, ST_AsBinary(geom::geometry))"  # ISO WKB
# the names under which psycopg knows what COPY sends; all that is not here is text
_TYPES: Mapping[str, str] = (
    dict.fromkeys(("geom", "wkb", "arrays", "bytes"), "bytea")
    | dict.fromkeys(
        ("height_m", "z_m", "base_h_m", "top_h_m", "floor_h_m", "area_m2", "elevation_m", "lumens", "watts", "base_m", "value"), "float8"
    )
    | {"is_inferred": "bool", "size": "int8", "number": "int4", "piece": "int4"}
)
_COPIED = 32  # rows; below that statements are quicker than COPY


def quoted(name: str) -> str:
    """`name` as an SQL identifier inside a query that psycopg fills in."""
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'


def encode(geometry: Geometries) -> list[tuple[bytes | None, bytes | None]]:
    """Each geometry as what PostGIS holds and, where it cannot hold it as it is, its box and the WKB of itself.

    PostGIS knows no ring of three points, no collection of mixed dimensions and forgets what an empty collection is made of; of what has
    no finite box it cannot have an index.
    """
    kept = np.full(len(geometry), None, object)
    apart = _unfit(geometry)
    shown = np.array(geometry, object)
    if apart.any():
        kept[apart] = shapely.to_wkb(shown[apart], byte_order=1, flavor="iso")
        boxes = shapely.envelope(shapely.force_2d(shown[apart]))
        boxes[~np.isfinite(shapely.bounds(boxes)).all(axis=1)] = None
        shown[apart] = boxes
    wkb = shapely.to_wkb(shapely.set_srid(shown, SRS), byte_order=1, flavor="extended", include_srid=True)
    return list(zip(wkb, kept, strict=True))


def columns_read(name: str) -> str:
    """The columns of a table as `twin.store.rows` takes them."""
    return ", ".join(f"{_SHAPE} AS geom" if column == "geom" else column for column in records.COLUMNS[name].split())


def insert(db: Connection, name: str, values: Sequence[Sequence[Any]]) -> None:
    """Add rows in the order of `records.COLUMNS`."""
    if not values:
        return
    columns = records.COLUMNS[name].split()
    if len(values) >= _COPIED:
        copy(db, quoted(name), columns, values)
        return
    wide = _with_wkb(columns)
    statement = f"INSERT INTO {name} ({', '.join(wide)}) VALUES ({', '.join(['%s'] * len(wide))})"
    with db.cursor() as cursor:
        rows = [_flat(row) if columns[0] == "geom" else row for row in values]
        if len(rows) == 1:
            cursor.execute(statement, rows[0])  # pyright: ignore[reportArgumentType, reportCallIssue]
        else:
            cursor.executemany(statement, rows)  # pyright: ignore[reportArgumentType, reportCallIssue]


def copy(db: Connection, table: str, columns: Sequence[str], values: Iterable[Sequence[Any]]) -> None:
    """Add many rows to a table, whose name is quoted."""
    wide = _with_wkb(columns)
    names = ", ".join(quoted(column) for column in wide)
    statement = f"COPY {table} ({names}) FROM STDIN (FORMAT binary)".replace("%%", "%")  # without parameters nothing is filled in
    with db.cursor().copy(statement) as stream:  # pyright: ignore[reportArgumentType, reportCallIssue]
        stream.set_types([_TYPES.get(column, "float8" if column in records.NUMBERS else "text") for column in wide])
        if columns[0] == "geom":
            for row in values:
                stream.write_row(_flat(row))
        else:
            for row in values:
                stream.write_row(row)


def table_name(layer_id: str, taken: Iterable[str]) -> str:
    """A free name for a layer's feature table: its id, made safe."""
    safe = re.sub(r"[^\w\-]", "_", layer_id).strip("_") or "layer"
    base = f"{safe}_layer" if safe.lower().startswith(("pg_", "archived_")) else safe
    used = {name.lower() for name in taken} | TAKEN | {"layer_styles", "spatial_ref_sys", "geometry_columns", "geography_columns"}
    candidates = (_short(base, "" if k == 1 else f"_{k}") for k in range(1, len(used) + 2))
    return next(name for name in candidates if name.lower() not in used)


def create_layer_table(db: Connection, name: str) -> None:
    """A feature table with the columns every layer has; `index_layer_table` follows once its first features are in."""
    execute(
        db,
        f"CREATE TABLE {quoted(name)} (fid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, geom geometry CHECK (st_srid(geom) = {SRS}), "
        f"wkb bytea, id text NOT NULL, {known_columns()}, attributes json NOT NULL, source text NOT NULL)",
    )


def known_columns() -> str:
    """The columns that every table of features has, with their types."""
    return ", ".join(f"{quoted(column)} {'double precision' if column in records.NUMBERS else 'text'}" for column in FEATURE_COLUMNS)


def index_layer_table(db: Connection, name: str) -> None:
    """The indexes of a feature table: filled in one go they take a third of the time."""
    execute(db, f"CREATE INDEX {quoted(f'{name}_geom_idx')} ON {quoted(name)} USING gist (geom)")
    execute(db, f"CREATE UNIQUE INDEX {quoted(f'{name}_id_key')} ON {quoted(name)} (id)")


def write_features(db: Connection, name: str, table: FeatureTable, source: str, *, is_new: bool) -> None:
    """Replace the rows of `source` by those of `table`; an id that another source holds is taken over."""
    if not is_new:
        execute(db, f"DELETE FROM {quoted(name)} WHERE source = %s OR id = ANY(%s)", (source, list(table.ids)))
    if len(table):
        copy(db, quoted(name), ["geom", "id", *FEATURE_COLUMNS, "attributes", "source"], records.features(table, source, encode))


def read_features(db: Connection, name: str, where: str = "", values: Sequence[Any] = ()) -> FeatureTable:
    """The rows of a table with features as columns, in the order they were written."""
    known = ", ".join(quoted(column) for column in FEATURE_COLUMNS)
    return records.feature_table(fetch(db, f"SELECT id, {_SHAPE}, attributes, {known} FROM {name} {where} ORDER BY fid", values))


def inside(bounds: Bounds) -> tuple[str, Sequence[float]]:
    """The condition that a feature's box meets `bounds`, and its values."""
    return f"WHERE geom && ST_MakeEnvelope(%s, %s, %s, %s, {SRS})", bounds


def schema_exists(db: Connection, schema: str) -> bool:
    """Whether there is a schema of that name."""
    return bool(fetch(db, "SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)))


def relations(db: Connection, schema: str) -> set[str]:
    """The tables and the like in a schema."""
    found = fetch(db, "SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE nspname = %s", (schema,))
    return {row[0] for row in found}


def faults(db: Connection, schema: str) -> Iterator[Issue]:
    """An issue for each index that the server knows to be wrong, and each layer whose table somebody has removed."""
    broken = "SELECT c.relname, count(*) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid JOIN pg_namespace AS n ON \
        n.oid = c.relnamespace WHERE n.nspname = %s AND NOT i.indisvalid GROUP BY 1 ORDER BY 1"
    for name, count in fetch(db, broken, (schema,)):
        yield Issue("store_index_untrue", "error", name, {"count": count})
    there = relations(db, schema)
    for layer_id, name in fetch(db, "SELECT id, table_name FROM park_layers ORDER BY fid"):
        if name not in there:
            yield Issue("store_layer_lost", "error", layer_id)


def script(db: Connection, text: str) -> None:
    """Run several statements."""
    db.execute(sql.SQL(text), prepare=False)  # pyright: ignore[reportArgumentType, reportCallIssue]


def _with_wkb(columns: Sequence[str]) -> list[str]:
    return ["geom", "wkb", *columns[1:]] if columns[0] == "geom" else list(columns)


def _flat(row: Sequence[Any]) -> tuple[Any, ...]:
    return (*row[0], *row[1:])


def _short(name: str, ending: str) -> str:
    """The name with its ending, cut between characters to what PostgreSQL takes."""
    return name.encode("utf-8")[: LONGEST_NAME - len(ending)].decode("utf-8", "ignore") + ending


def _unfit(geometry: Geometries) -> Any:
    """Which geometries PostGIS cannot hold as they are. (n,)"""
    types = shapely.get_type_id(geometry)
    filled = (types >= 0) & ~shapely.is_empty(geometry)
    unfit = filled & ~np.isfinite(shapely.bounds(geometry)).all(axis=1)
    areal = np.flatnonzero(filled & np.isin(types, (3, 6)))
    rings, owner = shapely.get_rings(geometry[areal], return_index=True)
    unfit[areal[owner[shapely.get_num_coordinates(rings) == 3]]] = True
    for k in np.flatnonzero(types == 7):
        unfit[k] = not _is_plain_collection(geometry[k])
    return unfit


def _is_plain_collection(collection: Any) -> bool:
    """Whether PostGIS gives a collection back as it was."""
    parts = list(collection.geoms)
    nested = [part for part in parts if part.geom_type == "GeometryCollection"]
    flat = np.array([part for part in parts if part.geom_type != "GeometryCollection"], object)
    return (
        not any(part.is_empty for part in parts)
        and len({(part.has_z, part.has_m) for part in parts}) < 2
        and (not len(flat) or not _unfit(flat).any())
        and all(_is_plain_collection(part) for part in nested)
    )
