"""Currency: how old what the park shows is, by the dates of its sources and of its features."""

from __future__ import annotations

import datetime as dt
from typing import Any

from importers.quality.finding import Check, Finding, Question, Subject

_OLD_YEARS = 3.0
_YEAR = dt.timedelta(days=365.25)


def source_dates(subject: Subject) -> Check:
    """Sources whose content is years old: by the date inside the file where it has one, else by the import."""
    findings: list[Finding] = []
    sources = subject.store.sources()
    ages: list[float] = []
    for source in sources:
        written = _date(source["report"].get("details", {}).get("written_at"))
        date = written or _date(source["at"])
        if date is None:
            continue
        years = (dt.datetime.now(dt.UTC) - date) / _YEAR
        ages.append(years)
        if years > _OLD_YEARS:
            details = {"date": date.date().isoformat(), "years": round(years, 1)}
            findings.append(Finding(str(source["name"]), severity="info", details=details))
    figures: dict[str, float | int | str] = {"oldest_years": round(max(ages), 1)} if ages else {}
    return Check("source_dates", "currency", len(sources), findings, figures)


def dated_features(subject: Subject) -> Check:
    """Layers whose features do not say since when they are valid."""
    findings: list[Finding] = []
    examined = 0
    for layer in subject.store.layers():
        if not layer.features:
            continue
        examined += 1
        dated = sum(_date(value) is not None for value in subject.store.features(layer.id).column("valid_from"))
        if dated < layer.features:
            findings.append(
                Finding(layer.title or layer.id, severity="info", details={"without": layer.features - dated, "total": layer.features})
            )
    return Check("dated_features", "currency", examined, findings)


def _date(value: Any) -> dt.datetime | None:
    try:
        date = dt.datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=dt.UTC)


CHECKS: tuple[Question, ...] = (source_dates, dated_features)
