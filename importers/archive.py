"""Packed files opened: zip (also as .kmz, .xlsx, .ifczip, .gdb.zip), gzip, bzip2 and xz, with limits that hostile ones run into.

The one place that unpacks. What is in the archive's own tables is not believed: bytes are counted as they are made, names are kept
inside the target folder, and an archive whose members share their bytes (a bomb of overlapping members) is refused before any is read.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from importers.encodings import codec_of, detect
from twin.errors import UnreadableSource

_BLOCK = 1 << 20
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_METHOD_NAMES = {1: "shrink", 6: "implode", 9: "deflate64", 93: "zstandard", 95: "xz", 98: "PPMd", 99: "AES"}
_STREAMS = {"gzip": (b"\x1f\x8b", gzip.open, ".gz"), "bzip2": (b"BZh", bz2.open, ".bz2"), "xz": (b"\xfd7zXZ\x00", lzma.open, ".xz")}
# what the libraries raise on a damaged archive, a method they lack included
BROKEN = (EOFError, OSError, ValueError, lzma.LZMAError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, struct.error)
_ENTRY_BYTES = 1024  # an entry of the central directory: 46 bytes and a name, an extra field, a comment
_END = b"PK\x05\x06"
_LEFT_OUT = re.compile(r"(^|/)(__MACOSX(/|$)|\.DS_Store$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """What an archive may grow to: bytes in all, times its packed size (beyond a free allowance), entries, archives within archives."""

    total_bytes: int = 8_000_000_000
    ratio: int = 250
    free_bytes: int = 64_000_000
    entries: int = 20_000
    nesting: int = 3


STANDARD = Limits()


def packed(head: bytes) -> str | None:
    """How a file that starts so is packed: `zip`, `gzip`, `bzip2`, `xz`; None where it is not."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK")):
        return "zip"
    return next((name for name, (mark, _, _) in _STREAMS.items() if head.startswith(mark)), None)


def first_bytes(head: bytes, size: int = 65_536) -> bytes:
    """The first bytes inside a gzip, bzip2 or xz file that starts with `head`; `head` itself for any other."""
    how = packed(head)
    try:
        if how == "gzip":
            return zlib.decompressobj(31).decompress(head, size)
        if how == "bzip2":
            return bz2.BZ2Decompressor().decompress(head, size)
        if how == "xz":
            return lzma.LZMADecompressor().decompress(head, size)
    except BROKEN:
        return b""
    return head


def names(path: Path) -> list[str]:
    """The names of the files in a zip archive, as they would be unpacked, folders and systems' litter left out.

    Raises
    ------
    UnreadableSource
        If the archive is damaged or must not be opened.
    """
    with _archive(path, path.name, STANDARD) as (_, members):
        return list(members)


def checked(path: Path, limits: Limits = STANDARD) -> None:
    """Refuse a zip archive that must not be given to a library which unpacks it by itself, as of a workbook.

    Such a library takes what Python's zipfile gives, and that never gives more bytes than the sizes checked here.

    Raises
    ------
    UnreadableSource
        If it is damaged, hostile, or larger than `limits` allow.
    """
    with _archive(path, path.name, limits) as (_, members):
        budget = _Budget(path.name, limits)
        for info in members.values():
            budget.opens(info.compress_size)
            budget.grows(info.file_size)


def member(path: Path, name: str, limits: Limits = STANDARD) -> bytes:
    """The content of one member of a zip archive, by its name as `names` gives it.

    Raises
    ------
    UnreadableSource
        If there is no such member, or it cannot be unpacked.
    """
    with _archive(path, path.name, limits) as (archive, members):
        if name not in members:
            raise UnreadableSource("archive_member_missing", subject=path.name, member=name)
        return b"".join(_blocks(archive, members[name], name, _Budget(path.name, limits)))


def unpacked(path: Path, into: Path, limits: Limits = STANDARD) -> list[Path]:
    """Everything in a packed file, unpacked below `into`: the files, in order of their names.

    A zip archive inside a zip archive is unpacked too, into a folder of its name; a packed stream becomes one file without the ending.

    Raises
    ------
    UnreadableSource
        If it is damaged, encrypted, uses a method nobody has here, leads out of the folder, or grows beyond `limits`.
    """
    into.mkdir(parents=True, exist_ok=True)
    budget = _Budget(path.name, limits)
    made = _unpack(path, into, path.name, budget, 1)
    return sorted(made)


@contextmanager
def plain(path: Path, within: Path | None = None) -> Generator[Path]:
    """The file itself, or for a gzip, bzip2 or xz file what is in it, in a temporary place and without the packer's ending.

    The place is in the folder `within` where one is given, else where the system keeps such.

    Raises
    ------
    UnreadableSource
        If it cannot be unpacked.
    """
    with path.open("rb") as stream:
        how = packed(stream.read(16))
    if how in _STREAMS:
        with tempfile.TemporaryDirectory(prefix="twin-", dir=within) as folder:
            yield unpacked(path, Path(folder))[0]
    else:
        yield path


