"""What all tests share: the real data, where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real files; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("PARKTWIN_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the real data are not here: set PARKTWIN_DATA to their folder")
    return folder
