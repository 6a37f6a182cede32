"""Geometry as it came turned into valid geometry in longitude and latitude, with an Issue for everything that was wrong.

Steps, in order: missing and non-finite geometry out; coordinates checked against the coordinate system, the park and their own order;
transformed; shifted back from GCJ-02 or BD-09 where asked; invalid polygons mended; what lies far from the park counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import shapely
from numpy.typing import NDArray

from importers.contract import Context, Options
from twin.crs import bd09_to_wgs84, crs_candidates, gcj02_to_wgs84, known_crs, to_lonlat
from twin.errors import CRSError, UsageError
from twin.model import Geometries, Issue

NEAR_M = 50_000.0  # a park's own data lie within this distance of its origin
FEW_ISSUES = 100  # issues of one code that are listed one by one; the rest is counted
DATUMS: Mapping[str, Callable[[Any], NDArray[np.float64]]] = {"gcj02": gcj02_to_wgs84, "bd09": bd09_to_wgs84}


@dataclass(frozen=True)
class Frameless:
    """Geometry as a source gives it: n shapes with a name each, and the coordinate system the source states, if any."""

    geometry: Geometries  # (n,) in the source's coordinates
    subjects: Sequence[str]  # (n,) what an Issue calls each
    source: str  # what an Issue about all of them calls them
    crs: str | None = None  # as the source states it
    assumed: bool = False  # the format's own rule rather than the file's word, as in GeoJSON


@dataclass(frozen=True)
class Placed:
    """Geometry of the park (n,), lon, lat [deg], h [m], None where a shape was left out; the system it came in; what was wrong."""

    geometry: Geometries
    crs: str
    issues: Sequence[Issue]

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Which of the n shapes are there."""
        return ~shapely.is_missing(self.geometry)


def place(given: Frameless, context: Context) -> Placed:
    """The shapes in longitude and latitude.

    Raises
    ------
    CRSError
        If the coordinate system is missing or contradicts the coordinates, or latitude comes first.
    """
    issues: list[Issue] = []
    shapes = given.geometry.copy()
    _drop(shapes, shapely.is_missing(shapes) | shapely.is_empty(shapes), "geometry_missing", given, issues)
    _drop(shapes, ~_finite(shapes), "geometry_not_finite", given, issues)
    shapes = _finite_heights(shapes, given, issues)
    crs = chosen_crs(given, shapes, context, issues)
    _check_order(shapes, crs, given, context, issues)
    shapes = _to_park(shapes, crs, context.options.datum)
    shapes = _mended(shapes, given, issues)
    _count_far(shapes, given, context, issues)
    return Placed(shapes, crs, issues)


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
        candidates = _candidates(shapes, context)
        raise CRSError("crs_missing" if candidates else "crs_missing_unlike", subject=given.source, candidates=candidates)
    if asked is None:
        return cast(str, stated)
    chosen = known_crs(asked)
    if stated is not None and not given.assumed and chosen != stated:
        issues.append(Issue("crs_overridden", "warning", given.source, {"stated": _short(stated), "used": _short(chosen)}))
    return chosen


def understood_crs(stated: str | None) -> str | None:
    """The normal form of a coordinate system a source states; None where that places nothing on Earth: local, engineering, undefined."""
    if not stated or "Undefined" in stated:
        return None
    try:
        crs = known_crs(stated)
    except CRSError:
        return None
    return crs if _leads_to_lonlat(crs) else None


def _leads_to_lonlat(crs: str) -> bool:
    try:
        to_lonlat([[0.0, 0.0]], crs)
    except CRSError:
        return True  # the point lies outside, but there is a way
    except RuntimeError:  # PROJ knows no way
        return False
    return True


def check_datum(options: Options) -> None:
    """Refuse a datum that nobody knows.

    Raises
    ------
    UsageError
        If it is none of wgs84, gcj02 and bd09.
    """
    if options.datum not in {"wgs84", *DATUMS}:
        raise UsageError("datum_unknown", subject=options.datum, known=", ".join(["wgs84", *DATUMS]))


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


