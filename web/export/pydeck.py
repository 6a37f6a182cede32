"""The scene as pydeck JSON, devices included; its tiles are read from a server of the park."""

from __future__ import annotations

import json
from pathlib import Path

from twin.errors import UsageError
from twin.files import write_atomically
from twin.store import Store
from web.scene import scene


def write(store: Store, layer: str | None, out: Path) -> None:
    """The scene of the park.

    Raises
    ------
    UsageError
        If a layer is named: the scene is whole.
    """
    if layer is not None:
        raise UsageError("export_whole", subject="pydeck", layer=layer)
    write_atomically(out, json.dumps(scene(store, inline=True), ensure_ascii=False, indent=1))
