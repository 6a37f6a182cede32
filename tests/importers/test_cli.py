from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from importers.cli import _teller, import_files, stage_title
from twin import cli
from twin.console import progress
from twin.store import Store, open_store

LON, LAT = 120.6, 31.3
SQUARE = {"type": "Polygon", "coordinates": [[[LON, LAT], [LON + 0.001, LAT], [LON + 0.001, LAT + 0.001], [LON, LAT + 0.001], [LON, LAT]]]}
FIELDS = {"file", "kind", "layer", "features", "elements", "crs", "encoding", "changed", "issues"}
Twin = Callable[..., tuple[int, str, str]]


@pytest.fixture
def twin(store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Twin:
    """Runs `twin import PARK …`: exit status, output, errors."""

    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> tuple[int, str, str]:
        status = cli.run(["import", str(store.path), *map(str, arguments)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def document(out: str) -> dict[str, Any]:
    return json.loads(out)


def test_the_report_has_the_fields_the_interface_promises(twin: Twin, geojson: Callable[..., Path], text: Callable[..., Path]) -> None:
    good = geojson("buildings.geojson", [({"id": 1, "height": "tall"}, SQUARE)])
    bad = text("bad.geojson", "")
    status, out, err = twin(good, bad, "--json")
    assert status == 1
    assert err == ""
    said = document(out)
    assert set(said) == {"imported", "refused"}
    (imported,) = said["imported"]
    assert set(imported) >= FIELDS
    assert (imported["file"], imported["kind"], imported["layer"], imported["features"]) == (str(good), "building", "buildings", 1)
    assert set(imported["issues"][0]) == {"code", "severity", "subject", "message", "hint"}
    (refused,) = said["refused"]
    assert set(refused) == {"file", "code", "message", "hint"}
    assert refused["code"] == "source_empty"


def test_exit_statuses(twin: Twin, geojson: Callable[..., Path], tmp_path: Path) -> None:
    clean = geojson("clean.geojson", [({"id": 1}, SQUARE)])
    flawed = geojson("flawed.geojson", [({"id": 1}, SQUARE), ({"id": 2}, None)])
    assert twin(clean)[0] == 0
    assert twin(clean, "--strict")[0] == 0
    assert twin(flawed)[0] == 0
    assert twin(flawed, "--strict")[0] == 3
    assert twin(tmp_path / "missing.geojson")[0] == 1
    assert twin(clean, "--kind", "castle")[0] == 2
    assert twin(clean, "--map", "height_m")[0] == 2
    assert twin(clean, "--crs", "EPSG:999999")[0] == 2
    assert twin()[0] == 2
    assert twin(clean, "--no-such-option")[0] == 2


def test_options_reach_the_importer(twin: Twin, store: Store, geojson: Callable[..., Path]) -> None:
    path = geojson("a.geojson", [({"NR": 7, "H": 12}, SQUARE)])
    status, out, _ = twin(path, "--layer", "blocks", "--kind", "building", "--map", "height_m=H", "--map", "id=NR", "--json")
    assert status == 0
    assert document(out)["imported"][0]["layer"] == "blocks"
    table = open_store(store.path).features("blocks")
    assert (table.ids, list(table.column("height_m"))) == (["7"], [12.0])


def test_a_second_import_says_that_nothing_changed(twin: Twin, geojson: Callable[..., Path]) -> None:
    path = geojson("a.geojson", [({"id": 1}, SQUARE)])
    assert document(twin(path, "--json")[1])["imported"][0]["changed"] is True
    assert document(twin(path, "--json")[1])["imported"][0]["changed"] is False


def test_people_read_tables_and_sentences_in_their_language(twin: Twin, geojson: Callable[..., Path], text: Callable[..., Path]) -> None:
    flawed = geojson("buildings.geojson", [({"id": 1}, SQUARE), *(({"id": 2 + k}, None) for k in range(9))])
    status, out, err = twin(flawed, text("bad.csv", ""), "--lang", "zh")
    assert status == 1
    assert "已导入" in out
    assert "没有几何" in out
    assert "另有 4 条" in out
    assert "文件是空的" in err
    english = twin(flawed, "--lang", "en", "--dry-run")[1]
    assert "has no geometry" in english
    assert "Nothing was written" in english


def test_remarks_alone_are_no_fault_to_strict(twin: Twin, geojson: Callable[..., Path]) -> None:
    flat = {"type": "Point", "coordinates": [LON, LAT, 0.0]}
    path = geojson("points.geojson", [({"id": 1}, flat)])
    status, out, _ = twin(path, "--strict", "--json")
    assert [issue["severity"] for issue in document(out)["imported"][0]["issues"]] == ["info"]
    assert status == 0


def test_options_of_frames_are_checked_before_anything_is_read(twin: Twin, geojson: Callable[..., Path]) -> None:
    path = geojson("a.geojson", [({"id": 1}, SQUARE)])
    assert twin(path, "--height-datum", "rubbish")[0] == 2
    assert twin(path, "--height-offset", "high")[0] == 2
    assert twin(path, "--control", "nowhere.csv")[0] == 1
    assert twin(path, "--height-datum", "1985国家高程基准", "--height-offset", "-12.5", "--lod", "2", "--yes")[0] == 0


def test_an_offset_reaches_the_park_and_the_report(twin: Twin, store: Store, geojson: Callable[..., Path]) -> None:
    path = geojson("points.geojson", [({"id": 1}, {"type": "Point", "coordinates": [LON, LAT, 3.5]})])
    status, out, _ = twin(path, "--height-datum", "EPSG:5737", "--height-offset", "10.25", "--json")
    (entry,) = document(out)["imported"]
    assert status == 0
    assert (entry["height_datum"], entry["height_offset_m"]) == ("EPSG:5737", 10.25)
    assert open_store(store.path).features("points").geometry[0].z == pytest.approx(13.75)
    said = twin(path, "--height-datum", "EPSG:5737", "--height-offset", "11")[1]
    assert "Yellow Sea 1985" in said
    assert "version 2; 0 added, 0 removed, 1 changed" in said


def test_progress_names_its_stages_in_words() -> None:
    assert (stage_title("write", "en"), stage_title("write", "zh")) == ("Writing", "写入")
    assert stage_title("unheard of", "en") == "unheard of"
    with progress() as bars:
        tell = _teller(bars, "zh")
        tell("read", 3, 10)
        tell("geometry", 1, 4)
        (task,) = bars.tasks
        assert (task.description, task.completed, task.total) == (stage_title("geometry", "zh"), 1, 4)


def test_every_stage_an_importer_tells_has_words() -> None:
    root = Path(import_files.__code__.co_filename).parent
    told = {code for path in root.rglob("*.py") for code in re.findall(r'progress\("(\w+)"', path.read_text("utf-8"))}
    assert told
    assert all(stage_title(code, lang) != code for code in told for lang in ("en", "zh"))


def test_help_speaks_of_every_option() -> None:
    from twin.i18n import message

    command: Any = typer.main.get_command(_app())
    for parameter in command.params:
        code = getattr(parameter, "help", None)
        if code and parameter.name not in {"install_completion", "show_completion", "help"}:
            assert message(code, "en") != code, parameter.name
            assert message(code, "zh") != message(code, "en")


def _app() -> typer.Typer:
    app = typer.Typer(add_completion=False)
    app.command()(import_files)
    return app
