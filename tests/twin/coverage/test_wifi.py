"""Wi-Fi over cells: closed forms in the open, walls counted by hand, bounds against a ten times finer grid."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from trimesh.creation import box as closed

from twin.coverage import wifi
from twin.coverage.bounded import Areas, Before, areas
from twin.coverage.cells import Cells, grid, split
from twin.coverage.heard import Book
from twin.coverage.makeup import counted, loss_table_db, partitions
from twin.coverage.materials import Layer, slab_loss_db
from twin.coverage.pattern import OMNI, ceiling
from twin.coverage.propagation import free_space_db, free_space_distance_m
from twin.coverage.shots import levels_at
from twin.coverage.surface import Piece, Surface
from twin.coverage.walls import Barriers, faces, wall_loss
from twin.coverage.wifi import Demand, Memo, Signal, Transmitters, _near, signal
from twin.scene import Obstacles, concat, nothing, one_object
from twin.scene.embree import Scene

F = 2.4
HEIGHT = 1.2
P1238_OFFICE = ((14.6, 34.62, 20.3), (24.6, 29.53, 23.8))  # 10 alpha, beta, 10 gamma: with and without line of sight
CONCRETE = [{"name": "Concrete", "thickness_m": 0.2}]


def barriers(*parts: Obstacles, counting: bool = False) -> Barriers:
    ob = concat(list(parts)) if parts else nothing()
    walls = counted(ob.object_kind, ob.object_opaque) if counting else partitions(ob.object_kind, ob.object_materials, ob.object_opaque)
    return Barriers(Scene(ob), faces(ob.vertices, ob.faces, ob.face_object), walls, ob.object_ids)


def box(low: tuple[float, float, float], high: tuple[float, float, float], **more: Any) -> Obstacles:
    body = closed(bounds=[low, high])
    said: dict[str, Any] = {"object_id": "w", "kind": "wall"} | more
    return one_object(np.asarray(body.vertices), np.asarray(body.faces), **said)


def cells_of(polygon: Any, step: float) -> Cells:
    return grid(Surface("s", [Piece("p", "p", polygon, floor_z=0.0)]), step, HEIGHT, lambda xy: np.zeros(len(xy)))


def radios(*places: tuple[float, float, float], eirp: float = 20.0, slack: float = 0.0) -> Transmitters:
    n = len(places)
    return Transmitters(np.array(places, float).reshape(-1, 3), np.full(n, F), np.full(n, eirp), np.full(n, slack))


def share(polygon: Any, step: float, ap: Transmitters, among: Barriers, demand: Demand, *, least: float = 0.1) -> tuple[Areas, Signal]:
    cells = cells_of(polygon, step)

    def judge(part: Cells, before: Before | None) -> Signal:
        return signal(ap, among, demand, part, before)

    first = judge(cells, None)
    return areas(cells, first, judge, least_m=least, budget=200_000), first


def totals(found: Areas) -> tuple[float, float, float]:
    return float(found.sure.sum()), float(found.covered.sum()), float(found.possible.sum())


def test_a_disc_in_the_open() -> None:
    eirp, threshold, h = 10.0, -55.0, 2.8
    reach = float(free_space_distance_m(eirp - threshold, F))
    radius = math.sqrt(reach**2 - (h - HEIGHT) ** 2)
    field = shapely.box(-60.3, -60.2, 60.1, 60.4)
    found, _ = share(field, 1.0, radios((0.31, 0.17, h), eirp=eirp), barriers(), Demand(threshold))
    low, value, high = totals(found)
    assert low <= math.pi * radius**2 <= high
    assert value == pytest.approx(math.pi * radius**2, rel=2e-3)
    assert high - low < 0.06 * value
    assert high - low > 0
    assert found.convergence < 0.01


def test_a_wall_halves_the_reach_behind_it() -> None:
    wall = box((5, -30, 0), (5.2, 30, 4), materials=CONCRETE)
    found = signal(radios((0, 0.3, HEIGHT)), barriers(wall), Demand(), cells_of(shapely.box(-20, 0, 20, 1), 1.0))
    cells = cells_of(shapely.box(-20, 0, 20, 1), 1.0)
    d = np.linalg.norm(cells.centre - [0, 0.3, HEIGHT], axis=1)
    degrees = np.degrees(np.arccos(np.abs(cells.centre[:, 0]) / d))
    behind = cells.centre[:, 0] > 5.2
    expected = 20.0 - free_space_db(np.maximum(d, 0.5), F)
    loss = np.array([float(slab_loss_db((Layer("concrete", 0.2),), F, a)) for a in degrees])
    assert found.level[~behind] == pytest.approx(expected[~behind])
    assert found.level[behind] == pytest.approx((expected - loss)[behind], abs=0.02)
    assert (found.blocker[behind] == 0).all()
    assert (found.blocker[~behind] == -1).all()


def brute(polygon: Any, step: float, ap: Transmitters, among: Barriers, demand: Demand) -> float:
    """Area of the points of a fine grid that k radios reach through free space and walls."""
    low, high = np.array(polygon.bounds[:2]), np.array(polygon.bounds[2:])
    x, y = (np.arange(a + step / 2, b, step) for a, b in zip(low, high, strict=True))
    xy = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    xy = xy[shapely.contains_xy(polygon, xy)]
    points = np.column_stack([xy, np.full(len(xy), HEIGHT)])
    heard = np.zeros(len(points), int)
    table = loss_table_db(among.walls, F)
    for j in range(len(ap)):
        origin = np.broadcast_to(ap.position[j], points.shape)
        between = wall_loss(among, table, origin, points).db[:, 1]
        heard += ap.eirp_dbm[j] - free_space_db(np.linalg.norm(points - origin, axis=1), F) - between >= demand.rssi_dbm
    return float((heard >= demand.k).sum()) * step**2


L_ROOM = shapely.Polygon([(0, 0), (20, 0), (20, 8), (8, 8), (8, 20), (0, 20)])


def test_an_l_shaped_room_lies_within_its_bounds() -> None:
    inner = [box((8, 8, 0), (8.2, 20, 3), materials=CONCRETE), box((8.2, 8, 0), (20, 8.2, 3), materials=CONCRETE)]
    among = barriers(*inner)
    ap, demand = radios((17.3, 3.1, 2.6), eirp=4.0), Demand(-58.0)
    found, _ = share(L_ROOM, 0.5, ap, among, demand, least=0.05)
    low, value, high = totals(found)
    fine = brute(L_ROOM, 0.05, ap, among, demand)
    assert low - 0.05 <= fine <= high + 0.05
    assert value == pytest.approx(fine, rel=0.01)
    assert 0.1 * L_ROOM.area < fine < 0.95 * L_ROOM.area


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 2))
def test_random_rooms_lie_within_their_bounds(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    room = shapely.box(0, 0, 16, 12)
    walls = []
    for _ in range(int(rng.integers(1, 5))):
        x, y, long = rng.uniform(2, 14), rng.uniform(1, 9), rng.uniform(2, 8)
        high = (x + 0.2, y + long, 3.0) if rng.random() < 0.5 else (x + long, y + 0.2, 3.0)
        walls.append(box((x, y, 0.0), high, materials=CONCRETE if rng.random() < 0.5 else [{"name": "砖"}]))
    among = barriers(*walls)
    ap = radios(*[tuple(rng.uniform([0.5, 0.5, 2.2], [15.5, 11.5, 2.8])) for _ in range(3)], eirp=3.0)
    demand = Demand(-57.0, k)
    found, _ = share(room, 1.0, ap, among, demand, least=0.1)
    low, value, high = totals(found)
    fine = brute(room, 0.1, ap, among, demand)
    slack = 0.1 * 0.1 * 60  # the fine grid's own error along the borders
    assert low <= value <= high
    assert low - slack <= fine <= high + slack


def test_an_assumed_power_widens_the_bounds_and_leaves_the_value() -> None:
    field = shapely.box(-40, -40, 40, 40)
    sure, _ = share(field, 2.0, radios((0, 0, 2.8), eirp=8.0), barriers(), Demand(-57.0))
    open_, _ = share(field, 2.0, radios((0, 0, 2.8), eirp=8.0, slack=3.0), barriers(), Demand(-57.0))
    assert totals(open_)[1] == pytest.approx(totals(sure)[1], rel=0.02)
    assert totals(open_)[0] < 0.7 * totals(sure)[0]
    assert totals(open_)[2] > 1.5 * totals(sure)[2]


def test_an_unknown_wall_widens_the_bounds() -> None:
    field = shapely.box(-20, -20, 20, 20)
    ap, demand = radios((0, 0, 2.0), eirp=8.0), Demand(-57.0)
    unknown, _ = share(field, 1.0, ap, barriers(box((4, -25, 0), (4.3, 25, 4))), demand)
    known, _ = share(field, 1.0, ap, barriers(box((4, -25, 0), (4.3, 25, 4), materials=[{"name": "brick", "thickness_m": 0.3}])), demand)
    assert totals(unknown)[1] == pytest.approx(totals(known)[1], rel=0.02)
    assert totals(unknown)[2] - totals(unknown)[0] > 3 * (totals(known)[2] - totals(known)[0])


def test_no_radio_covers_nothing() -> None:
    found = signal(radios(), barriers(), Demand(), cells_of(shapely.box(0, 0, 5, 5), 1.0))
    assert not found.covered.any()
    assert not found.possible.any()
    assert np.isnan(found.level).all()


def test_more_radios_never_cover_less_and_more_walls_never_more() -> None:
    room, demand = shapely.box(0, 0, 16, 12), Demand(-57.0)
    one, two = radios((2, 2, 2.5), eirp=3.0), radios((2, 2, 2.5), (12, 9, 2.5), eirp=3.0)
    wall = barriers(box((8, 1, 0), (8.2, 11, 3), materials=CONCRETE))
    cells = cells_of(room, 0.5)
    clear, more, behind = (signal(ap, among, demand, cells) for ap, among in ((one, barriers()), (two, barriers()), (one, wall)))
    assert (more.covered | ~clear.covered).all()
    assert (clear.covered | ~behind.covered).all()
    assert (more.level[np.isfinite(clear.level)] >= clear.level[np.isfinite(clear.level)]).all()


def test_two_radios_are_asked_for() -> None:
    cells = cells_of(shapely.box(0, 0, 16, 12), 0.5)
    ap = radios((2, 2, 2.5), (12, 9, 2.5), eirp=3.0)
    both = signal(ap, barriers(), Demand(-57.0, 2), cells)
    each = [signal(radios(tuple(place), eirp=3.0), barriers(), Demand(-57.0), cells) for place in ap.position]
    assert (both.covered == (each[0].covered & each[1].covered)).all()
    assert not signal(radios((2, 2, 2.5)), barriers(), Demand(-57.0, 2), cells).possible.any()


@pytest.mark.parametrize("model", ["cost231", "p1238", "free_space"])
def test_other_models(model: str) -> None:
    parts = [box((5, -9, 0), (5.08, 9, 4), object_id="a"), box((7, -9, 0), (7.2, 9, 4), object_id="b")]
    floor = box((9, -9, -1), (14, 9, 5), object_id="f", kind="slab")
    among = barriers(*parts, floor, counting=model == "cost231")
    cells = cells_of(shapely.box(-12, 0, 20, 1), 1.0)
    found = signal(radios((0, 0.25, HEIGHT), eirp=30.0), among, Demand(-80.0, 1, model), cells)
    d = np.maximum(np.linalg.norm(cells.centre - [0, 0.25, HEIGHT], axis=1), 0.5)
    x = cells.centre[:, 0]
    expected: dict[str, Callable[[], Any]] = {
        "free_space": lambda: 30 - free_space_db(d, F),
        "cost231": lambda: 30 - free_space_db(d, F) - 3.4 * (x > 5.08) - 6.9 * (x > 7.2) - 18.3 * (x > 9),
        "p1238": lambda: 30 - np.where(x < 5, *(a * np.log10(np.maximum(d, 1)) + b + c * np.log10(F) for a, b, c in P1238_OFFICE)),
    }
    assert found.level == pytest.approx(expected[model](), abs=1e-6)


def test_two_radios_of_one_access_point_are_one() -> None:
    cells = cells_of(shapely.box(0, 0, 16, 12), 0.5)
    place = np.array([[2.0, 2, 2.5], [2, 2, 2.5], [12, 9, 2.5]])
    f, power, none = np.array([2.4, 5.2, 2.4]), np.array([3.0, 3, 3]), np.zeros(3)
    together = Transmitters(place, f, power, none, np.array([0, 0, 1]))
    apart = radios((2, 2, 2.5), (12, 9, 2.5), eirp=3.0)
    both = signal(together, barriers(), Demand(-57.0, 2), cells)
    assert (both.covered == signal(apart, barriers(), Demand(-57.0, 2), cells).covered).all()
    assert len(both.open.first) == len(cells) + 1
    assert set(both.open.point.tolist()) <= {0, 1}
    assert set(both.best.tolist()) <= {0, 2, -1}  # the weaker radio is never the best


def test_a_second_access_point_may_be_weaker() -> None:
    cells = cells_of(shapely.box(0, 0, 16, 12), 0.5)
    ap = radios((2, 2, 2.5), (12, 9, 2.5), eirp=3.0)
    got = signal(ap, barriers(), Demand(-52.0, 1, secondary_dbm=-55.0), cells)
    first = signal(ap, barriers(), Demand(-52.0, 1), cells)
    second = signal(ap, barriers(), Demand(-55.0, 2), cells)
    assert (got.covered == (first.covered & second.covered)).all()
    assert (got.covered != first.covered).any()
    assert got.level[got.covered].min() >= -52.0
    assert np.nanmax(got.level[~got.covered]) < -52.0
    assert (got.sure <= got.covered).all()
    assert (got.covered <= got.possible).all()


def test_a_book_changes_nothing_and_is_used_again() -> None:
    cells, among, demand = (
        cells_of(shapely.box(0, 0, 16, 12), 0.5),
        barriers(box((8, 1, 0), (8.2, 11, 3), materials=CONCRETE)),
        Demand(-57.0),
    )
    book = Book()
    before, after = radios((2, 2, 2.5), (12, 9, 2.5), eirp=3.0), radios((2, 2, 2.5), (12, 4, 2.5), eirp=3.0)
    first = signal(before, among, demand, cells, book=Memo(book, ["a", "b"]))
    held = book.size
    moved = signal(after, among, demand, cells, book=Memo(book, ["a", "c"]))
    assert 0 < book.size - held < held
    for got, plain in ((first, signal(before, among, demand, cells)), (moved, signal(after, among, demand, cells))):
        assert_same(got, plain)


def assert_same(got: Signal, plain: Signal) -> None:
    for name in ("level", "covered", "sure", "possible", "mixed", "best", "blocker", "settled"):
        assert np.array_equal(getattr(got, name), getattr(plain, name), equal_nan=name == "level")
    assert np.array_equal(got.open.first, plain.open.first)
    assert np.array_equal(got.open.point, plain.open.point)


def test_a_book_that_forgets_changes_nothing() -> None:
    cells, among = cells_of(shapely.box(0, 0, 16, 12), 0.5), barriers(box((8, 1, 0), (8.2, 11, 3), materials=CONCRETE))
    ap, demand, book = radios((2, 2, 2.5), (12, 9, 2.5), (14, 2, 2.5), eirp=3.0), Demand(-52.0), Book(40_000)
    for _ in range(2):
        assert_same(signal(ap, among, demand, cells, book=Memo(book, ["a", "b", "c"])), signal(ap, among, demand, cells))
    assert not all(book.is_whole(name) for name in "abc")


@pytest.mark.parametrize(("k", "rssi"), [(1, -40.0), (1, -52.0), (3, -52.0), (3, -30.0)])
def test_cells_in_small_parts_and_far_access_points_left_out_say_the_same(monkeypatch: pytest.MonkeyPatch, k: int, rssi: float) -> None:
    cells, among = cells_of(shapely.box(0, 0, 40, 30), 2.0), barriers(box((8, 1, 0), (8.2, 11, 3), materials=CONCRETE))
    place = np.column_stack([np.random.default_rng(3).uniform(0, 40, (24, 2)), np.full(24, 2.5)])
    looks = [ceiling() if j % 3 else OMNI for j in range(24)]
    ap = Transmitters(place, np.full(24, F), np.full(24, 3.0), np.zeros(24), None, looks, np.full(24, 0.2))
    plain, fewest = cut_of(ap, among, Demand(rssi, k), cells), list[int]()

    def near(*given: Any) -> Any:
        found = _near(*given)
        fewest.append(len(found))
        return found

    monkeypatch.setattr(wifi, "_MOST_PAIRS", 60)
    monkeypatch.setattr(wifi, "_near", near)
    got = cut_of(ap, among, Demand(rssi, k), cells)
    assert_same(got[0], plain[0])
    assert np.array_equal(got[0].clear, plain[0].clear)
    assert_same(got[1], plain[1])
    assert min(fewest) < 24


def cut_of(ap: Transmitters, among: Barriers, demand: Demand, cells: Cells) -> tuple[Signal, Signal]:
    """What cells get, and what those cut from the mixed ones get."""
    first = signal(ap, among, demand, cells)
    parts = split(replace(cells, piece=np.arange(len(cells), dtype=np.int32)), first.mixed)
    return first, signal(ap, among, demand, parts, Before(first, parts.piece.astype(np.int64)))


def test_levels_at_points_are_those_of_the_cells() -> None:
    cells, among = cells_of(shapely.box(0, 0, 16, 12), 1.0), barriers(box((8, 1, 0), (8.2, 11, 3), materials=CONCRETE))
    ap = radios((2, 2, 2.5), (12, 9, 2.5), eirp=3.0)
    level = levels_at(ap, among, Demand().medium, cells.representative, -200.0)
    assert level.max(axis=1) == pytest.approx(signal(ap, among, Demand(-200.0), cells).level)
    one = levels_at(ap, among, Demand().medium, cells.representative, -200.0, nearest=1)
    assert (np.isfinite(one).sum(axis=1) >= 1).all()  # two where both are as near
    assert np.isfinite(one).mean() < 0.6
    assert not np.isfinite(levels_at(ap, among, Demand().medium, cells.representative, 30.0)).any()


def test_obstacles_much_narrower_than_a_cell_lie_within_the_bounds() -> None:
    posts = [box((x, y, 0), (x + 0.03, y + 0.03, 3), materials=CONCRETE, object_id=f"p{x}{y}") for x in (3.3, 6.7) for y in (1.2, 2.9, 4.4)]
    among, ap, demand, room = barriers(*posts), radios((0.4, 3.1, 1.9), eirp=0.0), Demand(-58.0), shapely.box(0, 0, 12, 6)
    found, _ = share(room, 1.0, ap, among, demand, least=0.25)
    low, _, high = totals(found)
    fine = brute(room, 0.02, ap, among, demand)
    assert low - 0.02 <= fine <= high + 0.02
