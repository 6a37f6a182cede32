"""The park as PMTiles, read by GDAL."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely

from tiles.mvt.pmtiles import Archive
from twin.errors import NotFound
from twin.store import Store, create_store, open_store
from web.export import writer
from web.export.tables import sheets


@pytest.fixture(scope="module")
def store(park_folder: Path) -> Store:
    return open_store(park_folder)


def test_the_park_is_one_archive_of_many_layers(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "park.pmtiles"
    told: list[tuple[int, int]] = []
    writer("pmtiles", told=lambda done, known: told.append((done, known)))(store, None, out)
    assert list(tmp_path.iterdir()) == [out]
    wanted = {sheet.name: sheet.table for sheet in sheets(store, None)}
    assert {str(name) for name, _ in pyogrio.list_layers(out)} == set(wanted)
    for name, table in wanted.items():
        read = pyogrio.read_dataframe(out, layer=name)
        assert set(read["id"]) == set(table.ids)
        metres = shapely.get_coordinates(read.to_crs(4326).geometry.values)
        place = shapely.get_coordinates(np.asarray(table.geometry, object))
        assert np.abs(metres.mean(axis=0) - place.mean(axis=0)).max() < 2e-3
    assert told == sorted(told)
    assert all(done <= known for done, known in told)
    writer("pmtiles")(store, None, tmp_path / "again.pmtiles")
    assert (tmp_path / "again.pmtiles").read_bytes() == out.read_bytes()


def test_layers_are_named_in_both_languages(store: Store, tmp_path: Path) -> None:
    writer("pmtiles")(store, None, tmp_path / "park.pmtiles")
    layers = {layer["id"]: layer for layer in Archive(tmp_path / "park.pmtiles").metadata["vector_layers"]}
    assert (layers["roads"]["title_en"], layers["roads"]["title_zh"]) == ("Roads", "道路")
    assert (layers["devices"]["title_en"], layers["devices"]["title_zh"]) == ("Devices", "设备")
    assert layers["spaces"]["title_zh"] == "房间"
    assert layers["events"]["title_en"] == "Events"
    assert layers["blocks"]["fields"]["height_m"] == "Number"
    assert all((layer["minzoom"], layer["maxzoom"]) == (0, 18) for layer in layers.values())


def test_one_layer_and_none(store: Store, tmp_path: Path) -> None:
    writer("pmtiles")(store, "roads", tmp_path / "roads.pmtiles")
    assert [str(name) for name, _ in pyogrio.list_layers(tmp_path / "roads.pmtiles")] == ["roads"]
    with pytest.raises(NotFound, match="nothing-here"):
        writer("pmtiles")(store, "nothing-here", tmp_path / "x.pmtiles")
    empty = create_store(tmp_path / "empty", store.park())
    with pytest.raises(NotFound):
        writer("pmtiles")(empty, None, tmp_path / "x.pmtiles")
    assert not (tmp_path / "x.pmtiles").exists()
