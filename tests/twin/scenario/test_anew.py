"""Pieces that a change opens and closes, where a measure is computed anew: what lies in the gaps of one answer alone."""

from __future__ import annotations

from typing import Any

import pytest
import shapely

from twin.result import Gap, Measure, Request, Result
from twin.scenario.anew import Anew
from twin.store import Store

CHANGE = [{"op": "set", "id": "ap", "values": {"eirp_dbm": 10}}]


def result(*gaps: Gap) -> Result:
    """An answer with these gaps, of ten in all."""
    missing = sum(gap.amount for gap in gaps)
    share = 1 - missing / 10
    return Result(
        measure="m", value=share, lower=share, upper=share, numerator=10 - missing, denominator=10.0, quantity="m2", surface={},
        parameters={}, inputs={}, engine="", run="", seconds=0.0, gaps=list(gaps),
    )  # fmt: skip


def gap(name: str, amount: float, shape: Any) -> Gap:
    """A gap of some place."""
    return Gap(name, amount, "out_of_range", (), shape, "zone")


@pytest.mark.parametrize(
    ("before", "after", "opened", "closed"),
    [
        (shapely.box(0, 0, 2, 1), shapely.box(1, 0, 3, 1), 1.0, 1.0),  # half of it moves on
        (shapely.box(0, 0, 2, 1), shapely.box(0, 0, 3, 1), 1.0, 0.0),  # it grows
        (shapely.box(0, 0, 2, 1), shapely.box(0, 0, 2, 1), 0.0, 0.0),
        (shapely.box(0, 0, 2, 1), shapely.box(5, 0, 6, 1), 1.0, 2.0),
        (shapely.MultiPoint([(0, 0), (1, 0)]), shapely.MultiPoint([(1, 0), (2, 0), (3, 0)]), 2.0, 1.0),
        (shapely.LineString([(0, 0), (4, 0)]), shapely.LineString([(3, 0), (5, 0)]), 1.0, 3.0),
    ],
)
def test_only_what_differs_is_told(park: Store, before: Any, after: Any, opened: float, closed: float) -> None:
    """Gaps are of one amount a unit of their size here; a gap that stays is no change, wherever else it grows."""
    size = next(size for size in (shapely.area, shapely.length, shapely.get_num_geometries) if size(before) > 0)

    def compute(store: Store, _: Request) -> Result:
        shape = before if store is park else after
        return result(gap("gap/1", float(size(shape)), shape))

    measure = Measure("m", "m", "m", "1", "m2", (), (), compute)
    found = Anew(park, measure, Request({})).preview([], CHANGE)
    told = {kind: sum(each.amount for each in found.gaps if each.kind == kind) for kind in ("opened", "closed")}
    assert told == pytest.approx({"opened": opened, "closed": closed})
    assert found.after.value == pytest.approx(1 - float(size(after)) / 10)
