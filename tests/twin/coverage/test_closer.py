"""The closer look against rays of double precision: what it calls seen is seen everywhere, what it leaves out is seen nowhere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely

from twin.coverage.camera import Criteria, View, verdicts
from twin.coverage.cells import grid
from twin.coverage.closer import NOTHING, closer
from twin.coverage.field import Field, arrange
from twin.coverage.inview import INSIDE
from twin.coverage.look import PERHAPS_NO, PERHAPS_YES, Sight, look, prepare
from twin.coverage.surface import Piece, Surface
from twin.coverage.visibility import Question, relief_of
from twin.scene import Obstacles, concat, one_object
from twin.scene.prism import prism

CRITERIA = Criteria(60.0)
PLACE = Surface("s", [Piece("p", "p", shapely.box(-10, -10, 10.5, 10.3))])


def slope(xy: np.ndarray) -> np.ndarray:
    return 0.1 * xy[:, 0] + 0.4 * np.sin(xy[:, 1] / 5.0)


def level(xy: np.ndarray) -> np.ndarray:
    return np.zeros(len(xy))


def blocks(rng: np.random.Generator, n: int) -> Obstacles:
    """Blocks that stand in the surface, so that their walls cut it."""
    parts: list[Obstacles] = []
    for k in range(n):
        x, y, wide, deep = *rng.uniform(-9, 6, 2), *rng.uniform(0.3, 4, 2)
        vertices, faces = prism(shapely.affinity.rotate(shapely.box(x, y, x + wide, y + deep), rng.uniform(0, 90)), -3, rng.uniform(1, 6))
        parts.append(one_object(vertices, faces, object_id=f"b{k}"))
    return concat(parts)


def some_view(rng: np.random.Generator) -> View:
    return View(
        "c", (*rng.uniform(-9, 9, 2), rng.uniform(3, 8)), azimuth_rad=rng.uniform(0, 2 * math.pi), tilt_rad=rng.uniform(0.2, 1.0),
        hfov_rad=rng.uniform(0.5, 1.8), vfov_rad=rng.uniform(0.5, 1.4), range_m=rng.uniform(6, 20),
    )  # fmt: skip


def taken(seed: int, ground: Any) -> tuple[Field, Sight, View, Any, Any]:
    rng = np.random.default_rng(seed)
    sight, view = prepare(blocks(rng, 5)), some_view(rng)
    field = arrange(grid(PLACE, 1.0, 1.5, ground), sight.edges)
    found = look(field, sight, view, CRITERIA)
    return field, sight, view, found, closer(field, sight, view, CRITERIA, found, relief_of(PLACE, Question(CRITERIA, 1.5, ground)))


def seen(view: View, targets: np.ndarray, sight: Sight) -> np.ndarray:
    """Moeller and Trumbore's test of every segment with every triangle, in double precision."""
    ok = verdicts(view, CRITERIA, targets) == INSIDE
    lens = np.array(view.position)
    way = targets - lens
    obstacles = sight.scene.obstacles
    for p, q, r in obstacles.vertices[obstacles.faces.astype(int)]:
        e, f = q - p, r - p
        h = np.cross(way, f)
        det = h @ e
        with np.errstate(divide="ignore", invalid="ignore"):
            s = lens - p
            u, g = (h @ s) / det, np.cross(s, e)
            v, t = (way @ g) / det, (f @ g) / det
            ok &= ~((u >= 0) & (v >= 0) & (u + v <= 1) & (t > 1e-6) & (t < 1 - 1e-6))
    return ok


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 6, 7, 9])
def test_what_is_certain_is_so_at_every_point(seed: int) -> None:
    ground = slope if seed % 2 else level
    field, sight, view, _, fine = taken(seed, ground)
    assert len(fine.place) > 20
    rng = np.random.default_rng(seed)
    place = np.repeat(fine.place, 64)
    piece = np.tile(np.arange(64), len(fine.place))
    corner = field.cells.centre[place // 64, :2] - 0.5 + np.column_stack([place % 64 % 8, place % 64 // 8]) / 8
    at = corner + (np.column_stack([piece % 8, piece // 8]) + rng.uniform(0.07, 0.93, (len(piece), 2))) / 64  # 1 mm off the rims
    ok = seen(view, np.column_stack([at, ground(at) + 1.5]), sight)
    bits = fine.pieces[:, :, None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)  # (s, 3, 64)
    sure, likely, perhaps = bits.astype(bool).transpose(1, 0, 2).reshape(3, -1)
    assert ok[sure].all()
    assert not ok[~perhaps].any()
    assert not (sure & ~likely).any()
    assert not (likely & ~perhaps).any()
    assert (ok == likely).mean() > 0.97
    assert (sure | ~perhaps).mean() > 0.75, "most of it is decided"


def test_only_what_the_look_left_open_is_looked_at() -> None:
    field, _, _, found, fine = taken(3, level)
    open_ = np.isin(found.state, [PERHAPS_YES, PERHAPS_NO])
    asked = {
        64 * cell + part
        for cell, mask in zip(found.cell[open_], found.mask[open_], strict=True)
        for part in range(64)
        if int(mask) >> part & 1
    }
    assert set(fine.place.tolist()) <= asked
    assert (np.diff(fine.place) > 0).all()
    assert len(fine.place) > 0.5 * len(asked)
    assert field.step == 1.0


def test_a_surface_in_a_face_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    field, sight, view, found, fine = taken(3, level)
    cut = (field.pages.cell_cut[fine.place // 64] >> (fine.place % 64).astype(np.uint64) & np.uint64(1)).astype(bool)
    assert cut.any()
    monkeypatch.setattr("twin.coverage.closer.MOST_CUT", 0)
    relief = relief_of(PLACE, Question(CRITERIA, 1.5, level))
    without = closer(field, sight, view, CRITERIA, found, relief)
    assert without.place.tolist() == fine.place[~cut].tolist()
    assert (without.pieces == fine.pieces[~cut]).all()


def test_nothing_seen_is_nothing_looked_at() -> None:
    field, sight, view, _, _ = taken(3, level)
    away = View("c", (500.0, 500.0, 5.0), range_m=10.0)
    found = look(field, sight, away, CRITERIA)
    assert closer(field, sight, away, CRITERIA, found, relief_of(PLACE, Question(CRITERIA, 1.5, level))) is NOTHING
    assert view.camera == "c"
