"""SINR of Wi-Fi: two access points by hand, and bounds that hold on a finer grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from trimesh.creation import box as closed

from twin.coverage.cells import Cells, grid
from twin.coverage.channels import noise_dbm
from twin.coverage.heard import Medium
from twin.coverage.interference import air, clear, sinr_db
from twin.coverage.makeup import partitions
from twin.coverage.propagation import free_space_db
from twin.coverage.shots import levels_at
from twin.coverage.surface import Piece, Surface
from twin.coverage.walls import Barriers, faces
from twin.coverage.wifi import Transmitters
from twin.scene import Obstacles, nothing, one_object
from twin.scene.embree import Scene

HEIGHT = 1.2
WIDE = np.array([20.0, 20.0])


def barriers(ob: Obstacles) -> Barriers:
    walls = partitions(ob.object_kind, ob.object_materials, ob.object_opaque)
    return Barriers(Scene(ob), faces(ob.vertices, ob.faces, ob.face_object), walls, ob.object_ids)


def two(f: tuple[float, float] = (2.412, 2.412), owner: Any = None) -> Transmitters:
    return Transmitters(np.array([[1.0, 3, 2.5], [15, 3, 2.5]]), np.array(f), np.array([10.0, 10.0]), np.zeros(2), owner)


def cells_of(polygon: Any, step: float) -> Cells:
    return grid(Surface("s", [Piece("p", "p", polygon, floor_z=0.0)]), step, HEIGHT, lambda xy: np.zeros(len(xy)))


def test_sinr_by_hand() -> None:
    among = air(two(), WIDE, 0.5)
    levels = np.array([[-50.0, -60.0], [-70.0, -40.0]])
    noise = 10 ** (float(noise_dbm(20.0)) / 10)
    expected = -50.0 - 10 * np.log10(noise + 0.5 * 1e-6)
    assert sinr_db(levels, among)[0, 0] == pytest.approx(expected)
    assert sinr_db(levels, air(two(), WIDE, 0.0))[0, 0] == pytest.approx(-50.0 - float(noise_dbm(20.0)))
    assert sinr_db(levels, air(two((2.412, 2.437)), WIDE, 1.0))[0, 0] == pytest.approx(-50.0 - float(noise_dbm(20.0)))
    assert sinr_db(levels, air(two(owner=np.array([0, 0])), WIDE, 1.0))[0, 0] == pytest.approx(-50.0 - float(noise_dbm(20.0)))
    assert sinr_db(levels, air(two(), WIDE, 0.0, -92.0))[0, 0] == pytest.approx(42.0)


def test_many_radios_are_compared_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    f, width, owner = rng.choice([2.412, 2.422, 5.22], 30), rng.choice([20.0, 40.0], 30), np.arange(30) // 2
    many = Transmitters(np.zeros((30, 3)), f, np.full(30, 20.0), np.zeros(30), owner)
    among, levels = air(many, width, 0.5), rng.uniform(-90, -40, (7, 30))
    whole = among.disturbing(levels)
    monkeypatch.setattr("twin.coverage.interference._MOST_SHARES", 120)
    assert among.disturbing(levels) == pytest.approx(whole, rel=1e-12)


def test_halfway_between_two_the_signal_is_as_strong_as_what_disturbs_it() -> None:
    cells = cells_of(shapely.box(0, 0, 16, 6), 1.0)
    among = air(two(), WIDE, 1.0)
    got = clear(two(), barriers(nothing()), Medium(), among, cells, (-90.0, 10.0))
    middle = np.flatnonzero((np.abs(cells.centre[:, 0] - 8.5) < 0.1) & (np.abs(cells.centre[:, 1] - 2.5) < 0.1))[0]
    d = np.linalg.norm(cells.centre[middle] - two().position, axis=1)
    level = 10.0 - free_space_db(d, 2.412)
    assert got.sinr[middle] == pytest.approx(abs(float(level[0] - level[1])), abs=0.01)
    assert not got.covered[middle]
    other = clear(two((2.412, 2.437)), barriers(nothing()), Medium(), air(two((2.412, 2.437)), WIDE, 1.0), cells, (-90.0, 10.0))
    assert other.covered.all()
    assert other.sure.all()


@pytest.mark.parametrize("least", [5.0, 10.0, 15.0])
def test_bounds_hold_on_a_finer_grid(least: float) -> None:
    wall = closed(bounds=[(6, 1.3, 0), (6.2, 4.1, 3)])
    ob = one_object(
        np.asarray(wall.vertices), np.asarray(wall.faces), object_id="w", kind="wall", materials=[{"name": "Concrete", "thickness_m": 0.2}]
    )
    among, shared, asked = barriers(ob), air(two(), WIDE, 1.0), (-70.0, least)
    cells, fine = cells_of(shapely.box(0, 0, 16, 6), 1.0), cells_of(shapely.box(0, 0, 16, 6), 0.1)
    got = clear(two(), among, Medium(), shared, cells, asked)
    level = levels_at(two(), among, Medium(), fine.representative, -300.0)
    met = np.asarray(((level >= asked[0]) & (sinr_db(level, shared) >= least)).any(axis=1), bool)
    number = {tuple(place): i for i, place in enumerate(np.floor(cells.centre[:, :2]).astype(int).tolist())}
    own = np.array([number[tuple(place)] for place in np.floor(fine.centre[:, :2]).astype(int).tolist()])
    assert met[got.sure[own]].all()
    assert not met[~got.possible[own]].any()
    assert (got.sure <= got.covered).all()
    assert (got.covered <= got.possible).all()
    assert got.mixed.any()


def test_nobody_is_no_signal() -> None:
    none = Transmitters(np.empty((0, 3)), np.empty(0), np.empty(0), np.empty(0))
    got = clear(none, barriers(nothing()), Medium(), air(none, np.empty(0), 0.5), cells_of(shapely.box(0, 0, 3, 3), 1.0), (-67.0, 25.0))
    assert not got.possible.any()
    assert np.isnan(got.sinr).all()
