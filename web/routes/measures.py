"""Measures, and what they said."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from web.answers.measures import MeasureAnswer, ResultAnswer, SamplesAnswer, SurfaceAnswer, measures_answer, surfaces_answer
from web.memo import reply
from web.served import Language, ServedPark

router = APIRouter(prefix="/api", tags=["measures"])


class MeasureRequest(BaseModel):
    """What is asked of a measure: parameters by name, a scenario, a time."""

    model_config = ConfigDict(extra="forbid")

    parameters: dict[str, Any] = Field(default_factory=dict[str, Any])
    scenario: str | None = None
    at: str | None = None


@router.get("/measures")
def get_measures() -> Sequence[MeasureAnswer]:
    """What can be measured, and what each measure can be told."""
    return measures_answer()


@router.get("/surfaces")
def get_surfaces() -> Sequence[SurfaceAnswer]:
    """What measures of areas can be asked of by name."""
    return surfaces_answer()


@router.post("/measures/{measure_id}")
async def post_measure(served: ServedPark, lang: Language, measure_id: str, asked: MeasureRequest) -> ResultAnswer:
    """Compute a measure; a request like one under way or answered before gets that one's result."""
    future = await run_in_threadpool(served.runs.measure, measure_id, asked.parameters, asked.scenario, asked.at)
    run = await asyncio.shield(asyncio.wrap_future(future))  # one who hangs up takes nothing from those who wait for the same
    return await run_in_threadpool(served.kept.result, run, lang)


@router.get("/results/{run}")
def get_result(served: ServedPark, lang: Language, run: str) -> ResultAnswer:
    """A kept result."""
    return served.kept.result(run, lang)


@router.get("/results/{run}/gaps", response_model=dict[str, Any])
def get_gaps(served: ServedPark, request: Request, run: str) -> Response:
    """The gaps of a kept result as a GeoJSON FeatureCollection."""
    return reply(request, served.kept.gaps(run))


@router.get("/results/{run}/samples", response_model=SamplesAnswer)
def get_samples(served: ServedPark, request: Request, run: str) -> Response:
    """The values behind a kept result, by column."""
    return reply(request, served.kept.samples(run))
