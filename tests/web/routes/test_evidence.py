"""Evidence over HTTP: a kept run comes with everything to compute it again, as long as the park is as it was."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import httpx

from twin.evidence.verify import verify
from twin.store import open_store

MEASURE = "charging_space_share"


def test_a_kept_run_comes_as_a_bundle_that_verifies(own_client: httpx.Client, tmp_path: Path) -> None:
    run = own_client.post(f"/api/measures/{MEASURE}", json={"parameters": {"reach_m": 5}}).json()["run"]
    answer = own_client.get(f"/api/evidence/{run}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert f"{run}.zip" in answer.headers["content-disposition"]
    ZipFile(io.BytesIO(answer.content)).extractall(tmp_path)
    found = verify(tmp_path / run)
    assert (found.ok, found.manifest["runs"][0]["run"]) == (True, run)
    light = own_client.get(f"/api/evidence/{run}", params={"inputs": False})
    assert len(light.content) < len(answer.content)


def test_a_park_that_changed_is_told_apart(own_client: httpx.Client, own_park: Path) -> None:
    run = own_client.post(f"/api/measures/{MEASURE}", json={}).json()["run"]
    store = open_store(own_park)
    chargers = [replace(each, attributes={"connectors": 1}) if each.kind == "charger" else each for each in store.devices()]
    with store.transaction() as writer:
        writer.put_devices(chargers, source="test")
    answer = own_client.get(f"/api/evidence/{run}")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/evidence_outdated")


def test_a_run_nobody_kept_is_not_found(client: httpx.Client) -> None:
    assert client.get("/api/evidence/nothing").status_code == 404
