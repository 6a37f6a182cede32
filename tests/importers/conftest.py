"""A park near Suzhou and writers of small sources, for the tests of all importers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from importers.contract import Context, Options
from twin.crs import Frame
from twin.model import Park
from twin.store import Store, create_store, open_store

ORIGIN = (120.6, 31.3)


@pytest.fixture
def park() -> Park:
    return Park("Test", Frame(*ORIGIN))


@pytest.fixture
def context(park: Park) -> Context:
    return Context(park, Options())


@pytest.fixture(scope="session")
def empty_park(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty park that tests copy: making one waits for the disk dozens of times."""
    path = tmp_path_factory.mktemp("parks") / "empty"
    create_store(path, Park("Test", Frame(*ORIGIN))).close()
    return path


@pytest.fixture
def store(tmp_path: Path, empty_park: Path) -> Iterator[Store]:
    shutil.copytree(empty_park, tmp_path / "park")
    store = open_store(tmp_path / "park")
    yield store
    store.close()


@pytest.fixture
def geojson(tmp_path: Path) -> Callable[..., Path]:
    """Writes features, each (properties, geometry mapping or None), to a GeoJSON file."""

    def write(name: str, features: Sequence[tuple[Mapping[str, Any], Any]], **members: Any) -> Path:
        listed = [{"type": "Feature", "properties": dict(said), "geometry": shape} for said, shape in features]
        path = tmp_path / name
        path.write_text(json.dumps({"type": "FeatureCollection", **members, "features": listed}, ensure_ascii=False), "utf-8")
        return path

    return write


@pytest.fixture
def text(tmp_path: Path) -> Callable[..., Path]:
    """Writes text to a file."""

    def write(name: str, content: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode(encoding))
        return path

    return write
