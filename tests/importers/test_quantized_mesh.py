from __future__ import annotations

import gzip
import json
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator

from importers.contract import Context, Imported, Options
from importers.ground import lattice
from importers.meshtile import decode
from importers.quantized_mesh import IMPORTER
from importers.recognise import find
from importers.tileplace import GEOGRAPHIC, MERCATOR, Place, of_header
from importers.triangles import draw
from twin.crs import Frame
from twin.errors import UnreadableSource
from twin.model import Park
from twin.terrain import height_at

Height = Callable[[float, float], float]
LON, LAT = 120.6, 31.3


def ecef(lon: float, lat: float, h: float) -> NDArray[np.float64]:
    a, f = 6378137.0, 1 / 298.257223563
    lam, phi = math.radians(lon), math.radians(lat)
    n = a / math.sqrt(1 - f * (2 - f) * math.sin(phi) ** 2)
    return np.array([
        (n + h) * math.cos(phi) * math.cos(lam), (n + h) * math.cos(phi) * math.sin(lam), (n * (1 - f) ** 2 + h) * math.sin(phi),
    ])  # fmt: skip


def zigzag(values: list[int]) -> list[int]:
    last, out = 0, []
    for value in values:
        step = value - last
        out.append((step << 1) ^ (step >> 15) & 0xFFFF if step >= 0 else ((-step) << 1) - 1)
        last = value
    return out


def marked(indices: list[int]) -> list[int]:
    highest, out = 0, []
    for index in indices:
        out.append(highest - index)
        highest += index == highest
    return out


