"""Which cameras see a point, and what blocks the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from twin.measures.sees import sees
from twin.store import Store


class Sighting(BaseModel):
    """One camera and the point: how dense its picture is there [px/m], how far away it is [m], or what is in the way."""

    model_config = ConfigDict(extra="allow")

    id: str
    sees: bool
    px_per_m: float | None
    distance_m: float | None
    level: str | None
    blocked_by: str | None
    reason: str | None


class SeesAnswer(BaseModel):
    """A point [deg, deg, m park datum] and all cameras."""

    model_config = ConfigDict(extra="allow")

    point: Sequence[float]
    cameras: Sequence[Sighting]


def sees_answer(store: Store, lon: float, lat: float, h_m: float | None, storey: str | None) -> SeesAnswer:
    """Which cameras see the point, as `twin sees --json` tells it."""
    answer: dict[str, Any] = sees(store, lon, lat, h_m, storey=storey)
    return SeesAnswer.model_validate(answer)
