"""Vector files read through GDAL (pyogrio) into tables: GeoJSON, Shapefile, GeoPackage, FlatGeobuf, KML, GML, DXF, and these zipped."""

from __future__ import annotations

import re
import tempfile
import warnings
import zipfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError
from pyogrio.raw import read as read_raw

from importers.encodings import Encoding, dbase_of, detect, of_dbase, of_text
from importers.tables import Table
from twin.errors import UnreadableSource
from twin.model import Issue

MEMBERS = (".shp", ".gpkg", ".geojson", ".json", ".fgb", ".kml", ".gml", ".gdb", ".tab")
_TABLES = {".csv", ".tsv", ".txt"}  # by these names GDAL reads rows of text, whatever the file holds
UNPACKED_LIMIT_BYTES = 4_000_000_000
_GDAL_ERRORS = (CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, UnicodeDecodeError)


def read_tables(path: Path, encoding: str | None, *, most: int | None = None) -> list[Table]:
    """The layers of a vector file as tables, in the file's own coordinates.

    Parameters
    ----------
    path
        The file; a zip archive is unpacked to a temporary place first.
    encoding
        The encoding of its text where the person knows better.
    most
        Read only so many features of each layer.

    Raises
    ------
    UnreadableSource
        If GDAL cannot read it.
    """
    with _opened(path, encoding) as files:
        return [table for part, stem in files for table in _tables_of(part, stem, path, encoding, most)]


