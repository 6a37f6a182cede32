"""Drawings written for the tests, near Suzhou in CGCS2000 with the meridian 120E."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ezdxf
import pytest
from pyproj import Transformer

from importers.contract import Context, Imported, Options
from importers.dxf import IMPORTER
from twin.crs import Frame
from twin.model import Park

CRS = "EPSG:4549"
X0, Y0 = 557_000.0, 3_464_000.0
LON, LAT = Transformer.from_crs(4549, 4326, always_xy=True).transform(X0, Y0)
FRAME = Frame(LON, LAT)


@pytest.fixture
def read() -> Callable[..., Imported]:
    """Reads a drawing as the importer does, in the test's system unless told otherwise."""

    def run(path: Path, **options: Any) -> Imported:
        said = {"crs": CRS} | options
        return IMPORTER.read(path, Context(Park("Test", FRAME), Options(**{k: v for k, v in said.items() if v is not None})))

    return run


@pytest.fixture
def drawing(tmp_path: Path) -> Callable[..., Path]:
    """Writes what a function draws into a new drawing's model space."""

    def write(draw: Callable[[Any], None], *, version: str = "R2010", units: int = 6, name: str = "plan.dxf", **how: Any) -> Path:
        document = ezdxf.new(version, units=units) if version != "R12" else ezdxf.new(version)
        if how.get("encoding"):
            document.encoding = how["encoding"]
        draw(document)
        document.saveas(tmp_path / name, fmt=how.get("fmt", "asc"))
        return tmp_path / name

    return write


def box(x: float, y: float, w: float, d: float, scale: float = 1.0) -> list[tuple[float, float]]:
    """The corners of a box, metres from the corner of the test's site, in drawing units."""
    return [((X0 + a) * scale, (Y0 + b) * scale) for a, b in ((x, y), (x + w, y), (x + w, y + d), (x, y + d))]
