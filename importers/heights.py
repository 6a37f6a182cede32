"""Heights as a source counts them, turned into heights of the park's datum; or left as they are, and said so with the measured offset.

Every importer whose file has heights does the same three things::

    rule = heights(path.name, stated, context)       # stated: what the file's coordinate system says, or None
    h = rule.to_park(lonlat, h)                      # before anything is made of them
    issues += rule.remarks(lonlat_of_feet, h_of_feet)  # afterwards; feet: points that ought to lie on the ground, or nothing

and hands `rule.datum` and `rule.offset_m` on as `Imported.height_datum` and `Imported.height_offset_m`, `rule.details` in the details.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from importers.contract import Context
from twin.crs import known_crs, vertical
from twin.crsnames import UNITS_M
from twin.errors import CRSError, UsageError
from twin.model import Issue, Terrain
from twin.terrain import height_at
from twin.vertical import Way, height_title, known_height_datum, way

FEW_FEET = 3  # points on the ground that a measured offset needs
OFF_GROUND_M = 3.0  # heights of unknown datum that miss the ground by more than this, all alike, are on another datum


@dataclass(frozen=True)
class Heights:
    """The rule that turns a source's heights into the park's: `way`, and `offset_m` that the person adds to it."""

    source: str
    way: Way
    offset_m: float
    context: Context

    @property
    def datum(self) -> str | None:
        """What the source's heights counted from, as far as the file or the person says."""
        return self.way.source

    @property
    def details(self) -> Mapping[str, Any]:
        """The rule for the report."""
        return {
            "datum": self.way.source,
            "park_datum": self.way.target,
            "unit_m": self.way.unit_m,
            "offset_m": self.offset_m,
            "operation": self.way.operation or None,
            "accuracy_m": self.way.accuracy_m,
            "is_converted": self.way.is_known,
        }

    def to_park(self, lonlat: ArrayLike, heights: ArrayLike) -> NDArray[np.float64]:
        """Heights (n,) [m, park datum] of a source's heights (n,), in its own unit, at longitude, latitude (n, 2) [deg]."""
        return self.way.convert(lonlat, heights) + self.offset_m

    def remarks(self, lonlat: ArrayLike = (), feet_h: ArrayLike = ()) -> list[Issue]:
        """What a person should know of the heights: unit, offset, conversion, and where they miss the park's ground.

        Parameters
        ----------
        lonlat
            Points that ought to lie on the ground (n, 2). [deg]
        feet_h
            Their heights (n,) after `to_park`. [m, park datum]
        """
        said = {"source_datum": height_title(self.way.source), "park_datum": height_title(self.way.target)}
        issues: list[Issue] = []
        if self.way.unit_m != 1.0:
            issues.append(Issue("heights_in_feet", "info", self.source, {"unit": _unit_name(self.way.unit_m)}))
        if self.context.options.height_offset_m is not None:
            issues.append(Issue("height_offset_applied", "info", self.source, said | {"offset": self.offset_m}))
            return issues
        if self.way.operation:
            about = {"operation": self.way.operation, "accuracy": self.way.accuracy_m}
            return [*issues, Issue("heights_converted", "info", self.source, said | about)]
        return [*issues, *self._misses(said, _ground_misses(self.context, lonlat, feet_h))]

    def _misses(self, said: Mapping[str, str], misses: NDArray[np.float64]) -> list[Issue]:
        """The issues about heights that nobody converted, with the offset to the ground where it can be measured."""
        if len(misses) < FEW_FEET:
            return [] if self.way.is_known else [Issue("height_datum_differs", "warning", self.source, said)]
        offset = -float(np.median(misses))
        spread = float(1.4826 * np.median(np.abs(misses + offset)))  # the standard deviation of a normal distribution
        about = {"offset": f"{offset:+.1f}", "spread": round(spread, 1), "count": len(misses)}
        if not self.way.is_known:
            return [Issue("height_datum_differs_measured", "warning", self.source, {**said, **about})]
        if abs(offset) > max(OFF_GROUND_M, 3 * spread):
            return [Issue("heights_off_ground", "warning", self.source, {**said, **about})]
        return []


def heights(source: str, stated: str | None, context: Context, *, unit_m: float | None = None) -> Heights:
    """The rule for the heights of a source.

    `--height-datum` counts before what the file states; `--height-offset` is the whole difference to the park's datum, so with it nothing
    is converted but units.

    Parameters
    ----------
    source
        What an Issue calls the file or layer.
    stated
        What the file says: a vertical or compound system by name, code or WKT, a three-dimensional one, `ellipsoidal`; None or a plane
        system where it says nothing.
    context
        The park, its terrain and the options.
    unit_m
        Metres in one unit of the file's heights, where the importer knows it; None: as the vertical system says, else metres.

    Raises
    ------
    UsageError
        If `--height-datum` names nothing.
    """
    park, options = context.park, context.options
    asked = None if options.height_datum is None else asked_datum(options.height_datum)
    datum = asked or _stated(stated)
    found = way(datum, _of_park(park.height_datum), park.frame, unit_m)
    if options.height_offset_m is not None:
        found = replace(found, operation="", accuracy_m=None, transformer=None)
    return Heights(source, found, options.height_offset_m or 0.0, context)


def asked_datum(name: str) -> str:
    """The normal form of what `--height-datum` says.

    Raises
    ------
    UsageError
        If nobody knows it.
    """
    try:
        return known_height_datum(name)
    except CRSError as error:
        raise UsageError(error.code, subject=name) from error


def _unit_name(metres: float) -> str:
    return next((name for name, size in UNITS_M.items() if abs(size / metres - 1.0) < 1e-9), f"{metres:.9g} m")


def _stated(name: str | None) -> str | None:
    if not name:
        return None
    try:
        return vertical(known_crs(name))
    except CRSError:
        pass
    try:
        return known_height_datum(name)
    except CRSError:
        return None


def _of_park(name: str) -> str:
    """The park's datum; one that was given a name nobody knows keeps it, and equals nothing else."""
    try:
        return known_height_datum(name)
    except CRSError:
        return name


def _ground_misses(context: Context, lonlat: ArrayLike, feet_h: ArrayLike) -> NDArray[np.float64]:
    """How far above the park's ground points lie (m,) [m]; only those on known ground."""
    terrain: Terrain | None = context.terrain
    h = np.asarray(feet_h, float).reshape(-1)
    if terrain is None or not len(h):
        return np.empty(0)
    at = np.asarray(lonlat, float).reshape(len(h), -1)[:, :2]
    missed = h - height_at(terrain, context.park.frame.to_enu(at)[:, :2])
    return missed[np.isfinite(missed)]
