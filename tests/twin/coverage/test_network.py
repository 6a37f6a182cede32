"""Networks against closed forms, and against Floyd and Warshall written out."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.coverage.network import AGAINST, ALONG, Network, attached, distances, joined, linked, nearest, parts, together, way
from twin.coverage.noding import bridged, noded, unbridged


def line(*places: tuple[float, ...]) -> shapely.LineString:
    return shapely.LineString(places)


def streets(n: int, step: float) -> list[shapely.LineString]:
    """n + 1 streets each way, `step` apart, without common vertices."""
    span = n * step
    return [line((k * step, 0), (k * step, span)) for k in range(n + 1)] + [line((0, k * step), (span, k * step)) for k in range(n + 1)]


def walk(lines: list[shapely.LineString], a: tuple[float, ...], b: tuple[float, ...], **options: float) -> float:
    found = joined(noded(lines, tolerance=0.5, crossing=True), [a, b], within=options.get("within", 20.0))
    if (found.node < 0).any():
        return math.inf
    return float(distances(found.network, found.node[:1])[0, found.node[1]])


@given(st.floats(0, 400), st.floats(0, 400), st.integers(0, 4), st.integers(0, 4))
@settings(deadline=None)
def test_a_grid_of_streets_is_walked_round_blocks(y: float, x: float, i: int, j: int) -> None:
    """From (100 i, y) on a street to (x, 100 j) on a crossing one: the sum of both differences."""
    assert walk(streets(4, 100.0), (100.0 * i, y, 0), (x, 100.0 * j, 0)) == pytest.approx(abs(x - 100 * i) + abs(y - 100 * j), abs=1e-6)


@given(st.floats(1, 99), st.floats(1, 99))
def test_two_points_of_one_edge_are_as_far_as_they_lie(a: float, b: float) -> None:
    assert walk([line((0, 0), (100, 0))], (a, 3, 0), (b, -4, 0)) == pytest.approx(3 + abs(a - b) + 4, abs=1e-9)


def test_a_bend_counts_with_its_length_not_as_the_crow_flies() -> None:
    assert walk([line((0, 0), (30, 40), (60, 0))], (0, 0, 0), (60, 0, 0)) == pytest.approx(100.0)


def test_ends_within_the_tolerance_meet_and_keep_their_length() -> None:
    near, far = [line((0, 0), (10, 0)), line((10.4, 0), (20, 0))], [line((0, 0), (10, 0)), line((10.6, 0), (20, 0))]
    assert walk(near, (0, 0, 0), (20, 0, 0)) == pytest.approx(19.6)
    assert math.isinf(walk(far, (0, 0, 0), (20, 0, 0)))
    assert len(set(parts(noded(far, tolerance=0.5)).tolist())) == 2


def test_an_end_beside_another_line_meets_it() -> None:
    assert walk([line((0, 0), (100, 0)), line((40, 0.3), (40, 50))], (0, 0, 0), (40, 50, 0)) == pytest.approx(40 + 49.7)


def test_what_lies_over_another_does_not_meet() -> None:
    bridge = [line((0, 0, 0), (100, 0, 0)), line((50, -50, 6), (50, 50, 6))]
    assert math.isinf(walk(bridge, (0, 0, 0), (50, 50, 6)))
    assert walk([bridge[0], line((50, -50, 0), (50, 50, 0))], (0, 0, 0), (50, 50, 0)) == pytest.approx(100.0)


def test_pipes_that_cross_do_not_meet() -> None:
    network = noded([line((0, 0), (100, 0)), line((50, -50), (50, 50))], tolerance=0.5)
    assert len(set(parts(network).tolist())) == 2


def test_heights_count() -> None:
    assert walk([line((0, 0, 0), (30, 0, 40))], (0, 0, 0), (30, 0, 40)) == pytest.approx(50.0)


def test_a_point_too_far_away_is_not_joined() -> None:
    found = joined(noded([line((0, 0), (10, 0))], tolerance=0.5), [(5, 21, 0), (5, 3, 0), (5, 0, 30)], within=20.0)
    assert found.node.tolist()[0] == -1
    assert found.node[2] == -1
    assert found.gap.tolist()[:2] == [math.inf, 3.0]


def test_flow_goes_one_way() -> None:
    lines = [line((0, 0), (10, 0)), line((20, 0), (10, 0))]
    down = noded(lines, tolerance=0.5, flow=[ALONG, AGAINST])
    node = {tuple(place): k for k, place in enumerate(down.nodes[:, :2].tolist())}
    reach = distances(down, [node[0, 0], node[20, 0]], directed=True)
    assert reach[0, node[20, 0]] == 20
    assert math.isinf(reach[1, node[0, 0]])


def test_parallel_edges_count_by_the_shorter() -> None:
    assert walk([line((0, 0), (5, 12), (10, 0)), line((0, 0), (10, 0))], (0, 0, 0), (10, 0, 0)) == pytest.approx(10.0)


def test_nearest_names_the_source_and_the_way() -> None:
    found = joined(noded([line((0, 0), (100, 0))], tolerance=0.5), [(10, 0, 0), (90, 0, 0), (45, 0, 0), (60, 0, 0)], within=1.0)
    best = nearest(found.network, found.node[:2])
    assert best.source[found.node[2:]].tolist() == [0, 1]
    assert best.distance[found.node[2:]] == pytest.approx([35, 30])
    steps = way(best, int(found.node[2]))
    assert (steps[0], steps[-1]) == (found.node[2], found.node[0])


def test_parts_that_come_near_are_bridged_by_the_shortest_spans() -> None:
    lines = [line((0, 0), (100, 0)), line((100, 8), (200, 8)), line((205, 8), (300, 8)), line((0, 60), (300, 60))]
    network = noded(lines, tolerance=0.5)
    found = bridged(network, within=10.0)
    assert sorted(found.spans.tolist()) == [5.0, 8.0]
    assert sorted(unbridged(found.network).length.tolist()) == sorted(network.length.tolist())
    assert len(set(parts(found.network).tolist())) == 2
    assert len(bridged(network, within=10.0, allowed=lambda a, b: np.zeros(len(a), bool)).spans) == 0


def test_dead_ends_are_joined_to_the_lines_about_them() -> None:
    """Two footways on both sides of a street: across it at both ends, not only once."""
    network = noded([line((0, 0), (100, 0)), line((2, 10), (98, 10))], tolerance=0.5)
    once, ends = bridged(network, within=15.0), bridged(network, within=15.0, ends=2)
    assert len(once.spans) == 1
    assert sorted(ends.spans.tolist()) == pytest.approx(sorted([10, 10, math.hypot(2, 10), math.hypot(2, 10)]))
    assert walk_between(ends.network, (0, 0), (0, 10)) <= 2 + 2 * math.hypot(2, 10)
    assert len(bridged(network, within=5.0, ends=2).spans) == 0


def walk_between(network: Network, a: tuple[float, float], b: tuple[float, float]) -> float:
    found = joined(network, [(*a, 0), (*b, 0)], within=20.0)
    return float(distances(found.network, found.node[:1])[0, found.node[1]])


def test_nothing_at_all() -> None:
    network = noded([], tolerance=0.5)
    assert len(network) == 0
    assert joined(network, [(0, 0, 0)], within=5.0).node.tolist() == [-1]
    assert distances(network, []).shape == (0, 0)
    assert len(bridged(network, within=5.0).spans) == 0
    assert len(noded([shapely.LineString(), line((0, 0), (0, 0))], tolerance=0.5)) == 0
    assert len(together([])) == 0


def test_networks_side_by_side_meet_where_they_are_linked() -> None:
    one, other = noded([line((0, 0), (10, 0))], tolerance=0.5), noded([line((0, 5), (10, 5))], tolerance=0.5)
    both = together([one, other])
    assert len(set(parts(both).tolist())) == 2
    hung, node = attached(both, [(3, 3, 3)], [1], [2.5])
    assert distances(hung, node)[0, :2].tolist() == [12.5, 2.5]
    whole = linked(both, [(1, 2)], [7.0])
    assert distances(whole, [0])[0].tolist() == [0, 10, 17, 27]


Graph = tuple[list[tuple[float, float]], list[tuple[int, int]]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    n = draw(st.integers(2, 8))
    places = draw(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=n, max_size=n, unique=True))
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda pair: pair[0] != pair[1])
    return [(100.0 * x, 100.0 * y) for x, y in places], draw(st.lists(pairs, min_size=1, max_size=14))


def by_hand(places: list[tuple[float, float]], pairs: list[tuple[int, int]]) -> np.ndarray:
    n = len(places)
    table = np.full((n, n), math.inf)
    np.fill_diagonal(table, 0)
    for a, b in pairs:
        table[a, b] = table[b, a] = min(table[a, b], math.dist(places[a], places[b]))
    for k, i, j in itertools.product(range(n), repeat=3):
        table[i, j] = min(table[i, j], table[i, k] + table[k, j])
    return table


@given(graphs(), st.floats(0, 6.283))
@settings(deadline=None)
def test_distances_are_those_of_floyd_and_warshall_however_the_plan_is_turned(graph: Graph, turn: float) -> None:
    places, pairs = graph
    lines = [line(places[a], places[b]) for a, b in pairs]
    wanted = by_hand(*_with_touching(places, pairs))
    turned = [shapely.affinity.rotate(each, turn, origin=(0, 0), use_radians=True) for each in lines]
    cos, sin = math.cos(turn), math.sin(turn)
    points = [(cos * x - sin * y, sin * x + cos * y, 0.0) for x, y in places]
    found = joined(noded(turned, tolerance=0.01), points, within=0.05)
    on = np.flatnonzero(found.node >= 0)
    got = distances(found.network, found.node[on])[:, found.node[on]]
    assert np.allclose(got, wanted[np.ix_(on, on)], atol=0.03)


def _with_touching(places: list[tuple[float, float]], pairs: list[tuple[int, int]]) -> Graph:
    """The pairs, with each cut where it passes through the place of an end of another pair, or a place joined to it."""
    cut: list[tuple[int, int]] = []
    for a, b in pairs:
        on = [k for k, place in enumerate(places) if line(places[a], places[b]).distance(shapely.Point(place)) < 1e-6]
        on.sort(key=lambda k: math.dist(places[a], places[k]))
        cut += list(itertools.pairwise(on))
    return places, cut
