"""Parks as sources: whole into an empty one, as one source into any other, and nothing moves that is on the Earth."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely

from importers.contract import Options
from importers.park import IMPORTER
from importers.pipeline import Outcome, import_files
from importers.recognise import find, head
from tests.parks import PARK, full_park, told
from twin.crs import Frame
from twin.model import Device, FeatureTable, Layer, Park, Terrain
from twin.store import Store, create_store, open_store
from twin.terrain import height_at


@pytest.fixture
def other(tmp_path: Path) -> Store:
    folder = tmp_path / "files"
    folder.mkdir()
    return full_park(create_store(tmp_path / "other", PARK), folder)


def taken(store: Store, path: Path, options: Options | None = None) -> Outcome:
    (outcome,) = import_files(store, [path], options or Options())
    return outcome


def codes(outcome: Outcome) -> list[str]:
    assert outcome.report is not None, outcome.error
    return [issue["code"] for issue in outcome.report["issues"]]


def test_a_park_is_known_by_its_content(other: Store, tmp_path: Path) -> None:
    renamed = tmp_path / "anything.db"
    shutil.copyfile(other.path / "park.gpkg", renamed)
    plain = tmp_path / "park.gpkg"
    pyogrio.raw.write(plain, np.array([shapely.Point(1, 2).wkb], object), [], [], geometry_type="Point", crs="EPSG:4326", driver="GPKG")
    assert find(renamed).name == "park"
    assert IMPORTER.recognises(plain, head(plain)) == 0
    assert find(plain).name == "vector"


def test_an_empty_park_takes_all_of_it(other: Store, tmp_path: Path) -> None:
    store = create_store(tmp_path / "new", PARK)
    outcome = taken(store, other.path / "park.gpkg")
    assert "park_as_source" not in codes(outcome)
    before, after = told(other), told(store)
    for known in ("versions", "held", "sources"):  # it remembers besides what filled it
        assert len(after[known]) == len(before[known]) + 1
        assert all(each in after[known] for each in before[known])
    unlike = {name for name in before if before[name] != after[name]}
    assert unlike == {"versions", "held", "sources"}
    assert taken(store, other.path / "park.gpkg").report["changed"] is False  # type: ignore[index]
    assert told(store) == after


def test_a_park_that_holds_something_takes_it_as_a_source(other: Store, tmp_path: Path) -> None:
    store = create_store(tmp_path / "new", PARK)
    with store.transaction() as writer:
        writer.put_layer(Layer("mine", "building", "mine"))
        writer.put_features("mine", FeatureTable(["m"], shapely.points([[104.06, 30.54]])), source="mine.shp")
        writer.put_devices([Device("d1", "camera", "mine", 104, 30, source="mine.csv")], source="mine.csv")
    outcome = taken(store, other.path / "park.gpkg")
    assert "park_as_source" in codes(outcome)
    assert set(store.origins()) == {"mine.shp", "park.gpkg"}
    assert {layer.id for layer in store.layers()} == {"mine", *(layer.id for layer in other.layers())}
    for layer in other.layers():
        ours, theirs = store.features(layer.id), other.features(layer.id)
        assert list(ours.ids) == list(theirs.ids)
        assert shapely.equals_exact(ours.geometry, theirs.geometry, 0).all()
    assert {model.id for model in store.models()} == {model.id for model in other.models()}
    assert {device.id for device in store.devices()} == {"d0", "d1", "d2"}
    assert store.elements("m1") == other.elements("m1")
    assert {asset.sha256 for asset in store.assets()} == {asset.sha256 for asset in other.assets()}
    assert len(store.events()) == 0
    assert taken(store, other.path / "park.gpkg").report["changed"] is False  # type: ignore[index]


def test_in_another_frame_everything_stays_where_it_is_on_earth(other: Store, tmp_path: Path) -> None:
    ground = Terrain(-100, -100, 5, np.add.outer(np.arange(41.0), np.arange(41.0) * 0.5).astype(np.float32))
    with other.transaction() as writer:
        writer.put_terrain(ground, source="plane.tif")
    frame = Frame(104.075, 30.55, 480.0)
    store = create_store(tmp_path / "new", Park("elsewhere", frame, "EPSG:4547", "CGVD2013"))
    assert "park_as_source" in codes(taken(store, other.path / "park.gpkg"))
    for model in other.models():
        before, after = earth(PARK.frame, other.mesh(model.id).vertices), earth(frame, store.mesh(model.id).vertices)
        assert np.allclose(before, after, atol=5e-4, equal_nan=True)
    (wall,) = [each for each in store.elements("m1") if each.id == "w"]
    assert wall.bbox is not None
    corners = frame.to_enu(PARK.frame.to_lonlat(np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)))
    assert np.allclose(wall.bbox[:3], corners.min(0), atol=1e-6)
    assert np.allclose(wall.bbox[3:], corners.max(0), atol=1e-6)
    (joint,) = [each for each in store.connections("m1") if each.position is not None]
    assert joint.position is not None
    assert np.allclose(earth(frame, [joint.position]), earth(PARK.frame, [[1, 2, 3]]), atol=1e-6)
    assert [device.lon for device in store.devices()] == [device.lon for device in other.devices()]
    inside = PARK.frame.to_lonlat(np.random.default_rng(0).uniform(20, 60, (50, 2)))[:, :2]
    was, now = other.terrain(), store.terrain()
    assert was is not None
    assert now is not None
    assert np.allclose(
        height_at(now, frame.to_enu(inside)[:, :2]), height_at(was, PARK.frame.to_enu(inside)[:, :2]), atol=0.01, equal_nan=True
    )


def test_an_offset_of_heights_reaches_everything(other: Store, tmp_path: Path) -> None:
    store = create_store(tmp_path / "new", Park("higher", PARK.frame, PARK.crs, "EPSG:5737"))
    taken(store, other.path / "park.gpkg", Options(height_offset_m=10.0))
    before, after = other.models()[0], store.models()[0]
    assert (after.base_h_m, after.top_h_m) == pytest.approx((before.base_h_m + 10, before.top_h_m + 10))
    assert [each.base_h_m for each in store.storeys("m1")] == pytest.approx([each.base_h_m + 10 for each in other.storeys("m1")])
    assert [each.floor_h_m for each in store.spaces("m1")] == pytest.approx([each.floor_h_m + 10 for each in other.spaces("m1")])
    assert np.allclose(store.mesh("m1").vertices[:, 2], other.mesh("m1").vertices[:, 2] + 10, atol=1e-4)
    assert shapely.get_coordinates(store.features("roads").geometry, include_z=True)[:, 2] == pytest.approx(
        shapely.get_coordinates(other.features("roads").geometry, include_z=True)[:, 2] + 10
    )
    heights = {device.id: device.z_m for device in store.devices()}
    assert heights == {"d0": None, "d1": 515.5, "d2": None}


def test_what_was_committed_last_comes_too(other: Store, tmp_path: Path) -> None:
    """The newest commits may lie in a file beside the database, which nobody has folded in yet."""
    holder = sqlite3.connect(other.path / "park.gpkg")  # keeps SQLite from folding it in
    holder.execute("SELECT count(*) FROM park").fetchone()
    with other.transaction() as writer:
        writer.put_layer(Layer("late", "other", "late"))
    assert (other.path / "park.gpkg-wal").stat().st_size
    store = create_store(tmp_path / "new", PARK)
    assert "late" in [layer["id"] for layer in taken(store, other.path / "park.gpkg").report["layers"]]  # type: ignore[index]
    holder.close()


def test_the_file_is_left_as_it_is(tmp_path: Path) -> None:
    """A park of an older schema is brought up to date in a copy."""
    path = tmp_path / "old.gpkg"
    with closing(sqlite3.connect(path)) as db:
        db.executescript((Path(__file__).parents[1] / "twin" / "store" / "park_1.sql").read_text("utf-8"))
    before = path.read_bytes()
    store = create_store(tmp_path / "new", PARK)
    assert taken(store, path).error is None
    assert path.read_bytes() == before


@pytest.mark.parametrize("fault", ["cut", "emptied", "newer", "scrambled"])
def test_a_broken_park_is_refused_with_a_sentence(other: Store, tmp_path: Path, fault: str) -> None:
    other.close()
    path = tmp_path / "park.gpkg"
    shutil.copyfile(other.path / "park.gpkg", path)
    if fault == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif fault == "scrambled":
        data = bytearray(path.read_bytes())
        data[20_000::7] = bytes(len(data[20_000::7]))
        path.write_bytes(data)
    else:
        with sqlite3.connect(path) as db:
            db.execute("DELETE FROM park" if fault == "emptied" else "UPDATE park SET value = '99' WHERE key = 'schema_version'")
        db.close()
    store = create_store(tmp_path / "new", PARK)
    outcome = taken(store, path)
    assert outcome.error is not None
    assert outcome.error.code != outcome.error.text("en") != outcome.error.text("zh")
    assert told(store)["layers"] == []
    assert open_store(store.path).sources() == []


def earth(frame: Frame, points: object) -> np.ndarray:
    """Earth-centred metres of points of a frame. [m]"""
    matrix = frame.ecef_matrix()
    return np.asarray(points, float) @ matrix[:3, :3].T + matrix[:3, 3]
