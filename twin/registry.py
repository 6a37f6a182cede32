"""Entry points turned into objects: the tables of `pyproject.toml` are the list of what the system can do."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from twin.errors import NotFound

GROUPS = ("twin.importers", "twin.measures", "twin.commands", "twin.messages")


@cache
def points(group: str) -> dict[str, EntryPoint]:
    """Name -> entry point of `group`, by name; nothing is loaded yet."""
    return {point.name: point for point in sorted(entry_points(group=group), key=lambda point: point.name)}


@cache
def load(group: str, name: str) -> Any:
    """The object registered under `name`.

    Raises
    ------
    NotFound
        If nothing of that name is registered in `group`.
    """
    if name not in points(group):
        raise NotFound("not_registered", subject=name, group=group, known=", ".join(points(group)))
    return points(group)[name].load()


def load_all(group: str) -> dict[str, Any]:
    """Name -> object for all that is registered in `group`."""
    return {name: load(group, name) for name in points(group)}
