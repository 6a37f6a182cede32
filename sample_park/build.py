"""Everything the park consists of, written to a folder."""

from __future__ import annotations

from pathlib import Path

from sample_park import terrain
from sample_park.layers import LAYERS
from sample_park.write import write_geojson


def build(folder: Path) -> None:
    """All files of the park, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    terrain.write_geotiff(folder / "terrain.tif")
    build_layers(folder)


def build_layers(folder: Path) -> None:
    """The GeoJSON layers."""
    for name, rows in LAYERS.items():
        write_geojson(folder / f"{name}.geojson", rows())
