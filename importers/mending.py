"""Invalid shapes made valid, within limits: a ring that crosses itself everywhere would take all the memory there is.

Small shapes are mended here, those of many points together in a child process; where that comes to its limits, half of them at a time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import shapely

from importers.isolated import Limits, alone
from twin.errors import UnreadableSource
from twin.model import Geometries

MANY_POINTS = 300  # a scribble of so many points takes a fifth of a second and some megabytes; of ten times as many, gigabytes


@dataclass(frozen=True)
class Patience:
    """What mending one layer may take: seconds in all, seconds and bytes of one child process."""

    seconds: float = 120.0
    at_once_s: float = 30.0
    memory_bytes: int = 2 << 30


STANDARD = Patience()


@dataclass(frozen=True)
class Mended:
    """What became of one invalid shape: its place among the shapes, what was wrong with it, and its valid form.

    The form is None where nothing of the shape's kind remains, or, as `is_given_up` says, where finding it came to its limits.
    """

    index: int
    reason: str
    shape: Any
    is_given_up: bool = False


def mended(shapes: Geometries, patience: Patience = STANDARD) -> list[Mended]:
    """What became of each invalid one of the shapes (n,), in their order; missing ones are valid."""
    broken = np.flatnonzero(~shapely.is_missing(shapes) & ~shapely.is_valid(shapes))
    deadline = time.monotonic() + patience.seconds
    is_large = shapely.get_num_coordinates(shapes[broken]) > MANY_POINTS
    found = {i: (_valid(shapes[i]), False) for i in broken[~is_large].tolist() if time.monotonic() < deadline}
    found |= _large(shapes, broken[is_large].tolist(), deadline, patience)
    reasons = shapely.is_valid_reason(shapes[broken]).tolist()
    said = [str(reason).split("[")[0].strip() for reason in reasons]
    return [Mended(i, reason, *found.get(i, (None, True))) for i, reason in zip(broken.tolist(), said, strict=True)]


def _large(shapes: Geometries, members: Sequence[int], deadline: float, patience: Patience) -> dict[int, tuple[Any, bool]]:
    return {i: (shape, False) for i, shape in _in_child(shapes, members, deadline, patience)}


def _in_child(shapes: Geometries, members: Sequence[int], deadline: float, patience: Patience) -> Iterator[tuple[int, Any]]:
    """The members and their valid forms; those that one child cannot mend within its limits are tried by halves, and one alone is left."""
    left = deadline - time.monotonic()
    if not members or left <= 0.0:
        return
    limits = Limits(min(patience.at_once_s, left), patience.memory_bytes)
    try:
        valid = alone(lambda _: [_valid(shapes[i]) for i in members], Path("mending"), limits=limits)
        yield from zip(members, valid, strict=True)
    except UnreadableSource:
        if len(members) > 1:
            for half in (members[: len(members) // 2], members[len(members) // 2 :]):
                yield from _in_child(shapes, half, deadline, patience)


def _valid(shape: Any) -> Any:
    """What of the valid form of a shape has the shape's dimension (areas of an area); None where nothing has."""
    dimension = shapely.get_dimensions(shape)
    valid = cast(Any, shapely.make_valid(shape, method="structure", keep_collapsed=False))
    if valid.geom_type in {"Polygon", "MultiPolygon"} and dimension == 2 and not valid.is_empty and valid.is_valid:
        # what GEOS makes may touch itself along an edge; only the union of its parts mends that
        return valid.geoms[0] if valid.geom_type == "MultiPolygon" and len(valid.geoms) == 1 else valid
    same = [part for part in shapely.get_parts(shapely.get_parts(valid)) if shapely.get_dimensions(part) == dimension]
    same = [part for part in same if not part.is_empty]
    if not same:
        return None
    return same[0] if len(same) == 1 else shapely.union_all(same) if dimension == 2 else shapely.multilinestrings(same)
