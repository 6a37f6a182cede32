"""GeoPackage: one feature table a layer, written by GDAL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pyogrio.raw import write as write_raw

from twin.errors import NotFound
from twin.store import Store
from web.export.columns import typed_column
from web.export.fresh import fresh_file
from web.export.tables import Sheet, sheets

_RESERVED = {"fid", "geom"}  # names GDAL gives columns of its own


def write(store: Store, layer: str | None, out: Path) -> None:
    """The layer, or all of them, as one GeoPackage; raises NotFound where there is nothing to write."""
    found = sheets(store, layer)
    if not found:
        raise NotFound("export_nothing", subject=store.park().name)
    with fresh_file(out) as path:
        for sheet in found:
            _write_sheet(path, sheet)


def _write_sheet(path: Path, sheet: Sheet) -> None:
    table = sheet.table
    columns = {"id": list(table.ids)} | {_free(name): values for name, values in table.columns.items() if name != "id"}
    typed = {name: typed_column(values) for name, values in columns.items()}
    write: Any = write_raw
    write(
        path,
        geometry=np.asarray(shapely.to_wkb(table.geometry, output_dimension=3), object),
        field_data=[values for values, _ in typed.values()],
        fields=np.array(list(typed), object),
        field_mask=[missing for _, missing in typed.values()],
        layer=sheet.name,
        driver="GPKG",
        geometry_type="Unknown",
        crs="EPSG:4326",
        append=path.exists(),
    )


def _free(name: str) -> str:
    return f"{name}_" if name.lower() in _RESERVED else name
