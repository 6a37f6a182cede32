"""A table of control points read, and the fit made of it told: `--control points.csv`.

Columns: `name`, `x`, `y`, `z` in the file's own grid; `lon`, `lat`, `h` on Earth, or `x2`, `y2`, `h` in a system that a column `crs` or
`--crs` names. Longitude and latitude are in the datum `--datum` says; `h` is in the park's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from importers.contract import Context, Options
from importers.tables import Table, read_csv
from importers.values import is_missing, number
from importers.vocabulary import normal
from importers.workbook import looks_like_workbook, read_workbook
from twin.control import ControlPoints, LocalGrid, fit
from twin.crs import bd09_to_wgs84, gcj02_to_wgs84, known_crs, to_lonlat
from twin.errors import CRSError, UnreadableSource
from twin.model import Issue

FAR_M = 50_000.0
# our column -> how tables head it; the first that is there counts
_HEADERS: Mapping[str, Sequence[str]] = {
    "name": ("name", "id", "point", "点名", "点号", "编号", "名称", "控制点"),
    "x": ("x", "x1", "local_x", "x_local", "source_x", "x坐标", "施工x", "横坐标", "东坐标"),
    "y": ("y", "y1", "local_y", "y_local", "source_y", "y坐标", "施工y", "纵坐标", "北坐标"),
    "z": ("z", "z1", "local_z", "z_local", "source_z", "施工标高", "相对标高", "标高"),
    "lon": ("lon", "lng", "long", "longitude", "经度", "东经"),
    "lat": ("lat", "latitude", "纬度", "北纬"),
    "x2": ("x2", "target_x", "x_target", "easting", "east", "e", "目标x", "大地x", "东坐标2"),
    "y2": ("y2", "target_y", "y_target", "northing", "north", "n", "目标y", "大地y", "北坐标2"),
    "h": ("h", "h2", "z2", "target_z", "height", "elevation", "高程", "大地高", "正常高", "绝对标高"),
    "crs": ("crs", "epsg", "srs", "坐标系"),
}
_SHIFTS = {"gcj02": gcj02_to_wgs84, "bd09": bd09_to_wgs84}


def local_grid(context: Context) -> LocalGrid | None:
    """The grid that `--control` describes; None where the option was not given.

    Raises
    ------
    SourceError
        If the table cannot be read or its points cannot be trusted.
    """
    options = context.options
    if options.control is None:
        return None
    points, _ = _points_of(options.control, _stamp(options.control), options)
    far = float(np.linalg.norm(context.park.frame.to_enu(points.lonlat)[:, :2], axis=1).min()) if len(points) else 0.0
    if far > FAR_M:
        raise CRSError("control_far", subject=options.control, km=round(far / 1000))
    return fit(points, h_m=context.park.frame.h_m, is_confirmed=options.is_confirmed)


def remarks(source: str, grid: LocalGrid, options: Options) -> list[Issue]:
    """What a person should know of a fit: how good, what is suspicious, what could not be checked."""
    scale = grid.similarity.scale
    said = {"count": len(grid.points), "parameters": 7 if grid.kind == "space" else 4, "rms": f"{grid.rms_m:.3f}", "scale": f"{scale:.8g}"}
    issues = [Issue("control_fitted", "info", source, said | {"turn": f"{grid.turn_deg:.4f}"})]
    if options.control is not None:
        issues += _points_of(options.control, _stamp(options.control), options)[1]
    if grid.redundancy < 1:
        issues.append(Issue("control_unchecked", "warning", source, {"count": len(grid.points)}))
    if grid.suspect is not None:
        about = {"misses": f"{grid.suspect.misses_m:.3f}", "sigma": f"{grid.suspect.others_sigma_m:.3f}"}
        issues.append(Issue("control_suspect", "warning", source, {"name": grid.suspect.name, **about}))
    if grid.unit is None:
        issues.append(Issue("control_scale_odd", "warning", source, {"scale": f"{scale:.6g}"}))
    return issues


def _stamp(path: str) -> int:
    """When the table was last written, so that a table read once is read again after a change."""
    try:
        return Path(path).stat().st_mtime_ns
    except OSError as error:
        raise UnreadableSource("source_missing", subject=path) from error


@lru_cache(maxsize=8)
def _cached_rows(path: str, stamp: int) -> Table:  # noqa: ARG001  the stamp makes a changed table another one
    table = Path(path)
    return read_workbook(table)[0] if looks_like_workbook(table) else read_csv(table, None)


def _points_of(path: str, stamp: int, options: Options) -> tuple[ControlPoints, list[Issue]]:
    table = _cached_rows(path, stamp)
    columns = _columns(table)
    on_earth = "lon" if {"lon", "lat"} <= set(columns) else "x2" if {"x2", "y2"} <= set(columns) else None
    if not {"x", "y"} <= set(columns) or on_earth is None:
        raise CRSError("control_columns", subject=path, columns=", ".join(table.columns))
    count = len(table)
    values = {name: np.array([_number(value) for value in columns[name]]) for name in columns if name not in {"name", "crs"}}
    unknown = np.full(count, np.nan)
    pair = (values["lon"], values["lat"]) if on_earth == "lon" else (values["x2"], values["y2"])
    numbers = np.column_stack([values["x"], values["y"], *pair])
    good = np.isfinite(numbers).all(axis=1)
    names = [str(columns["name"][i]) if "name" in columns and not is_missing(columns["name"][i]) else str(i + 1) for i in range(count)]
    issues = [Issue("control_row_left_out", "warning", f"{Path(path).name}/{names[i]}") for i in np.flatnonzero(~good).tolist()]
    local = np.column_stack([numbers[:, :2], values.get("z", unknown)])[good]
    lonlat = _lonlat(numbers[good, 2:], on_earth, [_row_crs(columns, i) for i in np.flatnonzero(good).tolist()], path, options)
    return ControlPoints([names[i] for i in np.flatnonzero(good).tolist()], local, lonlat, values.get("h", unknown)[good]), issues


def _columns(table: Table) -> dict[str, Sequence[Any]]:
    """The table's columns by our names, filled ones only."""
    heads = {normal(name): name for name in table.columns if any(not is_missing(value) for value in table.columns[name])}
    found = {ours: next((heads[normal(word)] for word in words if normal(word) in heads), None) for ours, words in _HEADERS.items()}
    return {ours: table.columns[name] for ours, name in found.items() if name is not None}


