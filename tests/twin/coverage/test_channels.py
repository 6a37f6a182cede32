"""Channels: bands, overlap, and the limits of China."""

from __future__ import annotations

import numpy as np
import pytest

from twin.coverage.channels import LIMITS, band_of, frequency_of, greatest_eirp_dbm, limit_of, noise_dbm, overlap


def test_bands() -> None:
    assert [band_of(f) for f in (2.437, 5.2, 5.5, 5.785, 5.865, 6.5, 3.5)] == ["2.4", "5", "5.5", "5.8", "5.9", "6", None]


@pytest.mark.parametrize(
    ("channel", "band", "f_ghz"),
    [(1, "2.4", 2.412), (13, "2.4", 2.472), (36, "5", 5.18), (149, "5", 5.745), (165, "5", 5.825), (1, "6", 5.955), (93, "6", 6.415)],
)
def test_channel_numbers(channel: int, band: str, f_ghz: float) -> None:
    assert frequency_of(channel, band) == pytest.approx(f_ghz)


def test_channels_that_do_not_exist() -> None:
    assert frequency_of(15, "2.4") is None
    assert frequency_of(0, "2.4") is None
    assert frequency_of(300, "5") is None


@pytest.mark.parametrize(
    ("f_ghz", "gain", "eirp", "density"),
    [(2.437, None, 20.0, 10.0), (2.437, 12.0, 27.0, 17.0), (5.22, 12.0, 23.0, 10.0), (5.785, None, 33.0, 19.0)],
)
def test_limits_of_china(f_ghz: float, gain: float | None, eirp: float, density: float) -> None:
    """coverage.md 2.4."""
    limit = limit_of(f_ghz, gain)
    assert limit is not None
    assert (limit.eirp_dbm, limit.density_dbm_mhz) == (eirp, density)
    assert "MII" in limit.source


@pytest.mark.parametrize("f_ghz", [5.5, 6.5, 5.87, 3.5])
def test_what_is_not_open_has_no_limit(f_ghz: float) -> None:
    assert limit_of(f_ghz) is None


def test_density_is_the_tighter_limit_in_narrow_channels() -> None:
    """coverage.md 2.4: 19 + 13.0 = 32.0 dBm in 20 MHz at 5.8 GHz."""
    assert greatest_eirp_dbm(LIMITS["5.8"], 20.0) == pytest.approx(32.0, abs=0.02)
    assert greatest_eirp_dbm(LIMITS["5.8"], 80.0) == pytest.approx(33.0)
    assert greatest_eirp_dbm(LIMITS["2.4"], 20.0) == pytest.approx(20.0)


def test_overlap_of_channels() -> None:
    f, width = np.array([2.412, 2.437, 2.412, 5.21, 5.18]), np.array([20.0, 20.0, 20.0, 80.0, 20.0])
    found = overlap(f, width)
    assert found[0, 1] == 0.0  # channels 1 and 6
    assert found[0, 2] == 1.0
    assert found[3, 4] == pytest.approx(1.0)  # all of a narrow channel falls into the wide one over it
    assert found[4, 3] == pytest.approx(0.25)  # and a quarter of the wide one's power into the narrow one
    assert overlap(np.array([2.412, 2.422]), np.array([20.0, 20.0]))[0, 1] == pytest.approx(0.5)


def test_noise() -> None:
    assert noise_dbm([20.0])[0] == pytest.approx(-173.98 + 73.01 + 7.0, abs=0.01)
