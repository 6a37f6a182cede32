"""Events."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime
from starlette.concurrency import run_in_threadpool

from twin.model import Event
from twin.store import Store
from web.answers.events import EventAnswer, EventIn, EventsAnswer, event_answer, events_answer, taken_in
from web.problems import Forbidden
from web.security import is_loopback_client
from web.served import ServedPark

router = APIRouter(prefix="/api", tags=["events"])


@router.get("/events")
def get_events(served: ServedPark, since: AwareDatetime | None = None, limit: Annotated[int, Query(ge=1, le=5000)] = 200) -> EventsAnswer:
    """The newest events after `since`, oldest first, with the cameras known to see their places."""
    after = since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if since else None
    events = served.store.events(since=after, limit=limit)
    return events_answer(events, served.seen.known(events))


@router.post("/events", status_code=201)
async def post_event(served: ServedPark, request: Request, told: EventIn) -> EventAnswer:
    """Take in an event of another system on this machine, and tell it to all who listen."""
    if not is_loopback_client(request.scope):
        raise Forbidden("event_not_local", subject=request.client.host if request.client else "")
    event = await run_in_threadpool(_keep, served.store, told)
    served.tail.tell([event])
    return event_answer(event)


def _keep(store: Store, told: EventIn) -> Event:
    event = taken_in(store, told)
    with store.transaction() as writer:
        writer.put_events([event])
    return event
