"""Scenarios as JSON, and what measures say of a park before and after one: the shapes that the command line and HTTP share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twin.errors import UsageError
from twin.measures import compute, measures
from twin.measures.report import keep
from twin.model import Device, Scenario
from twin.result import Result
from twin.scenario.apply import alterations, counted
from twin.scenario.changes import device_record
from twin.store import Store

# the measures that devices of a kind stand behind, for those who name none
MEASURES_OF: Mapping[str, Sequence[str]] = {
    "camera": ("camera_area_share", "camera_key_position_share"),
    "wifi_ap": ("wifi_area_share",),
    "cell": ("mobile_signal_area_share", "fiveg_area_share"),
    "iot_gateway": ("iot_area_share",),
    "charger": ("charging_space_share",),
    "lamp": ("lighting_area_share",),
    "speaker": ("broadcast_area_share",),
}


def listed(scenario: Scenario) -> dict[str, Any]:
    """A scenario in a list."""
    return {"name": scenario.name, "note": scenario.note, "at": scenario.at, "changes": len(scenario.changes)}


def described(store: Store, scenario: Scenario) -> dict[str, Any]:
    """A scenario with its changes, and each device that it makes different, before and after."""
    made = alterations(store, scenario)
    return {
        **listed(scenario),
        "changes": [dict(change) for change in scenario.changes],
        "counts": counted(made),
        "devices": [{"id": each.id, "before": _record(each.before), "after": _record(each.after)} for each in made],
    }


def measures_of(store: Store, scenario: Scenario) -> list[str]:
    """The measures that a scenario's devices stand behind.

    Raises
    ------
    UsageError
        If none does.
    """
    kinds = {device.kind for each in alterations(store, scenario) for device in (each.before, each.after) if device is not None}
    known = measures()
    found = [name for kind in MEASURES_OF if kind in kinds for name in MEASURES_OF[kind] if name in known]
    if not found:
        raise UsageError("scenario_no_measure", subject=scenario.name, known=", ".join(known))
    return found


def before_and_after(store: Store, name: str, measure_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a measure says of the park and of the park with a scenario, both kept, and what lies between."""
    results = [compute(store, measure_id, given, scenario=scenario) for scenario in (None, name)]
    for result in results:
        keep(store, result)
    before, after = results
    measure = measures()[measure_id]
    return {
        "measure": measure_id,
        "title_en": measure.title_en,
        "title_zh": measure.title_zh,
        "unit": after.unit,
        "quantity": after.quantity,
        "before": _summary(before),
        "after": _summary(after),
        "delta": None if before.value is None or after.value is None else after.value - before.value,
        "amount": after.numerator - before.numerator,
    }


def _summary(result: Result) -> dict[str, Any]:
    names = ("value", "lower", "upper", "numerator", "denominator", "run")
    return {name: getattr(result, name) for name in names}


def _record(device: Device | None) -> dict[str, Any] | None:
    return None if device is None else device_record(device)
