"""What a model of the surface (roofs, trees, whatever stands) shows above the ground where nothing else is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.model import Terrain
from twin.scene import Obstacles, nothing, one_object
from twin.store import Store
from twin.terrain import ground_height, ground_z, height_at

RAISED_M = 2.0  # lower than a person's eyes, and than what such models cannot tell from cars
MARGIN_M = 2.0  # round what is known, where the surface is that of what is known
MOST_NODES = 1_000_000


def raised(store: Store, standing: Store, known: Callable[[], Sequence[Any]], far_m: float) -> Obstacles:
    """The surface as an obstacle where it is RAISED_M or more above the ground.

    Parameters
    ----------
    store
        The park.
    standing
        The same, perhaps with level ground: what is raised stands on its ground.
    known
        Gives the areas of buildings, models and plants that are obstacles of their own (shapely, x y [m, enu]).
    far_m
        What lies farther from the origin is left out. [m]

    Returns
    -------
    One object of id `surface`; it leans out by up to one step of the grid, as the border of what is raised lies between its nodes.
    """
    surface = store.terrain("surface")
    if surface is None or min(surface.heights.shape) < 2:
        return nothing()
    xy, shape = _nodes(surface)
    above = height_at(surface, xy) - ground_height(store.park(), store.terrain(), xy)
    high = (above >= RAISED_M) & (np.hypot(*xy.T) < far_m)  # False for NaN, too
    if high.any():
        areas = shapely.buffer(np.array(known(), object), MARGIN_M, quad_segs=4)
        taken, _ = shapely.STRtree(areas).query(shapely.points(xy[high]), predicate="within")
        high[np.flatnonzero(high)[taken]] = False
    z = ground_z(standing.park(), standing.terrain(), xy) + np.where(high, above, 0.0)
    faces = _faces(high.reshape(shape))
    used, inverse = np.unique(faces, return_inverse=True)
    if not len(used):
        return nothing()
    return one_object(np.column_stack([xy, z])[used], inverse.reshape(-1, 3), object_id="surface", kind="surface")


def _nodes(surface: Terrain) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Nodes (n, 2) of the grid, thinned where there are too many, and its shape."""
    stride = max(1, int(np.ceil(np.sqrt(surface.heights.size / MOST_NODES))))
    rows, columns = surface.heights[::stride, ::stride].shape
    step = surface.step_m * stride
    x, y = np.meshgrid(surface.x0_m + step * np.arange(columns), surface.y0_m + step * np.arange(rows))
    return np.column_stack([x.ravel(), y.ravel()]), (rows, columns)


def _faces(high: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Triangles of the grid's squares with a raised corner."""
    corner = np.arange(high.size).reshape(high.shape)
    squares = high[:-1, :-1] | high[:-1, 1:] | high[1:, 1:] | high[1:, :-1]
    a, b, c, d = (part[squares] for part in (corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]))
    return np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])