def member_names(path: Path) -> list[str]:
    """The names of the vector files in a zip archive; empty where it is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [name for name in archive.namelist() if Path(name).suffix.lower() in MEMBERS and not name.startswith("__MACOSX")]
    except (zipfile.BadZipFile, OSError):
        return []


@contextmanager
def _opened(path: Path, encoding: str | None) -> Generator[list[tuple[Path, str]]]:
    """The files to read for a source, each with the name its layer gets: itself, a re-encoded copy, or the members of an archive."""
    with tempfile.TemporaryDirectory(prefix="twin-") as place:
        folder = Path(place)
        if zipfile.is_zipfile(path) and path.suffix.lower() != ".kmz":
            yield _unpacked(path, folder)
        elif path.suffix.lower() in {".geojson", ".json", *_TABLES} and (copy := _as_json(path, folder, encoding)) is not None:
            yield [(copy, path.stem)]
        elif path.suffix.lower() == ".gml":  # GDAL writes a file beside the one it reads
            (folder / path.name).symlink_to(path.resolve())
            yield [(folder / path.name, path.stem)]
        elif path.suffix.lower() == ".shp" and not any(path.with_suffix(end).exists() for end in (".shx", ".SHX")):
            with _restored_links():
                yield [(_without_links(path, folder), path.stem)]
        else:
            yield [(path, path.stem)]


def _unpacked(path: Path, folder: Path) -> list[tuple[Path, str]]:
    with zipfile.ZipFile(path) as archive:
        if sum(info.file_size for info in archive.infolist()) > UNPACKED_LIMIT_BYTES:
            raise UnreadableSource("archive_too_large", subject=path, limit_gb=UNPACKED_LIMIT_BYTES // 10**9)
        try:
            archive.extractall(folder)  # ZipFile keeps members inside the folder
        except (zipfile.BadZipFile, RuntimeError, EOFError) as error:
            raise UnreadableSource("source_unreadable", subject=path, reason=str(error)) from error
    found = sorted(file for file in folder.rglob("*") if file.suffix.lower() in MEMBERS and "__MACOSX" not in file.parts)
    alone = len(found) == 1
    return [(file, path.name.split(".")[0] if alone else file.stem) for file in found]


def _without_links(path: Path, folder: Path) -> Path:
    """A copy of a shapefile whose .shx is lost: GDAL makes it anew, in a place of ours."""
    for part in path.parent.glob("*"):
        if part.stem == path.stem and part.suffix.lower() in {".shp", ".dbf", ".prj", ".cpg"}:
            (folder / part.name).write_bytes(part.read_bytes())
    return folder / path.name


@contextmanager
def _restored_links() -> Generator[None]:
    pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": True})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": None})


def _as_json(path: Path, folder: Path, encoding: str | None) -> Path | None:
    """A copy of a JSON file in UTF-8, as RFC 7946 wants, under a name GDAL takes for JSON; None where the file itself will do."""
    data = path.read_bytes()
    misnamed = path.suffix.lower() in _TABLES
    if misnamed and not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return None
    if not misnamed and encoding is None and not data.startswith((b"\xff\xfe", b"\xfe\xff")) and detect([data]) == "UTF-8":
        return None
    text, _ = of_text(data, encoding, path)
    copy = folder / (f"{path.stem}.geojson" if misnamed else path.name)
    copy.write_text(text, "utf-8")
    return copy


def _tables_of(part: Path, stem: str, source: Path, encoding: str | None, most: int | None) -> list[Table]:
    with warnings.catch_warnings(record=True) as caught:  # GDAL's remarks become issues instead of lines on the terminal
        warnings.simplefilter("always")
        try:
            listed = [(str(name), kind is not None) for name, kind in pyogrio.list_layers(part)]
            several = len(listed) > 1
            found = [_table(part, name, f"{stem}_{name}" if several else stem, shaped, encoding, most) for name, shaped in listed]
        except GeometryError as error:
            raise UnreadableSource("source_surfaces", subject=source, reason=_reason(error, part, source)) from error
        except _GDAL_ERRORS as error:
            raise UnreadableSource("source_unreadable", subject=source, reason=_reason(error, part, source)) from error
    remarks = dict.fromkeys(str(warning.message).replace(str(part), source.name) for warning in caught)
    issues = [Issue("reader_warning", "warning", source.name, {"text": text}) for text in remarks]
    return [replace(found[0], issues=[*found[0].issues, *issues]), *found[1:]] if found and issues else found


def _table(part: Path, layer: str, title: str, has_geometry: bool, encoding: str | None, most: int | None) -> Table:
    used = _dbase_encoding(part, encoding)
    gdal_encoding = None if used is None else "GB18030" if used.name == "GBK" else used.name
    meta, fids, shapes, values = read_raw(
        part, layer=layer, return_fids=True, datetime_as_string=True, max_features=most, read_geometry=has_geometry, encoding=gdal_encoding
    )
    return Table(
        name=title,
        columns={str(name): _plain(column) for name, column in zip(meta["fields"], values, strict=True)},
        geometry=shapely.from_wkb(shapes, on_invalid="ignore") if shapes is not None else None,
        crs=meta["crs"],
        crs_assumed=_assumes_wgs84(part),
        encoding=used.name if used else meta["encoding"],
        ids=_own_ids(part, fids),
        issues=[Issue("encoding_detected", "info", title, {"encoding": used.name})] if used and used.how == "detected" else [],
        details={"layer": layer, "driver_geometry": meta["geometry_type"]},
    )


def _dbase_encoding(part: Path, encoding: str | None) -> Encoding | None:
    if part.suffix.lower() != ".shp":
        return None
    table, code_page = dbase_of(part)
    return of_dbase(table, code_page, encoding)


def _assumes_wgs84(part: Path) -> bool:
    """Whether the coordinate system is the format's rule rather than the file's word: GeoJSON without a crs member."""
    if part.suffix.lower() not in {".geojson", ".json"}:
        return False
    with part.open("rb") as stream:
        start = stream.read(65_536)
        stream.seek(-min(part.stat().st_size, 4096), 2)
        return re.search(rb'"crs"\s*:\s*\{', start + stream.read()) is None


def _own_ids(part: Path, fids: NDArray[np.int64]) -> list[str] | None:
    """Ids that the file itself gives its features beside their attributes: a GeoPackage's keys, GeoJSON's `id` members."""
    suffix = part.suffix.lower()
    if suffix == ".gpkg":
        return [str(fid) for fid in fids]
    if suffix in {".geojson", ".json"} and len(fids):
        numbered = bool(np.array_equal(fids, np.arange(len(fids))))  # GDAL counts from 0 where there are no ids
        with part.open("rb") as stream:
            stated = re.search(rb'"id"\s*:\s*0\s*[,}]', stream.read(65_536)) is not None
        return [str(fid) for fid in fids] if not numbered or stated else None
    return None


def _plain(column: NDArray[Any]) -> list[Any]:
    """Python values, None where there is none."""
    if column.dtype.kind == "f":
        return [None if value != value else value for value in column.tolist()]  # noqa: PLR0124  NaN is what differs from itself
    return [value.tolist() if isinstance(value, np.ndarray) else value for value in column.tolist()]


def _reason(error: Exception, part: Path, source: Path) -> str:
    text = str(error).replace(str(part), source.name).split("; It might help")[0]
    return text.removesuffix(".")


def columns_of(path: Path, most: int) -> Sequence[Table]:
    """The first features of each layer, for a look at the columns; empty where the file cannot be read."""
    try:
        return read_tables(path, None, most=most)
    except UnreadableSource:
        return []
