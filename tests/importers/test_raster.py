from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio import Affine
from rasterio.control import GroundControlPoint

from importers.contract import Context, Imported, Options
from importers.raster import IMPORTER
from importers.recognise import find
from twin.crs import Frame
from twin.errors import CRSError, UnreadableSource, UsageError
from twin.model import Park, Terrain
from twin.terrain import height_at

LON, LAT = 120.6, 31.3
NODATA = -9999.0


def plane(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ground that rises 3 cm a metre east and 2 cm a metre north of the first corner."""
    return 10 + 0.03 * (x - x.min()) + 0.02 * (y - y.min())


def write(
    path: Path, *, crs: str | None = "EPSG:4549", cell: float = 5.0, size: int = 80, **options: object
) -> tuple[Path, NDArray[np.float64]]:
    """A raster of a plane about the park, and its cell centres (n, 3): x, y, height."""
    x0, y0 = Transformer.from_crs(4326, crs or "EPSG:4549", always_xy=True).transform(LON, LAT)
    west, north = x0 - cell * size / 2, y0 + cell * size / 2
    x, y = np.meshgrid(west + cell * (np.arange(size) + 0.5), north - cell * (np.arange(size) + 0.5))
    heights = plane(x, y)
    data = np.asarray(options.pop("data", heights))
    kind = data.dtype if data.dtype == np.uint8 else np.float32
    bands = data if data.ndim == 3 else data[None]
    profile = {
        "driver": "GTiff",
        "height": size,
        "width": size,
        "count": len(bands),
        "dtype": kind,
        "transform": Affine(cell, 0, west, 0, -cell, north),
    }
    with rasterio.open(path, "w", crs=crs, nodata=None if kind == np.uint8 else NODATA, **profile) as out:
        out.write(bands.astype(kind))
        for key, value in options.items():
            setattr(out, key, value)
    return path, np.column_stack([x.ravel(), y.ravel(), heights.ravel()])


def read(path: Path, **options: object) -> Imported:
    return IMPORTER.read(path, Context(Park("Test", Frame(LON, LAT)), Options(**options)))  # type: ignore[arg-type]


def sampled(terrain: Terrain | None, cells: NDArray[np.float64], crs: str) -> NDArray[np.float64]:
    assert terrain is not None
    lon, lat = Transformer.from_crs(crs, 4326, always_xy=True).transform(cells[:, 0], cells[:, 1])
    return height_at(terrain, Frame(LON, LAT).to_enu(np.column_stack([lon, lat, cells[:, 2]]))[:, :2])


@pytest.mark.parametrize("crs", ["EPSG:4549", "EPSG:32651", "EPSG:3857"])
def test_a_plane_stays_a_plane_in_its_place(tmp_path: Path, crs: str) -> None:
    path, cells = write(tmp_path / "dem.tif", crs=crs)
    imported = read(path)
    heights = sampled(imported.terrain, cells, crs)
    inner = np.isfinite(heights)
    assert inner.mean() > 0.9
    assert np.abs(heights - cells[:, 2])[inner].max() < 0.05  # half a cell at the rim, exact inside
    assert np.median(np.abs(heights - cells[:, 2])[inner]) < 1e-3
    assert imported.crs == crs


def test_the_step_is_that_of_the_source_but_not_below_a_metre(tmp_path: Path) -> None:
    coarse = read(write(tmp_path / "a.tif", cell=30.0, size=40)[0]).terrain
    fine_path, cells = write(tmp_path / "b.tif", cell=0.25, size=200)
    fine = read(fine_path).terrain
    assert coarse is not None
    assert fine is not None
    assert coarse.step_m == pytest.approx(30, abs=1)
    assert fine.step_m == 1.0
    heights = sampled(fine, cells, "EPSG:4549")
    assert np.nanmax(np.abs(heights - cells[:, 2])) < 0.03


def test_unknown_cells_stay_unknown(tmp_path: Path) -> None:
    data = np.full((80, 80), 12.25)
    data[20:40, 20:40] = NODATA
    data[60, 60] = -32768  # a value nobody declared
    path, cells = write(tmp_path / "dem.tif", data=data)
    imported = read(path)
    heights = sampled(imported.terrain, cells, "EPSG:4549").reshape(80, 80)
    assert np.isnan(heights[21:39, 21:39]).all()
    assert np.isnan(heights[60, 60])
    around = np.ones((80, 80), bool)
    around[[0, 1, -2, -1], :] = around[:, [0, 1, -2, -1]] = around[18:42, 18:42] = around[58:63, 58:63] = False
    assert np.allclose(heights[around], 12.25)
    assert [issue.code for issue in imported.issues] == ["heights_implausible"]


def test_an_ascii_grid_needs_a_coordinate_system(text: Callable[..., Path]) -> None:
    x, y = Transformer.from_crs(4326, 4549, always_xy=True).transform(LON, LAT)
    rows = "\n".join(" ".join(f"{10 + i * 0.5 + j * 0.25}" for j in range(30)) for i in range(30))
    header = f"ncols 30\nnrows 30\nxllcorner {x - 60}\nyllcorner {y - 60}\ncellsize 4\nNODATA_value -9999\n"
    path = text("dem.asc", header + rows)
    assert IMPORTER.recognises(path, path.read_bytes()) > 90
    with pytest.raises(CRSError) as caught:
        read(path)
    assert "EPSG:4549" in caught.value.hint("en")
    imported = read(path, crs="EPSG:4549")
    assert imported.terrain is not None
    assert imported.terrain.step_m == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize(("name", "metres"), [("cm", 0.01), ("Millimetre", 0.001), (" dm", 0.1), ("metre", 1.0), ("", 1.0)])
def test_heights_in_parts_of_a_metre_become_metres(tmp_path: Path, name: str, metres: float) -> None:
    path, nodes = write(tmp_path / "dem.tif")
    scaled = (nodes[:, 2] / metres).reshape(80, 80)
    path, _ = write(path, data=scaled, units=(name,))
    imported = read(path)
    assert imported.terrain is not None
    assert np.nanmean(imported.terrain.heights) == pytest.approx(nodes[:, 2].mean(), abs=0.1)
    assert ("heights_in_feet" in [issue.code for issue in imported.issues]) == (metres != 1.0)


def test_feet_become_metres(tmp_path: Path) -> None:
    path, _ = write(tmp_path / "dem.tif", data=np.full((80, 80), 100.0) + np.arange(80) * 0.5, units=("ft",))
    imported = read(path)
    assert imported.terrain is not None
    assert np.nanmin(imported.terrain.heights) == pytest.approx(30.48, abs=0.2)
    assert [issue.code for issue in imported.issues] == ["heights_in_feet"]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("photo.tif", np.random.default_rng(0).integers(0, 255, (3, 80, 80)).astype(np.uint8), "raster_picture"),
        ("spectra.tif", np.random.default_rng(0).random((4, 80, 80)) * 30, "raster_bands"),
        ("grey.tif", np.random.default_rng(0).integers(0, 255, (80, 80)).astype(np.uint8), "raster_picture"),
        ("map.tif", np.random.default_rng(0).integers(1, 8, (80, 80)).astype(float), "raster_classes"),
        ("slope_5m.tif", np.random.default_rng(0).random((80, 80)) * 30, "raster_not_ground"),
        ("园区坡度图.tif", np.random.default_rng(0).random((80, 80)) * 30, "raster_not_ground"),
        ("park_ndsm.tif", np.random.default_rng(0).random((80, 80)) * 30, "raster_above_nothing"),
        ("empty.tif", np.full((80, 80), NODATA), "raster_no_heights"),
    ],
)
def test_what_is_no_ground_is_refused_in_words(tmp_path: Path, name: str, data: NDArray[np.float64], code: str) -> None:
    path, _ = write(tmp_path / name, data=data)
    assert IMPORTER.recognises(path, path.read_bytes()[:100]) > 0
    with pytest.raises(UnreadableSource) as caught:
        read(path)
    assert caught.value.code == code
    assert caught.value.hint("zh")


def test_the_persons_kind_overrules_the_doubt(tmp_path: Path) -> None:
    path, _ = write(tmp_path / "area_dsm.tif")
    forced, own = read(path, kind="terrain").terrain, read(path).terrain
    assert forced is not None
    assert own is not None
    assert (forced.role, own.role) == ("ground", "surface")
    slope, _ = write(tmp_path / "slope.tif")
    assert read(slope, kind="terrain").terrain is not None


@pytest.mark.parametrize("east", [1.0, -170.0])
def test_ground_far_away_is_refused(tmp_path: Path, east: float) -> None:
    path, _ = write(tmp_path / "dem.tif")
    with pytest.raises(UnreadableSource) as caught:
        IMPORTER.read(path, Context(Park("Far", Frame(LON + east, LAT)), Options()))
    assert caught.value.code == "raster_far"


def test_a_large_raster_is_cut_to_what_is_near(tmp_path: Path) -> None:
    path, _ = write(tmp_path / "dem.tif", cell=90.0, size=400)
    imported = read(path)
    assert imported.terrain is not None
    rows, columns = imported.terrain.heights.shape
    assert max(rows, columns) * imported.terrain.step_m < 21_500
    assert [issue.code for issue in imported.issues] == ["terrain_clipped"]


def test_shifted_datums_are_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read(write(tmp_path / "dem.tif")[0], datum="gcj02")


def test_a_damaged_raster_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dem.tif"
    path.write_bytes(b"II*\x00" + b"\x07" * 400)
    with pytest.raises(UnreadableSource) as caught:
        read(path)
    assert caught.value.code == "source_unreadable"


def test_real_ground(shared_data: Path) -> None:
    path = shared_data / "gis/goteborg/DEM_KRbig.tif"
    imported = IMPORTER.read(path, Context(Park("G", Frame(11.97, 57.7)), Options()))
    with rasterio.open(path) as raster:
        band = raster.read(1)
        bounds = raster.bounds
    rng = np.random.default_rng(0)
    row, column = rng.integers(5, 200, (2, 500))
    x, y = bounds.left + column + 0.5, bounds.top - row - 0.5
    lon, lat = Transformer.from_crs(3007, 4326, always_xy=True).transform(x, y)
    assert imported.terrain is not None
    heights = height_at(imported.terrain, Frame(11.97, 57.7).to_enu(np.column_stack([lon, lat]))[:, :2])
    off = np.abs(heights - band[row, column])
    assert np.median(off) < 0.01
    assert np.percentile(off, 95) < 0.1


def test_real_surface_and_canopy(shared_data: Path) -> None:
    """The surface of Göteborg is told from its ground, its canopy stands on the ground, and its land cover is refused."""
    folder = shared_data / "gis/goteborg"
    park = Park("G", Frame(11.97, 57.7))
    ground = IMPORTER.read(folder / "DEM_KRbig.tif", Context(park, Options())).terrain
    surface = IMPORTER.read(folder / "DSM_KRbig.tif", Context(park, Options())).terrain
    trees = IMPORTER.read(folder / "CDSM_KRbig.tif", Context(park, Options(), ground))
    assert trees.issues == []
    canopy = trees.terrain
    assert ground is not None
    assert surface is not None
    assert canopy is not None
    assert (ground.role, surface.role, canopy.role) == ("ground", "surface", "surface")
    with rasterio.open(folder / "CDSM_KRbig.tif") as raster:
        tall = raster.read(1)
        row, column = np.nonzero(
            (tall > 5) & (np.minimum.reduce([np.roll(tall, (i, j), (0, 1)) for i in (-2, 0, 2) for j in (-2, 0, 2)]) > 5)
        )
        x, y = raster.bounds.left + column + 0.5, raster.bounds.top - row - 0.5
    lon, lat = Transformer.from_crs(3007, 4326, always_xy=True).transform(x, y)
    xy = park.frame.to_enu(np.column_stack([lon, lat]))[:, :2]
    above = height_at(canopy, xy) - height_at(ground, xy)
    inside = np.isfinite(above)
    assert inside.mean() > 0.8
    assert np.median(np.abs(above - tall[row, column])[inside]) < 0.7  # a tree changes by metres from cell to cell
    with pytest.raises(UnreadableSource) as caught:
        IMPORTER.read(folder / "landcover.tif", Context(park, Options()))
    assert caught.value.code == "raster_not_ground"
    with pytest.raises(UnreadableSource) as caught:
        IMPORTER.read(folder / "CDSM_KRbig.tif", Context(park, Options()))
    assert caught.value.code == "raster_above_nothing"


X0, Y0 = Transformer.from_crs(4326, 4549, always_xy=True).transform(LON, LAT)


def made(path: Path, heights: NDArray[Any], affine: Affine, **profile: Any) -> Path:
    """A raster in EPSG:4549, as `profile` wants it."""
    scales, offsets, tags = profile.pop("scales", None), profile.pop("offsets", None), profile.pop("tags", {})
    told: dict[str, Any] = {
        "driver": "GTiff", "count": 1, "height": heights.shape[-2], "width": heights.shape[-1], "dtype": heights.dtype,
        "transform": affine, "crs": "EPSG:4549", **profile,
    }  # fmt: skip
    with rasterio.open(path, "w", **told) as out:
        out.write(heights[None] if heights.ndim == 2 else heights)
        out.update_tags(**tags)
        if scales:
            out.scales, out.offsets = scales, offsets
    return path


def tilted(affine: Affine, rows: int, columns: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Heights (rows, columns) of one plane over EPSG:4549 whatever the raster's cut, and their places (n, 2)."""
    column, row = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
    x, y = affine @ (column.ravel(), row.ravel())
    return (20 + 0.03 * (x - X0) + 0.02 * (y - Y0)).reshape(rows, columns), np.column_stack([x, y])


def check_plane(imported: Imported, places: NDArray[np.float64], tolerance: float = 0.01, share: float = 0.85) -> None:
    heights = sampled(imported.terrain, np.column_stack([places, np.zeros(len(places))]), "EPSG:4549")
    expected = 20 + 0.03 * (places[:, 0] - X0) + 0.02 * (places[:, 1] - Y0)
    inner = np.isfinite(heights)
    assert inner.mean() > share
    assert np.percentile(np.abs(heights - expected)[inner], 95) < tolerance
    assert np.median((heights - expected)[inner]) == pytest.approx(0, abs=tolerance / 10)


NORTH_UP = Affine(5, 0, X0 - 200, 0, -5, Y0 + 200)


@pytest.mark.parametrize(
    "affine",
    [
        NORTH_UP,
        Affine(5, 0, X0 - 200, 0, 5, Y0 - 200),  # the first row in the south
        Affine(5, 0, X0 - 200, 0, -2.5, Y0 + 100),  # oblong cells
        Affine.translation(X0, Y0) @ Affine.rotation(30) @ Affine.translation(-200, 200) @ Affine.scale(5, -5),
        Affine.translation(X0 - 200, Y0 + 200) @ Affine.shear(10) @ Affine.scale(5, -5),
    ],
)
def test_however_its_cells_lie(tmp_path: Path, affine: Affine) -> None:
    heights, places = tilted(affine, 80, 80)
    check_plane(read(made(tmp_path / "dem.tif", heights.astype(np.float32), affine)), places, share=0.8)


@pytest.mark.parametrize(
    "profile",
    [
        {"BIGTIFF": "YES"},
        {"tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "deflate", "predictor": 3},
        {"compress": "lzw"},
        {"driver": "COG"},
        {"driver": "GTiff", "interleave": "pixel"},
        {"driver": "HFA"},
    ],
)
def test_however_it_is_packed(tmp_path: Path, profile: dict[str, Any]) -> None:
    heights, places = tilted(NORTH_UP, 80, 80)
    check_plane(read(made(tmp_path / "dem.tif", heights.astype(np.float32), NORTH_UP, **profile)), places)


def test_whole_numbers_with_scale_and_offset(tmp_path: Path) -> None:
    heights, places = tilted(NORTH_UP, 80, 80)
    data = np.round((heights - 100) / 0.01).astype(np.int16)
    data[:3] = -32768
    path = made(tmp_path / "dem.tif", data, NORTH_UP, nodata=-32768, scales=(0.01,), offsets=(100.0,))
    imported = read(path)
    check_plane(imported, places, 0.02)
    assert imported.issues == []


@pytest.mark.parametrize("point", [False, True])
def test_cells_counted_by_their_middle(tmp_path: Path, point: bool) -> None:
    """GDAL moves a raster whose cells are points by half a cell; what it shows is taken, exactly."""
    heights, _ = tilted(NORTH_UP, 80, 80)
    path = made(tmp_path / "dem.tif", heights.astype(np.float32), NORTH_UP, tags={"AREA_OR_POINT": "Point" if point else "Area"})
    with rasterio.open(path) as raster:
        x, y = raster.xy(40, 33)
    found = sampled(read(path).terrain, np.array([[x, y, 0.0]]), "EPSG:4549")
    assert found[0] == pytest.approx(heights[40, 33], abs=0.002)


def test_one_band_of_several(tmp_path: Path) -> None:
    heights, places = tilted(NORTH_UP, 80, 80)
    path = made(tmp_path / "stack.tif", np.stack([heights * 0, heights, heights + 50]).astype(np.float32), NORTH_UP, count=3)
    with pytest.raises(UnreadableSource) as caught:
        read(path)
    assert caught.value.code == "raster_bands"
    check_plane(read(path, layer="2"), places)
    with pytest.raises(UnreadableSource) as caught:
        read(path, layer="7")
    assert caught.value.code == "raster_band_missing"


@pytest.mark.parametrize("value", [-9999.0, -32768.0, 1e38, -3.4e38, np.nan, 32767.0, np.inf])
@pytest.mark.parametrize("cell", [5.0, 0.25])
def test_unknown_cells_leave_no_trace_in_their_neighbours(tmp_path: Path, value: float, cell: float) -> None:
    affine = Affine(cell, 0, X0 - 40 * cell, 0, -cell, Y0 + 40 * cell)
    heights = np.full((80, 80), 12.25, np.float32)
    heights[20:40, 20:41] = value
    terrain = read(made(tmp_path / "dem.tif", heights, affine)).terrain
    assert terrain is not None
    known = terrain.heights[np.isfinite(terrain.heights)]
    assert np.allclose(known, 12.25)
    assert known.size < terrain.heights.size


def test_zeros_that_fill_holes_are_noticed(tmp_path: Path) -> None:
    heights, _ = tilted(NORTH_UP, 80, 80)
    heights[:20, :20] = 0
    told = read(made(tmp_path / "dem.tif", heights.astype(np.float32), NORTH_UP)).issues
    assert [issue.code for issue in told] == ["heights_zero"]
    shore = np.maximum(heights - 20, 0)  # the sea: no step
    assert read(made(tmp_path / "sea.tif", shore.astype(np.float32), NORTH_UP)).issues == []


def test_whole_metres_of_a_plain_are_no_classes(tmp_path: Path) -> None:
    heights, places = tilted(NORTH_UP, 80, 80)
    imported = read(made(tmp_path / "a.tif", np.round(heights).astype(np.int16), NORTH_UP))
    check_plane(imported, places, 0.6)
    with pytest.raises(UnreadableSource) as caught:
        read(made(tmp_path / "b.tif", np.round(heights / 3).astype(np.int16) % 7 * 5, NORTH_UP))
    assert caught.value.code == "raster_classes"


def test_a_large_raster_is_read_by_its_overviews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    affine = Affine(0.5, 0, X0 - 150, 0, -0.5, Y0 + 150)
    heights, places = tilted(affine, 600, 600)
    path = made(tmp_path / "dem.tif", heights.astype(np.float32), affine, tiled=True, blockxsize=256, blockysize=256)
    with rasterio.open(path, "r+") as raster:
        raster.build_overviews([2, 4], rasterio.enums.Resampling.average)
    whole = read(path)
    monkeypatch.setattr("importers.rasterfile._MANY_CELLS", 1000)
    quick = read(path)
    assert whole.terrain is not None
    assert quick.terrain is not None
    assert np.allclose(quick.terrain.heights, whole.terrain.heights, atol=1e-3, equal_nan=True)
    check_plane(quick, places[::97])


def test_height_datum_and_offset(tmp_path: Path) -> None:
    heights, places = tilted(NORTH_UP, 80, 80)
    path = made(tmp_path / "dem.tif", (heights - 7.5).astype(np.float32), NORTH_UP)
    imported = read(path, height_offset_m=7.5, height_datum="EPSG:5737")
    check_plane(imported, places)
    assert (imported.height_datum, imported.height_offset_m) == ("EPSG:5737", 7.5)
    survey = made(tmp_path / "feet.tif", (heights * 3937 / 1200).astype(np.float32), NORTH_UP)
    check_plane(read(survey, height_datum="EPSG:6360", height_offset_m=0.0), places)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_what_heights_count_from_is_read_from_the_file(tmp_path: Path, version: str) -> None:
    heights, places = tilted(NORTH_UP, 80, 80)
    path = made(tmp_path / "dem.tif", heights.astype(np.float32), NORTH_UP, crs="EPSG:4549+5737", GEOTIFF_VERSION=version)
    imported = read(path, height_offset_m=0.0)
    check_plane(imported, places)
    assert imported.height_datum == "EPSG:5737"
    feet = made(tmp_path / "feet.tif", (heights * 3937 / 1200).astype(np.float32), NORTH_UP, crs="EPSG:4549+6360", GEOTIFF_VERSION=version)
    check_plane(read(feet, height_offset_m=0.0), places)


def test_a_second_ground_that_lies_elsewhere_in_height_is_told(tmp_path: Path) -> None:
    heights, _ = tilted(NORTH_UP, 80, 80)
    first = read(made(tmp_path / "a.tif", heights.astype(np.float32), NORTH_UP)).terrain
    path = made(tmp_path / "b.tif", (heights + 11.3).astype(np.float32), NORTH_UP)
    told = IMPORTER.read(path, Context(Park("Test", Frame(LON, LAT)), Options(), first)).issues
    assert [issue.code for issue in told] == ["heights_off_ground"]
    assert float(str(told[0].details["offset"])) == pytest.approx(-11.3, abs=0.1)


def test_ground_control_points_place_a_raster(tmp_path: Path) -> None:
    heights, places = tilted(NORTH_UP, 80, 80)
    points = [GroundControlPoint(r, c, *(NORTH_UP @ (c, r))) for r, c in ((0, 0), (0, 80), (80, 0), (80, 80))]
    path = tmp_path / "dem.tif"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", driver="GTiff", count=1, height=80, width=80, dtype="float32") as out:
            out.write(heights.astype(np.float32), 1)
            out.gcps = points, "EPSG:4549"
    check_plane(read(path), places)


def test_nowhere_is_no_place(tmp_path: Path) -> None:
    path = tmp_path / "dem.tif"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", driver="GTiff", count=1, height=80, width=80, dtype="float32") as out:
            out.write(np.random.default_rng(0).random((80, 80)).astype(np.float32), 1)
    with pytest.raises((UnreadableSource, CRSError)) as caught:
        read(path)
    assert caught.value.hint("zh")


def ascii_grid(heights: NDArray[np.float64], *, corner: bool = True, comma: bool = False, tag: str = "NODATA_value -9999\n") -> str:
    """The plane as an ESRI ASCII grid of 5 m."""
    west, south = X0 - 200, Y0 + 200 - 5 * len(heights)
    at = ("corner", west, south) if corner else ("center", west + 2.5, south + 2.5)
    rows = "\n".join(" ".join(f"{value:.3f}" for value in row) for row in heights)
    head = f"ncols {heights.shape[1]}\nnrows {len(heights)}\nxll{at[0]} {at[1]:.3f}\nyll{at[0]} {at[2]:.3f}\ncellsize 5.0\n"
    text = head + tag + rows + "\n"
    return text.replace(".", ",") if comma else text


@pytest.mark.parametrize(("corner", "comma"), [(True, False), (False, False), (True, True), (False, True)])
def test_ascii_grids(text: Callable[..., Path], corner: bool, comma: bool) -> None:
    heights, places = tilted(NORTH_UP, 80, 80)
    path = text("dem.asc", ascii_grid(heights, corner=corner, comma=comma))
    text("dem.prj", rasterio.crs.CRS.from_epsg(4549).to_wkt())
    imported = read(path)
    check_plane(imported, places)
    assert imported.crs == "EPSG:4549"


def lines(places: NDArray[np.float64], heights: NDArray[np.float64], form: str) -> list[str]:
    return [form.format(x, y, z) for (x, y), z in zip(places.tolist(), heights.ravel().tolist(), strict=True)]


@pytest.mark.parametrize("form", ["{:.2f} {:.2f} {:.3f}", "{:.2f},{:.2f},{:.3f}", "{:.2f}\t{:.2f}\t{:.3f}", "comma", "header", "column"])
def test_grids_of_points_in_any_order_and_with_gaps(text: Callable[..., Path], form: str) -> None:
    heights, places = tilted(NORTH_UP, 60, 70)
    plain = form if "{" in form else "{:.2f};{:.2f};{:.3f}" if form == "comma" else "{:.2f} {:.2f} {:.3f}"
    rows = lines(places, heights, plain)
    if form == "column":
        rows = [rows[i * 70 + j] for j in range(70) for i in range(60)]
    rows = [row.replace(".", ",") for row in rows] if form == "comma" else rows
    del rows[1000:1003]
    path = text("dgm.xyz", ("x y z\n" if form == "header" else "") + "\n".join(rows))
    assert IMPORTER.recognises(path, path.read_bytes()[:65_536]) > 80
    imported = read(path, crs="EPSG:4549")
    check_plane(imported, places)
    assert imported.terrain is not None
    assert imported.terrain.step_m == 5.0


def test_scattered_points_are_no_grid(text: Callable[..., Path]) -> None:
    rng = np.random.default_rng(0)
    rows = "\n".join(f"{X0 + x:.2f} {Y0 + y:.2f} {z:.2f}" for x, y, z in rng.uniform(0, 100, (500, 3)))
    for content, code in ((rows, "xyz_irregular"), (rows + "\n1 2 x\n", "xyz_damaged")):
        with pytest.raises(UnreadableSource) as caught:
            read(text("points.xyz", content), crs="EPSG:4549")
        assert caught.value.code == code


def test_a_tile_of_srtm(tmp_path: Path) -> None:
    lon, lat = np.meshgrid(120 + np.arange(1201) / 1200, 32 - np.arange(1201) / 1200)
    heights = np.round(30 + 200 * (lon - LON) + 100 * (lat - LAT)).astype(">i2")
    heights[600:610, 600:610] = -32768
    path = tmp_path / "N31E120.hgt"
    path.write_bytes(heights.tobytes())
    assert IMPORTER.recognises(path, path.read_bytes()[:65_536]) == 90
    imported = read(path)
    rng = np.random.default_rng(0)
    xy = rng.uniform(-8000, 8000, (400, 2))
    at = Frame(LON, LAT).to_lonlat(xy)
    expected = 30 + 200 * (at[:, 0] - LON) + 100 * (at[:, 1] - LAT)
    assert imported.terrain is not None
    found = height_at(imported.terrain, xy)
    assert np.isfinite(found).mean() > 0.98
    assert np.nanmax(np.abs(found - expected)) < 0.8  # whole metres


@pytest.mark.parametrize("kind", ["bil", "flt"])
def test_raw_grids_with_a_header_beside(tmp_path: Path, kind: str) -> None:
    heights, places = tilted(NORTH_UP, 80, 80)
    path = tmp_path / f"dem.{kind}"
    path.write_bytes(heights.astype("<f4").tobytes())
    if kind == "bil":
        head = "NROWS 80\nNCOLS 80\nNBANDS 1\nNBITS 32\nPIXELTYPE FLOAT\nBYTEORDER I\nXDIM 5\nYDIM 5\n"
        head += f"ULXMAP {X0 - 197.5}\nULYMAP {Y0 + 197.5}\n"
    else:
        head = f"ncols 80\nnrows 80\nxllcorner {X0 - 200}\nyllcorner {Y0 - 200}\ncellsize 5\nNODATA_value -9999\nbyteorder LSBFIRST\n"
    path.with_suffix(".hdr").write_text(head, "utf-8")
    assert IMPORTER.recognises(path, path.read_bytes()[:65_536]) == 90
    check_plane(read(path, crs="EPSG:4549"), places)


def test_tiles_in_an_archive_become_one_ground(tmp_path: Path) -> None:
    heights, places = tilted(NORTH_UP, 80, 80)
    with zipfile.ZipFile(tmp_path / "dgm.zip", "w") as archive:
        for name, columns in (("west", slice(0, 40)), ("east", slice(40, 80))):
            shifted = NORTH_UP @ Affine.translation(columns.start, 0)
            path = made(tmp_path / f"{name}.tif", heights[:, columns].astype(np.float32), shifted)
            archive.write(path, path.name)
    found = find(tmp_path / "dgm.zip")
    imported = found.read(tmp_path / "dgm.zip", Context(Park("Test", Frame(LON, LAT)), Options()))
    (terrain,) = imported.terrains
    check_plane(replace(imported, terrain=terrain), places)
    seam = sampled(terrain, np.array([[X0 + x, Y0 + 10.0, 0.0] for x in np.arange(-8, 8, 0.5)]), "EPSG:4549")
    assert np.isfinite(seam).all()


@pytest.mark.parametrize("kind", [None, "terrain", "surface"])
def test_it_is_found_by_its_content(text: Callable[..., Path], tmp_path: Path, kind: str | None) -> None:
    heights, places = tilted(NORTH_UP, 40, 40)
    files = [
        text("a.xyz", "\n".join(lines(places, heights, "{:.2f} {:.2f} {:.3f}"))),
        text("b.txt", ascii_grid(heights)),
        made(tmp_path / "c.dat", heights.astype(np.float32), NORTH_UP),
    ]
    assert [find(path, kind).name for path in files] == ["raster"] * 3
    role = read(files[2], **({} if kind is None else {"kind": kind})).terrain
    assert role is not None
    assert role.role == ("surface" if kind == "surface" else "ground")


def test_nothing_that_names_other_files_is_opened(tmp_path: Path) -> None:
    heights, _ = tilted(NORTH_UP, 80, 80)
    hidden = made(tmp_path / "dem.tif", heights.astype(np.float32), NORTH_UP)
    source = f'<SourceFilename relativeToVRT="0">{hidden}</SourceFilename><SourceBand>1</SourceBand>'
    band = f'<VRTRasterBand dataType="Float32" band="1"><SimpleSource>{source}</SimpleSource></VRTRasterBand>'
    for name in ("a.hgt", "b.dem", "c.bil", "d.tif"):
        path = tmp_path / name
        path.write_text(f'<VRTDataset rasterXSize="80" rasterYSize="80"><SRS>EPSG:4549</SRS>{band}</VRTDataset>', "utf-8")
        with pytest.raises(UnreadableSource) as caught:
            read(path)
        assert caught.value.code == "source_unreadable"


@pytest.mark.parametrize("shape", [(1, 80), (80, 1), (1, 1), (2, 2)])
def test_thin_rasters(tmp_path: Path, shape: tuple[int, int]) -> None:
    terrain = read(made(tmp_path / "dem.tif", np.full(shape, 4.5, np.float32), Affine(5, 0, X0, 0, -5, Y0))).terrain
    assert terrain is not None
    assert np.nanmax(terrain.heights) == 4.5
