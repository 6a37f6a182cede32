"""Frames and coordinate systems: the only module that imports pyproj.

Inside, a park has one frame: local east-north-up metres about its origin, by PROJ's topocentric conversion on the WGS 84 ellipsoid
(CGCS2000 differs from it by less than 0.2 mm inside China). Outside, points are longitude, latitude [deg] and height [m].
Heights are never changed here, geocentric coordinates apart: what they count from is `twin.vertical`'s to say. The shifted datums of
Chinese web maps are in `twin.shifted`, names as people write them in `twin.crsnames`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.crs import CompoundCRS
from pyproj.database import query_crs_info
from pyproj.enums import PJType
from pyproj.exceptions import CRSError as ProjCRSError
from pyproj.exceptions import ProjError
from pyproj.transformer import TransformerGroup

from twin.crsnames import UNITS_M, Deviation, deviation, understood
from twin.errors import CRSError
from twin.shifted import bd09_to_wgs84, gcj02_to_wgs84, wgs84_to_bd09, wgs84_to_gcj02

__all__ = [
    "DatumShift", "Frame", "Guess", "Points", "bd09_to_wgs84", "crs_candidates", "crs_guesses", "crs_title", "datum_shift", "from_lonlat",
    "gcj02_to_wgs84", "geometry_to_lonlat", "height_operation", "horizontal", "is_geocentric",
    "is_geographic", "known_crs", "places_on_earth", "to_lonlat", "unit_m",
    "vertical", "vertical_name", "wgs84_to_bd09", "wgs84_to_gcj02",
]  # fmt: skip

Points = NDArray[np.float64]  # (n, 3)
NEAR_M = 50_000.0  # a park's own data lie within this distance of its origin
_STEPS_M = (3_000.0, 10_000.0, 25_000.0)  # distances that make one guess less likely than another
_LOCAL_DEG = 40.0  # systems for more of the world than this are nobody's for a park
_GIVEN_UP = ("Xian", "Beijing", "WGS 72", "ED50", "NTF", "CH1903 ", "NAD27", "Pulkovo", "MGI", "DHDN", "Monte Mario")  # old datums
ELLIPSOIDAL = "ellipsoidal"  # the word for heights above the WGS 84 ellipsoid


@dataclass(frozen=True)
class Frame:
    """The local frame of a park: origin longitude, latitude [deg] and ellipsoidal height [m]."""

    lon_deg: float
    lat_deg: float
    h_m: float = 0.0

    def to_enu(self, lonlat: ArrayLike) -> Points:
        """Local ENU metres of points given as longitude, latitude and, if present, height.

        Parameters
        ----------
        lonlat
            Points (n, 2) or (n, 3). [deg, deg, m]; a missing height is the origin's.

        Returns
        -------
        Points (n, 3). [m, enu]
        """
        points = _with_height(lonlat, self.h_m)  # (n, 3)
        x, y, z = _topocentric(self).transform(points[:, 0], points[:, 1], points[:, 2])
        return np.column_stack([x, y, z])

    def to_lonlat(self, enu: ArrayLike) -> Points:
        """Longitude, latitude [deg] and height [m] of local points (n, 2) or (n, 3). [m, enu]"""
        points = _with_height(enu, 0.0)
        lon, lat, h = _topocentric(self).transform(points[:, 0], points[:, 1], points[:, 2], direction="INVERSE")
        return np.column_stack([lon, lat, h])

    def project(self, geometry: Any) -> Any:
        """Shapely geometry (or an array of them) in ENU metres [m, enu]; it keeps a third dimension if it has one."""
        return _map_coordinates(geometry, self.to_enu)

    def unproject(self, geometry: Any) -> Any:
        """Shapely geometry (or an array of them) in longitude, latitude [deg] and, if present, height [m]."""
        return _map_coordinates(geometry, self.to_lonlat)

    def ecef_matrix(self) -> NDArray[np.float64]:
        """The rigid transform from this frame to earth-centred metres (EPSG:4978): (4, 4), column vectors."""
        lam, phi = np.radians([self.lon_deg, self.lat_deg])
        east = [-np.sin(lam), np.cos(lam), 0.0]
        north = [-np.sin(phi) * np.cos(lam), -np.sin(phi) * np.sin(lam), np.cos(phi)]
        up = [np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)]
        origin = _geocentric().transform(self.lon_deg, self.lat_deg, self.h_m)
        return np.vstack([np.column_stack([east, north, up, origin]), [0.0, 0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class DatumShift:
    """How well positions in a system are carried to WGS 84 at a place: by which operation, and to how many metres.

    `accuracy_m` is None where PROJ has no parameters and lays the two datums on each other unchanged.
    """

    operation: str
    accuracy_m: float | None


@dataclass(frozen=True)
class Guess:
    """A coordinate system in which coordinates would lie near the park, as `--crs` takes it, and how that would look."""

    crs: str
    title: str
    distance_m: float  # from the middle of the coordinates to the park's origin
    size_m: tuple[float, float]  # of their box, east and north


def known_crs(name: str) -> str:
    """The normal form of a coordinate system's name, `EPSG:code` where it has one, with its suffixes (`@mm`, `@yx`).

    Takes what PROJ takes (EPSG codes, WKT 1 and 2, ESRI's too, PROJ strings, URNs, OGC URLs, names), Chinese zones by name, and the name
    of a .prj file.

    Raises
    ------
    CRSError
        If it is not known, or says only what heights count from.
    """
    taken = deviation(_of_file(name))
    crs = _read(taken.base, name)
    if crs.is_vertical and not crs.is_compound:
        raise CRSError("crs_vertical_only", subject=name)
    if taken.unit_m is not None and crs.is_geographic:
        raise CRSError("crs_unknown", subject=name)
    code = crs.to_epsg(min_confidence=70)
    return (f"EPSG:{code}" if code else crs.to_wkt()) + taken.suffix()


def crs_title(crs: str) -> str:
    """A name for people: `EPSG:4549`, or what a system without code calls itself."""
    taken = deviation(crs)
    return (taken.base if len(taken.base) < 40 else _crs(taken.base).name) + taken.suffix()


def crs_name(crs: str) -> str:
    """What a system calls itself."""
    return _crs(deviation(crs).base).name


def is_geographic(crs: str) -> bool:
    """Whether the coordinates of `crs` are longitude and latitude."""
    return _crs(deviation(crs).base).is_geographic


def is_north_first(crs: str) -> bool:
    """Whether the authority of a system puts northing or latitude before easting or longitude."""
    axes = _flat(_crs(deviation(crs).base)).axis_info
    return axes[0].direction.lower() in {"north", "south"} and axes[1].direction.lower() in {"east", "west"}


def is_geocentric(crs: str) -> bool:
    """Whether the coordinates of `crs` count from the centre of the Earth."""
    return _crs(deviation(crs).base).is_geocentric


def unit_m(crs: str) -> float | None:
    """The metres in one unit of a plane or vertical system's numbers; None where they are degrees."""
    taken = deviation(crs)
    own = _crs(taken.base)
    return None if own.is_geographic else taken.unit_m or float(_flat(own).axis_info[0].unit_conversion_factor)


def horizontal(crs: str) -> str:
    """The part of a system that says where on Earth; the system itself where it says no more."""
    taken = deviation(crs)
    return _normal(_flat(_crs(taken.base))) + taken.suffix()


def vertical(crs: str) -> str | None:
    """What the heights of a system count from: `ellipsoidal`, a vertical system, or None where it says nothing."""
    own = _crs(deviation(crs).base)
    if own.is_compound:
        return _normal(own.sub_crs_list[1])
    solid = own.source_crs if own.is_bound and own.source_crs is not None else own
    return ELLIPSOIDAL if len(solid.axis_info) == 3 or own.is_geocentric else None


def vertical_name(name: str) -> str | None:
    """The normal form of a vertical system PROJ knows, or of the vertical part of one; None where there is none."""
    try:
        crs = CRS.from_user_input(name)
    except ProjCRSError:
        return None
    return _normal(crs) if crs.is_vertical and not crs.is_compound else vertical(known_crs(name))


def places_on_earth(crs: str) -> bool:
    """Whether there is a way from `crs` to longitude and latitude; local and engineering systems have none."""
    try:
        _to_wgs84(deviation(crs).base)
    except ProjError:
        return False
    return True


def to_lonlat(points: ArrayLike, crs: str) -> Points:
    """Longitude, latitude [deg] and height [m] of points given in `crs`, x (east, longitude) first unless it says @yx.

    Heights come out as they went in, whatever they count from; only geocentric coordinates become heights above the ellipsoid.

    Parameters
    ----------
    points
        Points (n, 2) or (n, 3) in the units of `crs`.
    crs
        What `known_crs` returns.

    Raises
    ------
    CRSError
        If a point lies outside what the coordinate system can express.
    """
    array = _with_height(points, 0.0)
    taken = deviation(crs)
    lon, lat, h = _to_wgs84(taken.base).transform(*_as_stated(array, taken).T)
    out = np.column_stack([lon, lat, h])
    if not np.isfinite(out[:, :2]).all():
        raise CRSError("crs_outside", subject=crs_title(crs), point=array[~np.isfinite(out).all(axis=1)][0][:2].tolist())
    return out


def from_lonlat(lonlat: ArrayLike, crs: str) -> NDArray[np.float64]:
    """x, y (n, 2) in `crs` of longitude, latitude (n, 2) [deg]; infinite where it cannot express them."""
    points = np.asarray(lonlat, float).reshape(-1, np.shape(lonlat)[-1])[:, :2]
    taken = deviation(crs)
    x, y = _to_wgs84(_normal(_flat(_crs(taken.base)))).transform(points[:, 0], points[:, 1], direction="INVERSE")
    out = np.column_stack([x, y]) / _scale(taken)
    return out[:, ::-1] if taken.is_yx else out


def geometry_to_lonlat(geometry: Any, crs: str) -> Any:
    """Shapely geometry (or an array of them) given in `crs`, in longitude and latitude [deg]."""
    return _map_coordinates(geometry, lambda points: to_lonlat(points, crs))


@lru_cache(maxsize=64)
def datum_shift(crs: str, frame: Frame) -> DatumShift:
    """How well positions in `crs` near the park are carried to WGS 84.

    CGCS2000 is taken for WGS 84: both are realised in ITRF and differ by less than PROJ's or anybody's parameters would say.
    """
    own = _crs(deviation(crs).base)
    base = own.geodetic_crs
    if own.is_bound or base is None or _flat(base).to_epsg(min_confidence=70) in {4326, 4490, 4978}:
        return DatumShift("", 0.0)
    group = _operations(_flat(base), CRS.from_epsg(4326), frame)
    if not group.transformers:
        return DatumShift("", None)
    best = group.transformers[0]
    return DatumShift(best.description.replace("axis order change (2D) + ", "").replace(" + axis order change (2D)", ""), best.accuracy)


def height_operation(source: str, target: str, frame: Frame) -> tuple[Transformer, str, float] | None:
    """The operation between two vertical systems near the park, its name and accuracy [m]; None where PROJ lacks it or a grid of it.

    It takes and gives longitude, latitude [deg] and height in the systems' own units. A null transformation is none.
    """
    group = _operations(_with_vertical(source), _with_vertical(target), frame)
    if not group.transformers or not group.best_available or group.transformers[0].accuracy < 0:
        return None
    best = group.transformers[0]
    there = best.transform(frame.lon_deg, frame.lat_deg, 0.0)
    if not np.isfinite(there).all() or "allpark" in best.description:
        return None
    return best, best.description, best.accuracy


def crs_candidates(bounds: Sequence[float], frame: Frame) -> list[str]:
    """Coordinate systems in which `bounds` (xmin, ymin, xmax, ymax) would lie within 50 km of the park, the likeliest first."""
    return [guess.crs for guess in crs_guesses(bounds, frame)]


def crs_guesses(bounds: Sequence[float], frame: Frame) -> list[Guess]:
    """What coordinates in the box `bounds` (xmin, ymin, xmax, ymax) would be near the park, the likeliest first.

    Tried: longitude and latitude, web Mercator, UTM, CGCS2000 zones with and without number, and every plane system EPSG has for the
    place; as they are, with x and y exchanged, and in millimetres, feet and kilometres. What lies more than 50 km off is left out.
    Ranked by kind of deviation (none, exchanged, another unit), by distance in steps, and modern systems before old ones.
    """
    found: dict[tuple[str, str], tuple[tuple[int, int, int, float], Guess]] = {}
    for suffix, rank in (("", 0), ("@yx", 1), ("@mm", 2), ("@ft", 2), ("@km", 2)):
        for crs, age in _near(frame.lon_deg, frame.lat_deg):
            guess = None if rank == 2 and unit_m(crs) in {None, UNITS_M[suffix[1:]]} else _guess(bounds, crs + suffix, frame)
            if guess is not None:
                step = int(np.searchsorted(_STEPS_M, guess.distance_m))
                found[crs, suffix] = (rank, step, age, guess.distance_m), guess
    return [guess for _, guess in sorted(found.values(), key=lambda each: each[0])]


def _guess(bounds: Sequence[float], crs: str, frame: Frame) -> Guess | None:
    xmin, ymin, xmax, ymax = bounds
    corners = np.array([[(xmin + xmax) / 2, (ymin + ymax) / 2], [xmin, ymin], [xmax, ymin], [xmax, ymax], [xmin, ymax]])
    taken = deviation(crs)
    lon, lat = _to_wgs84(taken.base).transform(*_as_stated(_with_height(corners, 0.0), taken)[:, :2].T)
    lonlat = np.column_stack([lon, lat])
    if not np.isfinite(lonlat).all() or np.abs(lat).max() > 90 or np.abs(lon).max() > 180:
        return None
    enu = frame.to_enu(lonlat)
    distance = float(np.linalg.norm(enu[0]))
    if distance > NEAR_M:
        return None
    span = np.ptp(enu[:, :2], axis=0)
    return Guess(crs, crs_name(crs), distance, (float(span[0]), float(span[1])))


@lru_cache(maxsize=16)
def _near(lon: float, lat: float) -> tuple[tuple[str, int], ...]:
    """Systems of a place, each with its age: 0 for the usual ones, 1 for what else EPSG has for it, 2 for datums that were given up."""
    zone = int((lon + 180) // 6) + 1
    utm = [f"EPSG:{(32600 if lat >= 0 else 32700) + (zone - 1 + step) % 60 + 1}" for step in (0, -1, 1)]
    usual = dict.fromkeys(["EPSG:4326", *_chinese_zones(lon), utm[0], "EPSG:3857"])
    place = AreaOfInterest(lon, lat, lon, lat)
    listed = query_crs_info(auth_name="EPSG", pj_types=[PJType.PROJECTED_CRS], area_of_interest=place, contains=True)
    local = {f"EPSG:{each.code}": each.name for each in listed if each.area_of_use and _width(each.area_of_use) < _LOCAL_DEG}
    others = {code: 2 if any(word in name for word in _GIVEN_UP) else 1 for code, name in local.items() if "grid system" not in name}
    return tuple((dict.fromkeys(utm[1:], 1) | others | dict.fromkeys(usual, 0)).items())


def _width(area: Any) -> float:
    """How many degrees of longitude an area of use spans, over the date line too."""
    return (area.east - area.west) % 360.0


def _chinese_zones(lon: float) -> list[str]:
    """CGCS2000 zones a park at a longitude may be in: three degrees and six, with number and without; the neighbour where near the edge."""
    if not 73 <= lon <= 136:
        return []
    near = [round(lon / 3)] + [round((lon + step) / 3) for step in (-0.7, 0.7)]
    three = [number for number in dict.fromkeys(near) if 25 <= number <= 45]
    six = int(lon // 6) + 1  # zone 13 has its meridian at 75
    codes = [code for number in three for code in (4534 + number - 25, 4513 + number - 25)]
    return [f"EPSG:{code}" for code in [*codes, *([4502 + six - 13, 4491 + six - 13] if 13 <= six <= 23 else [])]]


def _of_file(name: str) -> str:
    """The text of a .prj file where a name is that of one; else the name."""
    if name.strip().lower().endswith((".prj", ".qpj", ".wkt")) and "[" not in name:
        path = Path(name.strip())
        if path.is_file() and path.stat().st_size < 100_000:
            return path.read_text("utf-8", errors="replace")
    return name


def _read(name: str, said: str) -> CRS:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PROJ's remarks on old forms of names
            return CRS.from_user_input(understood(name) or name)
    except ProjCRSError as error:
        raise CRSError("crs_unknown", subject=said[:120]) from error


def _normal(crs: CRS) -> str:
    code = crs.to_epsg(min_confidence=70)
    return f"EPSG:{code}" if code else crs.to_wkt()


def _flat(crs: CRS) -> CRS:
    """The horizontal part of a system."""
    if crs.is_compound:
        return _flat(crs.sub_crs_list[0])
    return crs if crs.is_geocentric or crs.is_bound else crs.to_2d()


def _as_stated(points: Points, taken: Deviation) -> Points:
    """Points (n, 3) turned from the file's order and unit to the system's; heights are in metres already."""
    xy = points[:, 1::-1] if taken.is_yx else points[:, :2]
    return np.column_stack([xy * _scale(taken), points[:, 2]])


def _scale(taken: Deviation) -> float:
    return 1.0 if taken.unit_m is None else taken.unit_m / float(_flat(_crs(taken.base)).axis_info[0].unit_conversion_factor)


def _with_vertical(name: str) -> CRS:
    return (
        CRS.from_epsg(4979) if name == ELLIPSOIDAL else CompoundCRS("lon lat and height", [CRS.from_epsg(4326), CRS.from_user_input(name)])
    )


def _operations(source: CRS, target: CRS, frame: Frame) -> TransformerGroup:
    place: Any = AreaOfInterest(frame.lon_deg, frame.lat_deg, frame.lon_deg, frame.lat_deg)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the best operation lacks its grid is asked for, not remarked
        return TransformerGroup(source, target, always_xy=True, area_of_interest=place, allow_ballpark=False)


def _with_height(points: ArrayLike, height: float) -> Points:
    array = np.asarray(points, float)
    array = array.reshape(-1, array.shape[-1] if array.ndim else 2)
    if array.shape[1] == 2:
        return np.column_stack([array, np.full(len(array), height)])
    return np.where(np.isnan(array), np.array([np.nan, np.nan, height]), array)


def _map_coordinates(geometry: Any, function: Any) -> Any:
    flat = not np.any(shapely.has_z(geometry)) if np.size(geometry) else True
    return cast(Any, shapely.transform)(
        geometry,
        lambda points: function(points)[:, : points.shape[1]] if len(points) else points,
        include_z=not flat,
    )


@cache
def _topocentric(frame: Frame) -> Transformer:
    return Transformer.from_pipeline(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=WGS84 "
        f"+step +proj=topocentric +ellps=WGS84 +lon_0={float(frame.lon_deg)!r} +lat_0={float(frame.lat_deg)!r} +h_0={float(frame.h_m)!r}"
    )


@cache
def _geocentric() -> Transformer:
    return Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)


@lru_cache(maxsize=256)
def _crs(name: str) -> CRS:
    return CRS.from_user_input(name)


@lru_cache(maxsize=256)
def _to_wgs84(name: str) -> Transformer:
    crs = _crs(name)
    return Transformer.from_crs(_flat(crs), "EPSG:4979" if crs.is_geocentric else "EPSG:4326", always_xy=True)
