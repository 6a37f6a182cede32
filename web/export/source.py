"""The file that a source was read from, as it came, where the park keeps it: of its newest version, or of `NAME@NUMBER`."""

from __future__ import annotations

import shutil
from pathlib import Path

from twin.diff import source_of
from twin.errors import UsageError
from twin.store import Store
from web.answers.versions import file_of
from web.export.fresh import fresh_file
from web.export.tables import numbered


def write(store: Store, layer: str | None, out: Path) -> None:
    """The file of the source, or of the model or layer that came from it.

    Raises
    ------
    UsageError
        If none is named.
    NotFound
        If nothing has that name, there is no such version, or its file is not kept.
    """
    if layer is None:
        raise UsageError("export_source_which", known=", ".join(dict.fromkeys(version.source for version in store.versions())) or "–")
    name, number = numbered(layer)
    source = source_of(store, name)
    chosen = store.versions(source)[-1].number if number is None else number
    asset = file_of(store, store.version(source, chosen), source, chosen)
    with fresh_file(out) as path:
        shutil.copyfile(store.asset_path(asset.sha256), path)
