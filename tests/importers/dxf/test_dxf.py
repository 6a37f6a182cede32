"""Drawings from the file to layers and devices."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ezdxf
import numpy as np
import osmium
import pyogrio
import pytest
import shapely
from ezdxf.entities.geodata import EPSG_3395

from importers.contract import Context, Imported, Options
from importers.dxf import IMPORTER
from importers.recognise import find
from twin.crs import Frame
from twin.errors import CRSError, SourceError
from twin.model import Park

from .conftest import FRAME, LAT, LON, X0, Y0, box

Read = Callable[..., Imported]
Write = Callable[..., Path]
GRID_NORTH = math.degrees(math.radians(LON - 120.0) * math.sin(math.radians(LAT)))  # of the zone, east of true north


def layer(imported: Imported, name: str) -> Any:
    return next(content for content in imported.layers if content.layer.title == name)


def codes(imported: Imported) -> Counter[str]:
    return Counter(issue.code for issue in imported.issues)


def area_m2(shape: Any) -> float:
    return float(FRAME.project(shapely.force_2d(shape)).area)


def building(document: Any, name: str = "建筑", **attributes: Any) -> None:
    document.modelspace().add_lwpolyline(box(0, 0, 40, 20), close=True, dxfattribs={"layer": name, **attributes})


@pytest.mark.parametrize("version", ["R2000", "R2004", "R2007", "R2010", "R2013", "R2018"])
@pytest.mark.parametrize("fmt", ["asc", "bin"])
def test_every_release_text_and_binary(version: str, fmt: str, drawing: Write, read: Read) -> None:
    path = drawing(lambda d: building(d, thickness=24.0), version=version, fmt=fmt, encoding="gbk" if version < "R2007" else None)
    assert find(path).name == "dxf"
    imported = read(path)
    table = layer(imported, "建筑").table
    assert layer(imported, "建筑").layer.kind == "building"
    assert table.geometry[0].geom_type == "Polygon"
    assert area_m2(table.geometry[0]) == pytest.approx(800, rel=2e-4)
    assert table.column("height_m")[0] == 24.0


def test_release_12_with_its_own_polylines_and_meshes(drawing: Write, read: Read) -> None:
    def draw(d: Any) -> None:
        m = d.modelspace()
        m.add_polyline2d(box(0, 0, 40, 20), close=True, dxfattribs={"layer": "建筑", "thickness": 12})
        faces = [[(*c, z) for c in box(100, 0, 10, 10)] for z in (3.0, 9.0)]
        faces += [[(*a, 3.0), (*b, 3.0), (*b, 9.0), (*a, 9.0)] for a, b in zip(box(100, 0, 10, 10), box(100, 0, 10, 10)[1:], strict=False)]
        m.add_polyface(dxfattribs={"layer": "建筑"}).append_faces(faces)
        m.add_polyline3d([(X0, Y0, 1), (X0 + 10, Y0, 2)], dxfattribs={"layer": "ROAD"})

    imported = read(drawing(draw, version="R12", encoding="gbk"))
    table = layer(imported, "建筑").table
    assert [round(area_m2(shape)) for shape in table.geometry] == [800, 100]
    assert table.column("height_m") == [12.0, 6.0]
    assert table.column("base_m") == [None, 3.0]
    assert imported.encoding == "GBK"
    assert [c[2] for c in layer(imported, "ROAD").table.geometry[0].coords] == [1.0, 2.0]


def test_coordinates_agree_with_another_reader(drawing: Write, read: Read) -> None:
    def draw(d: Any) -> None:
        m = d.modelspace()
        m.add_lwpolyline([(X0, Y0), (X0 + 50, Y0, 0, 0, 1.0), (X0 + 50, Y0 + 30)], format="xyseb", dxfattribs={"layer": "ROAD"})
        m.add_arc((X0, Y0), 12, 30, 200, dxfattribs={"layer": "ROAD"})
        m.add_ellipse((X0 + 5, Y0), (20, 5), 0.4, dxfattribs={"layer": "ROAD"})
        m.add_open_spline([(X0 + i * 5, Y0 + (i % 3) * 4) for i in range(9)], dxfattribs={"layer": "ROAD"})
        d.blocks.new("PIECE").add_line((0, 0), (3, 1))
        m.add_blockref("PIECE", (X0 + 9, Y0 + 9), dxfattribs={"rotation": 33, "xscale": 2, "yscale": -1, "layer": "ROAD"})

    path = drawing(draw)
    mine = FRAME.project(layer(read(path), "ROAD").table.geometry)
    theirs = [shapely.from_wkb(each) for each in pyogrio.raw.read(path)[2]]
    for i, shape in enumerate(theirs):
        known = shapely.transform(shape, lambda p: np.column_stack([p[:, 0] - X0, p[:, 1] - Y0]))
        turned = shapely.affinity.rotate(mine[i], GRID_NORTH, origin=(0, 0))
        assert turned.hausdorff_distance(known) < 0.06, shape.geom_type  # two readers' chords, and the zone's scale


def test_arcs_stay_within_a_centimetre(drawing: Write, read: Read) -> None:
    imported = read(drawing(lambda d: d.modelspace().add_circle((X0, Y0), 50, dxfattribs={"layer": "绿化"})))
    ring = FRAME.project(layer(imported, "绿化").table.geometry[0])
    radii = np.hypot(*(shapely.get_coordinates(ring.segmentize(0.5)) - np.array(ring.centroid.coords[0])).T)
    assert radii.max() - radii.min() < 0.0105  # and a little of the zone's scale
    assert imported.details["flattening"] == 0.01


def test_cameras_from_blocks_with_attributes_turns_mirrors_arrays_and_nests(drawing: Write, read: Read) -> None:
    def draw(d: Any) -> None:
        m = d.modelspace()
        block = d.blocks.new("枪式摄像机")
        block.add_lwpolyline([(0, 0), (1, 0.5), (1, -0.5)], close=True)
        for tag in ("编号", "安装高度", "方位角"):
            block.add_attdef(tag, (0, 0))
        m.add_blockref("枪式摄像机", (X0 + 5, Y0), dxfattribs={"rotation": 30}).add_auto_attribs({"编号": "CAM-1", "安装高度": "3.5米"})
        m.add_blockref("枪式摄像机", (X0 + 10, Y0), dxfattribs={"rotation": 120, "xscale": -1})
        m.add_blockref("枪式摄像机", (X0 + 15, Y0), dxfattribs={"rotation": 77}).add_auto_attribs({"方位角": "200"})
        m.add_blockref("枪式摄像机", (-(X0 + 20), Y0), dxfattribs={"rotation": 30, "extrusion": (0, 0, -1)})
        pole = d.blocks.new("智慧灯杆")
        pole.add_circle((0, 0), 0.3)
        pole.add_blockref("枪式摄像机", (0.5, 0), dxfattribs={"rotation": 45})
        m.add_blockref("智慧灯杆", (X0 + 25, Y0), dxfattribs={"rotation": 10})
        lamps = m.add_blockref("LIGHT", (X0, Y0 + 50))
        d.blocks.new("LIGHT").add_circle((0, 0), 0.2)
        lamps.dxf.column_count, lamps.dxf.column_spacing, lamps.dxf.row_count, lamps.dxf.row_spacing = 5, 10.0, 2, 8.0

    imported = read(drawing(draw))
    assert Counter(device.kind for device in imported.devices) == {"camera": 5, "pole": 1, "lamp": 10}
    cameras = [device for device in imported.devices if device.kind == "camera"]
    # in the drawing counter-clockwise from east, on Earth clockwise from north: 90° less the angle; mirrors and nests by hand
    drawn = [90 - 30, 90 - (120 + 180), None, 90 - (180 - 30), 90 - (10 + 45)]
    for camera, angle in zip(cameras, drawn, strict=True):
        expected = 200.0 if angle is None else (angle + GRID_NORTH) % 360
        assert camera.attributes["azimuth_deg"] == pytest.approx(expected, abs=0.01)
    assert (cameras[0].id, cameras[0].height_m, cameras[0].attributes["ptz"]) == ("CAM-1", 3.5, "fixed")
    assert FRAME.to_enu([[cameras[1].lon, cameras[1].lat]])[0, 0] == pytest.approx(10.0, abs=0.01)
    lamps = FRAME.to_enu([[d.lon, d.lat] for d in imported.devices if d.kind == "lamp"])
    assert np.ptp(lamps[:, 0]) == pytest.approx(40, abs=0.15)
    assert len({device.id for device in imported.devices}) == len(imported.devices)
    assert not imported.layers  # symbols are no linework


def test_dynamic_blocks_go_by_the_name_they_were_defined_under(drawing: Write, read: Read) -> None:
    def draw(d: Any) -> None:
        origin = d.blocks.new("CAMERA")
        origin.add_line((0, 0), (1, 0))
        d.appids.add("AcDbBlockRepBTag")
        d.blocks.new("*U7").add_line((0, 0), (1, 0))
        d.block_records.get("*U7").set_xdata("AcDbBlockRepBTag", [(1070, 1), (1005, d.block_records.get("CAMERA").dxf.handle)])
        d.modelspace().add_blockref("*U7", (X0, Y0), dxfattribs={"rotation": 90})
        bound = d.blocks.new("site$0$AP")
        bound.add_circle((0, 0), 1)
        d.modelspace().add_blockref("site$0$AP", (X0 + 5, Y0))

    imported = read(drawing(draw))
    assert [(device.kind, device.attributes["block"]) for device in imported.devices] == [("camera", "CAMERA"), ("wifi_ap", "AP")]


def test_a_block_nobody_turned_has_no_azimuth_unless_the_person_says_so(drawing: Write, read: Read) -> None:
    def draw(d: Any) -> None:
        d.blocks.new("CAMERA").add_lwpolyline([(0, 0), (1, 0.5), (1, -0.5)], close=True)
        d.modelspace().add_blockref("CAMERA", (X0, Y0))
        d.modelspace().add_blockref("CAMERA", (X0, Y0 + 5), dxfattribs={"rotation": 180})

    path = drawing(draw)
    imported = read(path)
    assert [device.attributes.get("azimuth_deg") is None for device in imported.devices] == [True, False]
    assert codes(imported)["dxf_unturned"] == 1
    confirmed = read(path, is_confirmed=True)
    assert confirmed.devices[0].attributes["azimuth_deg"] == pytest.approx(90 + GRID_NORTH, abs=0.01)


def test_a_symbol_that_points_elsewhere_than_along_x_is_told(drawing: Write, read: Read) -> None:
    def draw(d: Any) -> None:
        d.blocks.new("CAMERA").add_lwpolyline([(0, 0), (0.5, 1), (-0.5, 1)], close=True)
        d.modelspace().add_blockref("CAMERA", (X0, Y0), dxfattribs={"rotation": 45})

    assert codes(read(drawing(draw)))["dxf_axis"] == 1


def test_layers_by_their_names_in_chinese_and_in_surveyors_codes(drawing: Write, read: Read) -> None:
    kinds = {
        "建筑": "building", "JMD": "building", "A-BLDG": "building", "道路": "road", "DLSS": "road", "绿化": "green", "ZBTZ": "green",
        "停车位": "parking_bay", "围墙": "barrier", "给水管线": "pipe", "GXYZ": "pipe", "等高线": "terrain", "用地红线": "boundary",
        "A-WALL": "other", "尺寸标注": "other",
    }  # fmt: skip

    def draw(d: Any) -> None:
        for i, name in enumerate(kinds):
            d.modelspace().add_line((X0 + i, Y0), (X0 + i, Y0 + 30), dxfattribs={"layer": name})

    imported = read(drawing(draw))
    assert {content.layer.title: content.layer.kind for content in imported.layers} == kinds


def test_single_lines_close_to_outlines_and_text_names_them(drawing: Write, read: Read) -> None:
    def draw(d: Any) -> None:
        m = d.modelspace()
        corners = box(0, 0, 40, 20)
        for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
            m.add_line(a, b, dxfattribs={"layer": "建筑"})
        m.add_line((X0 + 90, Y0), (X0 + 95, Y0), dxfattribs={"layer": "建筑"})
        m.add_lwpolyline(box(100, 0, 40, 20), close=True, dxfattribs={"layer": "建筑"})
        m.add_text("综 合 楼", dxfattribs={"insert": (X0 + 10, Y0 + 10), "height": 2})
        m.add_text("砼6", dxfattribs={"insert": (X0 + 10, Y0 + 5), "height": 2})
        m.add_mtext(r"{\fSimSun;研发\P中心}", dxfattribs={"insert": (X0 + 110, Y0 + 12), "char_height": 2})
        m.add_text("31.25", dxfattribs={"insert": (X0 + 120, Y0 + 5), "height": 1})
        m.add_text("北门", dxfattribs={"insert": (X0 + 200, Y0), "height": 2, "layer": "注记"})

    imported = read(drawing(draw))
    table = layer(imported, "建筑").table
    assert [shape.geom_type for shape in table.geometry] == ["Polygon", "LineString", "Polygon"]
    assert table.column("name") == ["综合楼", None, "研发中心"]
    assert table.column("storeys") == [6, None, None]
    assert table.column("construction") == ["砼", None, None]
    points = [content for content in imported.layers if content.layer.kind == "other"]
    assert sorted(name for content in points for name in content.table.column("name")) == ["31.25", "北门"]


def test_hatches_keep_their_holes(drawing: Write, read: Read) -> None:
    def draw(d: Any) -> None:
        hatch = d.modelspace().add_hatch(dxfattribs={"layer": "绿化"})
        hatch.paths.add_polyline_path(box(0, 0, 40, 40), is_closed=True)
        hatch.paths.add_polyline_path(box(10, 10, 10, 10), is_closed=True, flags=16)
        edges = hatch.paths.add_edge_path()
        edges.add_arc((X0 + 30, Y0 + 30), 5, 0, 360)

    shape = layer(read(drawing(draw)), "绿化").table.geometry[0]
    assert area_m2(shape) == pytest.approx(1600 - 100 - math.pi * 25, rel=1e-3)


def test_what_is_hidden_in_sheets_or_no_geometry_is_left_out_and_counted(drawing: Write, read: Read) -> None:
    def draw(d: Any) -> None:
        m = d.modelspace()
        d.layers.add("F").freeze()
        d.layers.add("OFF").off()
        for name in ("F", "OFF", "ROAD"):
            m.add_line((X0, Y0), (X0 + 9, Y0), dxfattribs={"layer": name})
        m.add_line((X0, Y0), (X0 + 9, Y0), dxfattribs={"layer": "ROAD", "invisible": 1})
        d.paperspace().add_line((0, 0), (1, 1))
        m.add_linear_dim(base=(X0, Y0 + 3), p1=(X0, Y0), p2=(X0 + 5, Y0)).render()
        m.add_body().sat = ["400 1 1 0", "body $-1 $-1 $-1 $-1 #", "End-of-ACIS-data"]
        d.add_xref_def("site.dwg", "SITE")
        m.add_blockref("SITE", (X0, Y0))

    imported = read(drawing(draw))
    assert [len(content.table) for content in imported.layers] == [1]
    counted = {issue.code: issue.details.get("count") for issue in imported.issues}
    assert counted["dxf_hidden"] == 3
    assert counted["dxf_paper_space"] == 1
    assert counted["dxf_solids"] == 1
    assert counted["dxf_left_out"] == 1
    assert "SITE (site.dwg)" in str([issue.details for issue in imported.issues if issue.code == "dxf_reference"])


def test_text_in_the_wrong_code_page_is_found_out_and_escapes_are_resolved(drawing: Write, read: Read, tmp_path: Path) -> None:
    def draw(d: Any) -> None:
        for i, name in enumerate(("建筑轮廓线", "道路中心线", "绿化景观", "给水管线")):
            d.modelspace().add_line((X0, Y0 + i), (X0 + 9, Y0 + i), dxfattribs={"layer": name})
        d.modelspace().add_text("综合办公楼（一期）", dxfattribs={"insert": (X0, Y0), "height": 2, "layer": "道路中心线"})

    stated = drawing(draw, version="R2000", encoding="gbk").read_bytes()
    lying = tmp_path / "lying.dxf"
    lying.write_bytes(stated.replace(b"ANSI_936", b"ANSI_1252"))
    modern = tmp_path / "modern.dxf"
    modern.write_bytes(drawing(draw, version="R2010").read_text("utf-8").encode("gbk"))
    for path in (lying, modern):
        imported = read(path)
        assert {"建筑轮廓线", "道路中心线"} <= {content.layer.title for content in imported.layers}
        assert imported.encoding == "GBK"
        assert codes(imported)["encoding_overruled"] == 1
    assert "建筑轮廓线" in {content.layer.title for content in read(lying, encoding="gbk").layers}

    def escaped(d: Any) -> None:
        d.modelspace().add_text(r"\U+5317\U+4EAC\M+5C2A5%%d", dxfattribs={"insert": (X0, Y0), "height": 2})

    assert read(drawing(escaped, version="R2000")).layers[0].table.column("name") == ["北京楼°"]


def test_units_are_believed_checked_and_asked_for(drawing: Write, read: Read) -> None:
    def draw(scale: float) -> Callable[[Any], None]:
        return lambda d: d.modelspace().add_lwpolyline(
            box(0, 0, 40, 20, scale), close=True, dxfattribs={"layer": "建筑", "thickness": 24 * scale}
        )

    for path, options in (
        (drawing(draw(1000.0), units=4, name="mm.dxf"), {}),
        (drawing(draw(1000.0), units=0, name="none_mm.dxf"), {"crs": "EPSG:4549@mm"}),
        (drawing(draw(1.0), units=0, name="none_m.dxf"), {}),
        (drawing(draw(1 / 0.3048), units=2, name="ft.dxf"), {}),
        (drawing(draw(1.0), units=4, name="wrong.dxf"), {"crs": "EPSG:4549@m"}),
    ):
        table = layer(read(path, **options), "建筑").table
        assert area_m2(table.geometry[0]) == pytest.approx(800, rel=2e-4), path.name
        assert table.column("height_m")[0] == pytest.approx(24.0)
    for name, scale, units, code in (("none_mm.dxf", 1000.0, 0, "unit_missing"), ("wrong.dxf", 1.0, 4, "unit_contradicts")):
        with pytest.raises(CRSError) as caught:
            read(drawing(draw(scale), units=units, name=name))
        assert caught.value.code == code
        assert "EPSG:4549@m" in caught.value.hint("en")


def test_a_drawing_in_degrees_takes_no_unit(drawing: Write, read: Read) -> None:
    def draw(d: Any) -> None:
        d.modelspace().add_lwpolyline([(LON, LAT), (LON + 1e-3, LAT), (LON, LAT + 1e-3)], close=True, dxfattribs={"layer": "绿化"})

    shape = layer(read(drawing(draw, units=4), crs="EPSG:4326"), "绿化").table.geometry[0]
    assert shape.bounds == pytest.approx((LON, LAT, LON + 1e-3, LAT + 1e-3), abs=1e-12)


def test_without_a_system_likely_ones_are_named_and_none_is_taken(drawing: Write, read: Read) -> None:
    with pytest.raises(CRSError) as caught:
        read(drawing(building), crs=None)
    assert caught.value.code == "crs_missing"
    assert "EPSG:4549" in caught.value.hint("zh")
    with pytest.raises(CRSError) as caught:
        read(drawing(lambda d: d.modelspace().add_line((0, 0), (40, 20))), crs=None)
    assert caught.value.code == "crs_missing_unlike"
    assert "--control" in caught.value.hint("en")


def test_a_drawing_that_says_where_it_lies_is_believed(drawing: Write, read: Read) -> None:
    def draw(d: Any) -> None:
        m = d.modelspace()
        m.add_lwpolyline(
            [(0, 0), (40_000, 0), (40_000, 20_000), (0, 20_000)], close=True, dxfattribs={"layer": "BUILDING", "thickness": 9000}
        )
        data = m.new_geodata()
        data.setup_local_grid(design_point=(0, 0), reference_point=(X0 + 100, Y0), north_direction=(0, 1))
        data.dxf.horizontal_unit_scale = data.dxf.vertical_unit_scale = 0.001
        data.coordinate_system_definition = EPSG_3395.replace("3395", "4549")

    imported = read(drawing(draw, units=4), crs=None)
    shape = FRAME.project(imported.layers[0].table.geometry[0])
    assert shape.area == pytest.approx(800, rel=2e-4)
    assert shape.bounds[0] == pytest.approx(100.0, abs=0.3)
    assert imported.layers[0].table.column("height_m") == [9.0]
    assert codes(imported)["dxf_geolocated"] == 1


def test_control_points_place_a_local_drawing(drawing: Write, read: Read, tmp_path: Path) -> None:
    def draw(d: Any) -> None:
        d.modelspace().add_lwpolyline(
            [(1000, 2000), (1040, 2000), (1040, 2020), (1000, 2020)], close=True, dxfattribs={"layer": "BUILDING"}
        )
        d.blocks.new("CAMERA").add_line((0, 0), (1, 0))
        d.modelspace().add_blockref("CAMERA", (1000, 2000), dxfattribs={"rotation": 90})

    corners = FRAME.to_lonlat([[0, 0], [0, 300], [-400, 300], [-400, 0]])  # the grid's x runs north, its y west: turned by 90°
    rows = [
        f"{x},{y},{lon},{lat}"
        for (x, y), (lon, lat, _) in zip(((1000, 2000), (1300, 2000), (1300, 2400), (1000, 2400)), corners, strict=True)
    ]
    (tmp_path / "points.csv").write_text("\n".join(["x,y,lon,lat", *rows]), "utf-8")
    imported = read(drawing(draw), crs=None, control=str(tmp_path / "points.csv"))
    assert FRAME.project(imported.layers[0].table.geometry[0]).bounds == pytest.approx((-20, 0, 0, 40), abs=0.01)
    assert imported.devices[0].attributes["azimuth_deg"] == pytest.approx(270.0, abs=0.01)  # y of the grid is west
    assert imported.details["placement"]["control"]["turn_deg"] == pytest.approx(90.0, abs=0.01)


def test_a_kind_of_device_makes_all_blocks_devices(drawing: Write, read: Read) -> None:
    def draw(d: Any) -> None:
        d.blocks.new("Symbol7").add_circle((0, 0), 1)
        d.modelspace().add_blockref("Symbol7", (X0, Y0))
        building(d)

    path = drawing(draw)
    assert find(path, "hydrant").name == "dxf"
    imported = read(path, kind="hydrant")
    assert [device.kind for device in imported.devices] == ["hydrant"]
    assert not imported.layers
    assert not read(path).devices


@pytest.mark.parametrize("cut", [3000, 30])
def test_a_drawing_cut_off_is_mended_and_said_to_be(cut: int, drawing: Write, read: Read) -> None:
    path = drawing(building)
    path.write_bytes(path.read_bytes()[:-cut])
    imported = read(path)
    assert len(imported.layers) == 1
    assert codes(imported)["dxf_mended"] >= 1


def test_entities_without_a_header_are_read(drawing: Write, read: Read) -> None:
    path = drawing(building)
    data = path.read_bytes()
    start = data.rindex(b"SECTION", 0, data.index(b"ENTITIES"))
    path.write_bytes(b"  0\n" + data[start : data.index(b"ENDSEC", start) + 7] + b"  0\nEOF\n")
    assert len(read(path).layers[0].table) == 1


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.dwg", b"AC1032\x00\x00\x00\x00" + bytes(500), "source_dwg"),
        ("a.dxf", b"AC1015\x00\x00\x00\x00" + bytes(500), "source_dwg"),
        ("a.dxb", b"AutoCAD DXB 1.0\r\n\x1a\x00" + bytes(100), "dxf_dxb"),
        ("a.dxf", b"  0\nSECTION\n  2\nHEADER\n\xff\xfe\x00garbage" * 50, "dxf_unreadable"),
        ("a.dxf", b"AutoCAD Binary DXF\r\n\x1a\x00" + bytes(range(256)), "dxf_unreadable"),
        ("a.dxf", b"  0\nSECTION\n  2\nENTITIES\n  0\nENDSEC\n  0\nEOF\n", "source_no_features"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(name: str, content: bytes, code: str, tmp_path: Path, read: Read) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert find(path).name == "dxf"
    with pytest.raises(SourceError) as caught:
        read(path)
    assert caught.value.code == code
    assert caught.value.hint("en")
    assert caught.value.hint("zh")


def test_blocks_that_contain_themselves_or_grow_without_end(drawing: Write, read: Read) -> None:
    def endless(d: Any) -> None:
        a, b = d.blocks.new("A"), d.blocks.new("B")
        a.add_blockref("B", (0, 0))
        b.add_blockref("A", (1, 1))
        a.add_line((0, 0), (1, 1))
        d.modelspace().add_blockref("A", (X0, Y0))

    assert len(read(drawing(endless)).layers[0].table) == 1

    def array(d: Any) -> None:
        d.blocks.new("A").add_line((0, 0), (1, 1))
        insert = d.modelspace().add_blockref("A", (X0, Y0))
        insert.dxf.row_count = insert.dxf.column_count = 30_000
        insert.dxf.row_spacing = insert.dxf.column_spacing = 1.0

    def nested(d: Any) -> None:
        d.blocks.new("N0").add_line((0, 0), (1, 1))
        for k in range(1, 12):
            block = d.blocks.new(f"N{k}")
            for j in range(10):
                block.add_blockref(f"N{k - 1}", (j, 0))
        d.modelspace().add_blockref("N11", (X0, Y0))

    for draw in (array, nested):
        with pytest.raises(SourceError) as caught:
            read(drawing(draw))
        assert caught.value.code == "dxf_too_many"


def test_numbers_that_are_none_spoil_one_entity(drawing: Write, read: Read) -> None:
    def draw(d: Any) -> None:
        building(d)
        d.modelspace().add_circle((X0 + 60.5, Y0), 10, dxfattribs={"layer": "绿化"})

    path = drawing(draw)
    path.write_text(path.read_text("utf-8").replace(str(X0 + 60.5), "nan"), "utf-8")
    imported = read(path)
    assert [content.layer.title for content in imported.layers] == ["建筑"]
    assert codes(imported)["dxf_damaged"] == 1


def test_the_site_plan_of_geneva_comes_right(shared_data: Path) -> None:
    """33 cameras; directions against the tags of the OpenStreetMap extract that the plan was drawn from."""
    path = shared_data / "gis" / "dxf" / "site_geneva_west_lv95_m.dxf"
    frame = Frame(6.12, 46.22)
    imported = IMPORTER.read(path, Context(Park("Geneva", frame), Options(crs="EPSG:2056", is_confirmed=True)))
    counts = {content.layer.kind: len(content.table) for content in imported.layers}
    assert counts == {"building": 613, "road": 650, "parking_area": 24}
    assert [device.kind for device in imported.devices] == ["camera"] * 33
    assert sum(name is not None for name in imported.layers[0].table.column("name")) == 12
    told = 0
    for lon, lat, direction in _directions(shared_data / "gis" / "osm" / "geneva_west.osm.pbf"):
        away = frame.to_enu([[d.lon, d.lat] for d in imported.devices])[:, :2] - frame.to_enu([[lon, lat]])[0, :2]
        camera = imported.devices[int(np.argmin(np.hypot(*away.T)))]
        if np.hypot(*away.T).min() > 0.5:
            continue  # the plan holds a part of the extract
        told += 1
        # the plan's north is the grid's, 0.96° off true north in Geneva
        grid = math.degrees(math.radians(lon - 7.439583) * math.sin(math.radians(lat)))
        assert (camera.attributes["azimuth_deg"] - direction - grid + 180) % 360 - 180 == pytest.approx(0.0, abs=0.05)
    assert told == 24


def _directions(path: Path) -> list[tuple[float, float, float]]:
    """Longitude, latitude and direction [deg] of the surveillance cameras of an extract."""
    found = []
    for node in osmium.FileProcessor(str(path), osmium.osm.NODE):
        if node.tags.get("man_made") == "surveillance":
            said = node.tags.get("camera:direction") or node.tags.get("direction")
            if said is not None and said.replace(".", "").isdigit():
                found.append((node.location.lon, node.location.lat, float(said)))
    return found


def test_blocks_of_a_library_sample_are_laid_out(shared_data: Path) -> None:
    path = shared_data / "gis" / "dxf" / "custom_blocks.dxf"
    with pytest.raises(CRSError):
        IMPORTER.read(path, Context(Park("Test", FRAME), Options()))
    placed = IMPORTER.read(path, Context(Park("Test", Frame(0.0, 0.0)), Options(crs="EPSG:3857")))
    assert Counter(placed.layers[0].table.column("entity")) == {"LWPOLYLINE": 4, "CIRCLE": 4}
    document = ezdxf.readfile(path)
    assert len(document.modelspace().query("INSERT")) == 3
