"""A pyramid of terrain tiles in a folder, as its `layer.json` describes it: which tiles there are near the park."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import shapely

from importers.ground import ring
from importers.tileplace import DEEPEST, GEOGRAPHIC, MERCATOR, Place
from twin.crs import Frame, from_lonlat
from twin.errors import UnreadableSource

FILE = "layer.json"
MOST_TILES = 2000  # of one level, the nearest first
_MOST_BYTES = 20_000_000  # of a layer.json
_PATTERN = re.compile(r"\{z\}/\{x\}/\{y\}(\.[\w.]+)?(\?.*)?")
_COARSER = 6  # levels above the finest that fill its gaps


@dataclass(frozen=True)
class Pyramid:
    """Where the tiles of a folder lie."""

    folder: Path
    projection: str
    from_north: bool  # rows count from the north
    suffix: str

    def path(self, place: Place) -> Path:
        """The file of a tile."""
        row = 2**place.z - 1 - place.y if self.from_north else place.y
        return self.folder / str(place.z) / str(place.x) / f"{row}{self.suffix}"


def read_pyramid(path: Path) -> Pyramid:
    """The pyramid a `layer.json` describes.

    Raises
    ------
    UnreadableSource
        If it is damaged, of another kind, or its tiles lie elsewhere than beside it.
    """
    told = _told(path)
    if not str(told.get("format", "")).startswith("quantized-mesh"):
        raise UnreadableSource("qmesh_format", subject=path, format=told.get("format", "—"))
    projection = str(told.get("projection", GEOGRAPHIC)).upper()
    if projection not in {GEOGRAPHIC, MERCATOR}:
        raise UnreadableSource("qmesh_projection", subject=path, projection=projection)
    patterns = [str(each) for each in told.get("tiles", [])] or ["{z}/{x}/{y}.terrain"]
    found = next((match for each in patterns if (match := _PATTERN.fullmatch(each.removeprefix("./")))), None)
    if found is None:
        raise UnreadableSource("qmesh_elsewhere", subject=path, pattern=patterns[0])
    return Pyramid(path.parent, projection, str(told.get("scheme", "tms")).casefold() != "tms", found[1] or "")


def _told(path: Path) -> dict[str, Any]:
    """The members of a `layer.json`, each of its type."""
    wanted = {"format": str, "projection": str, "scheme": str, "tiles": list}
    told: Any = None
    if path.stat().st_size <= _MOST_BYTES:
        with suppress(ValueError, RecursionError):
            told = json.loads(path.read_bytes())
    if not isinstance(told, dict):
        raise UnreadableSource("qmesh_layer_damaged", subject=path)
    members = cast(dict[str, Any], told)
    if not all(isinstance(members.get(name, form()), form) for name, form in wanted.items()):
        raise UnreadableSource("qmesh_layer_damaged", subject=path)
    return members


def beside(path: Path) -> Path | None:
    """The `layer.json` of the pyramid a tile belongs to: in its folder, or three folders up; None where there is none."""
    return next((folder / FILE for folder in [path.parent, *path.absolute().parents[2:3]] if (folder / FILE).is_file()), None)


def near(pyramid: Pyramid, frame: Frame) -> list[Place]:
    """The tiles near the park, coarse ones first: of the finest level that holds it, and of coarser ones what fills its gaps."""
    reach = _reach(pyramid, frame)
    levels = {z: tiles for z in range(DEEPEST, -1, -1) if (tiles := _tiles(pyramid, z, reach))}
    origin = shapely.Point(from_lonlat([[frame.lon_deg, frame.lat_deg]], pyramid.projection)[0])
    holding = [z for z, tiles in levels.items() if any(_box(each).intersects(origin) for each in tiles)]
    if not levels:
        return []
    finest = max(holding or levels)
    chosen = _nearest(levels[finest], origin)
    covered = shapely.union_all([_box(each) for each in chosen])
    window = shapely.box(*covered.bounds)
    for z in range(finest - 1, max(-1, finest - 1 - _COARSER), -1):
        gap = window.difference(covered)
        if gap.area < 1e-9 * window.area:
            break
        more = [each for each in levels.get(z, []) if _box(each).intersection(gap).area > 0]
        chosen = [*_nearest(more, origin), *chosen]
        covered = shapely.union_all([covered, *(_box(each) for each in more)])
    return chosen


def _reach(pyramid: Pyramid, frame: Frame) -> tuple[float, float, float, float]:
    points = from_lonlat(ring(frame), pyramid.projection)
    (west, south), (east, north) = points.min(0).tolist(), points.max(0).tolist()
    return west, south, east, north


def _tiles(pyramid: Pyramid, z: int, reach: tuple[float, float, float, float]) -> list[Place]:
    """The tiles of a level that are there and touch a box."""
    folder = pyramid.folder / str(z)
    if not folder.is_dir():
        return []
    west, south, east, north = reach
    w, s, e, n = Place(pyramid.projection, z, 0, 0).box()
    first, last = (int((west - w) // (e - w)), int((south - s) // (n - s))), (int((east - w) // (e - w)), int((north - s) // (n - s)))
    columns = sorted(int(each.name) for each in folder.iterdir() if _is_number(each.name) and first[0] <= int(each.name) <= last[0])
    found: list[Place] = []
    for x in columns:
        names = [each.name.removesuffix(pyramid.suffix) for each in (folder / str(x)).iterdir() if each.name.endswith(pyramid.suffix)]
        rows = [2**z - 1 - int(name) if pyramid.from_north else int(name) for name in names if _is_number(name)]
        found += [Place(pyramid.projection, z, x, y) for y in sorted(rows) if first[1] <= y <= last[1]]
    return found


def _nearest(tiles: Sequence[Place], origin: shapely.Point) -> list[Place]:
    if not tiles:
        return []
    distance = shapely.distance(np.array([_box(each) for each in tiles], object), origin)
    return [tiles[i] for i in np.argsort(distance, kind="stable")[:MOST_TILES].tolist()]


def _box(place: Place) -> shapely.Polygon:
    west, south, east, north = place.box()
    return shapely.box(west, south, east, north)


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 11