def encoded(place: Place, height: Height, n: int = 9, *, wide: bool = False) -> bytes:
    """A tile of n by n vertices, its triangles numbered in the order they first appear."""
    uv = [(i / (n - 1), j / (n - 1)) for j in range(n) for i in range(n)]
    if wide:
        uv += [(0.0, 0.0)] * (65_540 - len(uv))
    lonlat = place.lonlat(np.array(uv))
    h = [height(*each) for each in lonlat]
    faces = [
        corner
        for j in range(n - 1)
        for i in range(n - 1)
        for corner in (j * n + i, j * n + i + 1, (j + 1) * n + i + 1, j * n + i, (j + 1) * n + i + 1, (j + 1) * n + i)
    ]
    rank: dict[int, int] = {}
    for corner in faces:
        rank.setdefault(corner, len(rank))
    for corner in range(len(uv)):
        rank.setdefault(corner, len(rank))
    order = sorted(rank, key=rank.__getitem__)
    low, high = min(h), max(h) + 1e-3
    points = np.array([ecef(*lonlat[k], h[k]) for k in order[: n * n]])
    centre = (points.min(0) + points.max(0)) / 2
    radius = float(np.linalg.norm(points - centre, axis=1).max())
    middle = ecef(*place.lonlat(np.array([[0.5, 0.5]]))[0], 0)
    out = struct.pack("<3d2f4d3d", *middle, low, high, *centre, radius, 0, 0, 1)
    out += struct.pack("<I", len(uv))
    for values in ([uv[k][0] for k in order], [uv[k][1] for k in order], [(h[k] - low) / (high - low) for k in order]):
        out += np.array(zigzag([round(value * 32767) for value in values]), "<u2").tobytes()
    form = "<u4" if wide else "<u2"
    out += b"\0" * (-len(out) % (4 if wide else 2))
    out += struct.pack("<I", len(faces) // 3) + np.array(marked([rank[corner] for corner in faces]), form).tobytes()
    for edge in ([0, 1], [0], [], [1]):
        out += struct.pack("<I", len(edge)) + np.array(edge, form).tobytes()
    meta = json.dumps({"available": []}).encode()
    return out + struct.pack("<BI", 4, len(meta) + 4) + struct.pack("<I", len(meta)) + meta


def slope(lon: float, lat: float) -> float:
    return 20 + 3000 * (lon - LON) + 2000 * (lat - LAT)


def hills(lon: float, lat: float) -> float:
    return 50 + 30 * math.sin(900 * (lon - LON)) * math.cos(700 * (lat - LAT))


def place_of(z: int, projection: str = GEOGRAPHIC) -> Place:
    from twin.crs import from_lonlat

    x, y = from_lonlat([[LON, LAT]], projection)[0]
    west, south, east, north = Place(projection, z, 0, 0).box()
    return Place(projection, z, int((x - west) // (east - west)), int((y - south) // (north - south)))


def put(folder: Path, place: Place, data: bytes, *, row: int | None = None, suffix: str = ".terrain") -> Path:
    path = folder / str(place.z) / str(place.x) / f"{place.y if row is None else row}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def read(path: Path, **options: Any) -> Imported:
    context = Context(Park("T", Frame(LON, LAT, 20.0)), Options(**options))
    assert IMPORTER.recognises(path, path.read_bytes()[:65_536]) > 0
    return IMPORTER.read(path, context)


def check_heights(imported: Imported, place: Place, height: Height, tolerance: float) -> None:
    """The terrain against the function the tile was made of, at points inside it."""
    uv = np.random.default_rng(0).uniform(0.03, 0.97, (500, 2))
    lonlat = place.lonlat(uv)
    expected = np.array([height(*each) for each in lonlat])
    assert imported.terrain is not None
    xy = Frame(LON, LAT, 20.0).to_enu(np.column_stack([lonlat, expected]))[:, :2]
    found = height_at(imported.terrain, xy)
    assert np.isfinite(found).mean() > 0.99
    assert np.nanmax(np.abs(found - expected)) < tolerance


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("by_path", [False, True])
def test_a_slope_stays_a_slope_in_its_place(tmp_path: Path, packed: bool, by_path: bool) -> None:
    place = place_of(14)
    data = encoded(place, slope)
    data = gzip.compress(data) if packed else data
    path = put(tmp_path, place, data) if by_path else tmp_path / "tile.terrain"
    path.write_bytes(data)
    imported = read(path)
    check_heights(imported, place, slope, 0.02)
    assert imported.details["tiles"] == [place.id]
    assert imported.height_datum == "ellipsoidal"
    assert [issue.code for issue in imported.issues] == ([] if by_path else ["qmesh_placed"])


@pytest.mark.parametrize("z", [9, 12, 15, 18, 20])
@pytest.mark.parametrize("projection", [GEOGRAPHIC, MERCATOR])
def test_the_header_tells_the_place_at_every_level(z: int, projection: str) -> None:
    place = place_of(z, projection)
    assert of_header(decode(encoded(place, hills), "t"), projection) == place


def test_more_vertices_than_sixteen_bits(tmp_path: Path) -> None:
    place = place_of(14)
    path = put(tmp_path, place, encoded(place, slope, wide=True))
    check_heights(read(path), place, slope, 0.02)


def test_a_path_that_lies_is_told(tmp_path: Path) -> None:
    place = place_of(14)
    path = put(tmp_path, place, encoded(place, slope), row=2**14 - 1 - place.y)  # rows from the north, and nobody says so
    imported = read(path)
    assert [issue.code for issue in imported.issues] == ["qmesh_misplaced"]
    check_heights(imported, place, slope, 0.02)
    (tmp_path / "layer.json").write_text(json.dumps({"format": "quantized-mesh-1.0", "scheme": "slippyMap"}), "utf-8")
    assert [issue.code for issue in read(path).issues] == []


def test_mercator_by_its_layer_file(tmp_path: Path) -> None:
    place = place_of(15, MERCATOR)
    path = put(tmp_path, place, encoded(place, slope, 17))
    (tmp_path / "layer.json").write_text(json.dumps({"format": "quantized-mesh-1.0", "projection": "EPSG:3857"}), "utf-8")
    imported = read(path)
    assert imported.crs == MERCATOR
    check_heights(imported, place, slope, 0.05)


def test_a_folder_of_tiles_becomes_one_ground(tmp_path: Path) -> None:
    centre = place_of(15)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            each = Place(GEOGRAPHIC, 15, centre.x + dx, centre.y + dy)
            put(tmp_path, each, encoded(each, hills, 33))
    coarse = place_of(13)
    put(tmp_path, coarse, encoded(coarse, slope))
    put(tmp_path, Place(GEOGRAPHIC, 15, centre.x + 1, centre.y + 1), b"<html>404</html>")
    layer = tmp_path / "layer.json"
    layer.write_text(json.dumps({"format": "quantized-mesh-1.0", "tiles": ["{z}/{x}/{y}.terrain?v={version}"]}), "utf-8")
    imported = read(layer)
    check_heights(imported, centre, hills, 1.0)
    check_heights(imported, Place(GEOGRAPHIC, 15, centre.x - 1, centre.y), hills, 1.0)
    assert [(issue.code, issue.subject) for issue in imported.issues] == [("qmesh_header", f"15/{centre.x + 1}/{centre.y + 1}")]
    assert len(imported.details["tiles"]) in {8, 9}  # the coarse tile fills the gap, where it reaches that far


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"format": "heightmap-1.0"}, "qmesh_format"),
        ({"format": "quantized-mesh-1.0", "projection": "EPSG:2056"}, "qmesh_projection"),
        ({"format": "quantized-mesh-1.0", "tiles": ["https://elsewhere.example/{z}/{x}/{y}.terrain"]}, "qmesh_elsewhere"),
        ({"format": "quantized-mesh-1.0", "tiles": ["../../{z}/{x}/{y}.terrain"]}, "qmesh_elsewhere"),
        ({"format": "quantized-mesh-1.0", "tiles": "{z}"}, "qmesh_layer_damaged"),
        ({"format": "quantized-mesh-1.0"}, "qmesh_none_near"),
    ],
)
def test_layer_files_that_lead_nowhere_are_refused(tmp_path: Path, told: dict[str, object], code: str) -> None:
    path = tmp_path / "layer.json"
    path.write_text(json.dumps(told), "utf-8")
    with pytest.raises(UnreadableSource) as caught:
        read(path)
    assert caught.value.code == code


