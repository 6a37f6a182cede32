"""Models that are hardly any: built, read back and compared, element by element."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import shapely
import trimesh

from tiles import build as build_module
from tiles.build import build, tiles_folder
from tiles.read import read_tileset
from twin.model import Mesh

GREY, GLASS = (130, 130, 130, 255), (90, 140, 200, 90)
MILLIMETRE = 0.001


def mesh_of(solids: list[trimesh.Trimesh], color: tuple = GREY) -> Mesh:
    """One element a solid."""
    starts = np.cumsum([0, *(len(solid.vertices) for solid in solids)])
    faces = np.concatenate([solid.faces + start for solid, start in zip(solids, starts, strict=False)])
    owner = np.repeat(np.arange(len(solids)), [len(solid.faces) for solid in solids])
    colors = np.full((len(faces), 4), color, np.uint8)
    vertices = np.concatenate([np.asarray(solid.vertices, float) for solid in solids])
    return Mesh(vertices, faces.astype(np.uint32), owner.astype(np.uint32), colors, [f"e{k}" for k in range(len(solids))])


def boxes(n: int, shift: tuple = (0, 0, 0)) -> list[trimesh.Trimesh]:
    random = np.random.default_rng(n)
    made = [trimesh.creation.box(random.uniform(0.2, 3, 3)) for _ in range(n)]
    for solid in made:
        solid.apply_translation(random.uniform((-20, -20, 0), (20, 20, 9)) + shift)
    return made


def repeats() -> list[trimesh.Trimesh]:
    """A screw of 400 triangles: turned, mirrored, scaled, and scaled along one axis only, twenty of each."""
    random = np.random.default_rng(6)
    ball = trimesh.creation.icosphere(2, 0.5)
    ball.vertices *= 1 + 0.3 * random.uniform(size=(len(ball.vertices), 1))
    made = []
    for k in range(80):
        solid = ball.copy()
        stretch = (np.eye(3), np.diag([-1, 1, 1]), np.eye(3) * 1.01, np.diag([1, 1, 1.002]))[k % 4]
        solid.vertices = solid.vertices @ stretch
        if k % 4 == 1:
            solid.faces = solid.faces[:, ::-1]
        solid.apply_transform(trimesh.transformations.random_rotation_matrix(random.uniform(size=3)))
        solid.apply_translation(random.uniform(-20, 20, 3))
        made.append(solid)
    return made


def one_triangle() -> Mesh:
    return mesh_of([trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 2]], [[0, 1, 2]], process=False)])


def without_area() -> Mesh:
    """Points, lines and slivers, and one element that is well."""
    point = trimesh.Trimesh([[1, 1, 1]] * 3, [[0, 1, 2]], process=False)
    line = trimesh.Trimesh([[0, 0, 0], [1, 1, 1], [2, 2, 2]], [[0, 1, 2], [0, 0, 1]], process=False)
    sliver = trimesh.Trimesh([[0, 0, 0], [50, 0, 0], [50, 1e-7, 0]], [[0, 1, 2]], process=False)
    return mesh_of([point, line, sliver, trimesh.creation.box((1, 1, 1))])


def with_nan() -> Mesh:
    mesh = mesh_of(boxes(9))
    mesh.vertices[3, 2], mesh.vertices[17] = np.nan, np.inf
    return mesh


CASES: dict[str, Callable[[], Mesh]] = {
    "one triangle": one_triangle,
    "no area": without_area,
    "not a number": with_nan,
    "fifty kilometres away": lambda: mesh_of(boxes(200, (50_000, -50_000, 0))),
    "parts fifty kilometres apart": lambda: mesh_of([*boxes(200), *boxes(9, (50_000, 50_000, 0))]),
    "mirrored and scaled": lambda: mesh_of(repeats()),
    "all of glass": lambda: mesh_of(boxes(400), GLASS),
    "below the ground": lambda: mesh_of(boxes(300, (0, 0, -40))),
}


def assert_same(store, mesh: Mesh, moved_m: float = MILLIMETRE) -> None:
    """Each element's triangles with their corners are in the finest tiles, within a millimetre, and in no coarser place of its own."""
    back = np.linalg.inv(store.park().frame.ecef_matrix())
    found: dict[str, list[np.ndarray]] = defaultdict(list)
    for tile in read_tileset(tiles_folder(store.path) / "tileset.json"):
        total = back @ tile.transform
        corner = tile.content.triangles.reshape(-1, 3)
        assert (np.abs(corner - tile.box[0]) <= np.abs(tile.box[1:]).sum(axis=0) + 1e-9).all()
        if tile.is_finest:
            placed = tile.content.triangles @ total[:3, :3].T + total[:3, 3]
            for row, name in enumerate(tile.content.table["id"]):
                found[name].append(placed[tile.content.features[:, 0] == row])
    finite = np.isfinite(mesh.vertices[mesh.faces]).all(axis=(1, 2))
    for k, name in enumerate(mesh.element_ids):
        want = mesh.vertices[mesh.faces[(mesh.face_element == k) & finite]]
        got = np.concatenate(found.pop(name)) if len(want) else np.empty((0, 3, 3))
        assert len(got) == len(want)
        turned = np.stack([np.roll(got, turn, axis=1) for turn in range(3)])  # (3, n, 3, 3)
        apart = np.linalg.norm(want[None, :, None] - turned[:, None], axis=-1).max(axis=-1).min(axis=0)  # (n, n)
        assert max(apart.min(axis=0).max(initial=0), apart.min(axis=1).max(initial=0)) <= moved_m
    assert not found


