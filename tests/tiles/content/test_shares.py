"""Storeys and disciplines share tiles while they are small, and a change in one of them stays there."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tiles.content.bodies import Bodies, bodies
from tiles.content.shares import SHARED_TRIANGLES, shared

COUNTS = st.lists(st.integers(1, 20_000), min_size=1, max_size=3)
KINDS = ("architecture", "electrical", "hvac", "structure")


def building(weights: dict[tuple[int, str], list[int]]) -> Bodies:
    """Elements of so many triangles, those of a storey at its height."""
    rows = [(storey, discipline, count) for (storey, discipline), counts in weights.items() for count in counts]
    owner = np.repeat(np.arange(len(rows)), [count for *_, count in rows])
    height = np.array([3.0 * storey for storey, *_ in rows])
    corner = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    vertices = (corner + height[:, None, None] * [0.0, 0.0, 1.0]).reshape(-1, 3)
    table = {
        "id": [f"e{k}" for k in range(len(rows))],
        "storey": [f"s{storey}" for storey, *_ in rows],
        "discipline": [discipline for _, discipline, _ in rows],
    }
    faces = (3 * owner[:, None] + np.arange(3)).astype(np.uint32)
    return bodies(vertices, faces, owner, np.full((len(owner), 4), 255, np.uint8), table=table, group=np.zeros(len(rows), np.int64))


def groups(of: Bodies) -> dict[int, list[int]]:
    found = defaultdict(list)
    for k, group in enumerate(shared(of).group.tolist()):
        found[group].append(k)
    return found


def kinds(of: Bodies) -> set[frozenset[tuple[str, str]]]:
    return {frozenset((of.columns["storey"][k], of.columns["discipline"][k]) for k in rows) for rows in groups(of).values()}


def test_a_small_model_is_one_group():
    assert set(groups(building({(s, d): [40, 60] for s in range(13) for d in KINDS}))) == {0}


def test_storeys_share_from_below_and_a_large_one_is_parted_by_discipline():
    third = SHARED_TRIANGLES // 3 - 10
    full = building({(s, "architecture"): [third] for s in (3, 1, 0, 2)} | {(4, d): [2 * third] for d in KINDS})
    storeys = [sorted({full.columns["storey"][k] for k in rows}) for rows in groups(full).values()]
    assert sorted(storeys) == [["s0", "s1", "s2"], ["s3"], ["s4"], ["s4"], ["s4"], ["s4"]]
    assert {len(rows) for rows in groups(full).values() if full.columns["storey"][rows[0]] == "s4"} == {1}


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.tuples(st.integers(0, 9), st.sampled_from(KINDS)), COUNTS, min_size=1))
def test_groups_are_small_or_one_kind_and_they_are_few(weights):
    full = building(weights)
    weight = np.diff(full.starts) + 2
    found = groups(full)
    assert sorted(k for rows in found.values() for k in rows) == list(range(len(full)))
    for rows in found.values():
        mine = {(full.columns["storey"][k], full.columns["discipline"][k]) for k in rows}
        assert len(mine) == 1 or weight[rows].sum() <= SHARED_TRIANGLES
        whole = {k for k in range(len(full)) if (full.columns["storey"][k], full.columns["discipline"][k]) in mine}
        assert whole == set(rows)  # a kind is never parted here
    assert len(found) <= 1 + 7 * int(weight.sum()) // SHARED_TRIANGLES  # seven halvings part ten storeys of four disciplines


def test_an_element_more_moves_no_other_to_another_group():
    weights = {(s, d): [1500 + 37 * s, 900] for s in range(9) for d in KINDS}
    before = building(weights)
    weights[4, "hvac"] = [*weights[4, "hvac"], 12]
    after = building(weights)
    assert kinds(before) == kinds(after)
    assert len(kinds(before)) > 2
