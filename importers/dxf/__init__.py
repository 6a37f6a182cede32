"""Drawings (DXF): recognised by content, read in a child process, placed, and turned into layers and devices.

`reader` and `walk` (in the child, by ezdxf) → `drawing` (plain values) → `assemble` (the park's terms). This module imports neither, so
that what the package says can be read where ezdxf is not installed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from twin.errors import UnknownFormat, UnreadableSource
from twin.model import DEVICE_KINDS

if TYPE_CHECKING:
    from importers.contract import Context, Imported, Options, Progress
    from importers.dxf.drawing import Drawing

_TEXT = re.compile(rb"\A(\xef\xbb\xbf)?\s*(999\s*\r?\n[^\n]*\n\s*)*0\s*\r?\n\s*SECTION\b")
_BINARY = b"AutoCAD Binary DXF"
_DWG = re.compile(rb"\A(AC1\.\d|AC2\.\d|AC10\d\d|MC0\.0)")


@dataclass(frozen=True)
class DxfImporter:
    """Drawings: DXF of release 12 to 2018, text and binary."""

    name: str = "dxf"

    def recognises(self, path: Path, head: bytes) -> int:
        """How sure it is from the first bytes that the file is a drawing, one it can read or one it can only name."""
        if head.startswith(_BINARY) or _TEXT.match(head):
            return 95
        return 95 if _is_closed_format(head) or (path.suffix.lower() == ".dxf" and _looks_broken(head)) else 0

    def read(self, path: Path, context: Context) -> Imported:
        """The layers and devices of a drawing; raises SourceError."""
        with path.open("rb") as stream:
            head = stream.read(64)
        if head.startswith(b"AutoCAD DXB"):
            raise UnknownFormat("dxf_dxb", subject=path)
        if _is_closed_format(head):
            raise UnknownFormat("source_dwg", subject=path)
        if find_spec("ezdxf") is None:
            raise UnknownFormat("importer_not_installed", subject=path, importer=self.name)
        from importers.dxf.assemble import assembled  # noqa: PLC0415  needs libraries that finding a sentence does not
        from importers.isolated import alone, limits_for  # noqa: PLC0415
        from importers.placing import check_datum  # noqa: PLC0415

        check_datum(context.options)
        context.progress("read", 0, 0)
        limits = replace(limits_for(path.stat().st_size), seconds=120.0 + 6e-6 * path.stat().st_size)  # pure Python: slower than most
        drawing = alone(partial(_read, path, context.options), path, limits=limits, progress=context.progress)
        if not (drawing.pieces or drawing.symbols or drawing.labels):
            if drawing.mended:
                raise UnreadableSource("dxf_unreadable", subject=path, reason="; ".join(list(drawing.mended)[:3]))
            raise UnreadableSource("source_no_features", subject=path)
        return assembled(drawing, path, context)


def _read(path: Path, options: Options, progress: Progress) -> Drawing:  # noqa: ARG001  a drawing is read in one go
    from importers.dxf.reader import read_drawing  # noqa: PLC0415  only the child needs ezdxf

    return read_drawing(path, options.encoding, options.kind if options.kind in DEVICE_KINDS else None)


def _is_closed_format(head: bytes) -> bool:
    return head.startswith(b"AutoCAD DXB") or _DWG.match(head) is not None


def _looks_broken(head: bytes) -> bool:
    """Whether what is called a drawing has some of its words, though not in the right places."""
    return sum(word in head for word in (b"SECTION", b"ENTITIES", b"HEADER", b"ENDSEC", b"LINE", b"\n  0")) >= 2


IMPORTER = DxfImporter()
