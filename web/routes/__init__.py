"""The paths of the server, one router a resource; what they say is made in `web.answers`."""

from __future__ import annotations

from fastapi import FastAPI

from web.problems import RESPONSES
from web.routes import (
    assets,
    buildings,
    devices,
    elements,
    events,
    evidence,
    health,
    layers,
    live,
    measures,
    packs,
    pages,
    park,
    problems,
    quality,
    scenarios,
    search,
    sees,
    sources,
)


def include(app: FastAPI) -> None:
    """Give `app` all paths; the client's files come last, for what no other path takes."""
    for module in (
        park, layers, devices, buildings, elements, search, sees, measures, evidence, packs, events, assets, sources, quality, scenarios,
    ):  # fmt: skip
        app.include_router(module.router, responses=RESPONSES)
    for module in (live, health, problems, pages):
        app.include_router(module.router)
