"""Scenarios over HTTP: made, changed, asked, applied, dropped."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from twin.measures import compute
from twin.scenario.anew import answers as answers_to
from twin.scenario.changes import read_changes
from twin.scenario.overlay import with_changes
from twin.store import open_store
from twin.store.geopackage import GeoPackageStore

MOVE = {"op": "move", "id": "cam-1", "lon": 104.0599, "lat": 30.5401}
PARAMETERS = {"density_px_per_m": 40}


def made(client: httpx.Client, name: str = "夜间", changes: Any = (MOVE,), note: str = "") -> httpx.Response:
    return client.post("/api/scenarios", json={"name": name, "note": note, "changes": list(changes)})


def test_a_scenario_is_kept_changed_and_dropped(own_client: httpx.Client, own_park: Path) -> None:
    answer = made(own_client, note="试")
    assert answer.status_code == 201, answer.text
    assert answer.json()["counts"] == {"changed": 1, "added": 0, "removed": 0}
    (device,) = answer.json()["devices"]
    assert (device["id"], device["after"]["lon"]) == ("cam-1", 104.0599)
    path = f"/api/scenarios/{quote('夜间')}"
    assert own_client.get("/api/scenarios").json() == [{"name": "夜间", "note": "试", "at": answer.json()["at"], "changes": 1}]
    more = own_client.post(f"{path}/changes", json={"changes": [{**MOVE, "lon": 104.06}, {"op": "remove", "id": "cam/2"}]}).json()
    assert (more["note"], [change["op"] for change in more["changes"]], more["changes"][0]["lon"]) == ("试", ["move", "remove"], 104.06)
    other = own_client.put(path, json={"changes": [], "note": "leer"}).json()
    assert (other["changes"], other["note"]) == ([], "leer")
    assert open_store(own_park).scenario("夜间").note == "leer"
    assert own_client.delete(path).status_code == 204
    assert own_client.get(path).status_code == 404
    assert own_client.get("/api/scenarios").json() == []


def test_what_is_wrong_is_a_problem(own_client: httpx.Client) -> None:
    assert made(own_client, "a").status_code == 201
    assert made(own_client, "a").status_code == 409
    assert made(own_client, "a/b").status_code == 400
    assert made(own_client, "b", [{"op": "fly", "id": "cam-1"}]).status_code == 400
    assert made(own_client, "b", [{"op": "remove", "id": "nobody"}]).status_code == 404
    assert own_client.post("/api/scenarios", json={"name": "b", "more": 1}).status_code == 422
    for method, path in (("PUT", "nowhere"), ("POST", "nowhere/changes"), ("POST", "nowhere/apply"), ("DELETE", "nowhere")):
        assert own_client.request(method, f"/api/scenarios/{path}", json={"changes": []}).status_code == 404
    told = own_client.post("/api/scenarios/nowhere/preview", json={}, headers={"accept-language": "zh"})
    assert (told.status_code, told.json()["type"]) == (404, "/problems/scenario_missing")
    assert "没有方案" in told.json()["title"] + told.json()["detail"]
    assert own_client.post("/api/scenarios/a/preview", json={"measure": "no_such"}).status_code == 404
    assert own_client.post("/api/scenarios/a/preview", json={"parameters": {"k": 0}}).status_code == 400
    assert own_client.post("/api/scenarios/a/preview", json={"changes": [{"op": "remove", "id": "x"}]}).status_code == 404
    assert [each["name"] for each in own_client.get("/api/scenarios").json()] == ["a"]


def test_a_draft_needs_no_scenario_and_keeps_nothing(own_client: httpx.Client) -> None:
    devices = own_client.get("/api/devices?kind=camera").json()["devices"]
    turned = [{"op": "set", "id": devices[0]["id"], "values": {"azimuth_deg": 123}}]
    before = own_client.get("/api/scenarios").json()
    answer = own_client.post("/api/scenarios/preview", json={"parameters": PARAMETERS, "changes": turned})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    kept = own_client.post("/api/scenarios", json={"name": "draft", "changes": turned}).json()["name"]
    same = own_client.post(f"/api/scenarios/{kept}/preview", json={"parameters": PARAMETERS}).json()
    own_client.delete(f"/api/scenarios/{kept}")
    assert told["scenario"] is None
    assert (told["value"], told["lower"], told["upper"]) == (same["value"], same["lower"], same["upper"])
    assert own_client.get("/api/scenarios").json() == before
    assert own_client.get("/api/devices?kind=camera").json()["devices"] == devices


def test_surfaces_are_listed_by_name(own_client: httpx.Client) -> None:
    listed = {each["id"]: each for each in own_client.get("/api/surfaces").json()}
    assert listed["outdoor_public_ground"]["title_zh"] == "室外公共区域"
    assert all(each["title_en"] and not each["title_en"].startswith("surface_") for each in listed.values())


def test_a_preview_is_what_the_measure_says(own_client: httpx.Client, own_park: Path) -> None:
    made(own_client, "a", [{"op": "set", "id": "cam-1", "values": {"azimuth_deg": 200}}])
    asked = {"measure": "camera_area_share", "parameters": PARAMETERS, "changes": [MOVE]}
    answer = own_client.post("/api/scenarios/a/preview", json=asked)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    store = open_store(own_park)
    scenario = store.scenario("a").changes
    for key, changes in (("before", scenario), ("after", [*scenario, *read_changes([MOVE])])):
        result = compute(with_changes(store, changes), "camera_area_share", PARAMETERS)
        found = told["before"] if key == "before" else told
        assert [found[name] for name in ("value", "lower", "upper", "numerator", "denominator")] == [
            result.value, result.lower, result.upper, result.numerator, result.denominator,
        ]  # fmt: skip
    assert told["delta"] == told["value"] - told["before"]["value"]
    assert told["gaps"]["type"] == "FeatureCollection"
    assert {feature["properties"]["change"] for feature in told["gaps"]["features"]} <= {"opened", "closed"}
    assert told["milliseconds"] > 0
    kept = own_client.post("/api/measures/camera_area_share", json={"parameters": PARAMETERS, "scenario": "a"}).json()
    assert kept["value"] == told["before"]["value"], "the measure itself, asked for the scenario, says the same"


def test_a_scenario_that_changed_is_measured_anew(own_client: httpx.Client) -> None:
    made(own_client, "a", [])
    asked = {"parameters": PARAMETERS, "scenario": "a"}
    before = own_client.post("/api/measures/camera_area_share", json=asked).json()
    gone = [{"op": "remove", "id": name} for name in ("cam-1", "cam/2")]
    assert own_client.put("/api/scenarios/a", json={"changes": gone}).status_code == 200
    after = own_client.post("/api/measures/camera_area_share", json=asked).json()
    assert (after["value"], before["run"] == after["run"]) == (0.0, False)
    assert own_client.post("/api/measures/camera_area_share", json={"scenario": "nowhere"}).status_code == 404


def test_many_ask_at_once(own_client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first question makes a session, and those at the same time share it."""
    made(own_client, "a", [])
    sessions: list[str] = []

    def watched(store: Any, measure: Any, request: Any) -> Any:
        sessions.append(measure.id)
        return answers_to(store, measure, request)

    monkeypatch.setattr("web.whatif.answers", watched)

    def ask(k: int) -> Any:
        changes = [{**MOVE, "lat": 30.5401 + 1e-5 * (k % 3)}]
        return own_client.post("/api/scenarios/a/preview", json={"parameters": PARAMETERS, "changes": changes}).json()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, range(9)))
    assert sessions == ["camera_area_share"]
    for k in range(3):
        assert len({answer["value"] for answer in answers[k::3]}) == 1
    assert all("value" in answer for answer in answers)


