"""Which importer a file belongs to, found from its content, and what makes a file no source at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import cast

from importers.contract import Importer
from twin.errors import SourceError, UnknownFormat, UnreadableSource, UsageError
from twin.model import DEVICE_KINDS, LAYER_KINDS
from twin.registry import points

HEAD_BYTES = 65_536
_LFS = b"version https://git-lfs.github.com/spec/"
_SIDECARS = (".dbf", ".shx", ".prj", ".cpg", ".qpj", ".sbn", ".sbx", ".qix")
_READ_BY = {"model": "ifc", "terrain": "raster", "device": "devices"}  # layer kinds that one importer alone makes of a file


def head(path: Path) -> bytes:
    """The first 64 KiB of a file.

    Raises
    ------
    UnreadableSource
        If there is no such file, it is a directory, it is empty, or it is a placeholder for content kept elsewhere.
    """
    if path.is_dir():
        raise UnreadableSource("source_directory", subject=path)
    if not path.exists():
        raise UnreadableSource("source_missing", subject=path)
    try:
        with path.open("rb") as stream:
            start = stream.read(HEAD_BYTES)
    except OSError as error:
        raise UnreadableSource("source_not_allowed", subject=path, reason=error.strerror) from error
    if not start.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise UnreadableSource("source_empty", subject=path)
    if start.startswith(_LFS):
        raise UnreadableSource("source_lfs_pointer", subject=path)
    return start


def parts(path: Path) -> list[Path]:
    """All files that make up the source: the file, and for a shapefile its neighbours of the same stem."""
    if path.suffix.lower() != ".shp":
        return [path]
    same = [other for other in path.parent.glob("*") if other.stem.lower() == path.stem.lower() and other.suffix.lower() in _SIDECARS]
    return [path, *sorted(same)]


def without_sidecars(paths: Sequence[Path]) -> list[Path]:
    """The paths less those that are read as parts of a shapefile that is listed too."""
    listed = {(path.parent, path.stem.lower()) for path in paths if path.suffix.lower() == ".shp"}
    return [path for path in paths if path.suffix.lower() not in _SIDECARS or (path.parent, path.stem.lower()) not in listed]


def digest(path: Path) -> str:
    """SHA-256 of the source, over all its parts in order."""
    total = hashlib.sha256()
    for part in parts(path):
        with part.open("rb") as stream:
            while block := stream.read(1 << 20):
                total.update(block)
    return total.hexdigest()


def find(path: Path, kind: str | None = None) -> Importer:
    """The importer whose content check is surest of the file.

    Parameters
    ----------
    path
        The file.
    kind
        An importer's name, a layer kind or a device kind, where the person gave one.

    Raises
    ------
    UsageError
        If `kind` is none of these.
    UnreadableSource
        If the file is no source at all.
    UnknownFormat
        If no importer recognises it.
    """
    wanted = named(kind)
    start = head(path)
    installed = _installed()
    if wanted is not None:
        if wanted not in installed:
            raise UnknownFormat("importer_not_installed", subject=path, importer=wanted)
        return installed[wanted]
    sureness = {name: importer.recognises(path, start) for name, importer in installed.items()}
    best = max(sureness, key=lambda name: sureness[name], default="")
    if not best or sureness[best] <= 0:
        raise _unknown(path, start)
    return installed[best]


def named(kind: str | None) -> str | None:
    """The importer that `kind` names, as such or by a kind only it makes; None where the content has to decide.

    Raises
    ------
    UsageError
        If `kind` is no importer, layer kind or device kind.
    """
    if kind is None:
        return None
    if kind in points("twin.importers"):
        return kind
    if kind in LAYER_KINDS:
        return _READ_BY.get(kind)
    if kind in DEVICE_KINDS:
        return "devices"
    known = dict.fromkeys([*LAYER_KINDS, *DEVICE_KINDS, *points("twin.importers")])
    raise UsageError("kind_unknown", subject=kind, known=", ".join(known))


def layer_kind(kind: str | None) -> str | None:
    """`kind` where it is a layer kind that features can have; None where it names an importer or nothing."""
    return kind if kind in LAYER_KINDS and kind not in _READ_BY else None


def _unknown(path: Path, start: bytes) -> SourceError:
    if path.suffix.lower() in _SIDECARS:
        return UnreadableSource("source_sidecar", subject=path, main=f"{path.stem}.shp")
    if start.startswith(b"AC10") or path.suffix.lower() == ".dwg":
        return UnknownFormat("source_dwg", subject=path)
    return UnknownFormat("source_unknown", subject=path)


def _installed() -> Mapping[str, Importer]:
    """The importers whose libraries are there; an extra that was not installed is left out."""
    found = {name: _load(point) for name, point in points("twin.importers").items()}
    return {name: importer for name, importer in found.items() if importer is not None}


def _load(point: EntryPoint) -> Importer | None:
    try:
        return cast(Importer, point.load())
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in {"importers", "twin"}:
            raise
        return None
