"""One band of a raster as heights, near the park and no finer than its grid will be.

Cells are averaged where they are finer than the grid; unknown ones have no share, whether the file declares them or only hides a value
that cannot be a height. A file with overviews is read from the one that is fine enough.
"""

from __future__ import annotations

import glob
import re
import warnings
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_gcps
from rasterio.windows import Window

from importers.ground import LEAST_STEP_M, MOST_NODES, PLAUSIBLE_M, REACH_M, ring
from importers.heightgrid import HeightGrid, cell_size, height_grid, mapped
from twin.crs import Frame, from_lonlat, horizontal
from twin.errors import UnreadableSource
from twin.model import Issue

# how a file of each of GDAL's drivers begins; none that names other files or addresses
_STARTS = {
    b"II*\x00": "GTiff", b"MM\x00*": "GTiff", b"II+\x00": "GTiff", b"MM\x00+": "GTiff", b"UHL1": "DTED", b"DSAA": "GSAG", b"DSBB": "GSBG",
    b"DSRB": "GS7BG", b"binterr": "BT", b"EHFA_HEADER_TAG": "HFA", b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG",
    b"\x00\x00\x00\x0cjP  ": "JP2OpenJPEG",
}  # fmt: skip
_TEXTS = {
    "AAIGrid": re.compile(rb"\s*(ncols|nrows|xll(corner|center)|cellsize)\s+\S", re.IGNORECASE),
    "GRASSASCIIGrid": re.compile(rb"\s*north:\s*\S+\s+south:", re.IGNORECASE),
}
_HGT_BYTES = {2 * 1201 * 1201, 2 * 3601 * 3601, 2 * 3601 * 1801}
_RAW = {".bil", ".bip", ".bsq", ".flt"}
_STRIP_CELLS = 8_000_000  # read at a time
_MANY_CELLS = 50_000_000  # so many are worth an overview
_CLIFF_M = 3.0  # zeros that stand so far below what is around them are no sea
_FEW_ZEROS = 50


def driver_of(path: Path, head: bytes) -> str | None:
    """GDAL's name for what a file is by its first bytes, or by its size and the header beside it; None where it is no raster."""
    started = next((driver for start, driver in _STARTS.items() if head.startswith(start)), None)
    written = next((driver for driver, pattern in _TEXTS.items() if pattern.match(head)), None)
    suffix = path.suffix.lower()
    if started or written:
        return started or written
    if suffix == ".hgt":
        return "SRTMHGT" if path.stat().st_size in _HGT_BYTES else None
    header = next((each for each in path.parent.glob(f"{glob.escape(path.stem)}.*") if each.suffix.lower() == ".hdr"), None)
    if suffix in _RAW and header is not None:
        return "ENVI" if header.read_bytes()[:4] == b"ENVI" else "EHdr"
    return "USGSDEM" if suffix == ".dem" else None


@dataclass(frozen=True)
class Told:
    """For whom a raster is read: the park's frame, the name of the source, and the list of its issues."""

    frame: Frame
    source: str
    issues: list[Issue]
    zero_is_height: bool = True  # not where heights count from the ground: most of it carries no tree


@contextmanager
def opened(path: Path, **options: Any) -> Generator[Any]:
    """The raster, open; that it has no place on Earth is said by our own words."""
    with warnings.catch_warnings(), rasterio.Env(GTIFF_REPORT_COMPD_CS=True):  # what heights count from is wanted of old files too
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with path.open("rb") as stream:
            driver = driver_of(path, stream.read(4096))
        with rasterio.open(path, driver=driver or "GTiff", **options) as raster:
            yield raster


def affine_of(raster: Any) -> NDArray[np.float64]:
    """The map (3, 3) from column, row to the raster's coordinates, fitted to its ground control points where it has only these."""
    points, _ = raster.gcps
    transform = from_gcps(points) if points and raster.transform.is_identity else raster.transform
    return np.array(transform, float).reshape(3, 3)


def stated_crs(raster: Any) -> str | None:
    """The coordinate system the raster states, of itself or of its ground control points, as WKT."""
    crs = raster.crs or raster.gcps[1]
    return crs.to_wkt() if crs else None


def data_bands(raster: Any) -> list[int]:
    """The numbers of the bands that hold something else than transparency."""
    return [number for number, meaning in zip(raster.indexes, raster.colorinterp, strict=True) if meaning != ColorInterp.alpha]


def read_heights(file: Path, band: int, crs: str, unit_m: float, told: Told) -> HeightGrid:
    """The heights of the part near the park.

    Parameters
    ----------
    file, band
        The file and the number of its band.
    crs
        The system of its coordinates, as `known_crs` writes it.
    unit_m
        Length of the unit of its heights. [m]
    told
        The park's frame, and who is told of what was cut off and of values that are no heights.

    Raises
    ------
    UnreadableSource
        If it has no place.
    """
    flat = horizontal(crs)
    with opened(file) as raster:
        if min(raster.width, raster.height) < 1 or abs(np.linalg.det(affine_of(raster)[:2, :2])) < 1e-18:
            raise UnreadableSource("raster_not_placed", subject=told.source)
        level = _overview(raster, flat, told.frame)
        if level is None:
            return _heights(raster, band, flat, unit_m, told)
    with opened(file, overview_level=level) as raster:
        return _heights(raster, band, flat, unit_m, told)


