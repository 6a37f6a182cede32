"""Registers that the park decides: which of its buildings are the main ones, the key ones, the main offices.

Nothing of it is geometry. A building is in a register where its row says so, or where the caller names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import shapely

from twin.buildings import Building, is_house
from twin.coverage.counts import State
from twin.measures.names import both_names
from twin.measures.outlines import is_near
from twin.measures.said import flag
from twin.store import Store

MAIN_OFFICE = ("is_main_office", "main_office", "主要办公场所", "是否主要办公场所", "主要办公")
KEY_BUILDING = (
    "is_key",
    "key",
    "key_building",
    "is_main",
    "main",
    "main_building",
    "重点建筑",
    "关键建筑",
    "主要建筑",
    "是否重点",
    "是否主要",
)


def listed(building: Building, columns: Sequence[str], ids: Sequence[str]) -> State:
    """Whether a building is in a register: by name among `ids`, else by one of its columns; None where nothing is said."""
    if ids:
        return building.id in ids or building.name in ids or building.name_zh in ids
    states = [flag(building.attributes[name]) for name in columns if name in building.attributes]
    return True if True in states else False if False in states else None


def building_name(building: Building) -> str:
    """What a building is called in a result."""
    return both_names({"name": building.name, "name_zh": building.name_zh}, building.id)


def footprint(store: Store, building: Building) -> Any:
    """A building's ground in the park's frame, mended; None where it has none near the park."""
    if building.footprint is None or building.footprint.is_empty or not is_house(building):
        return None
    shape: Any = shapely.make_valid(store.park().frame.project(shapely.force_2d(building.footprint)))
    return shape if not shape.is_empty and is_near(shape) and shape.area > 0 else None


def status_of(row: Mapping[str, Any]) -> str:
    """The status that a row gives, empty where it gives none."""
    return str(row.get("status") or "")
