"""Parks moved by the command line: from a directory to a database and back, and no password is said aloud."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.parks import PARK, full_park, told
from twin.cli import run
from twin.store import Store, create_store, name_of, open_store

SECRET = "p%40ss%2Fword"


@pytest.fixture
def park(tmp_path: Path) -> Store:
    folder = tmp_path / "files"
    folder.mkdir()
    return full_park(create_store(tmp_path / "park", PARK), folder)


def test_a_backup_is_a_park(park: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = str(tmp_path / "copy")
    assert run(["backup", park.address, copy, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"park": copy, "layers": 3, "models": 2, "devices": 3, "versions": 3}
    assert told(open_store(copy)) == told(park)
    assert run(["backup", park.address, copy, "--lang", "zh"]) == 1
    assert "此处已有内容" in capsys.readouterr().err


def test_a_park_moves_to_a_database_and_back(
    park: Store, tmp_path: Path, new_database_park: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    database, exported = new_database_park(), new_database_park()
    assert run(["restore", park.address, database]) == 0
    assert "3 layers, 2 models, 3 devices, 3 versions" in capsys.readouterr().out
    assert run(["export", database, "--format", "park", "-o", exported, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["path"] == exported
    assert run(["export", exported, "--format", "park", "-o", str(tmp_path / "back")]) == 0
    assert told(open_store(tmp_path / "back")) == told(open_store(database)) == told(park)
    assert run(["export", park.address, "--format", "geojson", "-o", exported]) == 2
    assert run(["export", park.address, "--format", "park", "--layer", "roads", "-o", str(tmp_path / "x")]) == 2


def test_every_command_takes_a_park_in_a_database(
    postgis_server: str, new_database_park: Callable[[], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = name_of(new_database_park())
    with psycopg.connect(f"{postgis_server}/park", autocommit=True) as db:
        db.execute("GRANT CREATE ON DATABASE park TO guest")
    park = f"postgresql://guest:{SECRET}@127.0.0.1:{postgis_server.rpartition(':')[2]}/park?park={schema}"
    assert run(["init", park, "--origin", "104.06,30.54,500"]) == 0
    said = capsys.readouterr().out
    source = tmp_path / "gates.geojson"
    source.write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "g", "properties": {"name": "东门"}, '
        '"geometry": {"type": "Point", "coordinates": [104.06, 30.54]}}]}',
        "utf-8",
    )
    cameras = tmp_path / "cameras.csv"
    cameras.write_text("id,kind,name,lon,lat\nc1,camera,东门,104.06,30.54\n", "utf-8")
    for arguments in (
        ["import", park, str(source), "--kind", "key_position", "--layer", "gates"], ["import", park, str(cameras)],
        ["info", park], ["info", park, "--json"], ["layers", park], ["models", park], ["tiles", park], ["simulate", park, "--count", "2"],
        ["sees", park, "--at", "104.06,30.54"], ["export", park, "--format", "geojson", "-o", str(tmp_path / "out")],
    ):  # fmt: skip
        assert run(arguments) == 0, arguments
        printed = capsys.readouterr()
        said += printed.out + printed.err
    assert run(["import", park, str(tmp_path / "nothing.shp")]) == 1
    assert run(["init", park, "--origin", "104.06,30.54"]) == 1
    printed = capsys.readouterr()
    said += printed.out + printed.err
    assert "gates" in said
    assert '"store": "postgis"' in said
    assert SECRET not in said
    assert "p@ss" not in said
    assert open_store(park).features("gates").ids == ["g"]


def test_a_database_that_does_not_answer_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", f"postgresql://u:{SECRET}@127.0.0.1:1/d", "--lang", "zh"]) == 1
    said = capsys.readouterr().err
    assert "数据库服务器无应答" in said
    assert SECRET not in said