@dataclass
class _Budget:
    """How much one source has grown to so far, over all archives in it."""

    source: str
    limits: Limits
    packed_bytes: int = 0
    made_bytes: int = 0
    entries: int = 0
    taken: set[Path] = field(default_factory=set[Path])

    def opens(self, packed_bytes: int) -> None:
        """Take in that a member of so many packed bytes is opened."""
        self.packed_bytes += packed_bytes
        self.entries += 1
        if self.entries > self.limits.entries:
            raise UnreadableSource("archive_entries", subject=self.source, limit=self.limits.entries)

    def grows(self, made_bytes: int) -> None:
        """Take in that so many bytes more came out."""
        self.made_bytes += made_bytes
        if self.made_bytes > self.limits.total_bytes:
            raise UnreadableSource("archive_too_large", subject=self.source, limit_gb=round(self.limits.total_bytes / 1e9, 1))
        if self.made_bytes > self.limits.free_bytes + self.limits.ratio * self.packed_bytes:
            raise UnreadableSource("archive_ratio", subject=self.source, ratio=self.limits.ratio)


def _unpack(path: Path, into: Path, said: str, budget: _Budget, depth: int) -> list[Path]:
    if depth > budget.limits.nesting:
        raise UnreadableSource("archive_nested", subject=budget.source, limit=budget.limits.nesting)
    with path.open("rb") as stream:
        how = packed(stream.read(16))
    if how == "zip":
        return _unpack_zip(path, into, said, budget, depth)
    if how is not None:
        return [_unpack_stream(path, into, how, budget)]
    raise UnreadableSource("archive_damaged", subject=said, reason="PK?")


def _unpack_zip(path: Path, into: Path, said: str, budget: _Budget, depth: int) -> list[Path]:
    made: list[Path] = []
    with _archive(path, said, budget.limits) as (archive, members):
        for name, info in members.items():
            target = into / name
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as stream:
                    for block in _blocks(archive, info, said, budget):
                        stream.write(block)
            except OSError as error:  # a file where a folder has to be, a name too long for the disk
                raise UnreadableSource("archive_unsafe_name", subject=said, member=name[:80]) from error
            made.append(target)
    return [inner for file in made for inner in _inner(file, budget, depth)]


def _inner(file: Path, budget: _Budget, depth: int) -> list[Path]:
    """A file of an archive, or what is in it where it is an archive by name and content."""
    if file.suffix.lower() not in {".zip", ".gz", ".bz2", ".xz"}:
        return [file]
    with file.open("rb") as stream:
        if packed(stream.read(16)) is None:
            return [file]
    folder = file.with_name(f"{file.stem}.unpacked")
    folder.mkdir()
    made = _unpack(file, folder, file.name, budget, depth + 1)
    file.unlink()
    return made


def _unpack_stream(path: Path, into: Path, how: str, budget: _Budget) -> Path:
    _, opener, ending = _STREAMS[how]
    name = path.name[: -len(ending)] if path.name.lower().endswith(ending) else path.name
    target = into / (name or "content")
    budget.opens(path.stat().st_size)
    try:
        with opener(path, "rb") as source, target.open("xb") as stream:
            while block := source.read(_BLOCK):
                budget.grows(len(block))
                stream.write(block)
    except BROKEN as error:
        raise UnreadableSource("archive_damaged", subject=path.name, reason=_reason(error)) from error
    return target


def _blocks(archive: zipfile.ZipFile, info: zipfile.ZipInfo, said: str, budget: _Budget) -> Generator[bytes]:
    """The content of a member, in blocks, counted."""
    budget.opens(info.compress_size)
    try:
        with archive.open(info) as source:
            while block := source.read(_BLOCK):
                budget.grows(len(block))
                yield block
    except BROKEN as error:
        raise UnreadableSource("archive_damaged", subject=said, reason=_reason(error)) from error


@contextmanager
def _archive(path: Path, said: str, limits: Limits) -> Generator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
    """A zip archive, opened, and its members by safe name."""
    _check_directory(path, said, limits)
    try:
        archive = zipfile.ZipFile(path)
    except (*BROKEN, UnicodeDecodeError) as error:
        raise UnreadableSource("archive_damaged", subject=said, reason=_reason(error)) from error
    with archive:
        infos = archive.infolist()
        if len(infos) > limits.entries:
            raise UnreadableSource("archive_entries", subject=said, limit=limits.entries)
        if archive.fp is not None:
            _check_overlap(archive.fp, infos, said, archive.start_dir)
        yield archive, _members(infos, said)


