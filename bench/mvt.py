"""Vector tiles side by side with PostGIS (ST_AsMVT, GiST index) and mapbox-vector-tile; whole archives with tippecanoe and GDAL.

    python bench/mvt.py [--features 50000] [--seconds 4] [--only encode|archive]

Everyone gets the same features, tiles and attributes in one run. Rates are per second of processor time of one core (for PostGIS that of
its server process); a feature counts once for every tile whose box (buffer included) meets its own. Archives are PMTiles of zooms 10 to
16 from the features in memory, with processor time of all processes and of the reading and writing that a program needs for it.
PostGIS and tippecanoe have their rows where they are installed.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import geopandas
import mapbox_vector_tile
import numpy as np
import psycopg
import pyogrio
import shapely

from tests.postgis import binaries, server
from tiles.mvt import VectorTiles
from tiles.mvt.archive import all_tiles
from tiles.mvt.geometry import mercator
from tiles.mvt.pmtiles import write_archive
from twin.model import FeatureTable

SPAN_DEG = 0.16  # some 18 km at the equator
CLASSES = ("residential", "office", "hall", "garage", "other")
OUTLINE = np.array([[-1, -1], [1, -1], [1, 0.2], [0.3, 0.2], [0.3, 1], [-1, 1], [-1, -1.0]])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--features", type=int, default=50_000)
    options.add_argument("--seconds", type=float, default=4.0)
    options.add_argument("--only", choices=("encode", "archive"))
    given = options.parse_args()
    if given.only != "archive":
        encoding(given.features, given.seconds)
    if given.only != "encode":
        archives(polygons(given.features, 2))


def encoding(n: int, seconds: float) -> None:
    print(f"{'layer':<22}{'zoom':>5}{'encoder':>20}{'tiles/s':>12}{'kfeatures/s':>14}{'ours is':>10}")
    with server() if binaries() is not None else nullcontext() as address:
        for name, table in (("polygons, id + 2", polygons(n, 2)), ("polygons, id + 6", polygons(n, 6))):
            theirs: dict[str, Any] = {"mapbox-vector-tile": MapboxVectorTile(table)}
            if address is not None:
                theirs["PostGIS ST_AsMVT"] = PostGis(table, f"{address}/park")
            compare(name, VectorTiles("layer", table), theirs, seconds)


def polygons(n: int, columns: int) -> FeatureTable:
    """L-shaped buildings scattered over a square, with `columns` columns besides the id."""
    random = np.random.default_rng(0)
    centre = random.uniform(0, SPAN_DEG, (n, 2))
    size, turn = random.uniform(5e-5, 2.2e-4, (n, 1)), random.uniform(0, math.pi, n)
    rotation = np.stack([np.stack([np.cos(turn), -np.sin(turn)], 1), np.stack([np.sin(turn), np.cos(turn)], 1)], 1)  # (n, 2, 2)
    rings = centre[:, None] + np.einsum("nij,nkj->nki", rotation, OUTLINE[None] * size[:, None])
    values = {
        "height_m": np.round(random.uniform(3, 30, n), 1).tolist(),
        "class": [CLASSES[k] for k in random.integers(0, 5, n)],
        "name": [f"Building {k}" for k in range(n)],
        "storeys": random.integers(1, 12, n).tolist(),
        "status": ["in_service"] * n,
        "usage": [CLASSES[k] for k in random.integers(0, 5, n)],
    }
    return FeatureTable([f"b{k}" for k in range(n)], shapely.polygons(rings), dict(list(values.items())[:columns]))


def compare(name: str, ours: VectorTiles, theirs: dict[str, Any], seconds: float) -> None:
    tree = shapely.STRtree(theirs["mapbox-vector-tile"].geometry)
    for zoom in (14, 16):
        tiles = list(tiles_of(zoom))
        ours.encode(*tiles[0])  # compiled and loaded before the clock starts
        counts = np.array([len(tree.query(shapely.box(*box(*tile)))) for tile in tiles])
        rates = {"ours": rate(ours.encode, tiles, counts, seconds, time.process_time)}
        rates |= {who: rate(their.encode, tiles, counts, seconds, their.clock) for who, their in theirs.items()}
        for who, (tiles_a_second, features_a_second) in rates.items():
            ratio = f"{rates['ours'][1] / features_a_second:>9.1f}x"
            print(f"{name:<22}{zoom:>5}{who:>20}{tiles_a_second:>12,.0f}{features_a_second / 1e3:>14,.1f}{ratio}")


class PostGis:
    """ST_AsMVT as its manual has it, over a table in web mercator with a GiST index; its time is that of its server process."""

    def __init__(self, table: FeatureTable, address: str) -> None:
        self.db = psycopg.connect(address, autocommit=True)
        names = list(table.columns)
        kinds = ["text" if isinstance(table.columns[name][0], str) else "float8" for name in names]
        columns = ", ".join(f'"{name}" {kind}' for name, kind in zip(names, kinds, strict=True))
        self.db.execute(f"DROP TABLE IF EXISTS layer; CREATE TABLE layer (number int, id text, {columns}, geom geometry(Polygon, 3857))")
        circumference = 2 * math.pi * 6378137.0
        metres = shapely.transform(table.geometry, lambda lonlat: (mercator(lonlat) - 0.5) * np.array([circumference, -circumference]))
        wkb = shapely.to_wkb(shapely.set_srid(metres, 3857), include_srid=True, hex=True)
        with self.db.cursor().copy("COPY layer FROM STDIN") as copy:
            for k, shape in enumerate(wkb):
                copy.write_row([k, table.ids[k], *(table.columns[name][k] for name in names), shape])
        self.db.execute("CREATE INDEX ON layer USING gist (geom)")
        self.db.execute("ANALYZE layer")
        shown = ", ".join(f'"{name}"' for name in ("id", *names))
        self.query = (
            "WITH e AS (SELECT ST_TileEnvelope(%s, %s, %s) b, ST_TileEnvelope(%s, %s, %s, margin => 0.015625) m), "
            f"t AS (SELECT ST_AsMVTGeom(geom, b, 4096, 64, true) g, number, {shown} FROM layer, e WHERE geom && m) "
            "SELECT ST_AsMVT(t, 'layer', 4096, 'g', 'number') FROM t WHERE g IS NOT NULL"
        )
        self.process = self.db.info.backend_pid

    def encode(self, z: int, x: int, y: int) -> bytes:
        return bytes(self.db.execute(self.query, (z, x, y, z, x, y), binary=True).fetchone()[0])

    def clock(self) -> float:
        """Processor time of the server process [s]."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class MapboxVectorTile:
    """mapbox-vector-tile over a spatial index, as one would use it: clip to the tile, then encode."""

    def __init__(self, table: FeatureTable) -> None:
        self.table = table
        self.geometry = shapely.transform(table.geometry, mercator)
        self.tree = shapely.STRtree(self.geometry)
        self.clock = time.process_time

    def encode(self, z: int, x: int, y: int) -> bytes:
        west, north, east, south = bounds = box(z, x, y)
        found = self.tree.query(shapely.box(*bounds))
        clipped = shapely.clip_by_rect(self.geometry[found], *bounds)
        features = [
            {"geometry": shape, "properties": {"id": self.table.ids[i]} | self.table.row(i), "id": i}
            for shape, i in zip(clipped, found.tolist(), strict=True)
            if not shape.is_empty
        ]
        options = {"quantize_bounds": (west, north, east, south), "extents": 4096, "y_coord_down": True}
        return mapbox_vector_tile.encode([{"name": "layer", "features": features}], default_options=options)


