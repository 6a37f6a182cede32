"""What buildings are made of: wall types with their layers, which wall stands between which rooms, materials and their looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sample_park.buildings_ifc.rooms import OPEN_TOGETHER


@dataclass(frozen=True)
class WallType:
    """A kind of wall: names, layers outermost first as (material, thickness [m]), fire rating, whether it carries."""

    key: str
    name: str
    name_zh: str
    layers: tuple[tuple[str, float], ...]
    fire: str
    bearing: bool = False

    @property
    def thickness_m(self) -> float:
        """The whole thickness. [m]"""
        return round(sum(thickness for _, thickness in self.layers), 4)


CONCRETE, BRICK, PLASTERBOARD, GLASS = "Concrete 混凝土", "Brick 烧结砖", "Plasterboard 石膏板", "Glass 玻璃"
STEEL, WOOD, WOOL, PLASTER, ALUMINIUM = "Steel 钢", "Wood 木", "Mineral wool 岩棉", "Gypsum plaster 石膏抹灰", "Aluminium 铝"
GALVANISED, CABLE, STONE, COPPER = "Galvanised steel 镀锌钢", "Cable 电缆", "Stone 石材", "Copper 铜"

LOOKS: Mapping[str, tuple[float, float, float, float]] = {  # red green blue, transparency
    CONCRETE: (0.78, 0.78, 0.76, 0.0),
    BRICK: (0.80, 0.62, 0.52, 0.0),
    PLASTERBOARD: (0.93, 0.93, 0.90, 0.0),
    GLASS: (0.62, 0.78, 0.86, 0.65),
    STEEL: (0.55, 0.58, 0.62, 0.0),
    WOOD: (0.70, 0.53, 0.36, 0.0),
    WOOL: (0.85, 0.80, 0.60, 0.0),
    PLASTER: (0.94, 0.93, 0.90, 0.0),
    ALUMINIUM: (0.75, 0.77, 0.80, 0.0),
    GALVANISED: (0.66, 0.70, 0.72, 0.0),
    CABLE: (0.85, 0.55, 0.20, 0.0),
    STONE: (0.72, 0.70, 0.66, 0.0),
    COPPER: (0.72, 0.45, 0.25, 0.0),
}

WALLS: Mapping[str, WallType] = {
    wall.key: wall
    for wall in (
        WallType(
            "brick", "External wall, brick 300", "外墙·烧结砖300", ((STONE, 0.02), (WOOL, 0.06), (BRICK, 0.20), (PLASTER, 0.02)), "2.00h"
        ),
        WallType("panel", "External wall, sandwich panel 160", "外墙·夹芯板160", ((STEEL, 0.005), (WOOL, 0.15), (STEEL, 0.005)), "1.50h"),
        WallType("basement", "Basement wall, concrete 400", "地下室外墙·混凝土400", ((CONCRETE, 0.40),), "3.00h", bearing=True),
        WallType("core", "Core wall, concrete 200", "核心筒·混凝土200", ((CONCRETE, 0.20),), "3.00h", bearing=True),
        WallType(
            "thick", "Kitchen wall, concrete and brick 420", "厨房墙·混凝土砖420", ((CONCRETE, 0.30), (BRICK, 0.12)), "3.00h", bearing=True
        ),
        WallType("fire", "Fire wall, brick 240", "防火墙·烧结砖240", ((PLASTER, 0.01), (BRICK, 0.22), (PLASTER, 0.01)), "3.00h"),
        WallType("wet", "Partition, brick 140", "隔墙·烧结砖140", ((PLASTER, 0.01), (BRICK, 0.12), (PLASTER, 0.01)), "2.00h"),
        WallType(
            "light", "Partition, plasterboard 120", "隔墙·石膏板120", ((PLASTERBOARD, 0.024), (WOOL, 0.072), (PLASTERBOARD, 0.024)), "1.00h"
        ),
        WallType("glazed", "Partition, glass 24", "隔墙·玻璃24", ((GLASS, 0.024),), "0.50h"),
        WallType("parapet", "Parapet, brick 200", "女儿墙·烧结砖200", ((BRICK, 0.20),), "1.00h"),
    )
}

_RANK = ("void", "core", "fire", "thick", "wet", "glazed", "light")
_BY_USE: Mapping[str, str] = {
    "stair": "core",
    "lift": "core",
    "shaft": "core",
    "wc": "wet",
    "machine_room": "fire",
    "electrical": "fire",
    "telecom": "fire",
    "kitchen": "fire",
    "storage": "wet",
    "battery": "fire",
    "it_module": "fire",
    "workshop": "fire",
    "ramp": "core",
    "void": "void",
    "meeting": "glazed",
    "exhibition": "glazed",
    "lobby": "light",
    "parking": "fire",
    "cold_store": "fire",
}


def wall_between(use: str, other: str) -> str | None:
    """The wall type between two rooms by their uses; None where they flow into each other."""
    if use in OPEN_TOGETHER and other in OPEN_TOGETHER:
        return None
    if {use, other} == {"dining", "kitchen"} or {use, other} == {"servery", "dining"}:
        return "thick"
    kinds = sorted((_BY_USE.get(use, "light"), _BY_USE.get(other, "light")), key=_RANK.index)
    return None if kinds[0] == "void" else kinds[0]
