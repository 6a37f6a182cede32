"""The GeoPackage store side by side with what one would use instead: pyogrio's own writer, and a PostGIS server on the same disk.

    python bench/store.py [--features 50000] [--queries 300] [--inserts 300] [--rounds 5]

Everything is asked through the verbs of `twin.store`; what the libraries below take for the same stands beside it, to tell where time goes.
Medians; the server runs with its defaults, fsync on, as SQLite does (`synchronous = FULL`).
"""

from __future__ import annotations

import argparse
import math
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import psycopg
import pyogrio
import shapely

from tests.postgis import server
from twin.crs import Frame
from twin.model import Event, FeatureTable, Layer, Park
from twin.store import Store, create_store

PARK = Park("bench", Frame(104.06, 30.54, 500.0))
SPAN_DEG = 0.16
CLASSES = ("residential", "office", "hall", "garage", "other")
OUTLINE = np.array([[-1, -1], [1, -1], [1, 0.2], [0.3, 0.2], [0.3, 1], [-1, 1], [-1, -1.0]])
NUMBERS = count()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("features", 50_000), ("queries", 300), ("inserts", 300), ("rounds", 5)):
        options.add_argument(f"--{name}", type=int, default=default)
    given = options.parse_args()
    table = buildings(given.features)
    with tempfile.TemporaryDirectory() as folder, server(settings=()) as address:
        place = Path(folder)
        with home(place):
            bulk(table, place, address, given.rounds)
            parks = {
                "GeoPackage store": create_store(place / "park", PARK),
                "PostGIS store": create_store(f"{address}/park?park=query", PARK),
            }
            for park in parks.values():
                load(park, table)
            for width in (0.006, 0.03):
                boxes(parks, place, address, given.queries, width)
            inserts(parks, place, address, given.inserts)


def buildings(n: int) -> FeatureTable:
    """L-shaped buildings scattered over a square, with the columns a municipal file brings."""
    random = np.random.default_rng(0)
    centre = np.array([104.0, 30.5]) + random.uniform(0, SPAN_DEG, (n, 2))
    size, turn = random.uniform(5e-5, 2.2e-4, (n, 1)), random.uniform(0, math.pi, n)
    rotation = np.stack([np.stack([np.cos(turn), -np.sin(turn)], 1), np.stack([np.sin(turn), np.cos(turn)], 1)], 1)  # (n, 2, 2)
    rings = centre[:, None] + np.einsum("nij,nkj->nki", rotation, OUTLINE[None] * size[:, None])
    columns: dict[str, Any] = {
        "name": [f"Building {k}" for k in range(n)],
        "height_m": np.round(random.uniform(3, 30, n), 1).tolist(),
        "storeys": random.integers(1, 12, n).tolist(),
        "class": [CLASSES[k] for k in random.integers(0, 5, n)],
        "status": ["in_service"] * n,
        "cadastre": [f"510107-{k:06d}" for k in range(n)],
        "area": np.round(random.uniform(20, 900, n), 2).tolist(),
        "year": random.integers(1980, 2026, n).tolist(),
    }
    return FeatureTable([f"b{k}" for k in range(n)], shapely.polygons(rings), columns)


def bulk(table: FeatureTable, folder: Path, address: str, rounds: int) -> None:
    frame = geopandas.GeoDataFrame({"id": table.ids, **table.columns}, geometry=list(table.geometry), crs=4326)
    writers: dict[str, Callable[[], object]] = {
        "pyogrio.write_dataframe": lambda: pyogrio.write_dataframe(frame, folder / f"{next(NUMBERS)}.gpkg", layer="b"),
        "GeoPackage store": lambda: None,
        "PostGIS store": lambda: None,
    }
    times: dict[str, list[float]] = {name: [] for name in writers}
    for _ in range(rounds):
        times["pyogrio.write_dataframe"].append(timed(writers["pyogrio.write_dataframe"]))
        for name, where in (("GeoPackage store", folder / f"{next(NUMBERS)}"), ("PostGIS store", f"{address}/park?park=b{next(NUMBERS)}")):
            park = create_store(where, PARK)  # a park is made once: its tables do not count
            times[name].append(timed(lambda park=park: load(park, table)))
    show(
        f"bulk load, {len(table):,} polygons with {len(table.columns)} columns",
        times,
        "pyogrio.write_dataframe",
        "kfeatures/s",
        len(table) / 1e3,
    )


def load(park: Store, table: FeatureTable) -> None:
    with park.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
        writer.put_features("b", table, source="bench")


