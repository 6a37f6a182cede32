"""What the measures of devices at key positions share: whether a device is stationed at a position, and the result over positions.

A device is at a position where it says so (mounted there, same room), or stands within reach of it and on its level; at a building, in
it or within reach of its outline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.errors import MissingInput
from twin.measures.evidence import COVERED, OPEN, UNDECIDED, Amounts, Inputs, share_result
from twin.measures.positions import Position, gather_positions
from twin.model import Device
from twin.result import Gap, Measure, Request, Result, Samples
from twin.scene.ground import ground_of
from twin.store import Store

FloatArray = NDArray[np.float64]

LEVEL_M = 4.0  # indoors, devices farther above or below are on another level
MAST_M = 15.0  # outdoors, higher up they are on something else


@dataclass(frozen=True)
class Verdict:
    """What is said of one position: covered by best knowledge, for certain, perhaps; by which devices, and what it lacks."""

    covered: bool
    sure: bool
    possible: bool
    devices: Sequence[str] = ()
    reason: str = ""
    blockers: Sequence[str] = ()
    shortfall_m: float | None = None  # how much nearer the nearest device would have to be
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Told:
    """What a measure over positions has found."""

    positions: Sequence[Position]
    points: FloatArray  # (n, 3) [m, enu]
    verdicts: Sequence[Verdict]
    devices: Sequence[Device]
    resting: Sequence[str]  # ids of devices that rest on an assumed attribute
    sha256: str
    warnings: Sequence[Mapping[str, Any]]
    sensitivity: Sequence[Mapping[str, Any]] = ()
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


def positions_asked(store: Store, classes: Sequence[str], *, derive: bool) -> tuple[list[Position], list[Mapping[str, Any]]]:
    """The key positions of some classes, and what has to be said about them; raises MissingInput where there are none."""
    register = gather_positions(store, classes, derive=derive)
    if not register.positions:
        raise MissingInput("key_positions_missing", subject=", ".join(classes))
    return list(register.positions), list(register.warnings)


def points_of(store: Store, positions: Sequence[Position], height_m: float) -> FloatArray:
    """A point (n, 3) of each position, at a height [m] above its floor or the ground. [m, enu]"""
    if not positions:
        return np.empty((0, 3))
    xy = np.concatenate([shapely.get_coordinates(_middle(position.shape))[:1] for position in positions])
    ground = ground_of(store)(xy)
    floor = [z if position.floor_z is None else position.floor_z for position, z in zip(positions, ground.tolist(), strict=True)]
    return np.column_stack([xy, np.array(floor) + height_m])


def away_m(device: Device, spot: FloatArray, position: Position, point: FloatArray) -> float:
    """How far a device is from a position in plan [m]: 0 where it says that it is there, infinite where it is on another level."""
    told = {str(name) for name in (device.space_id, device.attributes.get("mounted_on"), device.attributes.get("carried_by")) if name}
    if told & position.names:
        return 0.0
    if position.kind == "main_building" and device.building_id and device.building_id in {position.building_id, position.id}:
        return 0.0
    if position.storey_id and device.storey_id and position.storey_id != device.storey_id:
        return float("inf")
    if not np.isfinite(spot).all() or abs(float(spot[2] - point[2])) > (MAST_M if position.floor_z is None else LEVEL_M):
        return float("inf")
    return float(shapely.distance(position.shape, shapely.Point(spot[0], spot[1])))


def marginal(told: Told) -> list[dict[str, Any]]:
    """What each device covers, and what would be lost without it: positions. [count]"""
    covered, lost = dict.fromkeys((device.id for device in told.devices), 0), dict.fromkeys((device.id for device in told.devices), 0)
    for verdict in told.verdicts:
        if not verdict.covered:
            continue
        for name in verdict.devices:
            covered[name] += 1
        if len(verdict.devices) == 1:
            lost[verdict.devices[0]] += 1
    return [{"id": name, "covered": covered[name], "lost": lost[name]} for name in covered]


def result_of(measure: Measure, store: Store, request: Request, told: Told, started: float) -> Result:
    """The result of a measure over positions."""
    n, resting = len(told.positions), set(told.resting)
    covered, sure, possible = (sum(getattr(v, name) for v in told.verdicts) for name in ("covered", "sure", "possible"))
    lonlat = store.park().frame.to_lonlat(told.points)
    on_assumed = sum(v.covered and bool(v.devices) and set(v.devices) <= resting for v in told.verdicts)
    inputs = Inputs(told.sha256, len(told.devices), len(resting) / len(told.devices) if told.devices else None)
    return share_result(
        measure,
        request,
        Amounts(covered, sure, possible, n, "count"),
        inputs=inputs,
        started=started,
        resting_share=on_assumed / covered if covered else None,
        surface={"id": "key_positions", "samples": n, "method": "each position by distance, level and lines of sight"},
        zones=_by_class(told),
        gaps=_gaps(told, lonlat),
        warnings=[dict(warning) for warning in told.warnings],
        samples=Samples(lonlat, np.array([float(len(v.devices)) for v in told.verdicts]), _states(told), np.zeros(n), "count"),
        devices=marginal(told),
        sensitivity=list(told.sensitivity),
        extra={**told.extra, "positions": [_row(p, v) for p, v in zip(told.positions, told.verdicts, strict=True)]},
    )


def _middle(shape: Any) -> Any:
    if shape.geom_type in {"LineString", "MultiLineString"}:
        return shapely.line_interpolate_point(max(shapely.get_parts(shape), key=shapely.length), 0.5, normalized=True)
    return shapely.point_on_surface(shape)


def _row(position: Position, verdict: Verdict) -> dict[str, Any]:
    return {
        "id": position.id, "name": position.name, "class": position.kind, "covered": verdict.covered, "devices": list(verdict.devices),
        "reason": verdict.reason or None, "derived": position.derived,
    } | dict(verdict.extra)  # fmt: skip


def _states(told: Told) -> NDArray[np.int8]:
    certain = [v.sure == v.possible for v in told.verdicts]
    state = [UNDECIDED if not ok else COVERED if v.covered else OPEN for v, ok in zip(told.verdicts, certain, strict=True)]
    return np.array(state, np.int8)


def _by_class(told: Told) -> list[dict[str, Any]]:
    """One row a class, the least covered first."""
    rows: list[dict[str, Any]] = []
    for kind in dict.fromkeys(position.kind for position in told.positions):
        own = [verdict for position, verdict in zip(told.positions, told.verdicts, strict=True) if position.kind == kind]
        done, sure, possible = (sum(getattr(v, name) for v in own) for name in ("covered", "sure", "possible"))
        bounds = {"lower": min(sure, done) / len(own), "upper": max(possible, done) / len(own)}
        rows.append({"id": kind, "name": kind, "value": done / len(own), **bounds, "amount": len(own), "covered": done})
    return sorted(rows, key=lambda row: (row["value"], row["id"]))


def _gaps(told: Told, lonlat: FloatArray) -> list[Gap]:
    return [
        Gap(position.id, 1.0, verdict.reason, list(verdict.blockers), shapely.Point(*lonlat[i]), position.kind,
            verdict.shortfall_m, "m" if verdict.shortfall_m is not None else "")
        for i, (position, verdict) in enumerate(zip(told.positions, told.verdicts, strict=True))
        if not verdict.covered
    ]  # fmt: skip
