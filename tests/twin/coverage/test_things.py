"""Link budgets of networks of things: LoRa's reach by spreading factor, coupling classes of NB-IoT, names of technologies."""

from __future__ import annotations

import math

import numpy as np
import pytest

from twin.coverage.propagation import MODELS, Links, path_loss_db
from twin.coverage.radio import generation, iot_technologies
from twin.coverage.things import BUDGETS, GATEWAY_DBM, NODE_DBM, NOT_REACHED, coupling_class, spreading_factor, technology_at


def lora_reach_m(factor: int) -> float:
    """How far 14 dBm reach a gateway at 868 MHz: 7.7 + 37.6 log d, by bisection on the model's own formula."""
    low, high = 1.0, 50_000.0
    for _ in range(80):
        middle = math.sqrt(low * high)
        loss = float(path_loss_db(MODELS["36.942"], Links(0.868, np.array([middle]), np.array([middle])), False)[0])
        low, high = (middle, high) if 14.0 - loss >= GATEWAY_DBM[factor] else (low, middle)
    return low


def test_lora_reaches_as_far_as_published() -> None:
    assert lora_reach_m(7) == pytest.approx(4217.0, abs=1.0)
    assert lora_reach_m(12) == pytest.approx(9067.0, abs=1.0)


def test_lora_in_the_chinese_band_reaches_farther_by_its_own_frequency_term() -> None:
    d = np.array([1000.0])
    there, here = (float(path_loss_db(MODELS["36.942"], Links(f, d, d), False)[0]) for f in (0.868, 0.4863))
    assert there - here == pytest.approx(21.0 * math.log10(0.868 / 0.4863))


def test_sensitivities() -> None:
    assert list(NODE_DBM.values()) == [-124, -127, -130, -133, -135, -137]
    assert list(GATEWAY_DBM.values()) == [-130, -132.5, -135, -137.5, -140, -142.5]


def test_the_least_spreading_factor_that_gets_through() -> None:
    levels = [-100.0, -130.0, -130.1, -142.5, -143.0, math.nan]
    assert spreading_factor(levels, up=True).tolist() == [7, 7, 8, 12, NOT_REACHED, NOT_REACHED]
    assert spreading_factor([-124.0, -137.5], up=False).tolist() == [7, NOT_REACHED]


def test_classes_of_coupling_loss() -> None:
    assert coupling_class([100.0, 144.0, 144.1, 154.0, 164.0, 164.1, math.nan]).tolist() == [0, 0, 1, 1, 2, 3, 3]
    nb = BUDGETS["NB-IoT"]
    assert nb.node_eirp_dbm is not None
    assert nb.node_eirp_dbm - nb.sensitivity_dbm == 164.0


@pytest.mark.parametrize(
    ("name", "kind", "things"),
    [
        ("5G基站", "5g", ("5G",)),
        ("4G LTE", "4g", ()),
        ("NB-IoT", None, ("NB-IoT",)),
        ("LoRa网关", None, ("LoRa",)),
        ("ZigBee 3.0", None, ("ZigBee",)),
        ("Wi-Fi 6", None, ("Wi-Fi",)),
        ("UWB定位", None, ("UWB",)),
        ("5G; NB-IoT", "5g", ("NB-IoT", "5G")),
        ("LoRa和ZigBee", None, ("LoRa", "ZigBee")),
        ("SA", "5g", ("5G",)),
        ("cdma2000", "3g", ()),
        ("Sanyo", None, ()),
        (None, None, ()),
        (7, None, ()),
    ],
)
def test_words_for_technologies(name: object, kind: str | None, things: tuple[str, ...]) -> None:
    assert iot_technologies(name) == things
    assert generation(name) == kind


def test_gateways_that_name_no_technology_go_by_their_frequency() -> None:
    assert [technology_at(f) for f in (486.3, 868.0, 2450.0, 6489.6, 100.0)] == ["LoRa", "LoRa", "ZigBee", "UWB", "LoRa"]
