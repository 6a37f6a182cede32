"""Bays served as a maximum matching: small cases by hand, larger ones against another algorithm and against trying everything."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from twin.coverage.charging import Bays, Chargers, Fixed, Reach, nothing_fixed, served, within_reach
from twin.coverage.matching import Matching, lost, matched


def row(n: int, *, storey: str | None = None, z: float = 0.0, capacity: int = 1) -> Bays:
    """n bays of 2.5 x 5 m side by side."""
    shapes = np.array([shapely.box(2.5 * i, 0, 2.5 * (i + 1), 5) for i in range(n)], object)
    return Bays(shapes, np.full(n, z), [storey] * n, np.full(n, capacity))


def posts(*places: tuple[float, float], reach: float = 5.0, storey: str | None = None, z: float = 0.0) -> Chargers:
    n = len(places)
    position = np.array([(x, y, z + 1.2) for x, y in places], float).reshape(-1, 3)
    return Chargers(position, np.full(n, z), [storey] * n, np.full(n, reach))


def lane(*shapes: shapely.Geometry, z: float = 0.0) -> Fixed:
    return Fixed(np.array([shape.buffer(0.02) for shape in shapes], object), np.full(len(shapes), z), [f"w{k}" for k in range(len(shapes))])


def serve(bays: Bays, chargers: Chargers, connectors: list[int], fixed: Fixed | None = None) -> Matching:
    reach = within_reach(bays, chargers, fixed or nothing_fixed())
    return served(bays, reach, np.isfinite(reach.length), connectors)


def way(reach: Reach, bay: int, charger: int = 0) -> tuple[float, float]:
    k = int(np.flatnonzero((reach.bay == bay) & (reach.charger == charger))[0])
    return float(reach.length[k]), float(reach.corner[k])


def test_two_guns_among_three_bays_serve_two() -> None:
    bays, post = row(3), posts((3.75, -0.5))
    assert np.isfinite(within_reach(bays, post, nothing_fixed()).length).tolist() == [True] * 3
    assert serve(bays, post, [2]).total == 2


def test_a_wall_between_serves_none() -> None:
    wall = lane(shapely.LineString([(-20, -0.3), (30, -0.3)]))
    bays, post = row(3), posts((3.75, -0.5))
    assert serve(bays, post, [2], wall).total == 0
    reach = within_reach(bays, post, wall)
    assert set(reach.behind) == {"w0"}
    assert np.all(reach.straight < 5)


def test_a_short_wall_is_gone_round() -> None:
    wall = lane(shapely.LineString([(3.0, -0.5), (4.5, -0.5)]))
    reach = within_reach(row(3), posts((3.75, -1.0)), wall)
    assert way(reach, 1)[0] == pytest.approx(math.hypot(0.77, 0.48) + 0.52, abs=0.05)


def test_a_drive_lane_is_not_crossed_and_is_nothing_in_a_garage() -> None:
    aisle = lane(shapely.LineString([(-90, -2), (90, -2)]), z=math.nan)
    assert serve(row(3), posts((3.75, -3.0)), [3], aisle).total == 0
    assert serve(row(3, storey="b1"), posts((3.75, -3.0), storey="b1"), [3], aisle).total == 3


def test_a_wall_of_another_floor_is_in_nobodys_way() -> None:
    wall = lane(shapely.LineString([(-20, -0.3), (30, -0.3)]), z=4.0)
    assert serve(row(3), posts((3.75, -0.5)), [2], wall).total == 2


def test_a_cable_goes_round_parked_cars() -> None:
    """From behind the first row into a second: straight through two cars it is 5.3 m, between them and along it is longer."""
    first, second = row(1), shapely.box(0, 5, 2.5, 10)
    bays = Bays(np.array([first.shape[0], second], object), np.zeros(2), [None] * 2, np.ones(2, int))
    reach = within_reach(bays, posts((1.25, -0.5), reach=9.0), nothing_fixed())
    assert reach.straight.tolist() == [0.5, 5.5]
    assert way(reach, 1)[0] == pytest.approx(math.hypot(0.95, 0.8) + 4.4 + 0.3)
    assert serve(bays, posts((1.25, -0.5), reach=5.9), [2]).client.tolist() == [1, 0]


def test_the_worst_corner_of_a_car_that_may_turn_and_of_one_that_may_not() -> None:
    reach = within_reach(row(1), posts((1.25, -0.5), reach=9.0), nothing_fixed())
    near = math.hypot(0.95, 0.8)
    assert way(reach, 0) == (pytest.approx(0.5), pytest.approx(near))
    fixed = within_reach(row(1), posts((1.25, -0.5), reach=9.0), nothing_fixed(), turnable=False)
    assert way(fixed, 0)[1] == pytest.approx(near + 4.4)


def test_a_bay_drawn_across_a_wall_is_not_reached_through_it() -> None:
    wall = lane(shapely.LineString([(-20, 0.1), (30, 0.1)]))
    assert serve(row(3), posts((3.75, -0.5)), [3], wall).total == 0


def test_chargers_that_overlap_do_not_count_twice() -> None:
    assert serve(row(1), posts((1.0, -0.5), (1.5, -0.5)), [2, 2]).client.tolist() == [1]


def test_the_cable_decides() -> None:
    bays = row(10)
    assert serve(bays, posts((12.5, -1.0), reach=1.0), [9]).total == 2
    assert serve(bays, posts((12.5, -1.0), reach=3.0), [9]).total == 4
    assert serve(bays, posts((12.5, -9.0), reach=5.0), [9]).total == 0


def test_levels_do_not_mix() -> None:
    below = row(3, storey="b1", z=-4.0)
    assert serve(below, posts((3.75, -0.5), storey="b1", z=-4.0), [2]).total == 2
    assert serve(below, posts((3.75, -0.5), storey="b2", z=-4.0), [2]).total == 0
    assert serve(below, posts((3.75, -0.5), z=0.0), [2]).total == 0
    assert serve(below, posts((3.75, -0.5), z=-4.0), [2]).total == 2


def test_a_pool_takes_what_the_connectors_give() -> None:
    assert serve(row(1, capacity=40), posts((1.0, 2.0), (2.0, 2.0)), [2, 4]).client.tolist() == [6]


def test_a_charger_inside_its_bay() -> None:
    assert serve(row(2), posts((1.0, 1.0), reach=0.5), [1]).client.tolist() == [1, 0]


def test_nothing_at_all() -> None:
    assert serve(row(0), posts((0, 0)), [1]).client.tolist() == []
    assert serve(row(2), posts(), []).client.tolist() == [0, 0]


def test_bays_that_are_points_or_lines() -> None:
    shapes = np.array([shapely.Point(0, 0), shapely.LineString([(3, 0), (3, 5)])], object)
    bays = Bays(shapes, np.zeros(2), [None] * 2, np.ones(2, int))
    assert serve(bays, posts((1.0, 0.0)), [2]).client.tolist() == [1, 1]


def test_ten_thousand_chargers() -> None:
    n = 10_000
    bays = row(n)
    found = serve(bays, posts(*[(2.5 * i + 1.25, -0.5) for i in range(n)], reach=1.0), [1] * n)
    assert found.total == n


Graph = tuple[list[list[int]], list[int]]


@st.composite
def graphs(draw: st.DrawFn, clients: int, servers: int) -> Graph:
    m = draw(st.integers(0, servers))
    n = draw(st.integers(0, clients))
    reach = [sorted(draw(st.sets(st.integers(0, m - 1), max_size=m))) if m else [] for _ in range(n)]
    return reach, draw(st.lists(st.integers(0, 3), min_size=m, max_size=m))


def pairs(reach: list[list[int]]) -> tuple[list[int], list[int]]:
    found = [(client, server) for client, servers in enumerate(reach) for server in servers]
    return [client for client, _ in found], [server for _, server in found]


def best(reach: list[list[int]], capacity: list[int]) -> int:
    """The most that can be served, by trying everything."""
    most = 0
    for choice in product(*[[-1, *found] for found in reach]):
        if all(choice.count(server) <= limit for server, limit in enumerate(capacity)):
            most = max(most, sum(server >= 0 for server in choice))
    return most


@given(graphs(6, 4))
def test_no_other_choice_serves_more(graph: Graph) -> None:
    reach, capacity = graph
    found = matched(*pairs(reach), [1] * len(reach), capacity)
    assert found.total == best(reach, capacity) == found.server.sum()
    assert np.all(found.client <= 1)
    assert np.all(found.server <= capacity)
    assert all(not count or reach[client] for client, count in enumerate(found.client.tolist()))


@given(graphs(5, 4))
def test_what_is_lost_without_a_server_is_what_matching_anew_says(graph: Graph) -> None:
    reach, capacity = graph
    wants = [1] * len(reach)
    found = matched(*pairs(reach), wants, capacity)
    alone = [found.total - best(reach, [*capacity[:s], 0, *capacity[s + 1 :]]) for s in range(len(capacity))]
    assert lost(*pairs(reach), wants, capacity, found).tolist() == alone


@given(graphs(60, 25))
def test_as_many_as_hopcroft_and_karp_find(graph: Graph) -> None:
    reach, capacity = graph
    got = matched(*pairs(reach), [1] * len(reach), capacity).total
    first = np.cumsum([0, *capacity])
    rows = [(client, slot) for client, found in enumerate(reach) for s in found for slot in range(first[s], first[s + 1])]
    if not rows:
        assert got == 0
        return
    shape = (len(reach), int(first[-1]))
    matrix = csr_array((np.ones(len(rows)), tuple(np.array(rows).T)), shape=shape)
    assert got == int((maximum_bipartite_matching(matrix, perm_type="column") >= 0).sum())


def test_a_long_chain_is_solved_to_the_end() -> None:
    n = 3000
    reach = [[i, i + 1] if i + 1 < n else [i] for i in reversed(range(n))]
    assert matched(*pairs(reach), [1] * n, [1] * n).total == n


def test_a_pool_among_thousands_of_servers_is_quick() -> None:
    n = 5000
    found = matched([0] * n, range(n), [7000], [2] * n)
    assert found.total == 7000
    assert lost([0] * n, range(n), [7000], [2] * n, found).tolist() == [0] * n
    assert lost([0] * n, range(n), [20000], [2] * n, matched([0] * n, range(n), [20000], [2] * n)).tolist() == [2] * n


@pytest.mark.parametrize("seed", range(3))
def test_one_more_charger_never_serves_less(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bays = row(40)
    places = [tuple(p) for p in rng.uniform([0, -3], [100, 8], (12, 2))]
    counts = rng.integers(1, 4, 12).tolist()
    totals = [serve(bays, posts(*places[:k]), counts[:k]).total for k in range(13)]
    assert totals == sorted(totals)
    assert totals[-1] <= min(40, sum(counts))


@given(st.integers(0, 10_000), st.floats(0, 6.28))
@settings(deadline=None, max_examples=50)
def test_turning_the_plan_changes_nothing_and_a_wall_never_helps(seed: int, turn: float) -> None:
    rng = np.random.default_rng(seed)
    bays, places = row(6), rng.uniform([0, -2], [15, 7], (3, 2))
    ends = rng.uniform([0, -2], [15, 7], (2, 2))
    plain = within_reach(bays, posts(*map(tuple, places)), nothing_fixed())
    walled = within_reach(bays, posts(*map(tuple, places)), lane(shapely.LineString(ends)))
    assert np.all(walled.length >= plain.length - 1e-6)
    assert np.all(plain.length >= plain.straight - 1e-9)
    assert np.all(plain.corner >= plain.length - 1e-9)
    cos, sin = math.cos(turn), math.sin(turn)
    shapes = np.array([shapely.affinity.rotate(shape, turn, origin=(0, 0), use_radians=True) for shape in bays.shape], object)
    turned = Bays(shapes, bays.z, bays.storey, bays.capacity)
    again = within_reach(turned, posts(*[(cos * x - sin * y, sin * x + cos * y) for x, y in places]), nothing_fixed())
    assert again.bay.tolist() == plain.bay.tolist()
    both = np.isfinite(plain.length) & np.isfinite(again.length)
    assert np.allclose(again.length[both], plain.length[both], atol=1e-3)
