"""Evidence bundles: what was computed can be computed again from the folder alone, and nothing in it can be changed unnoticed."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from twin.cli import run
from twin.crs import Frame
from twin.errors import Conflict, NotFound, UsageError
from twin.evidence.bundle import bundle, content_hash, manifest_hash
from twin.evidence.fingerprint import fingerprints
from twin.evidence.verify import Verified, verify
from twin.measures import compute
from twin.model import Device, FeatureTable, Layer, Park
from twin.result import Result
from twin.store import Store, create_store, open_store

FRAME = Frame(104.06, 30.66, 500.0)


def put(store: Store, kind: str, shapes: Sequence[Any], **columns: Sequence[Any]) -> None:
    geometry = np.array([shapely.force_2d(FRAME.unproject(shape)) for shape in shapes], object)
    with store.transaction() as writer:
        writer.put_layer(Layer(kind, kind, kind))
        writer.put_features(kind, FeatureTable([f"{kind}-{i}" for i in range(len(shapes))], geometry, columns), source=kind)


def device(kind: str, x: float, y: float, **attributes: Any) -> Device:
    lon, lat, _ = FRAME.to_lonlat([[x, y]])[0].tolist()
    return Device(f"{kind}/{x:g}", kind, f"{kind} {x:g}", lon, lat, 5.0, attributes=attributes)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A yard with a block in it, bays along its edge, cameras and chargers."""
    made = create_store(tmp_path / "park", Park("院子", FRAME))
    put(made, "boundary", [shapely.box(-40, -40, 40, 40)])
    put(made, "building", [shapely.box(-8, 5, 9, 14)], height_m=[7.0])
    put(made, "parking_bay", [shapely.box(3 * k, -40, 3 * k + 2.5, -35) for k in range(6)])
    devices = [
        device("camera", -20.0, -20.0, azimuth_deg=30.0, tilt_deg=25.0, hfov_deg=70.0, vfov_deg=40.0, pixels_w=3840, pixels_h=2160),
        device("camera", 20.0, -10.0, azimuth_deg=300.0, tilt_deg=20.0, hfov_deg=90.0, pixels_w=1920, pixels_h=1080),
        device("charger", 2.7, -34.5, connectors=2, cable_m=4.0),
    ]
    with made.transaction() as writer:
        writer.put_devices(devices, source="devices.csv")
    return made


def computed(store: Store) -> list[Result]:
    return [compute(store, "camera_area_share", {"density_px_per_m": 60}), compute(store, "charging_space_share", pack={"reach_m": 5.0})]


@pytest.fixture
def folder(store: Store, tmp_path: Path) -> Path:
    """A bundle of two runs, with what went in."""
    place = tmp_path / "evidence"
    bundle(store, computed(store), place, card={"pack": "p"})
    return place


def states(found: Verified) -> dict[str, str]:
    return {f"{each.kind}:{each.subject.split(' ')[0]}": each.state for each in found.checked if not each.ok}


def test_a_bundle_holds_everything_to_compute_its_runs_again_to_the_last_bit(folder: Path, store: Store) -> None:
    shutil.rmtree(store.path)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found = verify(folder)
    assert found.ok
    runs = [each for each in found.checked if each.kind == "run"]
    assert [(each.state, each.subject.split(" ")[0]) for each in runs] == [
        ("exact", "camera_area_share"),
        ("exact", "charging_space_share"),
    ]
    assert 0 < runs[0].told["found"]["lower"] <= runs[0].told["found"]["value"] <= runs[0].told["found"]["upper"] < 1
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before, "nothing of a bundle is written to"


