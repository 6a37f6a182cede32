"""Shares of glass of facades: buildings whose windows are known, and a real office model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from trimesh.creation import box as closed

from importers.contract import Options
from importers.pipeline import import_files
from twin.coverage.facade import house
from twin.crs import Frame
from twin.measures.carriers import houses
from twin.measures.glazing import glazed
from twin.measures.radio import barriers
from twin.measures.surfaces import gather_surface
from twin.model import Park
from twin.scene import Obstacles, concat, one_object
from twin.store import create_store

HALL = house("b", shapely.box(0, 0, 20, 10), 0.0, 6.0)


def body(low: Any, high: Any, kind: str, name: str, materials: Any = ()) -> Obstacles:
    mesh = closed(bounds=[low, high])
    return one_object(np.asarray(mesh.vertices), np.asarray(mesh.faces), object_id=f"element/{name}", kind=kind, materials=materials)


def walls(material: str = "") -> list[Obstacles]:
    made = [{"name": material, "thickness_m": 0.3}] if material else []
    spans = [((0, 0, 0), (20, 0.3, 6)), ((0, 9.7, 0), (20, 10, 6)), ((0, 0, 0), (0.3, 10, 6)), ((19.7, 0, 0), (20, 10, 6))]
    return [body(low, high, "wall", f"w{k}", made) for k, (low, high) in enumerate(spans)]


def shares(*parts: Obstacles) -> dict[str, float]:
    found = glazed([HALL], concat(list(parts)), {"b"})[0]
    assert found is not None
    if found.glazing is None:
        return {}
    side = {"south": (10.0, 0.0), "north": (10.0, 10.0), "west": (0.0, 5.0), "east": (20.0, 5.0)}
    middle = (found.edges[:, :2] + found.edges[:, 2:]) / 2
    return {name: float(found.glazing[np.hypot(*(middle - at).T).argmin()]) for name, at in side.items()}


def test_windows_count_by_their_rectangles_and_their_facade() -> None:
    windows = [body((2 + 4 * k, 0.1, 1), (4 + 4 * k, 0.2, 3), "window", f"v{k}") for k in range(4)]
    panes = [body((2 + 4 * k, 0.12, 1), (4 + 4 * k, 0.13, 3), "window", f"v{k}") for k in range(2)]
    assert shares(*walls(), *windows) == pytest.approx({"south": 16 / 120, "north": 0.0, "west": 0.0, "east": 0.0})
    assert shares(*walls(), *windows, *panes)["south"] <= 2 * 16 / 120


def test_a_curtain_wall_round_the_corner() -> None:
    curtain = concat([body((0, 0, 0), (20, 0.1, 6), "glass", "c"), body((19.9, 0, 0), (20, 10, 6), "glass", "d")])
    found = shares(*walls()[1:3], curtain)
    assert found["south"] == pytest.approx(1.0, abs=0.02)
    assert found["east"] == pytest.approx(1.0, abs=0.02)
    assert found["north"] == pytest.approx(0.0, abs=0.01)


def test_a_model_without_windows_tells_nothing() -> None:
    assert shares(*walls()) == {}


def test_what_walls_and_glass_are_is_read() -> None:
    coated = body((2, 0.1, 1), (4, 0.2, 3), "window", "v", [{"name": "Low-E 中空玻璃", "thickness_m": 0.02}])
    found = glazed([HALL, None], concat([*walls("钢筋混凝土"), coated]), {"b"})
    assert found[1] is None
    assert found[0] is not None
    assert found[0].coated is True
    assert found[0].opaque == "concrete"


def test_a_building_without_a_model_keeps_what_is_known() -> None:
    window = body((2, 0.1, 1), (4, 0.2, 3), "window", "v")
    assert glazed([HALL], concat([*walls(), window]), set())[0] is HALL


def test_a_real_office(shared_data: Path, tmp_path: Path) -> None:
    store = create_store(tmp_path / "park", Park("p", Frame(-71.0598, 42.3584, 0.0)))
    import_files(store, [shared_data / "ifc/arch/Office_A_20110811.ifc"], Options())
    obstacles, _ = barriers(store)
    found = [part for part in houses(store, gather_surface(store, "office_and_workshop_floors"), obstacles) if part is not None]
    assert found
    assert found[0].glazing is not None
    known = found[0].glazing[np.isfinite(found[0].glazing)]
    assert 0.05 < float(known.max()) <= 1.0
