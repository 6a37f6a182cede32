"""Vector tile encoding side by side with mapbox-vector-tile: the same features, tiles and properties in one run.

    python bench/mvt.py [--features 50000] [--seconds 4]

Rates are per second of processor time of one core. A feature counts once for every tile whose box (buffer included) meets its own.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator

import mapbox_vector_tile
import numpy as np
import shapely

from tiles.mvt import VectorTiles
from tiles.mvt_geometry import mercator
from twin.model import FeatureTable

SPAN_DEG = 0.16  # some 18 km at the equator
CLASSES = ("residential", "office", "hall", "garage", "other")
OUTLINE = np.array([[-1, -1], [1, -1], [1, 0.2], [0.3, 0.2], [0.3, 1], [-1, 1], [-1, -1.0]])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--features", type=int, default=50_000)
    options.add_argument("--seconds", type=float, default=4.0)
    given = options.parse_args()
    print(f"{'layer':<24}{'zoom':>5}{'tiles/s':>12}{'kfeatures/s':>14}{'theirs tiles/s':>16}{'kfeatures/s':>14}{'ratio':>8}")
    for name, table in (("polygons, 2 columns", polygons(given.features, 2)), ("polygons, id + 6", polygons(given.features, 6))):
        compare(name, table, given.seconds)


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


def compare(name: str, table: FeatureTable, seconds: float) -> None:
    ours = VectorTiles("layer", table)
    theirs = Reference(table)
    ours.encode(14, 8192, 8191)  # compiled and loaded before the clock starts
    for zoom in (14, 16):
        tiles = list(tiles_of(zoom))
        fast, fast_features = rate(ours.encode, tiles, theirs.count, seconds)
        slow, slow_features = rate(theirs.encode, tiles, theirs.count, seconds)
        print(
            f"{name:<24}{zoom:>5}{fast:>12,.0f}{fast_features / 1e3:>14,.0f}{slow:>16,.0f}{slow_features / 1e3:>14,.1f}"
            f"{fast_features / slow_features:>7.0f}x"
        )


class Reference:
    """mapbox-vector-tile over a spatial index, as one would use it: clip to the tile, then encode."""

    def __init__(self, table: FeatureTable) -> None:
        self.table = table
        self.geometry = shapely.transform(table.geometry, mercator)
        self.tree = shapely.STRtree(self.geometry)

    def count(self, z: int, x: int, y: int) -> int:
        return len(self.tree.query(shapely.box(*box(z, x, y))))

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
    encode: Callable[..., object], tiles: list[tuple[int, int, int]], count: Callable[..., int], seconds: float
) -> tuple[float, float]:
    """Tiles and features a second of processor time."""
    began, done = time.process_time(), 0
    while time.process_time() - began < seconds:
        encode(*tiles[done % len(tiles)])
        done += 1
    spent = time.process_time() - began
    features = sum(count(*tile) for tile in tiles) * done / len(tiles) if done >= len(tiles) else sum(count(*t) for t in tiles[:done])
    return done / spent, features / spent


if __name__ == "__main__":
    main()
