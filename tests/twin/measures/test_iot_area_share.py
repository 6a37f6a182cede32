"""The network of things on small parks written here."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from twin.coverage.propagation import MODELS, links, path_loss_db
from twin.crs import Frame
from twin.errors import UnknownParameter
from twin.measures import compute
from twin.measures.report import result_json
from twin.model import Device, FeatureTable, Layer, Park
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
OUT = {"surface": "outdoor_public_ground", "step_m": 20}
Make = Callable[..., Store]


def lonlat(polygon: Any) -> Any:
    return shapely.force_2d(FRAME.unproject(polygon))


def at(name: str, kind: str, x: float, y: float, *, height_m: float = 20.0, **attributes: Any) -> Device:
    lon, lat, _ = FRAME.to_lonlat([[x, y]])[0]
    return Device(name, kind, name, float(lon), float(lat), height_m=height_m, attributes=attributes)


def lora(name: str = "g", x: float = 0.0, **more: Any) -> Device:
    return at(name, "iot_gateway", x, 0.0, **({"technology": "LoRa网关", "freq_mhz": 868, "eirp_dbm": 17} | more))


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A level park of 600 x 600 m with devices and buildings (x0, y0, x1, y1, height)."""

    def build(devices: Sequence[Device], blocks: Sequence[tuple[float, ...]] = ()) -> Store:
        store = create_store(tmp_path / f"park{len(list(tmp_path.iterdir()))}", Park("p", FRAME))
        with store.transaction() as writer:
            writer.put_layer(Layer("boundary", "boundary", "boundary"))
            writer.put_features("boundary", FeatureTable(["b"], np.array([lonlat(shapely.box(-300, -300, 300, 300))], object)), source="t")
            if blocks:
                writer.put_layer(Layer("building", "building", "building"))
                shapes = np.array([lonlat(shapely.box(*block[:4])) for block in blocks], object)
                names = [f"building/{k}" for k in range(len(blocks))]
                writer.put_features("building", FeatureTable(names, shapes, {"height_m": [block[4] for block in blocks]}), source="t")
            writer.put_devices(devices, source="t")
        return store

    return build


def test_a_gateway_reaches_as_far_as_its_budget(make: Make) -> None:
    reach = 200.0
    need = 17.0 - float(path_loss_db(MODELS["38.901-uma"], links(0.868, reach, 20.0, 1.5), True))
    asked = OUT | {"step_m": 5, "lora_dbm": need, "uplink": "false", "model": "38.901-uma"}
    result = compute(make([lora()]), "iot_area_share", asked)
    area = math.pi * reach**2
    assert result.numerator == pytest.approx(area, rel=5e-3)
    assert result.lower * result.denominator <= area <= result.upper * result.denominator
    assert result.extra["technologies"][1]["technology"] == "LoRa"
    assert result.extra["technologies"][1]["value"] == pytest.approx(result.value, abs=0.01)
    assert result.extra["technologies"][0]["value"] == 0.0
    assert result.devices[0]["lost"] == pytest.approx(result.devices[0]["covered"])


def test_the_way_up_can_be_the_weaker_one(make: Make) -> None:
    strong = lora(eirp_dbm=60)
    down = compute(make([strong]), "iot_area_share", OUT | {"uplink": "false", "lora_dbm": -60.0})
    both = compute(make([strong]), "iot_area_share", OUT | {"uplink": "true", "lora_dbm": -60.0, "model": "36.942"})
    assert down.value == 1.0
    assert both.value == 1.0  # 14 dBm to -142.5 dBm reaches kilometres
    factors = both.extra["spreading_factors"]
    assert sum(factors["up"].values()) == pytest.approx(1.0)
    assert factors["up"]["SF7"] == pytest.approx(1.0)


def test_union_and_parts(make: Make) -> None:
    zigbee = at("z", "iot_gateway", 150, 0.0, technology="ZigBee", height_m=3.0)
    wifi = at("w", "wifi_ap", -150, 0.0, freq_mhz=2437, eirp_dbm=20.0, height_m=3.0)
    nb = at("n", "cell", 0, 200, technology="NB-IoT", freq_mhz=900, eirp_dbm=20.0, operator="A")
    store = make([zigbee, wifi, nb])
    result = compute(store, "iot_area_share", OUT | {"step_m": 10})
    by = {row["technology"]: row for row in result.extra["technologies"]}
    assert {name for name, row in by.items() if row["gateways"]} == {"ZigBee", "Wi-Fi", "NB-IoT"}
    assert result.value is not None
    assert result.value >= max(row["value"] for row in by.values()) - 0.01
    assert all(row["lower"] <= row["value"] <= row["upper"] for row in by.values())
    assert sum(result.extra["coupling_loss"].values()) == pytest.approx(1.0)
    alone = compute(store, "iot_area_share", OUT | {"step_m": 10, "technologies": "Wi-Fi"})
    assert alone.extra["technologies"][0]["value"] == pytest.approx(by["Wi-Fi"]["value"], abs=1e-9)
    assert result.extra["coupling_loss"]["144"] > 0


def test_every_registered_device_is_asked_for_its_gateway(make: Make) -> None:
    things = [
        at("near", "meter", 20, 0, height_m=1.5, technology="LoRa"),
        at("inside", "meter", 250, 250, height_m=1.5, technology="ZigBee"),
        at("wire", "meter", 10, 0, height_m=1.5, technology="RS-485 有线"),
        at("any", "sensor", -20, 0, height_m=1.5),
        at("other", "sensor", 10, 0, height_m=1.5, technology="ZigBee"),
    ]
    result = compute(make([lora(), *things], [(200, 200, 280, 280, 12.0)]), "iot_area_share", OUT)
    assert result.extra["devices_checked"] == 4
    assert result.extra["devices_served"] == 2
    assert {row["id"] for row in result.extra["unserved"]} == {"inside", "other"}
    warning = next(row for row in result.warnings if row["code"] == "things_unserved")
    assert warning["count"] == 2
    for lang in ("en", "zh"):
        assert all(row["message"] != row["code"] for row in result_json(result, lang)["warnings"])


def test_no_gateway_is_no_coverage_and_no_error(make: Make) -> None:
    result = compute(make([at("m", "meter", 0, 0)]), "iot_area_share", OUT)
    assert (result.value, result.upper) == (0.0, 0.0)
    assert result.extra["devices_served"] == 0
    assert "no_devices" in {row["code"] for row in result.warnings}


def test_a_gateway_that_names_no_technology_does_not_count_in_the_worst_case(make: Make) -> None:
    result = compute(make([lora(technology=None)]), "iot_area_share", OUT)
    assert result.lower == 0.0
    assert result.value == 1.0
    assert "technology" in {row["what"] for row in result.sensitivity}


def test_technologies_go_by_any_of_their_names(make: Make) -> None:
    store = make([lora()])
    assert compute(store, "iot_area_share", OUT | {"technologies": "lorawan,窄带物联网"}).value == 1.0
    with pytest.raises(UnknownParameter):
        compute(store, "iot_area_share", OUT | {"technologies": "telepathy"})
