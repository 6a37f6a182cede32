from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import shapely
from pyogrio.raw import write as write_raw
from pyproj import Transformer

from importers.contract import Context, Imported, Options
from importers.devices import IMPORTER, SURE
from twin.errors import CRSError, UnreadableSource
from twin.model import Device

LON, LAT = 120.6, 31.3
HEADER = "id,kind,name,lon,lat,height_m,azimuth_deg,hfov_deg,pixels_w,status"


def recognised(path: Path) -> int:
    return IMPORTER.recognises(path, path.read_bytes()[:65536])


def by_id(imported: Imported) -> dict[str, Device]:
    return {device.id: device for device in imported.devices}


def told(imported: Imported, severity: str = "warning") -> list[tuple[str, str]]:
    return [(issue.code, issue.subject) for issue in imported.issues if issue.severity == severity]


def test_a_row_becomes_a_device(text: Callable[..., Path], context: Context) -> None:
    path = text("list.csv", f"{HEADER},note\nc1,camera,Gate,{LON},{LAT},4,90,80,1920,in_service,by the door\n")
    assert recognised(path) == SURE
    imported = IMPORTER.read(path, context)
    assert imported.devices == [
        Device(
            "c1", "camera", "Gate", LON, LAT, height_m=4.0, source="list.csv",
            attributes={"azimuth_deg": 90.0, "hfov_deg": 80.0, "pixels_w": 1920, "note": "by the door"},
        )
    ]  # fmt: skip
    assert not imported.issues


def test_chinese_headers_kinds_states_and_directions(text: Callable[..., Path], context: Context) -> None:
    rows = [
        "某园区设备清单,,,,,,,",
        "编号,设备类型,名称,经度,纬度,安装高度(cm),方位角,状态",
        f"1,摄像机,东门,{LON},{LAT},350,东北,在用",
        f"2,无线AP,大厅,{LON},{LAT},300,,故障",
        f"3,充电桩,停车场,{LON},{LAT},,,预留",
        f"4,基站,楼顶,{LON},{LAT},2500,北偏东30°,规划",
    ]
    path = text("清单.csv", "\n".join(rows), "gbk")
    assert recognised(path) == SURE
    found = by_id(IMPORTER.read(path, context))
    assert [device.kind for device in found.values()] == ["camera", "wifi_ap", "charger", "cell"]
    assert [device.status for device in found.values()] == ["in_service", "out_of_service", "reserved", "planned"]
    assert [device.height_m for device in found.values()] == [3.5, 3.0, None, 25.0]
    assert found["1"].attributes["azimuth_deg"] == 45
    assert found["4"].attributes["azimuth_deg"] == 30
    assert found["1"].attributes["name_zh"] == "东门"


def test_what_is_wrong_in_a_row_is_told_and_the_row_kept(text: Callable[..., Path], context: Context) -> None:
    rows = [
        HEADER,
        f"a,camera,,{LON},{LAT},4,400,-5,1920,",
        f"b,toaster,,{LON},{LAT},high,,,,",
        f"c,camera,,{LON},{LAT},,,,,weird",
        f"d,,,{LON},{LAT},,,,,",
        "e,camera,,,,,,,,",
        f"f,camera,,over there,{LAT},,,,,",
        f"a,camera,,{LON},{LAT},,,,,",
    ]
    imported = IMPORTER.read(text("list.csv", "\n".join(rows)), context)
    expected = [
        ("value_out_of_range", "list/a"), ("value_out_of_range", "list/a"), ("device_kind_unknown", "list/b"),
        ("value_not_readable", "list/b"), ("value_not_readable", "list/c"), ("device_kind_missing", "list/d"),
        ("row_without_position", "list/e"), ("value_not_number", "list/6"), ("row_without_position", "list/f"),
        ("id_repeated", "list.csv/a"),
    ]  # fmt: skip
    assert sorted(told(imported)) == sorted(expected)
    found = by_id(imported)
    assert list(found) == ["a", "b", "c", "d", "a-2"]
    assert "azimuth_deg" not in found["a"].attributes
    assert found["a"].attributes["azimuth_deg_as_given"] == "400"
    assert found["b"].kind == "other"
    assert found["b"].attributes["kind_as_given"] == "toaster"
    assert found["c"].status == "weird"  # never counted as in service
    assert (imported.details["read"], imported.details["kept"], imported.details["skipped"]) == (7, 5, 2)


