"""Which cameras see a point, and what blocks the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from twin.measures.sees import Asked, sees
from twin.store import Store


class SeesQuestion(BaseModel):
    """A point [deg, deg, m park datum], and how it is to be seen."""

    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    h: float | None = Field(None, ge=-12_000, le=100_000)
    storey: str | None = None
    light: Literal["day", "night"] = "day"
    ptz: Literal["presets", "now", "reachable"] = "presets"
    edition: Literal["2014", "2025"] = "2025"
    body: Literal["point", "whole"] = "point"


class Sighting(BaseModel):
    """One camera and the point: how dense its picture is there [px/m], how far away it is [m], or what is in the way.

    `certain` and `perhaps` say what holds whatever is not known of the camera and of doors and leaves; `sees_if` what has to be otherwise
    for it to see the point.
    """

    model_config = ConfigDict(extra="allow")

    id: str
    sees: bool
    px_per_m: float | None
    distance_m: float | None
    level: str | None
    blocked_by: str | None
    reason: str | None
    certain: bool
    perhaps: bool
    sees_if: Mapping[str, str] | None
    shortfall: float | None
    shortfall_unit: str | None


class SeesAnswer(BaseModel):
    """A point [deg, deg, m park datum] and all cameras."""

    model_config = ConfigDict(extra="allow")

    point: Sequence[float]
    cameras: Sequence[Sighting]


def sees_answer(store: Store, asked: SeesQuestion) -> SeesAnswer:
    """Which cameras see the point, as `twin sees --json` tells it."""
    how = Asked(asked.light, asked.ptz, asked.edition, asked.body)
    answer: dict[str, Any] = sees(store, asked.lon, asked.lat, asked.h, storey=asked.storey, asked=how)
    return SeesAnswer.model_validate(answer)
