from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from importers import pipeline
from importers.contract import Context, Imported, Options
from importers.pipeline import Outcome, import_files, source_names
from twin.errors import UnreadableSource, UsageError
from twin.model import Element, Georeferencing, Mesh, Model, ModelContent, Storey
from twin.store import Store, Writer

LON, LAT = 120.6, 31.3


def square(k: int) -> dict[str, Any]:
    west = LON + k * 0.001
    return {
        "type": "Polygon",
        "coordinates": [[[west, LAT], [west + 0.0005, LAT], [west + 0.0005, LAT + 0.0005], [west, LAT + 0.0005], [west, LAT]]],
    }


class Counting:
    """A store that counts its transactions and can fail inside one."""

    def __init__(self, store: Store, fail: bool = False) -> None:
        self.store, self.fail, self.opened = store, fail, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    @contextmanager
    def transaction(self) -> Iterator[Writer]:
        self.opened += 1
        with self.store.transaction() as writer:
            yield writer
            if self.fail:
                raise OSError("the disk is full")


def one(store: Any, path: Path, options: Options | None = None, **more: Any) -> Outcome:
    (outcome,) = import_files(store, [path], options or Options(), **more)
    return outcome


def test_one_file_is_one_transaction_and_one_source(store: Store, geojson: Callable[..., Path]) -> None:
    counting = Counting(store)
    outcome = one(counting, geojson("buildings.geojson", [({"id": k, "height": 10}, square(k)) for k in range(3)]))
    assert counting.opened == 1
    assert outcome.error is None
    report = outcome.said("en")
    assert (report["kind"], report["layer"], report["features"], report["elements"], report["changed"]) == (
        "building",
        "buildings",
        3,
        0,
        True,
    )
    assert (report["crs"], report["encoding"], report["issues"]) == ("EPSG:4326", "UTF-8", [])
    assert store.features("buildings").ids == ["0", "1", "2"]
    (source,) = store.sources()
    assert (source["name"], source["importer"]) == ("buildings.geojson", "vector")
    assert source["at"].endswith("Z")
    assert len(source["sha256"]) == 64


def test_the_same_content_again_changes_nothing(store: Store, geojson: Callable[..., Path]) -> None:
    features = [({"id": 1, "height": "tall"}, square(0))]
    first = one(store, geojson("a.geojson", features)).said("en")
    revision = store.revision()
    counting = Counting(store)
    again = one(counting, geojson("a.geojson", features)).said("en")
    assert counting.opened == 0
    assert store.revision() == revision
    assert again == first | {"changed": False}


def test_what_a_killed_import_left_goes_though_nothing_changes(store: Store, geojson: Callable[..., Path]) -> None:
    path = geojson("green.geojson", [({"id": "a"}, square(0))])
    one(store, path)
    left = store.path / "cache" / "scratch" / "of_a_killed_import"
    left.mkdir(parents=True)
    (left / "big").write_bytes(b"x")
    assert one(store, path).said("en")["changed"] is False
    assert not left.parent.exists()


def test_other_options_or_content_are_a_change(store: Store, geojson: Callable[..., Path]) -> None:
    path = geojson("a.geojson", [({"id": k}, square(k)) for k in range(3)])
    one(store, path, Options(kind="green"))
    assert one(store, path, Options(kind="green")).said("en")["changed"] is False
    assert one(store, path, Options(kind="green", mapping={"id": "id"})).said("en")["changed"] is True
    newer = geojson("a.geojson", [({"id": k}, square(k)) for k in (1, 7)])
    report = one(store, newer, Options(kind="green")).said("en")
    assert report["changed"] is True
    assert report["replaced"]["features"] == 3
    assert sorted(store.features("a").ids) == ["1", "7"]


def test_another_file_adds_to_the_layer(store: Store, geojson: Callable[..., Path]) -> None:
    options = Options(layer="houses", kind="building")
    one(store, geojson("east.geojson", [({"id": 1}, square(1))]), options)
    one(store, geojson("west.geojson", [({"id": 2}, square(2))]), options)
    assert sorted(store.features("houses").ids) == ["1", "2"]
    one(store, geojson("west.geojson", [({"id": 3}, square(3))]), options)
    assert sorted(store.features("houses").ids) == ["1", "3"]


