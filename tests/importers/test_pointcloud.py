from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import laspy
import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from importers import lasfile
from importers.cloudgrid import closed
from importers.contract import Context, Imported, Options
from importers.pipeline import import_files
from importers.pointcloud import IMPORTER
from twin.crs import Frame
from twin.errors import CRSError, UnreadableSource
from twin.model import Park, Terrain
from twin.store import Store
from twin.terrain import height_at

LON, LAT = 120.6, 31.3
METRES = "EPSG:4549"
X0, Y0 = Transformer.from_crs(4326, METRES, always_xy=True).transform(LON, LAT)
ROOF = (20.0, 50.0, 10.0, 35.0)  # west, east, south, north of a building 12 m high


def ground(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return 30 + 0.05 * (x - X0) + 0.02 * (y - Y0)


def scene(count: int = 60_000, half: float = 75.0) -> dict[str, NDArray[Any]]:
    """Ground, a building's roof without ground below, and trees that let every second pulse through."""
    rng = np.random.default_rng(0)
    x, y = rng.uniform(X0 - half, X0 + half, count), rng.uniform(Y0 - half, Y0 + half, count)
    z = ground(x, y) + rng.normal(0, 0.02, count)
    roof = (x > X0 + ROOF[0]) & (x < X0 + ROOF[1]) & (y > Y0 + ROOF[2]) & (y < Y0 + ROOF[3])
    z[roof] += 12
    tree = (np.hypot(x - X0 + 40, y - Y0 + 40) < 10) & (rng.random(count) < 0.5)
    z[tree] += 8
    classes = np.where(roof, 6, np.where(tree, 5, 2)).astype(np.uint8)
    return {"x": x, "y": y, "z": z, "classification": classes, "return_number": np.ones(count, np.uint8)}


def write(
    path: Path, points: dict[str, NDArray[Any]], *, crs: str | None = METRES, version: str = "1.4", form: int = 6, **told: Any
) -> Path:
    header = laspy.LasHeader(point_format=form, version=version)
    header.scales, header.offsets = told.get("scales", [0.001] * 3), told.get("offsets", [X0, Y0, 0.0])
    if crs is not None:
        header.add_crs(CRS.from_user_input(crs), keep_compatibility=False)
    cloud = laspy.LasData(header)
    for name, values in points.items():
        setattr(cloud, name, values)
    cloud.write(path)
    return path


def keyed(path: Path, points: dict[str, NDArray[Any]], keys: list[tuple[int, int]]) -> Path:
    """A LAS 1.2 file whose coordinate system is told by GeoTIFF keys."""
    header = laspy.LasHeader(point_format=1, version="1.2")
    header.scales, header.offsets = [0.001] * 3, [X0, Y0, 0.0]
    rows = [(1, 1, 0, len(keys)), *((key, 0, 1, value) for key, value in keys)]
    raw = b"".join(struct.pack("<4H", *row) for row in rows)
    header.vlrs.append(laspy.VLR("LASF_Projection", 34735, "", raw))
    cloud = laspy.LasData(header)
    for name, values in points.items():
        setattr(cloud, name, values)
    cloud.write(path)
    return path


def read(path: Path, **options: Any) -> Imported:
    assert IMPORTER.recognises(path, path.read_bytes()[:1000]) > 0
    return IMPORTER.read(path, Context(Park("T", Frame(LON, LAT, 30.0)), Options(**options)))


def roles(imported: Imported) -> dict[str, Terrain]:
    return {terrain.role: terrain for terrain in imported.terrains}


def enu(x: NDArray[np.float64], y: NDArray[np.float64], crs: str = METRES) -> NDArray[np.float64]:
    lon, lat = Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)
    return Frame(LON, LAT, 30.0).to_enu(np.column_stack([lon, lat]))[:, :2]


