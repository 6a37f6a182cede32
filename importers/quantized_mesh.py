"""Quantized-mesh terrain: a tile, or a folder of tiles by its `layer.json`, onto a grid of the park's metres.

Every node gets the height of the triangle it lies in. Heights count from the ellipsoid, as the format has it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from importers.contract import Context, Imported, Progress
from importers.ground import LEAST_STEP_M, MOST_NODES, REACH_M, check_near, lattice, remarks, summary, wanted_role
from importers.heightgrid import known
from importers.heights import Heights, heights
from importers.isolated import alone
from importers.meshtile import HEADER_BYTES, MeshTile, header_of, read_tile
from importers.tileplace import GEOGRAPHIC, MERCATOR, Place, fits, of_header, of_path
from importers.tilepyramid import Pyramid, beside, near, read_pyramid
from importers.triangles import draw
from twin.errors import SourceError, UnreadableSource, UsageError
from twin.model import Issue, Terrain

_ELLIPSOIDAL = "ellipsoidal"
_NAMES = (".terrain", ".terrain.gz")


@dataclass(frozen=True)
class QuantizedMeshImporter:
    """Quantized-mesh terrain tiles."""

    name: str = "quantized_mesh"

    def recognises(self, path: Path, head: bytes) -> int:
        """How sure it is that the file is a tile, or the description of a folder of them."""
        is_named = path.name.lower().endswith(_NAMES)
        if re.search(rb'"format"\s*:\s*"(quantized-mesh|heightmap-1)', head):
            return 97
        if head.startswith(b"\x1f\x8b"):
            return 90 if is_named else 0
        header = header_of(head)
        if header is None:
            return 60 if is_named else 0
        return 95 if is_named or _counts_fit(path, head) else 0

    def read(self, path: Path, context: Context) -> Imported:
        """The terrain of a tile or of a folder of tiles; raises SourceError."""
        if context.options.datum != "wgs84":
            raise UsageError("datum_not_for_rasters", subject=context.options.datum)
        return alone(lambda progress: self._read(path, context, progress), path, progress=context.progress)

    def _read(self, path: Path, context: Context, progress: Progress) -> Imported:
        issues: list[Issue] = []
        rule = heights(path.name, _ELLIPSOIDAL, context)
        if path.name.endswith((".json", ".JSON")):
            pyramid = read_pyramid(path)
            tiles = _of_pyramid(pyramid, path, replace(context, progress=progress), issues)
            projection = pyramid.projection
        else:
            tiles = [_one(path, issues)]
            projection = tiles[0].place.projection
        terrain = _terrain(tiles, rule, path, context)
        issues += remarks(terrain, rule, context)
        extensions = sorted({name for each in tiles for name in each.tile.extensions})
        return Imported(
            kind=self.name, terrain=terrain, crs=projection, height_datum=rule.datum, height_offset_m=rule.offset_m, issues=issues,
            details={
                **summary(terrain), "tiles": [each.place.id for each in tiles[-100:]],
                "triangles": sum(len(each.tile.triangles) for each in tiles),
                "extensions": extensions, "heights": rule.details,
            },
        )  # fmt: skip


@dataclass(frozen=True)
class _Placed:
    tile: MeshTile
    place: Place


@dataclass(frozen=True)
class _Mesh:
    """Triangles of the park: corners (v, 2) [m, enu], their heights (v,) [m, park datum], corners of each triangle (t, 3)."""

    xy: NDArray[np.float64]
    heights: NDArray[np.float64]
    triangles: NDArray[np.int64]


def _counts_fit(path: Path, head: bytes) -> bool:
    """Whether the number of vertices after the header could be that of a file of this size."""
    count = int.from_bytes(head[HEADER_BYTES : HEADER_BYTES + 4], "little")
    return count >= 3 and 6 * count < path.stat().st_size


def _one(path: Path, issues: list[Issue]) -> _Placed:
    """A single tile at the place its path says, if its header agrees; else where the header puts it."""
    tile = read_tile(path, path)
    layer = beside(path)
    pyramid = None if layer is None else read_pyramid(layer)
    projection = GEOGRAPHIC if pyramid is None else pyramid.projection
    said = of_path(path, projection, from_north=pyramid is not None and pyramid.from_north)
    if said is not None and fits(tile, said):
        return _Placed(tile, said)
    others = [projection] if pyramid is not None else [GEOGRAPHIC, MERCATOR]
    found = next((place for each in others if (place := of_header(tile, each)) is not None), None)
    if found is None:
        raise UnreadableSource("qmesh_nowhere", subject=path, place=said.id if said else "—")
    if said is None:
        issues.append(Issue("qmesh_placed", "info", path.name, {"tile": found.id, "projection": found.projection}))
    else:
        issues.append(Issue("qmesh_misplaced", "warning", path.name, {"said": said.id, "tile": found.id}))
    return _Placed(tile, found)


def _of_pyramid(pyramid: Pyramid, path: Path, context: Context, issues: list[Issue]) -> list[_Placed]:
    """The tiles of a folder near the park, coarse ones first; damaged ones are told and left out."""
    places = near(pyramid, context.park.frame)
    if not places:
        raise UnreadableSource("qmesh_none_near", subject=path, km=round(REACH_M / 1000))
    tiles: list[_Placed] = []
    for done, place in enumerate(places):
        context.progress("tiles", done, len(places))
        try:
            tile = read_tile(pyramid.path(place), place.id)
        except SourceError as error:
            issues.append(Issue(error.code, "warning", place.id, error.details))
            continue
        if fits(tile, place):
            tiles.append(_Placed(tile, place))
        else:
            issues.append(Issue("qmesh_tile_elsewhere", "warning", place.id))
    if not tiles:
        raise UnreadableSource("qmesh_none_whole", subject=path, count=len(places))
    return tiles


def _mesh(placed: _Placed, rule: Heights, context: Context) -> _Mesh:
    lonlat = placed.place.lonlat(placed.tile.uv)
    h = rule.to_park(lonlat, placed.tile.heights)
    xy = context.park.frame.to_enu(np.column_stack([lonlat, h]))[:, :2]
    return _Mesh(xy, h, placed.tile.triangles)


def _terrain(tiles: Sequence[_Placed], rule: Heights, path: Path, context: Context) -> Terrain:
    """One grid of all tiles, the later over the earlier, over the box of the finest."""
    deepest = max(each.place.z for each in tiles)
    finest = [_mesh(each, rule, context) for each in tiles if each.place.z == deepest]
    low = np.min([each.xy.min(0) for each in finest], axis=0)
    high = np.max([each.xy.max(0) for each in finest], axis=0)
    nearest = float(np.linalg.norm(np.maximum(np.maximum(low, -high), 0.0)))
    check_near(path, nearest, None, context.park.frame)
    if nearest < REACH_M:
        low, high = np.maximum(low, -REACH_M), np.minimum(high, REACH_M)
    nodes = lattice(low, high, _step(finest[0], float(np.prod(high - low))))
    out = np.full(nodes.rows * nodes.columns, np.nan)
    for each in tiles:
        mesh = _mesh(each, rule, context)
        draw(out, nodes, mesh.xy, mesh.heights, mesh.triangles)
    return known(nodes.terrain(out, wanted_role(context) or "ground"), path)


def _step(mesh: _Mesh, area: float) -> float:
    """An eighth of the edge of the smaller triangles, so that creases stay, as a power of two, so that neighbouring tiles share nodes."""
    corners = mesh.xy[mesh.triangles]  # (t, 3, 2)
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    fine = max(LEAST_STEP_M, float(np.percentile(edges, 25)) / 8)
    step = 2.0 ** np.floor(np.log2(fine))
    while area / step**2 > MOST_NODES:
        step *= 2
    return float(step)


IMPORTER = QuantizedMeshImporter()
