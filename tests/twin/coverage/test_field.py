"""How cells are arranged: against numpy's own ways, and in one piece."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from twin.coverage import field as fields
from twin.coverage.cells import grid
from twin.coverage.field import EVERY, PAGE, arrange, distinct_cells
from twin.coverage.look import prepare
from twin.coverage.surface import Piece, Surface
from twin.scene import nothing


@given(st.lists(st.integers(0, 500), max_size=80))
def test_distinct_cells_are_those_of_numpy(said: list[int]) -> None:
    cell = np.array(said, np.int32)
    distinct, row = distinct_cells(cell)
    expected, place = np.unique(cell, return_inverse=True)
    assert (distinct.tolist(), row.tolist()) == (expected.tolist(), place.tolist())


def level(xy: np.ndarray) -> np.ndarray:
    return np.zeros(len(xy))


ISLANDS = Surface(
    "s",
    [
        Piece("a", "a", shapely.box(-70.3, -45.2, 20.7, 33.1).difference(shapely.Point(0, 0).buffer(12.3))),
        Piece("b", "b", shapely.Point(-40, 10).buffer(31.7)),
    ],
)


def test_every_cell_has_its_place_on_a_page_of_its_piece() -> None:
    cells = grid(ISLANDS, 1.0, 1.5, level)
    pages = arrange(cells, prepare(nothing()).edges).pages
    page, square = np.nonzero(pages.slot >= 0)
    cell = pages.slot[page, square]
    assert sorted(cell.tolist()) == list(range(len(cells)))
    middle = pages.corner[page] + np.column_stack([square % PAGE, square // PAGE]) + 0.5
    assert np.allclose(middle, cells.centre[cell, :2])
    assert all(len(np.unique(cells.piece[pages.slot[k][pages.slot[k] >= 0]])) == 1 for k in range(len(pages.slot)))


def test_border_cells_are_cut_alike_in_however_many_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    cells, edges = grid(ISLANDS, 1.0, 1.5, level), prepare(nothing()).edges
    found = []
    for count in (1, 2, 5):
        monkeypatch.setattr(fields, "SIDE_BY_SIDE", count)
        found.append(arrange(cells, edges))
    for other in found[1:]:
        assert other.part_area.tobytes() == found[0].part_area.tobytes()
        assert (other.pages.dead == found[0].pages.dead).all()
        assert other.pages.inside.tobytes() == found[0].pages.inside.tobytes()
    whole = found[0].amounts(np.full(len(cells), EVERY))
    assert whole.sum() == pytest.approx(sum(piece.polygon.area for piece in ISLANDS.pieces), rel=1e-9)
