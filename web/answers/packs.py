"""Packs of standards and the scorecards they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from twin.indicators import pack, packs
from twin.indicators.score import kept_scorecard, score
from twin.store import Store


class PackAnswer(BaseModel):
    """One edition of one standard, and how many indicators of it are scored."""

    model_config = ConfigDict(extra="allow")

    id: str
    edition: str
    title_en: str
    title_zh: str
    indicators: int


class IndicatorAnswer(BaseModel):
    """One row of a scorecard; `points` is the range its bounds leave open, `run` the evidence."""

    model_config = ConfigDict(extra="allow")

    id: str
    clause: str
    title_zh: str
    title_en: str
    measure: str | None
    unit: str = "1"  # a share
    value: float | None
    lower: float | None
    upper: float | None
    threshold: float | None
    points: tuple[float, float] | None
    max_points: float | None
    verdict: str
    run: str | None
    note: str | None


class ScorecardAnswer(BaseModel):
    """A park judged by a pack."""

    model_config = ConfigDict(extra="allow")

    pack: str
    edition: str
    park: str
    at: str
    indicators: Sequence[IndicatorAnswer]
    totals: Mapping[str, Any]


def packs_answer() -> Sequence[PackAnswer]:
    """All packs there are."""
    return [PackAnswer.model_validate(pack(name).summary()) for name in packs()]


def scorecard_answer(store: Store, pack_id: str) -> ScorecardAnswer:
    """The park judged by a pack, measured again only where it has changed since; raises NotFound."""
    asked = pack(pack_id)
    return ScorecardAnswer.model_validate(kept_scorecard(store, asked) or score(store, asked))
