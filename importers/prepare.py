"""A vector file made ready for GDAL, in a folder of ours: under a name it goes by, in UTF-8, checked for traps, its parts beside it.

Nothing is written beside the source, and nothing that can hurt reaches a parser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from importers import archive, jsonids, kml, markup, shapefile
from importers.encodings import Encoding, issues_of, of_text, stated_by
from importers.formats import JSON, MARKUP, SUFFIXES, format_of, is_plain, plain_stem
from twin.errors import UnreadableSource
from twin.model import Issue

HEAD_BYTES = 65_536
_BLOCK = 1 << 22
_FINE = {
    "geojson": {".geojson", ".json"}, "geojson_lines": {".geojsonl", ".geojsons", ".ndjson"}, "topojson": {".topojson"},
    "esrijson": {".json"}, "geojson_records": {".geojsons", ".geojsonl"},
}  # fmt: skip


@dataclass(frozen=True)
class Ready:
    """A file that GDAL can open: where, the name its layers get, its format, the encoding its text had, and what is known of it.

    With `is_raw` its text has to be taken byte by byte and put into characters by us; `stated` is then the codec it states.
    """

    path: Path
    stem: str
    format: str
    encoding: Encoding | None = None
    is_raw: bool = False
    stated: str | None = None
    issues: Sequence[Issue] = ()
    names: Mapping[str, str] = field(default_factory=dict[str, str])  # fields as GDAL calls them -> as the file does


def prepared(path: Path, folder: Path, encoding: str | None) -> list[Ready]:
    """The files to read for a source: itself or a stand-in, or the documents of a .kmz.

    Raises
    ------
    UnreadableSource
        If it must not or cannot be read.
    """
    if path.is_dir():
        return [Ready(path, path.stem, "filegdb")]
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if archive.packed(head) == "zip":
        return _packed_markup(path, folder, encoding)
    found = format_of(path, head)
    if found is None:
        raise UnreadableSource("source_unreadable", subject=path, reason="format")
    return [_one(path, path.stem, found, folder, encoding)]


def _one(path: Path, stem: str, found: str, folder: Path, encoding: str | None) -> Ready:
    if found == "shapefile":
        linked, issues = shapefile.gathered(path, folder)
        return Ready(linked, stem, found, is_raw=True, stated=stated_by(path), issues=issues)
    if found in MARKUP:
        return _markup(path, stem, found, folder, encoding)
    if found in JSON:
        return _json(path, stem, found, folder, encoding)
    if found in {"mif", "tab"}:
        return _mapinfo(path, stem, found, folder)
    return Ready(_named(path, found, folder), stem, found)


def _named(path: Path, found: str, folder: Path) -> Path:
    """The file, or a link to it under the ending of its format, and under a name that the library does not take for an address."""
    is_fine = path.suffix.lower() == SUFFIXES[found] or path.suffix.lower() in _FINE.get(found, ())
    return path if is_fine and is_plain(path) else _linked(path, found, folder)


def _packed_markup(path: Path, folder: Path, encoding: str | None) -> list[Ready]:
    """The KML documents of a .kmz, the main one first, less one that only links to others; the images beside them are not read."""
    unpacked = archive.unpacked(path, folder / "unpacked")
    documents = [file for file in unpacked if file.suffix.lower() == ".kml"]
    if not documents:
        raise UnreadableSource("archive_member_missing", subject=path.name, member="*.kml")
    documents.sort(key=lambda file: (len(file.parts), file.name.lower() != "doc.kml", file.name))
    documents = [file for file in documents if not kml.only_links(file)] or documents[:1]  # what is linked to lies beside it
    alone = len(documents) == 1
    return [
        _markup(file, path.stem if alone else f"{path.stem}_{file.stem}", "kml", folder / f"read-{k}", encoding)
        for k, file in enumerate(documents)
    ]


def _markup(path: Path, stem: str, found: str, folder: Path, encoding: str | None) -> Ready:
    document = markup.readable(path, folder / "utf8", encoding)
    issues = issues_of(document.encoding, path.name)
    if found == "kml":
        issues += kml.issues_of(document.path, path.name)
        readable, names = kml.with_plain_fields(_named(document.path, found, folder), folder)
        return Ready(readable, stem, found, document.encoding, issues=issues, names=names)
    if found == "gml" and document.path == path:  # GDAL writes a file beside the one it reads
        return Ready(_linked(path, found, folder), stem, found, document.encoding, issues=issues)
    return Ready(_named(document.path, found, folder), stem, found, document.encoding, issues=issues)


def _linked(path: Path, found: str, folder: Path) -> Path:
    link = folder / f"{plain_stem(path)}{SUFFIXES[found]}"
    link.symlink_to(path.resolve())
    return link


def _json(path: Path, stem: str, found: str, folder: Path, encoding: str | None) -> Ready:
    """JSON in UTF-8, as RFC 8259 wants: itself where it is that already, else a copy."""
    if encoding is None and found != "features" and _is_plain_utf8(path) and not jsonids.has_long_numbers(path):
        return Ready(_named(path, found, folder), stem, found, Encoding("UTF-8", "stated"))
    text, used = of_text(path.read_bytes(), encoding, path)
    text = jsonids.long_numbers_as_text(text.lstrip("\ufeff"))
    copy = folder / f"{plain_stem(path)}{SUFFIXES[found]}"
    copy.write_text(f'{{"type":"FeatureCollection","features":{text}}}' if found == "features" else text, "utf-8")
    return Ready(copy, stem, "geojson" if found == "features" else found, used, issues=issues_of(used, path.name))


def _is_plain_utf8(path: Path) -> bool:
    """Whether a file is UTF-8, read in blocks."""
    rest = b""
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            if block.isascii() and not rest:
                continue
            whole = rest + block
            try:
                whole.decode("utf-8")
                rest = b""
            except UnicodeDecodeError as error:
                if error.end < len(whole) or error.start < len(whole) - 3:
                    return False
                rest = whole[error.start :]
    return not rest


def _mapinfo(path: Path, stem: str, found: str, folder: Path) -> Ready:
    """MapInfo files linked with their parts; their text is raw where they do not say what it is in (charset Neutral)."""
    for other in path.parent.iterdir():
        if other.stem.casefold() == path.stem.casefold() and other.is_file():
            ending = SUFFIXES[found] if other == path else other.suffix.lower()
            link = folder / f"{plain_stem(path)}{ending}"
            if not link.exists():
                link.symlink_to(other.resolve())
    with path.open("rb") as stream:
        said = re.search(rb'charset\s+"?(\w+)', stream.read(4096), re.IGNORECASE)
    name = said[1].decode("ascii") if said else "Neutral"
    is_raw = name.lower() == "neutral"
    used = None if is_raw else Encoding(_CHARSETS.get(name.lower(), name), "stated")
    return Ready(folder / f"{plain_stem(path)}{SUFFIXES[found]}", stem, found, used, is_raw=is_raw)


_CHARSETS = {
    "windowssimpchinese": "GBK", "windowstradchinese": "BIG5", "windowsjapanese": "SHIFT_JIS", "windowskorean": "EUC-KR",
    "windowslatin1": "CP1252", "windowslatin2": "CP1250", "windowscyrillic": "CP1251", "utf-8": "UTF-8", "utf8": "UTF-8",
}  # fmt: skip
