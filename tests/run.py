"""Every check there is, one after the other; all run, the summary says which failed.

`python -m tests.run` is what `make test` calls; `python -m tests.run lint` stops before the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
CLIENT = ROOT / "web" / "client"
OURS = ["twin", "importers", "tiles", "web", "sample_park", "tests", "bench", "docs", ".ci"]

LINT: list[tuple[str, list[str], Path]] = [
    ("format", [str(BIN / "ruff"), "format", "--check", "--quiet", *OURS], ROOT),
    ("lint", [str(BIN / "ruff"), "check", "--no-cache", "--quiet", *OURS], ROOT),
    ("types", [str(BIN / "pyright")], ROOT),
    ("imports", [str(BIN / "lint-imports")], ROOT),
    ("dead code", [str(BIN / "vulture")], ROOT),
]
TESTS: list[tuple[str, list[str], Path]] = [
    ("client types", ["npm", "run", "--silent", "typecheck"], CLIENT),
    ("client tests", ["npm", "test", "--silent"], CLIENT),
    ("python tests", [str(BIN / "python"), "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "-m", "not e2e"], ROOT),
    ("end to end", [str(BIN / "python"), "-m", "pytest", "-q", "-m", "e2e"], ROOT),
]


def main() -> int:
    """0 when every check passed."""
    checks = LINT if sys.argv[1:] == ["lint"] else LINT + TESTS
    environment = os.environ | {"PATH": _path(), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    failed: list[str] = []
    for name, command, folder in checks:
        started = time.monotonic()
        sys.stdout.write(f"== {name}\n")
        sys.stdout.flush()
        status = subprocess.run(command, cwd=folder, env=environment, check=False).returncode
        sys.stdout.write(f"== {name}: {'ok' if status == 0 else f'FAILED ({status})'}, {time.monotonic() - started:.0f} s\n")
        if status:
            failed.append(name)
    sys.stdout.write(f"failed: {', '.join(failed)}\n" if failed else "all checks passed\n")
    return 1 if failed else 0


def _path() -> str:
    """The search path, with the Node in front that setup brought where the system has none."""
    brought = ROOT / ".setup" / "path"
    folder = brought.read_text() if brought.is_file() else ""
    return os.pathsep.join(filter(None, [folder, os.environ.get("PATH", "")]))


if __name__ == "__main__":
    sys.exit(main())
