"""A glTF 2.0 binary while it is being written: the chunk of bytes, the views and accessors into it, and the file around them.

Geometry is packed by EXT_meshopt_compression: the views that viewers see lie in a second buffer that has no bytes of its own.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiles.glb.meshopt import encode_attributes, encode_triangles

BYTE, UNSIGNED_BYTE, UNSIGNED_SHORT, UNSIGNED_INT, FLOAT = 5120, 5121, 5123, 5125, 5126
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
TO_Y_UP = (-(0.5**0.5), 0.0, 0.0, 0.5**0.5)  # quaternion, a quarter turn about x: (x, y, z) -> (x, z, -y)
COMPRESSION, QUANTIZATION = "EXT_meshopt_compression", "KHR_mesh_quantization"
MATERIAL = {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 1.0}}
_ALIGNED = 8  # EXT_structural_metadata wants 8 bytes, all else is content with it
_WHOLE, _UNPACKED = 0, 1  # buffers: the bytes of the file, and what they unpack to


@dataclass
class Binary:
    """The growing binary chunk and what points into it."""

    data: bytearray = field(default_factory=bytearray)
    unpacked: int = 0  # length of the second buffer [bytes]
    views: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    accessors: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def plain(self, content: bytes) -> int:
        """A view of bytes as they are; its number."""
        self.views.append({"buffer": _WHOLE, "byteOffset": self._append(content), "byteLength": len(content)})
        return len(self.views) - 1

    def rows(self, rows: NDArray[np.uint8], *, filtered: str = "", target: int | None = ARRAY_BUFFER) -> int:
        """A packed view of rows (n, stride), before the filter named by `filtered` is applied; its number."""
        count, stride = rows.shape
        keys = {"byteStride": stride} if target is None else {"byteStride": stride, "target": target}
        how = {"mode": "ATTRIBUTES", "filter": filtered} if filtered else {"mode": "ATTRIBUTES"}
        return self._packed(encode_attributes(rows), count, stride, how, keys)

    def triangles(self, index: NDArray[np.uint32], *, is_short: bool) -> int:
        """A packed view of the corners of triangles (3f,), unpacked to 2 or 4 bytes each; its number."""
        keys = {"target": ELEMENT_ARRAY_BUFFER}
        return self._packed(encode_triangles(index), len(index), 2 if is_short else 4, {"mode": "TRIANGLES"}, keys)

    def accessor(self, view: int, component: int, count: int, kind: str, **keys: Any) -> int:
        """A row of numbers in a view; its number."""
        self.accessors.append({"bufferView": view, "componentType": component, "count": count, "type": kind, **keys})
        return len(self.accessors) - 1

    def glb(self, document: Mapping[str, Any]) -> bytes:
        """The file of a glTF of one scene with all its nodes: `document` has these, meshes, materials and the extensions beside packing."""
        self.data += b"\0" * (-len(self.data) % _ALIGNED)
        buffers: list[dict[str, Any]] = [{"byteLength": len(self.data)}]
        if self.unpacked:
            buffers.append({"byteLength": self.unpacked, "extensions": {COMPRESSION: {"fallback": True}}})
        required = [QUANTIZATION, COMPRESSION, *document.get("extensionsRequired", [])]
        head = {
            "asset": {"version": "2.0", "generator": "parktwin"},
            "scene": 0,
            "scenes": [{"nodes": list(range(len(document["nodes"])))}],
        }
        said = {"extensionsUsed": [*required, *document.get("extensionsUsed", [])], "extensionsRequired": required}
        made = {"accessors": self.accessors, "bufferViews": self.views, "buffers": buffers}
        return _file({**head, **document, **said, **made}, bytes(self.data))

    def _packed(self, content: bytes, count: int, stride: int, how: Mapping[str, str], keys: Mapping[str, int]) -> int:
        packed = {"buffer": _WHOLE, "byteOffset": self._append(content), "byteLength": len(content), "byteStride": stride, "count": count}
        seen = {"buffer": _UNPACKED, "byteOffset": self.unpacked, "byteLength": count * stride, **keys}
        self.views.append({**seen, "extensions": {COMPRESSION: {**packed, **how}}})
        self.unpacked += count * stride + (-count * stride) % _ALIGNED
        return len(self.views) - 1

    def _append(self, content: bytes) -> int:
        self.data += b"\0" * (-len(self.data) % _ALIGNED)
        start = len(self.data)
        self.data += content
        return start


def _file(document: Mapping[str, Any], data: bytes) -> bytes:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8", "replace")
    text += b" " * (-(28 + len(text)) % _ALIGNED)  # the binary chunk's content starts aligned: header 12, chunk headers 8 each
    total = 12 + 8 + len(text) + 8 + len(data)
    header = struct.pack("<4sII", b"glTF", 2, total) + struct.pack("<I4s", len(text), b"JSON")
    return header + text + struct.pack("<I4s", len(data), b"BIN\0") + data
