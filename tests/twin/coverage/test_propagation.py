"""Path loss against figures published elsewhere, and against what must hold for any of the models."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.coverage import indoor
from twin.coverage.entry import FACADES, LEGACY_DB, entry_db, facade_db, glazed_shares, surface_db
from twin.coverage.propagation import (
    MODELS,
    TURN,
    Links,
    curve,
    free_space_db,
    free_space_distance_m,
    links,
    outside,
    path_loss_db,
)
from twin.errors import OutsideValidity

# ns-3 test vectors of TR 38.901 at 5 GHz with a user at 1.5 m: model, base height, line of sight, distances, losses
NS3 = [
    ("38.901-rma", 35, True, [10, 100, 1000, 10000], [77.3784, 87.2965, 108.5577, 140.3896]),
    ("38.901-rma", 35, False, [10, 100, 1000, 5000], [77.3784, 95.7718, 133.5223, 160.5169]),
    ("38.901-uma", 25, True, [10, 100, 1000, 5000], [72.9380, 86.2362, 109.7252, 137.6794]),
    ("38.901-uma", 25, False, [10, 100, 1000, 5000], [82.5131, 106.1356, 144.7641, 172.0753]),
    ("38.901-umi", 10, True, [10, 100, 1000, 5000], [69.8591, 88.4122, 119.3114, 147.2696]),
    ("38.901-umi", 10, False, [10, 100, 1000, 5000], [76.7563, 107.9432, 143.1886, 167.8617]),
    ("38.901-inh", 3, True, [1, 10, 50, 100], [50.8072, 63.7630, 75.7750, 80.9802]),
    ("38.901-inh", 3, False, [1, 10, 50, 100], [50.8072, 73.1894, 99.7824, 111.3062]),
]


@pytest.mark.parametrize(("model", "h_bs", "los", "distances", "expected"), NS3)
def test_38901_agrees_with_ns3(model: str, h_bs: float, los: bool, distances: list[float], expected: list[float]) -> None:
    loss = path_loss_db(MODELS[model], links(5.0, distances, h_bs, 1.5), los)
    assert loss == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    ("model", "los", "expected"),
    [("inf-sl", True, 78.705), ("inf-sl", False, 87.205), ("inf-dl", False, 90.135), ("inf-sh", False, 82.358), ("inf-dh", False, 81.719)],
)
def test_factory_at_50_m(model: str, los: bool, expected: float) -> None:
    link = Links(3.5, np.array([50.0]), np.array([50.0]))
    assert path_loss_db(MODELS[f"38.901-{model}"], link, los)[0] == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize(
    ("model", "los", "distances", "expected"),
    [
        ("p1411-canyon", True, [50, 100, 300], [76.698, 83.080, 93.195]),
        ("p1411-canyon", False, [50, 100, 300], [90.999, 103.040, 122.125]),
        ("p1411-roof", True, [300, 600, 1000], [95.990, 102.883, 107.964]),
        ("p1411-roof", False, [300, 600, 1000], [114.989, 128.204, 137.944]),
    ],
)
def test_p1411(model: str, los: bool, distances: list[float], expected: list[float]) -> None:
    d = np.array(distances, float)
    assert path_loss_db(MODELS[model], Links(3.5, d, d), los) == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize(
    ("model", "los", "f_ghz", "d_m", "expected"),
    [
        ("office", True, 2.4, 10, 56.94),
        ("office", False, 2.4, 10, 63.18),
        ("office", True, 5.25, 10, 63.84),
        ("office", False, 5.25, 10, 71.27),
        ("industrial", True, 5.25, 20, 69.41),
    ],
)
def test_p1238(model: str, los: bool, f_ghz: float, d_m: float, expected: float) -> None:
    d = np.array([float(d_m)])
    assert path_loss_db(MODELS[f"p1238-{model}"], Links(f_ghz, d, d), los)[0] == pytest.approx(expected, abs=0.01)


def test_p1238_older_form_agrees_with_ns3() -> None:
    assert float(indoor.p1238_floors_db(np.hypot(30, 9), 2.114, 2, case="residential")) == pytest.approx(88.3855, abs=0.01)


def test_free_space_at_one_metre() -> None:
    assert free_space_db([1.0, 1.0], [2.4, 5.0]) == pytest.approx([40.052, 46.427], abs=0.001)
    assert float(free_space_distance_m(free_space_db(123.0, 2.4), 2.4)) == pytest.approx(123.0)


@pytest.mark.parametrize(
    ("case", "d_m", "walls", "floors", "expected"),
    [("residential", 10, 1, 0, 76.364), ("enterprise", 20, 1, 0, 84.385), ("residential", 5, 0, 1, 79.128)],
)
def test_tgax(case: str, d_m: float, walls: int, floors: int, expected: float) -> None:
    assert float(indoor.tgax_db(d_m, 5.25, walls, floors, case=case)) == pytest.approx(expected, abs=0.001)


def test_floors_cost_less_and_less() -> None:
    assert indoor.floors_db([0, 1, 2, 3]) == pytest.approx([0.0, 18.30, 33.52, 43.59], abs=0.01)


def test_cost231_is_free_space_and_walls() -> None:
    loss = float(indoor.cost231_db(10.0, 1.8, 2, 1, 0))
    assert loss == pytest.approx(float(free_space_db(10.0, 1.8)) + 2 * 3.4 + 6.9)


@pytest.mark.parametrize(
    ("f_ghz", "low", "high_19", "high_18"),
    [
        (0.7, 10.24, 17.86, 17.75),
        (2.6, 12.26, 24.77, 24.36),
        (3.5, 12.70, 27.50, 26.85),
        (4.9, 13.14, 30.49, 29.51),
        (28.0, 17.8287874527, 35.0290195972, None),
    ],
)
def test_entry_loss_by_release(f_ghz: float, low: float, high_19: float, high_18: float | None) -> None:
    assert float(entry_db("low", f_ghz)) == pytest.approx(low, abs=0.005)
    assert float(entry_db("high", f_ghz, 19)) == pytest.approx(high_19, abs=0.005)
    if high_18 is not None:
        assert float(entry_db("high", f_ghz, 18)) == pytest.approx(high_18, abs=0.005)


def test_entry_loss_of_a_known_glazing() -> None:
    assert float(facade_db(glazed_shares(0.3, coated=False), 3.5)) == pytest.approx(float(entry_db("low", 3.5)))
    assert float(facade_db(glazed_shares(0.0, coated=True), 3.5)) == pytest.approx(5.0 + float(surface_db("concrete", 3.5)))
    assert float(facade_db(glazed_shares(0.9, coated=True), 3.5)) > float(facade_db(glazed_shares(0.9, coated=False), 3.5))
    assert FACADES["low"].sigma_db < FACADES["high"].sigma_db < LEGACY_DB


@pytest.mark.parametrize(
    ("model", "f_ghz", "h_bs", "expected"), [("umi", 2.6, 10, 156), ("umi", 3.5, 10, 210), ("uma", 2.6, 25, 416), ("uma", 3.5, 25, 560)]
)
def test_where_the_slope_breaks(model: str, f_ghz: float, h_bs: float, expected: float) -> None:
    lines = curve(MODELS[f"38.901-{model}"], f_ghz, h_bs, 1.5)
    assert float(lines[TURN]) == pytest.approx(expected, rel=2e-3)
    at = float(lines[TURN])
    near, far = (float(path_loss_db(MODELS[f"38.901-{model}"], links(f_ghz, at + step, h_bs, 1.5), True)) for step in (-0.01, 0.01))
    assert near == pytest.approx(far, abs=0.01)


def test_low_terminals_of_p1411() -> None:
    model = MODELS["p1411-low"]
    d = np.array([20.0, 100.0, 500.0, 1500.0])
    loss = path_loss_db(model, Links(0.4627, d, d, 1.5, 1.5), False)
    assert loss == pytest.approx(9.5 + 45 * np.log10(462.7) + 40 * np.log10(d / 1000.0), abs=1e-9)
    assert path_loss_db(model, Links(0.4627, d, d), True) == pytest.approx(free_space_db(d, 0.4627))


def test_okumura_hata_at_900_mhz() -> None:
    d = np.array([1000.0, 5000.0])
    town = 69.55 + 26.16 * math.log10(900) - 13.82 * math.log10(50)
    town = (
        town - ((1.1 * math.log10(900) - 0.7) * 1.5 - (1.56 * math.log10(900) - 0.8)) + (44.9 - 6.55 * math.log10(50)) * np.log10(d / 1e3)
    )
    suburb = town - 2 * math.log10(900 / 28) ** 2 - 5.4
    assert path_loss_db(MODELS["hata"], Links(0.9, d, d, 50.0, 1.5), False) == pytest.approx(suburb, abs=1e-9)


def test_two_rays_join_free_space_where_they_take_over() -> None:
    turn = 4 * math.pi * 10 * 1.5 * 0.9e9 / 299_792_458.0
    d = np.array([turn, turn + 1e-6, 2 * turn])
    near, far, twice = path_loss_db(MODELS["two_ray"], Links(0.9, d, d, 10.0, 1.5), True).tolist()
    assert near == pytest.approx(far, abs=1e-6)
    assert twice - far == pytest.approx(40 * math.log10(2), abs=1e-6)


def test_nearer_than_the_least_distance_is_held_there() -> None:
    model = MODELS["38.901-uma"]
    near = links(3.5, [0.0, 3.0, 10.0])
    loss = path_loss_db(model, near, False)
    assert loss == pytest.approx([loss[2]] * 3)
    assert outside(model, near) == {"near": 2}


def test_frequency_outside_the_source_is_refused_unless_asked() -> None:
    model = MODELS["p1411-canyon"]
    low_band = links(0.7, [100.0])
    with pytest.raises(OutsideValidity):
        path_loss_db(model, low_band, True)
    assert np.isfinite(path_loss_db(model, low_band, True, extrapolate=True)).all()
    assert outside(model, low_band) == {"frequency": 1}


def test_far_and_high_are_counted() -> None:
    assert outside(MODELS["38.901-inh"], links(3.5, [10.0, 200.0], 3.0, 1.5)) == {"far": 1}
    assert outside(MODELS["38.901-uma"], links(3.5, [100.0], 5.0, 40.0)) == {"h_bs": 1, "h_ut": 1}


@pytest.mark.parametrize("name", sorted(MODELS))
@given(
    f_ghz=st.floats(2.2, 6.0),
    d=st.lists(st.floats(1.0, 5000.0), min_size=2, max_size=2).map(sorted),
    h_bs=st.floats(3.0, 60.0),
    h_ut=st.floats(1.5, 20.0),
)
def test_farther_never_loses_less_and_blocked_never_less_than_clear(
    name: str, f_ghz: float, d: list[float], h_bs: float, h_ut: float
) -> None:
    model = MODELS[name]
    link = links(f_ghz, d, h_bs, h_ut)
    clear, blocked = (path_loss_db(model, link, los, extrapolate=True) for los in (True, False))
    assert clear[1] >= clear[0] - 0.3  # RMa mixes slant and ground distance at its breakpoint
    assert blocked[1] >= blocked[0] - 0.3
    assert (blocked >= clear - 1e-9).all()
    mixed = path_loss_db(model, link, [True, False], extrapolate=True)
    assert mixed == pytest.approx([clear[0], blocked[1]])
