"""Workers of a cluster answer to the last bit what is answered here, whatever becomes of them."""

from __future__ import annotations

import math
import os
import pickle
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from distributed import LocalCluster

from twin.crs import Frame
from twin.errors import MeasureError, MissingInput
from twin.evidence.bundle import run_parts
from twin.i18n import LANGUAGES
from twin.measures import camera, cluster, compute
from twin.measures.cluster import connected
from twin.model import Device, FeatureTable, Layer, Park, Terrain
from twin.scene.ground import ground_of
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
MEASURES = ("camera_area_share", "camera_key_position_share", "camera_facade_area_share")


@pytest.fixture(scope="module")
def local() -> Generator[LocalCluster]:
    """Two worker processes, brought back when they end."""
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A level park with blocks, trees (in doubt), a tall building, positions and cameras of every sort."""
    return made(tmp_path_factory.mktemp("level") / "park", None)


def made(folder: Path, terrain: Terrain | None) -> Store:
    store = create_store(folder, Park("p", FRAME))
    columns: dict[str, Any] = {"height_m": [8.0, 30.0]}
    layers = {
        "boundary": ([shapely.box(-50, -50, 50, 50)], {}),
        "building": ([shapely.box(-30, 5, -10, 20), shapely.box(10, 5, 30, 25)], columns),
        "green": ([shapely.box(-8, 20, 8, 30)], {"height_m": [6.0], "usage": ["trees"]}),
        "key_position": ([shapely.Point(0, 10).buffer(4), shapely.Point(-20, -20)], {"class": ["park_entrance", "lobby"]}),
    }
    with store.transaction() as writer:
        for kind, (shapes, told) in layers.items():
            writer.put_layer(Layer(kind, kind, kind))
            outlines = np.array([shapely.force_2d(FRAME.unproject(shape)) for shape in shapes], object)
            writer.put_features(kind, FeatureTable([f"{kind}-{k}" for k in range(len(shapes))], outlines, told), source="t")
        if terrain is not None:
            writer.put_terrain(terrain, source="t")
        writer.put_devices([a_camera(k) for k in range(12)], source="t")
    return store


def a_camera(k: int) -> Device:
    x, y = 40 * math.cos(k / 12 * 2 * math.pi), 40 * math.sin(k / 12 * 2 * math.pi)
    lon, lat, _ = FRAME.to_lonlat([[x, y]])[0]
    more: dict[str, Any] = {"azimuth_tolerance_deg": 3.0} if k % 4 == 1 else {"purpose": "falling_object"} if k % 4 == 2 else {}
    tilt = -20.0 if k % 4 == 2 else 15.0
    look = {
        "azimuth_deg": (270.0 - 30.0 * k) % 360,
        "tilt_deg": tilt,
        "hfov_deg": 60.0,
        "vfov_deg": 40.0,
        "pixels_w": 3840,
        "pixels_h": 2160,
    }
    return Device(f"c{k}", "camera", f"c{k}", float(lon), float(lat), height_m=4.0, attributes=look | more)


def content(store: Store, measure: str, **given: Any) -> dict[str, bytes]:
    camera._memory["look"].clear()
    return run_parts(compute(store, measure, {"terrain": "auto", **given}))


@pytest.mark.parametrize("measure", MEASURES)
def test_workers_answer_to_the_last_bit_what_is_answered_here(local: LocalCluster, park: Store, measure: str) -> None:
    here = content(park, measure)
    asked: list[str] = []
    with connected(local.scheduler_address):
        workers = cluster._current.get()
        submit = workers.client.submit
        workers.client.submit = lambda work, task, *rest, **more: asked.append(task.kind) or submit(work, task, *rest, **more)
        there = content(park, measure)
    assert there == here
    assert asked  # it was not answered here


def test_workers_know_the_ground_as_it_is_here(local: LocalCluster, tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:13, 0:13]
    hills = Terrain(-60, -60, 10, (500 + 2 * np.sin(rows) * np.cos(columns)).astype(np.float32))
    store = made(tmp_path / "hills", hills)
    here = content(store, MEASURES[0], heights_m="1.5,0.5")
    with connected(local.scheduler_address):
        assert content(store, MEASURES[0], heights_m="1.5,0.5") == here


def test_a_worker_that_is_killed_at_work_changes_nothing(local: LocalCluster, park: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    here = content(park, MEASURES[0], step_m=0.5)
    killed: list[int] = []
    taken = cluster._take

    def kill_one(job: Any, future: Any) -> None:
        taken(job, future)
        if not killed:  # others are under way on both workers
            killed.append(min(job.workers.client.run(os.getpid).values()))
            os.kill(killed[0], signal.SIGKILL)

    monkeypatch.setattr(cluster, "_take", kill_one)
    with connected(local.scheduler_address):
        assert content(park, MEASURES[0], step_m=0.5) == here
    assert len(killed) == 1


def test_workers_that_are_all_killed_are_asked_again_when_they_are_back(
    local: LocalCluster, park: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = content(park, MEASURES[0], step_m=0.5)
    taken, killed = cluster._take, list[int]()

    def kill_all(job: Any, future: Any) -> None:
        taken(job, future)
        if not killed:
            killed.extend(job.workers.client.run(os.getpid).values())
            for process in killed:
                os.kill(process, signal.SIGKILL)

    monkeypatch.setattr(cluster, "_take", kill_all)
    with connected(local.scheduler_address):
        assert content(park, MEASURES[0], step_m=0.5) == here
    assert killed


def test_another_program_on_a_worker_is_told(local: LocalCluster, park: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "program", lambda: "another")
    with connected(local.scheduler_address), pytest.raises(MeasureError) as error:
        content(park, MEASURES[0])
    assert error.value.code == "cluster_differs"


def test_what_fails_on_a_worker_is_a_sentence(local: LocalCluster, park: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "answer", math.sqrt)  # which takes no task
    with connected(local.scheduler_address), pytest.raises(MeasureError) as error:
        content(park, MEASURES[0])
    assert error.value.code == "cluster_failed"
    assert "TypeError" in error.value.text("zh")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "127.0.0.1:9", "no address"])
def test_no_scheduler_is_a_sentence(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    with pytest.raises(MissingInput) as error, connected(address):
        pass
    assert error.value.code == "cluster_unreachable"
    assert all(address in error.value.text(lang) for lang in LANGUAGES)


def test_no_worker_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE_S", 0.5)
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as empty,
        pytest.raises(MissingInput) as error,
        connected(empty.scheduler_address),
    ):
        pass
    assert error.value.code == "cluster_empty"


def test_the_ground_travels(park: Store) -> None:
    ground = ground_of(park)
    points = np.random.default_rng(1).uniform(-1e4, 1e4, (50, 2))
    assert np.array_equal(pickle.loads(pickle.dumps(ground))(points), ground(points))


@pytest.mark.parametrize(("each_s", "left", "taken"), [(0.001, 4000, 250), (0.1, 1000, 2), (10.0, 1000, 1), (0.001, 16, 2), (0.001, 1, 1)])
def test_tasks_take_a_quarter_of_a_second_and_the_last_ones_less(each_s: float, left: int, taken: int) -> None:
    job = cluster._Job(None, "footprints", [], None, {}, [str(k) for k in range(left)], out={"done": None}, seconds=each_s)
    assert len(cluster._some(job, 4)) == taken
    assert len(job.left) == left - taken


def test_a_worker_is_asked_about_its_own_cameras_first_and_about_the_same_ones_whatever_others_there_are() -> None:
    def own(names: list[str], rank: int) -> set[str]:
        job = cluster._Job(None, "footprints", [], None, {}, list(names), out={"done": None}, seconds=1e-6)
        return set(cluster._some(job, 1, rank, 2))

    names = [f"camera {k}" for k in range(400)]
    assert len(own(names, 0) & own(names, 1)) < 40  # halves of all, but for what their sizes differ
    assert own(names[1:101], 0) & own(names[1:101], 1) <= set(names[1:101])
    one, other = own(names[:200], 0), own(names[3:200], 0)
    assert len(one & other) >= 90
