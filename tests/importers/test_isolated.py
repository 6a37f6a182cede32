from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from importers.contract import Progress
from importers.isolated import Limits, alone, limits_for
from twin.errors import CRSError, UnreadableSource

ROOM = Limits(seconds=20.0, memory_bytes=500_000_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x")
    return path


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def children() -> str:
    return "".join(sorted(each.read_text() for each in Path("/proc/self/task").glob("*/children")))


def test_values_and_arrays_come_back_from_another_process(path: Path) -> None:
    before = descriptors()

    def work(progress: Progress) -> dict[str, Any]:
        return {"pid": os.getpid(), "a": np.arange(1_000_000.0), "names": ["一", None], "wkb": np.array([b"x", None], object)}

    got = alone(work, path)
    assert got["pid"] != os.getpid()
    assert got["a"].sum() == 999_999 * 500_000
    got["a"][0] = 5.0  # ours to change
    assert got["names"] == ["一", None]
    assert got["wkb"].tolist() == [b"x", None]
    del got
    assert descriptors() == before


def test_progress_is_told_in_the_parent(path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    alone(lambda tell: [tell("read", k, 3) for k in range(3)], path, progress=lambda *said: heard.append(said))
    assert heard == [("read", 0, 3), ("read", 1, 3), ("read", 2, 3)]


def test_refusals_keep_their_words(path: Path) -> None:
    def work(progress: Progress) -> None:
        raise CRSError("crs_missing", subject="a", candidates="EPSG:4549")

    with pytest.raises(CRSError) as caught:
        alone(work, path)
    assert (caught.value.code, caught.value.subject, caught.value.details) == ("crs_missing", "a", {"candidates": "EPSG:4549"})


def crash(progress: Progress) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def stop(progress: Progress) -> None:
    os.abort()


def hang(progress: Progress) -> None:
    time.sleep(60)


def eat(progress: Progress) -> Any:
    return [np.ones(100_000_000) for _ in range(20)]


def stumble(progress: Progress) -> Any:
    return {}["nothing"]


@pytest.mark.parametrize(
    ("work", "code"),
    [(crash, "reader_crashed"), (stop, "reader_crashed"), (hang, "reader_time"), (eat, "reader_memory"), (stumble, "source_unexpected")],
)
def test_every_way_to_die_is_one_sentence(path: Path, work: Any, code: str) -> None:
    before, children_before = descriptors(), children()
    limits = Limits(0.5, 500_000_000) if work is hang else ROOM
    with pytest.raises(UnreadableSource) as caught:
        alone(work, path, limits=limits)
    assert caught.value.code == code
    for lang in ("en", "zh"):
        assert "{" not in caught.value.text(lang)
        assert caught.value.hint(lang)
    del caught
    assert descriptors() == before
    assert children() == children_before  # none is left, not even as a zombie
    assert alone(lambda tell: 7, path) == 7  # and the next file is read


def test_a_child_does_not_fork_again(path: Path) -> None:
    outer, inner = alone(lambda tell: (os.getpid(), alone(lambda _: os.getpid(), path)), path)
    assert outer == inner


def test_giving_up_ends_the_child(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent(
            """
            import pathlib, sys, time
            from importers.isolated import alone
            here = pathlib.Path(sys.argv[1])
            (here / "a").write_bytes(b"x")
            def work(tell):
                (here / "started").touch()
                time.sleep(30)
            alone(work, here / "a")
            """
        )
    )
    command = [sys.executable, str(script), str(tmp_path)]
    for end, status in ((signal.SIGINT, -signal.SIGINT), (signal.SIGKILL, -signal.SIGKILL)):
        (tmp_path / "started").unlink(missing_ok=True)
        with subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=subprocess.DEVNULL) as parent:
            while not (tmp_path / "started").exists():
                time.sleep(0.02)
            forked = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
            parent.send_signal(end)
            assert parent.wait(10) == status
        assert forked
        deadline = time.monotonic() + 5
        while any(_lives(each) for each in forked) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not any(_lives(each) for each in forked)


def _lives(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_limits_grow_with_the_file() -> None:
    small, large = limits_for(1000), limits_for(100_000_000)
    assert small.seconds < large.seconds
    assert small.memory_bytes < large.memory_bytes <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_a_fork_is_cheap(path: Path) -> None:
    alone(lambda tell: 1, path)
    started = time.perf_counter()
    for _ in range(5):
        alone(lambda tell: 1, path)
    assert (time.perf_counter() - started) / 5 < 0.5  # 10 ms on a quiet machine
