"""`twin scenario` as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.twin.scenario.conftest import lonlat
from twin.cli import run
from twin.errors import UsageError
from twin.scenario.names import checked_name
from twin.scenario.writing import additions, moves, settings
from twin.store import Store, open_store

LON, LAT = lonlat(-5, -20)


@pytest.fixture
def twin(park: Store, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs `twin scenario PARK …`; the exit status, and what was said (the JSON document where it was asked for)."""

    def command(*arguments: str) -> tuple[int, Any]:
        status = run(["scenario", park.address, *arguments])
        told = capsys.readouterr()
        return status, json.loads(told.out) if "--json" in arguments and told.out else told.out + told.err

    return command


def test_a_scenario_from_new_to_applied(park: Store, twin: Any) -> None:
    status, made = twin(
        "new", "夜间", "--move", f"north={LON},{LAT},6", "--set", "east.azimuth_deg=45", "--set", "east.name=Ost", "--note", "试", "--json"
    )
    assert status == 0
    assert (made["name"], made["note"], made["counts"]) == ("夜间", "试", {"changed": 2, "added": 0, "removed": 0})
    assert {each["id"]: each["after"]["azimuth_deg"] for each in made["devices"]} == {"north": 0.0, "east": 45}
    record = {"id": "new", "kind": "camera", "lon": LON, "lat": LAT, "azimuth_deg": 90}
    assert twin("change", "夜间", "--add", json.dumps(record), "--remove", "blind")[0] == 0
    assert twin("list", "--json")[1][0] | {"at": ""} == {"name": "夜间", "note": "试", "at": "", "changes": 4}
    status, compared = twin("diff", "夜间", "--measure", "camera_area_share", "--param", "density_px_per_m=60", "--json")
    (row,) = compared["measures"]
    assert row["delta"] == row["after"]["value"] - row["before"]["value"] != 0
    assert row["before"]["lower"] <= row["before"]["value"] <= row["before"]["upper"]
    assert park.run(row["after"]["run"])["result"]["scenario"] == "夜间"
    shown = twin("show", "夜间")[1]
    assert "azimuth_deg = 45" in shown
    assert "2 devices changed, 1 added, 1 removed" in shown
    status, applied = twin("apply", "夜间", "--json")
    assert (status, applied) == (0, {"applied": "夜间", "changed": 2, "added": 1, "removed": 1, "revision": park.revision()})
    assert [device.id for device in open_store(park.address).devices("camera")] == ["north", "east", "turning", "new"]
    assert twin("list")[0] == 0


