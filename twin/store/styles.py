"""How QGIS draws a layer when it opens the park: a row of `layer_styles` a table, the convention of QGIS and GDAL.

A style is written once and again only while it is ours and the layer's geometry has become another: what a person saves stays.
"""

from __future__ import annotations

import sqlite3
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
import shapely

from twin.model import Geometries

_OURS = "parktwin"  # the name of a style that no person has made
_POINT_MM = 2.4  # size of a marker
_SYMBOLS = ("marker", "line", "fill")  # by dimension of the geometry
_LAYERS = ("SimpleMarker", "SimpleLine", "SimpleFill")
_QML = (
    "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis version=\"3.22.0\" styleCategories=\"Symbology\">"
    '<renderer-v2 type="singleSymbol" symbollevels="0" enableorderby="0" forceraster="0"><symbols>'
    '<symbol type="{symbol}" name="0" alpha="1" clip_to_extent="1" force_rhr="0">'
    '<layer class="{layer}" enabled="1" locked="0" pass="0"><Option type="Map">{options}</Option>{properties}</layer></symbol>'
    "</symbols></renderer-v2></qgis>"
)
_SLD = (
    '<StyledLayerDescriptor xmlns="http://www.opengis.net/sld" xmlns:se="http://www.opengis.net/se" version="1.1.0"><NamedLayer>'
    "<se:Name>{name}</se:Name><UserStyle><se:FeatureTypeStyle><se:Rule>{symbolizer}</se:Rule></se:FeatureTypeStyle></UserStyle>"
    "</NamedLayer></StyledLayerDescriptor>"
)


def put_style(db: sqlite3.Connection, table: str, kind: str, dimension: int) -> None:
    """Tell QGIS how to draw `table`, whose geometry is of `dimension` 0, 1 or 2, unless a person has said so."""
    qml = _qml(kind, dimension)
    row = db.execute(
        "SELECT styleName, styleQML FROM layer_styles WHERE f_table_name = ? ORDER BY styleName = ?", (table, _OURS)
    ).fetchone()
    if row is not None and (row[0] != _OURS or row[1] == qml):
        return
    db.execute("DELETE FROM layer_styles WHERE f_table_name = ? AND styleName = ?", (table, _OURS))
    db.execute(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML, styleSLD, "
        "useAsDefault, description, owner) VALUES ('', '', ?, 'geom', ?, ?, ?, 1, ?, '')",
        (table, _OURS, qml, _sld(kind, dimension), kind),
    )


def main_dimension(geometry: Geometries) -> int:
    """The dimension that most of the geometries (n,) have: 0 points, 1 lines, 2 areas; 2 where there are none."""
    found = shapely.get_dimensions(geometry)
    counts = np.bincount(found[found >= 0], minlength=3)
    return max((2, 1, 0), key=lambda dimension: counts[dimension])


@cache
def looks() -> Mapping[str, Mapping[str, Any]]:
    """The look of each kind of layer."""
    return tomllib.loads(files("twin.store").joinpath("styles.toml").read_text("utf-8"))


def _qml(kind: str, dimension: int) -> str:
    look = looks()[kind]
    fill, line, width = _rgba(look["fill"]), _rgba(look["line"]), str(look["width_mm"])
    said = (
        {"color": fill, "outline_color": line, "name": "circle", "size": str(_POINT_MM), "size_unit": "MM", "outline_width": "0.2"},
        {"line_color": line, "line_style": "solid", "line_width": width, "line_width_unit": "MM", "capstyle": "round"},
        {
            "color": fill,
            "style": "solid",
            "outline_color": line,
            "outline_style": "solid",
            "outline_width": width,
            "outline_width_unit": "MM",
        },
    )[dimension]
    options = "".join(f'<Option name={quoteattr(name)} type="QString" value={quoteattr(value)}/>' for name, value in said.items())
    properties = "".join(f"<prop k={quoteattr(name)} v={quoteattr(value)}/>" for name, value in said.items())
    return _QML.format(symbol=_SYMBOLS[dimension], layer=_LAYERS[dimension], options=options, properties=properties)


def _sld(kind: str, dimension: int) -> str:
    look = looks()[kind]
    fill, line = _paint("Fill", "fill", look["fill"]), _paint("Stroke", "stroke", look["line"])
    mark = f"<se:Mark><se:WellKnownName>circle</se:WellKnownName>{fill}{line}</se:Mark><se:Size>8</se:Size>"
    symbolizer = (
        f"<se:PointSymbolizer><se:Graphic>{mark}</se:Graphic></se:PointSymbolizer>",
        f"<se:LineSymbolizer>{line}</se:LineSymbolizer>",
        f"<se:PolygonSymbolizer>{fill}{line}</se:PolygonSymbolizer>",
    )[dimension]
    return _SLD.format(name=kind, symbolizer=symbolizer)


def _rgba(color: Sequence[int]) -> str:
    return ",".join(str(part) for part in color)


def _paint(element: str, parameter: str, color: Sequence[int]) -> str:
    red, green, blue, alpha = color
    told = {parameter: f"#{red:02x}{green:02x}{blue:02x}", f"{parameter}-opacity": f"{alpha / 255:.2f}"}
    return f"<se:{element}>" + "".join(f'<se:SvgParameter name="{k}">{v}</se:SvgParameter>' for k, v in told.items()) + f"</se:{element}>"
