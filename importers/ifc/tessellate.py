"""Bodies into triangles: which kernel builds which product, and what is tried when one fails (runs in the child).

Route by risk (measured): plain bodies by the manifold chain, bodies with boolean results by the cgal-simple chain, what is missing,
empty or out of its expected box by OpenCascade, and as a last resort by OpenCascade without cutting the openings. World
coordinates are never asked for: shapes stay in their product's frame, repeated ones are written once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ifcopenshell
import ifcopenshell.geom
import numpy as np

from importers.ifc.bodies import Risk
from importers.ifc.entity import attribute
from importers.ifc.expected import disagreement, expected
from importers.ifc.kernels import ALARM_M, EXACT, FAST, SAFE, UNCUT
from importers.ifc.parts import Parts

_LOG_EVERY = 256


@dataclass(frozen=True)
class Step:
    """One attempt at some products: the kernel and their step ids; one by one where one of them may crash."""

    kernel: str
    products: Sequence[int]
    one_by_one: bool = False


@dataclass
class Tessellation:
    """The work on one open file: where results go, whom to tell, and what is already known to be off."""

    file: Any
    length_m: float
    parts: Parts
    tell: Callable[..., None]
    suspicious: set[int] = field(default_factory=set[int])  # built, but not where the definition says
    empty: set[int] = field(default_factory=set[int])  # built into nothing: the openings take the whole body

    def run(self, risks: Mapping[int, Risk], suspects: Step, done: frozenset[int]) -> None:
        """Build every product of `risks` that is not in `done`, the suspects of an earlier crash first."""
        left = {step: risk for step, risk in risks.items() if step not in done}
        first = [step for step in suspects.products if step in left]
        built = self._attempt(Step(suspects.kernel, first, one_by_one=True))
        for kernel, risk in ((FAST, "plain"), (EXACT, "clipped")):
            built |= self._attempt(Step(kernel, [step for step in left if left[step] == risk and step not in first]))
        doubted = [step for step in left if step not in built or step in self.suspicious]
        built |= self._attempt(Step(SAFE, doubted, one_by_one=True))
        voided = [step for step in doubted if step in self.empty and step not in built and attribute(self.file.by_id(step), "HasOpenings")]
        built |= self._attempt(Step(UNCUT, [step for step in left if step not in built and step not in voided], one_by_one=True))
        self.tell(at="end", voided=voided, failed=[step for step in left if step not in built and step not in voided])

    def _attempt(self, step: Step) -> set[int]:
        """The products of which this step made triangles."""
        if not step.products:
            return set()
        built: set[int] = set()
        for shape in self._one_by_one(step) if step.one_by_one else self._in_order(step):
            product = int(shape.id)
            if self._keep(product, shape, step.kernel):
                built.add(product)
            self.tell(at="built", product=product)
            if len(built) % _LOG_EVERY == 0:
                ifcopenshell.get_log()  # reading empties it: a large file would fill the memory with notices
        self.parts.flush()
        return built

    def _keep(self, product: int, shape: Any, kernel: str) -> bool:
        vertices = np.frombuffer(shape.geometry.verts_buffer, float).reshape(-1, 3)
        if not len(shape.geometry.faces_buffer):
            self.empty.add(product)
            return False
        if not np.isfinite(vertices).all():
            return False
        off = self._off(product, vertices)
        if off > ALARM_M:
            self.suspicious.add(product)
        self.parts.add(product, shape, kernel, off)
        return True

    def _off(self, product: int, vertices: Any) -> float:
        hope = None
        with contextlib.suppress(AttributeError, TypeError, ValueError, IndexError, AssertionError, RuntimeError, RecursionError):
            hope = expected(self.file.by_id(product))
        return disagreement(vertices, hope, self.length_m) if hope else 0.0

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