def check_scene(imported: Imported) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.uniform(X0 - 70, X0 + 70, 3000), rng.uniform(Y0 - 70, Y0 + 70, 3000)
    on_roof = (x > X0 + ROOF[0] + 2) & (x < X0 + ROOF[1] - 2) & (y > Y0 + ROOF[2] + 2) & (y < Y0 + ROOF[3] - 2)
    near_roof = (x > X0 + ROOF[0] - 2) & (x < X0 + ROOF[1] + 2) & (y > Y0 + ROOF[2] - 2) & (y < Y0 + ROOF[3] + 2)
    in_tree = np.hypot(x - X0 + 40, y - Y0 + 40) < 12
    low, high = (height_at(roles(imported)[role], enu(x, y)) for role in ("ground", "surface"))
    assert np.isfinite(low[~near_roof]).mean() > 0.995
    assert np.isnan(low[on_roof]).mean() > 0.8  # a gap as wide as a building stays open
    off = np.abs(low - ground(x, y))[~near_roof]
    assert np.nanpercentile(off, 99) < 0.06
    assert np.nanmax(off) < 0.15
    assert np.nanmedian((high - ground(x, y))[on_roof]) == pytest.approx(12, abs=0.15)
    assert np.nanmedian((high - ground(x, y))[~near_roof & ~in_tree]) == pytest.approx(0, abs=0.15)
    assert np.nanmax((high - ground(x, y))[np.hypot(x - X0 + 40, y - Y0 + 40) < 6]) == pytest.approx(8, abs=0.3)


@pytest.mark.parametrize(
    ("version", "form", "name"),
    [("1.0", 0, "a.las"), ("1.1", 1, "a.las"), ("1.2", 3, "a.laz"), ("1.3", 3, "a.las"), ("1.4", 6, "a.las"), ("1.4", 8, "a.laz")],
)
def test_ground_and_surface_of_every_version(tmp_path: Path, version: str, form: int, name: str) -> None:
    path = tmp_path / name
    write(path, scene(), crs=None, version=max(version, "1.2"), form=form)
    if version < "1.2":
        raw = bytearray(path.read_bytes())
        raw[25] = int(version[2])
        path.write_bytes(bytes(raw))
    imported = read(path, crs=METRES)
    check_scene(imported)
    row = imported.layers[0].table.row(0)
    assert (row["points"], row["las_version"], row["point_format"]) == (60_000, version, form)
    assert row["has_colour"] == (form in {3, 8})
    assert row["points_per_sqm"] == pytest.approx(60_000 / 150**2, rel=0.05)
    assert row["z_min_m"] == pytest.approx(30 - 75 * 0.07, abs=0.3)
    assert "2 ground" in row["classes"]
    assert "地面" in row["classes_zh"]
    assert imported.layers[0].layer.kind == "point_cloud"
    assert imported.assets == {name: path}


def test_a_cloud_in_the_park(tmp_path: Path, store: Store) -> None:
    """Outline, both terrains and the file itself are there after the import, and gone with it."""
    path = write(tmp_path / "点云 1.laz", scene())
    (outcome,) = import_files(store, [path], Options())
    assert outcome.error is None
    assert outcome.report is not None
    assert outcome.report["kind"] == "point_cloud"
    (layer,) = store.layers()
    assert (layer.kind, layer.title_zh) == ("point_cloud", "点云")
    row = store.features(layer.id).row(0)
    asset, points = sorted(store.assets(), key=lambda each: len(each.name))
    assert points.name == f"{path.name}.points"
    assert (asset.name, asset.source) == (row["asset"], "点云 1.laz")
    assert store.asset_path(asset.sha256).read_bytes() == path.read_bytes()
    low, high = store.terrain(), store.terrain("surface")
    assert low is not None
    assert high is not None
    assert np.nanmax(high.heights - 36) > np.nanmax(low.heights - 36) + 5
    with store.transaction() as writer:
        writer.drop_source("点云 1.laz")
    assert store.terrain() is None


