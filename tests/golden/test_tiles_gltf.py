"""Built tiles before the judge of the format: the Khronos glTF validator finds no error and no warning in them, packed or unpacked."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tiles.glb import Repeat, TileMesh, encode_glb
from tiles.read import decode_glb

MODULES = Path(__file__).parents[2] / "web" / "client" / "node_modules"
VALIDATOR, DECODER = MODULES / "gltf-validator", MODULES / "meshoptimizer" / "meshopt_decoder.cjs"
PROGRAM = """
const validator = require(process.argv[1]), fs = require('fs');
(async () => {
  const found = [];
  for (const file of process.argv.slice(2)) {
    const report = await validator.validateBytes(new Uint8Array(fs.readFileSync(file)), {maxIssues: 0});
    found.push({errors: report.issues.numErrors, warnings: report.issues.numWarnings, triangles: report.info.totalTriangleCount,
      messages: report.issues.messages.filter(m => m.severity < 2)});
  }
  console.log(JSON.stringify(found));
})();
"""
UNPACK = """
const decoder = require(process.argv[1]), fs = require('fs');
decoder.ready.then(() => {
  for (const file of process.argv.slice(2)) {
    const glb = fs.readFileSync(file), length = glb.readUInt32LE(12);
    const json = JSON.parse(glb.toString('utf8', 20, 20 + length)), data = glb.subarray(28 + length), pieces = [];
    let size = 0;
    for (const view of json.bufferViews) {
      const packed = view.extensions?.EXT_meshopt_compression;
      const from = (packed ?? view).byteOffset, source = data.subarray(from, from + (packed ?? view).byteLength);
      let bytes = source;
      if (packed) {
        bytes = new Uint8Array(packed.count * packed.byteStride);
        decoder.decodeGltfBuffer(bytes, packed.count, packed.byteStride, source, packed.mode, packed.filter ?? 'NONE');
      }
      delete view.extensions;
      Object.assign(view, {buffer: 0, byteOffset: size});
      pieces.push(bytes, new Uint8Array((8 - bytes.length % 8) % 8));
      size += bytes.length + (8 - bytes.length % 8) % 8;
    }
    json.buffers = [{byteLength: size}];
    for (const key of ['extensionsUsed', 'extensionsRequired']) json[key] = json[key].filter(name => !name.includes('meshopt'));
    let text = Buffer.from(JSON.stringify(json));
    text = Buffer.concat([text, Buffer.alloc((8 - (28 + text.length) % 8) % 8, ' ')]);
    const head = Buffer.alloc(28 + text.length);
    head.write('glTF'); head.writeUInt32LE(2, 4); head.writeUInt32LE(head.length + size, 8);
    head.writeUInt32LE(text.length, 12); head.write('JSON', 16); text.copy(head, 20);
    head.writeUInt32LE(size, 20 + text.length); head.write('BIN', 24 + text.length);
    fs.writeFileSync(file.replace('.glb', '.plain.glb'), Buffer.concat([head, ...pieces]));
  }
});
"""


def node(program: str, module: Path, files: list[Path]) -> str:
    executable = shutil.which("node")
    if executable is None or not module.exists():
        pytest.skip(f"npm's {module.name} is not installed: npm ci in web/client")
    command = [executable, "-e", program, str(module), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def validate(files: list[Path]) -> list[dict]:
    return json.loads(node(PROGRAM, VALIDATOR, files))


def unpacked(files: list[Path]) -> list[Path]:
    """The same files without compression, by the decoder that viewers use: so that the validator sees every number."""
    node(UNPACK, DECODER, files)
    return [file.with_suffix(".plain.glb") for file in files]


def mesh(n: int, span: float, alpha: int, features: int) -> TileMesh:
    random = np.random.default_rng(n)
    triangles = random.uniform(-span, span, (n, 3, 3))
    triangles[0] = triangles[0, 0]  # one without area
    colors = random.integers(0, 255, (n, 4)).astype(np.uint8)
    colors[:, 3] = np.where(np.arange(n) % 2, 255, alpha)
    return TileMesh(triangles, np.arange(n) % features, colors)


def columns(features: int) -> dict:
    return {
        "id": [f"构件 {i}" for i in range(features)],
        "name": [""] * features,
        "class": [("IfcWall", "IfcDoor", "", "门")[i % 4] for i in range(features)],
        "height_m": np.where(np.arange(features) % 2, np.nan, 3.0).astype(np.float32),
        "level": np.arange(features, dtype=np.int32),
    }


def repeats(features: int) -> list[Repeat]:
    """Two shapes, the second of which is translucent in part, at three places each."""
    made = []
    for k in range(2):
        shape = mesh(9 + k, 2.0, 120 if k else 255, 1)
        placements = np.tile(np.eye(4), (3, 1, 1))
        placements[:, :3, :3] = Rotation.from_rotvec(np.outer([0.2, 1.7, 3.0 + k], [0.0, 0.6, 0.8])).as_matrix()
        placements[:, 0, 3] = 10.0 * np.arange(3) + k
        made.append(Repeat(shape.triangles, shape.face_color, placements, np.arange(3) % features))
    return made


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, Path]]:
    """Small and very large, opaque and translucent, few and very many features, instances with a mesh beside them and alone."""
    folder = tmp_path_factory.mktemp("tiles")
    shapes = [
        (3, 1.0, 255, 2),
        (50, 100.0, 120, 7),
        (200, 5000.0, 255, 50),
        (90_000, 20.0, 255, 70_000),
        (5, 0.0, 255, 1),
        (9, 60_000.0, 1, 3),
    ]
    made = [(n, encode_glb(mesh(n, span, alpha, features), columns(features))) for n, span, alpha, features in shapes]
    made.append((50 + 3 * (9 + 10), encode_glb(mesh(50, 10.0, 120, 7), columns(7), repeats(7))))
    made.append(
        (3 * (9 + 10), encode_glb(TileMesh(np.zeros((0, 3, 3)), np.zeros(0, int), np.zeros((0, 4), np.uint8)), columns(3), repeats(3)))
    )
    for k, (_, content) in enumerate(made):
        (folder / f"{k}.glb").write_bytes(content)
    return [(n, folder / f"{k}.glb") for k, (n, _) in enumerate(made)]


def test_tiles_of_every_shape_are_valid(cases):
    for (_, file), report in zip(cases, validate([file for _, file in cases]), strict=True):
        assert (report["errors"], report["warnings"]) == (0, 0), (file, report["messages"])


def test_what_viewers_unpack_is_valid_and_what_was_meant(cases):
    files = [file for _, file in cases]
    plain = unpacked(files)
    for report, file, (n, packed) in zip(validate(plain), plain, cases, strict=True):
        assert (report["errors"], report["warnings"]) == (0, 0), (file, report["messages"][:5])
        ours, theirs = decode_glb(packed.read_bytes()), decode_glb(file.read_bytes())
        assert len(ours.triangles) == n
        assert (ours.triangles == theirs.triangles).all()
        assert (ours.features == theirs.features).all()
        assert (ours.colors == theirs.colors).all()
        assert ours.table == theirs.table
        assert np.einsum("fck,fck->fc", ours.normals, theirs.normals).min() > 0.9999  # a filter may round its own way


def test_the_validator_sees_what_is_wrong(tmp_path):
    """The judge is awake: a position out of its accessor's bounds is an error."""
    packed = tmp_path / "tile.glb"
    packed.write_bytes(encode_glb(mesh(3, 1.0, 255, 2), {"id": ["a", "b"]}))
    spoilt = unpacked([packed])[0]
    content = bytearray(spoilt.read_bytes())
    at = content.index(b'"max":[') + len(b'"max":[')
    content[at : at + 1] = b"0" if content[at : at + 1] != b"0" else b"9"
    spoilt.write_bytes(content)
    assert validate([spoilt])[0]["errors"] > 0
