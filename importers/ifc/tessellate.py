"""Bodies into triangles: which kernel builds which product, and what is tried when one fails (runs in the child).

Route by risk (measured): plain bodies by the manifold chain, bodies with boolean results by the cgal-simple chain, what is missing,
empty, out of its expected box or complained of by the kernel in its log by OpenCascade, then by OpenCascade without cutting the openings;
what no kernel builds is drawn as the box of its definition. World coordinates are never asked for: shapes stay in their product's frame,
repeated ones are written once. Where there is much to do a copy of this process helps: both take batches from one queue.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import ifcopenshell
import ifcopenshell.geom
import numpy as np
from numpy.typing import NDArray

from importers.ifc import team
from importers.ifc.bodies import Risk
from importers.ifc.entity import attribute
from importers.ifc.expected import Expectations, box, disagreement
from importers.ifc.kernels import ALARM_M, BOX, EXACT, FAST, SAFE, UNCUT
from importers.ifc.parts import Parts, Progress, Shape
from importers.ifc.placements import MALFORMED, Placements

_LOG_EVERY = 256
_LOOK_EVERY = 32  # products between two looks at the memory
_BATCH = (100, 1000)  # products in one go of an iterator: it keeps all that it has made, and looks at the whole file first
_SLOW_BATCH = (1, 50)  # the same of a slow kernel
_LINE = 300  # step ids in one line to the parent: 4096 bytes are written in one piece
_ROUNDS = 8  # batches for each of two processes, where that makes none too small
_COMPLAINT = re.compile(r"^\[error\].*?\{([0-3][0-9A-Za-z_$]{21})\}", re.MULTILINE)
_FARTHEST_M = 1e8  # what lies farther out is on no earth


class Enough(Exception):
    """This process has grown too large to go on; everything built so far is written."""


class HelperLost(Exception):
    """The copy that helped has died; which product it died of is found by one process alone."""


@dataclass(frozen=True)
class Step:
    """One attempt at some products: the kernel and their step ids; one by one where one of them may crash."""

    kernel: str
    products: Sequence[int]
    one_by_one: bool = False


@dataclass
class Seen:
    """Step ids of products by what came of the attempts at them."""

    built: set[int] = field(default_factory=set[int])
    suspicious: set[int] = field(default_factory=set[int])  # built, but not where the definition says, or not without complaint
    empty: set[int] = field(default_factory=set[int])  # built into nothing: the openings take the whole body
    beyond: set[int] = field(default_factory=set[int])  # built where nothing can be

    def take(self, other: Mapping[str, Iterable[int]]) -> None:
        """Take in what another process has seen."""
        for name, steps in other.items():
            getattr(self, name).update(steps)


@dataclass
class Tessellation:
    """The work on one open file: where results go, whom to tell, when to stop, and what is already known to be off."""

    file: Any
    length_m: float
    parts: Parts
    tell: Callable[..., None]
    is_enough: Callable[[], bool] = lambda: False
    helper: Parts | None = None  # where a copy of this process puts its shapes, if one may help
    seen: Seen = field(default_factory=Seen)
    _hopes: Expectations = field(default_factory=Expectations)
    _offs: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    _complaints: set[str] = field(default_factory=set[str])  # GlobalIds
    _sharing: dict[tuple[str, str], set[int]] = field(default_factory=dict[tuple[str, str], set[int]])

    def run(self, risks: Mapping[int, Risk], suspects: Step, before: Progress, given_up: Sequence[int]) -> None:
        """Build every product of `risks` that is not finished `before`, the suspects of an earlier crash first.

        Raises
        ------
        Enough
            If the process should end and another one go on.
        HelperLost
            If its helper died.
        """
        left = {step: risk for step, risk in risks.items() if step not in before.done and step not in given_up}
        first = [step for step in suspects.products if step in left]
        seen = self.seen
        self.attempt(Step(suspects.kernel, first, one_by_one=True))
        chains = ((FAST, "plain"), (EXACT, "clipped"))
        self._build([Step(kernel, [step for step in left if left[step] == risk and step not in first]) for kernel, risk in chains])
        doubted = [step for step in left if step not in seen.built or step in seen.suspicious]
        before_doubted = [step for step in before.doubted if step in risks and step not in given_up]
        self.attempt(Step(SAFE, [*before_doubted, *doubted], one_by_one=True))
        voided = [
            step for step in doubted if step in seen.empty and step not in seen.built and attribute(self.file.by_id(step), "HasOpenings")
        ]
        self.attempt(Step(UNCUT, [step for step in left if step not in seen.built and step not in voided], one_by_one=True))
        failed = [step for step in left if step not in seen.built and step not in voided]
        boxed = self._boxes([step for step in (*failed, *given_up) if step in risks and step not in before.done])
        beyond = [step for step in failed if step in seen.beyond]
        self.tell(at="end", voided=voided, failed=failed, beyond=beyond, boxed=boxed)

    def _build(self, steps: Sequence[Step]) -> None:
        """Build all of some steps, with the helper's help where there are two batches or more."""
        batches = [batch for step in reversed(steps) for batch in _batches(step, is_shared=self.helper is not None)]  # the slowest first
        if self.helper is None or len(batches) < 2:
            for batch in batches:
                self.attempt(batch)
            return
        queue = team.Queue.of(len(batches))
        noted = self.helper.folder / f"helper-{self.helper.run}.json"
        pid = team.copy(lambda: self._help(queue, batches, noted))
        self.tell(at="helped")
        is_enough = False
        try:
            for batch in queue.take(batches):
                self.attempt(batch)
        except Enough:
            is_enough = True
        finally:
            status = team.wait(pid)
        if status or not noted.exists():
            raise HelperLost
        self.seen.take(json.loads(noted.read_bytes()))
        if is_enough:
            raise Enough

    def _help(self, queue: team.Queue, batches: Sequence[Step], noted: Path) -> int:
        """The copy's part: batches until none is left or it has grown too large, and a note of what it has seen."""
        also = replace(self, parts=self.helper, tell=lambda **said: _also(self.tell, said), helper=None, seen=Seen())
        with contextlib.suppress(Enough):
            for batch in queue.take(batches):
                also.attempt(batch)
        noted.write_text(json.dumps({name: sorted(steps) for name, steps in asdict(also.seen).items()}), "utf-8")
        return 0

    def attempt(self, step: Step) -> None:
        """Note of which products this step makes triangles."""
        for start in range(0, len(step.products), _BATCH[1]):
            batch = Step(step.kernel, step.products[start : start + _BATCH[1]], step.one_by_one)
            wanted, begin = set(batch.products), time.perf_counter()
            for k, shape in enumerate(self._one_by_one(batch) if step.one_by_one else self._in_order(batch)):
                product = int(shape.id)
                if product not in wanted:  # another one of the same representation: its own batch may be somebody else's
                    continue
                if self._keep(product, shape, step.kernel, time.perf_counter() - begin):
                    self.seen.built.add(product)
                self.tell(at="built", product=product)
                if k % _LOG_EVERY == 0:
                    self._heed_log(step.kernel)  # reading empties it: a large file would fill the memory with notices
                if k % _LOOK_EVERY == _LOOK_EVERY - 1 and self.is_enough():
                    break
                begin = time.perf_counter()
            self._heed_log(step.kernel)
            self._doubt()
            self.parts.flush()
            if self.is_enough():
                raise Enough

    def _heed_log(self, kernel: str) -> None:
        """Take down what a fast chain complains of: it leaves out what it cannot build, or builds it twice."""
        said = str(ifcopenshell.get_log())
        if kernel in {FAST, EXACT} and "[error]" in said:
            self._complaints.update(_COMPLAINT.findall(said))

    def _doubt(self) -> None:
        """Doubt what was complained of, and all that has the same shape; of several products of one shape the first is named."""
        for identity in self._complaints:
            with contextlib.suppress(RuntimeError):
                product = self.file.by_guid(identity).id()
                self.seen.suspicious.update(*(steps for steps in self._sharing.values() if product in steps))
        self._complaints.clear()

    def _keep(self, product: int, shape: Any, kernel: str, seconds: float) -> bool:
        vertices = np.frombuffer(shape.geometry.verts_buffer, float).reshape(-1, 3)
        if not len(shape.geometry.faces_buffer):
            self.seen.empty.add(product)
            return False
        if not _is_on_earth(vertices, np.frombuffer(shape.transformation_buffer, float)):
            self.seen.beyond.add(product)
            return False
        key = (kernel, str(shape.geometry.id))
        self._sharing.setdefault(key, set()).add(product)
        if key not in self._offs:
            self._offs[key] = self._off(product, vertices)
        if self._offs[key] > ALARM_M:
            self.seen.suspicious.add(product)
        self.parts.add(product, shape, kernel, self._offs[key], seconds)
        return True

    def _off(self, product: int, vertices: Any) -> float:
        hope = None
        with contextlib.suppress(*MALFORMED):
            hope = self._hopes.of(self.file.by_id(product))
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
        self._announce(step, step.products)
        if not shapes.initialize():
            return
        self._announce(step, _task_order(shapes) or step.products)
        while True:
            yield shapes.get()
            if not shapes.next():
                return

    def _one_by_one(self, step: Step) -> Iterator[Any]:
        library = SAFE if step.kernel == UNCUT else step.kernel
        settings = _settings(step.kernel)
        self._announce(step, step.products)
        for product in step.products:
            self.tell(at="begin", product=product)
            with contextlib.suppress(RuntimeError):  # what the kernel raises where it can make no shape
                yield ifcopenshell.geom.create_shape(settings, self.file.by_id(product), geometry_library=library)  # type: ignore[arg-type]

    def _announce(self, step: Step, order: Sequence[int]) -> None:
        """Tell what is to be built next, in lines short enough to be written in one piece beside those of others."""
        self.tell(at="step", kernel=step.kernel, one_by_one=step.one_by_one)
        for start in range(0, len(order), _LINE):
            self.tell(at="order", order=list(order[start : start + _LINE]))


def _also(tell: Callable[..., None], said: Mapping[str, Any]) -> None:
    """A helper's signs of life: what it has built."""
    if said["at"] == "built":
        tell(at="also", product=said["product"])


def _batches(step: Step, *, is_shared: bool) -> Iterator[Step]:
    """A step in pieces: the largest there may be for one process, smaller ones for two."""
    least, most = _BATCH if step.kernel == FAST else _SLOW_BATCH
    size = min(max(least, -(-len(step.products) // (2 * _ROUNDS))), most) if is_shared else _BATCH[1]
    for start in range(0, len(step.products), size):
        yield Step(step.kernel, step.products[start : start + size])


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
