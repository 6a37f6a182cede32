"""Scenarios as they are told and taken in over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from twin.errors import Conflict
from twin.model import Scenario
from twin.scenario.apply import alterations, put
from twin.scenario.changes import read_changes, with_more
from twin.scenario.names import checked_name
from twin.scenario.report import described, listed
from twin.scenario.session import Preview, preview_json
from twin.store import Store

MOST_SCENARIOS = 1000


class ScenarioIn(BaseModel):
    """A scenario to be made: its name, what it is for, its changes."""

    model_config = ConfigDict(extra="forbid")

    name: str
    note: str = ""
    changes: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])


class ScenarioBody(BaseModel):
    """What a scenario holds; a note that is not given stays as it is."""

    model_config = ConfigDict(extra="forbid")

    note: str | None = None
    changes: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])


class PreviewIn(BaseModel):
    """What is asked: a measure with its parameters, and changes beyond the scenario's own."""

    model_config = ConfigDict(extra="forbid")

    measure: str = "camera_area_share"
    parameters: dict[str, Any] = Field(default_factory=dict[str, Any])
    changes: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])


class ScenarioRow(BaseModel):
    """A scenario in a list."""

    name: str
    note: str
    at: str
    changes: int


class ScenarioAnswer(BaseModel):
    """A scenario: its changes, and each device that it makes different, before and after."""

    name: str
    note: str
    at: str
    changes: Sequence[Mapping[str, Any]]
    counts: Mapping[str, int]
    devices: Sequence[Mapping[str, Any]]


class AppliedAnswer(BaseModel):
    """What applying a scenario did to the park."""

    applied: str
    changed: int
    added: int
    removed: int
    revision: str


class SharesAnswer(BaseModel):
    """A share with its bounds; null where nothing is to be covered."""

    value: float | None
    lower: float | None
    upper: float | None
    numerator: float
    denominator: float


class ContributionAnswer(BaseModel):
    """What a device covers, and what would be lost without it, in the measure's quantity."""

    id: str
    covered: float
    lost: float


class PreviewAnswer(SharesAnswer):
    """What changes would give: the value then and before, and the pieces that are no longer or newly covered, as GeoJSON."""

    measure: str
    scenario: str | None
    delta: float | None
    amount: float
    before: SharesAnswer
    gaps: Mapping[str, Any]
    devices: Sequence[ContributionAnswer]
    cells: int
    milliseconds: float


def scenarios_answer(store: Store) -> Sequence[ScenarioRow]:
    """All scenarios, by name."""
    return [ScenarioRow.model_validate(listed(each)) for each in store.scenarios()]


def scenario_answer(store: Store, name: str) -> ScenarioAnswer:
    """One scenario; raises NotFound."""
    return ScenarioAnswer.model_validate(described(store, store.scenario(name)))


def made(store: Store, told: ScenarioIn) -> ScenarioAnswer:
    """A new scenario, kept; raises Conflict where there is one of its name."""
    name = checked_name(told.name)
    known = [each.name for each in store.scenarios()]
    if name in known:
        raise Conflict("scenario_exists", subject=name)
    if len(known) >= MOST_SCENARIOS:
        raise Conflict("scenarios_too_many", subject=len(known), most=MOST_SCENARIOS)
    return _kept(store, Scenario(name), told.changes, told.note)


def replaced(store: Store, name: str, told: ScenarioBody) -> ScenarioAnswer:
    """A scenario with other changes; raises NotFound."""
    return _kept(store, store.scenario(name), told.changes, told.note)


def extended(store: Store, name: str, told: ScenarioBody) -> ScenarioAnswer:
    """A scenario with further changes; raises NotFound."""
    scenario = store.scenario(name)
    return _kept(store, scenario, with_more(scenario.changes, read_changes(told.changes)), told.note)


def dropped(store: Store, name: str) -> None:
    """Remove a scenario; raises NotFound."""
    store.scenario(name)
    with store.transaction() as writer:
        writer.drop_scenario(name)


def preview_answer(found: Preview, measure: str, scenario: str | None) -> PreviewAnswer:
    """What changes would give."""
    return PreviewAnswer.model_validate({"measure": measure, "scenario": scenario, **preview_json(found)})


def _kept(store: Store, scenario: Scenario, changes: Sequence[Any], note: str | None) -> ScenarioAnswer:
    """A scenario kept with these changes, if the park bears them."""
    read = read_changes(changes)
    alterations(store, Scenario(scenario.name, read))
    with store.transaction() as writer:
        put(writer, scenario, read, note)
    return scenario_answer(store, scenario.name)
