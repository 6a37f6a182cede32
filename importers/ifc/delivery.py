"""What a delivery set (IDS, buildingSMART Information Delivery Specification 1.0) asks of a model file, and which elements fail it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from importers.contract import Progress, silent
from importers.isolated import Limits, alone
from importers.markup import checked
from twin.errors import UnreadableSource

_LIMITS = Limits(seconds=900.0, memory_bytes=8 << 30)
_LISTED = 1000  # failing elements named for one requirement


@dataclass(frozen=True)
class Requirement:
    """One requirement of a specification: how many elements it applies to, how many fail, and the first of those by GlobalId."""

    text: str
    applicable: int
    failed: int
    elements: Sequence[tuple[str, str, str]]  # GlobalId, class and name, why


@dataclass(frozen=True)
class Specification:
    """One specification of a delivery set as a file meets it; None where it does not apply to the file's schema or to nothing in it."""

    identifier: str
    name: str
    is_met: bool | None
    requirements: Sequence[Requirement]


def check_delivery(model: Path, ids: Path, *, progress: Progress = silent) -> Sequence[Specification]:
    """What each specification of a delivery set comes to.

    Parameters
    ----------
    model
        An IFC file (STEP).
    ids
        The delivery set.
    progress
        Told when the work begins.

    Raises
    ------
    UnreadableSource
        If one of the files cannot be read, or the work exceeds its limits.
    """
    checked(ids)
    progress("delivery", 0, 0)
    return alone(lambda _: _check(model, ids), model, limits=_LIMITS)


def _check(model: Path, ids: Path) -> list[Specification]:
    """In a process of its own: the libraries are loaded here."""
    try:
        import ifcopenshell  # noqa: PLC0415
        from ifctester import ids as delivery  # noqa: PLC0415
    except ImportError as error:
        raise UnreadableSource("ids_library_missing", subject=ids.name) from error
    try:
        asked: Any = delivery.open(str(ids), validate=True)
    except Exception as error:  # the library raises what its parsers raise
        raise UnreadableSource("ids_unreadable", subject=ids.name, reason=str(error).split("\n", 1)[0][:200]) from error
    file = ifcopenshell.open(str(model), format=".ifc")
    asked.validate(file, should_filter_version=True)
    return [_specification(each) for each in asked.specifications]


def _specification(told: Any) -> Specification:
    applicable = len(told.applicable_entities)
    requirements = [_requirement(each, told, applicable) for each in told.requirements]
    required = told.minOccurs not in {0, "0"} and told.maxOccurs not in {0, "0"}
    concerned = applicable > 0 or required
    met = bool(told.status) if told.is_ifc_version and concerned and told.status is not None else None
    if met is False and applicable == 0:
        requirements = [Requirement("", 0, 1, [])]  # what must be there is not
    return Specification(str(told.identifier or ""), str(told.name or ""), met, requirements)


def _requirement(facet: Any, told: Any, applicable: int) -> Requirement:
    failures = list(facet.failures)
    named = [(failure["element"], str(failure["reason"])) for failure in failures[:_LISTED]]
    elements = [
        (str(getattr(element, "GlobalId", "") or ""), f"{element.is_a()} {getattr(element, 'Name', None) or ''}".strip(), reason)
        for element, reason in named
    ]
    return Requirement(str(facet.to_string("requirement", told, facet)), applicable, len(failures), elements)
