from __future__ import annotations

import numpy as np
import pytest
from pyproj import Transformer

from importers.ground import lattice, round_step
from importers.heightgrid import carrier
from twin.crs import Frame


@pytest.mark.parametrize(
    ("lon", "lat", "crs"),
    [
        (120.6, 31.3, "EPSG:4549"),
        (120.6, 31.3, "EPSG:4326"),
        (8.5, 47.4, "EPSG:2056"),
        (25.0, 65.0, "EPSG:3857"),
        (151.2, -33.8, "EPSG:32756"),
    ],
)
def test_nodes_are_carried_to_the_file_to_a_tenth_of_a_millimetre(lon: float, lat: float, crs: str) -> None:
    frame = Frame(lon, lat, 40.0)
    nodes = lattice(np.array([-9000.0, -7000.0]), np.array([8000.0, 9500.0]), 25.0)
    carry = carrier(nodes, frame, 300.0, crs)
    xy = np.random.default_rng(0).uniform([-9000, -7000], [8000, 9500], (2000, 2))
    lonlat, there = carrier(nodes, frame, 300.0, "EPSG:4326")(xy), carry(xy)
    back = frame.to_enu(np.column_stack([lonlat, np.full(len(xy), 300.0)]))[:, :2]
    assert np.abs(back - xy).max() < 1e-3
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(lonlat[:, 0], lonlat[:, 1])
    off = np.abs(there - np.column_stack([x, y])).max()
    assert off < (1e-8 if crs == "EPSG:4326" else 2e-3)


def test_neighbours_share_their_lattice() -> None:
    west = lattice(np.array([-10.3, -4.0]), np.array([0.2, 6.0]), 0.7)
    east = lattice(np.array([0.3, -4.0]), np.array([9.9, 6.0]), 0.7)
    assert (east.x0_m - west.x0_m) / 0.7 == pytest.approx(round((east.x0_m - west.x0_m) / 0.7))
    assert west.x0_m + west.step_m * (west.columns - 1) <= 0.2 + 1e-9
    assert [round_step(cell) for cell in (0.2, 1.04, 9.96, 30.4)] == [1.0, 1.0, 10.0, 30.0]
