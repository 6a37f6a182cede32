"""Vector files read through GDAL (pyogrio) into tables, in a process of its own: a file that breaks GDAL breaks nothing else.

Made ready by `prepare`; curves become chords, M values go, surfaces become outlines, text becomes characters by `recode`.
"""

from __future__ import annotations

import importlib.util
import re
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import zip_longest
from math import isfinite
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyogrio
from numpy.typing import NDArray
from pyogrio.errors import CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError
from pyogrio.raw import read as read_raw
from pyogrio.raw import read_arrow

from importers import jsonids
from importers.formats import JSON
from importers.isolated import alone
from importers.prepare import Ready, prepared
from importers.recode import recoded
from importers.surfaces import plain_shapes, plan_of
from importers.tables import Table
from twin.crs import known_crs
from twin.errors import CRSError as CRSUnknown
from twin.errors import UnreadableSource
from twin.model import Issue

_GDAL_ERRORS = (CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError, UnicodeDecodeError)
ARC_STEP_DEG = 1.0  # a chord of 1° lies 0.0038 % of the radius inside its arc
_ARC_PERCENT = 0.004
_CURVES = {8, 9, 10, 11, 12, 13, 14}  # types of ISO well-known binary, mod 1000
_BY_COLUMNS = {"geopackage", "flatgeobuf", "shapefile"}
_LARGE_BYTES = 5_000_000
_SALVAGED = 200_000  # features of a layer with broken ones that is read in pieces
_WHOLE = float(1 << 53)  # from here on not every whole number is a float
_LOST = 200  # broken features after which a run is given up as a whole
_RAW = "ISO-8859-1"  # a character a byte, both ways
_NO_NETWORK = {"GDAL_HTTP_PROXY": "127.0.0.1:9", "GDAL_HTTP_CONNECTTIMEOUT": "1", "OGR_ARC_STEPSIZE": str(ARC_STEP_DEG)}
_CORNERS = {"lowerCorner", "upperCorner"}
_REPEATING = {"track_points": "tracks", "route_points": "routes"}  # layers of GPX


@dataclass
class _Layer:
    """One layer as GDAL gives it, in a form that travels between processes."""

    name: str
    meta: dict[str, Any] = field(default_factory=dict[str, Any])
    fids: Any = None
    wkb: Any = None
    values: list[Any] = field(default_factory=list[Any])
    error: str = ""
    remarks: list[str] = field(default_factory=list[str])
    curves: int = 0
    lost: list[int] = field(default_factory=list[int])


def read_tables(path: Path, encoding: str | None, *, most: int | None = None) -> list[Table]:
    """The layers of a vector file as tables, in the file's own coordinates.

    Parameters
    ----------
    path
        The file, or the folder of a file geodatabase.
    encoding
        The encoding of its text where the person knows better.
    most
        Read only so many features of each layer.

    Raises
    ------
    UnreadableSource
        If GDAL cannot read it, or breaks down on it.
    """
    with tempfile.TemporaryDirectory(prefix="twin-") as folder:
        return [table for ready in prepared(path, Path(folder), encoding) for table in _tables(ready, path, encoding, most)]


def columns_of(path: Path, most: int) -> Sequence[Table]:
    """The first features of each layer, for a look at the columns; empty where the file cannot be read."""
    try:
        return read_tables(path, None, most=most)
    except UnreadableSource:
        return []


def _tables(ready: Ready, source: Path, encoding: str | None, most: int | None) -> list[Table]:
    layers = alone(lambda _: _layers(ready, most), ready.path)
    good = [layer for layer in layers if not layer.error]
    if not good:
        reason = layers[0].error if layers else "no layers"
        raise UnreadableSource("source_unreadable", subject=source, reason=_said(reason, ready.path, source))
    several = len(layers) > 1
    found = [_table(layer, ready, f"{ready.stem}_{layer.name}" if several else ready.stem, encoding) for layer in good]
    broken = [
        Issue("layer_unreadable", "error", f"{ready.stem}_{layer.name}", {"reason": _said(layer.error, ready.path, source)})
        for layer in layers
        if layer.error
    ]
    remarks = dict.fromkeys(_said(text, ready.path, source) for layer in layers for text in layer.remarks)
    issues = [*ready.issues, *broken, *(Issue("reader_warning", "warning", source.name, {"text": text}) for text in remarks)]
    return _without_repeats([replace(found[0], issues=[*issues, *found[0].issues]), *found[1:]])


