"""Where products stand in their model: chains of placements, each computed once, and loops in them cut (runs in the child)."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ifcopenshell.util.placement
import numpy as np
from numpy.typing import NDArray

from importers.ifc.entity import attribute
from importers.ifc.structure import instances, of_class

Matrix = NDArray[np.float64]  # (4, 4)
MALFORMED = (
    AttributeError,
    TypeError,
    ValueError,
    IndexError,
    AssertionError,
    RuntimeError,
    RecursionError,
)  # what broken placements raise


@dataclass
class Placements:
    """Frames of products in the model [m]; `length_m` is the file's unit of length."""

    length_m: float
    _known: dict[int, Matrix | None] = field(default_factory=dict[int, "Matrix | None"])

    def of(self, product: Any) -> Matrix:
        """The frame of a product; the identity where it has no placement that can be read."""
        found = self.stated(product)
        return np.eye(4) if found is None else found

    def stated(self, product: Any) -> Matrix | None:
        """The frame of a product; None where it has no placement that can be read."""
        placement = attribute(product, "ObjectPlacement")
        matrix = self._frame(placement) if placement is not None else None
        if matrix is None:
            return None
        matrix = matrix.copy()
        matrix[:3, 3] *= self.length_m
        return matrix

    def _frame(self, placement: Any) -> Matrix | None:
        """The frame of a placement in file units; up the chain to what is known, and down again."""
        chain: list[Any] = []
        met: set[int] = set()
        while placement is not None and placement.id() not in self._known and placement.id() not in met:
            met.add(placement.id())
            chain.append(placement)
            placement = attribute(placement, "PlacementRelTo")
        matrix = self._known.get(placement.id()) if placement is not None else np.eye(4)
        for item in reversed(chain):
            own = _relative(item)
            matrix = matrix @ own if matrix is not None and own is not None else None
            self._known[item.id()] = matrix
        return matrix


def _relative(placement: Any) -> Matrix | None:
    with contextlib.suppress(*MALFORMED), np.errstate(all="ignore"):
        if placement.is_a("IfcLocalPlacement"):
            axes = placement.get_argument(1)
            matrix = (
                _axes(axes) if axes.is_a("IfcAxis2Placement3D") else np.array(ifcopenshell.util.placement.get_axis2placement(axes), float)
            )
        else:
            matrix = np.array(ifcopenshell.util.placement.get_local_placement(placement), float)
        return matrix if np.isfinite(matrix).all() else None
    return None


def _axes(axes: Any) -> Matrix:
    """The frame of an IfcAxis2Placement3D; x is made square to z, as the standard has it."""
    location, axis, reference = (axes.get_argument(k) for k in range(3))
    zx, zy, zz = _unit(axis.get_argument(0)) if axis is not None else (0.0, 0.0, 1.0)
    x = reference.get_argument(0) if reference is not None else (1.0, 0.0, 0.0)
    along = x[0] * zx + x[1] * zy + x[2] * zz
    xx, xy, xz = _unit((x[0] - along * zx, x[1] - along * zy, x[2] - along * zz))
    ox, oy, oz = location.get_argument(0)
    yx, yy, yz = zy * xz - zz * xy, zz * xx - zx * xz, zx * xy - zy * xx
    return np.array([[xx, yx, zx, ox], [xy, yy, zy, oy], [xz, yz, zz, oz], [0.0, 0.0, 0.0, 1.0]])


def _unit(vector: Any) -> tuple[float, float, float]:
    size = math.hypot(*vector)
    return vector[0] / size, vector[1] / size, vector[2] / size


def cut_loops(file: Any) -> list[int]:
    """Step ids of placements that stood, through others, relative to themselves; each is now relative to nothing.

    A kernel would follow such a chain for ever.
    """
    whole: set[int] = set()
    cut: list[int] = []
    for placement in of_class(file, "IfcLocalPlacement"):
        chain: list[int] = []
        item = placement
        while item is not None and item.is_a("IfcLocalPlacement") and item.id() not in whole:
            step = item.id()
            above = item.get_argument(0)
            if above is not None and (above.id() in chain or above.id() == step):
                item.PlacementRelTo = None
                cut.append(step)
                above = None
            chain.append(step)
            item = above
        whole.update(chain)
    return cut


def cut_circles(file: Any) -> list[int]:
    """Step ids of things that were, through others, parts of themselves; each is now a part of nothing.

    A kernel that asks what a body is a part of would go round for ever.
    """
    whole: dict[int, int] = {}
    cut: list[int] = []
    for relation in of_class(file, "IfcRelAggregates"):
        above = relation.get_argument(4)
        parts = instances(relation.get_argument(5))
        if not hasattr(above, "id"):
            continue
        for part in parts:
            if _is_within(above.id(), part.id(), whole):
                cut.append(part.id())
            else:
                whole[part.id()] = above.id()
        kept = [part for part in parts if part.id() not in cut]
        if not kept and parts:
            file.remove(relation)
        elif len(kept) < len(parts):
            relation.RelatedObjects = kept
    return cut


def _is_within(step: int | None, other: int, whole: Mapping[int, int]) -> bool:
    """Whether something is a part of another, or the same."""
    while step is not None:
        if step == other:
            return True
        step = whole.get(step)
    return False
