"""The mesh codec against itself for any input, and against the decoder of npm's meshoptimizer byte for byte."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tiles.glb.meshopt import (
    decode_attributes,
    decode_exponential,
    decode_sequence,
    decode_triangles,
    encode_attributes,
    encode_exponential,
    encode_sequence,
    encode_triangles,
)

DECODER = Path(__file__).parents[3] / "web" / "client" / "node_modules" / "meshoptimizer" / "meshopt_decoder.cjs"
PROGRAM = """
const MeshoptDecoder = require(process.argv[1]), fs = require('fs');
MeshoptDecoder.ready.then(() => {
  for (const { source, target, count, stride, mode, filter } of JSON.parse(fs.readFileSync(0, 'utf8'))) {
    const out = new Uint8Array(count * stride);
    MeshoptDecoder.decodeGltfBuffer(out, count, stride, new Uint8Array(fs.readFileSync(source)), mode, filter);
    fs.writeFileSync(target, out);
  }
});
"""
Case = tuple[bytes, int, int, str, str]  # stream, count, stride, mode, filter


def decoded_by_node(cases: list[Case], folder: Path) -> list[bytes]:
    """What the decoder of viewers makes of streams."""
    node = shutil.which("node")
    if node is None or not DECODER.is_file():
        pytest.skip("npm's meshoptimizer is not installed: npm ci in web/client")
    asked = []
    for k, (content, count, stride, mode, kind) in enumerate(cases):
        (folder / f"{k}.in").write_bytes(content)
        asked.append({"source": f"{k}.in", "target": f"{k}.out", "count": count, "stride": stride, "mode": mode, "filter": kind})
    subprocess.run([node, "-e", PROGRAM, str(DECODER)], input=json.dumps(asked), cwd=folder, text=True, check=True, timeout=120)
    return [(folder / f"{k}.out").read_bytes() for k in range(len(cases))]


def rows_of_every_kind() -> list[np.ndarray]:
    """Bytes that stay, creep, leap and mix, for rows of 4 to 256 bytes and counts about the edges of groups and blocks."""
    random = np.random.default_rng(0)
    found = []
    for count, stride in [(1, 4), (15, 8), (16, 12), (17, 20), (255, 4), (256, 16), (257, 32), (3000, 20), (200, 100), (70, 256)]:
        for most in (1, 2, 4, 9, 200):
            steps = random.integers(-most, most + 1, (count, stride)) * (random.random((count, stride)) < random.random(stride))
            found.append(np.cumsum(steps, axis=0).astype(np.uint8))
    return found


def triangles_of_every_kind() -> list[np.ndarray]:
    """Surfaces, strips, fans, loose triangles, noise, triangles without area, numbers that need 32 bits."""
    random = np.random.default_rng(1)
    grid = np.arange(40 * 30).reshape(40, 30)
    quads = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[:-1, :-1], grid[1:, 1:], grid[1:, :-1]], -1).reshape(-1, 3)
    strip = np.arange(300)[:, None] + np.array([0, 1, 2])
    fan = np.column_stack([np.zeros(200, int), np.arange(1, 201), np.arange(2, 202)])
    noise = [random.integers(0, most, (500, 3)) for most in (2, 4, 17, 300, 70_000, 2**32 - 2)]
    return [quads, quads[random.permutation(len(quads))], strip, fan, np.arange(90).reshape(-1, 3), np.concatenate([strip, strip]), *noise]


def same_up_to_rotation(got: np.ndarray, asked: np.ndarray) -> bool:
    return bool(np.any([(np.roll(got.reshape(-1, 3), k, axis=1) == asked.reshape(-1, 3)).all(axis=1) for k in range(3)], axis=0).all())


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_rows_come_back(data):
    count, stride = data.draw(st.integers(0, 600)), data.draw(st.sampled_from([4, 8, 12, 20, 24, 100, 256]))
    most = data.draw(st.sampled_from([0, 1, 3, 14, 40, 255]))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    rows = np.cumsum(random.integers(0, most + 1, (count, stride)), axis=0).astype(np.uint8)
    content = encode_attributes(rows)
    assert (decode_attributes(content, count, stride) == rows).all()


@settings(max_examples=150, deadline=None)
@given(arrays(np.uint32, st.integers(0, 60).map(lambda n: 3 * n), elements=st.integers(0, 2**32 - 2) | st.integers(0, 30)))
def test_any_triangles_come_back(indices):
    assert same_up_to_rotation(decode_triangles(encode_triangles(indices), len(indices)), indices)


@settings(max_examples=150, deadline=None)
@given(arrays(np.uint32, st.integers(0, 100), elements=st.integers(0, 2**30 - 1)))
def test_any_numbers_come_back(numbers):
    assert (decode_sequence(encode_sequence(numbers), len(numbers)) == numbers).all()


def test_viewers_read_the_rows(tmp_path):
    rows = rows_of_every_kind()
    got = decoded_by_node([(encode_attributes(r), len(r), r.shape[1], "ATTRIBUTES", "NONE") for r in rows], tmp_path)
    assert got == [r.tobytes() for r in rows]


def test_viewers_read_the_triangles(tmp_path):
    """In four bytes and, where they fit, in two; the corners come in the turn that our own decoder tells."""
    cases = [asked.astype(np.uint32).ravel() for asked in triangles_of_every_kind()]
    streams = [encode_triangles(asked) for asked in cases]
    got = decoded_by_node([(s, len(c), 4, "TRIANGLES", "NONE") for s, c in zip(streams, cases, strict=True)], tmp_path)
    for asked, stream, content in zip(cases, streams, got, strict=True):
        told = np.frombuffer(content, "<u4")
        assert same_up_to_rotation(told, asked)
        assert (told == decode_triangles(stream, len(asked))).all()
    small = [k for k, asked in enumerate(cases) if asked.max() < 2**16]
    short = decoded_by_node([(streams[k], len(cases[k]), 2, "TRIANGLES", "NONE") for k in small], tmp_path)
    assert [np.frombuffer(s, "<u2").tolist() for s in short] == [np.frombuffer(got[k], "<u4").tolist() for k in small]


def test_viewers_read_the_numbers(tmp_path):
    random = np.random.default_rng(2)
    kinds = [np.arange(500), np.cumsum(random.integers(0, 60, 900)), random.integers(0, 2**30, 300)]
    kinds.append(np.ravel(np.column_stack([np.arange(50), 10_000 - np.arange(50)])))  # two series, each with its own baseline
    cases = [np.asarray(numbers, np.uint32) for numbers in kinds]
    got = decoded_by_node([(encode_sequence(c), len(c), 4, "INDICES", "NONE") for c in cases], tmp_path)
    assert got == [c.tobytes() for c in cases]
    assert len(encode_sequence(cases[-1])) < 110  # a byte each


@pytest.mark.parametrize("exponent", [-14, -10, 0, 5])
def test_viewers_read_the_floats(tmp_path, exponent):
    """Filter EXPONENTIAL is exact: sums of powers of two that single precision holds."""
    values = np.random.default_rng(3).integers(-(2**23), 2**23, (400, 3)).astype(np.int32)
    rows = encode_exponential(values, exponent)
    expected = (values * 2.0**exponent).astype(np.float32)
    assert (decode_exponential(rows) == expected).all()
    got = decoded_by_node([(encode_attributes(rows), 400, 12, "ATTRIBUTES", "EXPONENTIAL")], tmp_path)
    assert got == [expected.tobytes()]


def test_a_linear_strip_takes_a_byte_a_triangle():
    strip = (np.arange(1000)[:, None] + np.array([0, 1, 2])).astype(np.uint32)
    strip[1::2] = strip[1::2, ::-1]  # every other triangle is turned over, so that all face one way
    assert len(encode_triangles(strip.ravel())) <= 1000 + 20


def test_meshes_after_each_other_begin_afresh():
    strip = (np.arange(500)[:, None] + np.array([0, 1, 2])).astype(np.uint32)
    strip[1::2] = strip[1::2, ::-1]
    three = np.concatenate([strip, strip, strip])
    content = encode_triangles(three.ravel())
    assert len(content) <= 1500 + 24
    assert same_up_to_rotation(decode_triangles(content, three.size), three)


@pytest.mark.parametrize("stride", [0, 3, 6, 260])
def test_rows_that_the_extension_does_not_know_are_refused(stride):
    with pytest.raises(ValueError, match="multiples of 4"):
        encode_attributes(np.zeros((2, stride), np.uint8))


def test_two_thirds_of_a_triangle_are_refused():
    with pytest.raises(ValueError, match="no triangles"):
        encode_triangles(np.zeros(5, np.uint32))


def test_what_is_cut_or_foreign_is_refused():
    random = np.random.default_rng(4)
    rows, triangles = random.integers(0, 256, (100, 8)).astype(np.uint8), random.integers(0, 90, 60).astype(np.uint32)
    streams = [
        (encode_attributes(rows), lambda content: decode_attributes(content, 100, 8)),
        (encode_triangles(triangles), lambda content: decode_triangles(content, 60)),
        (encode_sequence(triangles), lambda content: decode_sequence(content, 60)),
    ]
    for content, decode in streams:
        for spoilt in (b"", content[:1], content[:40], content[:-1], b"\x00" + content[1:], content + b"\x01"):
            with pytest.raises(ValueError, match="not a stream"):
                decode(spoilt)


def test_same_input_same_bytes():
    rows = rows_of_every_kind()[-1]
    assert encode_attributes(rows) == encode_attributes(np.asfortranarray(rows))
