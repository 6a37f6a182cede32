"""The octree of points: each point once, no tile too large, each level an even thinning, the same whether held or dealt out on disk."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiles.content import octree as module
from tiles.content.octree import CELL_BITS, MOST, Node, octree
from twin.points import POINT, STEP_M, PointFile


def file_of(xyz: np.ndarray, **columns: np.ndarray) -> PointFile:
    points = np.zeros(len(xyz), POINT)
    points["xyz"] = np.rint(xyz / STEP_M)
    for name, values in columns.items():
        points[name] = values
    return PointFile(points, np.zeros(3), STEP_M, "rgb")


def hills(n: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    xy = random.uniform(0, 400, (n, 2))
    trees = random.uniform(size=n) < 0.2
    return np.column_stack([xy, 10 * np.sin(xy[:, 0] / 40) + random.uniform(0, 15, n) * trees])


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def same_points(one: np.ndarray, other: np.ndarray) -> bool:
    keys = [np.ascontiguousarray(each).view("<u8").reshape(-1, 2) for each in (one, other)]
    return all(np.array_equal(a[np.lexsort(a.T)], b[np.lexsort(b.T)]) for a, b in [keys])


def test_every_point_is_in_one_node():
    random = np.random.default_rng(5)
    file = file_of(hills(300_000), color=random.integers(0, 256, (300_000, 3)), **{"class": random.integers(0, 20, 300_000)})
    tree = octree(file)
    found = np.concatenate([tree.of(node) for node in nodes(tree.root)])
    assert same_points(found, file.points)
    assert max(len(tree.of(node)) for node in nodes(tree.root)) <= MOST
    assert len(list(nodes(tree.root))) > 5


def test_a_level_is_even():
    """No two points of a node in one of its cells; and no cell of a node empty that points below it lie in."""
    file = file_of(hills(200_000))
    tree = octree(file)
    low = file.points["xyz"].min(axis=0)
    size = float(np.ptp(file.points["xyz"], axis=0).max() + 1)
    root = tree.of(tree.root)["xyz"]
    everything = file.points["xyz"]
    cells = [np.floor((xyz - low) / (size / 2**CELL_BITS)).astype(int) for xyz in (root, everything)]
    assert len(np.unique(cells[0], axis=0)) == len(root)
    assert np.array_equal(np.unique(cells[0], axis=0), np.unique(cells[1], axis=0))
    assert tree.root.spacing == pytest.approx(size / 2**CELL_BITS)
    assert all(node.spacing == 0 for node in nodes(tree.root) if not node.children)
    assert all(child.spacing <= node.spacing / 1.99 for node in nodes(tree.root) for child in node.children)


def test_points_dealt_out_on_disk_make_the_same_levels(tmp_path, monkeypatch):
    file = file_of(hills(250_000, 3))
    whole = octree(file)
    monkeypatch.setattr(module, "HELD", 20_000)
    dealt = octree(file, tmp_path)
    assert isinstance(dealt.points, np.memmap)
    assert list(tmp_path.iterdir()) == []  # the files have no names
    assert same_points(np.concatenate([dealt.of(node) for node in nodes(dealt.root)]), file.points)
    assert same_points(whole.of(whole.root), dealt.of(dealt.root))
    assert len(dealt.root.children) == len(whole.root.children)


@pytest.mark.parametrize("count", [1, 2, 250_000])
def test_points_in_one_place_are_kept(count):
    file = file_of(np.full((count, 3), 7.0))
    tree = octree(file)
    sizes = [len(tree.of(node)) for node in nodes(tree.root)]
    assert sum(sizes) == count
    assert max(sizes) <= MOST


def test_a_lost_point_far_away_takes_no_other_with_it():
    xyz = np.concatenate([hills(70_000), [[90_000.0, 90_000.0, 8000.0]]])
    tree = octree(file_of(xyz))
    assert sum(len(tree.of(node)) for node in nodes(tree.root)) == len(xyz)


def test_the_same_points_make_the_same_bytes():
    file = file_of(hills(120_000, 9))
    assert octree(file).points.tobytes() == octree(file).points.tobytes()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.integers(-(2**31), 2**31 - 1)] * 3), min_size=1, max_size=60))
def test_no_coordinates_are_too_much(rows):
    points = np.zeros(len(rows), POINT)
    points["xyz"] = rows
    points["class"] = np.arange(len(rows)) % 256
    tree = octree(PointFile(points, np.zeros(3), STEP_M, "none"))
    assert same_points(np.concatenate([tree.of(node) for node in nodes(tree.root)]), points)
