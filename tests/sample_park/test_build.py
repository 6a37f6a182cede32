"""The committed files are what the program writes, and the whole stays small."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

import sample_park
from sample_park import DATA, terrain
from sample_park.build import build, build_layers

MOST_BYTES = 15_000_000


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("park")
    build(folder)
    return folder


def test_the_same_plan_gives_the_same_bytes(rebuilt: Path) -> None:
    committed = {path.name: path for path in DATA.iterdir()}
    made = {path.name: path for path in rebuilt.iterdir()}
    assert made.keys() == committed.keys()
    for name in made.keys() - {"terrain.tif"}:
        assert made[name].read_bytes() == committed[name].read_bytes(), name


def test_the_terrain_is_the_committed_one(rebuilt: Path) -> None:
    with rasterio.open(rebuilt / "terrain.tif") as made, rasterio.open(DATA / "terrain.tif") as committed:
        assert (made.crs, made.transform, made.dtypes) == (committed.crs, committed.transform, committed.dtypes)
        np.testing.assert_array_equal(made.read(1), committed.read(1))


def test_a_second_run_changes_nothing(rebuilt: Path, tmp_path: Path) -> None:
    terrain.write_geotiff(tmp_path / "terrain.tif")
    build_layers(tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (rebuilt / path.name).read_bytes(), path.name


def test_the_data_are_small() -> None:
    assert sum(path.stat().st_size for path in DATA.iterdir()) < MOST_BYTES
    assert sum(path.stat().st_size for path in DATA.glob("*.ifc")) < 9_000_000


def test_the_manifest_lists_every_file_once() -> None:
    listed = [source.file for source in sample_park.manifest()]
    assert sorted(listed) == sorted(DATA.iterdir())


def test_models_come_before_what_stands_in_them() -> None:
    kinds = [source.kind for source in sample_park.manifest()]
    assert kinds[0] == "terrain"
    assert max(i for i, kind in enumerate(kinds) if kind == "model") < kinds.index("device")


def test_every_source_has_a_title_in_both_languages() -> None:
    for source in sample_park.manifest():
        english, chinese = source.titles
        assert english.isascii()
        assert not chinese.isascii()
    assert sample_park.names() == ("Yunxi Smart Manufacturing Park", "云溪智造园")
