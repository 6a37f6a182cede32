"""Packs of standards and scorecards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from twin.indicators import pack
from web.answers.packs import PackAnswer, ScorecardAnswer, packs_answer, scorecard_answer
from web.served import ServedPark

router = APIRouter(prefix="/api", tags=["packs"])


@router.get("/packs")
def get_packs() -> Sequence[PackAnswer]:
    """The packs that can be scored."""
    return packs_answer()


@router.get("/scorecards/{pack_id}")
async def get_scorecard(served: ServedPark, pack_id: str) -> ScorecardAnswer:
    """The park judged by a pack; every row is measured once for as long as the park stays as it is."""
    await run_in_threadpool(pack, pack_id)  # a pack that is not there is told before anything is queued
    future = await run_in_threadpool(served.runs.share, ["scorecard", pack_id], lambda: scorecard_answer(served.store, pack_id))
    return await asyncio.shield(asyncio.wrap_future(future))
