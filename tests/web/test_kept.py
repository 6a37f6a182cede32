"""Parts of runs are read once, and only so many are remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin.errors import NotFound
from twin.measures import compute
from twin.measures.report import keep
from twin.store import open_store
from web.kept import Kept


def test_parts_are_read_once(own_park: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(own_park)
    result = compute(store, "charging_space_share", {})
    keep(store, result)
    kept = Kept(store)
    first = kept.samples(result.run)
    with store.transaction() as writer:
        writer.put_run({"at": "later", "result": {"run": result.run, "measure": "x", "value": None}, "gaps": {"features": []}})
    assert kept.samples(result.run) is first
    monkeypatch.setattr("web.kept.REMEMBERED", 1)
    kept.gaps(result.run)
    assert kept.samples(result.run) is not first  # let go, and read again


def test_a_run_that_is_not_there_is_told_and_not_remembered(own_park: Path) -> None:
    store = open_store(own_park)
    kept = Kept(store)
    with pytest.raises(NotFound):
        kept.gaps("none")
    result = compute(store, "charging_space_share", {})
    keep(store, result)
    assert kept.gaps(result.run).raw
