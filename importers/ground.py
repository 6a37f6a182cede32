"""What all sources of heights share: the lattice of the park's terrain grids, and the points of the Earth below its nodes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from importers.contract import Context
from importers.heights import Heights, heights
from importers.placing import understood_crs
from twin.crs import NEAR_M, Frame, crs_candidates, is_geographic, unit_m, vertical
from twin.errors import UnreadableSource
from twin.model import Issue, Terrain

LEAST_STEP_M = 1.0
MOST_NODES = 16_000_000  # of one source: 4 km by 4 km at 1 m
REACH_M = 10_000.0  # of a source around the park, what lies within this distance of the origin is kept
PLAUSIBLE_M = (-500.0, 9000.0)  # heights on land; beyond them a value means that nothing is known
# how bands and clouds write the unit of their heights
UNITS_M = {  # names of units of height that are no metres, in lower case
    "mm": 0.001, "millimetre": 0.001, "millimeter": 0.001, "cm": 0.01, "centimetre": 0.01, "centimeter": 0.01, "dm": 0.1, "decimetre": 0.1,
    "decimeter": 0.1, "ft": 0.3048, "foot": 0.3048, "feet": 0.3048, "us survey foot": 1200 / 3937, "ftus": 1200 / 3937,
    "us-ft": 1200 / 3937,
}  # fmt: skip
_CHUNK = 500_000
Carry = Callable[[NDArray[np.float64]], NDArray[np.float64]]  # points (n, 2) of one frame -> of another
_COMPARED = 2000  # nodes that are held against the ground that is there


@dataclass(frozen=True)
class Lattice:
    """A regular grid of the park's frame, its nodes at multiples of the step so that neighbouring sources share it."""

    x0_m: float
    y0_m: float
    step_m: float
    rows: int
    columns: int

    def parts(self) -> Generator[NDArray[np.float64]]:
        """The nodes (n, 2) [m, enu] from the south-west, row by row, in parts that fit in little memory."""
        band = max(1, _CHUNK // self.columns)
        x = self.x0_m + self.step_m * np.arange(self.columns)
        for start in range(0, self.rows, band):
            y = self.y0_m + self.step_m * np.arange(start, min(start + band, self.rows))
            yield np.column_stack([np.tile(x, len(y)), np.repeat(y, self.columns)]).astype(np.float64)

    def terrain(self, heights: NDArray[Any], role: str) -> Terrain:
        """The grid with heights (rows · columns,) at its nodes. [m, park datum]"""
        grid = heights.reshape(self.rows, self.columns).astype(np.float32)
        return Terrain(self.x0_m, self.y0_m, self.step_m, grid, "surface" if role == "surface" else "ground")


def lattice(low: NDArray[np.float64], high: NDArray[np.float64], step: float) -> Lattice:
    """The grid of all nodes within the box from `low` (2,) to `high` (2,) [m, enu]; at least one cell."""
    first = np.ceil(np.round(low / step, 6)).astype(int)
    last = np.maximum(np.floor(np.round(high / step, 6)).astype(int), first + 1)
    columns, rows = (last - first + 1).tolist()
    return Lattice(float(first[0] * step), float(first[1] * step), step, rows, columns)


def round_step(cell_m: float) -> float:
    """The step of the grid for cells of that size: at least a metre, in whole decimetres, from 10 m on in whole metres."""
    return max(LEAST_STEP_M, float(np.round(cell_m, 1) if cell_m < 10 else np.round(cell_m)))


def below(frame: Frame, xy: NDArray[np.float64], height_m: float) -> NDArray[np.float64]:
    """Longitude, latitude (n, 2) of the ground under points of the tangent plane: down by the Earth's curvature, to a mean height."""
    z = np.full(len(xy), height_m - frame.h_m)
    for _ in range(2):
        z += height_m - frame.to_lonlat(np.column_stack([xy, z]))[:, 2]
    return frame.to_lonlat(np.column_stack([xy, z]))[:, :2]


def ring(frame: Frame) -> NDArray[np.float64]:
    """Longitude, latitude (n, 2) of points around the origin and at it: what lies within reach lies among them."""
    around = np.array([[np.cos(a), np.sin(a)] for a in np.linspace(0, 2 * np.pi, 33)])
    return frame.to_lonlat(np.concatenate([REACH_M * around, REACH_M / 2 * around, [[0.0, 0.0]]]))[:, :2]


def check_near(subject: object, distance_m: float, box: tuple[float, float, float, float] | None, frame: Frame) -> None:
    """Refuse a source whose nearest point is farther from the park's origin than its ground can be.

    `box` is xmin, ymin, xmax, ymax in its own coordinates, None where they leave no doubt: if these would lie near the park in another
    system, the sentence says so.
    """
    if distance_m <= NEAR_M:
        return
    guesses = "" if box is None else ", ".join(crs_candidates(box, frame)[:3])
    code = "raster_far_guessed" if guesses else "raster_far"
    raise UnreadableSource(code, subject=subject, km=round(distance_m / 1000), candidates=guesses)


def wanted_role(context: Context) -> str | None:
    """`ground` or `surface` where the person said which; None otherwise."""
    return {"terrain": "ground", "surface": "surface"}.get(context.options.kind or "")


def summary(terrain: Terrain) -> Mapping[str, Any]:
    """What the report says about a terrain."""
    known = terrain.heights[np.isfinite(terrain.heights)]
    rows, columns = terrain.heights.shape
    return {
        "role": terrain.role,
        "rows": rows,
        "columns": columns,
        "step_m": terrain.step_m,
        "known": round(known.size / terrain.heights.size, 4),
        "lowest_m": round(float(known.min()), 2) if known.size else None,
        "highest_m": round(float(known.max()), 2) if known.size else None,
    }


def nodes_of(terrain: Terrain, most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most so many known nodes (n, 2) [m, enu], spread over the grid, and their heights (n,). [m, park datum]"""
    row, column = np.nonzero(np.isfinite(terrain.heights))
    some = np.linspace(0, len(row) - 1, min(len(row), most)).astype(int)
    row, column = row[some], column[some]
    xy = np.column_stack([terrain.x0_m + terrain.step_m * column, terrain.y0_m + terrain.step_m * row]).astype(np.float64)
    return xy, terrain.heights[row, column].astype(np.float64)


def height_rule(source: str, crs: str, stated: str | None, context: Context, issues: list[Issue], unit: float | None = None) -> Heights:
    """How a source's heights become the park's: by the system of its coordinates, or by the one it states where the person overruled it
    with one that says nothing of heights; `unit` [m] where the file says it elsewhere.

    Where nobody says the unit it is that of the plane, as LAS 1.4 R15 and the makers of state plane rasters have it; it is told.
    """
    own = understood_crs(stated)
    if vertical(crs) is None and own is not None and vertical(own) is not None:
        return heights(source, own, context, unit_m=unit)
    plane = 1.0 if is_geographic(crs) else unit_m(crs) or 1.0
    if unit is not None or vertical(crs) is not None or context.options.height_datum is not None or plane == 1.0:
        return heights(source, crs, context, unit_m=unit)
    issues.append(Issue("heights_unit_unsaid", "warning", source, {"metres": f"{plane:.7g}"}))
    return heights(source, crs, context, unit_m=plane)


def remarks(terrain: Terrain, rule: Heights, context: Context) -> list[Issue]:
    """What is to be said of the heights of a new terrain: ground is held against the ground that is there."""
    if terrain.role != "ground":
        return rule.remarks()
    xy, known = nodes_of(terrain, _COMPARED)
    return rule.remarks(below(context.park.frame, xy, float(known.mean())) if len(known) else (), known)


def converted(rule: Heights, on_earth: Carry, xy: NDArray[np.float64], values: NDArray[Any]) -> NDArray[np.float64]:
    """Heights (n,) [m, park datum] of a source's heights (n,), unknown ones (NaN) among them, at points (n, 2) [m, enu].

    `on_earth` tells longitude and latitude of the points; it is asked only where the conversion is not the same everywhere.
    """
    known = np.isfinite(values)
    out = np.full(len(values), np.nan)
    if known.any():
        place = xy[known] if rule.way.transformer is None else on_earth(xy[known])
        out[known] = rule.to_park(place, values[known])
    return out
