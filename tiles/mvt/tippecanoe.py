"""The one border to tippecanoe: low zooms of very large layers in an archive, generalised by it where it is installed.

It takes a minute where `tiles.mvt.zooms` takes a second, so a map that is served does not wait for it.
"""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import shapely

from tiles.mvt.pmtiles import Archive
from tiles.mvt.properties import plain
from twin.model import FeatureTable

LARGE = 200_000  # features
BELOW = 12  # zooms below are taken from it
LIMIT_S = 600
BLOCK = 10_000  # features written at a time

log = logging.getLogger("parktwin.tiles")


def low_zooms(layer_id: str, table: FeatureTable, last_zoom: int) -> Archive | None:
    """The tiles of zooms 0 to BELOW - 1 of a large layer; None for others, and where tippecanoe is not there or does not manage.

    It drops the densest features until a tile has fewer than 500 kB compressed, and says how many (`strategies` in the metadata);
    attributes and numbers are those of our own tiles.
    """
    program = shutil.which("tippecanoe")
    if program is None or len(table) <= LARGE or last_zoom <= BELOW:
        return None
    with tempfile.TemporaryDirectory(prefix="parktwin-tippecanoe-") as name:
        source, out = Path(name) / "features.geojsonl", Path(name) / "low.pmtiles"
        with source.open("w", encoding="utf-8") as file:
            file.writelines(_lines(table))
        options = ["-q", "-Z0", f"-z{BELOW - 1}", "-r1", "--drop-densest-as-needed", "-P", "-l", layer_id, "-n", layer_id, "-t", name]
        try:
            done = subprocess.run([program, *options, "-o", str(out), str(source)], capture_output=True, timeout=LIMIT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            log.warning("tippecanoe: %s", error)
            return None
        if done.returncode != 0:
            log.warning("tippecanoe: %s", done.stderr.decode("utf-8", "replace").strip()[-500:])
            return None
        return Archive(out)


def _lines(table: FeatureTable) -> Iterator[str]:
    """Each feature that has a place as a line of GeoJSON, its number as its id."""
    geometry = np.asarray(table.geometry, object)
    finite = np.isfinite(shapely.bounds(geometry).sum(axis=1))
    columns = {"id": table.ids} | {name: values for name, values in table.columns.items() if name != "id"}
    for start in range(0, len(table), BLOCK):
        shapes = shapely.to_geojson(shapely.force_2d(geometry[start : start + BLOCK]))
        for number, shape in enumerate(shapes.tolist(), start):
            if not finite[number]:
                continue
            values = {name: value for name, column in columns.items() if (value := plain(column[number])) is not None}
            properties = json.dumps(values, ensure_ascii=False)
            yield f'{{"type":"Feature","id":{number},"geometry":{shape},"properties":{properties}}}\n'