def test_the_outline_is_that_of_the_points(tmp_path: Path) -> None:
    points = scene()
    inside = (points["x"] < X0) | (points["y"] < Y0)  # an L
    imported = read(write(tmp_path / "a.las", {name: values[inside] for name, values in points.items()}))
    outline = Frame(LON, LAT, 30.0).project(imported.layers[0].table.geometry[0])
    expected = shapely.Polygon(
        enu(*(np.array(v, float) for v in ([X0 - 75, X0 + 75, X0 + 75, X0, X0, X0 - 75], [Y0 - 75, Y0 - 75, Y0, Y0, Y0 + 75, Y0 + 75])))
    )
    assert outline.symmetric_difference(expected).area < 0.05 * expected.area
    assert shapely.get_num_coordinates(outline) < 40


@pytest.mark.parametrize("unit", ["ft", "us-ft"])
@pytest.mark.parametrize("said", ["compound", "plane"])
def test_feet_become_metres_in_plane_and_height(tmp_path: Path, unit: str, said: str) -> None:
    foot = 0.3048 if unit == "ft" else 1200 / 3937
    proj = f"+proj=tmerc +lat_0=0 +lon_0=120 +k=1 +x_0={500_000} +ellps=GRS80 +units={unit} +type=crs"
    lon, lat = Transformer.from_crs(METRES, 4326, always_xy=True).transform(scene()["x"], scene()["y"])
    x, y = Transformer.from_crs(4326, proj, always_xy=True).transform(lon, lat)
    crs = CRS.from_user_input(proj)
    if said == "compound":
        crs = CRS.from_user_input(
            f'COMPD_CS["both",{crs.to_wkt("WKT1_GDAL")},{CRS.from_epsg(8228 if unit == "ft" else 6360).to_wkt("WKT1_GDAL")}]'
        )
    points = scene() | {"x": x, "y": y, "z": scene()["z"] / foot}
    imported = read(
        write(tmp_path / "a.las", points, crs=crs.to_wkt(), offsets=[x.min(), y.min(), 0]),
        height_offset_m=0.0 if said == "compound" else None,
    )
    check_scene(imported)
    codes = [issue.code for issue in imported.issues]
    assert "heights_in_feet" in codes
    assert ("heights_unit_unsaid" in codes) == (said == "plane")
    assert (imported.height_datum is not None) == (said == "compound")


def test_systems_told_by_geotiff_keys(tmp_path: Path) -> None:
    imported = read(keyed(tmp_path / "a.las", scene(), [(1024, 1), (1025, 1), (3072, 4549), (4096, 5737)]), height_offset_m=0.0)
    check_scene(imported)
    assert imported.height_datum == "EPSG:5737"
    assert "4549" in str(imported.crs) or "CGCS2000" in str(imported.crs)


def test_without_a_system_the_sentence_guesses(tmp_path: Path) -> None:
    with pytest.raises(CRSError) as caught:
        read(write(tmp_path / "a.las", scene(), crs=None))
    assert "EPSG:4549" in caught.value.hint("en") + caught.value.text("en")


def test_a_wrong_system_is_told_with_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource) as caught:
        read(write(tmp_path / "a.las", scene(), crs="EPSG:4545"))
    assert caught.value.code == "raster_far_guessed"
    assert "EPSG:4549" in caught.value.text("en")


def test_without_classes_there_is_only_the_surface(tmp_path: Path) -> None:
    points = scene() | {"classification": np.zeros(60_000, np.uint8)}
    path = write(tmp_path / "a.las", points)
    imported = read(path)
    assert list(roles(imported)) == ["surface"]
    assert [issue.code for issue in imported.issues] == ["cloud_no_ground"]
    assert list(roles(read(path, kind="terrain"))) == ["ground"]


def test_noise_and_withheld_points_do_not_count(tmp_path: Path) -> None:
    points = scene()
    points["z"][:200] += 90
    points["classification"][:100] = 18
    path = tmp_path / "a.las"
    write(path, points | {"withheld": np.isin(np.arange(60_000), np.arange(100, 200)).astype(np.uint8)})
    check_scene(read(path))


