"""Perimeter detectors read as what they guard: along a line, along a beam, or round a point."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from twin.coverage.perimeter import Beam, Reach
from twin.devices import positions
from twin.measures.placed import placed_devices
from twin.measures.spoken import amount, said, sort_of
from twin.model import Device
from twin.store import Store

FloatArray = NDArray[np.float64]

# which detectors fit which boundary (Hubei: buried sensing where it is open, electronic fence where it is fenced); all others fit all
FITS: Mapping[str, frozenset[str]] = {
    "electronic_fence": frozenset({"fence", "wall", "building"}),
    "vibration": frozenset({"fence", "wall"}),
    "buried": frozenset({"open", "fence", "wall"}),
}
USUAL_RANGE_M = 12.0  # of a point detector that gives none, for the upper bound alone


@dataclass(frozen=True)
class Guard:
    """A detector with what it guards in the three cases; None where it guards nothing in one."""

    device: Device
    sort: str | None
    zone: str
    least: Beam | Reach | None
    likely: Beam | Reach | None
    most: Beam | Reach | None
    unsaid: Sequence[str]  # attributes that are assumed
    opens_margin: bool = False  # nobody says what its range is rated at


def gather_guards(store: Store, asked: Mapping[str, Any]) -> tuple[list[Guard], list[dict[str, Any]]]:
    """The perimeter detectors of the park, with what each guards; and what is to be said of those that are nowhere."""
    every, nowhere = placed_devices(store, "detector", asked["statuses"])
    devices = [device for device in every if _guards(device)]
    spots = dict(zip((device.id for device in devices), positions(store, devices)[:, :2], strict=True)) if devices else {}
    return [_guard(store, device, spots, asked) for device in devices], nowhere


def _guards(device: Device) -> bool:
    """Whether a detector may guard a perimeter: outdoors, and not for fire, gas or water."""
    return sort_of(device, "hazards") in {"intrusion", None} and not (device.storey_id or device.space_id)


def _guard(store: Store, device: Device, spots: Mapping[str, FloatArray], asked: Mapping[str, Any]) -> Guard:
    sort = sort_of(device, "detectors")
    path, unsaid = _path(store, device, spots)
    zone = str(said(device, "defence_zone") or device.id)
    rated = amount(device, "rated_range_m")
    stated = amount(device, "range_m") or rated
    if path is None:
        return _round_guard(device, sort, zone, spots[device.id], stated)
    long = _length(path)
    keep = 1.0 - asked["ir_margin"]
    margin = asked["ir_margin"] > 0 and sort == "active_infrared"
    rating = rated if rated is not None else stated if asked["range_is"] == "rated" else None
    likely_m = min(long, rating * keep) if margin and rating is not None else long
    open_margin = margin and rating is None and stated is not None
    least_m = min(likely_m, stated * keep) if open_margin and stated is not None else likely_m
    facing, match = math.radians(asked["facing_deg"]), asked["match_distance_m"]
    least, likely, most = (Beam(_shortened(path, each), match, facing) for each in (least_m, likely_m, long))
    return Guard(
        device,
        sort,
        zone,
        least,
        likely,
        most if likely_m < long and open_margin else likely,
        unsaid,
        open_margin,
    )


def _round_guard(device: Device, sort: str | None, zone: str, spot: FloatArray, stated: float | None) -> Guard:
    """A detector without a line: what lies within its range, and its angle where it gives one."""
    angle, azimuth = amount(device, "hfov_deg", most=360.0), amount(device, "azimuth_deg", most=360.0)
    unsaid = [
        *(["range_m"] if stated is None else []),
        *(["azimuth_deg"] if angle is not None and angle < 360.0 and azimuth is None else []),
    ]
    wide = 2 * math.pi if angle is None or azimuth is None else math.radians(angle)
    turn = math.radians(azimuth or 0.0)
    whole = Reach(spot, USUAL_RANGE_M if stated is None else stated, turn, wide)
    return Guard(device, sort, zone, *((None, None, whole) if unsaid else (whole, whole, whole)), unsaid)


def _path(store: Store, device: Device, spots: Mapping[str, FloatArray]) -> tuple[FloatArray | None, list[str]]:
    """The corners of the line that a detector guards (k, 2) [m, enu]: as drawn, to its receiver, or along its azimuth; None: no line."""
    drawn = device.attributes.get("line")
    if drawn:
        with np.errstate(all="ignore"):
            shape: Any = shapely.from_wkt(str(drawn), on_invalid="ignore")
        if shape is not None and shape.geom_type == "LineString" and 0 < shape.length < math.inf:
            return shapely.get_coordinates(store.park().frame.project(shapely.force_2d(shape))), []
    receiver = said(device, "receiver_id")
    if receiver is not None and str(receiver) in spots and str(receiver) != device.id:
        return np.stack([spots[device.id], spots[str(receiver)]]), []
    azimuth, reach = amount(device, "azimuth_deg", most=360.0), amount(device, "range_m") or amount(device, "rated_range_m")
    if azimuth is None or reach is None or amount(device, "hfov_deg", most=360.0) is not None:
        return None, []
    turn = math.radians(azimuth)
    return np.stack([spots[device.id], spots[device.id] + reach * np.array([math.sin(turn), math.cos(turn)])]), []


def _length(path: FloatArray) -> float:
    return float(np.hypot(*np.diff(path, axis=0).T).sum())


def _shortened(path: FloatArray, length: float) -> FloatArray:
    """The first `length` metres of a path (k, 2)."""
    if length >= _length(path) or len(path) < 2:
        return path
    return shapely.get_coordinates(substring(shapely.LineString(path), 0.0, max(length, 1e-6)))
