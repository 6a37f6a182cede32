"""Geometry as it came turned into valid geometry in longitude and latitude, with an Issue for everything that was wrong.

Steps, in order: missing and non-finite geometry out; coordinates checked against the coordinate system, the park and their own order;
transformed, or laid on the ground by control points; shifted back from GCJ-02 or BD-09 where asked; heights put on the park's datum where
there is a way; invalid polygons mended; what lies far from the park counted; a shift that nobody stated measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import shapely
from numpy.typing import NDArray

from importers import controltable
from importers.contract import Context, Options
from importers.heights import Heights, asked_datum, heights
from importers.mending import mended
from importers.shiftcheck import suspected_shift
from twin.control import LocalGrid
from twin.crs import (
    NEAR_M,
    Guess,
    bd09_to_wgs84,
    crs_guesses,
    crs_title,
    datum_shift,
    gcj02_to_wgs84,
    is_geocentric,
    known_crs,
    places_on_earth,
    to_lonlat,
    unit_m,
    vertical,
)
from twin.crsnames import deviation
from twin.errors import CRSError, UsageError
from twin.model import Geometries, Issue

FEW_ISSUES = 100  # issues of one code that are listed one by one; the rest is counted
FEW_GUESSES = 5  # coordinate systems that a sentence proposes
ROUGH_M = 2.5  # a datum shift worse than this is told
MOST_FEET = 5000  # shapes whose lowest points are held against the ground
DATUMS: Mapping[str, Callable[[Any], NDArray[np.float64]]] = {"gcj02": gcj02_to_wgs84, "bd09": bd09_to_wgs84}


@dataclass(frozen=True)
class Frameless:
    """Geometry as a source gives it: n shapes with a name each, and the coordinate system the source states, if any.

    `unit_m` is the metres its numbers count, where the format says so beside the coordinate system, as drawings do; `is_unit_open` marks
    a source of such a format that does not say it.
    """

    geometry: Geometries  # (n,) in the source's coordinates
    subjects: Sequence[str]  # (n,) what an Issue calls each
    source: str  # what an Issue about all of them calls them
    crs: str | None = None  # as the source states it
    assumed: bool = False  # the format's own rule rather than the file's word, as in GeoJSON
    unit_m: float | None = None
    is_unit_open: bool = False


@dataclass(frozen=True)
class Placed:
    """Geometry of the park (n,), lon, lat [deg], h [m], None where a shape was left out; the system it came in; what was wrong.

    `heights` is the rule its heights went by, for heights that stand in columns; `metres_per_unit` is for lengths that do, where the
    source's numbers are lengths; `details` is for the import's report.
    """

    geometry: Geometries
    crs: str
    issues: Sequence[Issue]
    heights: Heights
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    metres_per_unit: float = 1.0

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Which of the n shapes are there."""
        return ~shapely.is_missing(self.geometry)


def place(given: Frameless, context: Context) -> Placed:
    """The shapes in longitude and latitude.

    Raises
    ------
    CRSError
        If the coordinate system is missing or contradicts the coordinates, latitude comes first, or control points cannot be trusted.
    """
    issues: list[Issue] = []
    shapes = given.geometry.copy()
    _drop(shapes, shapely.is_missing(shapes) | shapely.is_empty(shapes), "geometry_missing", given, issues)
    _drop(shapes, ~_finite(shapes), "geometry_not_finite", given, issues)
    shapes = _told_heights(_finite_heights(shapes, given, issues), given, issues)
    grid = controltable.local_grid(context)
    system = _by_crs(given, shapes, context, issues) if grid is None else _by_control(given, grid, context, issues)
    shapes = _converted(shapes, system.convert, also_flat=not system.is_lonlat)
    issues += system.heights.remarks(*_feet(shapes)) if shapely.has_z(shapes).any() else []
    shapes = _mended(shapes, given, issues)
    _count_far(shapes, given, context, issues)
    issues += suspected_shift(shapes, given.source, context)
    return Placed(shapes, system.name, issues, system.heights, system.details, system.metres_per_unit)


