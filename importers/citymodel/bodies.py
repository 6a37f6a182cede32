"""One object's body: the level of detail chosen, its triangles with their kinds, facing outward, and what was wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from importers.citymodel.city import NO_SHELL, CityObject, Shape, Surface, lod_rank
from importers.citymodel.shells import Shell, shell
from importers.citymodel.triangles import Cut, cut

Points = NDArray[np.float64]
_STEEP = 0.25  # sine of the slope by which a face without a name is roof or ground rather than wall
OFF_PLANE_M = 0.05  # points farther from the plane of their surface than this are worth telling


@dataclass(frozen=True)
class Body:
    """The triangles of one object and what was found of them."""

    lod: str
    surfaces: Sequence[Surface]
    corners: Points  # (t, 3, 3) [m, enu]
    surface: NDArray[np.int64]  # (t,) index into surfaces
    kinds: Sequence[str]  # (s,) kind of each surface, named by the file or by its slope
    areas: Mapping[str, float]  # kind -> [m²], of kinds the file names
    is_solid: bool = False
    volume_m3: float | None = None
    holes: int = 0
    open_edges: int = 0
    turned: int = 0
    crossed: int = 0
    degenerate: int = 0
    deviation_m: float = 0.0
    low_h: float = np.nan  # [m, park datum]
    high_h: float = np.nan


def levels(objects: Sequence[CityObject]) -> dict[str, int]:
    """How many objects have a geometry at each level of detail, lowest first."""
    found: dict[str, int] = {}
    for each in objects:
        for lod in {shape.lod for shape in each.shapes}:
            found[lod] = found.get(lod, 0) + 1
    return dict(sorted(found.items(), key=lambda pair: lod_rank(pair[0])))


def chosen(shapes: Sequence[Shape], asked: str | None) -> list[Shape]:
    """The shapes of one level of detail: the highest, or the highest that is no finer than asked for.

    Asked for 2, an object with 2.1 and 2.2 gives 2.2; one that has only finer levels gives its coarsest.
    """
    ranked = sorted({shape.lod for shape in shapes}, key=lod_rank)
    if not ranked:
        return []
    limit = np.inf if asked is None else lod_rank(asked)[0] + (0.0 if "." in asked else 0.99)
    best = next((lod for lod in reversed(ranked) if lod_rank(lod)[0] <= limit + 1e-9), ranked[0])
    return [shape for shape in shapes if shape.lod == best]


def body_of(each: CityObject, asked: str | None) -> Body | None:
    """The body of an object; None where none of its shapes has an area."""
    shapes = chosen([shape for shape in each.shapes if shape.role == "body" and shape.surfaces], asked)
    surfaces, voids = _gathered(shapes)
    found = cut(surfaces)
    if not len(found.corners):
        return None
    shells = _shells(surfaces, found)
    turned = _outward(found, surfaces, shells, voids)
    named = [one for number, one in shells.items() if number != NO_SHELL]
    heights = np.concatenate([ring[:, 3] for surface in surfaces for ring in surface.rings])
    return Body(
        lod=shapes[0].lod,
        surfaces=surfaces,
        corners=turned.corners,
        surface=found.surface,
        kinds=_kinds(surfaces, turned),
        areas=_areas(surfaces, found),
        is_solid=bool(named),
        volume_m3=_volume(shells, voids),
        holes=sum(one.holes for one in named),
        open_edges=sum(one.open_edges for one in named),
        turned=sum(len(one.turned) for one in named),
        crossed=int(found.crossed.sum()),
        degenerate=int(np.isnan(found.deviation).sum()),
        deviation_m=float(np.nanmax(found.deviation)),
        low_h=float(heights.min()),
        high_h=float(heights.max()),
    )


def _outward(found: Cut, surfaces: Sequence[Surface], shells: Mapping[int, Shell], voids: set[int]) -> Cut:
    """The triangles facing out of what they enclose, and into cavities."""
    flipped = np.zeros(len(surfaces), np.bool_)
    for number, one in shells.items():
        flipped[one.turned] = True
        if number in voids:
            flipped[_members(surfaces, number)] ^= True
    corners = found.corners.copy()
    back = flipped[found.surface]
    corners[back] = corners[back][:, ::-1]
    return replace(found, corners=corners)


def _volume(shells: Mapping[int, Shell], voids: set[int]) -> float | None:
    """What all shells enclose less the cavities [m³]; None where one is open."""
    enclosed = [(-1.0 if number in voids else 1.0, one.volume_m3) for number, one in shells.items()]
    return None if any(volume is None for _, volume in enclosed) else sum(sign * (volume or 0.0) for sign, volume in enclosed)


def _gathered(shapes: Sequence[Shape]) -> tuple[list[Surface], set[int]]:
    """All surfaces of the shapes with shells numbered through, and the shells that are cavities."""
    surfaces: list[Surface] = []
    voids: set[int] = set()
    start = 0
    for shape in shapes:
        voids |= {number + start for number in shape.voids}
        surfaces += [each if each.shell == NO_SHELL else replace(each, shell=each.shell + start) for each in shape.surfaces]
        start += 1 + max((each.shell for each in shape.surfaces), default=NO_SHELL)
    return surfaces, voids


def _members(surfaces: Sequence[Surface], number: int) -> NDArray[np.int64]:
    return np.array([k for k, each in enumerate(surfaces) if each.shell == number], np.int64)


def _shells(surfaces: Sequence[Surface], found: Cut) -> dict[int, Shell]:
    """What each shell closes, by its number; without any, all surfaces are looked at as if they were one."""
    numbers = sorted({each.shell for each in surfaces} - {NO_SHELL})
    if not numbers:
        return {NO_SHELL: shell(surfaces, np.arange(len(surfaces)), found)}
    return {number: shell(surfaces, _members(surfaces, number), found) for number in numbers}


def _kinds(surfaces: Sequence[Surface], found: Cut) -> list[str]:
    """The kind of each surface (s,): the file's word, else by the slope of its triangles."""
    cross = np.cross(found.corners[:, 1] - found.corners[:, 0], found.corners[:, 2] - found.corners[:, 0])
    up = np.bincount(found.surface, weights=cross[:, 2], minlength=len(surfaces))
    size = np.bincount(found.surface, weights=np.linalg.norm(cross, axis=1), minlength=len(surfaces))
    slope = np.divide(up, size, out=np.zeros(len(surfaces)), where=size > 0)
    return [each.kind or _by_slope(s) for each, s in zip(surfaces, slope.tolist(), strict=True)]


def _by_slope(sine: float) -> str:
    return "RoofSurface" if sine > _STEEP else "GroundSurface" if sine < -_STEEP else "WallSurface"


def _areas(surfaces: Sequence[Surface], found: Cut) -> dict[str, float]:
    out: dict[str, float] = {}
    for each, area in zip(surfaces, found.areas().tolist(), strict=True):
        if each.kind:
            out[each.kind] = out.get(each.kind, 0.0) + area
    return {kind: round(area, 3) for kind, area in out.items()}
