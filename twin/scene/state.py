"""The states that doors and vegetation may be in: each a scene of its own, so that bounds hold whichever it is."""

from __future__ import annotations

from dataclasses import dataclass

CLOSED, OPEN = "closed", "open"
OPAQUE, CLEAR = "opaque", "clear"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class State:
    """One state of everything that can change: doors closed or open, leaves that hide or that let through."""

    doors: str = CLOSED
    vegetation: str = OPAQUE


@dataclass(frozen=True)
class States:
    """The state that the value is of, the one with most in the way, and the one with least."""

    value: State
    worst: State
    best: State

    @property
    def is_certain(self) -> bool:
        """Whether there is only one."""
        return self.worst == self.best


def states(doors: str = UNKNOWN, vegetation: str = UNKNOWN) -> States:
    """The states to look at where doors and vegetation are as said; what is unknown counts as in the way, and opens the upper bound."""
    worst = State(CLOSED if doors == UNKNOWN else doors, OPAQUE if vegetation == UNKNOWN else vegetation)
    best = State(OPEN if doors == UNKNOWN else doors, CLEAR if vegetation == UNKNOWN else vegetation)
    return States(worst, worst, best)
