"""Panoramas: pictures that say where they were taken, or a table of positions that names its pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from importers.contract import Context, Imported, LayerContent
from importers.panorama.exif import Picture, read_picture
from importers.placing import Frameless, place
from importers.position import said_position
from importers.vector import IMPORTER as VECTOR
from twin.errors import UnreadableSource
from twin.model import FeatureTable, Issue, Layer

_IMAGES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"II*\x00", b"MM\x00*")
_COLUMNS = ("image", "photo", "picture", "panorama", "file", "filename", "path", "url", "图片", "照片", "全景", "文件", "文件名", "影像")
_LAYER = "panoramas"


@dataclass(frozen=True)
class PanoramaImporter:
    """Pictures with a position."""

    name: str = "panorama"

    def recognises(self, path: Path, head: bytes) -> int:
        """How sure it is that the file is a picture that says where it was taken."""
        if not head.startswith(_IMAGES[:2]) and not (head.startswith(b"RIFF") and head[8:12] == b"WEBP"):
            return 0
        try:
            picture = read_picture(path)
        except ValueError:
            return 0
        return 85 if picture.lonlat is not None or picture.projection is not None else 0

    def read(self, path: Path, context: Context) -> Imported:
        """The panoramas of a file, with the pictures themselves; raises SourceError."""
        context.progress("reading", 0, 0)
        with path.open("rb") as stream:
            start = stream.read(16)
        return _one(path, context) if start.startswith(_IMAGES) else _table(path, context)


def _one(path: Path, context: Context) -> Imported:
    """One picture."""
    try:
        picture = read_picture(path)
    except ValueError as error:
        raise UnreadableSource("panorama_damaged", subject=path, reason=str(error).replace(str(path), path.name)) from error
    lonlat, heading, issues = _stand(path, picture, context)
    placed = place(Frameless(np.array([shapely.Point(lonlat)], object), [path.name], path.name, "EPSG:4326", assumed=True), context)
    if placed.geometry[0] is None:
        raise UnreadableSource("panorama_without_position", subject=path)
    row: dict[str, Any] = {
        "name": path.stem, "image": path.name, "heading_deg": heading, "pitch_deg": picture.pitch_deg, "roll_deg": picture.roll_deg,
        "altitude_m": picture.altitude_m, "valid_from": picture.taken_at, "width_px": picture.width_px, "height_px": picture.height_px,
        "projection": picture.projection, "camera": picture.camera,
    }  # fmt: skip
    table = FeatureTable([path.name], placed.geometry, {name: [value] for name, value in row.items() if value is not None})
    identity = context.options.layer or _LAYER
    layer = Layer(identity, "panorama", identity, title_zh="全景" if identity == _LAYER else "")
    return Imported(
        kind="panorama",
        layers=[LayerContent(layer, table)],
        assets={path.name: path},
        crs=placed.crs,
        issues=[*issues, *placed.issues],
        details={name: value for name, value in row.items() if value is not None},
    )


def _stand(path: Path, picture: Picture, context: Context) -> tuple[tuple[float, float], float | None, list[Issue]]:
    """Where the picture was taken and which way its middle looks: the person's word before the picture's."""
    issues: list[Issue] = []
    heading = None if picture.heading_deg is None else round(picture.heading_deg, 2)
    if context.options.place is not None:
        said = said_position(context.options.place)
        return (said.lon, said.lat), heading if said.turn_deg is None else said.turn_deg % 360, issues
    if picture.lonlat is None:
        raise UnreadableSource("panorama_without_position", subject=path)
    if heading is None:
        issues.append(Issue("panorama_without_heading", "info", path.name))
    elif picture.is_magnetic:
        issues.append(Issue("panorama_magnetic", "info", path.name, {"heading": heading}))
    return picture.lonlat, heading, issues


def _table(path: Path, context: Context) -> Imported:
    """A table of positions, with the pictures it names that lie beside it."""
    imported = VECTOR.read(path, replace(context, options=replace(context.options, kind="panorama")))
    assets: dict[str, Path] = {}
    missing: list[str] = []
    contents = [_with_pictures(content, path, assets, missing) for content in imported.layers]
    issues = list(imported.issues)
    if missing:
        issues.append(Issue("panorama_pictures_missing", "warning", path.name, {"count": len(missing), "first": missing[0]}))
    details = dict(imported.details) | {"pictures": len(assets)}
    return replace(imported, kind="panorama", layers=contents, assets=assets, issues=issues, details=details)


def _with_pictures(content: LayerContent, path: Path, assets: dict[str, Path], missing: list[str]) -> LayerContent:
    """The layer with a column `image` that names kept pictures; `assets` and `missing` are added to."""
    column = _picture_column(content.table)
    if column is None:
        return content
    names: list[str | None] = []
    for value in content.table.column(column):
        file = _beside(path, str(value)) if value else None
        names.append(None if file is None else file.relative_to(path.parent.resolve()).as_posix())
        if file is not None:
            assets[str(names[-1])] = file
        elif value:
            missing.append(str(value))
    columns: Mapping[str, Any] = {name: values for name, values in content.table.columns.items() if name != column} | {"image": names}
    return replace(content, table=replace(content.table, columns=columns))


def _picture_column(table: FeatureTable) -> str | None:
    lower = {name.casefold(): name for name in table.columns}
    return next((lower[name] for name in _COLUMNS if name in lower), None)


def _beside(path: Path, name: str) -> Path | None:
    """The file of that name in the table's folder or below it; None where there is none, or it leads out of the folder."""
    folder = path.parent.resolve()
    file = (folder / name.replace("\\", "/").lstrip("/")).resolve()
    return file if file.is_relative_to(folder) and file.is_file() else None


IMPORTER = PanoramaImporter()
