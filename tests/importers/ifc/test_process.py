"""A child that is killed, hangs or runs out of memory takes nothing down and is gone on without."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import ifcopenshell
import numpy as np
import pytest

from importers.contract import Context, Options
from importers.ifc import IMPORTER, process
from importers.ifc.parts import finished
from importers.ifc.process import Limits, limits_for
from twin.crs import Frame
from twin.errors import UnreadableSource
from twin.model import Park

GENEROUS = Limits(total_s=120.0, silence_s=60.0, memory_bytes=8 << 30)
PARK = Park("p", Frame(120.6, 31.3))


@pytest.fixture
def street(new_house, tmp_path):
    """A file of 60 walls."""
    house = new_house()
    for k in range(60):
        house.box("IfcWall", f"W{k}", (1.0, 0.2, 2.0), at=(2.0 * k, 0.0, 0.0))
    return house.save(tmp_path / "street.ifc")


def test_a_killed_child_is_replaced_and_nothing_is_missing(street):
    killer = _Signals(signal.SIGKILL, times=1)
    imported = IMPORTER.read(street, Context(PARK, Options(), progress=killer))
    _is_whole(imported)
    assert imported.details["children"] == 2
    assert [issue.details["times"] for issue in imported.issues if issue.code == "ifc_kernel_crashed"] == [1]


def test_a_child_that_stops_moving_is_ended_and_replaced(street, monkeypatch):
    monkeypatch.setattr(process, "limits_for", lambda size: Limits(120.0, 6.0, 8 << 30))
    imported = IMPORTER.read(street, Context(PARK, Options(), progress=_Signals(signal.SIGSTOP, times=1)))
    _is_whole(imported)
    assert [issue.code for issue in imported.issues if issue.code == "ifc_no_sign_of_life"] == ["ifc_no_sign_of_life"]


def test_when_every_child_dies_what_is_left_failed_by_name(street, monkeypatch):
    monkeypatch.setattr(process, "limits_for", lambda size: Limits(120.0, 60.0, 8 << 30, children=2))
    imported = IMPORTER.read(street, Context(PARK, Options(), progress=_Signals(signal.SIGKILL, times=99)))
    states = {element.state for element in imported.models[0].elements}
    assert "failed" in states
    failed = [element for element in imported.models[0].elements if element.state == "failed"]
    assert {element.reason for element in failed} == {"kernel_crashed"}
    named = [issue.subject for issue in imported.issues if issue.code == "ifc_element_failed"]
    assert len(named) == len(failed)
    assert all(any(element.name in subject for subject in named) for element in failed)
    assert set(imported.models[0].mesh.element_ids) == {e.id for e in imported.models[0].elements if e.state == "built"}


def test_a_product_that_ends_two_children_is_given_up_and_the_rest_is_built(street, tmp_path, monkeypatch):
    product = ifcopenshell.open(str(street)).by_type("IfcWall")[20].id()
    program = _ABORTING.format(product=product)
    monkeypatch.setattr(process, "_command", lambda folder: [sys.executable, "-c", program, str(folder)])
    folder = tmp_path / "job"
    folder.mkdir()
    outcome = process.build(street, street.name, folder, GENEROUS, process.Watcher(lambda *said: None))
    assert outcome.failed == {product: "kernel_crashed"}
    assert len(outcome.deaths) == 3  # in its row, alone with a safer kernel, alone with the safest
    assert len(finished(folder)) == 60  # the one given up is drawn as the box of its definition


def test_too_little_memory_is_a_refusal_not_a_crash(street, monkeypatch):
    monkeypatch.setattr(process, "limits_for", lambda size: Limits(60.0, 30.0, 150 << 20))
    with pytest.raises(UnreadableSource) as caught:
        IMPORTER.read(street, Context(PARK, Options()))
    assert caught.value.code in {"ifc_reader_died", "ifc_library_missing"}


def test_the_time_for_the_whole_file_ends_it(street, monkeypatch):
    monkeypatch.setattr(process, "limits_for", lambda size: Limits(8.0, 60.0, 8 << 30))
    imported = IMPORTER.read(street, Context(PARK, Options(), progress=_Signals(signal.SIGSTOP, times=9)))
    assert "ifc_time_limit" in {issue.code for issue in imported.issues}
    assert {element.reason for element in imported.models[0].elements if element.state == "failed"} == {"time_limit"}


def test_what_breaks_the_rules_of_step_is_refused(street):
    text = street.read_text()
    street.write_text(text.replace("IFCWALL(", "IFCWALL((((", 1))
    with pytest.raises(UnreadableSource) as caught:
        IMPORTER.read(street, Context(PARK, Options()))
    assert caught.value.code == "ifc_syntax"
    assert "street.ifc" in caught.value.text("en")


def test_limits_grow_with_the_file_and_stay_below_the_machine():
    small, large = limits_for(10_000), limits_for(1_000_000_000)
    assert small.total_s < large.total_s
    assert small.silence_s < large.silence_s
    assert large.memory_bytes <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class _Signals:
    """Progress that sends the child a signal when it hears of the fifth product, at most `times` times."""

    def __init__(self, signal_: signal.Signals, times: int) -> None:
        self.signal, self.left, self.hit = signal_, times, set()

    def __call__(self, stage: str, done: int, _total: int) -> None:
        children = _children()
        if stage == "geometry" and done >= 5 and self.left and children - self.hit:
            pid = (children - self.hit).pop()
            self.hit.add(pid)
            self.left -= 1
            os.kill(pid, self.signal)


def _children() -> set[int]:
    """Our children that are our worker, by the kernel's own list."""
    tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
    pids = {int(pid) for task in tasks for pid in (task / "children").read_text().split()}
    return {pid for pid in pids if b"importers.ifc.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()}


_ABORTING = """
import os, sys
from pathlib import Path
from importers.ifc import tessellate, worker

def deadly(shapes):
    for shape in shapes:
        if shape.id == {product}:
            os.abort()
        yield shape

in_order, one_by_one = tessellate.Tessellation._in_order, tessellate.Tessellation._one_by_one
tessellate.Tessellation._in_order = lambda self, step: deadly(in_order(self, step))
tessellate.Tessellation._one_by_one = lambda self, step: deadly(one_by_one(self, step))
sys.exit(worker.main(Path(sys.argv[1])))
"""


def _is_whole(imported) -> None:
    content = imported.models[0]
    assert len(content.elements) == 60
    assert {element.state for element in content.elements} == {"built"}
    assert sorted(content.mesh.element_ids) == sorted(element.id for element in content.elements)
    assert len(content.mesh.faces) == 60 * 12
    boxes = np.array([element.bbox for element in content.elements])
    assert np.allclose(boxes[:, 3:] - boxes[:, :3], [1.0, 0.2, 2.0], atol=1e-4)
