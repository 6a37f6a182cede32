"""The park as files, read back by other programs."""

from __future__ import annotations

import base64
import gzip
import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely

from twin.crs import Frame
from twin.errors import NotFound, UsageError
from twin.measures import compute
from twin.measures.report import keep
from twin.model import Park
from twin.store import Store, create_store, open_store
from web.export import MODULES, writer
from web.export.columns import typed_column
from web.export.geoparquet import encode
from web.export.html import bundle, page
from web.export.html import write as write_html
from web.export.parquet import parquet
from web.export.tables import sheets
from web.export.tilesets import contents


@pytest.fixture(scope="module")
def store(park_folder: Path) -> Store:
    return open_store(park_folder)


def test_an_unknown_format_lists_those_there_are() -> None:
    with pytest.raises(UsageError) as refused:
        writer("cityjson")
    for name in MODULES:
        assert name in refused.value.hint("en")


def test_geojson_holds_every_feature_once(store: Store, tmp_path: Path) -> None:
    writer("geojson")(store, None, tmp_path / "park.geojson")
    features = json.loads((tmp_path / "park.geojson").read_text("utf-8"))["features"]
    expected = sum(layer.features for layer in store.layers()) + len(store.devices()) + len(store.spaces()) + len(store.events())
    assert len(features) == expected
    camera = next(feature for feature in features if feature["properties"]["id"] == "cam-1")
    assert camera["properties"]["layer"] == "devices"
    assert camera["geometry"]["coordinates"][2] == 4.0
    road = next(feature for feature in features if feature["id"] == "roads/0")
    assert shapely.hausdorff_distance(shapely.geometry.shape(road["geometry"]), store.features("roads").geometry[0]) < 2e-8


def test_geojson_of_one_layer_and_of_none(store: Store, tmp_path: Path) -> None:
    writer("geojson")(store, "roads", tmp_path / "roads.geojson")
    assert len(json.loads((tmp_path / "roads.geojson").read_text("utf-8"))["features"]) == 2
    with pytest.raises(NotFound, match="nothing-here"):
        writer("geojson")(store, "nothing-here", tmp_path / "x.geojson")
    assert not (tmp_path / "x.geojson").exists()