def _layers(ready: Ready, most: int | None) -> list[_Layer]:
    """All layers of a file; runs in the child. A layer that cannot be read has the reason instead of rows."""
    pyogrio.set_gdal_config_options(_NO_NETWORK)
    try:
        with warnings.catch_warnings():  # reading says the same again
            warnings.simplefilter("ignore")
            listed = [(str(name), kind is not None) for name, kind in pyogrio.list_layers(ready.path)]
    except _GDAL_ERRORS as error:
        return [_Layer("", error=str(error))]
    return [_layer(ready, name, has_geometry, most) for name, has_geometry in listed]


def _layer(ready: Ready, name: str, has_geometry: bool, most: int | None) -> _Layer:
    layer = _Layer(name)
    how = {"datetime_as_string": True, "max_features": most, "read_geometry": has_geometry, "encoding": _RAW if ready.is_raw else None}
    with warnings.catch_warnings(record=True) as caught:  # GDAL's remarks become issues instead of lines on the terminal
        warnings.simplefilter("always")
        try:
            by_columns = _pays(ready) and _read_columns(layer, ready.path, how)
            if not by_columns:
                layer.curves = _curves(ready, name)
                _read_records(layer, ready.path, how)
        except _GDAL_ERRORS as error:
            layer.error = str(error)
    layer.remarks = [str(warning.message) for warning in caught]
    return layer


def _read_records(layer: _Layer, path: Path, how: Mapping[str, Any]) -> None:
    """Fill a layer feature by feature; where one cannot be read, the others are, found by halving."""
    read = partial(cast(Any, read_raw), path, layer=layer.name, return_fids=True)
    try:
        layer.meta, layer.fids, layer.wkb, layer.values = read(**how)
    except FeatureError as error:
        count = int(cast(Any, pyogrio.read_info)(path, layer=layer.name, encoding=how["encoding"])["features"])
        if not 0 < count < _SALVAGED or how["max_features"]:
            raise
        pieces = list(_whole_pieces(read, how, 0, count, layer.lost))
        if not pieces:
            raise FeatureError(str(error)) from error
        layer.meta = pieces[0][0]
        layer.fids = np.concatenate([piece[1] for piece in pieces])
        layer.wkb = None if pieces[0][2] is None else np.concatenate([piece[2] for piece in pieces])
        layer.values = [np.concatenate(columns) for columns in zip(*(piece[3] for piece in pieces), strict=True)]
    _read_long(layer, path, how)


def _read_long(layer: _Layer, path: Path, how: Mapping[str, Any]) -> None:
    """Read columns of whole numbers beyond 53 bits with gaps once more, through Arrow: numpy knows gaps among floats only."""
    kinds = layer.meta["dtypes"]
    long = [k for k, (values, kind) in enumerate(zip(layer.values, kinds, strict=True)) if kind == "int64" and _is_rounded(values)]
    if not long or layer.lost or importlib.util.find_spec("pyarrow") is None:
        return
    names = [layer.meta["fields"][k] for k in long]
    _, table = cast(Any, read_arrow)(path, layer=layer.name, columns=names, **{**how, "read_geometry": False})
    for k, name in zip(long, names, strict=True):
        layer.values[k] = table[name]


def _is_rounded(values: NDArray[Any]) -> bool:
    return values.dtype.kind == "f" and bool(np.any(np.abs(values) >= _WHOLE))  # NaN is neither


