"""The park as files: one module a format, each with `write(store, layer, out)`; output is whole or not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from twin.errors import UsageError
from twin.store import Store

MODULES: Mapping[str, str] = {
    "geojson": "web.export.geojson",
    "gpkg": "web.export.gpkg",
    "geoparquet": "web.export.geoparquet",
    "pmtiles": "web.export.pmtiles",
    "3dtiles": "web.export.tilesets",
    "html": "web.export.html",
    "pydeck": "web.export.pydeck",
    "park": "web.export.park",
    "source": "web.export.source",
}


SPOKEN = {"html"}  # formats that hold sentences
SLOW = {"pmtiles"}  # formats that tell how far they are
Told = Callable[[int, int], None]  # parts done, parts known of


def writer(name: str, lang: str = "en", told: Told | None = None) -> Callable[[Store, str | None, Any], None]:
    """What writes the format to a path (a park to an address), its sentences in `lang` where it has any; its libraries are loaded now.

    Formats that take long tell `told` how far they are.

    Raises
    ------
    UsageError
        If there is no such format.
    """
    if name not in MODULES:
        raise UsageError("export_format", subject=name, known=", ".join(MODULES))
    write = import_module(MODULES[name]).write
    if name in SLOW:
        return partial(write, told=told)
    return partial(write, lang=lang) if name in SPOKEN else write
