"""Who sees single targets, against asking about each with nothing left out beforehand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from twin.coverage.camera import LEAST, MOST, Criteria, Slack, View, verdicts
from twin.coverage.inview import ANY_WAY, FISHEYE, INSIDE, REACHABLE, RECTILINEAR
from twin.coverage.look import prepare
from twin.coverage.share import sees
from twin.scene import concat, one_object
from twin.scene.prism import prism


@pytest.mark.parametrize("lens", [RECTILINEAR, FISHEYE, ANY_WAY, REACHABLE])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_out_of_reach_is_not_seen_anyway(lens: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(-60, 60, (12, 2))
    houses = [one_object(*prism(shapely.box(x, y, x + 6, y + 6), 0, 5), object_id=f"b{i}") for i, (x, y) in enumerate(corners.tolist())]
    sight, criteria = prepare(concat(houses)), Criteria(60.0, math.radians(50))
    view = View(
        "c", (*rng.uniform(-40, 40, 2), 6.0), lens, rng.uniform(0, 6.3), 0.3, 1.2, 0.9, range_m=rng.choice([25.0, math.inf]),
        slack=Slack(0.5, 0.2, 0.02, 0.01), sign=int(rng.choice([LEAST, 0, MOST])),
    )  # fmt: skip
    targets = np.column_stack([rng.uniform(-300, 300, (4000, 2)), rng.uniform(0, 3, 4000)])
    found = sees(targets, view, criteria, sight)
    near = np.linalg.norm(targets - np.array(view.position), axis=1) < 60
    assert not found[verdicts(view, criteria, targets) != INSIDE].any()
    assert (found[near] == sees(targets[near], view, criteria, sight)).all()
    if view.sign == 0:
        free = ~sight.scene.occluded(np.broadcast_to(np.array(view.position), targets.shape), targets)
        assert (found == (free & (verdicts(view, criteria, targets) == INSIDE))).all()
        assert (found == sees(targets, view, criteria, sight.scene)).all()
