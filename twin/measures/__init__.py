"""The measures: one file each, gather from the store -> call `twin.coverage` -> a Result.

`compute` is the one way to run a registered measure; it resolves and checks parameters first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from twin.errors import UnknownParameter
from twin.registry import load, load_all
from twin.result import Measure, Parameter, Request, Result
from twin.scenario.overlay import of_scenario
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
        If no such measure is registered or no such scenario kept.
    UnknownParameter
        If a parameter does not exist or its value cannot be read.
    MissingInput
        If the park lacks what the measure needs.
    """
    measure: Measure = load("twin.measures", measure_id)
    return measure.compute(of_scenario(store, scenario), resolve(measure, given or {}, pack or {}, scenario=scenario, at=at))


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
    """`raw` as the type of the parameter's default; lists may be written with commas, `none` says that there is no such limit.

    Raises
    ------
    UnknownParameter
        If it cannot be read so, is none of the choices or lies outside what is possible.
    """
    try:
        value = None if _is_nothing(raw) else _cast(parameter, raw)
    except (TypeError, ValueError, OverflowError) as error:
        raise _refused(parameter, raw) from error
    if value is None and isinstance(parameter.default, list | tuple) and not parameter.default:
        return []
    if not _is_possible(parameter, value):
        raise _refused(parameter, raw)
    return value


def _is_nothing(raw: Any) -> bool:
    return raw is None or (isinstance(raw, str) and raw.strip().lower() in {"none", "null", ""})


def _is_possible(parameter: Parameter, value: Any) -> bool:
    if value is None:
        return parameter.default is None or parameter.optional
    if parameter.choices:
        return value in parameter.choices
    if isinstance(value, float) and not math.isfinite(value):
        return False
    low, high = parameter.between or (-math.inf, math.inf)
    return not isinstance(value, int | float) or low <= value <= high


def _refused(parameter: Parameter, raw: Any) -> UnknownParameter:
    return UnknownParameter("parameter_value", subject=parameter.name, value=raw, allowed=_allowed(parameter))


def _allowed(parameter: Parameter) -> str:
    """What a parameter takes, in signs that need no language."""
    if parameter.choices:
        return ", ".join(map(str, parameter.choices))
    if parameter.between is None:
        return parameter.unit
    low, high = parameter.between
    limits = [f"≥ {low:g}"] if math.isinf(high) else [f"{low:g} … {high:g}"]
    return " ".join([*limits, *([parameter.unit] if parameter.unit != "1" else [])])


_YES, _NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


def _cast(parameter: Parameter, raw: Any) -> Any:
    default = parameter.default
    if isinstance(default, bool):
        said = str(raw).strip().lower()
        if said not in _YES | _NO:
            raise ValueError(said)
        return said in _YES
    if isinstance(default, list | tuple):
        parts = raw.split(",") if isinstance(raw, str) else raw
        return [f"{part:g}" if isinstance(part, int | float) else str(part).strip() for part in parts]
    if isinstance(default, int) and parameter.unit == "1":
        if isinstance(raw, float) and not raw.is_integer():
            raise ValueError(raw)
        return int(raw)
    if isinstance(default, int | float) or (default is None and parameter.unit not in {"", "-", "name"}):
        return float(raw)
    return str(raw)