def test_geopackage_opens_in_gdal_with_the_same_values(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "park.gpkg"
    writer("gpkg")(store, None, out)
    names = {str(name) for name, _ in pyogrio.list_layers(out)}
    assert names == {sheet.name for sheet in sheets(store, None)}
    blocks = pyogrio.read_dataframe(out, layer="blocks")
    assert pyogrio.read_info(out, layer="blocks")["crs"] == "EPSG:4326"
    assert blocks["id"].tolist() == ["blocks/0", "blocks/1"]
    assert blocks["height_m"].tolist()[0] == 12.0
    assert np.isnan(blocks["height_m"].tolist()[1])
    assert blocks["name_zh"].tolist()[0] == "甲栋"
    assert blocks["name_zh"].isna().tolist() == [False, True]
    assert all(a.equals(b) for a, b in zip(blocks.geometry, store.features("blocks").geometry, strict=True))
    devices = pyogrio.read_dataframe(out, layer="devices")
    assert devices.geometry[0].z == 4.0
    assert list(tmp_path.iterdir()) == [out]


def test_output_is_whole_or_not_there(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "park.gpkg"
    out.write_bytes(b"before")
    monkeypatch.setattr("web.export.gpkg._write_sheet", lambda path, sheet: path.write_bytes(b"half") and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        writer("gpkg")(store, None, out)
    assert out.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [out]


def test_a_missing_folder_is_told(store: Store, tmp_path: Path) -> None:
    for name in ("geojson", "gpkg", "geoparquet", "3dtiles", "pydeck"):
        with pytest.raises(UsageError):
            writer(name)(store, None, tmp_path / "nowhere" / "out")


def test_tilesets_hold_together(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "tiles"
    writer("3dtiles")(store, None, out)
    found = list(contents(out / "tileset.json"))
    assert len(found) >= 2
    origin = store.park().frame.ecef_matrix()[:3, 3]
    for content in found:
        assert content.path.read_bytes()[:4] == b"glTF"
        assert content.transform.shape == (4, 4)
        assert np.linalg.norm(content.transform[:3, 3] - origin) < 500  # the tiles stand in the park
    assert not any(path.suffix in {".br", ".gz"} for path in out.rglob("*"))
    with pytest.raises(UsageError):
        writer("3dtiles")(store, None, out)


@pytest.mark.parametrize("name", ["3dtiles", "html", "pydeck"])
def test_whole_formats_take_no_layer(store: Store, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="roads"):
        writer(name)(store, "roads", tmp_path / "out")


def test_pydeck_is_what_the_scene_is_with_devices_inside(store: Store, tmp_path: Path) -> None:
    writer("pydeck")(store, None, tmp_path / "scene.json")
    document = json.loads((tmp_path / "scene.json").read_text("utf-8"))
    cameras = next(layer for layer in document["layers"] if layer["id"] == "devices/camera")
    assert [camera["id"] for camera in cameras["data"]] == ["cam-1", "cam/2"]


# --- GeoParquet ------------------------------------------------------------------------------------------------------------------


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
        if byte < 128:
            return value, at


def thrift(data: bytes, at: int, kind: int = 12) -> tuple[Any, int]:
    """A value of Thrift's compact protocol, structs as tables by field number: a reader that shares nothing with the writer."""
    if kind in {5, 6}:
        value, at = varint(data, at)
        return (value >> 1) ^ -(value & 1), at
    if kind == 8:
        size, at = varint(data, at)
        return data[at : at + size], at + size
    if kind == 9:
        size, inner = data[at] >> 4, data[at] & 15
        at += 1
        if size == 15:
            size, at = varint(data, at)
        items = []
        for _ in range(size):
            item, at = thrift(data, at, inner)
            items.append(item)
        return items, at
    fields: dict[int, Any] = {}
    number = 0
    while data[at]:
        number, inner = number + (data[at] >> 4), data[at] & 15
        fields[number], at = thrift(data, at + 1, inner)
    return fields, at + 1


def read_parquet(data: bytes) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """Columns and metadata of a flat, gzipped, plainly encoded Parquet file."""
    assert data[:4] == data[-4:] == b"PAR1"
    size = struct.unpack("<I", data[-8:-4])[0]
    footer, _ = thrift(data, len(data) - 8 - size)
    names = [column[4].decode() for column in footer[2][1:]]
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for group in footer[4]:
        for name, chunk in zip(names, group[1], strict=True):
            about = chunk[3]
            header, start = thrift(data, about[9])
            page_bytes = gzip.decompress(data[start : start + header[3]])
            assert len(page_bytes) == header[2]
            assert start + header[3] - about[9] == about[7]
            columns[name] += page_values(page_bytes, header[5][1], about[1])
    assert all(len(values) == footer[3] for values in columns.values())
    return columns, {entry[1].decode(): entry[2].decode() for entry in footer.get(5, [])}


def page_values(data: bytes, rows: int, kind: int) -> list[Any]:
    size = struct.unpack("<I", data[:4])[0]
    head, start = varint(data, 4)
    assert head & 1
    present = np.unpackbits(np.frombuffer(data[start : 4 + size], np.uint8), bitorder="little")[:rows].astype(bool)
    rest, count = data[4 + size :], int(present.sum())
    if kind == 0:
        values: list[Any] = np.unpackbits(np.frombuffer(rest, np.uint8), bitorder="little")[:count].astype(bool).tolist()
    elif kind in {2, 5}:
        values = np.frombuffer(rest, "<i8" if kind == 2 else "<f8", count).tolist()
    else:
        values, at = [], 0
        for _ in range(count):
            length = struct.unpack("<I", rest[at : at + 4])[0]
            values.append(rest[at + 4 : at + 4 + length])
            at += 4 + length
    found = iter(values)
    return [next(found) if here else None for here in present]


def test_geoparquet_reads_back(store: Store) -> None:
    columns, metadata = read_parquet(encode(sheets(store, "blocks")))
    assert columns["id"] == [b"blocks/0", b"blocks/1"]
    assert columns["name_zh"] == ["甲栋".encode(), None]
    assert columns["height_m"] == [12.0, None]
    assert columns["storeys"] == [None, 3.0] or columns["storeys"] == [None, 3]
    shapes = shapely.from_wkb(np.array(columns["geometry"], object))
    assert all(a.equals(b) for a, b in zip(shapes, store.features("blocks").geometry, strict=True))
    geo = json.loads(metadata["geo"])
    assert geo["version"] == "1.1.0"
    assert geo["columns"]["geometry"]["encoding"] == "WKB"
    assert geo["columns"]["geometry"]["geometry_types"] == ["Polygon"]
    assert geo["columns"]["geometry"]["bbox"] == pytest.approx(shapely.total_bounds(store.features("blocks").geometry).tolist())


def test_geoparquet_of_everything_and_of_nothing(store: Store) -> None:
    columns, _ = read_parquet(encode(sheets(store, None)))
    assert len(columns["id"]) == sum(len(sheet.table) for sheet in sheets(store, None))
    assert set(columns["layer"]) >= {b"roads", b"devices"}
    empty, metadata = read_parquet(encode([]))
    assert empty["id"] == []
    assert "geo" in metadata


def test_parquet_in_several_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.export.parquet.ROWS", 7)
    values = [None if i % 3 == 0 else i * 10**12 - 5 for i in range(40)]
    flags = [i % 2 == 0 for i in range(40)]
    columns, metadata = read_parquet(parquet({"n": typed_column(values), "b": typed_column(flags)}, {"k": "värde"}))
    assert columns == {"n": values, "b": flags}
    assert metadata == {"k": "värde"}


def test_geoparquet_is_read_by_pyarrow(store: Store, tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow.parquet")
    writer("geoparquet")(store, None, tmp_path / "park.parquet")
    table = arrow.read_table(tmp_path / "park.parquet")
    assert table.num_rows == sum(len(sheet.table) for sheet in sheets(store, None))
    assert "甲栋" in table["name_zh"].to_pylist()


@pytest.mark.parametrize(("values", "kind", "kept"), [
    ([1, None, 3], "i", [1, 3]), ([1, 2.5, None], "f", [1.0, 2.5]), ([True, None], "b", [True]), (["a", 1, None], "O", ["a", "1"]),
    ([None, None], "O", []), ([[1, 2], {"a": "ü"}], "O", ["[1, 2]", '{"a": "ü"}']), ([2**70, 1], "f", [float(2**70), 1.0]),
])  # fmt: skip
def test_columns_take_the_first_type_that_holds_all(values: list[Any], kind: str, kept: list[Any]) -> None:
    column, missing = typed_column(values)
    if kind == "b":
        assert column.dtype == bool
        assert not missing.any() or len(column) == len(values)
    assert column.dtype.kind == kind
    assert column[~missing].tolist() == kept


# --- HTML ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(store: Store, tmp_path_factory: pytest.TempPathFactory) -> str:
    static = tmp_path_factory.mktemp("static")
    (static / "export").mkdir()
    (static / "export" / "parktwin.iife.js").write_text("var Parktwin={start:function(){document.write('</script>')}};")
    (static / "export" / "parktwin.css").write_text(".a{color:red}")
    write_html(store, None, static / "park.html", lang="en", static=static)
    return (static / "park.html").read_text("utf-8")


def test_page_asks_for_nothing(written: str) -> None:
    assert not re.search(r"""(?:src|href)\s*=|url\(|@import""", written)
    outside = re.sub(r"window\.PARKTWIN = .*?;</script>", "", written, flags=re.DOTALL)
    assert "http://" not in outside
    assert "https://" not in outside
    assert "default-src 'none'" in written


def test_page_is_well_formed_whatever_is_in_the_data(store: Store, tmp_path: Path) -> None:
    library = tmp_path / "parktwin.js"
    library.write_text("var Parktwin;")
    nasty = {"park": {"name": "</title><script>alert(1)</script>"}, "note": "</script><!-- <script> {{LIBRARY}}"}
    text = page(nasty, library, "zh")
    assert text.count("</script>") == 3
    assert "<!--" not in text
    assert text.count("var Parktwin;") == 1
    data = re.search(r"window\.PARKTWIN = (.*?);</script>", text, re.DOTALL)
    assert data is not None
    assert json.loads(data[1]) == nasty


def test_page_holds_the_park(written: str, store: Store) -> None:
    data = re.search(r"window\.PARKTWIN = (.*?);</script>", written, re.DOTALL)
    assert data is not None
    held = json.loads(data[1])
    assert held["version"] == 1
    assert held["language"] == "en"
    assert {"park", "scene", "layers", "features", "meshes", "buildings"} <= set(held)
    drawn = {layer["id"]: layer["@@type"] for layer in held["scene"]["layers"]}
    assert {name for name, kind in drawn.items() if kind == "MVTLayer"} <= set(held["features"])
    assert {name for name, kind in drawn.items() if kind == "ParkTileset"} == set(held["meshes"])
    for tiles in held["meshes"].values():
        for tile in tiles:
            assert base64.b64decode(tile["glb"])[:4] == b"glTF"
            assert len(tile["transform"]) == 16
            assert tile["transform"][15] == 1.0
            assert np.linalg.norm(np.array(tile["transform"][12:15]) - store.park().frame.ecef_matrix()[:3, 3]) < 500
    assert held["elements"]["wall-1"]["class"] == "IfcWall"
    assert [storey["id"] for storey in held["storeys"]["house"]] == ["gf", "up"]


def test_bundle_says_what_the_server_says(store: Store, client: Any) -> None:
    held = bundle(store, "en")
    for name, path in (("park", "/api/park"), ("layers", "/api/layers"), ("buildings", "/api/buildings"), ("packs", "/api/packs")):
        assert held[name] == client.get(path).json()
    assert held["devices"][0] == client.get("/api/devices/cam-1").json()
    assert held["storeys"]["house"] == client.get("/api/buildings/house/storeys").json()


def test_results_go_along_and_only_so_many_samples(own_park: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = open_store(own_park)
    result = compute(own, "charging_space_share", {})
    keep(own, result)
    held = bundle(own, "zh")["results"]
    assert [entry["result"]["run"] for entry in held] == [result.run]
    assert len(held[0]["samples"]["value"]) == 4  # the bays
    monkeypatch.setattr("web.export.html.MAX_SAMPLES", 3)
    assert "samples" not in bundle(own, "zh")["results"][0]


def test_page_needs_the_clients_library(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not built"):
        write_html(store, None, tmp_path / "park.html", static=tmp_path)


def test_a_park_without_anything_is_told(tmp_path: Path) -> None:
    empty = create_store(tmp_path / "empty", Park("leer", Frame(104.06, 30.54)))
    with pytest.raises(NotFound, match="leer"):
        writer("gpkg")(empty, None, tmp_path / "out.gpkg")
    assert not (tmp_path / "out.gpkg").exists()
