"""Wi-Fi measured in an office and a corridor, predicted from positions: the figures that `docs/validation_radio.py` writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from docs.validation_radio import FOLDER, FREE, OTHER, Scene, all_figures, best_breakpoint_m, figures, plot, scatter_db, scenes, table

OFFICE_NLOS = "ITU-R P.1238-11, office, NLoS"


@pytest.fixture(scope="module")
def every(shared_data: Path) -> list[Scene]:
    return scenes(shared_data)


def test_the_page_says_what_is_found(every: list[Scene]) -> None:
    assert (FOLDER / "wifi.md").read_text("utf-8") == table(every, all_figures(every))


@pytest.mark.parametrize(("scene", "most_db"), [("office", 4.0), ("corridor", 5.1), ("corridor, train", 5.1), ("corridor, test", 5.1)])
def test_a_breakpoint_chosen_elsewhere_is_nearer_than_free_space_and_p1238(every: list[Scene], scene: str, most_db: float) -> None:
    told = all_figures(every)[scene]
    assert told[OTHER].sigma_db < most_db
    assert told[OTHER].sigma_db < told[FREE].sigma_db
    assert told[OTHER].rank > 0.85
    if scene.startswith("corridor"):
        assert told[OTHER].sigma_db < told[OFFICE_NLOS].sigma_db - 0.3


def test_the_breakpoint_is_chosen_without_the_judged_scene(every: list[Scene]) -> None:
    by_name = {scene.name: scene for scene in every}
    moved = Scene("office", by_name["office"].place, by_name["office"].point, by_name["office"].d_m, by_name["office"].level[::-1])
    changed = [moved if scene.name == "office" else scene for scene in every]
    assert all_figures(changed)["office"][OTHER].sigma_db == pytest.approx(
        figures(moved, _broken_loss(best_breakpoint_m([by_name["corridor"]]), moved)).sigma_db
    )


def _broken_loss(reach: float, scene: Scene) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(20 * np.log10(np.minimum(scene.d_m, reach)) + 35 * np.log10(np.maximum(scene.d_m / reach, 1.0)), np.float64)


def test_figures_are_what_they_are_called(every: list[Scene]) -> None:
    scene = every[0]
    told = figures(scene, 20 * np.log10(scene.d_m))
    off = scene.level + 20 * np.log10(scene.d_m)
    assert told.sigma_db == pytest.approx(float(np.std(off)))
    assert told.median_db == pytest.approx(float(np.median(np.abs(off - np.median(off)))))
    assert told.rank == pytest.approx(float(np.asarray(spearmanr(np.round(-20 * np.log10(scene.d_m), 6), scene.level))[0]), abs=1e-9)


def test_access_points_belong_to_the_columns_that_are_heard(every: list[Scene]) -> None:
    by_name = {scene.name: scene for scene in every}
    assert len(np.unique(by_name["office"].point)) == 5
    corridor = by_name["corridor"]
    assert len(np.unique(corridor.point)) == 4
    strongest = corridor.place[[np.flatnonzero(corridor.point == k)[corridor.level[corridor.point == k].argmax()] for k in range(4)], 0]
    assert (np.diff(strongest) > 0).all()


def test_neighbouring_places_differ_by_what_no_model_tells(every: list[Scene]) -> None:
    for scene in every:
        near = scatter_db(scene)
        assert near is not None
        assert 2.0 < near < all_figures(every)[scene.name][OTHER].sigma_db


def test_plots_show_every_median(every: list[Scene]) -> None:
    for scene in every:
        if "," not in scene.name:
            drawn = plot(scene, every)
            assert drawn.count("<circle") == len(scene.level)
            assert drawn.count("<polyline") == 3
            assert (FOLDER / f"wifi_{scene.name}.svg").read_text("utf-8") == drawn
