"""What footprints and terrain say to the place a file gives its model: beside its building, on none, floating, sunk."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from importers.ifc.footprint import Fit, choose, shared
from importers.ifc.georeference import Georeferenced
from importers.ifc.scene import Scene, apart
from importers.rectangles import crooked_deg, direction, size
from twin.model import Issue
from twin.terrain import height_at

_BESIDE_M = 50.0  # a like building this near may be meant although others are like it too
_MOVED_M, _TURNED = 0.5, math.radians(1.0)  # moves smaller than both are no disagreement
_GAIN = 0.03  # shared area a move must gain to be told
_STANDS_ON = 0.3  # a model that shares this much area with a building stands on it
_FLOATING_M = 1.0


def compared(scene: Scene) -> Georeferenced:
    """The model where its file says, told what footprints say to that."""
    if not scene.targets.buildings:
        return scene.placed
    found = scene.found()
    if scene.own.middle is None:
        fit = choose(found, scene.own).fit
        return scene.placed if fit is None else scene.told(Issue("ifc_seems_building", "info", scene.name, scene.figures(fit)))
    fit = _meant(scene, found)
    if fit is None:
        return scene.told(*_on_none(scene))
    away, turned = scene.move(fit)
    now = shared(scene.shape.areas[fit.silhouette], scene.placed.placement, scene.targets, fit.building)
    if (away < _MOVED_M and abs(turned) < _TURNED) or now > fit.closeness.iou - _GAIN:
        return scene.placed
    details = scene.figures(fit) | {"share_now": round(now, 3), "place": scene.option(fit)}
    return scene.told(Issue("ifc_beside_footprint", "warning", scene.name, details))


def _meant(scene: Scene, found: Sequence[Fit]) -> Fit | None:
    """The fit the model's own place comes nearest to, if it is on the only like building or near enough."""
    good = [fit for fit in found if fit.is_good()]
    if not good:
        return None
    level = [fit for fit in good if not good[0].beats(fit)]
    nearest = min(level, key=lambda fit: apart(fit, scene.own))
    is_alone = len({fit.building.id for fit in level}) == 1
    return nearest if is_alone or apart(nearest, scene.own)[0] < _BESIDE_M else None


def _on_none(scene: Scene) -> list[Issue]:
    """That the model stands on no building of the park, how far the nearest is and how it differs."""
    away = np.linalg.norm(scene.targets.middles() - np.array(scene.own.middle), axis=1)
    nearest = np.argsort(away)[:5].tolist()
    near = [scene.targets.buildings[k] for k in nearest]
    share = max(shared(scene.shape.areas["whole"], scene.placed.placement, scene.targets, building) for building in near)
    if share > _STANDS_ON:
        return []
    area = scene.targets.areas[nearest[0]]
    mine = scene.shape.areas.get("walls", scene.shape.areas["whole"])
    angle = direction(mine) + scene.turn() - direction(area)
    details = {
        "building": near[0].name,
        "metres": round(float(away[nearest[0]]), 1),
        "degrees": crooked_deg(angle),
        "size": size(mine),
        "other_size": size(area),
    }
    return [Issue("ifc_on_no_footprint", "warning", scene.name, details)]


def off_ground(scene: Scene) -> list[Issue]:
    """That the ground floor is more than a metre above or below the park's terrain, and what would mend it."""
    terrain = scene.context.terrain
    if terrain is None or not scene.setting.is_near(scene.placed.anchor.lonlat_h):
        return []
    at = scene.placed.placement.to_enu(scene.shape.middle()[None])
    ground = float(height_at(terrain, at[:, :2])[0])
    off = float(scene.setting.frame.to_lonlat(at)[0, 2]) - ground
    if not math.isfinite(off) or abs(off) < _FLOATING_M:
        return []
    details = {
        "metres": round(abs(off), 2),
        "storey": scene.shape.storey or "–",
        "ground_m": round(ground, 2),
        "offset": f"{scene.placed.height_offset_m - off:+.2f}",
    }
    return [Issue("ifc_model_floats" if off > 0 else "ifc_model_sinks", "warning", scene.name, details)]
