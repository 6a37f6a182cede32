"""Archives: read by GDAL and by our own reader, whatever their size; bytes against the specification's header, field by field."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import stat
import struct
from pathlib import Path

import mapbox_vector_tile
import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tiles.mvt import MAX_ZOOM, VectorTiles
from tiles.mvt.archive import MAX_TILES, all_tiles, deepest_zoom
from tiles.mvt.pmtiles import FIRST_BYTES, Archive, tile_numbers, write_archive
from tiles.mvt.tippecanoe import BELOW, low_zooms
from twin.model import FeatureTable

WORLD = (-180.0, -85.0, 180.0, 85.0)


def archive(tmp_path: Path, tiles: list[tuple[int, bytes]]) -> Archive:
    out = io.BytesIO()
    assert write_archive(out, tiles, WORLD, {"vector_layers": []}) == len(tiles)
    (tmp_path / "a.pmtiles").write_bytes(out.getvalue())
    return Archive(tmp_path / "a.pmtiles")


def address(number: int) -> tuple[int, int, int]:
    """The tile of a number: the way back along the curve, bit by bit from the finest."""
    z = next(z for z in range(30) if number < (4 ** (z + 1) - 1) // 3)
    rest, x, y = number - (4**z - 1) // 3, 0, 0
    for bit in range(z):
        side, right = 1 << bit, rest >> 1 & 1
        down = (rest ^ right) & 1
        if not down:
            if right:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
        x, y, rest = x + side * right, y + side * down, rest >> 2
    return z, x, y


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.integers(0, 1300), st.sampled_from([b"a", b"b", b"c" * 200]) | st.binary(max_size=20), min_size=1, max_size=300))
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, tiles: dict[int, bytes]) -> None:
    found = archive(tmp_path_factory.mktemp("a"), sorted(tiles.items()))
    for number in {*tiles, *range(0, 1300, 97)}:
        assert found.tile(*address(number)) == tiles.get(number)


def test_many_different_tiles_have_directories_below_the_root(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    numbers = np.sort(random.choice(10**9, 60_000, replace=False)) + (4**15 - 1) // 3
    found = archive(tmp_path, [(int(n), n.tobytes()) for n in numbers])
    head = (tmp_path / "a.pmtiles").read_bytes()[:127]
    root_at, root, _, _, leaves_at, leaves, data_at, data = struct.unpack_from("<8Q", head, 8)
    assert root_at + root <= FIRST_BYTES
    assert leaves > 0
    assert leaves_at + leaves == data_at
    assert data_at + data == (tmp_path / "a.pmtiles").stat().st_size
    assert struct.unpack_from("<3Q", head, 72) == (60_000, 60_000, 60_000)
    assert set(found._entries) == set(numbers.tolist())  # every one of them is found below the root


def test_equal_tiles_are_there_once_and_in_runs(tmp_path: Path) -> None:
    tiles = [(k, b"sea" * 50 if k % 10 else b"land" + bytes([k])) for k in range(1, 85)]
    found = archive(tmp_path, tiles)
    addressed, entries, contents = struct.unpack_from("<3Q", (tmp_path / "a.pmtiles").read_bytes(), 72)
    assert addressed == 84
    assert contents == len({content for _, content in tiles}) == 9
    assert entries == 17
    assert [found.tile(*address(number)) for number, _ in tiles] == [content for _, content in tiles]


def city(n: int) -> FeatureTable:
    random = np.random.default_rng(3)
    places = random.uniform(0, 0.05, (n, 2)) + np.array([121.4, 31.2])
    size = random.uniform(5e-5, 2e-4, n)
    geometry = shapely.box(places[:, 0], places[:, 1], places[:, 0] + size, places[:, 1] + size)
    return FeatureTable(
        [f"b{k}" for k in range(n)], geometry, {"name": [f"楼 {k}" for k in range(n)], "h": random.integers(3, 99, n).tolist()}
    )


def test_gdal_opens_layers_with_what_was_put_in(tmp_path: Path) -> None:
    table, roads = city(300), FeatureTable(["r"], np.array([shapely.LineString([(121.4, 31.2), (121.45, 31.25)])]), {})
    layers = [VectorTiles("buildings", table, 16), VectorTiles("roads", roads, 16)]
    about = {
        "name": "city",
        "vector_layers": [{"id": tiles.layer_id, "fields": tiles.fields, "minzoom": 0, "maxzoom": 16} for tiles in layers],
    }
    out = tmp_path / "city.pmtiles"
    with out.open("wb") as file:
        write_archive(file, all_tiles(layers, 16, {}), layers[1].bounds or WORLD, about)
    assert {str(name) for name, _ in pyogrio.list_layers(out)} == {"buildings", "roads"}
    read = pyogrio.read_dataframe(out, layer="buildings").to_crs(4326)
    assert set(read["id"]) == set(table.ids)
    assert dict(zip(read["id"], read["name"], strict=True)) == dict(zip(table.ids, table.column("name"), strict=True))
    merged = read.dissolve("id").geometry  # what tiles cut
    for k in range(0, 300, 17):
        assert merged[f"b{k}"].symmetric_difference(table.geometry[k]).area < 0.1 * table.geometry[k].area
    again = io.BytesIO()
    write_archive(
        again, all_tiles([VectorTiles("buildings", table, 16), VectorTiles("roads", roads, 16)], 16, {}), layers[1].bounds or WORLD, about
    )
    assert again.getvalue() == out.read_bytes()


def test_every_tile_that_shows_anything_is_there() -> None:
    """Against all tiles of a zoom, asked one by one."""
    tiles = VectorTiles("buildings", city(200), 12)
    listed = dict(all_tiles([tiles], 12, {}))
    for zoom in (0, 5, 9, 12):
        y, x = (axis.ravel() for axis in np.mgrid[0 : 2 ** min(zoom, 6), 0 : 2 ** min(zoom, 6)])
        near_x, near_y = int((121.42 / 360 + 0.5) * 2**zoom), int(0.4077 * 2**zoom)
        x, y = x + max(0, min(near_x - 32, 2**zoom - 64)), y + max(0, min(near_y - 32, 2**zoom - 64))
        for number, tx, ty in zip(tile_numbers(zoom, x, y).tolist(), x.tolist(), y.tolist(), strict=True):
            assert listed.get(number) == tiles.encode(zoom, tx, ty)
    assert sorted(listed) == list(listed)


def test_how_deep_an_archive_goes() -> None:
    assert deepest_zoom(np.array([[121.4, 31.2, 121.45, 31.25]])) == MAX_ZOOM
    assert deepest_zoom(np.array([[-180.0, -85, 180, 85], [np.nan] * 4])) == 8  # 4^8 tiles, and 4^9 are more than MAX_TILES
    assert 4**8 < MAX_TILES < 4**9
    far = np.array([[lon, 10.0, lon, 10.0] for lon in range(-100, 100)])
    assert deepest_zoom(far) == MAX_ZOOM  # two hundred points, however far apart
    assert deepest_zoom(np.full((1, 4), np.nan)) == 0


def program(folder: Path, text: str) -> None:
    (folder / "tippecanoe").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "tippecanoe").chmod(stat.S_IRWXU)


def test_a_tippecanoe_that_fails_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    program(tmp_path, "echo it cannot >&2; exit 3")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("tiles.mvt.tippecanoe.LARGE", 100)
    assert low_zooms("buildings", city(101), 16) is None
    assert "it cannot" in caplog.text


@pytest.mark.skipif(shutil.which("tippecanoe") is None, reason="tippecanoe is not installed")
def test_low_zooms_of_a_large_layer_are_tippecanoes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiles.mvt.tippecanoe.LARGE", 2999)
    table = city(3000)
    low = low_zooms("楼 buildings", table, 16)
    assert low is not None
    assert (low.min_zoom, low.max_zoom) == (0, BELOW - 1)
    tiles = VectorTiles("楼 buildings", table, 16)
    listed = dict(all_tiles([tiles], 16, {"楼 buildings": low}))
    number = max((n for n in listed if (4**11 - 1) // 3 <= n < (4**12 - 1) // 3), key=lambda n: len(listed[n]))
    content = listed[number]
    assert content == low.tile(*address(number)) != tiles.encode(*address(number))
    features = mapbox_vector_tile.decode(content)["楼 buildings"]["features"]
    assert len(features) > 2000
    for feature in features[:50]:
        assert feature["properties"] == {"id": table.ids[feature["id"]], **table.row(feature["id"])}
    assert all(content == tiles.encode(*address(number)) for number, content in listed.items() if number >= (4**12 - 1) // 3)
    assert low_zooms("few", city(10), 16) is None


def test_metadata_and_header_say_where_it_is(tmp_path: Path) -> None:
    out = io.BytesIO()
    write_archive(out, [(0, b"x"), (1, b"x")], (120.5, -1.25, 121.5, 2.0), {"name": "园区"})
    content = out.getvalue()
    assert content[:8] == b"PMTiles\x03"
    assert tuple(content[96:102]) == (1, 2, 2, 1, 0, 1)  # clustered, gzip, gzip, vector tiles, zooms
    assert struct.unpack_from("<4i", content, 102) == (1205000000, -12500000, 1215000000, 20000000)
    assert content[118] == 1
    assert struct.unpack_from("<2i", content, 119) == (1210000000, 3750000)
    at, size = struct.unpack_from("<2Q", content, 24)
    assert json.loads(gzip.decompress(content[at : at + size])) == {"name": "园区"}
