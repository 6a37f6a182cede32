"""A share that no longer moves when the step of its samples is halved.

A share from samples at step h has an error that shrinks with h. Halving the step until

        |C(h) - C(h/2)| < tolerance

shows that it has, without knowing the truth; the last difference is what a result publishes as `surface.convergence`. It is an estimate of
the error, not a bound: a gap thinner than the last step can hide between samples, and two coarse steps can agree by chance (twelve discs
in 200 x 200 m did at 10 m and 5 m, both off by 0.4 point). So the share is not believed before the step is at most COARSEST_M. Source:
parktwin's design, "an auditable percentage": h <= 1 m and refine until the difference is below 0.1 point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Found = TypeVar("Found")

TOLERANCE = 1e-3  # of a share: 0.1 point
COARSEST_M = 1.0  # a wider step is not believed, whatever the difference
MOST_HALVINGS = 8


@dataclass(frozen=True)
class Converged(Generic[Found]):
    """What was found at the last step, how far the share moved from the step before [1], and each step [m] with its share."""

    found: Found
    share: float
    step: float  # [m]
    delta: float  # |C(2 step) - C(step)|; infinite where only one step could be taken
    steps: Sequence[tuple[float, float]]
    is_settled: bool


def converged(
    measure: Callable[[float], tuple[float, Found]],
    step: float,
    *,
    tolerance: float = TOLERANCE,
    coarsest: float = COARSEST_M,
    affordable: Callable[[float], bool] = lambda step: step > 0,
) -> Converged[Found]:
    """The share at the first step from which halving moves it by less than a tolerance.

    Parameters
    ----------
    measure
        The share [1] at a step [m], and whatever else comes with it.
    step
        The first step. [m]
    tolerance
        Of the share. [1]
    coarsest
        No wider step is the last one, unless no finer one is affordable. [m]
    affordable
        Whether a step may be taken: that many samples can be paid for.

    Returns
    -------
    The finest step taken; `is_settled` says whether it is within the tolerance or the means ran out.
    """
    share, found = measure(step)
    steps = [(step, share)]
    delta = float("inf")
    while (delta >= tolerance or step > coarsest) and len(steps) <= MOST_HALVINGS and affordable(step / 2):
        step /= 2
        finer, found = measure(step)
        delta, share = abs(finer - share), finer
        steps.append((step, share))
    return Converged(found, share, step, delta, steps, delta < tolerance and step <= coarsest)
