"""What access points give at points: looked at once, asked as often as walls, powers and models are varied."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.coverage.heard import BLIND, Access, Medium, distance_loss, heard_at
from twin.coverage.walls import Barriers, Crossings
from twin.coverage.wifi import Transmitters

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_MOST_PAIRS = 2_000_000  # access points times points compared at a time


@dataclass(frozen=True)
class Shots:
    """Which points each of a access points is looked at from, and what lies between."""

    near: Sequence[IntArray]
    between: Sequence[Crossings | None]  # None: nothing is asked of it


def shots(
    radios: Transmitters, barriers: Barriers, medium: Medium, points: FloatArray, floor_dbm: float, nearest: int | None = None
) -> Shots:
    """Look from points at access points.

    Parameters
    ----------
    radios, barriers, medium
        m radios, what stands between, and how signals weaken.
    points
        n points. [m, enu]
    floor_dbm
        What could not be stronger even with nothing between is not looked at. [dBm]
    nearest
        Only so many access points are looked at for each point: those that would be strongest with nothing between.
    """
    access = radios.access_points()
    if not access or not len(points):
        return Shots([np.empty(0, np.int64) for _ in access], [None for _ in access])
    step = max(_MOST_PAIRS // len(access), 1)
    blocks = [_wanted(access, medium, points[at : at + step], floor_dbm, nearest) for at in range(0, len(points), step)]
    wanted = np.concatenate(blocks)  # (n, a)
    near = [np.flatnonzero(wanted[:, k]) for k in range(len(access))]

    def shoot(k: int) -> Crossings | None:
        if medium.model in BLIND or not len(near[k]):
            return None
        there = points[near[k]]
        return barriers.scene.crossings(np.broadcast_to(access[k].position, there.shape), there)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return Shots(near, list(pool.map(shoot, range(len(access)))))


def _wanted(access: Sequence[Access], medium: Medium, points: FloatArray, floor_dbm: float, nearest: int | None) -> BoolArray:
    """Which access points are looked at from points (n, a), as `shots` takes them."""
    clear = np.column_stack([_clear(one, medium, points) for one in access])
    wanted = clear >= floor_dbm
    if nearest is not None and nearest < len(access):
        wanted &= clear >= -np.partition(-clear, nearest - 1, axis=1)[:, nearest - 1 : nearest]
    return np.asarray(wanted, bool)


def levels_of(seen: Shots, radios: Transmitters, barriers: Barriers, medium: Medium, points: FloatArray) -> FloatArray:
    """What each of m radios gives at n points it was looked at from, the likely case (n, m) [dBm]; -inf elsewhere."""
    access = radios.access_points()
    out = np.full((len(points), len(radios)), -np.inf)
    begin = np.concatenate([[0], np.cumsum([len(one.f_ghz) for one in access])]).astype(np.int64)

    def fill(k: int) -> None:
        near = seen.near[k]
        if len(near):
            out[near, begin[k] : begin[k + 1]] = heard_at(access[k], barriers, medium, points[near], seen.between[k]).level

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(fill, range(len(access))))
    return out


def levels_at(
    radios: Transmitters, barriers: Barriers, medium: Medium, points: FloatArray, floor_dbm: float, nearest: int | None = None
) -> FloatArray:
    """What each radio gives at points, as `shots` looks and `levels_of` says."""
    return levels_of(shots(radios, barriers, medium, points, floor_dbm, nearest), radios, barriers, medium, points)


def _clear(access: Access, medium: Medium, points: FloatArray) -> FloatArray:
    """What the strongest radio of an access point would give at points (n,) with nothing between. [dBm]"""
    away = np.linalg.norm(points - access.position, axis=1)
    seen = np.ones(len(points), bool)
    return np.max(
        [eirp - distance_loss(medium, away, float(f), seen) for f, eirp in zip(access.f_ghz, access.eirp_dbm, strict=True)], axis=0
    )  # fmt: skip
