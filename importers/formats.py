"""Which vector format a file is, from its content: names lie, and the library that reads it goes by names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from importers.encodings import wide_codec
from importers.markup import start_of

SUFFIXES: Mapping[str, str] = {
    "shapefile": ".shp", "geopackage": ".gpkg", "sqlite": ".sqlite", "flatgeobuf": ".fgb", "geojson": ".geojson", "features": ".geojson",
    "geojson_lines": ".geojsonl", "geojson_records": ".geojsons", "topojson": ".topojson", "esrijson": ".json", "kml": ".kml",
    "gml": ".gml", "gpx": ".gpx", "mif": ".mif", "tab": ".tab", "filegdb": ".gdb",
}  # fmt: skip
JSON = {"geojson", "features", "geojson_lines", "geojson_records", "topojson", "esrijson"}
MARKUP = {"kml", "gml", "gpx"}
_ODD = re.compile(r"[^\w\-.()+,=@~%/\\ ]")
_ODD_IN_STEM = re.compile(r"[^\w\-.]+")
_SURE: Mapping[str, int] = {"shapefile": 95, "flatgeobuf": 95, "kml": 90, "gpx": 90, "gml": 70}
_GEOJSON = re.compile(r'"type"\s*:\s*"(Feature|FeatureCollection|GeometryCollection|(Multi)?(Point|LineString|Polygon))"')
_ESRI = re.compile(r'"geometryType"\s*:\s*"esri|"(rings|paths)"\s*:\s*\[\s*\[|"attributes"\s*:\s*\{.*"geometry"\s*:\s*\{\s*"x"', re.DOTALL)
_MIF = re.compile(r"version\s+\d+\s*\n(.*\n){0,8}?\s*(columns|coordsys|delimiter|charset)\b", re.IGNORECASE)
_ELSE = re.compile(r"citygml|CityModel|<(?:\w+:)?(?:osm|osmChange|html|svg|ifcXML|indoorFeatures)[\s>]", re.IGNORECASE)


def sureness(path: Path, head: bytes) -> int:
    """How sure it is from the first bytes that a file is one of these formats, 0 to 100."""
    found = format_of(path, head)
    return _SURE.get(found, 80) if found else 0


def format_of(path: Path, head: bytes) -> str | None:
    """The format of a file, a key of `SUFFIXES`, from its first bytes; None where it is none of these."""
    return _binary(path, head) or _textual(head)


def is_plain(path: Path) -> bool:
    """Whether a path can be given to the library: it takes some for addresses (`a;b`, `x!y`, `c:d`) and strips others."""
    return _ODD.search(str(path)) is None and str(path) == str(path).strip()


def plain_stem(path: Path) -> str:
    """The name of a file without its ending, as letters, digits and few signs more, and not too long to get another ending."""
    return _ODD_IN_STEM.sub("_", path.stem)[:60].strip("_") or "source"


def _binary(path: Path, head: bytes) -> str | None:
    if head.startswith(b"SQLite format 3\x00"):
        return "geopackage" if head[68:72] in {b"GPKG", b"GP10", b"GP11", b"GP12"} or b"gpkg_contents" in head else "sqlite"
    if head.startswith(b"\x00\x00\x27\x0a"):  # file code 9994, of the .shx beside it too
        return None if path.suffix.lower() == ".shx" else "shapefile"
    return "flatgeobuf" if head.startswith(b"fgb\x03fgb") else None


def _textual(head: bytes) -> str | None:
    text = _text(head)
    if text.startswith(("{", "[", "\x1e")):
        return _json(text)
    if text.startswith("<"):
        return _markup(start_of(head))
    if text[:6].lower() == "!table":
        return "tab"
    return "mif" if _MIF.match(text) else None


def _text(head: bytes) -> str:
    """The start of a text without its mark, good enough to look at what is ASCII in it."""
    wide = "utf-16" if head[:2] in {b"\xff\xfe", b"\xfe\xff"} else wide_codec(head)
    text = head.decode(wide, "replace") if wide else head.decode("latin-1").removeprefix("ï»¿")
    return text.lstrip("\ufeff \t\r\n").replace("\r\n", "\n").replace("\r", "\n")


def _json(text: str) -> str | None:
    if text.startswith("\x1e"):
        return "geojson_records"
    if re.search(r'"type"\s*:\s*"CityJSON|"asset"\s*:\s*\{[^}]*"version"', text[:4096]):
        return None
    if re.search(r'"type"\s*:\s*"Topology"', text) or ('"arcs"' in text and '"objects"' in text):
        return "topojson"
    if text.startswith("["):
        return "features" if re.match(r'\[\s*\{[^{}]*"type"\s*:\s*"Feature"', text) else None
    if not _GEOJSON.search(text):
        return "esrijson" if _ESRI.search(text) else None
    return "geojson_lines" if _is_lines(text) else "geojson"


def _is_lines(text: str) -> bool:
    """Whether the first line is a feature by itself and another follows."""
    first, _, rest = text.partition("\n")
    if not rest.lstrip().startswith("{"):
        return False
    try:
        return json.loads(first).get("type") not in {None, "FeatureCollection"}
    except ValueError:
        return False


def _markup(text: str) -> str | None:
    start = text[:8192]
    if _ELSE.search(start):
        return None
    if re.search(r"<(?:\w+:)?kml[\s>]", start):
        return "kml"
    if re.search(r"<(?:\w+:)?gpx[\s>]", start):
        return "gpx"
    return "gml" if "opengis.net/gml" in text or "opengis.net/wfs" in start else None
