"""How fine a picture has to be: the density levels of IEC 62676-4 in both its editions, and things that have to be made out.

A density is counted on the target, in pixels per metre. What has to be made out - a face, the eyes in it, a number plate - states how
many pixels it needs along its own width or height, which is a density too:

        density = pixels / size        plate: 100 px / 0.440 m = 227 px/m        face: 40 px / 0.23 m = 174 px/m
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# edition of IEC 62676-4 -> level -> least density [px/m]
LADDERS: Mapping[str, Mapping[str, float]] = {
    "2014": {"monitor": 12.5, "detect": 25.0, "observe": 62.5, "recognise": 125.0, "identify": 250.0, "inspect": 1000.0},
    "2025": {
        "overview": 20.0, "outline": 40.0, "discern": 80.0, "perceive": 125.0, "characterise": 250.0, "validate": 500.0,
        "scrutinise": 1500.0,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Target:
    """Something to be made out: its size, the pixels it needs, and whether along its height or its width."""

    size_m: float
    pixels: float
    is_upright: bool  # counted along the height, which a steep view shortens
    source: str

    def density(self, pixels: float | None = None) -> float:
        """The density that shows it with its own or another number of pixels. [px/m]"""
        return (self.pixels if pixels is None else pixels) / self.size_m


TARGETS: Mapping[str, Target] = {
    "face": Target(0.23, 40.0, True, "GA/T 1127-2013 annex D: face of 0.23 m; 40 px follow from its distances for 1080p and 4K"),
    "eyes": Target(0.063, 30.0, False, "GB/T 35678-2017: 30 px between the eyes at least, 60 px better; 63 mm apart"),
    "plate": Target(0.440, 100.0, False, "plate of 440 mm; 100 px across are common practice"),
}
LEVELS = tuple(dict.fromkeys([*(name for ladder in LADDERS.values() for name in ladder), *TARGETS]))


def level_of(density: float, edition: str) -> str | None:
    """The highest level of IEC 62676-4 in `edition` that a density [px/m] reaches; None below the lowest."""
    reached = [name for name, least in LADDERS[edition].items() if density >= least]
    return reached[-1] if reached else None


def density_of(level: str, edition: str, pixels: float | None = None) -> float:
    """The density of a level - of `edition` where it has it, else of the other - or of a thing to be made out. [px/m]"""
    if level in TARGETS:
        return TARGETS[level].density(pixels)
    ladders = [LADDERS[edition], *LADDERS.values()]
    return next(ladder[level] for ladder in ladders if level in ladder)
