"""What a file is, by its content: a whole STEP file of a schema the kernel knows, or one sentence why not.

Two things are mended on the way, in a copy: text that is not ASCII (the STEP standard wants `\\X2\\…\\X0\\`, ISO 10303-21 clause 6.4.3;
the kernel drops raw UTF-8 and GBK), and the schema names that mean IFC 4.3 ADD2 without saying so.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

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
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_UNZIPPED_LIMIT = 8 << 30  # bytes; beyond it a zip is taken for a bomb
_ZIP_RATIO_LIMIT = 300


@dataclass(frozen=True)
class Source:
    """A STEP file that can be opened, its schema, and the hash of the file the person gave."""

    path: Path
    schema: str
    sha256: str
    issues: tuple[Issue, ...] = field(default=())


def sureness(path: Path, head: bytes) -> int:
    """How sure we are that a file is IFC, 0 to 100, from its first bytes; a zip is listed."""
    if head.startswith(b"PK"):
        return 95 if _zip_member(path) else 0
    schema = _SCHEMA.search(head)
    if schema and _starts_as_step(head):
        return 100 if schema[1].upper().startswith(b"IFC") else 0
    if _ENTITY.search(head):
        return 60
    return 70 if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and _XML.search(head) else 0


def identify(path: Path, folder: Path, encoding: str | None = None) -> Source:
    """The STEP file to open, unpacked or mended into `folder` where needed.

    Parameters
    ----------
    path
        The file the person gave.
    folder
        A folder for copies.
    encoding
        The encoding of text outside ASCII, where the person named one.

    Raises
    ------
    UnreadableSource
        With the one reason why it cannot be opened.
    """
    sha256 = _digest(path)
    step = _unzipped(path, folder) if _head(path).startswith(b"PK") else path
    head = _head(step)
    _refuse_what_is_not_step(path, head)
    schema = _schema(path, head)
    _refuse_cut_off(path, step)
    opened, issues = _mended(path, step, folder, schema, encoding)
    return Source(opened, _MEANS.get(schema, schema), sha256, issues)


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


def _zip_member(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            files = [info for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX")]
            named = [info for info in files if info.filename.lower().endswith((".ifc", ".ifcxml"))]
            for info in named or files[:4]:
                with archive.open(info) as stream:
                    if sureness(path, stream.read(65_536)) > 0:
                        return info.filename
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError):
        return None
    return None


def _unzipped(path: Path, folder: Path) -> Path:
    member = _zip_member(path)
    if member is None:
        raise UnreadableSource("ifc_zip_without_model", subject=path.name)
    target = folder / "unzipped.ifc"
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(member)
            if info.file_size > min(_UNZIPPED_LIMIT, max(info.compress_size, 1) * _ZIP_RATIO_LIMIT):
                raise UnreadableSource("ifc_zip_too_large", subject=path.name, gigabytes=round(info.file_size / 1e9, 1))
            with archive.open(info) as packed, target.open("wb") as stream:
                shutil.copyfileobj(packed, stream, 1 << 20)
    except (OSError, zipfile.BadZipFile, RuntimeError, EOFError) as error:
        raise UnreadableSource("ifc_zip_damaged", subject=path.name) from error
    return target


def _mended(path: Path, step: Path, folder: Path, schema: str, encoding: str | None) -> tuple[Path, tuple[Issue, ...]]:
    """The file itself where the kernel reads it as it is, else a mended copy and what was mended."""
    renamed = _MEANS.get(schema)
    if renamed is None and _is_ascii(step):
        return step, ()
    data = step.read_bytes()
    issues: list[Issue] = []
    if not data.isascii():
        text, used = _decoded(data, encoding)
        data = _NOT_ASCII.sub(_escaped, text).encode("ascii")
        issues.append(Issue("ifc_text_recoded", "info", path.name, {"encoding": used}))
    if renamed is not None:
        data = _SCHEMA.sub(f"FILE_SCHEMA(('{renamed}'".encode("ascii"), data, count=1)
        issues.append(Issue("ifc_schema_read_as", "info", path.name, {"schema": schema, "read_as": renamed}))
    target = folder / "mended.ifc"
    target.write_bytes(data)
    return target, tuple(issues)


def _is_ascii(path: Path) -> bool:
    with path.open("rb") as stream:
        while block := stream.read(1 << 22):
            if not block.isascii():
                return False
    return True


def _decoded(data: bytes, encoding: str | None) -> tuple[str, str]:
    for name in (encoding, "utf-8-sig", "gb18030") if encoding else ("utf-8-sig", "gb18030"):
        try:
            return data.decode(name or "utf-8"), str(name).removesuffix("-sig")
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("latin-1"), "latin-1"


def _escaped(found: re.Match[str]) -> str:
    """Text outside ASCII as ISO 10303-21 wants it: `\\X2\\` for the basic plane, `\\X4\\` beyond."""
    text = found[0]
    if all(ord(character) < 0x10000 for character in text):
        return f"\\X2\\{text.encode('utf-16-be').hex().upper()}\\X0\\"
    return f"\\X4\\{text.encode('utf-32-be').hex().upper()}\\X0\\"