def test_what_measures_will_have_to_assume_is_counted_by_kind(text: Callable[..., Path], context: Context) -> None:
    rows = [HEADER, *(f"c{k},camera,,{LON},{LAT},3,{k if k < 4 else ''},,1920," for k in range(10)), f"w,wifi_ap,,{LON},{LAT},,,,,"]
    imported = IMPORTER.read(text("list.csv", "\n".join(rows)), context)
    needs = {
        (issue.details["kind"], issue.details["attribute"]): (issue.details["count"], issue.details["total"]) for issue in imported.issues
    }
    assert needs == {
        ("camera", "azimuth_deg"): (6, 10), ("camera", "hfov_deg / focal_mm"): (10, 10),
        ("wifi_ap", "eirp_dbm / power_dbm"): (1, 1), ("wifi_ap", "freq_mhz / channel"): (1, 1),
    }  # fmt: skip


def test_positions_in_metres_need_a_coordinate_system(text: Callable[..., Path], context: Context) -> None:
    x, y = Transformer.from_crs(4326, 4549, always_xy=True).transform(LON, LAT)
    path = text("list.csv", f"id,kind,x,y\n1,camera,{x},{y}\n")
    assert recognised(path) == SURE
    with pytest.raises(CRSError) as caught:
        IMPORTER.read(path, context)
    assert "EPSG:4549" in caught.value.hint("en")
    device = IMPORTER.read(path, replace(context, options=Options(crs="EPSG:4549"))).devices[0]
    assert (device.lon, device.lat) == pytest.approx((LON, LAT), abs=1e-9)


def test_latitude_first_is_refused(text: Callable[..., Path], context: Context) -> None:
    path = text("list.csv", f"id,kind,lon,lat\n1,camera,{LAT},{LON}\n2,camera,{LAT},{LON}\n")
    with pytest.raises(CRSError) as caught:
        IMPORTER.read(path, context)
    assert caught.value.code == "coordinates_swapped"
    mapped = replace(context, options=Options(mapping={"lat": "lon", "lon": "lat"}))
    assert IMPORTER.read(path, mapped).devices[0].lon == LON


def test_a_table_without_places_is_refused(text: Callable[..., Path], context: Context) -> None:
    path = text("list.csv", "id,kind,name\n1,camera,a\n2,camera,b\n")
    assert recognised(path) == SURE
    with pytest.raises(UnreadableSource) as caught:
        IMPORTER.read(path, context)
    assert caught.value.code == "table_no_positions"


def test_devices_placed_by_the_room_they_are_in(text: Callable[..., Path], context: Context) -> None:
    rooms = {("space", "R101"): (LON, LAT), ("building", "B1"): (LON + 0.001, LAT)}
    path = text("list.csv", "id,kind,space_id,building_id\n1,wifi_ap,R101,B1\n2,wifi_ap,,B1\n3,wifi_ap,R999,\n")
    imported = IMPORTER.read(path, replace(context, locate=lambda what, identity: rooms.get((what, identity))))
    assert [(device.id, device.lon, device.space_id) for device in imported.devices] == [("1", LON, "R101"), ("2", LON + 0.001, None)]
    assert told(imported) == [("place_unknown", "list/3")]
    assert [issue.code for issue in imported.issues if issue.severity == "info"][:2] == ["placed_by_name"] * 2


def test_a_list_named_after_its_devices_needs_no_kind_column(tmp_path: Path, context: Context) -> None:
    book = openpyxl.Workbook()
    for row in (["园区摄像机一览表"], ["编号", "名称", "经纬度", "分辨率", "焦距(mm)"], ["A1", "南门", f"{LON},{LAT}", "1080P", 4]):
        book.worksheets[0].append(row)
    path = tmp_path / "摄像机.xlsx"
    book.save(path)
    assert recognised(path) == SURE
    (device,) = IMPORTER.read(path, context).devices
    assert (device.kind, device.attributes["pixels_w"], device.attributes["pixels_h"], device.attributes["focal_mm"]) == (
        "camera",
        1920,
        1080,
        4.0,
    )