def test_a_layer_that_a_newer_file_lacks_is_emptied(store: Store, geojson: Callable[..., Path], text: Callable[..., Path]) -> None:
    one(store, text("d.csv", f"id,kind,lon,lat\n1,camera,{LON},{LAT}\n2,lamp,{LON},{LAT}\n"))
    one(store, text("d.csv", f"id,kind,lon,lat\n2,lamp,{LON},{LAT}\n"))
    assert [device.id for device in store.devices()] == ["2"]


def test_the_wrong_kind_can_be_put_right(store: Store, geojson: Callable[..., Path]) -> None:
    path = geojson("stuff.geojson", [({"id": 1}, square(1))])
    assert one(store, path).said("en")["kind"] == "other"
    assert one(store, path, Options(kind="building")).said("en")["kind"] == "building"
    assert store.layer("stuff").kind == "building"


def test_a_layer_of_another_kind_is_not_mixed_in(store: Store, tmp_path: Path, geojson: Callable[..., Path]) -> None:
    one(store, geojson("a.geojson", [({"id": 1}, square(1))]), Options(kind="building", layer="x"))
    revision = store.revision()
    outcome = one(store, geojson("b.geojson", [({"id": 1}, square(1))]), Options(kind="green", layer="x"))
    assert outcome.error is not None
    assert outcome.said("zh")["code"] == "layer_kind_conflict"
    assert store.revision() == revision


def test_a_refused_file_leaves_the_park_as_it_was_and_stops_no_other(
    store: Store, geojson: Callable[..., Path], text: Callable[..., Path]
) -> None:
    good = geojson("good.geojson", [({"id": 1}, square(1))])
    paths = [text("bad.geojson", '{"type": "FeatureCollection", "features": [{"ty'), good, text("words.txt", "hello")]
    outcomes = import_files(store, paths, Options())
    assert [outcome.error is None for outcome in outcomes] == [False, True, False]
    assert [layer.id for layer in store.layers()] == ["good"]
    assert len(store.sources()) == 1
    refused = outcomes[0].said("zh")
    assert set(refused) == {"file", "code", "message", "hint"}


def test_a_failure_while_writing_leaves_the_park_as_it_was(store: Store, geojson: Callable[..., Path]) -> None:
    one(store, geojson("a.geojson", [({"id": 1}, square(1))]))
    before = (store.revision(), store.features("a").ids)
    outcome = one(Counting(store, fail=True), geojson("a.geojson", [({"id": 2}, square(2))]))
    assert outcome.error is not None
    assert outcome.error.code == "source_unexpected"
    assert (store.revision(), store.features("a").ids) == before


def test_a_dry_run_reports_and_writes_nothing(store: Store, geojson: Callable[..., Path]) -> None:
    revision = store.revision()
    report = one(store, geojson("buildings.geojson", [({"id": 1}, square(1))]), dry_run=True).said("en")
    assert (report["features"], report["changed"]) == (1, True)
    assert store.revision() == revision
    assert not store.layers()
    assert not store.sources()


def test_devices_and_what_issues_say_in_two_languages(store: Store, text: Callable[..., Path]) -> None:
    report = one(store, text("d.csv", f"id,kind,lon,lat,azimuth_deg\n1,camera,{LON},{LAT},400\n"))
    english, chinese = report.said("en"), report.said("zh")
    assert (english["kind"], english["features"], english["devices"]) == ("device", 1, {"camera": 1})
    for said in (english, chinese):
        for issue in said["issues"]:
            assert set(issue) == {"code", "severity", "subject", "message", "hint"}
            assert issue["message"] != issue["code"]
            assert "{" not in issue["message"] + issue["hint"]
    assert english["issues"][0]["message"] != chinese["issues"][0]["message"]
    json.dumps(english, allow_nan=False)