def test_single_wrong_ground_points_do_not_stand_out(tmp_path: Path) -> None:
    points = scene()
    some = np.random.default_rng(3).choice(60_000, 60, replace=False)
    points["z"][some] -= 9
    points["classification"][some] = 2
    imported = read(write(tmp_path / "a.las", points))
    x, y = np.random.default_rng(1).uniform(-60, 0, (2, 2000))
    low = height_at(roles(imported)["ground"], enu(X0 + x, Y0 + y))
    assert np.nanmax(np.abs(low - ground(X0 + x, Y0 + y))) < 0.6


def test_a_few_lost_points_do_not_coarsen_the_ground(tmp_path: Path) -> None:
    points = scene()
    points["x"][:3] = X0 + np.array([6000.0, -7000.0, 9000.0])
    points["y"][:3] = Y0 + 5000
    imported = read(write(tmp_path / "a.las", points))
    check_scene(imported)
    assert roles(imported)["ground"].step_m == 1.0
    assert [issue.code for issue in imported.issues] == ["cloud_strays"]


@pytest.mark.parametrize("box", [(0.0, 0.0), (float("nan"), 1.0), (1e30, -1e30), (None, None)])
def test_a_header_that_lies_about_the_extent(tmp_path: Path, box: tuple[float | None, float | None]) -> None:
    path = write(tmp_path / "a.las", scene())
    raw = bytearray(path.read_bytes())
    low, high = box
    for axis, middle in enumerate((X0, Y0)):  # max and min of x, then of y (LAS 1.4 R15, table 3)
        struct.pack_into("<2d", raw, 179 + 16 * axis, middle - 10 if high is None else high, middle - 20 if low is None else low)
    path.write_bytes(bytes(raw))
    imported = read(path)
    check_scene(imported)
    assert "cloud_header_box" in [issue.code for issue in imported.issues]


def patched(data: bytes, at: int, form: str, *values: float) -> bytes:
    raw = bytearray(data)
    struct.pack_into(form, raw, at, *values)
    return bytes(raw)


