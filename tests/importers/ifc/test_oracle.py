"""Bodies as the importer has them beside what OpenCascade alone makes of the same files (all of them: bench/ifc_compare.py)."""

from __future__ import annotations

import json

import ifcopenshell
import ifcopenshell.geom
import numpy as np
import pytest

from importers.ifc import process
from importers.ifc.kernels import SAFE
from importers.ifc.mesh import bodies
from importers.ifc.parts import read_parts

LIMITS = process.Limits(total_s=240.0, silence_s=120.0, memory_bytes=8 << 30)


def _volume(points, faces) -> float:
    return abs(float(np.linalg.det((points - points[0])[faces]).sum())) / 6.0


def _ours(path, folder):
    """Step id -> body, and the step ids there were to build."""
    outcome = process.build(path, path.name, folder, LIMITS, process.Watcher(lambda *said: None))
    assert outcome.deaths == []
    return bodies(read_parts(folder)), [step for step, _ in json.loads((folder / "bodies.json").read_bytes())["risks"]]


def _theirs(path, steps):
    """Step id -> points [m, model] and faces by OpenCascade."""
    file = ifcopenshell.open(str(path))
    settings = ifcopenshell.geom.settings()
    found = {}
    for step in steps:
        shape = ifcopenshell.geom.create_shape(settings, file.by_id(step), geometry_library=SAFE)
        points = np.frombuffer(shape.geometry.verts_buffer).reshape(-1, 3)
        matrix = np.frombuffer(shape.transformation_buffer).reshape(4, 4).T
        found[step] = points @ matrix[:3, :3].T + matrix[:3, 3], np.frombuffer(shape.geometry.faces_buffer, np.int32).reshape(-1, 3)
    return found


def _off(body, oracle) -> float:
    points, _ = oracle
    return float(np.abs(body.box() - np.stack([points.min(axis=0), points.max(axis=0)])).max())


def test_a_house_is_as_opencascade_builds_it_boxes_and_volumes(shared_data, tmp_path):
    path = shared_data / "ifc" / "arch" / "IfcOpenHouse_IFC4.ifc"
    own, steps = _ours(path, tmp_path)
    oracle = _theirs(path, steps)
    assert len(own) == len(steps) > 30
    for step, body in own.items():
        assert _off(body, oracle[step]) < 0.01, step
        points, faces = oracle[step]
        assert _volume(body.points(), body.faces()) == pytest.approx(_volume(points, faces), rel=0.005, abs=1e-6), step


def test_what_the_fast_chains_build_twice_is_seen_and_built_by_opencascade(shared_data, tmp_path):
    """Pumps and valves with flat shells among solids: where a shell fails, both fast chains build the solids beside it a second time."""
    path = shared_data / "ifc" / "mep" / "b03_heating_with_building.ifc"
    own, _ = _ours(path, tmp_path)
    file = ifcopenshell.open(str(path))
    steps = [product.id() for kind in ("IfcPump", "IfcValve") for product in file.by_type(kind)]
    oracle = _theirs(path, steps)
    assert len(steps) > 10
    assert max(_off(own[step], oracle[step]) for step in steps) < 0.01
    assert sum(own[step].kernel == SAFE for step in steps) >= 6
