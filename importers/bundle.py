"""Packed sources: what is in an archive, each file by its own importer, as one import; and single files that are merely compressed."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from importers import archive
from importers.contract import Context, Imported, Importer
from importers.placing import few
from twin.errors import TwinError, UnreadableSource
from twin.model import Device, Issue, Terrain
from twin.terrain import merged

Find = Callable[[Path], Importer | None]  # the importer of an unpacked file; None where nobody recognises it
OWN_FORMATS = {".kmz", ".xlsx", ".xlsm", ".ifczip", ".3tz", ".docx", ".pptx", ".odt"}  # zip archives by construction, one source each
_MAIN = {
    ".shp", ".gpkg", ".geojson", ".json", ".fgb", ".kml", ".kmz", ".gml", ".gpx", ".tab", ".mif", ".csv", ".tsv", ".xlsx", ".parquet",
    ".ifc", ".dxf", ".tif", ".tiff", ".asc", ".xyz", ".hgt", ".bil", ".flt", ".las", ".laz", ".terrain", ".osm", ".pbf", ".ies",
    ".ldt", ".zip",
}  # fmt: skip
_RASTER = {".prj", ".hdr", ".tfw", ".blw", ".stx"}
_SIDECARS = {
    ".asc": {".prj"}, ".xyz": {".prj"}, ".tif": {".tfw", ".prj"}, ".bil": _RASTER, ".bip": _RASTER, ".bsq": _RASTER, ".flt": _RASTER,
    ".shp": {".dbf", ".shx", ".prj", ".cpg", ".qpj", ".sbn", ".sbx", ".qix"}, ".tab": {".dat", ".map", ".id", ".ind"}, ".mif": {".mid"},
}  # fmt: skip
SIDECAR_ENDINGS = {ending: main for main, endings in _SIDECARS.items() for ending in endings}
_NAMED = 8  # members that a sentence names


def sidecars(path: Path) -> list[Path]:
    """The files that are parts of a source of several files: those of a shapefile or of a MapInfo table."""
    endings = _SIDECARS.get(path.suffix.lower(), set[str]())
    if not endings:
        return []
    return sorted(other for other in path.parent.iterdir() if other.stem.lower() == path.stem.lower() and other.suffix.lower() in endings)


def without_sidecars(paths: Sequence[Path]) -> list[Path]:
    """The paths less those that are read as parts of a source that is listed too."""
    listed = {
        (path.parent, path.stem.lower(), ending)
        for path in paths
        for ending in _SIDECARS.get(path.suffix.lower(), set[str]())
    }  # fmt: skip
    return [path for path in paths if (path.parent, path.stem.lower(), path.suffix.lower()) not in listed]


def is_collection(path: Path) -> bool:
    """Whether a zip archive holds several sources rather than one that an importer opens by itself.

    Raises
    ------
    UnreadableSource
        If it must not be opened.
    """
    if path.suffix.lower() in OWN_FORMATS:
        return False
    held = archive.names(path)
    if {"xl/workbook.xml", "doc.kml"} & set(held) or any(Path(name).name == "tileset.json" for name in held):
        return False
    geodatabases = {parent for name in held for parent in Path(name).parents if parent.suffix.lower() == ".gdb"}
    main = without_sidecars([Path(name) for name in held if Path(name).suffix.lower() in _MAIN])
    return len(main) + len(geodatabases) > 1


@dataclass(frozen=True)
class Compressed:
    """A file packed by gzip, bzip2 or xz, for the importer of what is in it."""

    importer: Importer

    @property
    def name(self) -> str:
        """The importer's own."""
        return self.importer.name

    def recognises(self, path: Path, head: bytes) -> int:
        """How sure the importer is of what is packed."""
        return self.importer.recognises(path, archive.first_bytes(head))

    def read(self, path: Path, context: Context) -> Imported:
        """The content of what is packed; raises SourceError."""
        with _folder(context) as folder:
            return self.importer.read(archive.unpacked(path, folder)[0], context)


@dataclass(frozen=True)
class Bundle:
    """An archive of several sources, or of one that its importer does not unpack by itself."""

    find: Find
    name: str = "bundle"

    def recognises(self, path: Path, head: bytes) -> int:
        """Whether it is an archive."""
        return 1 if archive.packed(head) == "zip" and path.suffix.lower() not in OWN_FORMATS else 0

    def read(self, path: Path, context: Context) -> Imported:
        """Everything in it that an importer recognises; raises SourceError where that is nothing."""
        with _folder(context) as folder:
            sources = _named_apart(_sources(archive.unpacked(path, folder), folder), path)
            found = [(source, self.find(source)) for source in sources]
            known = [(source, importer) for source, importer in found if importer is not None]
            if not known:
                shown = ", ".join(source.name for source in sources[:_NAMED]) or "—"
                raise UnreadableSource("bundle_empty", subject=path, names=shown + (" …" if len(sources) > _NAMED else ""))
            tried = [_tried(source, importer, context) for source, importer in known]
        skipped = sorted(source.name for source, importer in found if importer is None)
        return _merged(path, tried, skipped)


@dataclass(frozen=True)
class _Tried:
    """One source of an archive: its name, who read it, and what came of it."""

    name: str
    importer: str
    imported: Imported | None = None
    error: TwinError | None = None


