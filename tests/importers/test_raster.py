from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio import Affine

from importers.contract import Context, Imported, Options
from importers.raster import IMPORTER
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


def test_feet_become_metres(tmp_path: Path) -> None:
    path, _ = write(tmp_path / "dem.tif", data=np.full((80, 80), 100.0) + np.arange(80) * 0.5, units=("ft",))
    imported = read(path)
    assert imported.terrain is not None
    assert np.nanmin(imported.terrain.heights) == pytest.approx(30.48, abs=0.2)
    assert [issue.code for issue in imported.issues] == ["heights_in_feet"]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("photo.tif", np.random.default_rng(0).integers(0, 255, (3, 80, 80)).astype(np.uint8), "raster_bands"),
        ("grey.tif", np.random.default_rng(0).integers(0, 255, (80, 80)).astype(np.uint8), "raster_picture"),
        ("map.tif", np.random.default_rng(0).integers(1, 8, (80, 80)).astype(float), "raster_classes"),
        ("area_dsm.tif", np.random.default_rng(0).random((80, 80)) * 30, "raster_not_ground"),
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
    assert read(path, kind="terrain").terrain is not None


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


@pytest.mark.parametrize("name", ["CDSM_KRbig.tif", "DSM_KRbig.tif", "landcover.tif"])
def test_real_rasters_that_are_no_ground(shared_data: Path, name: str) -> None:
    with pytest.raises(UnreadableSource):
        IMPORTER.read(shared_data / "gis/goteborg" / name, Context(Park("G", Frame(11.97, 57.7)), Options()))
