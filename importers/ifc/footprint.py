"""Which building of the park a model is, and how it stands there: its silhouettes laid on footprints, every good answer with its error.

All footprints are sifted by figures no motion changes (area, length of the outline, area of the hull); the likeliest are laid on in
every turn and shift that edges suggest, and refined. An answer counts as clear only if every other one is worse by a margin; a
rectangle looks the same turned by 180°, a row of like houses offers one answer each: then the file's own place and north decide where
they can, and the person where they cannot.

The margin: on 37 shapes (L, U, H, T, courtyards, rectangles, random ones) under random motions, corners off by 5 cm and a tenth of the
area added or missing, the right pose costs 0.01 to 0.15 m, poses that symmetry makes equal differ by less than 0.02 m, and the best
wrong pose of a shape without symmetry costs at least 1.5 times as much and 0.1 m more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from importers.contract import Footprint
from importers.ifc.georeference import Placement
from importers.ifc.pose import CAP_M, Closeness, Outline, Pose, closeness, coarse, is_same, outline, refined
from twin.crs import Frame

_POLYGON, _MULTIPOLYGON = 3, 6  # shapely's type ids
_SIFTED = 40  # footprints that are looked at closely
_UNLIKE = 5  # footprints that are looked at where none is like the model
_REFINED = 24  # poses that are refined
_POSES = 8  # distinct poses on one footprint
_COARSE_SLACK = 0.2  # shared area a coarse pose may lack to the best one and still be refined
_LIKE_AREA = 2.0  # footprints larger or smaller by more than this factor are other buildings
_GOOD_COST_M = 0.35
_GOOD_IOU = 0.7
MARGIN_FACTOR = 1.5
MARGIN_M = 0.1
_NORTH_RAD = math.radians(20.0)  # the file's own north may choose among poses if it agrees with one of them so well
_NEARER = 3.0  # the file's own place may choose if one building is nearer by this factor
_PLACE_M = 1000.0  # ... and not farther than this


@dataclass(frozen=True)
class Targets:
    """Footprints in the park's plane: n buildings and their areas (n,). [m, enu]"""

    buildings: Sequence[Footprint]
    areas: NDArray[np.object_]

    def middles(self) -> NDArray[np.float64]:
        """Middles of the areas (n, 2). [m, enu]"""
        box = shapely.bounds(self.areas)
        return (box[:, :2] + box[:, 2:]) / 2


@dataclass(frozen=True)
class Fit:
    """A model on a footprint: the pose from its plane to the park's, how well the outlines agree, and which of its outlines it was."""

    building: Footprint
    pose: Pose
    closeness: Closeness
    silhouette: str
    middle: tuple[float, float]  # of the model, so placed [m, enu]

    def is_good(self) -> bool:
        """Whether the outlines agree as those of one building do."""
        return self.closeness.cost_m < _GOOD_COST_M and self.closeness.iou > _GOOD_IOU

    def beats(self, other: Fit) -> bool:
        """Whether it is better than another one by more than noise and clutter explain."""
        return other.closeness.cost_m >= MARGIN_FACTOR * self.closeness.cost_m + MARGIN_M


@dataclass(frozen=True)
class Standing:
    """Where the file itself says the model is: its middle [m, enu] and its turn [rad], each None where it does not say."""

    middle: tuple[float, float] | None = None
    turn: float | None = None


@dataclass(frozen=True)
class Choice:
    """The answer, what decided (`shape`, `place`, `north`, `place_north`), and the best of the others; no answer where nothing decides."""

    fit: Fit | None
    decided_by: str
    others: Sequence[Fit]


def targets(footprints: Sequence[Footprint], frame: Frame) -> Targets:
    """The footprints that have an area, in the park's plane."""
    shapes = np.empty(len(footprints), object)
    shapes[:] = [shapely.force_2d(each.outline) for each in footprints]
    usable = np.array(
        [shape is not None and shape.geom_type in {"Polygon", "MultiPolygon"} and not shape.is_empty for shape in shapes], bool
    )
    if not usable.any():
        return Targets([], np.empty(0, object))
    areas = frame.project(shapes[usable])
    broken = ~shapely.is_valid(areas)
    areas[broken] = shapely.buffer(areas[broken], 0.0)
    solid = shapely.area(areas) > 1.0
    kept = [each for each, is_usable in zip(footprints, usable, strict=True) if is_usable]
    return Targets([each for each, is_solid in zip(kept, solid, strict=True) if is_solid], areas[solid])