def _whole_pieces(read: Any, how: Mapping[str, Any], first: int, count: int, lost: list[int]) -> Iterator[Any]:
    """The runs of features that can be read; the numbers (from 1) of those that cannot go to `lost`."""
    try:
        yield read(**{**how, "skip_features": first, "max_features": count})
    except (FeatureError, ValueError):  # the second where a format cannot skip over what is broken
        if count == 1 or len(lost) > _LOST:
            lost.extend(range(first + 1, first + count + 1))
            return
        for start, size in ((first, count // 2), (first + count // 2, count - count // 2)):
            yield from _whole_pieces(read, how, start, size, lost)


def _pays(ready: Ready) -> bool:
    """Whether reading by columns pays: where GDAL has them at hand, the file is not small, and pyarrow is installed."""
    large = ready.format in _BY_COLUMNS and ready.path.stat().st_size > _LARGE_BYTES
    return large and importlib.util.find_spec("pyarrow") is not None


def _read_columns(layer: _Layer, path: Path, how: Mapping[str, Any]) -> bool:
    """Fill a layer through Arrow, six times as fast as feature by feature; False where it has curves, which would come as curves."""
    layer.meta, table = cast(Any, read_arrow)(path, layer=layer.name, return_fids=True, **how)
    fid, *names = table.column_names
    shape = layer.meta["geometry_name"] or "wkb_geometry"
    if shape in names:
        names.remove(shape)
        layer.wkb = table[shape].combine_chunks()
        if _CURVES & set(_types(layer.wkb).tolist()):
            return False
    layer.fids = table[fid].to_numpy()
    layer.meta["fields"] = names
    layer.values = [table[name] for name in names]
    return True


def _types(wkb: Any) -> NDArray[np.int64]:
    """The geometry types, mod 1000, that occur in an Arrow array of little-endian well-known binary."""
    _, offsets, data = wkb.buffers()
    if data is None:
        return np.empty(0, np.int64)
    wide = np.int64 if str(wkb.type) == "large_binary" else np.int32
    ends = np.frombuffer(offsets, wide)[wkb.offset : wkb.offset + len(wkb) + 1]
    at = ends[:-1][np.diff(ends) > 5]
    raw = np.frombuffer(data, np.uint8)
    return np.unique((raw[at + 1].astype(np.int64) + 256 * raw[at + 2].astype(np.int64)) % 1000)


def _table(layer: _Layer, ready: Ready, title: str, encoding: str | None) -> Table:
    names = [ready.names.get(str(name), str(name)) for name in layer.meta["fields"]]
    kinds = layer.meta.get("dtypes", ())
    columns: dict[str, Sequence[Any]] = {
        name: _plain(column, str(kind)) for name, column, kind in zip_longest(names, layer.values, kinds[: len(names)])
    }
    if ready.format == "gml":  # what bounds a feature is no attribute of it
        columns = {name: values for name, values in columns.items() if name not in _CORNERS}
    issues: list[Issue] = []
    used = ready.encoding.name if ready.encoding else str(layer.meta["encoding"])
    if ready.is_raw:
        text = recoded(columns, ready.stated, encoding, title)
        columns, used = text.columns, text.encoding.name
        issues += text.issues
    shapes = surfaces = None
    wkb = layer.wkb if layer.wkb is None or isinstance(layer.wkb, np.ndarray) else layer.wkb.to_numpy(zero_copy_only=False)
    if wkb is not None:
        shapes, surfaces = plain_shapes(wkb)
    if layer.lost:
        listed = ", ".join(map(str, layer.lost[:5])) + (" …" if len(layer.lost) > 5 else "")
        issues.append(Issue("records_unreadable", "error", title, {"count": len(layer.lost), "records": listed}))
    if layer.curves:
        details = {"count": layer.curves, "step_deg": ARC_STEP_DEG, "percent": _ARC_PERCENT}
        issues.append(Issue("curves_linearised", "info", title, details))
    crs, assumed = _crs(layer, ready)
    table = Table(
        name=title, columns=columns, geometry=shapes, crs=crs, crs_assumed=assumed, encoding=used, ids=_own_ids(ready, layer),
        issues=issues, details={"layer": layer.name, "driver_geometry": layer.meta["geometry_type"]},
    )  # fmt: skip
    return _flattened(table, wkb) if surfaces and wkb is not None else table


def _crs(layer: _Layer, ready: Ready) -> tuple[str | None, bool]:
    """The coordinate system, and whether it is the format's rule rather than the file's word: GeoJSON without a crs member, TopoJSON."""
    stated: str | None = layer.meta["crs"]
    if ready.format == "topojson" and stated is None:
        return "EPSG:4326", True
    if ready.format not in JSON - {"esrijson"}:
        return stated, False
    said = jsonids.stated_crs(ready.path)
    if said is None:
        return stated, True
    return (said if _names_another(said, stated) else stated), False


def _names_another(said: str, read: str | None) -> bool:
    """Whether a GeoJSON file states what GDAL does not know: it then reads the format's own system without a word."""
    if read not in {None, "EPSG:4326", "OGC:CRS84"}:
        return False
    try:
        return known_crs(said) not in {known_crs("EPSG:4326"), known_crs("OGC:CRS84")}
    except CRSUnknown:
        return True


def _own_ids(ready: Ready, layer: _Layer) -> list[str] | None:
    """Ids that the file itself gives its features beside their attributes: a GeoPackage's keys, GeoJSON's `id` members."""
    fids: NDArray[np.int64] = layer.fids
    if ready.format in {"geopackage", "sqlite"}:
        return [str(fid) for fid in fids.tolist()]
    if ready.format in JSON - {"esrijson", "topojson"} and len(fids):
        numbered = bool(np.array_equal(fids, np.arange(len(fids))))  # GDAL counts from 0 where there are no ids
        return [str(fid) for fid in fids.tolist()] if not numbered or jsonids.counts_from_zero(ready.path) else None
    return None


def _flattened(table: Table, wkb: NDArray[np.object_]) -> Table:
    """The table with its surfaces as outlines, and their heights in columns that it does not have itself."""
    shapes = cast(NDArray[np.object_], table.geometry).copy()
    count = len(shapes)
    low: list[float | None] = [None] * count
    extent: list[float | None] = [None] * count
    bodies = np.flatnonzero([each is not None and each[1:5] in _BODY_CODES for each in wkb])
    for i in bodies.tolist():
        found = plan_of(shapes[i]) if shapes[i] is not None else None
        if found is not None:
            shapes[i], low[i], extent[i] = found[0], found[1], found[2] - found[1]
    columns = {"base_m": low, "height_m": extent} | dict(table.columns)
    issue = Issue("surfaces_flattened", "info", table.name, {"count": len(bodies)})
    return replace(table, geometry=shapes, columns=columns, issues=[*table.issues, issue])


_BODY_CODES = {code.to_bytes(4, order) for order in ("little", "big") for code in (15, 16, 17, 1015, 1016, 1017)}


def _curves(ready: Ready, layer: str) -> int:
    """How many shapes of a layer are curves in the file, before GDAL makes chords of them."""
    if ready.format == "gml":
        return len(re.findall(rb"<(?:\w+:)?(?:Curve|CompositeCurve|Arc|ArcString|Circle|ArcByCenterPoint)[\s>]", ready.path.read_bytes()))
    if ready.format != "geopackage":
        about = cast(Any, pyogrio.read_info)(ready.path, layer=layer, encoding=_RAW if ready.is_raw else None)
        return int(about["features"]) if re.search("Curve|Surface", str(about["geometry_type"])) else 0
    try:
        with sqlite3.connect(f"{ready.path.resolve().as_uri()}?mode=ro&immutable=1", uri=True) as base:
            found = base.execute("SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)).fetchone()
            if found is None:
                return 0
            name, table = (str(each).replace('"', '""') for each in (found[0], layer))
            heads = base.execute(f'SELECT substr("{name}", 1, 84) FROM "{table}" WHERE "{name}" IS NOT NULL')  # noqa: S608  quoted
            return sum(_is_curve(bytes(head)) for (head,) in heads)
    except sqlite3.Error:
        return 0


def _is_curve(blob: bytes) -> bool:
    """GeoPackage 1.3, 2.1.3: `GP`, version, flags (bits 1 to 3 tell the envelope), srs id, envelope, well-known binary."""
    if len(blob) < 8 or blob[:2] != b"GP":
        return False
    at = 8 + (0, 32, 48, 48, 64)[min((blob[3] >> 1) & 7, 4)]
    if len(blob) < at + 5:
        return False
    return int.from_bytes(blob[at + 1 : at + 5], "little" if blob[at] else "big") % 1000 in _CURVES


def _without_repeats(tables: Sequence[Table]) -> list[Table]:
    """The tables of a GPX file less those whose points make up the lines of another."""
    filled = {str(table.details.get("layer")) for table in tables if len(table)}
    repeats = {
        lines: Issue("layer_repeats", "info", table.name)
        for table in tables
        if (lines := _REPEATING.get(str(table.details.get("layer")))) in filled and {"track_fid", "route_fid"} & set(table.columns)
    }
    gone = {name for name, lines in _REPEATING.items() if lines in repeats}
    kept = [table for table in tables if table.details.get("layer") not in gone]
    told = [[repeats[lines]] if (lines := str(table.details.get("layer"))) in repeats and len(table) else [] for table in kept]
    return [replace(table, issues=[*table.issues, *issues]) for table, issues in zip(kept, told, strict=True)]


def _plain(column: Any, kind: str) -> list[Any]:
    """Python values of an array of numpy or Arrow, None where there is none; `kind` is the layer's, as numpy has gaps among floats only."""
    if not isinstance(column, np.ndarray):
        if column.null_count == 0 and str(column.type) in {"double", "float"}:
            return _plain(column.to_numpy(), kind)
        return [None if isinstance(value, float) and not isfinite(value) else value for value in column.to_pylist()]
    if column.dtype.kind == "f":
        exact = bool if kind == "bool" else int if kind.startswith("int") else float
        if exact is float and np.isfinite(column).all():
            return column.tolist()
        return [exact(value) if isfinite(value) else None for value in column.tolist()]
    if column.dtype.kind == "O":
        return [value.tolist() if isinstance(value, np.ndarray) else value for value in column.tolist()]
    return column.tolist()


def _said(text: str, part: Path, source: Path) -> str:
    plain = text.replace(str(part), source.name).replace(str(part.parent), "").split("; It might help")[0]
    return plain.removesuffix(".")
