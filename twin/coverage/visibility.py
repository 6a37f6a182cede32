"""What cameras see of a surface, with bounds that hold.

For every camera the surface is halved from pages of cells down to parts of cells (`look`), and what is still mixed there down to pieces
of parts (`closer`). What is mixed even then is undecided: it counts to the upper bound, not to the lower, and to the value by its middle.
All this is asked of one camera alone; what cameras cover together is counted from it (`footprint`).

A surface counts as covered to within 1 mm of what stands on it. Sight itself is as exact as `twin.scene.embree` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from os import cpu_count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.camera import Criteria, View, certain, densities, is_in_doubt, possible
from twin.coverage.cells import Ground
from twin.coverage.closer import NOTHING, Fine, Relief, closer
from twin.coverage.drawing import Level, drawn
from twin.coverage.exact import Drawn
from twin.coverage.field import Field
from twin.coverage.footprint import NOWHERE, Footprint, footprint, together
from twin.coverage.inview import ANY_WAY
from twin.coverage.joining import in_doubt
from twin.coverage.look import Look, Sight, depends, look
from twin.coverage.surface import Surface
from twin.coverage.tally import Tally

FloatArray = NDArray[np.float64]
Seen = tuple[Look, Fine, FloatArray]  # of one view; the last is the density on the cell of each record of the look [px/m]
SideBySide = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]
Remember = Callable[[View, bool, Callable[[], Seen]], Seen]  # view, whether with least in the way, what computes what it sees


@dataclass(frozen=True)
class Question:
    """What is asked of a surface: how the targets stand on it, what they must fulfil, and by how many cameras."""

    criteria: Criteria
    target_height: float  # above floor or ground [m]
    ground: Ground
    k: int = 1
    is_level: bool = False  # the ground is: cameras draw exact polygons on it


@dataclass(frozen=True)
class Covered:
    """Area of each of n cells that is covered: at least, by best knowledge, at most [m2]; and the best density on its middle [px/m]."""

    lower: FloatArray  # (n,)
    value: FloatArray  # (n,)
    upper: FloatArray  # (n,)
    density: FloatArray  # (n,)
    exact: NDArray[np.bool_]  # (n,) said by exact polygons, not by the cells' parts
    apart: FloatArray  # (n,) by how much the two contradict each other [m2]


def cover(
    surface: Surface, field: Field, sight: Sight, views: Sequence[View], question: Question, remember: Remember | None = None
) -> Covered:
    """The area of each cell that at least k cameras cover.

    Parameters
    ----------
    surface, field
        The surface, and its cells arranged among the same obstacles as `sight`.
    sight
        What is in the way.
    views
        Aims of cameras; those of one camera count once. A view with lens ANY_WAY adds to the upper bound only, and what is in doubt for
        a view or for the obstacles counts against it in the lower bound and for it in the upper.
    question
        What is asked.
    remember
        Called for each view, and whether it looks among `sight.best`, with what computes what it sees; it may answer from memory.
    """
    found = footprints(surface, field, sight, views, question, remember)
    return covered(field, list(found.values()), question.k)


def covered(field: Field, found: Sequence[Footprint], k: int) -> Covered:
    """The area of each cell that at least k of some cameras cover."""
    amounts = together(field, found, k)
    lower, value, upper = (np.ascontiguousarray(amounts.area[:, b]) for b in range(3))
    return Covered(lower, value, upper, amounts.strength, amounts.exact, amounts.apart)


def covered_by(found: Tally) -> Covered:
    """The same of cameras that are counted already."""
    lower, value, upper = found.area
    return Covered(lower, value, upper, found.strength, found.exact, found.apart)


def footprints(
    surface: Surface, field: Field, sight: Sight, views: Sequence[View], question: Question, remember: Remember | None = None
) -> dict[str, Footprint]:
    """What each camera covers, by its id; cameras are looked through side by side, as the compiled loops leave the interpreter free."""
    by_camera: dict[str, list[View]] = {}
    for view in views:
        by_camera.setdefault(view.camera, []).append(view)
    relief, draw = relief_of(surface, question), _drawer(surface, sight, question)

    def one(view: View, is_best: bool) -> Seen:
        alone = replace(view, least=None, most=None)
        among = sight.best if is_best and sight.best is not None else sight

        def compute() -> Seen:
            return _seen(field, among, alone, question.criteria, relief if among is sight else None)

        return compute() if remember is None else remember(alone, is_best, compute)

    def of_camera(its_views: Sequence[View], side_by_side: SideBySide = map) -> Footprint:
        found = in_parts(its_views, side_by_side)
        return found if draw is None or not len(found.cell) else replace(found, drawn=draw(its_views, side_by_side))

    def in_parts(its_views: Sequence[View], side_by_side: SideBySide) -> Footprint:
        more = [depends(field, sight, possible(view), question.criteria) for view in its_views]
        asked = [(view, False) for view in its_views]
        if any(more) or any(is_in_doubt(view) for view in its_views):
            asked += [(certain(view), False) for view in its_views if is_in_doubt(view)]
            asked += [(possible(view), is_best) for view, is_best in zip(its_views, more, strict=True) if is_best or is_in_doubt(view)]
        distinct = list(dict.fromkeys(asked))
        seen = dict(zip(distinct, side_by_side(lambda each: one(*each), distinct), strict=True))
        value = footprint([seen[view, False] for view in its_views])
        if len(asked) == len(its_views):
            return value
        least = footprint([seen[certain(view) if is_in_doubt(view) else view, False] for view in its_views])
        most = [
            seen[possible(view), is_best] if is_best or is_in_doubt(view) else seen[view, False]
            for view, is_best in zip(its_views, more, strict=True)
        ]
        return in_doubt(least, value, footprint(most))

    if not len(field.cells):
        return dict.fromkeys(by_camera, NOWHERE)
    with ThreadPoolExecutor(cpu_count() or 1) as pool:
        if len(by_camera) == 1:
            return {name: of_camera(its_views, pool.map) for name, its_views in by_camera.items()}
        return dict(zip(by_camera, pool.map(of_camera, by_camera.values()), strict=True))


def _drawer(surface: Surface, sight: Sight, question: Question) -> Callable[[Sequence[View], SideBySide], Drawn] | None:
    """What draws the polygons of a camera on a surface; None where the ground is not level, or no piece of it lies on the ground."""
    if not question.is_level or all(piece.floor_z is not None for piece in surface.pieces):
        return None
    level = Level(question.ground, sight.triangles, (sight.best or sight).triangles)

    def draw(views: Sequence[View], side_by_side: SideBySide) -> Drawn:
        return drawn(surface, views, question.criteria, question.target_height, level, side_by_side)

    return draw


def relief_of(surface: Surface, question: Question) -> Relief:
    """How high targets stand anywhere on a surface."""
    floors = np.array([np.nan if piece.floor_z is None else piece.floor_z for piece in surface.pieces])

    def height(piece: NDArray[Any], xy: FloatArray) -> FloatArray:
        z = floors[piece]
        outdoors = np.isnan(z)
        if outdoors.any():
            z[outdoors] = question.ground(xy[outdoors])
        return z + question.target_height

    return height


def _seen(field: Field, sight: Sight, view: View, criteria: Criteria, relief: Relief | None) -> Seen:
    """What one view sees; without a relief no closer look is taken, as where it would narrow a bound that doors or leaves leave wide."""
    found = look(field, sight, view, criteria)
    known = view.lens != ANY_WAY
    return (
        found,
        NOTHING if relief is None else closer(field, sight, view, criteria, found, relief),
        densities(view, field.cells.centre[found.cell]) if known else np.zeros(len(found.cell)),
    )
