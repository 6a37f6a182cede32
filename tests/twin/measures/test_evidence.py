"""What goes in is named by a hash that changes with it, and what comes out adds up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from twin.coverage.cells import grid
from twin.coverage.surface import Piece, Surface
from twin.crs import Frame
from twin.measures import resolve
from twin.measures.evidence import ENGINE, Inputs, JudgedCells, area_result, described, digest, run_id
from twin.measures.wifi_area_share import MEASURE
from twin.model import Device
from twin.scene import one_object

DEVICE = Device("a", "wifi_ap", "a", 104.0, 30.0, attributes={"eirp_dbm": 20.0})
SURFACE = Surface("s", [Piece("p", "P", shapely.box(0, 0, 8, 4), 0.0), Piece("q", "Q", shapely.box(10, 0, 14, 4), 0.0)])


def test_the_hash_knows_every_part() -> None:
    wall = one_object(np.eye(3), np.array([[0, 1, 2]]), object_id="w")
    whole = digest([DEVICE, SURFACE, wall, 3])
    changed = [
        [replace(DEVICE, attributes={"eirp_dbm": 21.0}), SURFACE, wall, 3],
        [DEVICE, replace(SURFACE, pieces=SURFACE.pieces[:1]), wall, 3],
        [DEVICE, SURFACE, one_object(np.eye(3) * 2, np.array([[0, 1, 2]]), object_id="w"), 3],
        [DEVICE, SURFACE, one_object(np.eye(3), np.array([[0, 1, 2]]), object_id="w", materials=[{"name": "brick"}]), 3],
        [DEVICE, SURFACE, wall, 4],
    ]
    assert whole == digest([DEVICE, SURFACE, wall, 3])
    assert len({whole, *(digest(parts) for parts in changed)}) == 6


def test_a_run_is_named_by_its_question_and_its_input() -> None:
    usual, other = resolve(MEASURE, {}, {}), resolve(MEASURE, {"k": 2}, {})
    assert run_id(MEASURE, usual, "x") == run_id(MEASURE, usual, "x")
    assert len({run_id(MEASURE, usual, "x"), run_id(MEASURE, usual, "y"), run_id(MEASURE, other, "x")}) == 3
    assert described(MEASURE, other)["k"] == {"value": 2, "unit": "1", "provenance": "given", "source": "assumption"}


def judged() -> JudgedCells:
    cells = grid(SURFACE, 1.0, 1.2, lambda xy: np.zeros(len(xy)))
    inside = cells.centre[:, 0] < 4
    covered = np.where(inside, cells.area, 0.0)
    return JudgedCells(
        SURFACE, cells, covered, covered * 0.9, cells.area, np.where(inside, -50.0, np.nan), "dBm", ["occluded"] * len(cells),
        ["w"] * len(cells), 1.2, "by hand", 0.0, {"note": ["one", "two"]},
    )  # fmt: skip


def test_totals_zones_gaps_and_samples_add_up() -> None:
    frame = Frame(104.0, 30.0, 500.0)
    result = area_result(MEASURE, resolve(MEASURE, {}, {}), judged(), frame, inputs=Inputs("0" * 64, 1, 0.0), started=0.0)
    assert (result.numerator, result.denominator) == (16.0, 48.0)
    assert result.value == pytest.approx(1 / 3)
    assert (result.lower, result.upper) == (pytest.approx(0.3), 1.0)
    assert [(zone["id"], zone["value"], zone["note"]) for zone in result.zones] == [("q", 0.0, "two"), ("p", 0.5, "one")]
    assert [(gap.amount, gap.zone, list(gap.blockers)) for gap in result.gaps] == [(16.0, "p", ["w"]), (16.0, "q", ["w"])]
    assert result.samples is not None
    assert len(result.samples.value) == 48
    # sure for more than half of a cell: covered; possible for all of it and sure for nothing: undecided
    assert result.samples.state.tolist() == np.where(judged().cells.centre[:, 0] < 4, 1, -1).tolist()
    assert shapely.get_coordinates(result.gaps[0].geometry, include_z=True)[0, 2] == pytest.approx(501.2, abs=0.01)
    assert result.engine == ENGINE


def test_nothing_to_judge_is_not_applicable() -> None:
    empty = grid(Surface("s", []), 1.0, 1.2, lambda xy: np.zeros(len(xy)))
    none = np.empty(0)
    found = JudgedCells(Surface("s", []), empty, none, none, none, none, "dBm", [], [], 1.2, "by hand", 0.0)
    result = area_result(MEASURE, resolve(MEASURE, {}, {}), found, Frame(104.0, 30.0), inputs=Inputs("0", 0, None), started=0.0)
    assert (result.lower, result.value, result.upper) == (None, None, None)
    assert result.gaps == []
