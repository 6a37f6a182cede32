"""Devices in the park's frame: where they are, and what is assumed where their table is silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.model import Device
from twin.store import Store
from twin.terrain import ground_height


@dataclass(frozen=True)
class Default:
    """What is assumed for a missing attribute, and why."""

    value: Any
    unit: str
    source: str


_PRACTICE = "assumption: common practice, to be replaced by the device's own data"
DEFAULTS: Mapping[str, Mapping[str, Default]] = {
    "camera": {
        "height_m": Default(3.5, "m", _PRACTICE),
        "tilt_deg": Default(15.0, "deg", _PRACTICE),
        "hfov_deg": Default(90.0, "deg", _PRACTICE),
        "pixels_w": Default(1920, "px", _PRACTICE),
        "pixels_h": Default(1080, "px", _PRACTICE),
        "ptz": Default("fixed", "", _PRACTICE),
    },
    "wifi_ap": {
        "height_m": Default(2.8, "m", _PRACTICE),
        "eirp_dbm": Default(20.0, "dBm", "MIIT limit for 2.4 GHz indoors (100 mW EIRP)"),
        "freq_mhz": Default(2437.0, "MHz", "2.4 GHz channel 6"),
    },
    "cell": {
        "height_m": Default(25.0, "m", "3GPP TR 38.901 UMa base station height"),
        "power_dbm": Default(46.0, "dBm", _PRACTICE),
        "gain_dbi": Default(8.0, "dBi", "3GPP TR 38.901 table 7.3-1, one element"),
        "freq_mhz": Default(3500.0, "MHz", _PRACTICE),
        "bandwidth_mhz": Default(100.0, "MHz", _PRACTICE),
        "beam_h_deg": Default(65.0, "deg", "3GPP TR 38.901 table 7.3-1"),
        "beam_v_deg": Default(65.0, "deg", "3GPP TR 38.901 table 7.3-1"),
        "tilt_deg": Default(6.0, "deg", _PRACTICE),
        "technology": Default("NR", "", _PRACTICE),
    },
    "charger": {"height_m": Default(1.2, "m", _PRACTICE), "connectors": Default(1, "1", _PRACTICE)},
}  # fmt: skip
OTHER_HEIGHT_M = {"lamp": 8.0, "pole": 8.0, "speaker": 3.0, "display": 3.0, "uav": 50.0, "hydrant": 0.7}


def attribute(device: Device, name: str) -> tuple[Any, bool]:
    """The device's value of `name` and whether it is assumed; (None, False) where nothing is known or assumed."""
    own = device.height_m if name == "height_m" else device.attributes.get(name)
    if own is not None:
        return own, False
    default = DEFAULTS.get(device.kind, {}).get(name)
    return (None, False) if default is None else (default.value, True)


def positions(store: Store, devices: Sequence[Device]) -> NDArray[np.float64]:
    """Where devices are: (n, 3) [m, enu].

    Height is `z_m` where given; else `height_m` above the floor of the device's storey, or of the space it names; else above the ground.
    """
    frame = store.park().frame
    return frame.to_enu(np.column_stack([_lonlat(devices), heights(store, devices)])) if devices else np.empty((0, 3))


def heights(store: Store, devices: Sequence[Device]) -> NDArray[np.float64]:
    """Absolute height (n,) of devices. [m, park datum]"""
    floors = {storey.id: storey.base_h_m for storey in store.storeys()} | {space.id: space.floor_h_m for space in store.spaces()}
    lonlat = _lonlat(devices)
    ground = ground_height(store.park(), store.terrain(), store.park().frame.to_enu(lonlat)[:, :2]) if devices else np.empty(0)
    return np.array([_height(device, floors, float(h)) for device, h in zip(devices, ground, strict=True)], float)


def mounting_height(device: Device) -> tuple[float, bool]:
    """Height above floor or ground [m], and whether it is assumed."""
    value, assumed = attribute(device, "height_m")
    return (OTHER_HEIGHT_M.get(device.kind, 1.5), True) if value is None else (float(value), assumed)


def _height(device: Device, floors: Mapping[str, float], ground_h: float) -> float:
    if device.z_m is not None:
        return float(device.z_m)
    floor = floors.get(device.storey_id or "", floors.get(device.space_id or "", ground_h))
    return floor + mounting_height(device)[0]


def _lonlat(devices: Sequence[Device]) -> NDArray[np.float64]:
    return np.array([(device.lon, device.lat) for device in devices], float).reshape(-1, 2)
