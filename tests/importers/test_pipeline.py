from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from importers.contract import Options
from importers.pipeline import Outcome, import_files, source_names
from twin.errors import UsageError
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
    refused = {Path(outcome.file).name: outcome.said("zh")["code"] for outcome in outcomes if outcome.error is not None}
    assert refused.pop("monaco_osm.parquet", "parquet_not_installed") == "parquet_not_installed"
    assert refused == {
        "custom_blocks.dxf": "crs_missing_unlike", "site_geneva_west_lv95_m.dxf": "crs_missing_unlike",
        "CDSM_KRbig.tif": "raster_not_ground", "DSM_KRbig.tif": "raster_not_ground", "landcover.tif": "raster_not_ground",
        "DEM_KRbig.tif": "raster_far",
    }  # fmt: skip
    assert store.extent() is not None
