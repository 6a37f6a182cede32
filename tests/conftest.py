"""What all tests share: the real data, where they are at hand, and a database server of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from itertools import count
from pathlib import Path

import pytest

from tests.postgis import binaries, server

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real files; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("PARKTWIN_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the real data are not here: set PARKTWIN_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def postgis_server() -> Generator[str]:
    """The address of a PostGIS server without a database (see `tests.postgis.server`), one a session; .ci/run installs what it needs."""
    if binaries() is None:
        said = "PostgreSQL with PostGIS is not installed: apt-get install postgresql postgresql-15-postgis-3"
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)
    with server() as address:
        yield address


@pytest.fixture
def new_database_park(
    postgis_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Callable[[], str]:
    """Addresses of parks that are not there yet, each in a schema of its own."""
    monkeypatch.setenv("PARKTWIN_HOME", str(tmp_path / "home"))
    numbers = count()
    test = "".join(letter if letter.isalnum() else "_" for letter in request.node.nodeid)[-40:]
    return lambda: f"{postgis_server}/park?park={test}_{next(numbers)}"
