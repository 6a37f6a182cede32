"""What GDAL does not do with a KML document: tell of links and overlays, keep Chinese field names, read fields that no schema declares.

Source: OGC KML 2.2 (07-147r2), clauses 9.2 to 9.7 (ExtendedData, Schema) and 13 (NetworkLink).
"""

from __future__ import annotations

import html
import re
from pathlib import Path

from importers.formats import plain_stem
from twin.errors import UnreadableSource
from twin.model import Issue

_FIELD = re.compile(r"""<(?:\w+:)?(?:Data|SimpleData|SimpleField)\s[^>]*?(?<=\sname=["'])([^"'>]+)(?=["'])""")
_DECLARED = re.compile(r"""<(?:\w+:)?SimpleField\s[^>]*?(?<=\sname=["'])([^"'>]+)(?=["'])""")
_FILLED = re.compile(r"""<(?:\w+:)?SimpleData\s[^>]*?(?<=\sname=["'])([^"'>]+)(?=["'])""")
_USED = re.compile(r"""<(?:\w+:)?SchemaData\s[^>]*?(?<=schemaUrl=["'])[^"'>]*#([^"'>]+)(?=["'])""")
_SCHEMA = re.compile(r"""<((?:\w+:)?)Schema\s[^>]*?(?<=\sid=["'])([^"'>]+)["'][^>]*?(/?)>""")
_ROOT = re.compile(r"<((?:\w+:)?)Document(?:\s[^>]*)?(?<!/)>")
_NAMED = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def only_links(path: Path) -> bool:
    """Whether a document holds links to other documents and no placemark."""
    text = path.read_bytes()
    return _has(text, rb"NetworkLink") and not _has(text, rb"Placemark")


def issues_of(path: Path, name: str) -> list[Issue]:
    """What a document has besides features: image overlays and links to other documents.

    Raises
    ------
    UnreadableSource
        If it has nothing but links.
    """
    if only_links(path):
        raise UnreadableSource("kml_only_links", subject=name)
    text = path.read_bytes()
    overlays, links = (
        len(re.findall(rb"<(?:\w+:)?" + tag + rb"[\s>]", text)) for tag in (rb"(?:Ground|Screen|Photo)Overlay", rb"NetworkLink")
    )
    issues = [Issue("kml_overlays", "info", name, {"count": overlays})] if overlays else []
    return issues + ([Issue("kml_network_links", "warning", name, {"count": links})] if links else [])


def with_plain_fields(path: Path, folder: Path) -> tuple[Path, dict[str, str]]:
    """The document with all fields declared and under names GDAL keeps (it makes underscores of Chinese), and what these stand for."""
    text = path.read_text("utf-8-sig")
    whole = _declared(text)
    odd = {name for name in _FIELD.findall(whole) if not _NAMED.fullmatch(html.unescape(name))}
    if not odd and whole is text:
        return path, {}
    stands_for = {name: f"field_{k}_" for k, name in enumerate(sorted(odd))}
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / f"{plain_stem(path)}.fields.kml"
    copy.write_text(_FIELD.sub(lambda found: found[0].removesuffix(found[1]) + stands_for.get(found[1], found[1]), whole), "utf-8")
    return copy, {short: html.unescape(name).strip() for name, short in stands_for.items()}


def _declared(text: str) -> str:
    """The document with the fields declared that no schema has, as programs leave out dates; itself where none is missing."""
    missing = sorted(set(_FILLED.findall(text)) - set(_DECLARED.findall(text)))
    schemas = {found[2] for found in _SCHEMA.finditer(text)}
    absent = sorted(set(_USED.findall(text)) - schemas)
    root = _ROOT.search(text)
    if root is None or not (missing or absent):
        return text
    prefix = root[1]
    fields = "".join(f'<{prefix}SimpleField name="{name}" type="string"/>' for name in missing)
    every = fields + "".join(f'<{prefix}SimpleField name="{name}" type="string"/>' for name in dict.fromkeys(_DECLARED.findall(text)))
    made = "".join(f'<{prefix}Schema id="{each}">{every}</{prefix}Schema>' for each in absent)
    told = text[: root.end()] + made + text[root.end() :]
    return _SCHEMA.sub(lambda found: _filled(found, absent, fields), told)


def _filled(found: re.Match[str], absent: list[str], fields: str) -> str:
    """The opening tag of a schema of the document's own, with fields after it."""
    if found[2] in absent or not fields:
        return found[0]
    return f"{found[0].removesuffix('/>')}>{fields}</{found[1]}Schema>" if found[3] else found[0] + fields


def _has(text: bytes, tag: bytes) -> bool:
    return re.search(rb"<(?:\w+:)?" + tag + rb"[\s>]", text) is not None
