"""Readers that are not ours open a built park and find what was meant: loaders.gl in node, and py3dtiles where an interpreter has it.

PARKTWIN_PY3DTILES=/tmp/py3dtiles/bin/python   names such an interpreter; without one that test is skipped
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import trimesh

from tiles.build import build, tiles_folder
from tiles.read import Placed, read_tileset
from twin.crs import Frame
from twin.model import Element, FeatureTable, Georeferencing, Layer, Mesh, Model, ModelContent, Park
from twin.store import create_store

CLIENT = Path(__file__).parents[2] / "web" / "client"
FRAME = Frame(121.4, 31.2, 15.0)
CENTIMETRE, MILLIMETRE = 0.01, 0.001

LOADERS = """
import fs from 'fs';
import path from 'path';
import {parse} from '@loaders.gl/core';
import {Tiles3DLoader} from '@loaders.gl/3d-tiles';
import {GLTFLoader, postProcessGLTF} from '@loaders.gl/gltf';
import {Tileset3D} from '@loaders.gl/tiles';
import {Matrix4, Quaternion} from '@math.gl/core';

const Y_UP_TO_Z_UP = new Matrix4([1, 0, 0, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1]);
const pick = (accessor, row, width) => {
  const size = accessor.value.length / accessor.count;
  return Array.from(accessor.value.slice(row * size, row * size + width));
};
const placed = (node) => {
  const matrix = new Matrix4();
  if (node.translation) matrix.translate(node.translation);
  if (node.rotation) matrix.multiplyRight(new Matrix4().fromQuaternion(new Quaternion(...node.rotation)));
  return node.scale ? matrix.scale(node.scale) : matrix;
};
const places = (gltf, node) => {
  const instancing = node.extensions?.EXT_mesh_gpu_instancing;
  if (!instancing) return [new Matrix4()];
  const [moved, turned] = ['TRANSLATION', 'ROTATION'].map((name) => gltf.accessors[instancing.attributes[name]]);
  return Array.from({length: moved.count}, (_, k) => placed({translation: pick(moved, k, 3), rotation: pick(turned, k, 4)}));
};
const bounds = (gltf) => {
  const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
  let triangles = 0;
  for (const node of gltf.scene.nodes) {
    for (const place of places(gltf, node)) {
      const matrix = new Matrix4(Y_UP_TO_Z_UP).multiplyRight(placed(node)).multiplyRight(place);
      for (const primitive of node.mesh.primitives) {
        triangles += primitive.indices.count / 3;
        const position = primitive.attributes.POSITION;
        for (let v = 0; v < position.count; v++) {
          const point = matrix.transformAsPoint(pick(position, v, 3));
          for (let k = 0; k < 3; k++) { low[k] = Math.min(low[k], point[k]); high[k] = Math.max(high[k], point[k]); }
        }
      }
    }
  }
  return {low, high, triangles};
};
const found = [];
const visit = async (file) => {
  const context = {url: file, baseUrl: path.dirname(file)};
  const document = await parse(fs.readFileSync(file), Tiles3DLoader, {'3d-tiles': {isTileset: true}}, context);
  const tileset = new Tileset3D({...document, url: file, basePath: path.dirname(file)}, {throttleRequests: false});
  const waiting = [tileset.root];
  while (waiting.length) {
    const tile = waiting.pop();
    waiting.push(...tile.children);
    const uri = tile.header.content?.uri;
    if (!uri) continue;
    const content = path.resolve(path.dirname(file), decodeURIComponent(uri));
    if (content.endsWith('.json')) { await visit(content); continue; }
    const bytes = fs.readFileSync(content);
    const gltf = postProcessGLTF(await parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), GLTFLoader, {}));
    found.push({path: content, transform: Array.from(tile.computedTransform), center: Array.from(tile.boundingVolume.center),
      half: Array.from(tile.boundingVolume.halfAxes), ...bounds(gltf)});
  }
};
await visit(process.argv[1]);
console.log(JSON.stringify(found));
process.exit(0);
"""
PY3DTILES = """
import json, sys
from pathlib import Path
import numpy as np
from py3dtiles.tileset.tileset import TileSet

def visit(file, tile, above):
    whole = above @ np.asarray(tile.transform, float).reshape(4, 4)
    box = tile.bounding_volume
    corners = np.asarray(box.get_corners(), float)
    placed = np.column_stack([corners, np.ones(len(corners))]) @ whole.T
    uri = tile.content_uri
    if uri is not None and str(uri).endswith(".json"):
        inner = file.parent / uri
        yield from visit(inner, TileSet.from_file(inner).root_tile, whole)
    elif uri is not None:
        yield {"path": str(file.parent / uri), "corners": placed[:, :3].tolist(), "transform": whole.tolist()}
    for child in tile.children:
        yield from visit(file, child, whole)

