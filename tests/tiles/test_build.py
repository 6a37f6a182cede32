"""From the store to the tiles on disk and back: nothing is lost, nothing is built twice, nothing is half there."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import threading
from collections import Counter
from pathlib import Path

import brotli
import numpy as np
import pytest
import shapely
from scipy.optimize import linear_sum_assignment
from typer.testing import CliRunner

from tiles import build as build_module
from tiles.build import build, built_parts, is_current, tiles_folder
from tiles.check import broken_tiles
from tiles.content import levels as levels_module
from tiles.content import shares
from tiles.content.levels import levels
from tiles.files import folder_name
from tiles.read import Placed, read_tileset
from twin.errors import TileError
from twin.model import Mesh
from twin.scene.prism import prism

GREY = (130, 130, 130, 255)


def all_tiles_of(store) -> list[Placed]:
    return list(read_tileset(tiles_folder(store.path) / "tileset.json"))


def tiles_of(store) -> list[Placed]:
    return [tile for tile in all_tiles_of(store) if tile.is_finest]


def by_feature(tiles: list[Placed], frame) -> dict[tuple[str, str], list[np.ndarray]]:
    """(model, id) -> its triangles (3, 3), back in the park's frame. [m, enu]"""
    back = np.linalg.inv(frame.ecef_matrix())
    found: dict[tuple[str, str], list[np.ndarray]] = {}
    for tile in tiles:
        total = back @ tile.transform
        models = tile.content.table.get("model", [""] * len(tile.content.table["id"]))
        for triangle, feature in zip(tile.content.triangles, tile.content.features[:, 0].tolist(), strict=True):
            key = (models[feature], tile.content.table["id"][feature])
            found.setdefault(key, []).append(triangle @ total[:3, :3].T + total[:3, 3])
    return found


def farthest(want: np.ndarray, got: np.ndarray) -> float:
    """How far the corners of triangles are from those of others (n, 3, 3), each with its nearest, whichever corner comes first. [m]"""
    turned = np.stack([np.roll(got, k, axis=1) for k in range(3)])  # (3, n, 3, 3)
    apart = np.abs(want[None, :, None] - turned[:, None]).max(axis=(3, 4)).min(axis=0)  # (n, n)
    mine, theirs = linear_sum_assignment(apart)
    return float(apart[mine, theirs].max())


def many_boxes(n: int, east: float = 0.0, prefix: str = "e") -> list[tuple]:
    random = np.random.default_rng(n)
    centre = random.uniform([-40, -30, 0], [40, 30, 20], (n, 3)) + np.array([east, 0.0, 0.0])
    return [(f"{prefix}{k}", centre[k], random.uniform(0.2, 4, 3), (k % 256, 90, 90, 255 if k % 7 else 120)) for k in range(n)]


@pytest.mark.parametrize("east", [0.0, 80_000.0])
def test_nothing_is_lost_between_model_and_tile(store, frame, box_mesh, model_of, put_model, apart, east, monkeypatch):
    """Every triangle of the stored mesh is in one tile, under its element, where it was, in its colour."""
    monkeypatch.setattr(levels_module, "levels", lambda content, coarse, _: levels(content, coarse, 300))
    mesh = box_mesh(many_boxes(150, east))
    put_model(model_of("m", mesh))
    report = build(store)
    tiles = tiles_of(store)
    found = by_feature(tiles, frame)

    stored = store.mesh("m")
    assert {identity for _, identity in found} == set(stored.element_ids)
    assert len(tiles) > 6
    for k, identity in enumerate(stored.element_ids):
        want = stored.vertices[stored.faces[stored.face_element == k]]
        assert apart(np.array(found["m", identity]), want) < 0.001
    homes = Counter(identity for tile in tiles for identity in tile.content.table["id"])
    assert set(homes.values()) == {1}
    assert report.totals()["triangles"] == len(stored.faces) == sum(len(tile.content.triangles) for tile in tiles)
    assert (report.totals()["elements_in"], report.totals()["elements_out"]) == (150, 150)


