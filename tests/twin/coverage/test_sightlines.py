"""Sight of parts of cells, against rays, for whole cells and for cells cut from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from trimesh.creation import box as closed

from twin.coverage import sightlines
from twin.coverage.cells import Cells, grid, split
from twin.coverage.field import Field, arrange
from twin.coverage.look import Sight, look, prepare, with_best
from twin.coverage.sightlines import Lines, as_points, blocks, freed, is_lasting, pairs, settled, sight_lines, these, with_most_in_the_way
from twin.coverage.surface import Piece, Surface
from twin.scene import concat, nothing, one_object

POINTS = np.array([[0.0, 0.0, 4.0], [-6.0, 5.0, 3.0], [np.nan, 0.0, 1.0]])
REACH = np.array([12.0, 9.0, 5.0])


def blocked() -> Sight:
    bodies = [closed(bounds=[(2, -3, 0), (2.5, 3, 5)]), closed(bounds=[(-5, 0, 0), (-2, 0.4, 2)])]
    return prepare(concat([one_object(np.asarray(b.vertices), np.asarray(b.faces), object_id=f"w{k}") for k, b in enumerate(bodies)]))


def lines(worst: Sight, best: Sight) -> tuple[Cells, Lines]:
    pieces = [Piece("a", "a", shapely.Point(0, 0).buffer(9.3), floor_z=0.0), Piece("b", "b", shapely.box(3, 3, 11, 11), floor_z=1.0)]
    cells = grid(Surface("s", pieces), 1.0, 0.5, lambda xy: np.zeros(len(xy)))
    return cells, sight_lines(arrange(cells, worst.edges), (worst, best), POINTS, REACH)


def truth(sight: Sight, cells: Cells) -> Any:
    own = cells.representative
    out = np.zeros((len(cells), len(POINTS)), bool)
    for k in range(2):
        out[:, k] = ~sight.scene.occluded(np.broadcast_to(POINTS[k], own.shape), own) & (
            np.linalg.norm(own - POINTS[k], axis=1) <= REACH[k]
        )
    return out


def asked(found: Lines, cells: Cells) -> tuple[Any, Any]:
    """Whether each point is for certain in sight of all of a cell, and perhaps of some of it."""
    at = blocks(found.field, cells)
    sure, perhaps = np.zeros((len(cells), len(POINTS)), bool), np.zeros((len(cells), len(POINTS)), bool)
    for i, root in enumerate(at.root.tolist()):
        for k in range(found.first[root], found.first[root + 1]):
            sure[i, found.point[k]] = at.live[i] & ~found.seen[k] == 0
            perhaps[i, found.point[k]] = at.live[i] & found.perhaps[k] != 0
    return sure, perhaps


def test_cells_and_their_quarters_agree_with_rays() -> None:
    sight = blocked()
    cells, found = lines(sight, sight)
    for _ in range(4):
        sure, perhaps = asked(found, cells)
        seen = truth(sight, cells)
        assert (sure <= seen).all()
        assert (seen <= perhaps).all()
        assert (sure == perhaps).mean() > 0.9
        cells = split(cells, np.arange(len(cells)) % 3 == 0)
    assert not asked(found, cells)[1][:, 2].any()


def test_pairs_are_what_rays_say() -> None:
    sight = blocked()
    cells, found = lines(sight, sight)
    cell, point = pairs(found)
    got = np.zeros((len(cells), len(POINTS)), bool)
    got[cell, point] = True
    assert (got == truth(sight, cells)).mean() > 0.985  # a part is judged by its own middle where it is undecided


def test_two_scenes_bound_what_lies_between() -> None:
    worst, best = blocked(), prepare(nothing())
    cells, found = lines(worst, best)
    sure, perhaps = asked(found, cells)
    assert (sure <= truth(worst, cells)).all()
    assert (truth(best, cells) <= perhaps).all()
    hidden = truth(best, cells) & ~truth(worst, cells)
    assert hidden.sum() > 20
    assert perhaps[hidden].all()
    settled_sure, settled_perhaps = asked(settled(found), as_points(cells))
    assert (settled_sure == settled_perhaps).all()


def test_what_cutting_cannot_decide() -> None:
    ten, low, high = np.full(4, 10.0), np.array([4.0, 4, 4, 11]), np.array([9.0, 9, 12, 15])
    least, most = np.array([4.5, 4.9, 5, 4]), np.array([18.0, 5.1, 15, 20])
    # undecided at its own point and dark all over; decided there; undecided, but light within the cell; undecided and light all over
    assert is_lasting(ten, (low, high), (least, most)).tolist() == [True, False, False, True]


def test_lines_of_some_points_are_those_of_all_without_the_others() -> None:
    _, whole = lines(blocked(), prepare(nothing()))
    for chosen in ([1], [0, 1], []):
        some = these(whole, np.array(chosen, np.int64))
        keep = np.isin(whole.point, chosen)
        cell = np.repeat(np.arange(len(whole.first) - 1), np.diff(whole.first))
        assert np.repeat(np.arange(len(some.first) - 1), np.diff(some.first)).tolist() == cell[keep].tolist()
        assert [chosen[k] for k in some.point.tolist()] == whole.point[keep].tolist()
        assert (some.likely == whole.likely[keep]).all()


def test_the_worst_of_two_scenes_is_that_scene_alone() -> None:
    worst = blocked()
    cells, both = lines(worst, prepare(nothing()))
    alone = lines(worst, worst)[1]
    for got, expected in zip(asked(with_most_in_the_way(both), cells), asked(alone, cells), strict=True):
        assert (got == expected).all()


def test_freed_lines_are_what_rays_say_of_the_scene_between() -> None:
    worst, best = blocked(), prepare(nothing())
    cells, both = lines(worst, best)
    body = closed(bounds=[(2, -3, 0), (2.5, 3, 5)])
    between = prepare(one_object(np.asarray(body.vertices), np.asarray(body.faces), object_id="w0"))
    cell, point = pairs(freed(both, between.scene, POINTS))
    got = np.zeros((len(cells), len(POINTS)), bool)
    got[cell, point] = True
    assert (got == truth(between, cells)).mean() > 0.985
    assert got.sum() > len(pairs(both)[0])


def among_doors(seed: int) -> tuple[Field, Sight, Sight, Any]:
    """A wide field with walls and with doors that may be open, and places to look from."""
    random = np.random.default_rng(seed)
    corner = random.uniform(-120, 120, (30, 2))
    bodies = [
        closed(bounds=[(x, y, 0), (x + a, y + b, 4)]) for (x, y), (a, b) in zip(corner, random.uniform(0.3, 12, (30, 2)), strict=True)
    ]
    parts = [one_object(np.asarray(b.vertices), np.asarray(b.faces), object_id=f"w{k}") for k, b in enumerate(bodies)]
    cells = grid(Surface("s", [Piece("a", "a", shapely.box(-130, -130, 130, 130), floor_z=0.0)]), 2.0, 1.5, lambda xy: np.zeros(len(xy)))
    worst, best = prepare(concat(parts)), prepare(concat(parts[4:]))
    return arrange(cells, worst.edges), worst, best, np.column_stack([random.uniform(-100, 100, (6, 2)), random.uniform(1, 6, 6)])


@pytest.mark.parametrize("seed", range(3))
def test_only_pages_behind_what_may_leave_are_looked_at_again(seed: int) -> None:
    field, worst, best, points = among_doors(seed)
    got = sight_lines(field, (worst, best), points, np.full(len(points), 90.0))
    doors, skipped = with_best(worst, best).leaving, 0
    for k, point in enumerate(points):
        behind = sightlines._pages_behind(field.pages, field.step, doors, point, 90.0)
        skipped += int((~behind).sum())
        kept = np.unique(field.pages.slot[behind])
        row = sightlines._view(point.tolist(), 90.0)
        least, most = (look(field, sight, row, sightlines.ALL_ROUND) for sight in (best, worst))
        assert set(least.cell.tolist()) <= set(kept.tolist()) | set(most.cell.tolist())
        own = got.point == k
        cell = np.repeat(np.arange(len(field.cells)), np.diff(got.first))[own]
        perhaps = np.zeros(len(field.cells), np.uint64)
        perhaps[cell] = got.perhaps[own]
        for found in (least, most):
            assert (found.mask & ~perhaps[found.cell] == 0).all()
    assert skipped > 0


def test_what_is_remembered_is_not_looked_at_again() -> None:
    field, worst, best, points = among_doors(5)
    known: dict[Any, Any] = {}
    looks: list[Any] = []

    def remember(view: Any, compute: Any) -> Any:
        if view not in known:
            looks.append(view)
            known[view] = compute()
        return known[view]

    reach = np.full(len(points), 60.0)
    sight_lines(field, (worst, best), points, reach, remember)
    moved = points.copy()
    moved[2] += 1.0
    again = sight_lines(field, (worst, best), moved, reach, remember)
    assert len(looks) == len(points) + 1
    fresh = sight_lines(field, (worst, best), moved, reach)
    for name in ("first", "point", "seen", "likely", "perhaps", "worst"):
        assert np.array_equal(getattr(again, name), getattr(fresh, name))
