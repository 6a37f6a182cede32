"""The ground as the page draws it: heights on a regular grid of longitude and latitude."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel

from twin.store import Store
from twin.terrain import height_at
from web.geometry import DEGREES

MOST = 160  # nodes along an edge: some metres apart in a park of a square kilometre


class TerrainAnswer(BaseModel):
    """Heights [m, park datum] by rows from the south, each from the west; null where the ground is not known. Edges in degrees."""

    west: float
    south: float
    east: float
    north: float
    columns: int
    rows: int
    heights: Sequence[float | None]


def terrain_answer(store: Store) -> TerrainAnswer | None:
    """The park's ground, read off its terrain at the nodes of the grid; None where no terrain is known."""
    terrain = store.terrain()
    if terrain is None or min(terrain.heights.shape) < 2:
        return None
    frame = store.park().frame
    rows, columns = (min(count, MOST) for count in terrain.heights.shape)
    far = terrain.step_m * np.array([terrain.heights.shape[1] - 1, terrain.heights.shape[0] - 1])
    corners = np.array([terrain.x0_m, terrain.y0_m]) + np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * far
    lonlat = frame.to_lonlat(corners)[:, :2]
    (west, south), (east, north) = lonlat.min(axis=0), lonlat.max(axis=0)
    lon, lat = np.meshgrid(np.linspace(west, east, columns), np.linspace(south, north, rows))
    heights = height_at(terrain, frame.to_enu(np.column_stack([lon.ravel(), lat.ravel()]))[:, :2])
    return TerrainAnswer(
        west=round(float(west), DEGREES),
        south=round(float(south), DEGREES),
        east=round(float(east), DEGREES),
        north=round(float(north), DEGREES),
        columns=columns,
        rows=rows,
        heights=[None if not np.isfinite(h) else round(float(h), 2) for h in heights],
    )
