"""Counts with unknowns, against every way the unknowns can turn out."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.coverage.counts import Aggregate, State, both, either, function_count, tally

states = st.sampled_from([True, False, None])


def turned_out(found: list[State]) -> list[tuple[bool, ...]]:
    return list(product(*[[True, False] if state is None else [state] for state in found]))


@given(st.lists(st.tuples(states, st.integers(1, 9)), max_size=7), st.booleans())
def test_bounds_are_the_best_and_worst_that_can_be(items: list[tuple[State, int]], assume: bool) -> None:
    found, weights = [state for state, _ in items], [weight for _, weight in items]
    got = tally(found, weights, assume=assume)
    sums = [sum(w for yes, w in zip(way, weights, strict=True) if yes) for way in turned_out(found)]
    assert (got.lower, got.upper, got.total) == (min(sums), max(sums), sum(weights))
    assert got.value == (got.upper if assume else got.lower)
    assert [items[k][0] for k in got.unknown] == [None] * found.count(None)


def test_shares_are_exact() -> None:
    assert tally([True, False, False]).shares == (Fraction(1, 3),) * 3
    assert tally([]).shares is None
    assert tally([True, None], [0.1, 0.2]).total == Fraction(0.1) + Fraction(0.2)


@given(st.lists(states, min_size=1, max_size=4))
def test_and_and_or_know_what_every_outcome_agrees_on(found: list[State]) -> None:
    every, some = ({op(way) for way in turned_out(found)} for op in (all, any))
    assert both(*found) == (every.pop() if len(every) == 1 else None)
    assert either(*found) == (some.pop() if len(some) == 1 else None)


rows = st.lists(st.dictionaries(st.sampled_from("abcd"), states, max_size=4), min_size=1, max_size=3)


@given(rows, st.sampled_from(get_args(Aggregate)))
def test_function_counts_are_bounded_by_what_can_be(items: list[dict[str, State]], how: Aggregate) -> None:
    names = [(k, name) for k, item in enumerate(items) for name in item]
    ways = [dict(zip(names, way, strict=True)) for way in turned_out([items[k][name] for k, name in names])]
    sure = [[{name: way[k, name] for name in item} for k, item in enumerate(items)] for way in ways]
    counts = [function_count(way, how)[1] for way in sure]
    low, value, high = function_count(items, how)
    assert (low, high) == (min(counts), max(counts))
    assert low <= value <= high


@pytest.mark.parametrize(("how", "count"), [("best", 3), ("union", 4), ("median", 2), ("minimum", 1)])
def test_the_four_readings(how: Aggregate, count: int) -> None:
    poles = [dict.fromkeys(names, True) for names in ("abc", "ab", "d")]
    assert function_count(poles, how) == (count,) * 3
    assert function_count([], how) == (0, 0, 0)
