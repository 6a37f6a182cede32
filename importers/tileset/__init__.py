"""Tilesets that exist already (oblique photography, models of others): registered, moved where they belong, and served as they came."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from importers.archive import names, unpacked
from importers.contract import Context, Imported, LayerContent
from importers.position import is_footprint, said_position
from importers.tileset.files import Found, collect
from importers.tileset.place import Matrix, Volume, footprint, lifted, lonlat_h, motion_to, volume
from twin.crs import NEAR_M
from twin.errors import UnreadableSource, UsageError
from twin.model import FeatureTable, Issue, Layer

_TILESET = re.compile(rb'"(geometricError|boundingVolume)"')


@dataclass(frozen=True)
class TilesetImporter:
    """3D Tiles 1.0 and 1.1: a tileset.json with its tiles beside it, or both in one archive (.3tz, .zip)."""

    name: str = "tileset"

    def recognises(self, path: Path, head: bytes) -> int:
        """How sure it is from the first bytes that the file is a tileset."""
        if head.startswith(b"PK\x03\x04"):
            return 97 if path.suffix.lower() == ".3tz" or _packed_tileset(path) else 0
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        return 96 if start.startswith(b"{") and _TILESET.search(head) and (b'"asset"' in head or b'"root"' in head) else 0

    def read(self, path: Path, context: Context) -> Imported:
        """The tileset, as one feature of a layer of meshes and its files; raises SourceError."""
        tileset = _unpacked(path, context) if path.suffix.lower() in {".3tz", ".zip"} else path
        document, found = collect(tileset)
        root = document["root"]
        fills = volume(root)
        if fills is None:
            raise UnreadableSource("tileset_no_volume", subject=path)
        if not found.tiles:
            raise UnreadableSource("tileset_no_tiles", subject=path, missing=len(found.missing), elsewhere=len(found.elsewhere))
        motion, how = _motion(fills, path, context)
        outline, low, high = footprint(fills, motion)
        issues = [*_file_issues(path, found), *_place_issues(path, context, outline, how)]
        row = {
            "name": _title(path, document), "base_m": round(low, 2), "height_m": round(high - low, 2), "tileset": tileset.name,
            "motion": motion.T.reshape(-1).tolist(), "moved_by": how, "tiles": found.tiles, "formats": json.dumps(found.formats),
            "bounding_volume": json.dumps(root.get("boundingVolume")), "transform": json.dumps(root.get("transform")),
            "geometric_error": float(document.get("geometricError") or 0.0), "version": str(_asset(document).get("version", "")),
            "bytes": sum(file.stat().st_size for file in found.files.values()), "up_axis": _asset(document).get("gltfUpAxis"),
        }  # fmt: skip
        identity = context.options.layer or _title(path, document)
        shapes = np.empty(1, object)
        shapes[0] = outline
        layer = Layer(identity, "mesh", identity)
        table = FeatureTable([identity], shapes, {name: [value] for name, value in row.items() if value is not None})
        details = {"tiles": found.tiles, "files": len(found.files), "formats": found.formats, "moved_by": how, "lowest_m": row["base_m"]}
        return Imported(
            kind=self.name,
            layers=[LayerContent(layer, table)],
            assets=found.files,
            crs="EPSG:4978" if fills.is_on_earth else None,
            height_datum="ellipsoidal" if fills.is_on_earth else None,
            height_offset_m=context.options.height_offset_m or 0.0,
            issues=issues,
            details=details,
        )


def _motion(fills: Volume, path: Path, context: Context) -> tuple[Matrix, str]:
    """The motion from where the tileset says it is to where it shall be, and by whose word."""
    options = context.options
    motion, how = np.eye(4), "none"
    if options.place is not None:
        if is_footprint(options.place):
            raise UsageError("tileset_place_footprint", subject=path.name)
        motion, how = motion_to(fills, _place(options.place, fills, context)), "place"
    elif not fills.is_on_earth:
        raise UnreadableSource("tileset_nowhere", subject=path)
    if options.height_offset_m:
        motion = (
            lifted(
                fills if fills.is_on_earth else Volume(_moved(fills, motion), is_on_earth=True, anchor=fills.anchor),
                options.height_offset_m,
            )
            @ motion
        )
        how = "height_offset" if how == "none" else how
    return motion, how


def _moved(fills: Volume, motion: Matrix) -> Any:
    return fills.corners @ motion[:3, :3].T + motion[:3, 3]


def _place(text: str, fills: Volume, context: Context) -> Sequence[float]:
    """Longitude, latitude, height and turn; a missing height is what the tileset has, or the park's, a missing turn none."""
    said = said_position(text)
    own = float(lonlat_h(fills.anchor[None])[0, 2]) if fills.is_on_earth else context.park.frame.h_m
    return [said.lon, said.lat, own if said.h_m is None else said.h_m, said.turn_deg or 0.0]


def _file_issues(path: Path, found: Found) -> list[Issue]:
    issues: list[Issue] = []
    if found.missing:
        issues.append(Issue("tileset_files_missing", "warning", path.name, {"count": len(found.missing), "first": found.missing[0]}))
    if found.elsewhere:
        issues.append(Issue("tileset_files_elsewhere", "warning", path.name, {"count": len(found.elsewhere), "first": found.elsewhere[0]}))
    return issues


def _place_issues(path: Path, context: Context, outline: Any, how: str) -> list[Issue]:
    frame = context.park.frame
    away = float(np.hypot(*frame.to_enu([[outline.centroid.x, outline.centroid.y]])[0, :2]))
    issues = [Issue("tileset_far", "warning", path.name, {"km": round(away / 1000)})] if away > NEAR_M else []
    if how != "none":
        issues.append(Issue("tileset_moved", "info", path.name, {"lon": round(outline.centroid.x, 6), "lat": round(outline.centroid.y, 6)}))
    return issues


def _packed_tileset(path: Path) -> bool:
    try:
        return any(name.rsplit("/", 1)[-1] == "tileset.json" for name in names(path))
    except UnreadableSource:
        return False


def _unpacked(path: Path, context: Context) -> Path:
    """The outermost tileset.json of an archive."""
    if context.scratch is None:
        raise UnreadableSource("tileset_no_room", subject=path)
    files = unpacked(path, context.scratch)
    inner = sorted((file for file in files if file.name == "tileset.json"), key=lambda file: len(file.parts))
    if not inner:
        raise UnreadableSource("tileset_not_in_archive", subject=path)
    return inner[0]


def _title(path: Path, document: Any) -> str:
    """A name people know it by: the folder's where the file is called tileset.json as they all are."""
    said = _asset(document).get("name") or _asset(document).get("title")
    if isinstance(said, str) and said.strip():
        return said.strip()
    return path.absolute().parent.name if path.stem.lower() == "tileset" else path.stem


def _asset(document: Any) -> dict[str, Any]:
    asset = document.get("asset")
    return asset if isinstance(asset, dict) else {}


IMPORTER = TilesetImporter()