def fits(silhouettes: Mapping[str, Any], among: Targets, near: tuple[NDArray[np.float64], float] | None = None) -> list[Fit]:
    """Every distinct way the model stands on a footprint, best first; empty where no footprint has about its size.

    Parameters
    ----------
    silhouettes
        The model's outlines by name. [m, model]
    among
        The park's footprints.
    near
        Only footprints around this point (2,) within this distance. [m, enu]
    """
    shapes = {name: shape for name, area in silhouettes.items() if (shape := outline(area)) is not None}
    found: list[tuple[float, str, int, Pose]] = []
    aims: dict[int, Outline] = {}
    for k in _sifted(shapes, among, near):
        aim = outline(among.areas[k])
        if aim is None:
            continue
        aims[k] = aim
        found += [(iou, name, k, pose) for name, shape in shapes.items() for iou, pose in coarse(shape, aim, _POSES)]
    found.sort(key=lambda each: -each[0])
    chosen = [each for each in found if each[0] > found[0][0] - _COARSE_SLACK][:_REFINED]
    every = [_fit(shapes, name, among.buildings[k], aims[k], pose) for _, name, k, pose in chosen]
    return _distinct(every, shapes)


def _fit(shapes: Mapping[str, Outline], name: str, building: Footprint, aim: Outline, pose: Pose) -> Fit:
    pose = refined(shapes[name], aim, pose)
    x, y = pose(np.array([shapes[name].area.envelope.centroid.coords[0]]))[0].tolist()
    return Fit(building, pose, closeness(shapes[name], aim, pose), name, (x, y))


def _distinct(every: Sequence[Fit], shapes: Mapping[str, Outline]) -> list[Fit]:
    kept: list[Fit] = []
    for fit in sorted(every, key=lambda each: each.closeness.cost_m):
        shape = shapes[fit.silhouette]
        if not any(is_same(fit.pose, other.pose, shape) for other in kept):
            kept.append(fit)
    return kept


def _sifted(shapes: Mapping[str, Outline], among: Targets, near: tuple[NDArray[np.float64], float] | None) -> list[int]:
    """The footprints most like one of the silhouettes in size and form."""
    if not len(among.areas) or not shapes:
        return []
    theirs = _figures(among.areas)  # (n, 3)
    off = np.stack([np.abs(theirs - _figures(np.array([shape.area], object))) for shape in shapes.values()])  # (silhouettes, n, 3)
    is_out = np.zeros(len(theirs), bool) if near is None else np.linalg.norm(among.middles() - near[0], axis=1) > near[1]
    distance = np.where(is_out, np.inf, off.sum(axis=2).min(axis=0))
    is_like = (off[:, :, 0] < math.log(_LIKE_AREA)).any(axis=0)
    unlike, most = np.where(is_like, distance, np.inf), _SIFTED
    if not np.isfinite(unlike).any():  # none is like the model: the least unlike are looked at all the same, to be told
        unlike, most = distance, _UNLIKE
    order = np.argsort(unlike, kind="stable")[:most]
    return [int(k) for k in order if np.isfinite(unlike[k])]


def _figures(areas: NDArray[np.object_]) -> NDArray[np.float64]:
    """Logarithms of area, length of the outline and area of the hull (n, 3)."""
    figures = [shapely.area(areas), shapely.length(areas), shapely.area(shapely.convex_hull(areas))]
    return np.log(np.maximum(np.column_stack(figures), 1e-9))


def shared(area: Any, placement: Placement, among: Targets, building: Footprint) -> float:
    """Shared over joint area of an outline [m, model], where a placement puts it, and a building's footprint."""
    target = among.areas[next(k for k, each in enumerate(among.buildings) if each is building)]
    here = shapely.transform(area, lambda x: placement.to_enu(np.column_stack([x, np.zeros(len(x))]))[:, :2])
    both = float(here.intersection(target).area)
    return both / (here.area + target.area - both)


def choose(found: Sequence[Fit], own: Standing) -> Choice:
    """The one answer that stands out: by its shape alone, else with the help of where the file says the model is and how it is turned."""
    good = [fit for fit in found if fit.is_good()]
    if not good:
        return Choice(None, "", found)
    level = [fit for fit in good if not good[0].beats(fit)]
    by: list[str] = []
    for name, narrow in (("place", _by_place), ("north", _by_north)):
        left = narrow(level, own)
        if len(left) < len(level):
            by, level = [*by, name], left
    if len(level) > 1:
        return Choice(None, "", found)
    return Choice(level[0], "_".join(by) or "shape", [fit for fit in found if fit is not level[0]])


def _by_place(level: Sequence[Fit], own: Standing) -> Sequence[Fit]:
    """Those on the building that is much nearer to the file's own place than every other."""
    if own.middle is None:
        return level
    distance = {fit.building.id: math.dist(fit.middle, own.middle) for fit in reversed(level)}
    nearest = min(distance, key=lambda each: distance[each])
    others = [far for building, far in distance.items() if building != nearest]
    if not others or distance[nearest] > _PLACE_M or min(others) < _NEARER * max(distance[nearest], CAP_M):
        return level
    return [fit for fit in level if fit.building.id == nearest]


def _by_north(level: Sequence[Fit], own: Standing) -> Sequence[Fit]:
    """Those whose turn is the file's own, within 20°."""
    if own.turn is None:
        return level
    agreeing = [fit for fit in level if abs(math.remainder(fit.pose.turn - own.turn, 2 * math.pi)) < _NORTH_RAD]
    return agreeing or level
