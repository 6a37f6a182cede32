"""Which cameras see a point, how well, and what hides it from the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.camera import ANY_WAY, INSIDE, LADDERS, REASONS, Criteria, View, densities, level_of, verdicts
from twin.errors import NotFound, UsageError
from twin.measures.camera import gather_cameras, stage
from twin.model import Park
from twin.scene.embree import Scene
from twin.store import Store
from twin.terrain import ground_height

TARGET_HEIGHT_M = 1.5  # above ground or floor, where no height is given: a face
EDITION = "2025"
FAR_M = 50_000.0  # farther from the origin than this, a point is a mistake


def sees(store: Store, lon: float, lat: float, h: float | None = None, storey: str | None = None) -> dict[str, Any]:
    """The cameras in service and whether each sees a point, those that do first, the finest first, then by distance.

    A camera sees the point where it is in view, within range, not hidden, and drawn with at least the lowest density of IEC 62676-4:2025.

    Parameters
    ----------
    store
        The park.
    lon, lat
        The point. [deg]
    h
        Its height; without, a face above the storey's floor or above the ground. [m, park datum]
    storey
        Id or name of the storey whose floor counts.

    Returns
    -------
    `{"point": [lon, lat, h], "cameras": [{"id", "sees", "px_per_m", "distance_m", "level", "blocked_by", "reason"}]}`; `reason` is one
    of a gap's, or `direction_unknown`.

    Raises
    ------
    NotFound
        If there is no such storey.
    UsageError
        If the point is nowhere near the park, as one whose longitude and latitude are exchanged.
    """
    _check_near(store.park(), lon, lat)
    frame = store.park().frame
    height = _height(store, lon, lat, storey) if h is None else float(h)
    target = frame.to_enu([(lon, lat, height)])
    place = stage(store, "auto")
    best: dict[str, dict[str, Any]] = {}
    for view in gather_cameras(store, ["in_service"]).views:
        answer = _answer(view, target, place.sight.scene)
        if view.camera not in best or _order(answer) < _order(best[view.camera]):
            best[view.camera] = answer
    return {"point": [lon, lat, round(height, 3)], "cameras": sorted(best.values(), key=_order)}


def _check_near(park: Park, lon: float, lat: float) -> None:
    """Refuse a point that no camera of the park can have to do with."""
    frame = park.frame
    possible = abs(lon) <= 180 and abs(lat) <= 90
    if not (possible and float(np.linalg.norm(frame.to_enu([(lon, lat)])[0, :2])) <= FAR_M):
        known = {"lon": f"{frame.lon_deg:g}", "lat": f"{frame.lat_deg:g}"}
        raise UsageError("point_outside", subject=f"{lon:g},{lat:g}", limit_km=round(FAR_M / 1000), **known)


def _answer(view: View, target: NDArray[np.float64], scene: Scene) -> dict[str, Any]:
    lens = np.array([view.position])
    density = float(densities(view, target)[0]) if view.lens != ANY_WAY else 0.0
    level = level_of(density, EDITION)
    verdict = int(verdicts(view, Criteria(min(LADDERS[EDITION].values())), target)[0])
    reason, blocker = REASONS[verdict], None
    if view.lens == ANY_WAY:
        reason = "direction_unknown"
    elif verdict == INSIDE:
        face, _ = scene.first_hit(lens, target)
        if face[0] >= 0:
            reason, blocker = "occluded", scene.obstacles.id_of(int(face[0]))
    in_view = density > 0 and reason not in {"outside_field_of_view", "direction_unknown"}
    return {
        "id": view.camera,
        "sees": not reason,
        "px_per_m": round(density, 2) if in_view else None,
        "distance_m": round(float(np.linalg.norm(target - lens)), 2),
        "level": level if not reason else None,
        "blocked_by": blocker,
        "reason": reason or None,
    }


def _order(answer: Mapping[str, Any]) -> tuple[bool, float, float]:
    return (not answer["sees"], -(answer["px_per_m"] or 0.0) if answer["sees"] else 0.0, answer["distance_m"])


def _height(store: Store, lon: float, lat: float, storey: str | None) -> float:
    """The height of a face above the storey's floor, or above the ground. [m, park datum]"""
    if storey is None:
        ground = ground_height(store.park(), store.terrain(), store.park().frame.to_enu([(lon, lat)])[:, :2])
        return float(ground[0]) + TARGET_HEIGHT_M
    found = [row for row in store.storeys() if storey in {row.id, row.name}]
    if not found:
        raise NotFound("storey_missing", subject=storey)
    return found[0].base_h_m + TARGET_HEIGHT_M
