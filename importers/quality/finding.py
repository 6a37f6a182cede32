"""What a check of a park's models comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import shapely

from twin.buildings import Building, buildings
from twin.crs import NEAR_M
from twin.diff.shapes import Corners, bodies
from twin.i18n import hint, message
from twin.model import Element, Model, Severity, Space, Storey
from twin.store import Store

Group = Literal["geometry", "attributes", "completeness", "currency", "consistency"]
GROUPS: tuple[Group, ...] = ("geometry", "attributes", "completeness", "currency", "consistency")
TargetType = Literal["element", "space", "building", "model", "feature", ""]


@dataclass(frozen=True)
class Target:
    """What a finding is about, as the page opens it; without a type it is about the park."""

    type: TargetType = ""
    id: str = ""


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be: a code of the catalogue by its check, its subject and details."""

    subject: str
    target: Target = field(default_factory=Target)
    severity: Severity = "warning"
    details: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True)
class Check:
    """One question asked of many things: how many were examined, and what was found.

    `figures` are numbers over all of them; `code` is the sentence of the findings where it is not the check's own.
    """

    id: str
    group: Group
    examined: int
    findings: Sequence[Finding] = ()
    figures: Mapping[str, float | int | str] = field(default_factory=dict[str, "float | int | str"])

    @property
    def share(self) -> float | None:
        """The share of the examined things that are as they should be; None where nothing could be examined."""
        concerned = len({finding.target.id or finding.subject for finding in self.findings})
        return None if not self.examined else max(0.0, 1.0 - concerned / self.examined)

    def document(self, lang: str) -> dict[str, Any]:
        """The check as JSON, its sentences in `lang`."""
        return {
            "id": self.id,
            "group": self.group,
            "title": message(f"quality_title_{self.id}", lang),
            "examined": self.examined,
            "share": self.share,
            "figures": dict(self.figures),
            "severities": dict(Counter(finding.severity for finding in self.findings)),
            "findings": [self._said(finding, lang) for finding in self.findings],
        }

    def _said(self, finding: Finding, lang: str) -> dict[str, Any]:
        details = {"subject": finding.subject, **finding.details}
        said = {"severity": finding.severity, "subject": finding.subject, "message": message(f"quality_{self.id}", lang, **details)}
        target = {"type": finding.target.type, "id": finding.target.id} if finding.target.type else None
        return said | {"hint": hint(f"quality_{self.id}", lang, **details), "target": target, "details": dict(finding.details)}


@dataclass(frozen=True)
class Subject:
    """The park as the checks see it, each part read when it is first asked for."""

    store: Store

    @cached_property
    def models(self) -> Sequence[Model]:
        """The building models that stand in or near the park: in its frame the others are tilted with the Earth."""
        frame = self.store.park().frame

        def is_near(model: Model) -> bool:
            return model.outline is None or float(np.hypot(*frame.to_enu([model.outline.centroid.coords[0][:2]])[0, :2])) < NEAR_M

        return [model for model in self.store.models() if is_near(model)]

    @cached_property
    def buildings(self) -> Sequence[Building]:
        """The buildings of the register, and the models that are none's."""
        return buildings(self.store)

    @cached_property
    def elements(self) -> Mapping[str, Sequence[Element]]:
        """The elements of each model."""
        return {model.id: self.store.elements(model.id) for model in self.models}

    @cached_property
    def spaces(self) -> Mapping[str, Sequence[Space]]:
        """The rooms of each model."""
        return {model.id: self.store.spaces(model.id) for model in self.models}

    @cached_property
    def storeys(self) -> Mapping[str, Sequence[Storey]]:
        """The storeys of each model, lowest first."""
        return {model.id: sorted(self.store.storeys(model.id), key=lambda storey: storey.base_h_m) for model in self.models}

    @cached_property
    def bodies(self) -> Mapping[str, Mapping[str, Corners]]:
        """The triangles of each element of each model. [m, enu]"""
        return {model.id: bodies(self.store.mesh(model.id)) for model in self.models}

    @cached_property
    def floors(self) -> Mapping[str, Mapping[str, Any]]:
        """The outline of each room of each model, in the plane (shapely). [m, enu]"""
        frame = self.store.park().frame
        return {
            model: {
                space.id: shapely.make_valid(shapely.force_2d(frame.project(space.outline)))
                for space in spaces
                if space.outline is not None
            }
            for model, spaces in self.spaces.items()
        }

    def all_elements(self) -> Sequence[Element]:
        """The elements of all models."""
        return [element for elements in self.elements.values() for element in elements]


Question = Callable[[Subject], Check]


def of_element(element: Element) -> tuple[str, Target]:
    """What a person calls an element, and where the page finds it."""
    return f"{element.ifc_class} {element.name or element.id}", Target("element", element.id)


def quantity(element: Element, *names: str) -> float | None:
    """The first of the named quantities that the file gives for an element, from whatever set of quantities. [SI]"""
    for group, values in element.properties.items():
        if not isinstance(values, Mapping) or not ("quantit" in group.lower() or group.startswith("Qto")):
            continue
        for name in names:
            value = values.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value):
                return float(value)
    return None