def test_devices_find_the_building_they_name(store: Store, geojson: Callable[..., Path], text: Callable[..., Path]) -> None:
    one(store, geojson("buildings.geojson", [({"id": "B7", "name": "七号楼"}, square(7))]))
    report = one(store, text("ap.csv", "id,kind,building_id\n1,wifi_ap,B7\n2,wifi_ap,七号楼\n3,wifi_ap,B8\n")).said("en")
    assert report["features"] == 2
    assert {(device.id, round(device.lon, 5)) for device in store.devices()} == {
        ("1", round(LON + 0.00725, 5)),
        ("2", round(LON + 0.00725, 5)),
    }
    assert [issue["subject"] for issue in report["issues"] if issue["code"] == "place_unknown"] == ["ap/3"]


@pytest.mark.parametrize(
    "options", [Options(kind="castle"), Options(datum="mars"), Options(encoding="klingon"), Options(crs="EPSG:999999")]
)
def test_options_that_cannot_be_are_wrong_usage(store: Store, geojson: Callable[..., Path], options: Options) -> None:
    with pytest.raises(UsageError):
        import_files(store, [geojson("a.geojson", [({}, square(1))])], options)


def test_files_of_one_name_are_told_apart_by_their_folder() -> None:
    paths = [Path("east/a.shp"), Path("west/a.shp"), Path("b.shp")]
    assert source_names(paths, Options()) == ["east/a.shp", "west/a.shp", "b.shp"]
    assert source_names(paths[2:], Options(layer="x")) == ["b.shp#x"]


def test_every_real_gis_file_is_imported_or_refused_in_words(store: Store, shared_data: Path) -> None:
    paths = [path for path in sorted((shared_data / "gis").rglob("*")) if path.is_file() and path.name != "geneva_west.osm.pbf"]
    outcomes = import_files(store, paths, Options())
    assert len(outcomes) == len([path for path in paths if path.suffix not in {".dbf", ".prj", ".shx"}])
    for outcome in outcomes:
        for lang in ("en", "zh"):
            said = outcome.said(lang)
            assert "{" not in said.get("message", "") + said.get("hint", "")
    refused = {Path(outcome.file).name: outcome.said("zh")["code"] for outcome in outcomes if outcome.error is not None}
    assert "source_unexpected" not in refused.values(), refused
    assert len(refused) < len(outcomes) / 2
    assert store.extent() is not None


class Pack:
    """An importer whose files say what is in them: each line an asset, `model NAME` a model, `fail` a failure."""

    name = "pack"

    def recognises(self, path: Path, head: bytes) -> int:
        return 100 if path.suffix == ".pack" else 0

    def read(self, path: Path, context: Context) -> Imported:
        assert context.scratch is not None
        files: dict[str, Path] = {}
        models: list[ModelContent] = []
        for k, line in enumerate(path.read_text("utf-8").splitlines()):
            context.progress("read", k, 0)
            if line.startswith("model "):
                models.append(model(line.removeprefix("model ")))
            elif line == "fail":
                raise UnreadableSource("source_empty", subject=path)
            else:
                files[f"tiles/{k}.glb"] = context.scratch / str(k)
                files[f"tiles/{k}.glb"].write_bytes(line.encode())
                if context.cache is not None:
                    (context.cache / ".half").write_bytes(b"x")
                    (context.cache / ".half").unlink()
        return Imported(kind="pack", assets=files, models=models, height_datum="EPSG:5773", height_offset_m=-3.5)


def model(name: str) -> ModelContent:
    place = Georeferencing("none", None, 0.0, 0.0, None, "said")
    mesh = Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]], np.uint32), np.zeros(1, np.uint32), np.zeros((1, 4), np.uint8), ["wall"])
    walls = [Element("wall", name, "IfcWall", "wall"), Element(f"door of {name}", name, "IfcDoor", "door")]
    return ModelContent(Model(name, name, "IFC4", "0" * 64, place, None), [Storey("s", name, "1F", 0.0, 0.0)], [], walls, mesh)


