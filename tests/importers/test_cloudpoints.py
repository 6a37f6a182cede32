"""The points of a cloud as the park keeps them: all of them, where PROJ says, in their colours and classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import laspy
import numpy as np
import pytest
from pyproj import CRS, Transformer

from importers import cloudpoints
from importers.contract import Options
from importers.pipeline import import_files
from twin.crs import Frame
from twin.points import PointFile, read_points
from twin.store import Store

LON, LAT = 120.6, 31.3
METRES = "EPSG:4549"


def write(path: Path, count: int = 4000, form: int = 7, **columns: Any) -> laspy.LasData:
    x0, y0 = Transformer.from_crs(4326, METRES, always_xy=True).transform(LON, LAT)
    header = laspy.LasHeader(point_format=form, version="1.4")
    header.scales, header.offsets = [0.0001] * 3, [x0, y0, 0.0]
    header.add_crs(CRS.from_user_input(METRES), keep_compatibility=False)
    cloud = laspy.LasData(header)
    random = np.random.default_rng(1)
    cloud.x, cloud.y = x0 + random.uniform(-1500, 1500, count), y0 + random.uniform(-1500, 1500, count)
    cloud.z = random.uniform(0, 120, count)
    cloud.classification = random.integers(0, 10, count).astype(np.uint8)
    cloud.return_number = np.ones(count, np.uint8)
    for name, values in columns.items():
        setattr(cloud, name, values)
    cloud.write(path)
    return cloud


def kept(store: Store, name: str) -> PointFile:
    (asset,) = [asset for asset in store.assets() if asset.name == f"{name}.points"]
    return read_points(store.asset_path(asset.sha256))


def enu(cloud: laspy.LasData, frame: Frame) -> np.ndarray:
    lon, lat = Transformer.from_crs(METRES, 4326, always_xy=True).transform(np.asarray(cloud.x), np.asarray(cloud.y))
    topocentric = Transformer.from_pipeline(
        f"+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=WGS84"
        f" +step +proj=topocentric +ellps=WGS84 +lon_0={frame.lon_deg} +lat_0={frame.lat_deg} +h_0={frame.h_m}"
    )
    return np.column_stack(topocentric.transform(lon, lat, np.asarray(cloud.z)))


@pytest.mark.parametrize("fit_m", [cloudpoints.FIT_M, -1.0])
def test_points_lie_where_proj_says_in_their_colours(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fit_m: float) -> None:
    """By the polynomial, and by the whole way for each point where none would do."""
    monkeypatch.setattr(cloudpoints, "FIT_M", fit_m)
    random = np.random.default_rng(2)
    shades = random.integers(0, 256, (3, 4000)).astype(np.uint16) * 257
    cloud = write(tmp_path / "c.laz", red=shades[0], green=shades[1], blue=shades[2])
    import_files(store, [tmp_path / "c.laz"], Options())
    found = kept(store, "c.laz")
    assert found.color == "rgb"
    assert len(found.points) == 4000
    want = enu(cloud, store.park().frame)
    assert np.abs(found.xyz(slice(None)) - want).max() < 3e-4
    assert np.array_equal(found.points["class"], np.asarray(cloud.classification))
    assert np.array_equal(found.points["color"], (shades // 257).T)


def test_eight_bits_and_intensities_fill_the_range(store: Store, tmp_path: Path) -> None:
    shades = np.tile(np.arange(0, 250, dtype=np.uint16), 16)
    write(tmp_path / "low.laz", red=shades, green=shades, blue=shades)
    write(tmp_path / "grey.laz", form=6, intensity=shades)
    write(tmp_path / "plain.laz", form=6)
    import_files(store, [tmp_path / name for name in ("low.laz", "grey.laz", "plain.laz")], Options())
    assert np.array_equal(kept(store, "low.laz").points["color"][:, 1], shades)
    grey = kept(store, "grey.laz")
    assert grey.color == "intensity"
    assert grey.points["color"].max() == 255
    assert kept(store, "plain.laz").color == "none"


def test_withheld_points_are_left_out(store: Store, tmp_path: Path) -> None:
    withheld = np.zeros(4000, bool)
    withheld[::5] = True
    write(tmp_path / "c.laz", withheld=withheld)
    import_files(store, [tmp_path / "c.laz"], Options())
    assert len(kept(store, "c.laz").points) == 3200


def test_a_fit_is_refused_where_it_would_be_off() -> None:
    class Bent:
        """A way with a kink that no polynomial follows."""

        crs = METRES

        def exact(self, xyz: np.ndarray) -> np.ndarray:
            return xyz + np.where(xyz[:, :1] > 0, 0.01, 0.0) * xyz[:, :1]

    box = np.array([[-100.0, -100.0, 0.0], [100.0, 100.0, 50.0]])
    assert cloudpoints.fitted(Bent(), box).coefficients is None  # pyright: ignore[reportArgumentType]


def test_a_dry_run_keeps_nothing(store: Store, tmp_path: Path) -> None:
    write(tmp_path / "c.laz")
    import_files(store, [tmp_path / "c.laz"], Options(), dry_run=True)
    assert not store.assets()
