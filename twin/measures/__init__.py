"""The measures: one file each, gather from the store -> call `twin.coverage` -> a Result.

`compute` is the one way to run a registered measure; it resolves and checks parameters first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twin.errors import UnknownParameter
from twin.registry import load, load_all
from twin.result import Measure, Parameter, Request, Result
from twin.store import Store


def measures() -> dict[str, Measure]:
    """All registered measures by id."""
    return load_all("twin.measures")


def compute(
    store: Store,
    measure_id: str,
    given: Mapping[str, Any] | None = None,
    *,
    pack: Mapping[str, Any] | None = None,
    scenario: str | None = None,
    at: str | None = None,
) -> Result:
    """The result of one measure with parameters `given` by a person over those a pack sets over the defaults.

    Raises
    ------
    NotFound
        If no such measure is registered.
    UnknownParameter
        If a parameter does not exist or its value cannot be read.
    MissingInput
        If the park lacks what the measure needs.
    """
    measure: Measure = load("twin.measures", measure_id)
    return measure.compute(store, resolve(measure, given or {}, pack or {}, scenario=scenario, at=at))


def resolve(
    measure: Measure, given: Mapping[str, Any], pack: Mapping[str, Any], *, scenario: str | None = None, at: str | None = None
) -> Request:
    """A request with every parameter of `measure` set, typed like its default, and its provenance."""
    known = {parameter.name: parameter for parameter in measure.parameters}
    for name in [*given, *pack]:
        if name not in known:
            raise UnknownParameter("parameter_unknown", subject=name, measure=measure.id, known=", ".join(known))
    values: dict[str, Any] = {}
    provenance: dict[str, str] = {}
    for name, parameter in known.items():
        origin = "given" if name in given else "pack" if name in pack else "default"
        raw = given.get(name, pack.get(name, parameter.default))
        values[name] = raw if origin == "default" else typed(parameter, raw)
        provenance[name] = origin
    return Request(values, provenance, scenario, at)


def typed(parameter: Parameter, raw: Any) -> Any:
    """`raw` as the type of the parameter's default; lists may be written with commas.

    Raises
    ------
    UnknownParameter
        If it cannot be read so, or is none of the choices.
    """
    if isinstance(raw, str) and raw.lower() in {"none", "null", ""}:
        return None
    if raw is None:
        return None
    try:
        value = _cast(parameter, raw)
    except (TypeError, ValueError) as error:
        raise UnknownParameter("parameter_value", subject=parameter.name, value=raw, allowed=parameter.unit) from error
    if parameter.choices and value not in parameter.choices:
        raise UnknownParameter("parameter_value", subject=parameter.name, value=raw, allowed=", ".join(map(str, parameter.choices)))
    return value


def _cast(parameter: Parameter, raw: Any) -> Any:
    default = parameter.default
    if isinstance(default, bool):
        return raw if isinstance(raw, bool) else str(raw).lower() in {"1", "true", "yes"}
    if isinstance(default, list | tuple):
        return [part.strip() for part in raw.split(",")] if isinstance(raw, str) else list(raw)
    if isinstance(default, int) and not isinstance(default, bool) and parameter.unit == "1":
        return int(raw)
    if isinstance(default, int | float) or (default is None and parameter.unit not in {"", "-", "name"}):
        return float(raw)
    return str(raw)
