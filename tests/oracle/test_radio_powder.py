"""Levels measured about a campus at 462.7 MHz, predicted from positions: the figures that `docs/validation_powder.py` writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from docs.validation_powder import FOLDER, FREE, OURS, ROWS, all_figures, noisy, plot, predicted, readings, table


def test_the_page_says_what_is_found(shared_data: Path) -> None:
    assert (FOLDER / "powder.md").read_text("utf-8") == table(readings(shared_data), all_figures(shared_data))


def test_the_formula_with_obstacles_is_nearer_than_free_space(shared_data: Path) -> None:
    told = all_figures(shared_data)
    ours, free = told[OURS], told[FREE]
    assert ours.median_db < 6.5
    assert free.median_db > 7.0
    assert ours.sigma_db < 9.6 < free.sigma_db
    assert ours.sigma_by_receiver_db < free.sigma_by_receiver_db
    assert ours.rank > 0.55


def test_figures_are_what_they_are_called(shared_data: Path) -> None:
    found = readings(shared_data)
    said = predicted(found, ROWS[OURS][0], clear=False)
    off = found.level - said
    told = all_figures(shared_data)[OURS]
    assert told.rank == pytest.approx(float(spearmanr(said, found.level).statistic), abs=1e-9)
    assert told.median_db == pytest.approx(float(np.median(np.abs(off - np.median(off)))))
    assert told.sigma_db == pytest.approx(float(np.std(off)))


def test_receivers_that_hear_noise_are_told_by_their_readings(shared_data: Path) -> None:
    found = readings(shared_data)
    assert noisy(found) == {"law73-nuc1-b210", "madsen-nuc1-b210"}
    assert len(found) > 8000
    assert found.d_m.max() < 5000.0


def test_the_plot_is_drawn(shared_data: Path) -> None:
    drawn = plot(readings(shared_data))
    assert drawn.startswith("<svg")
    assert drawn.count("<polyline") == 3
    assert (FOLDER / "powder.svg").read_text("utf-8") == drawn
