"""What the classes of georeferencing share: what is known besides the file, what a class finds, and the model's own frames."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from importers.heights import Heights
from importers.ifc.grid import Grid, as_grid
from twin.control import LocalGrid
from twin.crs import Frame
from twin.errors import CRSError
from twin.model import Issue

Vector = NDArray[np.float64]  # (3,)
Matrix = NDArray[np.float64]  # (4, 4)
Facts = Mapping[str, Any]
OFFSET_M = 10_000.0  # coordinates beyond this are no building's own: they hold a position
_TURN_RAD = math.radians(0.05)


@dataclass(frozen=True)
class Setting:
    """What is known besides the file: its name, the park's frame, what the person said, ground heights, the box of the bodies."""

    name: str
    frame: Frame
    ground: Callable[[float, float], float]  # lon, lat -> h [m, park datum]
    box: NDArray[np.float64] | None = None  # (2, 3) lowest and highest corner [m, model]
    crs: str | None = None
    place: str | None = None
    near_m: float = 50_000.0  # a place this near is believed to be the park's
    heights: Callable[[str | None], Heights] | None = None  # what the file's heights count from -> how they become the park's
    control: LocalGrid | None = None  # the model's coordinates tied to the Earth by control points
    remarks: tuple[Issue, ...] = ()  # how well

    def middle(self) -> Vector:
        """The middle of the bodies' ground (3,) [m, model]; the origin where there are none."""
        if self.box is None:
            return np.zeros(3)
        return np.array([*self.box[:, :2].mean(axis=0), self.box[0, 2]])

    def distance(self, lonlat: Sequence[float]) -> float:
        """Metres from the park's origin, along the chord."""
        return float(np.linalg.norm(self.frame.to_enu([list(lonlat)[:2]])[0]))

    def is_near(self, lonlat: Sequence[float]) -> bool:
        """Whether a place may be the park's."""
        return self.distance(lonlat) < self.near_m


@dataclass(frozen=True)
class Anchor:
    """One point of the model, where it is, and how the model is turned there (counter-clockwise from east to its x axis)."""

    kind: str
    point: Vector  # [m, model]
    lonlat_h: tuple[float, float, float]
    rotation_rad: float
    crs: str | None
    because: tuple[str, Mapping[str, object]]  # the sentence that says why, and its details
    world: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))  # model axes -> axes the rotation is about
    told: tuple[float, float, float] | None = None  # longitude, latitude, height of the model's origin; None: of the anchor
    datum: str | None = None  # what the file says its heights count from
    has_own_height: bool = True  # the height is the file's, not the ground's or the person's

    def place_of_point(self, point: Vector) -> tuple[float, float, float]:
        """Longitude, latitude [deg], height [m] of another point (3,) of the model. [m, model]"""
        lon, lat, h = self.lonlat_h
        c, s = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        x, y, z = (self.world @ (point - self.point)).tolist()
        out = Frame(lon, lat, h).to_lonlat([[c * x - s * y, s * x + c * y, z]])[0]
        return float(out[0]), float(out[1]), float(out[2])


@dataclass(frozen=True)
class Finding:
    """What one class found: an anchor, or none and perhaps why."""

    anchor: Anchor | None = None
    issues: tuple[Issue, ...] = ()


def not_used(setting: Setting, code: str, **details: object) -> Finding:
    """The finding of a class that cannot be used, and why."""
    return Finding(issues=(Issue(code, "warning", setting.name, details),))


def on_grid(grid: Grid, facts: Facts, setting: Setting, issues: tuple[Issue, ...], *, datum: str | None = None) -> Finding:
    """The anchor of a grid: the middle of the bodies, so that the projection's scale pulls least at the edges."""
    inverse = inverted(world(facts))
    middle = setting.middle()
    try:
        lonlat_h, turn = as_grid(grid, inverse[:3, :3] @ middle + inverse[:3, 3])
        origin, _ = as_grid(grid, inverse[:3, 3]) if float(np.hypot(*middle[:2])) < OFFSET_M else (None, 0.0)
    except CRSError:
        return Finding(issues=(*issues, Issue("ifc_place_outside_crs", "warning", setting.name, {"crs": grid.crs})))
    return Finding(Anchor(grid.kind, middle, lonlat_h, turn, grid.crs, grid.because(), inverse[:3, :3], origin, datum), issues)


def inverted(matrix: Matrix) -> Matrix:
    """The inverse of a placement (4, 4)."""
    return np.asarray(np.linalg.inv(matrix), np.float64)


def world(facts: Facts) -> Matrix:
    """The context's world coordinate system (4, 4) [m, model], upright: buildings do not lean, whatever it says."""
    matrix = np.array(facts["world"] or np.eye(4), float)
    upright = np.eye(4)
    turn = math.atan2(matrix[1, 0], matrix[0, 0]) if np.hypot(matrix[0, 0], matrix[1, 0]) > 1e-6 else 0.0
    c, s = math.cos(turn), math.sin(turn)
    upright[:2, :2] = [[c, -s], [s, c]]
    upright[:3, 3] = matrix[:3, 3]
    return upright


def leans(facts: Facts) -> float:
    """How far the world coordinate system's z axis is from upright. [rad]"""
    axis = np.array(facts["world"] or np.eye(4), float)[:3, 2]
    return math.acos(float(np.clip(axis[2] / max(float(np.linalg.norm(axis)), 1e-9), -1.0, 1.0)))


def shifted_frame(facts: Facts) -> Matrix:
    """The placement of the site, or of the building where only that is moved or turned (4, 4). [m, model]"""
    frames = [np.array(matrix, float) for matrix in (facts["site"] and facts["site"]["placement"], facts.get("building")) if matrix]
    moved = [frame for frame in frames if np.abs(frame - np.eye(4)).max() > 1e-9]
    return (moved or frames or [np.eye(4)])[0]


def turned_by(frame: Matrix, turn: float) -> bool:
    """Whether a placement is turned by this angle: the exporter then has done the turn itself."""
    if abs(turn) < _TURN_RAD:
        return False
    return abs(math.remainder(math.atan2(frame[1, 0], frame[0, 0]) - turn, 2 * math.pi)) < _TURN_RAD


def turned_once(turn: float, facts: Facts) -> tuple[float, Sequence[tuple[str, Any, dict[str, object]]]]:
    """The turn, 0 where placements are turned by the same angle already; for a round angle, which two things may share, only a note."""
    if not turned_by(shifted_frame(facts), turn):
        return turn, []
    degrees = math.degrees(turn)
    details: dict[str, object] = {"degrees": round(degrees, 3)}
    if abs(math.remainder(degrees, 15.0)) < 0.01:
        return turn, [("ifc_turned_twice_perhaps", "info", details)]
    return 0.0, [("ifc_turned_twice", "warning", details)]


def true_north(facts: Facts, setting: Setting) -> tuple[float, tuple[Issue, ...]]:
    """How far the model's x axis is turned from east, counter-clockwise [rad], by the direction of true north."""
    north = facts["true_north"]
    if north is None:
        return 0.0, ()
    if len(north) < 2 or not np.isfinite(north).all() or math.hypot(north[0], north[1]) < 1e-6:
        return 0.0, (Issue("ifc_true_north_malformed", "warning", setting.name, {"north": str(north)}),)
    return math.pi / 2 - math.atan2(north[1], north[0]), ()
