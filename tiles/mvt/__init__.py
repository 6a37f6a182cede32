"""A layer as vector tiles (Mapbox Vector Tile specification 2.1): laid out once, encoded tile by tile."""

from __future__ import annotations

import threading
from dataclasses import asdict
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from tiles.mvt.clip import BUFFER, Window
from tiles.mvt.encode import encode_layer
from tiles.mvt.geometry import EXTENT, bounds_of, mercator, shapes
from tiles.mvt.hilbert import curve_order
from tiles.mvt.properties import properties, row_bytes, varint
from tiles.mvt.tree import packed, reached
from tiles.mvt.zooms import first_zooms
from twin.model import FeatureTable

Ints = NDArray[np.int64]

MIN_ZOOM = 0
MAX_ZOOM = 18  # a unit of the tile grid is 3.7 cm at the equator and less beyond it
DEEPEST_ZOOM = 24  # still answered for those who ask; the tile grid is finer than a millimetre
_VERSION = b"\x78\x02"  # Layer.version = 2
_MARGIN = BUFFER / EXTENT


def is_tile(z: int, x: int, y: int) -> bool:
    """Whether the tile matrix set has such a tile."""
    return 0 <= z <= DEEPEST_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z


class VectorTiles:
    """The tiles of one layer: every tile holds one tile layer, named as the park's layer.

    Every feature has the property `id` and those of its columns that are not missing; its number is its place in the table, and the
    features of a tile are in the table's order. `thinned` says which zooms leave out what (see tiles/mvt/zooms.py); from `last_zoom` on
    nothing is left out.
    """

    def __init__(self, layer_id: str, table: FeatureTable, last_zoom: int = MAX_ZOOM) -> None:
        self.layer_id = layer_id
        self.last_zoom = last_zoom
        order = _along_curve(table)
        self._shapes = shapes(np.asarray(table.geometry, object)[order], order)
        self._properties, self.fields = properties(_ordered(table, order))
        zooms, self.thinned = first_zooms(self._shapes, row_bytes(self._properties), last_zoom)
        self._tree = packed(self._shapes.item_box, zooms)
        self.bounds = bounds_of(self._shapes)
        name = layer_id.encode()
        self._head = np.frombuffer(_VERSION + bytes([1 << 3 | 2]) + varint(len(name)) + name, np.uint8)
        self._of_thread = threading.local()

    def encode(self, z: int, x: int, y: int) -> bytes | None:
        """The tile's bytes; None where no feature shows or there is no such tile."""
        if not is_tile(z, x, y):
            return None
        window = _window(z, x, y, self.last_zoom)
        content = encode_layer(self._shapes, self._properties, self._tree, window, self._head, self._local_numbers())
        return content.tobytes() if len(content) else None

    def near(self, z: int, xy: Ints) -> NDArray[np.bool_]:
        """Whether a feature may be in each tile (n, 2) of a zoom or any below it; where False, there is none."""
        return reached(self._tree, z, xy, _MARGIN)

    def tilejson(self, address: str, title: str) -> dict[str, Any]:
        """The layer's TileJSON 3.0.0; `address` is that of its tiles, with {z}, {x} and {y}.

        Besides what the specification names, `generalized` lists the zooms that leave features out: {"zoom", "shown", "of"}.
        """
        west, south, east, north = self.bounds or (-180.0, -85.0, 180.0, 85.0)
        layer = {"id": self.layer_id, "description": title, "fields": self.fields, "minzoom": MIN_ZOOM, "maxzoom": self.last_zoom}
        return {
            "tilejson": "3.0.0",
            "name": title,
            "scheme": "xyz",
            "tiles": [address],
            "minzoom": MIN_ZOOM,
            "maxzoom": self.last_zoom,
            "bounds": [west, south, east, north],
            "center": [(west + east) / 2, (south + north) / 2, 15],
            "vector_layers": [layer],
            "generalized": [asdict(zoom) for zoom in self.thinned],
        }

    def _local_numbers(self) -> Any:
        """This thread's array of zeros, one a value: making it anew would take longer than the tile."""
        zeros = getattr(self._of_thread, "zeros", None)
        if zeros is None:
            zeros = self._of_thread.zeros = np.zeros(len(self._properties.value_start), np.int32)
        return zeros


def warm_up() -> None:
    """Compile the encoder, or load what was compiled before: the first tile after an installation would wait seconds for it."""
    VectorTiles("", FeatureTable(["0"], np.array([shapely.Point(0, 0)], object))).encode(0, 0, 0)


def _along_curve(table: FeatureTable) -> Ints:
    """The order in which a Hilbert curve meets the features: what a tile shows then lies together in memory."""
    bounds = shapely.bounds(np.asarray(table.geometry, object))
    with np.errstate(invalid="ignore"):
        return curve_order(mercator((bounds[:, :2] + bounds[:, 2:]) / 2))


def _ordered(table: FeatureTable, order: Ints) -> FeatureTable:
    chosen: list[int] = order.tolist()
    columns = {name: [values[i] for i in chosen] for name, values in table.columns.items()}
    return FeatureTable([table.ids[i] for i in chosen], np.asarray(table.geometry, object)[order], columns)


def _window(z: int, x: int, y: int, last_zoom: int) -> Window:
    count, scale = 2**z, float(EXTENT * 2**z)
    area = ((x - _MARGIN) / count, (y - _MARGIN) / count, (x + 1 + _MARGIN) / count, (y + 1 + _MARGIN) / count)
    last = z >= last_zoom
    return Window(z, area, scale, float(EXTENT * x), float(EXTENT * y), 0.0 if last else 1.0 / scale, last)
