"""Key positions by what things are called: zones, yards, buildings, rooms, roads and devices whose words name a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import shapely

from twin.measures.derived.content import Content
from twin.measures.derived.position import DERIVED, Position
from twin.measures.names import both_names

KINDS = ("zone", "enterprise", "building", "building_part", "road", "path", "road_area", "parking_area", "manhole", "other")
SAID = ("class", "usage", "name", "name_zh", "用途", "功能", "类型")
MARKS = ("main", "is_main", "key", "is_key", "key_building", "重点", "主要建筑", "关键建筑", "是否重点")
ENVIRONMENT = (
    "air",
    "pm2.5",
    "pm10",
    "noise",
    "water quality",
    "weather",
    "voc",
    "environment",
    "空气",
    "噪声",
    "水质",
    "环境",
    "气象",
    "扬尘",
    "废气",
)
_YES = {"1", "true", "yes", "是", "main", "key", "主要", "关键", "重点"}


def named(content: Content, kind: str) -> list[Position]:
    """Features and rooms whose words name the class."""
    words = [word.casefold() for word in content.words.get(kind, ()) if len(word) > 1]
    found: list[Position] = []
    for sort in KINDS:
        table = content.store.features_of_kind(sort)
        for i, shape in enumerate(table.geometry):
            row = table.row(i)
            if shape is not None and not shape.is_empty and _says(" ".join(str(row.get(name) or "") for name in SAID), words):
                flat = content.flat(shape)
                if not flat.is_empty:
                    owner = table.ids[i] if sort == "building" else row.get("building_id")
                    found.append(_named(f"{sort}/{table.ids[i]}", both_names(row, table.ids[i]), kind, flat, owner))
    for space in content.spaces:
        said = f"{space.long_name} {space.name} {space.usage or ''}"
        if space.outline is not None and _says(said, words) and not (flat := content.flat(space.outline)).is_empty:
            owner = content.owner(space.model_id, space.id)
            z = content.z(flat, space.floor_h_m)
            found.append(
                Position(space.id, space.long_name or space.name or space.id, kind, flat, z, owner, space.storey_id, space.id, derived=True,
                         origin="room", origin_id=space.id, confidence=0.7, state=DERIVED)
            )  # fmt: skip
    return found


def main_buildings(content: Content, kind: str) -> list[Position]:
    """Buildings marked as main or key ones, else those whose names say so."""
    marked = [building for building in content.buildings if _is_marked(building.attributes)]
    words = [word.casefold() for word in content.words.get(kind, ())]
    called = [building for building in content.buildings if _says(f"{building.name} {building.name_zh} {building.usage or ''}", words)]
    found: list[Position] = []
    for building in marked or called:
        shape = content.flat(building.footprint) if building.footprint is not None else shapely.Polygon()
        if not shape.is_empty:
            sure = 0.9 if marked else 0.6
            found.append(
                Position(f"{kind}/{building.id}", building.name, kind, shape, None, building.id, derived=True, origin="footprint",
                         origin_id=building.id, confidence=sure, state=DERIVED)
            )  # fmt: skip
    return found


def devices(content: Content, kind: str) -> list[Position]:
    """Sensors that measure the environment."""
    frame = content.store.park().frame
    found: list[Position] = []
    for device in content.store.devices("sensor"):
        said = " ".join([device.name, *(str(value) for value in device.attributes.values() if isinstance(value, str))])
        if _says(said, ENVIRONMENT):
            x, y, _ = frame.to_enu([(device.lon, device.lat)])[0].tolist()
            where = (device.building_id, device.storey_id, device.space_id, device.id)
            found.append(
                Position(f"{kind}/{device.id}", device.name or device.id, kind, shapely.Point(x, y), None, *where, derived=True,
                         origin="device", origin_id=device.id, confidence=0.8, state=DERIVED)
            )  # fmt: skip
    return found


def _named(origin: str, name: str, kind: str, shape: Any, owner: str | None) -> Position:
    return Position(f"{kind}/{origin}", name, kind, shape, None, owner, derived=True, origin="name", origin_id=origin, confidence=0.7,
                    state=DERIVED)  # fmt: skip


def _says(said: str, words: Sequence[str]) -> bool:
    text = said.casefold().replace("_", " ")
    return any(word in text for word in words)


def _is_marked(row: Mapping[str, Any]) -> bool:
    return any(str(row.get(name) or "").strip().casefold() in _YES for name in MARKS)