def damaged(data: bytes) -> dict[str, bytes]:
    (count,) = struct.unpack_from("<I", data, 88)
    faces = 92 + 6 * count
    index = bytearray(data)
    struct.pack_into("<H", index, faces + 4, 60_000)
    many = bytearray(data)
    struct.pack_into("<I", many, 88, 4_000_000_000)
    faces_many = bytearray(data)
    struct.pack_into("<I", faces_many, faces, 4_000_000_000)
    moved = bytearray(data)
    struct.pack_into("<3d", moved, 0, *ecef(10.0, 50.0, 0.0))
    return {
        "qmesh_cut vertices": data[:200],
        "qmesh_cut edge": data[: faces + 4 + 6 * 128 + 2],
        "qmesh_cut count": bytes(many),
        "qmesh_cut faces": bytes(faces_many),
        "qmesh_index low": bytes(index),
        "qmesh_header nan": struct.pack("<d", math.nan) + data[8:],
        "qmesh_header text": b"<html>not found</html>" * 20,
        "qmesh_nowhere": bytes(moved),
        "qmesh_cut gzip": gzip.compress(data)[:300],
    }


@pytest.mark.parametrize("which", list(damaged(encoded(place_of(14), slope))))
def test_damaged_tiles_are_refused_in_words(tmp_path: Path, which: str) -> None:
    path = tmp_path / "tile.terrain"
    path.write_bytes(damaged(encoded(place_of(14), slope))[which])
    with pytest.raises(UnreadableSource) as caught:
        read(path)
    assert caught.value.code == which.split(maxsplit=1)[0]
    assert caught.value.hint("zh")


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_no_damage_goes_unsaid(data: st.DataObject) -> None:
    whole = encoded(place_of(14), slope, 4)
    at = data.draw(st.integers(0, len(whole) - 1))
    broken = whole[:at] + bytes([data.draw(st.integers(0, 255))]) + whole[at + 1 : data.draw(st.integers(at + 1, len(whole)))]
    try:
        tile = decode(broken, "t")
    except UnreadableSource:
        return
    assert tile.triangles.max() < len(tile.uv)


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importers.meshtile.MOST_BYTES", 1_000_000)
    path = tmp_path / "tile.terrain"
    path.write_bytes(gzip.compress(b"\0" * 5_000_000))
    with pytest.raises(UnreadableSource) as caught:
        read(path)
    assert caught.value.code == "qmesh_large"


@pytest.mark.parametrize("name", ["tile.terrain", "tile.bin", "tile.terrain.gz", "layer.json"])
def test_it_is_found_by_its_content(tmp_path: Path, name: str) -> None:
    data = encoded(place_of(14), slope)
    path = tmp_path / name
    layer = json.dumps({"tilejson": "2.1.0", "format": "quantized-mesh-1.0", "tiles": ["{z}/{x}/{y}.terrain"]}).encode()
    path.write_bytes(layer if name == "layer.json" else gzip.compress(data) if name.endswith(".gz") else data)
    put(tmp_path, place_of(14), data)
    found = find(path)
    assert found.name == "quantized_mesh"
    check_heights(found.read(path, Context(Park("T", Frame(LON, LAT, 20.0)), Options())), place_of(14), slope, 0.02)