def boxes(parks: dict[str, Store], folder: Path, address: str, n: int, width: float) -> None:
    """Boxes of `width` degrees, by the verb and by the statement beneath it."""
    random = np.random.default_rng(1)
    corners = np.array([104.0, 30.5]) + random.uniform(0, SPAN_DEG - width, (n, 2))
    queries = [(x, y, x + width, y + width) for x, y in corners.tolist()]
    with psycopg.connect(f"{address}/park", autocommit=True) as db:
        db.execute("ANALYZE")
    times: dict[str, list[float]] = {name: [] for name in (*parks, "sqlite3, rows alone", "psycopg, rows alone")}
    found = dict.fromkeys(times, 0)
    with sqlite3.connect(folder / "park" / "park.gpkg") as near, psycopg.connect(f"{address}/park", autocommit=True) as far:
        raw = {"sqlite3, rows alone": lambda box: _in_sqlite(near, box), "psycopg, rows alone": lambda box: _in_postgis(far, box)}
        asks = {name: (lambda box, park=park: park.features("b", bounds=box)) for name, park in parks.items()} | raw
        for box in [*queries[:20], *queries]:  # the first are to warm up
            for name, ask in asks.items():
                began = time.perf_counter()
                found[name] += len(ask(box))
                times[name].append(time.perf_counter() - began)
    for name, values in times.items():
        del values[:20]
        assert abs(found[name] / found["PostGIS store"] - 1) < 0.01, found
    each = found["PostGIS store"] / (n + 20)
    show(f"box query, {each:.0f} features each, p50", times, "PostGIS store", "queries/s", 1)


def _in_sqlite(db: sqlite3.Connection, box: Sequence[float]) -> list[Any]:
    query = "SELECT * FROM b WHERE fid IN (SELECT id FROM rtree_b_geom WHERE maxx >= ? AND minx <= ? AND maxy >= ? AND miny <= ?)"
    return db.execute(query, (box[0], box[2], box[1], box[3])).fetchall()


def _in_postgis(db: psycopg.Connection[Any], box: Sequence[float]) -> list[Any]:
    with db.cursor(binary=True) as cursor:
        return cursor.execute("SELECT * FROM query.b WHERE geom && ST_MakeEnvelope(%s, %s, %s, %s, 4326)", tuple(box)).fetchall()


def inserts(parks: dict[str, Store], folder: Path, address: str, n: int) -> None:
    """One event, one commit, on the disk before the call returns."""
    times: dict[str, list[float]] = {name: [] for name in (*parks, "sqlite3, one INSERT", "psycopg, one INSERT")}
    row = "INSERT INTO plain VALUES ({}, 'fire', 'somewhere')"
    with sqlite3.connect(folder / "plain.db", isolation_level=None) as near, psycopg.connect(f"{address}/park", autocommit=True) as far:
        near.execute("PRAGMA journal_mode = WAL")
        near.execute("PRAGMA synchronous = FULL")
        for db in (near, far):
            db.execute("CREATE TABLE plain (id integer primary key, kind text, place text)")
        for k in range(n):
            event = Event(f"e{k}", "fire", f"2026-01-01T00:{k // 60 % 60:02d}:{k % 60:02d}Z", 104.06, 30.54, 501.5, message_zh="火警")
            for name, park in parks.items():
                times[name].append(timed(lambda park=park, event=event: put(park, event)))
            times["sqlite3, one INSERT"].append(timed(lambda k=k: near.execute(row.format("?"), (k,))))
            times["psycopg, one INSERT"].append(timed(lambda k=k: far.execute(row.format("%s"), (k,))))
    show("durable single event, p50", times, "PostGIS store", "events/s", 1)


def put(park: Store, event: Event) -> None:
    with park.transaction() as writer:
        writer.put_events([event])


def timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def show(what: str, times: dict[str, list[float]], base: str, unit: str, amount: float) -> None:
    """One row a way of doing it, its time as a multiple of `base`."""
    print(f"\n{what:<58}{'ms':>10}{unit:>14}{'time':>9}")
    reference = statistics.median(times[base])
    for name, values in times.items():
        middle = statistics.median(values)
        print(f"  {name:<56}{middle * 1e3:>10.2f}{amount / middle:>14,.0f}{middle / reference:>8.2f}x")


@contextmanager
def home(folder: Path) -> Iterator[None]:
    """Parks in the database keep their folders among what is thrown away."""
    import os

    os.environ["PARKTWIN_HOME"] = str(folder / "home")
    try:
        yield
    finally:
        del os.environ["PARKTWIN_HOME"]


if __name__ == "__main__":
    main()
