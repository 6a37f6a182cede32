"""Imports and live writes cut off by SIGKILL at any moment: run as a program, this file is what is killed.

PARKTWIN_KILLS says how many kills; a few by default.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import pytest

from importers import pipeline
from importers.contract import Context, Imported, Options
from twin.crs import Frame
from twin.model import Event, Park
from twin.store import Store, create_store, open_store

KILLS = int(os.environ.get("PARKTWIN_KILLS", "12"))
A_PARK_S = 20  # kills that one park goes through
HOUSE = Path(__file__).parents[2] / "sample_park" / "data" / "canteen.ifc"
NAMES = ("fields.geojson", "canteen.ifc", "tiles.pack")
LON, LAT = 120.6, 31.3
find = pipeline.find


class Pack:
    """An importer of files that are kept as they came: a line of text each."""

    name = "pack"

    def recognises(self, path: Path, head: bytes) -> int:
        return 100 if path.suffix == ".pack" else 0

    def read(self, path: Path, context: Context) -> Imported:
        assert context.scratch is not None
        files = {}
        for k, line in enumerate(path.read_text("utf-8").splitlines()):
            files[f"{k}.bin"] = context.scratch / f"{k}.bin"
            files[f"{k}.bin"].write_bytes(line.encode() * 20_000)
        return Imported(kind="pack", assets=files)


def write_sources(folder: Path) -> dict[str, list[Path]]:
    """Two editions, A and B, of each source."""
    listed: dict[str, list[Path]] = {}
    for letter, n in (("A", 300), ("B", 400)):
        (folder / letter).mkdir(parents=True)
        corners = [(LON + k * 1e-4, LAT) for k in range(n)]
        features = [
            {
                "type": "Feature",
                "properties": {"id": f"{letter}{k}", "height": k},
                "geometry": {"type": "Polygon", "coordinates": [[[x, y], [x + 5e-5, y], [x + 5e-5, y + 5e-5], [x, y]]]},
            }
            for k, (x, y) in enumerate(corners)
        ]
        contents = (
            json.dumps({"type": "FeatureCollection", "features": features}).encode(),
            HOUSE.read_bytes() + f"/* {letter} */\n".encode(),
            "\n".join(f"{letter} tile {k}" for k in range(5)).encode(),
        )
        listed[letter] = [folder / letter / name for name in NAMES]
        for path, content in zip(listed[letter], contents, strict=True):
            path.write_bytes(content)
    return listed


def run_imports(store: Store, paths: Sequence[Path]) -> None:
    for outcome in pipeline.import_files(store, paths, Options()):
        if outcome.error is not None:
            raise outcome.error


def victim(park: str, folder: Path) -> None:
    """Import one edition after the other, and write events beside it, until killed."""
    store = open_store(park)
    threading.Thread(target=tell_events, args=(park,), daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for k in count():
        run_imports(store, [folder / "AB"[k % 2] / name for name in NAMES])


def tell_events(park: str) -> None:
    store = open_store(park)
    run = os.getpid()
    for k in count():
        with store.transaction() as writer:
            at = f"2026-01-01T00:00:{k % 60:02d}Z"
            writer.put_events([Event(f"{run}-{k}-{half}", "fire", at, LON, LAT, 5.0) for half in "ab"])
        time.sleep(0.005)


def kill_at_random(park: Path, folder: Path, chance: random.Random) -> None:
    child = subprocess.Popen([sys.executable, __file__, str(park), str(folder)], stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0.0, 3.0))
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        wait_for_group(child.pid)
    finally:
        os.killpg(child.pid, signal.SIGKILL) if child.poll() is None else None
        if child.stdout is not None:
            child.stdout.close()


def wait_for_group(group: int) -> None:
    """Return when no process of the group is left; its children end with their parent."""
    for _ in range(1000):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise AssertionError(f"processes of group {group} outlive the import they belong to")


def edition(sha256: str, sources: dict[str, list[Path]]) -> tuple[str, str]:
    """The letter and the name of the file with a hash."""
    return next((letter, path.name) for letter, paths in sources.items() for path in paths if pipeline.digest(path) == sha256)


def check_whole(store: Store, sources: dict[str, list[Path]], chance: random.Random) -> None:
    """The park shows one edition or the other of each source, never part of one."""
    database = sqlite3.connect(store.path / "park.gpkg")
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    for (table,) in database.execute("SELECT table_name FROM gpkg_geometry_columns").fetchall():
        assert database.execute("SELECT rtreecheck(?)", (f"rtree_{table}_geom",)).fetchone() == ("ok",)
    database.close()
    versions = store.versions()
    assert {each["name"]: each["sha256"] for each in store.sources()} == {v.source: v.sha256 for v in versions if v.is_current}
    for version in [v for v in versions if v.is_current] + chance.sample(versions, min(2, len(versions))):
        letter, name = edition(version.sha256, sources)
        held = store.version(version.source, version.number)
        assert (name, version.source) == (version.source, name)
        if name == "fields.geojson":
            ((_, table),) = held.layers
            assert list(table.ids) == [f"{letter}{k}" for k in range(300 if letter == "A" else 400)]
        elif name == "canteen.ifc":
            (content,) = held.models
            assert (len(content.elements), len(content.mesh.element_ids) > 0) == (1006, True)
        else:
            assert sorted(asset.name for asset in held.assets) == [f"{k}.bin" for k in range(5)]
            for asset in held.assets:
                assert store.asset_path(asset.sha256).read_bytes().startswith(f"{letter} tile {asset.name[0]}".encode())
    events, _ = store.events_after(0, limit=1_000_000)
    told = [event.id for event in events]
    assert [each[:-2] for each in told[::2]] == [each[:-2] for each in told[1::2]], "both events of a transaction or none"


def check_nothing_left_over(store: Store) -> None:
    needed = {asset.sha256 for version in store.versions() for asset in store.version(version.source, version.number).assets}
    files = [file for file in (store.path / "assets").rglob("*") if file.is_file()]
    assert {file.name for file in files} == needed
    assert not (store.path / "cache" / "scratch").exists()
    assert all(hashlib.sha256(file.read_bytes()).hexdigest() == file.name for file in files)


@pytest.mark.slow
@pytest.mark.timeout(60 + 30 * KILLS)
def test_a_park_survives_being_killed_at_any_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "find", find_pack_too)
    sources = write_sources(tmp_path / "sources")
    chance = random.Random(KILLS)
    for k in range(KILLS):
        path = tmp_path / f"park{k // A_PARK_S}"
        if k % A_PARK_S == 0:
            create_store(path, Park("Test", Frame(LON, LAT))).close()
        kill_at_random(path, tmp_path / "sources", chance)
        store = open_store(path)
        check_whole(store, sources, chance)
        if k % 4 == 3:
            run_imports(store, sources[chance.choice("AB")])
            assert len(store.sources()) == len(NAMES)
            check_whole(store, sources, chance)
            check_nothing_left_over(store)
        store.close()


def find_pack_too(path: Path, kind: str | None) -> object:
    return Pack() if path.suffix == ".pack" else find(path, kind)


if __name__ == "__main__":
    pipeline.find = find_pack_too  # type: ignore[assignment]
    victim(sys.argv[1], Path(sys.argv[2]))
