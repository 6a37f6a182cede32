"""What walls leave of the carriers of one place: against every point and corner asked by itself, and every cell by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from trimesh.creation import box as closed

from twin.coverage.behind import Corners, cuts
from twin.coverage.bounded import probes
from twin.coverage.cells import grid
from twin.coverage.heads import Asks, Rooms, through_walls
from twin.coverage.makeup import BEST, loss_table_db, partitions
from twin.coverage.surface import Piece, Surface
from twin.coverage.walls import Barriers, faces, wall_loss
from twin.scene import Obstacles, concat, one_object
from twin.scene.embree import Scene

ANTENNA = np.array([0.3, -0.2, 2.6])
LEAST_DBM = -80.0


def wall(k: int, low: Any, high: Any) -> Obstacles:
    body = closed(bounds=[low, high])
    return one_object(np.asarray(body.vertices), np.asarray(body.faces), object_id=f"wall/{k}", kind="wall")


@pytest.fixture(scope="module")
def rooms() -> Rooms:
    """A floor of 20 x 20 m with three walls that do not touch, cut into cells of 2 m."""
    ob = concat([wall(0, (3, -9, 0), (3.2, 9, 3)), wall(1, (-8, 4.3, 0), (2.8, 4.55, 3)), wall(2, (6.5, -9, 0), (6.8, 2.3, 3))])
    walls = partitions(ob.object_kind, ob.object_materials, ob.object_opaque)
    among = Barriers(Scene(ob), faces(ob.vertices, ob.faces, ob.face_object), walls, ob.object_ids)
    surface = Surface("s", [Piece("p", "p", shapely.box(-10, -10, 10, 10), floor_z=0.0)])
    cells = grid(surface, 2.0, 1.5, lambda xy: np.zeros(len(xy)))
    looked = probes(cells)
    first = np.append(looked.start, len(looked.points)).astype(np.int64)
    corners = Corners(np.ascontiguousarray(looked.points[:, :2]), first, np.ascontiguousarray(cells.z_range))
    return Rooms(among, looked, cells.z_range, cuts(among.rims, corners))


def ask(rooms: Rooms, f_ghz: float, power: float, cells: Any = None) -> Asks:
    chosen = np.arange(len(rooms.own)) if cells is None else np.asarray(cells, np.int64)
    away = np.linalg.norm(rooms.own[chosen] - ANTENNA, axis=1)
    return Asks(f_ghz, chosen, power - 20.0 * np.log10(np.maximum(away, 1.0)), np.zeros(len(chosen), bool))


def test_a_cell_is_heard_where_its_point_or_a_corner_is(rooms: Rooms) -> None:
    asked = [ask(rooms, 2.57, -60.0), ask(rooms, 3.35, -58.0)]
    found = through_walls(rooms, ANTENNA, 0.0, asked, LEAST_DBM)
    for each, lost in zip(asked, found, strict=True):
        table = loss_table_db(rooms.barriers.walls, each.f_ghz)
        points = rooms.looked.points
        db = wall_loss(rooms.barriers, table, np.broadcast_to(ANTENNA, points.shape), points).db
        least = np.minimum.reduceat(db[:, BEST], rooms.looked.start)
        expected = np.flatnonzero(each.free_dbm - least >= LEAST_DBM)
        assert 0 < len(expected) < len(each.cells)
        assert lost.cells.tolist() == expected.tolist()
        assert lost.db[:, 0] == pytest.approx(db[rooms.looked.start][expected], abs=0)
        own = np.repeat(np.arange(len(rooms.own)), np.diff(np.append(rooms.looked.start, len(points))))
        for row, cell in enumerate(lost.cells.tolist()):  # what the corners lose lies between the bounds
            assert (db[own == cell] >= lost.db[row, 1] - 1e-9).all()
            assert (db[own == cell] <= lost.db[row, 2] + 1e-9).all()


def test_carriers_and_cells_do_not_matter_to_each_other(rooms: Rooms) -> None:
    """What one carrier loses is the same beside another, and in a cell the same whichever others are asked about."""
    both = through_walls(rooms, ANTENNA, 0.0, [ask(rooms, 2.57, -58.0), ask(rooms, 3.35, -60.0)], LEAST_DBM)
    some = np.arange(0, len(rooms.own), 3)
    alone = through_walls(rooms, ANTENNA, 0.0, [ask(rooms, 2.57, -58.0, some)], LEAST_DBM)[0]
    shared = np.isin(both[0].cells, some)
    assert both[0].cells[shared].tolist() == alone.cells.tolist()
    assert np.array_equal(both[0].db[shared], alone.db)


def test_what_always_counts_is_heard(rooms: Rooms) -> None:
    silent = ask(rooms, 2.57, -300.0)
    hall = np.arange(len(silent.cells)) % 7 == 0
    found = through_walls(rooms, ANTENNA, 0.0, [Asks(2.57, silent.cells, silent.free_dbm, hall)], LEAST_DBM)[0]
    assert found.cells.tolist() == np.flatnonzero(hall).tolist()
    assert through_walls(rooms, ANTENNA, 0.0, [ask(rooms, 2.57, -300.0)], LEAST_DBM)[0].cells.tolist() == []
