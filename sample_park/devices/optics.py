"""The cameras the park uses, as their data sheets give them, and how one is aimed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sample_park.devices.table import Device, Place, device
from sample_park.frame import azimuth


def _lens(focal_mm: float, sensor_mm: tuple[float, float], pixels: tuple[int, int], reach_m: tuple[int, int]) -> dict[str, Any]:
    """A fixed camera by its lens and sensor; `reach_m` is how far it is used and how far its infrared shines."""
    optics = {"focal_mm": focal_mm, "sensor_w_mm": sensor_mm[0], "sensor_h_mm": sensor_mm[1]}
    return {**optics, "pixels_w": pixels[0], "pixels_h": pixels[1], "range_m": reach_m[0], "ir_range_m": reach_m[1], "ptz": "fixed"}


def _view(angles_deg: tuple[float, float], pixels: tuple[int, int], reach_m: tuple[int, int], ptz: str = "fixed") -> dict[str, Any]:
    """A camera by its angles of view."""
    sizes = {"hfov_deg": angles_deg[0], "vfov_deg": angles_deg[1], "pixels_w": pixels[0], "pixels_h": pixels[1]}
    return {**sizes, "range_m": reach_m[0], "ir_range_m": reach_m[1], "ptz": ptz}


PRESET_STEP_DEG = 30.0
SMALL_SENSOR_MM, LARGE_SENSOR_MM = (5.37, 3.02), (7.18, 4.04)  # 1/2.8 inch, 1/1.8 inch
FOUR_MEGAPIXELS, EIGHT_MEGAPIXELS, FULL_HD = (2560, 1440), (3840, 2160), (1920, 1080)
MODELS: Mapping[str, Mapping[str, Any]] = {
    "dome": _view((104.0, 71.5), EIGHT_MEGAPIXELS, (40, 30)),
    "bullet": _lens(4.0, SMALL_SENSOR_MM, FOUR_MEGAPIXELS, (60, 50)),
    "crossing": _lens(6.0, LARGE_SENSOR_MM, EIGHT_MEGAPIXELS, (90, 60)),
    "fence": _lens(14.0, LARGE_SENSOR_MM, EIGHT_MEGAPIXELS, (120, 100)),
    "gate": _lens(8.0, LARGE_SENSOR_MM, EIGHT_MEGAPIXELS, (40, 40)),
    "ptz": _view((30.0, 17.1), EIGHT_MEGAPIXELS, (120, 150), "ptz"),
    "fisheye": _view((180.0, 180.0), (3000, 3000), (15, 10), "fisheye"),
    "lift": _view((110.0, 80.0), FULL_HD, (4, 5)),
}


def camera(identity: str, names: tuple[str, str], place: Place, aim: tuple[str, float, float], **attributes: Any) -> Device:
    """A camera: `aim` is its model, its direction clockwise from plan v and its tilt below the horizontal [deg]."""
    model, direction, tilt = aim
    pose = {"azimuth_deg": azimuth(direction), "tilt_deg": round(tilt, 1)}
    return device("camera", identity, names, place, **{"model": model, **pose, **MODELS[model], "retention_days": 30, **attributes})


def sweeping(identity: str, names: tuple[str, str], place: Place, aim: tuple[float, float], **attributes: Any) -> Device:
    """A turning camera with twelve presets all round, the first in the direction given; `aim` is that direction and the tilt [deg]."""
    direction, tilt = aim
    turns = [azimuth((direction + PRESET_STEP_DEG * number) % 360) for number in range(round(360 / PRESET_STEP_DEG))]
    presets = json.dumps([{"azimuth_deg": turn, "tilt_deg": tilt} for turn in turns])
    return camera(identity, names, place, ("ptz", direction, tilt), presets=presets, **attributes)
