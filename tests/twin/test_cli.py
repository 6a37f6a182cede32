"""The command line: exit statuses, one JSON document, sentences in the language asked for."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from twin.cli import run
from twin.console import figure, interval, percent, worded
from twin.errors import UsageError
from twin.files import write_atomically
from twin.i18n import hint, message, preferred_language


@pytest.fixture
def park(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    path = str(tmp_path / "park")
    assert run(["init", path, "--origin", "104.06,30.54,500", "--name", "试验园区"]) == 0
    capsys.readouterr()
    return path


def test_a_new_park_says_what_it_is(park: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", park, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["name"] == "试验园区"
    assert told["origin"] == [104.06, 30.54]
    assert told["extent"] is None
    assert (told["layers"], told["models"], told["devices"], told["events"]) == ([], [], {}, 0)


def test_the_park_file_is_for_people(park: str) -> None:
    text = (Path(park) / "park.toml").read_text("utf-8")
    assert "试验园区" in text
    assert "104.06" in text


@pytest.mark.parametrize(
    ("arguments", "status", "english", "chinese"),
    [
        (["info", "nowhere"], 1, "there is no park", "没有园区"),
        (["init", "x", "--origin", "30.54,104.06"], 2, "latitude cannot", "纬度不能"),
        (["init", "x", "--origin", "here"], 2, "numbers parted by commas", "逗号分隔"),
        (["init", "x", "--origin", "nan,30"], 2, "numbers parted by commas", "逗号分隔"),
        (["init", "x", "--origin", "500,30"], 2, "not a place on earth", "不是地球上"),
        (["init", "x", "--origin", "104,30", "--crs", "EPSG:999999"], 1, "not known", "未知的坐标系"),
        (["measure", "nowhere", "camera_area_share"], 1, "there is no park", "没有园区"),
    ],
)
def test_failures_are_one_sentence_in_the_language_asked_for(
    arguments: list[str],
    status: int,
    english: str,
    chinese: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for lang, words in (("en", english), ("zh", chinese)):
        assert run([*arguments, "--lang", lang]) == status
        told = capsys.readouterr()
        assert words in told.err
        assert "Traceback" not in told.err
        assert told.out == ""
    assert not (tmp_path / "x").exists()


def test_a_failure_with_json_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", "nowhere", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["error"]["code"] == "park_missing"


def test_wrong_usage_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["no-such-command"]) == 2
    assert run(["info"]) == 2
    assert run(["info", "--no-such-option"]) == 2
    capsys.readouterr()


@pytest.mark.parametrize(("at", "status"), [("104.06,30.54", 0), ("104.5,30.54", 0), ("30.54,104.06", 2), ("30.54,60", 2), ("nan,30", 2)])
def test_a_point_far_from_the_park_is_refused(park: str, capsys: pytest.CaptureFixture[str], at: str, status: int) -> None:
    assert run(["sees", park, "--at", at, "--json", "--lang", "zh"]) == status
    caught = capsys.readouterr()
    told = json.loads(caught.out)
    assert ("error" in told) == (status == 2)
    assert ("104.06,30.54" in caught.err) == (status == 2)


def test_unknown_measures_parameters_and_packs_are_named(park: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, known in (
        (["measure", park, "nothing"], "camera_area_share"),
        (["measure", park, "camera_area_share", "--param", "colour=red"], "density_px_per_m"),
        (["measure", park, "camera_area_share", "--param", "k=many"], "k"),
        (["score", park, "nothing"], "chengdu-2021"),
    ):
        assert run([*arguments, "--lang", "en"]) == 1
        assert known in capsys.readouterr().err


def test_help_exists_in_both_languages(capsys: pytest.CaptureFixture[str]) -> None:
    for lang, words in (("en", "Compute one measure"), ("zh", "计算一个指标")):
        assert run(["--help", "--lang", lang]) in {0, 2}
        assert run(["measure", "--help", "--lang", lang]) == 0
        assert words in capsys.readouterr().out


def test_lists_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["packs", "--json"]) == 0
    assert [pack["id"] for pack in json.loads(capsys.readouterr().out)] == ["chengdu-2021"]
    assert run(["measures", "--json"]) == 0
    listed = {measure["id"]: measure for measure in json.loads(capsys.readouterr().out)}
    assert {"camera_area_share", "wifi_area_share", "charging_space_share"} <= set(listed)
    assert all(parameter["source"] for measure in listed.values() for parameter in measure["parameters"])


def test_what_is_no_share_is_shown_as_it_is_counted() -> None:
    assert figure(6.0, "count", 2) == "6"
    assert figure(0.5, "1") == "50.0 %"
    assert interval(3.0, 6.0, "count") == "3 – 6"
    assert interval(0.5, 0.625, "1", 2) == "50.00 % – 62.50 %"
    assert interval(None, None, "1") == "—"
    assert worded("reason", "occluded", "zh") == "被遮挡"
    assert worded("quantity", "function", "en") == "functions"
    assert worded("reason", "nobody_named_this", "en") == "nobody named this"


def test_a_share_is_never_shown_as_more_than_it_is() -> None:
    assert percent(0.8999999) == "89.9 %"
    assert percent(0.9) == "90.0 %"
    assert percent(0.087) == "8.7 %"
    assert percent(1.0, 2) == "100.00 %"
    assert percent(None) == "—"


def test_files_are_whole_or_not_there(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    write_atomically(target, "one")
    write_atomically(target, b"two")
    assert target.read_text() == "two"
    assert list(tmp_path.iterdir()) == [target]
    with pytest.raises(UsageError, match="no such folder"):
        write_atomically(tmp_path / "no" / "out.txt", "x")


def test_the_language_follows_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert preferred_language() == "zh"
    assert preferred_language("en") == "en"
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert preferred_language() == "en"


def test_sentences_that_lack_their_details_are_still_sentences() -> None:
    assert "{subject}" in message("park_missing", "en")
    assert message("no_such_code", "en") == "no_such_code"
    assert hint("verdict_pass", "en") == ""


def test_what_nobody_expected_is_still_one_sentence(park: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("twin.commands.describe", explode)
    assert run(["info", park, "--lang", "zh"]) == 1
    told = capsys.readouterr().err
    assert "ZeroDivisionError" in told
    assert "Traceback" not in told
    monkeypatch.setenv("PARKTWIN_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run(["info", park])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_a_command_cleans_up_and_says_so(park: str, tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "a.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    waiting = (
        "import sys, time, importers.cli\n"
        "def wait(*_, **__):\n"
        "    try:\n        print('ready', file=sys.stderr, flush=True); time.sleep(60)\n"
        "    finally:\n        print('cleaned', file=sys.stderr, flush=True)\n"
        "importers.cli.import_into = wait\n"
        "from twin.cli import main\nmain()\n"
    )
    command = [sys.executable, "-c", waiting, "import", park, str(tmp_path / "a.geojson"), "--json", "--lang", "en"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == "ready\n"
        running.send_signal(number)
        out, told = running.communicate(timeout=30)
    assert (running.returncode, json.loads(out)["error"]["code"]) == (1, "interrupted")
    assert told.splitlines() == ["cleaned", message("interrupted", "en")]
