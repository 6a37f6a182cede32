"""One file that is to be imported, and whether what the park shows was made of it already."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from importers.contract import Options
from importers.recognise import digest
from twin.store import Store

_SILENT = Options()


@dataclass(frozen=True)
class Asked:
    """One file that is to be imported: the name it is remembered by, its content, what was said about it, and who reads it."""

    path: Path
    name: str
    sha256: str
    options: str
    importer: str

    def before(self, store: Store) -> Mapping[str, Any] | None:
        """The source whose place this one takes: that of the same name, else that of the same content whose file was renamed since."""
        sources = store.sources()
        by_name = next((source for source in sources if source["name"] == self.name), None)
        return by_name or next((source for source in sources if self._is(source) and self._was_renamed(source)), None)

    def unchanged(self, store: Store) -> dict[str, Any] | None:
        """The report of the import that made what the park shows, if the same content was imported in the same way."""
        before = self.before(store)
        if before is None or before["name"] != self.name or not self._is(before):
            return None
        return dict(before["report"]) | {"file": str(self.path), "changed": False}

    def twins(self, store: Store) -> list[str]:
        """The names of other sources with the same content, imported in the same way."""
        return [source["name"] for source in store.sources() if source["name"] != self.name and self._is(source)]

    def _is(self, source: Mapping[str, Any]) -> bool:
        return (source["sha256"], source["options"], source["importer"]) == (self.sha256, self.options, self.importer)

    def _was_renamed(self, source: Mapping[str, Any]) -> bool:
        """Whether the file of an earlier import is gone from a folder that is still there: then this one is that file under a new name."""
        earlier = Path(source["report"].get("file", ""))
        return earlier.parent.is_dir() and not earlier.exists() and not (self.path.parent / earlier.name).exists()


def options_digest(options: Options) -> str:
    """A digest of what the person said, and of the table of control points: what was left unsaid does not count."""
    said = {name: value for name, value in asdict(options).items() if value != getattr(_SILENT, name)}
    if options.control is not None and Path(options.control).is_file():
        said["control"] = digest(Path(options.control))
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode("utf-8")).hexdigest()
