"""Parks as earlier programs left them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest


@pytest.fixture
def park_1(tmp_path: Path) -> Path:
    """The folder of a park of schema 1."""
    return _made(tmp_path / "park_1")


@pytest.fixture
def park_2(tmp_path: Path) -> Path:
    """The folder of a park of schema 2."""
    return _made(tmp_path / "park_2")


def _made(folder: Path) -> Path:
    folder.mkdir()
    db = sqlite3.connect(folder / "park.gpkg")
    db.executescript((Path(__file__).parent / f"{folder.name}.sql").read_text("utf-8"))
    db.execute("PRAGMA journal_mode = WAL")
    db.close()
    return folder
