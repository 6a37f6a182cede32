"""Everything the park consists of, written to a folder."""

from __future__ import annotations

from pathlib import Path

from sample_park import terrain
from sample_park.buildings_ifc.compose import write_models
from sample_park.layers import LAYERS, TABLES
from sample_park.write import write_devices, write_geojson


def build(folder: Path) -> None:
    """All files of the park, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    terrain.write_geotiff(folder / "terrain.tif")
    build_layers(folder)
    write_models(folder)


def build_layers(folder: Path) -> None:
    """The GeoJSON layers and the device tables."""
    for name, rows in LAYERS.items():
        write_geojson(folder / f"{name}.geojson", rows())
    for name, devices in TABLES.items():
        write_devices(folder / f"{name}.csv", devices())
