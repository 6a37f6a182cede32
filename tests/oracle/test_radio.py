"""Path loss against measured signal strength: Wi-Fi in a corridor and an office with surveyed access points.

Positions are in cells of 0.6 m; -200 dBm means not heard. Transmit powers are not stated, so one level per access point is fitted and
what is tested is how the level falls with distance.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from twin.coverage.propagation import MODELS, Links, path_loss_db

GRID_M = 0.6
F_GHZ = 5.2  # the set says nothing of the channel; ranging by round-trip time is done at 5 GHz, and the level is fitted anyway
# access points by column of the table, as (column number, x, y) in cells
CORRIDOR: list[tuple[int, float, float]] = [(2, 2, 7.5), (3, 17, 6.8), (4, 38, 9), (5, 48, 5)]
OFFICE: list[tuple[int, float, float]] = [(1, 1, 5), (2, 11, -1), (3, 15, 6), (4, 20, -1), (5, 25, 5)]


def measured(path: Path, aps: list[tuple[int, float, float]]) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """For each access point the distances [m] of the places where it was heard, and the median level there. [dBm]"""
    header = path.read_text("utf-8-sig").splitlines()[0].split(",")
    columns = [header.index("X"), header.index("Y"), *(header.index(f"AP{k} RSS(dBm)") for k, _, _ in aps)]
    rows = np.genfromtxt(path, delimiter=",", skip_header=1, usecols=columns)
    places, place = np.unique(rows[:, :2], axis=0, return_inverse=True)
    found: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    for k, (_, x, y) in enumerate(aps):
        level = np.array([np.median(rows[place.ravel() == p, 2 + k]) for p in range(len(places))])
        heard = level > -150
        d = np.hypot(places[heard, 0] - x, places[heard, 1] - y) * GRID_M
        found.append((np.hypot(d, 1.0), level[heard]))  # access points hang about a metre above the phone
    return found


def residual(name: str, los: bool, sets: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> float:
    """Root mean square of what is left of the levels when the model's loss and one level per access point are taken out. [dB]"""
    left: list[NDArray[np.float64]] = []
    for d, level in sets:
        rest = level + path_loss_db(MODELS[name], Links(F_GHZ, d, d), los)
        left.append(rest - rest.mean())
    return float(np.sqrt(np.mean(np.concatenate(left) ** 2)))


def flat(sets: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> float:
    return float(np.sqrt(np.mean(np.concatenate([level - level.mean() for _, level in sets]) ** 2)))


@pytest.mark.parametrize(("name", "los"), [("p1238-corridor", False), ("38.901-inh", True), ("38.901-inh", False)])
def test_levels_in_a_corridor_fall_as_the_models_say(shared_data: Path, name: str, los: bool) -> None:
    sets = measured(shared_data / "radio/wifi_rtt_rss/database_corridor_train.csv", CORRIDOR)
    model = MODELS[name]
    assert residual(name, los, sets) < 0.75 * flat(sets)
    assert residual(name, los, sets) < 1.5 * max(model.sigma_los_db, model.sigma_nlos_db)


@pytest.mark.parametrize(("name", "los"), [("p1238-office", True), ("p1238-office", False), ("38.901-inh", True)])
def test_levels_in_an_office_fall_as_the_models_say(shared_data: Path, name: str, los: bool) -> None:
    sets = measured(shared_data / "radio/wifi_rtt_rss/database_office_train.csv", OFFICE)
    model = MODELS[name]
    assert residual(name, los, sets) < 0.75 * flat(sets)
    assert residual(name, los, sets) < 1.5 * max(model.sigma_los_db, model.sigma_nlos_db)
