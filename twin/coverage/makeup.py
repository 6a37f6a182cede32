"""What the bodies of a scene are made of, as walls for radio: known from their materials, or what is common for their kind.

Every object is priced three times, as `WORST`, `LIKELY` and `BEST`: the three agree where its make-up is known, and span what is
common where it is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.indoor import HEAVY_FROM_M, HEAVY_WALL_DB, LIGHT_WALL_DB
from twin.coverage.materials import CAP_DB, Layer, Layers, angle_table_db, fill_table_db, material_of, vegetation_db

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

WORST, LIKELY, BEST = 0, 1, 2
IGNORED, SOLID, ASSEMBLY, SHELL, LEAVES = 0, 1, 2, 3, 4  # how the crossings of an object count: see `twin.coverage.walls`
THICKEST_CM = 60  # a way longer than this inside a body runs along it, not through it
DEEPEST_M = 60  # a way longer than this through leaves loses no more

FLOOR_FROM_CM = 8  # a thinner slab is a ceiling or a covering
LEAST_M2 = 1.0  # surface of a body about as large as the first Fresnel zone 10 m away at 2.4 GHz

ASSUMED = "assumption: what is common for this part"
_STUD: Layers = (Layer("plasterboard", 0.0125), Layer("air", 0.075), Layer("plasterboard", 0.0125))
_PANES: Layers = (Layer("glass", 0.006), Layer("air", 0.012), Layer("glass", 0.006))


@dataclass(frozen=True)
class MakeUp:
    """What a body is made of: fixed layers, one material as thick as it is drawn, leaves, or a measured loss; at most `cap_db`."""

    layers: Layers = ()
    fill: str | None = None
    fixed_db: float | None = None
    cap_db: float = CAP_DB
    leaves: bool = False


@dataclass(frozen=True)
class Rule:
    """How one kind of object counts, and what it is taken to be where its materials are not known."""

    count: int
    worst: MakeUp
    likely: MakeUp
    best: MakeUp
    source: str = ASSUMED


_NOTHING = MakeUp(fixed_db=0.0)
_IN_LEAF = MakeUp(leaves=True)
NARROW_DB = 10.0  # columns, beams and mullions are narrow: what goes round them is no weaker than this (knife edge: 6 dB an edge)
_COATED = MakeUp(fixed_db=25.0)  # 3GPP TR 38.901 IRR glass, 23 + 0.3 f ... 25.4 + 0.11 f
RULES: Mapping[str, Rule] = {
    "building": Rule(SHELL, _COATED, MakeUp((Layer("brick", 0.24),)), MakeUp(_PANES)),
    "wall": Rule(SOLID, MakeUp(fill="concrete"), MakeUp(fill="brick"), MakeUp(_STUD)),
    "slab": Rule(SOLID, MakeUp((Layer("concrete", 0.3),)), MakeUp(fill="concrete"), MakeUp((Layer("concrete", 0.1),))),
    "roof": Rule(SOLID, MakeUp(fixed_db=CAP_DB), MakeUp((Layer("concrete", 0.15),)), MakeUp((Layer("wood", 0.04),))),
    "door": Rule(ASSEMBLY, MakeUp(fixed_db=20.0), MakeUp((Layer("wood", 0.04),)), _NOTHING),
    "window": Rule(ASSEMBLY, _COATED, MakeUp(_PANES), MakeUp((Layer("glass", 0.006),))),
    "glass": Rule(ASSEMBLY, _COATED, MakeUp(_PANES), MakeUp((Layer("glass", 0.006),))),
    "column": Rule(SOLID, MakeUp(fill="concrete", cap_db=NARROW_DB), MakeUp(fill="concrete", cap_db=NARROW_DB), _NOTHING),
    "furniture": Rule(ASSEMBLY, MakeUp(fixed_db=3.0), _NOTHING, _NOTHING),
    "mep": Rule(ASSEMBLY, MakeUp(fixed_db=5.0), _NOTHING, _NOTHING),
    "terrain": Rule(ASSEMBLY, *[MakeUp(fixed_db=CAP_DB)] * 3, source="solid ground"),
    "vegetation": Rule(LEAVES, _IN_LEAF, _IN_LEAF, _NOTHING, source="ITU-R P.833-9"),
    "other": Rule(ASSEMBLY, MakeUp(fixed_db=10.0), MakeUp(fixed_db=3.0), _NOTHING),
}


# doors and windows whose material is known and thickness is not: WORST, LIKELY, BEST
OPENINGS: Mapping[str, tuple[MakeUp, MakeUp, MakeUp]] = {
    "glass": (_COATED, MakeUp(_PANES), MakeUp((Layer("glass", 0.006),))),
    "metal": (MakeUp(fixed_db=25.0), MakeUp(fixed_db=17.0), MakeUp(fixed_db=10.0)),
    "wood": (MakeUp((Layer("wood", 0.06),)), MakeUp((Layer("wood", 0.04),)), MakeUp((Layer("wood", 0.025),))),
}

# kind -> sort of `counted_table`: 0 nothing, 1 wall, 2 opening, 3 floor, 4 facade, 5 ground, 6 leaves
_COUNTED: Mapping[str, int] = {
    "wall": 1, "door": 2, "window": 2, "glass": 2, "slab": 3, "roof": 3, "building": 4, "terrain": 5, "vegetation": 6,
}  # fmt: skip


@dataclass(frozen=True)
class Partitions:
    """The objects of a scene as walls: how each counts and what it is made of in the three cases."""

    count: NDArray[np.int8]  # (o,) IGNORED SOLID ASSEMBLY SHELL LEAVES
    make_up: IntArray  # (o, 3) index of make_ups for WORST, LIKELY, BEST
    make_ups: Sequence[MakeUp]
    assumed: NDArray[np.bool_]  # (o,) nothing known of its materials


@dataclass(frozen=True)
class Conditions:
    """What is known of the parts that change: `closed` or `open` doors and windows, `opaque` or `clear` leaves, or `unknown`."""

    doors: str = "unknown"
    windows: str = "closed"
    vegetation: str = "unknown"

    def of(self, kind: str) -> str:
        """The condition of an object of some kind; empty where its kind does not change."""
        return {"door": self.doors, "window": self.windows, "vegetation": self.vegetation}.get(kind, "")


_AS_KNOWN = Conditions()


def partitions(
    kinds: Sequence[str],
    materials: Sequence[Sequence[Mapping[str, Any]]],
    opaque: NDArray[np.bool_] | None = None,
    conditions: Conditions = _AS_KNOWN,
) -> Partitions:
    """How the objects of a scene count as walls.

    Parameters
    ----------
    kinds
        Kind of each of o objects, of `twin.scene.KINDS`.
    materials
        What each is made of, outermost first: `{"name", "thickness_m"}`. [m]
    opaque
        False (o,) where sight passes: such a part of a door or wall is glass.
    conditions
        Whether doors and windows are open and trees in leaf; what is unknown spans both.
    """
    known: dict[MakeUp, int] = {}
    seen: dict[tuple[str, tuple[tuple[str, float], ...], str], tuple[tuple[int, int, int], bool, int]] = {}
    make_up = np.zeros((len(kinds), 3), np.int64)
    assumed = np.zeros(len(kinds), bool)
    count = np.zeros(len(kinds), np.int8)
    clear = np.zeros(len(kinds), bool) if opaque is None else ~np.asarray(opaque, bool)
    for i, (kind_, layers) in enumerate(zip(kinds, materials, strict=True)):
        kind = "glass" if clear[i] and kind_ != "window" else kind_
        condition = conditions.of(kind_ if kind_ == "door" else kind)
        key = (kind, tuple((str(part.get("name") or ""), float(part.get("thickness_m") or 0.0)) for part in layers), condition)
        if key not in seen:
            cases, guessed = make_ups_of(*key[:2])
            cases = _in_condition(kind_ if kind_ == "door" else kind, cases, condition)
            indices = tuple(known.setdefault(case, len(known)) for case in cases)
            seen[key] = ((indices[0], indices[1], indices[2]), guessed, RULES.get(kind, RULES["other"]).count)
        make_up[i], assumed[i], count[i] = seen[key]
    return Partitions(count, make_up, tuple(known), assumed)


def without_small(walls: Partitions, area_m2: FloatArray) -> Partitions:
    """The same walls, but bodies with less surface (o,) [m2] than LEAST_M2 do not count: waves go round them."""
    return replace(walls, count=np.where(area_m2 < LEAST_M2, IGNORED, walls.count).astype(np.int8))


def make_ups_of(kind: str, materials: Sequence[tuple[str, float]]) -> tuple[tuple[MakeUp, MakeUp, MakeUp], bool]:
    """The make-ups (WORST, LIKELY, BEST) of an object of `kind` with named layers (name, thickness [m] or 0), and whether assumed."""
    rule = RULES.get(kind, RULES["other"])
    named = [(material_of(name), thickness) for name, thickness in materials]
    if kind in {"terrain", "furniture", "mep", "vegetation", "other"} or not any(material for material, _ in named):
        return (rule.worst, rule.likely, rule.best), kind not in {"terrain", "vegetation"}
    if all(thickness > 0 for _, thickness in named):
        worst, likely, best = (MakeUp(_layers(named, stand_in)) for stand_in in ("concrete", "plasterboard", "air"))
        return (worst, likely, best), not all(material for material, _ in named)
    main = next(material for material, _ in named if material)
    if rule.count == ASSEMBLY:  # a list of materials without thickness says what is in it, not how much
        return (OPENINGS.get(main, (rule.worst, rule.likely, rule.best)) if kind == "door" else (rule.worst, rule.likely, rule.best)), True
    filled = MakeUp(fill=main, cap_db=NARROW_DB if kind == "column" else CAP_DB)
    return (filled, filled, filled), False


def _in_condition(kind: str, cases: tuple[MakeUp, MakeUp, MakeUp], condition: str) -> tuple[MakeUp, MakeUp, MakeUp]:
    """The make-ups of a door, a window or a tree whose condition is known, or may be either: then it may be out of the way."""
    if condition in {"open", "clear"}:
        return _NOTHING, _NOTHING, _NOTHING
    if condition == "unknown":
        return cases[0], cases[1], _NOTHING
    if condition == "opaque":
        return cases[0], cases[1], cases[1]
    if condition == "closed" and cases[2] == _NOTHING:  # nothing is known of it but that it is shut
        return cases[0], cases[1], OPENINGS["wood"][2] if kind == "door" else OPENINGS["glass"][2]
    return cases


def loss_table_db(walls: Partitions, f_ghz: float) -> FloatArray:
    """Loss (m, 61, 91) [dB] of each make-up at each thickness [cm] and angle of incidence [deg]; one of zeros without objects.

    Rows of leaves are ways through them [m], as many as DEEPEST_M.
    """
    return _table(tuple(walls.make_ups), f_ghz)


def counted(kinds: Sequence[str], opaque: NDArray[np.bool_]) -> Partitions:
    """The objects of a scene as COST 231 counts them: walls by thickness, openings, floors; to be used with `counted_table`."""
    sorts = np.array([_COUNTED.get(kind, 0) if clear else 2 for kind, clear in zip(kinds, opaque, strict=True)], np.int64)
    count = np.array([RULES.get(kind, RULES["other"]).count for kind in kinds], np.int8)
    return Partitions(count, np.repeat(sorts[:, None], 3, axis=1), (), np.zeros(len(kinds), bool))


def counted_table(*, floors: bool, alike_db: float | None = None) -> FloatArray:
    """Loss (7, 61, 91) [dB] of each sort that `counted` knows; or, with `floors`, the number of floors each is (0 or 1).

    With `alike_db` every wall, opening and facade costs that, and ceilings nothing (TGax); else they cost what COST 231 says.
    """
    table = np.zeros((7, THICKEST_CM + 1, 91))
    cm = np.arange(THICKEST_CM + 1)[:, None]
    if floors:
        table[3] = cm >= FLOOR_FROM_CM
        return table
    table[1] = np.where(cm > HEAVY_FROM_M * 100, HEAVY_WALL_DB, LIGHT_WALL_DB)
    table[3] = np.where(cm >= FLOOR_FROM_CM, 0.0, LIGHT_WALL_DB)  # a suspended ceiling
    table[2], table[4], table[5] = LIGHT_WALL_DB, HEAVY_WALL_DB, CAP_DB
    if alike_db is not None:
        table[1], table[2], table[4], table[3] = alike_db, alike_db, alike_db, 0.0
    return table


def _layers(named: Sequence[tuple[str | None, float]], stand_in: str) -> Layers:
    return tuple(Layer(material or stand_in, thickness) for material, thickness in named)


@lru_cache(maxsize=64)
def _table(make_ups: tuple[MakeUp, ...], f_ghz: float) -> FloatArray:
    tables = [_make_up_table(make_up, f_ghz) for make_up in make_ups] or [np.zeros((THICKEST_CM + 1, 91))]
    return np.ascontiguousarray(np.stack(tables))


def _make_up_table(make_up: MakeUp, f_ghz: float) -> FloatArray:
    if make_up.fixed_db is not None:
        return np.full((THICKEST_CM + 1, 91), min(make_up.fixed_db, make_up.cap_db))
    if make_up.leaves:
        return np.repeat(vegetation_db(np.arange(DEEPEST_M + 1.0), f_ghz)[:, None], 91, axis=1)
    if make_up.fill is None:
        layers = np.broadcast_to(angle_table_db(make_up.layers, f_ghz), (THICKEST_CM + 1, 91))
        return np.minimum(layers, make_up.cap_db)
    return np.minimum(fill_table_db(make_up.fill, f_ghz, THICKEST_CM), make_up.cap_db)