def test_applying_changes_the_park(own_client: httpx.Client, own_park: Path) -> None:
    made(own_client, "a", [MOVE, {"op": "add", "id": "new", "device": {"kind": "camera", "lon": 104.06, "lat": 30.54}}])
    revision = own_client.get("/api/park").json()["revision"]
    answer = own_client.post("/api/scenarios/a/apply").json()
    assert (answer["applied"], answer["changed"], answer["added"], answer["removed"]) == ("a", 1, 1, 0)
    assert answer["revision"] == own_client.get("/api/park").json()["revision"] != revision
    devices = {device["id"]: device for device in own_client.get("/api/devices?kind=camera").json()["devices"]}
    assert devices["cam-1"]["lon"] == pytest.approx(104.0599)
    assert "new" in devices
    assert own_client.get("/api/scenarios").json() == []
    assert isinstance(open_store(own_park), GeoPackageStore)


def test_only_this_machine_may_apply(own_client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    made(own_client, "a")
    monkeypatch.setattr("web.routes.scenarios.is_loopback_client", lambda _: False)
    assert own_client.post("/api/scenarios/a/apply").status_code == 403
    assert len(own_client.get("/api/scenarios").json()) == 1


def test_a_park_keeps_so_many(own_client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.answers.scenarios.MOST_SCENARIOS", 1)
    assert made(own_client, "a").status_code == 201
    assert made(own_client, "b").status_code == 409
