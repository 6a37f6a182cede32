"""What a file is, by its content: a whole STEP file of a schema the kernel knows, or one sentence why not.

Packed files are unpacked, and what the kernel would stumble over is mended, both in copies (`mend`). Drafts of IFC 4.3 are refused: some
of their classes have other attributes than those of the final standard under the same name.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from importers import archive
from importers.encodings import Encoding
from importers.ifc.mend import mend
from twin.errors import UnreadableSource
from twin.model import Issue

SCHEMAS = ("IFC2X3", "IFC4", "IFC4X3_ADD2")  # what the kernel can open
_MEANS = {
    "IFC2X3_TC1": "IFC2X3", "IFC2X3_FINAL": "IFC2X3", "IFC4_ADD1": "IFC4", "IFC4_ADD2": "IFC4", "IFC4_ADD2_TC1": "IFC4",
    "IFC4X3": "IFC4X3_ADD2", "IFC4X3_ADD1": "IFC4X3_ADD2", "IFC4X3_TC1": "IFC4X3_ADD2",
}  # fmt: skip
_HEADER_BYTES = 262_144
_LFS = b"version https://git-lfs.github.com/spec/"
_SCHEMA = re.compile(rb"FILE_SCHEMA\s*\(\s*\(\s*'([^']*)'", re.IGNORECASE)
_ENTITY = re.compile(rb"#\d+\s*=\s*IFC[A-Z0-9]+\s*\(", re.IGNORECASE)
_XML = re.compile(rb"<(?:\w+:)?(?:ifcXML|IfcProject|uos)\b", re.IGNORECASE)
_COMMENT = re.compile(rb"/\*.*?\*/", re.DOTALL)
_JSON = re.compile(rb'"(?:schemaIdentifier|type)"\s*:\s*"(?:IFC|ifc)[^"]*"')
_NAMED = (".ifc", ".ifcxml", ".ifczip")
_TOLD = 6  # names of models in an archive


@dataclass(frozen=True)
class Source:
    """A STEP file that can be opened, its schema, and the hash of the file the person gave.

    `encoding` is that of its text, where this is not ASCII.
    """

    path: Path
    schema: str
    sha256: str
    issues: tuple[Issue, ...] = field(default=())
    encoding: Encoding | None = None


def sureness(path: Path, head: bytes) -> int:
    """How sure we are that a file is IFC, 0 to 100, from its first bytes; a zip is listed, other packed files are looked into."""
    how = archive.packed(head)
    if how == "zip":
        return _sure_of_zip(path)
    if how is not None:
        head = archive.first_bytes(head)
    schema = _SCHEMA.search(head)
    if schema and _starts_as_step(head):
        return 100 if schema[1].upper().startswith(b"IFC") else 0
    if _ENTITY.search(head):
        return 60
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"{"):
        return 70 if _JSON.search(head) else 0
    return 70 if start.startswith(b"<") and _XML.search(head) else 0


def identify(path: Path, folder: Path, encoding: str | None = None, member: str | None = None) -> Source:
    """The STEP file to open, unpacked or mended into `folder` where needed.

    Parameters
    ----------
    path
        The file the person gave.
    folder
        A folder for copies.
    encoding
        The encoding of text outside ASCII, where the person named one.
    member
        Which model of an archive that holds several.

    Raises
    ------
    UnreadableSource
        With the one reason why it cannot be opened.
    """
    sha256 = _digest(path)
    step = path if archive.packed(_head(path)) is None else _unpacked(path, folder, member)
    head = _head(step)
    _refuse_what_is_not_step(path, head)
    schema = _schema(path, head)
    _refuse_cut_off(path, step)
    read_as = _MEANS.get(schema)
    mended = mend(step, folder / "mended.ifc", path.name, read_as, encoding)
    renamed = Issue("ifc_schema_read_as", "info", path.name, {"schema": schema, "read_as": read_as})
    issues = (*mended.issues, renamed) if read_as else mended.issues
    return Source(mended.path, read_as or schema, sha256, issues, mended.encoding)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_HEADER_BYTES)
    except OSError as error:
        raise UnreadableSource("ifc_unreadable", subject=path.name, reason=error.strerror or str(error)) from error


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableSource("ifc_unreadable", subject=path.name, reason=error.strerror or str(error)) from error


def _starts_as_step(head: bytes) -> bool:
    start = _COMMENT.sub(b"", head[:4096]).lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"ISO-10303-21")


def _refuse_what_is_not_step(path: Path, head: bytes) -> None:
    if not head.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise UnreadableSource("ifc_empty", subject=path.name)
    if head.startswith(_LFS):
        raise UnreadableSource("ifc_lfs_pointer", subject=path.name)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and _JSON.search(head):
        raise UnreadableSource("ifc_json", subject=path.name)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise UnreadableSource("ifc_xml" if _XML.search(head) else "ifc_not_step", subject=path.name)
    if _starts_as_step(head):
        return
    raise UnreadableSource("ifc_no_header" if _ENTITY.search(head) else "ifc_not_step", subject=path.name)


def _schema(path: Path, head: bytes) -> str:
    found = _SCHEMA.search(_COMMENT.sub(b"", head))
    if not found:
        raise UnreadableSource("ifc_no_schema", subject=path.name)
    schema = found[1].decode("ascii", "replace").strip().upper()
    if not schema.startswith("IFC"):
        raise UnreadableSource("ifc_other_step", subject=path.name, schema=schema)
    if _MEANS.get(schema, schema) not in SCHEMAS:
        raise UnreadableSource("ifc_schema_unsupported", subject=path.name, schema=schema, known="IFC2X3, IFC4, IFC4X3")
    return schema


def _refuse_cut_off(path: Path, step: Path) -> None:
    size = step.stat().st_size
    with step.open("rb") as stream:
        stream.seek(max(0, size - 4096))
        tail = stream.read()
    if b"END-ISO-10303-21" not in tail.upper():
        raise UnreadableSource("ifc_truncated", subject=path.name, megabytes=round(size / 1e6, 1))


def _sure_of_zip(path: Path) -> int:
    """95 where a member is IFC by its content; less where the archive cannot be listed and only its name says so."""
    try:
        listed = archive.names(path)
    except UnreadableSource:
        return 50 if path.suffix.lower() == ".ifczip" else 0
    named = [name for name in listed if name.lower().endswith(_NAMED)]
    try:
        with zipfile.ZipFile(path) as packed:
            for name in named or listed[:4]:
                with packed.open(name) as stream:
                    if sureness(path, stream.read(65_536)) > 0:
                        return 95
    except (*archive.BROKEN, KeyError):
        return 50 if named else 0
    return 0


def _unpacked(path: Path, folder: Path, member: str | None) -> Path:
    """The one model in an archive, or the one the person named."""
    into = folder / "unpacked"
    files = archive.unpacked(path, into)
    models = {file.relative_to(into).as_posix(): file for file in files if sureness(file, _head(file)) > 0}
    if member is not None and len(models) > 1:
        models = {name: file for name, file in models.items() if member in {name, file.name, file.stem}} or models
    if not models:
        raise UnreadableSource("ifc_zip_without_model", subject=path.name)
    if len(models) > 1:
        names = ", ".join(list(models)[:_TOLD]) + (" …" if len(models) > _TOLD else "")
        raise UnreadableSource("ifc_zip_several", subject=path.name, count=len(models), names=names)
    return next(iter(models.values()))
