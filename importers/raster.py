"""Elevation rasters (GeoTIFF, ASCII and XYZ grids, SRTM tiles and what else GDAL reads) onto a grid of the park's metres.

What a raster holds is read from its bands, its values and the words in its name: the ground, the surface with roofs and trees, or heights
of trees above the ground, which are put on it. Pictures, slopes and maps of classes are refused. Each node of the grid takes the bilinear
value of the raster at its place.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import RasterioError, RasterioIOError

from importers.contract import Context, Imported
from importers.ground import UNITS_M, height_rule, remarks, summary, wanted_role
from importers.heightgrid import HeightGrid, carrier, known, mapped, nodes_over, sampled, terrain_on
from importers.heights import Heights as Rule
from importers.heights import heights
from importers.isolated import alone
from importers.placing import Frameless, chosen_crs
from importers.rasterfile import Told, affine_of, data_bands, driver_of, opened, read_heights, stated_crs
from importers.vocabulary import normal
from importers.xyz import has_header, looks_regular, read_nodes
from twin.errors import UnreadableSource, UsageError
from twin.model import Issue, Terrain
from twin.terrain import height_at

Meaning = Literal["ground", "surface", "above"]

_FEW_CLASSES = 32  # so few different whole numbers are classes, not heights, unless neighbours differ by little
_NO_TREE_M = 0.01
_SURENESS = {"PNG": 60, "JPEG": 60, "JP2OpenJPEG": 60, "HFA": 60, "AAIGrid": 95, "USGSDEM": 40}
_NAMED = {".hgt", ".bil", ".bip", ".bsq", ".flt"}  # named as a raster, but without the header or the size of one
# words in a file's name or its band's, in the languages such files are named in; Chinese and Japanese ones also inside longer words
_GROUND = {"dem", "dtm", "dgm", "mnt", "mdt", "terrain", "ground", "bareearth", "地形", "地面", "高程", "標高"}
_SURFACE = {"dsm", "dom", "mns", "mds", "surface", "cdsm", "地表", "表面"}
_ABOVE = {"ndsm", "chm", "cdsm", "canopy", "mnh", "冠层", "树高", "植被高"}
_NEITHER = {
    "landcover", "landuse", "lulc", "slope", "aspect", "hillshade", "shade", "ortho", "orthophoto", "ndvi", "intensity", "density",
    "坡度", "坡向", "晕渲", "正射", "影像", "土地", "分类",
}  # fmt: skip


@dataclass(frozen=True)
class RasterImporter:
    """Elevation rasters."""

    name: str = "raster"

    def recognises(self, path: Path, head: bytes) -> int:
        """How sure it is that the file is a raster, of whatever content: pictures are known so that they can be refused."""
        suffix, driver = path.suffix.lower(), driver_of(path, head)
        if driver is not None:
            return _SURENESS.get(driver, 90)
        if looks_regular(head):
            return 92 if suffix == ".xyz" else 30 if has_header(head) else 85
        return 60 if suffix == ".xyz" else 50 if suffix in _NAMED else 0

    def read(self, path: Path, context: Context) -> Imported:
        """The terrain of a raster; raises SourceError."""
        if context.options.datum != "wgs84":
            raise UsageError("datum_not_for_rasters", subject=context.options.datum)
        return alone(lambda progress: self._read(path, replace(context, progress=progress)), path, progress=context.progress)

    def _read(self, path: Path, context: Context) -> Imported:
        issues: list[Issue] = []
        try:
            with _as_gdal(path, context.scratch) as file:
                with opened(file) as raster:
                    crs, stated = _crs(raster, path, context, issues), stated_crs(raster)
                    band = _band(raster, path, context)
                    meaning = _meaning(raster, band, path, context)
                    unit = UNITS_M.get((raster.units[band - 1] or "").strip().casefold())
                rule = (
                    heights(path.name, None, context, unit_m=unit)
                    if meaning == "above"
                    else height_rule(path.name, crs, stated, context, issues, unit)
                )
                grid = read_heights(file, band, crs, rule.way.unit_m, Told(context.park.frame, path.name, issues, meaning != "above"))
        except (RasterioIOError, RasterioError) as error:
            raise UnreadableSource("source_unreadable", subject=path, reason=str(error).replace(str(path), path.name)) from error
        terrain = _trees(grid, rule, path, context) if meaning == "above" else terrain_on(grid, meaning, rule, path, context)
        issues += remarks(terrain, rule, context)
        return Imported(
            kind=self.name, terrain=terrain, crs=crs, height_datum=rule.datum, height_offset_m=rule.offset_m, issues=issues,
            details={**summary(terrain), "heights": rule.details},
        )  # fmt: skip


@contextmanager
def _as_gdal(path: Path, within: Path | None) -> Generator[Path]:
    """The file for GDAL: itself, or a picture of the grid that a text of points is."""
    with path.open("rb") as stream:
        head = stream.read(65_536)
    if driver_of(path, head) is not None or (path.suffix.lower() != ".xyz" and not looks_regular(head)):
        yield path
        return
    nodes = read_nodes(path)
    rows, columns = nodes.heights.shape
    corner = Affine(nodes.dx, 0, nodes.west - nodes.dx / 2, 0, -nodes.dy, nodes.north + nodes.dy / 2)
    with tempfile.TemporaryDirectory(prefix="twin-", dir=within) as folder:
        file = Path(folder) / "grid.tif"
        size: dict[str, Any] = {"height": rows, "width": columns, "count": 1, "dtype": "float32"}
        with rasterio.open(file, "w", driver="GTiff", transform=corner, nodata=np.nan, **size) as out:
            out.write(nodes.heights, 1)
        yield file


def _crs(raster: Any, path: Path, context: Context, issues: list[Issue]) -> str:
    """The system of the raster's coordinates: the person's word, else its own; ranked guesses where there is neither."""
    corners = mapped(affine_of(raster), np.array([[0, 0], [raster.width, 0], [raster.width, raster.height], [0, raster.height]], float))
    outline = np.array([shapely.Polygon(corners)], object)
    return chosen_crs(Frameless(outline, [path.name], path.name, stated_crs(raster)), outline, context, issues)


def _band(raster: Any, path: Path, context: Context) -> int:
    """The number of the band that holds the heights; `--layer` says which of several, by number or description."""
    bands, asked = data_bands(raster), context.options.layer
    if asked is not None:
        names = {str(band): band for band in bands} | {str(raster.descriptions[band - 1]): band for band in bands}
        if asked not in names:
            raise UnreadableSource(
                "raster_band_missing", subject=path, band=asked, known=", ".join(name for name in names if name != "None")
            )
        return names[asked]
    if len(bands) == 1:
        return bands[0]
    if raster.dtypes[0] == "uint8" and len(bands) in {3, 4}:
        raise UnreadableSource("raster_picture", subject=path)
    raise UnreadableSource("raster_bands", subject=path, bands=len(bands))


def _meaning(raster: Any, band: int, path: Path, context: Context) -> Meaning:
    """What the heights are of; raises UnreadableSource where they are none. What the person says overrules all but colours."""
    forced = wanted_role(context)
    dtype = raster.dtypes[band - 1]
    if raster.colorinterp[band - 1] == ColorInterp.palette or dtype.startswith("complex") or (dtype == "uint8" and forced is None):
        raise UnreadableSource("raster_picture", subject=path)
    if forced is not None:
        return "surface" if forced == "surface" else "ground"
    words = f"{path.stem} {raster.descriptions[band - 1] or ''}"
    if found := _words(words, _NEITHER):
        raise UnreadableSource("raster_not_ground", subject=path, word=min(found))
    sample = _sample(raster, band)
    if above := _words(words, _ABOVE):
        return "surface" if above == {"cdsm"} and np.mean(sample == 0) < 0.1 else "above"  # a canopy model may count from the sea, too
    if _words(words, _SURFACE):
        return "surface"
    if not _words(words, _GROUND) and raster.driver != "SRTMHGT" and (count := _classes(raster, band, sample)):
        raise UnreadableSource("raster_classes", subject=path, count=count)
    return "ground"


def _words(name: str, known: set[str]) -> set[str]:
    """Which known words are in a name: whole ones between signs and digits, Chinese ones anywhere."""
    name = normal(name)
    return known & set(re.split(r"[_\W\d]+", name)) | {word for word in known if not word.isascii() and word in name}


def _sample(raster: Any, band: int) -> NDArray[np.float64]:
    shape = (min(raster.height, 1000), min(raster.width, 1000))
    values = raster.read(band, out_shape=shape, masked=True, resampling=Resampling.nearest).compressed().astype(np.float64)
    return values[np.isfinite(values)]


def _classes(raster: Any, band: int, sample: NDArray[np.float64]) -> int:
    """How many classes the values are; 0 where they are heights: fractions, many values, or neighbours that differ by a step at most."""
    values = np.unique(sample)
    if not 1 < len(values) <= _FEW_CLASSES or np.any(values != np.round(values)) or sample.size <= 10 * _FEW_CLASSES:
        return 0
    height, width = min(raster.height, 1000), min(raster.width, 1000)
    part = raster.read(band, window=((0, height), (0, width)), masked=True).astype(np.float64).filled(np.nan)
    steps = np.abs(np.concatenate([np.diff(part, axis=0).ravel(), np.diff(part, axis=1).ravel()]))
    steps = steps[steps > 0]
    is_smooth = len(values) > 5 and steps.size > 0 and np.mean(steps <= 2) > 0.9
    return 0 if is_smooth else len(values)


def _trees(grid: HeightGrid, rule: Rule, path: Path, context: Context) -> Terrain:
    """The surface of trees whose heights count from the ground; unknown where there are none."""
    ground = context.terrain
    if ground is None:
        raise UnreadableSource("raster_above_nothing", subject=path)
    nodes = nodes_over(grid, path, context.park.frame)
    carry = carrier(nodes, context.park.frame, float(np.nanmean(ground.heights, dtype=float)), grid.crs)
    parts: list[NDArray[np.float64]] = []
    for xy in nodes.parts():
        tall = sampled(grid, carry(xy)) * rule.way.unit_m
        parts.append(np.where(tall > _NO_TREE_M, tall, np.nan) + height_at(ground, xy))
    return known(nodes.terrain(np.concatenate(parts), "surface"), path)


IMPORTER = RasterImporter()