def broken(folder: Path) -> dict[str, tuple[str, bytes]]:
    las, laz = write(folder / "x.las", scene(5000)).read_bytes(), write(folder / "x.laz", scene(5000)).read_bytes()
    empty = write(folder / "y.las", {name: values[:0] for name, values in scene(10).items()}).read_bytes()
    return {
        "cut.las": ("cloud_cut", las[:-20_000]),
        "lying.las": ("cloud_cut", patched(las, 247, "<Q", 9_000_000)),
        "cut.laz": ("cloud_damaged", laz[: len(laz) // 2]),
        "lying.laz": ("cloud_cut", patched(laz, 247, "<Q", 9_000_000)),
        "header.las": ("cloud_damaged", las[:200]),
        "none.las": ("cloud_empty", empty),
        "zero.las": ("cloud_header", patched(las, 131, "<3d", 0, 0, 0)),
        "nan.las": ("cloud_header", patched(las, 155, "<3d", float("nan"), 0, 0)),
        "huge.las": ("cloud_header", patched(las, 131, "<3d", 1e20, 1e20, 1)),
        "records.las": ("cloud_damaged", patched(las, 100, "<I", 3_000_000_000)),
        "extended.las": ("cloud_damaged", patched(las, 243, "<I", 3_000_000_000)),
        "endless.laz": ("cloud_cut", patched(laz, 247, "<Q", 10**15)),
        "text.las": ("cloud_damaged", b"x,y,z\n1,2,3\n"),
    }


@pytest.mark.parametrize(
    "name",
    [
        "cut.las",
        "lying.las",
        "cut.laz",
        "lying.laz",
        "header.las",
        "none.las",
        "zero.las",
        "nan.las",
        "huge.las",
        "records.las",
        "extended.las",
        "endless.laz",
        "text.las",
    ],
)
def test_damaged_clouds_are_refused_in_words(tmp_path: Path, name: str) -> None:
    code, data = broken(tmp_path)[name]
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UnreadableSource) as caught:
        read(path)
    assert caught.value.code == code
    assert caught.value.hint("zh")


def test_when_it_was_measured(tmp_path: Path) -> None:
    points = scene(5000) | {"gps_time": np.linspace(0, 3600, 5000) + 4.0e8}
    header = laspy.LasHeader(point_format=6, version="1.4")
    header.global_encoding.gps_time_type = laspy.header.GpsTimeType.STANDARD
    header.scales, header.offsets = [0.001] * 3, [X0, Y0, 0]
    header.add_crs(CRS.from_user_input(METRES))
    cloud = laspy.LasData(header)
    for name, values in points.items():
        setattr(cloud, name, values)
    cloud.write(tmp_path / "a.las")
    row = read(tmp_path / "a.las").layers[0].table.row(0)
    assert (row["gps_from"], row["valid_from"]) == ("2024-05-17T16:53:20", "2024-05-17")  # Friday of GPS week 2314


def test_closing_fills_gaps_and_moves_no_edge() -> None:
    mask = np.zeros((20, 20), bool)
    mask[5:15, 5:15] = True
    holed = mask.copy()
    holed[8:10, 8:10] = False
    assert np.array_equal(closed(holed, 2), mask)
    assert np.array_equal(closed(mask, 3), mask)
    assert closed(np.ones((4, 4), bool), 2).all()


def test_a_real_cloud_in_feet(shared_data: Path) -> None:
    path = shared_data / "pointcloud/autzen_trim.laz"
    frame = Frame(-123.07, 44.06, 0.0)
    imported = IMPORTER.read(path, Context(Park("A", frame), Options()))
    cloud = laspy.read(path)
    lon, lat = Transformer.from_crs(cloud.header.parse_crs(), 4326, always_xy=True).transform(np.array(cloud.x), np.array(cloud.y))
    xy, z = frame.to_enu(np.column_stack([lon, lat]))[:, :2], np.array(cloud.z) * 0.3048
    low = np.array(cloud.classification) == 2
    off = height_at(roles(imported)["ground"], xy[low]) - z[low]
    assert np.isfinite(off).mean() > 0.95
    assert abs(np.nanmedian(off)) < 0.01
    assert np.nanpercentile(np.abs(off), 95) < 0.25
    above = height_at(roles(imported)["surface"], xy) - z
    assert np.nanpercentile(above, 2) > -1.5  # hardly a point sticks out of the surface
    row = imported.layers[0].table.row(0)
    assert (row["points"], row["has_colour"]) == (110_000, True)
    assert row["z_max_m"] == pytest.approx(520.51 * 0.3048, abs=0.01)


def test_a_cloud_optimised_file_is_read_in_parts(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared_data / "pointcloud/simple.copc.laz"
    header = lasfile.read_header(path)
    cloud = laspy.read(path)
    middle = header.box[:, :2].mean(axis=0)
    monkeypatch.setattr(lasfile, "CHUNK", 100)

    def count(low: NDArray[np.float64], high: NDArray[np.float64]) -> int:
        return sum(len(points.xyz) for points in lasfile.read_points(path, header, (low, high), lambda *_: None))

    assert header.is_copc
    assert count(header.box[0, :2], header.box[1, :2]) == 1065
    assert count(header.box[0, :2], middle) == ((cloud.x <= middle[0]) & (cloud.y <= middle[1])).sum()
    monkeypatch.setattr(lasfile, "MOST_POINTS", 500)
    assert 0 < count(header.box[0, :2], header.box[1, :2]) <= 500
    with pytest.raises(UnreadableSource) as caught:  # it states metres, but its numbers are feet
        IMPORTER.read(path, Context(Park("A", Frame(-123.07, 44.06)), Options()))
    assert "EPSG:2992" in caught.value.text("en")
