"""How good a park's models are (`twin check --quality`): questions in five groups, each with what was examined and what was found.

The groups are the quality elements of ISO 19157-1 as CJJ/T 315 asks for them: geometric and attribute accuracy, completeness,
currency, logical consistency. A question is one function and one entry of its module's CHECKS.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from importers.contract import Progress, silent
from importers.quality import attributes, completeness, consistency, currency, geometry
from importers.quality.deliveries import deliveries
from importers.quality.finding import GROUPS, Check, Subject
from twin.i18n import message
from twin.store import Store

_MODULES = (geometry, attributes, completeness, currency, consistency)


@dataclass(frozen=True)
class Quality:
    """What all questions came to."""

    park: str
    revision: str
    at: str  # ISO 8601, UTC
    checks: Sequence[Check]

    def document(self, lang: str) -> dict[str, Any]:
        """The report as JSON, its sentences in `lang`."""
        checks = [check.document(lang) for check in self.checks]
        groups = [
            {
                "id": group,
                "title": message(f"quality_group_{group}", lang),
                "checks": [check["id"] for check in checks if check["group"] == group],
                "findings": sum(len(check["findings"]) for check in checks if check["group"] == group),
            }
            for group in GROUPS
        ]
        return {"park": self.park, "revision": self.revision, "at": self.at, "groups": groups, "checks": checks}

    @property
    def findings(self) -> int:
        """How many findings there are that are more than a remark."""
        return sum(finding.severity != "info" for check in self.checks for finding in check.findings)


def quality(store: Store, sets: Sequence[Path] = (), *, progress: Progress = silent) -> Quality:
    """The quality of the park's models.

    Parameters
    ----------
    store
        The park.
    sets
        Delivery sets (IDS) that the models' files are held against.
    progress
        Told of each question.

    Raises
    ------
    UnreadableSource
        If a delivery set cannot be read.
    """
    subject = Subject(store)
    questions = [question for module in _MODULES for question in module.CHECKS]
    checks: list[Check] = []
    for k, question in enumerate(questions):
        progress("quality", k, len(questions))
        checks.append(question(subject))
    checks += deliveries(subject, sets, progress) if sets else []
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Quality(store.park().name, store.revision(), now, sorted(checks, key=lambda check: GROUPS.index(check.group)))
