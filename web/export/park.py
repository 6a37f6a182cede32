"""A whole park, with all old versions, at another address: a new directory or a database."""

from __future__ import annotations

from pathlib import Path

from twin.errors import UsageError
from twin.store import Store
from twin.store.transfer import copy_to


def write(store: Store, layer: str | None, out: str | Path) -> None:
    """A park at `out` that holds all that this one holds; raises Conflict where there is something already."""
    if layer is not None:
        raise UsageError("export_park_whole", subject=layer)
    copy_to(store, str(out)).close()
