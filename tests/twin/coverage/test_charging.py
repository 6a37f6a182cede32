"""Bays served as a maximum matching: small cases by hand, larger ones against scipy and against trying everything."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from twin.coverage.charging import Bays, Chargers, served, within_reach
from twin.coverage.matching import maximum_matching


def free(origins: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.zeros(len(origins), bool)


def row(n: int, *, storey: str | None = None, z: float = 0.0, capacity: int = 1) -> Bays:
    """n bays of 2.5 x 5 m side by side."""
    shapes = np.array([shapely.box(2.5 * i, 0, 2.5 * (i + 1), 5) for i in range(n)], object)
    return Bays(shapes, np.full(n, z), [storey] * n, np.full(n, capacity))


def posts(*places: tuple[float, float], reach: float = 5.0, storey: str | None = None, z: float = 0.0) -> Chargers:
    n = len(places)
    position = np.array([(x, y, z + 1.2) for x, y in places], float).reshape(-1, 3)
    return Chargers(position, np.full(n, z), [storey] * n, np.full(n, reach))


def test_two_guns_among_three_bays_serve_two() -> None:
    bays = row(3)
    reach = within_reach(bays, posts((3.75, -0.5)), free)
    assert [list(found) for found in reach.chargers] == [[0], [0], [0]]
    assert served(bays, reach, [2]).sum() == 2


def test_a_wall_between_serves_none() -> None:
    bays = row(3)
    reach = within_reach(bays, posts((3.75, -0.5)), lambda o, t: np.ones(len(o), bool))
    assert served(bays, reach, [2]).sum() == 0
    assert [list(found) for found in reach.walled] == [[0], [0], [0]]


def test_chargers_that_overlap_do_not_count_twice() -> None:
    bays = row(1)
    reach = within_reach(bays, posts((1.0, -0.5), (1.5, -0.5)), free)
    assert served(bays, reach, [2, 2]).tolist() == [1]


def test_the_cable_decides() -> None:
    bays = row(10)
    assert served(bays, within_reach(bays, posts((12.5, -1.0), reach=1.0), free), [9]).sum() == 2
    assert served(bays, within_reach(bays, posts((12.5, -1.0), reach=3.0), free), [9]).sum() == 4
    assert served(bays, within_reach(bays, posts((12.5, -9.0), reach=5.0), free), [9]).sum() == 0


def test_levels_do_not_mix() -> None:
    below = row(3, storey="b1", z=-4.0)
    assert served(below, within_reach(below, posts((3.75, -0.5), storey="b1", z=-4.0), free), [2]).sum() == 2
    assert served(below, within_reach(below, posts((3.75, -0.5), storey="b2", z=-4.0), free), [2]).sum() == 0
    assert served(below, within_reach(below, posts((3.75, -0.5), z=0.0), free), [2]).sum() == 0
    assert served(below, within_reach(below, posts((3.75, -0.5), z=-4.0), free), [2]).sum() == 2


def test_a_pool_takes_what_the_connectors_give() -> None:
    pool = row(1, capacity=40)
    reach = within_reach(pool, posts((1.0, 2.0), (2.0, 2.0)), free)
    assert served(pool, reach, [2, 4]).tolist() == [6]


def test_a_charger_inside_its_bay() -> None:
    bays = row(2)
    assert served(bays, within_reach(bays, posts((1.0, 1.0), reach=0.5), free), [1]).tolist() == [1, 0]


def test_nothing_at_all() -> None:
    empty = row(0)
    assert served(empty, within_reach(empty, posts((0, 0)), free), [1]).tolist() == []
    bays = row(2)
    assert served(bays, within_reach(bays, posts(), free), []).tolist() == [0, 0]


Graph = tuple[list[list[int]], list[int]]


@st.composite
def graphs(draw: st.DrawFn, clients: int, servers: int) -> Graph:
    m = draw(st.integers(0, servers))
    n = draw(st.integers(0, clients))
    reach = [sorted(draw(st.sets(st.integers(0, m - 1), max_size=m))) if m else [] for _ in range(n)]
    return reach, draw(st.lists(st.integers(0, 3), min_size=m, max_size=m))


def check(reach: list[list[int]], capacity: list[int], partner: list[int]) -> int:
    for client, server in enumerate(partner):
        assert server == -1 or server in reach[client]
    for server, most in enumerate(capacity):
        assert partner.count(server) <= most
    return sum(server >= 0 for server in partner)


@given(graphs(6, 4))
def test_no_other_choice_serves_more(graph: Graph) -> None:
    reach, capacity = graph
    got = check(reach, capacity, maximum_matching(reach, capacity))
    best = 0
    for choice in product(*[[-1, *found] for found in reach]):
        if all(choice.count(server) <= most for server, most in enumerate(capacity)):
            best = max(best, sum(server >= 0 for server in choice))
    assert got == best


@given(graphs(60, 25))
def test_as_many_as_scipy_finds(graph: Graph) -> None:
    reach, capacity = graph
    got = check(reach, capacity, maximum_matching(reach, capacity))
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
    reach = [[i, i + 1] if i + 1 < n else [i] for i in range(n)]
    assert check(reach, [1] * n, maximum_matching(list(reversed(reach)), [1] * n)[::-1]) == n


@pytest.mark.parametrize("seed", range(3))
def test_one_more_charger_never_serves_less(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bays = row(40)
    places = [tuple(p) for p in rng.uniform([0, -3], [100, 8], (12, 2))]
    counts = rng.integers(1, 4, 12).tolist()
    totals = [int(served(bays, within_reach(bays, posts(*places[:k]), free), counts[:k]).sum()) for k in range(13)]
    assert totals == sorted(totals)
    assert totals[-1] <= min(40, sum(counts))
