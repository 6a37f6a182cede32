"""A scenario written into the park: all of it in one transaction, and what was there before kept as old versions of its sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from twin.errors import Conflict
from twin.model import Scenario
from twin.scenario.changes import Altered, altered, digest_of
from twin.scenario.overlay import ADDED_BY, with_changes
from twin.store import Store, Writer
from twin.store.transfer import put_content

IMPORTER = "scenario"


def now() -> str:
    """The time that is written beside what is kept. [ISO 8601, UTC]"""
    return datetime.now(UTC).isoformat(timespec="seconds")


def alterations(store: Store, scenario: Scenario) -> list[Altered]:
    """The devices that a scenario makes different; raises what `twin.scenario.changes.changed` does."""
    return altered(store.devices(), scenario.changes, source=f"{ADDED_BY}{scenario.name}")


def apply(store: Store, name: str) -> list[Altered]:
    """Make a scenario's changes to the park's own devices, and drop it; the devices that became different.

    A source whose devices change becomes a version newer, so that `twin diff` tells the two apart and nothing is lost.

    Raises
    ------
    NotFound
        If there is no such scenario, or a device that it changes is no longer there.
    Conflict
        If a device that it adds is there by now, or somebody changed the park meanwhile.
    """
    revision, scenario = store.revision(), store.scenario(name)
    made = alterations(store, scenario)
    after = with_changes(store, scenario.changes, source=f"{ADDED_BY}{name}")
    touched = list(dict.fromkeys(device.source for each in made for device in (each.before, each.after) if device is not None))
    known = {str(source["name"]): source for source in store.sources()}
    contents = {source: after.content(source) for source in touched}
    with store.transaction() as writer:
        if store.revision() != revision:
            raise Conflict("park_changed", subject=store.address)
        for source in touched:
            if source in known:
                writer.archive_source(source)
                writer.drop_source(source)
            put_content(writer, contents[source], source)
            if not contents[source].devices:
                writer.put_devices([], source=source)
            if source in known or source.startswith(ADDED_BY):
                writer.put_source(_record(source, scenario, known.get(source), len(contents[source].devices)))
        writer.drop_scenario(name)
    return made


def counted(made: Sequence[Altered]) -> dict[str, int]:
    """How many devices were changed, added and removed."""
    return {
        "changed": sum(each.before is not None and each.after is not None for each in made),
        "added": sum(each.before is None for each in made),
        "removed": sum(each.after is None for each in made),
    }


def put(writer: Writer, scenario: Scenario, changes: Sequence[Mapping[str, Any]], note: str | None = None) -> Scenario:
    """Keep a scenario with other changes; what is kept."""
    kept = replace(scenario, changes=list(changes), note=scenario.note if note is None else note, at=now())
    writer.put_scenario(kept)
    return kept


def _record(source: str, scenario: Scenario, before: Mapping[str, Any] | None, devices: int) -> dict[str, Any]:
    """What the park remembers of where a source's devices come from by now."""
    report = {**(before["report"] if before else {"file": source, "kind": "devices"}), "features": devices, "issues": []}
    return {
        "name": source,
        "sha256": digest_of(scenario.changes),
        "options": f"{ADDED_BY}{scenario.name}",
        "importer": IMPORTER,
        "at": now(),
        "report": {**report, "scenario": scenario.name, "changes": list(scenario.changes)},
    }