def test_tiles_lie_in_their_boxes_and_carry_colours(store, frame, box_mesh, model_of, put_model):
    put_model(model_of("m", box_mesh(many_boxes(60))))
    build(store)
    colours = {}
    for tile in tiles_of(store):
        inside = np.abs(tile.content.triangles.reshape(-1, 3) - tile.box[0]) <= np.abs(tile.box[1:]).sum(axis=0) + 1e-9
        assert inside.all()
        for color, feature in zip(tile.content.colors[:, 0], tile.content.features[:, 0].tolist(), strict=True):
            colours[tile.content.table["id"][feature]] = tuple(color.tolist())
    assert colours == {identity: color for identity, _, _, color in many_boxes(60)}


def test_rows_of_the_property_table(store, box_mesh, model_of, put_model):
    put_model(model_of("m", box_mesh(many_boxes(12))))
    build(store)
    rows = {}
    for tile in tiles_of(store):
        rows |= {row[0]: row[1:] for row in zip(*tile.content.table.values(), strict=True)}
        assert list(tile.content.table) == ["id", "class", "name", "storey", "discipline", "model", "building"]
    for element in store.elements("m"):
        want = (element.ifc_class, element.name, element.storey_id or "", element.discipline, "m", "m")
        assert rows[element.id] == want


def test_buildings_without_a_model_are_prisms(store, frame, square, put_buildings, put_model, box_mesh, model_of):
    put_buildings({"a": square(0, 0), "b": square(200, 50), "house": square(-100, 0)}, height_m=[9.0, None, 12.0], storeys=[None, 4, None])
    put_model(model_of("m", box_mesh([("w", (-100, 0, 3), (18, 18, 6), GREY)])))
    build(store)
    found = by_feature(tiles_of(store), frame)
    assert set(found) == {("", "a"), ("", "b"), ("m", "w")}
    tops = {identity: np.array(triangles)[..., 2].max() for (_, identity), triangles in found.items()}
    assert tops["a"] == pytest.approx(9.0, abs=0.01)
    assert tops["b"] == pytest.approx(13.2, abs=0.01)
    _, faces = prism(frame.project(square(0, 0)), 0.0, 9.0)
    assert len(found["", "a"]) == len(faces)
    table = next(t for t in tiles_of(store) if "height_m" in t.content.table).content.table
    assert list(table) == ["id", "class", "name", "height_m", "usage", "building"]
    assert set(table["class"]) == {"Building"}


def test_a_building_whose_model_has_no_bodies_is_still_drawn(store, square, put_buildings, put_model, model_of):
    empty = Mesh(np.empty((0, 3)), np.empty((0, 3), np.uint32), np.empty(0, np.uint32), np.empty((0, 4), np.uint8), [])
    put_buildings({"a": square(0, 0)})
    put_model(model_of("m", empty, building_id="a", outlined=False))
    build(store)
    assert [tile.content.table["id"] for tile in tiles_of(store)] == [["a"]]


def test_a_building_may_have_several_models(store, frame, square, put_buildings, put_model, box_mesh, model_of):
    """Two models share GlobalIds; both are in the one tileset, told apart by the column `model`."""
    put_buildings({"楼/一 号": square(0, 0, 60)})
    put_model(model_of("arch", box_mesh([("same", (0, 0, 2), (8, 8, 4), GREY)]), building_id="楼/一 号"))
    put_model(model_of("hvac", box_mesh([("same", (0, 0, 5), (1, 9, 1), GREY)]), building_id="楼/一 号"))
    report = build(store)
    assert [part.id for part in report.parts] == ["buildings", "楼/一 号"]
    assert (tiles_folder(store.path) / folder_name("楼/一 号") / "tileset.json").is_file()
    assert set(by_feature(tiles_of(store), frame)) == {("arch", "same"), ("hvac", "same")}


