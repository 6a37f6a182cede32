"""Compiled loops are made anew when anything changes that they are made of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core import config

from twin import compiled

OUTER = "from numba import njit\nfrom twin.inner import add\n\n\n@njit(cache=True)\ndef outer(x):\n    return add(x)\n"
INNER = "from numba import njit\n\n\n@njit(cache=True)\ndef add(x):\n    return x + {}\n"


def test_the_locators_are_those_numba_uses() -> None:
    assert os.environ[compiled.VARIABLE] == vars(config)["CACHE_LOCATOR_CLASSES"]
    assert {name.rpartition(".")[2] for name in os.environ[compiled.VARIABLE].split(",")} == {"InTree", "UserWide"}


def test_a_stamp_covers_what_a_file_imports() -> None:
    look = Path(compiled.__file__).parent / "coverage" / "look.py"
    assert compiled.stamp(str(look)) != compiled.stamp(str(look.with_name("inview.py")))
    assert "twin.coverage.inview" in compiled._imported(look.read_text("utf-8"))


@pytest.mark.slow
def test_a_function_is_compiled_again_when_one_it_calls_elsewhere_changes(tmp_path: Path) -> None:
    package = tmp_path / "twin"
    package.mkdir()
    root = Path(compiled.__file__).parent
    for name in ("__init__.py", "compiled.py"):
        (package / name).write_text((root / name).read_text("utf-8"), "utf-8")
    (package / "outer.py").write_text(OUTER)
    answers: list[str] = []
    for step in (1, 2):
        (package / "inner.py").write_text(INNER.format(step))
        program = "from twin.outer import outer; print(outer(1), len(outer.stats.cache_hits))"
        done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120)
        answers.append(done.stdout.strip())
    assert answers == ["2 0", "3 0"]
