"""Elevation rasters (GeoTIFF, ASCII grid and what else GDAL reads) onto the park's terrain grid.

The grid lies in the park's metres; each node takes the bilinear value of the raster at its place. Heights are taken to be in the
park's vertical datum.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError, RasterioIOError
from rasterio.warp import transform as warp_points
from rasterio.windows import Window

from importers.contract import Context, Imported
from importers.placing import NEAR_M, understood_crs
from importers.vocabulary import normal
from twin.crs import Frame, crs_candidates, known_crs, to_lonlat
from twin.errors import CRSError, UnreadableSource, UsageError
from twin.model import Issue, Terrain

LEAST_STEP_M = 1.0
REACH_M = 10_000.0  # of a raster that holds the park, the ground within this distance of the origin is kept
MOST_NODES = 4_000_000
PLAUSIBLE_M = (-500.0, 9000.0)  # land heights; beyond them a value means that nothing is known
_FEW_CLASSES = 32  # so few different whole numbers are classes, not heights
_FEET = {"ft": 0.3048, "foot": 0.3048, "feet": 0.3048, "us survey foot": 1200 / 3937, "ftus": 1200 / 3937, "us-ft": 1200 / 3937}
# words in a file's name: roofs, trees or classes rather than ground; ground
_NOT_GROUND = {
    "dsm",
    "surface",
    "ndsm",
    "chm",
    "cdsm",
    "canopy",
    "landcover",
    "landuse",
    "slope",
    "aspect",
    "hillshade",
    "ortho",
    "地表",
    "冠层",
    "坡度",
}
_GROUND = {"dem", "dtm", "terrain", "ground", "地形", "地面", "高程"}


@dataclass(frozen=True)
class RasterImporter:
    """Elevation rasters."""

    name: str = "raster"

    def recognises(self, path: Path, head: bytes) -> int:
        """How sure it is that the file is a raster, of whatever content: pictures are known so that they can be refused."""
        if head[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
            return 90
        if re.match(rb"\s*ncols\s+\d+\s", head, re.IGNORECASE):
            return 95
        if head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"EHFA_HEADER_TAG", b"\x00\x00\x00\x0cjP  ")):
            return 60
        return 50 if path.suffix.lower() in {".hgt", ".bil", ".dem"} else 0

    def read(self, path: Path, context: Context) -> Imported:
        """The terrain of a raster; raises SourceError."""
        if context.options.datum != "wgs84":
            raise UsageError("datum_not_for_rasters", subject=context.options.datum)
        issues: list[Issue] = []
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)  # said by `_crs` in our words
                with rasterio.open(path) as raster:
                    crs = _crs(raster, path, context, issues)
                    _check_content(raster, path, context)
                    grid = _read(raster, crs, path, context, issues)
        except (RasterioIOError, RasterioError) as error:
            raise UnreadableSource("source_unreadable", subject=path, reason=str(error)) from error
        terrain = _terrain(grid, context)
        known = terrain.heights[np.isfinite(terrain.heights)]
        if not known.size:
            raise UnreadableSource("raster_no_heights", subject=path)
        return Imported(kind=self.name, terrain=terrain, crs=crs, issues=issues, details=_details(terrain, known))


@dataclass(frozen=True)
class _Grid:
    """Heights (r, c) [m], NaN where unknown, the affine map (3, 3) from column, row to the raster's coordinates, and their system."""

    heights: NDArray[np.float64]
    affine: NDArray[np.float64]
    crs: str
    cell_m: float  # edge of a cell on the ground
    rim: NDArray[np.float64]  # (n, 2) points along its edge [m, enu]


def _crs(raster: Any, path: Path, context: Context, issues: list[Issue]) -> str:
    stated = understood_crs(raster.crs.to_wkt() if raster.crs else None)
    asked = context.options.crs
    if asked is None and stated is None:
        candidates = ", ".join(crs_candidates(list(raster.bounds), context.park.frame)[:5])
        raise CRSError("crs_missing" if candidates else "crs_missing_unlike", subject=path.name, candidates=candidates)
    if asked is None:
        return str(stated)
    chosen = known_crs(asked)
    if stated is not None and stated != chosen:
        issues.append(Issue("crs_overridden", "warning", path.name, {"stated": stated[:40], "used": chosen[:40]}))
    return chosen


def _check_content(raster: Any, path: Path, context: Context) -> None:
    """Refuse pictures, class maps and what is named as something other than ground; `--kind terrain` overrules the last two."""
    if raster.count > 1:
        raise UnreadableSource("raster_bands", subject=path, bands=raster.count)
    if raster.colorinterp[0] == ColorInterp.palette or raster.dtypes[0] == "uint8":
        raise UnreadableSource("raster_picture", subject=path)
    if context.options.kind == "terrain":
        return
    words = set(re.split(r"[_\W\d]+", normal(path.stem)))
    if words & _NOT_GROUND and not words & _GROUND:
        raise UnreadableSource("raster_not_ground", subject=path, word=min(words & _NOT_GROUND))
    shape = (min(raster.height, 1000), min(raster.width, 1000))
    sample = raster.read(1, out_shape=shape, masked=True, resampling=Resampling.nearest).compressed()
    values = np.unique(sample[np.isfinite(sample)])
    if 1 < len(values) <= _FEW_CLASSES and np.all(values == np.round(values)) and sample.size > 10 * _FEW_CLASSES:
        raise UnreadableSource("raster_classes", subject=path, count=len(values))


