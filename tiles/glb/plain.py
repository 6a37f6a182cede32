"""Points and surfaces without features as glTF 2.0 binaries: bare attributes, packed.

Tiles are z-up here; the one node turns them y-up, as glTF demands, and carries the grid of KHR_mesh_quantization.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiles.glb.binary import FLOAT, MATERIAL, TO_Y_UP, UNSIGNED_INT, UNSIGNED_SHORT, Binary
from tiles.glb.meshopt import encode_exponential

POINTS, TRIANGLES = 0, 4
GRID_STEP_M = 0.001  # a coarser grid of positions would move them by more than half a millimetre
FLOAT_EXPONENT = -11  # of positions that no such grid holds: multiples of 2⁻¹¹ m, half a millimetre


@dataclass(frozen=True)
class Attribute:
    """One attribute of the vertices: rows of bytes and how they are read."""

    name: str
    rows: NDArray[np.uint8]  # (n, stride), as they are packed
    component: int
    kind: str  # SCALAR VEC3 VEC4
    keys: dict[str, Any]  # further keys of the accessor: normalized, min, max
    filter: str = ""


@dataclass(frozen=True)
class Grid:
    """Where positions count from and the step of their numbers. [m]"""

    low: NDArray[np.float64]  # (3,)
    step_m: float | None  # None: they are metres


def positions(xyz: NDArray[np.float64]) -> tuple[Attribute, Grid]:
    """POSITION of points (n, 3) [m]: 16-bit numbers where these tell millimetres apart, else floats."""
    low, high = xyz.min(axis=0), xyz.max(axis=0)
    step = max(float((high - low).max()) / 65535, 1e-6)
    if step <= GRID_STEP_M:
        rows = np.zeros((len(xyz), 4), "<u2")
        rows[:, :3] = np.rint((xyz - low) / step)
        keys = {"min": rows[:, :3].min(axis=0).tolist(), "max": rows[:, :3].max(axis=0).tolist()}
        return Attribute("POSITION", rows.view(np.uint8), UNSIGNED_SHORT, "VEC3", keys), Grid(low, step)
    values = np.rint(xyz * 2.0**-FLOAT_EXPONENT).astype(np.int32)
    keys = {"min": (values.min(axis=0) * 2.0**FLOAT_EXPONENT).tolist(), "max": (values.max(axis=0) * 2.0**FLOAT_EXPONENT).tolist()}
    return Attribute("POSITION", encode_exponential(values, FLOAT_EXPONENT), FLOAT, "VEC3", keys, "EXPONENTIAL"), Grid(np.zeros(3), None)


def small(name: str, values: NDArray[Any], component: int, kind: str, *, is_normalized: bool) -> Attribute:
    """An attribute of bytes (n, k), k at most four, padded to four."""
    rows = np.zeros((len(values), 4), np.uint8)
    rows[:, : values.shape[1]] = values.view(np.uint8)
    return Attribute(name, rows, component, kind, {"normalized": True} if is_normalized else {})


def plain_glb(attributes: Sequence[Attribute], grid: Grid, triangles: NDArray[np.uint32] | None = None) -> bytes:
    """A GLB of one mesh: points, or the triangles (f, 3) between them."""
    binary = Binary()
    count = len(attributes[0].rows)
    named = {
        one.name: binary.accessor(binary.rows(one.rows, filtered=one.filter), one.component, count, one.kind, **one.keys)
        for one in attributes
    }
    primitive: dict[str, Any] = {"attributes": named, "mode": POINTS if triangles is None else TRIANGLES, "material": 0}
    if triangles is not None:
        is_short = count < 65535  # the largest number of a type is reserved (glTF 2.0, 3.7.2.1)
        view = binary.triangles(triangles.ravel(), is_short=is_short)
        primitive["indices"] = binary.accessor(view, UNSIGNED_SHORT if is_short else UNSIGNED_INT, triangles.size, "SCALAR")
    x, y, z = (float(value) for value in grid.low)
    scale = {} if grid.step_m is None else {"scale": [grid.step_m] * 3}
    return binary.glb(
        {
            "nodes": [{"mesh": 0, "rotation": list(TO_Y_UP), "translation": [x, z, -y], **scale}],
            "meshes": [{"primitives": [primitive]}],
            "materials": [MATERIAL],
        }
    )
