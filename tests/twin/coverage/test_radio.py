"""Power per resource element, SINR, antennas and area statistics."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.coverage.antenna import ELEMENT_GAIN_DBI, Antenna, array_gain_dbi, gain_bounds_db, gain_db
from twin.coverage.entry import entry_db
from twin.coverage.propagation import MODELS, links, path_loss_db
from twin.coverage.radio import (
    area_reliability,
    expected_share,
    generation,
    noise_dbm,
    overlap,
    probability,
    reference_power_dbm,
    reliable_share,
    resource_blocks,
    sinr_db,
)


@pytest.mark.parametrize(("watts", "expected"), [(200, 17.86), (240, 18.65), (320, 19.90), (64, 12.91)])
def test_power_of_a_resource_element(watts: float, expected: float) -> None:
    carrier = 10 * math.log10(watts * 1000)
    assert reference_power_dbm(carrier, "5g", 100.0, 30.0) == pytest.approx(expected, abs=0.005)


def test_resource_blocks() -> None:
    assert resource_blocks(100, 30) == 273
    assert resource_blocks(20, 15) == 106
    assert resource_blocks(20, 15, lte=True) == 100
    assert resource_blocks(400, 120) == 264
    assert resource_blocks(37, 30) == 92  # the widest channel that fits
    assert resource_blocks(1, 30) == 11  # narrower than any channel


def test_older_generations() -> None:
    assert reference_power_dbm(43.0, "2g", 0.2, 15.0) == 43.0
    assert reference_power_dbm(43.0, "3g", 5.0, 15.0) == 33.0
    assert reference_power_dbm(46.0, "4g", 20.0, 15.0) == pytest.approx(46.0 - 10 * math.log10(1200))


@pytest.mark.parametrize(
    ("name", "expected"), [("NR", "5g"), ("5G NR", "5g"), ("LTE", "4g"), ("TD-LTE", "4g"), ("WCDMA", "3g"), ("GSM", "2g"), ("?", None)]
)
def test_generations(name: str, expected: str | None) -> None:
    assert generation(name) == expected


def test_noise_of_a_resource_element() -> None:
    assert noise_dbm(30.0, 0.0) == pytest.approx(-129.23, abs=0.01)


def test_sinr() -> None:
    alone = sinr_db([[-100.0]], [[-100.0]], [-120.0], [[0.0]])
    assert alone.tolist() == [pytest.approx([20.0])]
    pair = sinr_db([[-80.0, -90.0]], [[-80.0, -90.0]], [-140.0, -140.0], [[0.0, 0.5], [0.5, 0.0]])
    assert pair[0] == pytest.approx([10 + 10 * math.log10(2), -10 + 10 * math.log10(2)], abs=1e-3)


def test_overlap_of_bands() -> None:
    assert overlap(3500, 100, 3500, 100) == 1.0
    assert overlap(3500, 100, 3575, 100) == pytest.approx(0.25)
    assert overlap(3500, 100, 3600, 100) == 0.0
    assert overlap(2600, 20, 2600, 100) == 1.0


ELEMENT = Antenna(azimuth=0.0)


@pytest.mark.parametrize(
    ("azimuth_deg", "elevation_deg", "expected"),
    [(0, 0, 8.0), (32.5, 0, 5.0), (-32.5, 0, 5.0), (65, 0, -4.0), (180, 0, -22.0), (0, -60, -2.225)],
)
def test_element_pattern(azimuth_deg: float, elevation_deg: float, expected: float) -> None:
    a, e = math.radians(azimuth_deg), math.radians(elevation_deg)
    point = [[math.sin(a) * math.cos(e), math.cos(a) * math.cos(e), math.sin(e)]]
    assert ELEMENT_GAIN_DBI + gain_db(ELEMENT, [0, 0, 0], point)[0] == pytest.approx(expected, abs=0.001)


def test_tilt_points_the_beam_down() -> None:
    antenna = Antenna(azimuth=math.pi / 2, tilt=math.radians(10.0))
    down = gain_db(antenna, [0, 0, 20.0], [[20 / math.tan(math.radians(10)), 0, 0]])
    assert down.tolist() == pytest.approx([0.0], abs=1e-9)


def test_a_mechanical_tilt_turns_the_antenna_and_an_electrical_one_the_beam() -> None:
    electrical, mechanical = Antenna(0.0, tilt=math.radians(10)), Antenna(0.0, lean=math.radians(10))
    ahead = [[0.0, 100.0, -100.0 * math.tan(math.radians(10))]]
    assert gain_db(electrical, [0, 0, 0], ahead)[0] == pytest.approx(0.0, abs=1e-9)
    assert gain_db(mechanical, [0, 0, 0], ahead)[0] == pytest.approx(0.0, abs=1e-9)
    side = [[100.0, 0.0, 0.0]]  # abeam, where a turned antenna does not tilt
    level = -12 * (90 / 65) ** 2
    assert gain_db(mechanical, [0, 0, 0], side)[0] == pytest.approx(level, abs=1e-9)
    assert gain_db(electrical, [0, 0, 0], side)[0] == pytest.approx(level - 12 * (10 / 65) ** 2, abs=1e-9)


@pytest.mark.parametrize(
    ("theta", "phi", "steer", "expected"),
    [(90, 0, {}, 26.0618), (100, 0, {"tilt_deg": 10}, 25.778), (90, 30, {"scan_deg": 30}, 23.506), (90, -30, {"scan_deg": -30}, 23.506)],
)
def test_an_array_of_eight_by_eight(theta: float, phi: float, steer: dict[str, float], expected: float) -> None:
    assert float(array_gain_dbi(8, 8, theta, phi, **steer)) == pytest.approx(expected, abs=5e-4)


def test_a_phone_300_m_from_a_mast() -> None:
    sent = reference_power_dbm(10 * math.log10(200_000), "5g", 100.0, 30.0) + 24.0
    clear, blocked = (sent - float(path_loss_db(MODELS["38.901-uma"], links(3.5, 300.0, 25.0, 1.5), los)) for los in (True, False))
    assert clear == pytest.approx(-51.6, abs=0.1)
    assert blocked == pytest.approx(-79.4, abs=0.1)
    low, high = (blocked - float(entry_db(kind, 3.5, 19)) - 0.5 * 10.0 for kind in ("low", "high"))
    assert low == pytest.approx(-97.1, abs=0.1)
    assert high == pytest.approx(-111.9, abs=0.1)
    assert low >= -105.0 > high


def test_no_azimuth_radiates_everywhere_alike() -> None:
    points = np.random.default_rng(0).normal(size=(20, 3)) * 50
    assert not gain_db(Antenna(), [0, 0, 0], points).any()


@given(
    x=st.floats(-200, 200), y=st.floats(-200, 200), z=st.floats(-40, 10), half=st.floats(0.1, 20.0), height=st.floats(0.0, 2.0),
    azimuth=st.floats(-3.1, 3.1), tilt=st.floats(-0.2, 0.5), beam=st.floats(0.2, 2.0), seed=st.integers(0, 9), lean=st.floats(-0.3, 0.4),
)  # fmt: skip
def test_gain_over_a_box_stays_within_its_bounds(
    x: float,
    y: float,
    z: float,
    half: float,
    height: float,
    azimuth: float,
    tilt: float,
    beam: float,
    seed: int,
    lean: float,
) -> None:
    antenna = Antenna(azimuth, tilt, beam, beam, lean)
    centre, halves = np.array([[x, y, z]]), np.array([[half, half, height]])
    low, high = gain_bounds_db(antenna, [0, 0, 0], centre, halves)
    inside = centre + np.random.default_rng(seed).uniform(-1, 1, (200, 3)) * halves
    gains = gain_db(antenna, [0, 0, 0], inside)
    assert low[0] - 1e-9 <= gains.min()
    assert gains.max() <= high[0] + 1e-9


@pytest.mark.parametrize(
    ("exponent", "sigma", "edge", "expected"), [(4, 8, 0.75, 0.9073), (2, 8, 0.75, 0.8620), (3, 9, 0.50, 0.7170), (3.5, 8, 0.90, 0.9657)]
)
def test_area_reliability(exponent: float, sigma: float, edge: float, expected: float) -> None:
    assert area_reliability(edge, sigma, exponent) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("exponent", "sigma", "edge"), [(4.0, 8.0, 0.75), (2.2, 4.0, 0.6)])
def test_expected_share_of_a_disc_agrees_with_the_closed_form(exponent: float, sigma: float, edge: float) -> None:
    r = np.sqrt((np.arange(200_000) + 0.5) / 200_000)  # rings of equal area
    margin_at_edge = sigma * math.sqrt(2) * _inverse_erf(2 * edge - 1)
    margin = margin_at_edge - 10 * exponent * np.log10(r)
    share = expected_share(margin, sigma, np.ones_like(r))
    assert share == pytest.approx(area_reliability(edge, sigma, exponent), abs=1e-4)


def _inverse_erf(value: float) -> float:
    from scipy.special import erfinv

    return float(erfinv(value))


def test_shares_of_nothing_are_nothing() -> None:
    assert expected_share([], [], []) is None
    assert reliable_share([], [], []) is None


def test_reliable_share_asks_for_a_margin() -> None:
    margins = np.array([-1.0, 5.0, 10.2, 10.3, 30.0])
    assert reliable_share(margins, 8.0, np.ones(5)) == pytest.approx(2 / 5)  # 1.2816 sigma = 10.25 dB
    assert probability([0.0, 8.0], 8.0) == pytest.approx([0.5, 0.8413], abs=1e-4)
