"""Counting things by what is known of them: yes, no, and unknown as a third state.

Unknown counts as no for the lower bound and as yes for the upper one; shares are exact fractions, so that a limit is met or not met.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median
from typing import Literal

State = bool | None  # yes, no, unknown
Aggregate = Literal["best", "union", "median", "minimum"]


@dataclass(frozen=True)
class Tally:
    """How many, or how much, of a whole: surely, likely and possibly."""

    lower: Fraction
    value: Fraction
    upper: Fraction
    total: Fraction
    unknown: Sequence[int]  # the items of which it is not known

    @property
    def shares(self) -> tuple[Fraction, Fraction, Fraction] | None:
        """Lower bound, value and upper bound as shares; None of nothing."""
        return (self.lower / self.total, self.value / self.total, self.upper / self.total) if self.total else None


def tally(states: Sequence[State], weights: Sequence[Fraction | float | int] | None = None, *, assume: bool = False) -> Tally:
    """The weight of the items (n,) that are so.

    Parameters
    ----------
    states
        Of each item, whether it is so.
    weights
        What each counts; 1 where none are given.
    assume
        What an unknown state counts as in the value.
    """
    weigh = [Fraction(1)] * len(states) if weights is None else [Fraction(weight) for weight in weights]
    sums = {state: sum((w for s, w in zip(states, weigh, strict=True) if s is state), Fraction(0)) for state in (True, False, None)}
    yes, maybe = sums[True], sums[None]
    unknown = [k for k, state in enumerate(states) if state is None]
    return Tally(yes, yes + maybe if assume else yes, yes + maybe, sum(weigh, Fraction(0)), unknown)


def both(*states: State) -> State:
    """Whether all are so: no where one is not, unknown where one of the others is (Kleene's strong logic)."""
    return False if any(state is False for state in states) else None if any(state is None for state in states) else True


def either(*states: State) -> State:
    """Whether any is so: yes where one is, unknown where one of the others is."""
    return True if any(state is True for state in states) else None if any(state is None for state in states) else False


def function_count(items: Sequence[Mapping[str, State]], how: Aggregate) -> tuple[Fraction, Fraction, Fraction]:
    """The number of distinct functions that items have together or one by one: at least, likely and at most.

    Parameters
    ----------
    items
        Of each item, function -> whether it has it; a function that is not named it has not. An unknown one is no for the value.
    how
        `best`: of the item with most; `union`: of all together; `median` and `minimum`: over the items.
    """
    if not items:
        return Fraction(0), Fraction(0), Fraction(0)
    least, most = ([{name for name, state in item.items() if state in states} for item in items] for states in ((True,), (True, None)))
    low, high = (_aggregated(names, how) for names in (least, most))
    return low, low, high


def _aggregated(items: Sequence[set[str]], how: Aggregate) -> Fraction:
    if how == "union":
        return Fraction(len(set[str]().union(*items)))
    counts = [len(item) for item in items]
    return Fraction(max(counts) if how == "best" else min(counts) if how == "minimum" else median(counts))
