"""The ground as the page gets it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from twin.crs import Frame
from twin.model import Park, Terrain
from twin.store import create_store
from web.answers.terrain import MOST, terrain_answer

FRAME = Frame(104.06, 30.54, 0.0)


def test_a_sloping_plane_is_the_same_plane_in_degrees(tmp_path: Path) -> None:
    store = create_store(tmp_path / "park", Park("p", FRAME))
    assert terrain_answer(store) is None
    plane = np.fromfunction(lambda i, j: 500 + 0.3 * j - 0.2 * i, (401, 301)).astype(np.float32)
    plane[:3, :3] = np.nan
    with store.transaction() as writer:
        writer.put_terrain(Terrain(-300.0, -400.0, 2.0, plane), source="dem")
    told = terrain_answer(store)
    assert told is not None
    assert (told.columns, told.rows, len(told.heights)) == (MOST, MOST, MOST * MOST)
    lon = np.linspace(told.west, told.east, told.columns)
    lat = np.linspace(told.south, told.north, told.rows)
    for row, column in ((80, 20), (10, 150), (150, 80)):
        x, y, _ = FRAME.to_enu([[lon[column], lat[row]]])[0]
        expected = 500 + 0.3 * (x + 300) / 2 - 0.2 * (y + 400) / 2
        assert told.heights[row * told.columns + column] == pytest.approx(expected, abs=0.02)
    assert told.heights[0] is None
