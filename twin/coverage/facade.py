"""Where a straight line from an outdoor antenna enters a building, and what the entry costs.

The building is the prism over its footprint. The last edge of the footprint that the line crosses in plan is where it comes in,
unless it is still above the roof there; then it comes through the roof and every floor below, down to the place asked for. Places
below the ground are reached through the slabs above them.

        antenna .
                 `.      roof
                 +-`.----------+        o  entry through the roof: one slab a storey
                 |   `o        |
        ----`.   |             |
              `-.o--->x        |        o  entry through the facade: its loss, and 0.5 dB a metre of d2D_in
        _________|_____________|___

Each edge of the footprint may know its share of glass; what is not known of a facade is taken as its kind in the worst, likely and
best case. A building's facades are of one kind in each case: what enters it by any of them is priced by the same case.

Source: 3GPP TR 38.901 section 7.4.3; slabs by its concrete loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.entry import INDOOR_DB_PER_M, NON_PERPENDICULAR_DB, facade_db, shares_of, surface_db

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

UNKNOWN_SHARE = -1.0
OUTSIDE_M = 0.3  # lines of sight to a building end this far before its outline


@dataclass(frozen=True)
class House:
    """A building that signals enter: its footprint in plan, its roof and the height of its storeys."""

    id: str
    edges: FloatArray  # (e, 4) x y x y of every edge of the footprint [m, enu]
    base_z: float  # [m, enu]
    top_z: float  # [m, enu]
    storey_m: float = 3.3
    glazing: FloatArray | None = None  # (e,) share of glass in each edge's facade, NaN where it is not known [1]
    coated: bool | None = None  # whether its glass reflects infrared light
    opaque: str | None = None  # what the rest of its facades is, of `twin.coverage.entry.SURFACES`


@dataclass(frozen=True)
class Entry:
    """How lines from one antenna come to n places inside one building."""

    outside: FloatArray  # (n, 3) the last place outdoors [m, enu]
    inside_m: FloatArray  # (n,) d2D_in: the way inside along the floor [m]
    by_roof: BoolArray  # (n,) through the roof, not the facade
    slabs: FloatArray  # (n,) slabs passed: from the roof down, or from the ground down to a basement
    edge: NDArray[np.int64]  # (n,) the edge of the footprint it comes in by; -1: the antenna stands inside it in plan


def house(identity: str, footprint: Any, base_z: float, top_z: float, storey_m: float = 3.3) -> House:
    """A building from its footprint (shapely polygon, x y [m, enu]), the height of its foot and of its roof [m, enu]."""
    rings = [ring for part in shapely.get_parts(footprint) for ring in (part.exterior, *part.interiors)]
    edges = [np.column_stack([xy[:-1], xy[1:]]) for xy in (shapely.get_coordinates(ring) for ring in rings)]
    return House(identity, np.concatenate(edges) if edges else np.empty((0, 4)), base_z, top_z, storey_m)


def entry(antenna: FloatArray, points: FloatArray, into: House) -> Entry:
    """How lines from an antenna (3,) come to points (n, 3) inside a building. [m, enu]"""
    way = points - antenna  # (n, 3)
    share, edge = _last_crossing(antenna[:2], points[:, :2], into.edges)
    above = antenna[2] + share * way[:, 2] > into.top_z
    fall = np.where(way[:, 2] < 0, way[:, 2], -1.0)
    share = np.where(above, np.clip((into.top_z - antenna[2]) / fall, 0.0, 1.0), share)
    from_roof = np.maximum(np.ceil((into.top_z - points[:, 2]) / into.storey_m), 1.0)
    to_basement = np.maximum(np.ceil((into.base_z - points[:, 2]) / into.storey_m), 0.0)
    length = np.maximum(np.linalg.norm(way, axis=1), 1e-9)
    before = np.maximum(share - OUTSIDE_M / length, 0.0)
    return Entry(
        outside=antenna + before[:, None] * way,
        inside_m=(1.0 - share) * np.hypot(way[:, 0], way[:, 1]),
        by_roof=above,
        slabs=np.where(above, from_roof, to_basement),
        edge=edge,
    )


def facades_db(into: House, kinds: Sequence[str], f_ghz: float, release: int) -> FloatArray:
    """What the facade of each edge of a building takes in c cases (e + 1, c) [dB]; the last row is of a facade nothing is known of."""
    glazing = np.full(len(into.edges), np.nan) if into.glazing is None else into.glazing
    known = np.append(np.nan_to_num(glazing, nan=UNKNOWN_SHARE), UNKNOWN_SHARE)
    distinct, row = np.unique(np.round(known, 4), return_inverse=True)
    surfaces = [
        [shares_of(kind, None if share == UNKNOWN_SHARE else share, coated=into.coated, opaque=into.opaque) for kind in kinds]
        for share in distinct.tolist()
    ]
    return np.array([[float(facade_db(shares, f_ghz, release)) for shares in cases] for cases in surfaces])[row.ravel()]


def entry_loss_db(way_in: Entry, facades: FloatArray, f_ghz: float, release: int) -> FloatArray:
    """What n entries cost in several cases.

    Parameters
    ----------
    way_in
        The entries.
    facades
        What each facade takes in each of c cases, as `facades_db` says (e + 1, c). [dB]
    f_ghz
        Frequency. [GHz]
    release
        18 or 19.

    Returns
    -------
    Loss (n, c): facade, slabs and the way inside. [dB]
    """
    shell = np.where(way_in.by_roof[:, None], NON_PERPENDICULAR_DB, facades[way_in.edge])  # (n, c)
    slabs = way_in.slabs * float(surface_db("concrete", f_ghz, release))  # (n,)
    return shell + (slabs + INDOOR_DB_PER_M * way_in.inside_m)[:, None]


@nb.njit(nogil=True, cache=True)
def _last_crossing(origin: Any, targets: Any, edges: Any) -> Any:  # pragma: no cover - compiled
    """How far along from origin (2,) to each target (n, 2) the last of the edges (e, 4) is crossed (n,), 0 where none is; and which."""
    out, last = np.zeros(len(targets)), np.full(len(targets), -1, np.int64)
    for i in range(len(targets)):
        dx, dy = targets[i, 0] - origin[0], targets[i, 1] - origin[1]
        for k in range(len(edges)):
            ex, ey = edges[k, 2] - edges[k, 0], edges[k, 3] - edges[k, 1]
            cross = dx * ey - dy * ex
            if cross == 0.0:
                continue
            ax, ay = edges[k, 0] - origin[0], edges[k, 1] - origin[1]
            along = (ax * ey - ay * ex) / cross
            on_edge = (ax * dy - ay * dx) / cross
            if 0.0 <= on_edge <= 1.0 and out[i] < along <= 1.0:
                out[i], last[i] = along, k
    return out, last