@pytest.mark.parametrize("name", CASES)
def test_every_triangle_is_where_it_was(store, put_model, model_of, name):
    mesh = CASES[name]()
    placed = replace(mesh, vertices=np.nan_to_num(mesh.vertices, posinf=0.0))
    put_model(replace(model_of("m", placed), mesh=mesh))
    build(store)
    assert_same(store, store.mesh("m"))


def test_threads_and_processes_write_the_same_bytes(store, put_model, model_of, square, put_buildings, monkeypatch):
    put_buildings({f"b{k}": square(40.0 * k, 0) for k in range(30)})
    put_model(model_of("m", mesh_of([*boxes(400), *repeats()])))
    written = []
    for threads in (1, 2):
        monkeypatch.setattr(build_module.os, "cpu_count", lambda n=threads: n)
        build(store, force=True)
        written.append(files(store))
    monkeypatch.undo()
    program = "import sys; from tiles.build import build; from twin.store import open_store; build(open_store(sys.argv[1]), force=True)"
    for path in tiles_folder(store.path).rglob("*"):
        if path.is_file():
            path.unlink()
    subprocess.run([sys.executable, "-c", program, str(store.path)], check=True)
    written.append(files(store))
    assert written[0] == written[1] == written[2]
    assert len(written[0]) > 4


def files(store) -> dict[str, bytes]:
    folder = tiles_folder(store.path)
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_city_from_afar_and_near(store, square, put_buildings):
    """Two thousand footprints over ten kilometres, some of them under the ground, some without any room."""
    random = np.random.default_rng(2)
    shapes = {f"b{k}": square(x, y, size) for k, (x, y, size) in enumerate(random.uniform((-5000, -5000, 3), (5000, 5000, 40), (2000, 3)))}
    shapes["line"] = shapely.Polygon([(121.4, 31.2), (121.41, 31.2), (121.4, 31.2)])
    put_buildings(shapes, height_m=[*random.uniform(2, 90, 2000), 9.0])
    report = build(store)
    assert list(report.parts[0].left_out) == ["line"]
    tiles = list(read_tileset(tiles_folder(store.path) / "tileset.json"))
    names = [name for tile in tiles if tile.is_finest for name in tile.content.table["id"]]
    assert sorted(names) == sorted(set(shapes) - {"line"})
