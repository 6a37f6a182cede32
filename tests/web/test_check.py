"""`twin check` on a whole park, and on the same park with one thing broken at a time: exit status and the sentence."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from tiles.build import build, tiles_folder
from twin.cli import run as run_command
from twin.model import Asset
from twin.store import open_store
from web.check import check


def run(park: Path, *options: str) -> Result:
    app = typer.Typer()
    app.command()(check)
    return CliRunner().invoke(app, [str(park), *options])


@pytest.fixture(scope="module")
def whole(park_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small park with a kept file, its tiles up to date."""
    folder = tmp_path_factory.mktemp("check")
    park = Path(shutil.copytree(park_folder, folder / "park"))
    plan = folder / "plan.pdf"
    plan.write_text("a file that came along")
    store = open_store(park)
    kept = store.keep(plan)
    with store.transaction() as writer:
        writer.put_assets([Asset("plans", "plan.pdf", kept, plan.stat().st_size)], source="plans")
        writer.put_source({"name": "plans", "sha256": kept, "options": "", "importer": "x", "at": "2026-01-01T00:00:00Z", "report": {}})
    build(store)
    store.close()
    return park


def a_tile_file_goes(park: Path) -> None:
    next(tiles_folder(park).rglob("*.glb")).unlink()


def a_tile_file_changes(park: Path) -> None:
    tile = next(tiles_folder(park).rglob("*.glb"))
    content = bytearray(tile.read_bytes())
    content[-1] ^= 0xFF
    tile.write_bytes(content)


def a_tileset_goes(park: Path) -> None:
    next(path for path in tiles_folder(park).rglob("tileset.json") if path.parent.name.startswith("b")).unlink()


def an_asset_goes(park: Path) -> None:
    store = open_store(park)
    store.asset_path(store.assets()[0].sha256).unlink()
    store.close()


def an_asset_changes(park: Path) -> None:
    store = open_store(park)
    path = store.asset_path(store.assets()[0].sha256)
    path.chmod(0o644)
    path.write_text("another file")
    store.close()


def an_element_goes_from_under_its_body(park: Path) -> None:
    store = open_store(park)
    with store.transaction() as writer:
        model = store.models()[0]
        mesh = store.mesh(model.id)
        named = replace(mesh, element_ids=[f"{identity}-x" for identity in mesh.element_ids])
        content = next(each for each in store.content(model.source).models if each.model.id == model.id)
        writer.put_model(replace(content, mesh=named), source=model.source)
    build(store)
    store.close()


def a_face_leads_nowhere(park: Path) -> None:
    store = open_store(park)
    with store.transaction() as writer:
        content = store.content(store.models()[0].source).models[0]
        faces = np.array(content.mesh.faces)
        faces[0, 0] = 10_000
        writer.put_model(replace(content, mesh=replace(content.mesh, faces=faces)), source=content.model.source)
    store.close()


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "a tile is missing": (a_tile_file_goes, "tile_file_missing"),
    "a tile is changed": (a_tile_file_changes, "tile_file_changed"),
    "a tileset is missing": (a_tileset_goes, "tile_file_missing"),
    "a kept file is missing": (an_asset_goes, "check_asset_missing"),
    "a kept file is changed": (an_asset_changes, "check_asset_changed"),
    "a body has no element": (an_element_goes_from_under_its_body, "check_model_bodies"),
    "a face has no corner": (a_face_leads_nowhere, "check_model_mesh"),
}


def test_a_whole_park_passes(whole: Path) -> None:
    result = run(whole, "--json", "--lang", "en")
    told = json.loads(result.output)
    assert (result.exit_code, told["whole"]) == (0, True), told
    assert [issue for issue in told["issues"] if issue["severity"] == "error"] == []


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_each_fault_is_told_in_a_sentence(whole: Path, tmp_path: Path, fault: str, lang: str) -> None:
    spoil, code = BROKEN[fault]
    park = Path(shutil.copytree(whole, tmp_path / "park"))
    spoil(park)
    result = run(park, "--json", "--lang", lang)
    errors = [issue for issue in json.loads(result.output)["issues"] if issue["severity"] == "error"]
    assert result.exit_code == 1
    assert code in {issue["code"] for issue in errors}
    assert all(issue["message"] and "{" not in issue["message"] for issue in errors)


@pytest.mark.parametrize("share", [0.2, 0.75, 0.98])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_store_that_was_cut_short_is_told(
    whole: Path, tmp_path: Path, share: float, lang: str, capfd: pytest.CaptureFixture[str]
) -> None:
    park = Path(shutil.copytree(whole, tmp_path / "park"))
    (file,) = park.glob("*.gpkg")
    db = sqlite3.connect(file)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    with file.open("r+b") as stream:
        stream.truncate(int(file.stat().st_size * share))
    assert run_command(["check", str(park), "--lang", lang]) == 1
    told = capfd.readouterr()
    assert "Traceback" not in told.out + told.err
    assert (told.out + told.err).strip()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_pages_that_were_overwritten_are_told(whole: Path, tmp_path: Path, lang: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Whichever page it is: what is read of the park is not taken for whole."""
    pages = {}
    size = next(whole.glob("*.gpkg")).stat().st_size // 4096
    for page in range(2, size, max(1, size // 6)):
        park = Path(shutil.copytree(whole, tmp_path / f"park{page}"))
        (file,) = park.glob("*.gpkg")
        db = sqlite3.connect(file)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        with file.open("r+b") as stream:
            stream.seek(page * 4096)
            stream.write(b"\xff" * 4096)
        pages[page] = run_command(["check", str(park), "--lang", lang])
        assert "Traceback" not in "".join(capfd.readouterr())
    assert set(pages.values()) == {1}, pages
