"""A DXF file opened, mended where it is broken, and read into plain values; runs in a process of its own."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

from ezdxf import recover
from ezdxf.filemanagement import readfile
from ezdxf.lldxf.const import DXFError, InvalidGeoDataException

from importers.dxf.drawing import Drawing, GeoLocation
from importers.dxf.walk import Walk
from importers.dxf.words import words_of
from twin.crs import known_crs
from twin.errors import CRSError, UnreadableSource

CHORD_M = 0.01  # greatest distance of a chord from its curve, where the unit is known
CHORD_SHARE = 1e-6  # the same as a share of the drawing's size, where it is not
_UNITS: Mapping[int, tuple[str, float]] = {
    1: ("in", 0.0254), 2: ("ft", 0.3048), 3: ("mi", 1609.344), 4: ("mm", 0.001), 5: ("cm", 0.01), 6: ("m", 1.0), 7: ("km", 1000.0),
    8: ("µin", 2.54e-8), 9: ("mil", 2.54e-5), 10: ("yd", 0.9144), 13: ("µm", 1e-6), 14: ("dm", 0.1), 15: ("dam", 10.0),
    16: ("hm", 100.0), 21: ("us-ft", 1200 / 3937), 22: ("us-in", 100 / 3937), 23: ("us-yd", 3600 / 3937), 24: ("us-mi", 6336000 / 3937),
}  # fmt: skip
_ENTITY = re.compile(rb"\n[ \t]*0\r?\n[ \t]*[A-Z_]")  # the beginning of an entity, a table, a section
_STEPS_BACK = (1, 2, 3, 5, 9, 20, 100)  # entities given up at the end of a drawing that is cut off, until what is left is whole
_BROKEN = (DXFError, UnicodeError, ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError, OSError)


def read_drawing(path: Path, encoding: str | None, kind: str | None = None) -> Drawing:
    """A drawing's model space.

    Parameters
    ----------
    path
        The file.
    encoding
        The encoding of its text where the person knows better.
    kind
        The kind of device that all its blocks are, where the person says so.

    Raises
    ------
    UnreadableSource
        If it is no DXF, or so broken that nothing of it can be read.
    """
    doc, mended = _opened(path)
    words = words_of(doc, encoding, _samples(doc))
    code = int(doc.header.get("$INSUNITS", 0) or 0)
    unit, unit_m = _UNITS.get(code, ("", None))
    chord = CHORD_M / unit_m if unit_m else CHORD_SHARE * _size(doc)
    turns = [insert.dxf.hasattr("rotation") for insert in doc.modelspace().query("INSERT")]
    walk = Walk(doc, words, chord, says_zero=bool(turns) and all(turns), given=kind)
    walk.run()
    outside = sum(len([e for e in layout if e.dxftype() != "VIEWPORT"]) for layout in doc.layouts if not layout.is_modelspace)
    return Drawing(
        version=str(doc.acad_release),
        encoding=words.encoding,
        unit_m=unit_m,
        unit=unit,
        is_metric=bool(doc.header.get("$MEASUREMENT", 0)),
        pieces=walk.pieces,
        symbols=walk.symbols,
        labels=walk.labels,
        location=_location(doc),
        left_out=dict(walk.left_out + Counter({"paper space": outside})),
        mended=mended,
        references=[words.said(f"{block.name} ({block.block.dxf.get('xref_path', '')})") for block in doc.blocks if _is_reference(block)],
        flattening=chord,
    )


def _opened(path: Path) -> tuple[Any, dict[str, int]]:
    """The document, and what had to be put right, by the library's words, with how often."""
    try:
        doc = readfile(path)
        audit = doc.audit()
        broken = ""
    except _BROKEN as error:
        doc, audit = _recovered(path)
        broken = _plain(f"{type(error).__name__}: {error}", path)
    said = Counter(_plain(each.message, path) for each in [*audit.fixes, *audit.errors])
    return doc, ({broken: 1} if broken else {}) | dict(said.most_common(20))


def _recovered(path: Path) -> tuple[Any, Any]:
    """The document as the library's recovery makes it of the file, ended where it is cut off, or of what looks like tags in it."""
    reasons: list[str] = []
    for attempt in (_ended, recover.readfile, recover.explore, _with_header):
        try:
            return attempt(path)
        except _BROKEN as error:
            reasons.append(_plain(f"{type(error).__name__}: {error}", path))
    raise UnreadableSource("dxf_unreadable", subject=path, reason=reasons[-1] if len(reasons) < 2 else reasons[1])


