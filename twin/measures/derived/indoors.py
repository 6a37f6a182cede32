"""Key positions in buildings: outer doors, lifts, rooms by use, storeys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import shapely

from twin.measures.derived.content import Content
from twin.measures.derived.position import DERIVED, Position
from twin.measures.surfaces.levels import Level
from twin.measures.usages import usage_of
from twin.model import ATTRIBUTES, Element, Space

MAIN_DOOR_WORDS = (
    "main",
    "entrance",
    "haupt",
    "haustür",
    "haustuer",
    "principal",
    "entrée",
    "eingang",
    "主入口",
    "主门",
    "大门",
    "入口",
    "正门",
)
LOBBY_USAGES = ("lobby", "corridor", "stair")
BEFORE_M = 1.2  # a person who comes through a door stands so far in front of it
IN_WALL_M = 0.8  # a door so near to the outline of its building stands in an outer wall
DOUBLE_M = 1.4  # doors of this width have two leaves
GROUND_M = 1.5  # a door whose sill is farther above or below the ground outside leads to no street


def outer_doors(content: Content, kind: str) -> list[Position]:
    """The main outer door of each building that has a model: on the ground, the best by name, by the room behind it, then by width."""
    rooms = {space.id: space for space in content.spaces}
    by_building: dict[str, list[tuple[tuple[float, float, float, str], Element]]] = {}
    for door in content.elements:
        if door.ifc_class.startswith("IfcDoor") and door.bbox is not None and _is_outer(content, door) and _is_low(content, door):
            owner = content.owner(door.model_id, door.id) or door.model_id
            by_building.setdefault(owner, []).append((_rank(door, rooms), door))
    found: list[Position] = []
    for owner, doors in by_building.items():
        rank, door = max(doors, key=lambda each: each[0])
        found.append(_at_door(content, door, owner, kind, 0.9 if rank[0] else 0.75 if rank[1] else 0.6))
    return found


def lifts(content: Content, kind: str) -> list[Position]:
    """One position a lift; where no model has lifts, a position a lift shaft among the rooms."""
    found = [_at_lift(content, element, kind) for element in content.elements if _is_lift(element)]
    if found:
        return found
    shafts: dict[tuple[str, int, int], Space] = {}
    for space in content.spaces:
        if usage_of(space) == "elevator" and space.outline is not None:
            middle = content.flat(space.outline).centroid
            if not middle.is_empty:
                key = (space.model_id, round(middle.x / 2), round(middle.y / 2))  # storey by storey the same shaft
                shafts.setdefault(key, space)
    return [_in_room(content, space, kind, 0.6) for space in shafts.values()]


def rooms(content: Content, kind: str) -> list[Position]:
    """The rooms that are used as the class says."""
    usages = content.usages.get(kind, ())
    drawn = [space for space in content.spaces if space.outline is not None and usage_of(space) in usages]
    return [_in_room(content, space, kind, 0.8) for space in drawn if not content.flat(space.outline).is_empty]


def floors_1_2(content: Content, kind: str) -> list[Position]:
    """The outlines of the two lowest storeys above ground, a position a storey."""
    found: list[Position] = []
    for own in _by_building(content).values():
        above = [level for level in own if level.place != "basement"][:2]
        found += [_at_level(level, kind, shapely.boundary(level.outline)) for level in above]
    return found


def ground_and_top(content: Content, kind: str) -> list[Position]:
    """The ground floor and the top floor of each building."""
    return [_at_level(level, kind, level.outline) for level in content.levels if level.place in {"ground", "top", "only"}]


def _by_building(content: Content) -> Mapping[str, list[Level]]:
    out: dict[str, list[Level]] = {}
    for level in content.levels:
        out.setdefault(level.building_id, []).append(level)
    return out


def _at_level(level: Level, kind: str, shape: Any) -> Position:
    sure = 0.8 if level.model_id else 0.4 if level.is_assumed else 0.6
    storey = level.id if level.model_id else None
    return Position(
        f"{kind}/{level.id}", level.name, kind, shape, level.floor_z, level.building_id, storey, derived=True, origin="storey",
        origin_id=level.id, confidence=sure, state=DERIVED,
    )  # fmt: skip


def _is_outer(content: Content, door: Element) -> bool:
    """Whether a door leads outside: its model says so, or it joins one room alone and stands in the outline of its building."""
    said = [values.get("IsExternal") for values in door.properties.values() if isinstance(values, Mapping)]
    if True in said:
        return True
    own = door.properties.get(ATTRIBUTES)
    joins = own.get("joins") if isinstance(own, Mapping) else None
    if not isinstance(joins, list) or len(joins) != 1:
        return False
    outline = content.outline(content.owner(door.model_id, door.id) or door.model_id)
    return outline.is_empty or outline.boundary.distance(_middle(door)) <= IN_WALL_M


def _is_low(content: Content, door: Element) -> bool:
    box = door.bbox or (0.0,) * 6
    return abs(float(content.ground(shapely.get_coordinates(_middle(door)))[0]) - box[2]) <= GROUND_M


def _rank(door: Element, rooms: Mapping[str, Space]) -> tuple[float, float, float, str]:
    """How much a door looks like the main one; the higher the better."""
    box = door.bbox or (0.0,) * 6
    said = f"{door.name} {door.type_name or ''}".casefold()
    own = door.properties.get(ATTRIBUTES)
    joins = own.get("joins", ()) if isinstance(own, Mapping) else ()
    behind = next((usage for name in joins or () if name in rooms and (usage := usage_of(rooms[name]))), None)
    width = max(box[3] - box[0], box[4] - box[1])
    looks = 2.0 * (behind == "lobby") + (width >= DOUBLE_M) + 0.5 * (behind in LOBBY_USAGES)
    return (float(any(word in said for word in MAIN_DOOR_WORDS)), looks, round(width, 2), door.id)


def _at_door(content: Content, door: Element, owner: str, kind: str, sure: float) -> Position:
    box, middle = door.bbox or (0.0,) * 6, _middle(door)
    outline = content.outline(owner)
    return Position(
        f"{kind}/{door.id}", door.name or door.id, kind, _before(middle, outline), float(box[2]), owner, door.storey_id, None, door.id,
        derived=True, origin="door", origin_id=door.id, confidence=sure, state=DERIVED,
    )  # fmt: skip


def _middle(element: Element) -> Any:
    box = element.bbox or (0.0,) * 6
    return shapely.Point((box[0] + box[3]) / 2, (box[1] + box[4]) / 2)


def _before(middle: Any, outline: Any) -> Any:
    """The point in front of a door in the outline of a building, outside."""
    if outline.is_empty:
        return middle
    edge = shapely.get_coordinates(shapely.shortest_line(outline.boundary, middle))[0]
    corners = [shapely.get_coordinates(ring) for ring in shapely.get_rings(outline)]
    start = [(ring[k], ring[k + 1]) for ring in corners for k in range(len(ring) - 1)]
    a, b = min(start, key=lambda ends: shapely.LineString(ends).distance(shapely.Point(edge)))
    way = (b - a) / max(float(((b - a) ** 2).sum()) ** 0.5, 1e-9)
    sides = [shapely.Point(edge[0] + s * BEFORE_M * way[1], edge[1] - s * BEFORE_M * way[0]) for s in (1, -1)]
    return max(sides, key=lambda point: (not outline.contains(point), point.distance(outline)))


def _is_lift(element: Element) -> bool:
    said = f"{element.name} {element.type_name or ''} {element.properties}".casefold()
    moving = any(word in said for word in ("escalator", "movingwalkway", "自动扶梯", "扶梯", "crane"))
    return element.ifc_class.startswith("IfcTransportElement") and element.bbox is not None and not moving


def _at_lift(content: Content, lift: Element, kind: str) -> Position:
    box, middle = lift.bbox or (0.0,) * 6, _middle(lift)
    height = float(content.ground(shapely.get_coordinates(middle))[0])
    owner = content.owner(lift.model_id, lift.id)
    return Position(
        lift.id, lift.name or lift.id, kind, middle, max(height, float(box[2])), owner, lift.storey_id, lift.space_id, lift.id,
        derived=True, origin="lift", origin_id=lift.id, confidence=0.95, state=DERIVED,
    )  # fmt: skip


def _in_room(content: Content, space: Space, kind: str, sure: float) -> Position:
    shape = content.flat(space.outline)
    owner = content.owner(space.model_id, space.id)
    name = space.long_name or space.name or space.id
    return Position(
        space.id, name, kind, shape, content.z(shape, space.floor_h_m), owner, space.storey_id, space.id, derived=True, origin="room",
        origin_id=space.id, confidence=sure, state=DERIVED,
    )  # fmt: skip
