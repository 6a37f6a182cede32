from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from importers.bundle import without_sidecars
from importers.recognise import digest, find, head, layer_kind, named
from twin.errors import UnknownFormat, UnreadableSource, UsageError

LFS = (
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)


@pytest.mark.parametrize("name", ["model.ifc", "a.geojson", "a.tif", "a.shp", "a.csv", "a.osm.pbf", "noname"])
def test_placeholders_of_git_lfs_are_told_whatever_they_are_called(text: Callable[..., Path], name: str) -> None:
    with pytest.raises(UnreadableSource) as caught:
        find(text(name, LFS))
    assert caught.value.code == "source_lfs_pointer"
    assert "git lfs pull" in caught.value.hint("zh")


def test_what_is_no_file_or_has_no_content(tmp_path: Path, text: Callable[..., Path]) -> None:
    marked = tmp_path / "marked.csv"
    marked.write_bytes(b"\xff\xfe")
    os.mkfifo(tmp_path / "pipe")  # reading it would wait for ever
    for path, code in (
        (tmp_path / "nothing.geojson", "source_missing"),
        (tmp_path, "source_directory"),
        (text("a.geojson", ""), "source_empty"),
        (text("b.geojson", " \n\n"), "source_empty"),
        (marked, "source_empty"),
        (tmp_path / "pipe", "source_no_file"),
        (Path("/dev/null"), "source_no_file"),
    ):
        with pytest.raises(UnreadableSource) as caught:
            head(path)
        assert caught.value.code == code
        assert str(path) in caught.value.text("zh")


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource) as caught:
        head(tmp_path / os.fsdecode(b"bad\xff.geojson"))
    assert caught.value.code == "source_name"
    assert caught.value.text("en").isprintable()


@pytest.mark.parametrize(
    ("name", "content", "importer"),
    [
        ("x.bin", '{"type": "FeatureCollection", "features": []}', "vector"),
        ("x", '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"></kml>', "vector"),
        ("x.txt", '<?xml version="1.0"?><osm version="0.6"></osm>', "osm"),
        ("x.csv", "id,kind,lon,lat\n1,camera,120,30\n", "devices"),
        ("x.csv", "id,name,lon,lat\n1,camera,120,30\n", "vector"),
        ("x.asc", "ncols 4\nnrows 4\nxllcorner 0\n", "raster"),
    ],
)
def test_the_content_decides_not_the_suffix(text: Callable[..., Path], name: str, content: str, importer: str) -> None:
    assert find(text(name, content)).name == importer


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("x.geojson", "just some words\n", "source_unknown"),
        ("x.dbf", "\x03y\x01\x01", "source_sidecar"),
    ],
)
def test_what_nobody_recognises(text: Callable[..., Path], name: str, content: str, code: str) -> None:
    with pytest.raises((UnknownFormat, UnreadableSource)) as caught:
        find(text(name, content))
    assert caught.value.code == code
    assert caught.value.hint("en")


def test_a_kind_names_its_importer() -> None:
    assert named("raster") == ("raster",)
    assert named("terrain")[0] == "raster"
    assert named("model")[0] == "ifc"
    assert named("device")[0] == "devices"
    assert named("camera")[0] == "devices"
    assert named("building") == ()
    assert named(None) == ()
    assert layer_kind("building") == "building"
    assert layer_kind("device") is None
    assert layer_kind("camera") is None
    with pytest.raises(UsageError) as caught:
        named("castle")
    assert "building" in caught.value.hint("en")


def test_parts_of_a_shapefile_go_with_it(tmp_path: Path) -> None:
    for end in ("shp", "dbf", "prj"):
        (tmp_path / f"roads.{end}").write_bytes(end.encode())
    paths = sorted(tmp_path.iterdir())
    assert without_sidecars(paths) == [tmp_path / "roads.shp"]
    assert without_sidecars([tmp_path / "roads.dbf"]) == [tmp_path / "roads.dbf"]
    first = digest(tmp_path / "roads.shp")
    assert first == hashlib.sha256(b"shp" + b"dbf" + b"prj").hexdigest()
    (tmp_path / "roads.dbf").write_bytes(b"new")
    assert digest(tmp_path / "roads.shp") != first


def test_every_real_file_is_recognised_or_refused_in_words(shared_data: Path) -> None:
    expected = {
        ".pbf": "osm",
        ".tif": "raster",
        ".shp": "vector",
        ".geojson": "vector",
        ".gpkg": "vector",
        ".fgb": "vector",
        ".kml": "vector",
        ".dxf": "dxf",
    }
    files = [path for path in sorted((shared_data / "gis").rglob("*")) if path.is_file() and path.suffix not in {".dbf", ".prj", ".shx"}]
    assert len(files) > 15
    for path in files:
        assert find(path).name == expected.get(path.suffix, "vector"), path


def test_a_file_that_breaks_one_importers_look_is_left_to_the_others(text: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def breaking(_: Path, __: bytes) -> int:
        raise zlib.error("invalid distance too far back")

    monkeypatch.setattr("importers.ifc.IfcImporter.recognises", breaking)
    assert find(text("a.geojson", '{"type": "FeatureCollection", "features": []}')).name == "vector"


@pytest.mark.parametrize("head_name", ["tileset.json", "layer.json"])
def test_tiles_that_change_make_another_source(tmp_path: Path, head_name: str) -> None:
    path = tmp_path / head_name
    path.write_text("{}")
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "a.glb").write_bytes(b"one")
    before = digest(path)
    assert digest(path) == before
    (tmp_path / "0" / "a.glb").write_bytes(b"two")
    assert digest(path) != before
