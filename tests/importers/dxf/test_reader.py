"""Drawings whose transfer was cut off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from importers.contract import Imported

from .conftest import X0, Y0, box

HOUSES = 60


def houses(document: Any) -> None:
    space = document.modelspace()
    for k in range(HOUSES):
        space.add_polyline2d(box(50.0 * k, 0, 40, 20), close=True, dxfattribs={"layer": "建筑"})
        space.add_text(f"{k}号楼", dxfattribs={"layer": "文字"}).set_placement((X0 + 50.0 * k, Y0))


@pytest.mark.parametrize("version", ["R12", "R2000", "R2010"])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_what_comes_before_the_cut_is_read(version: str, share: float, drawing: Callable[..., Path], read: Callable[..., Imported]) -> None:
    path = drawing(houses, version=version)
    data = path.read_bytes()
    start, end = data.index(b"ENTITIES"), data.rindex(b"\nTEXT")
    path.write_bytes(data[: start + int(share * (end - start))])
    imported = read(path)
    found = sum(len(content.table) for content in imported.layers)
    assert found == pytest.approx(share * HOUSES, abs=2)
    assert "dxf_mended" in {issue.code for issue in imported.issues}
