"""Which coordinate system a name in a city model stands for, in which order its coordinates come, and what its heights count from.

By the rule of the OGC a system named by URN or by OGC's address has the order of its authority (latitude or northing first for many),
one named `EPSG:4326` has easting first; CityJSON always has easting first. Many files do otherwise. Coordinates that lie near the park
only the other way round are taken the other way round, and that is said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from importers import controltable
from importers.citymodel.city import Notes
from importers.contract import Context
from importers.heights import Heights, heights
from importers.placing import DATUMS, NEAR_M, ROUGH_M, distance_m, said_guesses, understood_crs
from importers.position import said_position
from twin.control import LocalGrid
from twin.crs import (
    Frame,
    Guess,
    crs_guesses,
    crs_title,
    datum_shift,
    horizontal,
    is_geocentric,
    is_geographic,
    is_north_first,
    known_crs,
    to_lonlat,
)
from twin.errors import CRSError
from twin.model import Issue

Points = NDArray[np.float64]
_SAME_COUNTRY_M = 1_000_000.0  # coordinates that are impossible as written are exchanged if that leads this near
# names of the German surveys (AdV, GeoInfoDok annex "Koordinatenreferenzsysteme")
_ADV = {f"DE_DHDN_3GK{zone}": f"EPSG:{31464 + zone}" for zone in (2, 3, 4, 5)} | {
    f"ETRS89_UTM{zone}": f"EPSG:{25800 + zone}" for zone in (31, 32, 33)
}
_ADV_HEIGHTS = {"DE_DHHN92_NH": "5783", "DE_DHHN2016_NH": "7837", "DE_DHHN85_NOH": "5785"}
_CODES = re.compile(r"(?<![\d.])(\d{4,6})(?![\d.])")


@dataclass(frozen=True)
class System:
    """How the coordinates under one name become longitude, latitude [deg] and height [m, park datum], points (n, 3) to (n, 3)."""

    name: str | None  # the coordinate system, with `@yx` where northing comes first; None where no system is behind it
    convert: Callable[[Points], Points]
    rule: Heights
    reason: str
    is_geographic: bool = False


def decided(name: str, sample: Points, notes: Notes, context: Context) -> System:
    """The system for coordinates under a name.

    Parameters
    ----------
    name
        What the file calls the system; empty where it says nothing.
    sample
        Some of the coordinates (n, 3).
    notes
        Takes what is to be told.
    context
        The park and the options: `--control` and `--place` come before `--crs`, and that before the file's word.

    Raises
    ------
    CRSError
        If the system is missing, unknown or contradicts the coordinates.
    UsageError
        If `--place` cannot be understood.
    """
    grid = controltable.local_grid(context)
    if grid is not None:
        return _by_control(grid, notes, context)
    if context.options.place is not None:
        return _by_place(context.options.place, notes, context)
    return _by_crs(name, sample, notes, context)


def _by_control(grid: LocalGrid, notes: Notes, context: Context) -> System:
    """Laid on the ground by points known in the file's own grid and on Earth."""
    notes.issues += controltable.remarks(notes.source, grid, context.options)
    rule = heights(notes.source, None, context, unit_m=grid.similarity.scale)

    def convert(points: Points) -> Points:
        out = grid.to_lonlat(points)
        known = np.isfinite(out[:, 2])
        out[:, 2] = np.where(known, out[:, 2] + rule.offset_m, rule.to_park(out, points[:, 2]))
        return out

    return System(None, convert, rule, "control points")


def _by_place(said: str, notes: Notes, context: Context) -> System:
    """The zero of the file's coordinates at a place, turned counter-clockwise from east."""
    zero = said_position(said)
    h = context.park.frame.h_m if zero.h_m is None else zero.h_m
    frame, rule = Frame(zero.lon, zero.lat, h), heights(notes.source, None, context)
    turn = math.radians(zero.turn_deg or 0.0)
    cosine, sine = math.cos(turn), math.sin(turn)
    about = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    return System(None, lambda points: frame.to_lonlat(points @ about.T), rule, f"placed by --place {said}")