def _check_order(shapes: Geometries, crs: str, given: Frameless, context: Context, issues: list[Issue]) -> None:
    """Refuse coordinates that are latitude-first or impossible in `crs`; note single features that are."""
    there = np.flatnonzero(~shapely.is_missing(shapes))
    if not len(there):
        return
    centres = _centres(shapes[there])
    distance = distance_m(centres, crs, context)
    away = distance > NEAR_M
    swapped = np.zeros(len(there), bool)
    swapped[away] = distance_m(centres[away][:, ::-1], crs, context) <= NEAR_M
    impossible = np.isinf(distance)
    if swapped.sum() * 2 > len(there):
        raise CRSError("coordinates_swapped", subject=given.source, crs=_short(crs), point=_written(centres[swapped][0]))
    if impossible.sum() * 2 > len(there):
        candidates = _candidates(shapes, context) or "—"
        raise CRSError(
            "crs_contradicts", subject=given.source, crs=_short(crs), point=_written(centres[impossible][0]), candidates=candidates
        )
    for bad, code in ((swapped, "feature_swapped"), (impossible & ~swapped, "coordinates_impossible")):
        members = np.zeros(len(shapes), bool)
        members[there[bad]] = True
        _drop(shapes, members, code, given, issues)


def _to_park(shapes: Geometries, crs: str, datum: str) -> Geometries:
    """The shapes in longitude and latitude, heights untouched by the datum's shift."""
    shift = DATUMS.get(datum)

    def convert(points: NDArray[np.float64]) -> NDArray[np.float64]:
        lonlat = to_lonlat(points, crs)
        if shift is not None:
            lonlat[:, :2] = shift(lonlat[:, :2])
        return lonlat[:, : points.shape[1]]

    out = np.full(len(shapes), None, object)
    solid = shapely.has_z(shapes)
    for members, deep in ((~solid & ~shapely.is_missing(shapes), False), (solid, True)):
        if members.any():
            out[members] = cast(Any, shapely.transform)(shapes[members], convert, include_z=deep)
    return out


def _mended(shapes: Geometries, given: Frameless, issues: list[Issue]) -> Geometries:
    """The shapes with invalid ones made valid, or left out where nothing of their kind remains."""
    broken = ~shapely.is_missing(shapes) & ~shapely.is_valid(shapes)
    for i in np.flatnonzero(broken).tolist():
        reason = str(shapely.is_valid_reason(shapes[i])).split("[")[0].strip()
        mended = _same_dimension(shapely.make_valid(shapes[i], method="structure", keep_collapsed=False), shapes[i])
        code = "geometry_repaired" if mended is not None else "geometry_hopeless"
        issues.append(Issue(code, "warning", given.subjects[i], {"reason": reason}))
        shapes[i] = mended
    return shapes


def _same_dimension(mended: Any, original: Any) -> Any:
    """What of a mended shape has the dimension of the original (areas of an area); None where nothing has."""
    dimension = shapely.get_dimensions(original)
    same = [part for part in shapely.get_parts(shapely.get_parts(mended)) if shapely.get_dimensions(part) == dimension]
    same = [part for part in same if not part.is_empty]
    if not same:
        return None
    return same[0] if len(same) == 1 else shapely.union_all(same) if dimension == 2 else shapely.multilinestrings(same)


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
    return (box[:, :2] + box[:, 2:]) / 2


def _candidates(shapes: Geometries, context: Context) -> str:
    there = shapes[~shapely.is_missing(shapes)]
    if not len(there):
        return ""
    box = np.median(shapely.bounds(there), axis=0)
    return ", ".join(crs_candidates([float(edge) for edge in box], context.park.frame)[:5])


def _short(crs: str) -> str:
    return crs if len(crs) < 40 else crs.split('"')[1]


def _written(point: NDArray[np.float64]) -> str:
    return f"{point[0]:g}, {point[1]:g}"
