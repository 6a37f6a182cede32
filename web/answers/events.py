"""Events: what happened where, how grave it is, and which cameras see the place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from twin.errors import UsageError
from twin.model import Event
from twin.store import Store
from twin.terrain import ground_height

Plain = str | float | int | bool | None
FAR_M = 50_000.0  # farther from the origin than this, an event is not the park's


class EventAnswer(BaseModel):
    """An event: time in UTC, place [deg, deg] and absolute height [m, park datum]; `seen_by` once it is known."""

    id: str
    kind: str
    at: str
    lon: float
    lat: float
    h_m: float
    severity: str
    status: str
    device_id: str | None
    building_id: str | None
    storey_id: str | None
    message_en: str
    message_zh: str
    attributes: Mapping[str, Any]
    seen_by: Sequence[str] | None = None

    @model_serializer(mode="wrap")
    def _without_unknown(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        document: dict[str, Any] = handler(self)
        if self.seen_by is None:  # not known yet is not the same as seen by none
            document.pop("seen_by", None)
        return document


class EventsAnswer(BaseModel):
    """Events, oldest first."""

    events: Sequence[EventAnswer]


class EventIn(BaseModel):
    """An event as another system reports it; what is left out is filled: id, time, height of the ground."""

    model_config = ConfigDict(extra="forbid", str_max_length=2000)

    kind: str = Field(min_length=1, max_length=100)
    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    h_m: float | None = Field(default=None, ge=-12_000, le=100_000)
    id: str | None = Field(default=None, min_length=1, max_length=200)
    at: AwareDatetime | None = None
    severity: Literal["info", "warning", "alarm"] = "info"
    status: Literal["open", "acknowledged", "closed"] = "open"
    device_id: str | None = None
    building_id: str | None = None
    storey_id: str | None = None
    message_en: str = ""
    message_zh: str = ""
    attributes: dict[str, str | float | int | bool | None] = Field(
        default_factory=dict[str, str | float | int | bool | None], max_length=100
    )


def events_answer(events: Sequence[Event], seen_by: Mapping[str, Sequence[str]]) -> EventsAnswer:
    """Events with the cameras that are known to see them."""
    return EventsAnswer(events=[event_answer(event, seen_by.get(event.id)) for event in events])


def event_answer(event: Event, seen_by: Sequence[str] | None = None) -> EventAnswer:
    """One event."""
    names = (
        "id",
        "kind",
        "at",
        "lon",
        "lat",
        "h_m",
        "severity",
        "status",
        "device_id",
        "building_id",
        "storey_id",
        "message_en",
        "message_zh",
    )
    fields = {name: getattr(event, name) for name in names}
    return EventAnswer(**fields, attributes=event.attributes, seen_by=seen_by)


def taken_in(store: Store, told: EventIn) -> Event:
    """The event another system told of, as the park keeps it.

    Raises
    ------
    UsageError
        If it lies outside the park's surroundings.
    """
    enu = store.park().frame.to_enu([[told.lon, told.lat]])
    distance = float(np.hypot(enu[0, 0], enu[0, 1]))
    if distance > FAR_M:
        raise UsageError("event_outside", subject=told.id or told.kind, distance_km=round(distance / 1000))
    h_m = told.h_m if told.h_m is not None else float(ground_height(store.park(), store.terrain(), enu[:, :2])[0])
    at = (told.at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    rest = told.model_dump(exclude={"id", "at", "h_m"})
    return Event(id=told.id or f"event-{uuid4().hex[:16]}", at=at, h_m=h_m, **rest)