def _lonlat(pairs: NDArray[np.float64], kind: str, systems: Sequence[str | None], path: str, options: Options) -> NDArray[np.float64]:
    """Longitude and latitude (n, 2) [deg] of the known side of the points."""
    if kind == "lon":
        if len(pairs) and (np.abs(pairs[:, 1]).max() > 90 or np.abs(pairs[:, 0]).max() > 180):
            raise CRSError("coordinates_swapped", subject=path, crs="EPSG:4326", point=f"{pairs[0, 0]:g}, {pairs[0, 1]:g}")
        shift = _SHIFTS.get(options.datum)
        return pairs if shift is None else shift(pairs)
    out = np.empty_like(pairs)
    for i, stated in enumerate(systems):
        crs = stated or options.crs
        if crs is None:
            raise CRSError("control_no_crs", subject=path)
        out[i] = to_lonlat(pairs[[i]], known_crs(crs))[0, :2]
    return out


def _row_crs(columns: Mapping[str, Sequence[Any]], i: int) -> str | None:
    said = columns.get("crs", ())
    if not len(said) or is_missing(said[i]):
        return None
    return str(int(said[i]) if isinstance(said[i], float) else said[i]).strip()


def _number(value: Any) -> float:
    """A cell as a number; NaN where it is none."""
    try:
        found = number(value, "m")
    except ValueError:
        return float("nan")
    return float("nan") if found is None else found
