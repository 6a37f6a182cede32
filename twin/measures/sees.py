"""Which cameras see a point, how well, and what hides it from the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.camera import Criteria, View, certain, densities, pack, possible, verdicts
from twin.coverage.inview import ANY_WAY, INSIDE, REASONS, shortfall_at
from twin.coverage.levels import LADDERS, level_of
from twin.coverage.look import Sight
from twin.coverage.share import sees as sees_targets
from twin.coverage.why import UNITS
from twin.errors import NotFound, UsageError
from twin.measures.camera import gather_cameras, sight_among, stage
from twin.measures.views import Reading
from twin.measures.watch import scenes
from twin.model import Park
from twin.scene.state import CLEAR, OPEN, states
from twin.store import Store
from twin.terrain import ground_height

FloatArray = NDArray[np.float64]

TARGET_HEIGHT_M = 1.5  # above ground or floor, where no height is given: a face
FEET_M, HEAD_M = 0.1, 1.7  # a body is seen as a whole where both of these are
EDITION = "2025"
FAR_M = 50_000.0  # farther from the origin than this, a point is a mistake
_CHANGED = {"doors": OPEN, "vegetation": CLEAR}


@dataclass(frozen=True)
class Asked:
    """What is asked about a point: by what light, by which aims of cameras that turn, by which edition's levels, of how much of a body."""

    light: str = "day"
    ptz: str = "presets"
    edition: str = EDITION
    body: str = "point"


@dataclass(frozen=True)
class _Among:
    """What is in the way as known, and with one thing at its best: doors open, leaves clear."""

    sight: Sight
    changed: Mapping[str, Sight]


def sees(
    store: Store, lon: float, lat: float, h: float | None = None, storey: str | None = None, asked: Asked | None = None
) -> dict[str, Any]:
    """The cameras in service and whether each sees a point, those that do first, the finest first, then by distance.

    A camera sees the point where it is in view, within range, sharp, not hidden, and drawn with at least the lowest density of IEC 62676-4.
    Doors count as closed and leaves as opaque; where that alone hides the point, the answer says so.

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
    asked
        By day, by presets, in the levels of 2025, of a point, unless it says otherwise. Of a whole body both feet and head have to be seen;
        they stand on the floor or ground, whatever h says.

    Returns
    -------
    `{"point": [lon, lat, h], "cameras": [{"id", "sees", "px_per_m", "distance_m", "level", "blocked_by", "reason", "certain", "perhaps",
    "sees_if", "shortfall", "shortfall_unit"}]}`; `reason` is one of a gap's, or `direction_unknown`; `certain` and `perhaps` say what holds
    whatever is not known of the camera; `sees_if` names what has to be otherwise for the camera to see the point: `{"doors": "open"}`.

    Raises
    ------
    NotFound
        If there is no such storey.
    UsageError
        If the point is nowhere near the park, as one whose longitude and latitude are exchanged.
    """
    _check_near(store.park(), lon, lat, h)
    how = asked or Asked()
    frame = store.park().frame
    floor = _floor(store, lon, lat, storey) if h is None or how.body == "whole" else 0.0
    height = floor + TARGET_HEIGHT_M if h is None else float(h)
    heights = [floor + HEAD_M, floor + FEET_M] if how.body == "whole" else [height]
    targets = frame.to_enu([(lon, lat, each) for each in heights])
    among = _among(store)
    best: dict[str, dict[str, Any]] = {}
    for view in gather_cameras(store, ["in_service"], Reading(how.ptz, how.light)).views:
        answer = _answer(view, targets, among, how.edition)
        if view.camera not in best or _order(answer) < _order(best[view.camera]):
            best[view.camera] = answer
    return {"point": [lon, lat, round(height, 3)], "cameras": sorted(best.values(), key=_order)}


def _check_near(park: Park, lon: float, lat: float, h: float | None) -> None:
    """Refuse a point that no camera of the park can have to do with."""
    frame = park.frame
    possible_at_all = abs(lon) <= 180 and abs(lat) <= 90 and (h is None or abs(h - frame.h_m) <= FAR_M)
    if not (possible_at_all and float(np.linalg.norm(frame.to_enu([(lon, lat)])[0, :2])) <= FAR_M):
        known = {"lon": f"{frame.lon_deg:g}", "lat": f"{frame.lat_deg:g}"}
        said = ",".join(f"{each:g}" for each in (lon, lat, h) if each is not None)
        raise UsageError("point_outside", subject=said, limit_km=round(FAR_M / 1000), **known)


