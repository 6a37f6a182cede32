"""Key positions concluded from what a park holds: gates, crossings, doors, lifts, rooms, storeys, names.

Which rules speak for a class is data (`derive` in `positions.toml`); a rule is one function from a park's content to positions. What a
rule finds has an id made of the class and of what it was found from, so that it is called the same as long as that is there: after
another import of the same model too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from twin.measures.derived.content import Content
from twin.measures.derived.indoors import floors_1_2, ground_and_top, lifts, outer_doors, rooms
from twin.measures.derived.outdoors import crossings, gates, main_gates, people_gates, perimeter, side_gates, vehicle_gates
from twin.measures.derived.position import Position
from twin.measures.derived.words import devices, main_buildings, named

__all__ = ["RULES", "Content", "Position", "derive"]

Rule = Callable[[Content, str], list[Position]]

RULES: Mapping[str, Rule] = {
    "crossings": crossings, "devices": devices, "floors_1_2": floors_1_2, "gates": gates, "ground_and_top": ground_and_top,
    "lifts": lifts, "main_buildings": main_buildings, "main_gates": main_gates, "named": named, "outer_doors": outer_doors,
    "people_gates": people_gates, "perimeter": perimeter, "rooms": rooms, "side_gates": side_gates, "vehicle_gates": vehicle_gates,
}  # fmt: skip


def derive(content: Content, kind: str, rules: Sequence[str]) -> list[Position]:
    """The positions of a class that the first of its rules with an answer finds, each id once."""
    for rule in rules:
        found = {position.id: position for position in RULES[rule](content, kind)}
        if found:
            return list(found.values())
    return []
