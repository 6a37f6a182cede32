"""A layer as vector tiles (Mapbox Vector Tile specification 2.1): laid out once, encoded tile by tile."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import shapely

from tiles.mvt_encode import BUFFER, EXTENT, Window, encode_features, gather
from tiles.mvt_geometry import bounds_of, shapes
from tiles.mvt_properties import properties, varint
from twin.model import FeatureTable

MIN_ZOOM = 0
MAX_ZOOM = 18  # a unit of the tile grid is 3.7 cm at the equator and less beyond it
DEEPEST_ZOOM = 24  # still answered for those who ask; the tile grid is finer than a millimetre
_VERSION = b"\x78\x02"  # Layer.version = 2
_EXTENT = bytes([5 << 3]) + varint(EXTENT)  # Layer.extent


def is_tile(z: int, x: int, y: int) -> bool:
    """Whether the tile matrix set has such a tile."""
    return 0 <= z <= DEEPEST_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z


class VectorTiles:
    """The tiles of one layer: every tile holds one tile layer, named as the park's layer.

    Every feature has the property `id` and those of its columns that are not missing; its number is its place in the table.
    """

    def __init__(self, layer_id: str, table: FeatureTable) -> None:
        self.layer_id = layer_id
        self._shapes = shapes(table.geometry)
        self._properties, self.fields = properties(table)
        box = self._shapes.item_box
        self._tree = shapely.STRtree(shapely.box(box[:, 0], box[:, 1], box[:, 2], box[:, 3]))
        self.bounds = bounds_of(self._shapes)
        self._of_thread = threading.local()

    def encode(self, z: int, x: int, y: int) -> bytes | None:
        """The tile's bytes; None where no feature shows or there is no such tile."""
        if not is_tile(z, x, y):
            return None
        margin = BUFFER / EXTENT
        corners = np.array([x - margin, y - margin, x + 1 + margin, y + 1 + margin]) / 2**z
        chosen = self._tree.query(shapely.box(*corners))
        if not len(chosen):
            return None
        chosen.sort()
        features, keys, values = encode_features(self._shapes, self._properties, _window(z, x, y), chosen, self._local_numbers())
        return self._tile(features, keys, values) if len(features) else None

    def tilejson(self, address: str, title: str) -> dict[str, Any]:
        """The layer's TileJSON 3.0.0; `address` is that of its tiles, with {z}, {x} and {y}."""
        west, south, east, north = self.bounds or (-180.0, -85.0, 180.0, 85.0)
        layer = {"id": self.layer_id, "description": title, "fields": self.fields, "minzoom": MIN_ZOOM, "maxzoom": MAX_ZOOM}
        return {
            "tilejson": "3.0.0",
            "name": title,
            "scheme": "xyz",
            "tiles": [address],
            "minzoom": MIN_ZOOM,
            "maxzoom": MAX_ZOOM,
            "bounds": [west, south, east, north],
            "center": [(west + east) / 2, (south + north) / 2, 15],
            "vector_layers": [layer],
        }

    def _local_numbers(self) -> Any:
        """This thread's array of zeros, one a value: making it anew would take longer than the tile."""
        zeros = getattr(self._of_thread, "zeros", None)
        if zeros is None:
            zeros = self._of_thread.zeros = np.zeros(len(self._properties.value_start), np.int32)
        return zeros

    def _tile(self, features: Any, keys: Any, values: Any) -> bytes:
        name = self.layer_id.encode()
        found = self._properties
        layer = b"".join((
            _VERSION,
            bytes([1 << 3 | 2]) + varint(len(name)) + name,
            features.tobytes(),
            gather(found.keys, found.key_start, keys).tobytes(),
            gather(found.values, found.value_start, values).tobytes(),
            _EXTENT,
        ))  # fmt: skip
        return bytes([3 << 3 | 2]) + varint(len(layer)) + layer


def warm_up() -> None:
    """Compile the encoder, or load what was compiled before: the first tile after an installation would wait seconds for it."""
    VectorTiles("", FeatureTable(["0"], np.array([shapely.Point(0, 0)], object))).encode(0, 0, 0)


def _window(z: int, x: int, y: int) -> Window:
    scale = float(EXTENT * 2**z)
    last = z >= MAX_ZOOM
    return Window(scale, float(EXTENT * x), float(EXTENT * y), 0.0 if last else 1.0 / scale, last)
