"""What a difference between two versions is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal["added", "removed", "moved", "reshaped", "changed", "renamed_id"]
KINDS: tuple[Kind, ...] = ("added", "removed", "moved", "reshaped", "changed", "renamed_id")


@dataclass(frozen=True)
class Change:
    """One thing that is not what it was; `id` is the newer one."""

    id: str
    what: str  # element space storey group feature device
    name: str
    kinds: tuple[Kind, ...]
    model_or_layer: str = ""
    ifc_class: str | None = None
    was_id: str | None = None
    distance_m: float | None = None
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict[str, tuple[Any, Any]])  # field -> before, after


@dataclass(frozen=True)
class Shift:
    """A motion that a whole model made."""

    model_id: str
    distance_m: float  # of the middle of the model
    rotation_deg: float
    share: float  # of the compared elements that went along


@dataclass(frozen=True)
class Difference:
    """What is different between two versions of a source."""

    source: str
    versions: tuple[int, int]
    changes: Sequence[Change]
    unchanged: int
    shifts: Sequence[Shift] = ()

    def counts(self) -> dict[str, int]:
        """How many things were added, removed, moved, reshaped, changed, given another id, or left as they were."""
        found = Counter(kind for change in self.changes for kind in change.kinds)
        return {kind: found[kind] for kind in KINDS} | {"unchanged": self.unchanged}

    def document(self) -> dict[str, Any]:
        """The answer of `twin diff --json`."""
        return {
            "source": self.source,
            "versions": list(self.versions),
            "summary": self.counts(),
            "placement": [asdict(shift) for shift in self.shifts],
            "changes": [{name: value for name, value in asdict(change).items() if value not in (None, {}, "")} for change in self.changes],
        }
