"""The bodies of a model one by one, and whether two of them are the same shape, perhaps somewhere else.

A shape is told by what no rigid motion changes: the lengths of its edges in the order of its triangles or, where it was cut into other
triangles, area, volume and the principal second moments of its surface.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.model import Mesh

SAME_M = 2e-3  # stored meshes keep a tenth of a millimetre over a kilometre; below two nothing was moved on purpose
_STORED_M = 1e-4
_SAME_SHARE = 2e-5  # of area, volume and moments, where the triangles differ

Corners = NDArray[np.float64]  # (f, 3, 3) [m, enu]


@dataclass(frozen=True)
class Motion:
    """A rigid motion: enu' = turn @ enu + shift."""

    turn: NDArray[np.float64]  # (3, 3)
    shift: NDArray[np.float64]  # (3,) [m]

    def moved(self, corners: Corners) -> Corners:
        """The corners after the motion."""
        return corners @ self.turn.T + self.shift

    def angle_deg(self) -> float:
        """The angle it turns by. [deg]"""
        return float(np.degrees(np.arccos(np.clip((np.trace(self.turn) - 1.0) / 2.0, -1.0, 1.0))))


STILL = Motion(np.eye(3), np.zeros(3))


def bodies(mesh: Mesh) -> Mapping[str, Corners]:
    """The triangles of each element of a mesh: id -> (f, 3, 3). [m, enu]"""
    order = np.argsort(mesh.face_element, kind="stable")
    owners = mesh.face_element[order]
    corners = mesh.vertices[mesh.faces[order]]
    starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]]) if len(owners) else np.empty(0, int)
    parts = np.split(corners, starts[1:]) if len(owners) else []
    return {mesh.element_ids[int(owners[start])]: part for start, part in zip(starts, parts, strict=True)}


def is_same_shape(one: Corners, other: Corners) -> bool:
    """Whether a rigid motion without mirroring takes one body into the other, to 2 mm."""
    if len(one) == len(other) and np.abs(_edges(one) - _edges(other)).max(initial=0.0) <= SAME_M:
        return motion(one, other) is not None
    (first, hand), (second, other_hand) = _integrals(one), _integrals(other)
    size = float(np.ptp(one.reshape(-1, 3), axis=0).max(initial=0.0))
    rounding = _STORED_M * np.array([4.0 * np.sqrt(first[0]), first[0], *[first[0] * size] * 3])  # what storing corners may change
    alike = np.abs(first - second) <= _SAME_SHARE * np.maximum(np.abs(first), np.abs(second)) + rounding
    return bool(alike.all()) and hand * other_hand >= 0


def motion(one: Corners, other: Corners) -> Motion | None:
    """The rigid motion from one body to another of the same triangles (Kabsch); None where the triangles differ or do not fit."""
    if len(one) != len(other) or not len(one):
        return None
    p, q = one.reshape(-1, 3), other.reshape(-1, 3)
    mid_p, mid_q = p.mean(0), q.mean(0)
    u, _, vt = np.linalg.svd((p - mid_p).T @ (q - mid_q))
    sign = np.sign(np.linalg.det(vt.T @ u.T)) or 1.0
    turn = vt.T @ np.diag([1.0, 1.0, sign]) @ u.T
    found = Motion(turn, mid_q - turn @ mid_p)
    return found if np.abs(found.moved(one) - other).max() <= 2 * SAME_M else None


def displacement(one: Corners, other: Corners) -> float:
    """How far a body of the same shape lies from where it was: the farthest corner, or the middle where the triangles differ. [m]"""
    if len(one) == len(other):
        along = float(np.linalg.norm(one - other, axis=2).max(initial=0.0))
        if along <= SAME_M:
            return along
    return max(_box_distance(one, other), float(np.linalg.norm(middle(one) - middle(other))))


def middle(corners: Corners) -> NDArray[np.float64]:
    """The centre of a body's surface (3,). [m, enu]"""
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    total = areas.sum()
    return corners.reshape(-1, 3).mean(0) if total <= 0 else (corners.mean(1) * areas[:, None]).sum(0) / total


def area(corners: Corners) -> float:
    """The area of a body's surface. [m²]"""
    return float(np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2.0)


def _box_distance(one: Corners, other: Corners) -> float:
    low, high = one.reshape(-1, 3), other.reshape(-1, 3)
    return float(max(np.abs(low.min(0) - high.min(0)).max(), np.abs(low.max(0) - high.max(0)).max()))


def _edges(corners: Corners) -> NDArray[np.float64]:
    return np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)  # (f, 3)


def volume(corners: Corners) -> float:
    """The volume a closed body holds, negative where it is turned inside out. [m³]"""
    about = corners - corners.reshape(-1, 3).mean(0)
    return float(np.einsum("ij,ij->i", about[:, 0], np.cross(about[:, 1], about[:, 2])).sum() / 6.0)


def _integrals(corners: Corners) -> tuple[NDArray[np.float64], int]:
    """Area, volume and the principal second moments of the surface about its middle (5,), and which hand the body is of.

    All are exact for any triangulation. The hand is the sign of the product of the third moments along right-handed principal axes, 0
    where two axes cannot be told apart or the body is its own mirror image.
    """
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2.0
    about = corners - middle(corners)
    sums = about.sum(1)  # (f, 3)
    # ∫ x xᵀ dA over a triangle = A/12 (Σ v vᵀ + s sᵀ), s = Σ v
    moments = np.einsum("f,fki,fkj->ij", areas, about, about) + np.einsum("f,fi,fj->ij", areas, sums, sums)
    sizes, axes = np.linalg.eigh(moments / 12.0)
    told_apart = float(np.diff(sizes).min()) > 1e-3 * max(float(sizes[-1]), 1e-12)
    return np.r_[areas.sum(), volume(corners), sizes], _hand(areas, about @ axes, axes) if told_apart else 0


def _hand(areas: NDArray[np.float64], along: Corners, axes: NDArray[np.float64]) -> int:
    a, b, c = along[:, 0], along[:, 1], along[:, 2]
    # ∫ x³ dA over a triangle = A/10 times the complete homogeneous polynomial of degree three in its corners
    cubes = a**3 + b**3 + c**3 + a * a * (b + c) + b * b * (a + c) + c * c * (a + b) + a * b * c  # (f, 3)
    third = (areas[:, None] * cubes).sum(0) / 10.0
    scale = float(areas.sum()) * float(np.abs(along).max(initial=1e-9)) ** 3
    return 0 if np.abs(third).min() < 1e-5 * scale else int(np.sign(third.prod() * np.linalg.det(axes)))