def test_far_away_a_building_with_models_is_its_footprint_then_its_shell(
    store, frame, square, put_buildings, put_model, box_mesh, model_of
):
    """Each level carries the columns of the finest and ids that answer to them; each is drawn in place of the one above."""
    put_buildings({"a": square(0, 0, 60)}, height_m=[22.0], name=["楼"])
    boxes = [("roof", (0, 0, 21.5), (60, 60, 1), GREY), ("floor", (0, 0, 0.5), (60, 60, 1), GREY)]
    boxes += [(f"w{k}", (x, y, 10), sx, GREY) for k, (x, y, sx) in enumerate([(-29, 0, (2, 60, 22)), (29, 0, (2, 60, 22))])]
    boxes += [(f"s{k}", (0, y, 10), (60, 2, 22), GREY) for k, y in enumerate((-29, 29))]
    inner = [(name, np.array(centre) * 0.5 + 4.0, size, color) for name, centre, size, color in many_boxes(300)]
    put_model(model_of("m", box_mesh([*boxes, *inner]), building_id="a"))
    part = build(store).parts[1]
    levels = all_tiles_of(store)
    assert (part.elements_out, part.triangles) == (306, 306 * 12)
    block, shell = levels[:2]
    assert [list(tile.content.table) for tile in levels] == [list(block.content.table)] * len(levels)
    assert {name: column[0] for name, column in block.content.table.items()} == {
        "id": "a", "class": "Building", "name": "楼", "storey": "", "discipline": "", "model": "", "building": "a",
    }  # fmt: skip
    assert {"roof", "w0", "w1", "s0", "s1"} <= set(shell.content.table["id"])
    assert not {name for name in shell.content.table["id"] if name.startswith("e")}  # nothing within four walls
    assert [tile.is_finest for tile in levels] == [False, False, *[True] * (len(levels) - 2)]
    root = json.loads((tiles_folder(store.path) / folder_name("a") / "tileset.json").read_text())["root"]
    outer = root["children"][0]
    assert root["refine"] == outer["refine"] == "REPLACE"
    assert root["geometricError"] > outer["geometricError"] > 0 == max(child["geometricError"] for child in outer["children"])


def test_the_same_park_gives_the_same_bytes(store, square, put_buildings, put_model, box_mesh, model_of):
    put_buildings({"a": square(0, 0), "b": square(60, 0)})
    put_model(model_of("m", box_mesh(many_boxes(300, 300.0))))
    written = []
    for _ in range(2):
        build(store, force=True)
        written.append({path.name: path.read_bytes() for path in tiles_folder(store.path).rglob("*.glb")})
        for path in tiles_folder(store.path).rglob("*.glb"):
            path.unlink()
    assert written[0] == written[1]


def test_elements_without_triangles_are_reported(store, box_mesh, model_of, put_model):
    mesh = box_mesh(many_boxes(3))
    ghost = Mesh(mesh.vertices, mesh.faces, mesh.face_element, mesh.face_color, [*mesh.element_ids, "ghost"])
    put_model(model_of("m", ghost))
    part = build(store).parts[1]
    assert (part.elements_in, part.elements_out, list(part.left_out)) == (4, 3, ["ghost"])


def test_only_what_changed_is_built_again(store, square, put_buildings, put_model, box_mesh, model_of):
    put_buildings({"a": square(0, 0)})
    put_model(model_of("m", box_mesh(many_boxes(5, 300.0))))
    assert list(build(store).rebuilt) == ["buildings", folder_name("m")]
    assert is_current(store)
    assert list(build(store).rebuilt) == []
    put_buildings({"a": square(0, 0), "b": square(90, 0)})
    assert not is_current(store)
    assert list(build(store).rebuilt) == ["buildings"]
    assert list(build(store, force=True).rebuilt) == ["buildings", folder_name("m")]


