"""What a camera looks at, as an outline on the ground: the trace of its frustum on level ground below it, cut at its reach.

        lens
         |\\ . tilt + vfov/2
height   | \\    . tilt - vfov/2
         |__\\________._______     near          far = least of: upper edge of the picture, range, density
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.devices import attribute, mounting_height
from twin.model import Device
from twin.store import Store
from web.geometry import METRES, geojson

DETECT_PX_PER_M = 25.0  # IEC 62676-4:2014, table 1: detection
ARC_STEP_DEG = 3.0
LEAST_TILT_DEG = 0.5  # above this the upper edge of the picture meets the ground somewhere


@dataclass(frozen=True)
class Sector:
    """The ground a camera looks at: ground distances [m] near and far, azimuth (clockwise from north) and width [deg]."""

    near_m: float
    far_m: float
    azimuth_deg: float
    width_deg: float
    limit: str  # what cuts it: range, density or picture
    assumed: tuple[str, ...]  # attributes the device table does not give


def field_of_view(store: Store, device: Device, h_m: float) -> dict[str, Any] | None:
    """A GeoJSON feature of the ground a camera looks at; None for other devices and for cameras without a direction."""
    found = sector(device)
    if found is None:
        return None
    frame = store.park().frame
    here = frame.to_enu([[device.lon, device.lat]])[0, :2]
    outline = frame.unproject(shapely.Polygon(here + _ring(found)))
    properties = {
        "id": device.id,
        "limit": found.limit,
        "near_m": round(found.near_m, METRES),
        "far_m": round(found.far_m, METRES),
        "assumed": list(found.assumed),
    }
    return {"type": "Feature", "geometry": geojson(outline), "properties": properties, "apex_h_m": round(h_m, METRES)}


def sector(device: Device) -> Sector | None:
    """The ground a camera looks at, by its own data and the assumptions of `twin.devices.DEFAULTS`."""
    if device.kind != "camera":
        return None
    turning = str(device.attributes.get("ptz") or "fixed") in {"ptz", "fisheye", "multi"}
    azimuth = device.attributes.get("azimuth_deg")
    if azimuth is None and not turning:
        return None
    names = ("tilt_deg", "hfov_deg", "pixels_w")
    (tilt, hfov, pixels), assumed = _attributes(device, names)
    hfov = _lens_width(device) or hfov
    height = mounting_height(device)[0]
    vfov = float(device.attributes.get("vfov_deg") or _vertical(hfov, device))
    reach = {
        "range": _range(device, height),
        "density": _density_reach(pixels, min(hfov, 170.0)),
        "picture": _edge(height, tilt - vfov / 2),
    }
    limit = min(reach, key=lambda name: reach[name])
    near = 0.0 if turning else min(_edge(height, tilt + vfov / 2), reach[limit])
    return Sector(near, reach[limit], float(azimuth or 0.0), 360.0 if turning else min(hfov, 360.0), limit, assumed)


def _attributes(device: Device, names: tuple[str, ...]) -> tuple[list[float], tuple[str, ...]]:
    found = {name: attribute(device, name) for name in names}
    return [float(value) for value, _ in found.values()], tuple(name for name, (_, assumed) in found.items() if assumed)


def _lens_width(device: Device) -> float | None:
    """Horizontal field of view [deg] out of focal length and sensor width, where the table gives no angle."""
    focal, sensor = device.attributes.get("focal_mm"), device.attributes.get("sensor_w_mm")
    if device.attributes.get("hfov_deg") is not None or not focal or not sensor:
        return None
    return math.degrees(2 * math.atan(float(sensor) / (2 * float(focal))))


def _vertical(hfov_deg: float, device: Device) -> float:
    width, height = attribute(device, "pixels_w")[0], attribute(device, "pixels_h")[0]
    return math.degrees(2 * math.atan(math.tan(math.radians(min(hfov_deg, 170.0)) / 2) * float(height) / float(width)))


def _range(device: Device, height: float) -> float:
    slant = device.attributes.get("range_m")
    return math.inf if slant is None else math.sqrt(max(float(slant) ** 2 - height**2, 0.0))


def _density_reach(pixels: float, hfov_deg: float) -> float:
    return pixels / (2 * DETECT_PX_PER_M * math.tan(math.radians(hfov_deg) / 2))


def _edge(height: float, below_horizon_deg: float) -> float:
    """Where a line of sight meets level ground [m]; infinite for one that does not go down, 0 for one that goes straight down."""
    if below_horizon_deg < LEAST_TILT_DEG:
        return math.inf
    return 0.0 if below_horizon_deg >= 90 else height / math.tan(math.radians(below_horizon_deg))


def _ring(sector: Sector) -> NDArray[np.float64]:
    """The outline (n, 2) [m, east and north of the lens]."""
    half = sector.width_deg / 2
    count = max(2, math.ceil(sector.width_deg / ARC_STEP_DEG))
    angles = np.radians(np.linspace(sector.azimuth_deg - half, sector.azimuth_deg + half, count))
    arc = np.column_stack([np.sin(angles), np.cos(angles)])
    if sector.width_deg >= 360:
        return arc * sector.far_m
    return np.vstack([arc * sector.far_m, arc[::-1] * sector.near_m])