def test_the_parts_say_what_was_asked_and_what_came_out(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    camera = manifest["runs"][0]
    assert camera["parameters"]["density_px_per_m"] == {"value": 60.0, "provenance": "given"}
    assert manifest["runs"][1]["parameters"]["reach_m"] == {"value": 5.0, "provenance": "pack"}
    kept = folder / "runs" / camera["run"]
    result = json.loads((kept / "result.json").read_text("utf-8"))
    assert (result["value"], "seconds" in result) == (camera["value"], False)
    samples = json.loads(gzip.decompress((kept / "samples.json.gz").read_bytes()))
    assert len(samples["lon"]) == result["surface"]["samples"]
    gaps = json.loads((kept / "gaps.geojson").read_text("utf-8"))
    missing = result["denominator"] - result["numerator"]
    assert sum(gap["properties"]["amount"] for gap in gaps["features"]) == pytest.approx(missing, rel=1e-6)
    assert json.loads((folder / "scorecard.json").read_text("utf-8")) == {"pack": "p"}


def test_the_same_park_gives_the_same_content_whenever_and_wherever_it_lies(folder: Path, store: Store, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(store.path, moved)
    again = bundle(open_store(moved), computed(open_store(moved)), tmp_path / "again", inputs=False)
    assert again == json.loads((folder / "manifest.json").read_text("utf-8"))["content"]


@pytest.mark.slow
def test_a_machine_with_a_lesser_processor_and_one_core_produces_alike(folder: Path, store: Store, tmp_path: Path) -> None:
    lesser = {
        "NUMBA_CACHE_DIR": str(tmp_path / "compiled"),
        "NUMBA_CPU_NAME": "x86-64",
        "NUMBA_CPU_FEATURES": "",
        "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3",
        "NUMBA_NUM_THREADS": "1",
    }
    out = tmp_path / "lesser"
    program = "import os, sys; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); from twin.cli import main; main()"
    asked = ["measure", str(store.path), "charging_space_share", "--param", "reach_m=5", "--evidence", str(out)]
    subprocess.run([sys.executable, "-c", program, *asked], env=os.environ | lesser, check=True, capture_output=True, timeout=300)
    theirs = json.loads((out / "manifest.json").read_text("utf-8"))
    ours = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert theirs["inputs"] == ours["inputs"]
    assert [row["value"] for row in theirs["runs"]] == [ours["runs"][1]["value"]]
    assert verify(out).ok


def test_a_changed_file_is_found(folder: Path) -> None:
    path = next(folder.glob("runs/*/gaps.geojson"))
    path.write_text(path.read_text("utf-8").replace("occluded", "density").replace("out_of", "not_of") + " ", "utf-8")
    found = verify(folder)
    assert not found.ok
    assert states(found)[f"file:{path.relative_to(folder).as_posix()}"] == "different"


@pytest.mark.parametrize(("act", "state"), [("remove", "missing"), ("add", "unlisted")])
def test_a_file_too_few_or_too_many_is_found(folder: Path, act: str, state: str) -> None:
    path = folder / "scorecard.json" if act == "remove" else folder / "note.txt"
    path.unlink() if act == "remove" else path.write_text("trust me")
    assert states(verify(folder)) == {f"file:{path.name}": state}


def test_a_number_changed_with_all_its_hashes_is_found_by_computing_it_again(folder: Path) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    manifest["runs"][0]["value"] += 0.05
    manifest["sha256"] = manifest_hash(manifest)
    path.write_text(json.dumps(manifest), "utf-8")
    (wrong,) = [each for each in verify(folder).checked if not each.ok]
    assert (wrong.kind, wrong.state) == ("run", "different")
    (difference,) = wrong.told["differences"]
    assert difference["said"] - difference["found"] == pytest.approx(0.05)


@pytest.mark.parametrize("word", ["院子", "numpy", '"default"', '"lower"', '"engine"', "EPSG:4490", '"sha256": "', "camera_area_share"])
def test_no_byte_of_the_manifest_can_be_changed_unnoticed(folder: Path, word: str) -> None:
    path = folder / "manifest.json"
    data = path.read_bytes()
    place = data.index(word.encode()) + len(word.encode()) // 2
    path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    said = {"file:manifest.json": "different"}
    with contextlib.suppress(UsageError):  # one sentence: no manifest any more
        said = states(verify(folder))
    assert said["file:manifest.json"] == "different"


def test_a_park_that_can_no_longer_be_opened_is_named_by_its_file(folder: Path) -> None:
    path = folder / "inputs" / "park.gpkg"
    path.write_bytes(b"no database" + path.read_bytes()[11:])
    found = states(verify(folder))
    assert (found["file:inputs/park.gpkg"], found["input:inputs"]) == ("different", "failed")


def test_inputs_that_were_changed_are_named(folder: Path) -> None:
    store = open_store(folder / "inputs")
    camera = next(each for each in store.devices("camera") if each.id == "camera/20")
    others = [each for each in store.devices() if each.id != camera.id]
    with store.transaction() as writer:
        writer.put_devices([*others, replace(camera, attributes={**camera.attributes, "hfov_deg": 120.0})], source="devices.csv")
    store.close()
    wrong = states(verify(folder))
    assert wrong["input:devices"] == "different"
    assert wrong["run:camera_area_share"] == "different"
    assert "run:charging_space_share" not in wrong


def test_hashes_alone_are_verified_with_the_park(store: Store, tmp_path: Path) -> None:
    place = tmp_path / "hashes"
    content = bundle(store, computed(store), place, inputs=False)
    assert not (place / "inputs").exists()
    with pytest.raises(UsageError):
        verify(place)
    found = verify(place, store)
    assert (found.ok, found.manifest["content"]) == (True, content)


def test_what_is_no_bundle_is_said(tmp_path: Path, folder: Path, store: Store) -> None:
    with pytest.raises(NotFound):
        verify(tmp_path / "nothing")
    with pytest.raises(Conflict):
        bundle(store, computed(store), folder)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    for broken in ("", "[]", "{}", json.dumps(manifest | {"format": 99}), json.dumps(manifest | {"runs": [{"run": "../.."}]})):
        path.write_text(broken, "utf-8")
        with pytest.raises(UsageError):
            verify(folder)


def test_content_depends_on_what_went_in_and_what_came_out() -> None:
    base = content_hash({"park": "a"}, [{"run": "r", "sha256": "x"}])
    assert base == content_hash({"park": "a"}, [{"run": "r", "sha256": "x", "value": 1}])
    assert len({base, content_hash({"park": "b"}, [{"run": "r", "sha256": "x"}]), content_hash({"park": "a"}, [])}) == 3


def test_fingerprints_tell_devices_layers_and_order_apart(store: Store) -> None:
    before = fingerprints(store)
    put(store, "building", [shapely.box(-8, 5, 9, 14)], height_m=[7.5])
    after = fingerprints(store)
    assert {name for name in after if before.get(name) != after[name]} == {"layer/building"}


def test_the_commands_write_and_verify(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "out"
    assert run(["measure", str(store.path), "charging_space_share", "--evidence", str(place), "--lang", "zh"]) == 0
    assert "证据已写入" in capsys.readouterr().out
    assert run(["verify", str(place), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    (place / "runs").rename(place / "walks")
    assert run(["verify", str(place), "--lang", "en"]) == 1
    assert "does not hold" in capsys.readouterr().out