def test_ground_far_away_is_refused(tmp_path: Path) -> None:
    place = Place(GEOGRAPHIC, 14, 1000, 1000)
    path = put(tmp_path, place, encoded(place, lambda lon, lat: 5.0 + lon + lat))
    with pytest.raises(UnreadableSource) as caught:
        read(path)
    assert caught.value.code == "raster_far"


@settings(deadline=None, max_examples=30)
@given(st.integers(4, 60), st.integers(0, 10_000), st.sampled_from([0.5, 1.0, 3.7]))
def test_nodes_take_the_heights_of_their_triangles(n: int, seed: int, step: float) -> None:
    from scipy.spatial import Delaunay

    rng = np.random.default_rng(seed)
    xy, heights = rng.uniform(-20, 20, (n, 2)), rng.normal(0, 10, n)
    mesh = Delaunay(xy)
    nodes = lattice(np.array([-15.0, -12.0]), np.array([14.0, 13.0]), step)
    out = np.full(nodes.rows * nodes.columns, np.nan)
    draw(out, nodes, xy, heights, mesh.simplices.astype(np.int64))
    at = np.concatenate(list(nodes.parts()))
    expected = LinearNDInterpolator(mesh, heights)(at)
    both = np.isfinite(out) & np.isfinite(expected)
    assert np.allclose(out[both], expected[both], atol=1e-6)
    assert (np.isfinite(out) != np.isfinite(expected)).sum() <= 4  # nodes on the very rim


def plainly(data: bytes) -> tuple[NDArray[np.float64], list[int]]:
    """A decoder written after the specification's JavaScript, value by value."""
    low, high = struct.unpack_from("<2f", data, 24)
    (count,) = struct.unpack_from("<I", data, 88)
    at, columns = 92, []
    for _ in range(3):
        value, column = 0, []
        for k in range(count):
            (code,) = struct.unpack_from("<H", data, at + 2 * k)
            value += (code // 2) if code % 2 == 0 else -(code + 1) // 2
            column.append(value / 32767)
        columns.append(column)
        at += 2 * count
    (faces,) = struct.unpack_from("<I", data, at)
    highest, indices = 0, []
    for k in range(3 * faces):
        (code,) = struct.unpack_from("<H", data, at + 4 + 2 * k)
        indices.append(highest - code)
        highest += code == 0
    u, v, h = columns
    return np.column_stack([u, v, low + np.array(h) * (high - low)]), indices


def test_a_real_tile(shared_data: Path) -> None:
    path = shared_data / "terrain/tile-with-extensions.terrain"
    data = path.read_bytes()
    tile = decode(data, "t")
    vertices, indices = plainly(data)
    assert np.allclose(np.column_stack([tile.uv, tile.heights]), vertices, atol=1e-9)
    assert tile.triangles.ravel().tolist() == indices
    assert tile.extensions == ("oct normals", "water mask")
    frame = Frame(86.79, 28.25, 5000.0)
    imported = IMPORTER.read(path, Context(Park("E", frame), Options()))
    assert imported.terrain is not None
    assert imported.details["tiles"] == ["11/3035/1345"]
    rng = np.random.default_rng(0)
    uv = rng.uniform(0.05, 0.95, (800, 2))
    expected = LinearNDInterpolator(vertices[:, :2], vertices[:, 2])(uv)  # another triangulation: equal at vertices, near elsewhere
    lonlat = Place(GEOGRAPHIC, 11, 3035, 1345).lonlat(uv)
    found = height_at(imported.terrain, frame.to_enu(np.column_stack([lonlat, expected]))[:, :2])
    assert np.median(np.abs(found - expected)) < 3.0
    corners = Place(GEOGRAPHIC, 11, 3035, 1345).lonlat(tile.uv)
    inner = ((tile.uv > 0.05) & (tile.uv < 0.95)).all(axis=1)
    at = height_at(imported.terrain, frame.to_enu(np.column_stack([corners, tile.heights]))[:, :2])
    assert np.percentile(np.abs(at - tile.heights)[inner], 90) < 0.5 * imported.terrain.step_m
