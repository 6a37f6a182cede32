"""The ground: a gentle fall to the south, low waves, a creek with a lake, level pads under buildings and the plaza.

Heights are in the park's datum [m]; points are plan metres.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from shapely import Polygon

from sample_park import frame
from sample_park.plan import BASINS, BUILDINGS, CREEK, CREEK_WIDTH_M, LAKE, PLAZA
from sample_park.roads import culverts

STEP_M = 3.0
HALF_EXTENT_M = 600.0
PAD_SHOULDER_M = 3.0  # level ground round a wall
PAD_SLOPE_M = 9.0  # over which a pad runs out into the slope

Array = NDArray[np.float64]


def heights(points: Any) -> Array:
    """Ground heights (n,) [m, park datum] at plan points (n, 2) [m]."""
    points = np.asarray(points, float).reshape(-1, 2)
    h = _natural(points) - _channel(points)
    where = shapely.points(points)
    for outline, level in pads():
        reach = outline.buffer(PAD_SHOULDER_M + PAD_SLOPE_M)
        near = shapely.intersects_xy(reach, points[:, 0], points[:, 1])
        distance = shapely.distance(where[near], outline)
        weight = _smooth(1 - (distance - PAD_SHOULDER_M) / PAD_SLOPE_M)
        h[near] = h[near] * (1 - weight) + level * weight
    return h


@cache
def pads() -> tuple[tuple[Polygon, float], ...]:
    """The level pads: outline [m] and height [m, park datum], for the plaza, the basins and every building in plan order."""
    outlines = [PLAZA, *BASINS, *(Polygon(building.outline.exterior) for building in BUILDINGS)]
    centres = np.array([[shape.centroid.x, shape.centroid.y] for shape in outlines])
    return tuple((shape, round(float(level), 2)) for shape, level in zip(outlines, _natural(centres), strict=True))


def base_height(building_id: str) -> float:
    """Height of a building's ground floor. [m, park datum]"""
    levels = [level for _, level in pads()][-len(BUILDINGS) :]
    return dict(zip([building.id for building in BUILDINGS], levels, strict=True))[building_id]


def plaza_height() -> float:
    """Height of the plaza's pavement. [m, park datum]"""
    return pads()[0][1]


def write_geotiff(path: Path) -> None:
    """The ground on a grid of the national projection, 32-bit floats to the centimetre, deflated."""
    centre = frame.plan_to_grid([[0.0, 0.0]], frame.GRID_CRS)[0]
    west, north = (round(float(value) / STEP_M) * STEP_M for value in (centre[0] - HALF_EXTENT_M, centre[1] + HALF_EXTENT_M))
    cells = round(2 * HALF_EXTENT_M / STEP_M)
    x = west + (np.arange(cells) + 0.5) * STEP_M
    y = north - (np.arange(cells) + 0.5) * STEP_M
    grid = np.column_stack([np.tile(x, cells), np.repeat(y, cells)])
    h = np.round(heights(frame.grid_to_plan(grid, frame.GRID_CRS)), 2).astype(np.float32)  # (cells²,)
    options: dict[str, Any] = {"compress": "deflate", "predictor": 3, "zlevel": 9, "tiled": True, "blockxsize": 256, "blockysize": 256}
    with rasterio.open(
        path, "w", driver="GTiff", width=cells, height=cells, count=1, dtype="float32", crs=frame.GRID_CRS,
        transform=rasterio.Affine(STEP_M, 0.0, west, 0.0, -STEP_M, north), **options,
    ) as target:  # fmt: skip
        target.write(h.reshape(cells, cells), 1)
        target.update_tags(1, description="ground height above the park datum [m]")


def _natural(points: Array) -> Array:
    u, v = points.T
    return 1.6 + 0.0022 * v + 0.55 * np.sin(u / 150 + 0.6) * np.cos(v / 190) + 0.3 * np.sin((u + v) / 95)


def _channel(points: Array) -> Array:
    """Depth of the creek and the lake below the natural ground; roads cross it on culverts."""
    where = shapely.points(points)
    creek = 2.1 * _smooth(1 - (shapely.distance(where, CREEK) - CREEK_WIDTH_M / 2 + 1) / 5.0)
    lake = 2.4 * _smooth(1 - (shapely.distance(where, LAKE) - 0.0) / 6.0)
    covered = _smooth(1 - shapely.distance(where, culverts()) / 4.0)
    return np.maximum(creek, lake) * (1 - covered)


def _smooth(steps: Any) -> Array:
    t = np.clip(np.asarray(steps, float), 0.0, 1.0)
    return t * t * (3 - 2 * t)
