"""The height of the ground in the park's frame, fast enough for millions of points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.model import Park, Terrain
from twin.store import Store
from twin.terrain import ground_height

_A, _E2 = 6378137.0, 0.00669437999014131699613723  # WGS 84 equatorial radius [m], first eccentricity squared


@dataclass(frozen=True, eq=False)
class ParkGround:
    """A function from points x y (n, 2) to z of the ground (n,) [m, enu]; it holds no store, so that other processes can have it.

    A level of the ellipsoid falls away from the tangent plane by x²/2N + y²/2M, with N and M its radii of curvature at the origin;
    what this leaves out is 0.2 mm at 10 km.
    """

    park: Park
    terrain: Terrain | None

    def __call__(self, xy: ArrayLike) -> NDArray[np.float64]:
        """z of the ground (n,) at points (n, 2). [m, enu]"""
        w2 = 1 - _E2 * np.sin(np.radians(self.park.frame.lat_deg)) ** 2
        n, m = _A / np.sqrt(w2), _A * (1 - _E2) / w2**1.5
        points = np.asarray(xy, float).reshape(-1, 2)
        fall = points[:, 0] ** 2 / (2 * n) + points[:, 1] ** 2 / (2 * m)
        return ground_height(self.park, self.terrain, points) - self.park.frame.h_m - fall


def ground_of(store: Store) -> ParkGround:
    """The ground of a park as it is now."""
    return ParkGround(store.park(), store.terrain())
