"""Point clouds (LAS, LAZ, COPC): the ground they cover as a feature, the ground and the surface as terrain, the file kept as it came.

Points classified as ground make the ground; the first returns make the surface with roofs and trees. Without classes there is only the
surface, unless the person says that all points are ground.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from importers.cloudgrid import Cells, add, affine, cells_of, ground_heights, outline, surface_heights, tight_box
from importers.cloudpoints import Carried, keep_points
from importers.contract import Context, Imported, LayerContent, Progress
from importers.ground import LEAST_STEP_M, PLAUSIBLE_M, REACH_M, check_near, height_rule, remarks, ring, summary, wanted_role
from importers.heightgrid import cell_size, height_grid, terrain_on
from importers.heights import Heights
from importers.isolated import alone
from importers.lasfile import Box, Header, is_boxed, read_header, read_points, time_of, true_box
from importers.placing import Frameless, chosen_crs
from twin.crs import from_lonlat, geometry_to_lonlat, horizontal, to_lonlat
from twin.errors import UnreadableSource, UsageError
from twin.i18n import message
from twin.model import FeatureTable, Issue, Layer, Terrain
from twin.points import SUFFIX

LAYER = "point_clouds"
_SPARSE_M = 10.0  # cells so large tell little of the ground
_FEW = 0.001  # so small a share of points beyond the header's box is a remark, not a reason to read again
_LOOSE = 0.25  # a box filled less than this is that of a few lost points
_NAMED_CLASSES = {*range(23)} - {8, 12}  # LAS 1.4 R15, table 17


@dataclass(frozen=True)
class PointCloudImporter:
    """Point clouds."""

    name: str = "pointcloud"

    def recognises(self, path: Path, head: bytes) -> int:
        """How sure it is that the file is a point cloud of the LAS family."""
        return 98 if head.startswith(b"LASF") else 60 if path.suffix.lower() in {".las", ".laz"} else 0

    def read(self, path: Path, context: Context) -> Imported:
        """The cloud's outline, terrain and file; raises SourceError."""
        if context.options.datum != "wgs84":
            raise UsageError("datum_not_for_rasters", subject=context.options.datum)
        return alone(lambda progress: self._read(path, context, progress), path, progress=context.progress)

    def _read(self, path: Path, context: Context, progress: Progress) -> Imported:
        issues: list[Issue] = []
        header = _sound(path, read_header(path), progress, issues)
        crs = _crs(header, path, context, issues)
        rule = height_rule(path.name, crs, header.crs, context, issues)
        cells = _gathered(_Reading(path, header, crs, replace(context, progress=progress)), issues)
        told = _Made(path, crs, rule, context, issues)
        terrains = _terrains(cells, told)
        issues += remarks(terrains[0], rule, context) if terrains else rule.remarks()
        content = _layer(cells, header, told)
        kept = _kept(cells, header, told)
        return Imported(
            kind="point_cloud", layers=[content], terrains=terrains, assets={path.name: path, **kept}, crs=crs, height_datum=rule.datum,
            height_offset_m=rule.offset_m, issues=issues,
            details={**content.table.row(0), "terrains": [summary(each) for each in terrains], "heights": rule.details},
        )  # fmt: skip


@dataclass(frozen=True)
class _Made:
    """What everything made of one cloud goes by."""

    path: Path
    crs: str
    rule: Heights
    context: Context
    issues: list[Issue]


def _crs(header: Header, path: Path, context: Context, issues: list[Issue]) -> str:
    """The system of the cloud's coordinates: the person's word, else its own; ranked guesses where there is neither."""
    (west, south), (east, north) = header.box[:, :2].tolist()
    shapes = np.array([shapely.box(west, south, east, north)], object)
    return chosen_crs(Frameless(shapes, [path.name], path.name, header.crs), shapes, context, issues)


def _sound(path: Path, header: Header, progress: Progress, issues: list[Issue]) -> Header:
    """The header with the extent of the points, where its own is not theirs."""
    if is_boxed(path, header):
        return header
    issues.append(Issue("cloud_header_box", "warning", path.name))
    return replace(header, box=true_box(path, header, progress))