@dataclass(frozen=True)
class _System:
    """The way from a source's coordinates (n, 2) or (n, 3) to the park's, the same number of columns; its name; what is told of it."""

    name: str
    convert: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    heights: Heights
    details: Mapping[str, Any]
    metres_per_unit: float
    is_lonlat: bool = False  # flat coordinates are the park's already


def _by_crs(given: Frameless, shapes: Geometries, context: Context, issues: list[Issue]) -> _System:
    """The way by a coordinate system that the person or the source names."""
    crs = chosen_crs(given, shapes, context, issues)
    file_unit = None if deviation(crs).unit_m is not None else given.unit_m
    own_unit = unit_m(crs)
    factor = 1.0 if file_unit is None or own_unit is None else file_unit / own_unit
    if not is_geocentric(crs):
        _check_order(shapes, crs, factor, given, context, issues)
    shift = datum_shift(crs, context.park.frame)
    said = {"crs": crs_title(crs), "accuracy": shift.accuracy_m}
    if shift.accuracy_m is None or shift.accuracy_m > ROUGH_M:
        code = "datum_shift_unknown" if shift.accuracy_m is None else "datum_shift_rough"
        issues.append(Issue(code, "warning", given.source, said))
    stated = crs if vertical(crs) else given.crs
    rule = heights(given.source, stated, context, unit_m=None if vertical(crs) else file_unit or unit_m(crs))
    web = DATUMS.get(context.options.datum)

    def plain(points: NDArray[np.float64]) -> NDArray[np.float64]:
        scaled = np.column_stack([points[:, :2] * factor, points[:, 2:]])
        lonlat = to_lonlat(scaled, crs)
        if web is not None:
            lonlat[:, :2] = web(lonlat[:, :2])
        return np.column_stack([lonlat[:, :2], rule.to_park(lonlat, lonlat[:, 2])])[:, : points.shape[1]]

    why = "given" if context.options.crs else "format" if given.assumed else "stated"
    details = {"crs": crs, "why": why, "datum": context.options.datum, "unit_m": given.unit_m, "datum_shift": vars(shift)}
    convert = plain if web is None else _each_once(plain)
    is_lonlat = crs == "EPSG:4326" and web is None
    return _System(crs, convert, rule, details | {"heights": rule.details}, file_unit or unit_m(crs) or 1.0, is_lonlat)


def _by_control(given: Frameless, grid: LocalGrid, context: Context, issues: list[Issue]) -> _System:
    """The way by control points, whose table is in the file's units or, where its scale says so, in metres."""
    if understood_crs(given.crs) and not given.assumed:
        issues.append(Issue("crs_beside_control", "info", given.source, {"stated": crs_title(str(understood_crs(given.crs)))}))
    factor = 1.0
    if given.unit_m not in {None, 1.0} and grid.unit == "m":
        factor = cast(float, given.unit_m)
        issues.append(Issue("control_in_metres", "info", given.source, {"unit": factor}))
    issues += controltable.remarks(given.source, grid, context.options)
    rule = heights(given.source, given.crs, context, unit_m=grid.similarity.scale * factor)

    def plain(points: NDArray[np.float64]) -> NDArray[np.float64]:
        out = grid.to_lonlat(points * factor)
        if points.shape[1] == 3:
            known = np.isfinite(out[:, 2])
            out[:, 2] = np.where(known, out[:, 2] + rule.offset_m, rule.to_park(out, points[:, 2]))
        return out[:, : points.shape[1]]

    details = {"crs": None, "why": "control", "control": grid.details(), "file_factor": factor, "heights": rule.details}
    return _System("control points", _each_once(plain), rule, details, grid.similarity.scale * factor)


