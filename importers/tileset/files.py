"""The files a tileset is made of, found by following every reference: tiles, outer tilesets, subtrees, and what a glTF names beside it."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from twin.errors import UnreadableSource

_MOST_FILES = 500_000
_MOST_JSON_BYTES = 256 << 20
_DEEPEST = 512  # tiles within tiles
_HEADER = {b"b3dm": 28, b"i3dm": 32, b"pnts": 28, b"cmpt": 16}


@dataclass
class Found:
    """What following the references came to: files by their name inside the tileset, and what could not be followed."""

    files: dict[str, Path] = field(default_factory=dict[str, Path])
    missing: list[str] = field(default_factory=list[str])
    elsewhere: list[str] = field(default_factory=list[str])  # addresses of other machines, and files outside the folder
    tiles: int = 0
    formats: dict[str, int] = field(default_factory=dict[str, int])


def collect(path: Path) -> tuple[Mapping[str, Any], Found]:
    """The outermost tileset's JSON and all its files.

    Raises
    ------
    UnreadableSource
        If a tileset's JSON cannot be read, or there are more files than any tileset has.
    """
    found = Found()
    waiting = [path.name]
    outer: Mapping[str, Any] = {}
    while waiting:
        name = waiting.pop()
        if name in found.files:
            continue
        document = _document(path.parent / name, path)
        outer = outer or document
        found.files[name] = path.parent / name
        for uri in _references(document, path):
            waiting += _follow(uri, name, path, found)
        if len(found.files) > _MOST_FILES:
            raise UnreadableSource("tileset_too_many_files", subject=path, count=_MOST_FILES)
    return outer, found


def _document(file: Path, outermost: Path) -> Mapping[str, Any]:
    try:
        if file.stat().st_size > _MOST_JSON_BYTES:
            raise UnreadableSource("tileset_not_json", subject=outermost, file=file.name, reason="> 256 MB")
        document = json.loads(file.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise UnreadableSource("tileset_not_json", subject=outermost, file=file.name, reason=str(error)) from error
    if not isinstance(document, dict) or not isinstance(document.get("root"), dict):
        raise UnreadableSource("tileset_not_json", subject=outermost, file=file.name, reason="root")
    return document


def _references(document: Mapping[str, Any], outermost: Path) -> Iterator[str]:
    """The addresses of all contents and subtrees, templates as they are written."""
    waiting: list[tuple[Any, int]] = [(document["root"], 0)]
    if isinstance(document.get("schemaUri"), str):
        yield document["schemaUri"]
    while waiting:
        tile, depth = waiting.pop()
        if not isinstance(tile, dict) or depth > _DEEPEST:
            raise UnreadableSource("tileset_not_json", subject=outermost, file=outermost.name, reason="children")
        contents = [
            tile.get("content"),
            *_list(tile.get("contents")),
            *_list(_dict(_dict(tile.get("extensions")).get("3DTILES_multiple_contents")).get("contents")),
        ]
        implicit = tile.get("implicitTiling") or _dict(tile.get("extensions")).get("3DTILES_implicit_tiling")
        for content in [*contents, _dict(implicit).get("subtrees")]:
            address = _dict(content).get("uri", _dict(content).get("url"))
            if isinstance(address, str) and address:
                yield address
        waiting += [(child, depth + 1) for child in _list(tile.get("children"))]


def _follow(uri: str, owner: str, path: Path, found: Found) -> list[str]:
    """Note the files an address means; the names of tilesets among them, to be followed next."""
    name = _inside(uri, owner)
    if name is None:
        found.elsewhere.append(uri)
        return []
    names = _matching(path.parent, name) if "{" in name else [name]
    if not names or ("{" not in name and not (path.parent / name).is_file()):
        found.missing.append(name)
        return []
    inner: list[str] = []
    for each in names:
        if each.lower().endswith(".json"):
            inner.append(each)
            continue
        _note(each, path, found)
    return inner


def _note(name: str, path: Path, found: Found) -> None:
    if name in found.files:
        return
    file = path.parent / name
    if not file.resolve().is_relative_to(path.parent.resolve()):  # a link that leads out of the folder
        found.elsewhere.append(name)
        return
    found.files[name] = file
    kind = file.suffix.lower().lstrip(".")
    found.formats[kind] = found.formats.get(kind, 0) + 1
    found.tiles += kind != "subtree"
    for uri in _named_by(file):
        inner = _inside(uri, name)
        if inner is None:
            found.elsewhere.append(uri)
        elif (path.parent / inner).is_file():
            found.files.setdefault(inner, path.parent / inner)
        else:
            found.missing.append(inner)


def _inside(uri: str, owner: str) -> str | None:
    """The name inside the tileset's folder of an address relative to the file that has it; None where it leads out of the folder."""
    parts = urlsplit(uri)
    if parts.scheme or parts.netloc or parts.path.startswith(("/", "\\")):
        return None
    joined: list[str] = list(PurePosixPath(owner).parent.parts)
    for part in unquote(parts.path).replace("\\", "/").split("/"):
        if part == "..":
            if not joined:
                return None
            joined.pop()
        elif part not in {"", "."}:
            joined.append(part)
    return "/".join(joined) or None


def _matching(folder: Path, template: str) -> list[str]:
    """The files that an implicit tiling's template stands for."""
    fixed = PurePosixPath(template.split("{", 1)[0] + "x").parent
    pattern = re.compile(re.sub(r"\\\{\w+\\\}", r"\\d+", re.escape(template)))
    names = (file.relative_to(folder).as_posix() for file in sorted((folder / fixed).rglob("*")) if file.is_file())
    return [name for name in names if pattern.fullmatch(name)]


def _named_by(file: Path) -> list[str]:
    """What the glTF in a tile, or a model a tile places, names outside itself."""
    try:
        with file.open("rb") as stream:
            head = stream.read(4)
            stream.seek(0)
            return _addresses(stream.read()) if head in {b"glTF", *_HEADER} or file.suffix.lower() == ".gltf" else []
    except OSError:
        return []


def _addresses(data: bytes, depth: int = 0) -> list[str]:
    kind = data[:4]
    if kind == b"glTF" and len(data) >= 20:
        length = struct.unpack_from("<I", data, 12)[0]
        return _gltf_addresses(data[20 : 20 + length])
    if kind in {b"b3dm", b"i3dm"} and len(data) >= _HEADER[kind]:
        body = data[_HEADER[kind] + sum(struct.unpack_from("<4I", data, 12)) :]
        if kind == b"i3dm" and struct.unpack_from("<I", data, 28)[0] == 0:
            return [body.rstrip(b"\x00 ").decode("utf-8", "replace")]
        return _addresses(body, depth)
    if kind == b"cmpt" and len(data) >= 16 and depth < 8:
        return _composite_addresses(data, depth)
    return _gltf_addresses(data) if data.lstrip()[:1] == b"{" else []


def _composite_addresses(data: bytes, depth: int) -> list[str]:
    at, found = 16, list[str]()
    while at + 12 <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        if length < 12:
            break
        found += _addresses(data[at : at + length], depth + 1)
        at += length
    return found


def _gltf_addresses(text: bytes) -> list[str]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return []
    named = [_dict(item).get("uri") for key in ("buffers", "images") for item in _list(_dict(document).get(key))]
    return [uri for uri in named if isinstance(uri, str) and not uri.startswith("data:")]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