def test_an_element_that_moved_changes_its_own_tiles_and_no_other(store, put_model, box_mesh, model_of, monkeypatch):
    """Of many tiles, those are encoded anew that held the element or hold it now, and those above them; the others keep their files."""
    monkeypatch.setattr(levels_module, "levels", lambda content, coarse, _: levels(content, coarse, 150))
    boxes = many_boxes(1500)
    put_model(model_of("m", box_mesh(boxes)))
    before, fine = set(build(store).parts[1].files), {tile.path.name for tile in tiles_of(store)}
    identity, centre, size, color = boxes[700]
    boxes[700] = (identity, centre + np.array([9.0, 4.0, 0.0]), size, color)
    put_model(model_of("m", box_mesh(boxes)))
    report = build(store)
    moved, finer = set(report.parts[1].files), {tile.path.name for tile in tiles_of(store)}
    assert len(before) > 100
    assert report.encoded == len(moved - before) <= 9
    assert len(before - moved) <= 9
    assert 1 <= len(finer - fine) <= 3


@pytest.mark.parametrize("spoil", ["lost", "cut short"])
def test_a_tile_that_is_lost_or_cut_short_is_made_again_and_no_other(store, put_model, box_mesh, model_of, monkeypatch, spoil):
    monkeypatch.setattr(shares, "SHARED_TRIANGLES", 100)
    put_model(model_of("m", box_mesh(many_boxes(50))))
    build(store)
    path = sorted(tiles_folder(store.path).rglob("*.glb"))[1]
    whole = path.read_bytes()
    path.unlink() if spoil == "lost" else path.write_bytes(whole[:-40])
    assert not is_current(store)
    assert {issue.code for issue in broken_tiles(store)} == {"tile_file_missing" if spoil == "lost" else "tile_file_changed"}
    report = build(store)
    assert (list(report.rebuilt), report.encoded) == ([folder_name("m")], 1)
    assert path.read_bytes() == whole
    assert is_current(store)
    assert broken_tiles(store) == []


