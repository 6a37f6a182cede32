"""Grids written as text, one node a line: x, y and height, in any order and with gaps."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twin.errors import UnreadableSource

_BLOCK_BYTES = 32_000_000
_SPARSE = 20  # a lattice with so many nodes for each point is none
_OFF = 0.15  # of a step: how far a point may lie from its node, for coordinates are written rounded
_HEADER = re.compile(rb"\s*[#/]*\s*\"?[A-Za-z\x80-\xff][^\n]*\n")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Nodes:
    """Heights (rows, columns), the first row in the north, NaN where no line tells one; the centre of the north-west node; the steps."""

    heights: NDArray[np.float32]
    west: float
    north: float
    dx: float
    dy: float


def has_header(head: bytes) -> bool:
    """Whether the first line names columns."""
    return bool(_HEADER.match(head.removeprefix(_BOM)))


def looks_regular(head: bytes) -> bool:
    """Whether the first lines are nodes of a grid: three numbers each, and x or y going on by one step."""
    try:
        points = _numbers(head[: head.rfind(b"\n") + 1] or head)
    except ValueError:
        return False
    if len(points) < 4:
        return False
    steps = np.abs(np.diff(points[:, :2], axis=0))
    middle = np.median(steps, axis=0)
    regular = np.mean(np.abs(steps - middle) <= 0.02 * middle, axis=0) > 0.6
    return bool(np.any(regular & (middle > 0)))


def read_nodes(path: Path) -> Nodes:
    """The grid in a text file.

    Raises
    ------
    UnreadableSource
        If a line is no point, or the points lie on no regular grid.
    """
    try:
        points = _read(path)
    except ValueError as error:
        raise UnreadableSource("xyz_damaged", subject=path) from error
    if len(points) < 4:
        raise UnreadableSource("xyz_irregular", subject=path)
    west, dx, column = _axis(points[:, 0], path)
    south, dy, row = _axis(points[:, 1], path)
    columns, rows = int(column.max()) + 1, int(row.max()) + 1
    if rows < 2 or columns < 2 or rows * columns > _SPARSE * len(points):
        raise UnreadableSource("xyz_irregular", subject=path)
    heights = np.full((rows, columns), np.nan, np.float32)
    heights[rows - 1 - row, column] = points[:, 2]
    return Nodes(heights, west, south + dy * (rows - 1), dx, dy)


def _read(path: Path) -> NDArray[np.float64]:
    """All points (n, 3), read by blocks of whole lines."""
    parts: list[NDArray[np.float64]] = []
    with path.open("rb") as stream:
        rest = b""
        while block := stream.read(_BLOCK_BYTES):
            lines, newline, rest = (rest + block).rpartition(b"\n")
            if newline:
                parts.append(_numbers(lines + newline))
        parts.append(_numbers(rest) if rest.strip() else np.empty((0, 3)))
    points = np.concatenate(parts)
    return points[np.isfinite(points[:, :2]).all(axis=1)]


def _numbers(lines: bytes) -> NDArray[np.float64]:
    """The first three columns (n, 3); raises ValueError where a line holds something else than numbers."""
    lines = lines.removeprefix(_BOM)
    header = _HEADER.match(lines)
    body = lines[header.end() :] if header else lines
    first = body.lstrip().partition(b"\n")[0].strip()
    if re.search(rb"[;\s]", first) and not re.search(rb",\s", first):
        body, first = body.replace(b",", b"."), first.replace(b",", b".")  # the comma is the decimal mark
    count = len(re.split(rb"[;\s]+|,\s*", first.rstrip(b",;")))
    if count < 3 or count > 12:
        raise ValueError
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # numpy's word for text that is no number
        try:
            values = np.fromstring(body.translate(bytes.maketrans(b",;\t\r\n", b"     ")), sep=" ")
        except DeprecationWarning as error:
            raise ValueError from error
    return values.reshape(-1, count)[:, :3]


def _axis(values: NDArray[np.float64], path: Path) -> tuple[float, float, NDArray[np.intp]]:
    """Least value, step and the place (n,) of each value along one axis."""
    places = np.unique(values)
    gaps = np.diff(places)
    span = float(places[-1] - places[0])
    gaps = gaps[gaps > span * 1e-9]
    if not gaps.size:
        raise UnreadableSource("xyz_irregular", subject=path)
    step = span / max(1, round(span / float(np.median(gaps))))
    index = np.round((values - places[0]) / step)
    if np.abs(values - places[0] - index * step).max() > _OFF * step:
        raise UnreadableSource("xyz_irregular", subject=path)
    return float(places[0]), step, index.astype(np.intp)
