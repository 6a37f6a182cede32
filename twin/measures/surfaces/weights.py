"""How many people use a place and how important it is, where its attributes say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twin.model import Space

PERSONS = ("persons", "people", "occupancy", "OccupancyNumber", "OccupancyNumberPeak", "capacity_persons", "人数", "使用人数", "容纳人数")
IMPORTANCE = ("importance", "weight", "权重", "重要性", "重要度")


def persons_of(row: Mapping[str, Any]) -> float | None:
    """The number of people that a feature says use it; None where it says none."""
    return _number(row, PERSONS)


def importance_of(row: Mapping[str, Any]) -> float:
    """How much a square metre of a feature counts; 1 where it does not say."""
    found = _number(row, IMPORTANCE)
    return 1.0 if found is None else found


def persons_in(space: Space) -> float | None:
    """The number of people that a room's property sets say use it (Pset_SpaceOccupancyRequirements)."""
    sets = [values for values in space.attributes.values() if isinstance(values, Mapping)]
    return next((found for values in (*sets, space.attributes) if (found := _number(values, PERSONS)) is not None), None)


def _number(row: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    for name in names:
        try:
            found = float(row[name])
        except (KeyError, TypeError, ValueError):
            continue
        if 0 <= found < 1e6:
            return found
    return None
