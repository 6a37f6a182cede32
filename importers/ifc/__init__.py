"""IFC building models: recognised by content, read and tessellated in a child process, placed in the park.

The kernel (ifcopenshell) is C++ that can crash, hang or run out of memory on a bad file. It therefore runs in a process of its own
(`worker`), and this package never imports it here. Parts: `identify` (what the file is) → `process` and `worker` (the child) →
`georeference` (where the model stands) → `assemble` (the store's terms).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from importers.contract import Context, Imported, Options, Progress
    from importers.ifc.reader import Begun


@dataclass(frozen=True)
class IfcImporter:
    """The importer of IFC files (STEP and .ifczip; IFC2X3, IFC4, IFC4X3)."""

    name: str = "ifc"

    def recognises(self, path: Path, head: bytes) -> int:
        """How sure it is that the file is IFC, 0 to 100, from its first bytes and, for a zip, its list of members."""
        from importers.ifc.identify import sureness  # noqa: PLC0415  the child imports this package and needs none of the parent's part

        return sureness(path, head)

    def may_begin(self, path: Path, beside: Path) -> bool:
        """Whether the memory is there to read two files at once; a large file is read alone."""
        from importers.ifc.process import fit  # noqa: PLC0415

        return fit([path.stat().st_size, beside.stat().st_size])

    def begin(self, path: Path, options: Options, cache: Path | None, progress: Progress) -> AbstractContextManager[Begun]:
        """The bodies and the content of the file, which need nothing of the park; raises what `read` raises."""
        from importers.ifc.reader import begin  # noqa: PLC0415

        return begin(path, options, cache, progress)

    def read(self, path: Path, context: Context) -> Imported:
        """The model: storeys, spaces, elements and their mesh in the park's frame.

        Raises
        ------
        UnreadableSource
            If the file is not whole, not IFC, of a schema the kernel does not know, or the kernel cannot open it.
        UsageError
            If `--place` cannot be understood.
        """
        from importers.ifc.reader import read  # noqa: PLC0415

        return read(path, context)


IMPORTER = IfcImporter()
