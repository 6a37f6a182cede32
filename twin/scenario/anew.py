"""What-if questions of measures that have no quick way: computed anew, with the answers before kept."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import shapely

from twin.result import Gap, Measure, Request, Result
from twin.scenario.changes import Record, digest_of
from twin.scenario.overlay import with_changes
from twin.scenario.partly import Local
from twin.scenario.session import Change, Preview, Session, Shares
from twin.store import Store

RESULTS_KEPT = 4
_SLIVER = 1e-6  # of a gap: what is left by the rounding of its outline


class Answers(Protocol):
    """What answers what-if questions of one measure of one park; any number of threads may ask."""

    def shares(self, changes: Sequence[Record] = ()) -> Shares:
        """The value with some changes made to the park."""
        ...

    def preview(self, scenario: Sequence[Record], changes: Sequence[Record]) -> Preview:
        """What further changes to a scenario's park would give; raises what `twin.scenario.changes.changed` does."""
        ...


def answers(store: Store, measure: Measure, request: Request) -> Answers:
    """The quickest way there is to ask what changes to devices would give."""
    if measure.ready is not None:
        return Session(store, measure, request)
    partly = None if measure.partly is None else measure.partly(store, request)
    return Anew(store, measure, request) if partly is None else Local(store, partly)


class Anew:
    """A measure computed for each question."""

    def __init__(self, store: Store, measure: Measure, request: Request) -> None:
        self._store = store
        self._measure = measure
        self._request = replace(request, want_samples=False, want_sensitivity=False)
        self._kept: OrderedDict[str, Result] = OrderedDict()
        self._lock = threading.Lock()

    def shares(self, changes: Sequence[Record] = ()) -> Shares:
        """The value with some changes made to the park."""
        return _shares(self._result(changes))

    def preview(self, scenario: Sequence[Record], changes: Sequence[Record]) -> Preview:
        """What further changes to a scenario's park would give; raises what `twin.scenario.changes.changed` does."""
        started = time.perf_counter()
        before, after = self._result(scenario), self._result([*scenario, *changes])
        gaps = [*_changes("opened", after, before), *_changes("closed", before, after)]
        return Preview(
            before=_shares(before),
            after=_shares(after),
            gaps=sorted(gaps, key=lambda gap: -gap.amount),
            devices={},
            cells=int(after.surface.get("samples") or 0),
            milliseconds=1000 * (time.perf_counter() - started),
        )

    def _result(self, changes: Sequence[Record]) -> Result:
        key = digest_of(changes)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = self._measure.compute(with_changes(self._store, changes), self._request)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > RESULTS_KEPT:
                self._kept.popitem(last=False)
        return made


def _shares(result: Result) -> Shares:
    return Shares(result.value, result.lower, result.upper, result.numerator, result.denominator)


def _changes(kind: str, here: Result, there: Result) -> list[Change]:
    """What lies in the gaps of one result and in none of the other's."""
    known = {_named(gap) for gap in there.gaps}
    fresh = [gap for gap in here.gaps if _named(gap) not in known]
    others = [gap.geometry for gap in there.gaps if gap.geometry is not None] if fresh else []
    lacking: Any = shapely.union_all(shapely.force_2d(others)) if others else shapely.GeometryCollection()
    found: list[Change] = []
    for gap in fresh:
        share, left = _left(gap.geometry, lacking)
        if share > _SLIVER:
            found.append(Change(kind, share * gap.amount, gap.reason if kind == "opened" else "", list(gap.blockers), left, gap.zone))
    return found


def _left(shape: Any, lacking: Any) -> tuple[float, Any]:
    """What of a gap lies outside of others, and which share of it that is; a gap without a place is taken whole."""
    if shape is None or shape.is_empty:
        return 1.0, shape
    left = shapely.difference(shape, lacking)
    size = next((size for size in (shapely.area, shapely.length, shapely.get_num_geometries) if size(shape) > 0), shapely.area)
    return float(size(left) / size(shape)) if not left.is_empty else 0.0, left


def _named(gap: Gap) -> tuple[object, ...]:
    return (None if gap.geometry is None else shapely.to_wkb(gap.geometry), gap.reason, tuple(gap.blockers))