def _by_crs(name: str, sample: Points, notes: Notes, context: Context) -> System:
    """By the coordinate system that the person or the file names."""
    asked, stated = context.options.crs, stated_crs(name)
    if asked is None and stated is None:
        raise _missing(name, sample, notes, context)
    crs = known_crs(asked) if asked is not None else str(stated)
    if asked is not None and stated is not None and crs != stated:
        notes.issues.append(Issue("crs_overridden", "warning", notes.source, {"stated": crs_title(stated), "used": crs_title(crs)}))
    plane = crs if "@" in crs else horizontal(crs)
    is_authority = asked is None and not notes.has_x_first and _by_authority(name)
    plane = _ordered(plane, sample, is_authority and is_north_first(plane), notes, context)
    _tell_shift(plane, notes, context)
    rule = heights(notes.source, stated if asked is None else crs, context)
    shift = DATUMS.get(context.options.datum)

    def convert(points: Points) -> Points:
        lonlat = to_lonlat(points, plane)
        if shift is not None:
            lonlat[:, :2] = shift(lonlat[:, :2])
        lonlat[:, 2] = rule.to_park(lonlat[:, :2], lonlat[:, 2])
        return lonlat

    return System(plane, convert, rule, f"coordinates in {crs_title(plane)}", is_geographic(plane))


def _ordered(plane: str, sample: Points, is_yx: bool, notes: Notes, context: Context) -> str:
    """The system with the order of coordinates that the rule asks for, or the other where only that leads to the park."""
    if plane.endswith("@yx") or is_geocentric(plane):
        return plane
    by_rule, other = (f"{plane}@yx", plane) if is_yx else (plane, f"{plane}@yx")
    away = [float(np.median(distance_m(sample[:, :2], crs, context))) for crs in (by_rule, other)]
    if (away[0] > NEAR_M and away[1] <= NEAR_M) or (np.isinf(away[0]) and away[1] < _SAME_COUNTRY_M):
        order = "E, N" if is_yx else "N, E"
        notes.issues.append(Issue("city_axes_swapped", "warning", notes.source, {"crs": crs_title(plane), "order": order}))
        return other
    if np.isinf(away[0]):
        about = {
            "crs": crs_title(plane),
            "point": f"{sample[0, 0]:g}, {sample[0, 1]:g}",
            "candidates": said_guesses(_guesses(sample, context)) or "—",
        }
        raise CRSError("crs_contradicts", subject=notes.source, **about)
    return by_rule


def _tell_shift(plane: str, notes: Notes, context: Context) -> None:
    """Say where the way to WGS 84 is rough or unknown."""
    shift = datum_shift(plane, context.park.frame)
    if shift.accuracy_m is None or shift.accuracy_m > ROUGH_M:
        code = "datum_shift_unknown" if shift.accuracy_m is None else "datum_shift_rough"
        notes.issues.append(Issue(code, "warning", notes.source, {"crs": crs_title(plane), "accuracy": shift.accuracy_m}))


def _missing(name: str, sample: Points, notes: Notes, context: Context) -> CRSError:
    guesses = _guesses(sample, context)
    about = {"candidates": said_guesses(guesses) or "—", "guesses": [vars(guess) for guess in guesses]}
    if name:
        return CRSError("city_crs_unknown", subject=notes.source, crs=name[:120], **about)
    return CRSError("crs_missing" if guesses else "crs_missing_unlike", subject=notes.source, **about)


def _guesses(sample: Points, context: Context) -> list[Guess]:
    low, high = sample[:, :2].min(axis=0), sample[:, :2].max(axis=0)
    return crs_guesses([*low.tolist(), *high.tolist()], context.park.frame)


def stated_crs(name: str) -> str | None:
    """The normal form of the system a file names, in any of the ways files do; None where nobody knows it, or it is nowhere on Earth."""
    return next((crs for wording in _wordings(name) if (crs := understood_crs(wording)) is not None), None)


def _wordings(name: str) -> Iterator[str]:
    name = name.strip()
    if not name:
        return
    plane, _, height = name.removeprefix("urn:adv:crs:").partition("*")
    if plane in _ADV:
        yield _ADV[plane] + (f"+{_ADV_HEIGHTS[height]}" if height in _ADV_HEIGHTS else "")
        return
    yield name
    if "epsg" in name.lower():  # whatever stands around the codes
        yield "EPSG:" + "+".join(_CODES.findall(name)[:2])
    elif name.isdigit():
        yield f"EPSG:{name}"


def _by_authority(name: str) -> bool:
    """Whether a name is of a form that brings the order of the authority with it."""
    return name.lower().startswith("urn:") or "/def/crs" in name
