from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely
from pyproj import Transformer

from importers.contract import Context, Options
from importers.controltable import local_grid, remarks
from importers.placing import Frameless, place
from twin.crs import Frame, wgs84_to_gcj02
from twin.errors import CRSError, SourceError
from twin.model import Park

FRAME = Frame(120.6, 31.3, 5.0)
ENU = np.array([[0.0, 0.0], [420.0, 15.0], [380.0, 310.0], [-30.0, 290.0]])
LONLAT = FRAME.to_lonlat(np.column_stack([ENU, -(ENU**2).sum(axis=1) / (2 * 6_371_000)]))[:, :2]
LOCAL = ENU @ np.array([[0.8, -0.6], [0.6, 0.8]]) + [1000.0, 2000.0]


def told(**options: object) -> Context:
    return Context(Park("Test", FRAME), Options(**options))  # type: ignore[arg-type]


def table(path: Path, header: str, rows: object) -> str:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]), "utf-8")  # type: ignore[attr-defined]
    return str(path)


def test_a_table_with_longitude_and_latitude(tmp_path: Path) -> None:
    control = table(tmp_path / "c.csv", "name,x,y,lon,lat", [(f"K{i}", *LOCAL[i], *LONLAT[i]) for i in range(4)])
    grid = local_grid(told(control=control))
    assert grid is not None
    assert grid.rms_m < 0.001
    assert grid.points.names == ["K0", "K1", "K2", "K3"]


def test_a_table_in_chinese_with_a_national_grid_and_heights(tmp_path: Path) -> None:
    x, y = Transformer.from_crs(4326, 4549, always_xy=True).transform(LONLAT[:, 0], LONLAT[:, 1])
    rows = [(f"控制点{i}", *LOCAL[i], 1.0 + i, x[i], y[i], 21.0 + i, "CGCS2000 3度带 120") for i in range(4)]
    path = tmp_path / "控制点.csv"
    path.write_bytes("\n".join(["点名,x,y,施工标高,目标x,目标y,高程,坐标系", *(",".join(map(str, r)) for r in rows)]).encode("gbk"))
    grid = local_grid(told(control=str(path)))
    assert grid is not None
    assert grid.rms_m < 0.01
    assert grid.height_shift_m == pytest.approx(20.0)
    plain = table(tmp_path / "d.csv", "x,y,x2,y2", [(*LOCAL[i], x[i], y[i]) for i in range(4)])
    assert local_grid(told(control=plain, crs="EPSG:4549")) is not None
    with pytest.raises(CRSError) as caught:
        local_grid(told(control=plain))
    assert caught.value.code == "control_no_crs"


def test_positions_picked_off_a_web_map_are_shifted_back(tmp_path: Path) -> None:
    shifted = wgs84_to_gcj02(LONLAT)
    control = table(tmp_path / "c.csv", "x,y,lng,lat", [(*LOCAL[i], *shifted[i]) for i in range(4)])
    grid = local_grid(told(control=control, datum="gcj02"))
    assert grid is not None
    assert np.abs(FRAME.to_enu(grid.to_lonlat(LOCAL)[:, :2])[:, :2] - ENU).max() < 0.01


def test_what_a_table_lacks_is_said(tmp_path: Path) -> None:
    for header, code in (("x,y", "control_columns"), ("lon,lat", "control_columns"), ("name,a,b,c", "control_columns")):
        with pytest.raises(SourceError) as caught:
            local_grid(told(control=table(tmp_path / f"{len(header)}.csv", header, [(1, 2, 3, 4)[: header.count(",") + 1]] * 2)))
        assert caught.value.code == code
    with pytest.raises(SourceError) as caught:
        local_grid(told(control=str(tmp_path / "none.csv")))
    assert caught.value.code == "source_missing"
    far = table(tmp_path / "far.csv", "x,y,lon,lat", [(*LOCAL[i], *(LONLAT[i] + [2, 0])) for i in range(4)])
    with pytest.raises(CRSError) as caught:
        local_grid(told(control=far))
    assert caught.value.code == "control_far"


def test_a_row_without_numbers_is_left_out_and_told_and_a_changed_table_is_read_again(tmp_path: Path) -> None:
    rows = [(f"K{i}", *LOCAL[i], *LONLAT[i]) for i in range(4)]
    control = table(tmp_path / "c.csv", "name,x,y,lon,lat", [*rows, ("K9", "?", "", 120.6, 31.3)])
    context = told(control=control)
    grid = local_grid(context)
    assert grid is not None
    assert len(grid.points) == 4
    assert "control_row_left_out" in [issue.code for issue in remarks("s", grid, context.options)]
    table(Path(control), "name,x,y,lon,lat", rows[:2])
    fewer = local_grid(context)
    assert fewer is not None
    assert [issue.code for issue in remarks("s", fewer, context.options)] == ["control_fitted", "control_unchecked"]


def test_shapes_are_placed_by_points_and_the_report_lets_anyone_compute_it_again(tmp_path: Path) -> None:
    control = table(tmp_path / "c.csv", "name,x,y,z,lon,lat,h", [(f"K{i}", *LOCAL[i], 0.5, *LONLAT[i], 15.5) for i in range(4)])
    shapes = np.array([shapely.Point(*LOCAL[2], 3.0), shapely.LineString(LOCAL[:2])], object)
    placed = place(Frameless(shapes, ["a", "b"], "plan.dxf"), told(control=control))
    assert placed.crs == "control points"
    at = FRAME.to_enu([[placed.geometry[0].x, placed.geometry[0].y]])[0, :2]
    assert at == pytest.approx(ENU[2], abs=0.005)
    assert placed.geometry[0].z == pytest.approx(18.0)
    fitted = json.loads(json.dumps(placed.details["control"]))
    assert len(fitted["points"]) == 4
    assert fitted["points"][1]["x"] == LOCAL[1, 0]
    assert fitted["redundancy"] == 4


def test_a_file_in_millimetres_with_a_table_in_metres_and_with_one_in_millimetres(tmp_path: Path) -> None:
    in_metres = table(tmp_path / "m.csv", "x,y,lon,lat", [(*LOCAL[i], *LONLAT[i]) for i in range(4)])
    in_file = table(tmp_path / "f.csv", "x,y,lon,lat", [(*(LOCAL[i] * 1000), *LONLAT[i]) for i in range(4)])
    shapes = np.array([shapely.Point(*(LOCAL[2] * 1000))], object)
    for control, code in ((in_metres, True), (in_file, False)):
        placed = place(Frameless(shapes, ["a"], "plan.dxf", unit_m=0.001), told(control=control))
        at = FRAME.to_enu([[placed.geometry[0].x, placed.geometry[0].y]])[0, :2]
        assert at == pytest.approx(ENU[2], abs=0.005)
        assert ("control_in_metres" in [issue.code for issue in placed.issues]) is code
        assert placed.metres_per_unit == pytest.approx(0.001, rel=1e-4)


def test_the_command_line_takes_a_table(tmp_path: Path, geojson: Callable[..., Path]) -> None:
    control = table(tmp_path / "c.csv", "x,y,lon,lat", [(*LOCAL[i], *LONLAT[i]) for i in range(4)])
    ring = np.vstack([LOCAL, LOCAL[:1]]).tolist()
    path = geojson("plan.geojson", [({"id": 1}, {"type": "Polygon", "coordinates": [ring]})])
    from importers.vector import IMPORTER

    table_ = IMPORTER.read(path, told(control=control)).layers[0].table
    assert np.abs(FRAME.to_enu(shapely.get_coordinates(table_.geometry[0]))[:4, :2] - ENU).max() < 0.01