def test_measure_takes_a_scenario(park: Store, twin: Any, capsys: pytest.CaptureFixture[str]) -> None:
    twin("new", "gone", "--remove", "north", "--remove", "east", "--remove", "blind", "--remove", "turning")
    assert run(["measure", park.address, "camera_area_share", "--scenario", "gone", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["value"], document["scenario"]) == (0.0, "gone")
    assert run(["measure", park.address, "camera_area_share", "--scenario", "nowhere"]) == 1
    assert "no scenario nowhere" in capsys.readouterr().err


def test_without_a_measure_named_those_of_the_devices_are_compared(twin: Any) -> None:
    twin("new", "cameras", "--set", "north.azimuth_deg=10")
    compared = twin("diff", "cameras", "--json")[1]
    assert [row["measure"] for row in compared["measures"]] == ["camera_area_share"]
    assert [row["measure"] for row in compared["skipped"]] == ["camera_key_position_share"], "the park has no doors or stairs"
    assert twin("diff", "cameras", "--measure", "camera_key_position_share")[0] == 1
    twin("new", "empty")
    status, told = twin("diff", "empty", "--lang", "zh")
    assert status == 2
    assert "方案 empty" in told


def test_dropping(twin: Any) -> None:
    twin("new", "a")
    assert twin("drop", "a")[1].strip() == "a is dropped."
    assert twin("drop", "a")[0] == 1
    assert twin("list", "--json")[1] == []


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["show"], 2, "needs the name"), (["show", "nowhere"], 1, "no scenario nowhere"), (["new", "a/b"], 2, "cannot be called"),
        (["new", "x", "--move", "north=1"], 2, "does not say where"), (["new", "x", "--move", "north=a,b"], 2, "does not say where"),
        (["new", "x", "--set", "north=1"], 2, "does not say what"), (["new", "x", "--remove", "nobody"], 1, "no device nobody"),
        (["new", "x", "--add", "nofile.json"], 2, "no devices in nofile.json"),
            (["new", "x", "--set", "north.status=lost"], 2, "status lost"),
        (["fly", "x"], 2, "fly"), (["diff", "x"], 1, "no scenario x"),
            (["new", "x", "--move", "north=500,1"], 2, "cannot be 500"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_a_sentence(park: Store, twin: Any, arguments: list[str], status: int, told: str) -> None:
    found = twin(*arguments)
    assert found[0] == status
    assert told in found[1]
    assert park.scenarios() == []


def test_a_second_of_the_same_name_is_refused(park: Store, twin: Any) -> None:
    twin("new", "a", "--remove", "ap")
    status, told = twin("new", "a", "--lang", "zh")
    assert (status, "已存在" in told) == (1, True)
    assert len(park.scenario("a").changes) == 1


def test_places_and_settings_as_they_are_written() -> None:
    assert moves(["a=b=1,2", "c=1.5,2.5,3"]) == [
        {"op": "move", "id": "a=b", "lon": 1.0, "lat": 2.0}, {"op": "move", "id": "c", "lon": 1.5, "lat": 2.5, "height_m": 3.0},
    ]  # fmt: skip
    assert settings(["a.b.azimuth_deg=90", "a.b.name=West=1", "a.b.presets=[1,2]", "c.x=null"]) == [
        {"op": "set", "id": "a.b", "values": {"azimuth_deg": 90, "name": "West=1", "presets": [1, 2]}},
        {"op": "set", "id": "c", "values": {"x": None}},
    ]  # fmt: skip


def test_devices_come_from_every_kind_of_file(tmp_path: Path) -> None:
    record = {"id": "n", "kind": "camera", "lon": 1.5, "lat": 2.5, "azimuth_deg": 90}
    feature = {
        "type": "Feature",
        "id": "n",
        "properties": {"kind": "camera", "azimuth_deg": 90},
        "geometry": {"type": "Point", "coordinates": [1.5, 2.5]},
    }
    contents = {
        "a.json": json.dumps(record), "b.json": json.dumps([record]),
        "c.geojson": json.dumps({"type": "FeatureCollection", "features": [feature]}),
        "d.json": json.dumps(feature), "e.csv": "\ufeffid,kind,name,lon,lat,azimuth_deg,note\nn,camera,,1.5,2.5,90,\n",
    }  # fmt: skip
    for name, content in contents.items():
        (tmp_path / name).write_text(content, "utf-8")
        (change,) = additions([str(tmp_path / name)])
        assert change["id"] == "n"
        assert {**record, **{key: value for key, value in change["device"].items() if value is not None}} == record
    for name, content in {
        "x.csv": "a,b\n1,2\n",
        "y.json": "[1]",
        "z.geojson": '{"type": "Feature", "geometry": null}',
        "w.json": "{",
    }.items():
        (tmp_path / name).write_text(content)
        with pytest.raises(UsageError):
            additions([str(tmp_path / name)])
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    with pytest.raises(UsageError):
        additions([str(tmp_path / "binary")])


@pytest.mark.parametrize("name", ["", " ", "a/b", "..", "-x", "a\nb", "x" * 81, 'q"'])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(UsageError):
        checked_name(name)


@pytest.mark.parametrize("name", ["夜间 方案", "plan-2", " a.b "])
def test_names_that_can(name: str) -> None:
    assert checked_name(name) == name.strip()