@pytest.fixture
def packs(monkeypatch: pytest.MonkeyPatch) -> None:
    """`.pack` files have an importer."""
    find = pipeline.find
    monkeypatch.setattr(pipeline, "find", lambda path, kind: Pack() if path.suffix == ".pack" else find(path, kind))


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a park but the database, whose bytes a reader may move about, and every folder."""
    found = [path for path in folder.rglob("*") if not path.name.startswith("park.gpkg")]
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in found}


def test_the_report_says_versions_heights_and_what_changed(store: Store, geojson: Callable[..., Path]) -> None:
    first = one(store, geojson("a.geojson", [({"id": k, "name": "x"}, square(k)) for k in range(4)])).said("en")
    assert (first["version"], "replaced" in first) == (1, False)
    assert {"height_datum", "height_offset_m"} <= set(first)
    newer = geojson(
        "a.geojson",
        [
            ({"id": 0, "name": "x"}, square(0)),
            ({"id": 1, "name": "y"}, square(1)),
            ({"id": 2, "name": "x"}, square(9)),
            ({"id": 7}, square(7)),
        ],
    )
    told = {"added": 1, "removed": 1, "changed": 2, "unchanged": 1}
    before = tree(store.path), store.revision()
    for is_dry in (True, False):
        report = one(store, newer, dry_run=is_dry).said("en")
        assert report["version"] == 2
        assert {name: report["replaced"][name] for name in told} == told
        assert (report["replaced"]["source"], report["replaced"]["features"]) == ("a.geojson", 4)
        assert ((tree(store.path), store.revision()) == before) == is_dry, "a dry run changes nothing"
    assert one(store, newer).said("en")["version"] == 2
    assert [(v.number, v.is_current) for v in store.versions("a.geojson")] == [(1, False), (2, True)]
    ((_, table),) = store.version("a.geojson", 1).layers
    assert [table.row(k)["name"] for k in range(4)] == ["x"] * 4


def test_devices_that_changed_are_counted(store: Store, text: Callable[..., Path]) -> None:
    one(store, text("d.csv", f"id,kind,lon,lat,azimuth_deg\n1,camera,{LON},{LAT},40\n2,lamp,{LON},{LAT},\n3,lamp,{LON},{LAT},\n"))
    report = one(store, text("d.csv", f"id,kind,lon,lat,azimuth_deg\n1,camera,{LON},{LAT},41\n2,lamp,{LON},{LAT},\n4,lamp,{LON},{LAT},\n"))
    replaced = report.said("en")["replaced"]
    assert {name: replaced[name] for name in ("added", "removed", "changed", "unchanged")} == {
        "added": 1, "removed": 1, "changed": 1, "unchanged": 1,
    }  # fmt: skip


def test_a_renamed_file_takes_the_place_of_what_it_was(store: Store, geojson: Callable[..., Path]) -> None:
    path = geojson("old.geojson", [({"id": k}, square(k)) for k in range(3)])
    one(store, path)
    renamed = path.rename(path.with_name("new.geojson"))
    report = one(store, renamed).said("en")
    assert (report["replaced"]["source"], report["replaced"]["unchanged"], report["issues"]) == ("old.geojson", 0, [])
    assert [layer.id for layer in store.layers()] == ["new"]
    assert [source["name"] for source in store.sources()] == ["new.geojson"]
    assert [(v.source, v.is_current) for v in store.versions()] == [("new.geojson", True), ("old.geojson", False)]
    assert one(store, renamed).said("en")["changed"] is False


def test_a_copy_is_another_source_and_said_to_be_one(store: Store, geojson: Callable[..., Path]) -> None:
    path = geojson("one.geojson", [({"id": 1}, square(1))])
    copy = path.with_name("two.geojson")
    copy.write_bytes(path.read_bytes())
    one(store, path)
    report = one(store, copy).said("zh")
    assert [issue["code"] for issue in report["issues"]] == ["source_twice"]
    assert "one.geojson" in report["issues"][0]["message"]
    assert sorted(layer.id for layer in store.layers()) == ["one", "two"]


@pytest.mark.usefixtures("packs")
def test_models_and_assets_of_a_source_go_with_it(store: Store, text: Callable[..., Path]) -> None:
    first = one(store, text("a.pack", "one\ntwo\nmodel m1\n")).said("en")
    assert (first["kind"], first["assets"], first["elements"], first["height_datum"], first["height_offset_m"]) == (
        "model", 2, 2, "EPSG:5773", -3.5,
    )  # fmt: skip
    assert [(asset.name, asset.size, asset.media_type) for asset in store.assets()] == [
        ("a.pack", 17, "application/octet-stream"), ("tiles/0.glb", 3, "model/gltf-binary"), ("tiles/1.glb", 3, "model/gltf-binary"),
    ]  # fmt: skip
    second = one(store, text("a.pack", "one\nmodel m2\n")).said("en")
    assert second["replaced"] | {"added": 1, "removed": 1, "changed": 0, "unchanged": 1} == second["replaced"], "a wall, a door renamed"
    assert [found.id for found in store.models()] == ["m2"]
    assert [store.asset_path(asset.sha256).read_bytes() for asset in store.assets()] == [b"one\nmodel m2\n", b"one"]
    old = store.version("a.pack", 1)
    assert [found.model.id for found in old.models] == ["m1"]
    assert [store.asset_path(asset.sha256).read_bytes() for asset in old.assets] == [b"one\ntwo\nmodel m1\n", b"one", b"two"]


@pytest.mark.usefixtures("packs")
def test_a_failure_leaves_no_file(store: Store, text: Callable[..., Path]) -> None:
    one(store, text("a.pack", "one\nmodel m1\n"))
    before = tree(store.path), store.revision()
    for failing, code in ((store, "source_empty"), (Counting(store, fail=True), "source_unexpected")):
        outcome = one(failing, text("a.pack", "new\nmodel m2\n" + ("fail\n" if code == "source_empty" else "")))
        assert outcome.error is not None
        assert outcome.error.code == code
        assert (tree(store.path), store.revision()) == before


@pytest.mark.usefixtures("packs")
@pytest.mark.parametrize("stage", ["read", "write", "keep", "put_model", "put_source"])
def test_an_import_that_is_cancelled_leaves_no_trace(
    store: Store, text: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    one(store, text("a.pack", "one\nmodel m1\n"))
    before = tree(store.path), store.revision(), len(store.versions())
    keep = store.keep

    def cancel(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    def keep_and_cancel(file: Path) -> str:
        keep(file)
        raise KeyboardInterrupt

    if stage == "keep":
        monkeypatch.setattr(type(store), "keep", lambda _, file: keep_and_cancel(file))
    elif stage.startswith("put_"):
        monkeypatch.setattr(f"twin.store.writer.GeoPackageWriter.{stage}", cancel)
    told: list[str] = []

    def progress(at: str, done: int, total: int) -> None:
        told.append(at)
        if at == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        one(store, text("a.pack", "two\nmodel m2\n"), progress=progress)
    monkeypatch.undo()
    assert (tree(store.path), store.revision(), len(store.versions())) == before
    assert [found.id for found in store.models()] == ["m1"]


@pytest.mark.usefixtures("packs")
def test_what_an_importer_knows_of_the_park(
    store: Store, geojson: Callable[..., Path], text: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    one(
        store,
        geojson("buildings.geojson", [({"id": "B1", "name": "一号楼", "height": 12, "base_m": 4}, square(1)), ({"id": "B2"}, square(2))]),
    )
    one(store, text("a.pack", "model m1\n"))
    seen: list[Context] = []
    read = Pack.read
    monkeypatch.setattr(Pack, "read", lambda self, path, context: seen.append(context) or read(self, path, context))
    one(store, text("b.pack", "one\n"))
    (context,) = seen
    first, second = context.footprints()
    assert (first.id, first.name, first.base_h_m, first.top_h_m) == ("B1", "一号楼", 4.0, 16.0)
    assert first.outline.equals(shapely.geometry.shape(square(1)))
    assert second.top_h_m is None, "a height that nobody said is not made up"
    assert context.locate("building", "一号楼") is not None
    assert context.cache == store.path / "cache" / "pack"
    assert context.scratch is not None
    assert not context.scratch.exists()
    assert not context.cache.exists(), "an empty cache is no trace"


@pytest.mark.parametrize("place", ["foo", "104", "104,95", "104,30,nan", "1,2,3,4,5"])
def test_a_place_that_is_none_is_wrong_usage_before_any_file_is_read(store: Store, tmp_path: Path, place: str) -> None:
    with pytest.raises(UsageError) as refused:
        import_files(store, [tmp_path / "nothing.ifc"], Options(place=place))
    assert refused.value.code == "place_malformed"