def tiles_of(zoom: int) -> Iterator[tuple[int, int, int]]:
    (x0, y1), (x1, y0) = np.floor(mercator(np.array([[0, 0], [SPAN_DEG, SPAN_DEG]])) * 2**zoom).astype(int)
    return ((zoom, x, y) for x in range(x0, x1 + 1) for y in range(y0, y1 + 1))


def box(z: int, x: int, y: int) -> tuple[float, float, float, float]:
    margin = 64 / 4096
    return (x - margin) / 2**z, (y - margin) / 2**z, (x + 1 + margin) / 2**z, (y + 1 + margin) / 2**z


def rate(
    encode: Callable[..., object], tiles: list[tuple[int, int, int]], counts: Any, seconds: float, clock: Callable[[], float]
) -> tuple[float, float]:
    """Tiles and features a second of processor time; all tiles in turn, over and over."""
    began, started, done = clock(), time.perf_counter(), 0
    while time.perf_counter() - started < seconds or done < 10:
        encode(*tiles[done % len(tiles)])
        done += 1
    spent = clock() - began
    features = counts.sum() * (done // len(tiles)) + counts[: done % len(tiles)].sum()
    return done / spent, features / spent


def archives(table: FeatureTable) -> None:
    """The whole layer as one file, by us and by others."""
    frame = geopandas.GeoDataFrame({"id": table.ids, **table.columns}, geometry=table.geometry, crs=4326)
    print(f"\n{'archive of zooms 10-16':<30}{'processor s':>12}{'wall s':>9}{'MB':>8}{'ours is':>10}")
    with tempfile.TemporaryDirectory() as name:
        folder, first = Path(name), 0.0
        makers: dict[str, Callable[[Path], None]] = {"ours": lambda out: own_archive(table, out), "GDAL PMTiles": gdal_archive(frame)}
        if shutil.which("tippecanoe") is not None:
            makers["tippecanoe"] = tippecanoe_archive(frame)
        VectorTiles("layer", table).encode(14, 8192, 8191)
        for who, make in makers.items():
            out = folder / f"{who.split()[0]}.pmtiles"
            with clocked() as spent:
                make(out)
            first = first or spent[0]
            print(f"{who:<30}{spent[0]:>12.2f}{spent[1]:>9.2f}{out.stat().st_size / 1e6:>8.1f}{spent[0] / first:>9.1f}x")


def own_archive(table: FeatureTable, out: Path) -> None:
    tiles = VectorTiles("layer", table, 16)
    first = (4**10 - 1) // 3  # the number of the first tile of zoom 10
    about = {"vector_layers": [{"id": "layer", "fields": tiles.fields, "minzoom": 10, "maxzoom": 16}]}
    with out.open("wb") as file:
        write_archive(file, ((n, content) for n, content in all_tiles([tiles], 16, {}) if n >= first), tiles.bounds, about)


def gdal_archive(frame: Any) -> Callable[[Path], None]:
    options = {"MINZOOM": 10, "MAXZOOM": 16, "MAX_FEATURES": 1_000_000, "MAX_SIZE": 50_000_000}
    return lambda out: pyogrio.write_dataframe(frame, out, driver="PMTiles", layer="layer", dataset_options=options)


def tippecanoe_archive(frame: Any) -> Callable[[Path], None]:
    def make(out: Path) -> None:
        source = out.with_suffix(".fgb")
        pyogrio.write_dataframe(frame, source, driver="FlatGeobuf")
        subprocess.run(
            ["tippecanoe", "-q", "-Z10", "-z16", "-l", "layer", "--no-feature-limit", "--no-tile-size-limit", "-o", out, source], check=True
        )

    return make


@contextmanager
def clocked() -> Generator[list[float]]:
    """Processor time of this and of ended child processes, and wall time [s]."""
    spent: list[float] = []
    began, wall = processor_time(), time.perf_counter()
    yield spent
    spent += [processor_time() - began, time.perf_counter() - wall]


def processor_time() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in used)


if __name__ == "__main__":
    main()
