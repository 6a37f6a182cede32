"""What the routes of one server share: the park, what was made of it, the measures under way, the live stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from tiles.http.permission import MaySee, everything, rule_named
from twin.buildings import Building, buildings
from twin.store import Store
from web.answers.gazetteer import gazetteer
from web.answers.search import Entry
from web.kept import Kept
from web.language import language
from web.live import Tail
from web.memo import Memo
from web.metrics import Metrics
from web.runs import Runs
from web.seen import Seen
from web.settings import Settings
from web.versions import Versions
from web.whatif import WhatIf


@dataclass(frozen=True)
class Served:
    """One park, served."""

    store: Store
    settings: Settings
    memo: Memo
    runs: Runs
    kept: Kept
    seen: Seen
    versions: Versions
    whatif: WhatIf
    tail: Tail
    metrics: Metrics
    may_see: MaySee = everything

    def buildings(self) -> Sequence[Building]:
        """The park's buildings, found once a revision."""
        return self.memo.value("buildings", lambda: buildings(self.store))

    def gazetteer(self) -> Sequence[Entry]:
        """All that can be found by name, gathered once a revision."""
        return self.memo.value("gazetteer", lambda: gazetteer(self.store, self.buildings()))

    def close(self) -> None:
        """End what is under way, and this thread's hold on the park."""
        self.runs.close()
        self.seen.close()
        self.store.close()


def serve(store: Store, settings: Settings) -> Served:
    """What the routes share for `store`."""
    return Served(
        store=store,
        settings=settings,
        memo=Memo(store),
        runs=Runs(store, settings.measures_at_once),
        kept=Kept(store),
        seen=Seen(store),
        versions=Versions(store),
        whatif=WhatIf(store),
        tail=Tail(store, settings.poll_s),
        metrics=Metrics(),
        may_see=rule_named(settings.rule),
    )


def _served(connection: HTTPConnection) -> Served:
    return cast("Served", connection.app.state.served)


def _language(connection: HTTPConnection) -> str:
    return language(connection.scope)


ServedPark = Annotated[Served, Depends(_served)]
Language = Annotated[str, Depends(_language)]
