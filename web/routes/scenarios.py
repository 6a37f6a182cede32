"""Scenarios, and what a change to a device would give."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from twin.scenario.apply import apply, counted
from twin.scenario.changes import read_changes
from web.answers.scenarios import (
    AppliedAnswer,
    PreviewAnswer,
    PreviewIn,
    ScenarioAnswer,
    ScenarioBody,
    ScenarioIn,
    ScenarioRow,
    dropped,
    extended,
    made,
    preview_answer,
    replaced,
    scenario_answer,
    scenarios_answer,
)
from web.problems import Forbidden
from web.security import is_loopback_client
from web.served import ServedPark

router = APIRouter(prefix="/api/scenarios", tags=["scenarios"])


@router.get("")
def get_scenarios(served: ServedPark) -> Sequence[ScenarioRow]:
    """All scenarios, by name."""
    return scenarios_answer(served.store)


@router.post("", status_code=201)
def post_scenario(served: ServedPark, told: ScenarioIn) -> ScenarioAnswer:
    """Keep a new scenario."""
    return made(served.store, told)


@router.post("/preview")
async def post_draft(served: ServedPark, asked: PreviewIn) -> PreviewAnswer:
    """What changes to the park itself would give, kept nowhere; the first question of a measure is slow, those after it quick."""
    return await _previewed(served, None, asked)


@router.get("/{name}")
def get_scenario(served: ServedPark, name: str) -> ScenarioAnswer:
    """A scenario, with each device that it makes different."""
    return scenario_answer(served.store, name)


@router.put("/{name}")
def put_scenario(served: ServedPark, name: str, told: ScenarioBody) -> ScenarioAnswer:
    """Give a scenario other changes."""
    return replaced(served.store, name, told)


@router.post("/{name}/changes")
def post_changes(served: ServedPark, name: str, told: ScenarioBody) -> ScenarioAnswer:
    """Add changes to a scenario; a device that is moved again is moved once."""
    return extended(served.store, name, told)


@router.delete("/{name}", status_code=204)
def delete_scenario(served: ServedPark, name: str) -> Response:
    """Drop a scenario."""
    dropped(served.store, name)
    return Response(status_code=204)


@router.post("/{name}/apply")
def post_apply(served: ServedPark, request: Request, name: str) -> AppliedAnswer:
    """Make a scenario's changes to the park itself, from this machine alone; the scenario is dropped."""
    if not is_loopback_client(request.scope):
        raise Forbidden("scenario_not_local", subject=request.client.host if request.client else "")
    counts = counted(apply(served.store, name))
    return AppliedAnswer(applied=name, revision=served.store.revision(), **counts)


@router.post("/{name}/preview")
async def post_preview(served: ServedPark, name: str, asked: PreviewIn) -> PreviewAnswer:
    """What changes beyond a scenario's own would give; the first question of a measure makes it ready, those after it are quick."""
    return await _previewed(served, name, asked)


async def _previewed(served: ServedPark, name: str | None, asked: PreviewIn) -> PreviewAnswer:
    changes = read_changes(asked.changes)
    found = await run_in_threadpool(served.whatif.preview, asked.measure, asked.parameters, name, changes)
    return preview_answer(found, asked.measure, name)
