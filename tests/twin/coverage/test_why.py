"""Why places are not covered, against asking every camera about every place."""

from __future__ import annotations

import math

import numpy as np
import shapely

from twin.coverage.camera import Criteria, View, pack, reach, verdicts
from twin.coverage.inview import ANY_WAY, INSIDE, REASONS, shortfall_at
from twin.coverage.why import NEARBY_M, UNITS, reasons
from twin.scene import nothing, one_object
from twin.scene.embree import Scene
from twin.scene.prism import prism

NEARER = [
    "no_device",
    "outside_field_of_view",
    "blind_zone",
    "out_of_range",
    "too_dark",
    "density",
    "out_of_focus",
    "turned_away",
    "too_steep",
]


def cameras(rng: np.random.Generator, n: int) -> list[View]:
    return [
        View(
            f"c{i}", (*rng.uniform(-40, 40, 2), rng.uniform(2, 8)), azimuth_rad=rng.uniform(0, 6.3), tilt_rad=rng.uniform(0, 0.8),
            hfov_rad=rng.uniform(0.5, 1.6), vfov_rad=rng.uniform(0.4, 1.2), range_m=rng.uniform(10, 40),
        )
        for i in range(n)
    ]  # fmt: skip


def test_the_nearest_to_covering_speaks_and_the_least_lack_counts() -> None:
    rng = np.random.default_rng(4)
    views, criteria = cameras(rng, 8), Criteria(90.0, math.radians(40))
    targets = np.column_stack([rng.uniform(-120, 120, (400, 2)), np.full(400, 1.5)])
    covered = np.logical_or.reduce([verdicts(view, criteria, targets) == INSIDE for view in views])
    targets = targets[~covered]
    found = reasons(targets, views, criteria, Scene(nothing()))
    for i, target in enumerate(targets):
        best, least = 0, math.nan
        for view in views:
            way = target - np.array(view.position)
            if np.linalg.norm(way) > max(NEARBY_M, 3 * reach(view, criteria)):
                continue
            verdict = int(verdicts(view, criteria, target[None])[0])
            rank, lack = NEARER.index(REASONS[verdict]), float(shortfall_at(pack(view, criteria), verdict, *way))
            if rank > best or (rank == best and lack < least):
                best, least = rank, lack
        assert found.reasons[i] == NEARER[best]
        assert best == 0 or math.isclose(found.shortfall[i], least)
        assert best == 0 or found.shortfall[i] > 0 or NEARER[best] not in UNITS
    assert len(set(found.reasons)) >= 4


def test_a_wall_in_between_is_named_and_nobody_near_is_no_device() -> None:
    wall = one_object(*prism(shapely.box(-5, 5, 5, 5.2), 0, 4), object_id="building/w")
    view = View("c", (0.0, 0.0, 3.0), tilt_rad=0.2)
    found = reasons(
        np.array([[0.0, 10.0, 1.5], [900.0, 900.0, 1.5]]), [view, View("d", (0, 0, 3), lens=ANY_WAY)], Criteria(20.0), Scene(wall)
    )
    assert (list(found.reasons), list(found.blockers)) == (["occluded", "no_device"], ["building/w", None])
    assert np.isnan(found.shortfall).all()
    assert reasons(np.empty((0, 3)), [view], Criteria(), Scene(wall)).reasons == []
