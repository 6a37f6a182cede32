"""Which importer a file belongs to, found from its content, and what makes a file no source at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import cast

from importers import archive
from importers.bundle import SIDECAR_ENDINGS, Bundle, Compressed, is_collection, sidecars
from importers.contract import Importer
from twin.errors import SourceError, UnknownFormat, UnreadableSource, UsageError
from twin.model import DEVICE_KINDS, LAYER_KINDS
from twin.registry import points

HEAD_BYTES = 65_536
_LFS = b"version https://git-lfs.github.com/spec/"
_OTHER_ARCHIVES = {"RAR": b"Rar!", "7z": b"7z\xbc\xaf\x27\x1c", "CAB": b"MSCF", "zstd": b"\x28\xb5\x2f\xfd"}  # their first bytes
_COMPOUND = b"\xd0\xcf\x11\xe0"  # compound file of old office programs
_HEADS_OF_FOLDERS = {"tileset.json", "layer.json"}
_CERTAIN = 100  # sureness beyond which nobody else is asked, and the library of nobody else is loaded
_FIRST = ("ifc", "park")  # importers that can be certain by a look at the first bytes, and need no library for it
_NO_FEATURES = {"model", "terrain", "device"}  # layer kinds that are no tables of features
_MADE_BY: Mapping[str, tuple[str, ...]] = {  # the importers that make a layer kind of a file; the first where none is sure of it
    "model": ("ifc", "citymodel"),
    "terrain": ("raster", "quantized_mesh", "pointcloud", "citymodel"),
    "surface": ("raster", "quantized_mesh", "pointcloud"),  # no kind of layer: terrain with roofs and trees
    "device": ("devices", "dxf"),
    "mesh": ("tileset", "vector"),
    "panorama": ("panorama",),
    "point_cloud": ("pointcloud", "vector"),
}


def head(path: Path) -> bytes:
    """The first 64 KiB of a file.

    Raises
    ------
    UnreadableSource
        If there is no such file, it is a directory or a device, it is empty, or it is a placeholder for content kept elsewhere.
    """
    _check_name(path)
    if path.is_dir():
        raise UnreadableSource("source_directory", subject=path)
    if not path.exists():
        raise UnreadableSource("source_missing", subject=path)
    if not path.is_file():  # a pipe would be waited for, a device has no end
        raise UnreadableSource("source_no_file", subject=path)
    try:
        with path.open("rb") as stream:
            start = stream.read(HEAD_BYTES)
    except OSError as error:
        raise UnreadableSource("source_not_allowed", subject=path, reason=error.strerror) from error
    if not start.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise UnreadableSource("source_empty", subject=path)
    if start.startswith(_LFS):
        raise UnreadableSource("source_lfs_pointer", subject=path)
    return start


def _check_name(path: Path) -> None:
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise UnreadableSource("source_name", subject=str(path).encode("utf-8", "replace").decode("utf-8")) from error


def parts(path: Path) -> list[Path]:
    """All files that make up the source: the file, and for a shapefile or a MapInfo table its neighbours of the same stem.

    For the head of a tileset or of a terrain pyramid, all that lies in its folder: tiles change without their head.
    """
    if path.name.lower() in _HEADS_OF_FOLDERS:
        return [path, *sorted(file for file in path.parent.rglob("*") if file.is_file() and file != path)]
    return [path, *sidecars(path)]


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
    asked = list(_loaded(wanted)) if wanted else None
    if asked is not None and not asked:
        raise UnknownFormat("importer_not_installed", subject=path, importer=wanted[0])
    packed = archive.packed(start)
    if packed == "zip" and is_collection(path):
        return cast(Importer, Bundle(lambda file: _inside(file, kind)))
    best = _surest(asked, path, archive.first_bytes(start))
    if best is None and asked and asked[0].name == wanted[0] and packed != "zip":
        best = asked[0]
    if best is None and packed == "zip":
        return cast(Importer, Bundle(lambda file: _inside(file, kind)))
    if best is None:
        raise _unknown(path, start)
    return cast(Importer, Compressed(best)) if packed not in {None, "zip"} else best


def _surest(asked: Sequence[Importer] | None, path: Path, start: bytes) -> Importer | None:
    """The importer that is surest of a file by its first bytes, of those asked, else of all; the only one asked, whatever it says."""
    if asked is not None and len(asked) == 1 and not start.startswith(b"PK"):
        return asked[0]
    best, most = None, 0
    for importer in _loaded(dict.fromkeys([*_FIRST, *points("twin.importers")])) if asked is None else asked:
        sureness = _sureness(importer, path, start)
        if sureness > most:
            best, most = importer, sureness
        if most >= _CERTAIN:
            break
    return best


def _sureness(importer: Importer, path: Path, start: bytes) -> int:
    try:
        return importer.recognises(path, start)
    except Exception:  # noqa: BLE001  what a library cannot even look at is not its own; another may say what is wrong with it
        return 0


def _inside(file: Path, kind: str | None) -> Importer | None:
    """The importer of a file that was in an archive; None where nobody recognises it, as a read-me or a drawing's style."""
    if file.is_dir():
        return next(_loaded(("vector",)), None)
    try:
        found = find(file)
        wanted = found if kind is None else find(file, kind)
    except (UnknownFormat, UnreadableSource):
        return None
    return wanted if not isinstance(wanted, Bundle) else None


def named(kind: str | None) -> tuple[str, ...]:
    """The importers that `kind` names, as such or by a kind only they make; none where the content has to decide.

    Raises
    ------
    UsageError
        If `kind` is no importer, layer kind or device kind.
    """
    if kind is None:
        return ()
    if kind in points("twin.importers"):
        return (kind,)
    if kind in _MADE_BY or kind in LAYER_KINDS:
        return _MADE_BY.get(kind, ())
    if kind in DEVICE_KINDS:
        return ("devices", "dxf")
    known = dict.fromkeys([*LAYER_KINDS, *_MADE_BY, *DEVICE_KINDS, *points("twin.importers")])
    raise UsageError("kind_unknown", subject=kind, known=", ".join(known))


def layer_kind(kind: str | None) -> str | None:
    """`kind` where it is a layer kind that features can have; None where it names an importer or nothing."""
    return kind if kind in LAYER_KINDS and kind not in _NO_FEATURES else None


def _unknown(path: Path, start: bytes) -> SourceError:
    suffix = path.suffix.lower()
    if start.startswith(b"AC10") or suffix == ".dwg":
        return UnknownFormat("source_dwg", subject=path)
    if start.startswith(_COMPOUND) and suffix in {".xls", ".et", ""}:
        return UnknownFormat("source_xls", subject=path)
    inner = archive.first_bytes(start)
    other = "tar" if inner[257:262] == b"ustar" else next((name for name, mark in _OTHER_ARCHIVES.items() if start.startswith(mark)), None)
    if other is not None:
        return UnknownFormat("source_archive_other", subject=path, kind=other)
    main = SIDECAR_ENDINGS.get(suffix, "")
    if main == ".shp" or (main and path.with_suffix(main).exists()):
        return UnreadableSource("source_sidecar", subject=path, main=f"{path.stem}{main}")
    return UnknownFormat("source_unknown", subject=path)


def _loaded(names: Iterable[str]) -> Iterator[Importer]:
    """Importers by name, each loaded when its turn comes; one whose library, an extra, was not installed is left out."""
    known = points("twin.importers")
    found = (_load(known[name]) for name in names if name in known)
    return (importer for importer in found if importer is not None)


def _load(point: EntryPoint) -> Importer | None:
    try:
        return cast(Importer, point.load())
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in {"importers", "twin"}:
            raise
        return None
