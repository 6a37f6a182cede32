"""The documents are true: every path they name exists, every command and measure is described, no address of a registry is kept."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")


def test_architecture_is_short() -> None:
    assert len(ARCHITECTURE.splitlines()) <= 250


def test_every_path_in_the_architecture_exists() -> None:
    named = set(re.findall(r"`((?:twin|importers|tiles|web|sample_park|tests|docs|bench|\.ci)/[\w./\-]*)`", ARCHITECTURE))
    assert len(named) > 30
    assert not {path for path in named if not (ROOT / path).exists()}


@pytest.mark.parametrize("name", ["commands.md", "measures.md"])
def test_the_manuals_are_what_is_registered(name: str) -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert (ROOT / "docs" / name).read_text("utf-8") == generate.PAGES[name](), "run: python docs/generate.py"


@pytest.mark.parametrize("name", ["requirements.lock", "web/client/package-lock.json"])
def test_lock_files_hold_no_download_address(name: str) -> None:
    assert not re.search(r"https?://[^\s\"]+\.(tgz|whl|tar\.gz)|\"resolved\"|--index-url", (ROOT / name).read_text("utf-8"))


def test_licences_are_told() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text("utf-8")
    assert "OpenStreetMap" in (ROOT / "README.md").read_text("utf-8")


def test_no_path_of_a_machine_is_kept() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    texts = [
        name
        for name in listed
        if name.endswith((".py", ".ts", ".tsx", ".toml", ".md", ".json", ".sql", ".css", ".html")) and (ROOT / name).exists()
    ]
    pattern = re.compile("/" + "work/|/" + "root/|/" + "home/")
    assert not [name for name in texts if pattern.search((ROOT / name).read_text("utf-8", errors="replace"))]
