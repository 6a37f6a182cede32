"""Events taken in and told over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from twin.store import open_store

PLACE = {"lon": 104.0601, "lat": 30.5401}


def test_what_is_left_out_is_filled(own_client: httpx.Client, own_park: Path) -> None:
    answer = own_client.post("/api/events", json={"kind": "leak", **PLACE})
    assert answer.status_code == 201
    told = answer.json()
    assert told["severity"] == "info"
    assert told["h_m"] == 0.0  # the ground of a park without terrain
    assert told["at"].endswith("Z")
    kept = open_store(own_park).events(limit=1)[0]
    assert (kept.id, kept.lon, kept.lat) == (told["id"], PLACE["lon"], PLACE["lat"])


def test_times_are_kept_in_utc(own_client: httpx.Client) -> None:
    told = own_client.post("/api/events", json={"kind": "leak", **PLACE, "at": "2026-03-01T08:00:00+08:00"}).json()
    assert told["at"] == "2026-03-01T00:00:00.000Z"
    since = own_client.get("/api/events", params={"since": "2026-02-28T23:59:59Z"}).json()["events"]
    assert [entry["id"] for entry in since] == [told["id"]]
    assert own_client.get("/api/events", params={"since": "2026-03-01T08:00:00+08:00"}).json()["events"] == []


def test_limit_keeps_the_newest(own_client: httpx.Client) -> None:
    for hour in range(5):
        own_client.post("/api/events", json={"kind": "leak", **PLACE, "id": str(hour), "at": f"2026-03-01T0{hour}:00:00Z"})
    assert [entry["id"] for entry in own_client.get("/api/events?limit=2").json()["events"]] == ["3", "4"]


@pytest.mark.parametrize("wrong", [
    {"kind": "leak"}, {"kind": "", **PLACE}, {"kind": "leak", "lon": 200, "lat": 0}, {"kind": "leak", **PLACE, "at": "yesterday"},
    {"kind": "leak", **PLACE, "at": "2026-03-01T08:00:00"}, {"kind": "leak", **PLACE, "severity": "loud"},
    {"kind": "leak", **PLACE, "surprise": 1}, {"kind": "leak", "lon": float("inf"), "lat": 1}, {"kind": "leak", **PLACE, "h_m": "high"},
])  # fmt: skip
def test_what_cannot_be_an_event_is_refused(own_client: httpx.Client, wrong: dict[str, object]) -> None:
    answer = own_client.post("/api/events", content=json.dumps(wrong), headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/http_invalid"
    assert [entry["id"] for entry in own_client.get("/api/events").json()["events"]] == ["old"]


def test_an_event_far_from_the_park_is_refused_with_its_distance(own_client: httpx.Client) -> None:
    answer = own_client.post("/api/events", json={"kind": "leak", "lon": 30.54, "lat": 84.06}, headers={"accept-language": "en"})
    assert answer.status_code == 400
    assert answer.json()["type"] == "/problems/event_outside"
    assert "km from the park" in answer.json()["detail"]
