"""Tilesets that exist: what belongs to them, where they lie, and motions against PROJ's own conversions."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyproj import Transformer

from importers.contract import Context, Imported, Options
from importers.tileset import IMPORTER
from twin.crs import Frame
from twin.errors import UnreadableSource
from twin.model import Park

FRAME = Frame(104.06, 30.54, 500.0)
TO_LONLAT = Transformer.from_crs("EPSG:4978", "EPSG:4979", always_xy=True)


def glb(**document: Any) -> bytes:
    text = json.dumps({"asset": {"version": "2.0"}, **document}).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<4sIIII", b"glTF", 2, 20 + len(text), len(text), 0x4E4F534A) + text


def tileset(folder: Path, root: dict[str, Any], name: str = "tileset.json", **more: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps({"asset": {"version": "1.1"}, "geometricError": 10, "root": root, **more}), "utf-8")
    return path


def on_earth(lon: float = 104.06, lat: float = 30.54, h: float = 500.0) -> dict[str, Any]:
    return {
        "transform": Frame(lon, lat, h).ecef_matrix().T.reshape(-1).tolist(),
        "boundingVolume": {"box": [0, 0, 5, 20, 0, 0, 0, 10, 0, 0, 0, 5]},
    }


def read(path: Path, tmp_path: Path, **options: Any) -> Imported:
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    assert IMPORTER.recognises(path, path.read_bytes()[:65536]) > 90
    return IMPORTER.read(path, Context(Park("p", FRAME), Options(**options), scratch=scratch))


def matrix(found: Imported) -> np.ndarray:
    return np.array(found.layers[0].table.columns["motion"][0]).reshape(4, 4).T


def test_every_file_that_is_named_comes_along_and_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "倾斜摄影"
    inner = {"boundingVolume": {"sphere": [0, 0, 0, 5]}, "content": {"uri": "a%20b.b3dm"}, "children": [{"content": {"url": "gone.glb"}}]}
    root = on_earth() | {"content": {"uri": "tiles/Tile/inner.json"}, "children": [{"contents": [{"uri": "tiles/x.gltf"}]}]}
    path = tileset(folder, root)
    tileset(folder / "tiles" / "Tile", inner, "inner.json")
    body = glb(images=[{"uri": "../pics/1.png"}], buffers=[{"uri": "data:application/octet-stream;base64,AA=="}])
    (folder / "tiles/Tile/a b.b3dm").write_bytes(struct.pack("<4s6I", b"b3dm", 1, 28 + len(body), 0, 0, 0, 0) + body)
    (folder / "tiles/pics").mkdir()
    (folder / "tiles/pics/1.png").write_bytes(b"png")
    (folder / "tiles/x.gltf").write_text('{"asset": {"version": "2.0"}, "buffers": [{"uri": "x.bin"}]}')
    (folder / "tiles/x.bin").write_bytes(b"1234")
    (folder / "notes.txt").write_text("not mine")
    found = read(path, tmp_path)
    assert set(found.assets) == {
        "tileset.json", "tiles/Tile/inner.json", "tiles/Tile/a b.b3dm", "tiles/pics/1.png", "tiles/x.gltf", "tiles/x.bin",
    }  # fmt: skip
    assert found.layers[0].table.ids == ["倾斜摄影"]
    assert [issue.code for issue in found.issues] == ["tileset_files_missing"]
    assert found.issues[0].details["first"] == "tiles/Tile/gone.glb"


def test_where_it_lies_is_what_proj_says(tmp_path: Path) -> None:
    path = tileset(tmp_path / "t", on_earth(104.065, 30.545, 510.0) | {"content": {"uri": "a.glb"}})
    (path.parent / "a.glb").write_bytes(glb())
    found = read(path, tmp_path)
    table = found.layers[0].table
    west, south, east, north = table.geometry[0].bounds
    assert ((west + east) / 2, (south + north) / 2) == pytest.approx((104.065, 30.545), abs=1e-7)
    assert (east - west) * 111_320 * np.cos(np.radians(30.545)) == pytest.approx(40, rel=2e-3)
    assert table.columns["base_m"][0] == pytest.approx(510.0, abs=0.02)
    assert table.columns["height_m"][0] == pytest.approx(10.0, abs=0.02)


@pytest.mark.parametrize("own", [True, False])
def test_moving_brings_the_anchor_there_and_turns_it(tmp_path: Path, own: bool) -> None:
    root = on_earth(104.1, 30.6, 400.0) if own else {"boundingVolume": {"box": [0, 0, 5, 20, 0, 0, 0, 10, 0, 0, 0, 5]}}
    path = tileset(tmp_path / "t", root | {"content": {"uri": "a.glb"}})
    (path.parent / "a.glb").write_bytes(glb())
    motion = matrix(read(path, tmp_path, place="104.0605,30.5402,501.5,30"))
    start = Frame(104.1, 30.6, 400.0).ecef_matrix() if own else np.eye(4)
    placed = motion @ start
    assert TO_LONLAT.transform(*placed[:3, 3]) == pytest.approx((104.0605, 30.5402, 501.5), abs=1e-6)
    east = np.linalg.inv(Frame(104.0605, 30.5402, 501.5).ecef_matrix()) @ placed
    assert east[:3, 0] == pytest.approx([np.cos(np.pi / 6), 0.5, 0], abs=1e-9)
    assert np.linalg.det(motion[:3, :3]) == pytest.approx(1)


def test_a_region_is_lifted_along_up(tmp_path: Path) -> None:
    region = [*np.radians([104.05, 30.53, 104.07, 30.55]), 490.0, 540.0]
    path = tileset(tmp_path / "t", {"boundingVolume": {"region": region}, "content": {"uri": "a.glb"}})
    (path.parent / "a.glb").write_bytes(glb())
    found = read(path, tmp_path, height_offset_m=-12.5)
    assert found.layers[0].table.columns["base_m"][0] == pytest.approx(477.5, abs=0.1)
    assert found.layers[0].table.geometry[0].bounds == pytest.approx([104.05, 30.53, 104.07, 30.55], abs=1e-6)
    assert found.height_datum == "ellipsoidal"


def test_an_archive_is_a_tileset_too(tmp_path: Path) -> None:
    path = tmp_path / "park.3tz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "tileset.json",
            json.dumps({"asset": {"version": "1.0"}, "geometricError": 1, "root": on_earth() | {"content": {"uri": "a.glb"}}}),
        )
        archive.writestr("a.glb", glb())
    found = read(path, tmp_path)
    assert set(found.assets) == {"tileset.json", "a.glb"}


@pytest.mark.parametrize(
    ("root", "code"),
    [
        ({"boundingVolume": {"box": [0] * 12}, "content": {"uri": "a.glb"}}, "tileset_nowhere"),
        ({"boundingVolume": {"box": ["x"] * 12}, "content": {"uri": "a.glb"}}, "tileset_no_volume"),
        ({"content": {"uri": "a.glb"}}, "tileset_no_volume"),
        (on_earth() | {"content": {"uri": "../../secret.glb"}}, "tileset_no_tiles"),
        (on_earth() | {"content": {"uri": "/etc/passwd"}}, "tileset_no_tiles"),
        (on_earth() | {"content": {"uri": "http://x.invalid/a.glb"}}, "tileset_no_tiles"),
        (on_earth() | {"content": {"uri": "tileset.json"}}, "tileset_no_tiles"),
        (on_earth() | {"children": [5]}, "tileset_not_json"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(tmp_path: Path, root: dict[str, Any], code: str) -> None:
    (tmp_path / "secret.glb").write_bytes(glb())
    path = tileset(tmp_path / "a" / "t", root)
    (path.parent / "a.glb").write_bytes(glb())
    with pytest.raises(UnreadableSource) as refused:
        read(path, tmp_path)
    assert refused.value.code == code
    assert "{" not in refused.value.text("zh")


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    path = tileset(tmp_path / "t", on_earth() | {"contents": [{"uri": "a.glb"}, {"uri": "b.glb"}]})
    (path.parent / "a.glb").write_bytes(glb())
    (tmp_path / "secret").write_text("secret")
    (path.parent / "b.glb").symlink_to(tmp_path / "secret")
    assert set(read(path, tmp_path).assets) == {"tileset.json", "a.glb"}


def test_real_tilesets(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "tiles3d"
    trees = read(folder / "TilesetWithTreeBillboards/tileset.json", tmp_path)
    assert set(trees.assets) == {"tileset.json", "tree.i3dm", "tree_billboard.i3dm"}
    sparse = read(folder / "SparseImplicitQuadtree/tileset.json", tmp_path, place="104.06,30.54,500,0")
    assert len(sparse.assets) == sum(file.is_file() for file in (folder / "SparseImplicitQuadtree").rglob("*"))
    parts = read(folder / "MetadataGranularities/tileset.json", tmp_path, place="104.06,30.54")
    assert len(parts.assets) == 21
