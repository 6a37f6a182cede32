"""The cameras the park uses, as their data sheets give them, and how one is aimed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sample_park.devices.table import Device, Place, device
from sample_park.frame import azimuth

MODELS: Mapping[str, Mapping[str, Any]] = {
    "dome": {"hfov_deg": 100.0, "vfov_deg": 56.0, "pixels_w": 2560, "pixels_h": 1440, "ir_range_m": 30, "ptz": "fixed"},
    "bullet": {"focal_mm": 4.0, "sensor_w_mm": 5.37, "sensor_h_mm": 3.02, "pixels_w": 2560, "pixels_h": 1440, "range_m": 60, "ir_range_m": 50, "ptz": "fixed"},
    "crossing": {"focal_mm": 6.0, "sensor_w_mm": 7.18, "sensor_h_mm": 4.04, "pixels_w": 3840, "pixels_h": 2160, "range_m": 90, "ir_range_m": 60, "ptz": "fixed"},
    "fence": {"focal_mm": 14.0, "sensor_w_mm": 7.18, "sensor_h_mm": 4.04, "pixels_w": 3840, "pixels_h": 2160, "range_m": 120, "ir_range_m": 100, "ptz": "fixed"},
    "gate": {"focal_mm": 8.0, "sensor_w_mm": 7.18, "sensor_h_mm": 4.04, "pixels_w": 3840, "pixels_h": 2160, "range_m": 40, "ir_range_m": 40, "ptz": "fixed"},
    "ptz": {"hfov_deg": 58.4, "vfov_deg": 34.2, "pixels_w": 1920, "pixels_h": 1080, "range_m": 150, "ir_range_m": 150, "ptz": "ptz"},
    "fisheye": {"hfov_deg": 180.0, "vfov_deg": 180.0, "pixels_w": 3000, "pixels_h": 3000, "range_m": 15, "ir_range_m": 10, "ptz": "fisheye"},
    "lift": {"hfov_deg": 110.0, "vfov_deg": 80.0, "pixels_w": 1920, "pixels_h": 1080, "range_m": 4, "ir_range_m": 5, "ptz": "fixed"},
}  # fmt: skip


def camera(identity: str, names: tuple[str, str], place: Place, aim: tuple[str, float, float], **attributes: Any) -> Device:
    """A camera: `aim` is its model, its direction clockwise from plan v and its tilt below the horizontal [deg]."""
    model, direction, tilt = aim
    pose = {"azimuth_deg": azimuth(direction), "tilt_deg": round(tilt, 1)}
    return device("camera", identity, names, place, **{"model": model, **pose, **MODELS[model], "retention_days": 30, **attributes})
