"""Point clouds as a park keeps them: one file of points in the park's own metres, whatever they came in.

    64 bytes of head: magic, version, colour, count, origin, step · then 16 bytes a point: three int32 steps, red, green, blue, class

Only whoever reads a cloud knows its coordinate system and what its heights count from; so it is carried to the park's frame once, then, and
what draws it needs neither the libraries nor the options it was read with.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

SUFFIX = ".points"  # of the asset's name: that of the file it was read from before it
STEP_M = 1e-4  # points are kept to half of it
POINT = np.dtype([("xyz", "<i4", 3), ("color", "u1", 3), ("class", "u1")])

Color = Literal["none", "rgb", "intensity"]
_COLORS: tuple[Color, ...] = ("none", "rgb", "intensity")
_HEAD = struct.Struct("<8sIIQ3dd8x")  # 64 bytes
_MAGIC, _VERSION = b"PTPOINTS", 1


@dataclass(frozen=True)
class PointFile:
    """A file of points; `points` (n,) of POINT lies on disk and is read as far as it is looked at."""

    points: NDArray[np.void]
    origin: NDArray[np.float64]  # (3,) what steps count from [m, enu]
    step_m: float
    color: Color  # what the colours are

    def xyz(self, rows: slice | NDArray[np.int64]) -> NDArray[np.float64]:
        """Where some points are (m, 3). [m, enu]"""
        return self.origin + self.step_m * self.points["xyz"][rows]


def write_points(path: Path, origin: NDArray[np.float64], parts: Iterable[NDArray[np.void]], color: Callable[[], Color]) -> int:
    """Write parts of points (m,) of POINT, whose steps of STEP_M count from `origin` (3,) [m, enu]; how many there were.

    `color` is asked last, when all parts have been seen.
    """
    count = 0
    with path.open("wb") as stream:
        stream.write(bytes(_HEAD.size))
        for part in parts:
            stream.write(np.ascontiguousarray(part).tobytes())
            count += len(part)
        stream.seek(0)
        stream.write(_HEAD.pack(_MAGIC, _VERSION, _COLORS.index(color()), count, *origin.tolist(), STEP_M))
    return count


def read_points(path: Path) -> PointFile:
    """The points of a file.

    Raises
    ------
    ValueError
        If it is no such file, or was cut short.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise ValueError(str(path))
    magic, version, color, count, x, y, z, step = _HEAD.unpack(head)
    if magic != _MAGIC or version != _VERSION or color >= len(_COLORS) or path.stat().st_size != _HEAD.size + count * POINT.itemsize:
        raise ValueError(str(path))
    points = np.memmap(path, POINT, "r", _HEAD.size, (count,)) if count else np.empty(0, POINT)
    return PointFile(points, np.array([x, y, z]), step, _COLORS[color])
