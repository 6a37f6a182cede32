"""A model and what the park already knows: the placement by its file, its silhouettes, the footprints, and how far they are apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from importers.contract import Context
from importers.ifc.anchors import free_point
from importers.ifc.footprint import Fit, Standing, Targets, fits
from importers.ifc.georeference import Georeferenced, local_axes
from importers.ifc.setting import Anchor, Facts, Setting, shifted_frame
from importers.ifc.silhouette import Silhouettes
from twin.model import Issue
from twin.terrain import z_of_height

_NEIGHBOURHOOD_M = 1000.0  # buildings farther from where a model says it is are tried only if none of these is like it
_LISTED = 4  # answers that are listed
_SAID_TURN = math.radians(0.05)  # a true north nearer to the y axis is what programs write unasked
_TURNED_KINDS = frozenset({"given", "map_conversion", "property_sets", "placement_in_crs", "control"})  # their turn is meant


@dataclass(frozen=True)
class Scene:
    """A model and its park: the placement by its file, its silhouettes [m, model], the footprints."""

    name: str
    context: Context
    setting: Setting
    facts: Facts
    placed: Georeferenced
    shape: Silhouettes
    targets: Targets

    @cached_property
    def own(self) -> Standing:
        """Where the file says the model is, as far as that is evidence."""
        kind = self.placed.told.kind
        x, y, _ = self.placed.placement.to_enu(self.shape.middle()[None])[0].tolist()
        is_somewhere = kind != "none" and self.setting.is_near(self.placed.anchor.lonlat_h)
        says_turn = kind in _TURNED_KINDS or self._is_turned()
        return Standing((x, y) if is_somewhere else None, self.turn() if says_turn else None)

    def _is_turned(self) -> bool:
        """Whether true north or a placement turns the model: what nobody set proves nothing."""
        north, frame = self.facts["true_north"], shifted_frame(self.facts)
        has_north = north is not None and len(north) > 1 and abs(math.atan2(north[0], north[1])) > _SAID_TURN
        return has_north or abs(math.atan2(frame[1, 0], frame[0, 0])) > _SAID_TURN

    def turn(self) -> float:
        """From the park's x axis to the model's, counter-clockwise, by the file. [rad]"""
        turn = self.placed.placement.turn
        return math.atan2(turn[1, 0], turn[0, 0])

    def found(self) -> list[Fit]:
        """The model on footprints, best first: on those around its own place if one of them is like it, else on all."""
        if self.own.middle is not None:
            near = fits(self.shape.areas, self.targets, (np.array(self.own.middle), _NEIGHBOURHOOD_M))
            if any(fit.is_good() for fit in near):
                return near
        return fits(self.shape.areas, self.targets)

    def told(self, *issues: Issue) -> Georeferenced:
        """The placement by the file, with more issues."""
        return replace(self.placed, issues=[*self.placed.issues, *issues])

    def move(self, fit: Fit) -> tuple[float, float]:
        """How far a fit is from where the file puts the model [m], and how far turned, counter-clockwise [rad]."""
        middle = self.shape.middle()[None]
        away = math.dist(fit.pose(middle[:, :2])[0], self.placed.placement.to_enu(middle)[0, :2])
        return away, math.remainder(fit.pose.turn - self.turn(), 2 * math.pi)

    def figures(self, fit: Fit) -> dict[str, object]:
        """What a report says of a fit: the building, how far the outlines are apart, and how far the model moves onto it."""
        close = fit.closeness
        away, turned = self.move(fit)
        return {
            "building": fit.building.name,
            "building_id": fit.building.id,
            "outline": fit.silhouette,
            "rms_m": round(close.rms_m, 3),
            "max_m": round(close.max_m, 3),
            "cost_m": round(close.cost_m, 3),
            "overhang_m": round(close.overhang_m, 2),
            "share": round(close.iou, 3),
            "base_m": round(fit.building.base_h_m, 2),
            "metres": round(away, 2),
            "degrees": round(math.degrees(turned), 2),
        }

    def anchor(self, fit: Fit) -> Anchor:
        """The anchor of a fit: the model's origin where the pose puts it, its ground floor at the building's foot."""
        frame = self.setting.frame
        point, _ = free_point(self.setting)
        xy = fit.pose(point[None, :2])
        h = fit.building.base_h_m + float(point[2]) - self.shape.ground_z_m + (self.context.options.height_offset_m or 0.0)
        lon, lat, _ = frame.to_lonlat([[*xy[0], z_of_height(frame, xy, [h])[0]]])[0].tolist()
        axes = local_axes(frame, lon, lat, h)
        rotation = fit.pose.turn - math.atan2(axes[1, 0], axes[0, 0])
        because = ("ifc_because_footprint", {"building": fit.building.name, "rms_m": round(fit.closeness.rms_m, 3)})
        return Anchor("footprint", point, (lon, lat, h), rotation, None, because, has_own_height=False)

    def option(self, fit: Fit) -> str:
        """What `--place` takes to put the model where a fit is: LON,LAT,H,ROT."""
        anchor = self.anchor(fit)
        lon, lat, h = anchor.lonlat_h
        return f"{lon:.8f},{lat:.8f},{h:.3f},{math.degrees(math.remainder(anchor.rotation_rad, 2 * math.pi)):.4f}"

    def listed(self, found: Sequence[Fit]) -> str:
        """The first answers: building, mean distance of the outlines, shared area, and the option that chooses each."""
        said = [(fit, f"{fit.building.name} ({fit.closeness.cost_m:.2f} m, {fit.closeness.iou:.2f})") for fit in found[:_LISTED]]
        return "; ".join(f"{name}: --place {self.option(fit)}" for fit, name in said) or "–"


def apart(fit: Fit, own: Standing) -> tuple[float, float]:
    """How far the model's own place is from a fit [m], and its own turn [rad]; 0 where the file does not say."""
    away = 0.0 if own.middle is None else math.dist(fit.middle, own.middle)
    turned = 0.0 if own.turn is None else abs(math.remainder(fit.pose.turn - own.turn, 2 * math.pi))
    return round(away, 1), turned
