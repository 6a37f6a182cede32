"""PMTiles 3: the park's layers as vector tiles in one file, which QGIS, GDAL and MapLibre open, from disk or by range requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from tiles.mvt import MIN_ZOOM, VectorTiles
from tiles.mvt.archive import all_tiles, deepest_zoom
from tiles.mvt.pmtiles import Archive, write_archive
from tiles.mvt.tippecanoe import BELOW, low_zooms
from twin.errors import NotFound
from twin.i18n import message
from twin.store import Store
from web.answers.layers import titles
from web.export.fresh import fresh_file
from web.export.tables import Sheet, sheets
from web.styles import layer_style

WORLD = (-180.0, -85.0, 180.0, 85.0)


def write(store: Store, layer: str | None, out: Path, *, told: Callable[[int, int], None] | None = None) -> None:
    """The layer, or all of them as layers of the same tiles; `told` hears how many tiles are done and how many are known of.

    Low zooms of layers of more than 200,000 features are tippecanoe's where it is installed.

    Raises
    ------
    NotFound
        If there is nothing to write.
    """
    found = [sheet for sheet in sheets(store, layer) if _has_geometry(sheet)]
    if not found:
        raise NotFound("export_nothing", subject=store.park().name)
    zoom = deepest_zoom(np.concatenate([shapely.bounds(np.asarray(sheet.table.geometry, object)) for sheet in found]))
    layers = [VectorTiles(sheet.name, sheet.table, zoom) for sheet in found]
    lows = {sheet.name: low for sheet in found if (low := low_zooms(sheet.name, sheet.table, zoom)) is not None}
    with fresh_file(out) as path, path.open("wb") as file:
        write_archive(file, all_tiles(layers, zoom, lows, told), _bounds(layers), _metadata(store, found, layers) | _left_out(layers, lows))


def _has_geometry(sheet: Sheet) -> bool:
    return bool(np.isfinite(shapely.bounds(np.asarray(sheet.table.geometry, object))).all(axis=1).any())


def _bounds(layers: Sequence[VectorTiles]) -> tuple[float, float, float, float]:
    """West, south, east, north of all layers [deg]."""
    boxes = np.array([layer.bounds or WORLD for layer in layers])
    west, south = boxes[:, :2].min(axis=0).tolist()
    east, north = boxes[:, 2:].max(axis=0).tolist()
    return west, south, east, north


def _metadata(store: Store, found: Sequence[Sheet], layers: Sequence[VectorTiles]) -> dict[str, Any]:
    """The JSON of the specification's section 5: `vector_layers` as in TileJSON 3.0, titles in both languages besides."""
    return {
        "name": store.park().name,
        "type": "overlay",
        "vector_layers": [
            {"id": tiles.layer_id, "fields": tiles.fields, "minzoom": MIN_ZOOM, "maxzoom": tiles.last_zoom} | _titles(store, sheet)
            for sheet, tiles in zip(found, layers, strict=True)
        ],
    }


def _left_out(layers: Sequence[VectorTiles], lows: Mapping[str, Archive]) -> dict[str, Any]:
    """What low zooms leave out, layer by layer: zoom, features shown and features there are; of tippecanoe's what it says itself."""
    own = {
        tiles.layer_id: [asdict(at) for at in tiles.thinned if tiles.layer_id not in lows or at.zoom >= BELOW]
        for tiles in layers
        if tiles.thinned
    }
    return {"generalized": own, "tippecanoe": {name: low.metadata.get("strategies", []) for name, low in lows.items()}}


def _titles(store: Store, sheet: Sheet) -> dict[str, str]:
    own = {made.id: made for made in store.layers()}
    if sheet.name in own:
        kinds = [made.kind for made in own.values()]
        english, chinese = titles(own[sheet.name], layer_style(sheet.kind), alone=kinds.count(sheet.kind) == 1)
    else:
        english, chinese = (message(f"export_title_{sheet.name}", lang) for lang in ("en", "zh"))
    return {"description": english, "title_en": english, "title_zh": chinese}
