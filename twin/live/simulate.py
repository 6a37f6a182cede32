"""Made-up live data for demonstrations: plausible events, at real devices and features of the park, at a given rate.

Events follow a Poisson process; each says in its attributes that it is simulated. What happens and where follows from the seed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from twin.errors import MissingInput, UsageError
from twin.live.kinds import EventKind, event_kinds
from twin.live.places import Place, places
from twin.model import Event
from twin.store import Store

Choices = Sequence[tuple[EventKind, Sequence[Place]]]

MAX_WAIT_S = 0.5  # how long a request to stop may go unnoticed


def run(store: Store, rate: float, count: int | None = None, *, seed: int | None = None, stop: threading.Event | None = None) -> int:
    """Write events into the store until `count` are written or `stop` is set; how many were written.

    Parameters
    ----------
    rate
        Mean number of events a second. [1/s]
    count
        How many events; None goes on until stopped.
    seed
        What happens and where follows from it; None draws one.
    stop
        Set it from another thread to end the run within half a second.

    Raises
    ------
    UsageError
        If the rate is not positive.
    MissingInput
        If the park has neither devices nor features that anything can happen at.
    """
    if not rate > 0:
        raise UsageError("simulate_rate", subject=rate)
    stop = stop or threading.Event()
    stream = simulated(store, seed)
    rng = np.random.default_rng(seed)
    written = 0
    due = time.monotonic()
    while (count is None or written < count) and _wait(stop, due):
        batch: list[Event] = []
        while due <= time.monotonic() and (count is None or written + len(batch) < count):
            batch.append(next(stream))
            due += rng.exponential(1 / rate)
        _write(store, batch)
        written += len(batch)
    return written


def simulated(store: Store, seed: int | None = None, *, start: datetime | None = None) -> Iterator[Event]:
    """An endless series of events, each at the moment it is drawn.

    With `start`, event i happens i seconds after it instead: the same seed and start give the same events.

    Raises
    ------
    MissingInput
        If the park has no place for any kind of event.
    """
    rng = np.random.default_rng(seed)
    choices = _choices(store, rng)
    if not choices:
        raise MissingInput("simulate_nowhere", subject=store.park().name)
    return _draw(choices, rng, start)


def _draw(choices: Choices, rng: np.random.Generator, start: datetime | None) -> Iterator[Event]:
    weights = np.array([kind.weight for kind, _ in choices])
    series = f"sim-{int((start or datetime.now(UTC)).timestamp() * 1000):x}"
    n = 0
    while True:
        kind, where = choices[int(rng.choice(len(choices), p=weights / weights.sum()))]
        at = start + timedelta(seconds=n) if start else datetime.now(UTC)
        yield _event(f"{series}-{n}", at, kind, where[int(rng.integers(len(where)))], _reading(kind, rng))
        n += 1


def _choices(store: Store, rng: np.random.Generator) -> Choices:
    found = [(kind, places(store, kind, rng)) for kind in event_kinds().values()]
    return [(kind, where) for kind, where in found if where]


def _reading(kind: EventKind, rng: np.random.Generator) -> Mapping[str, Any]:
    if not kind.readings:
        return {}
    reading = dict(kind.readings[int(rng.integers(len(kind.readings)))])
    excess = rng.uniform(0.05, 0.6)
    value = reading["limit"] * (1 - excess if kind.below else 1 + excess)
    return reading | {"value": round(value, 2 if reading["limit"] < 1 else 0)}


def _event(event_id: str, at: datetime, kind: EventKind, place: Place, reading: Mapping[str, Any]) -> Event:
    return Event(
        id=event_id,
        kind=kind.id,
        at=at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        lon=place.lon,
        lat=place.lat,
        h_m=place.h_m,
        severity=kind.severity,
        device_id=place.device_id,
        building_id=place.building_id,
        storey_id=place.storey_id,
        message_en=kind.en.format(place=place.name_en, **reading),
        message_zh=kind.zh.format(place=place.name_zh, **reading),
        attributes={"simulated": True, **reading},
    )


def _wait(stop: threading.Event, due: float) -> bool:
    """Whether to go on, once it is `due` [s, monotonic]."""
    while not stop.is_set():
        left = due - time.monotonic()
        if left <= 0:
            return True
        stop.wait(min(left, MAX_WAIT_S))
    return False


def _write(store: Store, batch: Sequence[Event]) -> None:
    with store.transaction() as writer:
        writer.put_events(batch)
