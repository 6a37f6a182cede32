"""The parts of a shapefile brought together in a folder of ours: lost indexes made anew, cut-off parts mended, nothing written beside it.

Source: ESRI Shapefile Technical Description, 1998; dBase III table header.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from importers.formats import plain_stem
from twin.errors import UnreadableSource
from twin.model import Issue

PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_HEADER = 100  # bytes before the first record of .shp and .shx


def beside(path: Path) -> Mapping[str, Path]:
    """The parts of a shapefile by their endings in small letters; Windows does not tell `Roads.shp` from `ROADS.DBF`."""
    same = [other for other in sorted(path.parent.iterdir()) if other.stem.casefold() == path.stem.casefold()]
    exact = [other for other in same if other.stem == path.stem]
    found = {other.suffix.lower(): other for other in [*same, *exact] if other.suffix.lower() in PARTS}
    return {**found, ".shp": path}


def gathered(path: Path, folder: Path) -> tuple[Path, list[Issue]]:
    """A shapefile in `folder` that can be read, linked to its parts, and what was wrong with them.

    Raises
    ------
    UnreadableSource
        If its main part holds no record.
    """
    parts = beside(path)
    target = folder / f"{plain_stem(path)}.shp"
    size = path.stat().st_size
    target.symlink_to(path.resolve())
    stated = 2 * _stated_words(path)
    issues = [Issue("shapefile_cut", "warning", path.name, {"part": ".shp", "there": size, "stated": stated})] if size < stated else []
    issues += [Issue("shapefile_part_missing", "info", path.name, {"part": part}) for part in (".shx", ".dbf") if part not in parts]
    is_sound = ".shx" in parts and _is_sound(parts[".shx"], size)
    if ".shx" in parts and not is_sound and size >= stated:
        issues.append(Issue("shapefile_index_wrong", "warning", path.name))
    if size < stated or not is_sound:
        _write_index(path, target.with_suffix(".shx"))
    else:
        target.with_suffix(".shx").symlink_to(parts[".shx"].resolve())
    if ".dbf" in parts:
        issues += _table(parts[".dbf"], target.with_suffix(".dbf"), path.name)
    if ".prj" in parts:
        target.with_suffix(".prj").symlink_to(parts[".prj"].resolve())
    return target, issues


def _stated_words(path: Path) -> int:
    with path.open("rb") as stream:
        header = stream.read(_HEADER)
    if len(header) < _HEADER:
        raise UnreadableSource("source_unreadable", subject=path, reason="less than a header")
    return struct.unpack(">i", header[24:28])[0]


def _is_sound(index: Path, size: int) -> bool:
    """Whether all entries of an index lie within the main part."""
    entries = np.fromfile(index, ">i4", offset=min(_HEADER, index.stat().st_size)).astype(np.int64)
    if index.stat().st_size < _HEADER or len(entries) % 2:
        return False
    at, length = entries[0::2] * 2, entries[1::2] * 2
    return bool(np.all((at >= _HEADER) & (length >= 4) & (at + 8 + length <= size)))


def _write_index(path: Path, target: Path) -> None:
    """An index of the records that are whole, from the records themselves."""
    size = path.stat().st_size
    entries: list[bytes] = []
    with path.open("rb") as stream:
        header = stream.read(_HEADER)
        at = _HEADER
        while len(start := stream.read(8)) == 8:
            words = struct.unpack(">i", start[4:])[0]
            if words < 2 or at + 8 + 2 * words > size:
                break
            entries.append(struct.pack(">ii", at // 2, words))
            at += 8 + 2 * words
            stream.seek(at)
    if not entries:
        raise UnreadableSource("source_no_features", subject=path)
    length = struct.pack(">i", (_HEADER + 8 * len(entries)) // 2)
    target.write_bytes(header[:24] + length + header[28:] + b"".join(entries))


def _table(table: Path, target: Path, name: str) -> list[Issue]:
    """The attribute table linked, or a copy with blanks where it is cut off."""
    size = table.stat().st_size
    with table.open("rb") as stream:
        header = stream.read(32)
    if len(header) < 32:
        return [Issue("shapefile_cut", "warning", name, {"part": ".dbf", "there": size, "stated": 32})]
    count, start, width = struct.unpack("<IHH", header[4:12])
    stated = start + count * width
    if size >= stated or width == 0:
        target.symlink_to(table.resolve())
        return []
    if size < start:
        return [Issue("shapefile_cut", "warning", name, {"part": ".dbf", "there": size, "stated": stated})]
    data = table.read_bytes()
    target.write_bytes(data + b" " * min(stated - size, max(4 * size, 1 << 24)))
    return [Issue("shapefile_cut", "warning", name, {"part": ".dbf", "there": size, "stated": stated})]