def _read(raster: Any, crs: str, path: Path, context: Context, issues: list[Issue]) -> _Grid:
    """The heights of the part near the park, averaged where the cells are finer than the grid will be."""
    frame = context.park.frame
    cell = _cell_size(raster, crs, frame)
    origin = _origin_cell(raster, crs, frame)
    window = _window(raster, origin, cell)
    if (window.width, window.height) != (raster.width, raster.height):
        issues.append(Issue("terrain_clipped", "info", path.name, {"km": round(REACH_M / 1000)}))
    wanted = max(LEAST_STEP_M, cell, cell * float(np.sqrt(window.width * window.height / MOST_NODES)))
    shrink = max(1.0, wanted / cell)
    shape = (max(2, round(window.height / shrink)), max(2, round(window.width / shrink)))
    values = raster.read(
        1, window=window, out_shape=shape, masked=True, resampling=Resampling.average if shrink > 1.0 else Resampling.nearest
    )
    heights = values.astype(float).filled(np.nan) * raster.scales[0] + raster.offsets[0]
    heights = _in_metres(heights, raster, path, issues)
    affine = _affine(raster) @ np.array(
        [[window.width / shape[1], 0, window.col_off], [0, window.height / shape[0], window.row_off], [0, 0, 1.0]]
    )
    rim = _rim(affine, shape, crs, frame)
    _check_near(rim, origin is not None, path)
    return _Grid(_plausible(heights, path, issues), affine, crs, cell * shrink, rim[:, :2])


def _in_metres(heights: NDArray[np.float64], raster: Any, path: Path, issues: list[Issue]) -> NDArray[np.float64]:
    unit = (raster.units[0] or "").casefold()
    if unit not in _FEET:
        return heights
    issues.append(Issue("heights_in_feet", "info", path.name, {"unit": unit}))
    return heights * _FEET[unit]


def _plausible(heights: NDArray[np.float64], path: Path, issues: list[Issue]) -> NDArray[np.float64]:
    odd = np.isfinite(heights) & ((heights < PLAUSIBLE_M[0]) | (heights > PLAUSIBLE_M[1]))
    if odd.any():
        issues.append(Issue("heights_implausible", "warning", path.name, {"count": int(odd.sum()), "value": f"{heights[odd][0]:g}"}))
    return np.where(odd, np.nan, heights)


def _cell_size(raster: Any, crs: str, frame: Frame) -> float:
    """The edge of a cell at the raster's centre, on the ground. [m]"""
    row, column = raster.height / 2, raster.width / 2
    pixels = np.array([[column, row], [column + 1, row], [column, row + 1]])
    enu = frame.to_enu(_lonlat(_mapped(_affine(raster), pixels), crs))
    edges = np.linalg.norm(enu[1:] - enu[0], axis=1)
    return float(np.sqrt(edges[0] * edges[1]))


def _origin_cell(raster: Any, crs: str, frame: Frame) -> tuple[float, float] | None:
    """Column and row of the park's origin; None where the raster does not hold it."""
    origin = _from_lonlat(np.array([[frame.lon_deg, frame.lat_deg]]), crs)
    column, row = _mapped(_inverse(_affine(raster)), origin)[0].tolist()
    return (column, row) if 0 <= column <= raster.width and 0 <= row <= raster.height else None


def _window(raster: Any, origin: tuple[float, float] | None, cell: float) -> Window:
    """The cells within reach of the origin; all of them where the raster does not hold the origin."""
    if origin is None:
        return _window_of(0, 0, raster.width, raster.height)
    (column, row), reach = origin, REACH_M / cell
    left, top = max(0, int(column - reach)), max(0, int(row - reach))
    right, bottom = min(raster.width, int(column + reach) + 1), min(raster.height, int(row + reach) + 1)
    return _window_of(left, top, right - left, bottom - top)


def _rim(affine: NDArray[np.float64], shape: tuple[int, int], crs: str, frame: Frame) -> NDArray[np.float64]:
    """Points along the rim of the grid (n, 3). [m, enu]"""
    rows, columns = shape
    along = np.linspace(0, 1, 33)
    rim = np.concatenate([np.column_stack([along * columns, np.full(33, edge)]) for edge in (0, rows)])
    rim = np.concatenate([rim, *(np.column_stack([np.full(33, edge), along * rows]) for edge in (0, columns))])
    return frame.to_enu(_lonlat(_mapped(affine, rim), crs))


