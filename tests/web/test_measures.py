"""Measures over HTTP: run once for all who ask, kept, read back in both languages."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from twin.measures import compute
from twin.store import open_store

MEASURE = "charging_space_share"


def test_list(client: httpx.Client) -> None:
    measures = {measure["id"]: measure for measure in client.get("/api/measures").json()}
    assert {
        "camera_area_share", "camera_key_position_share", "wifi_area_share", "mobile_signal_area_share", "fiveg_area_share", MEASURE,
    } <= set(measures)  # fmt: skip
    for measure in measures.values():
        assert measure["title_en"]
        assert measure["title_zh"]
        assert {"name", "default", "unit", "source", "meaning_en", "meaning_zh", "choices"} <= set(measure["parameters"][0])


def test_identical_requests_compute_once(own_client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []

    def watched(store: Any, measure: str, given: Any, **more: Any) -> Any:
        computed.append(measure)
        time.sleep(0.2)
        return compute(store, measure, given, **more)

    monkeypatch.setattr("web.runs.compute", watched)
    gate = threading.Barrier(4)

    def ask(_: int) -> dict[str, Any]:
        gate.wait()
        answer = own_client.post(f"/api/measures/{MEASURE}", json={"parameters": {"reach_m": 5}})
        assert answer.status_code == 200, answer.text
        return answer.json()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(4)))
    assert computed == [MEASURE]
    assert all(answer == answers[0] for answer in answers)
    own_client.post(f"/api/measures/{MEASURE}", json={"parameters": {"reach_m": 6}})
    assert len(computed) == 2


def test_result_is_kept_and_read_back(own_client: httpx.Client, own_park: Any) -> None:
    result = own_client.post(f"/api/measures/{MEASURE}", json={"parameters": {}}, headers={"accept-language": "zh"}).json()
    direct = compute(open_store(own_park), MEASURE, {})
    assert (result["value"], result["numerator"], result["denominator"]) == (direct.value, direct.numerator, direct.denominator)
    assert result["run"] == direct.run
    again = own_client.get(f"/api/results/{result['run']}", headers={"accept-language": "zh"}).json()
    assert again == result
    english = own_client.get(f"/api/results/{result['run']}", headers={"accept-language": "en"}).json()
    assert english["title"] == english["title_en"]
    assert again["title"] == again["title_zh"]
    gaps = own_client.get(f"/api/results/{result['run']}/gaps").json()
    assert gaps["type"] == "FeatureCollection"
    assert [feature["properties"]["id"] for feature in gaps["features"]] == [gap["id"] for gap in result["gaps"]]
    samples = own_client.get(f"/api/results/{result['run']}/samples").json()
    assert len({len(samples[name]) for name in ("lon", "lat", "h", "value", "state", "size_m")}) == 1


@pytest.mark.parametrize(("measure", "body", "status", "code"), [
    ("none", {}, 404, "not_registered"), (MEASURE, {"parameters": {"no_such": 1}}, 400, "parameter_unknown"),
    (MEASURE, {"parameters": {"reach_m": "far"}}, 400, "parameter_value"), (MEASURE, {"surprise": 1}, 422, "http_invalid"),
    (MEASURE, {"parameters": []}, 422, "http_invalid"),
])  # fmt: skip
def test_requests_that_cannot_be_met(client: httpx.Client, measure: str, body: dict[str, Any], status: int, code: str) -> None:
    answer = client.post(f"/api/measures/{measure}", json=body)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}")


def test_a_park_that_lacks_what_is_needed_is_told(own_client: httpx.Client, own_park: Any) -> None:
    with open_store(own_park).transaction() as writer:
        writer.drop_source("bays")
        writer.drop_source("car parks")
        writer.drop_source("test")
    answer = own_client.post(f"/api/measures/{MEASURE}", json={})
    if answer.status_code == 200:  # nothing to charge: not applicable, never 0 or 1
        assert answer.json()["value"] is None
    else:
        assert answer.status_code == 409


def test_packs_and_scorecard(own_client: httpx.Client) -> None:
    packs = own_client.get("/api/packs").json()
    assert packs
    card = own_client.get(f"/api/scorecards/{packs[0]['id']}").json()
    assert card["pack"] == packs[0]["id"]
    assert len(card["indicators"]) == packs[0]["indicators"]
    for row in card["indicators"]:
        assert row["verdict"] in {"pass", "partial", "fail", "undecided", "not_applicable", "not_measured"}
        if row["run"]:
            assert own_client.get(f"/api/results/{row['run']}").json()["measure"] == row["measure"]


def test_sees_says_which_cameras_and_why_not(client: httpx.Client) -> None:
    point = client.get("/api/layers/key/features/key/0").json()["geometry"]["coordinates"]
    answer = client.get("/api/sees", params={"lon": point[0], "lat": point[1], "h": 1.5}).json()
    cameras = {camera["id"]: camera for camera in answer["cameras"]}
    assert cameras["cam-1"]["sees"] is True
    assert cameras["cam-1"]["distance_m"] == pytest.approx((15**2 + 2.5**2) ** 0.5, abs=0.05)
    assert cameras["cam/2"]["sees"] is False


@pytest.mark.parametrize(
    ("place", "status"), [({"lon": 0, "lat": 0}, 400), ({"h": "nan"}, 422), ({"h": 1e9}, 422), ({"storey": "no"}, 404)]
)
def test_a_place_no_camera_has_to_do_with_is_refused(client: httpx.Client, place: dict[str, object], status: int) -> None:
    point = client.get("/api/layers/key/features/key/0").json()["geometry"]["coordinates"]
    answer = client.get("/api/sees", params={"lon": point[0], "lat": point[1], **place})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_events_learn_who_sees_them(own_client: httpx.Client) -> None:
    point = own_client.get("/api/layers/key/features/key/0").json()["geometry"]["coordinates"]
    posted = own_client.post("/api/events", json={"kind": "intrusion", "lon": point[0], "lat": point[1], "h_m": 1.5}).json()
    for _ in range(200):
        told = {event["id"]: event for event in own_client.get("/api/events").json()["events"]}[posted["id"]]
        if "seen_by" in told:
            break
        time.sleep(0.05)
    assert told["seen_by"] == ["cam-1"]
