"""Tiles kept on disk: whole or not there, within their room, and never in the way."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests.asking import needs_mount
from tiles.http.kept import KeptTiles

FULL = """
import logging, sys
from pathlib import Path
from tiles.http.kept import KeptTiles
logging.basicConfig(stream=sys.stdout, format="%(message)s")
kept = KeptTiles(Path(sys.argv[1]) / "cache")
for k in range(40):
    kept.put("layer", f"{k}", bytes([k]) * 50_000)
there = [k for k in range(40) if kept.get("layer", f"{k}") == bytes([k]) * 50_000]
half = [k for k in range(40) if k not in there and kept.get("layer", f"{k}") is not None]
left = [path.name for path in Path(sys.argv[1]).rglob(".*")]
print("there", len(there), "half", len(half), "left", len(left))
"""
HOLD = """
import sys, time
from pathlib import Path
from tiles.http.kept import KeptTiles
with KeptTiles(Path(sys.argv[1])).alone("layer", "tile"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_what_was_put_is_got(tmp_path):
    kept = KeptTiles(tmp_path / "cache")
    assert kept.get("a", "1.br") is None
    kept.put("a", "1.br", b"tile")
    kept.put("a", "2.br", b"")
    assert KeptTiles(tmp_path / "cache").get("a", "1.br") == b"tile"  # as another process finds it
    assert kept.get("a", "2.br") == b""
    assert kept.get("b", "1.br") is None
    kept.drop("a")
    assert kept.get("a", "1.br") is None


@pytest.mark.parametrize("harm", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b + b"x"])
def test_half_a_file_is_none_and_is_made_again(tmp_path, harm):
    kept = KeptTiles(tmp_path)
    kept.put("a", "1.br", b"tile" * 1000)
    path = tmp_path / "a" / "1.br"
    path.write_bytes(harm(path.read_bytes()))
    assert kept.get("a", "1.br") is None
    kept.put("a", "1.br", b"tile" * 1000)
    assert kept.get("a", "1.br") == b"tile" * 1000


def test_what_was_read_longest_ago_goes_first(tmp_path):
    kept = KeptTiles(tmp_path, cap=100_000)
    long_ago = time.time() - 1000
    for k in range(9):
        kept.put("a", f"{k}", bytes(10_000))
        os.utime(tmp_path / "a" / f"{k}", (long_ago + k, long_ago + k))
    assert kept.get("a", "0") is not None  # and so the latest
    for k in range(9, 14):
        kept.put("a", f"{k}", bytes(10_000))
    used = sum(path.stat().st_size for path in (tmp_path / "a").iterdir())
    assert used <= 100_000 * 9 / 8 + 10_016
    assert kept.get("a", "0") is not None
    assert kept.get("a", "1") is None
    assert kept.get("a", "13") is not None


def test_what_dead_processes_left_half_written_goes(tmp_path):
    (tmp_path / "a").mkdir()
    old, new = tmp_path / "a" / ".1.br.x", tmp_path / "a" / ".2.br.y"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    KeptTiles(tmp_path).put("a", "3.br", b"tile")
    assert (old.exists(), new.exists()) == (False, True)  # the new one may be under way


@needs_mount
def test_a_full_disk_is_told_once(tmp_path):
    command = f"mount -t tmpfs -o size=1m tmpfs {tmp_path} && exec {sys.executable} -c '{FULL}' {tmp_path}"
    told = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command], capture_output=True, text=True, check=True, env=os.environ | {"LC_ALL": "en_US.UTF-8"}
    )
    *warnings, counts = told.stdout.strip().splitlines()
    assert warnings == [line for line in warnings if "No space left on device" in line]
    assert len(warnings) == 1
    _, there, _, half, _, left = counts.split()
    assert 10 <= int(there) < 21
    assert (half, left) == ("0", "0")


@needs_mount
def test_a_disk_that_cannot_be_written_serves_what_it_has(tmp_path):
    KeptTiles(tmp_path / "cache").put("layer", "3", bytes([3]) * 50_000)
    command = f"mount --bind {tmp_path} {tmp_path} && mount -o remount,bind,ro {tmp_path} && exec {sys.executable} -c '{FULL}' {tmp_path}"
    told = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command], capture_output=True, text=True, check=True, env=os.environ | {"LC_ALL": "zh_CN.UTF-8"}
    )
    *warnings, counts = told.stdout.strip().splitlines()
    assert len(warnings) == 1
    assert "未能保存到磁盘" in warnings[0]
    assert counts == "there 1 half 0 left 0"


def test_a_lock_goes_with_its_holder(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    began = time.monotonic()
    holder.kill()
    with KeptTiles(tmp_path).alone("layer", "tile"):
        assert time.monotonic() - began < 4
    holder.wait()
    holder.stdout.close()


def test_nobody_waits_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("tiles.http.kept._PATIENCE_S", 0.05)
    kept = KeptTiles(tmp_path)
    with kept.alone("layer", "tile"), kept.alone("layer", "tile"):  # the second goes on without
        kept.put("layer", "tile", b"x")
    assert kept.get("layer", "tile") == b"x"