def _check_near(rim: NDArray[np.float64], holds_origin: bool, path: Path) -> None:
    """Refuse a raster far from the park: it would take the place of the ground that is there."""
    nearest = float(np.linalg.norm(rim, axis=1).min())
    if not holds_origin and nearest > NEAR_M:
        raise UnreadableSource("raster_far", subject=path, km=round(nearest / 1000))


def _terrain(grid: _Grid, context: Context) -> Terrain:
    """The grid of the park's metres that covers the raster, each node with the raster's value at its place."""
    step = max(LEAST_STEP_M, float(np.round(grid.cell_m, 1) if grid.cell_m < 10 else np.round(grid.cell_m)))
    low = np.ceil(grid.rim.min(0) / step) * step
    high = np.floor(grid.rim.max(0) / step) * step
    columns, rows = (np.maximum(np.round((high - low) / step), 1).astype(int) + 1).tolist()
    x, y = np.meshgrid(low[0] + step * np.arange(columns), low[1] + step * np.arange(rows))  # (rows, columns)
    mean = float(np.nanmean(grid.heights)) if np.isfinite(grid.heights).any() else 0.0
    heights = np.concatenate(
        [_sampled(grid, _ground(context.park.frame, part, mean)) for part in _parts(np.column_stack([x.ravel(), y.ravel()]))]
    )
    return Terrain(float(low[0]), float(low[1]), step, heights.reshape(rows, columns).astype(np.float32))


def _parts(points: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    return np.array_split(points, max(1, len(points) // 500_000))


def _ground(frame: Frame, xy: NDArray[np.float64], height_m: float) -> NDArray[np.float64]:
    """Longitude, latitude (n, 2) of the ground under points of the tangent plane: down by the Earth's curvature, to the mean height."""
    z = np.full(len(xy), height_m - frame.h_m)
    for _ in range(2):
        z += height_m - frame.to_lonlat(np.column_stack([xy, z]))[:, 2]
    return frame.to_lonlat(np.column_stack([xy, z]))[:, :2]


def _sampled(grid: _Grid, lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bilinear heights (n,) at points (n, 2); unknown neighbours do not count, but an unknown nearest cell or the outside is NaN."""
    column, row = _mapped(_inverse(grid.affine), _from_lonlat(lonlat, grid.crs)).T
    rows, columns = grid.heights.shape
    inside = (column >= 0) & (column <= columns) & (row >= 0) & (row <= rows)
    u, v = np.clip(column - 0.5, 0, columns - 1), np.clip(row - 0.5, 0, rows - 1)  # cell centres
    j, i = np.minimum(u.astype(int), columns - 2), np.minimum(v.astype(int), rows - 2)
    s, t = u - j, v - i
    total = np.zeros(len(u))
    weight = np.zeros(len(u))
    for di, dj, share in ((0, 0, (1 - s) * (1 - t)), (0, 1, s * (1 - t)), (1, 0, (1 - s) * t), (1, 1, s * t)):
        value = grid.heights[i + di, j + dj]
        known = np.isfinite(value)
        total += np.where(known, share * value, 0.0)
        weight += np.where(known, share, 0.0)
    nearest = grid.heights[np.round(v).astype(int), np.round(u).astype(int)]
    good = inside & np.isfinite(nearest) & (weight > 0)
    return np.where(good, total / np.where(weight > 0, weight, 1.0), np.nan)


def _lonlat(points: NDArray[np.float64], crs: str) -> NDArray[np.float64]:
    return to_lonlat(points, crs)[:, :2]


def _affine(raster: Any) -> NDArray[np.float64]:
    return np.array(raster.transform, float).reshape(3, 3)


def _inverse(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linalg.inv(affine).astype(np.float64)


def _window_of(left: int, top: int, width: int, height: int) -> Window:
    make: Any = Window  # an attrs class whose constructor the type checker does not see
    return make(left, top, width, height)


def _mapped(affine: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ affine[:2, :2].T + affine[:2, 2]


def _from_lonlat(lonlat: NDArray[np.float64], crs: str) -> NDArray[np.float64]:
    """The raster's x and y of longitude and latitude, which `twin.crs` has no word for; GDAL's own transformation goes both ways."""
    x, y, *_ = warp_points(CRS.from_epsg(4326), CRS.from_user_input(crs), lonlat[:, 0], lonlat[:, 1])
    return np.column_stack([x, y])


def _details(terrain: Terrain, known: NDArray[np.float32]) -> Mapping[str, Any]:
    rows, columns = terrain.heights.shape
    return {
        "rows": rows,
        "columns": columns,
        "step_m": terrain.step_m,
        "known": round(known.size / terrain.heights.size, 4),
        "lowest_m": round(float(known.min()), 2),
        "highest_m": round(float(known.max()), 2),
    }


IMPORTER = RasterImporter()