def _among(store: Store) -> _Among:
    """What is in the way, doors closed and leaves opaque, and what else there may be."""
    place = stage(store, "auto", states())
    if place.sight.best is None:
        return _Among(place.sight, {})
    return _Among(place.sight, {name: sight_among(store, "auto", state) for name, state in scenes(states())} | {"both": place.sight.best})


def _answer(view: View, targets: FloatArray, among: _Among, edition: str) -> dict[str, Any]:
    lens = np.array(view.position)
    criteria = Criteria(min(LADDERS[edition].values()))
    density = float(densities(view, targets).min()) if view.lens != ANY_WAY else 0.0
    reason, blocker, short = _lack(view, targets, criteria, among.sight)
    otherwise = _otherwise(view, targets, among) if reason == "occluded" else None
    in_view = density > 0 and reason not in {"outside_field_of_view", "blind_zone", "direction_unknown"}
    sure = not reason and bool(sees_targets(targets, certain(view), criteria, among.sight).all())
    most = among.changed.get("both", among.sight)
    return {
        "id": view.camera,
        "sees": not reason,
        "px_per_m": round(density, 2) if in_view else None,
        "distance_m": round(float(np.linalg.norm(targets[0] - lens)), 2),
        "level": level_of(density, edition) if not reason else None,
        "blocked_by": blocker,
        "reason": reason or None,
        "certain": sure,
        "perhaps": not reason or bool(sees_targets(targets, possible(view), criteria, most).all()),
        "sees_if": otherwise,
        "shortfall": short,
        "shortfall_unit": None if short is None else UNITS[reason],
    }


def _lack(view: View, targets: FloatArray, criteria: Criteria, sight: Sight) -> tuple[str, str | None, float | None]:
    """Why a view does not see all of the targets, by the first that it misses: reason, what is in the way, shortfall."""
    if view.lens == ANY_WAY:
        return "direction_unknown", None, None
    for target, verdict in zip(targets, verdicts(view, criteria, targets).tolist(), strict=True):
        if verdict != INSIDE:
            short = float(shortfall_at(pack(view, criteria), verdict, *(target - np.array(view.position))))
            reason = REASONS[verdict]
            return reason, None, round(short, 2) if reason in UNITS and np.isfinite(short) else None
    face, _ = sight.scene.first_hit(np.broadcast_to(np.array(view.position), targets.shape), targets)
    hit = face[face >= 0]
    return ("occluded", sight.scene.obstacles.id_of(int(hit[0])), None) if len(hit) else ("", None, None)


def _otherwise(view: View, targets: FloatArray, among: _Among) -> dict[str, str] | None:
    """What has to be otherwise for a view to see the targets: one thing, or all of them; None where that is not enough."""
    lens = np.broadcast_to(np.array(view.position), targets.shape)

    def is_free(name: str) -> bool:
        return name in among.changed and not among.changed[name].scene.occluded(lens, targets).any()

    names: Sequence[str] = [name for name in _CHANGED if is_free(name)][:1] or (list(_CHANGED) if is_free("both") else [])
    return {name: _CHANGED[name] for name in names} or None


def _order(answer: Mapping[str, Any]) -> tuple[bool, float, float]:
    return (not answer["sees"], -(answer["px_per_m"] or 0.0) if answer["sees"] else 0.0, answer["distance_m"])


def _floor(store: Store, lon: float, lat: float, storey: str | None) -> float:
    """The height of the storey's floor, or of the ground. [m, park datum]"""
    if storey is None:
        return float(ground_height(store.park(), store.terrain(), store.park().frame.to_enu([(lon, lat)])[:, :2])[0])
    found = [row for row in store.storeys() if storey in {row.id, row.name}]
    if not found:
        raise NotFound("storey_missing", subject=storey)
    return found[0].base_h_m
