from __future__ import annotations

import gzip
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
import shapely
from pyogrio.raw import write

from importers import gdal
from importers.bundle import is_collection, sidecars, without_sidecars
from importers.contract import Context, Imported, Options
from importers.recognise import digest, find, parts
from twin.crs import Frame
from twin.errors import TwinError, UnknownFormat, UnreadableSource
from twin.i18n import message
from twin.model import Park

LON, LAT = 120.6, 31.3


def context(**options: Any) -> Context:
    return Context(Park("Test", Frame(LON, LAT)), Options(**options))


def read(path: Path, **options: Any) -> Imported:
    return find(path).read(path, context(**options))


def shapefile(folder: Path, name: str, words: list[str], encoding: str = "GB18030") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    shapes = shapely.to_wkb(shapely.points([[LON + 0.001 * k, LAT] for k in range(len(words))]))
    path = folder / f"{name}.shp"
    write(
        path,
        shapes,
        [np.array(words, object)],
        ["name"],
        geometry_type="Point",
        crs="EPSG:4326",
        driver="ESRI Shapefile",
        encoding=encoding,
    )
    return path


def packed(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, str(file.relative_to(folder)))
    return path


def geojson(names: list[str]) -> str:
    features = [
        {"type": "Feature", "properties": {"name": name}, "geometry": {"type": "Point", "coordinates": [LON + k * 1e-3, LAT]}}
        for k, name in enumerate(names)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


def test_several_shapefiles_in_folders_with_a_read_me(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    shapefile(folder / "甲", "gates", ["东门"])
    shapefile(folder / "乙", "gates", ["西门", "北门"])
    shapefile(folder, "trees", ["树"])
    (folder / "readme.txt").write_text("about this")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "._trees.shp").write_bytes(b"x")
    imported = read(packed(tmp_path / "data.zip", folder))
    assert {each.layer.id: list(each.table.column("name")) for each in imported.layers} == {
        "甲_gates": ["东门"], "乙_gates": ["西门", "北门"], "trees": ["树"],
    }  # fmt: skip
    assert imported.details["skipped"] == ["readme.txt"]
    assert {each["importer"] for each in imported.details["sources"]} == {"vector"}
    assert imported.crs == "EPSG:4326"


def test_one_source_is_called_as_its_archive(tmp_path: Path) -> None:
    shapefile(tmp_path / "in", "x", ["东门"])
    assert [each.layer.id for each in read(packed(tmp_path / "大门.zip", tmp_path / "in")).layers] == ["大门"]


def test_what_importers_of_all_kinds_read(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    shapefile(folder, "gates", ["东门"])
    (folder / "cameras.csv").write_text(f"id,kind,lon,lat\nc1,camera,{LON},{LAT}\n")
    (folder / "more.csv").write_text(f"id,kind,lon,lat\nc1,camera,{LON},{LAT}\n")
    (folder / "broken.geojson").write_text('{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {"type": "Poi')
    imported = read(packed(tmp_path / "data.zip", folder))
    assert imported.kind == "bundle"
    assert [device.id for device in imported.devices] == ["c1", "c1-2"]
    refused = [issue for issue in imported.issues if issue.code == "part_refused"]
    assert [issue.details["part"] for issue in refused] == ["broken.geojson"]


@pytest.mark.parametrize("ending", [".gz", ".zip"])
def test_packed_text_of_any_kind(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"gates.geojson{ending}"
    if ending == ".gz":
        path.write_bytes(gzip.compress(geojson(["东门"]).encode()))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.geojson", geojson(["东门"]))
    imported = read(path)
    assert [(each.layer.id, list(each.table.column("name"))) for each in imported.layers] == [("gates", ["东门"])]


def test_archives_without_sources_and_with_only_broken_ones(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for name in ("a.geojson", "b.geojson"):
            archive.writestr(name, '{"type": "FeatureCollection", "features": []}')
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("../../evil.shp", "x")
    for name, code in (("a", "bundle_empty"), ("b", "bundle_unreadable"), ("c", "archive_unsafe_name")):
        with pytest.raises(TwinError) as caught:
            read(tmp_path / f"{name}.zip")
        assert caught.value.code == code
        for lang in ("en", "zh"):
            assert "{" not in caught.value.text(lang)
            assert caught.value.hint(lang)


@pytest.mark.parametrize(
    ("start", "kind"), [(b"Rar!\x1a\x07\x01\x00", "RAR"), (b"7z\xbc\xaf\x27\x1c\x00\x04", "7z"), (bytes(257) + b"ustar\x0000", "tar")]
)  # fmt: skip
def test_other_archives_are_named(tmp_path: Path, start: bytes, kind: str) -> None:
    path = tmp_path / "a.dat"
    path.write_bytes((b"a.txt" + start[5:] if kind == "tar" else start) + bytes(300))
    with pytest.raises(UnknownFormat) as caught:
        find(path)
    assert (caught.value.code, caught.value.details["kind"]) == ("source_archive_other", kind)


def test_old_workbooks_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(UnknownFormat) as caught:
        find(tmp_path / "a.xls")
    assert caught.value.code == "source_xls"


def test_a_workbook_is_no_collection(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "a.xlsx")
    (tmp_path / "a.xlsx").rename(tmp_path / "a.zip")
    assert not is_collection(tmp_path / "a.zip")


def test_parts_belong_to_their_source(tmp_path: Path) -> None:
    main = shapefile(tmp_path, "roads", ["x"])
    (tmp_path / "roads.csv").write_text("a,b\n")
    for ending in (".mif", ".mid"):
        (tmp_path / f"t{ending}").write_text("Version 300")
    files = sorted(tmp_path.iterdir())
    assert {file.name for file in without_sidecars(files)} == {"roads.shp", "roads.csv", "t.mif"}
    assert {file.suffix for file in parts(main)} == {".shp", ".shx", ".dbf", ".prj", ".cpg"}
    assert sidecars(tmp_path / "t.mif") == [tmp_path / "t.mid"]
    before = digest(tmp_path / "t.mif")
    (tmp_path / "t.mid").write_text("other")
    assert digest(tmp_path / "t.mif") != before


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    shapefile(tmp_path / "in", "x", ["东门"])
    read(packed(tmp_path / "a.zip", tmp_path / "in"))
    (tmp_path / "cut.zip").write_bytes((tmp_path / "a.zip").read_bytes()[:200])
    with pytest.raises(UnreadableSource):
        read(tmp_path / "cut.zip")
    assert list(place.iterdir()) == []


def test_a_part_that_breaks_its_importer_does_not_take_the_others_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    for name in ("good", "broken"):
        (tmp_path / f"in/{name}.geojson").write_text(geojson(["一"]), "utf-8")
    whole = gdal.read_tables

    def read_tables(path: Path, *more: Any, **named: Any) -> Any:
        if path.stem == "broken":
            raise zlib.error("invalid distance too far back")
        return whole(path, *more, **named)

    monkeypatch.setattr(gdal, "read_tables", read_tables)
    imported = read(packed(tmp_path / "a.zip", tmp_path / "in"))
    assert [content.layer.id for content in imported.layers] == ["good"]
    (issue,) = imported.issues
    assert (issue.code, issue.details["part"], issue.details["code"]) == ("part_refused", "broken.geojson", "source_unexpected")
    told = {"subject": issue.subject, **issue.details}
    assert "broken.geojson" in message(issue.code, "zh", **told)  # a detail may be called as a parameter is
