"""Bodies into triangles: which kernel builds which product, and what is tried when one fails (runs in the child).

Route by risk (measured): plain bodies by the manifold chain, bodies with boolean results by the cgal-simple chain, what is missing,
empty or out of its expected box by OpenCascade, then by OpenCascade without cutting the openings; what no kernel builds is drawn as the
box of its definition. World coordinates are never asked for: shapes stay in their product's frame, repeated ones are written once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ifcopenshell
import ifcopenshell.geom
import numpy as np
from numpy.typing import NDArray

from importers.ifc.bodies import Risk
from importers.ifc.entity import attribute
from importers.ifc.expected import box, disagreement, expected
from importers.ifc.kernels import ALARM_M, BOX, EXACT, FAST, SAFE, UNCUT
from importers.ifc.parts import Parts, Progress, Shape
from importers.ifc.placements import MALFORMED, Placements

_LOG_EVERY = 256
_BATCH = 1000  # products in one go of an iterator: it keeps all that it has made
_FARTHEST_M = 1e8  # what lies farther out is on no earth


class Enough(Exception):
    """This process has grown too large to go on; everything built so far is written."""


@dataclass(frozen=True)
class Step:
    """One attempt at some products: the kernel and their step ids; one by one where one of them may crash."""

    kernel: str
    products: Sequence[int]
    one_by_one: bool = False


@dataclass
class Tessellation:
    """The work on one open file: where results go, whom to tell, when to stop, and what is already known to be off."""

    file: Any
    length_m: float
    parts: Parts
    tell: Callable[..., None]
    is_enough: Callable[[], bool] = lambda: False
    suspicious: set[int] = field(default_factory=set[int])  # built, but not where the definition says
    empty: set[int] = field(default_factory=set[int])  # built into nothing: the openings take the whole body
    beyond: set[int] = field(default_factory=set[int])  # built where nothing can be

    def run(self, risks: Mapping[int, Risk], suspects: Step, before: Progress, given_up: Sequence[int]) -> None:
        """Build every product of `risks` that is not finished `before`, the suspects of an earlier crash first.

        Raises
        ------
        Enough
            If the process should end and another one go on.
        """
        left = {step: risk for step, risk in risks.items() if step not in before.done and step not in given_up}
        first = [step for step in suspects.products if step in left]
        built = self._attempt(Step(suspects.kernel, first, one_by_one=True))
        for kernel, risk in ((FAST, "plain"), (EXACT, "clipped")):
            built |= self._attempt(Step(kernel, [step for step in left if left[step] == risk and step not in first]))
        doubted = [step for step in left if step not in built or step in self.suspicious]
        before_doubted = [step for step in before.doubted if step in risks and step not in given_up]
        built |= self._attempt(Step(SAFE, [*before_doubted, *doubted], one_by_one=True))
        voided = [step for step in doubted if step in self.empty and step not in built and attribute(self.file.by_id(step), "HasOpenings")]
        built |= self._attempt(Step(UNCUT, [step for step in left if step not in built and step not in voided], one_by_one=True))
        failed = [step for step in left if step not in built and step not in voided]
        boxed = self._boxes([step for step in (*failed, *given_up) if step in risks and step not in before.done])
        beyond = [step for step in failed if step in self.beyond]
        self.tell(at="end", voided=voided, failed=failed, beyond=beyond, boxed=boxed)

    def _attempt(self, step: Step) -> set[int]:
        """The products of which this step made triangles."""
        built: set[int] = set()
        for start in range(0, len(step.products), _BATCH):
            batch = Step(step.kernel, step.products[start : start + _BATCH], step.one_by_one)
            for k, shape in enumerate(self._one_by_one(batch) if step.one_by_one else self._in_order(batch)):
                product = int(shape.id)
                if self._keep(product, shape, step.kernel):
                    built.add(product)
                self.tell(at="built", product=product)
                if k % _LOG_EVERY == 0:
                    ifcopenshell.get_log()  # reading empties it: a large file would fill the memory with notices
            self.parts.flush()
            if self.is_enough():
                raise Enough
        return built

    def _keep(self, product: int, shape: Any, kernel: str) -> bool:
        vertices = np.frombuffer(shape.geometry.verts_buffer, float).reshape(-1, 3)
        if not len(shape.geometry.faces_buffer):
            self.empty.add(product)
            return False
        if not _is_on_earth(vertices, np.frombuffer(shape.transformation_buffer, float)):
            self.beyond.add(product)
            return False
        off = self._off(product, vertices)
        if off > ALARM_M:
            self.suspicious.add(product)
        self.parts.add(product, shape, kernel, off)
        return True

    def _off(self, product: int, vertices: Any) -> float:
        hope = None
        with contextlib.suppress(*MALFORMED):
            hope = expected(self.file.by_id(product))
        return disagreement(vertices, hope, self.length_m) if hope else 0.0

    def _boxes(self, products: Sequence[int]) -> list[int]:
        """Draw products as the boxes of their definitions; those where that says one."""
        placements = Placements(self.length_m)
        drawn: list[int] = []
        for product in products:
            with contextlib.suppress(*MALFORMED):
                item = self.file.by_id(product)
                corners = box(item)
                matrix = placements.stated(item) if item.ObjectPlacement is not None else np.eye(4)
                if corners is not None and matrix is not None and _is_on_earth(corners.points * self.length_m, matrix):
                    shape = Shape(corners.points * self.length_m, corners.faces, np.full((len(corners.faces), 4), np.nan, np.float32))
                    self.parts.add_shape(product, shape, matrix, BOX)
                    drawn.append(product)
        self.parts.flush()
        return drawn

    def _in_order(self, step: Step) -> Iterator[Any]:
        products = [self.file.by_id(product) for product in step.products]
        shapes = ifcopenshell.geom.iterator(_settings(step.kernel), self.file, 1, include=products, geometry_library=step.kernel)  # type: ignore[arg-type]
        self.tell(at="step", kernel=step.kernel, order=list(step.products), one_by_one=False)
        if not shapes.initialize():
            return
        self.tell(at="step", kernel=step.kernel, order=_task_order(shapes) or list(step.products), one_by_one=False)
        while True:
            yield shapes.get()
            if not shapes.next():
                return

    def _one_by_one(self, step: Step) -> Iterator[Any]:
        library = SAFE if step.kernel == UNCUT else step.kernel
        settings = _settings(step.kernel)
        self.tell(at="step", kernel=step.kernel, order=list(step.products), one_by_one=True)
        for product in step.products:
            self.tell(at="begin", product=product)
            with contextlib.suppress(RuntimeError):  # what the kernel raises where it can make no shape
                yield ifcopenshell.geom.create_shape(settings, self.file.by_id(product), geometry_library=library)  # type: ignore[arg-type]


def write_places(file: Any, products: Sequence[int], folder: Path) -> None:
    """Write places.npz: where products stand, as the kernel has it when it builds them; (n, 4, 4) [m, model]."""
    settings = _settings(FAST)
    steps: list[int] = []
    matrices: list[NDArray[np.float64]] = []
    for product in products:
        with contextlib.suppress(RuntimeError):
            frame = ifcopenshell.geom.create_shape(settings, file.by_id(product).ObjectPlacement)  # type: ignore[arg-type]
            matrices.append(np.array(frame.matrix, float).reshape(4, 4).T)  # type: ignore[union-attr]
            steps.append(product)
    if products:
        np.savez(folder / "places.npz", steps=np.array(steps, np.int64), matrices=np.array(matrices, float).reshape(-1, 4, 4))


def _is_on_earth(vertices: Any, matrix: Any) -> bool:
    """Whether a body is finite and near enough to the origin; false for what a broken number has sent away."""
    most = float(np.abs(vertices).max(initial=0.0)) + float(np.abs(matrix).max(initial=0.0))
    return bool(np.isfinite(most)) and most < _FARTHEST_M


def _task_order(shapes: Any) -> list[int]:
    """Step ids in the order the kernel will build them, so that after a crash it is known whose turn it was."""
    with contextlib.suppress(AttributeError, TypeError, RuntimeError):
        tasks = ifcopenshell.ifcopenshell_wrapper.iterator.get_task_products(shapes)
        return list(dict.fromkeys(product.id() for products in tasks for product in products))
    return []


def _settings(kernel: str) -> Any:
    settings = ifcopenshell.geom.settings()
    settings.set("apply-default-materials", False)
    settings.set("no-normals", True)
    if kernel == UNCUT:
        settings.set("disable-opening-subtractions", True)
    return settings