def test_the_persons_kind_counts_for_the_whole_table(text: Callable[..., Path], context: Context) -> None:
    path = text("points.csv", f"id,lon,lat\n1,{LON},{LAT}\n")
    assert recognised(path) == 0
    assert IMPORTER.read(path, replace(context, options=Options(kind="charger"))).devices[0].kind == "charger"


def test_geojson_and_geopackage_tables(tmp_path: Path, geojson: Callable[..., Path], context: Context) -> None:
    line = {"type": "LineString", "coordinates": [[LON, LAT], [LON + 0.01, LAT]]}
    path = geojson(
        "d.geojson",
        [({"id": "x", "kind": "camera"}, {"type": "Point", "coordinates": [LON, LAT, 5.5]}), ({"id": "y", "kind": "detector"}, line)],
    )
    assert recognised(path) == SURE
    found = by_id(IMPORTER.read(path, context))
    assert found["x"].z_m == 5.5
    assert shapely.from_wkt(found["y"].attributes["line"]).equals_exact(shapely.from_geojson(str(line).replace("'", '"')), 1e-8)
    package = tmp_path / "d.gpkg"
    kinds = [np.array(["1"], object), np.array(["路灯"], object)]
    write_raw(
        package,
        shapely.to_wkb([shapely.Point(LON, LAT)]),
        kinds,
        ["编号", "设备类型"],
        geometry_type="Point",
        crs="EPSG:4326",
        driver="GPKG",
    )
    assert recognised(package) == SURE
    assert by_id(IMPORTER.read(package, context))["1"].kind == "lamp"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("trees.csv", f"id,type,lon,lat\n1,oak,{LON},{LAT}\n2,elm,{LON},{LAT}\n"),
        ("tracks.csv", f"track_id,lon,lat,speed\n1,{LON},{LAT},5\n"),
        ("rooms.csv", f"id,category,lon,lat\n1,office,{LON},{LAT}\n"),
        ("poles.csv", f"id,lon,lat\n1,{LON},{LAT}\n"),
        ("notes.txt", "Nothing to see, really.\nMove on, please.\n"),
    ],
)
def test_other_tables_are_not_claimed(text: Callable[..., Path], name: str, content: str) -> None:
    assert recognised(text(name, content)) == 0


def test_ids_that_are_missing_are_made_and_stay(text: Callable[..., Path], context: Context) -> None:
    rows = [f"camera,A,{LON},{LAT}", f"camera,B,{LON},{LAT}", f"wifi_ap,C,{LON},{LAT}"]
    first = IMPORTER.read(text("a.csv", "\n".join(["kind,name,lon,lat", *rows])), context).devices
    turned = IMPORTER.read(text("a.csv", "\n".join(["kind,name,lon,lat", *rows[::-1]])), context).devices
    assert [device.id for device in first] == [device.id for device in turned][::-1]
    assert len({device.id for device in first}) == 3


def test_radio_and_charger_units(text: Callable[..., Path], context: Context) -> None:
    rows = [
        "id,kind,lon,lat,power_dbm,freq_mhz,gain_dbi,带宽,枪数,线长",
        f"1,cell,{LON},{LAT},40 W,3.5 GHz,17 dBi,100 MHz,,",
        f"2,charger,{LON},{LAT},,,,,2枪,5米",
    ]
    found = by_id(IMPORTER.read(text("list.csv", "\n".join(rows)), context))
    assert found["1"].attributes["power_dbm"] == pytest.approx(10 * np.log10(40_000))
    assert found["1"].attributes["freq_mhz"] == pytest.approx(3500)
    assert found["1"].attributes["bandwidth_mhz"] == 100
    assert (found["2"].attributes["connectors"], found["2"].attributes["cable_m"]) == (2, 5.0)