def _overview(raster: Any, crs: str, frame: Frame) -> int | None:
    """The overview that is as fine as the grid will be, where the raster has one and reading all cells would take long."""
    window, k = _part(raster, crs, frame)
    factors = raster.overviews(1)
    fitting = [level for level, factor in enumerate(factors) if factor <= k]
    return fitting[-1] if fitting and window.width * window.height > _MANY_CELLS else None


def _heights(raster: Any, band: int, crs: str, unit_m: float, told: Told) -> HeightGrid:
    window, k = _part(raster, crs, told.frame)
    if (window.width, window.height) != (raster.width, raster.height):
        told.issues.append(Issue("terrain_clipped", "info", told.source, {"km": round(REACH_M / 1000)}))
    strange: Counter[float] = Counter()
    values = np.concatenate([_averaged(_known(strip, unit_m, strange), k) for strip in _strips(raster, band, window, k)])
    if strange:
        (value, _), count = strange.most_common(1)[0], sum(strange.values())
        told.issues.append(Issue("heights_implausible", "warning", told.source, {"count": count, "value": f"{value:g}"}))
    if told.zero_is_height:
        _note_zeros(values, unit_m, told)
    affine = affine_of(raster) @ np.array([[k, 0, window.col_off], [0, k, window.row_off], [0, 0, 1.0]])
    return height_grid(values, affine, crs, told.frame, (window.height / k, window.width / k))


def _part(raster: Any, crs: str, frame: Frame) -> tuple[Any, int]:
    """The cells within reach of the park (all, where none is), and how many along an edge are averaged to one."""
    cells = mapped(np.linalg.inv(affine_of(raster)).astype(np.float64), from_lonlat(ring(frame), crs))
    cells = cells[np.isfinite(cells).all(axis=1)]
    size = np.array([raster.width, raster.height])
    low = np.clip(np.floor(cells.min(0)), 0, size).astype(int) if len(cells) else np.zeros(2, int)
    high = np.clip(np.ceil(cells.max(0)), 0, size).astype(int) if len(cells) else size
    if np.any(high <= low):
        low, high = np.zeros(2, int), size
    (left, top), (width, height) = low.tolist(), (high - low).tolist()
    cell = cell_size(affine_of(raster), (raster.height, raster.width), crs, frame)
    wanted = max(LEAST_STEP_M, cell * float(np.sqrt(width * height / MOST_NODES)))
    return _window_of(left, top, width, height), max(1, int(np.ceil(np.round(wanted / cell, 3))))


def _strips(raster: Any, band: int, window: Any, k: int) -> Generator[NDArray[np.float64]]:
    """The window's rows from the top, a multiple of `k` at a time; NaN where the file says that nothing is known."""
    scale, offset = raster.scales[band - 1], raster.offsets[band - 1]
    high = k * max(1, _STRIP_CELLS // (window.width * k))
    for top in range(0, window.height, high):
        strip = _window_of(window.col_off, window.row_off + top, window.width, min(high, window.height - top))
        yield raster.read(band, window=strip, masked=True).astype(np.float64).filled(np.nan) * scale + offset


def _known(values: NDArray[np.float64], unit_m: float, strange: Counter[float]) -> NDArray[np.float64]:
    """The values with what cannot be a height unknown (NaN) and counted."""
    odd = np.isinf(values) | (values * unit_m < PLAUSIBLE_M[0]) | (values * unit_m > PLAUSIBLE_M[1])
    if odd.any():
        strange.update(dict(zip(*(each.tolist() for each in np.unique(values[odd], return_counts=True)), strict=True)))
    return np.where(odd, np.nan, values)


def _averaged(values: NDArray[np.float64], k: int) -> NDArray[np.float32]:
    """Means of blocks of k by k cells, of what is known in them; the last row and column of blocks may be incomplete."""
    if k == 1:
        return values.astype(np.float32)
    rows, columns = values.shape
    whole = np.pad(values, ((0, -rows % k), (0, -columns % k)), constant_values=np.nan)
    blocks = whole.reshape(whole.shape[0] // k, k, whole.shape[1] // k, k)
    counts = np.isfinite(blocks).sum(axis=(1, 3))
    return (np.nansum(blocks, axis=(1, 3)) / np.where(counts, counts, np.nan)).astype(np.float32)


def _note_zeros(values: NDArray[np.float32], unit_m: float, told: Told) -> None:
    """Tell of zeros that end in a cliff: they fill what was not surveyed, and nobody declared them."""
    zero = values == 0
    if zero.sum() < _FEW_ZEROS or zero.all():
        return
    steps = [
        np.abs(a - b)[za ^ zb]
        for a, b, za, zb in (
            (values[1:], values[:-1], zero[1:], zero[:-1]),
            (values[:, 1:], values[:, :-1], zero[:, 1:], zero[:, :-1]),
        )
    ]
    rise = np.concatenate(steps) * unit_m
    rise = rise[np.isfinite(rise)]
    if rise.size and np.median(rise) > _CLIFF_M:
        details = {"count": int(zero.sum()), "metres": round(float(np.median(rise)), 1)}
        told.issues.append(Issue("heights_zero", "warning", told.source, details))


def _window_of(left: int, top: int, width: int, height: int) -> Any:
    make: Any = Window  # an attrs class whose constructor the type checker does not see
    return make(left, top, width, height)