def _each_once(convert: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """The conversion with equal points made equal: vectorised arithmetic may differ in the last bit, and open a ring."""

    def once(points: NDArray[np.float64]) -> NDArray[np.float64]:
        distinct, back = np.unique(points, axis=0, return_inverse=True)
        return convert(distinct)[back.reshape(-1)]

    return once


def chosen_crs(given: Frameless, shapes: Geometries, context: Context, issues: list[Issue]) -> str:
    """The coordinate system of the shapes: the person's word, else the source's; never a guess.

    Raises
    ------
    CRSError
        If there is neither; the sentence ranks those in which the shapes would lie near the park.
    """
    asked = context.options.crs
    stated = understood_crs(given.crs)
    if asked is None and stated is None:
        guesses = _guesses(shapes, given, context)
        about = {"candidates": said_guesses(guesses) or "—", "guesses": [vars(guess) for guess in guesses]}
        if given.crs and "Undefined" not in given.crs and not _is_known(given.crs):
            raise CRSError("crs_not_understood", subject=given.source, stated=_shortened(given.crs), **about)
        raise CRSError("crs_missing" if guesses else "crs_missing_unlike", subject=given.source, **about)
    if asked is None:
        return cast(str, stated)
    chosen = known_crs(asked)
    if stated is not None and not given.assumed and chosen != stated:
        issues.append(Issue("crs_overridden", "warning", given.source, {"stated": crs_title(stated), "used": crs_title(chosen)}))
    return chosen


def said_guesses(guesses: Sequence[Guess]) -> str:
    """The first few guesses as a person reads them: what to say after --crs, what it is, how far off and how large the data would be."""
    return "; ".join(
        f"{each.crs} ({each.title}: {each.distance_m / 1000:.1f} km, {each.size_m[0]:.0f} × {each.size_m[1]:.0f} m)"
        for each in guesses[:FEW_GUESSES]
    )


def understood_crs(stated: str | None) -> str | None:
    """The normal form of a coordinate system a source states; None where that places nothing on Earth: local, engineering, undefined."""
    if not stated or "Undefined" in stated:
        return None
    try:
        crs = known_crs(stated)
    except CRSError:
        return None
    return crs if places_on_earth(crs) else None


def _is_known(stated: str) -> bool:
    try:
        known_crs(stated)
    except CRSError:
        return False
    return True


def _shortened(stated: str) -> str:
    """A statement as a sentence can quote it: the name in a WKT, else its beginning."""
    return stated.split('"')[1] if stated.count('"') > 1 else stated[:60]


def check_datum(options: Options) -> None:
    """Refuse a datum, of positions or of heights, that nobody knows.

    Raises
    ------
    UsageError
        If it is none of wgs84, gcj02 and bd09, or the heights' datum has no known name.
    """
    if options.datum not in {"wgs84", *DATUMS}:
        raise UsageError("datum_unknown", subject=options.datum, known=", ".join(["wgs84", *DATUMS]))
    if options.height_datum is not None:
        asked_datum(options.height_datum)


def few(issues: Sequence[Issue]) -> list[Issue]:
    """The issues with at most 100 of each code, and a count of what that leaves out."""
    counts: dict[str, int] = {}
    listed: list[Issue] = []
    last: dict[str, Issue] = {}
    for issue in issues:
        counts[issue.code] = counts.get(issue.code, 0) + 1
        last[issue.code] = issue
        if counts[issue.code] <= FEW_ISSUES:
            listed.append(issue)
    more = [(last[code], count - FEW_ISSUES) for code, count in counts.items() if count > FEW_ISSUES]
    return [*listed, *(Issue("issues_more", issue.severity, issue.code, {"count": count}) for issue, count in more)]


def distance_m(points: NDArray[np.float64], crs: str, context: Context) -> NDArray[np.float64]:
    """How far points (n, 2) given in `crs` lie from the park's origin (n,). [m]; infinite where they are impossible."""
    lonlat = _tolerant_lonlat(points, crs)
    possible = np.isfinite(lonlat).all(axis=1) & (np.abs(lonlat[:, 0]) <= 180.0) & (np.abs(lonlat[:, 1]) <= 90.0)
    out = np.full(len(points), np.inf)
    if possible.any():
        out[possible] = np.linalg.norm(context.park.frame.to_enu(lonlat[possible]), axis=1)
    return out


def _drop(shapes: Geometries, bad: NDArray[np.bool_], code: str, given: Frameless, issues: list[Issue]) -> None:
    issues.extend(Issue(code, "warning", given.subjects[i]) for i in np.flatnonzero(bad).tolist())
    shapes[bad] = None


def _finite(shapes: Geometries) -> NDArray[np.bool_]:
    """Which shapes have only finite x and y; missing ones count as finite."""
    coordinates, owner = cast(Any, shapely.get_coordinates)(shapes, return_index=True)
    good = np.ones(len(shapes), bool)
    good[owner[~np.isfinite(coordinates).all(axis=1)]] = False
    return good


def _finite_heights(shapes: Geometries, given: Frameless, issues: list[Issue]) -> Geometries:
    """The shapes, flat where a height is no number."""
    coordinates, owner = cast(Any, shapely.get_coordinates)(shapes, include_z=True, return_index=True)
    has_z = shapely.has_z(shapes)
    bad = np.zeros(len(shapes), bool)
    bad[owner[~np.isfinite(coordinates[:, 2])]] = True
    bad &= has_z
    if bad.any():
        shapes[bad] = shapely.force_2d(shapes[bad])
        issues.append(Issue("heights_not_finite", "info", given.source, {"count": int(bad.sum())}))
    return shapes


def _told_heights(shapes: Geometries, given: Frameless, issues: list[Issue]) -> Geometries:
    """The shapes, flat where every height of the source is zero: programs write that for unknown."""
    solid = shapely.has_z(shapes)
    if not solid.any() or np.any(shapely.get_coordinates(shapes[solid], include_z=True)[:, 2] != 0.0):
        return shapes
    issues.append(Issue("heights_all_zero", "info", given.source, {"count": int(solid.sum())}))
    return np.where(solid, shapely.force_2d(shapes), shapes)


def _feet(shapes: Geometries) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lowest point of each solid shape: longitude, latitude (m, 2) [deg] and height (m,) [m]; a sample of very many."""
    solid = shapes[shapely.has_z(shapes)]
    solid = solid[:: max(1, len(solid) // MOST_FEET)]
    points, owner = cast(Any, shapely.get_coordinates)(solid, include_z=True, return_index=True)
    order = np.lexsort([points[:, 2], owner])
    first = np.unique(owner[order], return_index=True)[1]
    lowest = points[order][first]
    return lowest[:, :2], lowest[:, 2]


def _check_order(shapes: Geometries, crs: str, factor: float, given: Frameless, context: Context, issues: list[Issue]) -> None:
    """Refuse coordinates that are latitude-first, impossible in `crs` or in another unit than said; note single features that are."""
    there = np.flatnonzero(~shapely.is_missing(shapes))
    if not len(there):
        return
    centres = _centres(shapes[there]) * factor
    distance = distance_m(centres, crs, context)
    away = distance > NEAR_M
    swapped = np.zeros(len(there), bool)
    swapped[away] = distance_m(centres[away][:, ::-1], crs, context) <= NEAR_M
    impossible = np.isinf(distance)
    if swapped.sum() * 2 > len(there):
        raise CRSError("coordinates_swapped", subject=given.source, crs=crs_title(crs), point=_written(centres[swapped][0]))
    if (factor != 1.0 or given.is_unit_open) and away.sum() * 2 > len(there):
        _check_unit(centres / factor, crs, given, context)
    if impossible.sum() * 2 > len(there):
        guesses = _guesses(shapes, given, context)
        about = {"crs": crs_title(crs), "candidates": said_guesses(guesses) or "—", "guesses": [vars(guess) for guess in guesses]}
        raise CRSError("crs_contradicts", subject=given.source, point=_written(centres[impossible][0]), **about)
    for bad, code in ((swapped, "feature_swapped"), (impossible & ~swapped, "coordinates_impossible")):
        members = np.zeros(len(shapes), bool)
        members[there[bad]] = True
        _drop(shapes, members, code, given, issues)


def _check_unit(centres: NDArray[np.float64], crs: str, given: Frameless, context: Context) -> None:
    """Refuse a unit that puts the shapes far from the park when another would put them in it."""
    middle = np.median(centres, axis=0)[None]
    for name in ("m", "mm", "cm", "ft"):
        other = known_crs(f"{deviation(crs).base}@{name}{'@yx' if deviation(crs).is_yx else ''}") if unit_m(crs) else crs
        if distance_m(middle, other, context)[0] <= NEAR_M:
            about = {"crs": other, "point": _written(middle[0])}
            if given.is_unit_open:
                raise CRSError("unit_missing", subject=given.source, **about)
            raise CRSError("unit_contradicts", subject=given.source, unit=given.unit_m, **about)


def _converted(shapes: Geometries, convert: Callable[[NDArray[np.float64]], NDArray[np.float64]], *, also_flat: bool) -> Geometries:
    """The shapes with `convert` laid on their points, flat ones as flat ones or not at all."""
    out = shapes.copy()
    solid = shapely.has_z(shapes)
    for members, deep in ((~solid & ~shapely.is_missing(shapes), False), (solid, True)):
        if members.any() and (deep or also_flat):
            out[members] = cast(Any, shapely.transform)(shapes[members], convert, include_z=deep)
    return out


def _mended(shapes: Geometries, given: Frameless, issues: list[Issue]) -> Geometries:
    """The shapes with invalid ones made valid, or left out where nothing of their kind remains."""
    for each in mended(shapes):
        subject = given.subjects[each.index]
        if each.is_given_up:
            points = int(shapely.get_num_coordinates(shapes[each.index]))
            issues.append(Issue("geometry_too_tangled", "warning", subject, {"points": points}))
        else:
            code = "geometry_repaired" if each.shape is not None else "geometry_hopeless"
            issues.append(Issue(code, "warning", subject, {"reason": each.reason}))
        shapes[each.index] = each.shape
    return shapes


def _count_far(shapes: Geometries, given: Frameless, context: Context, issues: list[Issue]) -> None:
    there = ~shapely.is_missing(shapes)
    if not there.any():
        return
    distance = np.linalg.norm(context.park.frame.to_enu(_centres(shapes[there])), axis=1)
    far = distance > NEAR_M
    if far.any():
        details = {"count": int(far.sum()), "total": int(there.sum()), "nearest_km": round(float(distance[far].min()) / 1000)}
        issues.append(Issue("far_from_park", "warning", given.source, details))


def _tolerant_lonlat(points: NDArray[np.float64], crs: str) -> NDArray[np.float64]:
    """Longitude and latitude (n, 2), NaN for points that `crs` cannot express: halves are tried until the bad ones stand alone."""
    if not len(points):
        return np.empty((0, 2))
    try:
        return to_lonlat(points, crs)[:, :2]
    except CRSError:
        if len(points) == 1:
            return np.full((1, 2), np.nan)
        middle = len(points) // 2
        return np.concatenate([_tolerant_lonlat(points[:middle], crs), _tolerant_lonlat(points[middle:], crs)])


def _centres(shapes: Geometries) -> NDArray[np.float64]:
    box = shapely.bounds(shapes)  # (n, 4)
    return box[:, :2] / 2 + box[:, 2:] / 2  # halved first: a sum may be beyond all numbers


def _guesses(shapes: Geometries, given: Frameless, context: Context) -> list[Guess]:
    """Systems in which the shapes would lie near the park, in the unit the format states first, and then as if it were wrong."""
    there = shapes[~shapely.is_missing(shapes)]
    if not len(there):
        return []
    box = shapely.bounds(there)  # (m, 4)
    edges = [float(edge) for edge in (*np.percentile(box[:, :2], 2, axis=0), *np.percentile(box[:, 2:], 98, axis=0))]
    frame = context.park.frame
    if given.unit_m is None or given.unit_m == 1.0:
        return crs_guesses(edges, frame)
    otherwise = [replace(guess, crs=f"{guess.crs}@m") for guess in crs_guesses(edges, frame) if "@" not in guess.crs and unit_m(guess.crs)]
    return [*crs_guesses([edge * given.unit_m for edge in edges], frame), *otherwise]


def _written(point: NDArray[np.float64]) -> str:
    return f"{point[0]:.10g}, {point[1]:.10g}"
