"""What a measure says: a number with bounds, its parts, its gaps and everything needed to recompute it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from twin.measures.again import Partly
    from twin.measures.ready import Ready
    from twin.store import Store


# what numbers given to a measure may be
NOT_NEGATIVE = (0.0, math.inf)
SHARE = (0.0, 1.0)
STEP = (0.01, math.inf)  # edges of cells [m]
SEVERAL = (1, 64)  # devices
FADING = (0.0, 30.0)  # standard deviations [dB]


@dataclass(frozen=True)
class Parameter:
    """One thing a measure can be told: its default, unit, where the default comes from and what it means."""

    name: str
    default: Any
    unit: str
    source: str
    meaning_en: str
    meaning_zh: str
    choices: Sequence[Any] = ()
    between: tuple[float, float] | None = None  # least and greatest value of a number; infinite: no limit on that side
    optional: bool = False  # may be `none` although its default is not


@dataclass(frozen=True)
class Gap:
    """One connected piece of what is not covered."""

    id: str
    amount: float
    # out_of_range occluded outside_field_of_view blind_zone density out_of_focus turned_away too_dark too_steep below_threshold no_device
    # not_installed not_served
    reason: str
    blockers: Sequence[str]  # ids of what stands in the way: building/17, element/<GlobalId>
    geometry: Any  # shapely geometry, lon lat [deg], h [m]
    zone: str | None = None
    shortfall: float | None = None  # by how much the nearest device misses what is asked, in `shortfall_unit`; None where that is no number
    shortfall_unit: str = ""  # px/m, dB, lx, m


@dataclass(frozen=True)
class Samples:
    """The values behind the number, n points: `value` is px/m, dBm or a count, `state` 1 covered, 0 not, -1 undecided."""

    lonlat_h: NDArray[np.float64]  # (n, 3) [deg, deg, m]
    value: NDArray[np.float64]  # (n,)
    state: NDArray[np.int8]  # (n,)
    size_m: NDArray[np.float64]  # (n,) edge of the square cell each stands for; 0 for a point
    unit: str = "1"


@dataclass(frozen=True)
class Result:
    """A measure's answer; `value` is None where the denominator is empty (not applicable, never 0 or 1)."""

    measure: str
    value: float | None
    lower: float | None
    upper: float | None
    numerator: float
    denominator: float
    quantity: str  # m2 or count
    surface: Mapping[str, Any]
    parameters: Mapping[str, Mapping[str, Any]]  # name -> {"value", "provenance": "default|given|pack", "source"}
    inputs: Mapping[str, Any]  # {"sha256", "devices", "defaulted_share"}
    engine: str
    run: str
    seconds: float = 0.0
    unit: str = "1"
    exclusions: Sequence[Mapping[str, Any]] = ()  # {"reason", "amount"}
    zones: Sequence[Mapping[str, Any]] = ()  # {"id", "name", "value", "amount", ...}
    gaps: Sequence[Gap] = ()
    warnings: Sequence[Mapping[str, Any]] = ()  # {"code", ...details}: sentences come from the catalogue
    samples: Samples | None = None
    scenario: str | None = None
    devices: Sequence[Mapping[str, Any]] = ()  # {"id", "covered", "lost"}: what each covers, and what would be lost without it
    sensitivity: Sequence[Mapping[str, Any]] = ()  # {"what", "devices", "lower", "upper", "width"}: what opens the bounds, widest first
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Request:
    """What a caller asks of a measure: parameters by name (all resolved), and where they came from."""

    parameters: Mapping[str, Any]
    provenance: Mapping[str, str] = field(default_factory=dict[str, str])  # name -> default | given | pack
    scenario: str | None = None
    at: str | None = None
    want_samples: bool = True
    want_sensitivity: bool = True  # a preview does without what opens the bounds


@dataclass(frozen=True)
class Measure:
    """One registered measure: what it is called, what it can be told, where it comes from and how it is computed."""

    id: str
    title_en: str
    title_zh: str
    unit: str
    quantity: str
    parameters: Sequence[Parameter]
    sources: Sequence[str]
    compute: Callable[[Store, Request], Result]
    ready: Callable[[Store, Request], Ready] | None = None  # what answers what-if questions at once; None: they are computed anew
    partly: Callable[[Store, Request], Partly | None] | None = None  # the same where cells are judged again; None: not for this request