def _check_directory(path: Path, said: str, limits: Limits) -> None:
    """Refuse a central directory too large for the entries allowed, before all of it is read into memory."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - 65_557))
        tail = stream.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise UnreadableSource("archive_damaged", subject=said, reason="no central directory")
    directory = struct.unpack("<I", tail[at + 12 : at + 16])[0]
    if directory == 0xFFFFFFFF:  # zip64: its own record has the size, and the directory cannot be larger than the file
        directory = min(size, _zip64_directory(tail, at))
    if directory > limits.entries * _ENTRY_BYTES:
        raise UnreadableSource("archive_entries", subject=said, limit=limits.entries)


def _zip64_directory(tail: bytes, at: int) -> int:
    record = tail.rfind(b"PK\x06\x06", 0, at)
    return struct.unpack("<Q", tail[record + 40 : record + 48])[0] if record >= 0 and len(tail) >= record + 48 else 1 << 62


def _check_overlap(stream: IO[bytes], infos: Sequence[zipfile.ZipInfo], said: str, directory: int) -> None:
    """Refuse members that share bytes with each other or with the directory: a few kilobytes could be unpacked without end."""
    ordered = sorted(infos, key=lambda info: info.header_offset)
    starts = [info.header_offset for info in ordered] + [directory]
    if ordered and ordered[0].header_offset < 0:
        raise UnreadableSource("archive_damaged", subject=said, reason=f"no header for {ordered[0].filename[:80]}")
    for info, following in zip(ordered, starts[1:], strict=True):
        stream.seek(info.header_offset)
        local = stream.read(30)
        if len(local) < 30 or not local.startswith(b"PK\x03\x04"):
            raise UnreadableSource("archive_damaged", subject=said, reason=f"no header for {info.filename[:80]}")
        lengths: tuple[int, int] = struct.unpack("<HH", local[26:30])
        if info.header_offset + 30 + sum(lengths) + info.compress_size > following:
            raise UnreadableSource("archive_overlap", subject=said, member=info.filename[:80])


def _members(infos: Sequence[zipfile.ZipInfo], said: str) -> dict[str, zipfile.ZipInfo]:
    decoded = _decoded_names(infos)
    out: dict[str, zipfile.ZipInfo] = {}
    for info, name in zip(infos, decoded, strict=True):
        safe = _safe(name, info, said)
        if safe.endswith("/") or info.is_dir() or _LEFT_OUT.search(safe):
            continue
        if safe in out:
            raise UnreadableSource("archive_duplicate", subject=said, member=safe)
        if info.flag_bits & 0x1:
            raise UnreadableSource("archive_encrypted", subject=said, member=safe)
        if info.compress_type not in _METHODS:
            method = _METHOD_NAMES.get(info.compress_type, str(info.compress_type))
            raise UnreadableSource("archive_method", subject=said, member=safe, method=method)
        out[safe] = info
    return out


def _safe(name: str, info: zipfile.ZipInfo, said: str) -> str:
    """The member's name with forward slashes, if it leads to a place inside the folder."""
    slashed = name.replace("\\", "/").removeprefix("./")
    parts = PurePosixPath(slashed).parts
    leads_out = slashed.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", slashed) is not None
    if leads_out or not slashed or any(ord(letter) < 32 for letter in info.orig_filename):
        raise UnreadableSource("archive_unsafe_name", subject=said, member=name[:80])
    if stat.S_ISLNK(info.external_attr >> 16):
        raise UnreadableSource("archive_link", subject=said, member=name[:80])
    return "/".join(parts) + ("/" if slashed.endswith("/") else "")


def _decoded_names(infos: Sequence[zipfile.ZipInfo]) -> list[str]:
    """The members' names: as flagged UTF-8, from the Unicode extra field, else in the encoding their bytes are likeliest in."""
    raw = [None if info.flag_bits & 0x800 else info.orig_filename.encode("cp437", "replace") for info in infos]
    unflagged = [name for name in raw if name is not None and not name.isascii()]
    encoding = codec_of(detect(unflagged)) if unflagged else "ascii"
    out: list[str] = []
    for info, name in zip(infos, raw, strict=True):
        stated = _unicode_name(info.extra)
        if name is None or name.isascii() or stated is not None:
            out.append(stated or info.orig_filename)
            continue
        try:
            out.append(name.decode(encoding))
        except UnicodeDecodeError:
            out.append(info.orig_filename)
    return out


def _unicode_name(extra: bytes) -> str | None:
    """The name in an Info-ZIP Unicode Path field (0x7075); None where there is none."""
    at = 0
    while at + 4 <= len(extra):
        tag, size = struct.unpack("<HH", extra[at : at + 4])
        if tag == 0x7075 and size > 5:
            try:
                return extra[at + 9 : at + 4 + size].decode("utf-8")
            except UnicodeDecodeError:
                return None
        at += 4 + size
    return None


def _reason(error: Any) -> str:
    return str(error) or type(error).__name__