@contextmanager
def _folder(context: Context) -> Generator[Path]:
    """A place to unpack to: the import's own, whose files are there until the park has them, else one that is gone after reading."""
    if context.scratch is not None:
        yield Path(tempfile.mkdtemp(prefix="unpacked-", dir=context.scratch))
    else:
        with tempfile.TemporaryDirectory(prefix="twin-") as folder:
            yield Path(folder)


def _sources(files: Sequence[Path], folder: Path) -> list[Path]:
    """The sources among unpacked files: a file geodatabase is a folder, a shapefile its main part."""
    geodatabases = {parent for file in files for parent in file.relative_to(folder).parents if parent.suffix.lower() == ".gdb"}
    inside = {folder / each for each in geodatabases}
    return [*sorted(inside), *without_sidecars([file for file in files if not inside & set(file.parents)])]


def _named_apart(sources: Sequence[Path], path: Path) -> list[Path]:
    """The sources under names that tell them apart: a single one is called as its archive, equal ones by their folders too."""
    main = [source for source in sources if source.suffix.lower() in _MAIN or source.is_dir()]
    if len(main) == 1:
        return [_renamed(source, path.name.split(".")[0]) if source == main[0] else source for source in sources]
    counts = Counter(source.stem.lower() for source in sources)
    return [_renamed(each, f"{each.parent.name}_{each.stem}") if counts[each.stem.lower()] > 1 else each for each in sources]


def _renamed(source: Path, stem: str) -> Path:
    target = source.with_name(f"{stem}{source.suffix}")
    if target.exists():
        return source
    for part in [*sidecars(source), source]:
        part.rename(part.with_name(f"{stem}{part.suffix}"))
    return target


def _tried(source: Path, importer: Importer, context: Context) -> _Tried:
    try:
        return _Tried(source.name, importer.name, importer.read(source, context))
    except TwinError as error:
        return _Tried(source.name, importer.name, error=error)
    except Exception as error:  # noqa: BLE001  one source must not take the others of an archive with it
        unexpected = UnreadableSource("source_unexpected", subject=source.name, reason=f"{type(error).__name__}: {error}")
        return _Tried(source.name, importer.name, error=unexpected)


def _merged(path: Path, tried: Sequence[_Tried], skipped: Sequence[str]) -> Imported:
    good = [(each.name, each.imported) for each in tried if each.imported is not None]
    errors = [(each.name, each.error) for each in tried if each.error is not None]
    if not good:
        if len(errors) == 1:
            raise errors[0][1]
        raise UnreadableSource("bundle_unreadable", subject=path, count=len(errors), reason=errors[0][1].text("en"))
    if len(tried) == 1 and not skipped:
        return good[0][1]
    parts = [imported for _, imported in good]
    devices, repeated = _unique([device for each in parts for device in each.devices], path.name)
    refused = [
        Issue("part_refused", "error", path.name, {"part": name, "reason": error.text("en"), "code": error.code}) for name, error in errors
    ]
    return Imported(
        kind="bundle" if len({each.kind for each in parts}) > 1 else parts[0].kind,
        layers=[content for each in parts for content in each.layers],
        devices=devices,
        models=[model for each in parts for model in each.models],
        terrains=_grounds(parts),
        photometries=[each for imported in parts for each in imported.photometries],
        assets={name: file for each in parts for name, file in each.assets.items()},
        crs=_one([each.crs for each in parts]),
        height_datum=_one([each.height_datum for each in parts]),
        height_offset_m=_one([each.height_offset_m for each in parts]) or 0.0,
        encoding=_one([each.encoding for each in parts]),
        issues=few([*refused, *repeated, *(issue for each in parts for issue in each.issues)]),
        details=_details(tried, skipped),
    )


def _details(tried: Sequence[_Tried], skipped: Sequence[str]) -> dict[str, Any]:
    sources = [
        {"file": each.name, "importer": each.importer}
        | ({"details": dict(each.imported.details)} if each.imported is not None else {"refused": each.error.code if each.error else ""})
        for each in tried
    ]
    return {"sources": sources, "skipped": list(skipped)}


def _grounds(parts: Sequence[Imported]) -> list[Terrain]:
    """One terrain of each role: the tiles of a ground model come many in an archive."""
    given = [terrain for each in parts for terrain in (*([each.terrain] if each.terrain is not None else []), *each.terrains)]
    found = [merged([terrain for terrain in given if terrain.role == role]) for role in ("ground", "surface")]
    return [replace(terrain, detail=()) for terrain in found if terrain is not None]


def _one(values: Sequence[Any]) -> Any:
    return values[0] if len(set(values)) == 1 else None


def _unique(devices: Sequence[Device], source: str) -> tuple[list[Device], list[Issue]]:
    """The devices, ids that several tables use made different."""
    taken = {device.id for device in devices}
    seen: set[str] = set()
    out: list[Device] = []
    issues: list[Issue] = []
    for device in devices:
        free = device.id
        if free in seen:
            free = next(name for name in (f"{device.id}-{k}" for k in range(2, len(devices) + 2)) if name not in taken)
            taken.add(free)
            issues.append(Issue("id_repeated", "warning", f"{source}/{device.id}", {"column": "id", "used": free}))
        seen.add(free)
        out.append(device if free == device.id else replace(device, id=free))
    return out, issues
