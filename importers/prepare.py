"""A vector file made ready for GDAL, in a folder of ours: under a name it goes by, in UTF-8, checked for traps, its parts beside it.

Nothing is written beside the source, and nothing that can hurt reaches a parser.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from importers import archive, markup, shapefile
from importers.encodings import Encoding, issues_of, of_text, stated_by
from importers.formats import JSON, MARKUP, SUFFIXES, format_of
from twin.errors import UnreadableSource
from twin.model import Issue

HEAD_BYTES = 65_536
_BLOCK = 1 << 22
_KML_FIELD = re.compile(r"""<(?:\w+:)?(?:Data|SimpleData|SimpleField)\s[^>]*?(?<=\sname=["'])([^"'>]+)(?=["'])""")
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
    """The file, or a link to it under the ending of its format."""
    if path.suffix.lower() == SUFFIXES[found] or path.suffix.lower() in _FINE.get(found, ()):
        return path
    link = folder / f"{path.stem}{SUFFIXES[found]}"
    link.symlink_to(path.resolve())
    return link


def _packed_markup(path: Path, folder: Path, encoding: str | None) -> list[Ready]:
    """The KML documents of a .kmz, the main one first; the images beside them are not read."""
    unpacked = archive.unpacked(path, folder / "unpacked")
    documents = [file for file in unpacked if file.suffix.lower() == ".kml"]
    if not documents:
        raise UnreadableSource("archive_member_missing", subject=path.name, member="*.kml")
    documents.sort(key=lambda file: (len(file.parts), file.name.lower() != "doc.kml", file.name))
    alone = len(documents) == 1
    return [
        _markup(file, path.stem if alone else f"{path.stem}_{file.stem}", "kml", folder / f"read-{k}", encoding)
        for k, file in enumerate(documents)
    ]


def _markup(path: Path, stem: str, found: str, folder: Path, encoding: str | None) -> Ready:
    document = markup.readable(path, folder / "utf8", encoding)
    issues = issues_of(document.encoding, path.name)
    if found == "kml":
        issues += _kml_issues(document.path, path.name)
        readable, names = _kml_fields(_named(document.path, found, folder), folder)
        return Ready(readable, stem, found, document.encoding, issues=issues, names=names)
    if found == "gml" and document.path == path:  # GDAL writes a file beside the one it reads
        return Ready(_linked(path, found, folder), stem, found, document.encoding, issues=issues)
    return Ready(_named(document.path, found, folder), stem, found, document.encoding, issues=issues)


def _linked(path: Path, found: str, folder: Path) -> Path:
    link = folder / f"{path.stem}{SUFFIXES[found]}"
    link.symlink_to(path.resolve())
    return link


def _kml_issues(path: Path, name: str) -> list[Issue]:
    """What a KML document has besides features: image overlays and links to other documents."""
    text = path.read_bytes()
    overlays, links = (
        len(re.findall(rb"<(?:\w+:)?" + tag + rb"[\s>]", text)) for tag in (rb"(?:Ground|Screen|Photo)Overlay", rb"NetworkLink")
    )
    if links and not re.search(rb"<(?:\w+:)?Placemark[\s>]", text):
        raise UnreadableSource("kml_only_links", subject=name)
    issues = [Issue("kml_overlays", "info", name, {"count": overlays})] if overlays else []
    return issues + ([Issue("kml_network_links", "warning", name, {"count": links})] if links else [])


def _kml_fields(path: Path, folder: Path) -> tuple[Path, dict[str, str]]:
    """The document with fields under names GDAL keeps (it makes underscores of Chinese), and what these stand for."""
    text = path.read_text("utf-8-sig")
    odd = {name for name in _KML_FIELD.findall(text) if not re.fullmatch(r"[A-Za-z_]\w*", html.unescape(name), re.ASCII)}
    if not odd:
        return path, {}
    stands_for = {name: f"field_{k}_" for k, name in enumerate(sorted(odd))}
    copy = folder / f"{path.stem}.fields.kml"
    copy.write_text(_KML_FIELD.sub(lambda found: found[0].replace(found[1], stands_for.get(found[1], found[1])), text), "utf-8")
    return copy, {short: html.unescape(name).strip() for name, short in stands_for.items()}


def _json(path: Path, stem: str, found: str, folder: Path, encoding: str | None) -> Ready:
    """JSON in UTF-8, as RFC 8259 wants: itself where it is that already, else a copy."""
    if encoding is None and found != "features" and _is_plain_utf8(path):
        return Ready(_named(path, found, folder), stem, found, Encoding("UTF-8", "stated"))
    text, used = of_text(path.read_bytes(), encoding, path)
    text = text.lstrip("\ufeff")
    copy = folder / f"{path.stem}{SUFFIXES[found]}"
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
            link = folder / f"{path.stem}{ending}"
            if not link.exists():
                link.symlink_to(other.resolve())
    with path.open("rb") as stream:
        said = re.search(rb'charset\s+"?(\w+)', stream.read(4096), re.IGNORECASE)
    name = said[1].decode("ascii") if said else "Neutral"
    is_raw = name.lower() == "neutral"
    used = None if is_raw else Encoding(_CHARSETS.get(name.lower(), name), "stated")
    return Ready(folder / f"{path.stem}{SUFFIXES[found]}", stem, found, used, is_raw=is_raw)


_CHARSETS = {
    "windowssimpchinese": "GBK", "windowstradchinese": "BIG5", "windowsjapanese": "SHIFT_JIS", "windowskorean": "EUC-KR",
    "windowslatin1": "CP1252", "windowslatin2": "CP1250", "windowscyrillic": "CP1251", "utf-8": "UTF-8", "utf8": "UTF-8",
}  # fmt: skip