file = Path(sys.argv[1])
print(json.dumps(list(visit(file, TileSet.from_file(file).root_tile, np.eye(4)))))
"""


def house(n: int) -> ModelContent:
    """Bars, balls and walls on three storeys, many of the bars alike."""
    random = np.random.default_rng(4)
    ball, bar = trimesh.creation.icosphere(2, 0.7), trimesh.creation.cylinder(0.1, 2.0, sections=32)
    solids = []
    for k in range(n):
        solid = (ball, bar, trimesh.creation.box(random.uniform(0.2, 5, 3)))[k % 3].copy()
        solid.apply_transform(trimesh.transformations.random_rotation_matrix(random.uniform(size=3)))
        solid.apply_translation(random.uniform((-30, -20, 0), (30, 20, 12)))
        solids.append(solid)
    starts = np.cumsum([0, *(len(solid.vertices) for solid in solids)])
    faces = np.concatenate([solid.faces + start for solid, start in zip(solids, starts, strict=False)])
    owner = np.repeat(np.arange(n), [len(solid.faces) for solid in solids])
    color = np.full((len(faces), 4), (120, 130, 140, 255), np.uint8)
    names = [f"e{k}" for k in range(n)]
    elements = [
        Element(name, "m", "IfcWall", name, f"s{k % 3}", discipline="hvac" if k % 4 else "structure") for k, name in enumerate(names)
    ]
    outline = FRAME.unproject(shapely.box(-30, -20, 30, 20))
    model = Model("m", "M", "IFC4", "0" * 64, Georeferencing("given", (121.4, 31.2), 15.0, 0.0, None, ""), outline, 15.0, 30.0, "h 1")
    mesh = Mesh(np.concatenate([solid.vertices for solid in solids]), faces.astype(np.uint32), owner.astype(np.uint32), color, names)
    return ModelContent(model, [], [], elements, mesh)


@pytest.fixture(scope="module")
def tileset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tileset of a park with prisms and a model that has a block, a shell and more than one tile below."""
    store = create_store(tmp_path_factory.mktemp("readers") / "park", Park("p", FRAME))
    shapes = [FRAME.unproject(shapely.box(x, y, x + 15, y + 10)) for x in range(-200, 200, 50) for y in range(-200, 200, 40)]
    shapes.append(FRAME.unproject(shapely.box(-30, -20, 30, 20)))
    names = [*(f"b{k}" for k in range(len(shapes) - 1)), "h 1"]
    with store.transaction() as writer:
        writer.put_layer(Layer("buildings", "building", "Buildings"))
        writer.put_features("buildings", FeatureTable(names, np.array(shapes, object), {"height_m": [12.0] * len(names)}), source="s")
        writer.put_model(house(900))
    build(store)
    store.close()
    return tiles_folder(store.path) / "tileset.json"


@pytest.fixture(scope="module")
def ours(tileset: Path) -> dict[str, Placed]:
    return {str(tile.path.resolve()): tile for tile in read_tileset(tileset)}


def told(command: list[str], **keys: Any) -> list[dict[str, Any]]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, **keys)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def corners(tile: Placed) -> np.ndarray:
    """The corners (8, 3) of a tile's box on the earth. [m]"""
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    local = tile.box[0] + signs @ tile.box[1:]
    return local @ tile.transform[:3, :3].T + tile.transform[:3, 3]


def farthest(one: np.ndarray, other: np.ndarray) -> float:
    """How far corners (8, 3) are from the nearest of others at most, either way. [m]"""
    apart = np.linalg.norm(one[:, None] - other[None], axis=-1)
    return float(max(apart.min(axis=0).max(), apart.min(axis=1).max()))


def test_loaders_gl_finds_the_same_boxes_triangles_and_positions(tileset, ours):
    node = shutil.which("node")
    if node is None or not (CLIENT / "node_modules" / "@loaders.gl" / "gltf").exists():
        pytest.skip("loaders.gl is not installed: npm ci in web/client")
    theirs = {os.path.realpath(each["path"]): each for each in told([node, "--input-type=module", "-e", LOADERS, str(tileset)], cwd=CLIENT)}
    assert set(theirs) == set(ours)
    assert len(ours) > 3
    assert any("EXT_mesh_gpu_instancing" in tile.content.document["extensionsUsed"] for tile in ours.values())
    for path, tile in ours.items():
        each = theirs[path]
        assert each["triangles"] == len(tile.content.triangles)
        assert np.abs(np.array(each["transform"]).reshape(4, 4).T - tile.transform).max() < 1e-6
        centre, half = np.array(each["center"]), np.array(each["half"]).reshape(3, 3)
        signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
        assert farthest(centre + signs @ half, corners(tile)) < MILLIMETRE
        points = tile.content.triangles.reshape(-1, 3)
        assert np.abs(points.min(axis=0) - each["low"]).max() < MILLIMETRE / 10
        assert np.abs(points.max(axis=0) - each["high"]).max() < MILLIMETRE / 10


def test_py3dtiles_finds_the_same_boxes_on_the_earth(tileset, ours):
    interpreter = os.environ.get("PARKTWIN_PY3DTILES")
    if not interpreter or subprocess.run([interpreter, "-c", "import py3dtiles"], capture_output=True, check=False).returncode:
        pytest.skip("py3dtiles is not installed: name an interpreter that has it by PARKTWIN_PY3DTILES")
    theirs = {os.path.realpath(each["path"]): each for each in told([interpreter, "-c", PY3DTILES, str(tileset)])}
    assert set(theirs) == set(ours)
    for path, tile in ours.items():
        assert np.abs(np.array(theirs[path]["transform"]) - tile.transform).max() < 1e-6
        assert farthest(np.array(theirs[path]["corners"]), corners(tile)) < CENTIMETRE
