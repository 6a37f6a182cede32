"""City objects put into the park's frame: which coordinate system, in which order, and what heights count from.

What a name stands for is decided in `systems`; here coordinates follow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from importers.citymodel.city import CityObject, Notes, Ring, Shape, Surface
from importers.citymodel.systems import System, decided
from importers.contract import Context
from importers.placing import NEAR_M
from twin.errors import CRSError
from twin.model import Issue

Points = NDArray[np.float64]
IMPOSSIBLE_M = 100_000.0  # nothing of a city is higher or deeper
_SAMPLE = 500  # points that decide on the system and the order of coordinates


@dataclass
class Placing:
    """What is decided once a file: systems by the name the file gives them, and the box of all coordinates as read."""

    context: Context
    notes: Notes
    systems: dict[str, System] = field(default_factory=dict[str, System])
    low: Points | None = None
    high: Points | None = None
    far: int = 0
    total: int = 0
    nearest_m: float = np.inf

    def place(self, objects: Sequence[CityObject]) -> Iterator[CityObject]:
        """The objects with rings of x, y, z [m, enu], h [m, park datum]; one that lies nowhere is left out and counted.

        Raises
        ------
        CRSError
            If the coordinate system is missing, unknown or contradicts the coordinates.
        """
        for name, sample in _samples(objects).items():
            if name not in self.systems:
                self.systems[name] = decided(name, sample, self.notes, self.context)
        for each in objects:
            try:
                yield replace(each, shapes=[self._shape(shape) for shape in each.shapes])
            except CRSError:
                self.notes.counts["city_coordinates_bad", each.id] += 1

    def remarks(self) -> list[Issue]:
        """What is to be said of the place of the whole."""
        said: list[Issue] = []
        if self.far:
            details = {"count": self.far, "total": self.total, "nearest_km": round(self.nearest_m / 1000)}
            said.append(Issue("far_from_park", "warning", self.notes.source, details))
        stated = self.notes.envelope
        if stated is not None and self.low is not None and self.high is not None:
            slack = 1e-3 * np.maximum(np.ptp(stated[:, :2], axis=0), 1e-6) + 1e-6
            box = np.stack([self.low[:2], self.high[:2]])
            if (box[0] < stated[0, :2] - slack).any() or (box[1] > stated[1, :2] + slack).any():
                said.append(Issue("city_envelope_wrong", "info", self.notes.source, {"stated": _box(stated), "found": _box(box)}))
        return said

    def _shape(self, shape: Shape) -> Shape:
        """A shape in the park's frame, surfaces with impossible points left out."""
        surfaces = [each for each in shape.surfaces if all(len(ring) and np.isfinite(ring).all() for ring in each.rings)]
        paths = [path for path in shape.paths if len(path) and np.isfinite(path).all()]
        self.notes.counts["city_coordinates_bad", ""] += len(shape.surfaces) + len(shape.paths) - len(surfaces) - len(paths)
        rings = [*(ring for each in surfaces for ring in each.rings), *paths]
        if not rings:
            return replace(shape, surfaces=(), paths=(), anchor=None)
        moved = iter(np.split(self._moved(np.concatenate(rings), shape), np.cumsum([len(ring) for ring in rings])[:-1]))
        placed = [Surface([next(moved) for _ in each.rings], each.kind, each.shell) for each in surfaces]
        near = [each for each in placed if all(np.abs(ring[:, 3]).max() < IMPOSSIBLE_M for ring in each.rings)]
        self.notes.counts["city_coordinates_bad", ""] += len(placed) - len(near)
        return replace(
            shape, surfaces=near, paths=[path for _ in paths if np.abs((path := next(moved))[:, 3]).max() < IMPOSSIBLE_M], anchor=None
        )

    def _moved(self, points: Points, shape: Shape) -> Points:
        """x, y, z [m, enu], h [m, park datum] (n, 4) of a shape's points (n, 3)."""
        system = self.systems[shape.crs or ""]
        if shape.anchor is None:
            self._note(points)
            return self._earthly(points, system)
        if system.is_geographic:
            return self._earthly(shape.anchor[None], system) + np.column_stack([points, points[:, 2]])
        swapped = points[:, [1, 0, 2]] if (system.name or "").endswith("@yx") else points
        return self._earthly(swapped + shape.anchor, system)

    def _earthly(self, points: Points, system: System) -> Points:
        lonlat = system.convert(points)
        enu = self.context.park.frame.to_enu(lonlat)
        away = float(np.hypot(*enu[:, :2].mean(axis=0)))
        self.total += 1
        self.far += away > NEAR_M
        self.nearest_m = min(self.nearest_m, away) if away > NEAR_M else self.nearest_m
        return np.column_stack([enu, lonlat[:, 2]])

    def _note(self, points: Points) -> None:
        low, high = points.min(axis=0), points.max(axis=0)
        self.low = low if self.low is None else np.minimum(self.low, low)
        self.high = high if self.high is None else np.maximum(self.high, high)


def _samples(objects: Sequence[CityObject]) -> dict[str, Points]:
    """Some points (n, 3) of each coordinate system named in the objects."""
    found: dict[str, list[Ring]] = {}
    size: dict[str, int] = {}
    for shape in (shape for each in objects for shape in each.shapes):
        name = shape.crs or ""
        if size.get(name, 0) >= _SAMPLE:
            continue
        rings = [shape.anchor[None]] if shape.anchor is not None else [*(each.rings[0] for each in shape.surfaces), *shape.paths]
        good = [ring for ring in rings if len(ring) and np.isfinite(ring).all()]
        found.setdefault(name, []).extend(good)
        size[name] = size.get(name, 0) + sum(map(len, good))
    return {name: np.concatenate(rings)[:_SAMPLE] for name, rings in found.items() if rings}


def _box(corners: Points) -> str:
    return " – ".join(f"{x:.10g} {y:.10g}" for x, y in corners[:, :2].tolist())
