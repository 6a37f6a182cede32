"""A park with changes made to its devices: whatever takes a park takes this one.

Only devices differ. The revision is the park's: what is kept by it - obstacles, surfaces, terrain - knows no devices, and is shared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from twin.model import Device, SourceContent
from twin.scenario.changes import Record, changed
from twin.store import Store

ADDED_BY = "scenario/"  # what the source of devices that a scenario adds begins with


def of_scenario(store: Store, name: str | None) -> Store:
    """The park with a scenario's changes made; the park itself where no name is given.

    Raises
    ------
    NotFound
        If there is no such scenario, or a device that it changes is no longer there.
    Conflict
        If a device that it adds is there by now.
    """
    if name is None:
        return store
    return with_changes(store, store.scenario(name).changes, source=f"{ADDED_BY}{name}")


def with_changes(store: Store, changes: Sequence[Record], *, source: str = "") -> Store:
    """The park with changes made; raises what `twin.scenario.changes.changed` does."""
    return with_devices(store, changed(store.devices(), changes, source=source)) if changes else store


def with_devices(store: Store, devices: Sequence[Device]) -> Store:
    """The park with these devices instead of its own."""
    return cast(Store, _Changed(store, devices))


class _Changed:
    """A store with other devices; scorecards that hold for the park do not hold for it."""

    def __init__(self, store: Store, devices: Sequence[Device]) -> None:
        self._store = store
        self._devices = list(devices)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def devices(self, kind: str | None = None) -> Sequence[Device]:
        return self._devices if kind is None else [device for device in self._devices if device.kind == kind]

    def origins(self) -> Sequence[str]:
        return list(dict.fromkeys([*self._store.origins(), *(device.source for device in self._devices)]))

    def content(self, source: str) -> SourceContent:
        return replace(self._store.content(source), devices=[device for device in self._devices if device.source == source])

    def scorecard(self, pack_id: str) -> Mapping[str, Any] | None:  # noqa: ARG002  the verb's own
        return None

    def scorecards(self) -> Sequence[Mapping[str, Any]]:
        return []
