from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from importers.scratch import scratch

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from importers.scratch import scratch
with scratch(Path(sys.argv[1])) as place:
    (place / "big").write_bytes(b"x")
    print(place, flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> tuple[subprocess.Popen[str], Path]:
    """Another program at work in a scratch folder of its own."""
    program = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    return program, Path(program.stdout.readline().strip())


@pytest.mark.parametrize("is_given", [True, False])
def test_it_goes_however_the_work_ends(tmp_path: Path, is_given: bool) -> None:
    seen: list[Path] = []

    def work() -> None:
        with scratch(tmp_path if is_given else None) as place:
            seen.append(place)
            (place / "folder").mkdir()
            (place / "folder" / "file").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert not seen[0].exists()
    assert (seen[0].parent == tmp_path) == is_given


def test_what_a_killed_import_left_goes_with_the_next_but_nothing_of_others(tmp_path: Path) -> None:
    killed, left = holder(tmp_path)
    alive, used = holder(tmp_path)
    os.kill(killed.pid, 9)
    killed.communicate()
    assert left.is_dir()
    with scratch(tmp_path) as place:
        assert (left.exists(), used.exists(), place.exists()) == (False, True, True)
        assert (used / "big").is_file()
    alive.communicate("")
    assert list(tmp_path.iterdir()) == []