def _with_header(path: Path) -> tuple[Any, Any]:
    """A drawing without header taken for one of release 2000: without one the library expects release 12, which lacks half the entities."""
    data = path.read_bytes()
    if b"$ACADVER" in data[:200_000]:
        raise DXFError(path.name)
    return recover.read(io.BytesIO(b"0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\nAC1015\n0\nENDSEC\n" + data))


def _ended(path: Path) -> tuple[Any, Any]:
    """A drawing that is cut off, ended after the last entity that is whole, its parts included."""
    data = path.read_bytes()
    ends = [found.start() for found in _ENTITY.finditer(data)]
    if b"EOF" in data[-64:] or not ends:
        raise DXFError(path.name)
    for back in _STEPS_BACK:
        try:
            return recover.read(io.BytesIO(data[: ends[-min(back, len(ends))] + 1] + b"0\nENDSEC\n0\nEOF\n"))
        except _BROKEN:
            continue
    raise DXFError(path.name)


def _plain(text: str, path: Path) -> str:
    """A message of the library as one line without handles and paths, so that the same fault is told once."""
    short = text.replace(str(path), path.name).split("\n")[0]
    short = re.sub(r"\(#[0-9A-F]+\)|#[0-9A-F]+|\b0x[0-9a-f]+\b", "", short).encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in short).split())[:160]


def _samples(doc: Any) -> Iterator[str]:
    """Text of the drawing as it was decoded: names of layers and blocks, and what is written."""
    yield from (str(layer.dxf.name) for layer in doc.layers)
    yield from (str(block.name) for block in doc.blocks)
    for layout in (doc.modelspace(), *[block for block in doc.blocks if not block.is_any_layout][:500]):
        for entity in layout.query("TEXT MTEXT INSERT ATTDEF"):
            if entity.dxftype() == "INSERT":
                yield from (str(each.dxf.text) for each in entity.attribs)
                yield from (str(each.dxf.tag) for each in entity.attribs)
            else:
                yield str(entity.text if entity.dxftype() == "MTEXT" else entity.dxf.get("text", ""))


def _size(doc: Any) -> float:
    """The size of a drawing by its header, for a tolerance; 1000 where that says nothing. [drawing units]"""
    low, high = doc.header.get("$EXTMIN", (0, 0, 0)), doc.header.get("$EXTMAX", (0, 0, 0))
    span = max(high[0] - low[0], high[1] - low[1])
    return float(span) if 0.0 < span < 1e19 else 1000.0


def _is_reference(block: Any) -> bool:
    return bool(block.block is not None and (block.block.is_xref or block.block.is_xref_overlay))


def _location(doc: Any) -> GeoLocation | None:
    """Where the drawing itself says it lies (GEODATA)."""
    data = doc.modelspace().get_geodata()
    if data is None or data.dxf.get("coordinate_type", 0) not in {1, 2}:
        return None
    crs = _system(data)
    if crs is None:
        return None
    try:
        matrix, _ = data.get_crs_transformation(no_checks=True)
    except InvalidGeoDataException:  # no code, but a name we know
        matrix = _matrix(data)
    origin = matrix.transform((0, 0, 0))
    x, y = (matrix.transform_direction(axis) for axis in ((1, 0, 0), (0, 1, 0)))
    return GeoLocation(crs, [[x.x, y.x, origin.x], [x.y, y.y, origin.y]])


def _matrix(data: Any) -> Any:
    from ezdxf.math import Matrix44  # noqa: PLC0415  needed by the rare drawing whose system has no code

    source, target, north = data.dxf.design_point, data.dxf.reference_point, data.dxf.north_direction
    turn = -(north.angle - 1.5707963267948966)
    scale = data.dxf.horizontal_unit_scale
    return Matrix44.chain(
        Matrix44.translate(-source.x, -source.y, 0), Matrix44.scale(scale, scale, 1), Matrix44.z_rotate(turn),
        Matrix44.translate(target.x, target.y, 0),
    )  # fmt: skip


def _system(data: Any) -> str | None:
    """The coordinate system of a GEODATA object, by code or by name."""
    try:
        return known_crs(f"EPSG:{data.get_crs()[0]}")
    except (InvalidGeoDataException, CRSError):
        pass
    try:
        root = Xml.fromstring(re.sub(r'\sxmlns="[^"]*"', "", data.coordinate_system_definition or ""))  # noqa: S314  of a file at hand, in a child
    except Xml.ParseError:
        return None
    names = [str(node.get("id")) for node in root.iter() if node.tag.endswith("CoordinateSystem") and node.get("id")]
    for name in [*names, *(node.text or "" for node in root.iter("Name"))]:
        try:
            return known_crs(name)
        except CRSError:
            continue
    return None