def test_a_full_disk_is_told_and_the_next_run_finishes(store, square, put_buildings, put_model, box_mesh, model_of, monkeypatch):
    """Writing ends in the middle of a tile: the tilesets before stay, nothing half is left, and the next run does the rest."""
    put_buildings({"a": square(0, 0)})
    build(store)
    folder = tiles_folder(store.path)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    put_model(model_of("m", box_mesh(many_boxes(50, 300.0))))
    written = []

    class Full(io.FileIO):
        def write(self, content) -> int:
            written.append(super().write(content[: len(content) // 2]))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("twin.files.os.fdopen", Full)
    with pytest.raises(TileError) as caught:
        build(store)
    monkeypatch.undo()
    assert written
    assert caught.value.code == "tiles_not_writable"
    assert "No space left" in caught.value.text("en")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert not is_current(store)
    assert list(build(store).rebuilt) == [folder_name("m")]
    assert is_current(store)


def test_a_spoilt_record_means_building_anew(store, square, put_buildings):
    put_buildings({"a": square(0, 0)})
    build(store)
    (tiles_folder(store.path) / "state.json").write_text("{")
    assert list(build(store).rebuilt) == ["buildings"]


def test_files_of_the_build_before_stay_for_one_more(store, square, put_buildings):
    folder = tiles_folder(store.path) / "buildings"
    generations = []
    for k in range(3):
        put_buildings({"a": square(10.0 * k, 0)})
        build(store)
        generations.append(set(json.loads((folder.parent / "state.json").read_text())["parts"][0]["files"]))
    assert len(set.union(*generations)) == 3  # a footprint that moved is another tile, though its attributes are the same
    there = {path.name for path in folder.glob("*.glb")}
    assert there == generations[1] | generations[2]


def test_a_building_that_is_gone_takes_its_tileset_along(store, square, put_buildings, put_model, box_mesh, model_of):
    put_buildings({"a": square(0, 0), "b": square(300, 0)})
    put_model(model_of("m", box_mesh(many_boxes(5)), building_id="a"))
    build(store)
    put_model(model_of("m", box_mesh(many_boxes(5, 300.0)), building_id="b"))
    build(store)
    assert not (tiles_folder(store.path) / folder_name("a") / "tileset.json").exists()
    assert {part["content"]["uri"] for part in json.loads((tiles_folder(store.path) / "tileset.json").read_text())["root"]["children"]} == {
        "buildings/tileset.json",
        f"{folder_name('b')}/tileset.json",
    }


def test_compressed_forms_hold_the_same(store, square, put_buildings):
    put_buildings({"a": square(0, 0)})
    build(store)
    plain = [path for path in tiles_folder(store.path).rglob("*") if path.suffix in {".glb", ".json"} and path.name != "state.json"]
    assert len(plain) == 3
    for path in plain:
        assert gzip.decompress(Path(f"{path}.gz").read_bytes()) == path.read_bytes()
        assert brotli.decompress(Path(f"{path}.br").read_bytes()) == path.read_bytes()


@pytest.mark.parametrize("spoilt", [b"", b"{}", b"\0" * 400, b"[1]", b'{"format": 4, "parts": [{"folder": 1}]}'])
def test_garbage_in_the_record_or_in_a_tileset_is_made_good(store, put_model, box_mesh, model_of, spoilt):
    put_model(model_of("m", box_mesh(many_boxes(50))))
    build(store)
    folder = tiles_folder(store.path)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (folder / "state.json").write_bytes(spoilt)
    assert not is_current(store)
    build(store)
    assert is_current(store)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_two_builders_at_once_agree(store, put_model, box_mesh, model_of):
    put_model(model_of("m", box_mesh(many_boxes(200))))
    reports = []
    threads = [threading.Thread(target=lambda: reports.append(build(store))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reports) == 4
    assert sum(bool(report.rebuilt) for report in reports) == 1
    assert len({report.totals()["triangles"] for report in reports}) == 1


def test_a_builder_that_is_kept_waiting_says_so(store, monkeypatch):
    monkeypatch.setattr(build_module, "LOCK_WAIT_S", 0.05)
    with build_module._alone(tiles_folder(store.path)), pytest.raises(TileError) as caught:
        build(store)
    assert caught.value.code == "tiles_busy"


def test_a_folder_that_cannot_be_made_is_said(store):
    (store.path / "tiles").write_text("a file in the way")
    with pytest.raises(TileError) as caught:
        build(store)
    assert caught.value.code == "tiles_not_writable"


def test_an_empty_park_has_an_empty_tileset(store):
    report = build(store)
    assert report.totals() == {"tiles": 0, "elements_in": 0, "elements_out": 0, "triangles": 0, "bytes": 0}
    assert tiles_of(store) == []
    assert (tiles_folder(store.path) / "buildings" / "tileset.json").is_file()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_command_reports_what_was_built(store, square, put_buildings, lang):
    import typer

    from tiles.cli import tiles

    put_buildings({"a": square(0, 0), "flat": shapely.Polygon([(121.4, 31.2), (121.41, 31.2), (121.4, 31.2)])})
    app = typer.Typer()
    app.command()(tiles)
    told = CliRunner().invoke(app, [str(store.path), "--json", "--lang", lang])
    assert told.exit_code == 0
    document = json.loads(told.stdout)
    assert document["elements_in"] == 2
    assert document["elements_out"] == 1
    assert document["tilesets"][0]["left_out"] == ["flat"]
    assert document["rebuilt"] == ["buildings"]
    spoken = CliRunner().invoke(app, [str(store.path), "--lang", lang])
    assert ("已是最新" if lang == "zh" else "up to date") in spoken.stdout
    assert "flat" in spoken.stderr


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_roofs_that_stay_flat_are_told(store, frame, put_buildings, lang):
    import typer

    from tiles.cli import tiles

    angle = frame.unproject(shapely.Polygon([(0, 0), (30, 0), (30, 5), (5, 5), (5, 30), (0, 30)]))
    put_buildings({"corner": angle}, **{"roof:shape": ["hipped"]})
    app = typer.Typer()
    app.command()(tiles)
    for flags in (["--json"], []):
        told = CliRunner().invoke(app, [str(store.path), "--lang", lang, *flags])
        assert told.exit_code == 0
    assert "corner" in told.stderr
    assert ("平顶" if lang == "zh" else "flat") in told.stderr
    assert built_parts(store)[0].remarks == {"tiles_roof_flat": ["corner"]}
