"""How much of a line has another line running beside it: linear referencing, by projection and bearing.

A straight piece of one line is matched where a straight piece of the other lies abreast of it, no farther away than a distance and at no
greater an angle than allowed; the stretch is exact, from the two straight pieces. What only crosses has the wrong bearing, what ends
ends there, and both sides of a road count once:

      duct     ------------.
      road   o=============|------o        matched up to where the duct turns away
                           |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Stretch = tuple[float, float]  # from, to: chainages [m]

JOIN_M = 1e-6  # stretches this near are one


@dataclass(frozen=True)
class Rule:
    """When one line runs beside another."""

    distance_m: float | FloatArray  # of all lines, or of each (n,)
    bearing_deg: float  # greatest difference of bearing, either way round


@dataclass(frozen=True)
class _Legs:
    """The s straight pieces of lines, with the line and chainage of each."""

    start: FloatArray  # (s, 2) [m]
    along: FloatArray  # (s, 2) unit
    length: FloatArray  # (s,) [m]
    line: IntArray  # (s,)
    chainage: FloatArray  # (s,) where it begins on its line [m]


def alongside(lines: Sequence[Any], others: Sequence[Any], rule: Rule) -> list[dict[int, list[Stretch]]]:
    """The stretches of each of n lines that have one of the others beside them.

    Parameters
    ----------
    lines, others
        shapely LineStrings or MultiLineStrings, x y [m]; a chainage counts through the parts of a line.
    rule
        What beside means.

    Returns
    -------
    For each line, index of other -> stretches in order, without overlap. Round a bend where the other line cuts the corner, or swings out,
    the stretches on both sides are one.
    """
    out: list[dict[int, list[Stretch]]] = [{} for _ in lines]
    mine, theirs = _legs(lines), _legs(others)
    if not len(mine.length) or not len(theirs.length):
        return out
    far = np.broadcast_to(np.asarray(rule.distance_m, float), len(lines))
    i, j = shapely.STRtree(_segments(theirs)).query(_segments(mine), predicate="dwithin", distance=far[mine.line])
    start, end = _abreast(mine, theirs, (i, j), far[mine.line[i]], rule.bearing_deg)
    fine = end - start > JOIN_M
    for k, a, b, other in zip(i[fine].tolist(), start[fine].tolist(), end[fine].tolist(), theirs.line[j[fine]].tolist(), strict=True):
        at = float(mine.chainage[k])
        out[int(mine.line[k])].setdefault(other, []).append((at + a, at + b))
    bends = _bends(mine)
    return [
        {other: _round_bends(union(found), bends[n], float(far[n])) for other, found in each.items()} for n, each in enumerate(out)
    ]  # fmt: skip


def union(stretches: Sequence[Stretch]) -> list[Stretch]:
    """The stretches in order, those that touch as one."""
    out: list[Stretch] = []
    for start, end in sorted(stretches):
        if out and start <= out[-1][1] + JOIN_M:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        elif end > start:
            out.append((start, end))
    return out


def gaps(stretches: Sequence[Stretch], length: float) -> list[Stretch]:
    """What of a line of some length the stretches leave out."""
    edges = [0.0, *(edge for stretch in union(stretches) for edge in stretch), length]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if end - start > JOIN_M]


def total(stretches: Sequence[Stretch]) -> float:
    """The length of stretches, once where they overlap."""
    return float(sum(end - start for start, end in union(stretches)))


def piece(line: Any, stretch: Stretch) -> Any:
    """The part of a line (also of several parts) between two chainages, as a shapely geometry."""
    parts: list[Any] = []
    at = 0.0
    for part in shapely.get_parts(line):
        low, high = max(stretch[0] - at, 0.0), min(stretch[1] - at, part.length)
        if high - low > 0:
            parts.append(_cut(part, low, high))
        at += part.length
    return parts[0] if len(parts) == 1 else shapely.MultiLineString(parts)


def _cut(line: Any, low: float, high: float) -> Any:
    xy = shapely.get_coordinates(line)
    at = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(xy, axis=0), axis=1))])
    inner = xy[(at > low) & (at < high)]
    ends = [[np.interp(where, at, xy[:, axis]) for axis in (0, 1)] for where in (low, high)]
    return shapely.LineString(np.concatenate([ends[:1], inner, ends[1:]]))


def _legs(lines: Sequence[Any]) -> _Legs:
    parts = [(n, part) for n, line in enumerate(lines) if line is not None for part in shapely.get_parts(line)]
    line = np.array([n for n, _ in parts], np.int64)
    xy, part = shapely.get_coordinates(np.array([part for _, part in parts], object), return_index=True)
    first = np.flatnonzero(part[:-1] == part[1:])
    way = xy[first + 1] - xy[first]
    length = np.linalg.norm(way, axis=1)
    real = length > 0
    first, way, length = first[real], way[real], length[real]
    owner = line[part[first]]
    run = np.concatenate([[0.0], np.cumsum(length)])[:-1]
    base = np.zeros(len(lines))
    begins = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]])) if len(owner) else np.empty(0, np.int64)
    base[owner[begins]] = run[begins]
    return _Legs(xy[first], way / length[:, None], length, owner, run - base[owner])


def _segments(legs: _Legs) -> Any:
    return shapely.linestrings(np.stack([legs.start, legs.start + legs.along * legs.length[:, None]], axis=1))


def _abreast(mine: _Legs, theirs: _Legs, pairs: tuple[Any, Any], distance: FloatArray, bearing_deg: float) -> tuple[FloatArray, FloatArray]:
    """From where to where, along piece i, piece j lies abreast, near and parallel enough; empty stretches end before they begin."""
    i, j = pairs
    u = mine.along[i]
    from_start = theirs.start[j] - mine.start[i]
    from_end = from_start + theirs.along[j] * theirs.length[j, None]
    t0, t1 = (from_start * u).sum(axis=1), (from_end * u).sum(axis=1)
    off0, off1 = (u[:, 0] * way[:, 1] - u[:, 1] * way[:, 0] for way in (from_start, from_end))
    low, high = np.zeros(len(t0)), np.ones(len(t0))  # the share of piece j that is near enough
    slope = off1 - off0
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (-distance - off0) / slope, (distance - off0) / slope
    level = np.abs(slope) < 1e-12
    low = np.where(level, low, np.maximum(low, np.minimum(a, b)))
    high = np.where(level, np.where(np.abs(off0) <= distance, high, -1.0), np.minimum(high, np.maximum(a, b)))
    at0, at1 = t0 + low * (t1 - t0), t0 + high * (t1 - t0)
    start, end = np.maximum(np.minimum(at0, at1), 0.0), np.minimum(np.maximum(at0, at1), mine.length[i])
    turned = np.abs((theirs.along[j] * u).sum(axis=1)) < np.cos(np.radians(bearing_deg)) - 1e-12
    return start, np.where(turned | (low > high), start, end)


def _bends(legs: _Legs) -> dict[int, list[float]]:
    """The chainages at which each line bends."""
    out: dict[int, list[float]] = {int(n): [] for n in np.unique(legs.line)}
    same = legs.line[1:] == legs.line[:-1]
    meets = np.linalg.norm(legs.start[:-1] + legs.along[:-1] * legs.length[:-1, None] - legs.start[1:], axis=1) < JOIN_M
    turns = (legs.along[:-1] * legs.along[1:]).sum(axis=1) < 1 - 1e-9
    for k in np.flatnonzero(same & meets & turns).tolist():
        out[int(legs.line[k])].append(float(legs.chainage[k + 1]))
    return out


def _round_bends(stretches: list[Stretch], bends: Sequence[float], distance: float) -> list[Stretch]:
    """The stretches of one other line, joined where it goes round a bend with this one: it may cut the corner by its distance."""
    out = stretches[:1]
    for start, end in stretches[1:]:
        before = out[-1][1]
        if any(before - JOIN_M <= bend <= start + JOIN_M and bend - before <= distance and start - bend <= distance for bend in bends):
            out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out