def _gathered(told: _Reading, issues: list[Issue]) -> Cells:
    """The cloud in cells, of the box that its points really fill.

    Where the header's lies, or a few lost points make it far too large for cells of a fitting size, the points are gathered once more.
    """
    low, high = told.header.box[:, :2]
    reach = told.reach()
    near = np.maximum(low, reach[0]), np.minimum(high, reach[1])
    if np.any(near[0] > near[1]):
        told.check_far(low, high)
        near = reach = low, high
    cells = told.gathered(near, reach)
    if cells.strays > _FEW * told.header.count:
        issues.append(Issue("cloud_header_box", "warning", told.path.name))
        box = true_box(told.path, told.header, told.context.progress)[:, :2]
        cells = told.gathered((np.maximum(box[0], reach[0]), np.minimum(box[1], reach[1])), reach)
    if _is_loose(cells, told.least()):
        cells = told.gathered(tight_box(cells), reach)
    if not cells.counts.any():
        raise UnreadableSource("cloud_nothing_near", subject=told.path, km=round(REACH_M / 1000))
    if cells.strays:
        issues.append(Issue("cloud_strays", "warning", told.path.name, {"count": cells.strays}))
    return cells


@dataclass(frozen=True)
class _Reading:
    """One cloud on its way into cells."""

    path: Path
    header: Header
    crs: str
    context: Context

    def reach(self) -> Box:
        """The box of what can belong to the park, in the file's coordinates."""
        points = from_lonlat(ring(self.context.park.frame), self.crs)
        points = points[np.isfinite(points).all(axis=1)]
        return (points.min(0), points.max(0)) if len(points) else (np.full(2, -np.inf), np.full(2, np.inf))

    def least(self) -> NDArray[np.float64]:
        """The edges (2,) of the smallest cell, in the file's unit."""
        frame = self.context.park.frame
        corner = from_lonlat(frame.to_lonlat([[0.0, 0.0], [LEAST_STEP_M, 0.0], [0.0, LEAST_STEP_M]])[:, :2], self.crs)
        return np.linalg.norm(corner[1:] - corner[0], axis=1)

    def gathered(self, box: Box, reach: Box) -> Cells:
        """The points within reach, in cells of the box; those outside it are counted as strays."""
        cells = cells_of(box, self.least(), self.header.count)
        within = np.minimum(reach[0], box[0]), np.maximum(reach[1], box[1])
        for points in read_points(self.path, self.header, within, self.context.progress):
            add(cells, points, is_ground=wanted_role(self.context) == "ground")
        return cells

    def check_far(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
        """Refuse a cloud that cannot belong to the park."""
        corners = np.array([low, [low[0], high[1]], high, [high[0], low[1]]])
        frame = self.context.park.frame
        distance = np.linalg.norm(frame.to_enu(to_lonlat(corners, self.crs)[:, :2]), axis=1).min()
        check_near(self.path, float(distance), (low[0], low[1], high[0], high[1]), frame)


def _is_loose(cells: Cells, least: NDArray[np.float64]) -> bool:
    """Whether cells are larger than they need be because most of their box is empty."""
    low, high = tight_box(cells)
    filled = np.prod(high - low) / np.prod(cells.size * [cells.columns, cells.rows])
    return bool(np.all(cells.size > 1.5 * least) and cells.counts.any() and filled < _LOOSE)


def _terrains(cells: Cells, told: _Made) -> list[Terrain]:
    """The ground and the surface, as far as the points and the person tell."""
    wanted, unit = wanted_role(told.context), told.rule.way.unit_m
    cell_m = _cell_m(cells, told)
    made: list[Terrain] = []
    if wanted != "surface":
        ground = ground_heights(cells, cell_m, unit)
        if ground is None:
            told.issues.append(Issue("cloud_no_ground", "warning", told.path.name))
        else:
            made.append(_terrain(cells, *ground, "ground", told))
    if wanted != "ground":
        made.append(_terrain(cells, *surface_heights(cells, unit), "surface", told))
    if made and made[0].step_m > _SPARSE_M:
        told.issues.append(Issue("cloud_sparse", "warning", told.path.name, {"step": made[0].step_m}))
    return made


def _terrain(cells: Cells, values: NDArray[np.float32], k: int, role: str, told: _Made) -> Terrain:
    grid = height_grid(_plausible(values, told), affine(cells, k), horizontal(told.crs), told.context.park.frame)
    return terrain_on(grid, role, told.rule, told.path, told.context)


def _plausible(values: NDArray[np.float32], told: _Made) -> NDArray[np.float32]:
    metres = values * told.rule.way.unit_m
    return np.where((metres >= PLAUSIBLE_M[0]) & (metres <= PLAUSIBLE_M[1]), values, np.nan).astype(np.float32)


def _cell_m(cells: Cells, told: _Made) -> float:
    return cell_size(affine(cells, 1), (cells.rows, cells.columns), horizontal(told.crs), told.context.park.frame)


def _kept(cells: Cells, header: Header, told: _Made) -> dict[str, Path]:
    """The points in the park's frame, for the tiles to be made of; nothing where there is no place to write."""
    if told.context.scratch is None:
        return {}
    low = np.asarray(cells.low, float)
    box = low, low + cells.size * [cells.columns, cells.rows]
    place = told.context.scratch / f"{told.path.name}{SUFFIX}"
    keep_points(told.path, header, box, Carried(told.crs, told.rule, told.context.park.frame), place, progress=told.context.progress)
    return {place.name: place}


def _layer(cells: Cells, header: Header, told: _Made) -> LayerContent:
    """One feature: the ground the cloud covers, with its numbers."""
    area = outline(cells)
    shape = geometry_to_lonlat(area, horizontal(told.crs))
    inside = int(cells.counts.sum())
    centre = np.array([[*shapely.centroid(shape).coords[0]]])
    low, high = told.rule.to_park(np.repeat(centre, 2, axis=0), cells.z) if np.isfinite(cells.z).all() else (np.nan, np.nan)
    square = float(shapely.area(told.context.park.frame.project(shape)))
    row: dict[str, Any] = {
        "name": told.path.stem, "asset": told.path.name, "points": header.count, "points_per_sqm": float(f"{inside / square:.3g}"),
        "z_min_m": round(float(low), 2), "z_max_m": round(float(high), 2), "has_colour": header.has_colour,
        "classes": _classes(cells, "en"), "classes_zh": _classes(cells, "zh"), "las_version": header.version,
        "point_format": header.point_format, "is_cloud_optimised": header.is_copc,
    }  # fmt: skip
    if np.isfinite(cells.time).all():
        first, last = (time_of(header, seconds) for seconds in cells.time)
        row |= {"gps_from": first or f"{cells.time[0]:.3f}", "gps_to": last or f"{cells.time[1]:.3f}"}
        row |= {"valid_from": last[:10]} if last else {}
    identity = told.context.options.layer or LAYER
    title = message("point_clouds", "en") if identity == LAYER else identity
    layer = Layer(identity, "point_cloud", title, 1, title_zh=message("point_clouds", "zh") if identity == LAYER else "")
    return LayerContent(layer, FeatureTable([told.path.name], np.array([shape], object), {name: [value] for name, value in row.items()}))


def _classes(cells: Cells, lang: str) -> str:
    """How many points each class has, in words; the most frequent first."""
    numbers = sorted(np.flatnonzero(cells.classes).tolist(), key=lambda number: -cells.classes[number])
    names = [message(f"las_class_{number}" if number in _NAMED_CLASSES else "las_class_other", lang) for number in numbers]
    return "; ".join(f"{number} {name}: {cells.classes[number]}" for number, name in zip(numbers, names, strict=True))


IMPORTER = PointCloudImporter()
