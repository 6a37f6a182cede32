"""Counting again where something changed, against counting everything anew; contributions against leaving each device out."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.coverage.camera import Criteria, View
from twin.coverage.cells import grid
from twin.coverage.field import Field, arrange
from twin.coverage.footprint import NOWHERE, Footprint, together
from twin.coverage.look import prepare
from twin.coverage.surface import Piece, Surface
from twin.coverage.tally import Tally, changed, contribution_of, contributions, tally
from twin.coverage.visibility import Question, footprints
from twin.scene import Obstacles, concat, nothing, one_object
from twin.scene.prism import prism


def level(xy: np.ndarray) -> np.ndarray:
    return np.zeros(len(xy))


def block(x: float, y: float, wide: float, deep: float, top: float) -> Obstacles:
    vertices, faces = prism(shapely.box(x, y, x + wide, y + deep), -1.0, top)
    return one_object(vertices, faces, object_id=f"b{x}{y}")


BLOCKS = concat([block(-9, -4, 3, 6, 5), block(2, 3, 5, 2, 3), block(5, -9, 2, 3, 8)])
# a ring with a slanted rim and two pieces that touch: border cells of every sort
PLACE = Surface("s", [
    Piece("a", "a", shapely.Polygon([(-12, -12), (11.3, -10.2), (12, 12), (-12, 9.7)], [[(-2, -2), (1.5, -2.2), (0, 1.7)]])),
    Piece("b", "b", shapely.box(12, -5, 17.37, 5.1)),
])  # fmt: skip
SIGHT = prepare(BLOCKS)
QUESTION = Question(Criteria(60.0), 1.5, level)
FIELD: Field = arrange(grid(PLACE, 1.0, 1.5, level), SIGHT.edges)


def view(name: str, seed: int) -> View:
    rng = np.random.default_rng(seed)
    return View(
        name, (*rng.uniform(-13, 15, 2), rng.uniform(2.0, 7.0)), azimuth_rad=rng.uniform(0, 2 * math.pi), tilt_rad=rng.uniform(0.1, 1.0),
        hfov_rad=rng.uniform(0.5, 2.0), vfov_rad=rng.uniform(0.5, 1.5), range_m=rng.uniform(5, 30),
    )  # fmt: skip


def of(views: list[View]) -> dict[str, Footprint]:
    return footprints(PLACE, FIELD, SIGHT, views, QUESTION)


def equal(one: Tally, other: Tally) -> bool:
    return one.area.tobytes() == other.area.tobytes() and one.strength.tobytes() == other.strength.tobytes()


# moves and turns (a new seed for a name there is), additions, removals
steps = st.lists(st.tuples(st.sampled_from("abcdef"), st.one_of(st.none(), st.integers(0, 40))), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=steps, k=st.sampled_from([1, 1, 2, 3]), seed=st.integers(0, 100))
def test_any_sequence_of_changes_ends_where_counting_anew_does(steps: list[tuple[str, int | None]], k: int, seed: int) -> None:
    views = {name: view(name, seed + i) for i, name in enumerate("abcd")}
    running = tally(FIELD, of(list(views.values())), k)
    for name, new in steps:
        if new is None:
            views.pop(name, None)
        else:
            views[name] = view(name, new)
        running, cells = changed(running, {name: of([views[name]])[name] if new is not None else None})
        anew = tally(FIELD, of(list(views.values())), k)
        assert equal(running, anew)
        assert (np.diff(cells) > 0).all()
    assert running.area.tobytes() == tally(FIELD, dict(reversed(running.footprints.items())), k).area.tobytes(), "no order matters"


def test_only_touched_cells_are_counted_again_and_all_of_them() -> None:
    before = tally(FIELD, of([view("a", 1), view("b", 2)]), 1)
    after, cells = changed(before, of([view("b", 3)]))
    differs = (before.area != after.area).any(axis=0)
    assert set(np.flatnonzero(differs)) <= set(cells.tolist())
    assert differs.any()
    assert changed(before, {})[0] == before or equal(changed(before, {})[0], before)
    gone, _ = changed(before, {"a": None, "b": None})
    assert not gone.area.any()
    assert set(gone.footprints) == set()
    assert equal(changed(before, {"nobody": None})[0], before)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1000), n=st.integers(1, 6), k=st.sampled_from([1, 2, 3]))
def test_what_a_device_contributes_is_what_is_missing_without_it(seed: int, n: int, k: int) -> None:
    views = [view(f"c{i}", seed + i // 2) for i in range(n)]  # pairs that see the same
    found = of(views)
    all_of_them = tally(FIELD, found, k)
    told = contributions(all_of_them)
    for name in found:
        without = together(FIELD, [each for other, each in found.items() if other != name], k).area[:, 1].sum()
        alone = together(FIELD, [found[name]], 1).area[:, 1].sum()
        assert told[name].lost == pytest.approx(all_of_them.area[1].sum() - without, abs=1e-6)
        assert told[name].covered == pytest.approx(alone, abs=1e-6)
        assert (contribution_of(all_of_them, name).lost, contribution_of(all_of_them, name).covered) == pytest.approx(
            (told[name].lost, told[name].covered), abs=1e-6
        )


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1000), n=st.integers(1, 5))
def test_bounds_are_in_order_and_more_cameras_never_cover_less(seed: int, n: int) -> None:
    found = list(of([view(f"c{i}", seed + i) for i in range(n)]).values())
    areas = [together(FIELD, found[:m], 1).area for m in range(n + 1)]
    for less, more in pairwise(areas):
        assert (more >= less).all()
    for area in areas:
        assert (area[:, 0] <= area[:, 1]).all()
        assert (area[:, 1] <= area[:, 2]).all()
        assert (area <= FIELD.cells.area[:, None]).all()
    for k in (1, 2, 3):
        assert (together(FIELD, found, k + 1).area <= together(FIELD, found, k).area).all()


def test_what_everybody_covers_is_the_whole_cell_to_the_last_bit() -> None:
    n = len(FIELD.cells)
    everything = Footprint(
        np.arange(n, dtype=np.int32), np.full((n, 3), 0xFFFFFFFFFFFFFFFF, np.uint64), np.ones(n), NOWHERE.place, NOWHERE.fine
    )
    assert (together(FIELD, [everything], 1).area == FIELD.cells.area[:, None]).all()
    assert together(FIELD, [everything], 2).area.sum() == 0
    assert together(FIELD, [everything, everything], 2).area.sum() == 3 * FIELD.cells.area.sum()


def test_pieces_on_the_rim_of_the_surface_add_up_to_what_is_there() -> None:
    """A footprint of all pieces of every part: exactly the surface, though no part is covered as a whole."""
    n = len(FIELD.cells)
    place = np.arange(64 * n, dtype=np.int64)
    pieces = np.full((64 * n, 3), 0xFFFFFFFFFFFFFFFF, np.uint64)
    in_pieces = Footprint(np.arange(n, dtype=np.int32), np.zeros((n, 3), np.uint64), np.zeros(n), place, pieces)
    assert np.allclose(together(FIELD, [in_pieces], 1).area, FIELD.cells.area[:, None], rtol=1e-12)
    half = Footprint(in_pieces.cell, in_pieces.whole, in_pieces.strength, place, pieces & np.uint64(0x0F0F0F0F0F0F0F0F))
    other = Footprint(in_pieces.cell, in_pieces.whole, in_pieces.strength, place, pieces & np.uint64(0xF0F0F0F0F0F0F0F0))
    west, east = (together(FIELD, [each], 1).area[:, 1] for each in (half, other))
    assert np.allclose(west + east, FIELD.cells.area, rtol=1e-12)
    assert together(FIELD, [half, other], 2).area.sum() == 0


def test_no_device_and_no_cell() -> None:
    empty = arrange(grid(Surface("s", []), 1.0, 1.5, level), prepare(nothing()).edges)
    assert tally(empty, {}, 1).area.shape == (3, 0)
    assert contributions(tally(empty, {"a": NOWHERE}, 2)) == contributions(tally(FIELD, {"a": NOWHERE}, 1))
    assert tally(FIELD, {}, 1).area.sum() == 0
